"""The report for a pipe, a file or a CI log: no colours, no boxes, one stable line for each finding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TextIO

from readiness.model import Finding
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest, explain
from readiness.reports.ansi import wrapped_spans
from readiness.reports.block_parts import heading_text
from readiness.reports.fix_table import MAX_ROWS_OF_SHORT_TABLE, detail_lines, gain_text, has_room_for_ids, rows_on_first_screen, text_with_counts
from readiness.reports.frame import code_frame, escape_controls, escape_workflow_commands
from readiness.reports.grouping import EditBlock, FindingGroup, groups_by_file
from readiness.reports.next_steps import next_step_texts, steps_with_room
from readiness.reports.service_table import service_table_lines
from readiness.reports.statistics import rule_count_texts, rule_counts
from readiness.reports.view import shown_findings
from readiness.verdict.fix_first import FixRow, fix_first_rows
from readiness.verdict.report import Report

FIX_FIRST_WIDTH = 80  # of the table of what to fix first
DEFAULT_FRAME_WIDTH = 120  # of a code frame; other lines are as long as they are, for tools that read them


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: findings by file, the score, and the gate's line last."""
    redactor = Redactor(report.hidden)
    if report.confinement_notice:
        output.write(f"{report.confinement_notice}\n")
    if options.quiet:
        output.writelines(f"{line}\n" for line in _quiet_lines(report, redactor, options))
        return
    fix_rows = fix_first_rows(report)
    shown = shown_findings(report.open, options.view)
    if options.view.statistics:
        output.writelines(f"{line}\n" for line in _statistics_lines(report, shown.findings, options.width or DEFAULT_FRAME_WIDTH))
    elif len(fix_rows) > 1:
        first_screen_lines = fix_first_lines(report, rows_on_first_screen(fix_rows), redactor, options.width or FIX_FIRST_WIDTH)
        output.write("\n".join([*first_screen_lines, "", ""]))
    told_findings = [] if options.view.statistics else shown.findings
    for path, finding_groups in groups_by_file(report, verbose=options.verbose, findings=told_findings):
        for finding_group in finding_groups:
            if isinstance(finding_group, EditBlock):
                lines = _block_lines(finding_group, redactor, options)
                if finding_group is not finding_groups[-1]:
                    lines.append("")  # what follows is of another edit
            else:
                lines = _group_lines(finding_group, redactor, options)
            output.write("\n".join([*lines, ""]))
        if unit_paths := digest.unit_paths_text(report, path, finding_groups):
            output.write(f"  unit: {escape_controls(redactor.mask_text(unit_paths))}\n")
        output.write("\n")
    if options.verbose:
        for line in verbose_detail_lines(report, redactor):
            output.write(escape_workflow_commands(line) + "\n")
    if options.explain:
        output.write("\n".join([*map(escape_workflow_commands, explain.score_lines(report)), "", ""]))
    background_lines = [
        *category_lines(report),
        *service_table_lines(report, redactor, width=options.width or DEFAULT_FRAME_WIDTH, verbose=options.verbose),
        *file_lines(report, redactor, verbose=options.verbose),
    ]
    for line in [*background_lines, "", *_last_screen_lines(report, fix_rows, redactor, options, shown.hidden_text)]:
        output.write(escape_workflow_commands(line) + "\n")


def _quiet_lines(report: Report, redactor: Redactor, options: ReportOptions) -> Iterator[str]:
    """What fails the gate, how each rule of it is fixed once, and the gate."""
    shown = shown_findings(filter(report.gate.is_failed_by, report.findings), options.view)
    told_fixes = set()
    for finding in shown.findings:
        yield digest.finding_headline(finding, redactor)
        if (finding.rule, finding.fix) not in told_fixes:
            told_fixes.add((finding.rule, finding.fix))
            yield f"  fix: {escape_controls(' '.join(finding.fix.split()))}"
    if shown.hidden_text:
        yield f"hidden: {shown.hidden_text}"
    yield digest.gate_text(report, redactor)


