"""NetworkPolicies: pods that none selects, rules that allow everything, peers that are not there, names that do not resolve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from readiness.checks.k8s.absence import details_of_missing_pods
from readiness.checks.k8s.sandbox import has_controller_policy
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s import traffic
from readiness.kinds.k8s.effective import integer_or_none
from readiness.kinds.k8s.elsewhere import find_reached_workloads_in_run
from readiness.kinds.k8s.index import Workload, object_index, workload_of
from readiness.kinds.k8s.labels import Selector, parse_label_selector
from readiness.kinds.k8s.model import CIDRS_OF_ALL_ADDRESSES, Object, Pod
from readiness.kinds.k8s.selecting import SelectorIndex, policy_selector_index, selector_index_of_policies
from readiness.model import (
    CheckOutcome,
    Hit,
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
    policy_types = obj.spec.get("policyTypes")
    if isinstance(policy_types, Seq) and policy_types:
        return frozenset(str(one) for one in policy_types)
    return frozenset({"Ingress", "Egress"} if obj.spec.get("egress") is not None else {"Ingress"})


def directions_restricted_for(workload: Workload, project: Project) -> frozenset[str]:
    """The directions in which some policy restricts the pods of a workload."""
    policies = project.memoize(policy_selector_index).all_selecting_objects(workload)
    return frozenset(direction for policy in policies if is_policy(policy) for direction in restricted_directions(policy))


def _has_nonkubernetes_policies(project: Project) -> bool:
    """Whether policies of another sort are there, which this module does not read."""
    project_index = object_index(project)
    return any(True for _ in project_index.objects_of_kinds(*property_by_fact_name("kubernetes-custom", "policy"))) or any(
        not is_policy(obj) for obj in project_index.objects_of_kinds(POLICY_KIND)
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
    directions_restricted = directions_restricted_for(workload, project)
    open_directions = [way for way in directions if way not in directions_restricted]
    if open_directions and (every or len(open_directions) == len(directions)):
        if project.memoize(_has_nonkubernetes_policies) or project.may_lack_objects(pod.namespace):
            yield Undecidable(pod.owner.metadata.at("name"))
        else:
            serves_nothing = open_directions == ["Ingress"] and not traffic.may_serve_requests(pod, project)
            yield missing(
                pod.owner.metadata.at("name"),
                severity=Severity.LOW if serves_nothing else None,
                ways=join_names(way.lower() for way in open_directions),
            )


def pod_not_selected_by_policy(pod: Pod, *, project: Project) -> CheckOutcome:
    """No policy selects the pod at all."""
    workload = workload_of(pod, project)
    if workload is not None and not project.memoize(policy_selector_index).all_selecting_objects(workload):
        yield _missing_unless_elsewhere(pod.owner, pod.namespace, project)


def _missing_unless_elsewhere(obj: Object, namespace: str, project: Project) -> Hit | Undecidable:
    """The hit on an object for which there is no policy; nobody can tell where one may be in a part that stands elsewhere."""
    name_span = obj.metadata.at("name")
    return Undecidable(name_span) if project.may_lack_objects(namespace) else missing(name_span)


def pod_policy_without_rules(pod: Pod, *, project: Project) -> CheckOutcome:
    """No policy with rules for both directions selects the pod."""
    workload = workload_of(pod, project)
    if workload is None:
        return
    policies = project.memoize(policy_selector_index).all_selecting_objects(workload)
    directions_with_rules = {way for one in policies for way in restricted_directions(one) if one.spec.get(way.lower())}
    if len(directions_with_rules) < 2:
        yield _missing_unless_elsewhere(pod.owner, pod.namespace, project)


def namespace_without_policy(obj: Object, *, project: Project) -> CheckOutcome:
    """A Namespace has no NetworkPolicy in it."""
    if obj.kind != "Namespace" or obj.name.startswith("kube-") or project.memoize(_has_nonkubernetes_policies):
        return
    if obj.name not in project.memoize(_namespaces_with_policy):
        yield _missing_unless_elsewhere(obj, obj.name, project)


def _namespaces_with_policy(project: Project) -> frozenset[str]:
    """The namespaces that policies name."""
    return frozenset(one.namespace for one in object_index(project).objects_of_kinds(POLICY_KIND))


def network_policy_selects_nothing(obj: Object, *, alone: bool, project: Project) -> CheckOutcome:
    """A policy selects no pod of any workload in the files; `alone`: also where there is no workload at all."""
    if not is_policy(obj):
        return
    selector = parse_label_selector(obj.spec.get("podSelector")) or Selector()
    if selector.selects_everything or not _has_pods_to_compare(project, alone):
        return
    yield from _absent_pods_hits(obj, selector, obj.spec.mapping_at_path("podSelector").at(), alone, project)


def _absent_pods_hits(obj: Object, selector: Selector, selector_span: Span, only_of_project: bool, project: Project) -> CheckOutcome:
    """What to say of a selector in a policy, for pods of its own namespace, that can mean none."""
    resolution = find_reached_workloads_in_run(obj, selector.without_controller_labels(), project)
    details = details_of_missing_pods(resolution, obj, project) if resolution.is_absent else None
    if not resolution.meant and details is None:
        yield Undecidable(selector_span)
    elif details is not None and not _may_pods_be_unlisted(selector, obj.namespace, only_of_project, project):
        yield missing(
            selector_span, severity=details.severity, related=details.related, pairs=_selector_text(selector), where=details.where_missing_text
        )  # fmt: skip


def _may_pods_be_unlisted(selector: Selector, namespace: str, only_of_project: bool, project: Project) -> bool:
    """Whether the pods that a policy selects may be there although no file shows them: an operator's, or another namespace's."""
    project_index = object_index(project)
    selector_without_controller = selector.without_controller_labels()
    if selector_without_controller.selects_everything or project_index.may_be_operated(selector_without_controller):
        return True
    return not (only_of_project or project_index.is_populated(namespace) or project_index.is_matched_anywhere(selector_without_controller))


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
        selector = parse_label_selector(peer.get("podSelector"))
        if selector is None or selector.selects_everything:
            continue
        has_namespace_selector = peer.get("namespaceSelector") is not None
        if has_namespace_selector and not alone:
            continue  # pods of another namespace may well be another team's
        selector_without_controller = selector.without_controller_labels()
        if has_namespace_selector:
            project_index = object_index(project)
            if not (
                selector_without_controller.selects_everything
                or project_index.may_be_operated(selector_without_controller)
                or project_index.is_matched_anywhere(selector_without_controller)
            ):
                yield (
                    Undecidable(peer.at("podSelector"))
                    if project.may_lack_objects()
                    else missing(peer.at("podSelector"), pairs=_selector_text(selector), where="no workload in the files has")
                )
            continue
        yield from _absent_pods_hits(obj, selector, peer.at("podSelector"), alone, project)


def _directions_and_rules(obj: Object) -> Iterator[tuple[str, Map]]:
    for direction in ("ingress", "egress"):
        for rule in obj.spec.mappings_under(direction):
            yield direction, rule


def _peers_of(obj: Object) -> Iterator[Map]:
    for direction, rule in _directions_and_rules(obj):
        yield from rule.mappings_under("from" if direction == "ingress" else "to")


def policy_namespace_label_by_hand(obj: Object, *, project: Project) -> CheckOutcome:
    """A peer names a namespace by the label `name`, which Kubernetes does not set and no Namespace in the files has."""
    if not is_policy(obj):
        yield NotApplicable()
        return
    for peer in _peers_of(obj):
        namespace_labels = peer.mapping_at_path("namespaceSelector", "matchLabels")
        namespace_name = namespace_labels.get("name")
        if isinstance(namespace_name, str) and namespace_name and not _any_namespace_has_name_label(namespace_name, project):
            if project.may_lack_objects():
                yield Undecidable(namespace_labels.entry_span("name"))
                continue
            yield hit(namespace_labels.entry_span("name"), value=namespace_name)


def _any_namespace_has_name_label(name_label: str, project: Project) -> bool:
    return any(one.labels.get("name") == name_label for one in object_index(project).objects_of_kinds("Namespace"))


def _admits_anyone(peers: Any) -> bool:
    """Whether a rule's peers leave nobody out."""
    if peers is None or (isinstance(peers, Seq) and not peers):
        return True
    return any(
        peer.mapping_at_path("ipBlock").get("cidr") in CIDRS_OF_ALL_ADDRESSES and not peer.mapping_at_path("ipBlock").get("except")
        for peer in mappings_in(peers)
    )


