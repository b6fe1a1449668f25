"""What reports for other programs share: texts without secrets, paths from the root of the checkout, and ASCII."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from readiness.model import Finding, Severity
from readiness.redaction import Redactor
from readiness.reports.frame import escape_controls
from readiness.ruleset.rule_pages import rule_page_url
from readiness.verdict.report import Report

WORKSPACE_VARIABLES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Variables that name the root of the checkout, in GitHub Actions and in GitLab CI."""


class MachineFinding(NamedTuple):
    """A finding as other programs are told it: its text in one line without secrets, its path from the root of the checkout, and a unique name."""

    finding: Finding
    message: str
    path: str
    fingerprint: str


def path_prefix_from_workspace() -> str:
    """What leads from the root of the checkout to the working directory; empty where no variable names that root."""
    workspace_path = next((value for name in WORKSPACE_VARIABLES if (value := os.environ.get(name))), None)
    if not workspace_path:
        return ""
    working_directory, workspace_root = Path.cwd(), Path(workspace_path).resolve()
    if working_directory == workspace_root or not working_directory.is_relative_to(workspace_root):
        return ""
    return working_directory.relative_to(workspace_root).as_posix() + "/"


def machine_findings(report: Report, findings: Iterable[Finding]) -> Iterator[MachineFinding]:
    """Findings as other programs are told them. Several of one fingerprint are numbered: a program that joins equal ones would lose them."""
    redactor, path_prefix = Redactor(report.hidden), path_prefix_from_workspace()
    count_by_fingerprint = Counter[str]()
    for finding in findings:
        count_by_fingerprint[finding.fingerprint] += 1
        count = count_by_fingerprint[finding.fingerprint]
        fingerprint = finding.fingerprint if count == 1 else f"{finding.fingerprint}-{count}"
        message = escape_controls(" ".join(redactor.mask_text(finding.message).split()))
        yield MachineFinding(finding, message, escape_controls(path_prefix + finding.path), fingerprint)


def findings_to_tell(report: Report, *, is_quiet: bool) -> list[Finding]:
    """The open findings, worst first; where it is to be quiet, those that fail the gate alone."""
    return worst_first(filter(report.gate.is_failed_by, report.open) if is_quiet else report.open)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by severity, then by what the score wins, then by place and rule."""
    return sorted(findings, key=lambda one: (-one.severity, -round(one.score_gain, 4), one.fix_place, one.rule))


def why_text(finding: Finding) -> str:
    """What breaks in production because of a finding, in one line."""
    return " ".join(finding.why.split())


def remedy_text(finding: Finding) -> str:
    """What to do about a finding: the words for its place, else those of its rule."""
    return " ".join(finding.fix.split())


def more_text(rule_id: str) -> str:
    """Where a rule's page is: its URL, else the command that shows it."""
    return rule_page_url(rule_id) or f"readiness explain {rule_id}"


def write_json(output: TextIO, value: Any) -> None:
    """Write a value as ASCII with a line for each of its parts; a CI log that shows it runs no command in it (`##[...]`)."""
    output.write(json.dumps(value, ensure_ascii=True, indent=1).replace("##", "#\\u0023") + "\n")


def word_by_severity(critical: str, high: str, medium: str, low: str, info: str) -> dict[Severity, str]:
    """What another program calls each severity."""
    return dict(
        zip((Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO), (critical, high, medium, low, info), strict=True)
    )
