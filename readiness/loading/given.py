"""Which paths a run was given: files by their names, and what lies in folders."""

from __future__ import annotations

import os
from pathlib import Path

from readiness.loading.discover import DiscoveredFiles


def is_given(discovered: DiscoveredFiles, path: str) -> bool:
    """Whether a file was given by its name, or lies in a folder that was."""
    judged_folders = discovered.walked_folders - discovered.context.folders
    return path in discovered.named_paths or any(
        not path.startswith(("../", "/")) if folder == "." else path.startswith(f"{folder}/") for folder in judged_folders
    )


def is_gone(discovered: DiscoveredFiles, path: str) -> bool:
    """Whether a file that would have been judged is not there: it lay in a folder that was given, or was given itself."""
    return is_given(discovered, path) and not is_there(discovered, path)


def is_there(discovered: DiscoveredFiles, path: str) -> bool:
    """Whether something stands at a path, whoever judges it."""
    return os.path.lexists(discovered.base / path)


def is_walked_whole(discovered: DiscoveredFiles, folder: Path | None) -> bool:
    """Whether all of a folder was given to be judged: in a part of it not every waiver can be needed."""
    if folder is None:
        return True
    judged_folders = discovered.walked_folders - discovered.context.folders
    real_folder = folder.resolve()
    return any(real_folder.is_relative_to((discovered.base / one).resolve()) for one in judged_folders)
