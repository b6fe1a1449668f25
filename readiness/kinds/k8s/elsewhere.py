"""What the other units of a run hold: a name that nothing applied together has may be in another overlay or chart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from readiness.kinds.k8s.index import Workload, object_index, owner_of
from readiness.kinds.k8s.labels import Selector, may_be_same_namespace
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NameResolution, NamespacedThing
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, MAX_CANDIDATES
from readiness.model.project import Project, RunProjects

T = TypeVar("T", bound=NamespacedThing)


def find_named_in_run(
    obj: NamespacedThing,
    kind: str,
    name: str,
    project: Project,
    namespace: str | None = None,
    *,
    shared: bool = True,
) -> NameResolution[Object]:
    """The objects that an object means by a name, as `ObjectIndex.find_named` tells them.

    Where nothing that is applied with it can be meant, the other units are asked: what may share its namespace may be
    meant, and nobody can tell. What belongs to a twin there, as that of another environment does, is not.
    """
    space = obj.namespace if namespace is None else namespace
    found = object_index(project).find_named(obj, kind, name, space, shared=shared)
    if not found.is_absent or project.run is None:
        return found
    listed = project.run.memoize(_objects_of_run).get((kind, name), ())
    return _with_other_units(found, obj, listed, project, space)


def find_selected_in_run(obj: Object, selector: Selector, project: Project, namespace: str) -> NameResolution[Workload]:
    """The workloads of other units whose pods a selector may mean; see `find_named_in_run`."""
    pairs = selector.pairs
    if project.run is None or not pairs:
        return NameResolution()
    labelled = project.run.memoize(_workloads_of_run)
    listed = min((labelled.get(pair, []) for pair in pairs), key=len)
    matching = ((other, each) for other, each in listed if selector.matches(each.labels))
    return _with_other_units(NameResolution(), obj, matching, project, namespace)


def reached_in_run(obj: Object, wanted: Selector, project: Project, namespace: str | None = None) -> NameResolution[Workload]:
    """The workloads whose pods an object means by a selector, as `find_named_in_run` tells what it means by a name."""
    space = obj.namespace if namespace is None else namespace
    found = object_index(project).resolve_selected_workloads(obj, wanted, space)
    if not found.is_absent:
        return found
    others = find_selected_in_run(obj, wanted, project, space)
    return NameResolution((), others.is_ambiguous, (*found.same_name_elsewhere, *others.same_name_elsewhere))


def services_in_run(obj: Object, wanted: Selector, project: Project, namespace: str) -> NameResolution[Object]:
    """The Services of a namespace whose labels a monitor's selector matches, as `find_named_in_run` tells what it means by a name."""
    index = object_index(project)
    pair = wanted.pairs[0] if wanted.pairs else None
    labelled = project.memoize(_labelled_services)
    spaces = index.things_by_namespace(("service", pair), labelled.get(pair, ()))
    found = index.resolve_meant(obj, spaces, namespace, predicate=lambda each: wanted.matches(each.labels))
    if not found.is_absent or project.run is None:
        return found
    listed = project.run.memoize(_services_of_run).get(pair, ())
    matching = ((other, each) for other, each in listed if wanted.matches(each.labels))
    return _with_other_units(found, obj, matching, project, namespace)


def _labelled_services(project: Project) -> dict[tuple[str, str] | None, list[Object]]:
    """The Services of a project by each of their labels; under None all of them."""
    made: dict[tuple[str, str] | None, list[Object]] = {}
    for obj in object_index(project).objects_of_kinds("Service"):
        for pair in (None, *((key, str(value)) for key, value in obj.labels.items())):
            made.setdefault(pair, []).append(obj)
    return made


def _services_of_run(
    run: RunProjects,
) -> dict[tuple[str, str] | None, list[tuple[Project, Object]]]:
    """The same of all units."""
    made: dict[tuple[str, str] | None, list[tuple[Project, Object]]] = {}
    for project in run.projects:
        for pair, listed in project.memoize(_labelled_services).items():
            made.setdefault(pair, []).extend((project, obj) for obj in listed)
    return made


def _with_other_units(
    join: NameResolution[T],
    obj: NamespacedThing,
    candidates: Iterable[tuple[Project, T]],
    project: Project,
    space: str,
) -> NameResolution[T]:
    elsewhere = list(join.same_name_elsewhere)
    for other, thing in islice(candidates, MAX_CANDIDATES):
        if other is project:
            continue
        may_share = may_be_same_namespace(thing.namespace, space) is not False
        if may_share and not _is_applied_with_same_named_object(obj, thing, other):
            return NameResolution((), True)
        elsewhere.append(thing)
    return NameResolution((), False, tuple(elsewhere))


def _is_applied_with_same_named_object(obj: NamespacedThing, candidate: NamespacedThing, project: Project) -> bool:
    """Whether a thing of another unit is applied with an object of the kind and name of `obj`."""
    owner, index = owner_of(obj), object_index(project)
    key = (owner.kind, owner.name)
    if key not in index.objects_by_kind_and_name:
        return False
    if project.unit:
        return True
    twins = index.things_by_namespace(("name", *key), index.objects_by_kind_and_name[key])
    far, _ = twins.every.least_distance(candidate.source.root.path)
    return 0 <= far <= BELOW_FOLDER_DISTANCE


def _objects_of_run(run: RunProjects) -> dict[tuple[str, str], list[tuple[Project, Object]]]:
    """The objects of all units by kind and name."""
    made: dict[tuple[str, str], list[tuple[Project, Object]]] = {}
    for project in run.projects:
        for key, listed in object_index(project).objects_by_kind_and_name.items():
            made.setdefault(key, []).extend((project, obj) for obj in listed)
    return made


def _workloads_of_run(run: RunProjects) -> dict[tuple[str, str], list[tuple[Project, Workload]]]:
    """The workloads of all units by each of their labels."""
    made: dict[tuple[str, str], list[tuple[Project, Workload]]] = {}
    for project in run.projects:
        for pair, listed in object_index(project).workloads_by_label.items():
            made.setdefault(pair, []).extend((project, each) for each in listed)
    return made
