"""What may stand under `on`: events, their filters, and the inputs, secrets and outputs of calls.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.shapes import (
    Keys,
    Problem,
    boolean,
    items,
    mapping,
    one_of,
    place,
    repeats,
    scalar,
    text,
)
from readiness.syntax.yaml import Map, Seq

_INPUT_TYPES = ("string", "number", "boolean", "choice", "environment")

_DISPATCH_INPUT = Keys(
    "input {key}",
    {
        "description": scalar,
        "required": boolean,
        "default": scalar,
        "type": one_of(*_INPUT_TYPES),
        "options": items(text),
        "deprecationMessage": scalar,
    },
    optional=True,
)
_CALL_INPUT = Keys(
    "input {key}",
    {
        "description": scalar,
        "required": boolean,
        "default": scalar,
        "type": one_of("boolean", "number", "string"),
        "deprecationMessage": scalar,
    },
    required=("type",),
)
_CALL_SECRET = Keys("secret {key}", {"description": scalar, "required": boolean}, optional=True)
_CALL_OUTPUT = Keys("output {key}", {"description": scalar, "value": text}, required=("value",))
_WEBHOOK = Keys(
    "event {key}",
    {
        "types": items(text),
        "branches": items(text),
        "branches-ignore": items(text),
        "tags": items(text),
        "tags-ignore": items(text),
        "paths": items(text),
        "paths-ignore": items(text),
        "workflows": items(text),
    },
    optional=True,
)
_EVENTS: dict[str, Any] = {
    "schedule": items(
        Keys("the schedule", {"cron": text, "timezone": text}, required=("cron",)), single=False
    ),
    "workflow_dispatch": Keys(
        "workflow_dispatch", {"inputs": mapping(_DISPATCH_INPUT)}, optional=True
    ),
    "repository_dispatch": Keys("repository_dispatch", {"types": items(text)}, optional=True),
    "workflow_call": Keys(
        "workflow_call",
        {
            "inputs": mapping(_CALL_INPUT),
            "secrets": mapping(_CALL_SECRET),
            "outputs": mapping(_CALL_OUTPUT),
        },
        optional=True,
    ),
    "image_version": Keys(
        "image_version",
        {"names": items(text, single=False), "versions": items(text, single=False)},
        optional=True,
    ),
}


def on(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """What is wrong with the events of a workflow."""
    if isinstance(value, str) and value:
        if value == "schedule":
            yield Problem(
                "value", place(owner, key), "schedule has no cron; it takes a list of them"
            )
    elif isinstance(value, Seq):
        yield from items(text)(owner, key, value)
        for index, item in enumerate(value):
            if item == "schedule":
                yield Problem(
                    "value", value.at(index), "schedule has no cron; it takes a list of them"
                )
    elif isinstance(value, Map) and value:
        yield from repeats(value, fold=False)
        for name, item in value.items():
            yield from _EVENTS.get(name, _WEBHOOK)(value, name, item)
    else:
        yield Problem("value", place(owner, key), "no event starts the workflow: on is empty")
