"""NetworkPolicies: pods that none selects, rules that allow everything, peers that are not there, names that do not resolve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from readiness.checks.k8s.absence import pods_absence
from readiness.checks.k8s.sandbox import has_controller_policy
from readiness.facts.table import fact_column
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.effective import as_integer
from readiness.kinds.k8s.elsewhere import reached_in_run
from readiness.kinds.k8s.index import Workload, object_index, workload_of
from readiness.kinds.k8s.labels import Selector, label_selector
from readiness.kinds.k8s.model import EVERY_ADDRESS, Object, Pod
from readiness.kinds.k8s.selecting import policy_selectors
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Severity,
    Span,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.nodes import mappings_in
from readiness.syntax.yaml import Map, Seq

POLICY_KIND = "NetworkPolicy"


def is_policy(obj: Object) -> bool:
    """Whether an object is a NetworkPolicy of Kubernetes itself (Calico has one of the same name)."""
    return obj.kind == POLICY_KIND and obj.api_version in {
        "networking.k8s.io/v1",
        "extensions/v1beta1",
    }


def restricted_directions(obj: Object) -> frozenset[str]:
    """The directions that a policy restricts: as written, else Ingress, and Egress where it has egress rules."""
    types = obj.spec.get("policyTypes")
    if isinstance(types, Seq) and types:
        return frozenset(str(one) for one in types)
    return frozenset({"Ingress", "Egress"} if obj.spec.get("egress") is not None else {"Ingress"})


def directions_restricted_for(workload: Workload, project: Project) -> frozenset[str]:
    """The directions in which some policy restricts the pods of a workload."""
    objects = project.memoize(policy_selectors).all_selecting_objects(workload)
    return frozenset(way for one in objects if is_policy(one) for way in restricted_directions(one))


def _has_other_policies(project: Project) -> bool:
    """Whether policies of another sort are there, which this module does not read."""
    index = object_index(project)
    return any(True for _ in index.objects_of_kinds(*fact_column("kubernetes-custom", "policy"))) or any(
        not is_policy(obj) for obj in index.objects_of_kinds(POLICY_KIND)
    )


def pod_without_policy(pod: Pod, *, directions: list[str], every: bool, project: Project) -> CheckOutcome:
    """No policy restricts the pod in a direction of `directions`; `every`: one direction that is left open is enough.

    Low where the way in leads to measurements and health checks at most. Of the way out of a sandbox `sandbox_egress_open` tells, and
    for a template of sandboxes its controller makes a policy.
    """
    workload = workload_of(pod, project)
    if workload is None or pod.node.get("hostNetwork") is True or has_controller_policy(pod):
        return
    if directions == ["Egress"] and pod.kind in ("Sandbox", "SandboxTemplate"):
        return
    restricted = directions_restricted_for(workload, project)
    open_ways = [way for way in directions if way not in restricted]
    if open_ways and (every or len(open_ways) == len(directions)):
        if project.memoize(_has_other_policies):
            yield Undecidable(pod.owner.metadata.at("name"))
        else:
            idle = open_ways == ["Ingress"] and not traffic.serves_anything(pod, project)
            yield missing(
                pod.owner.metadata.at("name"),
                severity=Severity.LOW if idle else None,
                ways=join_names(way.lower() for way in open_ways),
            )


def pod_not_selected_by_policy(pod: Pod, *, project: Project) -> CheckOutcome:
    """No policy selects the pod at all."""
    workload = workload_of(pod, project)
    if workload is not None and not project.memoize(policy_selectors).all_selecting_objects(workload):
        yield missing(pod.owner.metadata.at("name"))


def pod_policy_without_rules(pod: Pod, *, project: Project) -> CheckOutcome:
    """No policy with rules for both directions selects the pod."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    objects = project.memoize(policy_selectors).all_selecting_objects(workload)
    ways = {way for one in objects for way in restricted_directions(one) if one.spec.get(way.lower())}
    if len(ways) < 2:
        yield missing(pod.owner.metadata.at("name"))


