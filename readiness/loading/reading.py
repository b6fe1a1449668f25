"""Sources to documents: each parsed by its kind, and the finding for one that does not parse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from readiness import kinds
from readiness.model import Finding, ParseError, Rule, Severity, Source, Span
from readiness.model.lazy_regex import lazy_regex

# Of a file that somebody switched off by comments: what includes it fails and is told itself, and nothing else needs it.
NOTHING_BUT_COMMENTS = "it holds nothing but comments, and an empty one is refused"


def syntax_finding(rule: Rule, source: Source, parse_error: ParseError, kind_title: str) -> Finding:
    """The finding that stands for a source that its kind cannot read."""
    offset = min(max(parse_error.offset, 0), len(source.text))
    if offset == len(source.text):  # point at the last thing written, not past it
        offset = len(source.text.rstrip())
    line_start = source.text.rfind("\n", 0, offset) + 1
    line_end = source.one_line(Span(offset, len(source.text))).end
    span = Span(offset, line_end) if line_end > offset else source.one_line(Span(line_start, len(source.text)))
    finding = Finding(rule, source, span, rule.message.format(reason=parse_error.message, kind=kind_title))
    is_lowered = parse_error.message == NOTHING_BUT_COMMENTS or _MARK_TO_REPLACE.search(source.text[span.start : span.end]) is not None
    return finding._replace(lowered_severity=Severity.MEDIUM) if is_lowered else finding


# What programs replace before the file is used, at the place where the parser gets no further: `%%%`, `%%NAME%%`, `@@NAME@@`, `<% %>`, `__NAME__`.
_MARK_TO_REPLACE = lazy_regex(r"%%|@@|<%|\{\{|\{%|\$\[\[|__[A-Z][A-Z0-9_]{1,40}__|@[A-Z][A-Z0-9_]{1,40}@|\$\([A-Z]")


def parse_sources(
    sources: Iterable[Source], kind_detector: Callable[[str, str], str] = kinds.detect_kind
) -> Iterator[tuple[Source, Any, ParseError | None]]:
    """(source, document, error) of every source that has a kind, the sources nested in documents after their parent.

    A nested source that does not parse is left out: a value is only guessed to be a config file.
    """
    for source in sources:
        try:
            document = kinds.parse_source(source)
        except ParseError as parse_error:
            yield source, None, parse_error
            continue
        yield source, document, None
        for embedded_source in kinds.embedded_sources(source.kind, document):
            embedded_source.kind = kind_detector(embedded_source.path, embedded_source.text)
            if embedded_source.kind:
                try:
                    yield embedded_source, kinds.parse_source(embedded_source), None
                except ParseError:
                    continue
