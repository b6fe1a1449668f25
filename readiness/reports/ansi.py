"""Styled text for a terminal as plain strings: escape codes, lines wrapped by columns, a box, links.

The terminal's own sixteen colours alone, and neither black nor white: both dark and light themes stay readable. All text that is given
must have gone through `escape_controls`; what is added here is the only thing that steers the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from readiness.reports.frame import display_width

# (text, style) or (text, style, link), where a style is words as in `bold red`, or empty, and a link an address, or empty.
Piece = tuple[str, str] | tuple[str, str, str]

RESET = "\x1b[0m"
_SGR_CODE_BY_WORD = {"bold": 1, "dim": 2, "italic": 3, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


def painted(text: str, style: str, link: str = "") -> str:
    """Text in a style, and a link to an address where there is one."""
    if not text:
        return ""
    styled_text = f"{_style_start(style)}{text}{RESET}" if style else text
    return f"\x1b]8;;{link}\x1b\\{styled_text}\x1b]8;;\x1b\\" if link else styled_text


def painted_line(*pieces: Piece) -> str:
    """Pieces in one line, however long it gets."""
    return "".join(painted(*piece) for piece in pieces)


def painted_paragraph(pieces: Sequence[Piece], width: int, *, prefix: str = "", indent: int = 0) -> list[str]:
    """Pieces as lines of at most `width` columns, broken between words where that is possible.

    The first line stands behind `prefix`, which is painted already and takes `indent` columns; the others are indented as far.
    """
    text_width = max(width - indent, 1)
    text = "".join(piece[0] for piece in pieces)
    if display_width(text) <= text_width:
        return [prefix + painted_line(*pieces)]
    margin = " " * indent
    return [
        (margin if number else prefix) + _painted_slice(pieces, start, end) for number, (start, end) in enumerate(wrapped_spans(text, text_width))
    ]


def painted_lines_with_widths(pieces: Sequence[Piece], width: int) -> list[tuple[str, int]]:
    """Pieces as lines of at most `width` columns, each with the columns that it takes."""
    text = "".join(piece[0] for piece in pieces)
    return [(_painted_slice(pieces, start, end), display_width(text[start:end])) for start, end in wrapped_spans(text, width)]


def wrapped_spans(text: str, width: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each line of a text in so many columns. Blanks at its start stay; a word that is wider than a line is cut."""
    text_end = len(text.rstrip())
    start = 0
    while (cut := _end_of_columns(text, start, width)) < text_end:
        blank = cut if text[cut] == " " else text.rfind(" ", start, cut)
        end = len(text[start:blank].rstrip()) + start if blank > start else start
        if end > start and not text[start:end].isspace():
            yield start, end
            start = blank + 1
            while text[start] == " ":
                start += 1
        else:
            yield start, cut
            start = cut
    yield start, text_end


def boxed_lines(lines: Sequence[str], line_widths: Sequence[int], width: int) -> list[str]:
    """Painted lines, each with its width in columns, in a box of `width` columns with two columns of room on either side."""
    edge = painted("│", "dim")
    inner_width = width - 6
    middle = [f"{edge}  {line}{' ' * max(inner_width - line_width, 0)}  {edge}" for line, line_width in zip(lines, line_widths, strict=True)]
    return [painted(f"╭{'─' * (width - 2)}╮", "dim"), *middle, painted(f"╰{'─' * (width - 2)}╯", "dim")]


@cache
def _style_start(style: str) -> str:
    return f"\x1b[{';'.join(str(_SGR_CODE_BY_WORD[word]) for word in style.split())}m"


def _painted_slice(pieces: Sequence[Piece], start: int, end: int) -> str:
    """What pieces have from one offset of their whole text to another."""
    if len(pieces) == 1:
        return painted(pieces[0][0][start:end], *pieces[0][1:])
    parts = []
    offset = 0
    for text, *style_and_link in pieces:
        parts.append(painted(text[max(start - offset, 0) : max(end - offset, 0)], *style_and_link))
        offset += len(text)
    return "".join(parts)


def _end_of_columns(text: str, start: int, width: int) -> int:
    """Where so many columns of a text from `start` end; one character further at least."""
    if text.isascii():
        return min(start + width, len(text))
    end = start
    columns = 0
    while end < len(text):
        columns += display_width(text[end])
        if columns > width and end > start:
            break
        end += 1
    return end
