"""Findings as the JSON report has them: what they have of their rules is worked out once a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from readiness.model import Finding
from readiness.redaction import Redactor
from readiness.ruleset.rule_pages import rule_page_url


def rounded_points(points: float | None) -> float | None:
    """Four digits: as many as every platform's arithmetic agrees on, and more than anyone needs."""
    return None if points is None else round(points, 4)


def findings_as_json(findings: Iterable[Finding], redactor: Redactor) -> list[dict[str, Any]]:
    """All findings; what they have of their rules is worked out once a rule, tier and part."""
    words_by_rule_tier_and_part: dict[tuple[str, str, str], _RuleWords] = {}
    finding_rows = []
    for finding in findings:
        rule_tier_and_part = finding.rule, finding.tier, finding.part
        if rule_tier_and_part not in words_by_rule_tier_and_part:
            equivalents = {peer: list(ids) for peer, ids in sorted(finding.equivalents.items())}
            words_by_rule_tier_and_part[rule_tier_and_part] = _RuleWords(
                " ".join(finding.why.split()), " ".join(finding.fix.split()), rule_page_url(finding.rule), equivalents
            )
        finding_rows.append(_finding_json(finding, words_by_rule_tier_and_part[rule_tier_and_part], redactor))
    return finding_rows


class _RuleWords(NamedTuple):
    """What all findings of one rule, tier and part have in common."""

    why: str
    remedy: str
    page_url: str
    equivalents: dict[str, list[str]]


def _finding_json(finding: Finding, words: _RuleWords, redactor: Redactor) -> dict[str, Any]:
    start_position, rule = finding.start, finding.rule_definition
    suppression = finding.suppression
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": str(finding.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "message": redactor.mask_text(finding.message),
        "path": finding.path,
        "line": start_position.line,
        "column": start_position.column,
        "end_line": start_position.line,
        "end_column": start_position.column + finding.span.end - finding.span.start,
        "resource": redactor.mask_text(finding.resource),
        "container": redactor.mask_text(finding.container),
        "unit": redactor.mask_text(finding.unit_path),
        "group": redactor.mask_text(finding.edit_group),
        "service": redactor.mask_text(finding.service_name),
        "gain": rounded_points(finding.score_gain),
        "fingerprint": finding.fingerprint,
        "why": words.why,
        "remedy": words.remedy,
        **({"url": words.page_url} if words.page_url else {}),
        "related": [
            {
                "path": other.source.root.path,
                "line": other.source.position_of(other.span.start).line,
                "message": redactor.mask_text(other.message),
            }
            for other in finding.related
        ],
        "fix": None,
        "equivalents": words.equivalents,
        "suppressed": None
        if suppression is None
        else {
            "by": suppression.suppressed_by,
            "reason": redactor.mask_text(suppression.reason),
            "until": suppression.until,
        },
    }
