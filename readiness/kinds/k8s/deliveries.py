"""What is delivered together: a folder's objects, or a rendering's."""

from __future__ import annotations

from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.units import folder_of
from readiness.model.project import Project


def _namespaces_by_kind(project: Project) -> dict[tuple[str, str], frozenset[str]]:
    """The namespaces of the objects of each folder and kind."""
    made: dict[tuple[str, str], set[str]] = {}
    for kind, objects in object_index(project).objects_by_kind.items():
        for obj in objects:
            made.setdefault((folder_of(obj.source), kind), set()).add(obj.namespace)
    return {key: frozenset(value) for key, value in made.items()}


def _custom_resource_names(project: Project) -> frozenset[str]:
    """The names of the objects that operators look after: those of groups with a dot that are not Kubernetes' own."""
    return frozenset(
        one.name
        for objects in object_index(project).objects_by_kind.values()
        for one in objects
        if one.name and "." in one.group and not one.group.endswith(".k8s.io")
    )


def may_come_from_operator(name: str, project: Project) -> bool:
    """Whether a name begins with that of an object of an operator, which names so what it makes (`shop` -> `shop-head-svc`)."""
    words = name.split("-")[:40]
    known = project.memoize(_custom_resource_names)
    return any("-".join(words[:count]) in known for count in range(1, len(words) + 1))


def is_delivered_beside(obj: Object, project: Project, kind: str) -> bool:
    """Whether objects of a kind stand in an object's own folder and namespace: then one more would stand there, too.

    Where none does, they come from elsewhere: a chart, an operator, another repository.
    """
    found = project.memoize(_namespaces_by_kind).get((folder_of(obj.source), kind), frozenset())
    return bool(found) and (not obj.namespace or bool(found & {obj.namespace, ""}))
