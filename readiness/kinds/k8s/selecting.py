"""Services, budgets and policies: the objects that select the pods of a workload and are applied with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from itertools import chain, islice
from typing import Any

from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import ObjectIndex, Workload, object_index
from readiness.kinds.k8s.labels import Selector, parse_label_selector, selector_of_service
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NameResolution, ThingsByNamespace, comparable_namespace
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, MAX_CANDIDATES_PER_QUESTION, file_distance, folder_of, is_surely_nearer
from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True)
class SelectorIndex:
    """Objects that select pods, by one pair that each needs; by a key that they ask for; those that select every pod apart.

    `by_key` has those with no such pair by a key that their pods have at least, under the empty key where they ask for none; those that are found
    by a list of values of a key stand under `KEY=` too.
    """

    index: ObjectIndex
    by_pair: dict[tuple[str, str], list[Object]]
    by_key: dict[str, list[Object]]
    selecting_all: list[Object]
    selector_by_object_id: dict[int, Selector]
    _matches_by_labels: dict[tuple[object, ...], ThingsByNamespace[Object]] = field(default_factory=dict)
    _selecting_all_by_place: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    _nearby_by_question: dict[tuple[object, ...], NameResolution[Object]] = field(default_factory=dict)
    _all_by_question: dict[tuple[object, ...], list[Object]] = field(default_factory=dict)
    _nearest_distance_by_object: dict[int, int] = field(default_factory=dict)

    def nearest_selecting_objects(self, workload: Workload) -> NameResolution[Object]:
        """The nearest objects that select the pods of a workload."""
        if not self.selector_by_object_id:
            return NameResolution()
        if not self._has_answer(workload):
            return NameResolution((), True)
        workload_key = _cache_key_of_workload(workload)
        if workload_key not in self._nearby_by_question:
            self._nearby_by_question[workload_key] = self.index.resolve_meant(
                workload,
                self._objects_matching(workload),
                predicate=self._relevance_filter(workload),
            )
        return self._nearby_by_question[workload_key]

    def all_selecting_objects(self, workload: Workload) -> list[Object]:
        """All objects that may select the pods of a workload, the nearest first, at most as many as one question looks at."""
        if not self.selector_by_object_id:
            return []
        if not self._has_answer(workload):
            return list(islice(chain(self.selecting_all, *self._candidate_lists(workload.labels)), MAX_CANDIDATES_PER_QUESTION))
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
        folder, namespace = folder_of(workload.source), comparable_namespace(workload.namespace)
        has_many_selecting_all = len(self.selecting_all) > MAX_CANDIDATES_PER_QUESTION
        question = label_pairs, (folder, namespace) if has_many_selecting_all else None
        if question not in self._matches_by_labels:
            candidate_objects = chain.from_iterable(self._candidate_lists(workload.labels))
            matching_objects = [obj for obj in candidate_objects if self.selector_by_object_id[id(obj)].matches(workload.labels)]
            selecting_all = self._nearby_selecting_all(folder, namespace) if has_many_selecting_all else self.selecting_all
            self._matches_by_labels[question] = ThingsByNamespace((*selecting_all, *matching_objects))
        return self._matches_by_labels[question]

    def is_any_matching(self, labels: Mapping[str, Any], excluded_object: Object) -> bool | None:
        """Whether an object other than one selects some labels; None where more may than one question looks at."""
        candidate_objects = list(islice(chain(self.selecting_all, *self._candidate_lists(labels)), MAX_CANDIDATES_PER_QUESTION + 1))
        if any(self.selector_by_object_id[id(obj)].matches(labels) for obj in candidate_objects if obj is not excluded_object):
            return True
        return None if len(candidate_objects) > MAX_CANDIDATES_PER_QUESTION else False

    def _has_answer(self, workload: Workload) -> bool:
        """Whether it is worked out what selects a workload's pods: not where there is too much of it, as `SelectorMatches` tells."""
        if not self.index.selected.is_bounded:
            return True
        return sum(map(len, self._candidate_lists(workload.labels))) <= MAX_CANDIDATES_PER_QUESTION

    def _candidate_lists(self, labels: Mapping[str, Any]) -> list[list[Object]]:
        """The lists that hold every object whose selector may match some labels, but for those that select every pod."""
        candidate_lists = [self.by_key.get("", [])]
        for label_key, label_value in labels.items():
            candidate_lists.append(self.by_key.get(label_key, []))
            if is_filled_in_value(label_value):  # fits every value of a list
                candidate_lists.append(self.by_key.get(f"{label_key}=", []))
            elif isinstance(label_value, str):
                candidate_lists.append(self.by_pair.get((label_key, label_value), []))
        return candidate_lists

    def _nearby_selecting_all(self, folder: str, namespace: str) -> list[Object]:
        """Of many objects that select every pod those of a namespace, those in a folder and around it, and the first of all."""
        if not self._selecting_all_by_place:
            for obj in self.selecting_all:
                for place in (("namespace", comparable_namespace(obj.namespace)), ("folder", folder_of(obj.source))):
                    self._selecting_all_by_place.setdefault(place, []).append(obj)
        places = [("folder", one) for one in (folder, *parent_folders(folder))] + ([("namespace", namespace)] if namespace else [])
        nearby_objects = [obj for place in places for obj in self._selecting_all_by_place.get(place, ())[:MAX_CANDIDATES_PER_QUESTION]]
        return list({id(obj): obj for obj in (*nearby_objects, *self.selecting_all[:MAX_CANDIDATES_PER_QUESTION])}.values())

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
            if not self.index.selected.has_answer(object_selector):
                return False
            matching_workloads = self.index.selected.matches(object_selector)
            nearest_workloads = matching_workloads.nearest(obj.source.root.path, obj.namespace, lambda _: True)
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
    objects_by_key: dict[str, list[Object]] = {}
    objects_selecting_all = []
    for obj, object_selector in selecting_objects_with_selectors:
        known_label_pairs = [pair for pair in object_selector.pairs if not is_filled_in_value(pair[1])]
        if known_label_pairs:
            objects_by_label_pair.setdefault(min(known_label_pairs, key=count_by_label_pair.__getitem__), []).append(obj)
        elif object_selector.selects_everything:
            objects_selecting_all.append(obj)
        else:
            _index_by_expression(obj, object_selector, objects_by_label_pair, objects_by_key)
    selector_by_object_id = {id(obj): object_selector for obj, object_selector in selecting_objects_with_selectors}
    return SelectorIndex(object_index(project), objects_by_label_pair, objects_by_key, objects_selecting_all, selector_by_object_id)


