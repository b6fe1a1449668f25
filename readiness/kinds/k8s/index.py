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

from readiness.facts.table import column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.equality import object_digest
from readiness.kinds.k8s.labels import Selector
from readiness.kinds.k8s.model import REPLICATED, Object, Pod
from readiness.kinds.k8s.spaces import Join, Named, Spaces, is_exactly_same
from readiness.kinds.units import (
    BELOW,
    FOLDER,
    MANY,
    distance,
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


T = TypeVar("T", bound=Named)
_KUSTOMIZATION = re.compile(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)\Z")
# Domains of labels that people set themselves.
_COMMON = ("kubernetes.io", "k8s.io", "helm.sh", "example.com")


@dataclass(frozen=True, slots=True)
class Index:
    """The objects of a project, by what rules ask for."""

    kinds: dict[str, list[Object]] = field(default_factory=dict)
    names: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    workloads: list[Workload] = field(default_factory=list)
    labelled: dict[tuple[str, str], list[Workload]] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()
    makers: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    targets: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    of: dict[int, Workload] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()
    identities: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)
    together: bool = False
    kustomized: frozenset[str] = frozenset()
    _spaces: dict[Any, Spaces[Any]] = field(default_factory=dict)
    _digests: dict[int, bytes] = field(default_factory=dict)

    def all(self, *kinds: str) -> Iterator[Object]:
        """The objects of the given kinds, one kind after the other."""
        for kind in kinds:
            yield from self.kinds.get(kind, ())

    def is_populated(self, namespace: str) -> bool:
        """Whether the files show what is in a namespace: some of their workloads stand in it.

        What is in kube-system the cluster brings along.
        """
        if not namespace:
            return bool(self.namespaces)
        return namespace in self.namespaces and namespace != "kube-system"

    def named(
        self, obj: Named, kind: str, name: str, namespace: str | None = None, *, shared: bool = True
    ) -> Join[Object]:
        """The objects of a kind that an object means by a name; the namespace is its own unless another one is given.

        `shared`: as many objects may use one of them as like to, so that a folder above holds it for those below; else
        it belongs to the nearest object that it can be about.
        """
        spaces = self.spaces(("name", kind, name), self.names.get((kind, name), ()))
        return self.join(obj, spaces, namespace, shared=shared)

    def spaces(self, key: Any, things: Any) -> Spaces[Any]:
        """Things by namespace and place, made when they are first asked for."""
        if key not in self._spaces:
            self._spaces[key] = Spaces(things)
        return self._spaces[key]

    def join(
        self,
        obj: Named,
        spaces: Spaces[T],
        namespace: str | None = None,
        *,
        shared: bool = False,
        accepts: Callable[[T], bool] = lambda thing: True,
    ) -> Join[T]:
        """Those of some things that an object means; see `named`."""
        namespace = obj.namespace if namespace is None else namespace
        parts: list[T] = []
        others: list[T] = []
        ties: list[T] = []

        def may_be_meant(thing: T) -> bool:
            if not accepts(thing):
                return False
            if thing.source.fragment and not obj.source.fragment:
                parts.append(thing)
                return False
            tied = self._is_of_nearer_twin(obj, thing, shared=shared)
            if tied is not False:
                (ties if tied is None else others).append(thing)
                return False
            return True

        path = obj.source.root.path
        near = spaces.nearest(path, namespace, may_be_meant, together=self.together)
        if near.distance >= 0:
            is_open = near.tied or (
                near.distance > FOLDER and self._may_be_patched(obj, near.things)
            )
            return Join(() if is_open else tuple(near.things), is_open)
        if not others:
            others = [thing for thing in islice(spaces.every.things, MANY) if accepts(thing)]
        return Join((), bool(parts or ties), () if parts or ties else tuple(others))

    def _may_be_patched(self, obj: Named, things: Iterable[Named]) -> bool:
        """Whether a kustomization that was not built puts things of other folders together, with patches that nobody saw."""
        return any(folder_of(each.source) in self.kustomized for each in (obj, *things))

    def all_joined(self, obj: Named, spaces: Spaces[T], *, accepts: Callable[[T], bool]) -> list[T]:
        """All things of those that may be meant for an object, the nearest first, at most MANY of them."""
        joined: dict[int, T] = {}
        for places in spaces.of(obj.namespace):
            for thing in places.accepted(
                obj.source.root.path,
                lambda each: (
                    accepts(each) and self._is_of_nearer_twin(obj, each, shared=False) is not True
                ),
            ):
                joined.setdefault(id(thing), thing)
        return list(joined.values())

    def _is_of_nearer_twin(self, obj: Named, thing: Named, *, shared: bool) -> bool | None:
        """Whether a thing belongs to another object of the kind and name of `obj`; None where either may be meant."""
        if self.together:
            return False
        far = distance(thing.source.root.path, obj.source.root.path)
        if far == 0 or (shared and far <= BELOW):
            return False
        if far == FOLDER and self.are_alternatives(obj.source, thing.source):
            return True
        owner = owner_of(obj)
        twins = self.spaces(
            ("name", owner.kind, owner.name), self.names.get((owner.kind, owner.name), ())
        )
        least, tied = twins.least_distance(
            thing.source.root.path, thing.namespace, exact=is_exactly_same(obj, thing)
        )
        if least >= 0 and is_surely_nearer(least, far):
            return True
        alike = far > BELOW and (least < far or tied)
        if not alike or shared:
            return False
        return False if self._rivals_are_copies(owner, thing, far if tied else far - 1) else None

    def _rivals_are_copies(self, obj: Object, thing: Named, far: int) -> bool:
        """Whether all objects of the kind and name of `obj` that stand as near to a thing say the same: it is about each.

        Manifests and the bundle that is made of them are such.
        """
        own = object_digest(obj.node, self._digests)
        path = thing.source.root.path
        return all(
            object_digest(other.node, self._digests) == own
            for other in self.names[obj.kind, obj.name][:MANY]
            if other is not obj and distance(path, other.source.root.path) <= far
        )

    def are_alternatives(self, obj: Source, other: Source) -> bool:
        """Whether two files define the same Service or workload: whoever applies both has overwritten one."""
        mine, its = self.identities.get(obj.root.path), self.identities.get(other.root.path)
        if not mine or not its or obj.root.path == other.root.path:
            return False
        return not mine.isdisjoint(its)

    def may_be_operated(self, wanted: Selector) -> bool:
        """Whether an operator may make the pods that a selector means.

        Operators give pods their custom resource's name or labels, names that begin with its name, or labels under
        a domain of their own. A word that workloads of the files have under another domain is a slip of the pen.
        """
        for key, value in wanted.pairs:
            parts = value.split("-")
            begun = ("-".join(parts[:count]) for count in range(1, min(len(parts), 9)))
            domain, _, word = key.rpartition("/")
            if value in self.foreign or any(name in self.makers for name in begun):
                return True
            if domain and not domain.endswith(_COMMON) and word not in self.keys:
                return True
        return False

    def selected_workloads(
        self, wanted: Selector, namespace: str, limit: int = MANY
    ) -> list[Workload]:
        """The workloads whose pods a selector may mean, at most `limit` of them."""
        likely = self.selectable(wanted).compatible(namespace)
        return list(islice((one for one in likely if wanted.matches(one.labels)), limit))

    def reached(
        self, obj: Object, wanted: Selector, namespace: str | None = None
    ) -> Join[Workload]:
        """The workloads whose pods an object means by a selector; in its own namespace unless another one is given."""
        return self.join(
            obj,
            self.selectable(wanted),
            namespace,
            accepts=lambda each: wanted.matches(each.labels),
        )

    def selectable(self, wanted: Selector) -> Spaces[Workload]:
        """The workloads among which are all that a selector matches, by namespace and place."""
        pairs = [pair for pair in wanted.pairs if not is_variable(pair[1])]
        if not pairs and wanted.expressions:
            return Spaces(self.candidates(wanted))
        pair = min(pairs, key=lambda each: len(self.labelled.get(each, ())), default=None)
        return self.spaces(("label", pair), self.candidates(wanted) if pair else self.workloads)

    def is_matched_anywhere(self, wanted: Selector) -> bool:
        """Whether a selector matches the pods of a workload in whatever namespace."""
        return any(wanted.matches(one.labels) for one in islice(self.candidates(wanted), 4096))

    def candidates(self, wanted: Selector) -> list[Workload]:
        """The smallest list that holds every match: that of the rarest pair, or of an expression's values."""
        lists = [self.labelled.get(pair, []) for pair in wanted.pairs if not is_variable(pair[1])]
        for key, operator, values in wanted.expressions:
            if operator == "In" and not any(map(is_variable, values)):
                lists.append(
                    [one for value in values for one in self.labelled.get((key, value), ())]
                )
        best = min(lists, key=len, default=self.workloads)
        return best if not lists else [*best, *self.labelled.get(("", ""), ())]


