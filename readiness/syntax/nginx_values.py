"""Sizes and times as nginx writes them. https://nginx.org/en/docs/syntax.html"""

from __future__ import annotations

import re

from readiness.model.lazy_regex import lazy_regex

_BYTES_BY_SIZE_UNIT = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS_PER_DAY = 86_400.0
_SECONDS_BY_TIME_UNIT = {
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
_TIME_PART = lazy_regex(r"(\d{1,12})(ms|[smhdwMy]?)")


def parse_nginx_time(text: str) -> float | None:
    """A time as nginx writes it (`1h30m`), in seconds; None where it is none."""
    total_seconds, offset = 0.0, 0
    while offset < len(text):
        match = _TIME_PART.match(text, offset)
        if not match:
            return None
        total_seconds += int(match[1]) * _SECONDS_BY_TIME_UNIT[match[2]]
        offset = match.end()
    return total_seconds if text else None


def parse_nginx_size(text: str) -> int | None:
    """A size as nginx writes it (`10m`), in bytes; None where it is none."""
    size_match = re.fullmatch(r"(\d{1,15})([kmg]?)", text.lower())
    return int(size_match[1]) * _BYTES_BY_SIZE_UNIT[size_match[2]] if size_match else None
