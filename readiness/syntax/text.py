"""A string of a YAML file that knows the place of each of its characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from readiness.model import Source, Span
from readiness.model.memo import cached_property
from readiness.syntax.scalar import make_offset_mapper


@dataclass(frozen=True)
class LocatedText:
    """A string of the file, with the way from its characters to their places."""

    value: str
    span: Span
    source: Source

    @cached_property
    def _to_source_offset(self) -> Callable[[int], int]:
        return make_offset_mapper(self.source.text, self.span, self.value)

    def span_of_part(self, start: int, end: int) -> Span:
        """The place of `value[start:end]`."""
        place = self._to_source_offset
        first = place(start)
        return Span(first, max(place(max(end - 1, start)) + 1, first + 1))

    def span_of_line(self, offset: int) -> Span:
        """The place of the line of the value that holds `offset`, without its indent."""
        start = self.value.rfind("\n", 0, offset) + 1
        end = self.value.find("\n", offset)
        end = len(self.value) if end < 0 else end
        while start < end and self.value[start].isspace():
            start += 1
        return self.span_of_part(start, max(end, start + 1))
