"""What a `uses:` leads to: an action or a workflow of the same repository, or what is known of a popular action."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from readiness.facts.actions import action_interface
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.uses import UsesReference, parse_uses, repository_root
from readiness.model.project import Project


def known_action(uses: UsesReference) -> Mapping[str, Any]:
    """What is known of an action's inputs and outputs; an empty mapping for all others."""
    return action_interface(uses.lowercase_name) if uses.reference_kind == "repository" else {}


def outputs_of(uses: UsesReference) -> tuple[str, ...] | None:
    """The names of a popular action's outputs; None where the action is not in the table."""
    found = known_action(uses).get("outputs")
    return tuple(found) if found is not None else None


def repository_path_of_uses(value: str, source: str) -> str | None:
    """The path in the tree that a local reference means; None where the repository's root is not known."""
    root = repository_root(source)
    if root is None:
        return None
    inside = value[2:] if value.startswith("$/") else value
    path = posixpath.normpath(posixpath.join(root, inside))
    return None if path.startswith("../") and not root.startswith("..") else path


def local_action(step: Step, project: Project) -> Action | None:
    """The action of the same repository that a step uses, where it was read."""
    used = step.parsed_uses
    path = repository_path_of_uses(used.path, step.source.path) if used and used.reference_kind == "local" else None
    if path is None:
        return None
    documents = project.document_by_path("github")
    for name in ("action.yml", "action.yaml"):
        document = documents.get(posixpath.join(path, name))
        if isinstance(document, Action):
            return document
    return None


def called_workflow(job: Job, project: Project) -> Workflow | None:
    """The workflow of the same repository that a job calls, where it was read."""
    value = job.node.get("uses")
    used = parse_uses(value) if isinstance(value, str) else None
    path = repository_path_of_uses(used.path, job.source.path) if used and used.reference_kind == "local" else None
    found = project.document_by_path("github").get(path) if path else None
    return found if isinstance(found, Workflow) else None
