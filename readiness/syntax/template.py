"""Text templates: the marks where another program puts words in, what a text is without them, and names that say template.

A mark is looked for by its form alone, in comments and strings too. Whether it matters is for the parser to say: a text is a
template only where its parser gets further once the marks are taken out (see `template_mark_at_error` in readiness/kinds).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_CLOSING_BY_OPENING = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>"}
# `${{ }}` is an expression of GitHub's and `${X}` a variable: neither is a mark. `%%X%%`, `@X@` and `{x}` hold one word.
_MARK_OPENING = re.compile(r"(?<!\$)\{\{|\{%|\{#|<%|%%\w++%%|@[A-Za-z_][\w.-]*+@|(?<![\w${])\{[A-Za-z_][\w.]*+\}")
# Tags that say whether or how often what follows is there, and comments: they put in nothing themselves.
_CONTROL_TAG = re.compile(r"\{%|\{#|<%(?!=)|\{\{[-~]?[ \t\r\n]*(?:(?:if|else|elif|end|range|with|define|block|def)\b|[#/^!)])")
_REST_OF_LINE = re.compile(r"(?<![ \t\r])[ \t\r]*+(?:\n|\Z)")  # behind a mark: no blank ends one
_TEMPLATE_SUFFIX = re.compile(r"\.(?:j2|jinja2?|tmpl|tpl|gotmpl|template|in|erb|mustache|hbs|ejs)\Z", re.IGNORECASE)
_TEMPLATE_WORD_IN_NAME = re.compile(
    r"(?:\A|[._-])(?:j2|jinja2?|tmpl|tpl|gotmpl|templates?|erb|mustache|cookiecutter)(?:[._-]|\Z)",
    re.IGNORECASE,
)
_TEMPLATE_FOLDER = re.compile(
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
    name = path.rpartition("/")[2]
    return bool(_TEMPLATE_SUFFIX.search(name) or _TEMPLATE_WORD_IN_NAME.search(name)) or is_in_template_folder(path)


def is_in_template_folder(path: str) -> bool:
    """Whether a folder above a file says that templates lie in it, or a part of its path is itself a mark."""
    *folders, name = path.split("/")
    return any(_TEMPLATE_FOLDER.match(one) or _MARK_OPENING.search(one) for one in folders) or bool(_MARK_OPENING.search(name))


def rendered_path(path: str) -> str:
    """The path of what a template makes: its own without the template's ending; the same path where it has none."""
    return _TEMPLATE_SUFFIX.sub("", path)


def find_marks(text: str) -> Iterator[TemplateMark]:
    """The marks of a text, in order; one that is never closed is none."""
    at = 0
    unclosed: set[str] = set()
    while (match := _MARK_OPENING.search(text, at)) is not None:
        start, at = match.span()
        form = match[0][:2]
        closer = _CLOSING_BY_OPENING.get(form, "")
        if closer:
            end = -1 if form in unclosed else _mark_end(text, at, form, closer)
            if end < 0:
                unclosed.add(form)
                continue
            at = end + len(closer)
        else:
            form = form if form == "%%" else form[0]
        control = _CONTROL_TAG.match(text, start) is not None
        yield TemplateMark(start, at, form, control, _is_alone_on_lines(text, start, at))


_MAX_NESTED_MARKS = 8


def _mark_end(text: str, at: int, opening: str, closer: str) -> int:
    """Where the closing of a mark stands that was opened before `at`; -1 where there is none.

    A mark may stand in the arguments of another one, on the same line: `{{addURIAndSha "x/{{ .TagName }}" .TagName }}` (krew).
    """
    first = end = text.find(closer, at)
    if first < 0:
        return -1
    open_marks = text.count(opening, at, first)
    for _ in range(_MAX_NESTED_MARKS):
        if not open_marks:
            return end
        following = text.find(closer, end + len(closer))
        if following < 0 or text.find("\n", end, following) >= 0:
            break
        open_marks += text.count(opening, end, following) - 1
        end = following
    return end if not open_marks else first


def _is_alone_on_lines(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the lines of a mark."""
    while start and text[start - 1] in " \t":
        start -= 1
    return (not start or text[start - 1] == "\n") and _REST_OF_LINE.match(text, end) is not None


def without_marks(text: str, marks: Iterable[TemplateMark]) -> str:
    """The text with its marks taken out, every other character in its place.

    What puts in nothing, or stands alone on its lines, becomes blank; what puts in a part of a line becomes a word.
    """
    pieces: list[str] = []
    at = 0
    for mark in marks:
        pieces.append(text[at : mark.start])
        written = text[mark.start : mark.end]
        if mark.is_control_tag or mark.is_alone_on_lines:
            pieces.append("".join(char if char in "\r\n" else " " for char in written))
        else:
            pieces.append("x" * len(written))
        at = mark.end
    pieces.append(text[at:])
    return "".join(pieces)
