"""Schedules of CronJobs: five fields, numbers, ranges, steps, names and the @ words."""

from __future__ import annotations

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.cron import CRON_FIELD_NAMES_AND_RANGES

_SCHEDULE_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY_INTERVAL_MACRO = lazy_regex(r"@every [0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h)(?:[0-9]{1,9}(?:ns|us|µs|ms|s|m|h)){0,4}\Z")
_CRON_FIELD_PART = lazy_regex(r"([*?]|[0-9A-Za-z]{1,4})(?:-([0-9A-Za-z]{1,4}))?(?:/([0-9]{1,4}))?\Z")


def schedule_mistake(schedule: str) -> str:
    """Why a text is no schedule of a CronJob; empty where it is one."""
    if schedule.startswith("@"):
        is_known_macro = schedule in _SCHEDULE_MACROS or _EVERY_INTERVAL_MACRO.match(schedule)
        return "" if is_known_macro else f"{schedule[:40]!r} is no word that Kubernetes knows"
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        return "a time zone belongs in timeZone"
    field_texts = schedule.split()
    if len(field_texts) != 5:
        return f"it has {len(field_texts)} fields and needs 5"
    for field_text, field_spec in zip(field_texts, CRON_FIELD_NAMES_AND_RANGES, strict=True):
        for field_part in field_text.split(","):
            mistake = _field_part_mistake(field_part, *field_spec)
            if mistake:
                return mistake
    return ""


def _field_part_mistake(field_part: str, field_name: str, min_value: int, max_value: int, number_by_name: dict[str, int]) -> str:
    match = _CRON_FIELD_PART.match(field_part)
    if match is None:
        return f"{field_part[:40]!r} is no {field_name}"
    range_start_text, range_end_text, step_text = match.groups()
    if step_text is not None and int(step_text) == 0:
        return f"{field_part!r} has a step of zero"
    range_ends = []
    for range_end_or_start_text in (range_start_text, range_end_text):
        if range_end_or_start_text is None or range_end_or_start_text in "*?":
            continue
        range_number = number_by_name.get(
            range_end_or_start_text.lower(), int(range_end_or_start_text) if range_end_or_start_text.isdecimal() else None
        )
        if range_number is None:
            return f"{range_end_or_start_text!r} is no {field_name}"
        if not min_value <= range_number <= max_value:
            return f"{field_name} {range_number} is not between {min_value} and {max_value}"
        range_ends.append(range_number)
    if range_end_text is not None and (len(range_ends) < 2 or range_ends[0] > range_ends[1]):
        return f"{field_part!r} is no range"
    return ""
