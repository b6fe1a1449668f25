"""Whether what a rule refuses stands in a file as it is, or came out of values that somebody is to set.

A chart that is rendered with its defaults shows what an installation gets that sets nothing. Where a value is empty by default
(`name: user-{{ .Values.username }}`) the file proves no fault: whoever installs the chart sets it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from readiness.model import CheckOutcome, Hit, Severity, Source, Span, Subject, Undecidable
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_template_opening

_Parameters = ParamSpec("_Parameters")
_SubjectType = TypeVar("_SubjectType", bound=Subject)
_Check = Callable[Concatenate[_SubjectType, _Parameters], CheckOutcome]

_MAX_WRITTEN_CHARACTERS = 2000  # of a line, or of what follows a place, that are looked at
_ACTION = lazy_regex(r"\{\{[^{}]*\}\}")
_WRITTEN_SCALAR = lazy_regex(r"(?:\{\{[^{}]*\}\}|[^\s\"',\[\]{}])+")
# What is left of a text whose part came out empty: a separator with nothing at one side of it.
_EMPTY_PART = lazy_regex(r"\A[\s\"']*(?:\Z|null\b|~|[-._/:])|[-._/:][\"']?\s*\Z|\.\.|--|::")


def lowered_where_values_decide(
    accepted: re.Pattern[str] | None = None,
) -> Callable[[_Check[_SubjectType, _Parameters]], _Check[_SubjectType, _Parameters]]:
    """Of a check on what the API server refuses: no more than medium for what the values of a chart gave, unknown where they gave nothing.

    A template's own text that `accepted` refuses with any word in the place of its actions is a fault whatever the values are.
    """

    def with_values_weighed(check: _Check[_SubjectType, _Parameters]) -> _Check[_SubjectType, _Parameters]:
        @functools.wraps(check)
        def weighed_check(subject: _SubjectType, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> CheckOutcome:
            for outcome in check(subject, *args, **kwargs):
                yield _hit_by_origin(outcome, outcome.source or subject.source, accepted) if isinstance(outcome, Hit) else outcome

        return weighed_check

    return with_values_weighed


def unknown_in_fragments(check: _Check[_SubjectType, _Parameters]) -> _Check[_SubjectType, _Parameters]:
    """Of a check that holds what is written against what a patch may leave out, as the ports of its container: unknown where only a part is shown."""

    @functools.wraps(check)
    def check_of_whole_things(subject: _SubjectType, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> CheckOutcome:
        for outcome in check(subject, *args, **kwargs):
            yield Undecidable(outcome.span) if isinstance(outcome, Hit) and subject.source.fragment else outcome

    return check_of_whole_things


def _hit_by_origin(told: Hit, source: Source, accepted: re.Pattern[str] | None) -> Hit | Undecidable:
    """A hit as it is where a person wrote what it marks; medium at most, or unknown, where a template made that from values."""
    written_location = getattr(source.root, "written_location", None)  # only a rendering knows where its text was written
    if written_location is None:
        return told
    root_start, root_end = source.to_root(told.span.start), source.to_root(told.span.end)
    template_source, template_span = written_location(Span(root_start, max(root_start, root_end)))
    if told.is_missing:
        field_name = str(told.facts.get("field", "")).rpartition(".")[2]
        return told if not field_name else _missing_field_by_origin(told, template_source.text, template_span.start, field_name)
    printed_text = source.text[told.span.start : told.span.end]
    written_text = _written_scalar_at(template_source.text, template_span)
    if not has_template_opening(written_text) or (accepted is not None and not accepted.match(_ACTION.sub("x", written_text))):
        return told
    if _EMPTY_PART.search(printed_text):
        return Undecidable(told.span)
    return _no_worse_than_medium(told)


def _no_worse_than_medium(told: Hit) -> Hit:
    return told if told.severity is not None and told.severity < Severity.MEDIUM else told._replace(severity=Severity.MEDIUM)


def _written_scalar_at(template_text: str, span: Span) -> str:
    """The whole value of a template that a place is part of, with the actions in it and around it."""
    line_start = template_text.rfind("\n", 0, span.start) + 1
    line_end = template_text.find("\n", span.start)
    template_line = template_text[line_start : line_end if line_end >= 0 else None][:_MAX_WRITTEN_CHARACTERS]
    start, end = span.start - line_start, span.end - line_start
    for scalar_match in _WRITTEN_SCALAR.finditer(template_line):
        if scalar_match.start() <= start < scalar_match.end() or start <= scalar_match.start() < end:
            return scalar_match[0] if has_template_opening(scalar_match[0]) else template_line[start:end]
    return template_line[start:end]


def _missing_field_by_origin(told: Hit, template_text: str, offset: int, field_name: str) -> Hit | Undecidable:
    """A hit on a field that is missing: as it is where the template never writes it."""
    mapping_lines = _lines_of_mapping(template_text, offset)
    if any(line.partition(":")[0].strip(" -\"'") == field_name for line in mapping_lines if ":" in line):
        return Undecidable(told.span)  # with the values that are set it is there
    if any(line.lstrip(" -").startswith("{{") and _PRINTING_ACTION.search(line) for line in mapping_lines):
        return _no_worse_than_medium(told)
    return told


_PRINTING_ACTION = lazy_regex(r"\b(?:include|template|toYaml|tpl|toPrettyJson|toJson)\b")


def _lines_of_mapping(template_text: str, offset: int) -> list[str]:
    """The lines of a mapping around the one of its first key: those on both sides until one stands further left, or a document ends."""
    first_line_start = template_text.rfind("\n", 0, offset) + 1
    preceding_lines = template_text[max(0, first_line_start - _MAX_WRITTEN_CHARACTERS) : first_line_start].split("\n")[:-1]
    first_line, *following_lines = template_text[first_line_start : first_line_start + _MAX_WRITTEN_CHARACTERS].split("\n")
    indent = len(first_line) - len(first_line.lstrip(" -"))
    mapping_lines = [first_line]
    for lines_of_one_side in (reversed(preceding_lines), following_lines):
        mapping_lines += itertools.takewhile(lambda line: _may_belong_to_mapping(line, indent), lines_of_one_side)
    return mapping_lines


def _may_belong_to_mapping(line: str, indent: int) -> bool:
    """Whether a line stands as far right as a mapping's keys, or is one of those that print nothing by themselves."""
    stripped_line = line.lstrip(" ")
    if line.startswith("---"):
        return False
    return not stripped_line or stripped_line.startswith(("{{", "#")) or len(line) - len(stripped_line) >= indent
