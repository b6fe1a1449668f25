"""Findings on rendered texts, told at the template lines that made them; equal ones of several environments are one."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import replace

from readiness.model import Finding, Note, Source, Span, joined
from readiness.render.helm import Rendered


def fold(findings: Iterable[Finding], environments: dict[str, int]) -> list[Finding]:
    """The findings, those on renderings moved to their templates.

    `environments` says how many a template's chart has: what all of them give is said plainly, what only some give
    names them.
    """
    plain: list[Finding] = []
    groups: dict[tuple[str, str, Span, str, str, str], tuple[Finding, list[str]]] = {}
    for one in findings:
        root = one.source.root
        if not isinstance(root, Rendered):
            plain.append(one)
            continue
        moved = move(one, root)
        key = (one.rule.id, moved.path, moved.span, one.message, one.resource, one.container)
        names = groups.setdefault(key, (moved, []))[1]
        if root.environment not in names:
            names.append(root.environment)
    for moved, names in groups.values():
        some = len(names) < environments.get(moved.path, 1)
        plain.append(
            replace(moved, message=f"{moved.message} (only with {joined(names)})")
            if some
            else moved
        )
    return plain


def note(one: Note) -> Note:
    """A suppression carried by a rendered object, at its template."""
    root = one.source.root
    if not isinstance(root, Rendered):
        return one
    first, last = (
        place(root, one.within),
        place(root, Span(max(one.within.end - 1, 0), one.within.end)),
    )
    within = Span(min(first.start, last.start), max(first.end, last.end))
    return replace(one, source=root.template, span=place(root, one.span), within=within)


def move(one: Finding, root: Rendered) -> Finding:
    """A finding on a rendering, at its template."""
    span = place(root, Span(one.source.to_root(one.span.start), one.source.to_root(one.span.end)))
    heads = tuple(place(root, Span(at, at)).start for at in map(one.source.to_root, one.heads))
    related = tuple(
        other._replace(source=other.source.root.template, span=place(other.source.root, other.span))
        if isinstance(other.source.root, Rendered)
        else other
        for other in one.related
    )
    return replace(one, source=root.template, span=span, heads=heads, related=related)


def place(root: Rendered, span: Span) -> Span:
    """Where a place of a rendering stands in its template.

    The same words on the template's line; else the action that gave them; else the line.
    """
    template: Source = root.template
    row = bisect.bisect_right(root.lines, span.start) - 1
    number = root.rows[min(row, len(root.rows) - 1)]
    begin = template.lines[min(number, len(template.lines) - 1)]
    line = template.line(number + 1)
    words = root.text[span.start : span.end]
    column = span.start - root.lines[row]
    at = line.find(words, max(column - 4, 0)) if words else -1
    at = line.find(words) if words and at < 0 else at
    if at >= 0:
        return Span(begin + at, begin + at + len(words))
    first = line.find("{{")
    if 0 <= first <= max(column, first):
        last = line.rfind("}}")
        if not line[:first].strip(" -\t\"'") or ":" in line[:first]:
            return Span(begin + first, begin + (last + 2 if last > first else len(line.rstrip())))
    indent = len(line) - len(line.lstrip())
    return Span(begin + indent, begin + max(len(line.rstrip()), indent))
