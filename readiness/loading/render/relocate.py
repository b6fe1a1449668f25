"""Findings on rendered texts, told where they were written; of several environments that give one, it is one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from readiness.facts.table import fact_column
from readiness.loading.render.made import GeneratedSource, SetValue, written_place
from readiness.model import (
    PUT_IN_HERE,
    AnnotationSuppression,
    Environments,
    Finding,
    Related,
    Span,
    joined_finding,
)
from readiness.syntax import secrets
from readiness.syntax.secrets import SecretStrength


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
        if root.trial and _is_secret(finding) and _is_given_by_tests(finding, there, root):
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


def _is_given_by_tests(finding: Finding, there: Finding, root: GeneratedSource) -> bool:
    """Whether a secret stands in nothing but values for tests: not in the template, and in no other of the chart's values.

    Whoever installs the chart gives one of his own. What has the shape of a credential that a service gave out is one anywhere.
    """
    begin, end = finding.source.to_root(finding.span.start), finding.source.to_root(finding.span.end)
    span = Span(begin, max(begin, end))
    printed = root.text[span.start : span.end]
    if _BLOCK_MARK.match(printed):
        printed = _block_below(root.text, span.end)
    value = root.set_value(span)
    texts = [printed] if value is None else [printed, value.source.text[value.span.start : value.span.end]]
    found = [(text[one.span.start : one.span.end], one.verdict) for text in texts for one in secrets.secrets_in_text(text)]
    if any(one.strength is SecretStrength.SHAPE and one.reason != "private key" for _, one in found):
        return False
    if value is not None:
        return _is_for_tests(value.source.path)
    template = there.source.text
    written = printed.strip() in template or any(word in template for word, _ in found)
    return not written and _is_for_tests(root.environment)


_BLOCK_MARK = re.compile(r"[|>][-+0-9]{0,2}\s*\Z")


def _block_below(text: str, end: int) -> str:
    """The lines of a block scalar whose mark ends at a place: those that follow and stand deeper than its own line."""
    first, *lines = text[text.rfind("\n", 0, end) + 1 :].split("\n")
    depth = len(first) - len(first.lstrip())
    inside = itertools.takewhile(lambda line: not line.strip() or len(line) - len(line.lstrip()) > depth, lines)
    return "\n".join(inside)


def _is_for_tests(path: str) -> bool:
    """Whether a file of values is for tests: those of chart-testing (`ci/`), and what its name says."""
    *folders, name = path.lower().split("/")
    words = re.split(r"[^a-z0-9]+", name)
    return "ci" in folders or any(fact_column("purpose-words", "file").get(word) == "test" for word in words)


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


def _is_secret(finding: Finding) -> bool:
    """Whether a finding is about a secret's value."""
    return finding.rule_definition.category == "secrets" and finding.rule_definition.marks_secrets


def _root_span(finding: Finding) -> Span:
    """The place of a finding in the whole rendering."""
    start, end = map(finding.source.to_root, finding.span)
    return Span(start, max(start, end))


def _told_at_value(finding: Finding, there: Finding, root: GeneratedSource) -> tuple[Finding, tuple[str, ...]]:
    """The finding at the value that a person edits, and the keys of that; else where the template stands, and no keys.

    A secret stands where its value is set, not where a template prints it. What an archive's template prints is told
    where its values are set, for nobody can edit an archive. What is wrong in a mapping that a file over the chart's own values
    sets is told there, for the template prints the mapping whole.
    """
    source = finding.source
    begin, end = source.to_root(finding.span.start), source.to_root(finding.span.end)
    span = Span(begin, max(begin, end))
    if not root.packed and not _is_secret(finding):
        wrong = root.overriding_value(span) if finding.rule_definition.category == "correctness" else None
        return (_moved(there, wrong), wrong.keys) if wrong is not None else (there, ())
    if there.source.text[there.span.start : there.span.end] == root.text[span.start : span.end]:
        return there, ()  # the template says it itself
    value = root.set_value(span)
    if value is None:
        return there, ()
    return _moved(there, value), value.keys


def _moved(there: Finding, value: SetValue) -> Finding:
    """A finding at the value that a person edits, with the place of the template that prints it."""
    printed = Related(there.source, there.span, PUT_IN_HERE)
    related = tuple(one for one in there.related if one[:2] != (value.source, value.span))
    return there._replace(source=value.source, span=value.span, enclosing_offsets=(), related=(*related, printed))
