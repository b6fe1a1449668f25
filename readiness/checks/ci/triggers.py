"""What starts a workflow: events, their activity types and filters, schedules, inputs, patterns."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.github import events_with_filter
from readiness.facts.table import fact_row_by_name
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.shapes import STARTER_WORKFLOW_PLACEHOLDER
from readiness.kinds.github.texts import is_text_with_expression, located_text_at
from readiness.model import CheckOutcome, Hit, Severity, hit, join_names
from readiness.model.messages import FactValue
from readiness.syntax.cron_github import CronError, shortest_interval_minutes
from readiness.syntax.yaml import Map, Seq

# Each of these has a twin, as `branches-ignore`.
_FILTERS_WITH_IGNORE_VARIANT = ("branches", "tags", "paths", "workflows")


def event_unknown(workflow: Workflow) -> CheckOutcome:
    """An event that GitHub does not have."""
    for event in workflow.triggers:
        if event and event not in fact_row_by_name("github-events") and not is_text_with_expression(event):
            yield hit(workflow.trigger_span(event), event=event)


def event_filter_invalid(workflow: Workflow) -> CheckOutcome:
    """An activity type that the event has not, or a filter that it does not take or takes only alone.

    Low where GitHub passes the key over: a filter of other events, types of an event without any. Medium for a single type that
    never comes; high where it is the only one, and where GitHub refuses the file.
    """
    for event, trigger_settings in workflow.triggers.items():
        if not isinstance(trigger_settings, Map) or event not in fact_row_by_name("github-events"):
            continue
        yield from _activity_type_hits(event, trigger_settings)
        for base_filter in _FILTERS_WITH_IGNORE_VARIANT:
            supporting_events = events_with_filter(base_filter)
            present_filters = [name for name in (base_filter, f"{base_filter}-ignore") if name in trigger_settings]
            for name in present_filters:
                if event not in supporting_events:
                    supporting_events_text = join_names(supporting_events)
                    filter_span = trigger_settings.key_span(name)
                    yield hit(
                        filter_span,
                        severity=Severity.LOW,
                        say="filter",
                        event=event,
                        filter=name,
                        events=supporting_events_text,
                    )
            if len(present_filters) == 2 and event in supporting_events:
                last_filter = max(present_filters, key=lambda name: trigger_settings.key_span(name).start)
                yield hit(trigger_settings.key_span(last_filter), say="both", event=event, filter=base_filter)
        if event == "workflow_run" and "workflows" not in trigger_settings:
            yield hit(workflow.trigger_span(event), say="workflows")


def _activity_type_hits(event: str, trigger_settings: Map) -> Iterator[Hit]:
    event_facts = fact_row_by_name("github-events")[event]
    allowed_types, takes_any_type = event_facts.get("types", []), "any-type" in event_facts
    types_setting = trigger_settings.get("types")
    type_entries: list[tuple[Any, Any, Any]] = [(trigger_settings, "types", types_setting)] if isinstance(types_setting, str) else []
    if isinstance(types_setting, Seq):
        type_entries = [(types_setting, index, type_name) for index, type_name in enumerate(types_setting)]
    if type_entries and not allowed_types and not takes_any_type:
        yield hit(trigger_settings.key_span("types"), severity=Severity.LOW, say="no-types", event=event)
        return
    unknown_type_entries = [
        (parent_node, type_key, type_name)
        for parent_node, type_key, type_name in type_entries
        if not takes_any_type and isinstance(type_name, str) and type_name and type_name not in allowed_types
    ]
    severity = None if len(unknown_type_entries) == len(type_entries) else Severity.MEDIUM
    for parent_node, type_key, type_name in unknown_type_entries:
        allowed_types_text = join_names(allowed_types)
        yield hit(parent_node.at(type_key), severity=severity, say="type", event=event, type=type_name, allowed=allowed_types_text)


@functools.cache
def _known_time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


_ZONES_WITHOUT_PLACE = {"localtime", "Factory"}


def schedule_invalid(workflow: Workflow) -> CheckOutcome:
    """A schedule that is no cron expression, is shorter than GitHub runs, or has an unknown time zone."""
    schedule_entries = workflow.triggers.get("schedule")
    for schedule_entry in schedule_entries if isinstance(schedule_entries, Seq) else ():
        if not isinstance(schedule_entry, Map):
            continue
        yield from _cron_hits(schedule_entry)
        time_zone = schedule_entry.get("timezone")
        if time_zone in (None, "") or isinstance(time_zone, Map | Seq) or is_text_with_expression(time_zone):
            continue
        if _known_time_zones() and (time_zone not in _known_time_zones() or time_zone in _ZONES_WITHOUT_PLACE):
            yield hit(schedule_entry.at("timezone"), say="zone", zone=time_zone)


def _cron_hits(schedule_entry: Map) -> Iterator[Hit]:
    cron_text = schedule_entry.get("cron")
    if not isinstance(cron_text, str) or not cron_text.strip() or STARTER_WORKFLOW_PLACEHOLDER.match(cron_text):
        return
    try:
        shortest_interval = shortest_interval_minutes(cron_text)
    except CronError as error:
        yield hit(schedule_entry.at("cron"), say="cron", cron=cron_text, reason=str(error))
        return
    if shortest_interval < 5:
        yield hit(schedule_entry.at("cron"), say="interval", cron=cron_text, minutes=shortest_interval)


_MAX_DISPATCH_INPUTS = 25


def input_invalid(workflow: Workflow) -> CheckOutcome:
    """An input whose default is not of its type, whose options do not fit, or that is required and has a default."""
    for event in ("workflow_dispatch", "workflow_call"):
        declared_inputs = workflow.trigger_settings(event).get("inputs")
        if isinstance(declared_inputs, Map):
            for input_name, input_spec in declared_inputs.items():
                if isinstance(input_spec, Map):
                    yield from _input_hits(declared_inputs, input_name, input_spec, event)
            if event == "workflow_dispatch" and len(declared_inputs) > _MAX_DISPATCH_INPUTS:
                trigger_span = workflow.trigger_span(event)
                yield hit(trigger_span, say="count", count=len(declared_inputs), most=_MAX_DISPATCH_INPUTS)


def _input_hits(inputs: Map, input_name: str, input_spec: Map, event: str) -> Iterator[Hit]:
    input_type, default_value = input_spec.get("type"), input_spec.get("default")
    if event == "workflow_call" and input_spec.get("required") is True and "default" in input_spec:
        yield hit(input_spec.at("default"), say="required", input=input_name)
    if event == "workflow_dispatch":
        yield from _choice_option_hits(inputs, input_name, input_spec)
    if default_value is None or is_text_with_expression(default_value):
        return
    if input_type == "boolean" and default_value not in (True, False, "true", "false"):
        yield hit(input_spec.at("default"), say="boolean", input=input_name)
    if input_type == "number" and not _is_numeric(default_value):
        yield hit(input_spec.at("default"), say="number", input=input_name)


def _is_numeric(default_value: Any) -> bool:
    if isinstance(default_value, bool):
        return False
    try:
        float(default_value)
    except (TypeError, ValueError):
        return False
    return True


def _choice_option_hits(inputs: Map, input_name: str, input_spec: Map) -> Iterator[Hit]:
    options, input_type = input_spec.get("options"), input_spec.get("type")
    if input_type == "choice" and not options:
        yield hit(inputs.key_span(input_name), say="no-options", input=input_name)
    elif input_type != "choice" and options and (input_type is None or isinstance(input_type, str)):
        yield hit(input_spec.key_span("options"), say="options", input=input_name)
    if input_type != "choice" or not isinstance(options, Seq):
        return
    seen_options = set()
    for index, choice_option in enumerate(options):
        if isinstance(choice_option, str) and choice_option in seen_options:
            yield hit(options.at(index), say="repeated", input=input_name, option=choice_option)
        seen_options.add(choice_option if isinstance(choice_option, str) else None)
    default_value = input_spec.get("default")
    option_texts = {_input_value_text(choice_option) for choice_option in options}
    if (
        default_value is not None
        and not isinstance(default_value, Map | Seq)
        and _input_value_text(default_value) not in option_texts
        and default_value != ""
    ):
        yield hit(input_spec.at("default"), say="default", input=input_name)


def _input_value_text(option_value: Any) -> str:
    return str(option_value).lower() if isinstance(option_value, bool) else str(option_value)


_GLOB_FILTER_KEYS = (
    "branches",
    "branches-ignore",
    "tags",
    "tags-ignore",
    "paths",
    "paths-ignore",
    "versions",
)


def filter_pattern_invalid(workflow: Workflow, *, keys: Sequence[str] = _GLOB_FILTER_KEYS) -> CheckOutcome:
    """A filter whose pattern matches nothing or does not parse."""
    for trigger_settings in workflow.triggers.values():
        for filter_key in keys:
            filter_patterns = trigger_settings.get(filter_key) if isinstance(trigger_settings, Map) else None
            patterns_parent: Any = trigger_settings
            key_pattern_pairs: list[tuple[Any, Any]] = [(filter_key, filter_patterns)] if isinstance(filter_patterns, str) else []
            if isinstance(filter_patterns, Seq):
                patterns_parent, key_pattern_pairs = filter_patterns, list(enumerate(filter_patterns))
            for pattern_key, pattern in key_pattern_pairs:
                pattern_text = located_text_at(patterns_parent, pattern_key, workflow.source)
                if pattern_text is None or not pattern_text.value or STARTER_WORKFLOW_PLACEHOLDER.match(pattern_text.value):
                    continue
                pattern_flaw = _pattern_flaw(pattern_text.value, is_path_pattern=filter_key.startswith("paths"))
                if pattern_flaw is not None:
                    message_name, flaw_start, flaw_facts = pattern_flaw
                    flaw_end = len(pattern_text.value) if message_name == "blank" else flaw_start + 1
                    yield Hit(
                        pattern_text.span_of_part(flaw_start, flaw_end),
                        {"pattern": pattern, **flaw_facts},
                        message_name=message_name,
                    )


_PatternFlaw = tuple[str, int, dict[str, FactValue]]  # the name of its sentence, where it begins, its facts


def _pattern_flaw(pattern: str, *, is_path_pattern: bool) -> _PatternFlaw | None:
    """What keeps a pattern from matching anything."""
    if pattern != pattern.strip():
        return "blank", 0, {}
    pattern_body = pattern[1:] if pattern.startswith("!") else pattern
    if not pattern_body:
        return "exclamation", 0, {}
    if is_path_pattern and (pattern_body in (".", "..") or pattern_body.startswith(("./", "../"))):
        return "dot", 0, {}
    if not is_path_pattern and (pattern_body.startswith("/") or pattern_body.endswith(("/", "."))):
        return "slash", 0, {}
    return _pattern_syntax_flaw(pattern, is_path_pattern=is_path_pattern)


def _pattern_syntax_flaw(pattern: str, *, is_path_pattern: bool) -> _PatternFlaw | None:
    """The first character of a pattern that does not parse where it stands."""
    index = 1 if pattern.startswith("!") else 0
    previous_character = ""
    while index < len(pattern):
        character = pattern[index]
        token_length = 1
        if character == "\\":
            escaped_character = pattern[index + 1 : index + 2]
            if not escaped_character:
                return "backslash-last", index, {}
            if escaped_character not in "[?+*\\!":
                return "backslash", index, {"escaped": escaped_character}
            character, token_length = escaped_character, 2
        elif character == "[":
            bracket_end = pattern.find("]", index + 1)
            class_flaw = _character_class_flaw(pattern[index + 1 : bracket_end]) if bracket_end >= 0 else ("bracket", {})
            if class_flaw is not None:
                return class_flaw[0], index, class_flaw[1]
            character, token_length = "]", bracket_end + 1 - index
        elif character in "?+" and previous_character in ("", "*", "?", "+"):
            return "repeat", index, {"character": character}
        elif not is_path_pattern and character in " ~^:\t":
            return "character", index, {"character": character}
        previous_character = character
        index += token_length
    return None


def _character_class_flaw(character_class_text: str) -> tuple[str, dict[str, FactValue]] | None:
    """What is wrong between `[` and `]`."""
    if not character_class_text:
        return "no-class", {}
    index = 0
    while index < len(character_class_text):
        if character_class_text[index + 1 : index + 2] != "-":
            index += 1
            continue
        if index + 2 >= len(character_class_text):
            return "range-open", {}
        if character_class_text[index] > character_class_text[index + 2]:
            return "range-backwards", {"range": character_class_text[index : index + 3]}
        index += 3
    return None
