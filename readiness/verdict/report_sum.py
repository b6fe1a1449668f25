"""Algorithm 2, the sum: what each service loses in each category, and what the whole report scores without some of its findings."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from readiness.model import Finding, Rule, Severity
from readiness.verdict.place_points import NOBODY, SEVERITIES_WORST_FIRST, PlaceCounts, RulePlaces, place_counts
from readiness.verdict.score import LOSS_CAP_BY_CATEGORY, FixPlace, counts_in_score

PointsByCategory = Mapping[str, float]
_OwnedPlace = tuple[str, str, FixPlace]  # (rule, service, where the fix goes)


def score_left(points_by_category: PointsByCategory) -> float:
    """What so many points in each category leave of 100. The caps add up to 100, so this is 100 - the losses, to more digits."""
    return math.fsum(cap * math.exp(-points_by_category.get(name, 0.0) / cap) for name, cap in LOSS_CAP_BY_CATEGORY.items())


class ReportSum:
    """The places of all findings that count, by rule and service; it answers what the report scores without some of them.

    `shared_service_names` are services that are told as such and run nowhere (pipelines beside other services): what is theirs counts as nobody's.
    Building it takes one pass over the findings; a question takes time by the services, and only those that may come to decide are looked at.
    """

    def __init__(self, findings: Sequence[Finding], *, shared_service_names: Collection[str] = ()) -> None:
        self.findings = findings
        self.shared_service_names = frozenset(shared_service_names)
        self._rule_by_id: dict[str, Rule] = {}
        self._indexes_by_owned_place: dict[_OwnedPlace, list[int]] = {}
        self._owned_places_by_place: dict[tuple[str, FixPlace], list[_OwnedPlace]] = {}
        for index, finding in enumerate(findings):
            if counts_in_score(finding):
                self._enter_finding(index, finding)
        counts = self._counts_by_owner_by_rule(self._indexes_by_owned_place)
        self.places_by_rule = {rule_id: RulePlaces(self._rule_by_id[rule_id], counts[rule_id]) for rule_id in sorted(counts)}
        self.points_of_bystander = self._points_of_bystander()
        self.points_by_service = self._points_by_service()
        self.score_left_by_service = {name: score_left(points) for name, points in self.points_by_service.items()}
        self._services_lowest_first = sorted(self.points_by_service, key=lambda name: (self.score_left_by_service[name], name))
        self._profile_by_service = self._profiles()

    def owner(self, finding: Finding) -> str:
        """The name of the service that a finding counts for; NOBODY where there is none."""
        return NOBODY if finding.service_name in self.shared_service_names else finding.service_name

    @property
    def deciding_service(self) -> str:
        """The service whose sum, its own and what is outside, is the largest; NOBODY where no service has a finding that counts."""
        return self._services_lowest_first[0] if self._services_lowest_first else NOBODY

    @property
    def points_of_whole(self) -> PointsByCategory:
        """The points of each category for the deciding service, and what counts lightly where there is none."""
        return self.points_by_service.get(self.deciding_service, self.points_of_bystander)

    @property
    def unrounded_score(self) -> float:
        """The score of the whole before its ceiling."""
        return score_left(self.points_of_whole)

    def unrounded_score_without(self, finding_indexes: Iterable[int]) -> float:
        """The unrounded score once the findings at these indexes are fixed together, and no others."""
        indexes_left_out = frozenset(finding_indexes)
        owned_places = {self._owned_place(self.findings[index]) for index in indexes_left_out if counts_in_score(self.findings[index])}
        touched_rule_ids = {rule_id for rule_id, _, _ in owned_places}
        changes: dict[str, dict[str, list[tuple[Severity, Severity | None]]]] = {rule_id: {} for rule_id in touched_rule_ids}
        for owned_place in owned_places:
            rule_id, service_name, _ = owned_place
            remaining = [index for index in self._indexes_by_owned_place[owned_place] if index not in indexes_left_out]
            severity_after = max((self.findings[index].severity for index in remaining), default=None)
            changes[rule_id].setdefault(service_name, []).append((self._severity_at(owned_place), severity_after))
        return self._unrounded_score_with([self._changed_places(rule_id, by_service) for rule_id, by_service in sorted(changes.items())])

    def gain_by_finding(self) -> tuple[float, ...]:
        """For each finding, what the unrounded score rises by when its place is mended: all that the rule says of that place."""
        gain_by_change: dict[tuple[str, tuple[tuple[int, Severity], ...]], float] = {}
        gains = []
        score_now = self.unrounded_score
        for finding in self.findings:
            if not counts_in_score(finding):
                gains.append(0.0)
                continue
            owned_places = self._owned_places_by_place[finding.rule, finding.fix_place]
            severity_by_service = {service_name: self._severity_at((rule_id, service_name, place)) for rule_id, service_name, place in owned_places}
            # Services that fail in the same places gain the same, so that each such change is worked out once.
            profiles = sorted((self._profile_by_service.get(name, -1), severity) for name, severity in severity_by_service.items())
            change_key = finding.rule, tuple(profiles)
            if change_key not in gain_by_change:
                changed = self._changed_places(finding.rule, {name: [(severity, None)] for name, severity in severity_by_service.items()})
                gain_by_change[change_key] = max(self._unrounded_score_with([changed]) - score_now, 0.0)
            gains.append(gain_by_change[change_key])
        return tuple(gains)

    def _enter_finding(self, index: int, finding: Finding) -> None:
        self._rule_by_id.setdefault(finding.rule, finding.rule_definition)
        owned_place = self._owned_place(finding)
        if owned_place not in self._indexes_by_owned_place:
            self._owned_places_by_place.setdefault((finding.rule, finding.fix_place), []).append(owned_place)
        self._indexes_by_owned_place.setdefault(owned_place, []).append(index)

    def _owned_place(self, finding: Finding) -> _OwnedPlace:
        return finding.rule, self.owner(finding), finding.fix_place

    def _severity_at(self, owned_place: _OwnedPlace) -> Severity:
        """How bad a place is: as the worst that is said of it."""
        return max(self.findings[index].severity for index in self._indexes_by_owned_place[owned_place])

    def _counts_by_owner_by_rule(self, owned_places: Iterable[_OwnedPlace]) -> dict[str, dict[str, PlaceCounts]]:
        severities: dict[str, dict[str, list[Severity]]] = {}
        for owned_place in owned_places:
            rule_id, service_name, _ = owned_place
            severities.setdefault(rule_id, {}).setdefault(service_name, []).append(self._severity_at(owned_place))
        return {rule_id: {name: place_counts(ones) for name, ones in by_owner.items()} for rule_id, by_owner in severities.items()}

    def _points_of_bystander(self) -> dict[str, float]:
        """What all places cost a service that has none, by category."""
        terms_by_category: dict[str, list[float]] = {name: [] for name in LOSS_CAP_BY_CATEGORY}
        for places in self.places_by_rule.values():
            terms_by_category[places.rule.category].append(places.light_points_of_all)
        return {name: math.fsum(terms) for name, terms in terms_by_category.items()}

    def _points_by_service(self) -> dict[str, dict[str, float]]:
        """What each service that has places loses points for: its own, and what outside adds, by category."""
        extra_terms: dict[str, dict[str, list[float]]] = {}
        for places in self.places_by_rule.values():
            for name in places.counts_by_owner:
                if name != NOBODY:
                    extra_terms.setdefault(name, {}).setdefault(places.rule.category, []).append(places.extra_points(name))
        return {
            name: {category: math.fsum([light, *terms.get(category, ())]) for category, light in self.points_of_bystander.items()}
            for name, terms in sorted(extra_terms.items())
        }

    def _profiles(self) -> dict[str, int]:
        """A number for each service, equal for those that have as many places of every rule."""
        counts_by_service: dict[str, list[tuple[str, PlaceCounts]]] = {}
        for rule_id, places in self.places_by_rule.items():
            for name, counts in places.counts_by_owner.items():
                counts_by_service.setdefault(name, []).append((rule_id, counts))
        number_by_profile: dict[tuple[tuple[str, PlaceCounts], ...], int] = {}
        return {
            name: number_by_profile.setdefault(tuple(counts), len(number_by_profile)) for name, counts in counts_by_service.items() if name != NOBODY
        }

    def _changed_places(self, rule_id: str, changes_by_service: Mapping[str, Iterable[tuple[Severity, Severity | None]]]) -> RulePlaces:
        """A rule's places where some are less severe than now, or gone (None)."""
        places_now = self.places_by_rule[rule_id]
        new_counts_by_owner = {}
        for service_name, changes in changes_by_service.items():
            count_by_severity = dict(zip(SEVERITIES_WORST_FIRST, places_now.counts_by_owner[service_name], strict=True))
            for severity_now, severity_after in changes:
                count_by_severity[severity_now] -= 1
                if severity_after is not None:
                    count_by_severity[severity_after] += 1
            new_counts_by_owner[service_name] = tuple(count_by_severity.values())
        return places_now.changed(new_counts_by_owner)

    def _unrounded_score_with(self, changed_rules: Sequence[RulePlaces]) -> float:
        """The unrounded score with the places of some rules changed for the better.

        No service scores less then than now, so those that score more now than the lowest then need not be looked at.
        """
        pairs = [(self.places_by_rule[changed.rule.id], changed) for changed in changed_rules]
        light_change: dict[str, float] = {}
        for now, then in pairs:
            category = now.rule.category
            light_change[category] = light_change.get(category, 0.0) + then.light_points_of_all - now.light_points_of_all
        bystander_points = {name: points + light_change.get(name, 0.0) for name, points in self.points_of_bystander.items()}
        lowest_score = score_left(bystander_points)  # a service with nothing left of its own may be what decides
        for service_name in self._services_lowest_first:
            score_now = self.score_left_by_service[service_name]
            if score_now >= lowest_score:
                break
            category_changes = dict(light_change)
            for now, then in pairs:
                category_changes[now.rule.category] += then.extra_points(service_name) - now.extra_points(service_name)
            points_now = self.points_by_service[service_name]
            score_then = score_now + math.fsum(
                LOSS_CAP_BY_CATEGORY[name]
                * (math.exp(-(points_now[name] + change) / LOSS_CAP_BY_CATEGORY[name]) - math.exp(-points_now[name] / LOSS_CAP_BY_CATEGORY[name]))
                for name, change in category_changes.items()
            )
            lowest_score = min(lowest_score, score_then)
        return lowest_score
