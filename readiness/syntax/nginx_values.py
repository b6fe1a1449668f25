"""Sizes and times as nginx writes them. https://nginx.org/en/docs/syntax.html"""

from __future__ import annotations

import re

_BYTES_PER_UNIT = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS_PER_DAY = 86_400.0
_SECONDS_PER_UNIT = {
    "ms": 0.001,
    "s": 1.0,
    "": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": _SECONDS_PER_DAY,
    "w": 7 * _SECONDS_PER_DAY,
    "M": 30 * _SECONDS_PER_DAY,
    "y": 365 * _SECONDS_PER_DAY,
}
_TIME_PART = re.compile(r"(\d{1,12})(ms|[smhdwMy]?)")


def parse_time(text: str) -> float | None:
    """A time as nginx writes it (`1h30m`), in seconds; None where it is none."""
    total, place = 0.0, 0
    while place < len(text):
        match = _TIME_PART.match(text, place)
        if not match:
            return None
        total += int(match[1]) * _SECONDS_PER_UNIT[match[2]]
        place = match.end()
    return total if text else None


def parse_size(text: str) -> int | None:
    """A size as nginx writes it (`10m`), in bytes; None where it is none."""
    match = re.fullmatch(r"(\d{1,15})([kmg]?)", text.lower())
    return int(match[1]) * _BYTES_PER_UNIT[match[2]] if match else None
