"""What a `uses:` leads to: an action or a workflow of the same repository, or what is known of a popular action."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from readiness.facts.actions import action_interface
from readiness.kinds.github.model import Action, Job, Step, Workflow
from readiness.kinds.github.uses import Uses, parse_uses, repository_root
from readiness.model.project import Project


def known_action(used: Uses) -> Mapping[str, Any]:
    """What is known of an action's inputs and outputs; an empty mapping for all others."""
    return action_interface(used.name) if used.form == "repository" else {}


def outputs_of(used: Uses) -> tuple[str, ...] | None:
    """The names of a popular action's outputs; None where the action is not in the table."""
    found = known_action(used).get("outputs")
    return tuple(found) if found is not None else None


def local_path(value: str, source: str) -> str | None:
    """The path in the tree that a local reference means; None where the repository's root is not known."""
    root = repository_root(source)
    if root is None:
        return None
    inside = value[2:] if value.startswith("$/") else value
    path = posixpath.normpath(posixpath.join(root, inside))
    return None if path.startswith("../") and not root.startswith("..") else path


def local_action(step: Step, project: Project) -> Action | None:
    """The action of the same repository that a step uses, where it was read."""
    used = step.uses
    path = local_path(used.path, step.source.path) if used and used.form == "local" else None
    if path is None:
        return None
    documents = project.by_path("github")
    for name in ("action.yml", "action.yaml"):
        document = documents.get(posixpath.join(path, name))
        if isinstance(document, Action):
            return document
    return None


def called_workflow(job: Job, project: Project) -> Workflow | None:
    """The workflow of the same repository that a job calls, where it was read."""
    value = job.node.get("uses")
    used = parse_uses(value) if isinstance(value, str) else None
    path = local_path(used.path, job.source.path) if used and used.form == "local" else None
    found = project.by_path("github").get(path) if path else None
    return found if isinstance(found, Workflow) else None
