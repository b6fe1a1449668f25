"""Findings to a score that can be recomputed by hand: algorithm 1, told in docs/scoring.md. Pure functions only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from readiness.loading.assembly import CAUSE_OUTSIDE
from readiness.model import UNJUDGED_RULES, Finding, Rule, Severity

ALGORITHM_VERSION = 1
LOSS_CAP_BY_CATEGORY = {
    "isolation": 25,
    "reliability": 25,
    "secrets": 15,
    "delivery": 15,
    "edge": 10,
    "observability": 5,
    "correctness": 5,
}
TITLE_BY_CATEGORY = {
    "isolation": "Isolation",
    "reliability": "Reliability",
    "secrets": "Secrets",
    "delivery": "Delivery",
    "edge": "Edge and TLS",
    "observability": "Observability",
    "correctness": "Correctness",
}
MINIMUM_SCORE_BY_GRADE = ((90, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F"))
SCORE_CEILING_BY_SEVERITY = {
    Severity.CRITICAL: 49,
    Severity.HIGH: 89,
}  # what the score is at most while one is open
MIN_COVERAGE_FOR_A = 80  # percent: under it nothing is called an A
INFO_WEIGHT = 0.3  # what an info rule weighs in coverage; it costs no points, and its verdict is one all the same
ITEM_WEIGHT = 3.0  # what an item of a chosen checklist weighs in coverage: as much as a medium rule
# What the tool says of itself, not of the files: it lowers coverage and the verdict, never the score.
UNSCORED_RULES = frozenset(
    {
        "core/crash",
        "core/not-rendered",
        "core/script-unjudged",
        "core/template-unjudged",
        "core/unreadable",
    }
)
STATUS_CHECKED, STATUSES_UNREAD = "checked", ("invalid", "unreadable", "skipped")
LEAST_COVERAGE = 40  # percent of what is there: under it there is no score, for most of it was not seen
MARKDOWN_KIND = "markdown"  # its fragments make no score beside files
FixPlace = tuple[str, int]  # where a fix goes: see Finding.fix_place
KIND_RENDERED_FROM = {
    "helm": "k8s",
    "kustomize": "k8s",
}  # what these give is judged as another kind


class RuleLookCounts(Protocol):
    """What one rule looked at: how many subjects, and how many of them it could not decide."""

    @property
    def subjects(self) -> int:
        """How many subjects the rule looked at."""

    @property
    def unknown(self) -> int:
        """How often the files could not tell."""


class ScoredFileRow(Protocol):
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
        """Why the file was not checked; empty where it was."""

    @property
    def cause(self) -> str:
        """broken, absent, outside, or nothing: see loading/assembly.py."""

    @property
    def purpose(self) -> str:
        """What the file was taken for and why, where that is not production; else empty."""

    @property
    def aside(self) -> tuple[tuple[str, str], ...]:
        """What things in it were taken for and why, by their resources, where the file was not."""


@dataclass(frozen=True, slots=True)
class Category:
    """What one category takes off: `uncapped_points` is the sum over its rules before the cap bends it to `capped_loss`."""

    id: str
    title: str
    cap: int
    uncapped_points: float
    capped_loss: float
    assessed: bool


@dataclass(frozen=True, slots=True)
class RuleTerm:
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

    `gain_by_finding` stand in the order of the findings given: what `unrounded_score` would rise by if the finding's place were
    mended. `ceiling` is what the score is at most while something critical or high is open.
    """

    score: int | None
    unrounded_score: float | None
    grade: str | None
    ceiling: int
    categories: tuple[Category, ...]
    terms: tuple[RuleTerm, ...]
    gain_by_finding: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class KindCoverage:
    """How many files of a kind there are, how many of them were read, and how many of these only in part."""

    kind: str
    file_count: int
    checked_count: int
    partly_checked: int = 0

    @property
    def checked_share(self) -> float:
        """How much of it was read, from 0 to 1: a file of which something was not counts half."""
        return (self.checked_count - self.partly_checked / 2) / self.file_count if self.file_count else 0.0

    @property
    def checked_percent(self) -> int:
        """The share of its files that were checked, in percent, rounded down."""
        return math.floor(round(100 * self.checked_share, 6))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what the profile asks has a verdict, in whole percent, and which files have none, or not all of it.

    `percent_without_outside` is the same without the items of checklists and without what lies outside by design.
    """

    percent: int
    by_kind: tuple[KindCoverage, ...] = ()
    unread_files: tuple[ScoredFileRow, ...] = ()
    percent_without_outside: int = 100


def score_findings(
    findings: Sequence[Finding],
    *,
    coverage: int = 100,
    assessed_categories: Collection[str] | None = None,
) -> Score:
    """The score of findings, those that are suppressed left out.

    `assessed_categories` are the categories of which a rule has looked at something (None: all of them). Without any there
    is no score: what nobody saw is not perfect.
    """
    places: dict[str, dict[FixPlace, Severity]] = {}  # by rule: how bad each place is
    rules: dict[str, Rule] = {}
    for finding in findings:
        if counts_in_score(finding):
            rules.setdefault(finding.rule, finding.rule_definition)
            mine = places.setdefault(finding.rule, {})
            mine[finding.fix_place] = max(mine.get(finding.fix_place, finding.severity), finding.severity)
    terms = tuple(_rule_term(rules[name], Counter(places[name].values())) for name in sorted(rules))
    categories = tuple(_score_category(name, terms, assessed_categories) for name in LOSS_CAP_BY_CATEGORY)
    # The caps add up to 100, so this is 100 - the losses; summed this way a small rest keeps its digits.
    raw = math.fsum(one.cap * math.exp(-one.uncapped_points / one.cap) for one in categories)
    worst = max((term.by_severity[0][0] for term in terms), default=Severity.INFO)
    ceiling = SCORE_CEILING_BY_SEVERITY.get(worst, 100)
    gain = _gain_by_rule_and_severity(terms, categories)
    gains = tuple(
        gain[finding.rule, places[finding.rule][finding.fix_place]] if counts_in_score(finding) else 0.0 for finding in findings
    )
    if assessed_categories is not None and not assessed_categories:
        return Score(None, None, None, ceiling, categories, terms, gains)
    score = math.floor(min(raw, ceiling))
    return Score(score, raw, grade_of(score, coverage), ceiling, categories, terms, gains)


def counts_in_score(finding: Finding) -> bool:
    """Whether a finding goes into the score: open, of a category with a cap, and about the files."""
    return (
        not finding.suppression
        and finding.rule_definition.category in LOSS_CAP_BY_CATEGORY
        and finding.rule not in UNSCORED_RULES
    )


def repetition_factor(places: int) -> float:
    """How often a rule's points count for so many places: 1, 2 for two, 3 for four: ever less for each more."""
    return 1 + math.log2(places) if places else 0.0


