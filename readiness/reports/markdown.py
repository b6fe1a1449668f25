"""A report in GitHub's Markdown, for the summary of a job (`$GITHUB_STEP_SUMMARY`) or a comment.

https://github.github.com/gfm/
"""

from __future__ import annotations

import functools
import html
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from readiness.model import Finding, Severity
from readiness.model.lazy_regex import lazy_regex
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, digest, explain
from readiness.reports.block_parts import BlockPart, block_parts, heading_text
from readiness.reports.edit_text import edit_text
from readiness.reports.fix_table import fix_row_texts, gain_text
from readiness.reports.frame import escape_controls
from readiness.reports.grouping import EditBlock, FindingGroup, groups_by_file
from readiness.reports.plain import category_lines, file_lines, related_lines, verbose_detail_lines
from readiness.reports.service_table import SHOWN_SEVERITIES, service_table
from readiness.verdict.fix_first import fix_first_rows
from readiness.verdict.report import Report

MAX_BYTES = 1024 * 1024  # of the summary of a step: GitHub shows nothing of a longer one
MAX_PLACES_OF_GROUP = 100  # of one rule in one file; of more, only the lines are told
_BYTES_OF_SENTENCES = 600  # kept for the sentences on what is left out
_SPECIAL_CHARACTER = lazy_regex(r"[\\`*_\[\]<>&~]")
_BLOCK_START = lazy_regex(r"\A(?:[-+=]|\d{1,9}(?=[.)]))")
# What GitHub makes a link, a mention, a reference, an emoji or a formula of, a backslash before it or not.
_LIVE_TEXT = lazy_regex(r"[@#$]|://|www\.|:[\w+-]{1,60}:|\bGH-\d|\b[0-9a-f]{7,64}\b", re.IGNORECASE)
_BACKTICKS = lazy_regex(r"`+")
_FENCE_LABELS = frozenset({"edit", " "})  # of lines to write
_PARAGRAPH_LABELS = frozenset({"why", "fix"})


class _Telling(NamedTuple):
    """What is told together of a file: how bad the worst of it is, its findings, and what makes its text."""

    path: str
    severity: Severity
    findings: Sequence[Finding]
    make_text: Callable[[], str]


def render(report: Report, output: TextIO, *, options: ReportOptions) -> None:
    """Write the report: the verdict first, what to fix first, services, findings by file, the background, the gate's line last."""
    redactor = Redactor(report.hidden)
    start_blocks, end_blocks = _blocks_around_findings(report, redactor, options)
    if _size(start_blocks, end_blocks) > MAX_BYTES // 2 and (options.verbose or options.explain):
        start_blocks, end_blocks = _blocks_around_findings(report, redactor, ReportOptions(quiet=options.quiet))
        end_blocks.insert(0, "What `-v` and `--explain-score` add is left out: it is longer than half of what GitHub shows.")
    tellings = list(_tellings_of_failures(report, redactor) if options.quiet else _tellings(report, redactor, options))
    text_by_position = _texts_that_fit(tellings, MAX_BYTES - _BYTES_OF_SENTENCES - _size(start_blocks, end_blocks))
    finding_blocks = _file_blocks(tellings, text_by_position)
    left_out = [one for position, one in enumerate(tellings) if position not in text_by_position]
    if left_out:
        finding_blocks.append(_left_out_text(left_out))
    output.write("\n\n".join([*start_blocks, *finding_blocks, *end_blocks]) + "\n")


def _blocks_around_findings(report: Report, redactor: Redactor, options: ReportOptions) -> tuple[list[str], list[str]]:
    """What stands before the findings, and what stands behind them."""
    verdict_block = f"## {markdown_text(digest.verdict_text(report))}; {markdown_text(digest.score_text(report))}"
    if report.confinement_notice:
        verdict_block = f"{verdict_block}\n\n**{markdown_text(report.confinement_notice)}**"
    if known_text := digest.known_findings_text(report, redactor):
        verdict_block = f"{verdict_block}\n\n{markdown_text(known_text)}"
    gate_block = markdown_text(digest.gate_text(report, redactor))
    if options.quiet:
        return [verdict_block], [gate_block]
    start_blocks = [
        verdict_block,
        *_fix_first_blocks(report, redactor),
        *_service_blocks(report, redactor, verbose=options.verbose),
        *_checklist_blocks(report),
    ]
    end_blocks = []
    if options.explain:
        end_blocks.append(_details(html.escape("the sum that makes the score"), fenced_text(explain.score_lines(report))))
    return start_blocks, [*end_blocks, _background_block(report, redactor, verbose=options.verbose), gate_block]


