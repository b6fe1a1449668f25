"""The files of one tree as a builder may see them: never out of the tree, never by a link out of it, and in bounds."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

MAX_FILE = 10 << 20  # bytes
MAX_TOTAL = 256 << 20  # bytes of all files that are kept, for all overlays of a tree
MAX_LINKS = 40  # on the way to one file


class OutsideError(Exception):
    """A path that leads out of the tree, as it is written or by a link."""


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

    def path_in_tree(self, folder: Path) -> str:
        """The path in the tree of a folder on the disk."""
        return os.path.relpath(os.path.realpath(folder), self.root).replace(os.sep, "/")

    def report_path(self, name: str) -> str:
        """A path of the tree as reports print it."""
        return os.path.relpath(self.root / name, self.base).replace(os.sep, "/")

    def resolve_links(self, path: str) -> str:
        """A path with its links followed. Raises OutsideError."""
        here: list[str] = []
        waiting = deque(PurePosixPath(path).parts)
        followed: dict[str, str] = {}
        hops = 0
        while waiting:
            part = waiting.popleft()
            if part == "/" or (part == ".." and not here):
                raise OutsideError(path)
            if part == "..":
                here.pop()
                continue
            full = self.root.joinpath(*here, part)
            if not full.is_symlink():
                here.append(part)
                continue
            target = followed["/".join((*here, part))] = self._link_target(full)
            hops += 1
            if hops > MAX_LINKS:
                raise OutsideError(path)
            waiting.extendleft(reversed(PurePosixPath(target).parts))
        self.link_targets |= followed
        return "/".join(here)

    def _link_target(self, link: Path) -> str:
        """What a link says, relative to its folder where it is absolute and leads into the tree."""
        target = link.readlink()
        if target.is_absolute() and target.is_relative_to(self.root):
            return os.path.relpath(target, link.parent).replace(os.sep, "/")
        return target.as_posix()

    def path_state(self, path: str) -> str:
        """What a path is: `""` for nothing, `folder NAME`, `file NAME HASH`, `large NAME`, `outside`.

        NAME is where its links lead.
        """
        if path not in self.state_by_path:
            self.state_by_path[path] = self._find_path_state(path)
        return self.state_by_path[path]

    def _find_path_state(self, path: str) -> str:
        try:
            name = self.resolve_links(path)
            status = (self.root / name).stat()
            if stat.S_ISDIR(status.st_mode):
                return f"folder {name}"
            if not stat.S_ISREG(status.st_mode):
                return ""
            if name not in self.content_by_path:
                if status.st_size > MAX_FILE or self.size + status.st_size > MAX_TOTAL:
                    return f"large {name}"
                self.content_by_path[name] = (self.root / name).read_bytes()
                self.size += len(self.content_by_path[name])
            return f"file {name} {hashlib.sha256(self.content_by_path[name]).hexdigest()}"
        except OutsideError:
            return "outside"
        except (OSError, ValueError):
            return ""

    def real_file_path(self, path: str) -> str | None:
        """The real path of a file, None where there is none. Raises OutsideError and TooLargeError."""
        kind, _, rest = self.path_state(path).partition(" ")
        if kind == "outside":
            raise OutsideError(path)
        if kind == "large":
            raise TooLargeError(rest)
        return rest.rpartition(" ")[0] if kind == "file" else None

    def real_folder_path(self, path: str) -> str | None:
        """The real path of a folder, None where there is none. Raises OutsideError."""
        kind, _, name = self.path_state(path).partition(" ")
        if kind == "outside":
            raise OutsideError(path)
        return name if kind == "folder" else None

    def copy_to(self, folders: Iterable[str], files: Iterable[str], to: Path) -> None:
        """Folders, files that were read, and the links that led to them, under another folder."""
        for name in folders:
            (to / name).mkdir(parents=True, exist_ok=True)
        for name in files:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(self.content_by_path[name])
        for name, target in self.link_targets.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(to / name):
                (to / name).symlink_to(target)


def root_of(folder: Path, given_folders: Iterable[Path]) -> Path:
    """The tree that a folder belongs to: its repository, else the outermost of the given folders that holds it.

    A folder that none of them holds is a tree of its own.
    """
    here = Path(os.path.realpath(folder))
    for ancestor in (here, *here.parents):
        if (ancestor / ".git").exists():
            return ancestor
    holders = (Path(os.path.realpath(one)) for one in given_folders)
    around = [one for one in holders if here.is_relative_to(one)]
    return min(around, key=lambda one: len(one.parts), default=here)