def severity_portions(
    by_severity: Iterable[tuple[Severity, int]],
) -> Iterator[tuple[Severity, float]]:
    """How often the points of each severity count, where places of one rule differ; the worst come first.

    The first place counts whole, the i-th as often as it adds to `repetition_factor`: log2(i / (i - 1)).
    """
    done = 0
    for severity, places in by_severity:
        yield severity, repetition_factor(done + places) - repetition_factor(done)
        done += places


def _rule_term(rule: Rule, places: Mapping[Severity, int]) -> RuleTerm:
    """A rule's line, from how many places it has of each severity."""
    rows = tuple(sorted(((one, n) for one, n in places.items() if n), reverse=True))
    points = math.fsum(rule.points_at(severity) * times for severity, times in severity_portions(rows))
    return RuleTerm(rule, sum(places.values()), points, rows)


def _score_category(name: str, terms: Iterable[RuleTerm], assessed_categories: Collection[str] | None) -> Category:
    cap = LOSS_CAP_BY_CATEGORY[name]
    points = math.fsum(term.points for term in terms if term.rule.category == name)
    loss = -cap * math.expm1(-points / cap)
    return Category(
        name,
        TITLE_BY_CATEGORY[name],
        cap,
        points,
        loss,
        assessed_categories is None or name in assessed_categories,
    )


def _gain_by_rule_and_severity(terms: Iterable[RuleTerm], categories: Iterable[Category]) -> dict[tuple[str, Severity], float]:
    """For each rule, what the unrounded score rises by when a place is mended: the same for each of its places of one severity."""
    points = {one.id: one.uncapped_points for one in categories}
    gains = {}
    for term in terms:
        cap = LOSS_CAP_BY_CATEGORY[term.rule.category]
        rest = math.exp(-points[term.rule.category] / cap)
        for severity, count in term.by_severity:
            without = _rule_term(term.rule, {**dict(term.by_severity), severity: count - 1})
            gains[term.rule.id, severity] = cap * rest * math.expm1((term.points - without.points) / cap)
    return gains


def grade_of(score: int, coverage: int = 100) -> str:
    """The letter of a score; what was seen by less than four fifths is no A."""
    letter = next(letter for least, letter in MINIMUM_SCORE_BY_GRADE if score >= least)
    return "B" if letter == "A" and coverage < MIN_COVERAGE_FOR_A else letter


def is_assessable(rows: Iterable[ScoredFileRow], *, any_rule_looked: bool, percent_without_outside: int) -> bool:
    """Whether there is a number to give: rules looked at something that is no fragment beside files, and saw enough.

    `percent_without_outside` is the coverage of what is there, in percent.
    """
    ours = [row for row in rows if row.kind or row.status == "unreadable"]
    files = [row for row in ours if row.kind != MARKDOWN_KIND]
    judged = any(row.status == STATUS_CHECKED for row in files or ours)
    return any_rule_looked and judged and percent_without_outside >= LEAST_COVERAGE


