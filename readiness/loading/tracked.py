"""The files of a work tree that git tracks or that are staged: what else lies there is nobody's commit."""

from __future__ import annotations

import posixpath

from readiness.model.records import dataclass
from readiness.programs import git


@dataclass(frozen=True, slots=True)
class TrackedFiles:
    """Paths of files, and of the folders that hold them, relative to the working directory."""

    paths: frozenset[str]
    folders: frozenset[str]

    def is_untracked(self, path: str, *, is_folder: bool) -> bool:
        """Whether a file is not tracked, or nothing in a folder is."""
        return path not in (self.folders if is_folder else self.paths)


def tracked_files() -> TrackedFiles:
    """Those of the repository that the working directory is in. Raises GitError."""
    paths = frozenset(git.paths_in_index())
    folders: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in folders:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    return TrackedFiles(paths, frozenset({*folders, "."}))
