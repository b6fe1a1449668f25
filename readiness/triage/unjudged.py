"""Which findings say that something has no verdict: nothing in the tree that is judged can take these back."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from typing import Protocol

from readiness.loading.assembly import CAUSE_BROKEN
from readiness.model import NOT_RENDERED_RULE_ID, RULE_IDS_FOR_UNJUDGED_FILES, Finding


class FileRow(Protocol):
    """A file of a run."""

    @property
    def path(self) -> str:
        """Relative to the working directory."""

    @property
    def cause(self) -> str:
        """Why it was not judged, or not all of it: see loading/assembly.py."""


RULE_IDS_THAT_NOTHING_SILENCES = RULE_IDS_FOR_UNJUDGED_FILES | {NOT_RENDERED_RULE_ID}  # nothing in a tree, and no settings file


def broken_paths(file_rows: Iterable[FileRow]) -> frozenset[str]:
    """The files that their own tools cannot read as they stand."""
    return frozenset(row.path for row in file_rows if row.cause == CAUSE_BROKEN)


def is_missing_verdict_finding(finding: Finding, broken_file_paths: Collection[str]) -> bool:
    """Whether a finding says that a file has no verdict, or that a rule has none.

    What does not render says so only where that is the tree's own fault: one of the `broken_file_paths` files is the finding's, or
    lies below its folder. Where a program or a dependency is absent the gate goes by the finding's severity; it can't be silenced either.
    """
    if finding.rule in RULE_IDS_FOR_UNJUDGED_FILES:
        return True
    if finding.rule != NOT_RENDERED_RULE_ID:
        return False
    finding_folder = posixpath.dirname(finding.path)
    folder_prefix = f"{finding_folder}/" if finding_folder else ""
    return finding.path in broken_file_paths or any(path.startswith(folder_prefix) for path in broken_file_paths)
