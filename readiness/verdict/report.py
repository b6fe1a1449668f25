"""The outcome of a run as plain data: what every format renders, and what the JSON report says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from readiness.loading.assembly import ABSENT, OUTSIDE
from readiness.model import Finding, Rule, Severity, Source, Span, join_names
from readiness.redaction import Redactor
from readiness.triage.unjudged import broken_paths, is_unjudged
from readiness.verdict import checklist, score
from readiness.verdict.checklist import ChecklistOutcome as Checklist
from readiness.verdict.score import Category, Coverage, Row, Score

VERSION = 1


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file: its kind, whether it was judged or why not, and how many things in it were looked at."""

    path: str
    kind: str
    status: str
    reason: str = ""
    subjects: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the run passed, one line that says what decided, and the severity that fails it.

    `broken` are the files that their own tools cannot read. A gate that was not `evaluated` had nothing to go by, and has not
    passed.
    """

    passed: bool
    reason: str
    fail_on: str = "high"
    broken: frozenset[str] = frozenset()
    evaluated: bool = True

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is one that fails the gate."""
        return not finding.suppressed and (
            finding.severity >= gate_severity(self.fail_on) or is_unjudged(finding, self.broken)
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
    def assessed(self) -> bool:
        """Whether there is a number: enough of what is there was judged."""
        return self.verdict != "not-assessed"

    @property
    def outside(self) -> tuple[Row, ...]:
        """The files that stand for something elsewhere, by design: a remote chart, a remote include."""
        return tuple(row for row in self.coverage.unread if row.cause == OUTSIDE)

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
    strict_coverage: bool = False,
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
        FileRow(row.path, row.kind, row.status, row.reason, subjects.get(row.path, 0), row.cause)
        for row in sorted(rows, key=lambda row: row.path)
    )
    seen = {key for key, look in looks.items() if look.subjects}
    assessed = {rule.category for rule in rules if seen.intersection(rule.keys)}
    states = [
        one.state
        for known in checklists
        if known.checklist.system in chosen
        for one in known.verdicts
    ]
    cover = score.coverage_of(rules, looks, files, states)
    judged = score.is_assessable(files, looked=bool(assessed), here=cover.here)
    counted = assessed if judged else frozenset[str]()
    result = score.score_findings(findings, coverage=cover.percent, assessed=counted)
    unwaived = result
    if any(one.suppressed for one in findings):
        all_open = [one._replace(suppressed=None) for one in findings]
        unwaived = score.score_findings(all_open, coverage=cover.percent, assessed=counted)
    gained = tuple(
        one._replace(gain=gain) for one, gain in zip(findings, result.gains, strict=True)
    )
    broken = broken_paths(files)
    return Report(
        version=version,
        rules_version=rules_version(rules),
        findings=gained,
        files=files,
        verdict=score.verdict_of(
            findings, files, judged=judged, is_unjudged=lambda one: is_unjudged(one, broken)
        ),
        result=result,
        unwaived=unwaived,
        gate=decide_gate(
            gained,
            result.score,
            fail_on,
            min_score,
            broken=broken,
            absent=[row for row in files if row.cause == ABSENT] if strict_coverage else (),
            lacking="" if judged else lacking_text(files, cover),
        ),
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


def lacking_text(rows: Sequence[FileRow], cover: Coverage) -> str:
    """Why there is no number, and what to do: the first file of ours that was left alone says it, if there is one."""
    left = [*cover.unread]
    if not left:
        judged = any(row.kind and row.status == score.READ for row in rows)
        return (
            "no rule had anything to look at; select other rules, or name other files"
            if judged
            else "nothing to check: no file of a kind that readiness knows; name files, or another folder"
        )
    more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    some = any(row.kind not in {"", score.DOCUMENT} and row.status == score.READ for row in rows)
    much = (
        f"{cover.here} % of what is here was judged, and a score takes {score.LEAST_COVERAGE} %"
        if some
        else "nothing was checked"
    )
    return f"{much}: {left[0].path}{more}: {left[0].reason}"


def decide_gate(
    findings: Iterable[Finding],
    points: int | None,
    fail_on: str,
    min_score: int | None,
    *,
    broken: frozenset[str] = frozenset(),
    absent: Sequence[FileRow] = (),
    lacking: str = "",
) -> Gate:
    """Whether the run passes, and what decided.

    A file of ours that was not read fails it whatever `fail_on` says, and so does a score under `min_score`, and each of
    the files that wait for a program or a dependency that is `absent`. `lacking` says why there is nothing to go by.
    """
    standing = [one for one in findings if not one.suppressed]
    unjudged = [one for one in standing if one.rule != "core/crash" and is_unjudged(one, broken)]
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
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        reasons.append(f"{absent[0].path}{more} not judged: {absent[0].reason} (--strict-coverage)")
    if lacking and not reasons:
        return Gate(False, lacking, fail_on, broken, evaluated=False)
    if min_score is not None and points is None:
        reasons.append(f"no score, and --min-score asks for {min_score}")
    elif min_score is not None and points is not None and points < min_score:
        reasons.append(f"score {points} is under --min-score {min_score}")
    if reasons:
        return Gate(False, "; ".join(reasons), fail_on, broken)
    said = (
        "no finding fails (--fail-on never)"
        if fail_on == "never"
        else f"nothing {fail_on} or worse is open"
    )
    if min_score is not None:
        said = f"{said}, score {points} of {min_score} asked"
    return Gate(True, said, fail_on, broken)


def gate_severity(fail_on: str) -> float:
    """The severity from which a finding fails the gate."""
    return float("inf") if fail_on == "never" else Severity[fail_on.upper()]


def _round_points(number: float | None) -> float | None:
    """Four digits: as many as every platform's arithmetic agrees on, and more than anyone needs."""
    return None if number is None else round(number, 4)


def _coverage_json(one: Coverage, redactor: Redactor) -> dict[str, Any]:
    return {
        "percent": one.percent,
        "by_kind": [
            {"kind": k.kind, "files": k.files, "checked": k.checked, "percent": k.percent}
            for k in one.by_kind
        ],
        "unread": [{"path": row.path, "reason": redactor.text(row.reason)} for row in one.unread],
    }


def _category_json(one: Category) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "cap": one.cap,
        "loss": _round_points(one.loss),
        "assessed": one.assessed,
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
    for one in findings:
        key = one.rule, one.tier, one.part
        if key not in peers:
            peers[key] = {peer: list(ids) for peer, ids in sorted(one.equivalents.items())}
        rows.append(_finding_json(one, peers[key], redactor))
    return rows


def _finding_json(
    one: Finding, equivalents: dict[str, list[str]], redactor: Redactor
) -> dict[str, Any]:
    start, rule = one.start, one.definition
    suppressed = one.suppressed
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": str(one.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "message": redactor.text(one.message),
        "path": one.path,
        "line": start.line,
        "column": start.column,
        "end_line": start.line,
        "end_column": start.column + one.span.end - one.span.start,
        "resource": redactor.text(one.resource),
        "container": redactor.text(one.container),
        "gain": _round_points(one.gain),
        "fingerprint": one.fingerprint,
        "related": [
            {
                "path": other.source.root.path,
                "line": other.source.position(other.span.start).line,
                "message": redactor.text(other.message),
            }
            for other in one.related
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
