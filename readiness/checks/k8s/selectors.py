"""Selectors of workloads against the labels of their own pods, and against each other."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.k8s.index import folder, index
from readiness.kinds.k8s.labels import Selector, plain, same, selector
from readiness.kinds.k8s.model import Object, Pod, mapping
from readiness.model import Hit, Related, hit, joined, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

SELECTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})
PLAIN = frozenset({"ReplicationController", "DeploymentConfig"})


def own(one: Object) -> Selector | None:
    """The selector of a workload; None where it writes none."""
    node = one.spec.get("selector")
    if one.kind in PLAIN:
        return Selector(plain(node)) if isinstance(node, Map) and node else None
    return selector(node) if one.kind in SELECTING else None


def mismatch(pod: Pod) -> Iterator[Hit]:
    """A workload's selector does not match the labels of its own pod template: the API server refuses it."""
    wanted = own(pod.owner)
    if wanted is None or wanted.matches(pod.labels):
        return
    wrong = [f"{key}={value}" for key, value in wanted.pairs if pod.labels.get(key) != value]
    wrong = wrong or [key for key, _, _ in wanted.expressions]
    there = Related(pod.source, pod.metadata.at("labels"), "the labels of its pods")
    yield hit(pod.owner.spec.at("selector"), related=[there], pairs=joined(wrong))


def absent(one: Object, *, project: Project) -> Iterator[Hit]:
    """A workload of apps/v1 has no selector, which it requires; prose may leave it out."""
    if not project.prose and one.kind in SELECTING and one.api_version == "apps/v1":
        wanted = own(one)
        if wanted is None or wanted.empty:
            yield missing(one.metadata.at("name"))


def _owners(project: Project) -> dict[tuple[str, Selector], list[Object]]:
    """The workloads of a project by folder and selector."""
    made: dict[tuple[str, Selector], list[Object]] = {}
    for workload in index(project).workloads:
        wanted = own(workload.owner)
        if wanted is not None and not wanted.empty:
            made.setdefault((folder(workload.source), wanted), []).append(workload.owner)
    return made


def shared(one: Object, *, project: Project) -> Iterator[Hit]:
    """Two workloads of one folder select the same pods."""
    wanted = own(one)
    if wanted is None or wanted.empty:
        return
    for other in project.memo(_owners).get((folder(one.source), wanted), ())[:64]:
        if other is one:
            return  # told at the later one
        if same(one.namespace, other.namespace) is True and (one.kind, one.name) != (
            other.kind,
            other.name,
        ):
            there = Related(other.source, mapping(other.spec, "selector").at(), "the same selector")
            yield hit(one.spec.at("selector"), related=[there], other=other.resource)
            return
