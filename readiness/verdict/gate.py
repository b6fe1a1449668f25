"""The gate: whether a run passes, by what was found and by what was not judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from readiness.model import Finding, Severity, join_names
from readiness.model.records import dataclass
from readiness.redaction import Redactor
from readiness.settings.effects import SettingsEffect
from readiness.triage.unjudged import broken_paths, is_missing_verdict_finding
from readiness.verdict.score import (
    ALGORITHM_VERSION,
    MARKDOWN_KIND,
    MIN_COVERAGE_FOR_SCORE,
    STATUS_CHECKED,
    Coverage,
    ScoredFileRow,
    has_gap,
)

MAX_UNJUDGED_FILES_NAMED = 3  # with their reasons, where --strict-coverage fails for them


class GateOptions(NamedTuple):
    """What fails a run beside files that could not be read: a finding this bad, a score under this, what was not judged for any reason."""

    fail_on: str = "high"
    min_score: int | None = None
    strict_coverage: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the run passed, one line that says what decided, and the severity that fails it.

    `broken_paths` are the files that their own tools cannot read. A gate that was not `was_evaluated` had nothing to go by, and
    has not passed.
    """

    passed: bool
    reason: str
    fail_on: str = "high"
    broken_paths: frozenset[str] = frozenset()
    was_evaluated: bool = True

    def is_failed_by(self, finding: Finding) -> bool:
        """Whether a finding is one that fails the gate."""
        return not finding.suppression and (
            finding.severity >= min_failing_severity(self.fail_on) or is_missing_verdict_finding(finding, self.broken_paths)
        )


def missing_score_reason_text(file_rows: Sequence[ScoredFileRow], coverage: Coverage, *, is_production_judged: bool = True) -> str:
    """Why there is no number, and what to do: the first file of ours that was left alone says it, if there is one."""
    rows_with_other_purpose = [row for row in file_rows if row.purpose]
    if rows_with_other_purpose and not is_production_judged:
        remaining_count_text = f" and {len(rows_with_other_purpose) - 1} more" if len(rows_with_other_purpose) > 1 else ""
        return (
            f"nothing here was taken for production: {rows_with_other_purpose[0].path}{remaining_count_text}; to have it judged all the same give"
            " --purpose production, or `purpose: {GLOB: production}` in .readiness.yaml"
        )
    unread_files = [*coverage.unread_files]
    if not unread_files:
        has_checked_file = any(row.kind and row.status == STATUS_CHECKED for row in file_rows)
        return (
            "no rule had anything to look at; select other rules, or name other files"
            if has_checked_file
            else "nothing to check: no file of a kind that readiness knows; name files, or another directory"
        )
    remaining_count_text = f" (and {len(unread_files) - 1} more)" if len(unread_files) > 1 else ""
    has_checked_non_markdown_file = any(row.kind not in {"", MARKDOWN_KIND} and row.status == STATUS_CHECKED for row in file_rows)
    coverage_text = (
        f"{coverage.percent_without_outside} % of what is here was judged, and a score takes {MIN_COVERAGE_FOR_SCORE} %"
        if has_checked_non_markdown_file
        else "nothing was checked"
    )
    return f"{coverage_text}: {unread_files[0].path}{remaining_count_text}: {unread_files[0].reason}"


def decide_gate(
    findings: Iterable[Finding],
    file_rows: Sequence[ScoredFileRow],
    score: int | None,
    gate_options: GateOptions,
    *,
    missing_score_reason: str = "",
) -> Gate:
    """Whether the run passes, and what decided.

    A file of ours that was not read fails it whatever the options say. `missing_score_reason` says why there is nothing to go by.
    """
    fail_on, min_score, is_coverage_strict = gate_options
    broken_file_paths = broken_paths(file_rows)
    open_findings = [one for one in findings if not one.suppression]
    missing_verdict_findings = [one for one in open_findings if one.rule != "core/crash" and is_missing_verdict_finding(one, broken_file_paths)]
    failing_findings = [one for one in open_findings if one.severity >= min_failing_severity(fail_on)]
    failure_reasons = []
    if failing_findings:
        severity_count_texts = [
            f"{sum(one.severity is severity for one in failing_findings)} {severity}"
            for severity in sorted({one.severity for one in failing_findings}, reverse=True)
        ]
        failure_reasons.append(f"{join_names(severity_count_texts)} open (--fail-on {fail_on})")
    if missing_verdict_findings:
        unreadable_paths = sorted({one.path for one in missing_verdict_findings})
        remaining_count_text = f" and {len(unreadable_paths) - 1} more" if len(unreadable_paths) > 1 else ""
        failure_reasons.append(f"{unreadable_paths[0]}{remaining_count_text} could not be read")
    if is_coverage_strict:
        told_paths = {one.path for one in missing_verdict_findings}
        failure_reasons += _strict_coverage_reasons([row for row in file_rows if has_gap(row) and row.path not in told_paths])
    if missing_score_reason and not failure_reasons:
        return Gate(False, missing_score_reason, fail_on, broken_file_paths, was_evaluated=False)
    if min_score is not None and score is None:
        failure_reasons.append(f"no score, and --min-score asks for {min_score}")
    elif min_score is not None and score is not None and score < min_score:
        failure_reasons.append(f"score {score} (algorithm {ALGORITHM_VERSION}) is under --min-score {min_score}")
    if failure_reasons:
        return Gate(False, "; ".join(failure_reasons), fail_on, broken_file_paths)
    pass_reason = "no finding fails (--fail-on never)" if fail_on == "never" else f"nothing {fail_on} or worse is open"
    if min_score is not None:
        pass_reason = f"{pass_reason}, score {score} (algorithm {ALGORITHM_VERSION}), at least {min_score} asked"
    return Gate(True, pass_reason, fail_on, broken_file_paths)


def _strict_coverage_reasons(unjudged_rows: Sequence[ScoredFileRow]) -> list[str]:
    """The first files that were not judged, or not whole, each with the reason, and how many more there are; nothing where all were."""
    if not unjudged_rows:
        return []
    file_texts = [f"{row.path} not judged{' whole' if row.status == STATUS_CHECKED else ''}: {row.reason}" for row in unjudged_rows]
    hidden_count = len(file_texts) - MAX_UNJUDGED_FILES_NAMED
    named_texts = [*file_texts[:MAX_UNJUDGED_FILES_NAMED], *([f"and {hidden_count} more"] if hidden_count > 0 else [])]
    return [f"{'; '.join(named_texts)} (--strict-coverage)"]


def gate_as_json(gate: Gate, settings_effects: Sequence[SettingsEffect], redactor: Redactor) -> dict[str, Any]:
    """The gate as reports in JSON have it, with what settings files changed where there are any."""
    gate_data: dict[str, Any] = {"passed": gate.passed, "reason": redactor.mask_text(gate.reason)}
    if settings_effects:
        gate_data["settings"] = [
            {
                "file": redactor.mask_text(one.name),
                "changed": [redactor.mask_text(text) for text in one.changes],
                "refused": [redactor.mask_text(text) for text in one.refused],
            }
            for one in settings_effects
        ]
    return gate_data


def min_failing_severity(fail_on: str) -> float:
    """The severity from which a finding fails the gate."""
    return float("inf") if fail_on == "never" else Severity[fail_on.upper()]
