"""The report for a person at a terminal: colours, a box and lines of its width. Text goes in escaped; the rest is in `ansi`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TextIO

from readiness.model import Finding, Severity
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest, explain
from readiness.reports.ansi import Piece, boxed_lines, painted, painted_line, painted_lines_with_widths, painted_paragraph
from readiness.reports.block_parts import MAX_FURTHER_PLACES, BlockPart, block_parts, heading_text
from readiness.reports.fix_table import MAX_ROWS_OF_SHORT_TABLE, detail_lines, gain_text, has_room_for_ids, rows_on_first_screen, text_with_counts
from readiness.reports.frame import code_frame, display_width, escape_controls, escape_workflow_commands
from readiness.reports.grouping import EditBlock, FindingGroup, groups_by_file
from readiness.reports.links import rule_link, should_link_output
from readiness.reports.next_steps import next_step_texts, steps_with_room
from readiness.reports.service_table import service_table_lines
from readiness.reports.statistics import rule_count_texts, rule_counts
from readiness.reports.view import shown_findings
from readiness.verdict.fix_first import FixRow, fix_first_rows
from readiness.verdict.report import Report
from readiness.verdict.score import Category

STYLE_BY_SEVERITY = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
STYLE_BY_GRADE = {"A": "green", "B": "green", "C": "yellow", "D": "yellow", "F": "red"}
MESSAGE_INDENT_COLUMNS = 11  # where messages begin, right of the severity
SEVERITY_COLUMNS = 9  # of that, without its margin
LABEL_COLUMNS = 5  # of `why`, `fix`, `also` and `see`
MAX_PROSE_WIDTH = 110  # a line of prose that is longer is hard to read, however wide the window
MAX_SCORE_PANEL_WIDTH = 100
CATEGORY_BAR_WIDTH = 24
UNLIMITED_COLUMNS = 10_000
MAX_SERVICE_TABLE_WIDTH = 160


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: findings by file, the score in a panel, and the gate's line last."""
    width = max(options.width or shutil.get_terminal_size((100, 24)).columns, 40)
    if options.hyperlinks is None:
        options = replace(options, hyperlinks=should_link_output(output))
    for line in _report_lines(report, Redactor(report.hidden), options, width):
        output.write(f"{escape_workflow_commands(line)}\n")  # a wrapped line may begin with any word of a text


