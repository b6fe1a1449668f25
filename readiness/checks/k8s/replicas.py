"""Too few pods: single replicas and pods that nothing brings back."""

from __future__ import annotations

from readiness.checks.k8s.storage import has_single_writer
from readiness.checks.k8s.written import unknown_in_fragments
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import find_autoscalers, workload_of
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.scale import AUTOSCALER_KINDS, stated_replica_count
from readiness.kinds.k8s.traffic import takes_requests_from_network
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, missing
from readiness.model.project import Project


def replicas_single(pod: Pod, *, minimum: int, behind_service: bool, project: Project) -> CheckOutcome:
    """A workload has fewer than `minimum` pods at its least; `behind_service`: only where a Service sends it traffic.

    A Service that is there to be scraped sends none: nobody waits for an answer while the pod moves.
    """
    owner = pod.owner
    workload = workload_of(pod, project)
    if owner.kind not in REPLICATED_KINDS or workload is None:
        yield NotApplicable()
        return
    autoscaler_resolution = find_autoscalers(owner, project, *AUTOSCALER_KINDS)
    if autoscaler_resolution.meant:
        return
    if autoscaler_resolution.is_ambiguous:
        yield Undecidable(owner.spec.at("replicas"))
        return
    if is_filled_in_value(owner.spec.get("replicas")):
        yield Undecidable(owner.spec.at("replicas"))
        return
    replicas = stated_replica_count(owner)
    if replicas is None or not 0 < replicas < minimum:
        return
    if behind_service and (not takes_requests_from_network(pod, project) or has_single_writer(pod, project)):
        yield NotApplicable()
        return
    if "replicas" in owner.spec:
        yield hit(owner.spec.at("replicas"), count=replicas)
    else:
        yield missing(owner.metadata.at("name"), count=replicas)


def replicas_low(obj: Object, *, minimum: int) -> CheckOutcome:
    """The object asks for fewer than `minimum` pods, or for none in particular, which is one."""
    replicas = stated_replica_count(obj)
    if obj.kind in REPLICATED_KINDS and replicas is not None and replicas < minimum:
        replicas_span = obj.spec.at("replicas") if "replicas" in obj.spec else obj.metadata.at("name")
        make_hit = hit if "replicas" in obj.spec else missing
        yield make_hit(replicas_span, count=replicas)


@unknown_in_fragments
def pod_bare(obj: Object) -> CheckOutcome:
    """A Pod that nothing brings back when its node goes."""
    if obj.node.get("kind") == "Pod" and not obj.metadata.get("ownerReferences"):
        is_mirror_pod = "kubernetes.io/config.mirror" in obj.annotations
        is_hook_pod = any("hook" in key for key in obj.annotations)
        if not is_mirror_pod and not is_hook_pod and obj.spec.get("restartPolicy") in (None, "Always"):
            yield hit(obj.node.at("kind"))
