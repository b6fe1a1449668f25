"""Services, budgets and policies: the objects that select the pods of a workload and are applied with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import field

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import ObjectIndex, Workload, object_index
from readiness.kinds.k8s.labels import Selector, parse_label_selector, selector_of_service
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NameResolution, ThingsByNamespace, comparable_namespace
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, file_distance, is_surely_nearer
from readiness.model.project import Project
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True)
class SelectorIndex:
    """Objects that select pods, by one pair that each needs; the others apart."""

    index: ObjectIndex
    by_pair: dict[tuple[str, str], list[Object]]
    without_pair: list[Object]
    selector_by_object_id: dict[int, Selector]
    _matches_by_labels: dict[frozenset[tuple[str, str]], ThingsByNamespace[Object]] = field(default_factory=dict)
    _nearby_by_question: dict[tuple[object, ...], NameResolution[Object]] = field(default_factory=dict)
    _all_by_question: dict[tuple[object, ...], list[Object]] = field(default_factory=dict)
    _nearest_distance_by_object: dict[int, int] = field(default_factory=dict)

    def nearest_selecting_objects(self, workload: Workload) -> NameResolution[Object]:
        """The nearest objects that select the pods of a workload."""
        if not self.selector_by_object_id:
            return NameResolution()
        workload_key = _cache_key_of_workload(workload)
        if workload_key not in self._nearby_by_question:
            self._nearby_by_question[workload_key] = self.index.resolve_meant(
                workload,
                self._objects_matching(workload),
                predicate=self._relevance_filter(workload),
            )
        return self._nearby_by_question[workload_key]

    def all_selecting_objects(self, workload: Workload) -> list[Object]:
        """All objects that may select the pods of a workload, the nearest first, at most MAX_CANDIDATES of them."""
        if not self.selector_by_object_id:
            return []
        workload_key = _cache_key_of_workload(workload)
        if workload_key not in self._all_by_question:
            self._all_by_question[workload_key] = self.index.all_candidates(
                workload,
                self._objects_matching(workload),
                predicate=self._relevance_filter(workload),
            )
        return self._all_by_question[workload_key]

    def _objects_matching(self, workload: Workload) -> ThingsByNamespace[Object]:
        """The objects whose selector matches the labels of a workload; workloads of equal labels share the answer."""
        label_pairs = _label_pairs_of_workload(workload)
        if label_pairs not in self._matches_by_labels:
            candidate_objects = list(self.without_pair)
            for label_key, label_value in workload.labels.items():
                if isinstance(label_value, str):
                    candidate_objects += self.by_pair.get((label_key, label_value), ())
            self._matches_by_labels[label_pairs] = ThingsByNamespace(
                obj for obj in candidate_objects if self.selector_by_object_id[id(obj)].matches(workload.labels)
            )
        return self._matches_by_labels[label_pairs]

    def _relevance_filter(self, workload: Workload) -> Callable[[Object], bool]:
        return lambda obj: not self._is_about_others(obj, workload)

    def _is_about_others(self, obj: Object, workload: Workload) -> bool:
        """Whether an object selects pods that stand nearer to it than a workload: it is for them and no sibling's.

        What stands in the folder of the workload or above holds for it, and what names its namespace holds there.
        """
        if self.index.is_applied_as_one:
            return False
        distance_to_workload = file_distance(obj.source.root.path, workload.source.root.path)
        compared_namespace = comparable_namespace(obj.namespace)
        if distance_to_workload <= BELOW_FOLDER_DISTANCE or (compared_namespace and compared_namespace == comparable_namespace(workload.namespace)):
            return False
        if id(obj) not in self._nearest_distance_by_object:
            object_selector = self.selector_by_object_id[id(obj)]
            nearest_workloads = self.index.workloads_matching_candidates(object_selector).nearest(
                obj.source.root.path, obj.namespace, lambda each: object_selector.matches(each.labels)
            )
            self._nearest_distance_by_object[id(obj)] = nearest_workloads.distance if nearest_workloads.things else distance_to_workload
        return is_surely_nearer(self._nearest_distance_by_object[id(obj)], distance_to_workload)


def _cache_key_of_workload(workload: Workload) -> tuple[object, ...]:
    """What the answer to a workload's question depends on."""
    workload_source, owner_object = workload.source, workload.owner
    place_key = (workload_source.root.path, workload_source.fragment, workload.namespace)
    return _label_pairs_of_workload(workload), place_key, owner_object.kind, owner_object.name


def _label_pairs_of_workload(workload: Workload) -> frozenset[tuple[str, str]]:
    return frozenset((key, str(value)) for key, value in workload.labels.items())


def _build_selector_index(project: Project, objects_with_selectors: Iterable[tuple[Object, Selector | None]]) -> SelectorIndex:
    selecting_objects_with_selectors = [(obj, object_selector) for obj, object_selector in objects_with_selectors if object_selector is not None]
    count_by_label_pair = Counter(pair for _, object_selector in selecting_objects_with_selectors for pair in object_selector.pairs)
    objects_by_label_pair: dict[tuple[str, str], list[Object]] = {}
    objects_without_label_pair = []
    for obj, object_selector in selecting_objects_with_selectors:
        known_label_pairs = [pair for pair in object_selector.pairs if not is_filled_in_value(pair[1])]
        if known_label_pairs:
            objects_by_label_pair.setdefault(min(known_label_pairs, key=count_by_label_pair.__getitem__), []).append(obj)
        else:
            objects_without_label_pair.append(obj)
    selector_by_object_id = {id(obj): object_selector for obj, object_selector in selecting_objects_with_selectors}
    return SelectorIndex(object_index(project), objects_by_label_pair, objects_without_label_pair, selector_by_object_id)


def service_selector_index(project: Project) -> SelectorIndex:
    """The Services of a project that select pods."""
    services = object_index(project).objects_of_kinds("Service")
    return _build_selector_index(project, ((obj, selector_of_service(obj)) for obj in services))


def budget_selector_index(project: Project) -> SelectorIndex:
    """The PodDisruptionBudgets of a project. In policy/v1beta1 an empty selector selects nothing."""
    budgets = object_index(project).objects_of_kinds("PodDisruptionBudget")
    return _build_selector_index(project, ((obj, selector_of_budget(obj)) for obj in budgets))


def selector_of_budget(obj: Object) -> Selector | None:
    """What a PodDisruptionBudget selects; None where it selects nothing."""
    parsed_selector = parse_label_selector(obj.spec.get("selector"))
    if parsed_selector is not None and parsed_selector.selects_everything and obj.api_version == "policy/v1beta1":
        return None
    return parsed_selector


def policy_selector_index(project: Project) -> SelectorIndex:
    """The NetworkPolicies of a project: without a podSelector the empty one is meant."""
    policies = object_index(project).objects_of_kinds("NetworkPolicy")
    return _build_selector_index(
        project,
        ((obj, parse_label_selector(obj.spec.get("podSelector")) or Selector()) for obj in policies),
    )


def limit_range_selector_index(project: Project) -> SelectorIndex:
    """The LimitRanges of a project, each of which is about every pod of its namespace."""
    limit_ranges = object_index(project).objects_of_kinds("LimitRange")
    return _build_selector_index(project, ((obj, Selector()) for obj in limit_ranges))


def certain_selecting_objects(workload: Workload, project: Project, build_index: Callable[[Project], SelectorIndex]) -> tuple[Object, ...]:
    """The Services (or budgets, or policies) that surely select a workload's pods."""
    return project.memoize(build_index).nearest_selecting_objects(workload).meant
