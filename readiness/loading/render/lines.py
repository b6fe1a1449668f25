"""Which line of a template made which line of its rendering: told by marks that are rendered along."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.model.lazy_regex import lazy_regex

_LINE_MARK_OPEN, _LINE_MARK_CLOSE = (
    "\ue000",
    "\ue001",
)  # from a private range: no chart means anything by them
_LINE_MARK = lazy_regex(f"{_LINE_MARK_OPEN}([0-9]{{1,7}}){_LINE_MARK_CLOSE}")
_SEPARATOR_WITH_MARKS = lazy_regex(f"---(?:{_LINE_MARK.pattern})*")
_BLANKS_AND_MARKS = lazy_regex(rf"(?:\s|{_LINE_MARK.pattern})*")
_BLOCK_ACTION_KEYWORD = lazy_regex(r"\{\{-?\s*(define|block|if|range|with|end)\b")


def mark_lines(template_text: str) -> str:
    """The template with the number of each line (from 0) at its end, where that changes no other line.

    Lines inside an action or a definition stay as they are: what a definition gives goes through functions
    that would count the marks in. So do lines that end in `-}}`, which eat the line break behind them, and
    blank ones, which are eaten.
    """
    marked_lines = []
    is_in_action = False  # of an action that began on an earlier line
    block_depth = definition_depth = 0
    for line_index, template_line in enumerate(template_text.split("\n")):
        was_in_action = is_in_action
        is_in_action = _is_action_open(template_line, is_in_action)
        for keyword in _BLOCK_ACTION_KEYWORD.findall(template_line):
            if keyword == "end":
                block_depth -= 1
                definition_depth = 0 if definition_depth > block_depth else definition_depth
            else:
                block_depth += 1
                if keyword in {"define", "block"} and not definition_depth:
                    definition_depth = block_depth
        is_left_unmarked = was_in_action or is_in_action or definition_depth or template_line.rstrip().endswith("-}}") or not template_line.strip()
        marked_lines.append(template_line if is_left_unmarked else f"{template_line.rstrip(chr(13))}{_LINE_MARK_OPEN}{line_index}{_LINE_MARK_CLOSE}")
    return "\n".join(marked_lines)


def _is_action_open(template_line: str, is_open_at_start: bool) -> bool:
    """Whether an action is open at the end of a line."""
    position = 0
    while True:
        if is_open_at_start:
            action_end = template_line.find("}}", position)
            if action_end < 0:
                return True
            position, is_open_at_start = action_end + 2, False
        else:
            action_start = template_line.find("{{", position)
            if action_start < 0:
                return False
            position, is_open_at_start = action_start + 2, True


def with_separators_on_own_lines(rendered_text: str) -> str:
    """A rendering whose separators stand alone on their lines, as Helm reads it, with marks or without.

    Helm splits at `---` wherever a line begins with it, whatever follows, and takes blanks off before the first one:
    trimming (`{{-`) glues what comes next to a separator. https://github.com/helm/helm/blob/main/pkg/release/v1/util/manifest.go
    """
    if "---" not in rendered_text:
        return rendered_text
    output_lines = []
    is_before_first_text = True  # nothing but blanks so far
    for rendered_line in rendered_text.split("\n"):
        blank_end = _end_of_blanks_and_marks(rendered_line)
        separator_start = blank_end if is_before_first_text and rendered_line.startswith("---", blank_end) else 0
        separator_match = _SEPARATOR_WITH_MARKS.match(rendered_line, separator_start)
        if separator_match and _end_of_blanks_and_marks(rendered_line, separator_match.end()) < len(rendered_line):
            output_lines += [separator_match[0], rendered_line[separator_match.end() :].lstrip()]
        else:
            output_lines.append(rendered_line[separator_start:])
        is_before_first_text = is_before_first_text and blank_end == len(rendered_line)
    return "\n".join(output_lines)


def _end_of_blanks_and_marks(rendered_line: str, search_start: int = 0) -> int:
    """Where the first character stands that is neither blank nor a mark."""
    blanks_match = _BLANKS_AND_MARKS.match(rendered_line, search_start)
    return blanks_match.end() if blanks_match else search_start


def template_line_indexes_from_marks(marked_text: str, unmarked_text: str, template_line_count: int) -> tuple[int, ...] | None:
    """For each line of the plain rendering, which of a template's `template_line_count` lines made it, from a rendering with marks.

    None where the two do not run line by line: a template that measures its own text. A mark that names no
    line of the template is none of ours.
    """
    marked_lines, unmarked_lines = marked_text.split("\n"), unmarked_text.split("\n")
    if len(marked_lines) != len(unmarked_lines):
        return None
    mark_numbers_by_line = [
        _marked_line_numbers(*marked_and_unmarked_line, template_line_count)
        for marked_and_unmarked_line in zip(marked_lines, unmarked_lines, strict=True)
    ]
    next_mark_by_line = list(_fill_from_next_mark(mark_numbers_by_line))
    return tuple(
        mark_numbers[0] if mark_numbers else next_mark for mark_numbers, next_mark in zip(mark_numbers_by_line, next_mark_by_line, strict=True)
    )


def _marked_line_numbers(marked_line: str, unmarked_line: str, template_line_count: int) -> list[int]:
    """The template lines that a line's marks name; of a line that has such characters itself, by its last mark alone."""
    marked_numbers = [int(one) for one in _LINE_MARK.findall(marked_line)]
    return [one for one in marked_numbers[-1 if _LINE_MARK_OPEN in unmarked_line else 0 :] if one < template_line_count]


