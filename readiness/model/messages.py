"""Messages of rules: `{name}` and `{name!r}` stand for facts, and nothing in them reaches any further.

A rule file may come with the tree that is judged, so a message is no format string of Python's: it has no attributes, no
indexes, no widths. What fills it is a plain value, cut where it goes on for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from readiness.model.lazy_regex import lazy_regex

FactValue = str | int | float | bool | None
MAX_FACT_CHARACTERS = 400  # characters of one fact
UNKNOWN_FACT_TEXT = "(unknown)"
_FACT_OR_BRACE = lazy_regex(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(!r)?\}|[{}]")


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
    text_before_fact, position = "", 0
    for piece_match in _FACT_OR_BRACE.finditer(message):
        text_before_fact += message[position : piece_match.start()]
        position = piece_match.end()
        if piece_match[1]:
            pieces.append(MessagePiece(text_before_fact, piece_match[1], bool(piece_match[2])))
            text_before_fact = ""
        elif piece_match[0] in {"{{", "}}"}:
            text_before_fact += piece_match[0][0]
        else:
            excerpt = message[piece_match.start() : piece_match.start() + 30]
            raise MessageError(f"{excerpt!r} is no fact; `{{name}}` and `{{name!r}}` are filled in, and a brace by itself is doubled")
    return (*pieces, MessagePiece(text_before_fact + message[position:]))


def fact_names(message: str) -> frozenset[str]:
    """The facts that a message names. Raises MessageError."""
    return frozenset(one.fact_name for one in parse_message(message) if one.fact_name)


def fill_message(message: str, value_of_fact: Callable[[str], object]) -> str:
    """A message with its facts in it: `value_of_fact` gives the value of a name."""
    if "{" not in message and "}" not in message:
        return message
    message_parts = []
    for piece in parse_message(message):
        message_parts.append(piece.text)
        if piece.fact_name:
            message_parts.append(message_value(value_of_fact(piece.fact_name), is_quoted=piece.is_quoted))
    return "".join(message_parts)


def message_value(fact_value: object, *, is_quoted: bool = False) -> str:
    """A value as a message shows it: plain ones only, and no more of a long one than fits into a sentence."""
    if not isinstance(fact_value, FactValue):
        return UNKNOWN_FACT_TEXT
    try:
        value_text = fact_value if isinstance(fact_value, str) else str(fact_value)
    except ValueError:  # a number of thousands of digits
        return UNKNOWN_FACT_TEXT
    if len(value_text) > MAX_FACT_CHARACTERS:
        cut_position = value_text.rfind(" ", MAX_FACT_CHARACTERS // 2, MAX_FACT_CHARACTERS)  # a word that is cut in two tells nothing
        value_text = value_text[: cut_position if cut_position > 0 else MAX_FACT_CHARACTERS] + "…"
    return repr(value_text) if is_quoted and isinstance(fact_value, str) else value_text
