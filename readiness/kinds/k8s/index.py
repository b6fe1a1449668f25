"""Which object a manifest speaks of: objects by kind and name, workloads by label, and which of several is meant.

Everything here is built once for a project and is linear in its objects. Absence is only told where a namespace
written on one side and left out on the other cannot explain it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.equality import object_digest
from readiness.kinds.k8s.labels import Selector
from readiness.kinds.k8s.model import REPLICATED_KINDS, Object, Pod
from readiness.kinds.k8s.spaces import (
    NameResolution,
    NamespacedThing,
    ThingsByNamespace,
    has_exactly_same_namespace,
)
from readiness.kinds.units import (
    BELOW_FOLDER_DISTANCE,
    MAX_CANDIDATES,
    SAME_FOLDER_DISTANCE,
    file_distance,
    folder_of,
    is_surely_nearer,
)
from readiness.model import Source
from readiness.model.project import Project


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
_KUSTOMIZATION_PATH = re.compile(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)\Z")
# Domains of labels that people set themselves.
_COMMON_LABEL_DOMAINS = ("kubernetes.io", "k8s.io", "helm.sh", "example.com")


@dataclass(frozen=True, slots=True)
class ObjectIndex:
    """The objects of a project, by what rules ask for."""

    objects_by_kind: dict[str, list[Object]] = field(default_factory=dict)
    objects_by_kind_and_name: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    workloads: list[Workload] = field(default_factory=list)
    workloads_by_label: dict[tuple[str, str], list[Workload]] = field(default_factory=dict)
    custom_resource_words: frozenset[str] = frozenset()
    custom_resource_names: frozenset[str] = frozenset()
    label_keys: frozenset[str] = frozenset()
    autoscalers_by_target: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    workload_by_owner_id: dict[int, Workload] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()
    object_identities_by_file: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    is_applied_as_one: bool = False
    kustomized_folders: frozenset[str] = frozenset()
    _spaces: dict[Any, ThingsByNamespace[Any]] = field(default_factory=dict)
    _digests: dict[int, bytes] = field(default_factory=dict)

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
        self,
        obj: NamespacedThing,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        shared: bool = True,
    ) -> NameResolution[Object]:
        """The objects of a kind that an object means by a name; the namespace is its own unless another one is given.

        `shared`: as many objects may use one of them as like to, so that a folder above holds it for those below; else
        it belongs to the nearest object that it can be about.
        """
        spaces = self.things_by_namespace(("name", kind, name), self.objects_by_kind_and_name.get((kind, name), ()))
        return self.resolve_meant(obj, spaces, namespace, shared=shared)

    def things_by_namespace(self, key: Any, things: Any) -> ThingsByNamespace[Any]:
        """Things by namespace and place, made when they are first asked for."""
        if key not in self._spaces:
            self._spaces[key] = ThingsByNamespace(things)
        return self._spaces[key]

    def resolve_meant(
        self,
        obj: NamespacedThing,
        spaces: ThingsByNamespace[T],
        namespace: str | None = None,
        *,
        shared: bool = False,
        predicate: Callable[[T], bool] = lambda thing: True,
    ) -> NameResolution[T]:
        """Those of some things that an object means; see `find_named`."""
        namespace = obj.namespace if namespace is None else namespace
        parts: list[T] = []
        others: list[T] = []
        ties: list[T] = []

        def is_candidate(thing: T) -> bool:
            if not predicate(thing):
                return False
            if thing.source.fragment and not obj.source.fragment:
                parts.append(thing)
                return False
            tied = self._belongs_to_nearer_namesake(obj, thing, shared=shared)
            if tied is not False:
                (ties if tied is None else others).append(thing)
                return False
            return True

        path = obj.source.root.path
        near = spaces.nearest(path, namespace, is_candidate, ignore_folders=self.is_applied_as_one)
        if near.distance >= 0:
            is_open = near.is_tied or (near.distance > SAME_FOLDER_DISTANCE and self._may_be_patched(obj, near.things))
            return NameResolution(() if is_open else tuple(near.things), is_open)
        if not others:
            others = [thing for thing in islice(spaces.every.things, MAX_CANDIDATES) if predicate(thing)]
        return NameResolution((), bool(parts or ties), () if parts or ties else tuple(others))

    def _may_be_patched(self, obj: NamespacedThing, things: Iterable[NamespacedThing]) -> bool:
        """Whether a kustomization that was not built puts things of other folders together, with patches that nobody saw."""
        return any(folder_of(each.source) in self.kustomized_folders for each in (obj, *things))

    def all_candidates(self, obj: NamespacedThing, spaces: ThingsByNamespace[T], *, predicate: Callable[[T], bool]) -> list[T]:
        """All things of those that may be meant for an object, the nearest first, at most MAX_CANDIDATES of them."""
        joined: dict[int, T] = {}
        for places in spaces.places_in_namespace(obj.namespace):
            for thing in places.accepted_by_distance(
                obj.source.root.path,
                lambda each: predicate(each) and self._belongs_to_nearer_namesake(obj, each, shared=False) is not True,
            ):
                joined.setdefault(id(thing), thing)
        return list(joined.values())

    def _belongs_to_nearer_namesake(self, obj: NamespacedThing, thing: NamespacedThing, *, shared: bool) -> bool | None:
        """Whether a thing belongs to another object of the kind and name of `obj`; None where either may be meant."""
        if self.is_applied_as_one:
            return False
        far = file_distance(thing.source.root.path, obj.source.root.path)
        if far == 0 or (shared and far <= BELOW_FOLDER_DISTANCE):
            return False
        if far == SAME_FOLDER_DISTANCE and self.are_alternatives(obj.source, thing.source):
            return True
        owner = owner_of(obj)
        twins = self.things_by_namespace(
            ("name", owner.kind, owner.name),
            self.objects_by_kind_and_name.get((owner.kind, owner.name), ()),
        )
        least, tied = twins.least_distance(
            thing.source.root.path,
            thing.namespace,
            same_namespace_only=has_exactly_same_namespace(obj, thing),
        )
        if least >= 0 and is_surely_nearer(least, far):
            return True
        alike = far > BELOW_FOLDER_DISTANCE and (least < far or tied)
        if not alike or shared:
            return False
        return False if self._rivals_are_copies(owner, thing, far if tied else far - 1) else None

    def _rivals_are_copies(self, obj: Object, thing: NamespacedThing, far: int) -> bool:
        """Whether all objects of the kind and name of `obj` that stand as near to a thing say the same: it is about each.

        Manifests and the bundle that is made of them are such.
        """
        own = object_digest(obj.node, self._digests)
        path = thing.source.root.path
        return all(
            object_digest(other.node, self._digests) == own
            for other in self.objects_by_kind_and_name[obj.kind, obj.name][:MAX_CANDIDATES]
            if other is not obj and file_distance(path, other.source.root.path) <= far
        )

    def are_alternatives(self, obj: Source, other: Source) -> bool:
        """Whether two files define the same Service or workload: whoever applies both has overwritten one."""
        mine, its = (
            self.object_identities_by_file.get(obj.root.path),
            self.object_identities_by_file.get(other.root.path),
        )
        if not mine or not its or obj.root.path == other.root.path:
            return False
        return not mine.isdisjoint(its)

    def may_be_operated(self, selector: Selector) -> bool:
        """Whether an operator may make the pods that a selector means.

        Operators give pods their custom resource's name or labels, names that begin with its name, or labels under
        a domain of their own. A word that workloads of the files have under another domain is a slip of the pen.
        """
        for key, value in selector.pairs:
            parts = value.split("-")
            begun = ("-".join(parts[:count]) for count in range(1, min(len(parts), 9)))
            domain, _, word = key.rpartition("/")
            if value in self.custom_resource_words or any(name in self.custom_resource_names for name in begun):
                return True
            if domain and not domain.endswith(_COMMON_LABEL_DOMAINS) and word not in self.label_keys:
                return True
        return False

    def selected_workloads(self, selector: Selector, namespace: str, limit: int = MAX_CANDIDATES) -> list[Workload]:
        """The workloads whose pods a selector may mean, at most `limit` of them."""
        likely = self.workloads_matching_candidates(selector).things_possibly_in_namespace(namespace)
        return list(islice((one for one in likely if selector.matches(one.labels)), limit))

    def resolve_selected_workloads(
        self, obj: Object, selector: Selector, namespace: str | None = None
    ) -> NameResolution[Workload]:
        """The workloads whose pods an object means by a selector; in its own namespace unless another one is given."""
        return self.resolve_meant(
            obj,
            self.workloads_matching_candidates(selector),
            namespace,
            predicate=lambda each: selector.matches(each.labels),
        )

    def workloads_matching_candidates(self, selector: Selector) -> ThingsByNamespace[Workload]:
        """The workloads among which are all that a selector matches, by namespace and place."""
        pairs = [pair for pair in selector.pairs if not is_variable(pair[1])]
        if not pairs and selector.expressions:
            return ThingsByNamespace(self.possibly_matching_workloads(selector))
        pair = min(pairs, key=lambda each: len(self.workloads_by_label.get(each, ())), default=None)
        return self.things_by_namespace(("label", pair), self.possibly_matching_workloads(selector) if pair else self.workloads)

    def is_matched_anywhere(self, selector: Selector) -> bool:
        """Whether a selector matches the pods of a workload in whatever namespace."""
        return any(selector.matches(one.labels) for one in islice(self.possibly_matching_workloads(selector), 4096))

    def possibly_matching_workloads(self, selector: Selector) -> list[Workload]:
        """The smallest list that holds every match: that of the rarest pair, or of an expression's values."""
        lists = [self.workloads_by_label.get(pair, []) for pair in selector.pairs if not is_variable(pair[1])]
        for key, operator, values in selector.expressions:
            if operator == "In" and not any(map(is_variable, values)):
                lists.append([one for value in values for one in self.workloads_by_label.get((key, value), ())])
        best = min(lists, key=len, default=self.workloads)
        return best if not lists else [*best, *self.workloads_by_label.get(("", ""), ())]


