"""What the other units of a run hold: a name that nothing applied together has may be in another overlay or chart."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from readiness.kinds.k8s.index import Workload, object_index, owner_object_of
from readiness.kinds.k8s.labels import Selector, may_be_same_namespace
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import NameResolution, NamespacedThing
from readiness.kinds.units import BELOW_FOLDER_DISTANCE, MAX_CANDIDATES_PER_QUESTION
from readiness.model.project import Project, RunProjects

T = TypeVar("T", bound=NamespacedThing)
MAX_CANDIDATES_COMPARED = 1_024  # of the other units of a run, with one selector; past as many nobody can tell


def find_named_in_run(
    obj: NamespacedThing,
    kind: str,
    object_name: str,
    project: Project,
    namespace: str | None = None,
    *,
    is_shared_thing: bool = True,
) -> NameResolution[Object]:
    """The objects that an object means by a name, as `ObjectIndex.find_named` tells them.

    Where nothing that is applied with it can be meant, the other units are asked: what may share its namespace may be
    meant, and nobody can tell. What belongs to a twin there, as that of another environment does, is not.
    """
    effective_namespace = obj.namespace if namespace is None else namespace
    resolution = object_index(project).find_named(obj, kind, object_name, effective_namespace, is_shared_thing=is_shared_thing)
    if not resolution.is_absent or project.run is None:
        return resolution
    same_name_objects_of_run = project.run.memoize(_objects_of_run_by_kind_and_name).get((kind, object_name), ())
    return _add_candidates_of_other_units(resolution, obj, same_name_objects_of_run, project, effective_namespace)


def find_selected_in_run(obj: Object, selector: Selector, project: Project, namespace: str) -> NameResolution[Workload]:
    """The workloads of other units whose pods a selector may mean; see `find_named_in_run`."""
    label_pairs = selector.pairs
    if project.run is None or not label_pairs:
        return NameResolution()
    workloads_by_label = project.run.memoize(_workloads_of_run_by_label)
    candidate_workloads = min((workloads_by_label.get(pair, []) for pair in label_pairs), key=len)
    if len(candidate_workloads) > MAX_CANDIDATES_COMPARED:
        return NameResolution((), True)
    matching_workloads = ((other, each) for other, each in candidate_workloads if selector.matches(each.labels))
    return _add_candidates_of_other_units(NameResolution(), obj, matching_workloads, project, namespace)


def find_reached_workloads_in_run(obj: Object, selector: Selector, project: Project, namespace: str | None = None) -> NameResolution[Workload]:
    """The workloads whose pods an object means by a selector, as `find_named_in_run` tells what it means by a name."""
    effective_namespace = obj.namespace if namespace is None else namespace
    resolution = object_index(project).resolve_selected_workloads(obj, selector, effective_namespace)
    if not resolution.is_absent:
        return resolution
    resolution_in_other_units = find_selected_in_run(obj, selector, project, effective_namespace)
    return NameResolution(
        (),
        resolution_in_other_units.is_ambiguous,
        (*resolution.same_name_elsewhere, *resolution_in_other_units.same_name_elsewhere),
    )


def find_matching_services_in_run(obj: Object, selector: Selector, project: Project, namespace: str) -> NameResolution[Object]:
    """The Services of a namespace whose labels a monitor's selector matches, as `find_named_in_run` tells what it means by a name."""
    resolution = object_index(project).resolve_selected_services(obj, selector, namespace)
    if not resolution.is_absent or project.run is None:
        return resolution
    first_label_pair = selector.pairs[0] if selector.pairs else None
    candidate_services = project.run.memoize(_services_of_run_by_label).get(first_label_pair, ())
    if len(candidate_services) > MAX_CANDIDATES_COMPARED:
        return NameResolution((), True)
    matching_services = ((other, each) for other, each in candidate_services if selector.matches(each.labels))
    return _add_candidates_of_other_units(resolution, obj, matching_services, project, namespace)


def _services_by_label(project: Project) -> dict[tuple[str, str] | None, list[Object]]:
    """The Services of a project by each of their labels; under None all of them."""
    services_by_label: dict[tuple[str, str] | None, list[Object]] = {}
    for obj in object_index(project).objects_of_kinds("Service"):
        for label_pair in (None, *((key, str(value)) for key, value in obj.labels.items())):
            services_by_label.setdefault(label_pair, []).append(obj)
    return services_by_label


