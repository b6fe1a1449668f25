"""The keys and values of a workflow, as GitHub's syntax reference has them.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.checks.ci.triggers import event_filter_invalid
from readiness.kinds.github.events import on_shape
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.shapes import (
    STARTER_WORKFLOW_PLACEHOLDER,
    MappingShape,
    Problem,
    ShapeCheck,
    any_value,
    boolean_shape,
    check_nonempty_scalar,
    check_positive_integer,
    check_positive_number,
    check_scalar,
    either_shape,
    list_shape,
    mapping_shape,
    misfit,
    problem,
    value_span,
)
from readiness.kinds.github.texts import contains_expression, texts_below
from readiness.model import CheckOutcome, Hit, Severity, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq, walk_containers

_ENV_SHAPE = mapping_shape(check_scalar, may_be_expression=True)
_DEFAULTS_RUN_SHAPE = MappingShape("defaults.run", {"shell": check_nonempty_scalar, "working-directory": check_nonempty_scalar})
_DEFAULTS_SHAPE = MappingShape("defaults", {"run": _DEFAULTS_RUN_SHAPE}, required=("run",))
_CONCURRENCY_SHAPE = either_shape(
    check_nonempty_scalar,
    MappingShape(
        "concurrency",
        {
            "group": check_nonempty_scalar,
            "cancel-in-progress": boolean_shape,
            "queue": check_scalar,
        },
        required=("group",),
    ),
)


def _check_permissions_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield misfit(owner, key, value, "mapping")
    elif isinstance(value, Map):
        yield from mapping_shape(check_nonempty_scalar)(owner, key, value)


def _check_credentials_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from MappingShape(
        "credentials",
        {"username": check_scalar, "password": check_scalar},
        required=("username", "password"),
        may_be_expression=True,
    )(owner, key, value)


_CONTAINER_KEYS = {
    "image": check_scalar,
    "credentials": _check_credentials_shape,
    "env": _ENV_SHAPE,
    "ports": list_shape(check_nonempty_scalar, may_be_single=False, may_be_empty=True),
    "volumes": list_shape(check_nonempty_scalar, may_be_single=False, may_be_empty=True),
    "options": check_scalar,
}
_CONTAINER_SHAPE = either_shape(
    check_scalar,
    MappingShape("the container", {**_CONTAINER_KEYS, "image": check_nonempty_scalar}, required=("image",)),
)
_SERVICE_SHAPE = either_shape(
    check_nonempty_scalar,
    MappingShape(
        "service {key}",
        {**_CONTAINER_KEYS, "entrypoint": check_scalar, "command": check_scalar},
        required=("image",),
    ),
)


def _check_services_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from mapping_shape(_SERVICE_SHAPE, may_be_expression=True)(owner, key, value)


def _check_environment_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    shape = MappingShape(
        "environment",
        {"name": check_nonempty_scalar, "url": check_scalar, "deployment": boolean_shape},
        required=("name",),
    )
    yield from either_shape(check_nonempty_scalar, shape)(owner, key, value)


def _check_matrix_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if contains_expression(value) or (isinstance(value, str) and STARTER_WORKFLOW_PLACEHOLDER.match(value)):
        return
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping")
        return
    row = list_shape(any_value, may_be_single=False)
    combinations = list_shape(mapping_shape(any_value, may_be_expression=True), may_be_single=False)
    for name, item in value.items():
        yield from (combinations if name in ("include", "exclude") else row)(value, name, item)
    yield from MappingShape("matrix", dict.fromkeys(value, any_value)).problems_inside(value, value.at())


_STRATEGY_SHAPE = MappingShape(
    "strategy",
    {
        "matrix": _check_matrix_shape,
        "fail-fast": boolean_shape,
        "max-parallel": check_positive_integer,
    },
    may_be_expression=True,
)


def _check_runs_on_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    label = list_shape(check_nonempty_scalar)
    if isinstance(value, Map):
        yield from MappingShape("runs-on", {"group": check_nonempty_scalar, "labels": label})(owner, key, value)
        if not value:
            yield problem("value", value_span(owner, key), "empty", key="runs-on")
    else:
        yield from label(owner, key, value)


_SNAPSHOT_KEYS = MappingShape(
    "snapshot",
    {"image-name": check_nonempty_scalar, "version": check_nonempty_scalar, "if": check_scalar},
    required=("image-name",),
)


def _check_snapshot_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield problem("value", value_span(owner, key), "snapshot")
        return
    yield from either_shape(check_nonempty_scalar, _SNAPSHOT_KEYS)(owner, key, value)


_COMMON_STEP = {
    "id": check_nonempty_scalar,
    "if": check_scalar,
    "name": check_scalar,
    "env": _ENV_SHAPE,
    "continue-on-error": boolean_shape,
    "timeout-minutes": check_positive_number,
}
_WITH_SHAPE = mapping_shape(check_scalar, may_be_empty=False, may_be_expression=True)
_BACKGROUND_STEP_KEYS = {"background": boolean_shape}
_RUN_STEP = MappingShape(
    "a step with run",
    {
        **_COMMON_STEP,
        **_BACKGROUND_STEP_KEYS,
        "run": check_scalar,
        "shell": check_nonempty_scalar,
        "working-directory": check_nonempty_scalar,
    },
)
_USES_STEP = MappingShape(
    "a step with uses",
    {**_COMMON_STEP, **_BACKGROUND_STEP_KEYS, "uses": check_nonempty_scalar, "with": _WITH_SHAPE},
)
_OTHER_STEPS = ("parallel", "wait", "wait-all", "cancel")


def _check_step_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping", "a step")
        return
    if any(name in value for name in _OTHER_STEPS):
        return
    run, uses = "run" in value, "uses" in value
    if run and uses:
        late = next(name for name in reversed(list(value)) if name in ("run", "uses"))
        yield problem("unknown", value.key_span(late), "both")
    elif not run and not uses:
        yield problem("missing", value.at(), "neither")
        known = {**_RUN_STEP.shape_by_key, **_USES_STEP.shape_by_key}
        yield from MappingShape("a step", known).problems_inside(value, value.at())
    else:
        yield from (_RUN_STEP if run else _USES_STEP).problems_inside(value, value.at())


_SECRETS_SHAPE = mapping_shape(check_scalar)


def _check_secrets_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and value and not contains_expression(value):
        if value != "inherit":
            yield problem("value", value_span(owner, key), "secrets")
        return
    yield from _SECRETS_SHAPE(owner, key, value)


_CALL_JOB: dict[str, ShapeCheck] = {
    "name": check_scalar,
    "uses": check_nonempty_scalar,
    "with": mapping_shape(check_scalar),
    "secrets": _check_secrets_shape,
    "needs": list_shape(check_nonempty_scalar),
    "if": check_scalar,
    "permissions": _check_permissions_shape,
    "strategy": _STRATEGY_SHAPE,
    "concurrency": _CONCURRENCY_SHAPE,
}
_SHAPE_BY_JOB_KEY: dict[str, ShapeCheck] = {
    "name": check_scalar,
    "needs": list_shape(check_nonempty_scalar),
    "runs-on": _check_runs_on_shape,
    "permissions": _check_permissions_shape,
    "environment": _check_environment_shape,
    "concurrency": _CONCURRENCY_SHAPE,
    "outputs": mapping_shape(check_scalar),
    "env": _ENV_SHAPE,
    "defaults": _DEFAULTS_SHAPE,
    "if": check_scalar,
    "steps": list_shape(_check_step_shape, may_be_single=False),
    "timeout-minutes": check_positive_number,
    "strategy": _STRATEGY_SHAPE,
    "continue-on-error": boolean_shape,
    "container": _CONTAINER_SHAPE,
    "services": _check_services_shape,
    "snapshot": _check_snapshot_shape,
}


def _check_job_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Map) and "uses" in value:
        extra = {name for name in _SHAPE_BY_JOB_KEY if name in value and name not in _CALL_JOB}
        known = {**_CALL_JOB, **dict.fromkeys(extra, any_value)}
        yield from MappingShape("job {key}", known)(owner, key, value)
        for name in sorted(extra):
            yield problem("unknown", value.key_span(name), "steps-only", job=str(key), name=name)
        return
    calling = {name for name in ("with", "secrets") if isinstance(value, Map) and name in value}
    known = {**_SHAPE_BY_JOB_KEY, **dict.fromkeys(calling, any_value)}
    yield from MappingShape("job {key}", known, required=("runs-on", "steps"))(owner, key, value)
    if isinstance(value, Map):
        for name in sorted(calling):
            yield problem("unknown", value.key_span(name), "no-workflow", job=str(key), name=name)


_WORKFLOW_SHAPE = MappingShape(
    "the workflow",
    {
        "name": check_scalar,
        "run-name": check_scalar,
        "on": on_shape,
        "permissions": _check_permissions_shape,
        "env": _ENV_SHAPE,
        "defaults": _DEFAULTS_SHAPE,
        "concurrency": _CONCURRENCY_SHAPE,
        "jobs": mapping_shape(_check_job_shape, may_be_empty=False),
    },
    required=("on", "jobs"),
)


def _yaml_tag_problems(workflow: Workflow) -> Iterator[Problem]:
    """`if: !cancelled()`: what YAML reads as a tag, so that the condition is gone."""
    text = workflow.source.text
    for way, found in texts_below(workflow.node, workflow.source):
        at = found.span.start
        if text[at : at + 1] == "!" and text[at : at + 2] != "!!":
            tag = text[at : found.span.end].split("\n", 1)[0]
            yield problem("value", found.span, "tag", key=str(way[-1]), tag=tag)


def _merge_key_problems(workflow: Workflow) -> Iterator[Problem]:
    """`<<: *base`: GitHub knows anchors and aliases, and takes the merge key for a key like any other."""
    for node in walk_containers(workflow.node):
        if isinstance(node, Map) and node.merged:
            start = workflow.source.text.find("<<", node.at().start, node.at().end)
            span = Span(start, start + 2) if start >= 0 else node.at()
            yield problem("unknown", span, "merge-key")


def _schema_problems(workflow: Workflow, _: Project) -> tuple[Problem, ...]:
    """What GitHub's parser refuses of a workflow."""
    node = workflow.node
    first = next(iter(node), None)
    grip = node.key_span(first) if first is not None else node.at()
    found = (
        *_WORKFLOW_SHAPE.problems_inside(node, grip),
        *_yaml_tag_problems(workflow),
        *_merge_key_problems(workflow),
    )
    return tuple(problem for problem in found if not _is_excused(problem, node))


