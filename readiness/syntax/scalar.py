"""Where a character of a YAML scalar's value stands in the text: through quotes, block indents and folds."""

from __future__ import annotations

from collections.abc import Callable

from readiness.model import Span


def make_offset_mapper(text: str, scalar_span: Span, scalar_value: str) -> Callable[[int], int]:
    """A function from an offset in `scalar_value` to the offset in `text` of the scalar that stands at `scalar_span`.

    An alias has no text of its own: every offset is the alias.
    """
    scalar_start = scalar_span.start
    raw_scalar = text[scalar_start : scalar_span.end]
    if raw_scalar.startswith(("&", "!")):
        properties_length = _anchor_and_tag_length(raw_scalar)
        scalar_start, raw_scalar = scalar_start + properties_length, raw_scalar[properties_length:]
    if raw_scalar.startswith("*") and raw_scalar != scalar_value:
        return lambda offset: scalar_start
    if raw_scalar == scalar_value:
        return lambda offset: scalar_start + offset
    if raw_scalar[:1] in ("'", '"') and raw_scalar[1:-1] == scalar_value:
        return lambda offset: scalar_start + 1 + offset
    raw_offset_by_value_offset = _raw_offsets_of_value(raw_scalar, scalar_value)
    last_value_offset = len(raw_offset_by_value_offset) - 1
    return lambda offset: scalar_start + raw_offset_by_value_offset[min(max(offset, 0), last_value_offset)]


def _anchor_and_tag_length(raw_scalar: str) -> int:
    """The length of a scalar's anchor and tag, with the blanks after them."""
    offset = 0
    while offset < len(raw_scalar) and raw_scalar[offset] in "&!":
        while offset < len(raw_scalar) and not raw_scalar[offset].isspace():
            offset += 1
        while offset < len(raw_scalar) and raw_scalar[offset].isspace():
            offset += 1
    return offset


def _raw_offsets_of_value(raw_scalar: str, scalar_value: str) -> list[int]:
    """For each offset of `scalar_value` (and its end) the offset in `raw_scalar`.

    What a scalar's text has more than its value is indents, breaks, quotes and backslashes, so the characters
    that are no blanks are found again in order.
    """
    next_raw_offset = 0
    if raw_scalar[:1] in ("|", ">"):
        next_raw_offset = raw_scalar.find("\n") + 1
    raw_offsets = []
    for char in scalar_value:
        if not char.isspace():
            char_offset = raw_scalar.find(char, next_raw_offset)
            if char_offset < 0:
                char_offset = min(next_raw_offset, max(len(raw_scalar) - 1, 0))
            raw_offsets.append(char_offset)
            next_raw_offset = char_offset + 1
        else:
            raw_offsets.append(next_raw_offset)
            if next_raw_offset < len(raw_scalar) and raw_scalar[next_raw_offset] == char and char != "\n":
                next_raw_offset += 1
    raw_offsets.append(min(next_raw_offset, len(raw_scalar)))
    return raw_offsets
