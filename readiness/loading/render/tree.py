"""The files of one tree as a builder may see them: never out of the tree, never by a link out of it, and in bounds."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path

from readiness import files, tree_paths
from readiness.loading.render.made import LimitError
from readiness.model.records import dataclass
from readiness.tree_paths import OutsideError

MAX_FILE_BYTES = 10 << 20  # bytes
MAX_PATHS_PER_TREE = 200_000  # paths that overlays name, be there something or not
MAX_TREE_BYTES = 256 << 20  # bytes of all files that are kept, for all overlays of a tree


class TooLargeError(Exception):
    """A file over the limits: its path in the tree."""


@dataclass(slots=True)
class ConfinedTree:
    """A folder as the outermost one; paths in it are relative, with `/`.

    `base` is what the paths of reports are relative to. `state_by_path` holds what each path that was asked for was: the state of
    the tree as far as it was looked at. `link_targets` are the links that were followed, with their targets.
    """

    root: Path
    base: Path
    state_by_path: dict[str, str] = field(default_factory=dict)
    link_targets: dict[str, str] = field(default_factory=dict)
    content_by_path: dict[str, bytes] = field(default_factory=dict)
    size: int = 0

    def __post_init__(self) -> None:
        self.root = Path(os.path.realpath(self.root))
        self.base = Path(os.path.realpath(self.base))

    def path_in_tree(self, folder_on_disk: Path) -> str:
        """The path in the tree of a folder on the disk."""
        return os.path.relpath(os.path.realpath(folder_on_disk), self.root).replace(os.sep, "/")

    def report_path(self, path_in_tree: str) -> str:
        """A path of the tree as reports print it."""
        return os.path.relpath(self.root / path_in_tree, self.base).replace(os.sep, "/")

    def resolve_links(self, path_in_tree: str) -> str:
        """A path with its links followed. Raises OutsideError."""
        real_path, target_by_link = tree_paths.resolve_links(self.root, path_in_tree)
        self.link_targets |= target_by_link
        return real_path

    def path_state(self, path_in_tree: str) -> str:
        """What a path is: `""` for nothing, `folder NAME`, `file NAME HASH`, `large NAME`, `outside REASON`.

        NAME is where its links lead. Raises LimitError past as many paths as are looked for in one tree.
        """
        if path_in_tree not in self.state_by_path:
            if len(self.state_by_path) >= MAX_PATHS_PER_TREE:
                raise LimitError(f"the overlays and charts of its tree name over {MAX_PATHS_PER_TREE:,} paths")
            self.state_by_path[path_in_tree] = self._find_path_state(path_in_tree)
        return self.state_by_path[path_in_tree]

    def _find_path_state(self, path_in_tree: str) -> str:
        try:
            real_path = self.resolve_links(path_in_tree)
            file_stat = (self.root / real_path).stat()
            if stat.S_ISDIR(file_stat.st_mode):
                return f"folder {real_path}"
            if not stat.S_ISREG(file_stat.st_mode):
                return ""
            if real_path not in self.content_by_path:
                if file_stat.st_size > MAX_FILE_BYTES or self.size + file_stat.st_size > MAX_TREE_BYTES:
                    return f"large {real_path}"
                self.content_by_path[real_path] = files.read_regular_file(self.root / real_path, MAX_FILE_BYTES)
                self.size += len(self.content_by_path[real_path])
            return f"file {real_path} {hashlib.sha256(self.content_by_path[real_path]).hexdigest()}"
        except OutsideError as error:
            return f"outside {error.reason}"
        except (OSError, ValueError):
            return ""

    def real_file_path(self, path_in_tree: str) -> str | None:
        """The real path of a file, None where there is none. Raises OutsideError and TooLargeError."""
        state_kind, _, real_path_and_hash = self.path_state(path_in_tree).partition(" ")
        if state_kind == "outside":
            raise self._outside_error(path_in_tree)
        if state_kind == "large":
            raise TooLargeError(real_path_and_hash)
        return real_path_and_hash.rpartition(" ")[0] if state_kind == "file" else None

    def real_folder_path(self, path_in_tree: str) -> str | None:
        """The real path of a folder, None where there is none. Raises OutsideError."""
        state_kind, _, real_path = self.path_state(path_in_tree).partition(" ")
        if state_kind == "outside":
            raise self._outside_error(path_in_tree)
        return real_path if state_kind == "folder" else None

    def _outside_error(self, path_in_tree: str) -> OutsideError:
        """The error of a path that is not followed."""
        try:
            self.resolve_links(path_in_tree)
        except OutsideError as error:
            return error
        return OutsideError(path_in_tree)

    def copy_to(self, folder_paths: Iterable[str], file_paths: Iterable[str], destination: Path) -> None:
        """Folders, files that were read, and the links that led to them, under another folder."""
        for path_in_tree in folder_paths:
            (destination / path_in_tree).mkdir(parents=True, exist_ok=True)
        for path_in_tree in file_paths:
            (destination / path_in_tree).parent.mkdir(parents=True, exist_ok=True)
            (destination / path_in_tree).write_bytes(self.content_by_path[path_in_tree])
        for path_in_tree, link_target in self.link_targets.items():
            (destination / path_in_tree).parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(destination / path_in_tree):
                (destination / path_in_tree).symlink_to(link_target)


def tree_root_of_folder(folder: Path, given_folders: Iterable[Path]) -> Path:
    """The tree that a folder belongs to: its repository, else the outermost of the given folders that holds it.

    A folder that none of them holds is a tree of its own.
    """
    real_folder = Path(os.path.realpath(folder))
    for ancestor in (real_folder, *real_folder.parents):
        if tree_paths.is_repository_root(ancestor):
            return ancestor
    real_given_folders = (Path(os.path.realpath(one)) for one in given_folders)
    enclosing_given_folders = [one for one in real_given_folders if real_folder.is_relative_to(one)]
    return min(enclosing_given_folders, key=lambda one: len(one.parts), default=real_folder)
