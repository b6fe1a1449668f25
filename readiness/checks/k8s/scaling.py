"""Autoscalers: their targets, bounds and metrics, and what works against them."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.absence import details_of_missing_name
from readiness.checks.k8s.resources import pod_level_quantities, resource_quantities
from readiness.checks.k8s.storage import has_single_writer
from readiness.checks.k8s.written import lowered_where_values_decide, unknown_in_fragments
from readiness.kinds.k8s.deliveries import has_objects_of_kind_beside
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import (
    find_autoscalers,
    find_certain_autoscalers,
    object_index,
    scale_target_kind_and_name,
    scaled_workload,
    workload_of,
)
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import AUTOSCALER_KINDS, autoscaler_bounds, pod_count_range
from readiness.kinds.k8s.selecting import certain_selecting_objects, service_selector_index
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Related,
    Severity,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.yaml import Map

AUTOSCALER_KIND = "HorizontalPodAutoscaler"


def autoscaler_target_unresolved(obj: Object, *, project: Project) -> CheckOutcome:
    """An autoscaler names a workload that is in no file; low where none of its kind stands beside it: it comes from elsewhere."""
    if obj.kind not in {AUTOSCALER_KIND, "ScaledObject", "VerticalPodAutoscaler"}:
        return
    target_key = "targetRef" if obj.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    target_ref = obj.spec.mapping_at_path(target_key)
    target_kind, target_name = scale_target_kind_and_name(obj)
    if not target_name or is_filled_in_value(target_name) or target_kind not in REPLICATED_KINDS | {"DaemonSet"}:
        return
    resolution = find_named_in_run(obj, target_kind, target_name, project, is_shared_thing=False)
    if resolution.is_ambiguous:
        yield Undecidable(target_ref.at("name"))
    elif resolution.is_absent:
        details = details_of_missing_name(resolution, obj.namespace)
        is_target_kind_beside = has_objects_of_kind_beside(obj, project, target_kind)
        yield missing(
            target_ref.at("name"), related=details.related, severity=details.severity or (None if is_target_kind_beside else Severity.LOW),
            target=f"{target_kind}/{target_name}", where=details.where_missing_text,
        )  # fmt: skip


@lowered_where_values_decide()
def autoscaler_bounds_invalid(obj: Object) -> CheckOutcome:
    """An autoscaler's minimum is over its maximum, or its maximum under 1."""
    if obj.kind not in AUTOSCALER_KINDS:
        return
    minimum_key, maximum_key = ("minReplicas", "maxReplicas") if obj.kind == AUTOSCALER_KIND else ("minReplicaCount", "maxReplicaCount")
    minimum, maximum = integer_or_none(obj.spec.get(minimum_key)), integer_or_none(obj.spec.get(maximum_key))
    if maximum is not None and maximum < 1:
        yield hit(obj.spec.at(maximum_key), say="maximum", high=maximum_key, most=maximum)
    elif minimum is not None and maximum is not None and minimum > maximum:
        yield hit(obj.spec.at(minimum_key), say="minimum", low=minimum_key, least=minimum, high=maximum_key, most=maximum)


@unknown_in_fragments
def autoscaler_fixed(obj: Object) -> CheckOutcome:
    """An autoscaler's minimum equals its maximum: it never scales."""
    if obj.kind in AUTOSCALER_KINDS:
        minimum, maximum = autoscaler_bounds(obj)
        if minimum is not None and minimum == maximum:
            maximum_key = "maxReplicas" if obj.kind == AUTOSCALER_KIND else "maxReplicaCount"
            yield hit(obj.spec.at(maximum_key), count=maximum)


def autoscaler_minimum_low(obj: Object, *, minimum: int, unset: bool) -> CheckOutcome:
    """An autoscaler may go under `minimum` pods; `unset`: a minimum that is left out counts as the 1 that it is."""
    if obj.kind != AUTOSCALER_KIND:
        return
    min_replicas = obj.spec.get("minReplicas")
    if is_filled_in_value(min_replicas):
        yield Undecidable(obj.spec.at("minReplicas"))
    elif min_replicas is None and unset:
        yield missing(obj.metadata.at("name"), count=1)
    else:
        replica_count = integer_or_none(min_replicas)
        if replica_count is not None and replica_count < minimum:
            yield hit(obj.spec.at("minReplicas"), count=replica_count)


