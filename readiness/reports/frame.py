"""A line of a file as a reader may see it: secrets masked, control characters made visible, carets under the place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from readiness.model import Finding, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.redaction import MASK, Redactor

TAB_WIDTH = 4
ELLIPSIS = "…"
_ESCAPE_BY_CONTROL = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# CI systems take these for commands wherever they stand in a line of a log: ##[error], ##vso[...], ##teamcity[...]
_AZURE_COMMAND_MARK = lazy_regex(r"##(?=[A-Za-z]{0,20}\[)")
_WORKFLOW_COMMAND_START = lazy_regex(r"\A(\s*):(?=:)")


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
    text_with_escapes = "".join(map(_char_or_escape, text)) if not text.isprintable() else text
    return escape_workflow_commands(text_with_escapes)


def escape_workflow_commands(line: str) -> str:
    """A line of a log that no CI system takes for a command to it."""
    if "##" in line:
        line = _AZURE_COMMAND_MARK.sub(r"#\\x23", line)
    return _WORKFLOW_COMMAND_START.sub(r"\1\\x3a", line) if "::" in line else line


def code_frame(finding: Finding, redactor: Redactor, max_width: int) -> CodeFrame | None:
    """The line that a finding stands on, at most `max_width` columns of it; None where there is nothing to see."""
    start_position = finding.start
    line_text = finding.source.root.line_text(start_position.line)
    if not line_text.strip():
        return None
    start_column = min(start_position.column - 1, len(line_text))
    marked_span = Span(start_column, min(start_column + max(finding.span.end - finding.span.start, 1), len(line_text)))
    window_start_column = max(marked_span.start - max_width, 0)  # no more characters than could ever be shown
    window_end_column = min(window_start_column + 3 * max_width, len(line_text))
    secret_spans = redactor.line_spans(finding.source, start_position.line, Span(window_start_column, window_end_column))
    cells = _masked_cell_by_column(line_text, secret_spans, window_start_column, window_end_column)
    width_before_mark = display_width("".join(cells[: marked_span.start - window_start_column]))
    marked_width = max(display_width("".join(cells[marked_span.start - window_start_column : marked_span.end - window_start_column])), 1)
    frame_text, cut_width = _visible_window(
        cells, width_before_mark, marked_width, max_width, window_start_column > 0, window_end_column < len(line_text)
    )
    marked_width = min(marked_width, max(display_width(frame_text) - (width_before_mark - cut_width), 1))
    return CodeFrame(start_position.line, frame_text, width_before_mark - cut_width, marked_width)


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _char_or_escape(character: str) -> str:
    """A character, or its escape where it would not be seen for what it is."""
    if character.isprintable():
        return character
    code_point = ord(character)
    named_escape = _ESCAPE_BY_CONTROL.get(character)
    return named_escape or (f"\\x{code_point:02x}" if code_point < 256 else f"\\u{code_point:04x}" if code_point < 65536 else f"\\U{code_point:08x}")


def _masked_cell_by_column(line_text: str, hidden_spans: Iterable[Span], first_column: int, end_column: int) -> list[str]:
    """What is shown for each character from `first_column` to `end_column`; a masked value is shown at its first one."""
    visible_text = line_text[first_column:end_column]
    cells = list(visible_text) if visible_text.isprintable() else [_char_or_escape(char) if char != "\t" else char for char in visible_text]
    for match in _AZURE_COMMAND_MARK.finditer(line_text, first_column, end_column):
        cells[match.start() + 1 - first_column] = "\\x23"
    for span in hidden_spans:
        first_cell_index, end_cell_index = (
            max(span.start, first_column) - first_column,
            min(span.end, end_column) - first_column,
        )
        if first_cell_index < end_cell_index:
            cells[first_cell_index:end_cell_index] = [MASK, *[""] * (end_cell_index - first_cell_index - 1)]
    display_column = 0
    for cell_index, cell in enumerate(cells) if "\t" in visible_text else ():
        if cell == "\t":
            cells[cell_index] = " " * (TAB_WIDTH - display_column % TAB_WIDTH)
        display_column += display_width(cells[cell_index])
    return cells


def _visible_window(
    cells: Sequence[str],
    width_before_mark: int,
    marked_width: int,
    max_width: int,
    has_text_to_the_left: bool,
    has_text_to_the_right: bool,
) -> tuple[str, int]:
    """(text, columns cut on the left) of at most `max_width` columns, with the marked place in it."""
    total_width = display_width("".join(cells))
    if total_width <= max_width and not has_text_to_the_left and not has_text_to_the_right:
        return "".join(cells), 0
    available_width = max_width - 2  # an ellipsis on either side
    columns_to_skip = (
        0 if width_before_mark + marked_width <= available_width and not has_text_to_the_left else max(width_before_mark - available_width // 3, 0)
    )
    visible_cells: list[str] = []
    display_column = cut_width = 0
    for cell in cells:
        cell_width = display_width(cell)
        if display_column < columns_to_skip:
            cut_width = display_column + cell_width
        elif display_column + cell_width - cut_width > available_width:
            has_text_to_the_right = True
            break
        else:
            visible_cells.append(cell)
        display_column += cell_width
    left_ellipsis = ELLIPSIS if columns_to_skip or has_text_to_the_left else ""
    return left_ellipsis + "".join(visible_cells) + (ELLIPSIS if has_text_to_the_right else ""), cut_width - len(left_ellipsis)