def namespace_without_policy(obj: Object, *, project: Project) -> CheckOutcome:
    """A Namespace has no NetworkPolicy in it."""
    if obj.kind != "Namespace" or obj.name.startswith("kube-") or project.memoize(_has_other_policies):
        return
    if obj.name not in project.memoize(_named_namespaces):
        yield missing(obj.metadata.at("name"))


def _named_namespaces(project: Project) -> frozenset[str]:
    """The namespaces that policies name."""
    return frozenset(one.namespace for one in object_index(project).objects_of_kinds(POLICY_KIND))


def network_policy_selects_nothing(obj: Object, *, alone: bool, project: Project) -> CheckOutcome:
    """A policy selects no pod of any workload in the files; `alone`: also where there is no workload at all."""
    if not is_policy(obj):
        return
    wanted = label_selector(obj.spec.get("podSelector")) or Selector()
    if wanted.selects_everything or not _has_pods_to_compare(project, alone):
        return
    yield from _absent_pods(obj, wanted, obj.spec.mapping_at_path("podSelector").at(), alone, project)


def _absent_pods(obj: Object, wanted: Selector, place: Span, alone: bool, project: Project) -> CheckOutcome:
    """What to say of a selector in a policy, for pods of its own namespace, that can mean none."""
    found = reached_in_run(obj, wanted.without_controller_labels(), project)
    told = pods_absence(found, obj, project) if found.is_absent else None
    if not found.meant and told is None:
        yield Undecidable(place)
    elif told is not None and not _may_be_shown_nowhere(wanted, obj.namespace, alone, project):
        yield missing(
            place, severity=told.severity, related=told.related, pairs=_selector_text(wanted), where=told.where_missing_text
        )  # fmt: skip


def _may_be_shown_nowhere(wanted: Selector, namespace: str, alone: bool, project: Project) -> bool:
    """Whether the pods that a policy selects may be there although no file shows them: an operator's, or another namespace's."""
    index = object_index(project)
    opened = wanted.without_controller_labels()
    if opened.selects_everything or index.may_be_operated(opened):
        return True
    return not (alone or index.is_populated(namespace) or index.is_matched_anywhere(opened))


def _has_pods_to_compare(project: Project, only_of_project: bool) -> bool:
    """Whether there are pods to compare with."""
    return only_of_project or bool(object_index(project).workloads)


def _selector_text(selector: Selector) -> str:
    return join_names([f"{key}={value}" for key, value in selector.pairs] or [key for key, _, _ in selector.expressions])


def network_policy_peer_unresolved(obj: Object, *, alone: bool, project: Project) -> CheckOutcome:
    """A policy allows traffic with pods that are in no file."""
    if not is_policy(obj) or not _has_pods_to_compare(project, alone):
        return
    for peer in _peers_of(obj):
        wanted = label_selector(peer.get("podSelector"))
        if wanted is None or wanted.selects_everything:
            continue
        other = peer.get("namespaceSelector") is not None
        if other and not alone:
            continue  # pods of another namespace may well be another team's
        opened = wanted.without_controller_labels()
        if other:
            index = object_index(project)
            if not (opened.selects_everything or index.may_be_operated(opened) or index.is_matched_anywhere(opened)):
                yield missing(
                    peer.at("podSelector"),
                    pairs=_selector_text(wanted),
                    where="no workload in the files has",
                )
            continue
        yield from _absent_pods(obj, wanted, peer.at("podSelector"), alone, project)


def _rules_of(obj: Object) -> Iterator[tuple[str, Map]]:
    for key in ("ingress", "egress"):
        for rule in obj.spec.mappings_under(key):
            yield key, rule


def _peers_of(obj: Object) -> Iterator[Map]:
    for key, rule in _rules_of(obj):
        yield from rule.mappings_under("from" if key == "ingress" else "to")


def policy_namespace_label_by_hand(obj: Object, *, project: Project) -> CheckOutcome:
    """A peer names a namespace by the label `name`, which Kubernetes does not set and no Namespace in the files has."""
    if not is_policy(obj):
        yield NotApplicable()
        return
    for peer in _peers_of(obj):
        labels = peer.mapping_at_path("namespaceSelector", "matchLabels")
        value = labels.get("name")
        if isinstance(value, str) and value and not _any_namespace_has_name_label(value, project):
            yield hit(labels.entry_span("name"), value=value)


