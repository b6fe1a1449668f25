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
    for finding in findings:
        root = finding.source.root
        if not isinstance(root, GeneratedSource):
            plain.append(finding)
            continue
        moved = relocate_finding(finding, root)
        key = (
            finding.rule,
            moved.path,
            moved.span,
            finding.message,
            finding.resource,
            finding.container,
        )
        shape = message_shape(finding.message, finding.resource)
        names = given.setdefault((finding.rule, moved.path, moved.span.start, shape), {})
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


def relocate_note(note: Note) -> Note:
    """A suppression carried by a rendered object, where somebody wrote it."""
    root = note.source.root
    if not isinstance(root, GeneratedSource):
        return note
    source, span = root.place(note.span)
    _, first = root.place(Span(note.within.start, note.within.start))
    _, last = root.place(Span(max(note.within.end - 1, 0), note.within.end))
    within = Span(min(first.start, last.start), max(first.end, last.end))
    return note._replace(source=source, span=span, within=within)


def relocate_finding(finding: Finding, root: GeneratedSource) -> Finding:
    """A finding on a rendering, where somebody wrote what it is about."""
    start, end = (
        finding.source.to_root(finding.span.start),
        finding.source.to_root(finding.span.end),
    )
    source, span = root.place(Span(start, max(start, end)))
    heads = [root.place(Span(at, at)) for at in map(finding.source.to_root, finding.heads)]
    related = tuple(
        Related(*other.source.root.place(other.span), other.message)
        if isinstance(other.source.root, GeneratedSource)
        else other
        for other in finding.related
    )
    return finding._replace(
        source=source,
        span=span,
        heads=tuple(head.start for there, head in heads if there is source),
        related=(*related, *root.value_places(source, span)),
    )