def _is_excused(found: Problem, workflow: Map) -> bool:
    """Whether a key is the workflow's own (`x-...`), or `on`, which another loader of YAML reads as true."""
    name, thing = str(found.facts.get("name", "")), found.facts.get("thing")
    if found.say == "unknown":
        return (name == "true" and "on" not in workflow) or (name.startswith("x-") and thing == "the workflow")
    lacks_on = found.say == "lacks" and thing == "the workflow" and found.facts["key"] == "on"
    return lacks_on and "true" in workflow


# What GitHub passes over below `on`, and runs the workflow: keys that it does not know, filters with nothing in them.
_PROBLEM_CODES_RUNNER_IGNORES = frozenset({"unknown", "empty"})


def _problems(workflow: Workflow, project: Project, code: str) -> CheckOutcome:
    triggers = workflow.node.at("on")
    for found in project.memoize_for_subject(_schema_problems, workflow):
        if found.code == code:
            below_on = triggers.start <= found.span.start < triggers.end
            severity = Severity.LOW if below_on and found.say in _PROBLEM_CODES_RUNNER_IGNORES else None
            yield Hit(
                found.span,
                found.facts,
                is_missing=code == "missing",
                severity=severity,
                message_name=found.say,
            )


def workflow_key_missing(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key that GitHub requires is not there; nothing is said of a workflow that is all comments: somebody switched it off."""
    if not workflow.node and "#" in workflow.source.text:
        return
    yield from _problems(workflow, project, "missing")


def workflow_key_repeated(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key stands twice, or differs from another one only in its case."""
    yield from _problems(workflow, project, "repeated")


def workflow_key_unknown(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key that GitHub does not know there; of a filter that only other events have `event_filter_invalid` tells."""
    filters = {found.span for found in event_filter_invalid(workflow) if isinstance(found, Hit)}
    for found in _problems(workflow, project, "unknown"):
        if not isinstance(found, Hit) or found.span not in filters:
            yield found


def workflow_value_invalid(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A value of another kind than its key takes."""
    yield from _problems(workflow, project, "value")