def object_index(project: Project) -> Index:
    """The index of a project."""
    return project.memo(_build_index)


def _build_index(project: Project) -> Index:
    index = Index()
    words: set[str] = set()
    makers: set[str] = set()
    for document in project.documents("k8s"):
        pods = {id(pod.owner): pod for pod in document.pods}
        for obj in document.objects:
            _index_object(index, obj)
            if document.source.fragment and not project.prose:
                continue  # a patch: what it leaves out stands in what it patches
            workload = _workload(obj, pods.get(id(obj)))
            if workload is not None:
                _index_workload(index, workload, obj)
            elif is_operated_resource(obj):
                words.update(_name_and_label_values(obj))
                makers.add(obj.name)
    return replace(
        index,
        foreign=frozenset(words),
        makers=frozenset(makers - {""}),
        keys=frozenset(key.rpartition("/")[2] for key, _ in index.labelled),
        namespaces=frozenset(one.namespace for one in index.workloads),
        together=bool(project.unit),
        kustomized=frozenset(
            posixpath.dirname(path) for path in project.paths if _KUSTOMIZATION.search(path)
        ),
    )


def _index_object(index: Index, obj: Object) -> None:
    """Enter an object by its kind, its name, what it is about, and, of what runs, by the file."""
    index.kinds.setdefault(obj.kind, []).append(obj)
    index.names.setdefault((obj.kind, obj.name), []).append(obj)
    kind, name = target_of(obj)
    if name:
        index.targets.setdefault((kind, name), []).append(obj)
    if obj.kind == "Service" or obj.kind in REPLICATED:
        key = (obj.kind, obj.name, obj.namespace)
        index.identities.setdefault(obj.source.root.path, set()).add(key)


