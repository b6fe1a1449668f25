"""What may stand under `on`: events, their filters, and the inputs, secrets and outputs of calls.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.shapes import (
    KeysShape,
    Problem,
    boolean_shape,
    choice_shape,
    enum_shape,
    list_shape,
    mapping_shape,
    problem,
    repeated_keys,
    scalar_shape,
    text_shape,
    value_span,
)
from readiness.syntax.yaml import Map, Seq

_INPUT_TYPES = ("string", "number", "boolean", "choice", "environment")

_DISPATCH_INPUT = KeysShape(
    "input {key}",
    {
        "description": scalar_shape,
        "required": boolean_shape,
        "default": scalar_shape,
        "type": enum_shape(*_INPUT_TYPES),
        "options": list_shape(choice_shape),
        "deprecationMessage": scalar_shape,
    },
    optional=True,
)
_CALL_INPUT = KeysShape(
    "input {key}",
    {
        "description": scalar_shape,
        "required": boolean_shape,
        "default": scalar_shape,
        "type": enum_shape("boolean", "number", "string"),
        "deprecationMessage": scalar_shape,
    },
    required=("type",),
)
_CALL_SECRET = KeysShape(
    "secret {key}", {"description": scalar_shape, "required": boolean_shape}, optional=True
)
_CALL_OUTPUT = KeysShape(
    "output {key}", {"description": scalar_shape, "value": text_shape}, required=("value",)
)
_WEBHOOK = KeysShape(
    "event {key}",
    {
        "types": list_shape(text_shape),
        "branches": list_shape(text_shape),
        "branches-ignore": list_shape(text_shape),
        "tags": list_shape(text_shape),
        "tags-ignore": list_shape(text_shape),
        "paths": list_shape(text_shape),
        "paths-ignore": list_shape(text_shape),
        "workflows": list_shape(text_shape),
    },
    optional=True,
)
_EVENTS: dict[str, Any] = {
    "schedule": list_shape(
        KeysShape("the schedule", {"cron": text_shape, "timezone": text_shape}, required=("cron",)),
        single=False,
    ),
    "workflow_dispatch": KeysShape(
        "workflow_dispatch", {"inputs": mapping_shape(_DISPATCH_INPUT)}, optional=True
    ),
    "repository_dispatch": KeysShape(
        "repository_dispatch", {"types": list_shape(text_shape)}, optional=True
    ),
    "workflow_call": KeysShape(
        "workflow_call",
        {
            "inputs": mapping_shape(_CALL_INPUT),
            "secrets": mapping_shape(_CALL_SECRET),
            "outputs": mapping_shape(_CALL_OUTPUT),
        },
        optional=True,
    ),
    "image_version": KeysShape(
        "image_version",
        {
            "names": list_shape(text_shape, single=False),
            "versions": list_shape(text_shape, single=False),
        },
        optional=True,
    ),
}


def on_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """What is wrong with the events of a workflow."""
    if isinstance(value, str) and value:
        if value == "schedule":
            yield problem("value", value_span(owner, key), "schedule")
    elif isinstance(value, Seq):
        yield from list_shape(text_shape)(owner, key, value)
        for index, item in enumerate(value):
            if item == "schedule":
                yield problem("value", value.at(index), "schedule")
    elif isinstance(value, Map) and value:
        yield from repeated_keys(value, fold=False)
        for name, item in value.items():
            yield from _EVENTS.get(name, _WEBHOOK)(value, name, item)
    else:
        yield problem("value", value_span(owner, key), "no-event")
