"""Globs of settings: how they are written, and how those of one directory become those of another."""

from __future__ import annotations

import glob
import posixpath
from pathlib import PureWindowsPath


def problem_of_glob(pattern: str, directory_text: str = "the directory of this file") -> str:
    """Why a glob can match nothing: it is absolute, and paths are relative. Empty where it may match."""
    if pattern.startswith("/") or PureWindowsPath(pattern).drive:
        relative_pattern = pattern.lstrip("/") or "*"
        advice = f": write {relative_pattern[:200]!r}" if pattern.startswith("/") else ""
        return f"{pattern[:200]!r} is absolute, and globs are relative to {directory_text}{advice}"
    return ""


def normal_glob(pattern: str) -> str:
    """A glob without a leading `./`, which no path begins with."""
    while pattern.startswith("./") and pattern != "./":
        pattern = pattern[2:].lstrip("/")
    return pattern


def prefixed_glob(folder: str, pattern: str) -> str:
    """A glob that is relative to a folder, as one that is relative to where the folder's own path begins."""
    if not folder:
        return pattern
    return posixpath.normpath(posixpath.join(glob.escape(folder), pattern)) + ("/" if pattern.endswith("/") else "")


def glob_of_folder(folder: str) -> str:
    """The glob of all files below a folder."""
    return f"{glob.escape(folder)}/*" if folder else "*"
