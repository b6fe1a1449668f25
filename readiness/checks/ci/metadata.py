"""`action.yml`: the keys that GitHub's metadata reference has, and the files that it names.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.model import Action
from readiness.kinds.github.shapes import (
    MappingShape,
    Problem,
    any_value,
    check_nonempty_scalar,
    check_scalar,
    enum_shape,
    mapping_shape,
    misfit,
    problem,
    value_span,
)
from readiness.kinds.github.texts import contains_expression
from readiness.model import CheckOutcome, Hit, Severity, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_BRANDING_COLORS = "white black yellow blue green orange red purple gray-dark".split()


def _check_deprecation_message(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if value is None or (isinstance(value, str) and not value.strip()):
        yield problem("value", value_span(owner, key), "empty", key="deprecationMessage")


_INPUT_SHAPE = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": check_scalar,  # the runner takes yes and no here
        "default": check_scalar,
        "deprecationMessage": _check_deprecation_message,
        "type": check_scalar,
        "options": any_value,
    },
    may_be_empty=True,
)
_OUTPUT_SHAPE = MappingShape("output {key}", {"description": check_scalar, "value": check_scalar}, may_be_empty=True)
_NODE_ACTION_KEYS = ("main", "pre", "pre-if", "post", "post-if")
_DOCKER_ACTION_KEYS = ("image", "pre-entrypoint", "entrypoint", "post-entrypoint", "args", "env")
_REQUIRED_KEYS_BY_USING = {"composite": ("steps",), "docker": ("image",)}
_FILE_KEYS_BY_USING = {"docker": ("pre-entrypoint", "entrypoint", "post-entrypoint")}


def _runs_problems(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping")
        return
    runs_using = value.get("using")
    if not isinstance(runs_using, str):
        yield problem("missing", owner.key(key), "lacks", thing="runs", key="using")
        return
    kind = runs_using if runs_using in ("composite", "docker") else "node"
    if runs_using not in ("composite", "docker", "node20", "node24"):
        yield problem("value", value.at("using"), "using", using=runs_using)
    own = {"composite": ("steps",), "docker": _DOCKER_ACTION_KEYS, "node": _NODE_ACTION_KEYS}[kind]
    shapes = dict.fromkeys((*own, "using", "plugin"), any_value)
    yield from MappingShape(
        f"a {runs_using} action", shapes, required=_REQUIRED_KEYS_BY_USING.get(kind, ("main",))
    ).problems_inside(value, owner.key_span(key))


_ACTION_SHAPE = MappingShape(
    "the action",
    {
        "name": check_nonempty_scalar,
        "author": check_scalar,
        "description": check_nonempty_scalar,
        "inputs": mapping_shape(_INPUT_SHAPE),
        "outputs": mapping_shape(_OUTPUT_SHAPE),
        "runs": _runs_problems,
        "branding": MappingShape(
            "branding",
            {"icon": check_scalar, "color": enum_shape(*_BRANDING_COLORS)},
            may_be_empty=True,
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


def action_metadata_invalid(action: Action, *, project: Project) -> CheckOutcome:
    """What GitHub refuses in an action's metadata, and files that it names and that are not there."""
    node = action.node
    first = next(iter(node), None)
    grip = node.key_span(first) if first is not None else node.at()
    for found in _ACTION_SHAPE.problems_inside(node, grip):
        severity = Severity.LOW if _is_passed_over(found, node) else None
        absent = found.code == "missing"
        yield Hit(found.span, found.facts, absent, severity=severity, message_name=found.say)
    runs = node.get("runs")
    folder = posixpath.dirname(action.source.path)
    if isinstance(runs, Map) and project.is_walked(folder):
        yield from _missing_file(runs, action.using, folder, project)


def _missing_file(runs: Map, runs_using: str, folder: str, project: Project) -> Iterator[Hit]:
    names = _FILE_KEYS_BY_USING.get(runs_using, ("main", "pre", "post") if runs_using.startswith("node") else ())
    for name in names:
        value = runs.get(name)
        plain = isinstance(value, str) and value and not contains_expression(value) and value[0] != "/"
        if plain and not project.was_path_seen(posixpath.join(folder, str(value))):
            yield hit(runs.at(name), say="file", file=str(value))
    image = runs.get("image")
    own = runs_using == "docker" and isinstance(image, str) and "Dockerfile" in image and "://" not in image
    if own and not project.was_path_seen(posixpath.join(folder, str(image))):
        yield hit(runs.at("image"), say="file", file=str(image))


def action_shell_missing(action: Action) -> CheckOutcome:
    """A `run` step of a composite action without a shell."""
    if action.using == "composite":
        for step in action.steps:
            if "run" in step.node and "shell" not in step.node:
                yield missing(step.node.key_span("run"), resource=step.resource, step=step.name)
