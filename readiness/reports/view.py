"""Which of the open findings a person is shown, and in which order. The score, the gate and the counts are of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from readiness.model import Confidence, Finding, Severity
from readiness.model.records import dataclass

SORT_ORDERS = ("place", "severity")


@dataclass(frozen=True, slots=True)
class View:
    """What to show: findings this severe and this certain at least, by place or by severity, at most so many (None: all).

    With `statistics` a table by rule stands in the place of the findings.
    """

    min_severity: Severity = Severity.INFO
    min_confidence: Confidence = Confidence.LOW
    sort: str = "place"
    max_findings: int | None = None
    statistics: bool = False


class ShownFindings(NamedTuple):
    """Findings in the order in which they are shown, and what was left out, in words; empty where nothing was."""

    findings: list[Finding]
    hidden_text: str


def shown_findings(findings: Iterable[Finding], view: View) -> ShownFindings:
    """What a view shows of findings that are sorted by place."""
    hidden_counts = Counter[str]()
    visible_findings = []
    for finding in findings:
        if finding.severity < view.min_severity:
            hidden_counts[f"below --min-severity {view.min_severity}"] += 1
        elif finding.rule_definition.confidence < view.min_confidence:
            hidden_counts[f"below --min-confidence {view.min_confidence}"] += 1
        else:
            visible_findings.append(finding)
    if view.sort == "severity":
        visible_findings.sort(key=lambda one: -one.severity)  # a stable sort: by place within each severity
    if view.max_findings is not None and len(visible_findings) > view.max_findings:
        hidden_counts[f"over --max {view.max_findings}"] = len(visible_findings) - view.max_findings
        del visible_findings[view.max_findings :]
    hidden_text = ", ".join(f"{count} {reason}" for reason, count in hidden_counts.items())
    return ShownFindings(visible_findings, f"{hidden_text}; the gate and the score count them" if hidden_text else "")
