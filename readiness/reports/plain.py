"""The report for a pipe, a file or a CI log: no colours, no boxes, one stable line for each finding."""

from __future__ import annotations

from typing import TextIO

from readiness.model import Finding
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest, explain
from readiness.reports.frame import code_frame, escape_controls, escape_workflow_commands
from readiness.verdict.report import Report

FRAME_WIDTH = 120  # of a code frame; other lines are as long as they are, for tools that read them


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: findings by file, the score, and the gate's line last."""
    redactor = Redactor(report.hidden)
    if options.quiet:
        for finding in filter(report.gate.is_failed_by, report.findings):
            output.write(digest.finding_headline(finding, redactor) + "\n")
        output.write(digest.gate_text(report, redactor) + "\n")
        return
    for path, groups in digest.findings_by_file(report, verbose=options.verbose):
        for group in groups:
            output.write("\n".join([*_group_lines(group, redactor, options), ""]))
        if units := digest.units_text(report, path, groups):
            output.write(f"  unit: {escape_controls(redactor.mask_text(units))}\n")
        output.write("\n")
    if options.verbose:
        for line in _detail_lines(report, redactor):
            output.write(escape_workflow_commands(line) + "\n")
    if options.explain:
        output.write("\n".join([*explain.score_lines(report), "", ""]))
    for line in _score_lines(report, redactor, options):
        output.write(escape_workflow_commands(line) + "\n")
    output.write(digest.gate_text(report, redactor) + "\n")


def _group_lines(group: digest.FindingGroup, redactor: Redactor, options: ReportOptions) -> list[str]:
    """One rule's findings in one file: the first with its line, its reason and its fix, a line for each other."""
    lines = [digest.finding_headline(group.first, redactor)]
    if not group.is_brief:
        if group.shows_frame:
            lines += _frame_lines(group.first, redactor, options.width or FRAME_WIDTH)
        why, fix = group.first.why, group.first.fix
        if group.is_reason_new:
            lines.append(f"  why: {escape_controls(' '.join(why.split()) if options.verbose else digest.first_sentence(why))}")
        lines.append(f"  fix: {escape_controls(' '.join(fix.split()) if options.verbose else digest.first_sentence(fix))}")
    lines += _related_lines(group.first, redactor)
    for other in group.others:
        lines.append(digest.finding_headline(other, redactor))
        if options.verbose:
            lines += _frame_lines(other, redactor, options.width or FRAME_WIDTH)
            lines += _related_lines(other, redactor)
    return lines


def _frame_lines(finding: Finding, redactor: Redactor, width: int) -> list[str]:
    frame = code_frame(finding, redactor, width - 10)
    if frame is None:
        return []
    return [f"{frame.number:>6} | {frame.text}".rstrip(), f"       | {frame.caret_line}"]


def _related_lines(finding: Finding, redactor: Redactor) -> list[str]:
    return [
        escape_controls(
            f"  see {other.source.root.path}:{other.source.position_of(other.span.start).line}: {redactor.mask_text(other.message)}"
        )
        for other in finding.related
    ]


def _detail_lines(report: Report, redactor: Redactor) -> list[str]:
    """What -v adds: suppressed findings with their reasons, every file, and where the time went."""
    lines = []
    for finding in report.suppressed:
        why = finding.suppression
        if why:
            until = f", until {why.until}" if why.until else ""
            by = escape_controls(f"{why.suppressed_by}: {redactor.mask_text(why.reason)}")
            lines.append(f"{digest.finding_headline(finding, redactor)} (suppressed by {by}{until})")
    for row in report.files:
        said = [digest.TITLE_BY_KIND.get(row.kind, row.kind or "unknown"), row.status]
        said += [redactor.mask_text(row.reason)] if row.reason else []
        lines.append(escape_controls(f"file {row.path}: {', '.join(said)}, {digest.count_with_noun(row.subjects, 'subject')}"))
    for name, seconds in sorted((report.timing or {}).items()):
        lines.append(f"time {name}: {seconds:.3f} s")
    return [*lines, ""] if lines else []


def _score_lines(report: Report, redactor: Redactor, options: ReportOptions) -> list[str]:
    """The score with its categories, what is gained most by, coverage and files."""
    number = "no score" if report.score is None else f"score {report.score} of 100, grade {report.grade}"
    lines = [f"{number}, {digest.verdict_text(report)}"]
    notes = (digest.ceiling_text(report), digest.waived_text(report), digest.foreign_text(report))
    lines += [f"  {note}" for note in notes if note]
    if report.score is not None:
        for part in report.categories:
            kept = (
                f"{part.cap - part.capped_loss:6.2f} of {part.cap:2}" if part.assessed or part.capped_loss else "  not assessed"
            )
            lines.append(f"  {part.title:<14}{kept}")
    best = digest.highest_gains(report)
    if best:
        lines.append("highest gain:")
    for finding, sharing in best:
        also = f" ({sharing} findings)" if sharing > 1 else ""
        lines.append(
            escape_controls(
                f"  +{finding.score_gain:.2f} {finding.path}:{finding.line} {finding.severity}[{finding.rule}]{also}"
            )
        )
    lines.append(f"findings: {digest.severity_counts_text(report.open)}")
    lines.append(f"coverage: {digest.coverage_text(report)}")
    lines.append(f"files: {digest.kinds_text(report)}")
    lines += [f"not read: {line}" for line in digest.unread_lines(report, redactor, verbose=options.verbose)]
    lines += [f"purpose: {line}" for line in digest.purpose_lines(report, redactor, verbose=options.verbose)]
    lines += [f"production: {line}" for line in digest.production_lines(report, redactor, verbose=options.verbose)]
    lines += [f"context: {digest.context_text(report)}"] if report.context.files else []
    lines += [f"checklist {line}" for line in digest.checklist_lines(report)]
    return lines
