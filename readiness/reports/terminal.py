"""The report for a person at a terminal: rich draws, and all text goes in as plain Text, never as markup."""

from __future__ import annotations

import shutil
from typing import TextIO

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from readiness.model import Finding, Severity
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest, explain
from readiness.reports.block_parts import MAX_FURTHER_PLACES, BlockPart, block_parts, heading_text
from readiness.reports.fix_table import MAX_ROWS_OF_SHORT_TABLE, detail_lines, fix_row_texts, gain_text, has_room_for_ids, rows_on_first_screen
from readiness.reports.frame import code_frame, display_width, escape_controls
from readiness.reports.grouping import EditBlock, FindingGroup, groups_by_file
from readiness.reports.service_table import service_table_lines
from readiness.verdict.fix_first import FixRow, fix_first_rows
from readiness.verdict.report import Report
from readiness.verdict.score import Category

# Only the terminal's own sixteen colours, and neither black nor white: both dark and light themes stay readable.
STYLE_BY_SEVERITY = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
STYLE_BY_GRADE = {"A": "green", "B": "green", "C": "yellow", "D": "yellow", "F": "red"}
MESSAGE_INDENT_COLUMNS = 11  # where messages begin, right of the severity
MAX_PROSE_WIDTH = 110  # a line of prose that is longer is hard to read, however wide the window
MAX_SCORE_PANEL_WIDTH = 100
CATEGORY_BAR_WIDTH = 24
UNLIMITED_COLUMNS = 10_000
MAX_SERVICE_TABLE_WIDTH = 160


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: findings by file, the score in a panel, and the gate's line last."""
    terminal_width = options.width or shutil.get_terminal_size((100, 24)).columns
    console = Console(
        file=output,
        width=max(terminal_width, 40),
        force_terminal=True,
        color_system="standard",
        no_color=False,  # whoever asks for colours gets them: NO_COLOR is heard where nobody asks
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    redactor = Redactor(report.hidden)
    if report.confinement_notice:
        console.print(Text(report.confinement_notice, "bold"))
    if options.quiet:
        for finding in filter(report.gate.is_failed_by, report.findings):
            console.print(_severity_and_message_row(finding, redactor, _location_and_rule_text(finding, UNLIMITED_COLUMNS)))
        console.print(_styled_gate_text(report, redactor, console.width))
        return
    fix_rows = fix_first_rows(report)
    if len(fix_rows) > 1:
        table_width = min(console.width, MAX_SCORE_PANEL_WIDTH)
        console.print(Group(Text("Fix first", "bold"), *_fix_first_paragraphs(report, rows_on_first_screen(fix_rows), redactor, table_width)))
        console.print()
    kind_by_path = {summary_row.path: summary_row.kind for summary_row in report.files}
    for path, finding_groups in groups_by_file(report, verbose=options.verbose):
        unit_paths_text = redactor.mask_text(digest.unit_paths_text(report, path, finding_groups))
        console.print(_file_heading(path, kind_by_path.get(path, ""), finding_groups, unit_paths_text))
        console.print(Text("─" * min(console.width, MAX_PROSE_WIDTH), "dim"))
        for finding_group in finding_groups:
            if isinstance(finding_group, EditBlock):
                console.print(Group(*_edit_block_renderables(finding_group, redactor, options, console.width)))
            else:
                console.print(Group(*_finding_group_renderables(finding_group, redactor, options, console.width)))
            if not finding_group.is_brief or finding_group is finding_groups[-1]:
                console.print()
    if options.verbose:
        _print_verbose_details(console, report, redactor)
    if options.explain:
        for line in explain.score_lines(report):
            console.print(Text(f"  {line}"))
        console.print()
    _print_background(console, report, redactor, options)
    _print_last_screen(console, report, fix_rows, redactor)


def _file_heading(path: str, file_kind: str, finding_groups: list[FindingGroup | EditBlock], unit_paths_text: str) -> Text:
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
    return Text.assemble((escape_controls(path), "bold"), "  ", (" · ".join(heading_details), "dim"))


def _finding_group_renderables(finding_group: FindingGroup, redactor: Redactor, options: ReportOptions, terminal_width: int) -> list[RenderableType]:
    """One rule's findings in one file."""
    first_finding = finding_group.first
    brief_location = _location_and_rule_text(first_finding, 0) if finding_group.is_brief else None  # the file's name stands above
    renderables: list[RenderableType] = [_severity_and_message_row(first_finding, redactor, brief_location)]
    if not finding_group.is_brief:
        renderables.append(_location_with_score_gain(first_finding, finding_group.score_gain, terminal_width))
        if finding_group.shows_frame:
            renderables += _code_frame_lines(first_finding, redactor, terminal_width)
        labelled_texts = []
        if finding_group.is_reason_new:
            labelled_texts.append(("why", first_finding.why if options.verbose else digest.first_sentence(first_finding.why)))
        labelled_texts.append(("fix", first_finding.fix if options.verbose else digest.first_sentence(first_finding.fix)))
        renderables += [_labelled_paragraph(label, text, terminal_width) for label, text in labelled_texts]
    renderables += _related_place_paragraphs(first_finding, redactor, terminal_width)
    renderables += _further_finding_paragraphs(finding_group, redactor, options, terminal_width)
    return renderables


def _edit_block_renderables(block: EditBlock, redactor: Redactor, options: ReportOptions, terminal_width: int) -> list[RenderableType]:
    """The findings that one edit mends: a heading, the rules below it, and once what to write."""
    renderables: list[RenderableType] = [_severity_and_text_row(block.first.severity, heading_text(block, redactor))]
    if not block.is_brief:
        renderables.append(_location_with_score_gain(block.first, block.score_gain, terminal_width, is_rule_shown=False))
        if block.shows_frame:
            renderables += _code_frame_lines(block.first, redactor, terminal_width)
    for part in block_parts(block, redactor, verbose=options.verbose):
        if part.label:
            is_indented = not part.label.strip()  # the lines of what to write below its first
            renderables.append(_labelled_paragraph(part.label, part.text, terminal_width, keeps_blanks=is_indented))
        else:
            renderables.append(_rule_paragraph(part, terminal_width))
    return renderables


def _rule_paragraph(part: BlockPart, terminal_width: int) -> RenderableType:
    """A rule of a block with what it says here, or why; or the ids of rules that the reader knows."""
    if part.finding is None:
        paragraph = Text(part.text, "dim italic")
    else:
        severity_text = (f"{part.finding.severity} ", STYLE_BY_SEVERITY[part.finding.severity])
        paragraph = Text.assemble(severity_text, (part.finding.rule, "italic"), "  ", escape_controls(" ".join(part.text.split())))
    return Padding(paragraph, (0, max(terminal_width - MAX_PROSE_WIDTH, 0), 0, MESSAGE_INDENT_COLUMNS))


def _severity_and_message_row(finding: Finding, redactor: Redactor, location_text: Text | None = None) -> RenderableType:
    """Severity and message, and where it is."""
    return _severity_and_text_row(finding.severity, redactor.mask_text(finding.message), location_text)


def _severity_and_text_row(severity: Severity, text: str, location_text: Text | None = None) -> RenderableType:
    """Severity and a text; the text hangs under itself where it is long."""
    message_row = Table.grid(padding=0)
    message_row.add_column(width=MESSAGE_INDENT_COLUMNS, no_wrap=True)
    message_row.add_column(overflow="fold")
    message_text = Text(escape_controls(text))
    message_text.stylize("bold" if severity >= Severity.HIGH else "")
    severity_text = Text(f"  {severity}", STYLE_BY_SEVERITY[severity])
    message_row.add_row(severity_text, Text.assemble(message_text, "  ", location_text) if location_text else message_text)
    return message_row


def _location_and_rule_text(finding: Finding, max_width: int) -> Text:
    """The rule, and where it is: as terminals make a link of it where that fits, else line and column."""
    start_position = finding.start
    location = digest.finding_location(finding)
    if display_width(location) + len(finding.rule) + 2 > max_width:
        location = f"{start_position.line}:{start_position.column}"
    return Text.assemble((location, "dim"), "  ", (finding.rule, "dim italic"))


def _location_with_score_gain(finding: Finding, score_gain: float, terminal_width: int, *, is_rule_shown: bool = True) -> RenderableType:
    """Where a finding is, its rule unless several stand below, and what is gained."""
    score_gain_text = f"  +{score_gain:.1f}" if score_gain >= 0.05 else ""
    max_width = terminal_width - MESSAGE_INDENT_COLUMNS - len(score_gain_text)
    if is_rule_shown:
        location_text = _location_and_rule_text(finding, max_width)
    else:
        location = digest.finding_location(finding)
        location_text = Text.assemble((location if display_width(location) <= max_width else f"{finding.line}:{finding.start.column}", "dim"))
    location_text.append(score_gain_text, "green")
    return Padding(location_text, (0, 0, 0, MESSAGE_INDENT_COLUMNS))


def _code_frame_lines(finding: Finding, redactor: Redactor, terminal_width: int) -> list[RenderableType]:
    """The line with the place marked under it."""
    shown_frame = code_frame(finding, redactor, max(min(terminal_width, 2 * MAX_PROSE_WIDTH) - MESSAGE_INDENT_COLUMNS - 3, 20))
    if shown_frame is None:
        return []
    gutter = f"{shown_frame.number:>{MESSAGE_INDENT_COLUMNS - 1}} "
    return [
        Text.assemble((f"{gutter}│ ", "dim"), shown_frame.text),
        Text.assemble(
            (f"{' ' * len(gutter)}│ ", "dim"),
            " " * shown_frame.caret_start,
            ("━" * shown_frame.caret_width, STYLE_BY_SEVERITY[finding.severity]),
        ),
    ]


def _labelled_paragraph(label: str, paragraph_text: str, terminal_width: int, *, keeps_blanks: bool = False) -> RenderableType:
    label_and_text_row = Table.grid(padding=0)
    label_and_text_row.add_column(width=5, no_wrap=True)
    label_and_text_row.add_column(overflow="fold", max_width=max(min(terminal_width, MAX_PROSE_WIDTH) - MESSAGE_INDENT_COLUMNS - 5, 20))
    label_and_text_row.add_row(Text(label, "dim"), Text(escape_controls(paragraph_text if keeps_blanks else " ".join(paragraph_text.split()))))
    return Padding(label_and_text_row, (0, 0, 0, MESSAGE_INDENT_COLUMNS), expand=False)


def _related_place_paragraphs(finding: Finding, redactor: Redactor, terminal_width: int) -> list[RenderableType]:
    return [
        _labelled_paragraph(
            "see",
            f"{other.source.root.path}:{other.source.position_of(other.span.start).line} {redactor.mask_text(other.message)}",
            terminal_width,
        )
        for other in finding.related
    ]


def _further_finding_paragraphs(finding_group: FindingGroup, redactor: Redactor, options: ReportOptions, terminal_width: int) -> list[RenderableType]:
    """The further places of a rule in a file: a line each while they are few, else their numbers."""
    if not finding_group.others:
        return []
    should_show_all = options.verbose or len(finding_group.others) <= MAX_FURTHER_PLACES
    visible_findings = finding_group.others if should_show_all else finding_group.others[: MAX_FURTHER_PLACES - 2]
    paragraphs = [
        _labelled_paragraph("also", f"{finding.line}: {redactor.mask_text(finding.message)}", terminal_width) for finding in visible_findings
    ]
    remaining_findings = finding_group.others[len(visible_findings) :]
    if remaining_findings:
        paragraphs.append(_labelled_paragraph("also", digest.further_lines_text([one.line for one in remaining_findings]), terminal_width))
    return paragraphs


def _print_verbose_details(console: Console, report: Report, redactor: Redactor) -> None:
    """What -v adds: suppressed findings with their reasons, every file, and where the time went."""
    for finding in report.suppressed:
        suppression = finding.suppression
        console.print(_severity_and_message_row(finding, redactor, _location_and_rule_text(finding, UNLIMITED_COLUMNS)))
        if suppression:
            expiry_text = f", until {suppression.until}" if suppression.until else ""
            suppression_text = f"suppressed by {suppression.suppressed_by}: {redactor.mask_text(suppression.reason)}{expiry_text}"
            console.print(Padding(Text(escape_controls(suppression_text), "dim"), (0, 0, 0, MESSAGE_INDENT_COLUMNS)))
    for file_coverage in report.files:
        file_state_texts = [
            digest.TITLE_BY_FILE_KIND.get(file_coverage.kind, file_coverage.kind or "unknown"),
            file_coverage.status,
        ]
        file_state_texts += [redactor.mask_text(file_coverage.reason)] if file_coverage.reason else []
        file_state_texts.append(digest.count_with_noun(file_coverage.subjects, "subject"))
        console.print(Text.assemble(f"  {escape_controls(file_coverage.path)}  ", (escape_controls(", ".join(file_state_texts)), "dim")))
    for stage_name, seconds in sorted((report.timing or {}).items()):
        console.print(Text(f"  {stage_name} {seconds:.3f} s", "dim"))
    console.print()


def _print_background(console: Console, report: Report, redactor: Redactor, options: ReportOptions) -> None:
    """What the score comes of: the categories, the services, and the files. The last screen has no need of it."""
    if report.score is not None:
        console.print(Padding(_category_bar_table(report.categories), (0, 0, 0, 2)))
    score_notes = (digest.ceiling_text(report), digest.suppressed_text(report), digest.foreign_suppressions_text(report))
    for note in filter(None, score_notes):
        console.print(Padding(Text(note, "dim"), (0, 0, 0, 2)))
    table_width = min(console.width, MAX_SERVICE_TABLE_WIDTH)
    service_lines = service_table_lines(report, redactor, width=table_width, verbose=options.verbose)
    for line_index, line in enumerate(service_lines):
        console.print(Text(line, "" if line_index > 1 else "dim", no_wrap=True))
    console.print(_labelled_table(_labels_and_texts_of_files(report, redactor, options)))


def _print_last_screen(console: Console, report: Report, fix_rows: list[FixRow], redactor: Redactor) -> None:
    """What a screen of 24 lines holds at the end: the score and what is gained most by, in a panel, two lines of counts, and the gate's line."""
    panel_width = min(console.width, MAX_SCORE_PANEL_WIDTH)
    verdict_phrase, _, reasons = digest.verdict_text(report).partition(": ")
    panel_parts: list[RenderableType] = [_score_line(report, verdict_phrase)]
    if reasons:
        panel_parts.append(Text(reasons))
    gate_text = _styled_gate_text(report, redactor, console.width)
    shown_rows = fix_rows[:MAX_ROWS_OF_SHORT_TABLE]
    if shown_rows:
        # Beside these: the panel's two edges, the score, an empty line, a heading, and two lines of counts.
        shows_ids = has_room_for_ids(shown_rows, [reasons, gate_text.plain], panel_width - 6, other_lines=7)
        paragraphs = _fix_first_paragraphs(report, shown_rows, redactor, panel_width - 6, shows_ids=shows_ids, shows_fix=False)
        panel_parts += [Text(), Text("Fix first", "bold"), *paragraphs]
    console.print(Panel(Group(*panel_parts), box=ROUNDED, width=panel_width, padding=(0, 2), border_style="dim"))
    console.print(_labelled_table([("findings", digest.severity_counts_text(report.open)), ("coverage", digest.coverage_text(report))]))
    console.print(gate_text)


def _score_line(report: Report, verdict_phrase: str) -> Text:
    """The score, its grade and its algorithms, and the verdict."""
    score_line = Text()
    if report.score is None:
        score_line.append("no score", "bold")
    else:
        grade_style = STYLE_BY_GRADE[report.grade or "F"]
        score_line.append(f"{report.score}", f"bold {grade_style}")
        score_line.append(" of 100   ")
        score_line.append(f"{report.grade}", f"bold {grade_style}")
        score_line.append(f"   {digest.algorithms_text(report)}", "dim")
    score_line.append("   ")
    score_line.append(verdict_phrase, {"ready": "bold green", "not-ready": "bold red"}.get(report.verdict, "bold"))
    return score_line


def _category_bar_table(categories: tuple[Category, ...]) -> RenderableType:
    """A table with a bar for each category: how much of its points is left."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for category in categories:
        remaining_share = 1 - category.capped_loss / category.cap
        if not category.assessed and not category.capped_loss:
            table.add_row(
                Text(category.title, "dim"),
                Text("·" * CATEGORY_BAR_WIDTH, "dim"),
                Text("not assessed", "dim"),
            )
            continue
        bar_color = "green" if remaining_share >= 0.8 else "yellow" if remaining_share >= 0.5 else "red"
        filled_width = min(
            int(remaining_share * CATEGORY_BAR_WIDTH + 0.5),
            CATEGORY_BAR_WIDTH - 1 if category.capped_loss > 0.005 else CATEGORY_BAR_WIDTH,
        )
        bar = Text.assemble(("━" * filled_width, bar_color), ("─" * (CATEGORY_BAR_WIDTH - filled_width), "dim"))
        table.add_row(
            Text(category.title),
            bar,
            Text(f"{category.cap - category.capped_loss:.1f} of {category.cap:>2}"),
        )
    return table


def _fix_first_paragraphs(
    report: Report, fix_rows: list[FixRow], redactor: Redactor, max_width: int, *, shows_ids: bool = True, shows_fix: bool = True
) -> list[Text]:
    """What to fix first: a line for each row, the ids of its rules where it has several, and what to write."""
    paragraphs = []
    for row in fix_rows:
        row_gain_text, severity_text = f"{gain_text(report, row, digits=1):>6}", f"  {row.severity!s:<9}"
        name_and_counts = digest.shortened_text(f"{row.name}  {fix_row_texts(row)[0]}", max_width - len(row_gain_text) - len(severity_text))
        row_text = Text.assemble((row_gain_text, "green"), (severity_text, STYLE_BY_SEVERITY[row.severity]), name_and_counts)
        row_text.stylize("dim", len(row_gain_text) + len(severity_text) + len(row.name))
        indent = " " * (len(row_gain_text) + 2)
        below = detail_lines(row, redactor, max_width - len(indent), shows_ids=shows_ids, shows_fix=shows_fix)
        paragraphs += [row_text, *(Text(indent + line, "dim") for line in below)]
    return paragraphs


def _labels_and_texts_of_files(report: Report, redactor: Redactor, options: ReportOptions) -> list[tuple[str, str]]:
    """Which files there are, which were not read, and what they were taken for."""
    labels_and_texts = [("files", digest.file_counts_by_kind_text(report))]
    labels_and_texts += [("not read", line) for line in digest.unread_file_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("purpose", line) for line in digest.purpose_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("production", line) for line in digest.production_variant_lines(report, redactor, verbose=options.verbose)]
    labels_and_texts += [("lowered", one) for one in (digest.undeployed_text(report, redactor),) if one]
    labels_and_texts += [("context", digest.context_text(report))] if report.context.files else []
    return labels_and_texts + [("checklist", line) for line in digest.checklist_lines(report)]


def _labelled_table(labels_and_texts: list[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=0)
    table.add_column(width=MESSAGE_INDENT_COLUMNS, no_wrap=True)
    table.add_column(overflow="fold")
    for label, label_text in labels_and_texts:
        table.add_row(Text(label, "dim"), Text(label_text))
    return table


def _styled_gate_text(report: Report, redactor: Redactor, width: int) -> Text:
    """The last line: whether the gate passed, and why."""
    return Text(digest.gate_text(report, redactor, width=width), "bold green" if report.gate.passed else "bold red")