# -- tables -------------------------------------------------------------------------------------------------------
def _fix_first_blocks(report: Report, redactor: Redactor) -> list[str]:
    """The table of what to fix first; none where nothing is gained by anything."""
    rows = []
    for row in fix_first_rows(report):
        counts_text, what_to_write = fix_row_texts(row)
        rule_ids_text = ", ".join(map(code_span, row.rule_ids))
        name = f"{markdown_text(row.name)}: {rule_ids_text}" if len(row.rule_ids) > 1 else rule_ids_text
        rows.append(
            (gain_text(report, row, digits=2), str(row.severity), name, markdown_text(counts_text), markdown_text(redactor.mask_text(what_to_write)))
        )
    if not rows:
        return []
    return ["### Fix first", _table((("gain", "---:"), ("severity", "---"), ("what", "---"), ("how much", "---"), ("write", "---")), rows)]


def _service_blocks(report: Report, redactor: Redactor, *, verbose: bool) -> list[str]:
    """The table of services; none where there is one service or none."""
    table = service_table(report, redactor, verbose=verbose)
    if table is None:
        return []
    columns = [("service", "---"), ("score", "---:"), *((str(severity), "---:") for severity in SHOWN_SEVERITIES), ("consists of", "---")]
    rows = [(code_span(row.name), row.score_text, *map(str, row.counts), markdown_text(row.marked_parts_text)) for row in table.rows]
    return ["### Services", markdown_text(table.heading), _table(columns, rows), *filter(None, [markdown_text(table.hidden_services_text)])]


def _checklist_blocks(report: Report) -> list[str]:
    """How far each checklist is that was chosen; none where none was."""
    lines = [f"- {markdown_text(line)}" for line in digest.checklist_lines(report)]
    return ["### Checklists", "\n".join(lines)] if lines else []


