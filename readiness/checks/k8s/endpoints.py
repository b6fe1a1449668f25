"""Services without endpoints: what they select is no pod of any workload in the files, or has no such port."""

from __future__ import annotations

from readiness.checks.k8s.absence import are_workloads_beside, details_of_missing_pods
from readiness.checks.k8s.callers import is_service_named, is_service_port_used
from readiness.checks.k8s.services import (
    is_service,
    ports_declared_by,
    selected_pods_location,
    service_ports_with_targets,
    workloads_behind_service,
)
from readiness.kinds.k8s.deliveries import is_release_beside
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_reached_workloads_in_run
from readiness.kinds.k8s.index import ObjectIndex, object_index
from readiness.kinds.k8s.labels import Selector, selector_of_service
from readiness.kinds.k8s.labels import may_be_same_namespace as same_namespace
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.kinds.k8s.traffic import is_non_traffic_port
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Severity, Undecidable, hit, join_names, missing
from readiness.model.project import Project


def service_selects_nothing(obj: Object, *, alone: bool, project: Project) -> CheckOutcome:
    """A Service selects no pod of any workload in the files; `alone`: where there is no workload at all.

    Medium unless a workload beside the Service has labels of the same keys and no Service, and the files show who sends requests to it:
    else the one that it means may come from elsewhere, or the Service is a leftover. In tests the program
    of the test makes the pods, and it fails without them: there nothing can be told.
    """
    selector = selector_of_service(obj) if is_service(obj) else None
    project_index: ObjectIndex = object_index(project)
    if selector is None or bool(project_index.workloads) is alone:
        return
    purpose_by_resource = obj.source.root.purposes
    service_purpose = purpose_by_resource.get(obj.resource) or purpose_by_resource.get("")
    if service_purpose is not None and service_purpose.word == "test":
        yield Undecidable(obj.spec.at("selector"))
        return
    selector_without_controller = selector.without_controller_labels()
    if selector_without_controller.selects_everything or project_index.may_be_operated(selector_without_controller):
        return
    if not alone and not project_index.is_populated(obj.namespace) and not project_index.is_matched_anywhere(selector_without_controller):
        yield Undecidable(obj.spec.at("selector"))
        return
    resolution = find_reached_workloads_in_run(obj, selector_without_controller, project)
    details = details_of_missing_pods(resolution, obj, project) if resolution.is_absent else None
    is_of_release = details is not None and is_release_beside(obj, project) and not are_workloads_beside(obj, project)
    is_filled_in = any(is_filled_in_value(value) for _, value in selector_without_controller.pairs)
    if is_of_release or is_filled_in or (not resolution.meant and details is None):
        yield Undecidable(obj.spec.at("selector"))
    elif details is not None:
        label_pairs_text = join_names(f"{key}={value}" for key, value in selector_without_controller.pairs)
        is_workload_meant = _has_unserved_workload_beside(obj, selector_without_controller, project) and _may_anybody_call(obj, project)
        yield missing(
            obj.spec.key_span("selector"), severity=details.severity or (None if is_workload_meant else Severity.MEDIUM),
            related=details.related, pairs=label_pairs_text, where=details.where_missing_text,
        )  # fmt: skip


def service_port_undefined(obj: Object, *, project: Project) -> CheckOutcome:
    """A Service sends to a port by a name that no selected pod defines.

    Medium where the files show nobody who sends requests to that port; low for one of measurements where the pods have none: they are off.
    """
    if not is_service(obj) or not any(isinstance(target_port, str) for _, target_port in service_ports_with_targets(obj)):
        return
    workloads = [each for each in workloads_behind_service(obj, project) if each.pod is not None]
    declared_ports = [port for each in workloads for port in ports_declared_by(each)]
    port_names = {port.string_under("name") for port in declared_ports}
    are_measurements_off = not any(map(is_non_traffic_port, declared_ports))
    for port, target_port in service_ports_with_targets(obj) if workloads else ():
        if isinstance(target_port, str) and not target_port.isdigit() and target_port not in port_names and not is_filled_in_value(target_port):
            is_used = any(each.pod is not None and is_service_port_used(obj, port, each.pod, project) for each in workloads)
            severity = Severity.LOW if are_measurements_off and is_non_traffic_port(port) else None if is_used else Severity.MEDIUM
            message_name = "" if is_used else "unused"
            yield hit(port.at("targetPort"), severity=severity, say=message_name, related=[selected_pods_location(workloads[0])], port=target_port)


def _may_anybody_call(obj: Object, project: Project) -> bool:
    """Whether the files show who sends requests to a Service without pods; a port on the nodes is no more than an open door."""
    return obj.spec.get("type") == "LoadBalancer" or is_service_named(obj, None, project)


def _has_unserved_workload_beside(obj: Object, selector: Selector, project: Project) -> bool:
    """Whether a workload of a Service's own folder has the keys that the Service asks for, with other values, and no Service selects it."""
    if not are_workloads_beside(obj, project):
        return False
    selector_keys = {key for key, _ in selector.pairs}
    return any(
        selector_keys <= one.labels.keys()
        and folder_of(one.source) == folder_of(obj.source)
        and same_namespace(one.namespace, obj.namespace) is not False
        and not certain_selecting_objects(one, project, service_selector_index)
        for one in object_index(project).workloads
    )
