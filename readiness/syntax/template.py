"""Text templates: the marks where another program puts words in, what a text is without them, and names that say template.

A mark is looked for by its form alone, in comments and strings too. Whether it matters is for the parser to say: a text is a
template only where its parser gets further once the marks are taken out (see `template_mark_offset_at_error` in readiness/kinds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from readiness.model.lazy_regex import lazy_regex

_CLOSING_BY_OPENING = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>"}
# `${{ }}` is an expression of GitHub's and `${X}` a variable: neither is a mark. `%%X%%`, `@X@` and `{x}` hold one word.
_TEMPLATE_MARK_OPENING = lazy_regex(r"(?<!\$)\{\{|\{%|\{#|<%|%%\w++%%|@[A-Za-z_][\w.-]*+@|(?<![\w${])\{[A-Za-z_][\w.]*+\}")
# Tags that say whether or how often what follows is there, and comments: they put in nothing themselves.
_CONTROL_TAG = lazy_regex(r"\{%|\{#|<%(?!=)|\{\{[-~]?[ \t\r\n]*(?:(?:if|else|elif|end|range|with|define|block|def)\b|[#/^!)])")
_BLANK_LINE_REST = lazy_regex(r"(?<![ \t\r])[ \t\r]*+(?:\n|\Z)")  # behind a mark: no blank ends one
_TEMPLATE_SUFFIX = lazy_regex(r"\.(?:j2|jinja2?|tmpl|tpl|gotmpl|template|in|erb|mustache|hbs|ejs)\Z", re.IGNORECASE)
_TEMPLATE_WORD_IN_NAME = lazy_regex(
    r"(?:\A|[._-])(?:j2|jinja2?|tmpl|tpl|gotmpl|templates?|erb|mustache|cookiecutter)(?:[._-]|\Z)",
    re.IGNORECASE,
)
_TEMPLATE_FOLDER = lazy_regex(
    r"[._]?(?:templates?|tmpl|tpl|jinja2?|cookiecutter|scaffold(?:s|ing)?|skeletons?|boilerplates?|archetype-resources)\Z",
    re.IGNORECASE,
)


class TemplateMark(NamedTuple):
    """One mark: where it stands, its form (`{{`, `%%`, `@`), and two questions.

    `is_control_tag` says whether it puts in nothing itself (a condition, a loop, a comment), `is_alone_on_lines` whether its
    lines hold nothing else.
    """

    start: int
    end: int
    opening: str
    is_control_tag: bool
    is_alone_on_lines: bool


def is_named_as_template(path: str) -> bool:
    """Whether a path says that its file is a template: by an ending, a word of its name, or a folder."""
    filename = path.rpartition("/")[2]
    return bool(_TEMPLATE_SUFFIX.search(filename) or _TEMPLATE_WORD_IN_NAME.search(filename)) or is_in_template_folder(path)


def is_in_template_folder(path: str) -> bool:
    """Whether a folder above a file says that templates lie in it, or a part of its path is itself a mark."""
    *folder_names, filename = path.split("/")
    return any(_TEMPLATE_FOLDER.match(one) or _TEMPLATE_MARK_OPENING.search(one) for one in folder_names) or bool(
        _TEMPLATE_MARK_OPENING.search(filename)
    )


def path_without_template_suffix(path: str) -> str:
    """The path of what a template makes: its own without the template's ending; the same path where it has none."""
    return _TEMPLATE_SUFFIX.sub("", path)


def find_template_marks(text: str) -> Iterator[TemplateMark]:
    """The marks of a text, in order; one that is never closed is none."""
    offset = 0
    unclosed_openings: set[str] = set()
    while (match := _TEMPLATE_MARK_OPENING.search(text, offset)) is not None:
        mark_start, offset = match.span()
        mark_opening = match[0][:2]
        mark_closing = _CLOSING_BY_OPENING.get(mark_opening, "")
        if mark_closing:
            closing_offset = -1 if mark_opening in unclosed_openings else _closing_offset_of_mark(text, offset, mark_opening, mark_closing)
            if closing_offset < 0:
                unclosed_openings.add(mark_opening)
                continue
            offset = closing_offset + len(mark_closing)
        else:
            mark_opening = mark_opening if mark_opening == "%%" else mark_opening[0]
        is_control_tag = _CONTROL_TAG.match(text, mark_start) is not None
        yield TemplateMark(mark_start, offset, mark_opening, is_control_tag, _is_alone_on_lines(text, mark_start, offset))


def has_control_tag(text: str, start: int, end: int) -> bool:
    """Whether a tag that says whether what follows is there stands in a part of a text: what is before it and behind may never stand together."""
    return any(mark.is_control_tag for mark in find_template_marks(text[start:end]))


_SHELL_MARK = lazy_regex(r"\$\{[A-Za-z_]\w{0,100}\}")
_MAX_LINE_CHARACTERS = 2000


def has_shell_mark_on_line(text: str, offset: int) -> bool:
    """Whether a line up to which a parser got holds `${NAME}`, which `sed` or `envsubst` fills in.

    In most languages that is a variable of the file itself: it says template only in a file whose name does.
    """
    offset = min(max(offset, 0), len(text))
    line_start = text.rfind("\n", 0, offset) + 1
    line_end = text.find("\n", offset)
    return _SHELL_MARK.search(text, line_start, min(len(text) if line_end < 0 else line_end, line_start + _MAX_LINE_CHARACTERS)) is not None


_MAX_NESTED_MARKS = 8


def _closing_offset_of_mark(text: str, opening_end: int, mark_opening: str, closing: str) -> int:
    """Where the closing of a mark stands that was opened before `opening_end`; -1 where there is none.

    A mark may stand in the arguments of another one, on the same line: `{{addURIAndSha "x/{{ .TagName }}" .TagName }}` (krew).
    """
    first_closing_offset = closing_offset = text.find(closing, opening_end)
    if first_closing_offset < 0:
        return -1
    open_mark_count = text.count(mark_opening, opening_end, first_closing_offset)
    for _ in range(_MAX_NESTED_MARKS):
        if not open_mark_count:
            return closing_offset
        next_closing_offset = text.find(closing, closing_offset + len(closing))
        if next_closing_offset < 0 or text.find("\n", closing_offset, next_closing_offset) >= 0:
            break
        open_mark_count += text.count(mark_opening, closing_offset, next_closing_offset) - 1
        closing_offset = next_closing_offset
    return closing_offset if not open_mark_count else first_closing_offset


def _is_alone_on_lines(text: str, mark_start: int, mark_end: int) -> bool:
    """Whether nothing else stands on the lines of a mark."""
    while mark_start and text[mark_start - 1] in " \t":
        mark_start -= 1
    return (not mark_start or text[mark_start - 1] == "\n") and _BLANK_LINE_REST.match(text, mark_end) is not None


def blank_out_template_marks(text: str, marks: Iterable[TemplateMark]) -> str:
    """The text with its marks taken out, every other character in its place.

    What puts in nothing, or stands alone on its lines, becomes blank; what puts in a part of a line becomes a word.
    """
    blanked_pieces: list[str] = []
    copied_until = 0
    for mark in marks:
        blanked_pieces.append(text[copied_until : mark.start])
        mark_text = text[mark.start : mark.end]
        if mark.is_control_tag or mark.is_alone_on_lines:
            blanked_pieces.append("".join(char if char in "\r\n" else " " for char in mark_text))
        else:
            blanked_pieces.append("x" * len(mark_text))
        copied_until = mark.end
    blanked_pieces.append(text[copied_until:])
    return "".join(blanked_pieces)