def _any_namespace_has_name_label(value: str, project: Project) -> bool:
    return any(one.labels.get("name") == value for one in object_index(project).objects_of_kinds("Namespace"))


def _admits_anyone(peers: Any) -> bool:
    """Whether a rule's peers leave nobody out."""
    if peers is None or (isinstance(peers, Seq) and not peers):
        return True
    return any(
        peer.mapping_at_path("ipBlock").get("cidr") in EVERY_ADDRESS and not peer.mapping_at_path("ipBlock").get("except")
        for peer in mappings_in(peers)
    )


def allows_everything(obj: Object, *, direction: str) -> CheckOutcome:
    """A rule of a policy allows every peer on every port."""
    if not is_policy(obj) or direction.capitalize() not in restricted_directions(obj):
        return
    listed = obj.spec.get(direction)
    if not isinstance(listed, Seq):
        return
    for at, rule in enumerate(listed):
        if (
            isinstance(rule, Map)
            and not rule.get("ports")
            and _admits_anyone(rule.get("from" if direction == "ingress" else "to"))
        ):
            yield hit(listed.at(at), direction=direction)


# -- names ---------------------------------------------------------------------------------------------------------


def _allows_dns(rule: Map) -> bool:
    """Whether an egress rule lets a pod ask for names: UDP to port 53, or to every port."""
    ports = rule.get("ports")
    if not isinstance(ports, Seq) or not ports:
        return True
    for port in mappings_in(ports):
        first, last = port.get("port"), as_integer(port.get("endPort"))
        protocol = port.get("protocol") or "TCP"
        span = as_integer(first)
        named = isinstance(first, str) and ("dns" in first or (first.isdigit() and first in {"53", "5353"}))
        allows_dns = span is not None and (span in {53, 5353} or (last is not None and span <= 53 <= last))
        if protocol == "UDP" and (first is None or named or allows_dns):
            return True
    return False


def network_policy_without_dns(obj: Object, *, project: Project) -> CheckOutcome:
    """A policy restricts egress to named peers, and no policy on its pods lets them resolve names."""
    if not is_policy(obj) or "Egress" not in restricted_directions(obj):
        return
    rules = list(obj.spec.mappings_under("egress"))
    if not rules or any(_allows_dns(rule) for rule in rules):
        return
    if all(_only_ip_blocks(rule) for rule in rules):
        return
    resolving = project.memoize(_policies_allowing_dns)
    wanted = label_selector(obj.spec.get("podSelector")) or Selector()
    if not resolving or not any(id(other) in resolving for other in _other_policies_for(obj, wanted, project)):
        yield hit(obj.spec.key_span("egress"))


def _policies_allowing_dns(project: Project) -> frozenset[int]:
    """The policies that let their pods resolve names."""
    return frozenset(
        id(obj)
        for obj in object_index(project).objects_of_kinds(POLICY_KIND)
        if any(_allows_dns(rule) for rule in obj.spec.mappings_under("egress"))
    )


def _only_ip_blocks(rule: Map) -> bool:
    """Whether every peer of a rule is a block of addresses, for which no name is needed."""
    peers = list(rule.mappings_under("to"))
    return bool(peers) and all("ipBlock" in peer for peer in peers)


def unique_lists(lists: Iterable[list[Object]]) -> list[list[Object]]:
    """The lists, each once: workloads of equal labels share theirs."""
    return list({id(one): one for one in lists}.values())


def _other_policies_for(obj: Object, wanted: Selector, project: Project) -> list[Object]:
    """The other policies that may act on the pods of a policy."""
    index = object_index(project)
    workloads = index.selected_workloads(wanted, obj.namespace)
    if workloads:
        lists = unique_lists(project.memoize(policy_selectors).all_selecting_objects(each) for each in workloads)
        common = set.intersection(*({id(each) for each in part} for part in lists))
        return [each for each in lists[0] if id(each) in common]
    labels = dict(wanted.pairs)
    return [
        other
        for other in islice(index.objects_of_kinds(POLICY_KIND), 4096)
        if other is not obj and (label_selector(other.spec.get("podSelector")) or Selector()).matches(labels)
    ]
