"""The outcome of a run as plain data: what every format renders, and what the JSON report says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from readiness.loading.assembly import CAUSE_OUTSIDE
from readiness.loading.discover import Surroundings
from readiness.loading.variants import BY_SETTINGS, Production
from readiness.model import Finding, Rule, Source, Span
from readiness.redaction import Redactor
from readiness.verdict import checklist, score
from readiness.verdict.checklist import ChecklistOutcome as Checklist
from readiness.verdict.gate import Gate, GateOptions, decide_gate, lacking_text
from readiness.verdict.score import Category, Coverage, Score, ScoredFileRow

REPORT_VERSION = 1
_ALONE = Surroundings()  # nothing was read around what is judged


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file: its kind, whether it was judged or why not, and how many things in it were looked at.

    `purpose` says what it was taken for and why, where production's questions were not asked of it; `aside` says that of things
    in a file that was not, by their resources.
    """

    path: str
    kind: str
    status: str
    reason: str = ""
    subjects: int = 0
    cause: str = ""
    purpose: str = ""
    aside: tuple[tuple[str, str], ...] = ()


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
    context: Surroundings = _ALONE
    environments: tuple[Production, ...] = ()

    @property
    def score(self) -> int | None:
        """0 to 100, and None where there was nothing to judge."""
        return self.result.score

    @property
    def raw(self) -> float | None:
        """The score before a ceiling and before rounding."""
        return self.result.unrounded_score

    @property
    def grade(self) -> str | None:
        """A to F, and None where there was nothing to judge."""
        return self.result.grade

    @property
    def categories(self) -> tuple[Category, ...]:
        """The score's categories, each with the points it takes off."""
        return self.result.categories

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are not suppressed."""
        return tuple(one for one in self.findings if not one.suppression)

    @property
    def suppressed(self) -> tuple[Finding, ...]:
        """The findings that somebody decided to live with."""
        return tuple(one for one in self.findings if one.suppression)

    @property
    def crashed(self) -> int:
        """How often a rule failed: such a run has not done its work."""
        return sum(one.rule == "core/crash" for one in self.findings)

    @property
    def files_excused(self) -> int:
        """How many files were taken for something else than production's."""
        return sum(bool(row.purpose) for row in self.files)

    @property
    def things_excused(self) -> int:
        """How many services and objects were, in files that were not."""
        return sum(len(row.aside) for row in self.files)

    @property
    def assessed(self) -> bool:
        """Whether there is a number: enough of what is there was judged."""
        return self.verdict != "not-assessed"

    @property
    def outside(self) -> tuple[ScoredFileRow, ...]:
        """The files that stand for something elsewhere, by design: a remote chart, a remote include."""
        return tuple(row for row in self.coverage.unread_files if row.cause == CAUSE_OUTSIDE)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, exactly: see data/report.schema.json."""
        redactor = Redactor(self.hidden)
        data: dict[str, Any] = {
            "version": REPORT_VERSION,
            "tool": {
                "name": "readiness",
                "version": self.version,
                "rules_version": self.rules_version,
                "score_algorithm": score.ALGORITHM_VERSION,
            },
            "verdict": self.verdict,
            "score": self.score,
            "raw_score": _round_points(self.raw),
            "grade": self.grade,
            "waived": {
                "findings": len(self.suppressed),
                "score": self.unwaived.score,
                "raw_score": _round_points(self.unwaived.unrounded_score),
                "foreign": self.foreign,
            },
            "gate": {"passed": self.gate.passed, "reason": redactor.mask_text(self.gate.reason)},
            "coverage": _coverage_json(self.coverage, redactor),
            "categories": [_category_json(one) for one in self.categories],
            "purposes": [{"path": row.path, "purpose": redactor.mask_text(row.purpose)} for row in self.files if row.purpose],
            "files": [_file_json(row, redactor) for row in self.files],
            "findings": _findings_json(self.findings, redactor),
            "checklists": [checklist.outcome_as_json(one) for one in self.checklists],
        }
        if self.environments:
            data["environments"] = [
                {
                    "of": one.of,
                    "production": list(one.taken),
                    "others": list(one.others),
                    "decided_by": "settings" if one.decided_by == BY_SETTINGS else "names",
                }
                for one in self.environments
            ]
        if self.context.files:
            data["context"] = {
                "files": self.context.files,
                "around": list(self.context.judged),
                "complete": not self.context.cut,
            }
        if self.timing is not None:
            data["timing"] = dict(sorted(self.timing.items()))
        return data


def _file_rows(rows: Iterable[score.ScoredFileRow], subjects: Mapping[str, int]) -> tuple[FileRow, ...]:
    """The files of a report by path, each with how many things it holds."""
    return tuple(
        FileRow(
            row.path,
            row.kind,
            row.status,
            row.reason,
            subjects.get(row.path, 0),
            row.cause,
            row.purpose,
            row.aside,
        )
        for row in sorted(rows, key=lambda row: row.path)
    )


def build_report(  # noqa: PLR0913 - each is one thing that a run gives
    *,
    version: str,
    rules: Sequence[Rule],
    findings: Sequence[Finding],
    rows: Iterable[score.ScoredFileRow],
    tally_by_rule: Mapping[str, score.RuleLookCounts],
    subjects: Mapping[str, int],
    checklists: Sequence[Checklist] = (),
    chosen_checklists: Collection[str] = (),
    fail_on: str = "high",
    min_score: int | None = None,
    strict_coverage: bool = False,
    secret_places: Iterable[tuple[Source, Span]] = (),
    timing: Mapping[str, float] | None = None,
    ignored_file_count: int = 0,
    silenced_by_others_count: int = 0,
    notices: Iterable[str] = (),
    context: Surroundings = _ALONE,
    environments: Iterable[Production] = (),
    production: bool = True,
) -> Report:
    """The report on findings that are settled, stamped and marked where they are suppressed.

    `rules` are those that ran, `tally_by_rule` what each saw, `subjects` how many things each path holds, `ignored_file_count`
    how many files were none of ours, `silenced_by_others_count` how many findings the comments of other linters left out,
    `notices` what to tell the user beside the findings, `context` what was read around the judged files, `environments` which
    variants were taken for production, `production` whether not all of it is for something else. `checklists` are told item by
    item; those whose systems are `chosen_checklists` count in coverage.
    """
    files = _file_rows(rows, subjects)
    seen = {key for key, look in tally_by_rule.items() if look.subjects}
    assessed = {rule.category for rule in rules if seen.intersection(rule.tally_keys)}
    cover = score.coverage_of(rules, tally_by_rule, files, _item_states(checklists, chosen_checklists))
    judged = production and score.is_assessable(
        files, any_rule_looked=bool(assessed), percent_without_outside=cover.percent_without_outside
    )
    counted = assessed if judged else frozenset[str]()
    result = score.score_findings(findings, coverage=cover.percent, assessed_categories=counted)
    all_open = [verdict._replace(suppression=None) for verdict in findings]
    waiving = any(verdict.suppression for verdict in findings)
    unwaived = score.score_findings(all_open, coverage=cover.percent, assessed_categories=counted) if waiving else result
    gained = tuple(finding._replace(score_gain=gain) for finding, gain in zip(findings, result.gain_by_finding, strict=True))
    options = GateOptions(fail_on, min_score, strict_coverage)
    return Report(
        version=version,
        rules_version=rules_version(rules),
        findings=gained,
        files=files,
        verdict=score.verdict_of(findings, files, has_score=judged),
        result=result,
        unwaived=unwaived,
        gate=decide_gate(
            gained,
            files,
            result.score,
            options,
            missing_score_reason="" if judged else lacking_text(files, cover, production=production),
        ),
        coverage=cover,
        checklists=tuple(checklists),
        chosen=tuple(chosen_checklists),
        hidden=tuple(secret_places),
        timing=timing,
        others=ignored_file_count,
        foreign=silenced_by_others_count,
        notices=tuple(notices),
        context=context,
        environments=tuple(environments),
    )


def _item_states(checklists: Iterable[Checklist], chosen_checklists: Collection[str]) -> list[str]:
    """The states of all items of the checklists that count in coverage."""
    mine = (known for known in checklists if known.checklist.source_document in chosen_checklists)
    return [one.state for known in mine for one in known.verdicts]


def rules_version(rules: Iterable[Rule]) -> str:
    """A name for a set of rules: scores are comparable only where it is the same."""
    lines = sorted(
        " ".join((rule.id, str(rule.severity), str(rule.confidence), *(t.name for t in rule.tiers))) for rule in rules
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _round_points(number: float | None) -> float | None:
    """Four digits: as many as every platform's arithmetic agrees on, and more than anyone needs."""
    return None if number is None else round(number, 4)


