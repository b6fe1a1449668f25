"""POSIX cron expressions, as GitHub's schedules take them: five fields, numbers, ranges, steps and names."""

from __future__ import annotations

import itertools
import re

from readiness.syntax.cron import CRON_FIELDS

_CRON_FIELD_PART = re.compile(r"(\*|[0-9A-Za-z]{1,4})(?:-([0-9A-Za-z]{1,4}))?(?:/([0-9]{1,4}))?\Z")


class CronError(ValueError):
    """The reason why a text is no cron schedule that GitHub accepts."""


def shortest_interval_minutes(text: str) -> int:
    """The fewest minutes between two runs of a schedule. Raises CronError.

    Steps that do not divide the hour (`*/7`) make one shorter gap at its end, which nobody asked for.
    """
    fields = text.split()
    if len(fields) != 5:
        raise CronError(f"it has {len(fields)} fields and needs 5")
    sets = [_field_values(field, *spec) for field, spec in zip(fields, CRON_FIELDS, strict=True)]
    minutes, hours = sorted(sets[0]), sorted(sets[1])
    gaps = [after - before for before, after in itertools.pairwise(minutes)]
    if fields[2] != "*" and fields[4] == "*" and not _has_such_day(sets[2], sets[3]):
        raise CronError("no month has that day")
    if "/" not in fields[0] and any((hour + 1) % 24 in sets[1] for hour in hours):
        gaps.append(60 - minutes[-1] + minutes[0])
    return min(gaps, default=60)


def _has_such_day(days: set[int], months: set[int]) -> bool:
    longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return any(min(days) <= longest.get(month, 31) for month in months)


def _field_values(field: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    values: set[int] = set()
    for part in field.split(","):
        match = _CRON_FIELD_PART.match(part)
        if match is None:
            raise CronError(f"{part!r} is no {name}")
        first, last, step = match.groups()
        start = low if first == "*" else _field_number(first, name, low, high, names)
        end = high if first == "*" or (step and last is None) else start
        if last is not None:
            if first == "*":
                raise CronError(f"{part!r} is no {name}")
            end = _field_number(last, name, low, high, names)
        if end < start:
            raise CronError(f"{part!r} runs backwards")
        if step == "0":
            raise CronError(f"{part!r} has a step of zero")
        values |= set(range(start, end + 1, int(step or 1)))
    return values


def _field_number(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text.lower())
    if value is None:
        if not text.isdecimal():
            raise CronError(f"{text!r} is no {name}")
        value = int(text)
    if not low <= value <= high:
        raise CronError(f"{name} {value} is not between {low} and {high}")
    return value
