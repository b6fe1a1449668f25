"""The keys and values of a workflow, as GitHub's syntax reference has them.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.checks.ci.triggers import event_filter_invalid
from readiness.kinds.github.events import check_on_value
from readiness.kinds.github.model import Workflow, texts_with_key_paths
from readiness.kinds.github.shapes import (
    STARTER_WORKFLOW_PLACEHOLDER,
    MappingShape,
    Problem,
    ShapeCheck,
    accept_any_value,
    check_boolean,
    check_nonempty_scalar,
    check_positive_integer,
    check_positive_number,
    check_scalar,
    make_list_check,
    make_mapping_check,
    make_problem,
    make_scalar_or_mapping_check,
    value_or_key_span,
    wrong_type_problem,
)
from readiness.kinds.github.texts import is_text_with_expression
from readiness.model import CheckOutcome, Hit, Severity, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq, walk_containers

_ENV_SHAPE = make_mapping_check(check_scalar, may_be_expression=True)
_DEFAULTS_RUN_SHAPE = MappingShape("defaults.run", {"shell": check_nonempty_scalar, "working-directory": check_nonempty_scalar})
_DEFAULTS_SHAPE = MappingShape("defaults", {"run": _DEFAULTS_RUN_SHAPE}, required=("run",))
_CONCURRENCY_SHAPE = make_scalar_or_mapping_check(
    check_nonempty_scalar,
    MappingShape(
        "concurrency",
        {
            "group": check_nonempty_scalar,
            "cancel-in-progress": check_boolean,
            "queue": check_scalar,
        },
        required=("group",),
    ),
)


def _permissions_problems(parent_node: Map | Seq, key: Any, permissions: Any) -> Iterator[Problem]:
    if isinstance(permissions, Seq):
        yield wrong_type_problem(parent_node, key, permissions, "mapping")
    elif isinstance(permissions, Map):
        yield from make_mapping_check(check_nonempty_scalar)(parent_node, key, permissions)


def _credentials_problems(parent_node: Map | Seq, key: Any, credentials: Any) -> Iterator[Problem]:
    yield from MappingShape(
        "credentials",
        {"username": check_scalar, "password": check_scalar},
        required=("username", "password"),
        may_be_expression=True,
    )(parent_node, key, credentials)


_SHAPE_BY_CONTAINER_KEY = {
    "image": check_scalar,
    "credentials": _credentials_problems,
    "env": _ENV_SHAPE,
    "ports": make_list_check(check_nonempty_scalar, may_be_single=False, may_be_empty=True),
    "volumes": make_list_check(check_nonempty_scalar, may_be_single=False, may_be_empty=True),
    "options": check_scalar,
}
_CONTAINER_SHAPE = make_scalar_or_mapping_check(
    check_scalar,
    MappingShape("the container", {**_SHAPE_BY_CONTAINER_KEY, "image": check_nonempty_scalar}, required=("image",)),
)
_SERVICE_SHAPE = make_scalar_or_mapping_check(
    check_nonempty_scalar,
    MappingShape(
        "service {key}",
        {**_SHAPE_BY_CONTAINER_KEY, "entrypoint": check_scalar, "command": check_scalar},
        required=("image",),
    ),
)


def _services_problems(parent_node: Map | Seq, key: Any, services: Any) -> Iterator[Problem]:
    yield from make_mapping_check(_SERVICE_SHAPE, may_be_expression=True)(parent_node, key, services)


def _environment_problems(parent_node: Map | Seq, key: Any, environment: Any) -> Iterator[Problem]:
    environment_mapping_shape = MappingShape(
        "environment",
        {"name": check_nonempty_scalar, "url": check_scalar, "deployment": check_boolean},
        required=("name",),
    )
    yield from make_scalar_or_mapping_check(check_nonempty_scalar, environment_mapping_shape)(parent_node, key, environment)


def _matrix_problems(parent_node: Map | Seq, key: Any, matrix: Any) -> Iterator[Problem]:
    if is_text_with_expression(matrix) or (isinstance(matrix, str) and STARTER_WORKFLOW_PLACEHOLDER.match(matrix)):
        return
    if not isinstance(matrix, Map):
        yield wrong_type_problem(parent_node, key, matrix, "mapping")
        return
    axis_shape = make_list_check(accept_any_value, may_be_single=False)
    combinations_shape = make_list_check(make_mapping_check(accept_any_value, may_be_expression=True), may_be_single=False)
    for axis_name, axis_value in matrix.items():
        yield from (combinations_shape if axis_name in ("include", "exclude") else axis_shape)(matrix, axis_name, axis_value)
    yield from MappingShape("matrix", dict.fromkeys(matrix, accept_any_value)).problems_inside(matrix, matrix.at())


_STRATEGY_SHAPE = MappingShape(
    "strategy",
    {
        "matrix": _matrix_problems,
        "fail-fast": check_boolean,
        "max-parallel": check_positive_integer,
    },
    may_be_expression=True,
)


def _runs_on_problems(parent_node: Map | Seq, key: Any, runs_on: Any) -> Iterator[Problem]:
    labels_shape = make_list_check(check_nonempty_scalar)
    if isinstance(runs_on, Map):
        yield from MappingShape("runs-on", {"group": check_nonempty_scalar, "labels": labels_shape})(parent_node, key, runs_on)
        if not runs_on:
            yield make_problem("value", value_or_key_span(parent_node, key), "empty", key="runs-on")
    else:
        yield from labels_shape(parent_node, key, runs_on)


_SNAPSHOT_SHAPE = MappingShape(
    "snapshot",
    {"image-name": check_nonempty_scalar, "version": check_nonempty_scalar, "if": check_scalar},
    required=("image-name",),
)


def _snapshot_problems(parent_node: Map | Seq, key: Any, snapshot: Any) -> Iterator[Problem]:
    if isinstance(snapshot, Seq):
        yield make_problem("value", value_or_key_span(parent_node, key), "snapshot")
        return
    yield from make_scalar_or_mapping_check(check_nonempty_scalar, _SNAPSHOT_SHAPE)(parent_node, key, snapshot)


_SHAPE_BY_COMMON_STEP_KEY = {
    "id": check_nonempty_scalar,
    "if": check_scalar,
    "name": check_scalar,
    "env": _ENV_SHAPE,
    "continue-on-error": check_boolean,
    "timeout-minutes": check_positive_number,
}
_WITH_SHAPE = make_mapping_check(check_scalar, may_be_empty=False, may_be_expression=True)
_SHAPE_BY_BACKGROUND_STEP_KEY = {"background": check_boolean}
_RUN_STEP_SHAPE = MappingShape(
    "a step with run",
    {
        **_SHAPE_BY_COMMON_STEP_KEY,
        **_SHAPE_BY_BACKGROUND_STEP_KEY,
        "run": check_scalar,
        "shell": check_nonempty_scalar,
        "working-directory": check_nonempty_scalar,
    },
)
_USES_STEP_SHAPE = MappingShape(
    "a step with uses",
    {**_SHAPE_BY_COMMON_STEP_KEY, **_SHAPE_BY_BACKGROUND_STEP_KEY, "uses": check_nonempty_scalar, "with": _WITH_SHAPE},
)
_SPECIAL_STEP_KEYS = ("parallel", "wait", "wait-all", "cancel")


def _step_problems(parent_node: Map | Seq, key: Any, step_node: Any) -> Iterator[Problem]:
    if not isinstance(step_node, Map):
        yield wrong_type_problem(parent_node, key, step_node, "mapping", "a step")
        return
    if any(name in step_node for name in _SPECIAL_STEP_KEYS):
        return
    has_run, has_uses = "run" in step_node, "uses" in step_node
    if has_run and has_uses:
        last_conflicting_key = next(name for name in reversed(list(step_node)) if name in ("run", "uses"))
        yield make_problem("unknown", step_node.key_span(last_conflicting_key), "both")
    elif not has_run and not has_uses:
        yield make_problem("missing", step_node.at(), "neither")
        shape_by_step_key = {**_RUN_STEP_SHAPE.shape_by_key, **_USES_STEP_SHAPE.shape_by_key}
        yield from MappingShape("a step", shape_by_step_key).problems_inside(step_node, step_node.at())
    else:
        yield from (_RUN_STEP_SHAPE if has_run else _USES_STEP_SHAPE).problems_inside(step_node, step_node.at())


_SECRETS_SHAPE = make_mapping_check(check_scalar)


def _secrets_problems(parent_node: Map | Seq, key: Any, secrets_value: Any) -> Iterator[Problem]:
    if isinstance(secrets_value, str) and secrets_value and not is_text_with_expression(secrets_value):
        if secrets_value != "inherit":
            yield make_problem("value", value_or_key_span(parent_node, key), "secrets")
        return
    yield from _SECRETS_SHAPE(parent_node, key, secrets_value)


_SHAPE_BY_CALLING_JOB_KEY: dict[str, ShapeCheck] = {
    "name": check_scalar,
    "uses": check_nonempty_scalar,
    "with": make_mapping_check(check_scalar),
    "secrets": _secrets_problems,
    "needs": make_list_check(check_nonempty_scalar),
    "if": check_scalar,
    "permissions": _permissions_problems,
    "strategy": _STRATEGY_SHAPE,
    "concurrency": _CONCURRENCY_SHAPE,
}
_SHAPE_BY_JOB_KEY: dict[str, ShapeCheck] = {
    "name": check_scalar,
    "needs": make_list_check(check_nonempty_scalar),
    "runs-on": _runs_on_problems,
    "permissions": _permissions_problems,
    "environment": _environment_problems,
    "concurrency": _CONCURRENCY_SHAPE,
    "outputs": make_mapping_check(check_scalar),
    "env": _ENV_SHAPE,
    "defaults": _DEFAULTS_SHAPE,
    "if": check_scalar,
    "steps": make_list_check(_step_problems, may_be_single=False),
    "timeout-minutes": check_positive_number,
    "strategy": _STRATEGY_SHAPE,
    "continue-on-error": check_boolean,
    "container": _CONTAINER_SHAPE,
    "services": _services_problems,
    "snapshot": _snapshot_problems,
}


def _job_problems(parent_node: Map | Seq, key: Any, job_node: Any) -> Iterator[Problem]:
    if isinstance(job_node, Map) and "uses" in job_node:
        steps_only_keys = {job_key for job_key in _SHAPE_BY_JOB_KEY if job_key in job_node and job_key not in _SHAPE_BY_CALLING_JOB_KEY}
        shape_by_key = {**_SHAPE_BY_CALLING_JOB_KEY, **dict.fromkeys(steps_only_keys, accept_any_value)}
        yield from MappingShape("job {key}", shape_by_key)(parent_node, key, job_node)
        for job_key in sorted(steps_only_keys):
            yield make_problem("unknown", job_node.key_span(job_key), "steps-only", job=str(key), name=job_key)
        return
    call_only_keys = {job_key for job_key in ("with", "secrets") if isinstance(job_node, Map) and job_key in job_node}
    shape_by_key = {**_SHAPE_BY_JOB_KEY, **dict.fromkeys(call_only_keys, accept_any_value)}
    yield from MappingShape("job {key}", shape_by_key, required=("runs-on", "steps"))(parent_node, key, job_node)
    if isinstance(job_node, Map):
        for job_key in sorted(call_only_keys):
            yield make_problem("unknown", job_node.key_span(job_key), "no-workflow", job=str(key), name=job_key)


_WORKFLOW_SHAPE = MappingShape(
    "the workflow",
    {
        "name": check_scalar,
        "run-name": check_scalar,
        "description": check_scalar,  # in GitHub's own schema (actions/languageservices, workflow-v1.0.json)
        "on": check_on_value,
        "permissions": _permissions_problems,
        "env": _ENV_SHAPE,
        "defaults": _DEFAULTS_SHAPE,
        "concurrency": _CONCURRENCY_SHAPE,
        "jobs": make_mapping_check(_job_problems, may_be_empty=False),
    },
    required=("on", "jobs"),
)


def _yaml_tag_problems(workflow: Workflow) -> Iterator[Problem]:
    """`if: !cancelled()`: what YAML reads as a tag, so that the condition is gone."""
    source_text = workflow.source.text
    for key_path, located_text in texts_with_key_paths(workflow):
        value_start = located_text.span.start
        if source_text[value_start : value_start + 1] == "!" and source_text[value_start : value_start + 2] != "!!":
            tagged_line = source_text[value_start : located_text.span.end].split("\n", 1)[0]
            yield make_problem("value", located_text.span, "tag", key=str(key_path[-1]), tag=tagged_line)


def _merge_key_problems(workflow: Workflow) -> Iterator[Problem]:
    """`<<: *base`: GitHub knows anchors and aliases, and takes the merge key for a key like any other."""
    for mapping_or_list in walk_containers(workflow.node):
        if isinstance(mapping_or_list, Map) and mapping_or_list.merged:
            merge_key_start = workflow.source.text.find("<<", mapping_or_list.at().start, mapping_or_list.at().end)
            merge_key_span = Span(merge_key_start, merge_key_start + 2) if merge_key_start >= 0 else mapping_or_list.at()
            yield make_problem("unknown", merge_key_span, "merge-key")


def _schema_problems(workflow: Workflow, _: Project) -> tuple[Problem, ...]:
    """What GitHub's parser refuses of a workflow."""
    workflow_node = workflow.node
    first_key = next(iter(workflow_node), None)
    first_key_span = workflow_node.key_span(first_key) if first_key is not None else workflow_node.at()
    schema_problems = (
        *_WORKFLOW_SHAPE.problems_inside(workflow_node, first_key_span),
        *_yaml_tag_problems(workflow),
        *_merge_key_problems(workflow),
    )
    return tuple(problem for problem in schema_problems if not _is_tolerated_problem(problem, workflow_node))


