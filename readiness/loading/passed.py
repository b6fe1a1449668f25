"""What a walk passes over and what that is by its name: links out of the tree, FIFOs, devices, broken links."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from readiness import kinds
from readiness.tree_paths import is_version_control_path

REASON_LINK_NOT_FOLLOWED = "a link, which is not followed from a file that was given by itself"
_GITHUB_FOLDERS = (".github", ".github/workflows")  # of ours by their names, whatever is in them


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
    return target.is_file() and folder.resolve() in target.parents and not is_version_control_path(target)
