"""A text put together from parts of a source, which knows where each of its characters stands."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.model import Span


@dataclass(frozen=True, slots=True)
class Pieces:
    """Joined text: piece i begins at `starts[i]` in `text` and at `places[i]` in the source."""

    text: str
    starts: tuple[int, ...]
    places: tuple[int, ...]

    def offset(self, at: int) -> int:
        """The offset in the source of the character at `at`; past the end it counts on."""
        if not self.starts:
            return 0
        piece = max(bisect.bisect_right(self.starts, at) - 1, 0)
        return self.places[piece] + at - self.starts[piece]

    def span(self, start: int, end: int) -> Span:
        """The span in the source, which ends right after its last character."""
        first = self.offset(start)
        return Span(first, self.offset(end - 1) + 1 if end > start else first)

    def cut(self, start: int, end: int) -> Pieces:
        """The part between two offsets."""
        first = max(bisect.bisect_right(self.starts, start) - 1, 0)
        starts, places = [0], [self.offset(start)]
        for at, place in zip(self.starts[first + 1 :], self.places[first + 1 :], strict=True):
            if at >= end:
                break
            starts.append(at - start)
            places.append(place)
        return Pieces(self.text[start:end], tuple(starts), tuple(places))


def plain_pieces(text: str, base: int = 0) -> Pieces:
    """A text that stands in the source as it is, at `base`."""
    return Pieces(text, (0,), (base,))


def join_pieces(parts: Iterable[tuple[str, int]]) -> Pieces:
    """The parts, each with its offset in the source, put together without anything between them."""
    texts: list[str] = []
    starts: list[int] = []
    places: list[int] = []
    length = 0
    for text, place in parts:
        if text or not texts:
            texts.append(text)
            starts.append(length)
            places.append(place)
            length += len(text)
    return Pieces("".join(texts), tuple(starts), tuple(places))