def allows_everything(obj: Object, *, direction: str) -> CheckOutcome:
    """A rule of a policy allows every peer on every port."""
    if not is_policy(obj) or direction.capitalize() not in restricted_directions(obj):
        return
    direction_rules = obj.spec.get(direction)
    if not isinstance(direction_rules, Seq):
        return
    for index, rule in enumerate(direction_rules):
        if isinstance(rule, Map) and not rule.get("ports") and _admits_anyone(rule.get("from" if direction == "ingress" else "to")):
            yield hit(direction_rules.at(index), direction=direction)


# -- names ---------------------------------------------------------------------------------------------------------


def _allows_dns(rule: Map) -> bool:
    """Whether an egress rule lets a pod ask for names: UDP to port 53, or to every port."""
    rule_ports = rule.get("ports")
    if not isinstance(rule_ports, Seq) or not rule_ports:
        return True
    for port in mappings_in(rule_ports):
        first_port, last_port = port.get("port"), integer_or_none(port.get("endPort"))
        protocol = port.get("protocol") or "TCP"
        first_port_number = integer_or_none(first_port)
        is_named_dns_port = isinstance(first_port, str) and ("dns" in first_port or (first_port.isdigit() and first_port in {"53", "5353"}))
        includes_dns_port = first_port_number is not None and (
            first_port_number in {53, 5353} or (last_port is not None and first_port_number <= 53 <= last_port)
        )
        if protocol == "UDP" and (first_port is None or is_named_dns_port or includes_dns_port):
            return True
    return False


