"""Which contexts an expression has at its place, and what they hold.

https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from readiness.facts.github import available_contexts_and_functions as known_availability
from readiness.facts.table import fact_column
from readiness.kinds.github import types as t
from readiness.kinds.github.actions import called_workflow, local_action, outputs_of
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.texts import contains_expression, is_one_expression
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.yaml import Map, Seq

_KEYS_WITH_USER_NAMES = {
    "services",
    "env",
    "outputs",
    "inputs",
}  # keys under these are the author's own


def expression_location_key(key_path: tuple[Any, ...]) -> str:
    """The keys that lead to a value as the table writes them: ids are `*`, list numbers left out."""
    parts: list[str] = []
    for key in key_path:
        if isinstance(key, int) or key == "parallel":
            continue
        own = parts and (parts == ["jobs"] or (parts[-1] in _KEYS_WITH_USER_NAMES and len(parts) > 2))
        parts.append("*" if own and parts[-1] != "*" else str(key))
    return ".".join(parts)


def available_contexts(location_key: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The contexts and the extra functions at a place; None where GitHub's table says nothing.

    A description is for readers: it may speak of expressions.
    """
    if location_key.startswith("on.") and location_key.endswith(".description"):
        return None
    return known_availability(location_key)


_TYPE_BY_NAME = {
    "string": t.STRING,
    "number": t.NUMBER,
    "boolean": t.BOOLEAN,
    "anything": t.ANY_OBJECT,
}


@cache
def _github_context_types() -> dict[str, t.Type]:
    """The properties of the github context, with what they hold."""
    known = fact_column("github-contexts", "type")
    return {name.removeprefix("github."): _TYPE_BY_NAME[kind] for name, kind in known.items()}


_JOB_CONTEXT_TYPE = t.object_type(
    {
        "check_run_id": t.NUMBER,
        "container": t.object_type({"id": t.STRING, "network": t.STRING}),
        "services": t.object_type({}, t.object_type({"id": t.STRING, "network": t.STRING, "ports": t.ANY})),
        **dict.fromkeys(
            ("status", "workflow_ref", "workflow_sha", "workflow_repository", "workflow_file_path"),
            t.STRING,
        ),
    }
)
_RUNNER_CONTEXT_TYPE = t.object_type(
    dict.fromkeys("name os arch temp tool_cache debug environment workspace".split(), t.STRING)
)
_STRATEGY_CONTEXT_TYPE = t.object_type(
    {"fail-fast": t.BOOLEAN, "job-index": t.NUMBER, "job-total": t.NUMBER, "max-parallel": t.NUMBER}
)
_INPUT_TYPES = {"boolean": t.BOOLEAN, "number": t.NUMBER, "string": t.STRING, "choice": t.STRING}


def _declared_inputs(workflow: Workflow, event: str, key: str) -> Map | None:
    found = workflow.trigger_settings(event).get(key)
    return found if isinstance(found, Map) else None


def inputs_context_type(workflow: Workflow) -> t.Type:
    """The `inputs` of a workflow: those of its manual start and those that callers give."""
    known: dict[str, t.Type] = {}
    for event in ("workflow_dispatch", "workflow_call"):
        for name, body in (_declared_inputs(workflow, event, "inputs") or {}).items():
            declared_type = body.get("type") if isinstance(body, Map) else None
            plain = t.STRING if event == "workflow_dispatch" and declared_type in (None, "environment") else t.ANY
            kind = _INPUT_TYPES.get(declared_type, plain) if isinstance(declared_type, str) else plain
            known[name.lower()] = t.union_type(known[name.lower()], kind) if name.lower() in known else kind
    return t.object_type(known)


def github_context_type(workflow: Workflow) -> t.Type:
    """The `github` context; `event.inputs` is known where the workflow is started by hand."""
    known = dict(_github_context_types())
    if "workflow_dispatch" in workflow.triggers and "workflow_call" not in workflow.triggers:
        named = dict.fromkeys(_declared_inputs(workflow, "workflow_dispatch", "inputs") or (), t.STRING)
        known["event"] = t.object_type({"inputs": t.object_type(named)}, t.ANY)
    return t.object_type(known)


def matrix_context_type(job: Job) -> t.Type:
    """The `matrix` of a job: its keys with the types of their values."""
    strategy = job.node.get("strategy")
    if strategy is None:
        return t.object_type({})
    matrix = strategy.get("matrix") if isinstance(strategy, Map) else None
    if not isinstance(matrix, Map):
        return t.object_type({}) if matrix is None and isinstance(strategy, Map) else t.ANY
    known: dict[str, t.Type] = {}
    rest = t.ANY if contains_expression(matrix.get("include")) else None
    for name, values in matrix.items():
        if name == "include":
            for item in values if isinstance(values, Seq) else ():
                if not isinstance(item, Map):
                    rest = t.ANY
                    continue
                for key, value in item.items():
                    _add_type(known, key, _matrix_value_type(value))
        elif name != "exclude":
            entries = values if isinstance(values, Seq) else None
            for value in entries or ():
                _add_type(known, name, _matrix_value_type(value))
            if entries is None:
                _add_type(known, name, t.ANY)
    return t.object_type(known, rest)


