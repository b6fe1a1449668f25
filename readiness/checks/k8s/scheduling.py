"""Where pods are put: spread over nodes, affinity, priority, DNS options."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.k8s.written import lowered_where_values_decide, unknown_in_fragments
from readiness.kinds.k8s.effective import integer_or_none, is_filled_in_value
from readiness.kinds.k8s.labels import may_be_same_namespace, parse_label_selector
from readiness.kinds.k8s.model import REPLICATED_KINDS, Pod
from readiness.kinds.k8s.scale import pod_count_range
from readiness.model import CheckOutcome, NotApplicable, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq


def _anti_affinity_terms(pod: Pod) -> Iterator[Map]:
    """The terms by which a pod keeps away from others, required and preferred."""
    pod_anti_affinity = pod.node.mapping_at_path("affinity", "podAntiAffinity")
    yield from pod_anti_affinity.mappings_under("requiredDuringSchedulingIgnoredDuringExecution")
    for weighted_term in pod_anti_affinity.mappings_under("preferredDuringSchedulingIgnoredDuringExecution"):
        yield weighted_term.mapping_at_path("podAffinityTerm")


def _separates_replicas(term: Map, pod: Pod, topology_keys: Sequence[str]) -> bool:
    """Whether a term keeps the pod's own replicas apart: it selects their labels, in their namespace, over nodes."""
    selector = parse_label_selector(term.get("labelSelector"))
    namespaces = term.get("namespaces")
    namespace_names = [name for name in namespaces if isinstance(name, str)] if isinstance(namespaces, Seq) else []
    covers_pod_namespace = not namespace_names or any(may_be_same_namespace(name, pod.namespace) is not False for name in namespace_names)
    covers_pod_namespace = covers_pod_namespace or term.get("namespaceSelector") is not None
    return (
        selector is not None
        and selector.matches(pod.labels)
        and covers_pod_namespace
        and (not topology_keys or term.get("topologyKey") in topology_keys)
    )


def are_replicas_spread(pod: Pod, *, keys: Sequence[str] = ()) -> bool:
    """Whether something keeps the replicas of a pod apart: an anti-affinity to themselves, or a spread constraint."""
    if any(_separates_replicas(term, pod, keys) for term in _anti_affinity_terms(pod)):
        return True
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        selector = parse_label_selector(constraint.get("labelSelector"))
        if selector is None or selector.matches(pod.labels):
            return True
    return False


def replicas_not_spread(pod: Pod, *, minimum: int, kinds: Sequence[str], keys: Sequence[str], project: Project) -> CheckOutcome:
    """A workload with several replicas says nothing about where they go, so that one node may hold them all.

    `keys`: only an anti-affinity over one of these topology keys counts; without any, over whatever key.
    """
    owner = pod.owner
    minimum_pods = pod_count_range(owner, project).minimum
    if owner.kind not in (kinds or REPLICATED_KINDS) or minimum_pods is None or minimum_pods < minimum:
        yield NotApplicable()
    elif not are_replicas_spread(pod, keys=keys):
        replicas_span = owner.spec.key_span("replicas") if "replicas" in owner.spec else owner.metadata.at("name")
        yield missing(replicas_span, count=minimum_pods)


def topology_spread_missing(pod: Pod) -> CheckOutcome:
    """The pod has no topologySpreadConstraints."""
    if not any(True for _ in pod.node.mappings_under("topologySpreadConstraints")):
        yield missing(pod.node.at("containers"))


@lowered_where_values_decide()
def topology_spread_invalid(pod: Pod) -> CheckOutcome:
    """A spread constraint with a field that the API server refuses."""
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        max_skew, min_domains = constraint.get("maxSkew"), constraint.get("minDomains")
        when_unsatisfiable = constraint.get("whenUnsatisfiable")
        if max_skew is None:
            yield missing(constraint.at(), say="unset", field="maxSkew")
        elif integer_or_none(max_skew) is not None and int(max_skew) < 1:
            yield hit(constraint.at("maxSkew"), say="low", field="maxSkew", value=integer_or_none(max_skew))
        if min_domains is not None and integer_or_none(min_domains) is not None and int(min_domains) < 1:
            yield hit(
                constraint.at("minDomains"),
                say="low",
                field="minDomains",
                value=integer_or_none(min_domains),
            )
        if not constraint.string_under("topologyKey"):
            yield missing(constraint.at(), say="unset", field="topologyKey")
        if when_unsatisfiable is None:
            yield missing(constraint.at(), say="unset", field="whenUnsatisfiable")
        elif when_unsatisfiable not in {"DoNotSchedule", "ScheduleAnyway"} and not is_filled_in_value(when_unsatisfiable):
            yield hit(constraint.at("whenUnsatisfiable"), say="unknown", value=str(when_unsatisfiable)[:40])
        elif min_domains is not None and when_unsatisfiable == "ScheduleAnyway":
            yield hit(constraint.at("minDomains"), say="domains")


@unknown_in_fragments
def topology_spread_other_pods(pod: Pod) -> CheckOutcome:
    """A spread constraint or an anti-affinity term counts other pods than the workload's own."""
    for constraint in pod.node.mappings_under("topologySpreadConstraints"):
        selector = parse_label_selector(constraint.get("labelSelector"))
        if constraint.get("labelSelector") is None:
            yield missing(constraint.at(), say="no-selector")
        elif selector is not None and not selector.matches(pod.labels):
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
    priority_class = pod.node.get("priorityClassName")
    if isinstance(priority_class, str) and priority_class and priority_class not in allow and not is_filled_in_value(priority_class):
        yield hit(pod.node.at("priorityClassName"), value=priority_class)


SYSTEM_NAMESPACES = (
    "kube-system",
    "kube-node-lease",
    "gatekeeper-system",
    "calico-system",
    "tigera-operator",
)


def priority_class_system(pod: Pod) -> CheckOutcome:
    """A pod outside the system namespaces claims the priority of the cluster's own parts."""
    priority_class = pod.node.get("priorityClassName")
    is_outside_system_namespaces = pod.namespace and pod.namespace not in SYSTEM_NAMESPACES and not pod.namespace.startswith("openshift-")
    if priority_class in {"system-cluster-critical", "system-node-critical"} and is_outside_system_namespaces:
        yield hit(pod.node.at("priorityClassName"), value=priority_class, namespace=pod.namespace)


@unknown_in_fragments
def dns_ndots_unset(pod: Pod, *, option: str, value: str) -> CheckOutcome:
    """The pod's dnsConfig does not set an option to a value."""
    dns_config = pod.node.mapping_at_path("dnsConfig")
    option_by_name: dict[Any, Any] = {one.get("name"): one for one in dns_config.mappings_under("options")}
    written_option = option_by_name.get(option)
    if written_option is None:
        yield missing(pod.node.at("containers"), option=f"{option}:{value}")
    elif str(written_option.get("value")) != value and not is_filled_in_value(written_option.get("value")):
        yield hit(written_option.at("value"), option=f"{option}:{value}")
