"""Messages of rules: `{name}` and `{name!r}` stand for facts, and nothing in them reaches any further.

A rule file may come with the tree that is judged, so a message is no format string of Python's: it has no attributes, no
indexes, no widths. What fills it is a plain value, cut where it goes on for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

Value = str | int | float | bool | None
LONGEST = 400  # characters of one fact
UNKNOWN = "(unknown)"
_PIECE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(!r)?\}|[{}]")


class MessageError(ValueError):
    """A message that cannot be filled: what stands in it that is no name, and what to write."""


class Piece(NamedTuple):
    """Some text, and the fact that follows it: its name (empty at the end), and whether it is quoted."""

    text: str
    name: str = ""
    quoted: bool = False


@lru_cache(maxsize=2048)
def pieces(message: str) -> tuple[Piece, ...]:
    """A message in its pieces. Raises MessageError."""
    pieces = []
    text, at = "", 0
    for match in _PIECE.finditer(message):
        text += message[at : match.start()]
        at = match.end()
        if match[1]:
            pieces.append(Piece(text, match[1], bool(match[2])))
            text = ""
        elif match[0] in {"{{", "}}"}:
            text += match[0][0]
        else:
            excerpt = message[match.start() : match.start() + 30]
            raise MessageError(
                f"{excerpt!r} is no fact; `{{name}}` and `{{name!r}}` are filled in, and a brace by itself is doubled"
            )
    return (*pieces, Piece(text + message[at:]))


def fact_names(message: str) -> frozenset[str]:
    """The facts that a message names. Raises MessageError."""
    return frozenset(one.name for one in pieces(message) if one.name)


def fill_message(message: str, fact: Callable[[str], object]) -> str:
    """A message with its facts in it: `fact` gives the value of a name."""
    if "{" not in message and "}" not in message:
        return message
    parts = []
    for piece in pieces(message):
        parts.append(piece.text)
        if piece.name:
            parts.append(message_value(fact(piece.name), quoted=piece.quoted))
    return "".join(parts)


def message_value(value: object, *, quoted: bool = False) -> str:
    """A value as a message shows it: plain ones only, and no more of a long one than fits into a sentence."""
    if not isinstance(value, Value):
        return UNKNOWN
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # a number of thousands of digits
        return UNKNOWN
    if len(text) > LONGEST:
        cut = text.rfind(" ", LONGEST // 2, LONGEST)  # a word that is cut in two tells nothing
        text = text[: cut if cut > 0 else LONGEST] + "…"
    return repr(text) if quoted and isinstance(value, str) else text
