"""Sources to documents: each parsed by its kind, and the finding for one that does not parse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from readiness import kinds
from readiness.model import Finding, ParseError, Rule, Source, Span


def syntax_finding(rule: Rule, source: Source, error: ParseError, kind: str) -> Finding:
    """The finding that stands for a source that its kind cannot read."""
    offset = min(max(error.offset, 0), len(source.text))
    if offset == len(source.text):  # point at the last thing written, not past it
        offset = len(source.text.rstrip())
    row = source.text.rfind("\n", 0, offset) + 1
    end = source.one_line(Span(offset, len(source.text))).end
    span = Span(offset, end) if end > offset else source.one_line(Span(row, len(source.text)))
    return Finding(rule, source, span, rule.message.format(reason=error.message, kind=kind))


def parse_sources(
    sources: Iterable[Source], classify: Callable[[str, str], str] = kinds.detect_kind
) -> Iterator[tuple[Source, Any, ParseError | None]]:
    """(source, document, error) of every source that has a kind, the sources nested in documents after their parent.

    A nested source that does not parse is left out: a value is only guessed to be a config file.
    """
    for source in sources:
        try:
            document = kinds.parse_source(source)
        except ParseError as error:
            yield source, None, error
            continue
        yield source, document, None
        for inner in kinds.embedded_sources(source.kind, document):
            inner.kind = classify(inner.path, inner.text)
            if inner.kind:
                try:
                    yield inner, kinds.parse_source(inner), None
                except ParseError:
                    continue
