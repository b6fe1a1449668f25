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
from readiness.kinds.k8s.labels import Selector
from readiness.kinds.k8s.model import REPLICATED, Object, Pod, mapping_at, text_or_empty
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
        """Where its object stands."""
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

    def all(self, *kinds: str) -> Iterator[Object]:
        """Every object of the kinds."""
        for kind in kinds:
            yield from self.kinds.get(kind, ())

    def peopled(self, namespace: str) -> bool:
        """Whether the files show what is in a namespace: some of their workloads stand in it.

        What is in kube-system the cluster brings along.
        """
        if not namespace:
            return bool(self.namespaces)
        return namespace in self.namespaces and namespace != "kube-system"

    def named(
        self, one: Named, kind: str, name: str, namespace: str | None = None, *, shared: bool = True
    ) -> Join[Object]:
        """The objects of a kind that an object means by a name; the namespace is its own unless another one is given.

        `shared`: as many objects may use one of them as like to, so that a folder above holds it for those below; else
        it belongs to the nearest object that it can be about.
        """
        spaces = self.spaces(("name", kind, name), self.names.get((kind, name), ()))
        return self.join(one, spaces, namespace, shared=shared)

    def spaces(self, key: Any, things: Any) -> Spaces[Any]:
        """Things by namespace and place, made when they are first asked for."""
        if key not in self._spaces:
            self._spaces[key] = Spaces(things)
        return self._spaces[key]

    def join(
        self,
        one: Named,
        spaces: Spaces[T],
        namespace: str | None = None,
        *,
        shared: bool = False,
        accepts: Callable[[T], bool] = lambda thing: True,
    ) -> Join[T]:
        """Those of some things that an object means; see `named`."""
        namespace = one.namespace if namespace is None else namespace
        parts: list[T] = []
        others: list[T] = []
        ties: list[T] = []

        def may_be_meant(thing: T) -> bool:
            if not accepts(thing):
                return False
            if thing.source.fragment and not one.source.fragment:
                parts.append(thing)
                return False
            tied = self._is_of_nearer_twin(one, thing, shared=shared)
            if tied is not False:
                (ties if tied is None else others).append(thing)
                return False
            return True

        path = one.source.root.path
        near = spaces.nearest(path, namespace, may_be_meant, together=self.together)
        if near.distance >= 0:
            is_open = near.tied or (
                near.distance > FOLDER and self._may_be_patched(one, near.things)
            )
            return Join(() if is_open else tuple(near.things), is_open)
        if not others:
            others = [thing for thing in islice(spaces.every.things, MANY) if accepts(thing)]
        return Join((), bool(parts or ties), () if parts or ties else tuple(others))

    def _may_be_patched(self, one: Named, things: Iterable[Named]) -> bool:
        """Whether a kustomization that was not built puts things of other folders together, with patches that nobody saw."""
        return any(folder_of(each.source) in self.kustomized for each in (one, *things))

    def all_joined(self, one: Named, spaces: Spaces[T], *, accepts: Callable[[T], bool]) -> list[T]:
        """All things of those that may be meant for an object, the nearest first, at most MANY of them."""
        found: dict[int, T] = {}
        for places in spaces.of(one.namespace):
            for thing in places.accepted(
                one.source.root.path,
                lambda each: (
                    accepts(each) and self._is_of_nearer_twin(one, each, shared=False) is not True
                ),
            ):
                found.setdefault(id(thing), thing)
        return list(found.values())

    def _is_of_nearer_twin(self, one: Named, thing: Named, *, shared: bool) -> bool | None:
        """Whether a thing belongs to another object of the kind and name of `one`; None where either may be meant."""
        if self.together:
            return False
        far = distance(thing.source.root.path, one.source.root.path)
        if far == 0 or (shared and far <= BELOW):
            return False
        if far == FOLDER and self.are_alternatives(one.source, thing.source):
            return True
        owner = owner_of(one)
        twins = self.spaces(
            ("name", owner.kind, owner.name), self.names.get((owner.kind, owner.name), ())
        )
        least, tied = twins.least_distance(
            thing.source.root.path, thing.namespace, exact=is_exactly_same(one, thing)
        )
        if least >= 0 and is_surely_nearer(least, far):
            return True
        alike = far > BELOW and (least < far or tied)
        return None if alike and not shared else False

    def are_alternatives(self, one: Source, other: Source) -> bool:
        """Whether two files define the same Service or workload: whoever applies both has overwritten one."""
        mine, its = self.identities.get(one.root.path), self.identities.get(other.root.path)
        if not mine or not its or one.root.path == other.root.path:
            return False
        return not mine.isdisjoint(its)

    def operated(self, wanted: Selector) -> bool:
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

    def selected(self, wanted: Selector, namespace: str, limit: int = MANY) -> list[Workload]:
        """The workloads whose pods a selector may mean, at most `limit` of them."""
        likely = self.selectable(wanted).compatible(namespace)
        return list(islice((one for one in likely if wanted.matches(one.labels)), limit))

    def reached(self, one: Object, wanted: Selector) -> Join[Workload]:
        """The workloads whose pods an object means by a selector."""
        return self.join(
            one, self.selectable(wanted), accepts=lambda each: wanted.matches(each.labels)
        )

    def selectable(self, wanted: Selector) -> Spaces[Workload]:
        """The workloads among which are all that a selector matches, by namespace and place."""
        pairs = [pair for pair in wanted.pairs if not is_variable(pair[1])]
        if not pairs and wanted.expressions:
            return Spaces(self.candidates(wanted))
        pair = min(pairs, key=lambda each: len(self.labelled.get(each, ())), default=None)
        return self.spaces(("label", pair), self.candidates(wanted) if pair else self.workloads)

    def anywhere(self, wanted: Selector) -> bool:
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
    made = Index()
    words: set[str] = set()
    makers: set[str] = set()
    for document in project.documents("k8s"):
        pods = {id(pod.owner): pod for pod in document.pods}
        for one in document.objects:
            made.kinds.setdefault(one.kind, []).append(one)
            made.names.setdefault((one.kind, one.name), []).append(one)
            kind, name = target_of(one)
            if name:
                made.targets.setdefault((kind, name), []).append(one)
            if one.kind == "Service" or one.kind in REPLICATED:
                key = (one.kind, one.name, one.namespace)
                made.identities.setdefault(one.source.root.path, set()).add(key)
            if document.source.fragment and not project.prose:
                continue  # a patch: what it leaves out stands in what it patches
            workload = _workload(one, pods.get(id(one)))
            if workload is not None:
                made.workloads.append(workload)
                made.of[id(one)] = workload
                for label, value in workload.labels.items():
                    # A value that a variable fills stands in a list of its own, which every search looks at.
                    slot = ("", "") if is_variable(value) else (label, value)
                    if isinstance(value, str):
                        made.labelled.setdefault(slot, []).append(workload)
            elif is_operated_resource(one):
                words.update(_name_and_label_values(one))
                makers.add(one.name)
    return replace(
        made,
        foreign=frozenset(words),
        makers=frozenset(makers - {""}),
        keys=frozenset(key.rpartition("/")[2] for key, _ in made.labelled),
        namespaces=frozenset(one.namespace for one in made.workloads),
        together=bool(project.unit),
        kustomized=frozenset(
            posixpath.dirname(path) for path in project.paths if _KUSTOMIZATION.search(path)
        ),
    )


