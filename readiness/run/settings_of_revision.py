"""The settings that a revision of the repository has, with the rules and the baseline that they name (`--settings-from`).

On a pull request its author owns the settings of the work tree; those of the branch that it goes to are the project's. They are read as
git's objects say, and nothing of the work tree takes their place where that revision has none.
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from readiness.model import Source
from readiness.programs import git
from readiness.ruleset.rule_file import MAX_RULE_FILE_BYTES, RuleError
from readiness.ruleset.rules import MAX_BYTES_PER_RULES_FOLDER, MAX_RULE_FILES_PER_FOLDER, RULE_GROUPS
from readiness.settings import MAX_SETTINGS_FILE_BYTES, PYPROJECT_FILENAME, SETTINGS_FILENAMES, Config, ConfigError, parse_config
from readiness.settings.peers import MAX_PEER_FILE_BYTES, NAMES_BY_LINTER, FileReader
from readiness.settings.pyproject import settings_table
from readiness.triage.baseline import MAX_BASELINE_BYTES

OPTION_NAME = "--settings-from"
_PEER_NAMES = tuple(name for names in NAMES_BY_LINTER.values() for name in names)
_SETTINGS_NAMES = frozenset({*SETTINGS_FILENAMES, PYPROJECT_FILENAME})


@contextmanager
def settings_at_revision(git_reference: str) -> Iterator[tuple[Config, SettingsFilesAtRevision]]:
    """The settings at the root at a revision and the others of it, for as long as what they name lies in a folder of ours.

    The revision is taken as it is now, and not where this branch left it: a branch of long ago would bring settings of long ago.
    Raises ConfigError.
    """
    with tempfile.TemporaryDirectory(prefix="readiness-") as temporary_folder:
        copy_folder = Path(temporary_folder).resolve()
        try:
            files_at_revision = SettingsFilesAtRevision(git_reference)
            yield _load_settings(files_at_revision, copy_folder), files_at_revision
        except git.GitError as error:
            raise ConfigError(OPTION_NAME, str(error)) from None
        except RuleError as error:  # told where the file is, and not where its copy was
            raise RuleError(error.where.replace(f"{copy_folder.as_posix()}/", f"{git_reference}:"), error.message) from None


class SettingsFilesAtRevision:
    """The settings files of a commit, by the paths of their folders from the top of the repository. Raises ConfigError and GitError."""

    def __init__(self, git_reference: str) -> None:
        self.reference = git_reference
        self.commit = git.commit_named(git_reference)
        self._top_folder = Path.cwd().joinpath(*[".."] * git.working_directory_in_repository().count("/")).resolve()
        self._entries_by_folder: dict[str, list[git.TreeEntry]] = {}
        self._peer_entry_by_path: dict[str, git.TreeEntry] = {}
        for entry in git.tree_entries(self.commit, ""):
            folder, _, name = entry.path.rpartition("/")
            if entry.path.endswith(_PEER_NAMES):
                self._peer_entry_by_path[entry.path] = entry
            if name in _SETTINGS_NAMES:
                self._entries_by_folder.setdefault(f"{folder}/" if folder else "", []).append(entry)

    def bytes_in(self, folder: str) -> tuple[str, bytes] | None:
        """(what reports call it, content) of the settings file of a folder; None where it has none."""
        found_files = []
        for entry in self._entries_by_folder.get(folder, ()):
            is_pyproject = entry.path.endswith(PYPROJECT_FILENAME)
            if is_pyproject and (entry.kind != "blob" or entry.size > MAX_SETTINGS_FILE_BYTES):
                continue
            report_path = f"{self.reference}:{entry.path}"
            if entry.kind != "blob":
                raise ConfigError(report_path, "is a link, and only a file is read from a revision; copy what it leads to")
            if entry.size > MAX_SETTINGS_FILE_BYTES:
                raise ConfigError(report_path, f"has {entry.size} bytes, over the limit of {MAX_SETTINGS_FILE_BYTES}")
            ((_, settings_bytes),) = git.blob_contents([entry])
            if not is_pyproject or settings_table(Source(report_path, settings_bytes.decode("utf-8", "replace"))) is not None:
                found_files.append((report_path, settings_bytes))
        if len(found_files) > 1:
            raise ConfigError(found_files[0][0], f"{found_files[1][0]} stands beside it; keep one of them")
        return found_files[0] if found_files else None

    def load_below_root(self, folder: Path, _: str) -> Config | None:
        """The settings of a folder of the work tree as the commit has them."""
        found_file = self.bytes_in(f"{folder.relative_to(self._top_folder).as_posix()}/") if folder.is_relative_to(self._top_folder) else None
        return parse_config(*found_file, folder, may_lock_settings=False) if found_file else None

    def peer_file_reader(self, prefix: str) -> FileReader:
        """What reads the settings of other linters at the root, `prefix` above the working directory, as the commit has them."""
        working_directory = Path.cwd().resolve()
        root = working_directory.joinpath(*[".."] * (prefix.count("/") + 1 if prefix else 0)).resolve()
        folder = root.relative_to(self._top_folder).as_posix() if root.is_relative_to(self._top_folder) else ""

        def read(path: str) -> tuple[str, bytes] | None:
            entry = self._peer_entry_by_path.get(posixpath.normpath(posixpath.join(folder, path)))
            if entry is None:
                return None
            if entry.kind != "blob" or entry.size > MAX_PEER_FILE_BYTES:
                raise OSError(0, "no file, or too large")
            ((_, content),) = git.blob_contents([entry])
            return f"{self.reference}:{entry.path}", content

        return read


def _load_settings(files_at_revision: SettingsFilesAtRevision, copy_folder: Path) -> Config:
    """The settings at the root of a commit, and what they name written below a folder."""
    working_directory = git.working_directory_in_repository()
    found_files = [(folder, one) for folder in _folders_upwards(working_directory) if (one := files_at_revision.bytes_in(folder))]
    if not found_files:
        return Config()
    settings_folder, (report_path, settings_bytes) = found_files[-1]
    config = parse_config(report_path, settings_bytes, copy_folder / settings_folder, may_lock_settings=False)
    _copy_named_files(config, files_at_revision.commit, copy_folder, report_path)
    prefix = posixpath.relpath(working_directory or ".", settings_folder or ".")
    # The folder of the settings in the work tree, by which it is known whether all was judged that they speak of.
    work_tree_folder = Path.cwd().joinpath(*[".."] * (0 if prefix == "." else prefix.count("/") + 1))
    return replace(config, folder=work_tree_folder.resolve(), prefix="" if prefix == "." else prefix)


def _folders_upwards(folder: str) -> list[str]:
    """A folder of the repository and all above it, nearest first, each with a slash at its end but the top, which is empty."""
    parts = folder.split("/")[:-1] if folder else []
    return ["".join(f"{part}/" for part in parts[:count]) for count in range(len(parts), -1, -1)]


def _copy_named_files(config: Config, commit: str, copy_folder: Path, report_path: str) -> None:
    """Write the rules and the baseline that settings name, as a commit has them, below a folder. Raises ConfigError."""
    rule_folders = [one.resolve().relative_to(copy_folder).as_posix() for one in config.rules]
    rule_paths = [posixpath.normpath(f"{folder}/{group}") for folder in rule_folders for group in RULE_GROUPS]
    if rule_paths:
        rule_entries = [one for one in git.tree_entries(commit, "", rule_paths) if one.path.endswith(".yaml")]
        _verify_sizes(rule_entries, MAX_RULE_FILE_BYTES, report_path)
        max_files, max_bytes = MAX_RULE_FILES_PER_FOLDER * len(rule_folders), MAX_BYTES_PER_RULES_FOLDER * len(rule_folders)
        if len(rule_entries) > max_files or sum(one.size for one in rule_entries) > max_bytes:
            raise ConfigError(report_path, f"the rules that it names are over the limits of {max_files} files and {max_bytes >> 20} MiB")
        _write_files(rule_entries, copy_folder)
    if config.baseline is not None:
        baseline_path = config.baseline.resolve().relative_to(copy_folder).as_posix()
        baseline_entries = [one for one in git.tree_entries(commit, "", [baseline_path]) if one.path == baseline_path]
        if not baseline_entries:
            raise ConfigError(report_path, f"the baseline {baseline_path[:200]!r} is not there at that revision")
        _verify_sizes(baseline_entries, MAX_BASELINE_BYTES, report_path)
        _write_files(baseline_entries, copy_folder)


def _verify_sizes(entries: Sequence[git.TreeEntry], byte_limit: int, report_path: str) -> None:
    """Raise ConfigError for a link, for a submodule and for a file over a limit."""
    for entry in entries:
        if entry.kind != "blob" or entry.size > byte_limit:
            reason = f"has more than {byte_limit} bytes" if entry.kind == "blob" else "is no file, and links are not followed in a revision"
            raise ConfigError(report_path, f"{entry.path[:200]!r} {reason}")


def _write_files(entries: Sequence[git.TreeEntry], copy_folder: Path) -> None:
    for entry, content in git.blob_contents(entries):
        copy_path = copy_folder / entry.path
        copy_path.parent.mkdir(parents=True, exist_ok=True)
        copy_path.write_bytes(content)
