"""Where a path that a file of the scanned tree names leads: inside the tree, by no link out of it, to a regular file that is not too large.

Every path that a file names is resolved here before anything is opened. A refusal has its reason, which stands in the report.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from readiness import files

MAX_LINKS_PER_PATH = 40  # on the way to one file
MAX_STEPS_PER_PATH = 200  # folders and links on the way to one file, `..` among them
REASON_TOO_MANY_STEPS = "a path of too many steps, which is not followed"
REASON_LINK_OF_TOO_MANY_STEPS = "a link that takes too many steps, which is not followed"
REASON_LINK_OUT_OF_TREE = "a link out of the tree, which is not followed"
REASON_LINK_INTO_VERSION_CONTROL = "a link into the data of version control, which is not followed"
REASON_BROKEN_LINK = "a link to a file that is not there, or that cannot be reached"
REASON_OUT_OF_TREE = "it leads out of the tree and is not read"
REASON_VERSION_CONTROL = "it is version control's own and is not read"
_VERSION_CONTROL_NAMES = frozenset({".git", ".hg", ".svn", "git~1"})  # the last is how Windows calls the first for short
_IGNORED_CHARACTERS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])  # in names on macOS


class OutsideError(Exception):
    """A path that is not followed: it leads out of the tree, as it is written or by a link, or into the data of version control.

    `reason` says which, `link` is the path of the last link on the way, empty where there is none.
    """

    def __init__(self, path_in_tree: str, reason: str = REASON_OUT_OF_TREE, link: str = "") -> None:
        super().__init__(path_in_tree)
        self.reason = reason
        self.link = link

    @property
    def is_version_control(self) -> bool:
        """Whether the path leads into the data of version control."""
        return self.reason in (REASON_LINK_INTO_VERSION_CONTROL, REASON_VERSION_CONTROL)


def is_version_control_name(name: str) -> bool:
    """Whether some system takes a name for that of version control's folder: in any case, and as git refuses it in its trees."""
    seen_name = name if name.isascii() else name.translate(_IGNORED_CHARACTERS)
    return seen_name.casefold().partition(":")[0].rstrip(". ") in _VERSION_CONTROL_NAMES


def is_version_control_path(path: str | PurePosixPath | Path) -> bool:
    """Whether a path is version control's own: its settings may hold the token that the tree was fetched with."""
    return any(map(is_version_control_name, PurePosixPath(path).parts))


def is_inside_folder(folder: Path, path: Path) -> bool:
    """Whether a path stands in a folder when all links are followed, and not among the data of version control there."""
    try:
        real_path, real_folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    except (OSError, ValueError):  # a name that no file has
        return False
    return real_path.is_relative_to(real_folder) and not is_version_control_path(real_path.relative_to(real_folder))


def is_repository_root(folder: Path) -> bool:
    """Whether a folder is the root of a repository, of a work tree beside it or of a submodule, of which `.git` is a file."""
    return (folder / ".git").exists()


def resolve_links(root: Path, path_in_tree: str) -> tuple[str, dict[str, str]]:
    """A path of the tree below `root` (a real path) with its links followed, and those links with their targets. Raises OutsideError.

    One step at a time, as the system does: `..` behind a link leads to the folder above its target.
    """
    resolved_parts: list[str] = []
    pending_parts = deque(PurePosixPath(path_in_tree).parts)
    target_by_link: dict[str, str] = {}
    step_count = link_count = 0
    last_link = ""
    while pending_parts:
        path_part = pending_parts.popleft()
        step_count += 1
        if step_count > MAX_STEPS_PER_PATH or link_count > MAX_LINKS_PER_PATH:
            raise OutsideError(path_in_tree, REASON_LINK_OF_TOO_MANY_STEPS if last_link else REASON_TOO_MANY_STEPS, last_link)
        if path_part.startswith("/") or (path_part == ".." and not resolved_parts) or _is_of_other_system(path_part):
            raise OutsideError(path_in_tree, REASON_LINK_OUT_OF_TREE if last_link else REASON_OUT_OF_TREE, last_link)
        if path_part == "..":
            resolved_parts.pop()
            continue
        if is_version_control_path(path_part):
            raise OutsideError(path_in_tree, REASON_LINK_INTO_VERSION_CONTROL if last_link else REASON_VERSION_CONTROL, last_link)
        path_on_disk = root.joinpath(*resolved_parts, path_part)
        if not path_on_disk.is_symlink():
            resolved_parts.append(path_part)
            continue
        last_link = "/".join((*resolved_parts, path_part))
        link_target = target_by_link[last_link] = _link_target(root, path_on_disk)
        link_count += 1
        pending_parts.extendleft(reversed(PurePosixPath(link_target).parts))
    return "/".join(resolved_parts), target_by_link


def _is_of_other_system(path_part: str) -> bool:
    """Whether Windows would make more of a part of a path than a name: a drive, or several folders."""
    return os.name == "nt" and not set("\\:").isdisjoint(path_part)


def _link_target(root: Path, link: Path) -> str:
    """What a link says, relative to its folder where it is absolute and leads into the tree."""
    target = link.readlink()
    if target.is_absolute() and target.is_relative_to(root):
        return os.path.relpath(target, link.parent).replace(os.sep, "/")
    return target.as_posix()


def refused_path_and_reason(root: Path, path_in_tree: str, byte_limit: int = files.MAX_JUDGED_FILE_BYTES) -> tuple[str, str] | None:
    """(path in the tree, reason) of what is not read at a path of the tree below `root` (a real path).

    The path is that of the link which leads out, where one does. None for what may be read, for a folder, and where nothing stands.
    """
    try:
        real_path, target_by_link = resolve_links(root, path_in_tree)
        path_on_disk = root / real_path
        if path_on_disk.is_dir():
            return None
        reason = files.file_refusal_reason(path_on_disk.stat(), byte_limit)
        return (path_in_tree, reason) if reason else None
    except OutsideError as error:
        return error.link or path_in_tree, error.reason
    except (FileNotFoundError, NotADirectoryError):
        return (path_in_tree, REASON_BROKEN_LINK) if path_in_tree in target_by_link else None
    except OSError as error:
        return None if error.errno == errno.ENAMETOOLONG else (path_in_tree, files.os_error_text_without_path(error))
    except ValueError:  # a name that no file has
        return None


def link_refusal_reason(link: Path, allowed_real_folders: Iterable[str]) -> str:
    """Why a link that a walk met is not followed; empty for one that leads to a regular file below one of some folders (real paths)."""
    try:
        real_target = os.path.realpath(link, strict=True)
        target_mode = link.stat().st_mode
    except (OSError, ValueError):
        return REASON_BROKEN_LINK
    if is_version_control_path(real_target):
        return REASON_LINK_INTO_VERSION_CONTROL
    if not any(real_target.startswith(root.rstrip(os.sep) + os.sep) for root in allowed_real_folders):
        return REASON_LINK_OUT_OF_TREE
    special_file_type = files.special_file_type(target_mode)
    return f"a link to {special_file_type}" if special_file_type else ""
