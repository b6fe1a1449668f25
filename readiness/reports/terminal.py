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
from readiness.reports.frame import code_frame, display_width, escape_controls
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
MESSAGE_INDENT = 11  # where messages begin, right of the severity
MAX_PROSE_WIDTH = 110  # a line of prose that is longer is hard to read, however wide the window
PANEL_WIDTH = 100
BAR_WIDTH = 24
UNLIMITED_WIDTH = 10_000
MAX_FURTHER_PLACES = 8  # so many further places of a rule have a line each; of more, only the lines are told


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: findings by file, the score in a panel, and the gate's line last."""
    width = options.width or shutil.get_terminal_size((100, 24)).columns
    console = Console(
        file=output,
        width=max(width, 40),
        force_terminal=True,
        color_system="standard",
        no_color=False,  # whoever asks for colours gets them: NO_COLOR is heard where nobody asks
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    redactor = Redactor(report.hidden)
    if options.quiet:
        for finding in filter(report.gate.is_failed_by, report.findings):
            console.print(_message_line(finding, redactor, _place_text(finding, UNLIMITED_WIDTH)))
        console.print(_gate_text(report, redactor))
        return
    kinds = {row.path: row.kind for row in report.files}
    for path, groups in digest.findings_by_file(report, verbose=options.verbose):
        units = redactor.mask_text(digest.units_text(report, path, groups))
        console.print(_file_title(path, kinds.get(path, ""), groups, units))
        console.print(Text("─" * min(console.width, MAX_PROSE_WIDTH), "dim"))
        for group in groups:
            console.print(Group(*_group_text(group, redactor, options, console.width)))
            if not group.is_brief or group is groups[-1]:
                console.print()
    if options.verbose:
        _print_details(console, report, redactor)
    if options.explain:
        for line in explain.score_lines(report):
            console.print(Text(f"  {line}"))
        console.print()
    console.print(_score_panel(report, min(console.width, PANEL_WIDTH)))
    for row in _summary_text(report, redactor, options):
        console.print(row)
    console.print(_gate_text(report, redactor))


def _file_title(path: str, kind: str, groups: list[digest.FindingGroup], units: str) -> Text:
    """A file's name, its kind, how much was found in it, and what it is applied with."""
    count = sum(1 + len(group.others) for group in groups)
    known = filter(
        None,
        [
            digest.TITLE_BY_KIND.get(kind, kind),
            digest.count_with_noun(count, "finding"),
            units and f"in {escape_controls(units)}",
        ],
    )
    return Text.assemble((escape_controls(path), "bold"), "  ", (" · ".join(known), "dim"))


def _group_text(group: digest.FindingGroup, redactor: Redactor, options: ReportOptions, width: int) -> list[RenderableType]:
    """One rule's findings in one file."""
    finding = group.first
    short = _place_text(finding, 0) if group.is_brief else None  # the file's name stands above
    parts: list[RenderableType] = [_message_line(finding, redactor, short)]
    if not group.is_brief:
        parts.append(_place_with_gain(finding, width))
        if group.shows_frame:
            parts += _frame_text(finding, redactor, width)
        prose = []
        if group.is_reason_new:
            prose.append(("why", finding.why if options.verbose else digest.first_sentence(finding.why)))
        prose.append(("fix", finding.fix if options.verbose else digest.first_sentence(finding.fix)))
        parts += [_wrapped_text(label, text, width) for label, text in prose]
    parts += _related_text(finding, redactor, width)
    parts += _further_places(group, redactor, options, width)
    return parts


def _message_line(finding: Finding, redactor: Redactor, place: Text | None = None) -> RenderableType:
    """Severity and message; the message hangs under itself where it is long."""
    row = Table.grid(padding=0)
    row.add_column(width=MESSAGE_INDENT, no_wrap=True)
    row.add_column(overflow="fold")
    severity = Text(f"  {finding.severity}", STYLE_BY_SEVERITY[finding.severity])
    message = Text(escape_controls(redactor.mask_text(finding.message)))
    message.stylize("bold" if finding.severity >= Severity.HIGH else "")
    row.add_row(severity, Text.assemble(message, "  ", place) if place else message)
    return row


def _place_text(finding: Finding, max_width: int) -> Text:
    """The rule, and where it is: as terminals make a link of it where that fits, else line and column."""
    start = finding.start
    where = escape_controls(f"{finding.path}:{start.line}:{start.column}")
    if display_width(where) + len(finding.rule) + 2 > max_width:
        where = f"{start.line}:{start.column}"
    return Text.assemble((where, "dim"), "  ", (finding.rule, "dim italic"))


def _place_with_gain(finding: Finding, width: int) -> RenderableType:
    gain = f"  +{finding.score_gain:.1f}" if finding.score_gain >= 0.05 else ""
    place = _place_text(finding, width - MESSAGE_INDENT - len(gain))
    place.append(gain, "green")
    return Padding(place, (0, 0, 0, MESSAGE_INDENT))


def _frame_text(finding: Finding, redactor: Redactor, width: int) -> list[RenderableType]:
    """The line with the place marked under it."""
    frame = code_frame(finding, redactor, max(min(width, 2 * MAX_PROSE_WIDTH) - MESSAGE_INDENT - 3, 20))
    if frame is None:
        return []
    gutter = f"{frame.number:>{MESSAGE_INDENT - 1}} "
    return [
        Text.assemble((f"{gutter}│ ", "dim"), frame.text),
        Text.assemble(
            (f"{' ' * len(gutter)}│ ", "dim"),
            " " * frame.caret_start,
            ("━" * frame.caret_width, STYLE_BY_SEVERITY[finding.severity]),
        ),
    ]


def _wrapped_text(label: str, text: str, width: int) -> RenderableType:
    row = Table.grid(padding=0)
    row.add_column(width=5, no_wrap=True)
    row.add_column(overflow="fold", max_width=max(min(width, MAX_PROSE_WIDTH) - MESSAGE_INDENT - 5, 20))
    row.add_row(Text(label, "dim"), Text(escape_controls(" ".join(text.split()))))
    return Padding(row, (0, 0, 0, MESSAGE_INDENT), expand=False)


def _related_text(finding: Finding, redactor: Redactor, width: int) -> list[RenderableType]:
    return [
        _wrapped_text(
            "see",
            f"{other.source.root.path}:{other.source.position_of(other.span.start).line} {redactor.mask_text(other.message)}",
            width,
        )
        for other in finding.related
    ]


def _further_places(group: digest.FindingGroup, redactor: Redactor, options: ReportOptions, width: int) -> list[RenderableType]:
    """The further places of a rule in a file: a line each while they are few, else their numbers."""
    if not group.others:
        return []
    few = options.verbose or len(group.others) <= MAX_FURTHER_PLACES
    visible = group.others if few else group.others[: MAX_FURTHER_PLACES - 2]
    rows = [_wrapped_text("also", f"{finding.line}: {redactor.mask_text(finding.message)}", width) for finding in visible]
    rest = group.others[len(visible) :]
    if rest:
        lines = ", ".join(str(one.line) for one in rest[:40])
        more = f" and {len(rest) - 40} more" if len(rest) > 40 else ""
        rows.append(_wrapped_text("also", f"{len(rest)} further, on lines {lines}{more}", width))
    return rows


def _print_details(console: Console, report: Report, redactor: Redactor) -> None:
    """What -v adds: suppressed findings with their reasons, every file, and where the time went."""
    for finding in report.suppressed:
        why = finding.suppression
        console.print(_message_line(finding, redactor, _place_text(finding, UNLIMITED_WIDTH)))
        if why:
            until = f", until {why.until}" if why.until else ""
            reason = f"suppressed by {why.suppressed_by}: {redactor.mask_text(why.reason)}{until}"
            console.print(Padding(Text(escape_controls(reason), "dim"), (0, 0, 0, MESSAGE_INDENT)))
    for row in report.files:
        said = [digest.TITLE_BY_KIND.get(row.kind, row.kind or "unknown"), row.status]
        said += [redactor.mask_text(row.reason)] if row.reason else []
        said.append(digest.count_with_noun(row.subjects, "subject"))
        console.print(Text.assemble(f"  {escape_controls(row.path)}  ", (escape_controls(", ".join(said)), "dim")))
    for name, seconds in sorted((report.timing or {}).items()):
        console.print(Text(f"  {name} {seconds:.3f} s", "dim"))
    console.print()


def _score_panel(report: Report, width: int) -> RenderableType:
    """The score: number, verdict, categories, and what is gained most by."""
    head = Text()
    if report.score is None:
        head.append("no score", "bold")
    else:
        color = STYLE_BY_GRADE[report.grade or "F"]
        head.append(f"{report.score}", f"bold {color}")
        head.append(" of 100   ")
        head.append(f"{report.grade}", f"bold {color}")
    said, _, against = digest.verdict_text(report).partition(": ")
    head.append("   ")
    head.append(said, {"ready": "bold green", "not-ready": "bold red"}.get(report.verdict, "bold"))
    parts: list[RenderableType] = [head, Text(against)]
    notes = (digest.ceiling_text(report), digest.waived_text(report), digest.foreign_text(report))
    parts += [Text(note, "dim") for note in notes if note]
    if report.score is not None:
        parts += [Text(), _category_bars(report.categories)]
    best = digest.highest_gains(report)
    if best:
        parts += [Text(), Text("Highest gain", "bold"), _gains_table(best)]
    return Panel(Group(*parts), box=ROUNDED, width=width, padding=(1, 2), border_style="dim")


def _category_bars(categories: tuple[Category, ...]) -> RenderableType:
    """A table with a bar for each category: how much of its points is left."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for category in categories:
        share = 1 - category.capped_loss / category.cap
        if not category.assessed and not category.capped_loss:
            table.add_row(
                Text(category.title, "dim"),
                Text("·" * BAR_WIDTH, "dim"),
                Text("not assessed", "dim"),
            )
            continue
        color = "green" if share >= 0.8 else "yellow" if share >= 0.5 else "red"
        full = min(
            int(share * BAR_WIDTH + 0.5),
            BAR_WIDTH - 1 if category.capped_loss > 0.005 else BAR_WIDTH,
        )
        bar = Text.assemble(("━" * full, color), ("─" * (BAR_WIDTH - full), "dim"))
        table.add_row(
            Text(category.title),
            bar,
            Text(f"{category.cap - category.capped_loss:.1f} of {category.cap:>2}"),
        )
    return table


def _gains_table(highest_gains: list[tuple[Finding, int]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding, sharing in highest_gains:
        also = f" ({sharing} findings)" if sharing > 1 else ""
        place = Text.assemble(finding.rule, also, "  ", (escape_controls(f"{finding.path}:{finding.line}"), "dim"))
        table.add_row(
            Text(f"+{finding.score_gain:.2f}", "green"),
            Text(str(finding.severity), STYLE_BY_SEVERITY[finding.severity]),
            place,
        )
    return table


def _summary_text(report: Report, redactor: Redactor, options: ReportOptions) -> list[RenderableType]:
    """What was found, how much was seen, and of what."""
    rows = [
        ("findings", digest.severity_counts_text(report.open)),
        ("coverage", digest.coverage_text(report)),
        ("files", digest.kinds_text(report)),
    ]
    rows += [("not read", line) for line in digest.unread_lines(report, redactor, verbose=options.verbose)]
    rows += [("purpose", line) for line in digest.purpose_lines(report, redactor, verbose=options.verbose)]
    rows += [("production", line) for line in digest.production_lines(report, redactor, verbose=options.verbose)]
    rows += [("context", digest.context_text(report))] if report.context.files else []
    rows += [("checklist", line) for line in digest.checklist_lines(report)]
    table = Table.grid(padding=0)
    table.add_column(width=MESSAGE_INDENT, no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(label, "dim"), Text(text))
    return [table]


def _gate_text(report: Report, redactor: Redactor) -> Text:
    """The last line: whether the gate passed, and why."""
    return Text(digest.gate_text(report, redactor), "bold green" if report.gate.passed else "bold red")
