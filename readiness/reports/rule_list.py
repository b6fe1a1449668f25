"""The rules of the catalogue as JSON, for `rules --format json`."""

from __future__ import annotations

from typing import Any

from readiness.model import Rule
from readiness.ruleset.precision import precision_of


def rule_json_object(rule: Rule) -> dict[str, Any]:
    """A rule of the catalogue as JSON."""
    precision_record = precision_of(rule.id)
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": str(rule.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "kind": rule.kind,
        "level": rule.level,
        "message": rule.message,
        "messages": rule.sentences_at(""),
        "why": rule.why,
        "fix": rule.fix,
        "limits": rule.known_limits,
        "links": list(rule.links),
        "equivalents": {peer: list(ids) for peer, ids in sorted(rule.equivalents.items())},
        "checklist": list(rule.checklist),
        "tiers": [{"name": tier.name, "level": tier.level, "severity": str(tier.severity)} for tier in rule.tiers],
        "parts": list(rule.parts),
        "precision": precision_record.as_json() if precision_record else None,
    }
