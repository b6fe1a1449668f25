"""What both algorithms of the score share, algorithm 1, and coverage, told in docs/scoring.md. Pure functions only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from readiness.loading.assembly import CAUSE_NOT_IN_TREE
from readiness.model import RULE_IDS_FOR_UNJUDGED_FILES, Finding, Rule, Severity
from readiness.model.records import dataclass

ALGORITHM_VERSION = 2  # see service_scores.py
PREVIOUS_ALGORITHM_VERSION = 1  # told beside it for one release: score_findings
LOSS_CAP_BY_CATEGORY = {"isolation": 25, "reliability": 25, "secrets": 15, "delivery": 15, "edge": 10, "observability": 5, "correctness": 5}
TITLE_BY_CATEGORY = {
    "isolation": "Isolation",
    "reliability": "Reliability",
    "secrets": "Secrets",
    "delivery": "Delivery",
    "edge": "Edge and TLS",
    "observability": "Observability",
    "correctness": "Correctness",
}
MINIMUM_SCORES_AND_GRADES = ((90, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F"))
SCORE_CEILING_BY_SEVERITY = {Severity.CRITICAL: 49, Severity.HIGH: 89}  # what the score is at most while one is open
MIN_COVERAGE_FOR_A = 80  # percent: under it nothing is called an A
INFO_RULE_WEIGHT = 0.3  # what an info rule weighs in coverage; it costs no points, and its verdict is one all the same
CHECKLIST_ITEM_WEIGHT = 3.0  # what an item of a chosen checklist weighs in coverage: as much as a medium rule
# What the tool says of itself, not of the files: it lowers coverage and the verdict, never the score.
UNSCORED_RULES = frozenset(
    {"core/crash", "core/not-rendered", "core/over-limit", "core/script-unjudged", "core/template-unjudged", "core/unreadable"}
)
STATUS_CHECKED, UNREAD_STATUSES = "checked", ("invalid", "unreadable", "skipped")
MIN_COVERAGE_FOR_SCORE = 40  # percent of what is there: under it there is no score, for most of it was not seen
MARKDOWN_KIND = "markdown"  # its fragments make no score beside files
FixPlace = tuple[str, int]  # where a fix goes: see Finding.fix_place
RENDERED_KIND_BY_SOURCE_KIND = {"helm": "k8s", "kustomize": "k8s"}  # what these give is judged as another kind


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


def score_findings(findings: Sequence[Finding], *, coverage_percent: int = 100, assessed_categories: Collection[str] | None = None) -> Score:
    """The score of findings by algorithm 1, those that are suppressed left out.

    `assessed_categories` are the categories of which a rule has looked at something (None: all of them). Without any there
    is no score: what nobody saw is not perfect.
    """
    severity_by_place_by_rule: dict[str, dict[FixPlace, Severity]] = {}  # by rule: how bad each place is
    rule_by_id: dict[str, Rule] = {}
    for finding in findings:
        if counts_in_score(finding):
            rule_by_id.setdefault(finding.rule, finding.rule_definition)
            severity_by_place = severity_by_place_by_rule.setdefault(finding.rule, {})
            severity_by_place[finding.fix_place] = max(severity_by_place.get(finding.fix_place, finding.severity), finding.severity)
    rule_terms = tuple(_rule_term(rule_by_id[name], Counter(severity_by_place_by_rule[name].values())) for name in sorted(rule_by_id))
    score_categories = tuple(_score_category(name, rule_terms, assessed_categories) for name in LOSS_CAP_BY_CATEGORY)
    # The caps add up to 100, so this is 100 - the losses; summed this way a small rest keeps its digits.
    unrounded_score = math.fsum(one.cap * math.exp(-one.uncapped_points / one.cap) for one in score_categories)
    worst_severity = max((term.by_severity[0][0] for term in rule_terms), default=Severity.INFO)
    score_ceiling = SCORE_CEILING_BY_SEVERITY.get(worst_severity, 100)
    gain_by_rule_and_severity = _gain_by_rule_and_severity(rule_terms, score_categories)
    gain_by_finding = tuple(
        gain_by_rule_and_severity[finding.rule, severity_by_place_by_rule[finding.rule][finding.fix_place]] if counts_in_score(finding) else 0.0
        for finding in findings
    )
    if assessed_categories is not None and not assessed_categories:
        return Score(None, None, None, score_ceiling, score_categories, rule_terms, gain_by_finding)
    score = math.floor(min(unrounded_score, score_ceiling))
    return Score(score, unrounded_score, grade_of(score, coverage_percent), score_ceiling, score_categories, rule_terms, gain_by_finding)


def counts_in_score(finding: Finding) -> bool:
    """Whether a finding goes into the score: open, of a category with a cap, and about the files."""
    return not finding.suppression and finding.rule_definition.category in LOSS_CAP_BY_CATEGORY and finding.rule not in UNSCORED_RULES


def repetition_factor(place_count: int) -> float:
    """How often a rule's points count for so many places: 1, 2 for two, 3 for four: ever less for each more."""
    return 1 + math.log2(place_count) if place_count else 0.0


