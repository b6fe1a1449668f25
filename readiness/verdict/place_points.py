"""What the places of one rule cost: in full in the service that they belong to, and lightly in the rest of the report."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping
from typing import NamedTuple

from readiness.model import Rule, Severity
from readiness.verdict.score import repetition_factor_by_severity

SEVERITIES_WORST_FIRST = tuple(sorted(Severity, reverse=True))
PlaceCounts = tuple[int, ...]  # how many places there are of each severity, the worst first
NO_PLACES: PlaceCounts = (0,) * len(SEVERITIES_WORST_FIRST)
NOBODY = ""  # the name of what belongs to no service

# How much of its points a place costs outside its own service: see docs/scoring.md and docs/adr/0022-score-by-service.md.
SEVERE_SHARE = 0.75  # of what is high or critical, wherever it is
NOBODYS_SHARE = 0.3  # of what is milder and belongs to no service
OTHER_SERVICES_SHARE = 0.05  # of what is milder and belongs to another service
LIGHT_REPETITION = 0.16  # how much of a first place all further places of its rule cost together, at most


def place_counts(severities: Iterable[Severity]) -> PlaceCounts:
    """How many of the places, given by how bad each is, have each severity."""
    severity_of_each = list(severities)
    return tuple(severity_of_each.count(severity) for severity in SEVERITIES_WORST_FIRST)


def summed_counts(counts: Iterable[PlaceCounts]) -> PlaceCounts:
    """Counts of several owners as those of one."""
    return tuple(map(sum, zip(NO_PLACES, *counts, strict=True)))


def counts_by_severity(counts: PlaceCounts) -> tuple[tuple[Severity, int], ...]:
    """The severities that have places, the worst first, each with how many."""
    return tuple((severity, count) for severity, count in zip(SEVERITIES_WORST_FIRST, counts, strict=True) if count)


def full_points(rule: Rule, counts: PlaceCounts) -> float:
    """What the places cost in their own service, in points: the first whole, the i-th by log2(i / (i - 1)), the worst first."""
    factors = repetition_factor_by_severity(counts_by_severity(counts))
    return math.fsum(rule.points_at(severity) * factor for severity, factor in factors)


def light_repetition_factor(place_count: int) -> float:
    """How often a rule's points count lightly for so many places: 1 for one, and never more than 1 + LIGHT_REPETITION."""
    return 1 + LIGHT_REPETITION * (1 - 1 / place_count) if place_count else 0.0


class LightTerm(NamedTuple):
    """What some equal places cost lightly: the points of one, its share of them, and how often that counts."""

    severity: Severity
    points: float
    share: float
    factor: float

    @property
    def light_points(self) -> float:
        """The product of all."""
        return self.points * self.share * self.factor


def light_terms(rule: Rule, near_counts: PlaceCounts, far_counts: PlaceCounts = NO_PLACES) -> list[LightTerm]:
    """What places cost lightly, the dearest first; `far_counts` are those of other services."""
    groups = [
        (rule.points_at(severity) * share, count, severity, share)
        for milder_share, counts in ((NOBODYS_SHARE, near_counts), (OTHER_SERVICES_SHARE, far_counts))
        for severity, count in counts_by_severity(counts)
        for share in (SEVERE_SHARE if severity >= Severity.HIGH else milder_share,)
    ]
    counted_places, terms = 0, []
    for _, count, severity, share in sorted(groups, reverse=True):
        factor = light_repetition_factor(counted_places + count) - light_repetition_factor(counted_places)
        terms.append(LightTerm(severity, rule.points_at(severity), share, factor))
        counted_places += count
    return terms


def light_points(rule: Rule, near_counts: PlaceCounts, far_counts: PlaceCounts = NO_PLACES) -> float:
    """The sum of the light terms of places, in points."""
    return math.fsum(one.light_points for one in light_terms(rule, near_counts, far_counts))


class RulePlaces:
    """The places of one rule by who has them, and what they cost whom, in points.

    `light_points_of_all` is what they cost a service that has none of them.
    """

    __slots__ = ("_points_by_own_counts", "counts_by_owner", "light_points_of_all", "nobodys_counts", "rule", "services_counts")

    def __init__(self, rule: Rule, counts_by_owner: MutableMapping[str, PlaceCounts], services_counts: PlaceCounts | None = None) -> None:
        """`services_counts` are those of all services together, where they are known."""
        self.rule = rule
        self.counts_by_owner = counts_by_owner
        self.nobodys_counts = counts_by_owner.get(NOBODY, NO_PLACES)
        if services_counts is None:
            services_counts = summed_counts(counts for owner, counts in counts_by_owner.items() if owner != NOBODY)
        self.services_counts = services_counts
        self.light_points_of_all = light_points(rule, self.nobodys_counts, services_counts)
        self._points_by_own_counts: dict[PlaceCounts, tuple[float, float]] = {}

    def changed(self, new_counts_by_owner: Mapping[str, PlaceCounts]) -> RulePlaces:
        """The same rule with other counts for some owners, at a cost that goes by how many these are."""
        services_counts = self.services_counts
        for owner, new_counts in new_counts_by_owner.items():
            if owner != NOBODY:
                old_counts = self.counts_by_owner[owner]
                services_counts = tuple(total - old + new for total, old, new in zip(services_counts, old_counts, new_counts, strict=True))
        return RulePlaces(self.rule, ChainMap(dict(new_counts_by_owner), self.counts_by_owner), services_counts)

    def counts_of_service(self, name: str) -> PlaceCounts:
        """How many of the places are a service's own; none for NOBODY, which is no service."""
        return self.counts_by_owner.get(name, NO_PLACES) if name != NOBODY else NO_PLACES

    def own_and_outside_points(self, service_name: str) -> tuple[float, float]:
        """What a service's own places cost, and what those outside add: as many as all of them cost lightly beyond its own.

        Its own are weighed like nobody's in that difference, so that a place counts the same for it on either side.
        """
        own_counts = self.counts_of_service(service_name)
        if not any(own_counts):
            return 0.0, self.light_points_of_all
        if own_counts not in self._points_by_own_counts:
            added_points, subtracted_points = (math.fsum(one.light_points for one in terms) for terms in self.outside_terms(service_name))
            self._points_by_own_counts[own_counts] = full_points(self.rule, own_counts), added_points - subtracted_points
        return self._points_by_own_counts[own_counts]

    def outside_terms(self, service_name: str) -> tuple[list[LightTerm], list[LightTerm]]:
        """What all places cost lightly, and what of it is subtracted since a service's own cost it in full."""
        own_counts = self.counts_of_service(service_name)
        near_counts = summed_counts((self.nobodys_counts, own_counts))
        far_counts = tuple(total - own for total, own in zip(self.services_counts, own_counts, strict=True))
        return light_terms(self.rule, near_counts, far_counts), light_terms(self.rule, own_counts)

    def extra_points(self, service_name: str) -> float:
        """How much more the rule costs a service than one that has none of its places; nothing for the latter."""
        if service_name not in self.counts_by_owner:
            return 0.0
        own_points, outside_points = self.own_and_outside_points(service_name)
        return own_points + outside_points - self.light_points_of_all
