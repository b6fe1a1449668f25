"""A string of a YAML file that knows the place of each of its characters."""

from __future__ import annotations

from collections.abc import Callable

from readiness.model import Source, Span
from readiness.model.memo import cached_property
from readiness.model.records import dataclass
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

    def span_of_part(self, value_start: int, value_end: int) -> Span:
        """The place of `value[start:end]`."""
        to_source_offset = self._to_source_offset
        source_start = to_source_offset(value_start)
        return Span(source_start, max(to_source_offset(max(value_end - 1, value_start)) + 1, source_start + 1))

    def span_of_line(self, offset: int) -> Span:
        """The place of the line of the value that holds `offset`, without its indent."""
        line_start = self.value.rfind("\n", 0, offset) + 1
        line_end = self.value.find("\n", offset)
        line_end = len(self.value) if line_end < 0 else line_end
        while line_start < line_end and self.value[line_start].isspace():
            line_start += 1
        return self.span_of_part(line_start, max(line_end, line_start + 1))