def repetition_factor_by_severity(place_count_by_severity: Iterable[tuple[Severity, int]]) -> Iterator[tuple[Severity, float]]:
    """How often the points of each severity count, where places of one rule differ; the worst come first.

    The first place counts whole, the i-th as often as it adds to `repetition_factor`: log2(i / (i - 1)).
    """
    counted_places = 0
    for severity, place_count in place_count_by_severity:
        yield severity, repetition_factor(counted_places + place_count) - repetition_factor(counted_places)
        counted_places += place_count


def _rule_term(rule: Rule, place_count_by_severity: Mapping[Severity, int]) -> RuleTerm:
    """A rule's line, from how many places it has of each severity."""
    sorted_severity_counts = tuple(sorted(((one, n) for one, n in place_count_by_severity.items() if n), reverse=True))
    lost_points = math.fsum(rule.points_at(severity) * times for severity, times in repetition_factor_by_severity(sorted_severity_counts))
    return RuleTerm(rule, sum(place_count_by_severity.values()), lost_points, sorted_severity_counts)


def _score_category(category_id: str, rule_terms: Iterable[RuleTerm], assessed_categories: Collection[str] | None) -> Category:
    loss_cap = LOSS_CAP_BY_CATEGORY[category_id]
    uncapped_points = math.fsum(term.points for term in rule_terms if term.rule.category == category_id)
    capped_loss = -loss_cap * math.expm1(-uncapped_points / loss_cap)
    return Category(
        category_id,
        TITLE_BY_CATEGORY[category_id],
        loss_cap,
        uncapped_points,
        capped_loss,
        assessed_categories is None or category_id in assessed_categories,
    )


def _gain_by_rule_and_severity(rule_terms: Iterable[RuleTerm], score_categories: Iterable[Category]) -> dict[tuple[str, Severity], float]:
    """For each rule, what the unrounded score rises by when a place is mended: the same for each of its places of one severity."""
    uncapped_points_by_category = {one.id: one.uncapped_points for one in score_categories}
    gain_by_rule_and_severity = {}
    for rule_term in rule_terms:
        loss_cap = LOSS_CAP_BY_CATEGORY[rule_term.rule.category]
        remaining_share = math.exp(-uncapped_points_by_category[rule_term.rule.category] / loss_cap)
        for severity, place_count in rule_term.by_severity:
            term_without_place = _rule_term(rule_term.rule, {**dict(rule_term.by_severity), severity: place_count - 1})
            gain_by_rule_and_severity[rule_term.rule.id, severity] = (
                loss_cap * remaining_share * math.expm1((rule_term.points - term_without_place.points) / loss_cap)
            )
    return gain_by_rule_and_severity


def grade_of(score: int, coverage_percent: int = 100) -> str:
    """The letter of a score; what was seen by less than four fifths is no A."""
    grade_letter = next(grade_letter for least, grade_letter in MINIMUM_SCORES_AND_GRADES if score >= least)
    return "B" if grade_letter == "A" and coverage_percent < MIN_COVERAGE_FOR_A else grade_letter


def has_enough_coverage_for_score(file_rows: Iterable[ScoredFileRow], *, any_rule_looked: bool, percent_without_outside: int) -> bool:
    """Whether there is a number to give: rules looked at something that is no fragment beside files, and saw enough.

    `percent_without_outside` is the coverage of what is there, in percent.
    """
    rows_of_known_or_unreadable_files = [row for row in file_rows if row.kind or row.status == "unreadable"]
    non_markdown_rows = [row for row in rows_of_known_or_unreadable_files if row.kind != MARKDOWN_KIND]
    has_checked_file = any(row.status == STATUS_CHECKED for row in non_markdown_rows or rows_of_known_or_unreadable_files)
    return any_rule_looked and has_checked_file and percent_without_outside >= MIN_COVERAGE_FOR_SCORE


def run_verdict(findings: Iterable[Finding], file_rows: Iterable[ScoredFileRow], *, has_score: bool) -> str:
    """ready, not-ready or not-assessed, whatever the flags of a run are.

    Ready is: enough was judged, nothing high or critical is open, and every file of ours was read whole. What lies outside
    by design is named beside `ready` and does not stand against it.
    """
    if not has_score:
        return "not-assessed"
    has_blocking_finding = any(
        not finding.suppression and (finding.severity >= Severity.HIGH or finding.rule in RULE_IDS_FOR_UNJUDGED_FILES) for finding in findings
    )
    has_coverage_gap = any(has_gap(row) and row.cause != CAUSE_NOT_IN_TREE for row in file_rows)
    return "not-ready" if has_blocking_finding or has_coverage_gap else "ready"


def is_file_without_verdict(row: ScoredFileRow) -> bool:
    """Whether a file of ours has no verdict; other people's files are nobody's gap."""
    return row.status in UNREAD_STATUSES and (row.status != "skipped" or bool(row.kind))


def has_gap(row: ScoredFileRow) -> bool:
    """Whether a file of ours has no verdict, or something that it names has none."""
    return is_file_without_verdict(row) or (row.status == STATUS_CHECKED and bool(row.cause))