def _utilization_metrics(obj: Object) -> Iterator[tuple[Map, str, str]]:
    """The resources that an autoscaler scales on by their share of the request: place, resource, container."""
    if "targetCPUUtilizationPercentage" in obj.spec or "metrics" not in obj.spec:
        yield obj.spec, "cpu", ""
    for metric in obj.spec.mappings_under("metrics"):
        metric_type = metric.get("type")
        source_key = "resource" if metric_type == "Resource" else "containerResource"
        resource_source = metric.mapping_at_path(source_key)
        metric_target_value = resource_source.mapping_at_path("target")
        utilization_target = metric_target_value.get("averageUtilization", resource_source.get("targetAverageUtilization"))
        if metric_type in {"Resource", "ContainerResource"} and utilization_target is not None:
            yield (
                resource_source,
                resource_source.string_under("name"),
                resource_source.string_under("container"),
            )


def autoscaler_without_requests(obj: Object, *, project: Project) -> CheckOutcome:
    """An autoscaler scales on a share of requests that its target's containers do not state."""
    target_object = scaled_workload(obj, project) if obj.kind == AUTOSCALER_KIND else None
    workload = object_index(project).workload_by_owner_id.get(id(target_object)) if target_object else None
    if target_object is None or workload is None or workload.pod is None:
        return
    for metric_node, resource_name, metric_container in _utilization_metrics(obj):
        containers_without_quantity = [
            container.name
            for container in workload.pod.containers()
            if container.role in {"main", "sidecar"}
            and (not metric_container or container.name == metric_container)
            and all(resource_quantities(container, sort).get(resource_name) is None for sort in ("requests", "limits"))
            and pod_level_quantities(workload.pod, "requests").get(resource_name) is None
        ]
        if containers_without_quantity and resource_name in {"cpu", "memory"}:
            metric_span = metric_node.at("name") if metric_node is not obj.spec else obj.metadata.at("name")
            containers_location = Related(target_object.source, workload.pod.node.at("containers"), "the containers")
            yield missing(
                metric_span,
                related=[containers_location],
                metric=resource_name,
                names=join_names(containers_without_quantity),
                target=target_object.resource,
            )


def replicas_beside_autoscaler(obj: Object, *, project: Project) -> CheckOutcome:
    """A workload states `replicas` beside an autoscaler: every apply sets back what was scaled."""
    if obj.kind not in REPLICATED_KINDS or obj.spec.get("replicas") is None:
        return
    for autoscaler in find_certain_autoscalers(obj, project, *AUTOSCALER_KINDS):
        autoscaler_location = Related(autoscaler.source, autoscaler.metadata.at("name"), "the autoscaler")
        yield hit(obj.spec.at("replicas"), related=[autoscaler_location], scaler=autoscaler.resource)
        return


def autoscalers_on_one_target(obj: Object, *, project: Project) -> CheckOutcome:
    """Two autoscalers of replicas have one target. A guide shows two as alternatives."""
    if project.prose or obj.kind not in AUTOSCALER_KINDS:
        return
    target_workload = scaled_workload(obj, project)
    if target_workload is None:
        return
    autoscalers = find_certain_autoscalers(target_workload, project, *AUTOSCALER_KINDS)
    if len(autoscalers) > 1 and autoscalers[0] is not obj and any(each is obj for each in autoscalers):
        autoscaler_location = Related(autoscalers[0].source, autoscalers[0].metadata.at("name"), "the other autoscaler")
        yield hit(
            obj.metadata.at("name"),
            related=[autoscaler_location],
            target=target_workload.resource,
            other=autoscalers[0].resource,
        )