def _report_lines(report: Report, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    if report.confinement_notice:
        yield from painted_paragraph([(report.confinement_notice, "bold")], width)
    if options.quiet:
        yield from _quiet_lines(report, redactor, options, width)
        return
    fix_rows = fix_first_rows(report)
    shown = shown_findings(report.open, options.view)
    if options.view.statistics:
        yield from _statistics_lines(report, shown.findings, width)
    elif len(fix_rows) > 1:
        yield _fix_first_heading(report, width)[0]
        for line, _ in _fix_first_lines(report, rows_on_first_screen(fix_rows), redactor, min(width, MAX_SCORE_PANEL_WIDTH)):
            yield line
        yield ""
    if not options.view.statistics:
        yield from _finding_lines(report, shown.findings, redactor, options, width)
    if options.verbose:
        yield from _verbose_detail_lines(report, redactor, options, width)
    if options.explain:
        for line in explain.score_lines(report):
            yield from painted_paragraph([(f"  {line}", "")], width)
        yield ""
    yield from _background_lines(report, redactor, options, width)
    yield from _last_screen_lines(report, fix_rows, redactor, options, width, shown.hidden_text)


def _quiet_lines(report: Report, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """What fails the gate, how each rule of it is fixed once, and the gate."""
    shown = shown_findings(filter(report.gate.is_failed_by, report.findings), options.view)
    told_fixes = set()
    for finding in shown.findings:
        yield from _message_lines(finding, redactor, width, _location_and_rule_pieces(finding, UNLIMITED_COLUMNS, options))
        if (finding.rule, finding.fix) not in told_fixes:
            told_fixes.add((finding.rule, finding.fix))
            yield from _labelled_lines("fix", finding.fix, width)
    if shown.hidden_text:
        yield from _labelled_table_lines([("hidden", shown.hidden_text)], width)
    yield from _gate_lines(report, redactor, width)


def _statistics_lines(report: Report, findings: Sequence[Finding], width: int) -> Iterator[str]:
    """The findings by rule: what fails the gate, then the others."""
    all_rows = rule_counts(report, findings)
    texts = rule_count_texts(all_rows, min(width, MAX_PROSE_WIDTH))
    for heading, is_failing in (("Fail the gate", True), ("Others", False)):
        lines = [
            painted_line((count_text, "bold"), (severity_text, STYLE_BY_SEVERITY[row.severity]), (rule_text, ""))
            for row, (count_text, severity_text, rule_text) in zip(all_rows, texts, strict=True)
            if bool(row.failing_count) is is_failing
        ]
        if lines:
            yield from [painted(heading, "bold"), *lines, ""]


def _finding_lines(report: Report, findings: Sequence[Finding], redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """The findings, file by file."""
    kind_by_path = {summary_row.path: summary_row.kind for summary_row in report.files}
    for path, finding_groups in groups_by_file(report, verbose=options.verbose, findings=findings):
        unit_paths_text = redactor.mask_text(digest.unit_paths_text(report, path, finding_groups))
        yield from painted_paragraph(_file_heading(path, kind_by_path.get(path, ""), finding_groups, unit_paths_text), width)
        yield painted("─" * min(width, MAX_PROSE_WIDTH), "dim")
        for finding_group in finding_groups:
            if isinstance(finding_group, EditBlock):
                yield from _edit_block_lines(finding_group, redactor, options, width)
            else:
                yield from _finding_group_lines(finding_group, redactor, options, width)
            if not finding_group.is_brief or finding_group is finding_groups[-1]:
                yield ""


def _file_heading(path: str, file_kind: str, finding_groups: list[FindingGroup | EditBlock], unit_paths_text: str) -> list[Piece]:
    """A file's name, its kind, how much was found in it, and what it is applied with."""
    finding_count = sum(len(group.findings) for group in finding_groups)
    heading_details = filter(
        None,
        [
            digest.TITLE_BY_FILE_KIND.get(file_kind, file_kind),
            digest.count_with_noun(finding_count, "finding"),
            unit_paths_text and f"in {escape_controls(unit_paths_text)}",
        ],
    )
    return [(escape_controls(path), "bold"), ("  ", ""), (" · ".join(heading_details), "dim")]


def _finding_group_lines(finding_group: FindingGroup, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """One rule's findings in one file."""
    first_finding = finding_group.first
    brief_location = _location_and_rule_pieces(first_finding, 0, options) if finding_group.is_brief else ()  # the file's name stands above
    yield from _message_lines(first_finding, redactor, width, brief_location)
    if not finding_group.is_brief:
        yield from _location_with_score_gain(first_finding, finding_group.score_gain, width, options)
        if finding_group.shows_frame:
            yield from _code_frame_lines(first_finding, redactor, width)
        if finding_group.is_reason_new:  # the consequence stands first in every reason, and what a fix needs may stand last
            yield from _labelled_lines("why", first_finding.why if options.verbose else digest.first_sentence(first_finding.why), width)
        is_fix_whole = options.verbose or finding_group.is_reason_new
        yield from _labelled_lines("fix", first_finding.fix if is_fix_whole else digest.first_sentence(first_finding.fix), width)
    for other in first_finding.related:
        place_text = f"{other.source.root.path}:{other.source.position_of(other.span.start).line}"
        yield from _labelled_lines("see", f"{place_text} {redactor.mask_text(other.message)}", width)
    yield from _further_finding_lines(finding_group, redactor, options, width)


def _edit_block_lines(block: EditBlock, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """The findings that one edit mends: a heading, the rules below it, and once what to write."""
    yield from _severity_and_text_lines(block.first.severity, heading_text(block, redactor), width)
    if not block.is_brief:
        yield from _location_with_score_gain(block.first, block.score_gain, width, options, is_rule_shown=False)
        if block.shows_frame:
            yield from _code_frame_lines(block.first, redactor, width)
    for part in block_parts(block, redactor, verbose=options.verbose):
        if part.label:
            is_indented = not part.label.strip()  # the lines of what to write below its first
            yield from _labelled_lines(part.label, part.text, width, keeps_blanks=is_indented)
        else:
            yield from _rule_lines(part, width, options)


def _rule_lines(part: BlockPart, width: int, options: ReportOptions) -> list[str]:
    """A rule of a block with what it says here, or why; or the ids of rules that the reader knows."""
    prefix, indent = " " * MESSAGE_INDENT_COLUMNS, MESSAGE_INDENT_COLUMNS
    pieces: list[Piece] = [(part.text, "dim italic")]
    if part.finding is not None:
        severity_text = f"{part.finding.severity!s:<{SEVERITY_COLUMNS}}"
        rule_text = escape_controls(" ".join(part.text.split()))
        prefix, indent = prefix + painted(severity_text, STYLE_BY_SEVERITY[part.finding.severity]), indent + SEVERITY_COLUMNS
        pieces = [(part.finding.rule, "italic", rule_link(part.finding.rule, hyperlinks=options.hyperlinks)), (f"  {rule_text}", "")]
    return painted_paragraph(pieces, max(min(width, MAX_PROSE_WIDTH), indent + 20), prefix=prefix, indent=indent)


def _message_lines(finding: Finding, redactor: Redactor, width: int, location: Sequence[Piece] = ()) -> list[str]:
    """Severity and message, and where it is."""
    return _severity_and_text_lines(finding.severity, redactor.mask_text(finding.message), width, location)


def _severity_and_text_lines(severity: Severity, text: str, width: int, location: Sequence[Piece] = ()) -> list[str]:
    """Severity and a text; the text hangs under itself where it is long."""
    severity_text = f"  {severity}"
    prefix = painted(severity_text, STYLE_BY_SEVERITY[severity]) + " " * (MESSAGE_INDENT_COLUMNS - len(severity_text))
    text_piece = escape_controls(text), "bold" if severity >= Severity.HIGH else ""
    if not location:
        return painted_paragraph([text_piece], min(width, MAX_PROSE_WIDTH), prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)
    pieces: list[Piece] = [text_piece, ("  ", ""), *location]
    if display_width("".join(piece[0] for piece in pieces)) <= width - MESSAGE_INDENT_COLUMNS:
        return painted_paragraph(pieces, width, prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)
    lines = painted_paragraph([text_piece], min(width, MAX_PROSE_WIDTH), prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)
    return lines + painted_paragraph(location, width, prefix=" " * MESSAGE_INDENT_COLUMNS, indent=MESSAGE_INDENT_COLUMNS)


def _location_and_rule_pieces(finding: Finding, max_width: int, options: ReportOptions) -> tuple[Piece, ...]:
    """The rule, and where it is: as terminals make a link of it where that fits, else line and column."""
    start_position = finding.start
    location = digest.finding_location(finding) if max_width else ""
    if not location or display_width(location) + len(finding.rule) + 2 > max_width:
        location = f"{start_position.line}:{start_position.column}"
    return (location, "dim"), ("  ", ""), (finding.rule, "dim italic", rule_link(finding.rule, hyperlinks=options.hyperlinks))


def _location_with_score_gain(finding: Finding, score_gain: float, width: int, options: ReportOptions, *, is_rule_shown: bool = True) -> list[str]:
    """Where a finding is, its rule unless several stand below, and what is gained."""
    score_gain_text = f"  +{score_gain:.1f}" if score_gain >= 0.05 else ""
    max_width = width - MESSAGE_INDENT_COLUMNS - len(score_gain_text)
    pieces = _location_and_rule_pieces(finding, max_width, options)
    if not is_rule_shown:
        location = digest.finding_location(finding)
        pieces = ((location if display_width(location) <= max_width else f"{finding.line}:{finding.start.column}", "dim"),)
    prefix = " " * MESSAGE_INDENT_COLUMNS
    return painted_paragraph([*pieces, (score_gain_text, "green")], width, prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)


def _code_frame_lines(finding: Finding, redactor: Redactor, width: int) -> list[str]:
    """The line with the place marked under it."""
    shown_frame = code_frame(finding, redactor, max(min(width, 2 * MAX_PROSE_WIDTH) - MESSAGE_INDENT_COLUMNS - 3, 20))
    if shown_frame is None:
        return []
    gutter = f"{shown_frame.number:>{MESSAGE_INDENT_COLUMNS - 1}} "
    caret_line = painted(f"{' ' * len(gutter)}│ ", "dim") + " " * shown_frame.caret_start
    return [
        painted(f"{gutter}│ ", "dim") + shown_frame.text,
        caret_line + painted("━" * shown_frame.caret_width, STYLE_BY_SEVERITY[finding.severity]),
    ]


@lru_cache(maxsize=1000)  # a rule's fix stands in every file that needs it
def _labelled_lines(label: str, text: str, width: int, *, keeps_blanks: bool = False) -> list[str]:
    """A paragraph behind its label, below a message."""
    shown_text = escape_controls(text if keeps_blanks else " ".join(text.split()))
    prefix = " " * MESSAGE_INDENT_COLUMNS + painted(label, "dim") + " " * (LABEL_COLUMNS - len(label))
    indent = MESSAGE_INDENT_COLUMNS + LABEL_COLUMNS
    return painted_paragraph([(shown_text, "")], max(min(width, MAX_PROSE_WIDTH), indent + 20), prefix=prefix, indent=indent)


def _further_finding_lines(finding_group: FindingGroup, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """The further places of a rule in a file: a line each while they are few, else their numbers."""
    should_show_all = options.verbose or len(finding_group.others) <= MAX_FURTHER_PLACES
    visible_findings = finding_group.others if should_show_all else finding_group.others[: MAX_FURTHER_PLACES - 2]
    for finding in visible_findings:
        yield from _labelled_lines("also", f"{finding.line}: {redactor.mask_text(finding.message)}", width)
    remaining_findings = finding_group.others[len(visible_findings) :]
    if remaining_findings:
        yield from _labelled_lines("also", digest.further_lines_text([one.line for one in remaining_findings]), width)


def _verbose_detail_lines(report: Report, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """What -v adds: suppressed findings with their reasons, every file, and where the time went."""
    for finding in report.suppressed:
        suppression = finding.suppression
        yield from _message_lines(finding, redactor, width, _location_and_rule_pieces(finding, UNLIMITED_COLUMNS, options))
        if suppression:
            expiry_text = f", until {suppression.until}" if suppression.until else ""
            suppression_text = f"suppressed by {suppression.suppressed_by}: {redactor.mask_text(suppression.reason)}{expiry_text}"
            prefix = " " * MESSAGE_INDENT_COLUMNS
            yield from painted_paragraph([(escape_controls(suppression_text), "dim")], width, prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)
    for file_coverage in report.files:
        file_state_texts = [
            digest.TITLE_BY_FILE_KIND.get(file_coverage.kind, file_coverage.kind or "unknown"),
            file_coverage.status,
        ]
        file_state_texts += [redactor.mask_text(file_coverage.reason)] if file_coverage.reason else []
        file_state_texts.append(digest.count_with_noun(file_coverage.subjects, "subject"))
        file_pieces = [(f"{escape_controls(file_coverage.path)}  ", ""), (escape_controls(", ".join(file_state_texts)), "dim")]
        yield from painted_paragraph(file_pieces, width, prefix="  ", indent=2)
    for stage_name, seconds in sorted((report.timing or {}).items()):
        yield painted(f"  {stage_name} {seconds:.3f} s", "dim")
    yield ""


def _background_lines(report: Report, redactor: Redactor, options: ReportOptions, width: int) -> Iterator[str]:
    """What the score comes of: the categories, the services, and the files. The last screen has no need of it."""
    if report.score is not None:
        yield from _category_bar_lines(report.categories, width)
    score_notes = (digest.ceiling_text(report), digest.suppressed_text(report), digest.foreign_suppressions_text(report))
    for note in filter(None, score_notes):
        yield from painted_paragraph([(note, "dim")], width, prefix="  ", indent=2)
    table_width = min(width, MAX_SERVICE_TABLE_WIDTH)
    service_lines = service_table_lines(report, redactor, width=table_width, verbose=options.verbose)
    for line_index, line in enumerate(service_lines):
        yield painted(line, "" if line_index > 1 else "dim")
    yield from _labelled_table_lines(_labels_and_texts_of_files(report, redactor, options), width)


def _last_screen_lines(
    report: Report, fix_rows: list[FixRow], redactor: Redactor, options: ReportOptions, width: int, hidden_text: str
) -> Iterator[str]:
    """What a screen of 24 lines holds at the end: score and what to fix first in a panel, what to type next, counts, and the gate's line."""
    panel_width = min(width, MAX_SCORE_PANEL_WIDTH)
    text_width = panel_width - 6
    verdict_phrase, _, reasons = digest.verdict_text(report).partition(": ")
    panel_lines = painted_lines_with_widths(_score_pieces(report, verdict_phrase), text_width)
    panel_lines += painted_lines_with_widths([(reasons, "")], text_width) if reasons else []
    labels_and_texts = [("findings", digest.severity_counts_text(report.open))] + ([("hidden", hidden_text)] if hidden_text else [])
    count_lines = list(_labelled_table_lines([*labels_and_texts, ("coverage", digest.coverage_text(report))], width))
    gate_lines = _gate_lines(report, redactor, width)
    shown_rows = fix_rows[:MAX_ROWS_OF_SHORT_TABLE]
    heading_lines = [("", 0), _fix_first_heading(report, text_width)] if shown_rows else []
    line_count = len("╭╰") + len(panel_lines) + len(heading_lines) + len(count_lines) + len(gate_lines)
    steps = steps_with_room(next_step_texts(report, fix_rows, options), line_count + len(shown_rows), width - MESSAGE_INDENT_COLUMNS)
    step_lines = list(_labelled_table_lines(steps, width))
    shows_ids = has_room_for_ids(shown_rows, [], text_width, other_lines=line_count + len(step_lines))
    panel_lines += [*heading_lines, *_fix_first_lines(report, shown_rows, redactor, text_width, shows_ids=shows_ids, shows_fix=False)]
    yield from boxed_lines([line for line, _ in panel_lines], [line_width for _, line_width in panel_lines], panel_width)
    yield from [*step_lines, *count_lines, *gate_lines]


def _score_pieces(report: Report, verdict_phrase: str) -> list[Piece]:
    """The score, its grade and its algorithms, and the verdict."""
    verdict_piece = (verdict_phrase, {"ready": "bold green", "not-ready": "bold red"}.get(report.verdict, "bold"))
    if report.score is None:
        return [("no score", "bold"), ("   ", ""), verdict_piece]
    grade_style = f"bold {STYLE_BY_GRADE[report.grade or 'F']}"
    return [
        (f"{report.score}", grade_style),
        (" of 100   ", ""),
        (f"{report.grade}", grade_style),
        (f"   {digest.algorithms_text(report)}", "dim"),
        ("   ", ""),
        verdict_piece,
    ]


def _category_bar_lines(categories: tuple[Category, ...], width: int) -> Iterator[str]:
    """A line with a bar for each category: how much of its points is left."""
    title_width = max(len(category.title) for category in categories)
    bar_width = max(min(CATEGORY_BAR_WIDTH, width - title_width - len("    ") - len("  not assessed")), 1)
    for category in categories:
        remaining_share = 1 - category.capped_loss / category.cap
        title_text = f"  {category.title:<{title_width}}  "
        if not category.assessed and not category.capped_loss:
            yield painted_line((title_text, "dim"), ("·" * bar_width, "dim"), ("  not assessed", "dim"))
            continue
        bar_color = "green" if remaining_share >= 0.8 else "yellow" if remaining_share >= 0.5 else "red"
        filled_width = min(
            int(remaining_share * bar_width + 0.5),
            bar_width - 1 if category.capped_loss > 0.005 else bar_width,
        )
        points_text = f"  {f'{category.cap - category.capped_loss:.1f} of {category.cap:>2}':>12}"
        yield painted_line((title_text, ""), ("━" * filled_width, bar_color), ("─" * (bar_width - filled_width), "dim"), (points_text, ""))


def _fix_first_heading(report: Report, max_width: int) -> tuple[str, int]:
    """The heading with its width, and what the numbers below it are where there is room to say it."""
    title, explanation = "Fix first", "  (points that it adds to the score)"
    if report.score is None or len(title + explanation) > max_width:
        explanation = ""
    return painted_line((title, "bold"), (explanation, "dim")), len(title + explanation)


def _fix_first_lines(
    report: Report, fix_rows: list[FixRow], redactor: Redactor, max_width: int, *, shows_ids: bool = True, shows_fix: bool = True
) -> Iterator[tuple[str, int]]:
    """What to fix first, each line with its width: one for each row, the ids of its rules where it has several, and what to write."""
    for row in fix_rows:
        row_gain_text, severity_text = f"{gain_text(report, row, digits=1):>6}", f"  {row.severity!s:<9}"
        name_and_counts = text_with_counts(f"{row.name}  ", row, max_width - len(row_gain_text) - len(severity_text))
        name, counts = name_and_counts[: len(row.name)], name_and_counts[len(row.name) :]
        row_line = painted_line((row_gain_text, "green"), (severity_text, STYLE_BY_SEVERITY[row.severity]), (name, ""), (counts, "dim"))
        yield row_line, len(row_gain_text) + len(severity_text) + display_width(name_and_counts)
        indent = " " * (len(row_gain_text) + 2)
        for line in detail_lines(row, redactor, max_width - len(indent), shows_ids=shows_ids, shows_fix=shows_fix):
            yield indent + painted(line, "dim"), len(indent) + display_width(line)


def _labels_and_texts_of_files(report: Report, redactor: Redactor, options: ReportOptions) -> list[tuple[str, str]]:
    """Which files there are, which were not read, and what they were taken for."""
    labels_and_texts = [("files", digest.file_counts_by_kind_text(report))]
    labels_and_texts += [("not read", line) for line in digest.unread_file_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("purpose", line) for line in digest.purpose_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("production", line) for line in digest.production_variant_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("lowered", one) for one in (digest.undeployed_text(report, redactor),) if one]
    labels_and_texts += [("context", digest.context_text(report))] if report.context.files else []
    return labels_and_texts + [("checklist", line) for line in digest.checklist_lines(report)]


def _labelled_table_lines(labels_and_texts: list[tuple[str, str]], width: int) -> Iterator[str]:
    """A text behind each label, hanging under itself."""
    for label, text in labels_and_texts:
        prefix = painted(label, "dim") + " " * (MESSAGE_INDENT_COLUMNS - len(label))
        yield from painted_paragraph([(text, "")], width, prefix=prefix, indent=MESSAGE_INDENT_COLUMNS)


def _gate_lines(report: Report, redactor: Redactor, width: int) -> list[str]:
    """The last line: whether the gate passed, and why."""
    gate_text = digest.gate_text(report, redactor, width=width)
    return painted_paragraph([(gate_text, "bold green" if report.gate.passed else "bold red")], width)
