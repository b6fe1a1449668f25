"""Dockerfiles that are GitHub Actions: GitHub runs them, as root, and lets nobody say otherwise.

https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support
"""

from __future__ import annotations

import posixpath

from readiness.kinds.dockerfile.model import Stage
from readiness.model.project import Project
from readiness.syntax.yaml import Map


def is_github_action_image(stage: Stage, project: Project) -> bool:
    """Whether an action.yml of the project is made of this Dockerfile."""
    return stage.source.root.path in project.memoize(_action_dockerfile_paths)


def _action_dockerfile_paths(project: Project) -> frozenset[str]:
    documents = project.documents_of_kind("github")
    if not documents:
        return frozenset()
    from readiness.kinds.github.model import Action  # most Dockerfiles have no action beside them

    dockerfile_paths = set()
    for document in documents:
        runs_mapping = document.node.get("runs") if isinstance(document, Action) else None
        image_value = runs_mapping.get("image") if isinstance(runs_mapping, Map) else None
        if isinstance(image_value, str) and "://" not in image_value:
            action_folder = posixpath.dirname(document.source.path)
            dockerfile_paths.add(posixpath.normpath(posixpath.join(action_folder, image_value)))
    return frozenset(dockerfile_paths)
