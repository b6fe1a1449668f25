"""Programs from outside (kustomize, kubectl, helm, git, ShellCheck): how they are found, and how little they are given."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find_program(program_name: str) -> str:
    """The absolute path of a program on PATH; empty where there is none.

    Entries of PATH that are not absolute are left out: they would be looked for in the folder that is scanned.
    """
    path_entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    absolute_path_folders = os.pathsep.join(one for one in path_entries if Path(one).is_absolute())
    program_path = shutil.which(program_name, path=absolute_path_folders) if absolute_path_folders else None
    return program_path if program_path and Path(program_path).is_absolute() else ""


def find_packaged_program(program_name: str) -> str:
    """The absolute path of a program that a Python package brings: on PATH, else beside the running Python, whose folder need not be there."""
    program_path = find_program(program_name)
    if program_path or not sys.executable:
        return program_path
    path_beside_python = shutil.which(program_name, path=str(Path(sys.executable).absolute().parent))
    return path_beside_python or ""


def program_identity(program_path: str) -> str:
    """What tells one version of a program from the next: its file, with time and size; empty where there is none."""
    if not program_path:
        return ""
    try:
        file_status = Path(program_path).stat()
    except (OSError, ValueError):
        return ""
    return f"{os.path.realpath(program_path)}:{file_status.st_mtime_ns}:{file_status.st_size}:{file_status.st_ino}"


def is_script_or_snap(program_path: str) -> bool:
    """Whether a program only starts another one that a PATH, a home or a privileged helper leads to.

    Version managers put scripts on PATH, and snaps are links to one program.
    """
    try:
        with Path(program_path).open("rb") as file:
            return file.read(2) == b"#!" or Path(os.path.realpath(program_path)).name == "snap"
    except OSError:
        return False