_SELECTING = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "DeploymentConfig"}
)


def _workload(one: Object, pod: Pod | None) -> Workload | None:
    if pod is not None:
        labels: Mapping[str, Any] = pod.labels
        if one.kind == "DeploymentConfig" and not labels:
            labels = mapping_at(one.spec, "selector")
        return Workload(one, labels, pod)
    if one.kind in _SELECTING:
        labels = mapping_at(mapping_at(mapping_at(one.spec, "template"), "metadata"), "labels")
        if labels:
            return Workload(one, labels, None)
        return Workload(one, mapping_at(mapping_at(one.spec, "selector"), "matchLabels"), None)
    return None


def is_operated_resource(one: Object) -> bool:
    """Whether an object is a custom resource that an operator may turn into pods."""
    if one.group in column("kubernetes-custom", "no-pods"):
        return f"{one.kind} {one.group}" in column("kubernetes-custom", "pods")
    version = one.api_version
    return "." in version.partition("/")[0] and "k8s.io" not in version


def _name_and_label_values(one: Object) -> Iterator[str]:
    """Its name and its label values: operators label the pods that they make with these."""
    yield one.name
    for labels in (one.labels, mapping_at(mapping_at(one.spec, "podMetadata"), "labels")):
        yield from (value for value in labels.values() if isinstance(value, str))


def owner_of(one: Any) -> Object:
    """The object that a pod or a workload belongs to; an object itself."""
    found: Object = getattr(one, "owner", one)
    return found


def workload_of(pod: Pod, project: Project) -> Workload | None:
    """The workload that a pod spec belongs to."""
    return object_index(project).of.get(id(pod.owner))


def autoscalers(one: Object, project: Project, *kinds: str) -> Join[Object]:
    """The autoscalers of the kinds that have a workload as their target."""
    found = object_index(project)
    key = (one.kind, one.name)
    listed = found.targets.get(key, ()) if one.name else ()
    spaces = found.spaces(("target", *key), listed)
    return found.join(one, spaces, accepts=lambda scaler: scaler.kind in kinds)


def autoscalers_of(one: Object, project: Project, *kinds: str) -> tuple[Object, ...]:
    """The autoscalers of the kinds that surely have a workload as their target."""
    return autoscalers(one, project, *kinds).near


def target_of(scaler: Object) -> tuple[str, str]:
    """The kind and the name of what an autoscaler scales."""
    key = "targetRef" if scaler.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    ref = mapping_at(scaler.spec, key)
    return text_or_empty(ref.get("kind")) or "Deployment", text_or_empty(ref.get("name"))


def scaled_workload(scaler: Object, project: Project) -> Object | None:
    """The workload that an autoscaler surely scales: it names that one, and that one has no nearer autoscaler."""
    kind, name = target_of(scaler)
    found = object_index(project).named(scaler, kind, name, shared=False).near
    if found and any(one is scaler for one in autoscalers_of(found[0], project, scaler.kind)):
        return found[0]
    return None
