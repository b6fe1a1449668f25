"""A page of Markdown as a terminal shows it: headings, lists, tables and code without their marks, wrapped between words.

It knows what `pages` writes, and no more of Markdown: headings, paragraphs, lists of one level, tables, fences, bold, code and `<links>`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from readiness.model.lazy_regex import lazy_regex
from readiness.reports.ansi import Piece, painted, painted_paragraph, wrapped_spans
from readiness.reports.frame import display_width, escape_controls

MAX_PROSE_WIDTH = 110
MIN_LAST_COLUMN_WIDTH = 24  # of a table; where there is less room, its rows are told below each other
_FENCE = "```"
_INLINE_MARK = lazy_regex(r"`[^`]+`|\*\*[^*]+\*\*|<https?://[^\s<>]+>")
_CARETS = lazy_regex(r"\s*\^+")
_TABLE_CELL_END = lazy_regex(r"(?<!\\)\|")
_STYLE_BY_FIRST_CHARACTER = {"`": ("cyan", 1), "*": ("bold", 2), "<": ("dim", 1)}


def drawn_lines(markdown_text: str, width: int) -> Iterator[str]:
    """The lines of a page on a terminal of `width` columns."""
    text_width = max(min(width, MAX_PROSE_WIDTH), 20)
    code_lines: list[str] | None = None
    for is_table, group in itertools.groupby(markdown_text.splitlines(), key=lambda line: line.startswith("|")):
        if is_table and code_lines is None:
            yield from _table_lines([_table_cells(line) for line in group], text_width)
            continue
        for line in group:
            if line.startswith(_FENCE):
                yield from _code_lines(code_lines or [], width)
                code_lines = None if code_lines is not None else []
            elif code_lines is not None:
                code_lines.append(line)
            else:
                yield from _text_lines(line, text_width)


def inline_pieces(text: str, style: str = "") -> list[Piece]:
    """A line of Markdown as pieces: code, bold and links in their styles and without their marks."""
    pieces: list[Piece] = []
    offset = 0
    text = escape_controls(text)
    for mark in _INLINE_MARK.finditer(text):
        mark_style, mark_width = _STYLE_BY_FIRST_CHARACTER[mark[0][0]]
        pieces += [(text[offset : mark.start()], style), (mark[0][mark_width:-mark_width], mark_style)]
        offset = mark.end()
    return [one for one in [*pieces, (text[offset:], style)] if one[0]]


def _text_lines(line: str, width: int) -> list[str]:
    """A heading, an item of a list, or a paragraph, which is one line of the page."""
    if line.startswith("#"):
        return painted_paragraph(inline_pieces(line.lstrip("# "), "bold"), width)
    if line.startswith("- "):
        return painted_paragraph(inline_pieces(line[2:]), width, prefix="  • ", indent=4)
    return painted_paragraph(inline_pieces(line), width)


def _code_lines(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines of code behind a bar, those that go on indented further; below each, or each part, the carets of what is marked in it, in red."""
    bar, code_width = painted("  │ ", "dim"), max(width - 4, 1)
    lines_with_carets: list[tuple[str, list[tuple[str, str]]]] = []
    for line in map(escape_controls, lines):
        if lines_with_carets and (caret_match := _CARETS.match(line)):
            lines_with_carets[-1][1].append((caret_match[0], line[caret_match.end() :]))
        else:
            lines_with_carets.append((line, []))
    for line, carets_and_labels in lines_with_carets:
        room_beside_words = code_width - max(map(display_width, line.split()), default=0)
        indent = max(min(len(line) - len(line.lstrip()) + 4, code_width // 2, room_beside_words), 0)
        spans = list(wrapped_spans(line, code_width - indent if display_width(line) > code_width else code_width))
        part_ends = [start for start, _ in spans[1:]] + [max(len(carets) for carets, _ in [(line, ""), *carets_and_labels])]
        for (start, end), part_end in zip(spans, part_ends, strict=True):
            margin = " " * indent if start else ""
            yield f"{bar}{margin}{line[start:end]}"
            for carets, label in carets_and_labels:
                if marks := carets[start:part_end].rstrip():
                    mark_text = marks + (label if len(carets) <= part_end else "")
                    mark_spans = wrapped_spans(mark_text, code_width - len(margin))
                    yield from (bar + margin + painted(mark_text[mark_start:mark_end], "red") for mark_start, mark_end in mark_spans)


def _table_cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in _TABLE_CELL_END.split(line)[1:-1]]


def _table_lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """A table in columns, the last of which is wrapped; where that has too little room, each row with its last cell below."""
    heading, _, *body = [[inline_pieces(cell, "dim" if number == 0 else "") for cell in row] for number, row in enumerate(rows)]
    column_widths = [max(map(_pieces_width, column)) for column in zip(heading, *body, strict=True)][:-1]
    indent = sum(column_widths) + 2 * len(column_widths)
    if width - indent < MIN_LAST_COLUMN_WIDTH:
        for row in body:
            first_pieces = [piece for number, cell in enumerate(row[:-1]) for piece in ([("  ", ""), *cell] if number else cell)]
            yield from painted_paragraph(first_pieces, width)
            yield from painted_paragraph(row[-1], width, prefix="    ", indent=4)
        return
    for row in [heading, *body]:
        start = "".join(
            "".join(itertools.starmap(painted, cell)) + " " * (column_width - _pieces_width(cell) + 2)
            for cell, column_width in zip(row, column_widths, strict=False)
        )
        yield from painted_paragraph(row[-1], width, prefix=start, indent=indent)


def _pieces_width(pieces: Sequence[Piece]) -> int:
    return sum(display_width(piece[0]) for piece in pieces)