def object_index(project: Project) -> ObjectIndex:
    """The index of a project."""
    return project.memoize(_build_index)


def _build_index(project: Project) -> ObjectIndex:
    index = ObjectIndex()
    words: set[str] = set()
    makers: set[str] = set()
    for document in project.documents_of_kind("k8s"):
        pods = {id(pod.owner): pod for pod in document.pods}
        for obj in document.objects:
            _index_object(index, obj)
            if document.source.fragment and not project.prose:
                continue  # a patch: what it leaves out stands in what it patches
            workload = _make_workload(obj, pods.get(id(obj)))
            if workload is not None:
                _index_workload(index, workload, obj)
            elif is_operated_resource(obj):
                words.update(_name_and_label_values(obj))
                makers.add(obj.name)
    return replace(
        index,
        custom_resource_words=frozenset(words),
        custom_resource_names=frozenset(makers - {""}),
        label_keys=frozenset(key.rpartition("/")[2] for key, _ in index.workloads_by_label),
        namespaces=frozenset(one.namespace for one in index.workloads),
        is_applied_as_one=bool(project.unit),
        kustomized_folders=frozenset(posixpath.dirname(path) for path in project.paths if _KUSTOMIZATION_PATH.search(path)),
    )


def _index_object(index: ObjectIndex, obj: Object) -> None:
    """Enter an object by its kind, its name, what it is about, and, of what runs, by the file."""
    index.objects_by_kind.setdefault(obj.kind, []).append(obj)
    index.objects_by_kind_and_name.setdefault((obj.kind, obj.name), []).append(obj)
    kind, name = scale_target(obj)
    if name:
        index.autoscalers_by_target.setdefault((kind, name), []).append(obj)
    if obj.kind == "Service" or obj.kind in REPLICATED_KINDS:
        key = (obj.kind, obj.name, obj.namespace)
        index.object_identities_by_file.setdefault(obj.source.root.path, set()).add(key)


