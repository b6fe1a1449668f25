"""The gate: whether a run passes, by what was found and by what was not judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from readiness.loading.assembly import CAUSE_ABSENT
from readiness.model import Finding, Severity, join_names
from readiness.triage.unjudged import broken_paths, is_missing_verdict_finding
from readiness.verdict.score import (
    LEAST_COVERAGE,
    MARKDOWN_KIND,
    STATUS_CHECKED,
    Coverage,
    ScoredFileRow,
)


class GateOptions(NamedTuple):
    """What fails a run beside files that could not be read: a finding this bad, a score under this, what is absent."""

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
            finding.severity >= gate_severity(self.fail_on) or is_missing_verdict_finding(finding, self.broken_paths)
        )


def lacking_text(file_rows: Sequence[ScoredFileRow], coverage: Coverage, *, production: bool = True) -> str:
    """Why there is no number, and what to do: the first file of ours that was left alone says it, if there is one."""
    aside = [row for row in file_rows if row.purpose]
    if aside and not production:
        more = f" and {len(aside) - 1} more" if len(aside) > 1 else ""
        return (
            f"nothing here was taken for production: {aside[0].path}{more}; to have it judged all the same give"
            " --purpose production, or `purpose: {GLOB: production}` in .readiness.yaml"
        )
    left = [*coverage.unread_files]
    if not left:
        judged = any(row.kind and row.status == STATUS_CHECKED for row in file_rows)
        return (
            "no rule had anything to look at; select other rules, or name other files"
            if judged
            else "nothing to check: no file of a kind that readiness knows; name files, or another directory"
        )
    more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    some = any(row.kind not in {"", MARKDOWN_KIND} and row.status == STATUS_CHECKED for row in file_rows)
    much = (
        f"{coverage.percent_without_outside} % of what is here was judged, and a score takes {LEAST_COVERAGE} %"
        if some
        else "nothing was checked"
    )
    return f"{much}: {left[0].path}{more}: {left[0].reason}"


def decide_gate(
    findings: Iterable[Finding],
    rows: Sequence[ScoredFileRow],
    score: int | None,
    options: GateOptions,
    *,
    missing_score_reason: str = "",
) -> Gate:
    """Whether the run passes, and what decided.

    A file of ours that was not read fails it whatever the options say. `missing_score_reason` says why there is nothing to go by.
    """
    fail_on, min_score, strict = options
    broken = broken_paths(rows)
    absent = [row for row in rows if row.cause == CAUSE_ABSENT] if strict else []
    standing = [one for one in findings if not one.suppression]
    unjudged = [one for one in standing if one.rule != "core/crash" and is_missing_verdict_finding(one, broken)]
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
    if missing_score_reason and not reasons:
        return Gate(False, missing_score_reason, fail_on, broken, was_evaluated=False)
    if min_score is not None and score is None:
        reasons.append(f"no score, and --min-score asks for {min_score}")
    elif min_score is not None and score is not None and score < min_score:
        reasons.append(f"score {score} is under --min-score {min_score}")
    if reasons:
        return Gate(False, "; ".join(reasons), fail_on, broken)
    said = "no finding fails (--fail-on never)" if fail_on == "never" else f"nothing {fail_on} or worse is open"
    if min_score is not None:
        said = f"{said}, score {score} of {min_score} asked"
    return Gate(True, said, fail_on, broken)


def gate_severity(fail_on: str) -> float:
    """The severity from which a finding fails the gate."""
    return float("inf") if fail_on == "never" else Severity[fail_on.upper()]