def _is_tolerated_problem(schema_problem: Problem, workflow_node: Map) -> bool:
    """Whether a key is the workflow's own (`x-...`), or `on`, which another loader of YAML reads as true."""
    key_name, mapping_name = str(schema_problem.facts.get("name", "")), schema_problem.facts.get("thing")
    if schema_problem.say == "unknown":
        return (key_name == "true" and "on" not in workflow_node) or (key_name.startswith("x-") and mapping_name == "the workflow")
    is_on_missing = schema_problem.say == "lacks" and mapping_name == "the workflow" and schema_problem.facts["key"] == "on"
    return is_on_missing and "true" in workflow_node


# What GitHub passes over below `on`, and runs the workflow: keys that it does not know, filters with nothing in them.
_TRIGGER_PROBLEMS_RUNNER_IGNORES = frozenset({"unknown", "empty"})


def _schema_problem_hits(workflow: Workflow, project: Project, problem_code: str) -> CheckOutcome:
    triggers_span = workflow.node.at("on")
    for schema_problem in project.memoize_for_subject(_schema_problems, workflow):
        if schema_problem.code == problem_code:
            is_inside_triggers = triggers_span.start <= schema_problem.span.start < triggers_span.end
            severity = Severity.LOW if is_inside_triggers and schema_problem.say in _TRIGGER_PROBLEMS_RUNNER_IGNORES else None
            yield Hit(
                schema_problem.span,
                schema_problem.facts,
                is_missing=problem_code == "missing",
                severity=severity,
                message_name=schema_problem.say,
            )


def workflow_key_missing(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key that GitHub requires is not there; nothing is said of a workflow that is all comments: somebody switched it off."""
    if not workflow.node and "#" in workflow.source.text:
        return
    yield from _schema_problem_hits(workflow, project, "missing")


def workflow_key_repeated(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key stands twice, or differs from another one only in its case."""
    yield from _schema_problem_hits(workflow, project, "repeated")


def workflow_key_unknown(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A key that GitHub does not know there; of a filter that only other events have `event_filter_invalid` tells."""
    filter_spans = {problem_hit.span for problem_hit in event_filter_invalid(workflow) if isinstance(problem_hit, Hit)}
    for problem_hit in _schema_problem_hits(workflow, project, "unknown"):
        if not isinstance(problem_hit, Hit) or problem_hit.span not in filter_spans:
            yield problem_hit


def workflow_value_invalid(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A value of another kind than its key takes."""
    yield from _schema_problem_hits(workflow, project, "value")
