"""What workflows use: actions with their inputs, reusable workflows with their inputs and secrets."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.kinds.github.actions import (
    local_action_of_step,
    popular_action_interface,
    repository_path_of_uses,
    resolve_called_workflow,
)
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.texts import is_text_with_expression
from readiness.kinds.github.uses import UsesReference, parse_uses, repository_root_of_workflow_path
from readiness.model import CheckOutcome, Hit, Severity, hit, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_DOCKER_ACTION_INPUTS = ("args", "entrypoint")
_PLAIN_VERSION_REF = lazy_regex(r"v?[0-9]{1,4}(?:\.[0-9]{1,6}){0,3}\Z")


_FORGEJO_FOLDER = lazy_regex(r"(?:\A|/)\.(?:forgejo|gitea)/")
_ACTION_URL_PATTERN = lazy_regex(r"https?://[^/@\s]+/[^/@\s]+/[^@\s]+@\S+\Z")


def _is_forgejo_action_url(uses_text: str, workflow: Workflow) -> bool:
    """Whether a reference is an action's address, which the runners of Forgejo and Gitea take and GitHub's do not."""
    return bool(_FORGEJO_FOLDER.search(workflow.source.root.path) and _ACTION_URL_PATTERN.match(uses_text))


def action_reference_invalid(workflow: Workflow) -> CheckOutcome:
    """A `uses` that is no reference: without a ref, without an owner, a local path without `./`."""
    for step in workflow.steps:
        uses_reference = step.parsed_uses
        if uses_reference is None or not uses_reference.text or is_text_with_expression(uses_reference.text):
            continue
        invalid_part = ""
        if uses_reference.reference_kind == "unknown":
            invalid_part = "ref" if "@" not in uses_reference.text else "repository"
            if invalid_part == "repository" and _is_forgejo_action_url(uses_reference.text, workflow):
                continue
        elif uses_reference.reference_kind == "docker" and (not uses_reference.path or uses_reference.path.endswith(":")):
            invalid_part = "tag" if uses_reference.path else "image"
        if invalid_part:
            yield hit(step.node.at("uses"), say=invalid_part, uses=uses_reference.text)


def action_input_unknown(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """An input that the action does not know, or a required one that is not given."""
    for step in workflow.steps:
        uses_reference = step.parsed_uses
        if uses_reference is None or is_text_with_expression(step.node.get("with")):
            continue
        action = local_action_of_step(step, project)
        if action is not None:
            yield from _local_action_input_hits(step, action)
        elif uses_reference.reference_kind == "repository":
            yield from _known_action_input_hits(step, uses_reference)


def _declared_inputs(action: Action) -> Map | None:
    inputs_node = action.node.get("inputs", Map(action.node.at()))
    return inputs_node if isinstance(inputs_node, Map) else None


def _local_action_input_hits(step: Step, action: Action) -> Iterator[Hit]:
    declared_inputs = _declared_inputs(action)
    if declared_inputs is None:
        return
    uses_text = str(step.node["uses"])
    implicit_inputs = _DOCKER_ACTION_INPUTS if action.using == "docker" else ()
    input_spec_by_name = {input_name.lower(): input_spec for input_name, input_spec in declared_inputs.items()}
    given_names = {input_name.lower() for input_name in step.with_inputs}
    for input_name in step.with_inputs:
        input_spec = input_spec_by_name.get(input_name.lower())
        if isinstance(input_spec, Map) and isinstance(input_spec.get("deprecationMessage"), str):
            yield hit(step.with_inputs.key_span(input_name), say="deprecated", action=uses_text, input=input_name)
        if input_name.lower() not in input_spec_by_name and input_name not in implicit_inputs:
            message_name = "unknown-of" if declared_inputs else "unknown"
            declared_names_text = join_names(declared_inputs)
            yield hit(
                step.with_inputs.key_span(input_name),
                say=message_name,
                action=uses_text,
                input=input_name,
                known=declared_names_text,
            )
    for input_name, input_spec in declared_inputs.items():
        is_required = isinstance(input_spec, Map) and input_spec.get("required") in (True, "true")
        if is_required and "default" not in input_spec and input_name.lower() not in given_names:
            yield hit(step.node.at("uses"), say="required", action=uses_text, input=input_name)


def _known_action_input_hits(step: Step, uses_reference: UsesReference) -> Iterator[Hit]:
    action_facts = popular_action_interface(uses_reference)
    declared_names = {input_name.lower() for input_name in action_facts.get("inputs", ())}
    given_names = {input_name.lower() for input_name in step.with_inputs}
    for input_name in step.with_inputs:
        if declared_names and input_name.lower() not in declared_names:
            yield hit(
                step.with_inputs.key_span(input_name),
                say="unknown",
                action=uses_reference.lowercase_name,
                input=input_name,
            )
        elif input_name.lower() in action_facts.get("deprecated", {}):
            replacement_name = action_facts["deprecated"][input_name.lower()]
            input_span = step.with_inputs.key_span(input_name)
            yield hit(input_span, say="renamed", action=uses_reference.lowercase_name, input=input_name, instead=replacement_name)
    for input_name in action_facts.get("required", ()):
        if input_name.lower() not in given_names:
            yield hit(step.node.at("uses"), say="required", action=uses_reference.lowercase_name, input=input_name)


def action_outdated(step: Step) -> CheckOutcome:
    """A version of a known action that runs on a Node.js that runners no longer have, or with which github.com fails every job."""
    uses_reference = step.parsed_uses
    if uses_reference is None or uses_reference.reference_kind != "repository" or not _PLAIN_VERSION_REF.match(uses_reference.ref):
        return
    action_facts = popular_action_interface(uses_reference)
    first_supported_major = action_facts.get("below")
    if first_supported_major is None or uses_reference.major_version is None or uses_reference.major_version >= first_supported_major:
        return
    if uses_reference.major_version < action_facts.get("refused-below", 0):
        yield hit(
            step.node.at("uses"),
            say="refused",
            uses=uses_reference.text,
            below=first_supported_major,
            day=_day_of_refusal(action_facts, uses_reference.major_version),
        )
    else:
        yield hit(
            step.node.at("uses"),
            severity=Severity.MEDIUM,
            say="withdrawn",
            uses=uses_reference.text,
            below=first_supported_major,
            day="",
        )


def _day_of_refusal(action_facts: Mapping[str, Any], major_version: int) -> str:
    """The day since which github.com fails jobs with a version of an action: the oldest versions of some went first."""
    earlier_days = [day for first_version_left, day in action_facts.get("refused-by", {}).items() if major_version < int(first_version_left)]
    return str(min(earlier_days, default=action_facts["refused"]))


_REUSABLE_WORKFLOW_REFERENCE = lazy_regex(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[^@\s]+@\S+\Z")


def workflow_call_invalid(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A call of a reusable workflow that is no path, not there, not callable, or called with wrong inputs or secrets."""
    for job in workflow.jobs:
        uses_text = job.node.get("uses")
        if not isinstance(uses_text, str) or not uses_text or is_text_with_expression(uses_text):
            continue
        is_local = parse_uses(uses_text).reference_kind == "local"
        if (is_local and "@" in uses_text) or not (is_local or _REUSABLE_WORKFLOW_REFERENCE.match(uses_text)):
            yield hit(job.node.at("uses"), say="reference", workflow=uses_text)
            continue
        if is_local:
            yield from _local_call_hits(job, uses_text, project)


