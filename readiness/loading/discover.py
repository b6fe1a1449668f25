"""Paths to sources: the walk, what is left alone, and what could not be read."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from readiness import files, kinds, tree_paths
from readiness.facts.table import property_by_fact_name
from readiness.files import decode_text, os_error_text_without_path
from readiness.loading import passed
from readiness.loading.client_settings import is_surely_without_credential
from readiness.loading.ignoring import IgnoreRules
from readiness.loading.report_paths import ReportPaths
from readiness.loading.scripts import MAX_SCRIPTS_PER_TREE, SCRIPT_SUFFIXES, read_container_script
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.settings.nested import SettingsBelowRoot
from readiness.syntax import template

if TYPE_CHECKING:
    from readiness.loading.tracked import TrackedFiles

MAX_SOURCE_BYTES = files.MAX_JUDGED_FILE_BYTES
MAX_FOLDER_DEPTH = 64
PROSE_SUFFIXES = (".md", ".markdown", ".mdx", ".mdown", ".txt")
_PACKAGE_FILE_NAMES = frozenset({"go.mod", "package.json", "Cargo.toml"})  # of which readiness/kinds/github/owner.py reads the repository
_PYTHON_METADATA_FILE_NAMES = frozenset({"PKG-INFO", "METADATA"})  # a Python package's, with its README once more
_ALWAYS_READ_NAME = lazy_regex(r"(?<![a-z])(?:dockerfile|containerfile|nginx)|(?:docker|container)ignore\Z", re.IGNORECASE)


REASON_NOT_TEXT = "it is not text (UTF-8, or UTF-16 with a byte order mark)"


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that was seen and not read, with the reason.

    `status` is unreadable for one that should have been judged, else skipped. `kind` is given where that decides whether
    it matters: of environment files those matter that a compose file reads.
    """

    path: str
    reason: str
    status: str = "unreadable"
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The context of a run: every path that was seen in it, what it lies around, and whether a bound ended the reading.

    `judged` are the folders and files that were given, as reports print them; `files` counts the files that are of a kind.
    `folders` are those that were walked around them, `here` the folders that lead from the root of the repository to the
    working directory. It is `narrow` around files that were given by themselves: only what joins of these ask for.
    """

    paths: frozenset[str] = frozenset()
    judged: tuple[str, ...] = ()
    cut: bool = False
    files: int = 0
    folders: frozenset[str] = frozenset()
    here: tuple[str, ...] = ()
    narrow: bool = False


@dataclass(slots=True)
class DiscoveredFiles:
    """What a walk found: texts to classify, documents in prose, scripts, files that failed, and every path it saw.

    `passed_over_paths` are the paths that it saw and passed over: ignored, vendored, or a link that leads out.
    `credential_free_paths` are files that may hold credentials by their names and hold none. `ignore_rules` are the .gitignore
    files that it read; `partly_followed_gitignores` those files whose patterns it did not go by to the end.
    `prose_sources_around` are the documents of the context, `package_sources` are packages beside pipelines, which say whose repository it is.
    `context` is what was read around it (`loading/context.py`), `program_texts` the programs that were read besides (`loading/programs_read.py`).
    `tracked` are the only files that a walk takes in, where that was asked for.
    """

    sources: list[Source] = field(default_factory=list)
    prose_sources: list[Source] = field(default_factory=list)
    prose_sources_around: list[Source] = field(default_factory=list)
    package_sources: list[Source] = field(default_factory=list)
    script_sources: list[Source] = field(default_factory=list)
    unread_files: list[UnreadFile] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    skipped_count: int = 0
    has_walked_folder: bool = False
    named_paths: set[str] = field(default_factory=set)
    base: Path = field(default_factory=Path.cwd)
    walked_folders: set[str] = field(default_factory=set)
    passed_over_paths: set[str] = field(default_factory=set)
    credential_free_paths: set[str] = field(default_factory=set)
    ignore_rules: IgnoreRules = field(default_factory=lambda: IgnoreRules(Path.cwd()))
    partly_followed_gitignores: list[UnreadFile] = field(default_factory=list)
    context: Surroundings = field(default_factory=Surroundings)
    program_texts: dict[str, str] = field(default_factory=dict)
    tracked: TrackedFiles | None = None

    def may_be_ignored(self, path: str) -> bool:
        """Whether a .gitignore of the walk may leave a path out, be it there or not."""
        return self.ignore_rules.may_ignore(path)


class MissingPathError(Exception):
    """A path that was given does not exist: the path as given."""


def discover_files(
    given_paths: Sequence[str | os.PathLike[str]],
    exclude_globs: Sequence[str] = (),
    *,
    working_directory: Path | None = None,
    glob_prefix: str = "",
    settings_below_root: SettingsBelowRoot | None = None,
    tracked: TrackedFiles | None = None,
) -> DiscoveredFiles:
    """Every file under the paths that may be ours, in order of path. Raises MissingPathError.

    Paths are shown relative to `working_directory`, the working directory where none is given. `glob_prefix` leads from what the globs of
    `exclude_globs` are relative to there. `settings_below_root` is told of each folder with settings of its own.
    """
    walk = FileWalk(tuple(exclude_globs), (working_directory or Path.cwd()).absolute(), glob_prefix, settings_below_root)
    walk.found.tracked = tracked
    for given_path in given_paths:
        path = Path(given_path)
        if not path.exists() and not path.is_symlink():
            raise MissingPathError(str(given_path))
        if path.is_dir():
            walk.walk_named_folder(path)
        else:
            walk.add_named_file(path)
    walk.follow_links()
    for path, unused_patterns_reason in walk.ignoring.overruled.items():
        walk.found.partly_followed_gitignores.append(UnreadFile(walk.report_path(path), unused_patterns_reason))
    walk.found.sources.sort(key=lambda source: source.path)
    walk.found.prose_sources.sort(key=lambda source: source.path)
    return walk.found


def _is_never_walked(folder_name: str) -> bool:
    """Whether a folder holds what is others', or version control's own."""
    return folder_name in property_by_fact_name("folders", "vendored") or tree_paths.is_version_control_name(folder_name)


def _may_be_env_file(file_name: str) -> bool:
    """Whether a file of this name may be one that compose files take variables from."""
    if ".env" not in file_name.lower():
        return False
    from readiness.kinds import dotenv

    return dotenv.recognizes_file(file_name, "")


def is_template_of_known_kind(template_path: str) -> bool:
    """Whether a file is opened only for what it makes, which may be ours by its name: `deploy.yaml.j2`."""
    path_without_template_ending = template.path_without_template_suffix(template_path)
    return (
        path_without_template_ending != template_path
        and path_without_template_ending.lower().endswith((".yaml", ".yml", ".conf", ".json"))
        and Path(template_path).suffix.lower() in property_by_fact_name("file-endings", "foreign")
        and not _ALWAYS_READ_NAME.search(posixpath.basename(template_path))
    )


class FileWalk:
    """One walk over the given paths: what it has found, seen and been told to leave out."""

    def __init__(
        self, exclude_globs: tuple[str, ...], base: Path, glob_prefix: str = "", settings_below_root: SettingsBelowRoot | None = None
    ) -> None:
        self.base = base
        self.settings_below_root = settings_below_root
        self.report_path = ReportPaths(base).report_path
        self.ignoring = IgnoreRules(base, exclude_globs, glob_prefix)
        self.found = DiscoveredFiles(base=base, ignore_rules=self.ignoring)
        self.seen: dict[tuple[int, int], Source | None] = {}
        self.links: list[Path] = []
        self.roots: list[str] = []
        self._is_repository_by_folder: dict[Path, bool] = {}

    def walk_named_folder(self, folder: Path) -> None:
        """Walk a folder that was named on the command line, under the .gitignore files above it."""
        if self._is_named_path_excluded(folder, folder):
            return
        self.found.has_walked_folder = True
        self.found.walked_folders.add(self.report_path(folder))
        self.roots.append(os.path.realpath(folder))
        self.enter_parents(folder)
        self.walk_folder(folder, 0)

    def _is_named_path_excluded(self, path: Path, folder: Path) -> bool:
        """Whether `exclude` leaves out a path that was named, in the settings down to its folder too: a hook names files whatever they say."""
        if self.settings_below_root is not None:
            self.ignoring.add_exclude_globs(self.settings_below_root.read_down_to(folder))
        report_path = self.report_path(path)
        exclude_glob = self.ignoring.glob_excluding_named_path(report_path)
        if exclude_glob:
            self.found.unread_files.append(UnreadFile(report_path, f"left out by exclude: {exclude_glob}", "skipped"))
        return bool(exclude_glob)

    def enter_parents(self, folder: Path) -> None:
        """Read the .gitignore files of the folders above one, up to the root of its repository."""
        self.ignoring.stack.clear()
        parent_folders, current_folder = [], folder.resolve()
        while not self._is_repository(current_folder) and current_folder.parent != current_folder:
            current_folder = current_folder.parent
            parent_folders.append(current_folder)
        if self._is_repository(current_folder):
            self.found.passed_over_paths.add(self.report_path(current_folder / ".git"))
            for parent_folder in reversed(parent_folders):
                self.ignoring.enter_folder(parent_folder)

    def _is_repository(self, folder: Path) -> bool:
        """Whether a folder is the root of a repository; looked up once for all that lies in it."""
        if folder not in self._is_repository_by_folder:
            self._is_repository_by_folder[folder] = tree_paths.is_repository_root(folder)
        return self._is_repository_by_folder[folder]

    def is_left_out(self, folder_entry: os.DirEntry[str], *, is_folder: bool) -> bool:
        """Whether an entry is left out by `exclude`, by a .gitignore above it, or as untracked where only tracked files are asked for."""
        tracked = self.found.tracked
        report_path = self.report_path(folder_entry.path) if self.ignoring.exclude or tracked else ""
        if tracked and tracked.is_untracked(report_path, is_folder=is_folder):
            return True
        return self.ignoring.is_left_out(folder_entry.path, report_path, is_folder=is_folder)

    def add_unread(self, path: str | Path, unread_reason: str) -> None:
        """Remember a file or folder that should have been judged and was not."""
        self.found.unread_files.append(UnreadFile(self.report_path(path), unread_reason))

    def walk_folder(self, folder: Path, depth: int) -> None:
        """One folder, entry by entry; links out of it are not followed."""
        if depth > MAX_FOLDER_DEPTH:
            self.add_unread(folder, f"directories are nested over {MAX_FOLDER_DEPTH} deep")
            return
        try:
            with os.scandir(folder) as directory_scan:
                folder_entries = sorted(directory_scan, key=lambda entry: entry.name)
        except OSError as error:
            self.add_unread(folder, os_error_text_without_path(error))
            return
        if self.settings_below_root is not None and depth and self.settings_below_root.may_stand_in(one.name for one in folder_entries):
            self.ignoring.add_exclude_globs(self.settings_below_root.read(folder))
        has_gitignore = self.ignoring.enter_folder(folder)
        for entry in folder_entries:
            if self.take_entry(entry, folder):
                self.walk_folder(Path(entry.path), depth + 1)
        if has_gitignore:
            self.ignoring.leave_folder()

    def take_entry(self, folder_entry: os.DirEntry[str], folder: Path) -> bool:
        """Take in an entry of a folder: a file is read; whether it is a folder that is to be walked."""
        try:
            is_folder = folder_entry.is_dir(follow_symlinks=False)
            if folder_entry.is_symlink() and not passed.is_link_to_file_below_folder(folder_entry, folder):
                self.found.passed_over_paths.add(self.report_path(folder_entry.path))
                if folder_entry.name not in property_by_fact_name("folders", "vendored") and not self.is_left_out(folder_entry, is_folder=False):
                    self.links.append(Path(folder_entry.path))
                return False
        except OSError as error:
            self.add_unread(folder_entry.path, os_error_text_without_path(error))
            return False
        if (is_folder and _is_never_walked(folder_entry.name)) or self.is_left_out(folder_entry, is_folder=is_folder):
            self.found.passed_over_paths.add(self.report_path(folder_entry.path))
            return False
        if not is_folder:
            self.add_file(Path(folder_entry.path))
        return is_folder

    def add_named_file(self, path: Path) -> None:
        """A file that was given by its name, and the names beside it: enough for `.dockerignore` and its like.

        Of what stands beside a compose file the environment files are read: what they say belongs to it.
        """
        if self._is_named_path_excluded(path, path.parent):
            return
        self.found.named_paths.add(self.report_path(path))
        self.add_file(path, is_named=True)
        try:
            with os.scandir(path.parent) as directory_scan:
                sibling_entries = sorted(directory_scan, key=lambda entry: entry.name)
        except OSError:
            return
        self.found.paths.update(self.report_path(entry.path) for entry in sibling_entries)
        found_sources = self.found.sources
        if path.suffix.lower() in {".yaml", ".yml"} and found_sources and "services" in found_sources[-1].text:
            self.add_env_files(path.parent, sibling_entries)

    def add_env_files(self, folder: Path, folder_entries: Sequence[os.DirEntry[str]]) -> None:
        """The environment files among the entries of a folder, but for those that are ignored or led to by a link."""
        env_file_entries = [one for one in folder_entries if _may_be_env_file(one.name)]
        if not env_file_entries:
            return
        self.enter_parents(folder)
        self.ignoring.enter_folder(folder)
        for entry in env_file_entries:
            if self.is_left_out(entry, is_folder=False):
                continue
            if entry.is_symlink():
                report_path = self.report_path(entry.path)
                self.found.unread_files.append(UnreadFile(report_path, passed.REASON_LINK_NOT_FOLLOWED, "skipped", "dotenv"))
            elif not entry.is_dir():
                self.add_file(Path(entry.path))
        self.ignoring.stack.clear()

    def add_file(self, path: Path, *, is_named: bool = False) -> None:
        """One file: read it where it may be ours."""
        discovered, suffix = self.found, path.suffix.lower()
        report_path = self.report_path(path)
        discovered.paths.add(report_path)
        is_surely_ours = is_named or suffix in {".yaml", ".yml", ".conf"} or bool(_ALWAYS_READ_NAME.search(path.name))
        may_be_env_file = _may_be_env_file(path.name)
        is_hidden_file = path.name.startswith(".") and not suffix and not may_be_env_file  # .gitignore, .bashrc
        has_foreign_ending = (suffix in property_by_fact_name("file-endings", "foreign") or path.name in _PYTHON_METADATA_FILE_NAMES) and not (
            is_named or is_template_of_known_kind(path.name)
        )
        if is_surely_without_credential(path):
            discovered.credential_free_paths.add(report_path)
        if (has_foreign_ending or is_hidden_file) and not is_surely_ours:
            discovered.skipped_count += 1
            if path.name in _PACKAGE_FILE_NAMES and (path.parent / ".github" / "workflows").is_dir():
                self._add_package(path, report_path)
            if suffix in SCRIPT_SUFFIXES and len(discovered.script_sources) < MAX_SCRIPTS_PER_TREE:
                script = read_container_script(path, report_path)
                discovered.script_sources += [script] if script is not None else []
            return
        try:
            file_stat = path.stat()
            refusal_reason = files.file_refusal_reason(file_stat, MAX_SOURCE_BYTES)
            device_and_inode = (file_stat.st_dev, file_stat.st_ino)
            if file_stat.st_ino and device_and_inode in self.seen:
                discovered.skipped_count += 1
                return
            file_text = None if refusal_reason else decode_text(files.read_regular_file(path, MAX_SOURCE_BYTES))
        except OSError as error:
            self.add_unread(path, os_error_text_without_path(error))
            return
        if files.special_file_type(file_stat.st_mode):  # a socket called nginx.sock is nobody's configuration
            is_surely_ours = is_named or suffix in {".yaml", ".yml"} or bool(passed.promised_kind(report_path, discovered.paths))
        source = self.seen[device_and_inode] = None if file_text is None else Source(report_path, file_text)
        if source is not None:
            (discovered.prose_sources if suffix in PROSE_SUFFIXES else discovered.sources).append(source)
        elif may_be_env_file and not is_named:
            discovered.unread_files.append(UnreadFile(report_path, refusal_reason or REASON_NOT_TEXT, kind="dotenv"))
        elif is_surely_ours and not has_foreign_ending:
            self.add_unread(path, refusal_reason or REASON_NOT_TEXT)
        else:
            discovered.skipped_count += 1

    def _add_package(self, package_path: Path, report_path: str) -> None:
        """What a package beside pipelines says of its repository; judged by nobody, so that one that can't be read is no loss."""
        with contextlib.suppress(OSError):
            if (package_text := decode_text(files.read_regular_file(package_path, MAX_SOURCE_BYTES))) is not None:
                self.found.package_sources.append(Source(report_path, package_text))

    def follow_links(self) -> None:
        """Answer for the links that lead out of their folders, once all else was read.

        What is ours by its name is read where it stands in the tree and was not met there, else told. Of others, those
        that may be ours are named.
        """
        for link in self.links:
            report_path = self.report_path(link)
            promised_kind = passed.promised_kind(report_path, self.found.paths)
            refusal_reason = tree_paths.link_refusal_reason(link, passed.allowed_link_targets(link, promised_kind, self.roots))
            if promised_kind == "dotenv" and refusal_reason:
                self.found.unread_files.append(UnreadFile(report_path, refusal_reason, kind=promised_kind))
            elif promised_kind and refusal_reason:
                self.add_unread(link, refusal_reason)
            elif promised_kind:
                self.read_link(link, promised_kind)
            elif refusal_reason and link.suffix.lower() in {".yaml", ".yml", ".conf"}:
                self.found.unread_files.append(UnreadFile(report_path, refusal_reason, status="skipped"))

    def read_link(self, link: Path, promised_kind: str) -> None:
        """A link of ours by its name to a file of the tree, unless that is ours where it stands."""
        try:
            target_stat = link.stat()
        except OSError as error:
            self.add_unread(link, os_error_text_without_path(error))
            return
        device_and_inode = (target_stat.st_dev, target_stat.st_ino)
        source_of_target = self.seen.get(device_and_inode)
        if device_and_inode not in self.seen:
            self.add_file(link)
        elif source_of_target is None:
            self.add_unread(link, "a link to a file that was not read")
        elif promised_kind in {"helm", "kustomize"} or not kinds.detect_kind(source_of_target.path, source_of_target.text):
            self.found.sources.append(Source(self.report_path(link), source_of_target.text))
