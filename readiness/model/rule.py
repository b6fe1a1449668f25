"""What a rule file says: severity, confidence, category, and the words that a reader gets."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NewType


class Severity(enum.IntEnum):
    """How bad it is when the rule is right; ordered, so that `>=` reads as "at least as bad"."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(enum.IntEnum):
    """How sure the rule can be, from the files alone, that its hit is a real problem."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    def __str__(self) -> str:
        return self.name.lower()


CATEGORIES = (
    "isolation",
    "reliability",
    "secrets",
    "delivery",
    "edge",
    "observability",
    "correctness",
    "style",
)


NONE: Mapping[str, Any] = MappingProxyType({})


LEVELS = ("recommended", "strict", "optional")
# A parameter of a check that is a regular expression: one whose time outgrows the text is refused where it is given.
Pattern = NewType("Pattern", str)


class Rule(NamedTuple):
    """One rule file: what is wrong, why it breaks in production, how bad it is, how to fix it.

    `hides` says that its hits stand on secret values, which no output shows.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    category: str
    kind: str
    targets: tuple[str, ...]
    message: str
    why: str
    fix: str
    links: tuple[str, ...] = ()
    equivalents: Mapping[str, tuple[str, ...]] = NONE
    checklist: tuple[str, ...] = ()
    level: str = "recommended"
    hides: bool = False
    opinion: str = ""
    since: str = ""

    def __str__(self) -> str:
        return self.id

    @property
    def points(self) -> float:
        """What one failure costs before it is spread over a category: see docs/scoring.md."""
        return self.points_at(self.severity)

    def points_at(self, severity: Severity) -> float:
        """What a failure of that severity costs."""
        return POINTS[severity] * WEIGHTS[self.confidence]


POINTS = {
    Severity.CRITICAL: 12,
    Severity.HIGH: 6,
    Severity.MEDIUM: 3,
    Severity.LOW: 1,
    Severity.INFO: 0,
}


WEIGHTS = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.3}