def _coverage_json(coverage: Coverage, redactor: Redactor) -> dict[str, Any]:
    return {
        "percent": coverage.percent,
        "by_kind": [
            {
                "kind": k.kind,
                "files": k.file_count,
                "checked": k.checked_count,
                "percent": k.checked_percent,
            }
            for k in coverage.by_kind
        ],
        "unread": [{"path": row.path, "reason": redactor.mask_text(row.reason)} for row in coverage.unread_files],
    }


def _category_json(category: Category) -> dict[str, Any]:
    return {
        "id": category.id,
        "title": category.title,
        "cap": category.cap,
        "loss": _round_points(category.capped_loss),
        "assessed": category.assessed,
    }


def _file_json(row: FileRow, redactor: Redactor) -> dict[str, Any]:
    data: dict[str, Any] = {
        "path": row.path,
        "kind": row.kind,
        "status": row.status,
        "reason": redactor.mask_text(row.reason),
        "subjects": row.subjects,
    }
    if row.purpose:
        data["purpose"] = redactor.mask_text(row.purpose)
    if row.aside:
        data["aside"] = [
            {"resource": redactor.mask_text(resource), "purpose": redactor.mask_text(text)} for resource, text in row.aside
        ]
    return data


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


def _finding_json(finding: Finding, equivalents: dict[str, list[str]], redactor: Redactor) -> dict[str, Any]:
    start, rule = finding.start, finding.rule_definition
    suppressed = finding.suppression
    return {
        "rule": rule.id,
        "title": rule.title,
        "severity": str(finding.severity),
        "confidence": str(rule.confidence),
        "category": rule.category,
        "message": redactor.mask_text(finding.message),
        "path": finding.path,
        "line": start.line,
        "column": start.column,
        "end_line": start.line,
        "end_column": start.column + finding.span.end - finding.span.start,
        "resource": redactor.mask_text(finding.resource),
        "container": redactor.mask_text(finding.container),
        "unit": redactor.mask_text(finding.unit_path),
        "gain": _round_points(finding.score_gain),
        "fingerprint": finding.fingerprint,
        "related": [
            {
                "path": other.source.root.path,
                "line": other.source.position_of(other.span.start).line,
                "message": redactor.mask_text(other.message),
            }
            for other in finding.related
        ],
        "fix": None,
        "equivalents": equivalents,
        "suppressed": None
        if suppressed is None
        else {
            "by": suppressed.suppressed_by,
            "reason": redactor.mask_text(suppressed.reason),
            "until": suppressed.until,
        },
    }
