"""Findings on rendered texts, told where they were written; of several environments that give one, it is one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from readiness.loading.render.made import GeneratedSource, written_place
from readiness.model import (
    PUT_IN_HERE,
    AnnotationSuppression,
    Environments,
    Finding,
    Related,
    Span,
    joined_finding,
)


def relocate_findings(findings: Iterable[Finding], environment_count_by_path: dict[str, int]) -> list[Finding]:
    """The findings, those on renderings moved to the files that these were made from, with the environments that give them.

    `environment_count_by_path` says how many a file is rendered for. What several of them give of one object is one finding, at its
    worst; one place that makes several objects is left to `triage/copies.py`. The values of install tests and of other
    environments are asked what is wrong, not what production needs.
    """
    plain: list[Finding] = []
    moved: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        root = finding.source.root
        if not isinstance(root, GeneratedSource):
            plain.append(finding)
            continue
        there = relocate_finding(finding, root)
        if root.trial and not (
            _is_asked_of_others(finding) if root.aside and not root.alone else _is_asked_of_tests(there, root)
        ):
            continue
        told, keys = _told_at_value(finding, there, root)
        total = environment_count_by_path.get(root.path if root.packed or keys else told.path, 1)
        name = (root.environment,)
        given = Environments((), name, total) if root.trial else Environments(name, (), total)
        told = told._replace(environments=given)
        key: tuple[object, ...] = (told.rule, told.path, told.span, told.message)
        if keys:  # what one value of a chart gives is one fault, whichever file sets it
            chart = root.path.rpartition("/templates/")[0]
            key = (told.rule, told.part, chart, keys, told.message if root.packed else "")
        key = (*key, told.resource, told.container)
        moved[key] = _joined(moved[key], told) if key in moved else told
    return [*plain, *moved.values()]


def _joined(finding: Finding, twin: Finding) -> Finding:
    """One finding for what two environments give: at the worse one's place, with that of the other."""
    if finding.fix_place == twin.fix_place:
        return joined_finding(finding, twin)
    worse, other = (twin, finding) if twin.severity > finding.severity else (finding, twin)
    place = Related(other.source, other.span, "the value is set here, too")
    joined = joined_finding(worse, other)
    return joined._replace(related=(*joined.related, place))


_VALUE_START = re.compile(r"""(?:\A|[\s{,\[])["']?(?P<key>[\w./-]+)["']?:[ \t]+["']?[^\s"',{}\[\]]*\Z|[-\[,][ \t]*["']?\Z""")
_IDENTITY_KEYS = frozenset({"name", "kind", "apiVersion", "namespace", "generateName"})


def _is_asked_of_tests(finding: Finding, root: GeneratedSource) -> bool:
    """Whether a finding counts where only an install test's values (`ci/`) give it.

    Those tell what fails with any values, and what the template itself writes out: a value that stands in it. What they
    set, and what they leave out, is none of production. A chart that renders with nothing else is asked all the same,
    but for what such a file sets. https://github.com/helm/chart-testing#readme
    """
    if finding.rule_definition.category == "correctness":
        return True
    if root.alone:
        return not any("/ci/" in f"/{other.source.path}" for other in finding.related)
    text = finding.source.text[finding.span.start : finding.span.end]
    if not text or "{{" in text or text[0] in "{[":
        return False
    return _is_set(finding, text)


_DANGERS = frozenset({"correctness", "isolation", "secrets"})


def _is_asked_of_others(finding: Finding) -> bool:
    """Whether a finding counts where only environments give it that are not production.

    They are asked what is wrong, and what is dangerous wherever it runs: a value that is set. What they leave out, how
    many replicas they have and how they are reached is none of production.
    """
    category = finding.rule_definition.category
    if category not in _DANGERS:
        return False
    text = finding.source.text[finding.span.start : finding.span.end]
    return category == "correctness" or (bool(text) and _is_set(finding, text))


def _is_set(finding: Finding, text: str) -> bool:
    """Whether a finding stands at a value that somebody set, rather than at the thing that lacks one."""
    line = finding.source.text.rfind("\n", 0, finding.span.start) + 1
    found = _VALUE_START.search(finding.source.text[line : finding.span.start])
    return found is not None and (found["key"] not in _IDENTITY_KEYS if found["key"] else ":" not in text)


def relocate_note(note: AnnotationSuppression) -> AnnotationSuppression:
    """A suppression carried by a rendered object, where somebody wrote it."""
    root = note.source.root
    if not isinstance(root, GeneratedSource):
        return note
    source, span = root.written_location(note.span)
    _, first = root.written_location(Span(note.covered_span.start, note.covered_span.start))
    _, last = root.written_location(Span(max(note.covered_span.end - 1, 0), note.covered_span.end))
    within = Span(min(first.start, last.start), max(first.end, last.end))
    return note._replace(source=source, span=span, covered_span=within)


def relocate_finding(finding: Finding, root: GeneratedSource) -> Finding:
    """A finding on a rendering, where somebody wrote what it is about."""
    source, span = written_place(finding.source, finding.span)
    heads = [root.written_location(Span(at, at)) for at in map(finding.source.to_root, finding.enclosing_offsets)]
    related = tuple(Related(*written_place(other.source, other.span), other.message) for other in finding.related)
    return finding._replace(
        source=source,
        span=span,
        enclosing_offsets=tuple(head.start for there, head in heads if there is source),
        related=(*related, *root.definition_places(_root_span(finding)), *root.value_places(source, span)),
    )


def _root_span(finding: Finding) -> Span:
    """The place of a finding in the whole rendering."""
    start, end = map(finding.source.to_root, finding.span)
    return Span(start, max(start, end))


def _told_at_value(finding: Finding, there: Finding, root: GeneratedSource) -> tuple[Finding, tuple[str, ...]]:
    """The finding at the value that a person edits, and the keys of that; else where the template stands, and no keys.

    A secret stands where its value is set, not where a template prints it. What an archive's template prints is told
    where its values are set, for nobody can edit an archive.
    """
    is_secret = finding.rule_definition.category == "secrets" and finding.rule_definition.marks_secrets
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
    moved = there._replace(source=value.source, span=value.span, enclosing_offsets=(), related=(*related, printed))
    return moved, value.keys
