"""Autoscalers: their targets, bounds and metrics, and what works against them."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.k8s.absence import absence_of
from readiness.checks.k8s.resources import pod_level_quantities, resource_quantities
from readiness.checks.k8s.storage import has_single_writer
from readiness.kinds.k8s.deliveries import is_delivered_beside
from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import (
    certain_autoscalers,
    find_autoscalers,
    object_index,
    scale_target,
    scaled_workload,
    workload_of,
)
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import AUTOSCALER_KINDS, autoscaler_bounds, pod_count_range
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
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
    key = "targetRef" if obj.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    ref = obj.spec.mapping_at_path(key)
    kind, name = scale_target(obj)
    if not name or is_variable(name) or kind not in REPLICATED_KINDS | {"DaemonSet"}:
        return
    found = find_named_in_run(obj, kind, name, project, shared=False)
    if found.is_ambiguous:
        yield Undecidable(ref.at("name"))
    elif found.is_absent:
        told = absence_of(found, obj.namespace)
        is_beside = is_delivered_beside(obj, project, kind)
        yield missing(
            ref.at("name"), related=told.related, severity=told.severity or (None if is_beside else Severity.LOW),
            target=f"{kind}/{name}", where=told.where_missing_text,
        )  # fmt: skip


def autoscaler_bounds_invalid(obj: Object) -> CheckOutcome:
    """An autoscaler's minimum is over its maximum, or its maximum under 1."""
    if obj.kind not in AUTOSCALER_KINDS:
        return
    low, high = ("minReplicas", "maxReplicas") if obj.kind == AUTOSCALER_KIND else ("minReplicaCount", "maxReplicaCount")
    least, most = as_integer(obj.spec.get(low)), as_integer(obj.spec.get(high))
    if most is not None and most < 1:
        yield hit(obj.spec.at(high), say="maximum", high=high, most=most)
    elif least is not None and most is not None and least > most:
        yield hit(obj.spec.at(low), say="minimum", low=low, least=least, high=high, most=most)


def autoscaler_fixed(obj: Object) -> CheckOutcome:
    """An autoscaler's minimum equals its maximum: it never scales."""
    if obj.kind in AUTOSCALER_KINDS:
        least, most = autoscaler_bounds(obj)
        if least is not None and least == most:
            key = "maxReplicas" if obj.kind == AUTOSCALER_KIND else "maxReplicaCount"
            yield hit(obj.spec.at(key), count=most)


def autoscaler_minimum_low(obj: Object, *, minimum: int, unset: bool) -> CheckOutcome:
    """An autoscaler may go under `minimum` pods; `unset`: a minimum that is left out counts as the 1 that it is."""
    if obj.kind != AUTOSCALER_KIND:
        return
    value = obj.spec.get("minReplicas")
    if is_variable(value):
        yield Undecidable(obj.spec.at("minReplicas"))
    elif value is None and unset:
        yield missing(obj.metadata.at("name"), count=1)
    else:
        replicas = as_integer(value)
        if replicas is not None and replicas < minimum:
            yield hit(obj.spec.at("minReplicas"), count=replicas)


def _utilization_metrics(obj: Object) -> Iterator[tuple[Map, str, str]]:
    """The resources that an autoscaler scales on by their share of the request: place, resource, container."""
    if "targetCPUUtilizationPercentage" in obj.spec or "metrics" not in obj.spec:
        yield obj.spec, "cpu", ""
    for metric in obj.spec.mappings_under("metrics"):
        kind = metric.get("type")
        key = "resource" if kind == "Resource" else "containerResource"
        metric_target = metric.mapping_at_path(key)
        target = metric_target.mapping_at_path("target")
        share = target.get("averageUtilization", metric_target.get("targetAverageUtilization"))
        if kind in {"Resource", "ContainerResource"} and share is not None:
            yield (
                metric_target,
                metric_target.string_under("name"),
                metric_target.string_under("container"),
            )


def autoscaler_without_requests(obj: Object, *, project: Project) -> CheckOutcome:
    """An autoscaler scales on a share of requests that its target's containers do not state."""
    target = scaled_workload(obj, project) if obj.kind == AUTOSCALER_KIND else None
    workload = object_index(project).workload_by_owner_id.get(id(target)) if target else None
    if target is None or workload is None or workload.pod is None:
        return
    for place, name, wanted in _utilization_metrics(obj):
        absent = [
            container.name
            for container in workload.pod.containers()
            if container.role in {"main", "sidecar"}
            and (not wanted or container.name == wanted)
            and all(resource_quantities(container, sort).get(name) is None for sort in ("requests", "limits"))
            and pod_level_quantities(workload.pod, "requests").get(name) is None
        ]
        if absent and name in {"cpu", "memory"}:
            span = place.at("name") if place is not obj.spec else obj.metadata.at("name")
            there = Related(target.source, workload.pod.node.at("containers"), "the containers")
            yield missing(span, related=[there], metric=name, names=join_names(absent), target=target.resource)


