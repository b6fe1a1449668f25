"""What changed between two reports: findings that are new, fixed or moved, and the score before and after.

What only one of the two runs could have found is neither new nor fixed: of a file that had no verdict in the other, or of a rule that did not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from readiness.model import Severity
from readiness.model.records import dataclass
from readiness.redaction import Redactor
from readiness.settings.model import SETTING_UNUSED_RULE_ID
from readiness.triage.known import EarlierState, KnownFinding, fingerprint_without_number, match_known_findings, state_of_findings, thing_hash
from readiness.verdict.gate import min_failing_severity
from readiness.verdict.report import REPORT_VERSION, Report
from readiness.verdict.score import ALGORITHM_VERSION, STATUS_CHECKED

DIFFERENCE_VERSION = 1
REASON_FILE = "its file had no verdict"
REASON_RULE = "its rule did not run"


@dataclass(frozen=True, slots=True)
class ComparedReport:
    """One of two reports: its open findings, in order, with what the other is held against them by, and its score.

    `rules` are those that ran, None where nobody knows; `unjudged_paths` are the files that have no verdict.
    """

    name: str
    state: EarlierState
    score: int | None
    grade: str | None
    score_algorithm: int
    rules: frozenset[str] | None
    unjudged_paths: frozenset[str]

    def ran(self, rule_id: str, path: str) -> bool:
        """Whether a rule would have run on a file that this run has: rules of a group run together, where there is something for the group."""
        if self.rules is None or rule_id in self.rules or path not in self.state.paths:
            return True
        group = rule_id.partition("/")[0]
        return not any(one.partition("/")[0] == group for one in self.rules)

    def reason_not_judged(self, finding: KnownFinding, path: str) -> str:
        """Why this run could not have told a finding of the other one, whose file is called `path` here; empty where it could."""
        if path in self.unjudged_paths:
            return REASON_FILE
        return "" if self.ran(finding.rule, path) else REASON_RULE


class UnjudgedFinding(NamedTuple):
    """A finding that only one of two runs could have told, and why."""

    finding: KnownFinding
    reason: str


class Difference(NamedTuple):
    """What a later report has and an earlier one had not, and the other way round; `moved` are in another file than before.

    `not_judged_before` are findings of the later one, `not_judged_after` of the earlier one, that the other run could not have told.
    """

    before: ComparedReport
    after: ComparedReport
    new: tuple[KnownFinding, ...]
    fixed: tuple[KnownFinding, ...]
    moved: tuple[tuple[KnownFinding, KnownFinding], ...]
    not_judged_before: tuple[UnjudgedFinding, ...] = ()
    not_judged_after: tuple[UnjudgedFinding, ...] = ()

    def failing(self, fail_on: str) -> list[KnownFinding]:
        """The new findings that are this bad."""
        return [one for one in self.new if one.severity >= min_failing_severity(fail_on)]

    @property
    def points(self) -> int | None:
        """By how much the score rose; None where there is none, or where the two are not of one algorithm and by the same rules."""
        before, after = self.before, self.after
        is_comparable = before.score_algorithm == after.score_algorithm and not _rules_differ(before, after)
        return after.score - before.score if is_comparable and before.score is not None and after.score is not None else None

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON: see data/difference.schema.json."""
        return {
            "version": DIFFERENCE_VERSION,
            "before": {"name": self.before.name, "score": self.before.score, "grade": self.before.grade},
            "after": {"name": self.after.name, "score": self.after.score, "grade": self.after.grade},
            "points": self.points,
            "new": [_finding_row(one) for one in self.new],
            "fixed": [_finding_row(one) for one in self.fixed],
            "moved": [{**_finding_row(after), "from": {"path": before.path, "line": before.line}} for before, after in self.moved],
            "not_judged_before": [{**_finding_row(one.finding), "reason": one.reason} for one in self.not_judged_before],
            "not_judged_after": [{**_finding_row(one.finding), "reason": one.reason} for one in self.not_judged_after],
        }


def _rules_differ(before: ComparedReport, after: ComparedReport) -> bool:
    """Whether a group of rules of which some ran in both had others in one of them."""
    if before.rules is None or after.rules is None:
        return False
    shared_groups = _groups(before.rules) & _groups(after.rules)
    return any(rule_id.partition("/")[0] in shared_groups for rule_id in before.rules ^ after.rules)


def _groups(rule_ids: Iterable[str]) -> set[str]:
    return {one.partition("/")[0] for one in rule_ids}


