"""Paths to sources: the walk, what is left alone, and what could not be read."""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from readiness import files, kinds
from readiness.facts.table import fact_column
from readiness.files import decode_text, os_error_text
from readiness.loading import passed
from readiness.loading.client_settings import is_surely_without_credential
from readiness.loading.ignoring import IgnoreRules
from readiness.loading.scripts import MAX_SCRIPTS, SCRIPT_SUFFIXES, read_script
from readiness.model import Source
from readiness.syntax import template

MAX_BYTES = files.MAX_FILE_BYTES
MAX_DEPTH = 64
PROSE_SUFFIXES = (".md", ".markdown", ".mdx", ".mdown", ".txt")
_PACKAGE_FILES = frozenset(
    {"go.mod", "package.json", "Cargo.toml"}
)  # of which readiness/kinds/github/owner.py reads the repository
_PYTHON_METADATA_FILES = frozenset({"PKG-INFO", "METADATA"})  # a Python package's, with its README once more
_ALWAYS_READ_NAME = re.compile(r"(?<![a-z])(?:dockerfile|containerfile|nginx)|(?:docker|container)ignore\Z", re.IGNORECASE)


REASON_NO_TEXT = "it is not text (UTF-8, or UTF-16 with a byte order mark)"


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
    `package_sources` are packages beside pipelines, which say whose repository it is. `context` is what
    was read around it (`loading/context.py`), `program_texts` the programs that were read besides (`loading/programs_read.py`).
    """

    sources: list[Source] = field(default_factory=list)
    prose_sources: list[Source] = field(default_factory=list)
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

    def may_be_ignored(self, path: str) -> bool:
        """Whether a .gitignore of the walk may leave a path out, be it there or not."""
        return self.ignore_rules.may_ignore(path)


class MissingPathError(Exception):
    """A path that was given does not exist: the path as given."""


def discover_files(
    paths: Sequence[str | os.PathLike[str]],
    exclude_globs: Sequence[str] = (),
    *,
    base: Path | None = None,
    prefix: str = "",
) -> DiscoveredFiles:
    """Every file under the paths that may be ours, in order of path. Raises MissingPathError.

    Paths are shown relative to `base`, the working directory where none is given. `prefix` leads from what the globs of
    `exclude_globs` are relative to there.
    """
    walk = FileWalk(tuple(exclude_globs), (base or Path.cwd()).absolute(), prefix)
    for given in paths:
        path = Path(given)
        if not path.exists() and not path.is_symlink():
            raise MissingPathError(str(given))
        if path.is_dir():
            walk.walk_named_folder(path)
        else:
            walk.add_named_file(path)
    walk.follow_links()
    for path, reason in walk.ignoring.overruled.items():
        walk.found.partly_followed_gitignores.append(UnreadFile(walk.report_path(path), reason))
    walk.found.sources.sort(key=lambda source: source.path)
    walk.found.prose_sources.sort(key=lambda source: source.path)
    return walk.found


def is_walked_whole(discovered: DiscoveredFiles, folder: Path | None) -> bool:
    """Whether all of a folder was given to be judged: in a part of it not every waiver can be needed."""
    if folder is None:
        return True
    given = discovered.walked_folders - discovered.context.folders
    home = folder.resolve()
    return any(home.is_relative_to((discovered.base / one).resolve()) for one in given)


def add_standard_input(discovered: DiscoveredFiles, data: bytes) -> None:
    """Add standard input as one file called `-`."""
    text = decode_text(data) if len(data) <= MAX_BYTES else None
    if text is None:
        why = "it is not text" if len(data) <= MAX_BYTES else "it is over the size limit"
        discovered.unread_files.append(UnreadFile("-", why))
    else:
        # It has no name to go by: ask what it would be under each.
        names = ("stdin.yaml", "Dockerfile", "nginx.conf")
        kind = next((k for name in names if (k := kinds.detect_kind(name, text))), "")
        discovered.sources.append(Source("-", text, kind=kind))


def _may_be_env_file(name: str) -> bool:
    """Whether a file of this name may be one that compose files take variables from."""
    if ".env" not in name.lower():
        return False
    from readiness.kinds import dotenv

    return dotenv.recognizes_file(name, "")


def is_template_of_known_kind(name: str) -> bool:
    """Whether a file is opened only for what it makes, which may be ours by its name: `deploy.yaml.j2`."""
    inner = template.rendered_path(name)
    return (
        inner != name
        and inner.lower().endswith((".yaml", ".yml", ".conf", ".json"))
        and Path(name).suffix.lower() in fact_column("file-endings", "foreign")
        and not _ALWAYS_READ_NAME.search(posixpath.basename(name))
    )


class FileWalk:
    """One walk over the given paths: what it has found, seen and been told to leave out."""

    def __init__(self, exclude: tuple[str, ...], base: Path, prefix: str = "") -> None:
        self.base = base
        self.ignoring = IgnoreRules(base, exclude, prefix)
        self.found = DiscoveredFiles(base=base, ignore_rules=self.ignoring)
        self.seen: dict[tuple[int, int], Source | None] = {}
        self.links: list[Path] = []
        self.roots: list[str] = []

    def report_path(self, path: str | Path) -> str:
        """A path as reports print it: relative to the base where it can be, with `/`."""
        try:
            text = os.path.relpath(path, self.base)
        except ValueError:  # another drive
            text = str(path)
        return text.replace(os.sep, "/")

    def walk_named_folder(self, folder: Path) -> None:
        """Walk a folder that was named on the command line, under the .gitignore files above it."""
        self.found.has_walked_folder = True
        self.found.walked_folders.add(self.report_path(folder))
        self.roots.append(os.path.realpath(folder))
        self.enter_parents(folder)
        self.walk_folder(folder, 0)

    def enter_parents(self, folder: Path) -> None:
        """Read the .gitignore files of the folders above one, up to the root of its repository."""
        self.ignoring.stack.clear()
        chain, here = [], folder.resolve()
        while not (here / ".git").exists() and here.parent != here:
            here = here.parent
            chain.append(here)
        if (here / ".git").exists():
            self.found.passed_over_paths.add(self.report_path(here / ".git"))
            for outer in reversed(chain):
                self.ignoring.enter_folder(outer)

    def is_left_out(self, entry: os.DirEntry[str], *, is_folder: bool) -> bool:
        """Whether an entry is left out by `exclude` or by a .gitignore above it."""
        report_path = self.report_path(entry.path) if self.ignoring.exclude else ""
        return self.ignoring.is_left_out(entry.path, report_path, is_folder=is_folder)

    def add_unread(self, path: str | Path, reason: str) -> None:
        """Remember a file or folder that should have been judged and was not."""
        self.found.unread_files.append(UnreadFile(self.report_path(path), reason))

    def walk_folder(self, folder: Path, depth: int) -> None:
        """One folder, entry by entry; links out of it are not followed."""
        if depth > MAX_DEPTH:
            self.add_unread(folder, f"directories are nested over {MAX_DEPTH} deep")
            return
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.add_unread(folder, os_error_text(error))
            return
        entered = self.ignoring.enter_folder(folder)
        for entry in entries:
            if self.take_entry(entry, folder):
                self.walk_folder(Path(entry.path), depth + 1)
        if entered:
            self.ignoring.leave_folder()

    def take_entry(self, entry: os.DirEntry[str], folder: Path) -> bool:
        """Take in an entry of a folder: a file is read; whether it is a folder that is to be walked."""
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.is_symlink() and not passed.is_link_below(entry, folder):
                self.found.passed_over_paths.add(self.report_path(entry.path))
                if entry.name not in fact_column("folders", "vendored") and not self.is_left_out(entry, is_folder=False):
                    self.links.append(Path(entry.path))
                return False
        except OSError as error:
            self.add_unread(entry.path, os_error_text(error))
            return False
        if (is_folder and entry.name in fact_column("folders", "vendored")) or self.is_left_out(entry, is_folder=is_folder):
            self.found.passed_over_paths.add(self.report_path(entry.path))
            return False
        if not is_folder:
            self.add_file(Path(entry.path))
        return is_folder

    def add_named_file(self, path: Path) -> None:
        """A file that was given by its name, and the names beside it: enough for `.dockerignore` and its like.

        Of what stands beside a compose file the environment files are read: what they say belongs to it.
        """
        self.found.named_paths.add(self.report_path(path))
        self.add_file(path, is_named=True)
        try:
            with os.scandir(path.parent) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            return
        self.found.paths.update(self.report_path(entry.path) for entry in entries)
        texts = self.found.sources
        if path.suffix.lower() in {".yaml", ".yml"} and texts and "services" in texts[-1].text:
            self.add_env_files(path.parent, entries)

    def add_env_files(self, folder: Path, entries: Sequence[os.DirEntry[str]]) -> None:
        """The environment files among the entries of a folder, but for those that are ignored or led to by a link."""
        wanted = [one for one in entries if _may_be_env_file(one.name)]
        if not wanted:
            return
        self.enter_parents(folder)
        self.ignoring.enter_folder(folder)
        for entry in wanted:
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
        name = self.report_path(path)
        discovered.paths.add(name)
        certain = is_named or suffix in {".yaml", ".yml", ".conf"} or bool(_ALWAYS_READ_NAME.search(path.name))
        environment = _may_be_env_file(path.name)
        hidden = path.name.startswith(".") and not suffix and not environment  # .gitignore, .bashrc
        other = (suffix in fact_column("file-endings", "foreign") or path.name in _PYTHON_METADATA_FILES) and not (
            is_named or is_template_of_known_kind(path.name)
        )
        if is_surely_without_credential(path):
            discovered.credential_free_paths.add(name)
        if (other or hidden) and not certain:
            discovered.skipped_count += 1
            if path.name in _PACKAGE_FILES and (path.parent / ".github" / "workflows").is_dir():
                self._add_package(path, name)
            if suffix in SCRIPT_SUFFIXES and len(discovered.script_sources) < MAX_SCRIPTS:
                script = read_script(path, name)
                discovered.script_sources += [script] if script is not None else []
            return
        try:
            status = path.stat()
            why = files.refusal_reason(status, MAX_BYTES)
            key = (status.st_dev, status.st_ino)
            if status.st_ino and key in self.seen:
                discovered.skipped_count += 1
                return
            text = None if why else decode_text(files.read_regular_file(path, MAX_BYTES))
        except OSError as error:
            self.add_unread(path, os_error_text(error))
            return
        if files.file_type_of(status.st_mode):  # a socket called nginx.sock is nobody's configuration
            certain = is_named or suffix in {".yaml", ".yml"} or bool(passed.promised_kind(name, discovered.paths))
        source = self.seen[key] = None if text is None else Source(name, text)
        if source is not None:
            (discovered.prose_sources if suffix in PROSE_SUFFIXES else discovered.sources).append(source)
        elif environment and not is_named:
            discovered.unread_files.append(UnreadFile(name, why or REASON_NO_TEXT, kind="dotenv"))
        elif certain and not other:
            self.add_unread(path, why or REASON_NO_TEXT)
        else:
            discovered.skipped_count += 1

    def _add_package(self, path: Path, name: str) -> None:
        """What a package beside pipelines says of its repository; judged by nobody, so that one that can't be read is no loss."""
        with contextlib.suppress(OSError):
            if (text := decode_text(files.read_regular_file(path, MAX_BYTES))) is not None:
                self.found.package_sources.append(Source(name, text))

    def follow_links(self) -> None:
        """Answer for the links that lead out of their folders, once all else was read.

        What is ours by its name is read where it stands in the tree and was not met there, else told. Of others, those
        that may be ours are named.
        """
        for link in self.links:
            name = self.report_path(link)
            kind = passed.promised_kind(name, self.found.paths)
            why = passed.link_refusal_reason(link, passed.allowed_link_targets(link, kind, self.roots))
            if kind == "dotenv" and why:
                self.found.unread_files.append(UnreadFile(name, why, kind=kind))
            elif kind and why:
                self.add_unread(link, why)
            elif kind:
                self.read_link(link, kind)
            elif why and link.suffix.lower() in {".yaml", ".yml", ".conf"}:
                self.found.unread_files.append(UnreadFile(name, why, status="skipped"))

    def read_link(self, link: Path, kind: str) -> None:
        """A link of ours by its name to a file of the tree, unless that is ours where it stands."""
        try:
            status = link.stat()
        except OSError as error:
            self.add_unread(link, os_error_text(error))
            return
        key = (status.st_dev, status.st_ino)
        known = self.seen.get(key)
        if key not in self.seen:
            self.add_file(link)
        elif known is None:
            self.add_unread(link, "a link to a file that was not read")
        elif kind in {"helm", "kustomize"} or not kinds.detect_kind(known.path, known.text):
            self.found.sources.append(Source(self.report_path(link), known.text))
