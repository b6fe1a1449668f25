"""What readers of the eighth round at first sight called wrong in pipelines, images and services, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from tests.make import write_files

CI = ".github/workflows/ci.yml"


def severities_by_line(tmp_path: Path, files: dict[str, str], rule: str) -> dict[int, Severity]:
    """How bad what a rule says of a tree is, by line."""
    root = write_files(tmp_path, files)
    return {one.line: one.severity for one in readiness.check([root], base=root, select=[rule]).findings if one.rule == rule}


OWNED = """on: push
permissions: {contents: write}
jobs:
  a:
    if: github.repository == 'acme/shop'
    runs-on: ubuntu-24.04
    steps:
      - uses: Jane/release@main
"""


@pytest.mark.parametrize(
    ("path", "owners", "severity"),
    [
        (".github/CODEOWNERS", "# owners\n* @JANE @joe\n", Severity.MEDIUM),
        ("CODEOWNERS", "/docs @joe\n*.go\t@jane # release\n", Severity.MEDIUM),
        ("CODEOWNERS", "* @joe # ask @jane first\n", Severity.HIGH),
        ("CODEOWNERS", "# @jane\n* @joe\n", Severity.HIGH),
        ("CODEOWNERS", "* @acme/jane jane@example.org\n", Severity.HIGH),
        ("CODEOWNERS", "* @jane-doe\n", Severity.HIGH),
        ("src/CODEOWNERS", "* @jane\n", Severity.HIGH),
    ],
)
def test_a_code_owner_may_push_already(tmp_path: Path, path: str, owners: str, severity: Severity) -> None:
    assert severities_by_line(tmp_path, {CI: OWNED, path: owners}, "ci/action-unpinned") == {8: severity}


@pytest.mark.parametrize(
    ("step", "severity"),
    [
        ("env: {FOSSA_API_KEY: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}\n        run: fossa analyze", Severity.MEDIUM),
        ("env: {CODECOV_TOKEN: 0d9e4b7a-1c2f-48e3-a56b-1d0f5a9c3e47}\n        run: codecov upload", Severity.MEDIUM),
        ("uses: coverallsapp/github-action@v2\n        with: {repo-token: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.MEDIUM),
        ("uses: acme/upload@v2\n        with: {token: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.CRITICAL),
        ("uses: codecov/codecov-action@v5\n        env: {DEPLOY_TOKEN: 6b1d0f5a9c3e47280d9e4b7a1c2f8e35}", Severity.CRITICAL),
        ("env: {CODECOV_API_TOKEN: 0d9e4b7a-1c2f-48e3-a56b-1d0f5a9c3e47}\n        run: make", Severity.CRITICAL),
    ],
)
def test_a_token_that_only_sends_reports_lets_nobody_in(tmp_path: Path, step: str, severity: Severity) -> None:
    workflow = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - {step}\n"
    assert list(severities_by_line(tmp_path, {CI: workflow}, "ci/secret-inline").values()) == [severity]
