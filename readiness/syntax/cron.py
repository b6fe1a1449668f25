"""What the five fields of a POSIX cron expression take; each system adds words of its own."""

from __future__ import annotations

_NUMBER_BY_MONTH_NAME = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_NUMBER_BY_WEEKDAY_NAME = {name: n for n, name in enumerate("sun mon tue wed thu fri sat".split())}

# (name, lowest, highest, names for numbers) of each field, in order.
CRON_FIELD_NAMES_AND_RANGES: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _NUMBER_BY_MONTH_NAME),
    ("day of the week", 0, 6, _NUMBER_BY_WEEKDAY_NAME),
)
