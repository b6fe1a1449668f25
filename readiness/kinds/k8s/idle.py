"""What has no pods as it stands: workloads that are scaled to none, and the Services that lead to nothing else."""

from __future__ import annotations

from readiness.kinds.k8s.effective import template_text_of_value
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import selector_of_service
from readiness.kinds.k8s.model import REPLICATED_KINDS, Document, Object
from readiness.kinds.k8s.scale import stated_replica_count
from readiness.model.project import Project

_STARTED_ON_DEMAND_LABEL = "sablier.enable"


def is_scaled_to_none(obj: Object, project: Project) -> bool:
    """Whether a workload has no pods, as `replicas: 0` says that a person wrote, and nothing in the files gives it any.

    The default of a chart is for installs to set. Autoscalers, a Rollout that takes the workload as its template, and proxies that start it
    at the first request scale up from none.
    """
    if obj.kind not in REPLICATED_KINDS or stated_replica_count(obj) != 0 or template_text_of_value(obj.source, obj.spec.at("replicas")):
        return False
    is_scaled_by_others = (obj.kind, obj.name) in object_index(project).autoscalers_by_target or obj.name in project.memoize(_templates_of_rollouts)
    return not is_scaled_by_others and _STARTED_ON_DEMAND_LABEL not in {*obj.labels, *obj.annotations}


def _templates_of_rollouts(project: Project) -> frozenset[str]:
    """The names of the workloads whose pods Rollouts run in their place."""
    return frozenset(one.spec.mapping_at_path("workloadRef").string_under("name") for one in object_index(project).objects_of_kinds("Rollout")) - {""}


def idle_resources(document: Document, project: Project) -> frozenset[str]:
    """The workloads of a document that have no pods, and its Services that surely lead to none but such."""
    is_idle_by_object = [(obj.resource, _is_idle(obj, project)) for obj in document.objects]
    return frozenset(one for one, is_idle in is_idle_by_object if is_idle) - {one for one, is_idle in is_idle_by_object if not is_idle}


def _is_idle(obj: Object, project: Project) -> bool:
    selector = selector_of_service(obj) if obj.kind == "Service" else None
    if selector is None:
        return is_scaled_to_none(obj, project)
    resolution = object_index(project).resolve_selected_workloads(obj, selector)
    return bool(resolution.meant) and all(is_scaled_to_none(one.owner, project) for one in resolution.meant)
