"""What starts a workflow: events, their activity types and filters, schedules, inputs, patterns."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.github import events_with_filter
from readiness.facts.table import fact_rows
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.shapes import STARTER_WORKFLOW_PLACEHOLDER
from readiness.kinds.github.texts import contains_expression, text_at
from readiness.model import CheckOutcome, Hit, Severity, hit, join_names
from readiness.model.messages import FactValue
from readiness.syntax.cron_github import CronError, shortest_interval_minutes
from readiness.syntax.yaml import Map, Seq

# Each of these has a twin, as `branches-ignore`.
_FILTERS_WITH_IGNORE_TWIN = ("branches", "tags", "paths", "workflows")


def event_unknown(workflow: Workflow) -> CheckOutcome:
    """An event that GitHub does not have."""
    for event in workflow.triggers:
        if event and event not in fact_rows("github-events") and not contains_expression(event):
            yield hit(workflow.trigger_span(event), event=event)


def event_filter_invalid(workflow: Workflow) -> CheckOutcome:
    """An activity type that the event has not, or a filter that it does not take or takes only alone.

    Low where GitHub passes the key over: a filter of other events, types of an event without any. Medium for a single type that
    never comes; high where it is the only one, and where GitHub refuses the file.
    """
    for event, settings in workflow.triggers.items():
        if not isinstance(settings, Map) or event not in fact_rows("github-events"):
            continue
        yield from _activity_type_hits(event, settings)
        for base in _FILTERS_WITH_IGNORE_TWIN:
            events = events_with_filter(base)
            names = [name for name in (base, f"{base}-ignore") if name in settings]
            for name in names:
                if event not in events:
                    there = join_names(events)
                    place = settings.key_span(name)
                    yield hit(
                        place,
                        severity=Severity.LOW,
                        say="filter",
                        event=event,
                        filter=name,
                        events=there,
                    )
            if len(names) == 2 and event in events:
                late = max(names, key=lambda name: settings.key_span(name).start)
                yield hit(settings.key_span(late), say="both", event=event, filter=base)
        if event == "workflow_run" and "workflows" not in settings:
            yield hit(workflow.trigger_span(event), say="workflows")


def _activity_type_hits(event: str, trigger_settings: Map) -> Iterator[Hit]:
    row = fact_rows("github-events")[event]
    allowed, anything = row.get("types", []), "any-type" in row
    given = trigger_settings.get("types")
    pairs: list[tuple[Any, Any, Any]] = [(trigger_settings, "types", given)] if isinstance(given, str) else []
    if isinstance(given, Seq):
        pairs = [(given, index, item) for index, item in enumerate(given)]
    if pairs and not allowed and not anything:
        yield hit(trigger_settings.key_span("types"), severity=Severity.LOW, say="no-types", event=event)
        return
    strange = [
        (owner, key, item)
        for owner, key, item in pairs
        if not anything and isinstance(item, str) and item and item not in allowed
    ]
    worst = None if len(strange) == len(pairs) else Severity.MEDIUM
    for owner, key, item in strange:
        there = join_names(allowed)
        yield hit(owner.at(key), severity=worst, say="type", event=event, type=item, allowed=there)


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


_NO_PLACES = {"localtime", "Factory"}


def schedule_invalid(workflow: Workflow) -> CheckOutcome:
    """A schedule that is no cron expression, is shorter than GitHub runs, or has an unknown time zone."""
    settings = workflow.triggers.get("schedule")
    for entry in settings if isinstance(settings, Seq) else ():
        if not isinstance(entry, Map):
            continue
        yield from _schedule_problem(entry)
        zone = entry.get("timezone")
        if zone in (None, "") or isinstance(zone, Map | Seq) or contains_expression(zone):
            continue
        if _time_zones() and (zone not in _time_zones() or zone in _NO_PLACES):
            yield hit(entry.at("timezone"), say="zone", zone=zone)


def _schedule_problem(entry: Map) -> Iterator[Hit]:
    cron = entry.get("cron")
    if not isinstance(cron, str) or not cron.strip() or STARTER_WORKFLOW_PLACEHOLDER.match(cron):
        return
    try:
        minutes = shortest_interval_minutes(cron)
    except CronError as error:
        yield hit(entry.at("cron"), say="cron", cron=cron, reason=str(error))
        return
    if minutes < 5:
        yield hit(entry.at("cron"), say="interval", cron=cron, minutes=minutes)


_MOST_INPUTS = 25


def input_invalid(workflow: Workflow) -> CheckOutcome:
    """An input whose default is not of its type, whose options do not fit, or that is required and has a default."""
    for event in ("workflow_dispatch", "workflow_call"):
        inputs = workflow.trigger_settings(event).get("inputs")
        if isinstance(inputs, Map):
            for name, body in inputs.items():
                if isinstance(body, Map):
                    yield from _input_problems(inputs, name, body, event)
            if event == "workflow_dispatch" and len(inputs) > _MOST_INPUTS:
                span = workflow.trigger_span(event)
                yield hit(span, say="count", count=len(inputs), most=_MOST_INPUTS)


def _input_problems(owner: Map, name: str, input_spec: Map, event: str) -> Iterator[Hit]:
    kind, default = input_spec.get("type"), input_spec.get("default")
    if event == "workflow_call" and input_spec.get("required") is True and "default" in input_spec:
        yield hit(input_spec.at("default"), say="required", input=name)
    if event == "workflow_dispatch":
        yield from _option_problems(owner, name, input_spec)
    if default is None or contains_expression(default):
        return
    if kind == "boolean" and default not in (True, False, "true", "false"):
        yield hit(input_spec.at("default"), say="boolean", input=name)
    if kind == "number" and not _is_numeric(default):
        yield hit(input_spec.at("default"), say="number", input=name)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _option_problems(owner: Map, name: str, input_spec: Map) -> Iterator[Hit]:
    options, kind = input_spec.get("options"), input_spec.get("type")
    if kind == "choice" and not options:
        yield hit(owner.key_span(name), say="no-options", input=name)
    elif kind != "choice" and options and (kind is None or isinstance(kind, str)):
        yield hit(input_spec.key_span("options"), say="options", input=name)
    if kind != "choice" or not isinstance(options, Seq):
        return
    seen = set()
    for index, option in enumerate(options):
        if isinstance(option, str) and option in seen:
            yield hit(options.at(index), say="repeated", input=name, option=option)
        seen.add(option if isinstance(option, str) else None)
    default = input_spec.get("default")
    texts = {_text_of(option) for option in options}
    if default is not None and not isinstance(default, Map | Seq) and _text_of(default) not in texts and default != "":
        yield hit(input_spec.at("default"), say="default", input=name)


def _text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_GLOB_FILTERS = (
    "branches",
    "branches-ignore",
    "tags",
    "tags-ignore",
    "paths",
    "paths-ignore",
    "versions",
)


def filter_pattern_invalid(workflow: Workflow, *, keys: Sequence[str] = _GLOB_FILTERS) -> CheckOutcome:
    """A filter whose pattern matches nothing or does not parse."""
    for settings in workflow.triggers.values():
        for key in keys:
            patterns = settings.get(key) if isinstance(settings, Map) else None
            owner: Any = settings
            pairs: list[tuple[Any, Any]] = [(key, patterns)] if isinstance(patterns, str) else []
            if isinstance(patterns, Seq):
                owner, pairs = patterns, list(enumerate(patterns))
            for at, value in pairs:
                text = text_at(owner, at, workflow.source)
                if text is None or not text.value or STARTER_WORKFLOW_PLACEHOLDER.match(text.value):
                    continue
                flaw = _pattern_flaw(text.value, path=key.startswith("paths"))
                if flaw is not None:
                    say, start, facts = flaw
                    end = len(text.value) if say == "blank" else start + 1
                    yield Hit(text.span_of_part(start, end), {"pattern": value, **facts}, message_name=say)


_Flaw = tuple[str, int, dict[str, FactValue]]  # the name of its sentence, where it begins, its facts


def _pattern_flaw(value: str, *, path: bool) -> _Flaw | None:
    """What keeps a pattern from matching anything."""
    if value != value.strip():
        return "blank", 0, {}
    body = value[1:] if value.startswith("!") else value
    if not body:
        return "exclamation", 0, {}
    if path and (body in (".", "..") or body.startswith(("./", "../"))):
        return "dot", 0, {}
    if not path and (body.startswith("/") or body.endswith(("/", "."))):
        return "slash", 0, {}
    return _character_flaw(value, path=path)


def _character_flaw(value: str, *, path: bool) -> _Flaw | None:
    """The first character of a pattern that does not parse where it stands."""
    at = 1 if value.startswith("!") else 0
    previous = ""
    while at < len(value):
        char = value[at]
        step = 1
        if char == "\\":
            escaped = value[at + 1 : at + 2]
            if not escaped:
                return "backslash-last", at, {}
            if escaped not in "[?+*\\!":
                return "backslash", at, {"escaped": escaped}
            char, step = escaped, 2
        elif char == "[":
            close = value.find("]", at + 1)
            flaw = _range_flaw(value[at + 1 : close]) if close >= 0 else ("bracket", {})
            if flaw is not None:
                return flaw[0], at, flaw[1]
            char, step = "]", close + 1 - at
        elif char in "?+" and previous in ("", "*", "?", "+"):
            return "repeat", at, {"character": char}
        elif not path and char in " ~^:\t":
            return "character", at, {"character": char}
        previous = char
        at += step
    return None


def _range_flaw(class_text: str) -> tuple[str, dict[str, FactValue]] | None:
    """What is wrong between `[` and `]`."""
    if not class_text:
        return "no-class", {}
    at = 0
    while at < len(class_text):
        if class_text[at + 1 : at + 2] != "-":
            at += 1
            continue
        if at + 2 >= len(class_text):
            return "range-open", {}
        if class_text[at] > class_text[at + 2]:
            return "range-backwards", {"range": class_text[at : at + 3]}
        at += 3
    return None