def _services_of_run_by_label(
    run: RunProjects,
) -> dict[tuple[str, str] | None, list[tuple[Project, Object]]]:
    """The same of all units."""
    services_by_label: dict[tuple[str, str] | None, list[tuple[Project, Object]]] = {}
    for run_project in run.projects:
        for label_pair, labelled_services in run_project.memoize(_services_by_label).items():
            services_by_label.setdefault(label_pair, []).extend((run_project, obj) for obj in labelled_services)
    return services_by_label


def _add_candidates_of_other_units(
    resolution: NameResolution[T],
    obj: NamespacedThing,
    candidates_with_projects: Iterable[tuple[Project, T]],
    project: Project,
    namespace: str,
) -> NameResolution[T]:
    things_of_same_name_elsewhere = list(resolution.same_name_elsewhere)
    for other_project, candidate_thing in islice(candidates_with_projects, MAX_CANDIDATES_PER_QUESTION):
        if other_project is project:
            continue
        may_share_namespace = may_be_same_namespace(candidate_thing.namespace, namespace) is not False
        if may_share_namespace and not _is_applied_with_same_named_object(obj, candidate_thing, other_project):
            return NameResolution((), True)
        things_of_same_name_elsewhere.append(candidate_thing)
    return NameResolution((), False, tuple(things_of_same_name_elsewhere))


def _is_applied_with_same_named_object(obj: NamespacedThing, candidate: NamespacedThing, project: Project) -> bool:
    """Whether a thing of another unit is applied with an object of the kind and name of `obj`."""
    owner_object, object_index_of_project = owner_object_of(obj), object_index(project)
    kind_and_name = (owner_object.kind, owner_object.name)
    if kind_and_name not in object_index_of_project.objects_by_kind_and_name:
        return False
    if project.unit:
        return True
    namesakes_by_namespace = object_index_of_project.things_by_namespace(
        ("name", *kind_and_name), object_index_of_project.objects_by_kind_and_name[kind_and_name]
    )
    least_distance, _ = namesakes_by_namespace.every.least_distance(candidate.source.root.path)
    return 0 <= least_distance <= BELOW_FOLDER_DISTANCE


def _objects_of_run_by_kind_and_name(run: RunProjects) -> dict[tuple[str, str], list[tuple[Project, Object]]]:
    """The objects of all units by kind and name."""
    objects_by_kind_and_name: dict[tuple[str, str], list[tuple[Project, Object]]] = {}
    for run_project in run.projects:
        for kind_and_name, same_name_objects in object_index(run_project).objects_by_kind_and_name.items():
            objects_by_kind_and_name.setdefault(kind_and_name, []).extend((run_project, obj) for obj in same_name_objects)
    return objects_by_kind_and_name


def _workloads_of_run_by_label(run: RunProjects) -> dict[tuple[str, str], list[tuple[Project, Workload]]]:
    """The workloads of all units by each of their labels."""
    workloads_by_label: dict[tuple[str, str], list[tuple[Project, Workload]]] = {}
    for run_project in run.projects:
        for label_pair, labelled_workloads in object_index(run_project).workloads_by_label.items():
            workloads_by_label.setdefault(label_pair, []).extend((run_project, each) for each in labelled_workloads)
    return workloads_by_label


_FLUX_KUSTOMIZE_GROUP = "kustomize.toolkit.fluxcd.io"


def is_applied_by_flux(obj: Object, project: Project) -> bool:
    """Whether a Kustomization of Flux in the run has a path that an object's file, or its overlay, lies at or below."""
    folder = f"/{posixpath.dirname(posixpath.normpath(obj.source.root.path))}/"
    flux_paths = project.run.memoize(_flux_paths_of_run) if project.run is not None else _flux_paths(project)
    return any(f"/{path}/" in folder for path in flux_paths)


def _flux_paths_of_run(run: RunProjects) -> frozenset[str]:
    return frozenset(path for run_project in run.projects for path in _flux_paths(run_project))


def _flux_paths(project: Project) -> frozenset[str]:
    """The paths of Flux's Kustomizations, from the root of their repository; the whole of one is none."""
    written_paths = (
        one.spec.string_under("path") for one in object_index(project).objects_by_kind.get("Kustomization", ()) if one.group == _FLUX_KUSTOMIZE_GROUP
    )
    return frozenset(path for one in written_paths if (path := posixpath.normpath(one or ".").strip("/")) != ".")
