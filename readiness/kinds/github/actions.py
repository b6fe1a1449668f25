"""What a `uses:` leads to: an action or a workflow of the same repository, or what is known of a popular action."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from readiness.facts.actions import action_interface
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.uses import UsesReference, parse_uses, repository_root_of_workflow_path
from readiness.model.project import Project


def popular_action_interface(uses: UsesReference) -> Mapping[str, Any]:
    """What is known of an action's inputs and outputs; an empty mapping for all others."""
    return action_interface(uses.lowercase_name) if uses.reference_kind == "repository" else {}


def popular_action_output_names(uses: UsesReference) -> tuple[str, ...] | None:
    """The names of a popular action's outputs; None where the action is not in the table."""
    output_names = popular_action_interface(uses).get("outputs")
    return tuple(output_names) if output_names is not None else None


def repository_path_of_uses(uses_path: str, workflow_path: str) -> str | None:
    """The path in the tree that a local reference means; None where the repository's root is not known."""
    root_folder = repository_root_of_workflow_path(workflow_path)
    if root_folder is None:
        return None
    path_in_repository = uses_path[2:] if uses_path.startswith("$/") else uses_path
    tree_path = posixpath.normpath(posixpath.join(root_folder, path_in_repository))
    return None if tree_path.startswith("../") and not root_folder.startswith("..") else tree_path


def local_action_of_step(step: Step, project: Project) -> Action | None:
    """The action of the same repository that a step uses, where it was read."""
    parsed_uses = step.parsed_uses
    action_folder = repository_path_of_uses(parsed_uses.path, step.source.path) if parsed_uses and parsed_uses.reference_kind == "local" else None
    if action_folder is None:
        return None
    document_by_path = project.document_by_path("github")
    for metadata_file_name in ("action.yml", "action.yaml"):
        metadata_document = document_by_path.get(posixpath.join(action_folder, metadata_file_name))
        if isinstance(metadata_document, Action):
            return metadata_document
    return None


def resolve_called_workflow(job: Job, project: Project) -> Workflow | None:
    """The workflow of the same repository that a job calls, where it was read."""
    uses_value = job.node.get("uses")
    parsed_uses = parse_uses(uses_value) if isinstance(uses_value, str) else None
    workflow_path = repository_path_of_uses(parsed_uses.path, job.source.path) if parsed_uses and parsed_uses.reference_kind == "local" else None
    document = project.document_by_path("github").get(workflow_path) if workflow_path else None
    return document if isinstance(document, Workflow) else None
