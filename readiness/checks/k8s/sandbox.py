"""Agent sandboxes: pods that run code which nobody has read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.kinds.k8s.effective import unknown_if_variable
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import label_selector, may_be_same_namespace
from readiness.kinds.k8s.model import EVERY_ADDRESS, Object, Pod
from readiness.kinds.k8s.selecting import policy_selectors
from readiness.model import CheckOutcome, Hit, hit, missing
from readiness.model.project import Project
from readiness.syntax.nodes import mappings_in
from readiness.syntax.yaml import Map, Seq


def sandbox_runtime_class_missing(pod: Pod, *, deny: Sequence[str]) -> CheckOutcome:
    """The pod runs under the node's ordinary runtime."""
    name = pod.node.get("runtimeClassName")
    yield from unknown_if_variable(pod.node, "runtimeClassName")
    if name is None:
        yield missing(pod.node.at(), say="unset")
    elif isinstance(name, str) and name in deny:
        yield hit(pod.node.at("runtimeClassName"), say="ordinary", runtime=name)


def has_controller_policy(pod: Pod) -> bool:
    """Whether the controller of sandboxes makes a policy for a pod: its default lets the pod reach nothing inside the network."""
    return pod.kind == "SandboxTemplate" and pod.owner.spec.get("networkPolicyManagement") != "Unmanaged"


def sandbox_egress_open(pod: Pod, *, project: Project) -> CheckOutcome:
    """Nothing limits where the pod connects to, or a policy that does lets it go everywhere."""
    if has_controller_policy(pod):
        yield from unrestricted_egress_hits(pod.owner.spec.mapping_at_path("networkPolicy"), pod.owner)
        return
    workload = object_index(project).workload_by_owner_id.get(id(pod.owner))
    policies = project.memoize(policy_selectors).all_selecting_objects(workload) if workload is not None else []
    limiting = [obj for obj in policies if restricts_egress_of(obj, pod)]
    for policy in limiting:
        yield from unrestricted_egress_hits(policy.spec, policy)
    if not limiting:
        yield missing(pod.node.at(), say="none")


def unrestricted_egress_hits(spec: Map, owner: Object) -> Iterator[Hit]:
    """The rules of a policy's egress that allow every address."""
    for rule in spec.mappings_under("egress"):
        if allows_every_address(rule):
            place, name = owner.source, owner.resource
            yield hit(rule.at(), at=place, resource=name, say="everywhere", policy=name)


def restricts_egress_of(policy: Object, pod: Pod) -> bool:
    """Whether a NetworkPolicy selects the pod and speaks of egress."""
    wanted = label_selector(policy.spec.mapping_at_path("podSelector"))
    types = policy.spec.get("policyTypes")
    speaks = "Egress" in types if isinstance(types, Seq) else "egress" in policy.spec
    here = may_be_same_namespace(policy.namespace, pod.namespace) is not False
    return speaks and here and wanted is not None and wanted.matches(pod.labels)


def allows_every_address(rule: object) -> bool:
    """Whether an egress rule allows every address."""
    to = rule.get("to") if hasattr(rule, "get") else None
    if not to:
        return True
    blocks = (peer.mapping_at_path("ipBlock") for peer in mappings_in(to))
    return any(block.string_under("cidr") in EVERY_ADDRESS for block in blocks)
