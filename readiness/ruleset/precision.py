"""How often a rule was right at first sight: on repositories that nobody had tuned it on, read place by place."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from readiness.model.package import DATA_FOLDER

PRECISION_RECORD_PATH = DATA_FOLDER / "precision.json"
# Two-sided, 95 %.
_Z_SCORE_95_PERCENT = 1.96
# What each letter means stands in docs/precision/README.md.
VERDICT_LETTERS = frozenset("TPNFXD")


class Precision(NamedTuple):
    """How many findings of a rule were read at first sight, and how many were right, place and severity included."""

    read: int
    right: int

    def interval(self) -> tuple[float, float]:
        """The bounds of the share that is right, as parts of 1, at 95 % (Wilson's score interval)."""
        right_share, sample_size = self.right / self.read, self.read
        interval_middle = right_share + _Z_SCORE_95_PERCENT**2 / (2 * sample_size)
        interval_half_width = _Z_SCORE_95_PERCENT * math.sqrt(
            right_share * (1 - right_share) / sample_size + _Z_SCORE_95_PERCENT**2 / (4 * sample_size * sample_size)
        )
        interval_scale = 1 + _Z_SCORE_95_PERCENT**2 / sample_size
        return max(0.0, (interval_middle - interval_half_width) / interval_scale), min(1.0, (interval_middle + interval_half_width) / interval_scale)

    def text(self) -> str:
        """The record as a sentence of a rule's page."""
        lower_bound, upper_bound = self.interval()
        return (
            f"{self.right} of {self.read} findings that were read on repositories nobody had tuned on were right at first sight"
            f" ({100 * lower_bound:.0f} to {100 * upper_bound:.0f} % at 95 % confidence); docs/precision has each."
        )

    def as_json(self) -> dict[str, Any]:
        """The record with its interval, for `rules --format json`."""
        lower_bound, upper_bound = self.interval()
        return {"read": self.read, "right": self.right, "interval": [round(lower_bound, 3), round(upper_bound, 3)]}


@functools.cache
def _precision_by_rule_id() -> Mapping[str, Precision]:
    return {rule: Precision(*counts) for rule, counts in json.loads(PRECISION_RECORD_PATH.read_text(encoding="utf-8")).items()}


def precision_of(rule_id: str) -> Precision | None:
    """A rule's record; None where none of its findings was read yet."""
    return _precision_by_rule_id().get(rule_id)


def read_and_right_counts_by_rule(verdict_rows: Iterable[Mapping[str, str]]) -> dict[str, list[int]]:
    """Rule -> [read, right] of rows of docs/precision. A place that two readers judged is right where both say so."""
    verdicts_by_place: dict[tuple[str, ...], list[str]] = {}
    for verdict_row in verdict_rows:
        place_key = tuple(verdict_row[key] for key in ("round", "tree", "rule", "place"))
        verdicts_by_place.setdefault(place_key, []).append(verdict_row["verdict"])
    counts_by_rule: dict[str, list[int]] = {}
    for (_, _, rule_id, _), verdicts in sorted(verdicts_by_place.items()):
        read_and_right_counts = counts_by_rule.setdefault(rule_id, [0, 0])
        read_and_right_counts[0] += 1
        read_and_right_counts[1] += set(verdicts) == {"T"}
    return counts_by_rule
