"""What workflows use: actions with their inputs, reusable workflows with their inputs and secrets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.actions import (
    called_workflow,
    known_action,
    local_action,
    repository_path_of_uses,
)
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.texts import contains_expression
from readiness.kinds.github.uses import UsesReference, parse_uses, repository_root
from readiness.model import CheckOutcome, Hit, Severity, hit, join_names
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_DOCKER_ARGUMENTS = ("args", "entrypoint")
_PLAIN_VERSION = re.compile(r"v?[0-9]{1,4}(?:\.[0-9]{1,6}){0,3}\Z")


def _steps_of(workflow: Workflow) -> Iterator[Step]:
    for job in workflow.jobs:
        yield from job.steps


_FORGEJO_FOLDER = re.compile(r"(?:\A|/)\.(?:forgejo|gitea)/")
_ACTION_URL = re.compile(r"https?://[^/@\s]+/[^/@\s]+/[^@\s]+@\S+\Z")


def _is_url_for_forgejo(text: str, workflow: Workflow) -> bool:
    """Whether a reference is an action's address, which the runners of Forgejo and Gitea take and GitHub's do not."""
    return bool(_FORGEJO_FOLDER.search(workflow.source.root.path) and _ACTION_URL.match(text))


def action_reference_invalid(workflow: Workflow) -> CheckOutcome:
    """A `uses` that is no reference: without a ref, without an owner, a local path without `./`."""
    for step in _steps_of(workflow):
        used = step.parsed_uses
        if used is None or not used.text or contains_expression(used.text):
            continue
        problem = ""
        if used.reference_kind == "unknown":
            problem = "ref" if "@" not in used.text else "repository"
            if problem == "repository" and _is_url_for_forgejo(used.text, workflow):
                continue
        elif used.reference_kind == "docker" and (not used.path or used.path.endswith(":")):
            problem = "tag" if used.path else "image"
        if problem:
            yield hit(step.node.at("uses"), say=problem, uses=used.text)


def action_input_unknown(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """An input that the action does not know, or a required one that is not given."""
    for step in _steps_of(workflow):
        used = step.parsed_uses
        if used is None or contains_expression(step.node.get("with")):
            continue
        action = local_action(step, project)
        if action is not None:
            yield from _local_action_input_hits(step, action)
        elif used.reference_kind == "repository":
            yield from _known_action_input_hits(step, used)


def _declared_inputs(action: Action) -> Map | None:
    found = action.node.get("inputs", Map(action.node.at()))
    return found if isinstance(found, Map) else None


def _local_action_input_hits(step: Step, action: Action) -> Iterator[Hit]:
    declared = _declared_inputs(action)
    if declared is None:
        return
    used = str(step.node["uses"])
    extra = _DOCKER_ARGUMENTS if action.using == "docker" else ()
    names = {name.lower(): body for name, body in declared.items()}
    given = {name.lower() for name in step.with_inputs}
    for name in step.with_inputs:
        body = names.get(name.lower())
        if isinstance(body, Map) and isinstance(body.get("deprecationMessage"), str):
            yield hit(step.with_inputs.key_span(name), say="deprecated", action=used, input=name)
        if name.lower() not in names and name not in extra:
            say = "unknown-of" if declared else "unknown"
            known = join_names(declared)
            yield hit(step.with_inputs.key_span(name), say=say, action=used, input=name, known=known)
    for name, body in declared.items():
        required = isinstance(body, Map) and body.get("required") in (True, "true")
        if required and "default" not in body and name.lower() not in given:
            yield hit(step.node.at("uses"), say="required", action=used, input=name)


def _known_action_input_hits(step: Step, uses: UsesReference) -> Iterator[Hit]:
    facts = known_action(uses)
    declared = {name.lower() for name in facts.get("inputs", ())}
    given = {name.lower() for name in step.with_inputs}
    for name in step.with_inputs:
        if declared and name.lower() not in declared:
            yield hit(
                step.with_inputs.key_span(name),
                say="unknown",
                action=uses.lowercase_name,
                input=name,
            )
        elif name.lower() in facts.get("deprecated", {}):
            instead = facts["deprecated"][name.lower()]
            span = step.with_inputs.key_span(name)
            yield hit(span, say="renamed", action=uses.lowercase_name, input=name, instead=instead)
    for name in facts.get("required", ()):
        if name.lower() not in given:
            yield hit(step.node.at("uses"), say="required", action=uses.lowercase_name, input=name)


def action_outdated(step: Step) -> CheckOutcome:
    """A version of a known action that runs on a Node.js that runners no longer have, or with which github.com fails every job."""
    used = step.parsed_uses
    if used is None or used.reference_kind != "repository" or not _PLAIN_VERSION.match(used.ref):
        return
    facts = known_action(used)
    below = facts.get("below")
    if below is None or used.major_version is None or used.major_version >= below:
        return
    if used.major_version < facts.get("refused-below", 0):
        yield hit(step.node.at("uses"), say="refused", uses=used.text, below=below, day=str(facts["refused"]))
    else:
        yield hit(step.node.at("uses"), severity=Severity.MEDIUM, say="withdrawn", uses=used.text, below=below, day="")


_REUSABLE_WORKFLOW_REFERENCE = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/[^@\s]+@\S+\Z")


def workflow_call_invalid(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """A call of a reusable workflow that is no path, not there, not callable, or called with wrong inputs or secrets."""
    for job in workflow.jobs:
        value = job.node.get("uses")
        if not isinstance(value, str) or not value or contains_expression(value):
            continue
        local = parse_uses(value).reference_kind == "local"
        if (local and "@" in value) or not (local or _REUSABLE_WORKFLOW_REFERENCE.match(value)):
            yield hit(job.node.at("uses"), say="reference", workflow=value)
            continue
        if local:
            yield from _check_local_call(job, value, project)


def _check_local_call(job: Job, value: str, project: Project) -> Iterator[Hit]:
    called = called_workflow(job, project)
    if called is None:
        path = repository_path_of_uses(value, job.source.path)
        root = repository_root(job.source.path)
        folder = f"{root}/.github/workflows".lstrip("/")
        if path is None or root is None:
            return
        if posixpath.dirname(path) != folder or not path.endswith((".yml", ".yaml")):
            yield hit(job.node.at("uses"), say="folder", workflow=value)
        elif project.is_walked(folder) and not project.was_path_seen(path):
            yield hit(job.node.at("uses"), say="absent", workflow=value)
        return
    if "workflow_call" not in called.triggers:
        yield hit(job.node.at("uses"), say="not-callable", workflow=value)
        return
    settings = called.triggers["workflow_call"]
    settings = settings if isinstance(settings, Map) else Map(called.node.at())
    for key, section in (("with", "inputs"), ("secrets", "secrets")):
        declared = settings.get(section, Map(called.node.at()))
        if isinstance(declared, Map):
            yield from _passed_value_hits(job, key, section[:-1], declared, value)


def _passed_value_hits(job: Job, key: str, section: str, declared: Map, value: str) -> Iterator[Hit]:
    given = job.node.get(key)
    if isinstance(given, str):
        return
    passed = given if isinstance(given, Map) else Map(job.node.at("uses"))
    names = {name.lower() for name in declared}
    for name in passed:
        if name.lower() not in names:
            yield hit(passed.key_span(name), say="unknown", workflow=value, sort=section, name=name)
    have = {name.lower() for name in passed}
    for name, body in declared.items():
        required = isinstance(body, Map) and body.get("required") is True and "default" not in body
        if required and name.lower() not in have:
            yield hit(job.node.at("uses"), say="required", workflow=value, sort=section, name=name)


def workflow_call_type_wrong(workflow: Workflow, *, project: Project) -> CheckOutcome:
    """An input of a called workflow that is given a value of another type."""
    for job in workflow.jobs:
        given = job.node.get("with")
        if not isinstance(given, Map):
            continue
        kinds = input_types(job, project)
        for name, value in given.items():
            kind = kinds.get(name.lower(), "")
            if not contains_expression(value) and _has_wrong_input_type(kind, value):
                span = given.at(name) if given.at(name).end > given.at(name).start else given.key_span(name)
                yield hit(span, input=name, kind=kind)


def input_types(job: Job, project: Project) -> dict[str, str]:
    """What the workflow that a job calls says of its inputs' types, by their names in lower case."""
    called = called_workflow(job, project)
    declared = called.trigger_settings("workflow_call").mapping_at_path("inputs") if called is not None else {}
    return {name.lower(): _input_type(body) for name, body in declared.items()}


def _input_type(input_spec: Any) -> str:
    kind = input_spec.get("type") if isinstance(input_spec, Map) else ""
    return kind if isinstance(kind, str) else ""


def _has_wrong_input_type(kind: str, value: Any) -> bool:
    if kind == "number":
        return isinstance(value, bool) or not isinstance(value, int | float)
    if kind == "boolean":
        return not isinstance(value, bool)
    return kind == "string" and value is None