def _fill_from_next_mark(mark_numbers_by_line: list[list[int]]) -> Iterator[int]:
    """For each line the next mark at or after it: what an include gives ends on the line that called it."""
    next_marks_reversed: list[int] = []
    next_mark = 0
    for mark_numbers in reversed(mark_numbers_by_line):
        next_mark = mark_numbers[0] if mark_numbers else next_mark
        next_marks_reversed.append(next_mark)
    return reversed(next_marks_reversed)


def guess_template_line_indexes(template_text: str, unmarked_text: str) -> tuple[int, ...]:
    """The same by comparing words, for a rendering without marks: the nearest template line with the same text."""
    literal_parts_by_line = [_literal_parts_around_actions(rendered_line) for rendered_line in template_text.split("\n")]
    template_line_indexes = []
    last_matched_index = 0
    for rendered_line in unmarked_text.split("\n"):
        for template_line_index in (
            *range(last_matched_index, len(literal_parts_by_line)),
            *range(last_matched_index - 1, -1, -1),
        ):
            if _may_render_to(literal_parts_by_line[template_line_index], rendered_line):
                last_matched_index = template_line_index
                break
        template_line_indexes.append(last_matched_index)
    return tuple(template_line_indexes)


_MAX_COMPARED_LITERAL_PARTS = 8  # of a template line that are compared


def _literal_parts_around_actions(template_line: str) -> list[str]:
    """What stands around the actions of a template line; nothing where that says nothing by itself."""
    literal_parts = []
    position = 0
    while (action_start := template_line.find("{{", position)) >= 0 and (action_end := template_line.find("}}", action_start + 2)) >= 0:
        literal_parts.append(template_line[position:action_start])
        position = action_end + 2
    literal_parts.append(template_line[position:])
    return literal_parts if "".join(literal_parts).strip() else []


def may_line_render_to(template_line: str, rendered_line: str) -> bool:
    """Whether a template's line with words of its own may have made a line."""
    return _may_render_to(_literal_parts_around_actions(template_line), rendered_line)


def _may_render_to(literal_parts: list[str], rendered_line: str) -> bool:
    """Whether a line holds the words of a template line in order, the first at its beginning, the last at its end."""
    if not literal_parts or not rendered_line.startswith(literal_parts[0]):
        return False
    if len(literal_parts) == 1:
        return rendered_line.rstrip() == literal_parts[0].rstrip()
    position = len(literal_parts[0])
    for literal_part in literal_parts[1:_MAX_COMPARED_LITERAL_PARTS]:
        position = rendered_line.find(literal_part, position)
        if position < 0:
            return False
        position += len(literal_part)
    return len(literal_parts) > _MAX_COMPARED_LITERAL_PARTS or rendered_line.rstrip().endswith(literal_parts[-1].rstrip())
