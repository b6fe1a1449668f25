"""Algorithm 2: the score of each service, and that of the whole, told in docs/scoring.md. Pure functions only."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from readiness.model import Finding, Rule, Severity
from readiness.model.memo import cached_property
from readiness.model.records import dataclass
from readiness.verdict.place_points import NOBODY, LightTerm, RulePlaces, counts_by_severity, full_points, summed_counts
from readiness.verdict.report_sum import PointsByCategory, ReportSum, score_left
from readiness.verdict.score import (
    LOSS_CAP_BY_CATEGORY,
    PREVIOUS_ALGORITHM_VERSION,
    SCORE_CEILING_BY_SEVERITY,
    TITLE_BY_CATEGORY,
    Category,
    RuleTerm,
    Score,
    grade_of,
    score_findings,
)

SHARED_SERVICE_NOTE = "runs nowhere, so it counts as nobody's"  # of pipelines beside other services, as docs/scoring.md says it
PIPELINE_KINDS = frozenset({"github", "gitlab"})  # of files that run nowhere: a service of nothing else ships others


class _PartOfKind(Protocol):
    """A part of a service, of which the kind of its file is asked."""

    @property
    def kind(self) -> str:
        """The kind of its file."""


class NamedService(Protocol):
    """A service, of which its name and its parts are asked."""

    @property
    def name(self) -> str:
        """Its own in a run."""

    @property
    def parts(self) -> Sequence[_PartOfKind]:
        """What belongs to it."""


@dataclass(frozen=True, slots=True)
class OutsideTerm:
    """What a rule adds to the deciding service for places outside of it: how many there are, and the points.

    These are the sum of `added`, what all places cost lightly, less that of `subtracted`, what the service's own would.
    """

    rule: Rule
    places: int
    points: float
    added: tuple[LightTerm, ...] = ()
    subtracted: tuple[LightTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceScore:
    """The score of one service by its own findings alone."""

    name: str
    result: Score


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """The score at an earlier revision, and that of all that stands now, known then or not; what is waived is left out of both."""

    before: Score
    after: Score

    @property
    def points(self) -> int | None:
        """By how much the score rose; None where one of the two is not there."""
        return None if self.before.score is None or self.after.score is None else self.after.score - self.before.score

    def to_dict(self) -> dict[str, Any]:
        """What the JSON report says of it."""
        return {
            name: {"score": one.score, "raw_score": _rounded(one.unrounded_score), "grade": one.grade}
            for name, one in (("before", self.before), ("after", self.after))
        }


@dataclass(frozen=True)
class ReportScore:
    """The score of the whole, those of the services in which something fails by name, and that of algorithm 1 beside it.

    `whole.terms` are those of `deciding_service`; `outside_terms` are what is added to them. `report_sum` answers what the whole would
    score without some findings.
    """

    whole: Score
    services: tuple[ServiceScore, ...]
    deciding_service: str
    outside_terms: tuple[OutsideTerm, ...]
    previous: Score
    coverage_percent: int
    report_sum: ReportSum

    def note_on_service(self, name: str) -> str:
        """Why a service is not judged in full for the whole; empty where it is."""
        return SHARED_SERVICE_NOTE if name in self.report_sum.shared_service_names else ""

    @cached_property
    def result_by_service_name(self) -> dict[str, Score]:
        """The scores of the services by their names."""
        return {one.name: one.result for one in self.services}

    def unrounded_score_without(self, finding_indexes: Iterable[int]) -> float:
        """What the whole scores, before its ceiling, once the findings at these indexes are fixed together, and no others."""
        return self.report_sum.unrounded_score_without(finding_indexes)

    def result_of_service(self, name: str) -> Score:
        """The score of a service; a full one where nothing that counts was found in it."""
        if name in self.result_by_service_name:
            return self.result_by_service_name[name]
        categories = tuple(Category(one.id, one.title, one.cap, 0.0, 0.0, one.assessed) for one in self.whole.categories)
        if self.whole.score is None:
            return Score(None, None, None, 100, categories, (), ())
        return Score(100, 100.0, grade_of(100, self.coverage_percent), 100, categories, (), ())


def names_of_pipelines(services: Iterable[NamedService]) -> frozenset[str]:
    """The services that are nothing but pipelines, where there are others: they run nowhere, so what is theirs counts as nobody's.

    Where nothing but pipelines was found, theirs are judged as any service.
    """
    services = list(services)
    names = frozenset(service.name for service in services if service.parts and all(part.kind in PIPELINE_KINDS for part in service.parts))
    return names if len(names) < len(services) else frozenset()


def score_report(
    findings: Sequence[Finding],
    *,
    shared_service_names: Collection[str] = (),
    coverage_percent: int = 100,
    assessed_categories: Collection[str] | None = None,
) -> ReportScore:
    """The scores of findings by the services that they name, those that are suppressed left out.

    `shared_service_names` are services whose findings count as nobody's. `assessed_categories` are the categories of which a rule
    has looked at something (None: all of them). Without any there is no score.
    """
    report_sum = ReportSum(findings, shared_service_names=shared_service_names)
    scale = _Scale(coverage_percent, assessed_categories)
    counts_of_all = [summed_counts(places.counts_by_owner.values()) for places in report_sum.places_by_rule.values()]
    worst_severity = max((counts_by_severity(counts)[0][0] for counts in counts_of_all), default=Severity.INFO)
    terms_by_service = _terms_by_service(report_sum.places_by_rule.values())
    deciding_service = report_sum.deciding_service
    whole = scale.score(report_sum.points_of_whole, worst_severity, terms_by_service.get(deciding_service, ()), report_sum.gain_by_finding())
    for name in sorted({finding.service_name for finding in findings} & set(shared_service_names)):
        findings_of_service = [finding for finding in findings if finding.service_name == name]
        terms_by_service |= _terms_by_service(ReportSum(findings_of_service).places_by_rule.values())
    services = [
        ServiceScore(name, scale.score(_points_by_category(terms), max(term.by_severity[0][0] for term in terms), terms, ()))
        for name, terms in sorted(terms_by_service.items())
    ]
    return ReportScore(
        whole,
        tuple(services),
        deciding_service,
        _outside_terms(report_sum, deciding_service),
        score_findings(findings, coverage_percent=coverage_percent, assessed_categories=assessed_categories),
        coverage_percent,
        report_sum,
    )


def scores_with_and_without_waivers(
    findings: Sequence[Finding], services: Iterable[NamedService], coverage_percent: int, assessed_categories: Collection[str]
) -> tuple[ReportScore, ReportScore]:
    """The scores of findings, and those they would have if none of them were suppressed."""
    make_scores = partial(
        score_report,
        shared_service_names=names_of_pipelines(services),
        coverage_percent=coverage_percent,
        assessed_categories=assessed_categories,
    )
    report_score = make_scores(findings)
    if not any(finding.suppression for finding in findings):
        return report_score, report_score
    return report_score, make_scores([finding._replace(suppression=None) for finding in findings])


def score_change_since(
    before: Score | None,
    findings: Sequence[Finding],
    services: Iterable[NamedService],
    coverage_percent: int,
    assessed_categories: Collection[str],
) -> ScoreChange | None:
    """The score before, and that of findings with those that were known then; None where there is nothing before."""
    if before is None:
        return None
    after = score_report(
        [one._replace(suppression=None) if one.suppression and one.suppression.is_of_known_finding else one for one in findings],
        shared_service_names=names_of_pipelines(services),
        coverage_percent=coverage_percent,
        assessed_categories=assessed_categories,
    )
    return ScoreChange(before, after.whole)


def service_score_as_json(report_score: ReportScore, name: str) -> dict[str, Any]:
    """What the JSON report says of a service's score; all null where the whole has none."""
    result = report_score.result_of_service(name)
    return {"score": result.score, "raw_score": _rounded(result.unrounded_score), "grade": result.grade}


