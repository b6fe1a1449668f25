"""A line of a file as a reader may see it: secrets masked, control characters made visible, carets under the place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from readiness.model import Finding, Span
from readiness.redaction import MASK, Redactor

TAB_WIDTH = 4
ELLIPSIS = "…"
_ESCAPE_BY_CONTROL = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# CI systems take these for commands wherever they stand in a line of a log: ##[error], ##vso[...], ##teamcity[...]
_CI_COMMAND = re.compile(r"##(?=[A-Za-z]{0,20}\[)")
_WORKFLOW_COMMAND_START = re.compile(r"\A(\s*):(?=:)")


@dataclass(frozen=True, slots=True)
class CodeFrame:
    """A line of a file: its number, its text, and where in the text (columns from 0) the carets stand."""

    number: int
    text: str
    caret_start: int
    caret_width: int

    @property
    def caret_line(self) -> str:
        """The line of carets that belongs under the text."""
        return " " * self.caret_start + "^" * self.caret_width


def escape_controls(text: str) -> str:
    """Text from a file for a log or a terminal: nothing in it steers either."""
    visible = "".join(map(_visible_char, text)) if not text.isprintable() else text
    return escape_workflow_commands(visible)


def escape_workflow_commands(line: str) -> str:
    """A line of a log that no CI system takes for a command to it."""
    if "##" in line:
        line = _CI_COMMAND.sub(r"#\\x23", line)
    return _WORKFLOW_COMMAND_START.sub(r"\1\\x3a", line) if "::" in line else line


def code_frame(finding: Finding, redactor: Redactor, width: int) -> CodeFrame | None:
    """The line that a finding stands on, at most `width` columns of it; None where there is nothing to see."""
    start = finding.start
    text = finding.source.root.line_text(start.line)
    if not text.strip():
        return None
    first = min(start.column - 1, len(text))
    span = Span(first, min(first + max(finding.span.end - finding.span.start, 1), len(text)))
    low = max(span.start - width, 0)  # no more characters than could ever be shown
    high = min(low + 3 * width, len(text))
    hidden = redactor.line_spans(finding.source, start.line, Span(low, high))
    cells = _masked_cells(text, hidden, low, high)
    before = sum(map(display_width, cells[: span.start - low]))
    marked = max(sum(map(display_width, cells[span.start - low : span.end - low])), 1)
    shown, cut = _visible_window(cells, before, marked, width, low > 0, high < len(text))
    marked = min(marked, max(display_width(shown) - (before - cut), 1))
    return CodeFrame(start.line, shown, before - cut, marked)


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _visible_char(char: str) -> str:
    """A character, or its escape where it would not be seen for what it is."""
    if char.isprintable():
        return char
    code = ord(char)
    named = _ESCAPE_BY_CONTROL.get(char)
    return named or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")


def _masked_cells(text: str, hidden: Iterable[Span], first_column: int, end_column: int) -> list[str]:
    """What is shown for each character from `first_column` to `end_column`; a masked value is shown at its first one."""
    cells = [_visible_char(char) if char != "\t" else char for char in text[first_column:end_column]]
    for match in _CI_COMMAND.finditer(text, first_column, end_column):
        cells[match.start() + 1 - first_column] = "\\x23"
    for span in hidden:
        start, end = (
            max(span.start, first_column) - first_column,
            min(span.end, end_column) - first_column,
        )
        if start < end:
            cells[start:end] = [MASK, *[""] * (end - start - 1)]
    at = 0
    for number, cell in enumerate(cells):
        if cell == "\t":
            cells[number] = " " * (TAB_WIDTH - at % TAB_WIDTH)
        at += display_width(cells[number])
    return cells


def _visible_window(
    cells: Sequence[str],
    cells_before_mark: int,
    marked_width: int,
    width: int,
    more_left: bool,
    more_right: bool,
) -> tuple[str, int]:
    """(text, columns cut on the left) of at most `width` columns, with the marked place in it."""
    total = sum(map(display_width, cells))
    if total <= width and not more_left and not more_right:
        return "".join(cells), 0
    room = width - 2  # an ellipsis on either side
    lead = 0 if cells_before_mark + marked_width <= room and not more_left else max(cells_before_mark - room // 3, 0)
    shown: list[str] = []
    at = cut = 0
    for cell in cells:
        size = display_width(cell)
        if at < lead:
            cut = at + size
        elif at + size - cut > room:
            more_right = True
            break
        else:
            shown.append(cell)
        at += size
    left = ELLIPSIS if lead or more_left else ""
    return left + "".join(shown) + (ELLIPSIS if more_right else ""), cut - len(left)
