"""How checks tell that a name means nothing: in no file, or only in files that are applied for others."""

from __future__ import annotations

from typing import Any, NamedTuple

from readiness.kinds.k8s.deliveries import (
    has_objects_of_kind_beside,
    is_component_switched_off,
    is_example_file_without_kind,
    may_come_from_operator,
)
from readiness.kinds.k8s.index import owner_object_of
from readiness.kinds.k8s.labels import may_be_same_namespace
from readiness.kinds.k8s.model import KINDS_WITH_LASTING_PODS, Object
from readiness.kinds.k8s.spaces import NameResolution
from readiness.model import Related, Severity
from readiness.model.project import Project


class MissingNameDetails(NamedTuple):
    """Where a name is not, in words; the places that have it for others; and how bad that is, None for the rule's word."""

    where_missing_text: str
    related: tuple[Related, ...]
    severity: Severity | None


def details_of_missing_name(join: NameResolution[Any], namespace: str) -> MissingNameDetails:
    """What to say of a name that can mean nothing.

    Where another unit or another namespace has it the sentence says so and points there: it may be applied from there
    after all, so that this is worth a look and no more.
    """
    if not join.same_name_elsewhere:
        return MissingNameDetails("is in no file", (), None)
    same_named_object = owner_object_of(join.same_name_elsewhere[0])
    object_location = Related(same_named_object.source, same_named_object.metadata.at("name"), "this one is applied for others")
    if same_named_object.namespace and namespace and same_named_object.namespace != namespace:
        where_missing = f"is in no file of namespace {namespace!r}, only in namespace {same_named_object.namespace!r}"
    else:
        where_missing = "is in no file that is applied with it, only in one for others"
    return MissingNameDetails(where_missing, (object_location,), Severity.LOW)


def are_workloads_beside(obj: Object, project: Project) -> bool:
    """Whether workloads stand in an object's own folder and namespace: then those that it selects would stand there, too."""
    return any(has_objects_of_kind_beside(obj, project, kind) for kind in KINDS_WITH_LASTING_PODS)


def details_of_missing_pods(join: NameResolution[Any], obj: Object, project: Project) -> MissingNameDetails | None:
    """What to say of a selector that can mean no pod: which workloads have such pods all the same.

    None where only those of a twin have them and no workload stands beside the object: it may be for those, as an example is.
    """
    for candidate in join.same_name_elsewhere:
        if may_be_same_namespace(candidate.namespace, obj.namespace) is not False:
            if not are_workloads_beside(obj, project):
                return None
            workload_owner = owner_object_of(candidate)
            owner_location = Related(workload_owner.source, workload_owner.metadata.at("name"), "this one is applied for others")
            return MissingNameDetails("only one that is applied for others has", (owner_location,), Severity.LOW)
    if join.same_name_elsewhere:
        workload_owner = owner_object_of(join.same_name_elsewhere[0])
        owner_location = Related(workload_owner.source, workload_owner.metadata.at("name"), "this one is in another namespace")
        return MissingNameDetails("none of its namespace has", (owner_location,), None)
    return MissingNameDetails("no workload in the files has", (), None)


def details_of_missing_service(obj: Object, name: str, join: NameResolution[Any], namespace: str, project: Project) -> MissingNameDetails:
    """What to say of a Service that can mean nothing; low where a chart or an operator may make it, or something else brings it.

    That is where no Service stands beside the object, where the name begins with that of an operator's object, where the object's
    file has workloads and no Service, and where the values of a chart switch off the component that the name is of.
    """
    details = details_of_missing_name(join, namespace)
    is_expected_in_files = (
        has_objects_of_kind_beside(obj, project, "Service")
        and not may_come_from_operator(name, project)
        and not is_example_file_without_kind(obj, project, "Service")
        and not is_component_switched_off(name, project)
    )
    return details._replace(severity=details.severity or (None if is_expected_in_files else Severity.LOW))
