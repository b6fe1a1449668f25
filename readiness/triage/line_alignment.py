"""Which lines of an earlier text are which of a later one, in time that grows with their length whatever they hold."""

from __future__ import annotations

import bisect
import collections
from collections.abc import Sequence
from typing import NamedTuple

MAX_SPLIT_DEPTH = 12  # how often what stands between lines that are known again is split once more
_LineRange = tuple[int, int]


class LineAlignment(NamedTuple):
    """Lines of a later text, from 1: `kept` by those that they are in the earlier one, `hunk_by_line` by the stretch that was rewritten.

    A stretch has its lines in both texts, as ranges without their ends. How far lines are indented says nothing.
    """

    kept: dict[int, int]
    hunk_by_line: dict[int, tuple[_LineRange, _LineRange]]


def align_lines(earlier_text: str, later_text: str) -> LineAlignment:
    """The lines of `later_text` that stood in `earlier_text`, told by what stands around lines that each has once."""
    earlier, later = ([line.strip() for line in text.splitlines()] for text in (earlier_text, later_text))
    kept: dict[int, int] = {}
    hunk_by_line: dict[int, tuple[_LineRange, _LineRange]] = {}
    waiting = [((0, len(earlier)), (0, len(later)), 0)]
    while waiting:
        earlier_range, later_range, depth = waiting.pop()
        earlier_range, later_range = _without_equal_ends(earlier, later, earlier_range, later_range, kept)
        anchors = _common_unique_lines(earlier, later, earlier_range, later_range) if depth < MAX_SPLIT_DEPTH else []
        if not anchors:
            hunk = (earlier_range[0] + 1, earlier_range[1] + 1), (later_range[0] + 1, later_range[1] + 1)
            hunk_by_line |= dict.fromkeys(range(*hunk[1]), hunk)
            continue
        earlier_start, later_start = earlier_range[0], later_range[0]
        for earlier_index, later_index in anchors:
            kept[later_index + 1] = earlier_index + 1
            waiting.append(((earlier_start, earlier_index), (later_start, later_index), depth + 1))
            earlier_start, later_start = earlier_index + 1, later_index + 1
        waiting.append(((earlier_start, earlier_range[1]), (later_start, later_range[1]), depth + 1))
    return LineAlignment(kept, hunk_by_line)


def _without_equal_ends(
    earlier: Sequence[str], later: Sequence[str], earlier_range: _LineRange, later_range: _LineRange, kept: dict[int, int]
) -> tuple[_LineRange, _LineRange]:
    """Two stretches without the lines in which they begin and end alike; those are kept."""
    (earlier_start, earlier_end), (later_start, later_end) = earlier_range, later_range
    while earlier_start < earlier_end and later_start < later_end and earlier[earlier_start] == later[later_start]:
        kept[later_start + 1] = earlier_start + 1
        earlier_start, later_start = earlier_start + 1, later_start + 1
    while earlier_start < earlier_end and later_start < later_end and earlier[earlier_end - 1] == later[later_end - 1]:
        kept[later_end] = earlier_end
        earlier_end, later_end = earlier_end - 1, later_end - 1
    return (earlier_start, earlier_end), (later_start, later_end)


def _common_unique_lines(earlier: Sequence[str], later: Sequence[str], earlier_range: _LineRange, later_range: _LineRange) -> list[tuple[int, int]]:
    """The lines that each of two stretches has once, as many as stand in one order in both."""
    earlier_counts = collections.Counter(earlier[slice(*earlier_range)])
    later_counts = collections.Counter(later[slice(*later_range)])
    earlier_index_by_line = {earlier[index]: index for index in range(*earlier_range) if earlier_counts[earlier[index]] == 1}
    pairs = [
        (earlier_index_by_line[later[index]], index)
        for index in range(*later_range)
        if later[index] in earlier_index_by_line and later_counts[later[index]] == 1
    ]
    return _longest_increasing(pairs)


def _longest_increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most pairs whose first numbers rise, of pairs whose second numbers do."""
    smallest_tails: list[int] = []
    tail_positions: list[int] = []
    predecessors: list[int] = []
    for position, (first, _) in enumerate(pairs):
        length = bisect.bisect_left(smallest_tails, first)
        predecessors.append(tail_positions[length - 1] if length else -1)
        smallest_tails[length : length + 1] = [first]
        tail_positions[length : length + 1] = [position]
    chosen = []
    position = tail_positions[-1] if tail_positions else -1
    while position >= 0:
        chosen.append(pairs[position])
        position = predecessors[position]
    return chosen[::-1]
