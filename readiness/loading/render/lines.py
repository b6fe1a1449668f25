"""Which line of a template made which line of its rendering: told by marks that are rendered along."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK_OPEN, _MARK_CLOSE = (
    "\ue000",
    "\ue001",
)  # from a private range: no chart means anything by them
_LINE_MARK = re.compile(f"{_MARK_OPEN}([0-9]{{1,7}}){_MARK_CLOSE}")
_MARKED_SEPARATOR = re.compile(f"---(?:{_LINE_MARK.pattern})*")
_BLANK_OR_MARKS = re.compile(rf"(?:\s|{_LINE_MARK.pattern})*")
_ACTION_KEYWORD = re.compile(r"\{\{-?\s*(define|block|if|range|with|end)\b")


def mark_lines(text: str) -> str:
    """The template with the number of each line (from 0) at its end, where that changes no other line.

    Lines inside an action or a definition stay as they are: what a definition gives goes through functions
    that would count the marks in. So do lines that end in `-}}`, which eat the line break behind them, and
    blank ones, which are eaten.
    """
    out = []
    in_action = False  # of an action that began on an earlier line
    depth = defined = 0
    for number, line in enumerate(text.split("\n")):
        was_inside = in_action
        in_action = _is_action_open(line, in_action)
        for word in _ACTION_KEYWORD.findall(line):
            if word == "end":
                depth -= 1
                defined = 0 if defined > depth else defined
            else:
                depth += 1
                if word in {"define", "block"} and not defined:
                    defined = depth
        plain = was_inside or in_action or defined or line.rstrip().endswith("-}}") or not line.strip()
        out.append(line if plain else f"{line.rstrip(chr(13))}{_MARK_OPEN}{number}{_MARK_CLOSE}")
    return "\n".join(out)


def _is_action_open(line: str, in_action: bool) -> bool:
    """Whether an action is open at the end of a line."""
    at = 0
    while True:
        if in_action:
            end = line.find("}}", at)
            if end < 0:
                return True
            at, in_action = end + 2, False
        else:
            begin = line.find("{{", at)
            if begin < 0:
                return False
            at, in_action = begin + 2, True


def with_separators_on_own_lines(text: str) -> str:
    """A rendering whose separators stand alone on their lines, as Helm reads it, with marks or without.

    Helm splits at `---` wherever a line begins with it, whatever follows, and takes blanks off before the first one:
    trimming (`{{-`) glues what comes next to a separator. https://github.com/helm/helm/blob/main/pkg/release/v1/util/manifest.go
    """
    if "---" not in text:
        return text
    out = []
    is_head = True  # nothing but blanks so far
    for line in text.split("\n"):
        blank = _blank_end(line)
        begin = blank if is_head and line.startswith("---", blank) else 0
        match = _MARKED_SEPARATOR.match(line, begin)
        if match and _blank_end(line, match.end()) < len(line):
            out += [match[0], line[match.end() :].lstrip()]
        else:
            out.append(line[begin:])
        is_head = is_head and blank == len(line)
    return "\n".join(out)


def _blank_end(line: str, begin: int = 0) -> int:
    """Where the first character stands that is neither blank nor a mark."""
    match = _BLANK_OR_MARKS.match(line, begin)
    return match.end() if match else begin


def source_lines(marked_text: str, unmarked_text: str, count: int) -> tuple[int, ...] | None:
    """For each line of the plain rendering, which of a template's `count` lines made it, from a rendering with marks.

    None where the two do not run line by line: a template that measures its own text. A mark that names no
    line of the template is none of ours.
    """
    first, second = marked_text.split("\n"), unmarked_text.split("\n")
    if len(first) != len(second):
        return None
    found = [_marked_line_numbers(*lines, count) for lines in zip(first, second, strict=True)]
    following = list(_fill_from_next_mark(found))
    return tuple(numbers[0] if numbers else after for numbers, after in zip(found, following, strict=True))


def _marked_line_numbers(marked: str, plain: str, count: int) -> list[int]:
    """The template lines that a line's marks name; of a line that has such characters itself, by its last mark alone."""
    numbers = [int(one) for one in _LINE_MARK.findall(marked)]
    return [one for one in numbers[-1 if _MARK_OPEN in plain else 0 :] if one < count]


def _fill_from_next_mark(marked_lines: list[list[int]]) -> Iterator[int]:
    """For each line the next mark at or after it: what an include gives ends on the line that called it."""
    known: list[int] = []
    after = 0
    for numbers in reversed(marked_lines):
        after = numbers[0] if numbers else after
        known.append(after)
    return reversed(known)


def guess_source_lines(template: str, unmarked_text: str) -> tuple[int, ...]:
    """The same by comparing words, for a rendering without marks: the nearest template line with the same text."""
    forms = [_text_around_actions(line) for line in template.split("\n")]
    numbers = []
    last = 0
    for line in unmarked_text.split("\n"):
        for number in (*range(last, len(forms)), *range(last - 1, -1, -1)):
            if _may_render_to(forms[number], line):
                last = number
                break
        numbers.append(last)
    return tuple(numbers)


_MAX_COMPARED_WORDS = 8  # of a template line that are compared


def _text_around_actions(line: str) -> list[str]:
    """What stands around the actions of a template line; nothing where that says nothing by itself."""
    words = []
    at = 0
    while (start := line.find("{{", at)) >= 0 and (end := line.find("}}", start + 2)) >= 0:
        words.append(line[at:start])
        at = end + 2
    words.append(line[at:])
    return words if "".join(words).strip() else []


def may_line_render_to(template_line: str, line: str) -> bool:
    """Whether a template's line with words of its own may have made a line."""
    return _may_render_to(_text_around_actions(template_line), line)


def _may_render_to(words: list[str], line: str) -> bool:
    """Whether a line holds the words of a template line in order, the first at its beginning, the last at its end."""
    if not words or not line.startswith(words[0]):
        return False
    if len(words) == 1:
        return line.rstrip() == words[0].rstrip()
    at = len(words[0])
    for word in words[1:_MAX_COMPARED_WORDS]:
        at = line.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return len(words) > _MAX_COMPARED_WORDS or line.rstrip().endswith(words[-1].rstrip())