def _table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in Markdown. `columns` are their headings and alignments."""
    lines = [[heading for heading, _ in columns], [alignment for _, alignment in columns]]
    lines += ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# -- findings -----------------------------------------------------------------------------------------------------
def _tellings(report: Report, redactor: Redactor, options: ReportOptions) -> Iterator[_Telling]:
    """The groups of all files, file by file; what a file is applied with stands behind its last group."""
    for path, groups in groups_by_file(report, verbose=options.verbose):
        for group in groups:
            worst_severity = max(one.severity for one in group.findings)
            unit_text = redactor.mask_text(digest.unit_paths_text(report, path, groups)) if group is groups[-1] else ""
            yield _Telling(path, worst_severity, group.findings, functools.partial(_group_text, group, redactor, unit_text, options))


def _tellings_of_failures(report: Report, redactor: Redactor) -> Iterator[_Telling]:
    """The findings that fail the gate, each in a line."""
    for one in filter(report.gate.is_failed_by, report.findings):
        yield _Telling(one.path, one.severity, (one,), functools.partial(_finding_item, one, redactor, shows_rule=True))


def _group_text(group: FindingGroup | EditBlock, redactor: Redactor, unit_text: str, options: ReportOptions) -> str:
    """A heading, the ids of the rules, and what is told of them; only the places where a line for each finding must do."""
    if isinstance(group, EditBlock):
        heading, rule_ids = heading_text(group, redactor), group.rule_ids
    else:
        heading, rule_ids = group.first.rule_definition.title, (group.first.rule,)
    blocks = [f"#### {markdown_text(heading)}", ", ".join(map(code_span, rule_ids))]
    if isinstance(group, EditBlock) and not group.is_brief:
        blocks += _blocks_of_parts(block_parts(group, redactor, verbose=options.verbose), redactor)
    else:
        blocks += _place_blocks(group.findings, redactor, shows_rule=len(rule_ids) > 1, verbose=options.verbose)
    if isinstance(group, FindingGroup) and not group.is_brief:
        blocks += _blocks_of_parts(_advice_parts(group, verbose=options.verbose), redactor)
    return "\n\n".join([*blocks, *filter(None, [unit_text and f"unit: {markdown_text(unit_text)}"])])


def _place_blocks(findings: Sequence[Finding], redactor: Redactor, *, shows_rule: bool, verbose: bool) -> Iterator[str]:
    """An item for each finding, and for the other places that the first, with `verbose` each, is about; of many, the last as lines alone."""
    items = []
    for number, finding in enumerate(findings[:MAX_PLACES_OF_GROUP]):
        items.append(_finding_item(finding, redactor, shows_rule=shows_rule))
        if verbose or number == 0:
            items += (f"- {markdown_text(line)}" for line in related_lines(finding, redactor))
    yield "\n".join(items)
    if line_numbers := [one.line for one in findings[MAX_PLACES_OF_GROUP:]]:
        yield markdown_text(digest.further_lines_text(line_numbers))


def _advice_parts(group: FindingGroup, *, verbose: bool) -> Iterator[BlockPart]:
    """Why what one rule found matters, how it is fixed, and what to write where the rule has a text for that."""
    told_text: Callable[[str], str] = str if verbose else digest.first_sentence
    if group.is_reason_new:
        yield BlockPart("why", told_text(group.first.why))
    yield BlockPart("fix", told_text(group.first.fix))
    yield from (BlockPart("edit", line) for line in edit_text([group.first]).lines)


def _blocks_of_parts(parts: Iterable[BlockPart], redactor: Redactor) -> Iterator[str]:
    """Parts as lists, paragraphs and fenced lines."""
    for kind, parts_of_kind in itertools.groupby(parts, key=_kind_of_part):
        if kind == "fence":
            yield fenced_text(part.text for part in parts_of_kind)
        elif kind == "paragraph":
            yield "\n\n".join(f"**{part.label.capitalize()}:** {markdown_text(part.text)}" for part in parts_of_kind)
        else:
            yield "\n".join(_item_of_part(part, redactor) for part in parts_of_kind)


def _kind_of_part(part: BlockPart) -> str:
    return "fence" if part.label in _FENCE_LABELS else "paragraph" if part.label in _PARAGRAPH_LABELS else "list"


def _item_of_part(part: BlockPart, redactor: Redactor) -> str:
    return _finding_item(part.finding, redactor, shows_rule=True) if part.finding else f"- {markdown_text(f'{part.label} {part.text}')}"


def _finding_item(finding: Finding, redactor: Redactor, *, shows_rule: bool) -> str:
    """An item of a list: the place, the severity and, where it is not told above, the rule, and what it says."""
    rule_text = f" {code_span(finding.rule)}" if shows_rule else ""
    return f"- {code_span(f'{finding.path}:{finding.line}')} {finding.severity}{rule_text}: {markdown_text(redactor.mask_text(finding.message))}"


# -- what there is room for ---------------------------------------------------------------------------------------
def _texts_that_fit(tellings: Sequence[_Telling], max_bytes: int) -> dict[int, str]:
    """The texts by position, the worst first and as many as fit, with what their files take. Nothing is made of what comes after."""
    texts: dict[int, str] = {}
    bytes_by_path = {path: _size([_file_details(path, list(findings), [])]) for path, findings in _findings_by_path(tellings)}
    for position in sorted(range(len(tellings)), key=lambda position: -tellings[position].severity):
        text = tellings[position].make_text()
        max_bytes -= _size([text]) + bytes_by_path.pop(tellings[position].path, 0)
        if max_bytes < 0:
            break
        texts[position] = text
    return texts


def _findings_by_path(tellings: Sequence[_Telling]) -> Iterator[tuple[str, Iterator[Finding]]]:
    for path, tellings_of_file in itertools.groupby(tellings, key=lambda one: one.path):
        yield path, itertools.chain.from_iterable(one.findings for one in tellings_of_file)


def _file_blocks(tellings: Sequence[_Telling], text_by_position: dict[int, str]) -> list[str]:
    """What is shown of each file, in their order."""
    blocks = []
    first_position = 0
    for path, tellings_of_file in itertools.groupby(tellings, key=lambda one: one.path):
        members = list(tellings_of_file)
        positions = range(first_position, first_position + len(members))
        first_position += len(members)
        if texts := [text_by_position[position] for position in positions if position in text_by_position]:
            blocks.append(_file_details(path, [one for member in members for one in member.findings], texts))
    return blocks


def _file_details(path: str, findings: Sequence[Finding], texts: Sequence[str]) -> str:
    return _details(f"<code>{html.escape(escape_controls(path))}</code>: {digest.severity_counts_text(findings)}", *texts)


def _left_out_text(left_out: Sequence[_Telling]) -> str:
    """How much there is no room for."""
    finding_count = sum(len(one.findings) for one in left_out)
    counts_text = f"{digest.count_with_noun(len(left_out), 'group')} of {digest.count_with_noun(finding_count, 'finding')}"
    is_or_are = "is" if len(left_out) == 1 else "are"
    return (
        f"{counts_text}, the least severe, {is_or_are} left out here, since GitHub shows 1 MiB at most; the formats `terminal` and `json` have all."
    )


def _size(*block_lists: Iterable[str]) -> int:
    """How many bytes these blocks take, with the blank line between each and the next."""
    return sum(len(block.encode("utf-8", "backslashreplace")) + 2 for blocks in block_lists for block in blocks)


# -- the end ------------------------------------------------------------------------------------------------------
def _background_block(report: Report, redactor: Redactor, *, verbose: bool) -> str:
    """Coverage, purposes, what was lowered and what was not read."""
    lines = [
        f"findings: {digest.severity_counts_text(report.open)}",
        f"coverage: {digest.coverage_text(report)}",
        *category_lines(report),
        *(line for line in file_lines(report, redactor, verbose=verbose) if not line.startswith("checklist ")),
        *(verbose_detail_lines(report, redactor) if verbose else ()),
    ]
    summary = html.escape(f"coverage {digest.coverage_text(report)}, purposes, and what was not read")
    return _details(summary, "\n".join(f"{'  ' if line.startswith(' ') else ''}- {markdown_text(line)}" for line in lines if line))


def _details(summary_html: str, *blocks: str) -> str:
    return "\n\n".join([f"<details><summary>{summary_html}</summary>", *blocks, "</details>"])


# -- text ---------------------------------------------------------------------------------------------------------
def markdown_text(text: str) -> str:
    """A text in one line, of which nothing is markup but what stands between two backticks, which is code.

    A word that GitHub would make something of whatever stands before it (a mention, a reference, a link) is code as well.
    """
    pieces_by_word: list[list[tuple[str, bool]]] = [[]]
    for number, part in enumerate(_parts_between_backticks(" ".join(escape_controls(text).split()))):
        if number % 2:
            pieces_by_word[-1].append((part, True))
        else:
            first_piece, *other_pieces = part.split(" ")
            pieces_by_word[-1].append((first_piece, False))
            pieces_by_word += ([(piece, False)] for piece in other_pieces)
    return _BLOCK_START.sub(_escaped_block_start, " ".join(map(_word_in_markdown, pieces_by_word)))


def _escaped_block_start(match: re.Match[str]) -> str:
    return f"{match[0]}\\" if match[0].isdecimal() else f"\\{match[0]}"


def _parts_between_backticks(text: str) -> list[str]:
    """The parts of a text, by turns out of and in a pair of backticks. A backtick that closes nothing belongs to its part."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return parts


