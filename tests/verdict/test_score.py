"""What both algorithms of the score share, algorithm 1, coverage, and the worked example of docs/scoring.md computed again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import readiness
from readiness.model import (
    CATEGORIES,
    Confidence,
    Finding,
    Rule,
    Severity,
    Source,
    Span,
    Suppression,
)
from readiness.verdict import place_points, score, service_scores
from readiness.verdict import report as reporting
from readiness.verdict.report import FileRow, build_report

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scoring.md"
SOURCE = Source("a.yaml", "x" * 1000)


def rule(
    name: str = "k8s/a",
    severity: str = "medium",
    confidence: str = "high",
    category: str = "isolation",
    target: str = "k8s.pod",
) -> Rule:
    return Rule(
        id=name,
        title="T",
        severity=Severity[severity.upper()],
        confidence=Confidence[confidence.upper()],
        category=category,
        kind=name.partition("/")[0],
        targets=(target,),
        message="m",
        why="W.",
        fix="F.",
    )


def finding(of: Rule, at: int, source: Source = SOURCE, lowered: Severity | None = None) -> Finding:
    return Finding(of, source, Span(at, at + 1), "m", lowered_severity=lowered)


@dataclass
class Look:
    subjects: int
    unknown: int = 0


LOWERED = st.one_of(st.none(), st.sampled_from(Severity))


# Rules whose severity, confidence and category go with their number, and places for them to fail in.
@st.composite
def findings(draw: Any) -> list[Finding]:
    place = st.tuples(st.integers(0, 39), st.integers(0, 30), LOWERED)
    picked = draw(st.lists(place, max_size=25))
    return [finding(rules_of(number), at, lowered=lowered) for number, at, lowered in picked]


def rules_of(number: int) -> Rule:
    return rule(
        f"k8s/r{number}",
        str(Severity(number % 5)),
        str(Confidence(number % 3)),
        CATEGORIES[number % len(CATEGORIES)],
    )


def raw(ones: Sequence[Finding]) -> float:
    got = score.score_findings(ones).unrounded_score
    assert got is not None
    return got


@given(findings())
def test_bounded_and_the_losses_add_up(ones: list[Finding]) -> None:
    got = score.score_findings(ones)
    assert got.unrounded_score is not None
    assert got.score is not None
    assert 0 <= got.score <= 100
    assert 0 <= got.unrounded_score <= 100
    assert got.score <= got.unrounded_score
    assert math.isclose(sum(one.capped_loss for one in got.categories), 100 - got.unrounded_score, abs_tol=1e-9)
    for category in got.categories:
        assert 0 <= category.capped_loss <= category.cap


@given(findings(), st.integers(0, 39), st.integers(31, 60), LOWERED)
def test_one_more_failure_lowers_raw_and_mending_it_raises_it_again(ones: list[Finding], number: int, at: int, lowered: Severity | None) -> None:
    more = finding(rules_of(number), at, lowered=lowered)
    before, after = raw(ones), raw([*ones, more])
    if more.severity and score.counts_in_score(more):
        assert after < before
    else:
        assert after == before
    with_, without = score.score_findings([*ones, more]).score, score.score_findings(ones).score
    assert with_ is not None
    assert without is not None
    assert with_ <= without


@given(findings())
def test_a_gain_is_what_raw_rises_by_without_the_place(ones: list[Finding]) -> None:
    got = score.score_findings(ones)
    for finding, gain in zip(ones, got.gain_by_finding, strict=True):
        rest = [other for other in ones if (other.rule, other.fix_place) != (finding.rule, finding.fix_place)]
        assert math.isclose(raw(rest) - raw(ones), gain, abs_tol=1e-9)
        worst = max(other.severity for other in ones if same_place(finding, other))
        assert gain > 0 or not worst or not score.counts_in_score(finding)


def same_place(finding: Finding, other: Finding) -> bool:
    return (finding.rule, finding.fix_place) == (other.rule, other.fix_place)


@given(st.lists(st.sampled_from(Severity), min_size=1, max_size=12))
def test_places_of_several_severities_add_up_from_the_worst_down(
    severities: list[Severity],
) -> None:
    of = rule(severity="critical", category="isolation")
    ones = [finding(of, at, lowered=one) for at, one in enumerate(severities)]
    points = sorted((of.points_at(one) for one in severities), reverse=True)
    shares = [1.0, *(math.log2(i / (i - 1)) for i in range(2, len(points) + 1))]
    (term,) = score.score_findings(ones).terms
    assert term.points == pytest.approx(sum(p * s for p, s in zip(points, shares, strict=True)))
    assert term.places == len(severities)
    assert term.by_severity[0][0] is max(severities)


def test_a_place_is_as_bad_as_the_worst_that_is_said_of_it() -> None:
    of = rule(severity="critical")
    ones = [finding(of, 1, lowered=Severity.LOW), finding(of, 1), finding(of, 1)]
    got = score.score_findings(ones)
    assert (got.terms[0].by_severity, got.ceiling) == (((Severity.CRITICAL, 1),), 49)
    assert len(set(got.gain_by_finding)) == 1


def test_the_ceiling_goes_by_the_places_not_by_the_rule() -> None:
    of = rule(severity="critical")
    for severity, ceiling in ((None, 49), (Severity.HIGH, 89), (Severity.MEDIUM, 100)):
        assert score.score_findings([finding(of, 1, lowered=severity)]).ceiling == ceiling


@given(findings(), st.integers(1, 50))
def test_clean_files_never_raise_it(ones: list[Finding], clean: int) -> None:
    def run(rows: list[FileRow], subjects: int) -> Any:
        rules = [rules_of(number) for number in range(40)]
        return build_report(
            tool_version="1",
            rules=rules,
            findings=ones,
            scored_rows=rows,
            tally_by_rule={one.id: Look(subjects) for one in rules},
            subject_count_by_path={},
        )

    dirty = [FileRow("a.yaml", "k8s", "checked")]
    alone = run(dirty, 30)
    beside = run([*dirty, *(FileRow(f"c{n}.yaml", "k8s", "checked") for n in range(clean))], 30 + clean)
    assert (beside.score, beside.raw) == (alone.score, alone.raw)


@given(findings())
def test_equal_input_in_any_order_gives_equal_numbers(ones: list[Finding]) -> None:
    once, again = score.score_findings(ones), score.score_findings(list(reversed(ones)))
    assert (once.score, once.unrounded_score, once.categories) == (
        again.score,
        again.unrounded_score,
        again.categories,
    )


@given(findings(), st.data())
def test_waivers_are_shown_with_both_numbers(ones: list[Finding], data: Any) -> None:
    waived = [finding._replace(suppression=Suppression("comment", "why")) if data.draw(st.booleans()) else finding for finding in ones]
    made = outcome(waived)
    assert made.unwaived.unrounded_score == outcome(ones).raw
    assert made.raw == outcome([one for one in waived if not one.suppression]).raw
    told = made.to_dict()["waived"]
    assert told["findings"] == sum(one.suppression is not None for one in waived)
    assert told["score"] == outcome(ones).score


def outcome(
    ones: Sequence[Finding],
    rows: Sequence[FileRow] = (FileRow("a.yaml", "k8s", "checked"),),
    **options: Any,
) -> reporting.Report:
    return build_report(
        tool_version="1",
        rules=[rule()],
        findings=ones,
        scored_rows=rows,
        tally_by_rule={"k8s/a": Look(1)},
        subject_count_by_path={},
        **options,
    )


def test_a_place_counts_once_and_its_findings_share_the_gain() -> None:
    once = score.score_findings([finding(rule(), 5)])
    twelve = score.score_findings([finding(rule(), 5)] * 12)
    assert once.unrounded_score == twelve.unrounded_score
    assert set(twelve.gain_by_finding) == set(once.gain_by_finding)


def test_the_same_place_of_a_nested_source_counts_once() -> None:
    inner = Source("a.yaml#x", "xx", parent=SOURCE, line_starts_in_parent=(5,))
    got = score.score_findings([finding(rule(), 5), finding(rule(), 0, inner)])
    assert got.terms[0].places == 1


def test_fifteen_thousand_findings_are_cheap_and_exact() -> None:
    source = Source("big.yaml", "x" * 20_000)
    ones = [finding(rules_of(n % 40), n, source) for n in range(15_000)]
    got = score.score_findings(ones)
    assert got.unrounded_score is not None
    assert got.unrounded_score > 0
    assert all(
        gain > 0
        for finding, gain in zip(ones, got.gain_by_finding, strict=True)
        if finding.rule_definition.points_per_failure and score.counts_in_score(finding)
    )


GRADES = {100: "A", 90: "A", 89: "B", 80: "B", 79: "C", 65: "C", 64: "D", 50: "D", 49: "F", 0: "F"}


@pytest.mark.parametrize(("points", "letter"), GRADES.items())
def test_grades(points: int, letter: str) -> None:
    assert score.grade_of(points) == letter


def test_no_a_under_four_fifths_of_coverage() -> None:
    assert score.grade_of(100, 80) == "A"
    assert score.grade_of(100, 79) == "B"
    assert score.grade_of(70, 10) == "C"


def test_ceilings() -> None:
    assert score.score_findings([finding(rule(severity="critical", confidence="low"), 1)]).score == 49
    assert score.score_findings([finding(rule(severity="high", confidence="low"), 1)]).score == 89
    assert score.score_findings([finding(rule(severity="high", category="style"), 1)]).score == 100
    assert score.score_findings([]).score == 100


def test_nothing_to_judge_is_no_score() -> None:
    made = build_report(tool_version="1", rules=[rule()], findings=[], scored_rows=[], tally_by_rule={}, subject_count_by_path={})
    assert (made.score, made.raw, made.grade, made.verdict) == (None, None, None, "not-assessed")
    assert made.coverage.percent == 0


@pytest.mark.parametrize("name", sorted(score.UNSCORED_RULES))
def test_what_the_tool_says_of_itself_costs_no_points_and_is_not_ready(name: str) -> None:
    made = outcome([finding(rule(name, "high", category="correctness"), 0)])
    assert (made.score, made.verdict) == (100, "not-ready")


ROWS = {
    "checked": "ready",
    "invalid": "not-ready",
    "unreadable": "not-ready",
    "skipped": "not-ready",
}


@pytest.mark.parametrize(("status", "verdict"), ROWS.items())
def test_a_file_that_was_not_read_is_not_ready(status: str, verdict: str) -> None:
    rows = [FileRow("a.yaml", "k8s", "checked"), FileRow("b.yaml", "k8s", status)]
    made = outcome([finding(rule(), 1)], rows)
    assert made.verdict == verdict
    assert made.coverage.percent == (100 if status == "checked" else 50)


def test_the_verdict_does_not_depend_on_the_gate() -> None:
    ones = [finding(rule(severity="high"), 1)]
    never = outcome(ones, fail_on="never")
    assert never.verdict == "not-ready"
    assert never.gate.passed
    strict = outcome([finding(rule(severity="low"), 1)], fail_on="info")
    assert strict.verdict == "ready"
    assert not strict.gate.passed


GATES: dict[str, tuple[dict[str, Any], str, bool, str]] = {
    "clean": ({}, "low", True, "nothing high or worse is open"),
    "high": ({}, "high", False, "1 high open (--fail-on high)"),
    "medium": ({"fail_on": "medium"}, "medium", False, "1 medium open (--fail-on medium)"),
    "never": ({"fail_on": "never"}, "critical", True, "no finding fails (--fail-on never)"),
    "score": ({"min_score": 99}, "medium", False, "score 97 (algorithm 2) is under --min-score 99"),
    "enough": (
        {"min_score": 97},
        "medium",
        True,
        "nothing high or worse is open, score 97 (algorithm 2), at least 97 asked",
    ),
    "both": (
        {"min_score": 99},
        "high",
        False,
        "1 high open (--fail-on high); score 89 (algorithm 2) is under --min-score 99",
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_the_gate_says_what_decided(name: str) -> None:
    options, severity, passed, reason = GATES[name]
    made = outcome([finding(rule(severity=severity), 1)._replace(service_name="web")], **options)
    assert (made.gate.passed, made.gate.reason) == (passed, reason)


def test_a_file_that_does_not_parse_fails_the_gate_whatever_it_fails_on() -> None:
    broken = finding(rule("core/syntax", "high", category="correctness"), 1)
    made = outcome([broken], fail_on="never")
    assert (made.gate.passed, made.gate.reason) == (False, "a.yaml could not be read")
    assert made.gate.is_failed_by(made.findings[0])


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a document, each as rows of cells, without their heads."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[[cell.strip(" `") for cell in row.strip("| ").split("|")] for row in table.splitlines()[2:]] for table in found]


class Example(NamedTuple):
    """The worked example of docs/scoring.md: its findings, its tables, and its text."""

    findings: list[Finding]
    by_rule: list[list[str]]
    by_service: list[list[str]]
    deciding_sum: list[list[str]]
    by_category: list[list[str]]
    text: str


def example() -> Example:
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text[text.index("## A worked example") : text.index("## Coverage")]
    by_rule, by_service, deciding_sum, by_category = tables(part)
    rule_by_id = {one.id: one for one in readiness.catalogue()}
    ones = [
        finding(rule_by_id[name], at)._replace(service_name="" if service == "nobody's" else service)
        for number, (name, service, _, _, _, places, *_) in enumerate(by_rule)
        for at in range(10 * number, 10 * number + int(places))
    ]
    return Example(ones, by_rule, by_service, deciding_sum, by_category, part)


def test_the_worked_example_is_true() -> None:
    shown = example()
    got = service_scores.score_report(shown.findings)
    gains = {(one.rule, one.service_name): gain for one, gain in zip(shown.findings, got.whole.gain_by_finding, strict=True)}
    rule_by_id = {one.rule: one.rule_definition for one in shown.findings}
    for name, service, category, severity, confidence, _, points, gain in shown.by_rule:
        of = rule_by_id[name]
        assert [of.category, str(of.severity), str(of.confidence), f"{of.points_per_failure:g}"] == [category, severity, confidence, points]
        owner = "" if service == "nobody's" else service
        assert f"{gains[name, owner]:.2f}" == gain
    results = [(one.name, one.result) for one in got.services]
    assert [[name, f"{one.unrounded_score:.2f}", str(one.score), str(one.grade)] for name, one in results] == shown.by_service
    own = {term.rule.id: term.points for term in got.whole.terms}
    outside = {term.rule.id: term.points for term in got.outside_terms}
    assert {*own, *outside} == {row[0] for row in shown.deciding_sum}
    for name, category, *points_texts in shown.deciding_sum:
        rule_points = own.get(name, 0.0), outside.get(name, 0.0)
        assert rule_by_id[name].category == category
        assert [f"{one:.2f}" for one in (*rule_points, sum(rule_points))] == points_texts
    assert [[c.id, str(c.cap), f"{c.uncapped_points:.2f}", f"{c.capped_loss:.2f}"] for c in got.whole.categories] == shown.by_category
    assert f"`{got.deciding_service}` decides" in shown.text
    assert f"By algorithm 1 it was {got.previous.score}." in shown.text


def test_the_stages_of_the_worked_example_are_true() -> None:
    shown = example()
    stages = [
        shown.findings,
        [one for one in shown.findings if one.rule_definition.category != "secrets"],
        [one for one in shown.findings if one.rule_definition.severity < Severity.HIGH],
    ]
    wholes = [service_scores.score_report(stage).whole for stage in stages]
    assert re.findall(r"raw = ([\d.]+)", shown.text) == [f"{one.unrounded_score:.2f}" for one in wholes]
    assert re.findall(r"\*\*(\w+)\*\*", shown.text) == [word for one in wholes for word in (str(one.score), str(one.grade))]


def test_the_shares_of_the_document_are_those_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    shares = re.findall(r"^   \| (critical or high|milder, .*) \| ([\d.]+) \|$", text, re.MULTILINE)
    of_code = place_points.SEVERE_SHARE, place_points.NOBODYS_SHARE, place_points.OTHER_SERVICES_SHARE
    assert [share for _, share in shares] == [f"{one:g}" for one in of_code]
    assert f"by `{place_points.LIGHT_REPETITION:g} / (i x (i - 1))`" in text


def test_the_tables_of_points_and_caps_are_those_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    caps = dict(re.findall(r"^   \| (\w+) \| (\d+) \|$", text, re.MULTILINE))
    assert {name: int(cap) for name, cap in caps.items()} == score.LOSS_CAP_BY_CATEGORY
    assert sum(score.LOSS_CAP_BY_CATEGORY.values()) == 100
    points = dict(re.findall(r"^   \| (\w+) \| ([\d.]+) \| \|", text, re.MULTILINE))
    assert {name: float(n) for name, n in points.items()} == {str(level): rule(severity=str(level)).points_per_failure for level in Severity}
    times = dict(re.findall(r"\| \| (\w+) \| ([\d.]+) \|$", text, re.MULTILINE))
    assert {name: float(n) * 12 for name, n in times.items()} == pytest.approx(
        {str(one): rule(severity="critical", confidence=str(one)).points_per_failure for one in Confidence}
    )


def test_the_example_of_coverage_is_true() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text[text.index("## Coverage") : text.index("## The verdict")]
    rules = {one.id: one for one in (found.rule_definition for found in example().findings)}
    asked, looks, rows = [], {}, {}
    for name, weight, read, decided, _ in tables(part)[0]:
        if name not in rules:
            continue
        kind = name.partition("/")[0]
        changed = rules[name]._replace(targets=(f"{kind}.thing",))
        assert f"{changed.points_per_failure:g}" == weight
        asked.append(changed)
        done, of = map(int, read.split(" of "))
        rows[kind] = [FileRow(f"{kind}{n}", kind, "checked" if n < done else "invalid") for n in range(of)]
        known, subjects = map(int, decided.split(" of "))
        looks[name] = Look(subjects, subjects - known)
    everything = [row for ones in rows.values() for row in ones]
    got = score.coverage_of_run(asked, looks, everything, ["met", "open"])
    percent = re.search(r"coverage = ([\d.]+) / ([\d.]+) = (\d+) %", part)
    assert percent
    assert str(got.percent) == percent[3]
    answered = sum(float(row[-1]) for row in tables(part)[0])
    assert float(percent[1]) == pytest.approx(answered)
    assert math.floor(100 * answered / float(percent[2])) == got.percent
    assert float(percent[2]) == pytest.approx(sum(one.points_per_failure for one in asked) + 6)


def test_a_kind_of_which_nothing_was_read_lowers_coverage() -> None:
    k8s, docker = rule("k8s/a"), rule("dockerfile/a", target="dockerfile.stage")
    rows = [FileRow("Dockerfile", "dockerfile", "checked"), FileRow("t.yaml", "helm", "skipped")]
    got = score.coverage_of_run([k8s, docker], {"dockerfile/a": Look(1)}, rows)
    assert got.percent == 50
    assert [row.path for row in got.unread_files] == ["t.yaml"]


def test_a_rule_that_had_nothing_to_look_at_is_not_asked() -> None:
    rows = [FileRow("a.yaml", "k8s", "checked")]
    got = score.coverage_of_run([rule("k8s/a"), rule("k8s/b")], {"k8s/a": Look(3), "k8s/b": Look(0)}, rows)
    assert got.percent == 100


def test_a_file_that_nobody_could_read_takes_its_share() -> None:
    rows = [FileRow("a.yaml", "k8s", "checked"), FileRow("b", "", "unreadable")]
    assert score.coverage_of_run([rule()], {"k8s/a": Look(1)}, rows).percent == 50


def test_other_peoples_files_are_no_gap() -> None:
    rows = [FileRow("a.yaml", "k8s", "checked"), FileRow("b", "", "skipped")]
    got = score.coverage_of_run([rule()], {"k8s/a": Look(1)}, rows)
    assert (got.percent, got.unread_files) == (100, ())


def test_the_version_of_the_rules_goes_with_what_makes_the_score() -> None:
    first, other = rule("k8s/a"), rule("k8s/b")
    version = reporting.rules_version
    assert version([first, other]) == version([other, first])
    assert version([first]) != version([first._replace(severity=Severity.HIGH)])
    assert version([first]) != version([first, other])
