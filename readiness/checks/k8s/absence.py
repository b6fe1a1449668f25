"""How checks tell that a name means nothing: in no file, or only in files that are applied for others."""

from __future__ import annotations

from typing import Any, NamedTuple

from readiness.kinds.k8s.deliveries import (
    is_component_switched_off,
    is_delivered_beside,
    is_file_completed_by_others,
    may_come_from_operator,
)
from readiness.kinds.k8s.index import owner_of
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import KINDS_OF_PODS, Object
from readiness.kinds.k8s.spaces import NameResolution
from readiness.model import Related, Severity
from readiness.model.project import Project


class MissingNameDetails(NamedTuple):
    """Where a name is not, in words; the places that have it for others; and how bad that is, None for the rule's word."""

    where_missing_text: str
    related: tuple[Related, ...]
    severity: Severity | None


def absence_of(join: NameResolution[Any], namespace: str) -> MissingNameDetails:
    """What to say of a name that can mean nothing.

    Where another unit or another namespace has it the sentence says so and points there: it may be applied from there
    after all, so that this is worth a look and no more.
    """
    if not join.same_name_elsewhere:
        return MissingNameDetails("is in no file", (), None)
    other = owner_of(join.same_name_elsewhere[0])
    place = Related(other.source, other.metadata.at("name"), "this one is applied for others")
    if other.namespace and namespace and other.namespace != namespace:
        where = f"is in no file of namespace {namespace!r}, only in namespace {other.namespace!r}"
    else:
        where = "is in no file that is applied with it, only in one for others"
    return MissingNameDetails(where, (place,), Severity.LOW)


def are_pods_beside(obj: Object, project: Project) -> bool:
    """Whether workloads stand in an object's own folder and namespace: then those that it selects would stand there, too."""
    return any(is_delivered_beside(obj, project, kind) for kind in KINDS_OF_PODS)


def pods_absence(join: NameResolution[Any], obj: Object, project: Project) -> MissingNameDetails | None:
    """What to say of a selector that can mean no pod: which workloads have such pods all the same.

    None where only those of a twin have them and no workload stands beside the object: it may be for those, as an example is.
    """
    for each in join.same_name_elsewhere:
        if may_be_same_namespace(each.namespace, obj.namespace) is not False:
            if not are_pods_beside(obj, project):
                return None
            other = owner_of(each)
            place = Related(other.source, other.metadata.at("name"), "this one is applied for others")
            return MissingNameDetails("only one that is applied for others has", (place,), Severity.LOW)
    if join.same_name_elsewhere:
        other = owner_of(join.same_name_elsewhere[0])
        place = Related(other.source, other.metadata.at("name"), "this one is in another namespace")
        return MissingNameDetails("none of its namespace has", (place,), None)
    return MissingNameDetails("no workload in the files has", (), None)


def service_absence(obj: Object, name: str, join: NameResolution[Any], namespace: str, project: Project) -> MissingNameDetails:
    """What to say of a Service that can mean nothing; low where a chart or an operator may make it, or something else brings it.

    That is where no Service stands beside the object, where the name begins with that of an operator's object, where the object's
    file has workloads and no Service, and where the values of a chart switch off the component that the name is of.
    """
    told = absence_of(join, namespace)
    is_made_here = (
        is_delivered_beside(obj, project, "Service")
        and not may_come_from_operator(name, project)
        and not is_file_completed_by_others(obj, project, "Service")
        and not is_component_switched_off(name, project)
    )
    return told._replace(severity=told.severity or (None if is_made_here else Severity.LOW))
