"""How often a rule was right at first sight: on repositories that nobody had tuned it on, read place by place."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from readiness.model.package import DATA_FOLDER

RECORD_FILE = DATA_FOLDER / "precision.json"
# Two-sided, 95 %.
_Z = 1.96
# What each letter means stands in docs/precision/README.md.
VERDICTS = frozenset("TPNFXD")


class Precision(NamedTuple):
    """How many findings of a rule were read at first sight, and how many were right, place and severity included."""

    read: int
    right: int

    def interval(self) -> tuple[float, float]:
        """The bounds of the share that is right, as parts of 1, at 95 % (Wilson's score interval)."""
        share, n = self.right / self.read, self.read
        middle = share + _Z**2 / (2 * n)
        half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
        scale = 1 + _Z**2 / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def text(self) -> str:
        """The record as a sentence of a rule's page."""
        low, high = self.interval()
        return (
            f"{self.right} of {self.read} findings that were read on repositories nobody had tuned on were right at first sight"
            f" ({100 * low:.0f} to {100 * high:.0f} % at 95 % confidence); docs/precision has each."
        )

    def as_json(self) -> dict[str, Any]:
        """The record with its interval, for `rules --format json`."""
        low, high = self.interval()
        return {"read": self.read, "right": self.right, "interval": [round(low, 3), round(high, 3)]}


@functools.cache
def _records() -> Mapping[str, Precision]:
    return {rule: Precision(*counts) for rule, counts in json.loads(RECORD_FILE.read_text(encoding="utf-8")).items()}


def precision_of(rule_id: str) -> Precision | None:
    """A rule's record; None where none of its findings was read yet."""
    return _records().get(rule_id)


def count_verdicts(rows: Iterable[Mapping[str, str]]) -> dict[str, list[int]]:
    """Rule -> [read, right] of rows of docs/precision. A place that two readers judged is right where both say so."""
    by_place: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        place = tuple(row[key] for key in ("round", "tree", "rule", "place"))
        by_place.setdefault(place, []).append(row["verdict"])
    counts: dict[str, list[int]] = {}
    for (_, _, rule, _), verdicts in sorted(by_place.items()):
        count = counts.setdefault(rule, [0, 0])
        count[0] += 1
        count[1] += set(verdicts) == {"T"}
    return counts
