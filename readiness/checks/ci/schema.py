"""The keys and values of a workflow, as GitHub's syntax reference has them.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.events import on_shape
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.shapes import (
    PLACEHOLDER,
    KeysShape,
    Problem,
    Shape,
    any_value,
    boolean_shape,
    either_shape,
    integer_shape,
    list_shape,
    mapping_shape,
    misfit,
    number_shape,
    problem,
    scalar_shape,
    text_shape,
    value_span,
)
from readiness.kinds.github.texts import is_expression, texts_below
from readiness.model import Hit, Outcome, Severity, Span
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq, walk

_ENV = mapping_shape(scalar_shape, expression=True)
_RUN = KeysShape("defaults.run", {"shell": text_shape, "working-directory": text_shape})
_DEFAULTS = KeysShape("defaults", {"run": _RUN}, required=("run",))
_CONCURRENCY = either_shape(
    text_shape,
    KeysShape(
        "concurrency",
        {"group": text_shape, "cancel-in-progress": boolean_shape, "queue": scalar_shape},
        required=("group",),
    ),
)


def _permissions_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield misfit(owner, key, value, "mapping")
    elif isinstance(value, Map):
        yield from mapping_shape(text_shape)(owner, key, value)


def _credentials_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from KeysShape(
        "credentials",
        {"username": scalar_shape, "password": scalar_shape},
        required=("username", "password"),
        expression=True,
    )(owner, key, value)


_CONTAINER_KEYS = {
    "image": scalar_shape,
    "credentials": _credentials_shape,
    "env": _ENV,
    "ports": list_shape(text_shape, single=False, empty=True),
    "volumes": list_shape(text_shape, single=False, empty=True),
    "options": scalar_shape,
}
_CONTAINER = either_shape(
    scalar_shape,
    KeysShape("the container", {**_CONTAINER_KEYS, "image": text_shape}, required=("image",)),
)
_SERVICE = either_shape(
    text_shape,
    KeysShape(
        "service {key}",
        {**_CONTAINER_KEYS, "entrypoint": scalar_shape, "command": scalar_shape},
        required=("image",),
    ),
)


def _services_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from mapping_shape(_SERVICE, expression=True)(owner, key, value)


def _environment_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    shape = KeysShape(
        "environment",
        {"name": text_shape, "url": scalar_shape, "deployment": boolean_shape},
        required=("name",),
    )
    yield from either_shape(text_shape, shape)(owner, key, value)


def _matrix_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if is_expression(value) or (isinstance(value, str) and PLACEHOLDER.match(value)):
        return
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping")
        return
    row = list_shape(any_value, single=False)
    combinations = list_shape(mapping_shape(any_value, expression=True), single=False)
    for name, item in value.items():
        yield from (combinations if name in ("include", "exclude") else row)(value, name, item)
    yield from KeysShape("matrix", dict.fromkeys(value, any_value)).problems_inside(
        value, value.at()
    )


_STRATEGY = KeysShape(
    "strategy",
    {"matrix": _matrix_shape, "fail-fast": boolean_shape, "max-parallel": integer_shape},
    expression=True,
)


def _runs_on_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    label = list_shape(text_shape)
    if isinstance(value, Map):
        yield from KeysShape("runs-on", {"group": text_shape, "labels": label})(owner, key, value)
        if not value:
            yield problem("value", value_span(owner, key), "empty", key="runs-on")
    else:
        yield from label(owner, key, value)


_SNAPSHOT_KEYS = KeysShape(
    "snapshot",
    {"image-name": text_shape, "version": text_shape, "if": scalar_shape},
    required=("image-name",),
)


def _snapshot_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield problem("value", value_span(owner, key), "snapshot")
        return
    yield from either_shape(text_shape, _SNAPSHOT_KEYS)(owner, key, value)


_COMMON_STEP = {
    "id": text_shape,
    "if": scalar_shape,
    "name": scalar_shape,
    "env": _ENV,
    "continue-on-error": boolean_shape,
    "timeout-minutes": number_shape,
}
_WITH = mapping_shape(scalar_shape, empty=False, expression=True)
_BACKGROUND = {"background": boolean_shape}
_RUN_STEP = KeysShape(
    "a step with run",
    {
        **_COMMON_STEP,
        **_BACKGROUND,
        "run": scalar_shape,
        "shell": text_shape,
        "working-directory": text_shape,
    },
)
_USES_STEP = KeysShape(
    "a step with uses", {**_COMMON_STEP, **_BACKGROUND, "uses": text_shape, "with": _WITH}
)
_OTHER_STEPS = ("parallel", "wait", "wait-all", "cancel")


def _step_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Map):
        yield misfit(owner, key, value, "mapping", "a step")
        return
    if any(name in value for name in _OTHER_STEPS):
        return
    run, uses = "run" in value, "uses" in value
    if run and uses:
        late = next(name for name in reversed(list(value)) if name in ("run", "uses"))
        yield problem("unknown", value.key(late), "both")
    elif not run and not uses:
        yield problem("missing", value.at(), "neither")
        known = {**_RUN_STEP.known, **_USES_STEP.known}
        yield from KeysShape("a step", known).problems_inside(value, value.at())
    else:
        yield from (_RUN_STEP if run else _USES_STEP).problems_inside(value, value.at())


_SECRETS = mapping_shape(scalar_shape)


def _secrets_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and value and not is_expression(value):
        if value != "inherit":
            yield problem("value", value_span(owner, key), "secrets")
        return
    yield from _SECRETS(owner, key, value)


_CALL_JOB: dict[str, Shape] = {
    "name": scalar_shape,
    "uses": text_shape,
    "with": mapping_shape(scalar_shape),
    "secrets": _secrets_shape,
    "needs": list_shape(text_shape),
    "if": scalar_shape,
    "permissions": _permissions_shape,
    "strategy": _STRATEGY,
    "concurrency": _CONCURRENCY,
}
_JOB: dict[str, Shape] = {
    "name": scalar_shape,
    "needs": list_shape(text_shape),
    "runs-on": _runs_on_shape,
    "permissions": _permissions_shape,
    "environment": _environment_shape,
    "concurrency": _CONCURRENCY,
    "outputs": mapping_shape(scalar_shape),
    "env": _ENV,
    "defaults": _DEFAULTS,
    "if": scalar_shape,
    "steps": list_shape(_step_shape, single=False),
    "timeout-minutes": number_shape,
    "strategy": _STRATEGY,
    "continue-on-error": boolean_shape,
    "container": _CONTAINER,
    "services": _services_shape,
    "snapshot": _snapshot_shape,
}


def _job_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Map) and "uses" in value:
        extra = {name for name in _JOB if name in value and name not in _CALL_JOB}
        known = {**_CALL_JOB, **dict.fromkeys(extra, any_value)}
        yield from KeysShape("job {key}", known)(owner, key, value)
        for name in sorted(extra):
            yield problem("unknown", value.key(name), "steps-only", job=str(key), name=name)
        return
    calling = {name for name in ("with", "secrets") if isinstance(value, Map) and name in value}
    known = {**_JOB, **dict.fromkeys(calling, any_value)}
    yield from KeysShape("job {key}", known, required=("runs-on", "steps"))(owner, key, value)
    if isinstance(value, Map):
        for name in sorted(calling):
            yield problem("unknown", value.key(name), "no-workflow", job=str(key), name=name)


_WORKFLOW = KeysShape(
    "the workflow",
    {
        "name": scalar_shape,
        "run-name": scalar_shape,
        "on": on_shape,
        "permissions": _permissions_shape,
        "env": _ENV,
        "defaults": _DEFAULTS,
        "concurrency": _CONCURRENCY,
        "jobs": mapping_shape(_job_shape, empty=False),
    },
    required=("on", "jobs"),
)


def _tag_problems(workflow: Workflow) -> Iterator[Problem]:
    """`if: !cancelled()`: what YAML reads as a tag, so that the condition is gone."""
    text = workflow.source.text
    for way, found in texts_below(workflow.node, workflow.source):
        at = found.span.start
        if text[at : at + 1] == "!" and text[at : at + 2] != "!!":
            tag = text[at : found.span.end].split("\n", 1)[0]
            yield problem("value", found.span, "tag", key=str(way[-1]), tag=tag)


def _merge_key_problems(workflow: Workflow) -> Iterator[Problem]:
    """`<<: *base`: GitHub knows anchors and aliases, and takes the merge key for a key like any other."""
    for node in walk(workflow.node):
        if isinstance(node, Map) and node.merged:
            start = workflow.source.text.find("<<", node.at().start, node.at().end)
            span = Span(start, start + 2) if start >= 0 else node.at()
            yield problem("unknown", span, "merge-key")


def _schema_problems(workflow: Workflow, _: Project) -> tuple[Problem, ...]:
    """What GitHub's parser refuses of a workflow."""
    node = workflow.node
    first = next(iter(node), None)
    grip = node.key(first) if first is not None else node.at()
    found = (
        *_WORKFLOW.problems_inside(node, grip),
        *_tag_problems(workflow),
        *_merge_key_problems(workflow),
    )
    return tuple(problem for problem in found if not _is_excused(problem, node))


