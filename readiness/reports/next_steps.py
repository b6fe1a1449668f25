"""What to type next: the closing lines of a report for people."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.reports import ReportOptions
from readiness.reports.ansi import wrapped_spans
from readiness.reports.fix_table import SCREEN_LINES
from readiness.verdict.fix_first import FixRow
from readiness.verdict.report import Report

MIN_FINDINGS_TO_COUNT = 30  # from which a table by rule says more than the findings do
MIN_FAILURES_TO_ADOPT = 10  # from which a repository has a past that nobody mends in one go


def next_step_texts(report: Report, fix_rows: Sequence[FixRow], options: ReportOptions) -> list[tuple[str, str]]:
    """(label, text): how to read what is to be fixed first, and how to begin where much is open; nothing where nothing is."""
    if not fix_rows:
        return []
    steps = [("next", f"readiness explain {fix_rows[0].rule_ids[0]}")]
    if len(report.open) >= MIN_FINDINGS_TO_COUNT and not options.view.statistics:
        steps.append(("next", "the same command with --statistics: findings counted by rule"))
    failure_count = sum(map(report.gate.is_failed_by, report.open))
    is_past_excused = any(one.suppression and one.suppression.is_of_known_finding for one in report.suppressed)
    if failure_count >= MIN_FAILURES_TO_ADOPT and not is_past_excused:
        steps.append(("adopt", "readiness baseline, or check --since REF: only what is new counts"))
    return steps


def steps_with_room(steps: Sequence[tuple[str, str]], line_count: int, width: int) -> list[tuple[str, str]]:
    """As many of the steps, from the first, as the last screen has room for beside so many lines."""
    shown_steps = []
    for label, text in steps:
        line_count += len(list(wrapped_spans(text, width)))
        if line_count > SCREEN_LINES:
            break
        shown_steps.append((label, text))
    return shown_steps
