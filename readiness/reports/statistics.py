"""The findings counted by rule: what fails the gate first, then the worst and the most frequent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from readiness.model import Finding, Severity
from readiness.reports import digest
from readiness.verdict.report import Report


class RuleCount(NamedTuple):
    """A rule, the worst severity of its findings, how many there are, how many of them fail the gate, and in how many files they are."""

    rule_id: str
    title: str
    severity: Severity
    finding_count: int
    failing_count: int
    file_count: int


def rule_counts(report: Report, findings: Iterable[Finding]) -> list[RuleCount]:
    """A row for each rule with findings."""
    findings_by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        findings_by_rule.setdefault(finding.rule, []).append(finding)
    rows = [
        RuleCount(
            rule_id,
            findings_of_rule[0].rule_definition.title,
            max(one.severity for one in findings_of_rule),
            len(findings_of_rule),
            sum(map(report.gate.is_failed_by, findings_of_rule)),
            len({one.path for one in findings_of_rule}),
        )
        for rule_id, findings_of_rule in findings_by_rule.items()
    ]
    return sorted(rows, key=lambda row: (not row.failing_count, -row.severity, -row.finding_count, row.rule_id))


def rule_count_texts(rows: Sequence[RuleCount], width: int) -> list[tuple[str, str, str]]:
    """(count, severity, rule with its title and files) of each row, in columns where a line of `width` has room for all titles.

    Where it has not, each title stands right behind its rule, and the longest are shortened.
    """
    count_width = max((len(str(row.finding_count)) for row in rows), default=1)
    rule_width = width - count_width - len("  critical  ")
    id_width = max((len(row.rule_id) for row in rows), default=1)
    if any(id_width + len(f"  {row.title}{_files_text(row)}") > rule_width for row in rows):
        id_width = 0
    texts = []
    for row in rows:
        id_text, files_text = f"{row.rule_id:<{id_width}}  ", _files_text(row)
        title_text = digest.shortened_text(row.title, max(rule_width - len(id_text) - len(files_text), 1))
        texts.append((f"{row.finding_count:>{count_width}}", f"  {row.severity!s:<8}  ", f"{id_text}{title_text}{files_text}"))
    return texts


def _files_text(row: RuleCount) -> str:
    """In how many files the findings are, where that is not one."""
    return f" ({row.file_count} files)" if row.file_count > 1 else ""


def rule_counts_as_json(rows: Iterable[RuleCount]) -> list[dict[str, Any]]:
    """The rows as the JSON report has them."""
    return [
        {
            "rule": row.rule_id,
            "title": row.title,
            "severity": str(row.severity),
            "findings": row.finding_count,
            "failing": row.failing_count,
            "files": row.file_count,
        }
        for row in rows
    ]
