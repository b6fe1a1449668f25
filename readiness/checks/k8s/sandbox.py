"""Agent sandboxes: pods that run code which nobody has read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.kinds.k8s.effective import undecidable_if_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import may_be_same_namespace, parse_label_selector
from readiness.kinds.k8s.model import CIDRS_OF_ALL_ADDRESSES, Object, Pod
from readiness.kinds.k8s.selecting import policy_selector_index
from readiness.model import CheckOutcome, Hit, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.nodes import mappings_in
from readiness.syntax.yaml import Map, Seq


def sandbox_runtime_class_missing(pod: Pod, *, deny: Sequence[str]) -> CheckOutcome:
    """The pod runs under the node's ordinary runtime."""
    runtime_class = pod.node.get("runtimeClassName")
    yield from undecidable_if_variable(pod.node, "runtimeClassName")
    if runtime_class is None:
        yield missing(pod.node.at(), say="unset")
    elif isinstance(runtime_class, str) and runtime_class in deny:
        yield hit(pod.node.at("runtimeClassName"), say="ordinary", runtime=runtime_class)


def has_controller_policy(pod: Pod) -> bool:
    """Whether the controller of sandboxes makes a policy for a pod: its default lets the pod reach nothing inside the network."""
    return pod.kind == "SandboxTemplate" and pod.owner.spec.get("networkPolicyManagement") != "Unmanaged"


def sandbox_egress_open(pod: Pod, *, project: Project) -> CheckOutcome:
    """Nothing limits where the pod connects to, or a policy that does lets it go everywhere."""
    if has_controller_policy(pod):
        yield from unrestricted_egress_hits(pod.owner.spec.mapping_at_path("networkPolicy"), pod.owner)
        return
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    policies = project.memoize(policy_selector_index).all_selecting_objects(workload) if workload is not None else []
    limiting_policies = [obj for obj in policies if restricts_egress_of(obj, pod)]
    for policy in limiting_policies:
        yield from unrestricted_egress_hits(policy.spec, policy)
    if not limiting_policies:
        yield Undecidable(pod.node.at()) if project.may_lack_objects(pod.namespace) else missing(pod.node.at(), say="none")


def unrestricted_egress_hits(spec: Map, owner: Object) -> Iterator[Hit]:
    """The rules of a policy's egress that allow every address."""
    for rule in spec.mappings_under("egress"):
        if allows_every_address(rule):
            owner_source, resource_name = owner.source, owner.resource
            yield hit(rule.at(), at=owner_source, resource=resource_name, say="everywhere", policy=resource_name)


def restricts_egress_of(policy: Object, pod: Pod) -> bool:
    """Whether a NetworkPolicy selects the pod and speaks of egress."""
    selector = parse_label_selector(policy.spec.mapping_at_path("podSelector"))
    policy_types = policy.spec.get("policyTypes")
    has_egress_direction = "Egress" in policy_types if isinstance(policy_types, Seq) else "egress" in policy.spec
    may_share_namespace = may_be_same_namespace(policy.namespace, pod.namespace) is not False
    return has_egress_direction and may_share_namespace and selector is not None and selector.matches(pod.labels)


def allows_every_address(rule: object) -> bool:
    """Whether an egress rule allows every address."""
    peers = rule.get("to") if hasattr(rule, "get") else None
    if not peers:
        return True
    ip_blocks = (peer.mapping_at_path("ipBlock") for peer in mappings_in(peers))
    return any(block.string_under("cidr") in CIDRS_OF_ALL_ADDRESSES for block in ip_blocks)
