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


def _owners(project: Project) -> frozenset[str]:
    """The names of the objects that operators look after: those of groups with a dot that are not Kubernetes' own."""
    return frozenset(
        one.name
        for objects in object_index(project).kinds.values()
        for one in objects
        if one.name and "." in one.group and not one.group.endswith(".k8s.io")
    )


def may_come_from_operator(name: str, project: Project) -> bool:
    """Whether a name begins with that of an object of an operator, which names so what it makes (`shop` -> `shop-head-svc`)."""
    words = name.split("-")[:40]
    known = project.memo(_owners)
    return any("-".join(words[:count]) in known for count in range(1, len(words) + 1))


def is_delivered_beside(one: Object, project: Project, *kinds: str) -> bool:
    """Whether objects of one of the kinds stand in an object's own folder: then one more would stand there, too.

    Where none does, they come from elsewhere: a chart, an operator, another repository.
    """
    known = project.memo(_kinds_by_folder)
    return any((folder_of(one.source), kind) in known for kind in kinds)