def _index_by_expression(
    obj: Object, selector: Selector, objects_by_label_pair: dict[tuple[str, str], list[Object]], objects_by_key: dict[str, list[Object]]
) -> None:
    """Take in an object whose selector has expressions and no pair: by the values of one, or by the key of one, or under no key."""
    listing = next((one for one in selector.expressions if one[1] == "In" and len(one[2]) <= MAX_CANDIDATES_PER_QUESTION), None)
    if listing is not None and not any(map(is_filled_in_value, listing[2])):
        for value in dict.fromkeys(listing[2]):
            objects_by_label_pair.setdefault((listing[0], value), []).append(obj)
        objects_by_key.setdefault(f"{listing[0]}=", []).append(obj)
    else:
        required_key = next((label_key for label_key, operator, _ in selector.expressions if operator in ("In", "Exists")), "")
        objects_by_key.setdefault(required_key, []).append(obj)


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
    return selector_index_of_policies(project, object_index(project).objects_of_kinds("NetworkPolicy"))


def selector_index_of_policies(project: Project, policies: Iterable[Object]) -> SelectorIndex:
    """Some NetworkPolicies of a project."""
    return _build_selector_index(project, ((obj, parse_label_selector(obj.spec.get("podSelector")) or Selector()) for obj in policies))


def limit_range_selector_index(project: Project) -> SelectorIndex:
    """The LimitRanges of a project, each of which is about every pod of its namespace."""
    limit_ranges = object_index(project).objects_of_kinds("LimitRange")
    return _build_selector_index(project, ((obj, Selector()) for obj in limit_ranges))


def certain_selecting_objects(workload: Workload, project: Project, build_index: Callable[[Project], SelectorIndex]) -> tuple[Object, ...]:
    """The Services (or budgets, or policies) that surely select a workload's pods."""
    return project.memoize(build_index).nearest_selecting_objects(workload).meant
