"""Agent sandboxes: pods that run code which nobody has read before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.kinds.k8s.effective import unknown
from readiness.kinds.k8s.index import index
from readiness.kinds.k8s.labels import same, selector
from readiness.kinds.k8s.model import Object, Pod, mapping, maps, text
from readiness.model import Hit, Unknown, hit, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

Outcome = Iterator[Hit | Unknown]
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def runtime_class(pod: Pod, *, deny: Sequence[str]) -> Outcome:
    """The pod runs under the node's ordinary runtime."""
    name = pod.node.get("runtimeClassName")
    yield from unknown(pod.node, "runtimeClassName")
    if name is None:
        yield missing(pod.node.at(), what="sets no runtimeClassName")
    elif isinstance(name, str) and name in deny:
        yield hit(pod.node.at("runtimeClassName"), what=f"sets runtimeClassName {name}")


def egress(pod: Pod, *, project: Project) -> Outcome:
    """Nothing limits where the pod connects to, or a policy that does lets it go everywhere."""
    spec = pod.owner.spec
    if pod.kind == "SandboxTemplate" and spec.get("networkPolicyManagement") != "Unmanaged":
        # The controller makes the policy: its default lets the pod reach nothing inside the network.
        yield from open_rules(mapping(spec, "networkPolicy"), pod.owner)
        return
    limiting = [one for one in index(project).all("NetworkPolicy") if limits(one, pod)]
    for policy in limiting:
        yield from open_rules(policy.spec, policy)
    if not limiting:
        yield missing(pod.node.at(), what="no NetworkPolicy limits its egress")


def open_rules(spec: Map, owner: Object) -> Iterator[Hit]:
    """The rules of a policy's egress that allow every address."""
    for rule in maps(spec.get("egress")):
        if everywhere(rule):
            where = f"{owner.resource} allows every address"
            yield hit(rule.at(), at=owner.source, resource=owner.resource, what=where)


def limits(policy: Object, pod: Pod) -> bool:
    """Whether a NetworkPolicy selects the pod and speaks of egress."""
    wanted = selector(mapping(policy.spec, "podSelector"))
    types = policy.spec.get("policyTypes")
    speaks = "Egress" in types if isinstance(types, Seq) else "egress" in policy.spec
    here = same(policy.namespace, pod.namespace) is not False
    return speaks and here and wanted is not None and wanted.matches(pod.labels)


def everywhere(rule: object) -> bool:
    """Whether an egress rule allows every address."""
    to = rule.get("to") if hasattr(rule, "get") else None
    if not to:
        return True
    blocks = (mapping(peer, "ipBlock") for peer in maps(to))
    return any(text(block.get("cidr")) in EVERYWHERE for block in blocks)
