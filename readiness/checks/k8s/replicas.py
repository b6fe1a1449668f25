"""Too few pods: single replicas and pods that nothing brings back."""

from __future__ import annotations

from readiness.checks.k8s.storage import has_single_writer
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import find_autoscalers, workload_of
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import AUTOSCALER_KINDS, stated_replicas
from readiness.kinds.k8s.selecting import selecting_objects, service_selectors
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, missing
from readiness.model.project import Project


def replicas_single(pod: Pod, *, minimum: int, behind_service: bool, project: Project) -> CheckOutcome:
    """A workload has fewer than `minimum` pods at its least; `behind_service`: only where a Service sends it traffic."""
    owner = pod.owner
    workload = workload_of(pod, project)
    if owner.kind not in REPLICATED_KINDS or workload is None:
        yield NotApplicable()
        return
    scaled = find_autoscalers(owner, project, *AUTOSCALER_KINDS)
    if scaled.meant:
        return
    if scaled.is_ambiguous:
        yield Undecidable(owner.spec.at("replicas"))
        return
    if is_variable(owner.spec.get("replicas")):
        yield Undecidable(owner.spec.at("replicas"))
        return
    count = stated_replicas(owner)
    if count is None or not 0 < count < minimum:
        return
    if behind_service and (not selecting_objects(workload, project, service_selectors) or has_single_writer(pod, project)):
        yield NotApplicable()
        return
    if "replicas" in owner.spec:
        yield hit(owner.spec.at("replicas"), count=count)
    else:
        yield missing(owner.metadata.at("name"), count=count)


def replicas_low(obj: Object, *, minimum: int) -> CheckOutcome:
    """The object asks for fewer than `minimum` pods, or for none in particular, which is one."""
    count = stated_replicas(obj)
    if obj.kind in REPLICATED_KINDS and count is not None and count < minimum:
        place = obj.spec.at("replicas") if "replicas" in obj.spec else obj.metadata.at("name")
        make = hit if "replicas" in obj.spec else missing
        yield make(place, count=count)


def pod_bare(obj: Object) -> CheckOutcome:
    """A Pod that nothing brings back when its node goes."""
    if obj.node.get("kind") == "Pod" and not obj.metadata.get("ownerReferences"):
        mirror = "kubernetes.io/config.mirror" in obj.annotations
        hook = any("hook" in key for key in obj.annotations)
        if not mirror and not hook and obj.spec.get("restartPolicy") in (None, "Always"):
            yield hit(obj.node.at("kind"))
