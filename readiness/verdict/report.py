"""The outcome of a run as plain data: what every format renders, and what the JSON report says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from readiness.model import Finding, Rule, Severity, Source, Span, join_names
from readiness.redaction import Redactor
from readiness.verdict import checklist, score
from readiness.verdict.checklist import ChecklistOutcome as Checklist
from readiness.verdict.score import Category, Coverage, Score

VERSION = 1
UNJUDGED = score.UNJUDGED


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file: its kind, whether it was judged or why not, and how many things in it were looked at."""

    path: str
    kind: str
    status: str
    reason: str = ""
    subjects: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the run passed, one line that says what decided, and the severity that fails it."""

    passed: bool
    reason: str
    fail_on: str = "high"

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is one that fails the gate."""
        return not finding.suppressed and (
            finding.severity >= gate_severity(self.fail_on) or finding.rule in UNJUDGED
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `findings` are in order, with their gains; `hidden` are the places of secrets, never shown."""

    version: str
    rules_version: str
    findings: tuple[Finding, ...]
    files: tuple[FileRow, ...]
    verdict: str
    result: Score
    unwaived: Score
    gate: Gate
    coverage: Coverage
    checklists: tuple[Checklist, ...] = ()
    chosen: tuple[str, ...] = ()
    hidden: tuple[tuple[Source, Span], ...] = ()
    timing: Mapping[str, float] | None = None
    others: int = 0
    foreign: int = 0
    notices: tuple[str, ...] = ()

    @property
    def score(self) -> int | None:
        """0 to 100, and None where there was nothing to judge."""
        return self.result.score

    @property
    def raw(self) -> float | None:
        """The score before a ceiling and before rounding."""
        return self.result.raw

    @property
    def grade(self) -> str | None:
        """A to F, and None where there was nothing to judge."""
        return self.result.grade

    @property
    def categories(self) -> tuple[Category, ...]:
        """What each category takes off."""
        return self.result.categories

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that count."""
        return tuple(one for one in self.findings if not one.suppressed)

    @property
    def suppressed(self) -> tuple[Finding, ...]:
        """The findings that somebody decided to live with."""
        return tuple(one for one in self.findings if one.suppressed)

    @property
    def crashed(self) -> int:
        """How often a rule failed: such a run has not done its work."""
        return sum(one.rule == "core/crash" for one in self.findings)

    @property
    def files_judged(self) -> int:
        """How many files were judged, or are ours and could not be read."""
        return sum(row.status != "skipped" for row in self.files)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, exactly: see data/report.schema.json."""
        redactor = Redactor(self.hidden)
        made: dict[str, Any] = {
            "version": VERSION,
            "tool": {
                "name": "readiness",
                "version": self.version,
                "rules_version": self.rules_version,
                "score_algorithm": score.ALGORITHM,
            },
            "verdict": self.verdict,
            "score": self.score,
            "raw_score": _round_points(self.raw),
            "grade": self.grade,
            "waived": {
                "findings": len(self.suppressed),
                "score": self.unwaived.score,
                "raw_score": _round_points(self.unwaived.raw),
                "foreign": self.foreign,
            },
            "gate": {"passed": self.gate.passed, "reason": redactor.text(self.gate.reason)},
            "coverage": _coverage_json(self.coverage, redactor),
            "categories": [_category_json(one) for one in self.categories],
            "files": [_file_json(row, redactor) for row in self.files],
            "findings": _findings_json(self.findings, redactor),
            "checklists": [checklist.outcome_as_json(one) for one in self.checklists],
        }
        if self.timing is not None:
            made["timing"] = dict(sorted(self.timing.items()))
        return made


def build_report(  # noqa: PLR0913 - each is one thing that a run gives
    *,
    version: str,
    rules: Sequence[Rule],
    findings: Sequence[Finding],
    rows: Iterable[score.Row],
    looks: Mapping[str, score.Look],
    subjects: Mapping[str, int],
    checklists: Sequence[Checklist] = (),
    chosen: Collection[str] = (),
    fail_on: str = "high",
    min_score: int | None = None,
    hidden: Iterable[tuple[Source, Span]] = (),
    timing: Mapping[str, float] | None = None,
    others: int = 0,
    foreign: int = 0,
    notices: Iterable[str] = (),
) -> Report:
    """The report on findings that are settled, stamped and marked where they are suppressed.

    `rules` are those that ran, `looks` what each saw, `subjects` how many things each path holds, `others` how
    many files were none of ours, `foreign` how many findings the comments of other linters left out, `notices` what
    to tell the user beside the findings. `checklists` are told item by item; those whose systems are `chosen` count in
    coverage.
    """
    files = tuple(
        FileRow(row.path, row.kind, row.status, row.reason, subjects.get(row.path, 0))
        for row in sorted(rows, key=lambda row: row.path)
    )
    seen = {key for key, look in looks.items() if look.subjects}
    assessed = {rule.category for rule in rules if seen.intersection(rule.keys)}
    states = [
        verdict.state
        for known in checklists
        if known.checklist.system in chosen
        for verdict in known.verdicts
    ]
    cover = score.coverage_of(rules, looks, files, states)
    result = score.score_findings(findings, coverage=cover.percent, assessed=assessed)
    unwaived = result
    if any(one.suppressed for one in findings):
        all_open = [one._replace(suppressed=None) for one in findings]
        unwaived = score.score_findings(all_open, coverage=cover.percent, assessed=assessed)
    gained = tuple(
        finding._replace(gain=gain) for finding, gain in zip(findings, result.gains, strict=True)
    )
    return Report(
        version=version,
        rules_version=rules_version(rules),
        findings=gained,
        files=files,
        verdict=score.verdict_of(findings, files, judged=bool(assessed)),
        result=result,
        unwaived=unwaived,
        gate=decide_gate(gained, result.score, fail_on, min_score),
        coverage=cover,
        checklists=tuple(checklists),
        chosen=tuple(chosen),
        hidden=tuple(hidden),
        timing=timing,
        others=others,
        foreign=foreign,
        notices=tuple(notices),
    )


def rules_version(rules: Iterable[Rule]) -> str:
    """A name for a set of rules: scores are comparable only where it is the same."""
    lines = sorted(
        " ".join((rule.id, str(rule.severity), str(rule.confidence), *(t.name for t in rule.tiers)))
        for rule in rules
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def decide_gate(
    findings: Iterable[Finding], points: int | None, fail_on: str, min_score: int | None
) -> Gate:
    """Whether the run passes, and what decided.

    A file of ours that was not read fails it whatever `fail_on` says, and so does a score under `min_score`.
    """
    standing = [one for one in findings if not one.suppressed]
    unjudged = [one for one in standing if one.rule in UNJUDGED]
    bad = [one for one in standing if one.severity >= gate_severity(fail_on)]
    reasons = []
    if bad:
        counts = [
            f"{sum(one.severity is severity for one in bad)} {severity}"
            for severity in sorted({one.severity for one in bad}, reverse=True)
        ]
        reasons.append(f"{join_names(counts)} open (--fail-on {fail_on})")
    if unjudged:
        files = sorted({one.path for one in unjudged})
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        reasons.append(f"{files[0]}{more} could not be read")
    if min_score is not None and points is None:
        reasons.append(f"no score, and --min-score asks for {min_score}")
    elif min_score is not None and points is not None and points < min_score:
        reasons.append(f"score {points} is under --min-score {min_score}")
    if reasons:
        return Gate(False, "; ".join(reasons), fail_on)
    said = (
        "no finding fails (--fail-on never)"
        if fail_on == "never"
        else f"nothing {fail_on} or worse is open"
    )
    if min_score is not None:
        said = f"{said}, score {points} of {min_score} asked"
    return Gate(True, said, fail_on)


def gate_severity(fail_on: str) -> float:
    """The severity from which a finding fails the gate."""
    return float("inf") if fail_on == "never" else Severity[fail_on.upper()]


def _round_points(number: float | None) -> float | None:
    """Four digits: as many as every platform's arithmetic agrees on, and more than anyone needs."""
    return None if number is None else round(number, 4)


def _coverage_json(coverage: Coverage, redactor: Redactor) -> dict[str, Any]:
    return {
        "percent": coverage.percent,
        "by_kind": [
            {"kind": k.kind, "files": k.files, "checked": k.checked, "percent": k.percent}
            for k in coverage.by_kind
        ],
        "unread": [
            {"path": row.path, "reason": redactor.text(row.reason)} for row in coverage.unread
        ],
    }


def _category_json(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "title": category.title,
        "cap": category.cap,
        "loss": _round_points(category.loss),
        "assessed": category.assessed,
    }


def _file_json(row: FileRow, redactor: Redactor) -> dict[str, Any]:
    return {
        "path": row.path,
        "kind": row.kind,
        "status": row.status,
        "reason": redactor.text(row.reason),
        "subjects": row.subjects,
    }


def _findings_json(findings: Iterable[Finding], redactor: Redactor) -> list[dict[str, Any]]:
    """All findings; what they have of their rules is worked out once a rule, tier and part."""
    peers: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    rows = []
    for finding in findings:
        key = finding.rule, finding.tier, finding.part
        if key not in peers:
            peers[key] = {peer: list(ids) for peer, ids in sorted(finding.equivalents.items())}
        rows.append(_finding_json(finding, peers[key], redactor))
    return rows


def _finding_json(
    finding: Finding, equivalents: dict[str, list[str]], redactor: Redactor
) -> dict[str, Any]:
    start, rule = finding.start, finding.definition
    suppressed = finding.suppressed
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": str(finding.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "message": redactor.text(finding.message),
        "path": finding.path,
        "line": start.line,
        "column": start.column,
        "end_line": start.line,
        "end_column": start.column + finding.span.end - finding.span.start,
        "resource": redactor.text(finding.resource),
        "container": redactor.text(finding.container),
        "gain": _round_points(finding.gain),
        "fingerprint": finding.fingerprint,
        "related": [
            {
                "path": other.source.root.path,
                "line": other.source.position(other.span.start).line,
                "message": redactor.text(other.message),
            }
            for other in finding.related
        ],
        "fix": None,
        "equivalents": equivalents,
        "suppressed": None
        if suppressed is None
        else {
            "by": suppressed.by,
            "reason": redactor.text(suppressed.reason),
            "until": suppressed.until,
        },
    }