def _is_excused(found: Problem, workflow: Map) -> bool:
    """Whether a key is the workflow's own (`x-...`), or `on`, which another loader of YAML reads as true."""
    name, thing = str(found.facts.get("name", "")), found.facts.get("thing")
    if found.say == "unknown":
        return (name == "true" and "on" not in workflow) or (
            name.startswith("x-") and thing == "the workflow"
        )
    lacks_on = found.say == "lacks" and thing == "the workflow" and found.facts["key"] == "on"
    return lacks_on and "true" in workflow


# What GitHub passes over below `on`, and runs the workflow: keys that it does not know, filters with nothing in them.
_PASSED_OVER = frozenset({"unknown", "empty"})


def _problems(workflow: Workflow, project: Project, code: str) -> Outcome:
    triggers = workflow.node.at("on")
    for found in project.once(_schema_problems, workflow):
        if found.code == code:
            below_on = triggers.start <= found.span.start < triggers.end
            severity = Severity.LOW if below_on and found.say in _PASSED_OVER else None
            yield Hit(
                found.span, found.facts, absent=code == "missing", severity=severity, say=found.say
            )


def workflow_key_missing(workflow: Workflow, *, project: Project) -> Outcome:
    """A key that GitHub requires is not there."""
    yield from _problems(workflow, project, "missing")


def workflow_key_repeated(workflow: Workflow, *, project: Project) -> Outcome:
    """A key stands twice, or differs from another one only in its case."""
    yield from _problems(workflow, project, "repeated")


def workflow_key_unknown(workflow: Workflow, *, project: Project) -> Outcome:
    """A key that GitHub does not know there."""
    yield from _problems(workflow, project, "unknown")


def workflow_value_invalid(workflow: Workflow, *, project: Project) -> Outcome:
    """A value of another kind than its key takes."""
    yield from _problems(workflow, project, "value")
