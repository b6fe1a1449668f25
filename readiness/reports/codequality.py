"""A report for GitLab: Code Quality, which shows findings beside the lines of a merge request.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import Any, TextIO

from readiness.reports import ReportOptions
from readiness.reports.machine_text import MachineFinding, findings_to_tell, machine_findings, word_by_severity, write_json
from readiness.verdict.report import Report

SEVERITY_WORDS = word_by_severity("blocker", "critical", "major", "minor", "info")


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write a list with an entry for each open finding, worst first; with `quiet` those that fail the gate alone."""
    write_json(output, [_entry(one) for one in machine_findings(report, findings_to_tell(report, is_quiet=options.quiet))])


def _entry(told: MachineFinding) -> dict[str, Any]:
    finding = told.finding
    return {
        "description": told.message,
        "check_name": finding.rule,
        "fingerprint": told.fingerprint,
        "severity": SEVERITY_WORDS[finding.severity],
        "location": {"path": told.path, "lines": {"begin": finding.start.line, "end": finding.end.line}},
    }
