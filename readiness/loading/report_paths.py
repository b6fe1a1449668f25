"""Paths as reports print them: relative to one folder where they can be, with `/`."""

from __future__ import annotations

import os
from pathlib import Path


class ReportPaths:
    """The paths of a walk, told from its base. What lies in one folder is told by the folder's own path, worked out once."""

    def __init__(self, base: Path) -> None:
        self.base = base
        absolute_base = Path(os.path.normpath(base.absolute()))
        self._paths_at_and_above_base = frozenset(map(str, (absolute_base, *absolute_base.parents)))
        self._report_path_by_folder: dict[str, str] = {}

    def report_path(self, path: str | Path) -> str:
        """The path from the base; the path itself where there is no way, as on another drive."""
        path_text = os.fspath(path)
        folder_path, _, name = path_text.rpartition(os.sep)
        if not folder_path or not name or ".." in path_text or path_text in self._paths_at_and_above_base:
            return self._relative_path(path_text)
        if folder_path not in self._report_path_by_folder:
            self._report_path_by_folder[folder_path] = self._relative_path(folder_path)
        folder_report_path = self._report_path_by_folder[folder_path]
        if folder_report_path.startswith("..") and not Path(folder_path).is_absolute():
            return self._relative_path(path_text)  # it may lead to the base or to a folder above it under another name
        return name if folder_report_path == "." else f"{folder_report_path}/{name}"

    def _relative_path(self, path_text: str) -> str:
        try:
            shown_path = os.path.relpath(path_text, self.base)
        except ValueError:  # another drive
            shown_path = path_text
        return shown_path.replace(os.sep, "/")
