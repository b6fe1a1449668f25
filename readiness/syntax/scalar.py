"""Where a character of a YAML scalar's value stands in the text: through quotes, block indents and folds."""

from __future__ import annotations

from collections.abc import Callable

from readiness.model import Span


def make_offset_mapper(text: str, span: Span, value: str) -> Callable[[int], int]:
    """A function from an offset in `value` to the offset in `text` of the scalar that stands at `span`.

    An alias has no text of its own: every offset is the alias.
    """
    start = span.start
    raw = text[start : span.end]
    if raw.startswith(("&", "!")):
        skip = _properties_length(raw)
        start, raw = start + skip, raw[skip:]
    if raw.startswith("*") and raw != value:
        return lambda offset: start
    if raw == value:
        return lambda offset: start + offset
    if raw[:1] in ("'", '"') and raw[1:-1] == value:
        return lambda offset: start + 1 + offset
    table = _align_offsets(raw, value)
    last = len(table) - 1
    return lambda offset: start + table[min(max(offset, 0), last)]


def _properties_length(raw: str) -> int:
    """The length of a scalar's anchor and tag, with the blanks after them."""
    at = 0
    while at < len(raw) and raw[at] in "&!":
        while at < len(raw) and not raw[at].isspace():
            at += 1
        while at < len(raw) and raw[at].isspace():
            at += 1
    return at


def _align_offsets(raw: str, value: str) -> list[int]:
    """For each offset of `value` (and its end) the offset in `raw`.

    What a scalar's text has more than its value is indents, breaks, quotes and backslashes, so the characters
    that are no blanks are found again in order.
    """
    at = 0
    if raw[:1] in ("|", ">"):
        at = raw.find("\n") + 1
    table = []
    for char in value:
        if not char.isspace():
            position = raw.find(char, at)
            if position < 0:
                position = min(at, max(len(raw) - 1, 0))
            table.append(position)
            at = position + 1
        else:
            table.append(at)
            if at < len(raw) and raw[at] == char and char != "\n":
                at += 1
    table.append(min(at, len(raw)))
    return table
