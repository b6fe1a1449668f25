"""Which contexts an expression has at its place, and what they hold.

https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from readiness.facts.github import available_contexts_and_functions as known_availability
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github import types as t
from readiness.kinds.github.actions import local_action_of_step, popular_action_output_names, resolve_called_workflow
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.texts import is_one_expression, is_text_with_expression
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.yaml import Map, Seq

_KEYS_OF_USER_NAMED_ENTRIES = {
    "services",
    "env",
    "outputs",
    "inputs",
}  # keys under these are the author's own


def expression_location_key(key_path: tuple[Any, ...]) -> str:
    """The keys that lead to a value as the table writes them: ids are `*`, list numbers left out."""
    location_parts: list[str] = []
    for path_key in key_path:
        if isinstance(path_key, int) or path_key == "parallel":
            continue
        is_user_named_key = location_parts and (
            location_parts == ["jobs"] or (location_parts[-1] in _KEYS_OF_USER_NAMED_ENTRIES and len(location_parts) > 2)
        )
        location_parts.append("*" if is_user_named_key and location_parts[-1] != "*" else str(path_key))
    return ".".join(location_parts)


def contexts_and_functions_at_location(location_key: str) -> tuple[frozenset[str], frozenset[str]] | None:
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
def _github_property_types_by_name() -> dict[str, t.Type]:
    """The properties of the github context, with what they hold."""
    type_name_by_property = property_by_fact_name("github-contexts", "type")
    return {name.removeprefix("github."): _TYPE_BY_NAME[kind] for name, kind in type_name_by_property.items()}


_JOB_CONTEXT_TYPE = t.make_object_type(
    {
        "check_run_id": t.NUMBER,
        "container": t.make_object_type({"id": t.STRING, "network": t.STRING}),
        "services": t.make_object_type({}, t.make_object_type({"id": t.STRING, "network": t.STRING, "ports": t.ANY})),
        **dict.fromkeys(
            ("status", "workflow_ref", "workflow_sha", "workflow_repository", "workflow_file_path"),
            t.STRING,
        ),
    }
)
_RUNNER_CONTEXT_TYPE = t.make_object_type(dict.fromkeys("name os arch temp tool_cache debug environment workspace".split(), t.STRING))
_STRATEGY_CONTEXT_TYPE = t.make_object_type({"fail-fast": t.BOOLEAN, "job-index": t.NUMBER, "job-total": t.NUMBER, "max-parallel": t.NUMBER})
_TYPE_BY_DECLARED_INPUT_TYPE = {"boolean": t.BOOLEAN, "number": t.NUMBER, "string": t.STRING, "choice": t.STRING}


def _declared_mapping_of_event(workflow: Workflow, event_name: str, section_key: str) -> Map | None:
    declared_mapping = workflow.trigger_settings(event_name).get(section_key)
    return declared_mapping if isinstance(declared_mapping, Map) else None


def inputs_context_type(workflow: Workflow) -> t.Type:
    """The `inputs` of a workflow: those of its manual start and those that callers give."""
    type_by_input_name: dict[str, t.Type] = {}
    for event_name in ("workflow_dispatch", "workflow_call"):
        for input_name, input_settings in (_declared_mapping_of_event(workflow, event_name, "inputs") or {}).items():
            declared_type_name = input_settings.get("type") if isinstance(input_settings, Map) else None
            default_type = t.STRING if event_name == "workflow_dispatch" and declared_type_name in (None, "environment") else t.ANY
            input_type = _TYPE_BY_DECLARED_INPUT_TYPE.get(declared_type_name, default_type) if isinstance(declared_type_name, str) else default_type
            type_by_input_name[input_name.lower()] = (
                t.union_type(type_by_input_name[input_name.lower()], input_type) if input_name.lower() in type_by_input_name else input_type
            )
    return t.make_object_type(type_by_input_name)


def github_context_type(workflow: Workflow) -> t.Type:
    """The `github` context; `event.inputs` is known where the workflow is started by hand."""
    type_by_property = dict(_github_property_types_by_name())
    if "workflow_dispatch" in workflow.triggers and "workflow_call" not in workflow.triggers:
        type_by_input_name = dict.fromkeys(_declared_mapping_of_event(workflow, "workflow_dispatch", "inputs") or (), t.STRING)
        type_by_property["event"] = t.make_object_type({"inputs": t.make_object_type(type_by_input_name)}, t.ANY)
    return t.make_object_type(type_by_property)


def matrix_context_type(job: Job) -> t.Type:
    """The `matrix_node` of a job: its keys with the types of their values."""
    strategy_node = job.node.get("strategy")
    if strategy_node is None:
        return t.make_object_type({})
    matrix_node = strategy_node.get("matrix") if isinstance(strategy_node, Map) else None
    if not isinstance(matrix_node, Map):
        return t.make_object_type({}) if matrix_node is None and isinstance(strategy_node, Map) else t.ANY
    type_by_matrix_key: dict[str, t.Type] = {}
    other_keys_type = t.ANY if is_text_with_expression(matrix_node.get("include")) else None
    for matrix_key, matrix_values in matrix_node.items():
        if matrix_key == "include":
            for include_entry in matrix_values if isinstance(matrix_values, Seq) else ():
                if not isinstance(include_entry, Map):
                    other_keys_type = t.ANY
                    continue
                for include_key, matrix_value in include_entry.items():
                    _add_to_union_type(type_by_matrix_key, include_key, _matrix_value_type(matrix_value))
        elif matrix_key != "exclude":
            axis_values = matrix_values if isinstance(matrix_values, Seq) else None
            for matrix_value in axis_values or ():
                _add_to_union_type(type_by_matrix_key, matrix_key, _matrix_value_type(matrix_value))
            if axis_values is None:
                _add_to_union_type(type_by_matrix_key, matrix_key, t.ANY)
    return t.make_object_type(type_by_matrix_key, other_keys_type)


def _matrix_value_type(value: Any) -> t.Type:
    """The type of a matrix value; one that an expression gives is known where the expression is simple."""
    if not isinstance(value, str) or not is_text_with_expression(value):
        return t.type_of_value(value)
    if not is_one_expression(value):
        return t.STRING
    try:
        expression_tree = ex.parse_expression(next(ex.braced_expressions(value)).inner_text)
    except ex.ExpressionError:
        return t.ANY
    type_by_context_name = {"github": t.make_object_type(_github_property_types_by_name())}
    type_checker = t.ExpressionTypeChecker(t.ExpressionScope(type_by_context_name, frozenset(type_by_context_name)))
    expression_type = type_checker.type_of_node(expression_tree)
    return t.ANY if type_checker.faults else expression_type


def _add_to_union_type(type_by_name: dict[str, t.Type], key: str, added_type: t.Type) -> None:
    key = key.lower()
    type_by_name[key] = t.union_type(type_by_name[key], added_type) if key in type_by_name else added_type


def _job_by_lowercase_name(workflow: Workflow, project: Project) -> dict[str, Job]:
    del project
    return {job.name.lower(): job for job in workflow.jobs}


def needs_context_type(job: Job, needed_job_names: tuple[str, ...], project: Project) -> t.Type:
    """The results and outputs of other jobs."""
    job_by_lowercase_name = project.memoize_for_subject(_job_by_lowercase_name, job.workflow)
    type_by_job_name = {}
    for job_name in needed_job_names:
        needed_job = job_by_lowercase_name.get(job_name.lower())
        if needed_job is not None:
            type_by_job_name[job_name] = t.make_object_type({"outputs": job_outputs_type(needed_job, project), "result": t.STRING})
    return t.make_object_type(type_by_job_name)


def job_outputs_type(job: Job, project: Project) -> t.Type:
    """What a job hands on: its outputs, or those of the workflow that it calls."""
    if job.calls:
        callee_workflow = resolve_called_workflow(job, project)
        if callee_workflow is None:
            return t.OBJECT_OF_STRINGS
        declared_outputs = _declared_mapping_of_event(callee_workflow, "workflow_call", "outputs")
        return t.make_object_type(dict.fromkeys(declared_outputs or (), t.STRING))
    outputs_node = job.node.get("outputs")
    if outputs_node is None:
        return t.make_object_type({})
    return t.make_object_type(dict.fromkeys(outputs_node, t.STRING)) if isinstance(outputs_node, Map) else t.OBJECT_OF_STRINGS


def typed_steps_with_id(finished_steps: Iterable[Step], project: Project) -> Iterator[tuple[Map, str, t.Type]]:
    """(node, id, type) of the steps that have an id."""
    for finished_step in finished_steps:
        step_id = finished_step.node.get("id")
        if isinstance(step_id, str) and step_id:
            type_by_property = {
                "outputs": _step_outputs_type(finished_step, project),
                "conclusion": t.STRING,
                "outcome": t.STRING,
            }
            yield finished_step.node, step_id, t.make_object_type(type_by_property)


def steps_context_type_from_pairs(step_id_type_pairs: Iterable[tuple[str, t.Type]]) -> t.Type:
    """The `steps` that have run, by their ids; an id from an expression may be any."""
    type_by_step_id = dict(step_id_type_pairs)
    return t.make_object_type(type_by_step_id, t.ANY if any(is_text_with_expression(name) for name in type_by_step_id) else None)


def steps_context_type(finished_steps: Iterable[Step], project: Project) -> t.Type:
    """The steps that have run, by their ids."""
    return steps_context_type_from_pairs((name, kind) for _, name, kind in typed_steps_with_id(finished_steps, project))


def _step_outputs_type(step: Step, project: Project) -> t.Type:
    parsed_uses = step.parsed_uses
    if parsed_uses is None:
        return t.OBJECT_OF_STRINGS
    if parsed_uses.reference_kind == "local":
        used_action = local_action_of_step(step, project)
        if used_action is None or not isinstance(used_action.node.get("outputs", Map(used_action.node.at())), Map):
            return t.OBJECT_OF_STRINGS
        return t.make_object_type(dict.fromkeys(used_action.node.get("outputs") or (), t.STRING))
    output_names = popular_action_output_names(parsed_uses)
    return t.OBJECT_OF_STRINGS if output_names is None else t.make_object_type(dict.fromkeys(output_names, t.STRING))


def workflow_context_types_by_name(workflow: Workflow, project: Project) -> dict[str, t.Type]:
    """The types of all contexts that keys outside of jobs can name."""
    type_by_job_name = {job.name: t.make_object_type({"outputs": job_outputs_type(job, project), "result": t.STRING}) for job in workflow.jobs}
    return {
        "github": github_context_type(workflow),
        "inputs": inputs_context_type(workflow),
        "vars": t.OBJECT_OF_STRINGS,
        "secrets": t.OBJECT_OF_STRINGS,
        "env": t.OBJECT_OF_STRINGS,
        "jobs": t.make_object_type(type_by_job_name),
        "job": _JOB_CONTEXT_TYPE,
        "runner": _RUNNER_CONTEXT_TYPE,
        "strategy": _STRATEGY_CONTEXT_TYPE,
        "steps": t.make_object_type({}),
        "matrix": t.make_object_type({}),
        "needs": t.make_object_type({}),
    }


def action_context_types_by_name(action: Action) -> dict[str, t.Type]:
    """The contexts of a composite action."""
    inputs_node = action.node.get("inputs")
    input_names = inputs_node if isinstance(inputs_node, Map) else ()
    return {
        "github": t.make_object_type(_github_property_types_by_name()),
        "inputs": t.make_object_type(dict.fromkeys(input_names, t.STRING)),
        "env": t.OBJECT_OF_STRINGS,
        "job": _JOB_CONTEXT_TYPE,
        "runner": _RUNNER_CONTEXT_TYPE,
        "strategy": _STRATEGY_CONTEXT_TYPE,
        "matrix": t.ANY,
        "needs": t.ANY,
        "vars": t.OBJECT_OF_STRINGS,
        "secrets": t.OBJECT_OF_STRINGS,
        "steps": t.make_object_type({}),
    }
