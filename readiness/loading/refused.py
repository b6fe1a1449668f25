"""What a file of the tree names and nobody reads, as a row: a link that leads out, a device, a file that is too large."""

from __future__ import annotations

import os
from pathlib import Path

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_IN_TREE, Assembly, FileStatus
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message

STATUS_UNREADABLE = "unreadable"


def path_relative_to_root(path: str, working_directory: Path, root: Path) -> str:
    """A path as reports print it, relative to the root of a tree (a real path); it begins with `..` where it leads out as it is written."""
    return os.path.relpath(os.path.normpath(Path(os.path.realpath(working_directory)) / path), root).replace(os.sep, "/")


def add_unreadable_row(assembly: Assembly, path: str, reason: str, core_rules: dict[str, Rule]) -> None:
    """The row of a file that should have been read and was not, and the finding that stands for it, at its beginning; once for each path."""
    known_row = next((row for row in assembly.file_statuses if row.path == path), None)
    if known_row is not None and known_row.status == STATUS_UNREADABLE:
        return
    if known_row is not None:
        assembly.file_statuses.remove(known_row)
    assembly.file_statuses.append(FileStatus(path, "", STATUS_UNREADABLE, reason, CAUSE_BROKEN))
    rule = core_rules["core/unreadable"]
    finding_text = fill_message(rule.message, {"reason": reason}.get)
    assembly.parse_findings.append(Finding(rule, Source(path, ""), Span(0, 0), finding_text))


def add_mentioned_row(assembly: Assembly, path: str, reason: str) -> None:
    """The row of what a file names, whose content nothing asks for: told, and no gap."""
    if not any(row.path == path for row in assembly.file_statuses):
        assembly.file_statuses.append(FileStatus(path, "", "skipped", reason))


def note_out_of_tree(assembly: Assembly, naming_path: str, reason: str, *, is_gap: bool) -> None:
    """Note in the row of a file that was judged that something which it names stands out of the tree; as a gap, unless it is of the machine."""
    row = next((one for one in assembly.file_statuses if one.path == naming_path and one.status == "checked"), None)
    if row is None or row.cause not in ("", CAUSE_NOT_IN_TREE) or reason in row.reason:
        return
    row.reason = f"{row.reason}; {reason}" if row.reason else reason
    row.cause = CAUSE_NOT_IN_TREE if is_gap else row.cause
