"""What the other units of a run hold: a name that nothing applied together has may be in another overlay or chart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from readiness.kinds.k8s.index import Workload, object_index, owner_of
from readiness.kinds.k8s.labels import Selector, is_same_namespace
from readiness.kinds.k8s.model import Object
from readiness.kinds.k8s.spaces import Join, Named
from readiness.kinds.units import BELOW, MANY
from readiness.model.project import Project, Run

T = TypeVar("T", bound=Named)


def named_in_run(
    obj: Named,
    kind: str,
    name: str,
    project: Project,
    namespace: str | None = None,
    *,
    shared: bool = True,
) -> Join[Object]:
    """The objects that an object means by a name, as Index.named tells them.

    Where nothing that is applied with it can be meant, the other units are asked: what may share its namespace may be
    meant, and nobody can tell. What belongs to a twin there, as that of another environment does, is not.
    """
    space = obj.namespace if namespace is None else namespace
    found = object_index(project).named(obj, kind, name, space, shared=shared)
    if not found.absent or project.run is None:
        return found
    listed = project.run.memo(_objects_of_run).get((kind, name), ())
    return _with_other_units(found, obj, listed, project, space)


def selected_in_run(
    obj: Object, wanted: Selector, project: Project, namespace: str
) -> Join[Workload]:
    """The workloads of other units whose pods a selector may mean; see named_in_run."""
    pairs = wanted.pairs
    if project.run is None or not pairs:
        return Join()
    labelled = project.run.memo(_workloads_of_run)
    listed = min((labelled.get(pair, []) for pair in pairs), key=len)
    matching = ((other, each) for other, each in listed if wanted.matches(each.labels))
    return _with_other_units(Join(), obj, matching, project, namespace)


def reached_in_run(
    obj: Object, wanted: Selector, project: Project, namespace: str | None = None
) -> Join[Workload]:
    """The workloads whose pods an object means by a selector, as named_in_run tells what it means by a name."""
    space = obj.namespace if namespace is None else namespace
    found = object_index(project).reached(obj, wanted, space)
    if not found.absent:
        return found
    others = selected_in_run(obj, wanted, project, space)
    return Join((), others.unknown, (*found.elsewhere, *others.elsewhere))


def services_in_run(
    obj: Object, wanted: Selector, project: Project, namespace: str
) -> Join[Object]:
    """The Services of a namespace whose labels a monitor's selector matches, as named_in_run tells what it means by a name."""
    index = object_index(project)
    pair = wanted.pairs[0] if wanted.pairs else None
    labelled = project.memo(_labelled_services)
    spaces = index.spaces(("service", pair), labelled.get(pair, ()))
    found = index.join(obj, spaces, namespace, accepts=lambda each: wanted.matches(each.labels))
    if not found.absent or project.run is None:
        return found
    listed = project.run.memo(_services_of_run).get(pair, ())
    matching = ((other, each) for other, each in listed if wanted.matches(each.labels))
    return _with_other_units(found, obj, matching, project, namespace)


def _labelled_services(project: Project) -> dict[tuple[str, str] | None, list[Object]]:
    """The Services of a project by each of their labels; under None all of them."""
    made: dict[tuple[str, str] | None, list[Object]] = {}
    for obj in object_index(project).all("Service"):
        for pair in (None, *((key, str(value)) for key, value in obj.labels.items())):
            made.setdefault(pair, []).append(obj)
    return made


def _services_of_run(run: Run) -> dict[tuple[str, str] | None, list[tuple[Project, Object]]]:
    """The same of all units."""
    made: dict[tuple[str, str] | None, list[tuple[Project, Object]]] = {}
    for project in run.projects:
        for pair, listed in project.memo(_labelled_services).items():
            made.setdefault(pair, []).extend((project, obj) for obj in listed)
    return made


def _with_other_units(
    found: Join[T], obj: Named, listed: Iterable[tuple[Project, T]], project: Project, space: str
) -> Join[T]:
    elsewhere = list(found.elsewhere)
    for other, thing in islice(listed, MANY):
        if other is project:
            continue
        may_share = is_same_namespace(thing.namespace, space) is not False
        if may_share and not _belongs_to_twin(obj, thing, other):
            return Join((), True)
        elsewhere.append(thing)
    return Join((), False, tuple(elsewhere))


def _belongs_to_twin(obj: Named, thing: Named, project: Project) -> bool:
    """Whether a thing of another unit is applied with an object of the kind and name of `obj`."""
    owner, index = owner_of(obj), object_index(project)
    key = (owner.kind, owner.name)
    if key not in index.names:
        return False
    if project.unit:
        return True
    twins = index.spaces(("name", *key), index.names[key])
    far, _ = twins.every.least_distance(thing.source.root.path)
    return 0 <= far <= BELOW


def _objects_of_run(run: Run) -> dict[tuple[str, str], list[tuple[Project, Object]]]:
    """The objects of all units by kind and name."""
    made: dict[tuple[str, str], list[tuple[Project, Object]]] = {}
    for project in run.projects:
        for key, listed in object_index(project).names.items():
            made.setdefault(key, []).extend((project, obj) for obj in listed)
    return made


def _workloads_of_run(run: Run) -> dict[tuple[str, str], list[tuple[Project, Workload]]]:
    """The workloads of all units by each of their labels."""
    made: dict[tuple[str, str], list[tuple[Project, Workload]]] = {}
    for project in run.projects:
        for pair, listed in object_index(project).labelled.items():
            made.setdefault(pair, []).extend((project, each) for each in listed)
    return made
