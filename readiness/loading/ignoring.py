"""What a walk leaves out: the paths that `.gitignore` files and `exclude` name, within a bound on the work for that.

The patterns come with the tree that is judged. Where there are too many of them, or they take too long, nothing more is left
out by them: then more is judged than was asked for, never less, and `overruled` says so.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from readiness import files
from readiness.settings import SETTINGS_FILENAME
from readiness.syntax import glob
from readiness.syntax.gitignore import BudgetSpentError, IgnorePatterns
from readiness.syntax.glob import WorkBudget

MAX_GITIGNORE_BYTES = 512 * 1024  # of a .gitignore
MAX_MATCH_WORK_PER_WALK = 60_000_000  # units for all patterns of one walk
REASON_GITIGNORE_IS_LINK = "it is a link"
_REASON_TOO_MUCH_WORK = "its patterns take too much work, so from some file on nothing is left out by them"


class IgnoreRules:
    """The `.gitignore` files of a walk, by folder, and the globs of `exclude_globs`.

    `base` is what reports' paths are relative to; `prefix` leads there from what the globs are relative to. `matched_globs` are those that
    matched anything.

    `overruled` are the files that are not gone by any more, each with the reason.
    """

    def __init__(self, working_directory: Path, exclude_globs: Iterable[str] = (), glob_prefix: str = "") -> None:
        self.base = working_directory
        self.prefix = glob_prefix
        self.exclude = tuple(exclude_globs)
        self.known: dict[str, IgnorePatterns] = {}
        self.stack: list[tuple[str, IgnorePatterns]] = []
        self.overruled: dict[Path, str] = {}
        self.work = WorkBudget(MAX_MATCH_WORK_PER_WALK)
        self.matched_globs: set[str] = set()
        self._real_folders: dict[str, str] = {}

    def enter_folder(self, folder: Path) -> bool:
        """Go by the .gitignore of a folder too; whether there is one. As with Git, one that is a link is none."""
        gitignore_file = folder / ".gitignore"
        if not os.path.lexists(gitignore_file):
            return False
        real_folder = str(folder.resolve())
        if real_folder not in self.known:
            try:
                if gitignore_file.is_symlink():
                    raise OSError(errno.ELOOP, REASON_GITIGNORE_IS_LINK)
                gitignore_bytes = files.read_regular_file(gitignore_file, MAX_GITIGNORE_BYTES)
            except OSError as error:
                self.overruled[gitignore_file] = f"{files.os_error_text_without_path(error)}; nothing is left out by it"
                return False
            self.known[real_folder] = IgnorePatterns(gitignore_bytes.decode("utf-8", "replace").splitlines())
        self.stack.append((real_folder, self.known[real_folder]))
        return True

    def leave_folder(self) -> None:
        """Go by the last .gitignore no longer."""
        self.stack.pop()

    def is_left_out(self, entry_path: str, report_path: str, *, is_folder: bool) -> bool:
        """Whether an entry of a folder is left out; `report_path` is its path as reports print it."""
        if self.exclude and self.excluding_glob(report_path):
            return True
        if not self.stack:
            return False
        parent_folder, entry_name = os.path.split(entry_path)
        real_path = self._real_folder(parent_folder) + os.sep + entry_name
        for gitignore_folder, ignore_patterns in self.stack:
            if real_path.startswith(gitignore_folder + os.sep):
                path_below_gitignore = real_path[len(gitignore_folder) + 1 :].replace(os.sep, "/")
                try:
                    if ignore_patterns.is_ignored(path_below_gitignore + "/" if is_folder else path_below_gitignore, self.work):
                        return True
                except BudgetSpentError:
                    self.overruled[Path(gitignore_folder) / ".gitignore"] = _REASON_TOO_MUCH_WORK
        return False

    def _real_folder(self, folder: str) -> str:
        """Where a folder stands without links, looked up once: all that lies in it is asked for."""
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return self._real_folders[folder]

    def add_exclude_globs(self, exclude_globs: Iterable[str]) -> None:
        """Leave out what further globs match, from now on."""
        self.exclude = tuple(dict.fromkeys((*self.exclude, *exclude_globs)))

    def excluding_glob(self, report_path: str) -> str:
        """The first glob of `exclude` that matches a path, or the path of a folder; empty where none does. All that match are noted."""
        return self._matching_glob(glob.prefixed_path(self.prefix, report_path))

    def glob_excluding_named_path(self, report_path: str) -> str:
        """The glob of `exclude` that matches a path that was named, or a folder above it; empty where none does."""
        path_below_globs = os.path.normpath(glob.prefixed_path(self.prefix, report_path)).replace(os.sep, "/")
        if not self.exclude or path_below_globs == "." or path_below_globs.startswith(("..", "/")):
            return ""
        parts = path_below_globs.split("/")
        return next((found for count in range(1, len(parts) + 1) if (found := self._matching_glob("/".join(parts[:count])))), "")

    def _matching_glob(self, path: str) -> str:
        """The first glob that matches a path that is relative to what the globs are."""
        first_glob = ""
        for exclude_glob in self.exclude:
            if first_glob and exclude_glob in self.matched_globs:
                continue
            if not self.work.try_spend(2 * glob.max_match_cost(exclude_glob, path)):
                self.overruled[self.base / SETTINGS_FILENAME] = _REASON_TOO_MUCH_WORK
                return first_glob
            if glob.glob_matches(exclude_glob, path) or glob.glob_matches(exclude_glob, path + "/"):
                self.matched_globs.add(exclude_glob)
                first_glob = first_glob or exclude_glob
        return first_glob

    def may_ignore(self, path: str) -> bool:
        """Whether a .gitignore of the walk may leave a path out, be it there or not."""
        absolute_path = os.path.normpath(Path(self._real_folder(str(self.base))) / path)
        try:
            for gitignore_folder, ignore_patterns in self.known.items():
                if absolute_path.startswith(gitignore_folder + os.sep):
                    path_below_gitignore = absolute_path[len(gitignore_folder) + 1 :].replace(os.sep, "/")
                    if any(ignore_patterns.is_ignored(one, self.work) for one in (path_below_gitignore, path_below_gitignore + "/")):
                        return True
        except BudgetSpentError:
            return True  # nobody can say that it is not
        return False