def _index_workload(index: ObjectIndex, workload: Workload, obj: Object) -> None:
    """Enter a workload by its labels; a value that a variable fills stands in a list of its own, which every search looks at."""
    index.workloads.append(workload)
    index.workload_by_owner_id[id(obj)] = workload
    for label, value in workload.labels.items():
        slot = ("", "") if is_variable(value) else (label, value)
        if isinstance(value, str):
            index.workloads_by_label.setdefault(slot, []).append(workload)


_SELECTING_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "DeploymentConfig"})


def _make_workload(obj: Object, pod: Pod | None) -> Workload | None:
    if pod is not None:
        labels: Mapping[str, Any] = pod.labels
        if obj.kind == "DeploymentConfig" and not labels:
            labels = obj.spec.mapping_at_path("selector")
        return Workload(obj, labels, pod)
    if obj.kind in _SELECTING_KINDS:
        labels = obj.spec.mapping_at_path("template", "metadata", "labels")
        if labels:
            return Workload(obj, labels, None)
        return Workload(obj, obj.spec.mapping_at_path("selector", "matchLabels"), None)
    return None


def is_operated_resource(obj: Object) -> bool:
    """Whether an object is a custom resource that an operator may turn into pods."""
    if obj.group in fact_column("kubernetes-custom", "no-pods"):
        return f"{obj.kind} {obj.group}" in fact_column("kubernetes-custom", "pods")
    version = obj.api_version
    return "." in version.partition("/")[0] and "k8s.io" not in version


