"""`action.yml`: the keys that GitHub's metadata reference has, and the files that it names.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.model import Action
from readiness.kinds.github.shapes import (
    KeysShape,
    Problem,
    any_value,
    enum_shape,
    mapping_shape,
    misfit,
    problem,
    scalar_shape,
    text_shape,
    value_span,
)
from readiness.kinds.github.texts import is_expression
from readiness.model import Hit, Outcome, Severity, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_COLORS = "white black yellow blue green orange red purple gray-dark".split()


def _problem_text(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if value is None or (isinstance(value, str) and not value.strip()):
        yield problem("value", value_span(owner, key), "empty", key="deprecationMessage")


_INPUT = KeysShape(
    "input {key}",
    {
        "description": scalar_shape,
        "required": scalar_shape,  # the runner takes yes and no here
        "default": scalar_shape,
        "deprecationMessage": _problem_text,
        "type": scalar_shape,
        "options": any_value,
    },
    optional=True,
)
_OUTPUT = KeysShape(
    "output {key}", {"description": scalar_shape, "value": scalar_shape}, optional=True
)
_SCRIPT = ("main", "pre", "pre-if", "post", "post-if")
_IMAGE = ("image", "pre-entrypoint", "entrypoint", "post-entrypoint", "args", "env")
_NEEDS = {"composite": ("steps",), "docker": ("image",)}
_FILES = {"docker": ("pre-entrypoint", "entrypoint", "post-entrypoint")}


def _runs_problems(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping")
        return
    using = value.get("using")
    if not isinstance(using, str):
        yield problem("missing", owner.key(key), "lacks", thing="runs", key="using")
        return
    kind = using if using in ("composite", "docker") else "node"
    if using not in ("composite", "docker", "node20", "node24"):
        yield problem("value", value.at("using"), "using", using=using)
    own = {"composite": ("steps",), "docker": _IMAGE, "node": _SCRIPT}[kind]
    shapes = dict.fromkeys((*own, "using", "plugin"), any_value)
    yield from KeysShape(
        f"a {using} action", shapes, required=_NEEDS.get(kind, ("main",))
    ).problems_inside(value, owner.key(key))


_ACTION = KeysShape(
    "the action",
    {
        "name": text_shape,
        "author": scalar_shape,
        "description": text_shape,
        "inputs": mapping_shape(_INPUT),
        "outputs": mapping_shape(_OUTPUT),
        "runs": _runs_problems,
        "branding": KeysShape(
            "branding", {"icon": scalar_shape, "color": enum_shape(*_COLORS)}, optional=True
        ),
    },
    required=("name", "description", "runs"),
)


_SHOWN_ONLY = frozenset({"name", "description"})
"""What only the Marketplace and readers ask for: a runner does without."""


def _is_passed_over(found: Problem, action: Map) -> bool:
    """Whether a runner does without or looks at nothing of it: keys that it does not know, but for those under `runs`.

    https://github.com/actions/runner/blob/main/src/Runner.Worker/action_yaml.json
    """
    if found.code != "unknown":
        facts = found.facts
        own = found.code == "missing" and facts["thing"] == "the action"
        return own and facts["key"] in _SHOWN_ONLY
    runs = action.at("runs") if "runs" in action else None
    return runs is None or not runs.start <= found.span.start < runs.end


def action_metadata_invalid(action: Action, *, project: Project) -> Outcome:
    """What GitHub refuses in an action's metadata, and files that it names and that are not there."""
    node = action.node
    first = next(iter(node), None)
    grip = node.key(first) if first is not None else node.at()
    for found in _ACTION.problems_inside(node, grip):
        severity = Severity.LOW if _is_passed_over(found, node) else None
        absent = found.code == "missing"
        yield Hit(found.span, found.facts, absent, severity=severity, say=found.say)
    runs = node.get("runs")
    folder = posixpath.dirname(action.source.path)
    if isinstance(runs, Map) and project.is_walked(folder):
        yield from _missing_file(runs, action.using, folder, project)


def _missing_file(runs: Map, using: str, folder: str, project: Project) -> Iterator[Hit]:
    names = _FILES.get(using, ("main", "pre", "post") if using.startswith("node") else ())
    for name in names:
        value = runs.get(name)
        plain = isinstance(value, str) and value and not is_expression(value) and value[0] != "/"
        if plain and not project.exists(posixpath.join(folder, str(value))):
            yield hit(runs.at(name), say="file", file=str(value))
    image = runs.get("image")
    own = (
        using == "docker"
        and isinstance(image, str)
        and "Dockerfile" in image
        and "://" not in image
    )
    if own and not project.exists(posixpath.join(folder, str(image))):
        yield hit(runs.at("image"), say="file", file=str(image))


def action_shell_missing(action: Action) -> Outcome:
    """A `run` step of a composite action without a shell."""
    if action.using == "composite":
        for step in action.steps:
            if "run" in step.node and "shell" not in step.node:
                yield missing(step.node.key("run"), resource=step.resource, step=step.name)
