"""What to fix first: the open findings by rule, and by what one kind of edit mends, what fails the gate before all else."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from readiness.model import Finding, Rule, Severity
from readiness.model.records import dataclass
from readiness.verdict.gate import min_failing_severity
from readiness.verdict.report import Report

MAX_ROWS = 10
MIN_GAIN_OF_ROW = 0.005  # what rounds to nothing is no advice


@dataclass(frozen=True, slots=True)
class FixRow:
    """The findings of one rule, or of the rules whose fixes are written in one place of the things of one kind.

    `name` is the rule's id, or the kind and what is written there (`k8s securityContext`); `rule_ids` are sorted. `gain` is what
    the unrounded score rises by when all of them are fixed; `failing_count` is how many of them fail the gate, `goes_first` whether
    one of these does for more than a file that was not read and is not for production.
    """

    name: str
    severity: Severity
    rule_ids: tuple[str, ...]
    findings: tuple[Finding, ...]
    failing_count: int
    gain: float
    goes_first: bool

    @property
    def place_count(self) -> int:
        """How many things are to be edited."""
        return len({(one.path, one.resource, one.container, one.edit_group or one.fix_place) for one in self.findings})


def fix_first_rows(report: Report, max_rows: int | None = MAX_ROWS) -> list[FixRow]:
    """The rows, at most `max_rows`: those with findings that fail the gate, then the rest, each by what all of a row gains together.

    What fails it only since a file was not read that is not for production stands with the rest. A rule is in one row only. A row
    that gains nothing and fails nothing is no advice and left out.
    """
    indexes_by_row_key: dict[tuple[str, str], list[int]] = {}
    for index, finding in enumerate(report.findings):
        if not finding.suppression:
            indexes_by_row_key.setdefault(_row_key(finding.rule_definition), []).append(index)
    score_now = report.by_service.unrounded_score_without(())
    paths_for_others = {row.path for row in report.files if row.purpose}
    rows = [
        _fix_row(report, row_key, indexes_of_row, score_now, paths_for_others)
        for row_key, indexes in indexes_by_row_key.items()
        for indexes_of_row in _indexes_by_shared_edit(report, indexes)
    ]
    rows_worth_a_fix = [row for row in rows if row.failing_count or row.gain >= MIN_GAIN_OF_ROW]
    rows_worth_a_fix.sort(key=lambda row: (not row.goes_first, -round(row.gain, 4), -row.severity, row.name))
    return rows_worth_a_fix[:max_rows]


def _row_key(rule: Rule) -> tuple[str, str]:
    """(kind, what is written): equal for the rules of one row."""
    return (rule.kind, rule.edit.at) if rule.edit else ("", rule.id)


def _indexes_by_shared_edit(report: Report, finding_indexes: list[int]) -> Iterator[list[int]]:
    """The findings of rules that are written in one place: together those that some edit mends along with another rule's, else by rule."""
    rules_by_edit: dict[object, set[str]] = {}
    for index in finding_indexes:
        finding = report.findings[index]
        rules_by_edit.setdefault(finding.edit_group or finding.fix_place, set()).add(finding.rule)
    joined_rules = {rule_id for rule_ids in rules_by_edit.values() if len(rule_ids) > 1 for rule_id in rule_ids}
    indexes_by_rule: dict[str, list[int]] = {}
    for index in finding_indexes:
        rule_id = report.findings[index].rule
        indexes_by_rule.setdefault("" if rule_id in joined_rules else rule_id, []).append(index)
    yield from indexes_by_rule.values()


def _fix_row(report: Report, row_key: tuple[str, str], finding_indexes: list[int], score_now: float, paths_for_others: Collection[str]) -> FixRow:
    row_findings = tuple(report.findings[index] for index in finding_indexes)
    rule_ids = tuple(sorted({one.rule for one in row_findings}))
    return FixRow(
        name=" ".join(row_key) if len(rule_ids) > 1 else rule_ids[0],
        severity=max(one.severity for one in row_findings),
        rule_ids=rule_ids,
        findings=row_findings,
        failing_count=sum(map(report.gate.is_failed_by, row_findings)),
        gain=report.by_service.unrounded_score_without(finding_indexes) - score_now,
        goes_first=any(_fails_for_production(report, one, paths_for_others) for one in row_findings),
    )


def _fails_for_production(report: Report, finding: Finding, paths_for_others: Collection[str]) -> bool:
    """Whether a finding fails the gate by its severity, or by a file without a verdict that is for production."""
    if not report.gate.is_failed_by(finding):
        return False
    return finding.severity >= min_failing_severity(report.gate.fail_on) or finding.path not in paths_for_others
