"""Who calls an action or a workflow of the same repository, and the events that start the first caller.

https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.uses import UsesReference, parse_uses
from readiness.model.project import Project

_CALL_EVENT = "workflow_call"
_GITHUB_FOLDER = "/.github/"


def events_that_start_step(step: Step, project: Project) -> frozenset[str] | None:
    """The events of a step's workflow, and of those that call it; None where a caller that is in no file may bring the event.

    So it is of an action outside .github, which other repositories may use, and of what no file of the tree calls.
    """
    document = step.owner.workflow if isinstance(step.owner, Job) else step.owner
    return project.memoize_for_subject(_events_that_start_file, document)


def _events_that_start_file(document: Workflow | Action, project: Project) -> frozenset[str] | None:
    called_from = project.memoize(_caller_paths_by_path)
    workflow_by_path = project.memoize(_workflows_by_path)
    events: set[str] = set()
    seen_paths: set[str] = set()
    pending_paths = [document.source.path]
    while pending_paths:
        path = pending_paths.pop()
        if path in seen_paths:
            continue
        seen_paths.add(path)
        workflow = workflow_by_path.get(path)
        triggers = set(workflow.triggers) if workflow is not None else {_CALL_EVENT}
        events |= triggers - {_CALL_EVENT}
        if _CALL_EVENT not in triggers:
            continue
        callers = called_from.get(path)
        if not callers or (workflow is None and not _is_local_action_path(path)):
            return None
        pending_paths += callers
    return frozenset(events)


def _is_local_action_path(path: str) -> bool:
    return _GITHUB_FOLDER in f"/{path}"


def _workflows_by_path(project: Project) -> Mapping[str, Workflow]:
    return {one.source.path: one for one in project.documents_of_kind("github") if isinstance(one, Workflow)}


def _caller_paths_by_path(project: Project) -> Mapping[str, set[str]]:
    """The path of an action's or a workflow's file -> the files that use it, from whatever checkout or by the repository's name."""
    caller_paths_by_path: dict[str, set[str]] = {}
    for document in project.documents_of_kind("github"):
        for uses_reference in _uses_references(document):
            for path in _possible_paths(uses_reference, document.source.path):
                caller_paths_by_path.setdefault(path, set()).add(document.source.path)
    return caller_paths_by_path


def _uses_references(document: Workflow | Action) -> Iterator[UsesReference]:
    if isinstance(document, Workflow):
        yield from (parse_uses(job.node.string_under("uses")) for job in document.jobs)
    yield from (step.parsed_uses for step in document.steps if step.parsed_uses is not None)


def _possible_paths(uses_reference: UsesReference, caller_path: str) -> tuple[str, ...]:
    """The files of the caller's own repository that a reference may mean; none where it names nothing under .github."""
    root_folder, github_folder, _ = f"/{caller_path}".rpartition(_GITHUB_FOLDER)
    _, _, path_in_folder = f"/{uses_reference.path}".partition(_GITHUB_FOLDER)
    if not github_folder or not path_in_folder:
        return ()
    path = posixpath.normpath(f"{root_folder}{_GITHUB_FOLDER}{path_in_folder}").lstrip("/")
    return (path, f"{path}/action.yml", f"{path}/action.yaml")