def replicas_beside_autoscaler(obj: Object, *, project: Project) -> CheckOutcome:
    """A workload states `replicas` beside an autoscaler: every apply sets back what was scaled."""
    if obj.kind not in REPLICATED_KINDS or obj.spec.get("replicas") is None:
        return
    for scaler in certain_autoscalers(obj, project, *AUTOSCALER_KINDS):
        place = Related(scaler.source, scaler.metadata.at("name"), "the autoscaler")
        yield hit(obj.spec.at("replicas"), related=[place], scaler=scaler.resource)
        return


def autoscalers_on_one_target(obj: Object, *, project: Project) -> CheckOutcome:
    """Two autoscalers of replicas have one target. A guide shows two as alternatives."""
    if project.prose or obj.kind not in AUTOSCALER_KINDS:
        return
    target = scaled_workload(obj, project)
    if target is None:
        return
    objects = certain_autoscalers(target, project, *AUTOSCALER_KINDS)
    if len(objects) > 1 and objects[0] is not obj and any(each is obj for each in objects):
        place = Related(objects[0].source, objects[0].metadata.at("name"), "the other autoscaler")
        yield hit(
            obj.metadata.at("name"),
            related=[place],
            target=target.resource,
            other=objects[0].resource,
        )


def vertical_beside_horizontal(obj: Object, *, project: Project) -> CheckOutcome:
    """A VerticalPodAutoscaler changes the requests that a HorizontalPodAutoscaler measures by."""
    if obj.kind != "VerticalPodAutoscaler":
        return
    policy = obj.spec.mapping_at_path("updatePolicy")
    target = scaled_workload(obj, project)
    if target is None or policy.get("updateMode") == "Off":
        return
    controlled = _vertical_resources(obj)
    for scaler in certain_autoscalers(target, project, AUTOSCALER_KIND):
        shared = sorted({name for _, name, _ in _utilization_metrics(scaler)} & controlled)
        if shared:
            place = Related(scaler.source, scaler.metadata.at("name"), "the horizontal autoscaler")
            span = policy.at("updateMode") if "updateMode" in policy else obj.metadata.at("name")
            yield hit(span, related=[place], scaler=scaler.resource, resources=join_names(shared))


def _vertical_resources(obj: Object) -> set[str]:
    """The resources that a VerticalPodAutoscaler sets."""
    found: set[str] = set()
    listed = list(obj.spec.mapping_at_path("resourcePolicy").mappings_under("containerPolicies"))
    for policy in listed:
        if policy.get("mode") != "Off":
            names = policy.get("controlledResources")
            found |= {str(name) for name in names} if isinstance(names, list) else {"cpu", "memory"}
    return found if listed else {"cpu", "memory"}


def vertical_unbounded(obj: Object) -> CheckOutcome:
    """A VerticalPodAutoscaler that changes pods has no bounds."""
    if obj.kind != "VerticalPodAutoscaler" or obj.spec.mapping_at_path("updatePolicy").get("updateMode") == "Off":
        return
    listed = list(obj.spec.mapping_at_path("resourcePolicy").mappings_under("containerPolicies"))
    if not listed:
        yield missing(obj.metadata.at("name"), absent="minAllowed and maxAllowed")
    for policy in listed:
        absent = [key for key in ("minAllowed", "maxAllowed") if policy.get(key) is None]
        if absent and policy.get("mode") != "Off":
            yield missing(policy.at(), absent=join_names(absent))


def autoscaler_scale_down_undamped(obj: Object, *, seconds: int) -> CheckOutcome:
    """An autoscaler takes pods away after less than `seconds`, or faster than it adds them; info where one pod is the most."""
    if obj.kind != AUTOSCALER_KIND:
        return
    behavior = obj.spec.mapping_at_path("behavior")
    down, up = behavior.mapping_at_path("scaleDown"), behavior.mapping_at_path("scaleUp")
    window = as_integer(down.get("stabilizationWindowSeconds"))
    rising = as_integer(up.get("stabilizationWindowSeconds")) or 0
    most = as_integer(obj.spec.get("maxReplicas"))
    severity = Severity.INFO if most is not None and most <= 1 else None
    if window is not None and window < seconds:
        place = down.at("stabilizationWindowSeconds")
        yield hit(place, severity=severity, say="short", seconds=window)
    elif rising > (300 if window is None else window):
        yield hit(up.at("stabilizationWindowSeconds"), severity=severity, say="sooner")


def autoscaler_missing(pod: Pod, *, project: Project) -> CheckOutcome:
    """A Deployment of several replicas behind a Service has no autoscaler."""
    owner = pod.owner
    workload = workload_of(pod, project)
    if owner.kind != "Deployment" or workload is None:
        yield NotApplicable()
        return
    if not find_autoscalers(owner, project, *AUTOSCALER_KINDS).is_absent:
        return
    least = pod_count_range(owner, project).minimum
    several = least is not None and least > 1 and not has_single_writer(pod, project)
    if several and selecting_objects(workload, project, service_selectors):
        yield missing(owner.metadata.at("name"))
    else:
        yield NotApplicable()
