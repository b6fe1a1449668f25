"""Messages of rules: `{name}` and `{name!r}` stand for facts, and nothing in them reaches any further.

A rule file may come with the tree that is judged, so a message is no format string of Python's: it has no attributes, no
indexes, no widths. What fills it is a plain value, cut where it goes on for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

FactValue = str | int | float | bool | None
MAX_FACT_LENGTH = 400  # characters of one fact
UNKNOWN_FACT_TEXT = "(unknown)"
_MESSAGE_PIECE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(!r)?\}|[{}]")


class MessageError(ValueError):
    """A message that cannot be filled: what stands in it that is no name, and what to write."""


class MessagePiece(NamedTuple):
    """Some text, and the fact that follows it: its name (empty at the end), and whether it is quoted."""

    text: str
    fact_name: str = ""
    is_quoted: bool = False


@lru_cache(maxsize=2048)
def parse_message(message: str) -> tuple[MessagePiece, ...]:
    """A message in its pieces. Raises MessageError."""
    pieces = []
    text, at = "", 0
    for match in _MESSAGE_PIECE.finditer(message):
        text += message[at : match.start()]
        at = match.end()
        if match[1]:
            pieces.append(MessagePiece(text, match[1], bool(match[2])))
            text = ""
        elif match[0] in {"{{", "}}"}:
            text += match[0][0]
        else:
            excerpt = message[match.start() : match.start() + 30]
            raise MessageError(
                f"{excerpt!r} is no fact; `{{name}}` and `{{name!r}}` are filled in, and a brace by itself is doubled"
            )
    return (*pieces, MessagePiece(text + message[at:]))


def fact_names(message: str) -> frozenset[str]:
    """The facts that a message names. Raises MessageError."""
    return frozenset(one.fact_name for one in parse_message(message) if one.fact_name)


def fill_message(message: str, fact_value: Callable[[str], object]) -> str:
    """A message with its facts in it: `fact_value` gives the value of a name."""
    if "{" not in message and "}" not in message:
        return message
    parts = []
    for piece in parse_message(message):
        parts.append(piece.text)
        if piece.fact_name:
            parts.append(message_value(fact_value(piece.fact_name), is_quoted=piece.is_quoted))
    return "".join(parts)


def message_value(value: object, *, is_quoted: bool = False) -> str:
    """A value as a message shows it: plain ones only, and no more of a long one than fits into a sentence."""
    if not isinstance(value, FactValue):
        return UNKNOWN_FACT_TEXT
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # a number of thousands of digits
        return UNKNOWN_FACT_TEXT
    if len(text) > MAX_FACT_LENGTH:
        cut = text.rfind(" ", MAX_FACT_LENGTH // 2, MAX_FACT_LENGTH)  # a word that is cut in two tells nothing
        text = text[: cut if cut > 0 else MAX_FACT_LENGTH] + "…"
    return repr(text) if is_quoted and isinstance(value, str) else text
