"""Schedules of CronJobs: five fields, numbers, ranges, steps, names and the @ words."""

from __future__ import annotations

import re

from readiness.syntax.cron import CRON_FIELDS

_SCHEDULE_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY_INTERVAL = re.compile(
    r"@every [0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h)(?:[0-9]{1,9}(?:ns|us|µs|ms|s|m|h)){0,4}\Z"
)
_CRON_FIELD_PART = re.compile(r"([*?]|[0-9A-Za-z]{1,4})(?:-([0-9A-Za-z]{1,4}))?(?:/([0-9]{1,4}))?\Z")


def schedule_mistake(schedule: str) -> str:
    """Why a text is no schedule of a CronJob; empty where it is one."""
    if schedule.startswith("@"):
        known = schedule in _SCHEDULE_MACROS or _EVERY_INTERVAL.match(schedule)
        return "" if known else f"{schedule[:40]!r} is no word that Kubernetes knows"
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        return "a time zone belongs in timeZone"
    fields = schedule.split()
    if len(fields) != 5:
        return f"it has {len(fields)} fields and needs 5"
    for text, spec in zip(fields, CRON_FIELDS, strict=True):
        for part in text.split(","):
            mistake = _part_mistake(part, *spec)
            if mistake:
                return mistake
    return ""


def _part_mistake(part: str, name: str, low: int, high: int, names: dict[str, int]) -> str:
    match = _CRON_FIELD_PART.match(part)
    if match is None:
        return f"{part[:40]!r} is no {name}"
    first, last, step = match.groups()
    if step is not None and int(step) == 0:
        return f"{part!r} has a step of zero"
    ends = []
    for text in (first, last):
        if text is None or text in "*?":
            continue
        value = names.get(text.lower(), int(text) if text.isdecimal() else None)
        if value is None:
            return f"{text!r} is no {name}"
        if not low <= value <= high:
            return f"{name} {value} is not between {low} and {high}"
        ends.append(value)
    if last is not None and (len(ends) < 2 or ends[0] > ends[1]):
        return f"{part!r} is no range"
    return ""
