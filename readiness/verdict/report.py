"""The outcome of a run as plain data: what every format renders, and what the JSON report says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from readiness.loading.assembly import CAUSE_NOT_IN_TREE
from readiness.loading.discover import Surroundings
from readiness.loading.variants import DECIDED_BY_SETTINGS, Production
from readiness.model import Finding, Rule, Source, Span
from readiness.model.records import dataclass
from readiness.model.service import Service
from readiness.programs.budget import is_confinement_notice
from readiness.redaction import Redactor, SecretPlace
from readiness.ruleset.rules import RULE_GROUPS
from readiness.settings.effects import SettingsEffect
from readiness.triage.baseline import BaselineOutcome
from readiness.verdict import checklist, score, service_scores
from readiness.verdict.by_service import services_as_json
from readiness.verdict.checklist import ChecklistOutcome as Checklist
from readiness.verdict.finding_json import findings_as_json, rounded_points
from readiness.verdict.gate import Gate, GateOptions, decide_gate, gate_as_json, missing_score_reason_text
from readiness.verdict.score import Category, Coverage, Score, ScoredFileRow

REPORT_VERSION = 1
_NO_SURROUNDINGS = Surroundings()  # nothing was read around what is judged
_NO_BASELINE = BaselineOutcome()  # no baseline was asked for


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
    by_service: service_scores.ReportScore
    unwaived: Score
    gate: Gate
    coverage: Coverage
    checklists: tuple[Checklist, ...] = ()
    chosen: tuple[str, ...] = ()
    hidden: tuple[SecretPlace | tuple[Source, Span], ...] = ()
    timing: Mapping[str, float] | None = None
    others: int = 0
    foreign: int = 0
    notices: tuple[str, ...] = ()
    context: Surroundings = _NO_SURROUNDINGS
    environments: tuple[Production, ...] = ()
    services: tuple[Service, ...] = ()
    undeployed_paths: tuple[str, ...] = ()
    settings_effects: tuple[SettingsEffect, ...] = ()
    baseline_outcome: BaselineOutcome = _NO_BASELINE
    score_change: service_scores.ScoreChange | None = None
    rule_ids: tuple[str, ...] = ()
    unjudged_text_by_path: Mapping[str, str] = field(default_factory=dict)

    @property
    def result(self) -> Score:
        """The score of the whole, and how it came about."""
        return self.by_service.whole

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
    def confinement_notice(self) -> str:
        """That programs ran which the system could not confine in full, and what it did; empty where none did."""
        return next(filter(is_confinement_notice, self.notices), "")

    @property
    def outside(self) -> tuple[ScoredFileRow, ...]:
        """The files that stand for something elsewhere, by design: a remote chart, a remote include."""
        return tuple(row for row in self.coverage.unread_files if row.cause == CAUSE_NOT_IN_TREE)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, exactly: see data/report.schema.json."""
        redactor = Redactor(self.hidden)
        report_data: dict[str, Any] = {
            "version": REPORT_VERSION,
            "tool": _tool_json(self),
            **({"confinement": self.confinement_notice} if self.confinement_notice else {}),
            "verdict": self.verdict,
            "score": self.score,
            "raw_score": rounded_points(self.raw),
            "grade": self.grade,
            "previous_score": service_scores.previous_score_as_json(self.by_service),
            "waived": {
                "findings": len(self.suppressed),
                "score": self.unwaived.score,
                "raw_score": rounded_points(self.unwaived.unrounded_score),
                "foreign": self.foreign,
            },
            **({"score_change": self.score_change.to_dict()} if self.score_change else {}),
            "gate": gate_as_json(self.gate, self.settings_effects, redactor),
            "coverage": _coverage_json(self.coverage, redactor),
            "categories": [_category_json(one) for one in self.categories],
            "services": services_as_json(self.services, self.open, self.by_service, redactor),
            "purposes": [{"path": row.path, "purpose": redactor.mask_text(row.purpose)} for row in self.files if row.purpose],
            "files": [_file_json(row, redactor) for row in self.files],
            "findings": findings_as_json(self.findings, redactor),
            "checklists": [checklist.outcome_as_json(one) for one in self.checklists],
        }
        if self.environments:
            report_data["environments"] = [
                {
                    "of": one.of,
                    "production": list(one.taken),
                    "others": list(one.others),
                    "decided_by": "settings" if one.decided_by == DECIDED_BY_SETTINGS else "names",
                }
                for one in self.environments
            ]
        if self.undeployed_paths:
            report_data["undeployed"] = list(self.undeployed_paths)
        if self.context.files:
            report_data["context"] = {"files": self.context.files, "around": list(self.context.judged), "complete": not self.context.cut}
        if self.timing is not None:
            report_data["timing"] = dict(sorted(self.timing.items()))
        return report_data


def _tool_json(report: Report) -> dict[str, Any]:
    return {
        "name": "readiness",
        "version": report.version,
        "rules_version": report.rules_version,
        "score_algorithm": score.ALGORITHM_VERSION,
        "rules": list(report.rule_ids),
    }


def _file_rows(scored_rows: Iterable[score.ScoredFileRow], subject_count_by_path: Mapping[str, int]) -> tuple[FileRow, ...]:
    """The files of a report by path, each with how many things it holds."""
    return tuple(
        FileRow(
            row.path,
            row.kind,
            row.status,
            row.reason,
            subject_count_by_path.get(row.path, 0),
            row.cause,
            row.purpose,
            row.aside,
        )
        for row in sorted(scored_rows, key=lambda row: row.path)
    )


