"""What changed between two reports: findings that are new, fixed or moved, and the score before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from readiness.model import Severity
from readiness.redaction import Redactor
from readiness.settings.model import SETTING_UNUSED_RULE_ID
from readiness.triage.known import EarlierState, KnownFinding, fingerprint_without_number, match_known_findings, state_of_findings, thing_hash
from readiness.verdict.gate import min_failing_severity
from readiness.verdict.report import REPORT_VERSION, Report

DIFFERENCE_VERSION = 1


class ComparedReport(NamedTuple):
    """One of two reports: its open findings, in order, with what the other is held against them by, and its score."""

    name: str
    state: EarlierState
    score: int | None
    grade: str | None


class Difference(NamedTuple):
    """What a later report has and an earlier one had not, and the other way round; `moved` are in another file than before."""

    before: ComparedReport
    after: ComparedReport
    new: tuple[KnownFinding, ...]
    fixed: tuple[KnownFinding, ...]
    moved: tuple[tuple[KnownFinding, KnownFinding], ...]

    def failing(self, fail_on: str) -> list[KnownFinding]:
        """The new findings that are this bad."""
        return [one for one in self.new if one.severity >= min_failing_severity(fail_on)]

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON."""
        return {
            "version": DIFFERENCE_VERSION,
            "before": {"name": self.before.name, "score": self.before.score, "grade": self.before.grade},
            "after": {"name": self.after.name, "score": self.after.score, "grade": self.after.grade},
            "new": [_finding_row(one) for one in self.new],
            "fixed": [_finding_row(one) for one in self.fixed],
            "moved": [{**_finding_row(after), "from": {"path": before.path, "line": before.line}} for before, after in self.moved],
        }


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
    matches = match_known_findings(before.state, after.state).earlier_indexes
    met = set(matches)
    pairs = [(before.state.findings[at], one) for one, at in zip(after.state.findings, matches, strict=True) if at is not None]
    return Difference(
        before,
        after,
        tuple(one for one, at in zip(after.state.findings, matches, strict=True) if at is None),
        tuple(one for index, one in enumerate(before.state.findings) if index not in met),
        tuple((earlier, later) for earlier, later in pairs if earlier.path != later.path),
    )


def compared_report(report: Report, name: str) -> ComparedReport:
    """A report of this run, under a name. Settings without effect are no difference of trees: both are judged by the settings of today."""
    redactor = Redactor(report.hidden)
    findings = [one for one in report.open if one.rule != SETTING_UNUSED_RULE_ID]
    state = state_of_findings(findings, (row.path for row in report.files))
    shown = [one._replace(message=redactor.mask_text(one.message), resource=redactor.mask_text(one.resource)) for one in state.findings]
    return ComparedReport(name, EarlierState(shown, state.paths, state.text_by_path), report.score, report.grade)


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
    score, grade = data["score"], data["grade"]
    if not isinstance(score, int | None) or grade not in {None, *"ABCDF"}:
        raise TypeError
    return ComparedReport(name, EarlierState(findings, frozenset(str(row["path"]) for row in data["files"])), score, grade)
