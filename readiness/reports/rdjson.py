"""A report for reviewdog, which posts findings as comments on GitHub, GitLab, Bitbucket and Gerrit: Reviewdog Diagnostic Format.

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf
"""

from __future__ import annotations

from typing import Any, TextIO

from readiness.model import Finding, Position
from readiness.reports import ReportOptions
from readiness.reports.machine_text import MachineFinding, findings_to_tell, machine_findings, remedy_text, word_by_severity, write_json
from readiness.ruleset.rule_pages import rule_page_url
from readiness.verdict.report import Report

SEVERITY_WORDS = word_by_severity("ERROR", "ERROR", "WARNING", "INFO", "INFO")


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write all open findings, worst first; with `quiet` those that fail the gate alone."""
    diagnostics = [_diagnostic(one) for one in machine_findings(report, findings_to_tell(report, is_quiet=options.quiet))]
    write_json(output, {"source": {"name": "readiness"}, "diagnostics": diagnostics})


def _diagnostic(told: MachineFinding) -> dict[str, Any]:
    finding, page_url = told.finding, rule_page_url(told.finding.rule)
    return {
        "message": f"{told.message}\n\nFix: {remedy_text(finding)}",
        "location": {"path": told.path, "range": {"start": _byte_position(finding, finding.start), "end": _byte_position(finding, finding.end)}},
        "severity": SEVERITY_WORDS[finding.severity],
        "code": {"value": finding.rule, **({"url": page_url} if page_url else {})},
    }


def _byte_position(finding: Finding, position: Position) -> dict[str, int]:
    """A position as the format counts it: columns in bytes of UTF-8, from 1."""
    line_text = finding.source.root.line_text(position.line)
    return {"line": position.line, "column": len(line_text[: position.column - 1].encode("utf-8", "surrogatepass")) + 1}