def build_report(  # noqa: PLR0913 - each is one thing that a run gives
    *,
    tool_version: str,
    rules: Sequence[Rule],
    findings: Sequence[Finding],
    scored_rows: Iterable[score.ScoredFileRow],
    tally_by_rule: Mapping[str, score.RuleLookCounts],
    subject_count_by_path: Mapping[str, int],
    checklists: Sequence[Checklist] = (),
    chosen_checklists: Collection[str] = (),
    fail_on: str = "high",
    min_score: int | None = None,
    strict_coverage: bool = False,
    secret_places: Iterable[SecretPlace | tuple[Source, Span]] = (),
    seconds_by_phase: Mapping[str, float] | None = None,
    ignored_file_count: int = 0,
    silenced_by_others_count: int = 0,
    notices: Iterable[str] = (),
    surroundings: Surroundings = _NO_SURROUNDINGS,
    environments: Iterable[Production] = (),
    services: Iterable[Service] = (),
    undeployed_paths: Iterable[str] = (),
    is_production_judged: bool = True,
    settings_effects: Iterable[SettingsEffect] = (),
    baseline_outcome: BaselineOutcome = _NO_BASELINE,
    score_before: Score | None = None,
    unjudged_text_by_path: Mapping[str, str] | None = None,
) -> Report:
    """The report on findings that are settled, stamped and marked where they are suppressed.

    `rules` are those that ran, `tally_by_rule` what each saw, `subject_count_by_path` how many things each path holds, `ignored_file_count`
    how many files were none of ours, `silenced_by_others_count` how many findings the comments of other linters left out,
    `notices` what to tell the user beside the findings, `surroundings` what was read around the judged files, `environments` which
    variants were taken for production, `settings_effects` what settings changed, `services` what a team would call one, `is_production_judged`
    whether not all of it is for something else. `checklists` are told item by item; those that are `chosen_checklists` count in coverage.
    `baseline_outcome` is what became of the entries of a baseline, `score_before` the score at the revision that the run is held against,
    `unjudged_text_by_path` the texts of files without a verdict.
    """
    services = tuple(services)
    file_rows = _file_rows(scored_rows, subject_count_by_path)
    rule_keys_with_subjects = {key for key, look in tally_by_rule.items() if look.subjects}
    assessed_categories = {rule.category for rule in rules if rule_keys_with_subjects.intersection(rule.tally_keys)}
    run_coverage = score.coverage_of_run(rules, tally_by_rule, file_rows, _states_of_chosen_checklists(checklists, chosen_checklists))
    is_assessable = is_production_judged and score.has_enough_coverage_for_score(
        file_rows, any_rule_looked=bool(assessed_categories), percent_without_outside=run_coverage.percent_without_outside
    )
    scored_categories = assessed_categories if is_assessable else frozenset[str]()
    report_score, unwaived_score = service_scores.scores_with_and_without_waivers(findings, services, run_coverage.percent, scored_categories)
    findings_with_gains = tuple(finding._replace(score_gain=gain) for finding, gain in zip(findings, report_score.whole.gain_by_finding, strict=True))
    gate_options = GateOptions(fail_on, min_score, strict_coverage)
    return Report(
        version=tool_version,
        rules_version=rules_version(rules),
        findings=findings_with_gains,
        files=file_rows,
        verdict=score.run_verdict(findings, file_rows, has_score=is_assessable),
        by_service=report_score,
        unwaived=unwaived_score.whole,
        gate=decide_gate(
            findings_with_gains,
            file_rows,
            report_score.whole.score,
            gate_options,
            missing_score_reason=""
            if is_assessable
            else missing_score_reason_text(file_rows, run_coverage, is_production_judged=is_production_judged),
        ),
        coverage=run_coverage,
        checklists=tuple(checklists),
        chosen=tuple(chosen_checklists),
        hidden=tuple(secret_places),
        timing=seconds_by_phase,
        others=ignored_file_count,
        foreign=silenced_by_others_count,
        notices=tuple(notices),
        context=surroundings,
        environments=tuple(environments),
        services=services,
        undeployed_paths=tuple(undeployed_paths),
        settings_effects=tuple(settings_effects),
        baseline_outcome=baseline_outcome,
        score_change=service_scores.score_change_since(score_before, findings, services, run_coverage.percent, scored_categories),
        rule_ids=tuple(sorted({rule.id for rule in rules if rule.id.partition("/")[0] in RULE_GROUPS})),
        unjudged_text_by_path=unjudged_text_by_path or {},
    )


def _states_of_chosen_checklists(checklists: Iterable[Checklist], chosen_checklists: Collection[str]) -> list[str]:
    """The states of all items of the checklists that count in coverage."""
    chosen_outcomes = (known for known in checklists if known.checklist.source_document in chosen_checklists)
    return [one.state for known in chosen_outcomes for one in known.verdicts]


def rules_version(rules: Iterable[Rule]) -> str:
    """A name for a set of rules: scores are comparable only where it is the same."""
    rule_descriptions = sorted(" ".join((rule.id, str(rule.severity), str(rule.confidence), *(t.name for t in rule.tiers))) for rule in rules)
    return hashlib.sha256("\n".join(rule_descriptions).encode()).hexdigest()[:12]


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
        "loss": rounded_points(category.capped_loss),
        "assessed": category.assessed,
    }


def _file_json(row: FileRow, redactor: Redactor) -> dict[str, Any]:
    row_data: dict[str, Any] = {
        "path": row.path,
        "kind": row.kind,
        "status": row.status,
        "reason": redactor.mask_text(row.reason),
        "subjects": row.subjects,
    }
    if row.purpose:
        row_data["purpose"] = redactor.mask_text(row.purpose)
    if row.aside:
        row_data["aside"] = [{"resource": redactor.mask_text(resource), "purpose": redactor.mask_text(text)} for resource, text in row.aside]
    return row_data