def network_policy_without_dns(obj: Object, *, project: Project) -> CheckOutcome:
    """A policy restricts egress to named peers, and no policy on its pods lets them resolve names."""
    if not is_policy(obj) or "Egress" not in restricted_directions(obj):
        return
    egress_rules = list(obj.spec.mappings_under("egress"))
    if not egress_rules or any(_allows_dns(rule) for rule in egress_rules):
        return
    if all(_has_only_ip_block_peers(rule) for rule in egress_rules):
        return
    egress_span = obj.spec.key_span("egress")
    is_other_allowing = _may_another_policy_allow_dns(obj, project)
    if is_other_allowing is None:
        yield Undecidable(egress_span)
    elif not is_other_allowing:
        yield Undecidable(egress_span) if project.may_lack_objects(obj.namespace) else hit(egress_span)


def _policies_allowing_dns(project: Project) -> SelectorIndex:
    """The policies that let their pods resolve names."""
    policies = object_index(project).objects_of_kinds(POLICY_KIND)
    return selector_index_of_policies(project, (obj for obj in policies if any(_allows_dns(rule) for rule in obj.spec.mappings_under("egress"))))


def _has_only_ip_block_peers(rule: Map) -> bool:
    """Whether every peer of a rule is a block of addresses, for which no name is needed."""
    peers = list(rule.mappings_under("to"))
    return bool(peers) and all("ipBlock" in peer for peer in peers)


def lists_unique_by_identity(lists: Iterable[list[Object]]) -> list[list[Object]]:
    """The lists, each once: workloads of equal labels share theirs."""
    return list({id(one): one for one in lists}.values())


def _may_another_policy_allow_dns(obj: Object, project: Project) -> bool | None:
    """Whether all pods of a policy may resolve names by another one: those of the files, or, where none are shown, such as its own pairs speak of.

    None where there are more of them than a question looks at.
    """
    dns_policies = project.memoize(_policies_allowing_dns)
    if not dns_policies.selector_by_object_id:
        return False
    selector = parse_label_selector(obj.spec.get("podSelector")) or Selector()
    workloads = object_index(project).selected_workloads(selector, obj.namespace)
    if workloads is None:
        return None
    if workloads:
        policy_lists = lists_unique_by_identity(project.memoize(policy_selector_index).all_selecting_objects(each) for each in workloads)
        common_policy_ids = set.intersection(*({id(each) for each in part} for part in policy_lists))
        return not common_policy_ids.isdisjoint(dns_policies.selector_by_object_id)
    return dns_policies.is_any_matching(dict(selector.pairs), excluded_object=obj)
