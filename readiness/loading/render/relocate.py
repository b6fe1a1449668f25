"""Findings on rendered texts, told where they were written; equal ones of several environments are one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from readiness.loading.render.made import GeneratedSource
from readiness.model import (
    PUT_IN_HERE,
    Finding,
    Note,
    Related,
    Span,
    join_names,
    with_worse_severity,
)


def relocate_findings(findings: Iterable[Finding], environments: dict[str, int]) -> list[Finding]:
    """The findings, those on renderings moved to the files that these were made from: one for a rule, a place and a fault.

    `environments` says how many a file is rendered for: what all of them give is said plainly, what only some give
    names them. A line that makes several objects (a name from values, a `range`) is one place, and the message names
    them. Of several severities the highest counts. The values of install tests are asked what is wrong, not what
    production needs.
    """
    plain: list[Finding] = []
    groups: dict[tuple[object, ...], _Group] = {}
    for finding in findings:
        root = finding.source.root
        if not isinstance(root, GeneratedSource):
            plain.append(finding)
            continue
        there = relocate_finding(finding, root)
        if root.trial and not _is_asked_of_tests(there, root):
            continue
        moved, keys = _told_at_value(finding, there, root)
        counted = root.path if root.packed or keys else moved.path
        key: tuple[object, ...] = (finding.rule, moved.path, moved.span, _nameless(finding))
        if keys:  # what one value of a chart gives is one fault, wherever it is printed, and for a secret whatever it is
            chart = root.path.rpartition("/templates/")[0]
            fault = _nameless(finding) if root.packed else ""
            key = (finding.rule, finding.part, chart, keys, fault)
        group = groups.setdefault(key, _Group(moved, counted))
        group.add(moved, root)
    return plain + [one.told(environments) for one in groups.values()]


@dataclass(slots=True)
class _Group:
    """Equal findings of several objects or environments: the one that is told, and whose they are.

    `counted` is the path of which one knows for how many environments it is rendered.
    """

    first: Finding
    counted: str
    names: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    related: dict[Related, None] = field(default_factory=dict)

    def add(self, finding: Finding, root: GeneratedSource) -> None:
        if finding.place == self.first.place:
            self.first = with_worse_severity(self.first, finding)
        elif finding.severity > self.first.severity:
            self._point_at(self.first)
            self.first = finding
        else:
            self._point_at(finding)
        names = self.tests if root.trial else self.names
        if root.environment not in names:
            names.append(root.environment)
        if finding.resource and finding.resource not in self.resources:
            self.resources.append(finding.resource)
        self.related |= dict.fromkeys(finding.related)

    def _point_at(self, finding: Finding) -> None:
        """Show a place at which another environment sets the value."""
        self.related[Related(finding.source, finding.span, "the value is set here, too")] = None

    def told(self, environments: dict[str, int]) -> Finding:
        """The finding with the names of its objects and environments, where they are not all."""
        message = self.first.message
        others = [one for one in self.resources if one != self.first.resource]
        if others:
            shown = others if self.first.resource in message else self.resources
            some = shown[:_NAMED] + ([f"{len(shown) - _NAMED} more"] if len(shown) > _NAMED else [])
            message += f" ({'also' if shown is others else 'of'} {join_names(some)})"
        if not self.names:
            message += f" (only with {join_names(self.tests)})"
        elif len(self.names) < environments.get(self.counted, 1):
            message += f" (only with {join_names(self.names)})"
        more = (one for one in self.related if one not in self.first.related)
        related = (*self.first.related, *more)[: max(_NAMED, len(self.first.related))]
        return self.first._replace(message=message, related=related)


_NAMED = 6  # objects that a message names


def _nameless(finding: Finding) -> str:
    """A message without the names of its object and container."""
    name = finding.resource.partition("/")[2]
    message = finding.message
    for word in (finding.resource, repr(name), repr(finding.container)):
        message = message.replace(word, "*") if word else message
    return message


_VALUE = re.compile(
    r"""(?:\A|[\s{,\[])["']?(?P<key>[\w./-]+)["']?:[ \t]+["']?[^\s"',{}\[\]]*\Z|[-\[,][ \t]*["']?\Z"""
)
_NAMES = frozenset({"name", "kind", "apiVersion", "namespace", "generateName"})


def _is_asked_of_tests(finding: Finding, root: GeneratedSource) -> bool:
    """Whether a finding counts where only an install test's values (`ci/`) give it.

    Those tell what fails with any values, and what the template itself writes out: a value that stands in it. What they
    set, and what they leave out, is none of production. A chart that renders with nothing else is asked all the same,
    but for what such a file sets. https://github.com/helm/chart-testing#readme
    """
    if finding.definition.category == "correctness":
        return True
    if root.alone:
        return not any("/ci/" in f"/{other.source.path}" for other in finding.related)
    text = finding.source.text[finding.span.start : finding.span.end]
    if not text or "{{" in text or text[0] in "{[":
        return False
    line = finding.source.text.rfind("\n", 0, finding.span.start) + 1
    found = _VALUE.search(finding.source.text[line : finding.span.start])
    return found is not None and (found["key"] not in _NAMES if found["key"] else ":" not in text)


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


def _told_at_value(
    finding: Finding, there: Finding, root: GeneratedSource
) -> tuple[Finding, tuple[str, ...]]:
    """The finding at the value that a person edits, and the keys of that; else where the template stands, and no keys.

    A secret stands where its value is set, not where a template prints it. What an archive's template prints is told
    where its values are set, for nobody can edit an archive.
    """
    is_secret = finding.definition.category == "secrets" and finding.definition.hides
    if not root.packed and not is_secret:
        return there, ()
    source = finding.source
    begin, end = source.to_root(finding.span.start), source.to_root(finding.span.end)
    span = Span(begin, max(begin, end))
    if there.source.text[there.span.start : there.span.end] == root.text[span.start : span.end]:
        return there, ()  # the template says it itself
    value = root.set_value(span)
    if value is None:
        return there, ()
    printed = Related(there.source, there.span, PUT_IN_HERE)
    related = tuple(one for one in there.related if one[:2] != (value.source, value.span))
    moved = there._replace(
        source=value.source, span=value.span, heads=(), related=(*related, printed)
    )
    return moved, value.keys
