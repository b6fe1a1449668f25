"""A text put together from parts of a source, which knows where each of its characters stands."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.model import Span


@dataclass(frozen=True, slots=True)
class JoinedText:
    """Joined text: piece i begins at `starts[i]` in `text` and at `places[i]` in the source."""

    text: str
    piece_starts: tuple[int, ...]
    source_offsets: tuple[int, ...]

    def source_offset(self, joined_offset: int) -> int:
        """The offset in the source of the character at `joined_offset`; past the end it counts on."""
        if not self.piece_starts:
            return 0
        piece = max(bisect.bisect_right(self.piece_starts, joined_offset) - 1, 0)
        return self.source_offsets[piece] + joined_offset - self.piece_starts[piece]

    def source_span(self, start: int, end: int) -> Span:
        """The span in the source, which ends right after its last character."""
        first = self.source_offset(start)
        return Span(first, self.source_offset(end - 1) + 1 if end > start else first)

    def cut(self, start: int, end: int) -> JoinedText:
        """The part between two offsets."""
        first = max(bisect.bisect_right(self.piece_starts, start) - 1, 0)
        starts, places = [0], [self.source_offset(start)]
        for at, place in zip(self.piece_starts[first + 1 :], self.source_offsets[first + 1 :], strict=True):
            if at >= end:
                break
            starts.append(at - start)
            places.append(place)
        return JoinedText(self.text[start:end], tuple(starts), tuple(places))


def plain_pieces(text: str, base: int = 0) -> JoinedText:
    """A text that stands in the source as it is, at `base`."""
    return JoinedText(text, (0,), (base,))


def join_pieces(parts: Iterable[tuple[str, int]]) -> JoinedText:
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
    return JoinedText("".join(texts), tuple(starts), tuple(places))
