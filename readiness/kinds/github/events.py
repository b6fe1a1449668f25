"""What may stand under `on`: events, their filters, and the inputs, secrets and outputs of calls.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.kinds.github.shapes import (
    MappingShape,
    Problem,
    check_boolean,
    check_nonempty_scalar,
    check_scalar,
    check_scalar_or_empty_string,
    make_enum_check,
    make_list_check,
    make_mapping_check,
    make_problem,
    repeated_key_problems,
    value_or_key_span,
)
from readiness.syntax.yaml import Map, Seq

_DISPATCH_INPUT_TYPES = ("string", "number", "boolean", "choice", "environment")

_DISPATCH_INPUT_SHAPE = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": check_boolean,
        "default": check_scalar,
        "type": make_enum_check(*_DISPATCH_INPUT_TYPES),
        "options": make_list_check(check_scalar_or_empty_string),
        "deprecationMessage": check_scalar,
    },
    may_be_empty=True,
)
_CALL_INPUT_SHAPE = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": check_boolean,
        "default": check_scalar,
        "type": make_enum_check("boolean", "number", "string"),
        "deprecationMessage": check_scalar,
    },
    required=("type",),
)
_CALL_SECRET_SHAPE = MappingShape("secret {key}", {"description": check_scalar, "required": check_boolean}, may_be_empty=True)
_CALL_OUTPUT_SHAPE = MappingShape(
    "output {key}",
    {"description": check_scalar, "value": check_nonempty_scalar},
    required=("value",),
)
_WEBHOOK_EVENT_SHAPE = MappingShape(
    "event {key}",
    {
        "types": make_list_check(check_nonempty_scalar),
        "branches": make_list_check(check_nonempty_scalar),
        "branches-ignore": make_list_check(check_nonempty_scalar),
        "tags": make_list_check(check_nonempty_scalar),
        "tags-ignore": make_list_check(check_nonempty_scalar),
        "paths": make_list_check(check_nonempty_scalar),
        "paths-ignore": make_list_check(check_nonempty_scalar),
        "workflows": make_list_check(check_nonempty_scalar),
    },
    may_be_empty=True,
)
_SHAPE_BY_EVENT: dict[str, Any] = {
    "schedule": make_list_check(
        MappingShape(
            "the schedule",
            {"cron": check_nonempty_scalar, "timezone": check_nonempty_scalar},
            required=("cron",),
        ),
        may_be_single=False,
    ),
    "workflow_dispatch": MappingShape("workflow_dispatch", {"inputs": make_mapping_check(_DISPATCH_INPUT_SHAPE)}, may_be_empty=True),
    "repository_dispatch": MappingShape("repository_dispatch", {"types": make_list_check(check_nonempty_scalar)}, may_be_empty=True),
    "workflow_call": MappingShape(
        "workflow_call",
        {
            "inputs": make_mapping_check(_CALL_INPUT_SHAPE),
            "secrets": make_mapping_check(_CALL_SECRET_SHAPE),
            "outputs": make_mapping_check(_CALL_OUTPUT_SHAPE),
        },
        may_be_empty=True,
    ),
    "image_version": MappingShape(
        "image_version",
        {
            "names": make_list_check(check_nonempty_scalar, may_be_single=False),
            "versions": make_list_check(check_nonempty_scalar, may_be_single=False),
        },
        may_be_empty=True,
    ),
}


def check_on_value(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """What is wrong with the events of a workflow."""
    if isinstance(value, str) and value:
        if value == "schedule":
            yield make_problem("value", value_or_key_span(owner, key), "schedule")
    elif isinstance(value, Seq):
        yield from make_list_check(check_nonempty_scalar)(owner, key, value)
        for event_index, event_item in enumerate(value):
            if event_item == "schedule":
                yield make_problem("value", value.at(event_index), "schedule")
    elif isinstance(value, Map) and value:
        yield from repeated_key_problems(value, ignore_case=False)
        for event_name, event_item in value.items():
            if event_name not in fact_row_by_name("github-events"):
                continue  # told as such: an event that GitHub has not has no shape
            yield from _SHAPE_BY_EVENT.get(event_name, _WEBHOOK_EVENT_SHAPE)(value, event_name, event_item)
    else:
        yield make_problem("value", value_or_key_span(owner, key), "no-event")