def _local_call_hits(job: Job, uses_text: str, project: Project) -> Iterator[Hit]:
    called_workflow_document = resolve_called_workflow(job, project)
    if called_workflow_document is None:
        called_path = repository_path_of_uses(uses_text, job.source.path)
        repository_folder = repository_root_of_workflow_path(job.source.path)
        workflows_folder = f"{repository_folder}/.github/workflows".lstrip("/")
        if called_path is None or repository_folder is None:
            return
        if posixpath.dirname(called_path) != workflows_folder or not called_path.endswith((".yml", ".yaml")):
            yield hit(job.node.at("uses"), say="folder", workflow=uses_text)
        elif project.is_walked(workflows_folder) and not project.was_path_seen(called_path):
            yield hit(job.node.at("uses"), say="absent", workflow=uses_text)
        return
    if "workflow_call" not in called_workflow_document.triggers:
        yield hit(job.node.at("uses"), say="not-callable", workflow=uses_text)
        return
    call_trigger = called_workflow_document.triggers["workflow_call"]
    call_trigger = call_trigger if isinstance(call_trigger, Map) else Map(called_workflow_document.node.at())
    for job_key, trigger_section in (("with", "inputs"), ("secrets", "secrets")):
        declared_values = call_trigger.get(trigger_section, Map(called_workflow_document.node.at()))
        if isinstance(declared_values, Map):
            yield from _passed_value_hits(job, job_key, trigger_section[:-1], declared_values, uses_text)


def _passed_value_hits(job: Job, job_key: str, value_kind: str, declared_values: Map, uses_text: str) -> Iterator[Hit]:
    passed_node = job.node.get(job_key)
    if isinstance(passed_node, str):
        return
    passed_values = passed_node if isinstance(passed_node, Map) else Map(job.node.at("uses"))
    declared_names = {value_name.lower() for value_name in declared_values}
    for value_name in passed_values:
        if value_name.lower() not in declared_names:
            yield hit(passed_values.key_span(value_name), say="unknown", workflow=uses_text, sort=value_kind, name=value_name)
    passed_names = {value_name.lower() for value_name in passed_values}
    for value_name, value_spec in declared_values.items():
        is_required = isinstance(value_spec, Map) and value_spec.get("required") is True and "default" not in value_spec
        if is_required and value_name.lower() not in passed_names:
            yield hit(job.node.at("uses"), say="required", workflow=uses_text, sort=value_kind, name=value_name)


def workflow_call_type_wrong(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """An input of a called workflow that is given a value of another type."""
    for job in workflow.jobs:
        given_inputs = job.node.get("with")
        if not isinstance(given_inputs, Map):
            continue
        type_by_input = input_type_by_name(job, project)
        for input_name, input_value in given_inputs.items():
            input_type = type_by_input.get(input_name.lower(), "")
            if not is_text_with_expression(input_value) and _has_wrong_input_type(input_type, input_value):
                input_span = (
                    given_inputs.at(input_name)
                    if given_inputs.at(input_name).end > given_inputs.at(input_name).start
                    else given_inputs.key_span(input_name)
                )
                yield hit(input_span, input=input_name, kind=input_type)


def input_type_by_name(job: Job, project: Project) -> dict[str, str]:
    """What the workflow that a job calls says of its inputs' types, by their names in lower case."""
    called_workflow_document = resolve_called_workflow(job, project)
    declared_inputs = (
        called_workflow_document.trigger_settings("workflow_call").mapping_at_path("inputs") if called_workflow_document is not None else {}
    )
    return {name.lower(): _input_type(body) for name, body in declared_inputs.items()}


def _input_type(input_spec: Any) -> str:
    type_name = input_spec.get("type") if isinstance(input_spec, Map) else ""
    return type_name if isinstance(type_name, str) else ""


def _has_wrong_input_type(expected_type: str, input_value: Any) -> bool:
    if expected_type == "number":
        return isinstance(input_value, bool) or not isinstance(input_value, int | float)
    if expected_type == "boolean":
        return not isinstance(input_value, bool)
    return expected_type == "string" and input_value is None
