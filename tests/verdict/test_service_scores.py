"""Algorithm 2: its properties over made-up reports, its sum by hand, and what it says of services."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.model import Finding, Severity, Source, Suppression
from readiness.verdict import score
from readiness.verdict.place_points import LIGHT_REPETITION, NOBODYS_SHARE, OTHER_SERVICES_SHARE, SEVERE_SHARE
from readiness.verdict.report_sum import ReportSum
from readiness.verdict.service_scores import names_of_pipelines, score_report, service_score_as_json
from tests.effort import effort
from tests.verdict.test_score import LOWERED, finding, outcome, rule, rules_of

SERVICES = ("", "web", "worker", "store")


def found(number: int, service: str, at: int, lowered: Severity | None = None, path: str = "a.yaml") -> Finding:
    return finding(rules_of(number), at, Source(path, "x" * 1000), lowered)._replace(service_name=service)


@st.composite
def findings(draw: Any, services: Sequence[str] = SERVICES) -> list[Finding]:
    things = st.tuples(st.integers(0, 39), st.sampled_from(services), st.integers(0, 30), LOWERED)
    return [found(*one) for one in draw(st.lists(things, max_size=25))]


def raw(ones: Sequence[Finding]) -> float:
    got = score_report(ones).whole.unrounded_score
    assert got is not None
    return got


def loss(ones: Sequence[Finding]) -> float:
    """The same as 100 - raw, with the digits that a small loss would lose."""
    return math.fsum(one.capped_loss for one in score_report(ones).whole.categories)


def copied(ones: Sequence[Finding], number: int) -> list[Finding]:
    """The findings of a copy: in other files, of other services; nobody's stay nobody's."""
    return [
        one._replace(
            source=Source(f"copy{number}/{one.path}", one.source.text),
            service_name=one.service_name and f"copy{number}-{one.service_name}",
        )
        for one in ones
    ]


@given(findings())
def test_bounded_and_the_losses_add_up(ones: list[Finding]) -> None:
    got = score_report(ones)
    for result in (got.whole, *(one.result for one in got.services)):
        assert result.unrounded_score is not None
        assert result.score is not None
        assert 0 <= result.score <= result.unrounded_score <= 100
        assert math.isclose(sum(one.capped_loss for one in result.categories), 100 - result.unrounded_score, abs_tol=1e-9)
        for category in result.categories:
            assert 0 <= category.capped_loss <= category.cap


@given(findings(), st.integers(0, 39), st.sampled_from(SERVICES), st.integers(31, 60), LOWERED)
def test_one_more_failure_lowers_raw(ones: list[Finding], number: int, service: str, at: int, lowered: Severity | None) -> None:
    more = found(number, service, at, lowered)
    before, after = score_report(ones), score_report([*ones, more])
    assert before.whole.unrounded_score is not None
    assert after.whole.unrounded_score is not None
    if more.severity and score.counts_in_score(more):
        assert after.whole.unrounded_score < before.whole.unrounded_score
        if service:
            own_before, own_after = (one.result_of_service(service).unrounded_score for one in (before, after))
            assert own_before is not None
            assert own_after is not None
            assert own_after < own_before
    else:
        assert after.whole.unrounded_score == before.whole.unrounded_score
    assert after.whole.score is not None
    assert before.whole.score is not None
    assert after.whole.score <= before.whole.score


@given(findings(), st.data())
def test_a_worse_severity_never_raises_raw(ones: list[Finding], data: Any) -> None:
    if not ones:
        return
    at = data.draw(st.integers(0, len(ones) - 1))
    mild, bad = (ones[at]._replace(lowered_severity=one) for one in (Severity.LOW, None))
    assert raw([*ones[:at], bad, *ones[at + 1 :]]) <= raw([*ones[:at], mild, *ones[at + 1 :]])


@given(findings(), st.integers(0, 39))
def test_what_costs_nothing_changes_nothing(ones: list[Finding], number: int) -> None:
    clean = found(number, "another", 40, Severity.INFO)
    assert raw([*ones, clean]) == raw(ones)
    assert raw([*ones, found(number, "another", 40)._replace(suppression=Suppression("comment", "why"))]) == raw(ones)


@given(findings(SERVICES[1:2]), st.integers(2, 40))
def test_services_that_are_alike_cost_at_most_twice_one(ones: list[Finding], number: int) -> None:
    together = [one for n in range(number) for one in copied(ones, n)]
    assert loss(ones) <= loss(together) <= 2 * loss(ones) + 1e-9


@given(findings())
def test_a_copy_of_the_whole_costs_at_most_three_points(ones: list[Finding]) -> None:
    assert 0 <= raw(ones) - raw([*ones, *copied(ones, 1)]) <= 3


@given(st.lists(st.tuples(st.integers(0, 399), st.sampled_from(("", "web")), st.just("high")), max_size=120))
def test_a_copy_of_many_highs_costs_at_most_three_points(things: list[tuple[int, str, str]]) -> None:
    ones = [
        finding(rule(f"k8s/r{n}", severity, "high", [*score.LOSS_CAP_BY_CATEGORY][n % 7]), 1)._replace(service_name=name)
        for n, name, severity in things
    ]
    assert 0 <= raw(ones) - raw([*ones, *copied(ones, 1)]) <= 3


@given(findings(), st.integers(0, 39), st.sampled_from(SERVICES[1:]), st.integers(31, 60), LOWERED)
def test_whose_a_finding_is_moves_the_score_by_less_than_two(
    ones: list[Finding], number: int, service: str, at: int, lowered: Severity | None
) -> None:
    """A finding of a rule that fails nowhere else in the service; of others whatever they are."""
    others = [one for one in ones if (one.rule, one.service_name) != (f"k8s/r{number}", service)]
    of_service, nobodys = (raw([*others, found(number, name, at, lowered)]) for name in (service, ""))
    assert abs(of_service - nobodys) < 2


@given(findings())
def test_a_gain_is_what_raw_rises_by_without_the_place(ones: list[Finding]) -> None:
    got = score_report(ones)
    for one, gain in zip(ones, got.whole.gain_by_finding, strict=True):
        rest = [other for other in ones if (other.rule, other.fix_place) != (one.rule, one.fix_place)]
        assert math.isclose(raw(rest) - raw(ones), gain, abs_tol=1e-9)
        assert gain >= 0


@given(findings(), st.data())
def test_the_score_without_some_findings_is_that_of_the_rest(ones: list[Finding], data: Any) -> None:
    indexes = data.draw(st.sets(st.integers(0, len(ones) - 1))) if ones else set()
    report_sum = ReportSum(ones, shared_service_names={"store"})
    rest = ReportSum([one for index, one in enumerate(ones) if index not in indexes], shared_service_names={"store"})
    assert math.isclose(report_sum.unrounded_score_without(indexes), rest.unrounded_score, abs_tol=1e-9)
    assert math.isclose(report_sum.unrounded_score_without(()), report_sum.unrounded_score, abs_tol=1e-9)
    assert score_report(ones).unrounded_score_without(range(len(ones))) == pytest.approx(100)


@given(findings(), st.randoms(use_true_random=False))
def test_equal_input_in_any_order_gives_equal_numbers(ones: list[Finding], random: Any) -> None:
    shuffled = random.sample(ones, len(ones))
    once, again = score_report(ones), score_report(shuffled)
    assert [one.capped_loss for one in once.whole.categories] == [one.capped_loss for one in again.whole.categories]
    assert (once.deciding_service, once.outside_terms, once.whole.terms) == (again.deciding_service, again.outside_terms, again.whole.terms)
    assert once.services == again.services
    assert dict(zip(map(id, ones), once.whole.gain_by_finding, strict=True)) == dict(zip(map(id, shuffled), again.whole.gain_by_finding, strict=True))


@given(findings())
def test_a_service_is_scored_by_what_is_its_own(ones: list[Finding]) -> None:
    for service in score_report(ones).services:
        alone = score.score_findings([one for one in ones if one.service_name == service.name])
        assert service.result.unrounded_score == pytest.approx(alone.unrounded_score)
        assert (service.result.score, service.result.grade, service.result.ceiling) == (alone.score, alone.grade, alone.ceiling)


@given(findings(SERVICES[1:2]))
def test_one_service_that_is_all_there_is_scores_as_the_whole(ones: list[Finding]) -> None:
    got = score_report(ones)
    assert got.whole.unrounded_score == pytest.approx(got.previous.unrounded_score)
    assert got.whole.score == got.result_of_service("web").score


def one_finding(name: str, severity: str, service: str, at: int = 1, category: str = "isolation") -> Finding:
    return finding(rule(f"k8s/{name}", severity, category=category), at)._replace(service_name=service)


def isolation_points(*ones: Finding) -> float:
    return score_report(ones).whole.categories[0].uncapped_points


SUMS = {
    "its own in full": ([("a", "high", "web"), ("b", "medium", "web"), ("b", "medium", "web", 2)], 6 + 2 * 3),
    "nobody's where there is no service": ([("a", "medium", ""), ("b", "high", "")], 3 * NOBODYS_SHARE + 6 * SEVERE_SHARE),
    "nobody's beside a service": ([("a", "high", "web"), ("b", "low", "")], 6 + NOBODYS_SHARE),
    "mild ones elsewhere": ([("a", "high", "web"), ("b", "low", "worker")], 6 + OTHER_SERVICES_SHARE),
    "the largest of all services' sums": ([("a", "high", "web"), ("b", "medium", "worker")], 3 + 6 * SEVERE_SHARE),
    "severe ones elsewhere": ([("a", "critical", "web"), ("b", "high", "worker")], 12 + 6 * SEVERE_SHARE),
    "the same rule elsewhere": ([("a", "high", "web"), ("a", "high", "worker", 2)], 6 + 6 * SEVERE_SHARE * LIGHT_REPETITION / 2),
    "the same rule by nobody": ([("a", "medium", "web"), ("a", "medium", "", 2)], 3 + 3 * NOBODYS_SHARE * LIGHT_REPETITION / 2),
    "the dearest first": (
        [("a", "medium", "web"), ("b", "medium", "worker"), ("b", "medium", "", 2)],
        3 + 3 * NOBODYS_SHARE + 3 * OTHER_SERVICES_SHARE * LIGHT_REPETITION / 2,
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_the_sum_by_hand(name: str) -> None:
    things, points = SUMS[name]
    assert isolation_points(*(one_finding(*thing) for thing in things)) == pytest.approx(points)  # type: ignore[arg-type]


def test_the_service_with_the_largest_sum_decides() -> None:
    worse = [one_finding("a", "high", "worker"), one_finding("b", "high", "worker", category="secrets")]
    got = score_report([one_finding("c", "high", "web"), one_finding("d", "low", "web"), *worse])
    assert got.deciding_service == "worker"
    assert [term.rule.id for term in got.whole.terms] == ["k8s/a", "k8s/b"]
    assert [(one.rule.id, one.places, one.points) for one in got.outside_terms] == [
        ("k8s/c", 1, pytest.approx(6 * SEVERE_SHARE)),
        ("k8s/d", 1, pytest.approx(OTHER_SERVICES_SHARE)),
    ]


def test_a_further_service_in_the_same_state_says_nothing_new() -> None:
    ones = [one_finding(name, "medium", "web") for name in "abcde"]
    lost = [loss([*ones, *(one for n in range(number) for one in copied(ones, n))]) for number in (0, 1, 9)]
    assert lost[0] < lost[1] < lost[2] < 1.01 * lost[0]


class Part(NamedTuple):
    kind: str


class Service(NamedTuple):
    name: str
    parts: tuple[Part, ...]


def test_pipelines_are_no_service_that_runs() -> None:
    services = [
        Service("pipelines", (Part("github"), Part("gitlab"))),
        Service("web", (Part("github"), Part("compose"))),
        Service("empty", ()),
    ]
    assert names_of_pipelines(services) == {"pipelines"}
    ones = [one_finding("a", "medium", "pipelines")]
    got = score_report(ones, shared_service_names=names_of_pipelines(services))
    assert got.deciding_service == ""
    assert got.result_of_service("pipelines").unrounded_score == score_report(ones).whole.unrounded_score  # its own score is that of any other
    made = outcome(ones, services=services)
    assert made.raw == raw([one_finding("a", "medium", "")])


def test_pipelines_alone_are_judged_in_full() -> None:
    services = [Service("pipelines (a)", (Part("github"),)), Service("pipelines (b)", (Part("gitlab"),))]
    for some in (services[:1], services):
        assert names_of_pipelines(some) == frozenset()
    assert names_of_pipelines(iter([*services, Service("web", (Part("dockerfile"),))])) == {"pipelines (a)", "pipelines (b)"}
    assert names_of_pipelines([]) == frozenset()


@given(findings(("pipelines",)))
def test_the_score_of_pipelines_alone_is_that_of_the_whole(ones: list[Finding]) -> None:
    got = score_report(ones, shared_service_names=names_of_pipelines([Service("pipelines", (Part("github"),))]))
    assert got.whole.unrounded_score == pytest.approx(got.result_of_service("pipelines").unrounded_score)
    assert got.whole.score == got.result_of_service("pipelines").score
    assert (got.note_on_service("pipelines"), got.outside_terms) == ("", ())


@given(findings())
def test_the_terms_of_what_is_outside_add_up(ones: list[Finding]) -> None:
    got = score_report(ones, shared_service_names={"store"})
    for outside in got.outside_terms:
        added, subtracted = (math.fsum(one.points * one.share * one.factor for one in terms) for terms in (outside.added, outside.subtracted))
        assert math.isclose(added - subtracted, outside.points, abs_tol=1e-9)
        assert bool(outside.subtracted) == any(one.rule.id == outside.rule.id for one in got.whole.terms)


def test_a_service_in_which_nothing_was_found_has_a_full_score() -> None:
    got = score_report([one_finding("a", "high", "web")])
    assert service_score_as_json(got, "worker") == {"score": 100, "raw_score": 100.0, "grade": "A"}
    assert service_score_as_json(got, "web") == {"score": 89, "raw_score": 94.6657, "grade": "B"}
    partly_read = score_report([one_finding("a", "low", "web")], coverage_percent=70)
    assert [partly_read.result_of_service(name).grade for name in ("web", "worker")] == ["B", "B"]


def test_what_was_not_assessed_has_no_score_for_a_service_either() -> None:
    got = score_report([one_finding("a", "high", "web")], assessed_categories=())
    assert service_score_as_json(got, "web") == service_score_as_json(got, "worker") == {"score": None, "raw_score": None, "grade": None}


def test_the_grades_reach_from_one_end_to_the_other() -> None:
    categories = [*score.LOSS_CAP_BY_CATEGORY]
    mediums = [one_finding(f"r{n}", "medium", "web", category=categories[n % 7]) for n in range(80)]
    scores = [score_report(mediums[:number]).whole.score for number in range(80)]
    assert {score.grade_of(one) for one in scores if one is not None} == set("ABCDF")
    assert all(one is not None and other is not None and one >= other for one, other in pairwise(scores))


def test_the_report_says_both_algorithms() -> None:
    ones = [one_finding(name, "medium", service) for name, service in zip("abcdef", "uvwxyz", strict=True)]
    told = outcome(ones).to_dict()
    assert told["tool"]["score_algorithm"] == 2
    assert told["previous_score"] == {"algorithm": 1, "score": 87, "raw_score": 87.1688, "grade": "B"}
    assert told["score"] > told["previous_score"]["score"]


def services_and_findings(number: int) -> list[Finding]:
    """Services that are all different, so that none can be spared the work for another."""
    return [found(rule_number, f"s{n}", at, path=f"{n}.yaml") for n in range(number) for rule_number in range(6, 14) for at in range(n % 5 + 1)]


def test_twice_as_many_services_are_about_twice_the_work() -> None:
    def work(number: int) -> int:
        ones = services_and_findings(number)
        return effort(lambda: score_report(ones))

    assert work(80) < 2.5 * work(40)


def test_questions_to_the_sum_do_not_sum_up_everything_again() -> None:
    ones = services_and_findings(60)
    report_sum = ReportSum(ones)
    built = effort(lambda: ReportSum(ones))
    asked = effort(lambda: report_sum.unrounded_score_without(range(0, len(ones), 97)))
    assert asked < built / 4


def test_a_place_of_two_services_is_mended_once_for_both() -> None:
    twice = [one_finding("a", "high", name) for name in ("web", "worker")]
    got = score_report(twice)
    assert got.whole.unrounded_score is not None
    assert [*map(pytest.approx, got.whole.gain_by_finding)] == [100 - got.whole.unrounded_score] * 2
