"""Findings on rendered texts, told where they were written; equal ones of several environments are one."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.loading.render.made import GeneratedSource
from readiness.model import (
    Finding,
    Note,
    Related,
    Span,
    join_names,
    message_shape,
    with_worse_severity,
)


def relocate_findings(findings: Iterable[Finding], environments: dict[str, int]) -> list[Finding]:
    """The findings, those on renderings moved to the files that these were made from.

    `environments` says how many a file is rendered for: what all of them give is said plainly, what only some give
    names them, whatever the object is called in each. Of several severities the highest counts.
    """
    plain: list[Finding] = []
    groups: dict[tuple[str, str, Span, str, str, str], tuple[Finding, dict[str, None]]] = {}
    given: dict[tuple[str, str, int, str], dict[str, None]] = {}
    for one in findings:
        root = one.source.root
        if not isinstance(root, GeneratedSource):
            plain.append(one)
            continue
        moved = relocate_finding(one, root)
        key = (one.rule, moved.path, moved.span, one.message, one.resource, one.container)
        shape = message_shape(one.message, one.resource)
        names = given.setdefault((one.rule, moved.path, moved.span.start, shape), {})
        names[root.environment] = None
        first, _ = groups.get(key, (moved, names))
        groups[key] = (with_worse_severity(first, moved), names)
    for moved, names in groups.values():
        some = len(names) < environments.get(moved.path, 1)
        plain.append(
            moved._replace(message=f"{moved.message} (only with {join_names(names)})")
            if some
            else moved
        )
    return plain


def relocate_note(one: Note) -> Note:
    """A suppression carried by a rendered object, where somebody wrote it."""
    root = one.source.root
    if not isinstance(root, GeneratedSource):
        return one
    source, span = root.place(one.span)
    _, first = root.place(Span(one.within.start, one.within.start))
    _, last = root.place(Span(max(one.within.end - 1, 0), one.within.end))
    within = Span(min(first.start, last.start), max(first.end, last.end))
    return one._replace(source=source, span=span, within=within)


def relocate_finding(one: Finding, root: GeneratedSource) -> Finding:
    """A finding on a rendering, where somebody wrote what it is about."""
    start, end = one.source.to_root(one.span.start), one.source.to_root(one.span.end)
    source, span = root.place(Span(start, max(start, end)))
    heads = [root.place(Span(at, at)) for at in map(one.source.to_root, one.heads)]
    related = tuple(
        Related(*other.source.root.place(other.span), other.message)
        if isinstance(other.source.root, GeneratedSource)
        else other
        for other in one.related
    )
    return one._replace(
        source=source,
        span=span,
        heads=tuple(head.start for there, head in heads if there is source),
        related=(*related, *root.given(source, span)),
    )
