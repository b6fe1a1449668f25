"""Selectors of workloads against the labels of their own pods, and against each other."""

from __future__ import annotations

from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.labels import Selector, label_pairs_of_mapping, may_be_same_namespace, parse_label_selector
from readiness.kinds.k8s.model import Object, Pod
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION, folder_of
from readiness.model import CheckOutcome, Related, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map

KINDS_WITH_MATCH_LABELS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})
KINDS_WITH_PLAIN_SELECTOR = frozenset({"ReplicationController", "DeploymentConfig"})


def selector_of_workload(obj: Object) -> Selector | None:
    """The selector of a workload; None where it writes none."""
    selector_node = obj.spec.get("selector")
    if obj.kind in KINDS_WITH_PLAIN_SELECTOR:
        return Selector(label_pairs_of_mapping(selector_node)) if isinstance(selector_node, Map) and selector_node else None
    return parse_label_selector(selector_node) if obj.kind in KINDS_WITH_MATCH_LABELS else None


def selector_mismatch(pod: Pod) -> CheckOutcome:
    """A workload's selector does not match the labels of its own pod template: the API server refuses it."""
    selector = selector_of_workload(pod.owner)
    if selector is None or selector.matches(pod.labels):
        return
    mismatched_pairs = [f"{key}={value}" for key, value in selector.pairs if pod.labels.get(key) != value]
    mismatched_pairs = mismatched_pairs or [key for key, _, _ in selector.expressions]
    labels_location = Related(pod.source, pod.metadata.at("labels"), "the labels of its pods")
    yield hit(pod.owner.spec.at("selector"), related=[labels_location], pairs=join_names(mismatched_pairs))


def selector_missing(obj: Object, *, project: Project) -> CheckOutcome:
    """A workload of apps/v1 has no selector, which it requires.

    Prose may leave it out, and a kustomization set it: of one that was not built nobody knows. Nor does anybody where a program is to put the
    value of a label in (`app: {name}`, a mapping to YAML).
    """
    if not project.prose and obj.kind in KINDS_WITH_MATCH_LABELS and obj.api_version == "apps/v1":
        selector = selector_of_workload(obj)
        is_missing = selector is None or selector.selects_everything
        match_labels = obj.spec.mapping_at_path("selector", "matchLabels")
        has_blank = any(isinstance(one, Map) and one.flow and list(one.values()) == [None] for one in match_labels.values())
        if is_missing and (has_blank or folder_of(obj.source) in object_index(project).kustomized_folders):
            yield Undecidable(obj.metadata.at("name"))
        elif is_missing:
            yield missing(obj.metadata.at("name"))


def _workloads_by_folder_and_selector(project: Project) -> dict[tuple[str, Selector], list[Object]]:
    """The workloads of a project by folder and selector."""
    workloads_by_folder_selector: dict[tuple[str, Selector], list[Object]] = {}
    for workload in object_index(project).workloads:
        selector = selector_of_workload(workload.owner)
        if selector is not None and not selector.selects_everything:
            workloads_by_folder_selector.setdefault((folder_of(workload.source), selector), []).append(workload.owner)
    return workloads_by_folder_selector


def selector_shared(obj: Object, *, project: Project) -> CheckOutcome:
    """Two workloads of one folder select the same pods; files that define the same object are alternatives.

    Of what one template makes the second is told, with the others beside it: they have their selector from one place.
    """
    selector = selector_of_workload(obj)
    if selector is None or selector.selects_everything:
        return
    workloads = project.memoize(_workloads_by_folder_and_selector).get((folder_of(obj.source), selector), ())[:MAX_CANDIDATES_PER_QUESTION]
    sharing_workloads = [one for one in workloads if one is obj or _shares_pods(obj, one, project)]
    place = next((at for at, one in enumerate(sharing_workloads) if one is obj), 0)
    template_paths = {one.source.root.path for one in sharing_workloads}
    is_of_one_template = bool(project.unit) and len(template_paths) == 1 and "templates/" in obj.source.root.path
    if place == 0 or (place > 1 and is_of_one_template):
        return  # told at a later one, or at the second
    others = [one for one in sharing_workloads if one is not obj] if is_of_one_template else sharing_workloads[:1]
    selector_locations = [Related(one.source, one.spec.mapping_at_path("selector").at(), "the same selector") for one in others[:8]]
    yield hit(obj.spec.at("selector"), related=selector_locations, other=others[0].resource)


def _shares_pods(obj: Object, other_workload: Object, project: Project) -> bool:
    """Whether two workloads with one selector are two, are applied together, and stand in one namespace."""
    is_same_namespace = may_be_same_namespace(obj.namespace, other_workload.namespace) is True
    is_other = (obj.kind, obj.name) != (other_workload.kind, other_workload.name)
    return is_same_namespace and is_other and not object_index(project).are_alternatives(obj.source, other_workload.source)
