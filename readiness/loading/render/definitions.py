"""Where a definition (`define`) of a chart wrote what an `include` of a template prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from readiness.loading.render.lines import guess_source_lines, may_line_render_to
from readiness.model import Source, Span

_KEYWORD = re.compile(r"\{\{-?\s*(define|block|if|range|with|end)\b(?:\s+\"([^\"]{1,200})\")?")
_CALL = re.compile(r"\b(?:include|template)\s+\"([^\"]{1,200})\"")
_COMMENT = re.compile(r"\{\{-?\s*/\*")
_MAX_LINES = 2000  # of what one call prints, or one definition has: they are compared with each other


@dataclass(frozen=True, slots=True)
class Definition:
    """A named piece of a chart's templates: its file, the number of its first line there (from 0), and its lines."""

    source: Source
    first: int
    lines: tuple[str, ...]


def definitions_in(templates: Iterable[Source]) -> dict[str, Definition]:
    """The definitions of a chart by their names; of two of one name neither, for nobody can tell which counts."""
    found: dict[str, Definition | None] = {}
    for source in templates:
        open_keywords: list[tuple[str, int]] = []
        for match in _KEYWORD.finditer(source.text):
            if match[1] != "end":
                open_keywords.append((match[2] or "" if match[1] == "define" else "", match.start()))
            elif open_keywords:
                name, start = open_keywords.pop()
                if name:
                    first = source.position_of(start).line - 1
                    lines = tuple(source.text[start : match.start()].split("\n"))
                    found[name] = None if name in found else Definition(source, first, lines)
    return {name: one for name, one in found.items() if one is not None}


def called_name(template: Source, row: int) -> str:
    """The name of the definition that the last action on a line of a template calls; empty where it calls none.

    A comment stands for the only call of its template: what that prints has no line of its own.
    """
    end = template.line_offsets[row] + len(template.line_text(row + 1))
    start = template.text.rfind("{{", 0, end)
    close = template.text.find("}}", start)
    if 0 <= close < template.line_offsets[row]:
        return ""
    if start >= 0 and _COMMENT.match(template.text, start):
        calls = _CALL.findall(template.text)
        return calls[0] if len(calls) == 1 else ""
    match = _CALL.search(template.text, start, end) if start >= 0 else None
    return match[1] if match else ""


def printed_by(definition: Definition, printed: Sequence[str]) -> Mapping[int, Span]:
    """For each line that a call printed, by its number, the line of the definition that wrote it, where one has its words."""
    if len(printed) > _MAX_LINES or len(definition.lines) > _MAX_LINES:
        return {}
    body = [one.strip() for one in definition.lines]  # `nindent` moves them
    lines = [one.strip() for one in printed]
    numbers = guess_source_lines("\n".join(body), "\n".join(lines))
    found = {}
    for at, (number, line) in enumerate(zip(numbers, lines, strict=True)):
        if line and may_line_render_to(body[number], line):
            row = definition.first + number
            begin = definition.source.line_offsets[row]
            text = definition.source.line_text(row + 1)
            found[at] = Span(begin + len(text) - len(text.lstrip()), begin + len(text.rstrip()))
    return found
