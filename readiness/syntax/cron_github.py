"""POSIX cron expressions, as GitHub's schedules take them: five fields, numbers, ranges, steps and names."""

from __future__ import annotations

import itertools

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.cron import CRON_FIELD_NAMES_AND_RANGES

_CRON_FIELD_PART = lazy_regex(r"(\*|[0-9A-Za-z]{1,4})(?:-([0-9A-Za-z]{1,4}))?(?:/([0-9]{1,4}))?\Z")


class CronError(ValueError):
    """The reason why a text is no cron schedule that GitHub accepts."""


def shortest_interval_minutes(schedule: str) -> int:
    """The fewest minutes between two runs of a schedule. Raises CronError.

    Steps that do not divide the hour (`*/7`) make one shorter gap at its end, which nobody asked for.
    """
    field_texts = schedule.split()
    if len(field_texts) != 5:
        raise CronError(f"it has {len(field_texts)} fields and needs 5")
    values_of_fields = [_cron_field_values(field, *spec) for field, spec in zip(field_texts, CRON_FIELD_NAMES_AND_RANGES, strict=True)]
    sorted_minutes, sorted_hours = sorted(values_of_fields[0]), sorted(values_of_fields[1])
    minute_gaps = [after - before for before, after in itertools.pairwise(sorted_minutes)]
    if field_texts[2] != "*" and field_texts[4] == "*" and not _may_any_month_have_days(values_of_fields[2], values_of_fields[3]):
        raise CronError("no month has that day")
    if "/" not in field_texts[0] and any((hour + 1) % 24 in values_of_fields[1] for hour in sorted_hours):
        minute_gaps.append(60 - sorted_minutes[-1] + sorted_minutes[0])
    return min(minute_gaps, default=60)


def _may_any_month_have_days(days_of_month: set[int], months: set[int]) -> bool:
    last_day_by_month = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return any(min(days_of_month) <= last_day_by_month.get(month, 31) for month in months)


def _cron_field_values(field_text: str, field_name: str, min_value: int, max_value: int, number_by_name: dict[str, int]) -> set[int]:
    field_values: set[int] = set()
    for field_part in field_text.split(","):
        match = _CRON_FIELD_PART.match(field_part)
        if match is None:
            raise CronError(f"{field_part!r} is no {field_name}")
        range_start_text, range_end_text, step_text = match.groups()
        range_start = min_value if range_start_text == "*" else _cron_field_number(range_start_text, field_name, min_value, max_value, number_by_name)
        range_end = max_value if range_start_text == "*" or (step_text and range_end_text is None) else range_start
        if range_end_text is not None:
            if range_start_text == "*":
                raise CronError(f"{field_part!r} is no {field_name}")
            range_end = _cron_field_number(range_end_text, field_name, min_value, max_value, number_by_name)
        if range_end < range_start:
            raise CronError(f"{field_part!r} runs backwards")
        if step_text == "0":
            raise CronError(f"{field_part!r} has a step of zero")
        field_values |= set(range(range_start, range_end + 1, int(step_text or 1)))
    return field_values


def _cron_field_number(number_or_name: str, field_name: str, min_value: int, max_value: int, number_by_name: dict[str, int]) -> int:
    field_number = number_by_name.get(number_or_name.lower())
    if field_number is None:
        if not number_or_name.isdecimal():
            raise CronError(f"{number_or_name!r} is no {field_name}")
        field_number = int(number_or_name)
    if not min_value <= field_number <= max_value:
        raise CronError(f"{field_name} {field_number} is not between {min_value} and {max_value}")
    return field_number
