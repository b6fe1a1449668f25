"""What is delivered together: a folder's objects, or a rendering's."""

from __future__ import annotations

from readiness.kinds.k8s.index import folder_of, object_index
from readiness.kinds.k8s.model import Object
from readiness.model.project import Project


def _kinds_by_folder(project: Project) -> frozenset[tuple[str, str]]:
    """The kinds of objects that stand in each folder."""
    found = object_index(project).kinds
    return frozenset(
        (folder_of(one.source), kind) for kind, objects in found.items() for one in objects
    )


def is_delivered_beside(one: Object, project: Project, *kinds: str) -> bool:
    """Whether objects of one of the kinds stand in an object's own folder: then one more would stand there, too.

    Where none does, they come from elsewhere: a chart, an operator, another repository.
    """
    known = project.memo(_kinds_by_folder)
    return any((folder_of(one.source), kind) in known for kind in kinds)