def vertical_beside_horizontal(obj: Object, *, project: Project) -> CheckOutcome:
    """A VerticalPodAutoscaler changes the requests that a HorizontalPodAutoscaler measures by."""
    if obj.kind != "VerticalPodAutoscaler":
        return
    update_policy = obj.spec.mapping_at_path("updatePolicy")
    target_workload = scaled_workload(obj, project)
    if target_workload is None or update_policy.get("updateMode") == "Off":
        return
    controlled_resources = _vertical_resources(obj)
    for horizontal_autoscaler in find_certain_autoscalers(target_workload, project, AUTOSCALER_KIND):
        shared_resources = sorted({name for _, name, _ in _utilization_metrics(horizontal_autoscaler)} & controlled_resources)
        if shared_resources:
            autoscaler_location = Related(horizontal_autoscaler.source, horizontal_autoscaler.metadata.at("name"), "the horizontal autoscaler")
            update_mode_span = update_policy.at("updateMode") if "updateMode" in update_policy else obj.metadata.at("name")
            yield hit(
                update_mode_span,
                related=[autoscaler_location],
                scaler=horizontal_autoscaler.resource,
                resources=join_names(shared_resources),
            )


def _vertical_resources(obj: Object) -> set[str]:
    """The resources that a VerticalPodAutoscaler sets."""
    resource_names: set[str] = set()
    container_policies = list(obj.spec.mapping_at_path("resourcePolicy").mappings_under("containerPolicies"))
    for container_policy in container_policies:
        if container_policy.get("mode") != "Off":
            controlled_resources = container_policy.get("controlledResources")
            resource_names |= {str(name) for name in controlled_resources} if isinstance(controlled_resources, list) else {"cpu", "memory"}
    return resource_names if container_policies else {"cpu", "memory"}


def vertical_unbounded(obj: Object) -> CheckOutcome:
    """A VerticalPodAutoscaler that changes pods has no bounds."""
    if obj.kind != "VerticalPodAutoscaler" or obj.spec.mapping_at_path("updatePolicy").get("updateMode") == "Off":
        return
    container_policies = list(obj.spec.mapping_at_path("resourcePolicy").mappings_under("containerPolicies"))
    if not container_policies:
        yield missing(obj.metadata.at("name"), absent="minAllowed and maxAllowed")
    for container_policy in container_policies:
        absent_bounds = [key for key in ("minAllowed", "maxAllowed") if container_policy.get(key) is None]
        if absent_bounds and container_policy.get("mode") != "Off":
            yield missing(container_policy.at(), absent=join_names(absent_bounds))


def autoscaler_scale_down_undamped(obj: Object, *, seconds: int) -> CheckOutcome:
    """An autoscaler takes pods away after less than `seconds`, or faster than it adds them; info where one pod is the most."""
    if obj.kind != AUTOSCALER_KIND:
        return
    behavior = obj.spec.mapping_at_path("behavior")
    scale_down, scale_up = behavior.mapping_at_path("scaleDown"), behavior.mapping_at_path("scaleUp")
    scale_down_window = integer_or_none(scale_down.get("stabilizationWindowSeconds"))
    scale_up_window = integer_or_none(scale_up.get("stabilizationWindowSeconds")) or 0
    max_replicas = integer_or_none(obj.spec.get("maxReplicas"))
    severity = Severity.INFO if max_replicas is not None and max_replicas <= 1 else None
    if scale_down_window is not None and scale_down_window < seconds:
        window_span = scale_down.at("stabilizationWindowSeconds")
        yield hit(window_span, severity=severity, say="short", seconds=scale_down_window)
    elif scale_up_window > (300 if scale_down_window is None else scale_down_window):
        yield hit(scale_up.at("stabilizationWindowSeconds"), severity=severity, say="sooner")


def autoscaler_missing(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment of several replicas behind a Service has no autoscaler."""
    owner = pod.owner
    workload = workload_of(pod, project)
    if owner.kind != "Deployment" or workload is None:
        yield NotApplicable()
        return
    if not find_autoscalers(owner, project, *AUTOSCALER_KINDS).is_absent:
        return
    minimum_pods = pod_count_range(owner, project).minimum
    may_run_several_pods = minimum_pods is not None and minimum_pods > 1 and not has_single_writer(pod, project)
    if may_run_several_pods and certain_selecting_objects(workload, project, service_selector_index):
        name_span = owner.metadata.at("name")
        yield Undecidable(name_span) if project.may_lack_objects(owner.namespace) else missing(name_span)
    else:
        yield NotApplicable()