def _statistics_lines(report: Report, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """The findings by rule: what fails the gate, then the others."""
    all_rows = rule_counts(report, findings)
    texts = rule_count_texts(all_rows, width)
    for heading, is_failing in (("fail the gate:", True), ("others:", False)):
        lines = ["".join(parts) for row, parts in zip(all_rows, texts, strict=True) if bool(row.failing_count) is is_failing]
        if lines:
            yield from [heading, *(escape_controls(f"  {line}") for line in lines), ""]


def _group_lines(finding_group: FindingGroup, redactor: Redactor, options: ReportOptions) -> list[str]:
    """One rule's findings in one file: the first with its line, its reason and its fix, a line for each other."""
    group_lines = [digest.finding_headline(finding_group.first, redactor)]
    if not finding_group.is_brief:
        if finding_group.shows_frame:
            group_lines += _code_frame_lines(finding_group.first, redactor, options.width or DEFAULT_FRAME_WIDTH)
        is_fix_whole = options.verbose or finding_group.is_reason_new
        why_text, fix_text = (" ".join(text.split()) for text in (finding_group.first.why, finding_group.first.fix))
        if finding_group.is_reason_new:
            group_lines.append(f"  why: {escape_controls(why_text if options.verbose else digest.first_sentence(why_text))}")
        group_lines.append(f"  fix: {escape_controls(fix_text if is_fix_whole else digest.first_sentence(fix_text))}")
    group_lines += related_lines(finding_group.first, redactor)
    for other_finding in finding_group.others:
        group_lines.append(digest.finding_headline(other_finding, redactor))
        if options.verbose:
            group_lines += _code_frame_lines(other_finding, redactor, options.width or DEFAULT_FRAME_WIDTH)
            group_lines += related_lines(other_finding, redactor)
    return group_lines


def _block_lines(block: EditBlock, redactor: Redactor, options: ReportOptions) -> list[str]:
    """The findings that one edit mends: a heading, a line for each of them, and once what to write."""
    block_lines = [escape_controls(f"one edit: {heading_text(block, redactor)}")]
    block_lines += (digest.finding_headline(one, redactor) for one in block.members)
    if not block.is_brief:
        if block.shows_frame:
            block_lines += _code_frame_lines(block.first, redactor, options.width or DEFAULT_FRAME_WIDTH)
        finding_by_rule = {one.rule: one for one in reversed(block.members)}
        told_text = (lambda text: " ".join(text.split())) if options.verbose else digest.first_sentence
        rules_with_new_reasons = [rule for rule in block.rule_ids if rule in block.new_reasons]
        block_lines += [f"  why {rule}: {escape_controls(told_text(finding_by_rule[rule].why))}" for rule in rules_with_new_reasons]
        if block.text.lines and block.is_text_new:
            block_lines += ["  write:", *(escape_controls(f"    {line}") for line in block.text.lines)]
        unsaid_rule_ids = [rule for rule in rules_with_new_reasons if rule in block.text.unsaid_rule_ids]
        block_lines += [f"  fix {rule}: {escape_controls(' '.join(finding_by_rule[rule].fix.split()))}" for rule in unsaid_rule_ids]
    for finding in block.members:
        block_lines += related_lines(finding, redactor)
    for finding in itertools.chain.from_iterable(block.further):
        block_lines.append(digest.finding_headline(finding, redactor))
        if options.verbose:
            block_lines += _code_frame_lines(finding, redactor, options.width or DEFAULT_FRAME_WIDTH)
            block_lines += related_lines(finding, redactor)
    return block_lines


def fix_first_lines(
    report: Report, fix_rows: Sequence[FixRow], redactor: Redactor, max_width: int, *, shows_ids: bool = True, shows_fix: bool = True
) -> list[str]:
    """What to fix first: a line for each row, the ids of its rules where it has several, and what to write."""
    if not fix_rows:
        return []
    lines = ["fix first:"]
    for row in fix_rows:
        row_start = " ".join(filter(None, (gain_text(report, row, digits=2), str(row.severity), row.name)))
        lines.append(text_with_counts(f"  {row_start}: ", row, max_width))
        lines += [f"    {line}" for line in detail_lines(row, redactor, max_width - 4, shows_ids=shows_ids, shows_fix=shows_fix)]
    return lines


def _code_frame_lines(finding: Finding, redactor: Redactor, max_width: int) -> list[str]:
    shown_frame = code_frame(finding, redactor, max_width - 10)
    if shown_frame is None:
        return []
    return [f"{shown_frame.number:>6} | {shown_frame.text}".rstrip(), f"       | {shown_frame.caret_line}"]


def related_lines(finding: Finding, redactor: Redactor) -> list[str]:
    """A line for each other place that a finding is about."""
    return [
        escape_controls(f"  see {other.source.root.path}:{other.source.position_of(other.span.start).line}: {redactor.mask_text(other.message)}")
        for other in finding.related
    ]


def verbose_detail_lines(report: Report, redactor: Redactor) -> list[str]:
    """What -v adds: suppressed findings with their reasons, every file, and where the time went."""
    detail_lines = []
    for finding in report.suppressed:
        suppression = finding.suppression
        if suppression:
            expiry_text = f", until {suppression.until}" if suppression.until else ""
            suppressor_and_reason = escape_controls(f"{suppression.suppressed_by}: {redactor.mask_text(suppression.reason)}")
            detail_lines.append(f"{digest.finding_headline(finding, redactor)} (suppressed by {suppressor_and_reason}{expiry_text})")
    for file_coverage in report.files:
        file_state_texts = [
            digest.TITLE_BY_FILE_KIND.get(file_coverage.kind, file_coverage.kind or "unknown"),
            file_coverage.status,
        ]
        file_state_texts += [redactor.mask_text(file_coverage.reason)] if file_coverage.reason else []
        detail_lines.append(
            escape_controls(f"file {file_coverage.path}: {', '.join(file_state_texts)}, {digest.count_with_noun(file_coverage.subjects, 'subject')}")
        )
    for stage_name, seconds in sorted((report.timing or {}).items()):
        detail_lines.append(f"time {stage_name}: {seconds:.3f} s")
    return [*detail_lines, ""] if detail_lines else []


def category_lines(report: Report) -> list[str]:
    """What is left of each category, and what else makes the score."""
    lines = []
    if report.score is not None:
        lines.append("categories:")
        for category in report.categories:
            kept_points_text = (
                f"{category.cap - category.capped_loss:6.2f} of {category.cap:2}" if category.assessed or category.capped_loss else "  not assessed"
            )
            lines.append(f"  {category.title:<14}{kept_points_text}")
    notes = (digest.ceiling_text(report), digest.suppressed_text(report), digest.foreign_suppressions_text(report))
    return [*lines, *(f"  {note}" for note in notes if note)]


def file_lines(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """Which files there are, which were not read, and what they were taken for."""
    lines = [f"files: {digest.file_counts_by_kind_text(report)}"]
    lines += [f"not read: {line}" for line in digest.unread_file_lines(report, redactor, verbose=verbose)]
    lines += [f"purpose: {line}" for line in digest.purpose_lines(report, redactor, verbose=verbose)]
    lines += [f"production: {line}" for line in digest.production_variant_lines(report, redactor, verbose=verbose)]
    lines += [f"lowered: {one}" for one in (digest.undeployed_text(report, redactor),) if one]
    lines += [f"context: {digest.context_text(report)}"] if report.context.files else []
    lines += [f"checklist {line}" for line in digest.checklist_lines(report)]
    return lines


def _last_screen_lines(report: Report, fix_rows: Sequence[FixRow], redactor: Redactor, options: ReportOptions, hidden_text: str) -> list[str]:
    """What a screen of 24 lines holds at the end: the score, what is gained most by, what to type next, counts, and the gate's line."""
    width = options.width or FIX_FIRST_WIDTH
    score_line = f"{digest.score_text(report)}, {digest.verdict_text(report)}"
    gate_line = digest.gate_text(report, redactor, width=width)
    shown_rows = fix_rows[:MAX_ROWS_OF_SHORT_TABLE]
    count_lines = [f"findings: {digest.severity_counts_text(report.open)}"]
    count_lines += [f"hidden: {hidden_text}"] if hidden_text else []
    count_lines.append(f"coverage: {digest.coverage_text(report)}")
    line_count = sum(len(list(wrapped_spans(line, width))) for line in [score_line, *count_lines, gate_line]) + len(["fix first:"])
    step_lines = [
        f"{label}: {text}" for label, text in steps_with_room(next_step_texts(report, fix_rows, options), line_count + len(shown_rows), width - 7)
    ]
    shows_ids = has_room_for_ids(shown_rows, step_lines, width, other_lines=line_count)
    fix_lines = fix_first_lines(report, shown_rows, redactor, width, shows_ids=shows_ids, shows_fix=False)
    return [score_line, *fix_lines, *step_lines, *count_lines, gate_line]
