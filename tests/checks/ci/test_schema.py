"""Workflows that lack what GitHub requires."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

WORKFLOW = ".github/workflows/ci.yml"
SWITCHED_OFF = [
    "# on: push\n# jobs:\n#   a: {runs-on: x}\n",
    "---\n# on: push\n\n  # jobs: {}",
    "#\r\n# on: push\r\n",
    "\ufeff# x\n",
]


def missing_keys(root: Path, text: str) -> list[str]:
    """The severities of what is told to be missing."""
    report = check([write_files(root, {WORKFLOW: text})])
    return [str(one.severity) for one in report.findings if one.rule == "ci/workflow-key-missing"]


@pytest.mark.parametrize("text", SWITCHED_OFF)
def test_a_workflow_that_is_all_comments_is_switched_off(tmp_path: Path, text: str) -> None:
    assert missing_keys(tmp_path, text) == []


@pytest.mark.parametrize(("text", "count"), [("\n", 2), ("# a\nname: x\n", 2), ("# jobs: {}\non: push\n", 1), ("jobs: # on\n", 1)])
def test_a_workflow_that_says_something_is_high(tmp_path: Path, text: str, count: int) -> None:
    assert missing_keys(tmp_path, text) == ["high"] * count