def verdict_of(findings: Iterable[Finding], rows: Iterable[ScoredFileRow], *, has_score: bool) -> str:
    """ready, not-ready or not-assessed, whatever the flags of a run are.

    Ready is: enough was judged, nothing high or critical is open, and every file of ours was read whole. What lies outside
    by design is named beside `ready` and does not stand against it.
    """
    if not has_score:
        return "not-assessed"
    blocked = any(
        not finding.suppression and (finding.severity >= Severity.HIGH or finding.rule in UNJUDGED_RULES)
        for finding in findings
    )
    gaps = any(has_gap(row) and row.cause != CAUSE_OUTSIDE for row in rows)
    return "not-ready" if blocked or gaps else "ready"


def is_unread(row: ScoredFileRow) -> bool:
    """Whether a file of ours has no verdict; other people's files are nobody's gap."""
    return row.status in STATUSES_UNREAD and (row.status != "skipped" or bool(row.kind))


def has_gap(row: ScoredFileRow) -> bool:
    """Whether a file of ours has no verdict, or something that it names has none."""
    return is_unread(row) or (row.status == STATUS_CHECKED and bool(row.cause))


def coverage_of(
    rules: Sequence[Rule],
    tally_by_rule: Mapping[str, RuleLookCounts],
    rows: Sequence[ScoredFileRow],
    item_states: Iterable[str] = (),
) -> Coverage:
    """The coverage of a run.

    Asked are the rules that had something to look at (`tally_by_rule`, by the keys of rules and tiers), or whose kinds of file
    are there and none of them could be read; and each item of the chosen checklists, whose `item_states` are given.
    """
    by_kind = _coverage_by_kind(rows)
    asked = _weighted_answer_shares(rules, tally_by_rule, by_kind, rows)
    rest = [row for row in rows if row.cause != CAUSE_OUTSIDE]
    inside = asked
    if len(rest) < len(rows):
        inside = _weighted_answer_shares(rules, tally_by_rule, _coverage_by_kind(rest), rest)
    items = [(ITEM_WEIGHT, ITEM_WEIGHT if state in {"met", "failed", "attested"} else 0.0) for state in item_states]
    kinds = tuple(by_kind[kind] for kind in sorted(by_kind))
    unread = tuple(row for row in rows if has_gap(row))
    return Coverage(_weighted_percent([*asked, *items]), kinds, unread, _weighted_percent(inside))


def _weighted_answer_shares(
    rules: Iterable[Rule],
    tally_by_rule: Mapping[str, RuleLookCounts],
    by_kind: Mapping[str, KindCoverage],
    rows: Iterable[ScoredFileRow],
) -> list[tuple[float, float]]:
    """(weight, how much of it has an answer) of every rule that is asked."""
    known = sum(one.file_count for one in by_kind.values())
    strangers = sum(is_unread(row) and not row.kind for row in rows)
    known_share = known / (known + strangers) if known else 0.0 if strangers else 1.0
    found = []
    for rule in rules:
        share = _decided_share(rule, [tally_by_rule[key] for key in rule.tally_keys if key in tally_by_rule], by_kind)
        if share is not None:
            weight = max(rule.points_per_failure, INFO_WEIGHT)
            found.append((weight, weight * share * known_share))
    return found


def _weighted_percent(weights: Sequence[tuple[float, float]]) -> int:
    """How much of some weights has an answer, rounded down."""
    asked = math.fsum(weight for weight, _ in weights)
    having = math.fsum(answered for _, answered in weights)
    return math.floor(round(100 * having / asked, 6)) if asked else 0


def _coverage_by_kind(rows: Iterable[ScoredFileRow]) -> dict[str, KindCoverage]:
    """The files of each kind, how many of them were read, and how many of these in part."""
    files: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    partly: Counter[str] = Counter()
    for row in rows:
        if row.kind:
            files[row.kind] += 1
            checked[row.kind] += row.status == STATUS_CHECKED
            partly[row.kind] += row.status == STATUS_CHECKED and bool(row.cause)
    return {kind: KindCoverage(kind, files[kind], checked[kind], partly[kind]) for kind in files}


def _decided_share(rule: Rule, looks: Sequence[RuleLookCounts], by_kind: Mapping[str, KindCoverage]) -> float | None:
    """How far a rule has a verdict, from 0 to 1; None where it had nothing to say anything about.

    `looks` are those of its tiers.
    """
    kinds = {target.partition(".")[0] for target in rule.targets}
    mine = [one for kind, one in by_kind.items() if KIND_RENDERED_FROM.get(kind, kind) in kinds]
    files = sum(one.file_count for one in mine)
    read = sum(one.checked_share * one.file_count for one in mine)
    subjects = sum(look.subjects for look in looks)
    if not subjects:
        return 0.0 if files and not read else None
    decided = max(subjects - sum(look.unknown for look in looks), 0) / subjects
    return decided * (read / files if files else 1.0)
