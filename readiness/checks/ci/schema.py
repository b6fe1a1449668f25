"""The keys and values of a workflow, as GitHub's syntax reference has them.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.kinds.github.events import on
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.shapes import (
    PLACEHOLDER,
    Keys,
    Problem,
    Shape,
    anything,
    boolean,
    either,
    integer,
    items,
    kind_of,
    mapping,
    number,
    place,
    scalar,
    text,
)
from readiness.kinds.github.texts import is_expression, texts
from readiness.model import Hit, Span, hit, missing
from readiness.syntax.yaml import Map, Seq, walk

_ENV = mapping(scalar, expression=True)
_RUN = Keys("defaults.run", {"shell": text, "working-directory": text})
_DEFAULTS = Keys("defaults", {"run": _RUN}, required=("run",))
_CONCURRENCY = either(
    text,
    Keys(
        "concurrency",
        {"group": text, "cancel-in-progress": boolean, "queue": scalar},
        required=("group",),
    ),
)


def _permissions(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield Problem("value", place(owner, key), f"{key} is a list; a mapping is allowed")
    elif isinstance(value, Map):
        yield from mapping(text)(owner, key, value)


def _credentials(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from Keys(
        "credentials",
        {"username": scalar, "password": scalar},
        required=("username", "password"),
        expression=True,
    )(owner, key, value)


_CONTAINER_KEYS = {
    "image": scalar,
    "credentials": _credentials,
    "env": _ENV,
    "ports": items(text, single=False, empty=True),
    "volumes": items(text, single=False, empty=True),
    "options": scalar,
}
_CONTAINER = either(
    scalar, Keys("the container", {**_CONTAINER_KEYS, "image": text}, required=("image",))
)
_SERVICE = either(
    text,
    Keys(
        "service {key}",
        {**_CONTAINER_KEYS, "entrypoint": scalar, "command": scalar},
        required=("image",),
    ),
)


def _services(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    yield from mapping(_SERVICE, expression=True)(owner, key, value)


def _environment(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    shape = Keys(
        "environment",
        {"name": text, "url": scalar, "deployment": boolean},
        required=("name",),
    )
    yield from either(text, shape)(owner, key, value)


def _matrix(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if is_expression(value) or (isinstance(value, str) and PLACEHOLDER.match(value)):
        return
    if not isinstance(value, Map):
        yield Problem(
            "value", place(owner, key), f"matrix is {kind_of(value)}; a mapping is allowed"
        )
        return
    row = items(anything, single=False)
    combinations = items(mapping(anything, expression=True), single=False)
    for name, item in value.items():
        yield from (combinations if name in ("include", "exclude") else row)(value, name, item)
    yield from Keys("matrix", dict.fromkeys(value, anything)).inside(value, value.at())


_STRATEGY = Keys(
    "strategy",
    {"matrix": _matrix, "fail-fast": boolean, "max-parallel": integer},
    expression=True,
)


def _runs_on(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    label = items(text)
    if isinstance(value, Map):
        yield from Keys("runs-on", {"group": text, "labels": label})(owner, key, value)
        if not value:
            yield Problem("value", place(owner, key), "runs-on is empty")
    else:
        yield from label(owner, key, value)


_SNAPSHOT_KEYS = Keys(
    "snapshot", {"image-name": text, "version": text, "if": scalar}, required=("image-name",)
)


def _snapshot(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Seq):
        yield Problem(
            "value", place(owner, key), "snapshot is a list; a text or a mapping is allowed"
        )
        return
    yield from either(text, _SNAPSHOT_KEYS)(owner, key, value)


_COMMON_STEP = {
    "id": text,
    "if": scalar,
    "name": scalar,
    "env": _ENV,
    "continue-on-error": boolean,
    "timeout-minutes": number,
}
_WITH = mapping(scalar, empty=False, expression=True)
_BACKGROUND = {"background": boolean}
_RUN_STEP = Keys(
    "a step with run",
    {**_COMMON_STEP, **_BACKGROUND, "run": scalar, "shell": text, "working-directory": text},
)
_USES_STEP = Keys("a step with uses", {**_COMMON_STEP, **_BACKGROUND, "uses": text, "with": _WITH})
_OTHER_STEPS = ("parallel", "wait", "wait-all", "cancel")


def _step(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(value, Map):
        yield Problem(
            "value", place(owner, key), f"a step is {kind_of(value)}; a mapping is allowed"
        )
        return
    if any(name in value for name in _OTHER_STEPS):
        return
    run, uses = "run" in value, "uses" in value
    if run and uses:
        late = next(name for name in reversed(list(value)) if name in ("run", "uses"))
        yield Problem(
            "unknown", value.key(late), "a step has run and uses; one of the two is allowed"
        )
    elif not run and not uses:
        yield Problem("missing", value.at(), "a step has neither run nor uses")
        known = {**_RUN_STEP.known, **_USES_STEP.known}
        yield from Keys("a step", known).inside(value, value.at())
    else:
        yield from (_RUN_STEP if run else _USES_STEP).inside(value, value.at())


_SECRETS = mapping(scalar)


def _secrets(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, str) and value and not is_expression(value):
        if value != "inherit":
            yield Problem(
                "value", place(owner, key), "secrets is a text; inherit or a mapping is allowed"
            )
        return
    yield from _SECRETS(owner, key, value)


_CALL_JOB: dict[str, Shape] = {
    "name": scalar,
    "uses": text,
    "with": mapping(scalar),
    "secrets": _secrets,
    "needs": items(text),
    "if": scalar,
    "permissions": _permissions,
    "strategy": _STRATEGY,
    "concurrency": _CONCURRENCY,
}
_JOB: dict[str, Shape] = {
    "name": scalar,
    "needs": items(text),
    "runs-on": _runs_on,
    "permissions": _permissions,
    "environment": _environment,
    "concurrency": _CONCURRENCY,
    "outputs": mapping(scalar),
    "env": _ENV,
    "defaults": _DEFAULTS,
    "if": scalar,
    "steps": items(_step, single=False),
    "timeout-minutes": number,
    "strategy": _STRATEGY,
    "continue-on-error": boolean,
    "container": _CONTAINER,
    "services": _services,
    "snapshot": _snapshot,
}


def _job(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    if isinstance(value, Map) and "uses" in value:
        extra = {name for name in _JOB if name in value and name not in _CALL_JOB}
        known = {**_CALL_JOB, **dict.fromkeys(extra, anything)}
        yield from Keys("job {key}", known)(owner, key, value)
        for name in sorted(extra):
            yield Problem(
                "unknown",
                value.key(name),
                f"job {key} calls a workflow and has {name}, which only steps have",
            )
        return
    calling = {name for name in ("with", "secrets") if isinstance(value, Map) and name in value}
    known = {**_JOB, **dict.fromkeys(calling, anything)}
    yield from Keys("job {key}", known, required=("runs-on", "steps"))(owner, key, value)
    if isinstance(value, Map):
        for name in sorted(calling):
            yield Problem(
                "unknown",
                value.key(name),
                f"job {key} has {name} but uses no workflow to pass it to",
            )


_WORKFLOW = Keys(
    "the workflow",
    {
        "name": scalar,
        "run-name": scalar,
        "on": on,
        "permissions": _permissions,
        "env": _ENV,
        "defaults": _DEFAULTS,
        "concurrency": _CONCURRENCY,
        "jobs": mapping(_job, empty=False),
    },
    required=("on", "jobs"),
)


def _tagged(workflow: Workflow) -> Iterator[Problem]:
    """`if: !cancelled()`: what YAML reads as a tag, so that the condition is gone."""
    text = workflow.source.text
    for way, found in texts(workflow.node, workflow.source):
        at = found.span.start
        if text[at : at + 1] == "!" and text[at : at + 2] != "!!":
            tag = text[at : found.span.end].split("\n", 1)[0]
            yield Problem(
                "value",
                found.span,
                f"{way[-1]} begins with the YAML tag {tag!r}; quotes are missing",
            )


def _merges(workflow: Workflow) -> Iterator[Problem]:
    """`<<: *base`: GitHub knows anchors and aliases, and takes the merge key for a key like any other."""
    for node in walk(workflow.node):
        if isinstance(node, Map) and node.merged:
            start = workflow.source.text.find("<<", node.at().start, node.at().end)
            span = Span(start, start + 2) if start >= 0 else node.at()
            yield Problem("unknown", span, "GitHub knows no YAML merge key <<")


def _problems(workflow: Workflow) -> list[Problem]:
    if "problems" not in workflow.memo:
        node = workflow.node
        first = next(iter(node), None)
        grip = node.key(first) if first is not None else node.at()
        found = []
        for problem in (*_WORKFLOW.inside(node, grip), *_tagged(workflow), *_merges(workflow)):
            if problem.what == "the workflow has no on" and "true" in node:
                continue
            if problem.code == "unknown" and "'true'" in problem.what and "on" not in node:
                continue  # another loader's `on:`
            if not (
                problem.code == "unknown" and problem.what.startswith("the workflow has no key 'x-")
            ):
                found.append(problem)
        workflow.memo["problems"] = found
    problems: list[Problem] = workflow.memo["problems"]
    return problems


def problems(workflow: Workflow, *, code: Sequence[str]) -> Iterator[Hit]:
    """What GitHub's parser refuses: unknown, missing and repeated keys, values of the wrong kind."""
    for problem in _problems(workflow):
        if problem.code in code:
            make = missing if problem.code == "missing" else hit
            yield make(problem.span, what=problem.what)
