"""Findings to a score that can be recomputed by hand: algorithm 1, told in docs/scoring.md. Pure functions only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from readiness.model import Finding, Rule, Severity

ALGORITHM = 1
CAPS = {
    "isolation": 25,
    "reliability": 25,
    "secrets": 15,
    "delivery": 15,
    "edge": 10,
    "observability": 5,
    "correctness": 5,
}
TITLES = {
    "isolation": "Isolation",
    "reliability": "Reliability",
    "secrets": "Secrets",
    "delivery": "Delivery",
    "edge": "Edge and TLS",
    "observability": "Observability",
    "correctness": "Correctness",
}
GRADES = ((90, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F"))
CEILINGS = {Severity.CRITICAL: 49, Severity.HIGH: 89}  # what the score is at most while one is open
FULL_COVERAGE = 80  # percent: under it nothing is called an A
INFO_WEIGHT = 0.3  # what an info rule weighs in coverage; it costs no points, and its verdict is one all the same
ITEM_WEIGHT = 3.0  # what an item of a chosen checklist weighs in coverage: as much as a medium rule
# What the tool says of itself, not of the files: it lowers coverage and the verdict, never the score.
UNSCORED = frozenset(
    {
        "core/crash",
        "core/not-rendered",
        "core/script-unjudged",
        "core/template-unjudged",
        "core/unreadable",
    }
)
# A file of ours that has no verdict, or not all of it: it keeps the gate shut, whatever the flags are.
UNJUDGED = frozenset({"core/syntax", "core/template-unjudged", "core/unreadable"})
READ, UNREAD = "checked", ("invalid", "unreadable", "skipped")
FixPlace = tuple[str, int]  # where a fix goes: see Finding.place
RENDERED_TO = {"helm": "k8s", "kustomize": "k8s"}  # what these give is judged as another kind


class Look(Protocol):
    """What one rule looked at: how many subjects, and how many of them it could not decide."""

    @property
    def subjects(self) -> int:
        """How many it looked at."""

    @property
    def unknown(self) -> int:
        """How often the files could not tell."""


class Row(Protocol):
    """A file of the report: its kind, and whether it was read."""

    @property
    def path(self) -> str:
        """Relative to the working directory."""

    @property
    def kind(self) -> str:
        """Its kind; empty where nobody could tell."""

    @property
    def status(self) -> str:
        """checked, skipped, unreadable or invalid."""

    @property
    def reason(self) -> str:
        """Why it was not checked."""


@dataclass(frozen=True, slots=True)
class Category:
    """What one category takes off: `points` is the sum over its rules before the cap bends it to `loss`."""

    id: str
    title: str
    cap: int
    points: float
    loss: float
    assessed: bool


@dataclass(frozen=True, slots=True)
class Term:
    """One rule's line in the sum: so many places, so many points each place at first, less for each further one.

    `by_severity` says how many places there are of each severity, the worst first.
    """

    rule: Rule
    places: int
    points: float
    by_severity: tuple[tuple[Severity, int], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The numbers, and how they came about.

    `gains` stand in the order of the findings given: what `raw` would rise by if the finding's place were mended.
    `ceiling` is what the score is at most while something critical or high is open.
    """

    score: int | None
    raw: float | None
    grade: str | None
    ceiling: int
    categories: tuple[Category, ...]
    terms: tuple[Term, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class KindCoverage:
    """How many files of a kind there are, and how many of them were read."""

    kind: str
    files: int
    checked: int

    @property
    def percent(self) -> int:
        """Of its files, rounded down."""
        return math.floor(100 * self.checked / self.files) if self.files else 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what the profile asks has a verdict, in whole percent, and which files have none."""

    percent: int
    by_kind: tuple[KindCoverage, ...] = ()
    unread: tuple[Row, ...] = ()


def score_findings(
    findings: Sequence[Finding],
    *,
    coverage: int = 100,
    assessed: Collection[str] | None = None,
) -> Score:
    """The score of findings, those that are suppressed left out.

    `assessed` are the categories of which a rule has looked at something (None: all of them). Without any there
    is nothing to judge, and no score: empty is not perfect.
    """
    places: dict[str, dict[FixPlace, Severity]] = {}  # by rule: how bad each place is
    rules: dict[str, Rule] = {}
    for finding in findings:
        if counts_in_score(finding):
            rules.setdefault(finding.rule, finding.definition)
            mine = places.setdefault(finding.rule, {})
            mine[finding.place] = max(mine.get(finding.place, finding.severity), finding.severity)
    terms = tuple(_rule_term(rules[name], Counter(places[name].values())) for name in sorted(rules))
    categories = tuple(_category_loss(name, terms, assessed) for name in CAPS)
    # The caps add up to 100, so this is 100 - the losses; summed this way a small rest keeps its digits.
    raw = math.fsum(one.cap * math.exp(-one.points / one.cap) for one in categories)
    worst = max((term.by_severity[0][0] for term in terms), default=Severity.INFO)
    ceiling = CEILINGS.get(worst, 100)
    gain = _gains(terms, categories)
    gains = tuple(
        gain[finding.rule, places[finding.rule][finding.place]] if counts_in_score(finding) else 0.0
        for finding in findings
    )
    if assessed is not None and not assessed:
        return Score(None, None, None, ceiling, categories, terms, gains)
    score = math.floor(min(raw, ceiling))
    return Score(score, raw, grade_of(score, coverage), ceiling, categories, terms, gains)


def counts_in_score(finding: Finding) -> bool:
    """Whether a finding goes into the score: open, of a category with a cap, and about the files."""
    return (
        not finding.suppressed
        and finding.definition.category in CAPS
        and finding.rule not in UNSCORED
    )


def repetition_factor(places: int) -> float:
    """How often a rule's points count for so many places: 1, 2 for two, 3 for four: ever less for each more."""
    return 1 + math.log2(places) if places else 0.0


def severity_portions(
    by_severity: Iterable[tuple[Severity, int]],
) -> Iterator[tuple[Severity, float]]:
    """How often the points of each severity count, where places of one rule differ; the worst come first.

    The first place counts whole, the i-th as often as it adds to `factor`: log2(i / (i - 1)).
    """
    done = 0
    for severity, places in by_severity:
        yield severity, repetition_factor(done + places) - repetition_factor(done)
        done += places


def _rule_term(rule: Rule, places: Mapping[Severity, int]) -> Term:
    """A rule's line, from how many places it has of each severity."""
    rows = tuple(sorted(((one, n) for one, n in places.items() if n), reverse=True))
    points = math.fsum(
        rule.points_at(severity) * times for severity, times in severity_portions(rows)
    )
    return Term(rule, sum(places.values()), points, rows)


def _category_loss(name: str, terms: Iterable[Term], assessed: Collection[str] | None) -> Category:
    cap = CAPS[name]
    points = math.fsum(term.points for term in terms if term.rule.category == name)
    loss = -cap * math.expm1(-points / cap)
    return Category(name, TITLES[name], cap, points, loss, assessed is None or name in assessed)


def _gains(
    terms: Iterable[Term], categories: Iterable[Category]
) -> dict[tuple[str, Severity], float]:
    """For each rule, what raw rises by when a place is mended: the same for each of its places of one severity."""
    points = {one.id: one.points for one in categories}
    gains = {}
    for term in terms:
        cap = CAPS[term.rule.category]
        rest = math.exp(-points[term.rule.category] / cap)
        for severity, count in term.by_severity:
            without = _rule_term(term.rule, {**dict(term.by_severity), severity: count - 1})
            gains[term.rule.id, severity] = (
                cap * rest * math.expm1((term.points - without.points) / cap)
            )
    return gains


def grade_of(score: int, coverage: int = 100) -> str:
    """The letter of a score; what was seen by less than four fifths is no A."""
    letter = next(letter for least, letter in GRADES if score >= least)
    return "B" if letter == "A" and coverage < FULL_COVERAGE else letter


def verdict_of(findings: Iterable[Finding], rows: Iterable[Row], *, judged: bool) -> str:
    """ready, not-ready or not-assessed, whatever the flags of a run are.

    Ready is: something was judged, nothing high or critical is open, and every file of ours was read.
    """
    if not judged:
        return "not-assessed"
    blocked = any(
        not finding.suppressed and (finding.severity >= Severity.HIGH or finding.rule in UNJUDGED)
        for finding in findings
    )
    return "not-ready" if blocked or any(map(is_unread, rows)) else "ready"


def is_unread(row: Row) -> bool:
    """Whether a file of ours has no verdict; other people's files are nobody's gap."""
    return row.status in UNREAD and (row.status != "skipped" or bool(row.kind))


def coverage_of(
    rules: Iterable[Rule],
    looks: Mapping[str, Look],
    rows: Sequence[Row],
    states: Iterable[str] = (),
) -> Coverage:
    """How much of what was asked has a verdict, by weight.

    Asked is: each of `rules` (those that ran) that had something to look at, or whose kinds of file are there
    and none of them could be read; and each item of the chosen checklists, whose `states` are given.
    """
    by_kind = _coverage_by_kind(rows)
    known = sum(one.files for one in by_kind.values())
    strangers = sum(is_unread(row) and not row.kind for row in rows)
    told = known / (known + strangers) if known else 0.0 if strangers else 1.0
    total, having = [], []
    for rule in rules:
        share = _decided_share(rule, [looks[key] for key in rule.keys if key in looks], by_kind)
        if share is not None:
            weight = max(rule.points, INFO_WEIGHT)
            total.append(weight)
            having.append(weight * share * told)
    for state in states:
        total.append(ITEM_WEIGHT)
        having.append(ITEM_WEIGHT if state in {"met", "failed", "attested"} else 0.0)
    asked = math.fsum(total)
    percent = math.floor(round(100 * math.fsum(having) / asked, 6)) if asked else 0
    kinds = tuple(by_kind[kind] for kind in sorted(by_kind))
    return Coverage(percent, kinds, tuple(row for row in rows if is_unread(row)))


def _coverage_by_kind(rows: Iterable[Row]) -> dict[str, KindCoverage]:
    """The files of each kind, and how many of them were read."""
    files: dict[str, int] = {}
    checked: dict[str, int] = {}
    for row in rows:
        if row.kind:
            files[row.kind] = files.get(row.kind, 0) + 1
            checked[row.kind] = checked.get(row.kind, 0) + (row.status == READ)
    return {kind: KindCoverage(kind, files[kind], checked[kind]) for kind in files}


def _decided_share(
    rule: Rule, looks: Sequence[Look], by_kind: Mapping[str, KindCoverage]
) -> float | None:
    """How far a rule has a verdict, from 0 to 1; None where it had nothing to say anything about.

    `looks` are those of its tiers.
    """
    kinds = {target.partition(".")[0] for target in rule.targets}
    mine = [one for kind, one in by_kind.items() if RENDERED_TO.get(kind, kind) in kinds]
    files = sum(one.files for one in mine)
    read = sum(one.checked for one in mine)
    subjects = sum(look.subjects for look in looks)
    if not subjects:
        return 0.0 if files and not read else None
    decided = max(subjects - sum(look.unknown for look in looks), 0) / subjects
    return decided * (read / files if files else 1.0)