def previous_score_as_json(report_score: ReportScore) -> dict[str, Any]:
    """What the JSON report says of algorithm 1."""
    previous = report_score.previous
    return {
        "algorithm": PREVIOUS_ALGORITHM_VERSION,
        "score": previous.score,
        "raw_score": _rounded(previous.unrounded_score),
        "grade": previous.grade,
    }


@dataclass(frozen=True, slots=True)
class _Scale:
    """What all scores of a run have in common: the coverage in percent, and the categories of which something was looked at."""

    coverage_percent: int
    assessed_categories: Collection[str] | None

    def score(
        self, points_by_category: PointsByCategory, worst_severity: Severity, terms: tuple[RuleTerm, ...], gain_by_finding: tuple[float, ...]
    ) -> Score:
        """The score that so many points in each category make."""
        ceiling = SCORE_CEILING_BY_SEVERITY.get(worst_severity, 100)
        categories = tuple(self._category(name, points_by_category.get(name, 0.0)) for name in LOSS_CAP_BY_CATEGORY)
        if self.assessed_categories is not None and not self.assessed_categories:
            return Score(None, None, None, ceiling, categories, terms, gain_by_finding)
        unrounded_score = score_left(points_by_category)
        rounded_score = math.floor(min(unrounded_score, ceiling))
        return Score(rounded_score, unrounded_score, grade_of(rounded_score, self.coverage_percent), ceiling, categories, terms, gain_by_finding)

    def _category(self, name: str, points: float) -> Category:
        cap = LOSS_CAP_BY_CATEGORY[name]
        is_assessed = self.assessed_categories is None or name in self.assessed_categories
        return Category(name, TITLE_BY_CATEGORY[name], cap, points, -cap * math.expm1(-points / cap), is_assessed)


def _terms_by_service(places_of_rules: Iterable[RulePlaces]) -> dict[str, tuple[RuleTerm, ...]]:
    """The rules that fail in each service, each with its places there and what they cost in full."""
    terms_by_service: dict[str, list[RuleTerm]] = {}
    for places in places_of_rules:
        for name, counts in places.counts_by_owner.items():
            if name != NOBODY:
                term = RuleTerm(places.rule, sum(counts), full_points(places.rule, counts), counts_by_severity(counts))
                terms_by_service.setdefault(name, []).append(term)
    return {name: tuple(terms) for name, terms in terms_by_service.items()}


def _points_by_category(terms: Iterable[RuleTerm]) -> dict[str, float]:
    """The points of a service's own terms."""
    points_of_terms: dict[str, list[float]] = {name: [] for name in LOSS_CAP_BY_CATEGORY}
    for term in terms:
        points_of_terms[term.rule.category].append(term.points)
    return {name: math.fsum(points) for name, points in points_of_terms.items()}


def _outside_terms(report_sum: ReportSum, deciding_service: str) -> tuple[OutsideTerm, ...]:
    """What is added to the deciding service for what is not its own, by rule."""
    terms = []
    for places in report_sum.places_by_rule.values():
        outside_places = sum(summed_counts(places.counts_by_owner.values())) - sum(places.counts_of_service(deciding_service))
        if outside_places:
            added, subtracted = map(tuple, places.outside_terms(deciding_service))
            terms.append(OutsideTerm(places.rule, outside_places, places.own_and_outside_points(deciding_service)[1], added, subtracted))
    return tuple(terms)


def _rounded(points: float | None) -> float | None:
    """Four digits, as all points of the JSON report."""
    return None if points is None else round(points, 4)
