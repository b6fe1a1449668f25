"""A report for GitLab: Code Quality, which shows findings beside the lines of a merge request.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from typing import Any, TextIO

from readiness.reports import ReportOptions
from readiness.reports.machine_text import MachineFinding, machine_findings, word_by_severity, worst_first, write_json
from readiness.verdict.report import Report

SEVERITY_WORDS = word_by_severity("blocker", "critical", "major", "minor", "info")


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write a list with an entry for each open finding, worst first; with `quiet` those that fail the gate alone."""
    findings = filter(report.gate.is_failed_by, report.open) if options.quiet else report.open
    write_json(output, [_entry(one) for one in machine_findings(report, worst_first(findings))])


def _entry(told: MachineFinding) -> dict[str, Any]:
    finding = told.finding
    return {
        "description": told.message,
        "check_name": finding.rule,
        "fingerprint": told.fingerprint,
        "severity": SEVERITY_WORDS[finding.severity],
        "location": {"path": told.path, "lines": {"begin": finding.start.line, "end": finding.end.line}},
    }