def _word_in_markdown(pieces: Iterable[tuple[str, bool]]) -> str:
    """A word, of pieces that are code or not: as one code where a piece would be live, or code would touch code."""
    filled_pieces = [(text, is_code) for text, is_code in pieces if text]
    is_live = any(not is_code and _LIVE_TEXT.search(text) for text, is_code in filled_pieces)
    if is_live or any(one and other for (_, one), (_, other) in itertools.pairwise(filled_pieces)):
        word = "".join(text for text, _ in filled_pieces)
        core = word.lstrip("([\"'").rstrip(")]\"',.;:!?") or word
        start, _, end = word.partition(core)
        return _escape(start) + code_span(core) + _escape(end)
    return "".join(code_span(text) if is_code else _escape(text) for text, is_code in filled_pieces)


def _escape(text: str) -> str:
    return _SPECIAL_CHARACTER.sub(r"\\\g<0>", text)


def code_span(text: str) -> str:
    """A text as code, in one line; between more backticks than it has in a row."""
    text = escape_controls(text)
    if not text.strip():
        return ""
    delimiter = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{delimiter}{padding}{text}{padding}{delimiter}"


def fenced_text(lines: Iterable[str]) -> str:
    """Lines as a block of code, between fences that none of them ends."""
    shown_lines = list(map(escape_controls, lines))
    fence = "`" * max(3, max((len(run) for line in shown_lines for run in _BACKTICKS.findall(line)), default=0) + 1)
    return "\n".join([fence, *shown_lines, fence])
