"""What a file of the tree names and nobody reads, as a row: a link that leads out, a device, a file that is too large."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_IN_TREE, Assembly, FileStatus
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message

MAX_REASON_CHARACTERS = 2000  # of what the row of one file says
STATUS_UNREADABLE = "unreadable"


def path_relative_to_root(path: str, working_directory: Path, root: Path) -> str:
    """A path as reports print it, relative to the root of a tree (a real path); it begins with `..` where it leads out as it is written."""
    return os.path.relpath(os.path.normpath(Path(os.path.realpath(working_directory)) / path), root).replace(os.sep, "/")


def append_unreadable_row(assembly: Assembly, path: str, reason: str, core_rules: Mapping[str, Rule]) -> FileStatus:
    """Add the row of a file that should have been read and was not, and the finding that stands for it, at its beginning; the row."""
    row = FileStatus(path, "", STATUS_UNREADABLE, reason, CAUSE_BROKEN)
    assembly.file_statuses.append(row)
    rule = core_rules["core/unreadable"]
    finding_text = fill_message(rule.message, {"reason": reason}.get)
    assembly.parse_findings.append(Finding(rule, Source(path, ""), Span(0, 0), finding_text))
    return row


class RefusedRows:
    """The rows of a run, to which those of refused paths are added, one for each path."""

    def __init__(self, assembly: Assembly, core_rules: Mapping[str, Rule]) -> None:
        self._assembly = assembly
        self._core_rules = core_rules
        self._row_by_path = {row.path: row for row in assembly.file_statuses}

    def add_unreadable(self, path: str, reason: str) -> None:
        """The row of a file that should have been read and was not, with its finding."""
        known_row = self._row_by_path.get(path)
        if known_row is not None and known_row.status == STATUS_UNREADABLE:
            return
        row = append_unreadable_row(self._assembly, path, reason, self._core_rules)
        if known_row is not None:
            known_row.kind, known_row.status, known_row.reason, known_row.cause = row.kind, row.status, row.reason, row.cause
            self._assembly.file_statuses.pop()
        self._row_by_path.setdefault(path, row)

    def add_mentioned(self, path: str, reason: str) -> None:
        """The row of what a file names, whose content nothing asks for: told, and no gap."""
        if path not in self._row_by_path:
            self._row_by_path[path] = FileStatus(path, "", "skipped", reason)
            self._assembly.file_statuses.append(self._row_by_path[path])

    def note_out_of_tree(self, naming_path: str, reason: str, *, is_gap: bool) -> None:
        """Note in the row of a file that was judged that something which it names is not read; as a gap, unless it is of the machine."""
        row = self._row_by_path.get(naming_path)
        if row is None or row.status != "checked" or row.cause not in ("", CAUSE_NOT_IN_TREE):
            return
        row.cause = CAUSE_NOT_IN_TREE if is_gap else row.cause
        if reason not in row.reason and len(row.reason) < MAX_REASON_CHARACTERS:
            row.reason = f"{row.reason}; {reason}" if row.reason else reason
