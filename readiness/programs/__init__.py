"""Programs from outside (kustomize, kubectl, helm, git, ShellCheck): how they are found, and how little they are given."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def find_program(name: str) -> str:
    """The absolute path of a program on PATH; empty where there is none.

    Entries of PATH that are not absolute are left out: they would be looked for in the folder that is scanned.
    """
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    folders = os.pathsep.join(one for one in entries if Path(one).is_absolute())
    found = shutil.which(name, path=folders) if folders else None
    return found if found and Path(found).is_absolute() else ""


def program_identity(path: str) -> str:
    """What tells one version of a program from the next: its file, with time and size; empty where there is none."""
    if not path:
        return ""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{os.path.realpath(path)}:{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"


def is_shim(path: str) -> bool:
    """Whether a program only starts another one that a PATH, a home or a privileged helper leads to.

    Version managers put scripts on PATH, and snaps are links to one program.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(2) == b"#!" or Path(os.path.realpath(path)).name == "snap"
    except OSError:
        return False
