"""The words everything else is written in: sources, spans, hits, rules and findings."""

from __future__ import annotations

from readiness.model.finding import (
    Edit,
    Finding,
    Note,
    Suppression,
    join_names,
    with_worse_severity,
)
from readiness.model.hits import Hit, Node, NotApplicable, Related, Subject, Unknown, hit, missing
from readiness.model.rule import (
    CATEGORIES,
    LEVELS,
    NONE,
    POINTS,
    WEIGHTS,
    Claim,
    Confidence,
    Pattern,
    Rule,
    Severity,
    Tier,
    Wording,
)
from readiness.model.source import ParseError, Position, Source, Span, line_starts

__all__ = [
    "CATEGORIES",
    "LEVELS",
    "NONE",
    "POINTS",
    "WEIGHTS",
    "Claim",
    "Confidence",
    "Edit",
    "Finding",
    "Hit",
    "Node",
    "NotApplicable",
    "Note",
    "ParseError",
    "Pattern",
    "Position",
    "Related",
    "Rule",
    "Severity",
    "Source",
    "Span",
    "Subject",
    "Suppression",
    "Tier",
    "Unknown",
    "Wording",
    "hit",
    "join_names",
    "line_starts",
    "missing",
    "with_worse_severity",
]
