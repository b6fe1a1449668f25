"""Which object a manifest speaks of: objects by kind and name, workloads by label, and who stands with whom.

Everything here is built once for a project and is linear in its objects. Absence is only told where a namespace
written on one side and left out on the other cannot explain it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol, TypeVar

from readiness.facts.table import column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.labels import Selector, is_same_namespace, label_selector, service_selector
from readiness.kinds.k8s.model import Object, Pod, mapping_at, text_or_empty
from readiness.model import Source
from readiness.model.project import Project

MANY = 64  # as many matches as any rule looks at


class Named(Protocol):
    """What has a namespace and stands in a source: an object, or a workload."""

    @property
    def source(self) -> Source:
        """Where it stands."""

    @property
    def namespace(self) -> str:
        """The namespace that is written on it."""


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

    def found(self, kind: str, name: str, namespace: str) -> list[Object]:
        """The objects of that name that may be meant: of the same namespace, or of one that is not told."""
        return [
            obj
            for obj in self.names.get((kind, name), ())
            if is_same_namespace(obj.namespace, namespace) is not False
        ]

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
        matching = (
            workload
            for workload in self.candidates(wanted)
            if is_same_namespace(workload.namespace, namespace) is not False
            and wanted.matches(workload.labels)
        )
        return list(islice(matching, limit))

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
        for obj in document.objects:
            made.kinds.setdefault(obj.kind, []).append(obj)
            made.names.setdefault((obj.kind, obj.name), []).append(obj)
            target = mapping_at(
                obj.spec, "scaleTargetRef" if obj.kind != "VerticalPodAutoscaler" else "targetRef"
            )
            if target:
                kind = text_or_empty(target.get("kind")) or "Deployment"
                made.targets.setdefault((kind, text_or_empty(target.get("name"))), []).append(obj)
            if document.source.fragment and not project.prose:
                continue  # a patch: what it leaves out stands in what it patches
            workload = _workload(obj, pods.get(id(obj)))
            if workload is not None:
                made.workloads.append(workload)
                made.of[id(obj)] = workload
                for key, value in workload.labels.items():
                    # A value that a variable fills stands in a list of its own, which every search looks at.
                    slot = ("", "") if is_variable(value) else (key, value)
                    if isinstance(value, str):
                        made.labelled.setdefault(slot, []).append(workload)
            elif is_operated_resource(obj):
                words.update(_name_and_label_values(obj))
                makers.add(obj.name)
    return replace(
        made,
        foreign=frozenset(words),
        makers=frozenset(makers - {""}),
        keys=frozenset(key.rpartition("/")[2] for key, _ in made.labelled),
        namespaces=frozenset(one.namespace for one in made.workloads),
    )


_SELECTING = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "DeploymentConfig"}
)


def _workload(obj: Object, pod: Pod | None) -> Workload | None:
    if pod is not None:
        labels: Mapping[str, Any] = pod.labels
        if obj.kind == "DeploymentConfig" and not labels:
            labels = mapping_at(obj.spec, "selector")
        return Workload(obj, labels, pod)
    if obj.kind in _SELECTING:
        labels = mapping_at(mapping_at(mapping_at(obj.spec, "template"), "metadata"), "labels")
        if labels:
            return Workload(obj, labels, None)
        return Workload(obj, mapping_at(mapping_at(obj.spec, "selector"), "matchLabels"), None)
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
    for labels in (obj.labels, mapping_at(mapping_at(obj.spec, "podMetadata"), "labels")):
        yield from (value for value in labels.values() if isinstance(value, str))


def folder_of(source: Source) -> str:
    """The folder of the file that a source stands in."""
    return posixpath.dirname(source.root.path)


def nearest_candidates(obj: Named, candidates: Iterable[T]) -> list[T]:
    """Those of the candidates that stand with an object: in its file, else in its folder, else the only one there is.

    A tree holds many environments and many applications; a name that is used in several of them is related only
    where the files stand together.
    """
    found = [
        other
        for other in candidates
        if is_same_namespace(other.namespace, obj.namespace) is not False
        and (obj.source.fragment or not other.source.fragment)
    ]
    for key in (lambda other: other.source.root.path, lambda other: folder_of(other.source)):
        here = [other for other in found if key(other) == key(obj)]
        if here:
            return here
    return found if len(found) == 1 else []


def workload_of(pod: Pod, project: Project) -> Workload | None:
    """The workload that a pod spec belongs to."""
    return object_index(project).of.get(id(pod.owner))


def autoscalers_of(obj: Object, project: Project, *kinds: str) -> list[Object]:
    """The autoscalers of the kinds that name a workload as their target and stand with it."""
    found = object_index(project).targets.get((obj.kind, obj.name), ()) if obj.name else ()
    return nearest_candidates(obj, [other for other in found if other.kind in kinds])


def scaled_workload(scaler: Object, project: Project) -> Object | None:
    """The workload that an autoscaler names as its target, where it stands with it."""
    key = "targetRef" if scaler.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
    ref = mapping_at(scaler.spec, key)
    kind, name = text_or_empty(ref.get("kind")) or "Deployment", text_or_empty(ref.get("name"))
    found = nearest_candidates(scaler, object_index(project).names.get((kind, name), ()))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Selectors:
    """Objects that select pods (Services, budgets, policies), by one pair that each needs; the others apart."""

    by_pair: dict[tuple[str, str], list[tuple[Object, Selector]]]
    loose: list[tuple[Object, Selector]]
    known: dict[tuple[Any, ...], list[Object]] = field(default_factory=dict)

    def of(self, workload: Workload) -> list[Object]:
        """The objects whose selector matches the labels of a workload; workloads of equal labels share the answer."""
        key = (_label_pairs(workload), workload.namespace)
        if key not in self.known:
            self.known[key] = self._of(workload)
        return self.known[key]

    def near(self, workload: Workload) -> list[Object]:
        """Those of them that stand with the workload."""
        key = (
            _label_pairs(workload),
            workload.namespace,
            folder_of(workload.source),
            workload.source.fragment,
        )
        if key not in self.known:
            self.known[key] = nearest_all(workload, self.of(workload))
        return self.known[key]

    def _of(self, workload: Workload) -> list[Object]:
        candidates = list(self.loose)
        for key, value in workload.labels.items():
            if isinstance(value, str):
                candidates += self.by_pair.get((key, value), ())
        return [
            obj
            for obj, wanted in candidates
            if is_same_namespace(obj.namespace, workload.namespace) is not False
            and wanted.matches(workload.labels)
        ]


def _label_pairs(workload: Workload) -> frozenset[tuple[str, str]]:
    return frozenset((key, str(value)) for key, value in workload.labels.items())


def _index_selectors(pairs: Iterable[tuple[Object, Selector | None]]) -> Selectors:
    by_pair: dict[tuple[str, str], list[tuple[Object, Selector]]] = {}
    loose = []
    for obj, wanted in pairs:
        if wanted is None:
            continue
        if wanted.pairs:
            by_pair.setdefault(wanted.pairs[0], []).append((obj, wanted))
        else:
            loose.append((obj, wanted))
    return Selectors(by_pair, loose)


def service_selectors(project: Project) -> Selectors:
    """The Services of a project that select pods."""
    return _index_selectors(
        (obj, service_selector(obj)) for obj in object_index(project).all("Service")
    )


def budget_selectors(project: Project) -> Selectors:
    """The PodDisruptionBudgets of a project. In policy/v1beta1 an empty selector selects nothing."""
    return _index_selectors(
        (obj, budget_selector(obj)) for obj in object_index(project).all("PodDisruptionBudget")
    )


def budget_selector(obj: Object) -> Selector | None:
    """What a PodDisruptionBudget selects; None where it selects nothing."""
    wanted = label_selector(obj.spec.get("selector"))
    if wanted is not None and wanted.empty and obj.api_version == "policy/v1beta1":
        return None
    return wanted


def policy_selectors(project: Project) -> Selectors:
    """The NetworkPolicies of a project: without a podSelector the empty one is meant."""
    return _index_selectors(
        (obj, label_selector(obj.spec.get("podSelector")) or Selector())
        for obj in object_index(project).all("NetworkPolicy")
    )


def selecting_objects(workload: Workload, project: Project, build: Any) -> list[Object]:
    """The Services (or budgets, or policies) that select a workload's pods and stand with it."""
    found: Selectors = project.memo(build)
    return found.near(workload)


def nearest_all(obj: Named, candidates: Iterable[T]) -> list[T]:
    """As `nearest`, but those of other folders are kept where all of them stand in one folder."""
    found = [other for other in candidates if obj.source.fragment or not other.source.fragment]
    here = [other for other in found if folder_of(other.source) == folder_of(obj.source)]
    if here:
        return here
    return found if len({folder_of(other.source) for other in found}) == 1 else []
