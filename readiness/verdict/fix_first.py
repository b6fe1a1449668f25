"""What to fix first: the open findings by rule, and by what one kind of edit mends, what fails the gate before all else."""

from __future__ import annotations

from readiness.model import Finding, Rule, Severity
from readiness.model.records import dataclass
from readiness.verdict.edit_groups import distinct_thing_count
from readiness.verdict.report import Report

MAX_ROWS = 10
NOUNS_OF_THINGS = frozenset({"action", "job", "location", "pipeline", "server", "service", "stage", "workflow"})  # as resources begin
MIN_GAIN_OF_ROW = 0.005  # what rounds to nothing is no advice


@dataclass(frozen=True, slots=True)
class FixRow:
    """The findings of one rule, or of the rules whose fixes are written in one place of the things of one kind.

    `name` is the rule's id, or the kind and what is written there (`k8s securityContext`); `rule_ids` are sorted. `gain` is what
    the unrounded score rises by when all of them are fixed; `failing_count` is how many of them fail the gate.
    """

    name: str
    severity: Severity
    rule_ids: tuple[str, ...]
    findings: tuple[Finding, ...]
    failing_count: int
    gain: float

    @property
    def noun(self) -> str:
        """What the findings are about: a word for all of the things, `place` where there is none."""
        nouns = {_noun_for_thing(one) for one in self.findings}
        return nouns.pop() if len(nouns) == 1 else "place"

    @property
    def place_count(self) -> int:
        """How many things of that noun there are, each once, however much is found in it; where it is `place`, how many edits."""
        if self.noun == "place":
            return len({(one.path, one.resource, one.container, one.edit_group or one.fix_place) for one in self.findings})
        return distinct_thing_count(self.findings)


def fix_first_rows(report: Report, max_rows: int | None = MAX_ROWS) -> list[FixRow]:
    """The rows, at most `max_rows`: those with findings that fail the gate, then the rest, each by what all of a row gains together.

    A rule is in one row only. A row that gains nothing and fails nothing is no advice and left out.
    """
    indexes_by_row_key: dict[tuple[str, str], list[int]] = {}
    for index, finding in enumerate(report.findings):
        if not finding.suppression:
            indexes_by_row_key.setdefault(_row_key(finding.rule_definition), []).append(index)
    score_now = report.by_service.unrounded_score_without(())
    rows = [_fix_row(report, row_key, indexes, score_now) for row_key, indexes in indexes_by_row_key.items()]
    rows_worth_a_fix = [row for row in rows if row.failing_count or row.gain >= MIN_GAIN_OF_ROW]
    rows_worth_a_fix.sort(key=lambda row: (not row.failing_count, -round(row.gain, 4), -row.severity, row.name))
    return rows_worth_a_fix[:max_rows]


def _noun_for_thing(finding: Finding) -> str:
    """What a finding is about, in a word."""
    if finding.container:
        return "container"
    thing_kind, _, _ = finding.resource.partition("/")
    if "/step" in finding.resource:
        return "step"
    if thing_kind in NOUNS_OF_THINGS:
        return thing_kind
    return "object" if finding.rule_definition.kind == "k8s" and thing_kind else "place"


def _row_key(rule: Rule) -> tuple[str, str]:
    """(kind, what is written): equal for the rules of one row."""
    return (rule.kind, rule.edit.at) if rule.edit else ("", rule.id)


def _fix_row(report: Report, row_key: tuple[str, str], finding_indexes: list[int], score_now: float) -> FixRow:
    row_findings = tuple(report.findings[index] for index in finding_indexes)
    rule_ids = tuple(sorted({one.rule for one in row_findings}))
    return FixRow(
        name=" ".join(row_key) if len(rule_ids) > 1 else rule_ids[0],
        severity=max(one.severity for one in row_findings),
        rule_ids=rule_ids,
        findings=row_findings,
        failing_count=sum(map(report.gate.is_failed_by, row_findings)),
        gain=report.by_service.unrounded_score_without(finding_indexes) - score_now,
    )