def _matrix_value_type(value: Any) -> t.Type:
    """The type of a matrix value; one that an expression gives is known where the expression is simple."""
    if not isinstance(value, str) or not contains_expression(value):
        return t.type_of_value(value)
    if not is_one_expression(value):
        return t.STRING
    try:
        tree = ex.parse_expression(next(ex.braced_expressions(value)).inner_text)
    except ex.ExpressionError:
        return t.ANY
    known = {"github": t.object_type(_github_context_types())}
    checker = t.ExpressionTypeChecker(t.ExpressionScope(known, frozenset(known)))
    kind = checker.type_of_node(tree)
    return t.ANY if checker.faults else kind


def _add_type(known: dict[str, t.Type], name: str, added_type: t.Type) -> None:
    name = name.lower()
    known[name] = t.union_type(known[name], added_type) if name in known else added_type


def needs_context_type(job: Job, names: tuple[str, ...], project: Project) -> t.Type:
    """The results and outputs of other jobs."""
    jobs = {other.name.lower(): other for other in job.workflow.jobs}
    known = {}
    for name in names:
        other = jobs.get(name.lower())
        if other is not None:
            known[name] = t.object_type({"outputs": job_outputs_type(other, project), "result": t.STRING})
    return t.object_type(known)


def job_outputs_type(job: Job, project: Project) -> t.Type:
    """What a job hands on: its outputs, or those of the workflow that it calls."""
    if job.calls:
        called = called_workflow(job, project)
        if called is None:
            return t.OBJECT_OF_STRINGS
        declared = _declared_inputs(called, "workflow_call", "outputs")
        return t.object_type(dict.fromkeys(declared or (), t.STRING))
    outputs = job.node.get("outputs")
    if outputs is None:
        return t.object_type({})
    return t.object_type(dict.fromkeys(outputs, t.STRING)) if isinstance(outputs, Map) else t.OBJECT_OF_STRINGS


def steps_with_id(finished_steps: Iterable[Step], project: Project) -> Iterator[tuple[Map, str, t.Type]]:
    """(node, id, type) of the steps that have an id."""
    for step in finished_steps:
        name = step.node.get("id")
        if isinstance(name, str) and name:
            fields = {
                "outputs": _step_outputs_type(step, project),
                "conclusion": t.STRING,
                "outcome": t.STRING,
            }
            yield step.node, name, t.object_type(fields)


def steps_type(known_steps: Iterable[tuple[str, t.Type]]) -> t.Type:
    """The `steps` that have run, by their ids; an id from an expression may be any."""
    found = dict(known_steps)
    return t.object_type(found, t.ANY if any(contains_expression(name) for name in found) else None)


def steps_context_type(finished_steps: Iterable[Step], project: Project) -> t.Type:
    """The steps that have run, by their ids."""
    return steps_type((name, kind) for _, name, kind in steps_with_id(finished_steps, project))


def _step_outputs_type(step: Step, project: Project) -> t.Type:
    used = step.parsed_uses
    if used is None:
        return t.OBJECT_OF_STRINGS
    if used.reference_kind == "local":
        action = local_action(step, project)
        if action is None or not isinstance(action.node.get("outputs", Map(action.node.at())), Map):
            return t.OBJECT_OF_STRINGS
        return t.object_type(dict.fromkeys(action.node.get("outputs") or (), t.STRING))
    named = outputs_of(used)
    return t.OBJECT_OF_STRINGS if named is None else t.object_type(dict.fromkeys(named, t.STRING))


def workflow_contexts(workflow: Workflow, project: Project) -> dict[str, t.Type]:
    """The types of all contexts that keys outside of jobs can name."""
    jobs = {job.name: t.object_type({"outputs": job_outputs_type(job, project), "result": t.STRING}) for job in workflow.jobs}
    return {
        "github": github_context_type(workflow),
        "inputs": inputs_context_type(workflow),
        "vars": t.OBJECT_OF_STRINGS,
        "secrets": t.OBJECT_OF_STRINGS,
        "env": t.OBJECT_OF_STRINGS,
        "jobs": t.object_type(jobs),
        "job": _JOB_CONTEXT_TYPE,
        "runner": _RUNNER_CONTEXT_TYPE,
        "strategy": _STRATEGY_CONTEXT_TYPE,
        "steps": t.object_type({}),
        "matrix": t.object_type({}),
        "needs": t.object_type({}),
    }


def action_contexts(action: Action) -> dict[str, t.Type]:
    """The contexts of a composite action."""
    declared = action.node.get("inputs")
    named = declared if isinstance(declared, Map) else ()
    return {
        "github": t.object_type(_github_context_types()),
        "inputs": t.object_type(dict.fromkeys(named, t.STRING)),
        "env": t.OBJECT_OF_STRINGS,
        "job": _JOB_CONTEXT_TYPE,
        "runner": _RUNNER_CONTEXT_TYPE,
        "strategy": _STRATEGY_CONTEXT_TYPE,
        "matrix": t.ANY,
        "needs": t.ANY,
        "vars": t.OBJECT_OF_STRINGS,
        "secrets": t.OBJECT_OF_STRINGS,
        "steps": t.object_type({}),
    }