def _name_and_label_values(obj: Object) -> Iterator[str]:
    """Its name and its label values: operators label the pods that they make with these."""
    yield obj.name
    for labels in (obj.labels, obj.spec.mapping_at_path("podMetadata", "labels")):
        yield from (value for value in labels.values() if isinstance(value, str))


def owner_of(obj: Any) -> Object:
    """The object that a pod or a workload belongs to; an object itself."""
    owner: Object = getattr(obj, "owner", obj)
    return owner


def workload_of(pod: Pod, project: Project) -> Workload | None:
    """The workload that a pod spec belongs to."""
    return object_index(project).workload_by_owner_id.get(id(pod.owner))


def find_autoscalers(obj: Object, project: Project, *kinds: str) -> NameResolution[Object]:
    """The autoscalers of the kinds that have a workload as their target."""
    index = object_index(project)
    key = (obj.kind, obj.name)
    listed = index.autoscalers_by_target.get(key, ()) if obj.name else ()
    spaces = index.things_by_namespace(("target", *key), listed)
    return index.resolve_meant(obj, spaces, predicate=lambda scaler: scaler.kind in kinds)


def certain_autoscalers(obj: Object, project: Project, *kinds: str) -> tuple[Object, ...]:
    """The autoscalers of the kinds that surely have a workload as their target."""
    return find_autoscalers(obj, project, *kinds).meant


def scale_target(scaler: Object) -> tuple[str, str]:
    """The kind and the name of what an autoscaler scales."""
    key = "targetRef" if scaler.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    ref = scaler.spec.mapping_at_path(key)
    return ref.string_under("kind") or "Deployment", ref.string_under("name")


def scaled_workload(scaler: Object, project: Project) -> Object | None:
    """The workload that an autoscaler surely scales: it names that one, and that one has no nearer autoscaler."""
    kind, name = scale_target(scaler)
    named = object_index(project).find_named(scaler, kind, name, shared=False).meant
    if named and any(obj is scaler for obj in certain_autoscalers(named[0], project, scaler.kind)):
        return named[0]
    return None
