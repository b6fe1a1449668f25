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
    accept_any_value,
    check_nonempty_scalar,
    check_scalar,
    make_enum_check,
    make_mapping_check,
    make_problem,
    value_or_key_span,
    wrong_type_problem,
)
from readiness.kinds.github.texts import is_text_with_expression
from readiness.model import CheckOutcome, Hit, Severity, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

_BRANDING_COLORS = "white black yellow blue green orange red purple gray-dark".split()


def _deprecation_message_problems(parent_node: Map | Seq, key: Any, deprecation_message: Any) -> Iterator[Problem]:
    if deprecation_message is None or (isinstance(deprecation_message, str) and not deprecation_message.strip()):
        yield make_problem("value", value_or_key_span(parent_node, key), "empty", key="deprecationMessage")


_ACTION_INPUT_SHAPE = MappingShape(
    "input {key}",
    {
        "description": check_scalar,
        "required": check_scalar,  # the runner takes yes and no here
        "default": check_scalar,
        "deprecationMessage": _deprecation_message_problems,
        "type": check_scalar,
        "options": accept_any_value,
    },
    may_be_empty=True,
)
_ACTION_OUTPUT_SHAPE = MappingShape("output {key}", {"description": check_scalar, "value": check_scalar}, may_be_empty=True)
_NODE_ACTION_KEYS = ("main", "pre", "pre-if", "post", "post-if")
_DOCKER_ACTION_KEYS = ("image", "pre-entrypoint", "entrypoint", "post-entrypoint", "args", "env")
_REQUIRED_KEYS_BY_RUNS_USING = {"composite": ("steps",), "docker": ("image",)}
_FILE_KEYS_BY_RUNS_USING = {"docker": ("pre-entrypoint", "entrypoint", "post-entrypoint")}


def _runs_problems(parent_node: Map | Seq, runs_key: Any, runs_value: Any) -> Iterator[Problem]:
    if not isinstance(runs_value, Map):
        yield wrong_type_problem(parent_node, runs_key, runs_value, "mapping")
        return
    runs_span = parent_node.key_span(runs_key) if isinstance(parent_node, Map) else parent_node.at(runs_key)
    runs_using = runs_value.get("using")
    if not isinstance(runs_using, str):
        yield make_problem("missing", runs_span, "lacks", thing="runs", key="using")
        return
    action_kind = runs_using if runs_using in ("composite", "docker") else "node"
    if runs_using not in ("composite", "docker", "node20", "node24"):
        yield make_problem("value", runs_value.at("using"), "using", using=runs_using)
    allowed_keys = {"composite": ("steps",), "docker": _DOCKER_ACTION_KEYS, "node": _NODE_ACTION_KEYS}[action_kind]
    shape_by_key = dict.fromkeys((*allowed_keys, "using", "plugin"), accept_any_value)
    yield from MappingShape(
        f"a {runs_using} action", shape_by_key, required=_REQUIRED_KEYS_BY_RUNS_USING.get(action_kind, ("main",))
    ).problems_inside(runs_value, runs_span)


_ACTION_SHAPE = MappingShape(
    "the action",
    {
        "name": check_nonempty_scalar,
        "author": check_scalar,
        "description": check_nonempty_scalar,
        "inputs": make_mapping_check(_ACTION_INPUT_SHAPE),
        "outputs": make_mapping_check(_ACTION_OUTPUT_SHAPE),
        "runs": _runs_problems,
        "branding": MappingShape(
            "branding",
            {"icon": check_scalar, "color": make_enum_check(*_BRANDING_COLORS)},
            may_be_empty=True,
        ),
    },
    required=("name", "description", "runs"),
)


_DISPLAY_ONLY_KEYS = frozenset({"name", "description"})
"""What only the Marketplace and readers ask for: a runner does without."""


def _is_ignored_by_runner(shape_problem: Problem, action_node: Map) -> bool:
    """Whether a runner does without or looks at nothing of it: keys that it does not know, but for those under `runs_span`.

    https://github.com/actions/runner/blob/main/src/Runner.Worker/action_yaml.json
    """
    if shape_problem.code != "unknown":
        problem_facts = shape_problem.facts
        is_missing_top_level_key = shape_problem.code == "missing" and problem_facts["thing"] == "the action"
        return is_missing_top_level_key and problem_facts["key"] in _DISPLAY_ONLY_KEYS
    runs_span = action_node.at("runs") if "runs" in action_node else None
    return runs_span is None or not runs_span.start <= shape_problem.span.start < runs_span.end


def action_metadata_invalid(action: Action, *, project: Project) -> CheckOutcome:
    """What GitHub refuses in an action's metadata, and files that it names and that are not there."""
    node = action.node
    first_key = next(iter(node), None)
    first_key_span = node.key_span(first_key) if first_key is not None else node.at()
    for shape_problem in _ACTION_SHAPE.problems_inside(node, first_key_span):
        severity = Severity.LOW if _is_ignored_by_runner(shape_problem, node) else None
        is_missing_key = shape_problem.code == "missing"
        yield Hit(shape_problem.span, shape_problem.facts, is_missing_key, severity=severity, message_name=shape_problem.say)
    runs_section = node.get("runs")
    action_folder = posixpath.dirname(action.source.path)
    if isinstance(runs_section, Map) and project.is_walked(action_folder):
        yield from _missing_file_hits(runs_section, action.using, action_folder, project)


def _missing_file_hits(runs_section: Map, runs_using: str, action_folder: str, project: Project) -> Iterator[Hit]:
    file_keys = _FILE_KEYS_BY_RUNS_USING.get(runs_using, ("main", "pre", "post") if runs_using.startswith("node") else ())
    for file_key in file_keys:
        file_path = runs_section.get(file_key)
        is_relative_path = isinstance(file_path, str) and file_path and not is_text_with_expression(file_path) and file_path[0] != "/"
        if is_relative_path and not project.was_path_seen(posixpath.join(action_folder, str(file_path))):
            yield hit(runs_section.at(file_key), say="file", file=str(file_path))
    image_setting = runs_section.get("image")
    is_local_dockerfile = runs_using == "docker" and isinstance(image_setting, str) and "Dockerfile" in image_setting and "://" not in image_setting
    if is_local_dockerfile and not project.was_path_seen(posixpath.join(action_folder, str(image_setting))):
        yield hit(runs_section.at("image"), say="file", file=str(image_setting))


def action_shell_missing(action: Action) -> CheckOutcome:
    """A `run` step of a composite action without a shell."""
    if action.using == "composite":
        for step in action.steps:
            if "run" in step.node and "shell" not in step.node:
                yield missing(step.node.key_span("run"), resource=step.resource, step=step.name)
