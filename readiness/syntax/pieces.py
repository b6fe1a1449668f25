"""A text put together from parts of a source, which knows where each of its characters stands."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from readiness.model import Span
from readiness.model.records import dataclass


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
        piece_index = max(bisect.bisect_right(self.piece_starts, joined_offset) - 1, 0)
        return self.source_offsets[piece_index] + joined_offset - self.piece_starts[piece_index]

    def source_span(self, joined_start: int, joined_end: int) -> Span:
        """The span in the source, which ends right after its last character."""
        source_start = self.source_offset(joined_start)
        return Span(source_start, self.source_offset(joined_end - 1) + 1 if joined_end > joined_start else source_start)

    def cut(self, joined_start: int, joined_end: int) -> JoinedText:
        """The part between two offsets."""
        first_piece_index = max(bisect.bisect_right(self.piece_starts, joined_start) - 1, 0)
        piece_starts, source_offsets = [0], [self.source_offset(joined_start)]
        for piece_start, source_offset in zip(self.piece_starts[first_piece_index + 1 :], self.source_offsets[first_piece_index + 1 :], strict=True):
            if piece_start >= joined_end:
                break
            piece_starts.append(piece_start - joined_start)
            source_offsets.append(source_offset)
        return JoinedText(self.text[joined_start:joined_end], tuple(piece_starts), tuple(source_offsets))


def single_piece_text(text: str, source_offset: int = 0) -> JoinedText:
    """A text that stands in the source as it is, at `source_offset`."""
    return JoinedText(text, (0,), (source_offset,))


def join_pieces(texts_and_source_offsets: Iterable[tuple[str, int]]) -> JoinedText:
    """The parts, each with its offset in the source, put together without anything between them."""
    piece_texts: list[str] = []
    piece_starts: list[int] = []
    source_offsets: list[int] = []
    joined_length = 0
    for piece_text, source_offset in texts_and_source_offsets:
        if piece_text or not piece_texts:
            piece_texts.append(piece_text)
            piece_starts.append(joined_length)
            source_offsets.append(source_offset)
            joined_length += len(piece_text)
    return JoinedText("".join(piece_texts), tuple(piece_starts), tuple(source_offsets))