def coverage_of_run(
    rules: Sequence[Rule], tally_by_rule: Mapping[str, RuleLookCounts], file_rows: Sequence[ScoredFileRow], item_states: Iterable[str] = ()
) -> Coverage:
    """The coverage of a run.

    Asked are the rules that had something to look at (`tally_by_rule`, by the keys of rules and tiers), or whose kinds of file
    are there and none of them could be read; and each item of the chosen checklists, whose `item_states` are given.
    """
    coverage_by_kind = _coverage_by_kind(file_rows)
    weighted_answer_shares = _weighted_answer_shares(rules, tally_by_rule, coverage_by_kind, file_rows)
    rows_not_outside = [row for row in file_rows if row.cause != CAUSE_NOT_IN_TREE]
    weighted_shares_without_outside = weighted_answer_shares
    if len(rows_not_outside) < len(file_rows):
        weighted_shares_without_outside = _weighted_answer_shares(rules, tally_by_rule, _coverage_by_kind(rows_not_outside), rows_not_outside)
    weighted_item_shares = [
        (CHECKLIST_ITEM_WEIGHT, CHECKLIST_ITEM_WEIGHT if state in {"met", "failed", "attested"} else 0.0) for state in item_states
    ]
    kind_coverages = tuple(coverage_by_kind[kind] for kind in sorted(coverage_by_kind))
    rows_with_gap = tuple(row for row in file_rows if has_gap(row))
    return Coverage(
        _weighted_percent([*weighted_answer_shares, *weighted_item_shares]),
        kind_coverages,
        rows_with_gap,
        _weighted_percent(weighted_shares_without_outside),
    )


def _weighted_answer_shares(
    rules: Iterable[Rule],
    tally_by_rule: Mapping[str, RuleLookCounts],
    coverage_by_kind: Mapping[str, KindCoverage],
    file_rows: Iterable[ScoredFileRow],
) -> list[tuple[float, float]]:
    """(weight, how much of it has an answer) of every rule that is asked."""
    known_file_count = sum(one.file_count for one in coverage_by_kind.values())
    unread_file_count_without_kind = sum(is_file_without_verdict(row) and not row.kind for row in file_rows)
    share_of_known_files = (
        known_file_count / (known_file_count + unread_file_count_without_kind) if known_file_count else 0.0 if unread_file_count_without_kind else 1.0
    )
    weights_and_answered_weights = []
    for rule in rules:
        decided_share = _decided_share_of_rule(rule, [tally_by_rule[key] for key in rule.tally_keys if key in tally_by_rule], coverage_by_kind)
        if decided_share is not None:
            rule_weight = max(rule.points_per_failure, INFO_RULE_WEIGHT)
            weights_and_answered_weights.append((rule_weight, rule_weight * decided_share * share_of_known_files))
    return weights_and_answered_weights


def _weighted_percent(weights_and_answered_weights: Sequence[tuple[float, float]]) -> int:
    """How much of some weights has an answer, rounded down."""
    total_weight = math.fsum(weight for weight, _ in weights_and_answered_weights)
    answered_weight = math.fsum(answered for _, answered in weights_and_answered_weights)
    return math.floor(round(100 * answered_weight / total_weight, 6)) if total_weight else 0


def _coverage_by_kind(file_rows: Iterable[ScoredFileRow]) -> dict[str, KindCoverage]:
    """The files of each kind, how many of them were read, and how many of these in part."""
    file_count_by_kind: Counter[str] = Counter()
    checked_count_by_kind: Counter[str] = Counter()
    partly_checked_count_by_kind: Counter[str] = Counter()
    for row in file_rows:
        if row.kind:
            file_count_by_kind[row.kind] += 1
            checked_count_by_kind[row.kind] += row.status == STATUS_CHECKED
            partly_checked_count_by_kind[row.kind] += row.status == STATUS_CHECKED and bool(row.cause)
    return {
        kind: KindCoverage(kind, file_count_by_kind[kind], checked_count_by_kind[kind], partly_checked_count_by_kind[kind])
        for kind in file_count_by_kind
    }


def _decided_share_of_rule(rule: Rule, look_counts: Sequence[RuleLookCounts], coverage_by_kind: Mapping[str, KindCoverage]) -> float | None:
    """How far a rule has a verdict, from 0 to 1; None where it had nothing to say anything about.

    `look_counts` are those of its tiers.
    """
    target_kinds = {target.partition(".")[0] for target in rule.targets}
    coverages_of_target_kinds = [one for kind, one in coverage_by_kind.items() if RENDERED_KIND_BY_SOURCE_KIND.get(kind, kind) in target_kinds]
    file_count = sum(one.file_count for one in coverages_of_target_kinds)
    checked_file_equivalents = sum(one.checked_share * one.file_count for one in coverages_of_target_kinds)
    subject_count = sum(look.subjects for look in look_counts)
    if not subject_count:
        return 0.0 if file_count and not checked_file_equivalents else None
    decided_share = max(subject_count - sum(look.unknown for look in look_counts), 0) / subject_count
    return decided_share * (checked_file_equivalents / file_count if file_count else 1.0)
