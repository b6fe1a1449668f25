"""Selectors of workloads against the labels of their own pods, and against each other."""

from __future__ import annotations

from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import Selector, label_pairs, label_selector, may_be_same_namespace
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Related, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

KINDS_WITH_MATCH_LABELS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})
KINDS_WITH_PLAIN_SELECTOR = frozenset({"ReplicationController", "DeploymentConfig"})


def own_selector(obj: Object) -> Selector | None:
    """The selector of a workload; None where it writes none."""
    node = obj.spec.get("selector")
    if obj.kind in KINDS_WITH_PLAIN_SELECTOR:
        return Selector(label_pairs(node)) if isinstance(node, Map) and node else None
    return label_selector(node) if obj.kind in KINDS_WITH_MATCH_LABELS else None


def selector_mismatch(pod: Pod) -> CheckOutcome:
    """A workload's selector does not match the labels of its own pod template: the API server refuses it."""
    wanted = own_selector(pod.owner)
    if wanted is None or wanted.matches(pod.labels):
        return
    wrong = [f"{key}={value}" for key, value in wanted.pairs if pod.labels.get(key) != value]
    wrong = wrong or [key for key, _, _ in wanted.expressions]
    there = Related(pod.source, pod.metadata.at("labels"), "the labels of its pods")
    yield hit(pod.owner.spec.at("selector"), related=[there], pairs=join_names(wrong))


def selector_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """A workload of apps/v1 has no selector, which it requires.

    Prose may leave it out, and a kustomization set it: of one that was not built nobody knows.
    """
    if not project.prose and obj.kind in KINDS_WITH_MATCH_LABELS and obj.api_version == "apps/v1":
        wanted = own_selector(obj)
        if (wanted is None or wanted.selects_everything) and folder_of(obj.source) in object_index(project).kustomized_folders:
            yield Undecidable(obj.metadata.at("name"))
        elif wanted is None or wanted.selects_everything:
            yield missing(obj.metadata.at("name"))


def _workloads_by_selector(project: Project) -> dict[tuple[str, Selector], list[Object]]:
    """The workloads of a project by folder and selector."""
    made: dict[tuple[str, Selector], list[Object]] = {}
    for workload in object_index(project).workloads:
        wanted = own_selector(workload.owner)
        if wanted is not None and not wanted.selects_everything:
            made.setdefault((folder_of(workload.source), wanted), []).append(workload.owner)
    return made


def selector_shared(obj: Object, *, project: Project) -> CheckOutcome:
    """Two workloads of one folder select the same pods; files that define the same object are alternatives."""
    wanted = own_selector(obj)
    if wanted is None or wanted.selects_everything:
        return
    for other in project.memoize(_workloads_by_selector).get((folder_of(obj.source), wanted), ())[:64]:
        if other is obj:
            return  # told at the later one
        alternatives = object_index(project).are_alternatives(obj.source, other.source)
        if (
            may_be_same_namespace(obj.namespace, other.namespace) is True
            and (obj.kind, obj.name) != (other.kind, other.name)
            and not alternatives
        ):
            there = Related(other.source, other.spec.mapping_at_path("selector").at(), "the same selector")
            yield hit(obj.spec.at("selector"), related=[there], other=other.resource)
            return
