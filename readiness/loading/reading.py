"""Sources to documents: each parsed by its kind, and the finding for one that does not parse."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from readiness import kinds
from readiness.model import Finding, ParseError, Rule, Severity, Source, Span
from readiness.model.crash import REASON_CRASHED, CrashedError
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
        except MemoryError:
            raise
        except Exception as error:
            yield source, None, _crashed_error(error)
            continue
        yield source, document, None
        yield from _parse_embedded_sources(source, document, kind_detector)


def _parse_embedded_sources(
    source: Source, document: Any, kind_detector: Callable[[str, str], str]
) -> Iterator[tuple[Source, Any, ParseError | None]]:
    """The same of the sources nested in a document; a crash among them is one of that document's."""
    parsed: list[tuple[Source, Any, ParseError | None]] = []
    try:
        for embedded_source in kinds.embedded_sources(source.kind, document):
            embedded_source.kind = kind_detector(embedded_source.path, embedded_source.text)
            if embedded_source.kind:
                with contextlib.suppress(ParseError):
                    parsed.append((embedded_source, kinds.parse_source(embedded_source), None))
    except MemoryError:
        raise
    except Exception as error:
        parsed.append((source, document, _crashed_error(error)))
    yield from parsed


def _crashed_error(error: Exception) -> CrashedError:
    crashed_error = CrashedError(REASON_CRASHED, 0)
    crashed_error.__cause__ = error
    return crashed_error
