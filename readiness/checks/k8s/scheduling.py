"""Where pods are put: spread over nodes, affinity, priority, DNS options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.kinds.k8s.effective import as_integer, is_variable
from readiness.kinds.k8s.labels import label_selector, may_be_same_namespace
from readiness.kinds.k8s.model import REPLICATED_KINDS, Pod
from readiness.kinds.k8s.scale import pod_count_range
from readiness.model import CheckOutcome, NotApplicable, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def _anti_affinity_terms(pod: Pod) -> Iterator[Map]:
    """The terms by which a pod keeps away from others, required and preferred."""
    affinity = pod.node.mapping_at_path("affinity", "podAntiAffinity")
    yield from affinity.mappings_under("requiredDuringSchedulingIgnoredDuringExecution")
    for weighted in affinity.mappings_under("preferredDuringSchedulingIgnoredDuringExecution"):
        yield weighted.mapping_at_path("podAffinityTerm")


def _separates_replicas(term: Map, pod: Pod, topology_keys: Sequence[str]) -> bool:
    """Whether a term keeps the pod's own replicas apart: it selects their labels, in their namespace, over nodes."""
    wanted = label_selector(term.get("labelSelector"))
    listed = term.get("namespaces")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, Seq) else []
    here = not names or any(may_be_same_namespace(name, pod.namespace) is not False for name in names)
    here = here or term.get("namespaceSelector") is not None
    return (
        wanted is not None
        and wanted.matches(pod.labels)
        and here
        and (not topology_keys or term.get("topologyKey") in topology_keys)
    )


def is_spread(pod: Pod, *, keys: Sequence[str] = ()) -> bool:
    """Whether something keeps the replicas of a pod apart: an anti-affinity to themselves, or a spread constraint."""
    if any(_separates_replicas(term, pod, keys) for term in _anti_affinity_terms(pod)):
        return True
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        wanted = label_selector(constraint.get("labelSelector"))
        if wanted is None or wanted.matches(pod.labels):
            return True
    return False


def replicas_not_spread(pod: Pod, *, minimum: int, kinds: Sequence[str], keys: Sequence[str], project: Project) -> CheckOutcome:
    """A workload with several replicas says nothing about where they go, so that one node may hold them all.

    `keys`: only an anti-affinity over one of these topology keys counts; without any, over whatever key.
    """
    owner = pod.owner
    least = pod_count_range(owner, project).minimum
    if owner.kind not in (kinds or REPLICATED_KINDS) or least is None or least < minimum:
        yield NotApplicable()
    elif not is_spread(pod, keys=keys):
        span = owner.spec.key_span("replicas") if "replicas" in owner.spec else owner.metadata.at("name")
        yield missing(span, count=least)


def topology_spread_missing(pod: Pod) -> CheckOutcome:
    """The pod has no topologySpreadConstraints."""
    if not any(True for _ in pod.node.mappings_under("topologySpreadConstraints")):
        yield missing(pod.node.at("containers"))


def topology_spread_invalid(pod: Pod) -> CheckOutcome:
    """A spread constraint with a field that the API server refuses."""
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        skew, domains = constraint.get("maxSkew"), constraint.get("minDomains")
        when = constraint.get("whenUnsatisfiable")
        if skew is None:
            yield missing(constraint.at(), say="unset", field="maxSkew")
        elif as_integer(skew) is not None and int(skew) < 1:
            yield hit(constraint.at("maxSkew"), say="low", field="maxSkew", value=as_integer(skew))
        if domains is not None and as_integer(domains) is not None and int(domains) < 1:
            yield hit(
                constraint.at("minDomains"),
                say="low",
                field="minDomains",
                value=as_integer(domains),
            )
        if not constraint.string_under("topologyKey"):
            yield missing(constraint.at(), say="unset", field="topologyKey")
        if when is None:
            yield missing(constraint.at(), say="unset", field="whenUnsatisfiable")
        elif when not in {"DoNotSchedule", "ScheduleAnyway"} and not is_variable(when):
            yield hit(constraint.at("whenUnsatisfiable"), say="unknown", value=str(when)[:40])
        elif domains is not None and when == "ScheduleAnyway":
            yield hit(constraint.at("minDomains"), say="domains")


def topology_spread_other_pods(pod: Pod) -> CheckOutcome:
    """A spread constraint or an anti-affinity term counts other pods than the workload's own."""
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        wanted = label_selector(constraint.get("labelSelector"))
        if constraint.get("labelSelector") is None:
            yield missing(constraint.at(), say="no-selector")
        elif wanted is not None and not wanted.matches(pod.labels):
            yield hit(constraint.at("labelSelector"), say="other-labels")


def node_affinity_missing(pod: Pod) -> CheckOutcome:
    """The pod does not say by affinity which nodes it may run on."""
    if not pod.node.mapping_at_path("affinity", "nodeAffinity"):
        yield missing(pod.node.at("containers"))


def priority_class_missing(pod: Pod) -> CheckOutcome:
    """The pod names no priority class."""
    if not pod.node.get("priorityClassName"):
        yield missing(pod.node.at("containers"))


def priority_class_unlisted(pod: Pod, *, allow: Sequence[str]) -> CheckOutcome:
    """The pod's priority class is none of `allow`."""
    value = pod.node.get("priorityClassName")
    if isinstance(value, str) and value and value not in allow and not is_variable(value):
        yield hit(pod.node.at("priorityClassName"), value=value)


SYSTEM_NAMESPACES = (
    "kube-system",
    "kube-node-lease",
    "gatekeeper-system",
    "calico-system",
    "tigera-operator",
)


def priority_class_system(pod: Pod) -> CheckOutcome:
    """A pod outside the system namespaces claims the priority of the cluster's own parts."""
    value = pod.node.get("priorityClassName")
    known = pod.namespace and pod.namespace not in SYSTEM_NAMESPACES and not pod.namespace.startswith("openshift-")
    if value in {"system-cluster-critical", "system-node-critical"} and known:
        yield hit(pod.node.at("priorityClassName"), value=value, namespace=pod.namespace)


def dns_ndots_unset(pod: Pod, *, option: str, value: str) -> CheckOutcome:
    """The pod's dnsConfig does not set an option to a value."""
    config = pod.node.mapping_at_path("dnsConfig")
    found: dict[Any, Any] = {one.get("name"): one for one in config.mappings_under("options")}
    written = found.get(option)
    if written is None:
        yield missing(pod.node.at("containers"), option=f"{option}:{value}")
    elif str(written.get("value")) != value and not is_variable(written.get("value")):
        yield hit(written.at("value"), option=f"{option}:{value}")
