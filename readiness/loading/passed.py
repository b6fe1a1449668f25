"""What a walk passes over and what that is by its name: links out of the tree, FIFOs, devices, broken links."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from readiness import files, kinds

REASON_LINK_NOT_FOLLOWED = "a link, which is not followed from a file that was given by itself"
REASON_LINK_INTO_VERSION_CONTROL = "a link into the data of version control, which is not followed"
_VERSION_CONTROL_FOLDERS = frozenset({".git", ".hg", ".svn"})
REASON_LINK_OUT_OF_TREE = "a link out of the tree, which is not followed"
_GITHUB_FOLDERS = (".github", ".github/workflows")  # of ours by their names, whatever is in them


def link_refusal_reason(link: Path, allowed_real_folders: Iterable[str]) -> str:
    """Why a link is not followed; empty for one that leads to a regular file below one of the roots (real paths)."""
    try:
        real_target = os.path.realpath(link, strict=True)
        target_mode = link.stat().st_mode
    except (OSError, ValueError):
        return "a link to a file that is not there, or that cannot be reached"
    if _is_version_control_file(Path(real_target)):
        return REASON_LINK_INTO_VERSION_CONTROL
    if not any(real_target.startswith(root.rstrip(os.sep) + os.sep) for root in allowed_real_folders):
        return REASON_LINK_OUT_OF_TREE
    special_file_type = files.special_file_type(target_mode)
    return f"a link to {special_file_type}" if special_file_type else ""


def allowed_link_targets(link: Path, promised_kind_of_link: str, walked_folders: Iterable[str]) -> list[str]:
    """Where a link may lead (real paths): into the walked folders; of a chart's file only into its chart, which is rendered
    by itself."""
    if promised_kind_of_link != "helm":
        return list(walked_folders)
    chart_folder = next((one for one in link.parents if (one / "Chart.yaml").exists()), link.parent)
    return [os.path.realpath(chart_folder)]


def promised_kind(path: str, known_paths: Collection[str]) -> str:
    """The kind of ours that a path promises by its name, that of a folder with workflows too; empty for none."""
    if any(f"/{path}".endswith(f"/{folder}") for folder in _GITHUB_FOLDERS):
        return "github"
    return kinds.kind_from_path(path, known_paths)


def is_link_to_file_below_folder(link_entry: os.DirEntry[str], folder: Path) -> bool:
    """Whether a link leads to a file below the folder that it stands in."""
    try:
        target = Path(link_entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_file() and folder.resolve() in target.parents and not _is_version_control_file(target)


def _is_version_control_file(target: Path) -> bool:
    """Whether a file is version control's own: its settings may hold the token that the tree was fetched with."""
    return not _VERSION_CONTROL_FOLDERS.isdisjoint(target.parts)
