"""Services, budgets and policies: the objects that select the pods of a workload and are applied with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import ObjectIndex, Workload, object_index
from readiness.kinds.k8s.labels import Selector, label_selector, service_selector
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NameResolution, ThingsByNamespace, space_of
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, file_distance, is_surely_nearer
from readiness.model.project import Project


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
        key = _question_key(workload)
        if key not in self._nearby_by_question:
            self._nearby_by_question[key] = self.index.resolve_meant(
                workload,
                self._objects_matching(workload),
                predicate=self._relevance_filter(workload),
            )
        return self._nearby_by_question[key]

    def all_selecting_objects(self, workload: Workload) -> list[Object]:
        """All objects that may select the pods of a workload, the nearest first, at most MAX_CANDIDATES of them."""
        key = _question_key(workload)
        if key not in self._all_by_question:
            self._all_by_question[key] = self.index.all_candidates(
                workload,
                self._objects_matching(workload),
                predicate=self._relevance_filter(workload),
            )
        return self._all_by_question[key]

    def _objects_matching(self, workload: Workload) -> ThingsByNamespace[Object]:
        """The objects whose selector matches the labels of a workload; workloads of equal labels share the answer."""
        key = _label_pairs(workload)
        if key not in self._matches_by_labels:
            candidates = list(self.without_pair)
            for label, value in workload.labels.items():
                if isinstance(value, str):
                    candidates += self.by_pair.get((label, value), ())
            self._matches_by_labels[key] = ThingsByNamespace(
                obj for obj in candidates if self.selector_by_object_id[id(obj)].matches(workload.labels)
            )
        return self._matches_by_labels[key]

    def _relevance_filter(self, workload: Workload) -> Callable[[Object], bool]:
        return lambda obj: not self._is_about_others(obj, workload)

    def _is_about_others(self, obj: Object, workload: Workload) -> bool:
        """Whether an object selects pods that stand nearer to it than a workload: it is for them and no sibling's.

        What stands in the folder of the workload or above holds for it, and what names its namespace holds there.
        """
        if self.index.is_applied_as_one:
            return False
        far = file_distance(obj.source.root.path, workload.source.root.path)
        space = space_of(obj.namespace)
        if far <= BELOW_FOLDER_DISTANCE or (space and space == space_of(workload.namespace)):
            return False
        if id(obj) not in self._nearest_distance_by_object:
            wanted = self.selector_by_object_id[id(obj)]
            near = self.index.workloads_matching_candidates(wanted).nearest(
                obj.source.root.path, obj.namespace, lambda each: wanted.matches(each.labels)
            )
            self._nearest_distance_by_object[id(obj)] = near.distance if near.things else far
        return is_surely_nearer(self._nearest_distance_by_object[id(obj)], far)


def _question_key(workload: Workload) -> tuple[object, ...]:
    """What the answer to a workload's question depends on."""
    source, owner = workload.source, workload.owner
    where = (source.root.path, source.fragment, workload.namespace)
    return _label_pairs(workload), where, owner.kind, owner.name


def _label_pairs(workload: Workload) -> frozenset[tuple[str, str]]:
    return frozenset((key, str(value)) for key, value in workload.labels.items())


def _index_selectors(project: Project, selectors: Iterable[tuple[Object, Selector | None]]) -> SelectorIndex:
    selecting = [(obj, wanted) for obj, wanted in selectors if wanted is not None]
    often = Counter(pair for _, wanted in selecting for pair in wanted.pairs)
    by_pair: dict[tuple[str, str], list[Object]] = {}
    without_pair = []
    for obj, wanted in selecting:
        pairs = [pair for pair in wanted.pairs if not is_variable(pair[1])]
        if pairs:
            by_pair.setdefault(min(pairs, key=often.__getitem__), []).append(obj)
        else:
            without_pair.append(obj)
    wanted_by = {id(obj): wanted for obj, wanted in selecting}
    return SelectorIndex(object_index(project), by_pair, without_pair, wanted_by)


def service_selectors(project: Project) -> SelectorIndex:
    """The Services of a project that select pods."""
    services = object_index(project).objects_of_kinds("Service")
    return _index_selectors(project, ((obj, service_selector(obj)) for obj in services))


def budget_selectors(project: Project) -> SelectorIndex:
    """The PodDisruptionBudgets of a project. In policy/v1beta1 an empty selector selects nothing."""
    budgets = object_index(project).objects_of_kinds("PodDisruptionBudget")
    return _index_selectors(project, ((obj, budget_selector(obj)) for obj in budgets))


def budget_selector(obj: Object) -> Selector | None:
    """What a PodDisruptionBudget selects; None where it selects nothing."""
    wanted = label_selector(obj.spec.get("selector"))
    if wanted is not None and wanted.selects_everything and obj.api_version == "policy/v1beta1":
        return None
    return wanted


def policy_selectors(project: Project) -> SelectorIndex:
    """The NetworkPolicies of a project: without a podSelector the empty one is meant."""
    policies = object_index(project).objects_of_kinds("NetworkPolicy")
    return _index_selectors(
        project,
        ((obj, label_selector(obj.spec.get("podSelector")) or Selector()) for obj in policies),
    )


def limit_range_index(project: Project) -> SelectorIndex:
    """The LimitRanges of a project, each of which is about every pod of its namespace."""
    ranges = object_index(project).objects_of_kinds("LimitRange")
    return _index_selectors(project, ((obj, Selector()) for obj in ranges))


def selecting_objects(
    workload: Workload, project: Project, build_index: Callable[[Project], SelectorIndex]
) -> tuple[Object, ...]:
    """The Services (or budgets, or policies) that surely select a workload's pods."""
    return project.memoize(build_index).nearest_selecting_objects(workload).meant
