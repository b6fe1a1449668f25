"""A string of a YAML file that knows the place of each of its characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from readiness.model import Source, Span
from readiness.syntax.scalar import scalar_offsets


@dataclass(frozen=True)
class Text:
    """A string of the file, with the way from its characters to their places."""

    value: str
    span: Span
    source: Source

    @cached_property
    def _place(self) -> Callable[[int], int]:
        return scalar_offsets(self.source.text, self.span, self.value)

    def part(self, start: int, end: int) -> Span:
        """The place of `value[start:end]`."""
        place = self._place
        first = place(start)
        return Span(first, max(place(max(end - 1, start)) + 1, first + 1))

    def line(self, offset: int) -> Span:
        """The place of the line of the value that holds `offset`, without its indent."""
        start = self.value.rfind("\n", 0, offset) + 1
        end = self.value.find("\n", offset)
        end = len(self.value) if end < 0 else end
        while start < end and self.value[start].isspace():
            start += 1
        return self.part(start, max(end, start + 1))
