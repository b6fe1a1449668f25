"""What may stand under `on`: events, their filters, and the inputs, secrets and outputs of calls.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.shapes import (
    MappingShape,
    Problem,
    boolean_shape,
    check_nonempty_scalar,
    check_scalar,
    choice_shape,
    enum_shape,
    list_shape,
    mapping_shape,
    problem,
    repeated_keys,
    value_span,
)
from readiness.syntax.yaml import Map, Seq

_INPUT_TYPES = ("string", "number", "boolean", "choice", "environment")

_DISPATCH_INPUT = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": boolean_shape,
        "default": check_scalar,
        "type": enum_shape(*_INPUT_TYPES),
        "options": list_shape(choice_shape),
        "deprecationMessage": check_scalar,
    },
    may_be_empty=True,
)
_CALL_INPUT = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": boolean_shape,
        "default": check_scalar,
        "type": enum_shape("boolean", "number", "string"),
        "deprecationMessage": check_scalar,
    },
    required=("type",),
)
_CALL_SECRET = MappingShape("secret {key}", {"description": check_scalar, "required": boolean_shape}, may_be_empty=True)
_CALL_OUTPUT = MappingShape(
    "output {key}",
    {"description": check_scalar, "value": check_nonempty_scalar},
    required=("value",),
)
_WEBHOOK_EVENT_SHAPE = MappingShape(
    "event {key}",
    {
        "types": list_shape(check_nonempty_scalar),
        "branches": list_shape(check_nonempty_scalar),
        "branches-ignore": list_shape(check_nonempty_scalar),
        "tags": list_shape(check_nonempty_scalar),
        "tags-ignore": list_shape(check_nonempty_scalar),
        "paths": list_shape(check_nonempty_scalar),
        "paths-ignore": list_shape(check_nonempty_scalar),
        "workflows": list_shape(check_nonempty_scalar),
    },
    may_be_empty=True,
)
_SHAPE_BY_EVENT: dict[str, Any] = {
    "schedule": list_shape(
        MappingShape(
            "the schedule",
            {"cron": check_nonempty_scalar, "timezone": check_nonempty_scalar},
            required=("cron",),
        ),
        may_be_single=False,
    ),
    "workflow_dispatch": MappingShape("workflow_dispatch", {"inputs": mapping_shape(_DISPATCH_INPUT)}, may_be_empty=True),
    "repository_dispatch": MappingShape("repository_dispatch", {"types": list_shape(check_nonempty_scalar)}, may_be_empty=True),
    "workflow_call": MappingShape(
        "workflow_call",
        {
            "inputs": mapping_shape(_CALL_INPUT),
            "secrets": mapping_shape(_CALL_SECRET),
            "outputs": mapping_shape(_CALL_OUTPUT),
        },
        may_be_empty=True,
    ),
    "image_version": MappingShape(
        "image_version",
        {
            "names": list_shape(check_nonempty_scalar, may_be_single=False),
            "versions": list_shape(check_nonempty_scalar, may_be_single=False),
        },
        may_be_empty=True,
    ),
}


def on_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """What is wrong with the events of a workflow."""
    if isinstance(value, str) and value:
        if value == "schedule":
            yield problem("value", value_span(owner, key), "schedule")
    elif isinstance(value, Seq):
        yield from list_shape(check_nonempty_scalar)(owner, key, value)
        for index, item in enumerate(value):
            if item == "schedule":
                yield problem("value", value.at(index), "schedule")
    elif isinstance(value, Map) and value:
        yield from repeated_keys(value, ignore_case=False)
        for name, item in value.items():
            yield from _SHAPE_BY_EVENT.get(name, _WEBHOOK_EVENT_SHAPE)(value, name, item)
    else:
        yield problem("value", value_span(owner, key), "no-event")
