"""Numbers in texts that somebody else wrote: in digits of every script, or of more digits than any setting has."""

from __future__ import annotations

MAX_DIGITS = 18  # of a number that means something in a configuration


def decimal_number(text: str, max_digits: int = MAX_DIGITS) -> int | None:
    """The number that a text of ASCII digits is; None for any other text, and for one of more than `max_digits` digits.

    `str.isdigit` is true of `²`, of which `int` makes nothing, and `int` refuses a text of thousands of digits.
    """
    return int(text) if len(text) <= max_digits and text.isascii() and text.isdecimal() else None
