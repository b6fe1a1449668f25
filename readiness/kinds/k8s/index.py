"""Which object a manifest speaks of: objects by kind and name, workloads by label, and which of several is meant.

Everything here is built once for a project and is linear in its objects. Absence is only told where a namespace
written on one side and left out on the other cannot explain it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import islice
from typing import Any, TypeVar

from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.equality import digest_of_node
from readiness.kinds.k8s.labels import Selector
from readiness.kinds.k8s.matching import LabelledThing, SelectorMatches, selectors_of_pods, selectors_of_services
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.spaces import NameResolution, NamespacedThing, ThingsByNamespace, has_exactly_same_namespace
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, MAX_CANDIDATES_PER_QUESTION, SAME_FOLDER_DISTANCE, file_distance, folder_of, is_surely_nearer
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """An object that makes pods: its labels are those of its pods. `pod` is None where no pod template is shown."""

    owner: Object
    labels: Mapping[str, Any]
    pod: Pod | None

    @property
    def source(self) -> Source:
        """The source in which its object stands."""
        return self.owner.source

    @property
    def namespace(self) -> str:
        """The namespace written on its object."""
        return self.owner.namespace


T = TypeVar("T", bound=NamespacedThing)
L = TypeVar("L", bound=LabelledThing)
_KUSTOMIZATION_PATH = lazy_regex(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)\Z")
# Domains of labels that people set themselves.
_COMMON_LABEL_DOMAINS = ("kubernetes.io", "k8s.io", "helm.sh", "example.com")


@dataclass(frozen=True, slots=True)
class ObjectIndex:
    """The objects of a project, by what rules ask for."""

    objects_by_kind: dict[str, list[Object]] = field(default_factory=dict)
    objects_by_kind_and_name: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    selected: SelectorMatches[Workload] = field(default_factory=SelectorMatches)
    selected_services: SelectorMatches[Object] = field(default_factory=SelectorMatches)
    custom_resource_words: frozenset[str] = frozenset()
    custom_resource_names: frozenset[str] = frozenset()
    label_keys: frozenset[str] = frozenset()
    autoscalers_by_target: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    workload_by_owner_id: dict[int, Workload] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()
    object_identities_by_file: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    is_applied_as_one: bool = False
    kustomized_folders: frozenset[str] = frozenset()
    may_lack_objects: Callable[[str], bool] = lambda namespace: False
    _spaces: dict[Any, ThingsByNamespace[Any]] = field(default_factory=dict)
    _digests: dict[int, bytes] = field(default_factory=dict)
    _answers: dict[Any, NameResolution[Any]] = field(default_factory=dict)

    @property
    def workloads(self) -> list[Workload]:
        """What makes pods."""
        return self.selected.things

    @property
    def workloads_by_label(self) -> dict[tuple[str, str], list[Workload]]:
        """What makes pods, by each label of those; under two empty words what has a label that a variable fills."""
        return self.selected.things_by_label

    def objects_of_kinds(self, *kinds: str) -> Iterator[Object]:
        """The objects of the given kinds, one kind after the other."""
        for kind in kinds:
            yield from self.objects_by_kind.get(kind, ())

    def is_populated(self, namespace: str) -> bool:
        """Whether the files show what is in a namespace: some of their workloads stand in it.

        What is in kube-system the cluster brings along.
        """
        if not namespace:
            return bool(self.namespaces)
        return namespace in self.namespaces and namespace != "kube-system"

    def find_named(
        self, obj: NamespacedThing, kind: str, object_name: str, namespace: str | None = None, *, is_shared_thing: bool = True
    ) -> NameResolution[Object]:
        """The objects of a kind that an object means by a name; the namespace is its own unless another one is given.

        Where none is here and a part of the unit stands elsewhere, that may hold it, and nobody can tell.

        `is_shared_thing`: as many objects may use one of them as like to, so that a folder above holds it for those below; else
        it belongs to the nearest object that it can be about.
        """
        objects_by_namespace = self.things_by_namespace(("name", kind, object_name), self.objects_by_kind_and_name.get((kind, object_name), ()))
        return self.resolve_meant(obj, objects_by_namespace, namespace, is_shared_thing=is_shared_thing)

    def things_by_namespace(self, things_key: Any, things: Any) -> ThingsByNamespace[Any]:
        """Things by namespace and place, made when they are first asked for."""
        if things_key not in self._spaces:
            self._spaces[things_key] = ThingsByNamespace(things)
        return self._spaces[things_key]

    def resolve_meant(
        self,
        obj: NamespacedThing,
        candidates_by_namespace: ThingsByNamespace[T],
        namespace: str | None = None,
        *,
        is_shared_thing: bool = False,
        predicate: Callable[[T], bool] = lambda thing: True,
    ) -> NameResolution[T]:
        """Those of some things that an object means; see `find_named`."""
        namespace = obj.namespace if namespace is None else namespace
        if not candidates_by_namespace.every.things:
            return NameResolution((), self.may_lack_objects(namespace))
        fragment_things: list[T] = []
        things_of_namesakes: list[T] = []
        tied_things: list[T] = []

        def is_candidate(thing: T) -> bool:
            if not predicate(thing):
                return False
            if thing.source is obj.source:
                return True  # no namesake is nearer
            if thing.source.fragment and not obj.source.fragment:
                fragment_things.append(thing)
                return False
            belongs_to_namesake = self._belongs_to_nearer_namesake(obj, thing, is_shared_thing=is_shared_thing)
            if belongs_to_namesake is not False:
                (tied_things if belongs_to_namesake is None else things_of_namesakes).append(thing)
                return False
            return True

        object_path = obj.source.root.path
        nearest_things = candidates_by_namespace.nearest(object_path, namespace, is_candidate, ignore_folders=self.is_applied_as_one)
        if nearest_things.distance >= 0:
            is_ambiguous_result = nearest_things.is_tied or (
                nearest_things.distance > SAME_FOLDER_DISTANCE and self._may_be_patched(obj, nearest_things.things)
            )
            return NameResolution(() if is_ambiguous_result else tuple(nearest_things.things), is_ambiguous_result)
        if not things_of_namesakes:
            things_of_namesakes = [thing for thing in islice(candidates_by_namespace.every.things, MAX_CANDIDATES_PER_QUESTION) if predicate(thing)]
        is_ambiguous_result = bool(fragment_things or tied_things) or self.may_lack_objects(namespace)
        return NameResolution((), is_ambiguous_result, () if is_ambiguous_result else tuple(things_of_namesakes))

    def _may_be_patched(self, obj: NamespacedThing, things: Iterable[NamespacedThing]) -> bool:
        """Whether a kustomization that was not built puts things of other folders together, with patches that nobody saw."""
        return any(folder_of(each.source) in self.kustomized_folders for each in (obj, *things))

    def all_candidates(self, obj: NamespacedThing, candidates_by_namespace: ThingsByNamespace[T], *, predicate: Callable[[T], bool]) -> list[T]:
        """All things of those that may be meant for an object, the nearest first, at most MAX_CANDIDATES of them."""
        thing_by_id: dict[int, T] = {}
        for things_by_folder in candidates_by_namespace.places_in_namespace(obj.namespace):
            for thing in things_by_folder.accepted_by_distance(
                obj.source.root.path, lambda each: predicate(each) and self._belongs_to_nearer_namesake(obj, each, is_shared_thing=False) is not True
            ):
                thing_by_id.setdefault(id(thing), thing)
        return list(thing_by_id.values())

    def _belongs_to_nearer_namesake(self, obj: NamespacedThing, thing: NamespacedThing, *, is_shared_thing: bool) -> bool | None:
        """Whether a thing belongs to another object of the kind and name of `obj`; None where either may be meant."""
        if self.is_applied_as_one:
            return False
        distance_to_object = file_distance(thing.source.root.path, obj.source.root.path)
        if distance_to_object == 0 or (is_shared_thing and distance_to_object <= BELOW_FOLDER_DISTANCE):
            return False
        if distance_to_object == SAME_FOLDER_DISTANCE and self.are_alternatives(obj.source, thing.source):
            return True
        owner_object = owner_object_of(obj)
        namesakes_by_namespace = self.things_by_namespace(
            ("name", owner_object.kind, owner_object.name), self.objects_by_kind_and_name.get((owner_object.kind, owner_object.name), ())
        )
        least_namesake_distance, is_tied = namesakes_by_namespace.least_distance(
            thing.source.root.path, thing.namespace, same_namespace_only=has_exactly_same_namespace(obj, thing)
        )
        if least_namesake_distance >= 0 and is_surely_nearer(least_namesake_distance, distance_to_object):
            return True
        is_rival_as_near = distance_to_object > BELOW_FOLDER_DISTANCE and (least_namesake_distance < distance_to_object or is_tied)
        if not is_rival_as_near or is_shared_thing:
            return False
        return False if self._rivals_are_copies(owner_object, thing, distance_to_object if is_tied else distance_to_object - 1) else None

    def _rivals_are_copies(self, obj: Object, thing: NamespacedThing, max_distance: int) -> bool:
        """Whether all objects of the kind and name of `obj` that stand as near to a thing say the same: it is about each.

        Manifests and the bundle that is made of them are such.
        """
        digest_of_object = digest_of_node(obj.node, self._digests)
        thing_path = thing.source.root.path
        return all(
            digest_of_node(other.node, self._digests) == digest_of_object
            for other in self.objects_by_kind_and_name[obj.kind, obj.name][:MAX_CANDIDATES_PER_QUESTION]
            if other is not obj and file_distance(thing_path, other.source.root.path) <= max_distance
        )

    def are_alternatives(self, source: Source, other_source: Source) -> bool:
        """Whether two files define the same Service or workload: whoever applies both has overwritten one."""
        object_identities, other_object_identities = (
            self.object_identities_by_file.get(source.root.path),
            self.object_identities_by_file.get(other_source.root.path),
        )
        if not object_identities or not other_object_identities or source.root.path == other_source.root.path:
            return False
        return not object_identities.isdisjoint(other_object_identities)

    def may_be_operated(self, selector: Selector) -> bool:
        """Whether an operator may make the pods that a selector means.

        Operators give pods their custom resource's name or labels, names that begin with its name, or labels under
        a domain of their own. A word that workloads of the files have under another domain is a slip of the pen.
        """
        for label_key, label_value in selector.pairs:
            value_words = label_value.split("-")
            value_prefixes = ("-".join(value_words[:count]) for count in range(1, min(len(value_words), 9)))
            label_domain, _, label_name = label_key.rpartition("/")
            if label_value in self.custom_resource_words or any(name in self.custom_resource_names for name in value_prefixes):
                return True
            if label_domain and not label_domain.endswith(_COMMON_LABEL_DOMAINS) and label_name not in self.label_keys:
                return True
        return False

    def selected_workloads(self, selector: Selector, namespace: str) -> list[Workload] | None:
        """The workloads whose pods a selector may mean, at most as many as one question looks at; None where that is not worked out."""
        if not self.selected.has_answer(selector):
            return None
        return list(islice(self.selected.matches(selector).things_possibly_in_namespace(namespace), MAX_CANDIDATES_PER_QUESTION))

    def resolve_selected_workloads(self, obj: Object, selector: Selector, namespace: str | None = None) -> NameResolution[Workload]:
        """The workloads whose pods an object means by a selector; in its own namespace unless another one is given."""
        return self._resolve_selected(self.selected, obj, selector, namespace)

    def resolve_selected_services(self, obj: Object, selector: Selector, namespace: str) -> NameResolution[Object]:
        """The Services of a namespace that an object means by a selector."""
        return self._resolve_selected(self.selected_services, obj, selector, namespace)

    def _resolve_selected(self, selected: SelectorMatches[L], obj: Object, selector: Selector, namespace: str | None) -> NameResolution[L]:
        if not selected.has_answer(selector):
            return NameResolution((), True)
        return self.answer_once((id(selected), id(obj), selector, namespace), lambda: self.resolve_meant(obj, selected.matches(selector), namespace))

    def answer_once(self, question: Any, resolve: Callable[[], NameResolution[Any]]) -> NameResolution[Any]:
        """The answer to a question about an object of the project, worked out when it is first asked."""
        if question not in self._answers:
            self._answers[question] = resolve()
        return self._answers[question]

    def is_matched_anywhere(self, selector: Selector) -> bool:
        """Whether a selector matches, or may match, the pods of a workload in whatever namespace."""
        return not self.selected.has_answer(selector) or bool(self.selected.matches(selector).every.things)


def object_index(project: Project) -> ObjectIndex:
    """The index of a project."""
    return project.memoize(_build_index)


def _build_index(project: Project) -> ObjectIndex:
    object_index_to_fill = ObjectIndex()
    operator_words: set[str] = set()
    custom_resource_names: set[str] = set()
    for document in project.documents_of_kind("k8s"):
        pod_by_owner_id = {id(pod.owner): pod for pod in document.pods}
        for obj in document.objects:
            _index_object(object_index_to_fill, obj)
            if document.source.fragment and not project.prose:
                continue  # a patch: what it leaves out stands in what it patches
            workload = _make_workload(obj, pod_by_owner_id.get(id(obj)))
            if workload is not None:
                object_index_to_fill.selected.add(workload)
                object_index_to_fill.workload_by_owner_id[id(obj)] = workload
            elif is_pod_making_custom_resource(obj):
                operator_words.update(_name_and_label_values(obj))
                custom_resource_names.add(obj.name)
    _find_bounds_of_selectors(object_index_to_fill, max_matches_counted=MAX_CANDIDATES_PER_QUESTION if project.unit else None)
    return replace(
        object_index_to_fill,
        custom_resource_words=frozenset(operator_words),
        custom_resource_names=frozenset(custom_resource_names - {""}),
        label_keys=frozenset(key.rpartition("/")[2] for key, _ in object_index_to_fill.workloads_by_label),
        namespaces=frozenset(one.namespace for one in object_index_to_fill.workloads),
        is_applied_as_one=bool(project.unit),
        may_lack_objects=project.may_lack_objects,
        kustomized_folders=frozenset(posixpath.dirname(path) for path in project.paths if _KUSTOMIZATION_PATH.search(path)),
    )


def _index_object(object_index_to_fill: ObjectIndex, obj: Object) -> None:
    """Enter an object by its kind, its name, what it is about, and, of what runs, by the file."""
    object_index_to_fill.objects_by_kind.setdefault(obj.kind, []).append(obj)
    object_index_to_fill.objects_by_kind_and_name.setdefault((obj.kind, obj.name), []).append(obj)
    target_kind, target_name = scale_target_kind_and_name(obj)
    if target_name:
        object_index_to_fill.autoscalers_by_target.setdefault((target_kind, target_name), []).append(obj)
    if obj.kind == "Service" or obj.kind in REPLICATED_KINDS:
        object_identity = (obj.kind, obj.name, obj.namespace)
        object_index_to_fill.object_identities_by_file.setdefault(obj.source.root.path, set()).add(object_identity)


def _find_bounds_of_selectors(filled_index: ObjectIndex, max_matches_counted: int | None) -> None:
    """Find out whether there is too much for the selectors of a project to work out; of one object that many matches count at most."""
    for obj in filled_index.objects_of_kinds("Service"):
        filled_index.selected_services.add(obj)
    objects_without_pods = (
        obj for objects in filled_index.objects_by_kind.values() for obj in objects if id(obj) not in filled_index.workload_by_owner_id
    )
    filled_index.selected.find_bound(objects_without_pods, selectors_of_pods, max_matches_counted)
    filled_index.selected_services.find_bound(filled_index.objects_of_kinds("ServiceMonitor"), selectors_of_services, max_matches_counted)


_KINDS_WITH_POD_SELECTOR = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "DeploymentConfig"})


def _make_workload(obj: Object, pod: Pod | None) -> Workload | None:
    if pod is not None:
        pod_labels: Mapping[str, Any] = pod.labels
        if obj.kind == "DeploymentConfig" and not pod_labels:
            pod_labels = obj.spec.mapping_at_path("selector")
        return Workload(obj, pod_labels, pod)
    if obj.kind in _KINDS_WITH_POD_SELECTOR:
        pod_labels = obj.spec.mapping_at_path("template", "metadata", "labels")
        if pod_labels:
            return Workload(obj, pod_labels, None)
        return Workload(obj, obj.spec.mapping_at_path("selector", "matchLabels"), None)
    return None


def is_pod_making_custom_resource(obj: Object) -> bool:
    """Whether an object is a custom resource that an operator may turn into pods."""
    if obj.group in property_by_fact_name("kubernetes-custom", "no-pods"):
        return f"{obj.kind} {obj.group}" in property_by_fact_name("kubernetes-custom", "pods")
    api_version = obj.api_version
    return "." in api_version.partition("/")[0] and "k8s.io" not in api_version


def _name_and_label_values(obj: Object) -> Iterator[str]:
    """Its name and its label values: operators label the pods that they make with these."""
    yield obj.name
    for label_mapping in (obj.labels, obj.spec.mapping_at_path("podMetadata", "labels")):
        yield from (value for value in label_mapping.values() if isinstance(value, str))


def owner_object_of(obj: Any) -> Object:
    """The object that a pod or a workload belongs to; an object itself."""
    owner_object: Object = getattr(obj, "owner", obj)
    return owner_object


def workload_of(pod: Pod, project: Project) -> Workload | None:
    """The workload that a pod spec belongs to."""
    return object_index(project).workload_by_owner_id.get(id(pod.owner))


def find_autoscalers(obj: Object, project: Project, *kinds: str) -> NameResolution[Object]:
    """The autoscalers of the kinds that have a workload as their target."""
    project_index = object_index(project)
    if not obj.name or not (targeting_autoscalers := project_index.autoscalers_by_target.get((obj.kind, obj.name))):
        return NameResolution()  # one that stands elsewhere is not expected to be: it goes with its workload
    return project_index.answer_once(("autoscalers", id(obj), kinds), lambda: _resolve_autoscalers(obj, project_index, targeting_autoscalers, kinds))


def _resolve_autoscalers(obj: Object, project_index: ObjectIndex, autoscalers: Iterable[Object], kinds: tuple[str, ...]) -> NameResolution[Object]:
    autoscalers_by_namespace = project_index.things_by_namespace(("target", obj.kind, obj.name), autoscalers)
    resolution = project_index.resolve_meant(obj, autoscalers_by_namespace, predicate=lambda scaler: scaler.kind in kinds)
    return NameResolution((), True) if len(resolution.meant) > MAX_CANDIDATES_PER_QUESTION else resolution


def find_certain_autoscalers(workload_object: Object, project: Project, *kinds: str) -> tuple[Object, ...]:
    """The autoscalers of the kinds that surely have a workload as their target."""
    return find_autoscalers(workload_object, project, *kinds).meant


def scale_target_kind_and_name(autoscaler: Object) -> tuple[str, str]:
    """The kind and the name of what an autoscaler scales."""
    target_reference = autoscaler.spec.mapping_at_path("targetRef" if autoscaler.kind == "VerticalPodAutoscaler" else "scaleTargetRef")
    return target_reference.string_under("kind") or "Deployment", target_reference.string_under("name")


def scaled_workload(autoscaler: Object, project: Project) -> Object | None:
    """The workload that an autoscaler surely scales: it names that one, and that one has no nearer autoscaler."""
    target_kind, target_name = scale_target_kind_and_name(autoscaler)
    named_objects = object_index(project).find_named(autoscaler, target_kind, target_name, is_shared_thing=False).meant
    if named_objects and any(obj is autoscaler for obj in find_certain_autoscalers(named_objects[0], project, autoscaler.kind)):
        return named_objects[0]
    return None