def _finding_row(finding: KnownFinding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "path": finding.path,
        "line": finding.line,
        "resource": finding.resource,
        "message": finding.message,
        "fingerprint": finding.fingerprint,
    }


def compare_reports(before: ComparedReport, after: ComparedReport) -> Difference:
    """The difference of two reports."""
    matches = match_known_findings(before.state, after.state)
    new: list[KnownFinding] = []
    moved: list[tuple[KnownFinding, KnownFinding]] = []
    not_judged_before: list[UnjudgedFinding] = []
    for index, (finding, earlier_index) in enumerate(zip(after.state.findings, matches.earlier_indexes, strict=True)):
        if earlier_index is not None:
            earlier_finding = before.state.findings[earlier_index]
            if earlier_finding.path != finding.path:
                moved.append((earlier_finding, finding))
        elif reason := _reason_not_judged_before(before, finding, is_line_unseen=index in matches.unseen):
            not_judged_before.append(UnjudgedFinding(finding, reason))
        else:
            new.append(finding)
    fixed: list[KnownFinding] = []
    not_judged_after: list[UnjudgedFinding] = []
    met_indexes = set(matches.earlier_indexes)
    for index, finding in enumerate(before.state.findings):
        if index in met_indexes:
            continue
        if reason := after.reason_not_judged(finding, finding.path):
            not_judged_after.append(UnjudgedFinding(finding, reason))
        else:
            fixed.append(finding)
    return Difference(before, after, tuple(new), tuple(fixed), tuple(moved), tuple(not_judged_before), tuple(not_judged_after))


def _reason_not_judged_before(before: ComparedReport, finding: KnownFinding, *, is_line_unseen: bool) -> str:
    """Why the earlier run could not have told a finding; where the text of an unjudged file is at hand its lines tell what stood there."""
    reason = before.reason_not_judged(finding, finding.path)
    is_line_told = reason == REASON_FILE and finding.path in before.state.unjudged_text_by_path
    return reason if not is_line_told or is_line_unseen else ""


def compared_report(report: Report, name: str) -> ComparedReport:
    """A report of this run, under a name. Settings without effect are no difference of trees: both are judged by the settings of today."""
    redactor = Redactor(report.hidden)
    findings = [one for one in report.open if one.rule != SETTING_UNUSED_RULE_ID]
    state = state_of_findings(findings, (row.path for row in report.files))
    shown = [one._replace(message=redactor.mask_text(one.message), resource=redactor.mask_text(one.resource)) for one in state.findings]
    return ComparedReport(
        name,
        replace(state, findings=shown, unjudged_text_by_path=report.unjudged_text_by_path),
        report.score,
        report.grade,
        ALGORITHM_VERSION,
        frozenset(report.rule_ids),
        frozenset(_unjudged_paths((row.path, row.kind, row.status) for row in report.files)),
    )


def _unjudged_paths(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """The files of ours that have no verdict, of rows of (path, kind, status)."""
    return (path for path, kind, status in rows if kind and status != STATUS_CHECKED)


def compared_json_report(data: Mapping[str, Any], name: str) -> ComparedReport:
    """A report that was written as JSON. Raises ValueError, KeyError or TypeError for anything else."""
    if data["version"] != REPORT_VERSION:
        raise ValueError
    findings = [
        KnownFinding(
            fingerprint_without_number(str(row["fingerprint"])),
            str(row["rule"]),
            str(row["path"]),
            thing_hash(str(row["rule"]), str(row["resource"]), str(row["container"])),
            Severity[str(row["severity"]).upper()],
            int(row["line"]),
            "",
            str(row["resource"]),
            str(row["container"]),
            str(row["message"]),
        )
        for row in data["findings"]
        if row["suppressed"] is None
    ]
    score, grade, tool = data["score"], data["grade"], data["tool"]
    if not isinstance(score, int | None) or grade not in {None, *"ABCDF"} or any(one.line < 1 for one in findings):
        raise TypeError
    rule_ids = tool.get("rules")  # reports of before did not say which
    return ComparedReport(
        name,
        EarlierState(findings, frozenset(str(row["path"]) for row in data["files"])),
        score,
        grade,
        int(tool["score_algorithm"]),
        None if rule_ids is None else frozenset(map(str, rule_ids)),
        frozenset(_unjudged_paths((str(row["path"]), str(row["kind"]), str(row["status"])) for row in data["files"])),
    )