def _index_workload(index: Index, workload: Workload, obj: Object) -> None:
    """Enter a workload by its labels; a value that a variable fills stands in a list of its own, which every search looks at."""
    index.workloads.append(workload)
    index.of[id(obj)] = workload
    for label, value in workload.labels.items():
        slot = ("", "") if is_variable(value) else (label, value)
        if isinstance(value, str):
            index.labelled.setdefault(slot, []).append(workload)


_SELECTING = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "DeploymentConfig"}
)


def _workload(obj: Object, pod: Pod | None) -> Workload | None:
    if pod is not None:
        labels: Mapping[str, Any] = pod.labels
        if obj.kind == "DeploymentConfig" and not labels:
            labels = obj.spec.dig("selector")
        return Workload(obj, labels, pod)
    if obj.kind in _SELECTING:
        labels = obj.spec.dig("template", "metadata", "labels")
        if labels:
            return Workload(obj, labels, None)
        return Workload(obj, obj.spec.dig("selector", "matchLabels"), None)
    return None


def is_operated_resource(obj: Object) -> bool:
    """Whether an object is a custom resource that an operator may turn into pods."""
    if obj.group in column("kubernetes-custom", "no-pods"):
        return f"{obj.kind} {obj.group}" in column("kubernetes-custom", "pods")
    version = obj.api_version
    return "." in version.partition("/")[0] and "k8s.io" not in version


def _name_and_label_values(obj: Object) -> Iterator[str]:
    """Its name and its label values: operators label the pods that they make with these."""
    yield obj.name
    for labels in (obj.labels, obj.spec.dig("podMetadata", "labels")):
        yield from (value for value in labels.values() if isinstance(value, str))


def owner_of(obj: Any) -> Object:
    """The object that a pod or a workload belongs to; an object itself."""
    owner: Object = getattr(obj, "owner", obj)
    return owner


def workload_of(pod: Pod, project: Project) -> Workload | None:
    """The workload that a pod spec belongs to."""
    return object_index(project).of.get(id(pod.owner))


def autoscalers(obj: Object, project: Project, *kinds: str) -> Join[Object]:
    """The autoscalers of the kinds that have a workload as their target."""
    index = object_index(project)
    key = (obj.kind, obj.name)
    listed = index.targets.get(key, ()) if obj.name else ()
    spaces = index.spaces(("target", *key), listed)
    return index.join(obj, spaces, accepts=lambda scaler: scaler.kind in kinds)


def autoscalers_of(obj: Object, project: Project, *kinds: str) -> tuple[Object, ...]:
    """The autoscalers of the kinds that surely have a workload as their target."""
    return autoscalers(obj, project, *kinds).near


def target_of(scaler: Object) -> tuple[str, str]:
    """The kind and the name of what an autoscaler scales."""
    key = "targetRef" if scaler.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    ref = scaler.spec.dig(key)
    return ref.text("kind") or "Deployment", ref.text("name")


def scaled_workload(scaler: Object, project: Project) -> Object | None:
    """The workload that an autoscaler surely scales: it names that one, and that one has no nearer autoscaler."""
    kind, name = target_of(scaler)
    named = object_index(project).named(scaler, kind, name, shared=False).near
    if named and any(obj is scaler for obj in autoscalers_of(named[0], project, scaler.kind)):
        return named[0]
    return None
