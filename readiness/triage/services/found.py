"""The services of a run, from the joins of its projects, and the one to which each finding belongs."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from readiness.model import Finding
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.model.service import Service, ServicePart
from readiness.triage.services.graph import NamedThing, Place, Runner, ServiceGraph, SettledRoots
from readiness.triage.services.joins import join_runners
from readiness.triage.services.names import unique_service_names

if TYPE_CHECKING:
    from readiness.triage.services.images import DockerfileJoins

_KINDS_OF_PIPELINES = frozenset({"github", "gitlab"})
_KINDS_THAT_RUN = frozenset({"compose", "dockerfile", "k8s"})
_MAX_WORDS_PER_NAME = 40
_MAX_SERVICES_OF_ONE_IMAGE = 64  # as many services as show the Dockerfile that they share


@dataclass(slots=True)
class FoundServices:
    """The services of a run by name, and the names by the places where findings stand; nobody's things have no name."""

    services: tuple[Service, ...] = ()
    name_by_place: dict[tuple[str, str], str] = field(default_factory=dict)
    spans_by_path: dict[str, list[tuple[int, int, str]]] = field(default_factory=dict)

    def service_name_of(self, finding: Finding) -> str:
        """The service to which a finding belongs; empty where it is nobody's, or several services' at once."""
        path = finding.source.root.path
        name = self.name_by_place.get((path, finding.resource))
        if name is not None:
            return name
        offset = finding.source.to_root(finding.span.start)
        spans = self.spans_by_path.get(path, ())
        index = bisect.bisect_right(spans, (offset, 1 << 62, "")) - 1
        if index >= 0 and spans[index][0] <= offset < spans[index][1]:
            return spans[index][2]
        return self.name_by_place.get((path, ""), "")


def assign_services(findings: Iterable[Finding], found_services: FoundServices) -> list[Finding]:
    """The findings, each with the service that it belongs to."""
    return [one._replace(service_name=found_services.service_name_of(one)) for one in findings]


class HasFindings(Protocol):
    """What the rules found."""

    findings: list[Finding]


class HasProjects(Protocol):
    """What is judged, and what is wrong with files that cannot be."""

    projects: list[Project]
    parse_findings: list[Finding]


def find_services_of_findings(assembly: HasProjects, engine_result: HasFindings) -> FoundServices:
    """The services of a run, each finding of which is told the one that it belongs to: all of them, or none where it raises."""
    found_services = find_services(assembly.projects)
    parse_findings = assign_services(assembly.parse_findings, found_services)
    engine_result.findings = assign_services(engine_result.findings, found_services)
    assembly.parse_findings = parse_findings
    return found_services


def find_services(projects: Sequence[Project]) -> FoundServices:
    """The services that the files of a run show."""
    graph = ServiceGraph()
    _add_projects([one for one in projects if not one.prose], graph)
    return _settle(graph)


def _add_projects(projects: Sequence[Project], graph: ServiceGraph) -> None:
    """Enter what runs in all projects and what belongs to it, what joins last."""
    main_projects = [one for one in projects if not one.unit]
    runners_by_folder_and_name: dict[tuple[str, str], list[Runner]] = {}
    for project in main_projects:
        if project.documents_of_kind("compose"):
            from readiness.triage.services.compose import add_compose_services

            runners_by_folder_and_name |= add_compose_services(project, graph)
    _add_manifests(projects, next((one for one in main_projects if one.documents_of_kind("dockerfile")), None), graph)
    dockerfile_joins_by_project_id: dict[int, DockerfileJoins] = {}
    for project in main_projects:
        if project.documents_of_kind("dockerfile"):
            from readiness.triage.services.images import DockerfileJoins

            dockerfile_joins_by_project_id[id(project)] = DockerfileJoins(project, graph)
            dockerfile_joins_by_project_id[id(project)].claim_images()
    join_runners(graph)
    for project in main_projects:
        runners_by_dockerfile: dict[str, list[Runner]] = {}
        if id(project) in dockerfile_joins_by_project_id:
            dockerfile_joins_by_project_id[id(project)].add_all()
            runners_by_dockerfile = dockerfile_joins_by_project_id[id(project)].runners_by_path
        if project.documents_of_kind("nginx"):
            from readiness.triage.services.proxies import add_configurations

            add_configurations(project, graph, runners_by_folder_and_name, runners_by_dockerfile)
        if not _KINDS_OF_PIPELINES.isdisjoint(project.by_kind):
            from readiness.triage.services.pipelines import add_pipelines

            add_pipelines(project, graph, runners_by_dockerfile)


def _add_manifests(projects: Sequence[Project], main_project: Project | None, graph: ServiceGraph) -> None:
    """Enter the objects of all projects: what runs in all of them before what is about it."""
    projects = [one for one in projects if one.documents_of_kind("k8s")]
    if not projects:
        return
    from readiness.triage.services import kubernetes
    from readiness.triage.services.objects import ObjectJoins

    units = frozenset(one.unit.partition(" (")[2].removesuffix(")") for one in projects)
    runners_by_unit: dict[str, list[Runner]] = {}
    runners_and_releases = []
    for project in projects:
        runners_by_object_id = kubernetes.add_workloads(project, graph, main_project)
        release_runners, local_releases = kubernetes.add_releases(project, graph, units)
        runners_by_object_id |= release_runners
        runners_and_releases.append((project, runners_by_object_id, local_releases))
        release_text = project.unit.partition(" (")[2].removesuffix(")")
        runners_by_unit.setdefault(release_text, []).extend(one for runners in runners_by_object_id.values() for one in runners)
    folders = [kubernetes.installed_folder(obj, project) for project, _, releases in runners_and_releases for obj in releases]
    runners_by_folder = kubernetes.runners_by_installed_folder(graph, frozenset(one for one in folders if one is not None))
    for project, runners_by_object_id, local_releases in runners_and_releases:
        joins = ObjectJoins(project, graph, runners_by_object_id)
        for obj in local_releases:
            if runners := kubernetes.runners_of_release(obj, project, runners_by_folder, runners_by_unit):
                joins.joined_by_id[id(obj)] = runners, "installs it"
        joins.add_all()


def _settle(graph: ServiceGraph) -> FoundServices:
    """The services with their names, their parts in order, and the names by place."""
    settled_roots, runners_by_home_and_name = SettledRoots(graph), _runners_by_home_and_name(graph.runners)
    listed_root_ids = _root_ids_of_listed(graph, settled_roots, runners_by_home_and_name)
    groups = [group for group in _groups_of_services(graph) if id(graph.root_of(group[0])) in listed_root_ids]
    names = unique_service_names(groups)
    name_by_root_id = {id(graph.root_of(one)): "" for one in graph.runners}
    name_by_root_id |= {id(graph.root_of(group[0])): name for group, name in zip(groups, names, strict=True)}
    parts_by_name: dict[str, dict[tuple[str, str, str], ServicePart]] = {name: {} for name in names}
    names_by_place: dict[Place, set[str]] = {}

    def enter(name: str, part: ServicePart, places: Iterable[Place], *, is_listed: bool) -> None:
        for place in places:
            names_by_place.setdefault(place, set()).add(name)
        if name and is_listed:
            parts_by_name[name].setdefault((part.unit_path, part.path, part.resource), part)

    for runner in graph.runners:
        name = name_by_root_id[id(graph.root_of(runner))]
        part = runner.part._replace(reason=graph.reason_of(runner))
        enter(name, part, graph.places_by_runner[id(runner)], is_listed=runner.is_listed)
    for belonging in graph.belongings:
        roots = settled_roots.roots_of(belonging.runners)
        enter(name_by_root_id[id(roots[0])] if len(roots) == 1 else "", belonging.part, belonging.places, is_listed=belonging.is_listed)
        if belonging.part.kind == "dockerfile" and 1 < len(roots) <= _MAX_SERVICES_OF_ONE_IMAGE:
            for root in roots:  # each has it, and what is wrong with it is nobody's alone
                enter(name_by_root_id[id(root)], belonging.part, (), is_listed=belonging.is_listed)
    for thing in graph.named_things:
        roots = settled_roots.roots_of(_runners_named_in(thing, runners_by_home_and_name))
        name = name_by_root_id[id(roots[0])] if len(roots) == 1 else ""
        enter(name, thing.part._replace(reason="its name begins as the service's"), thing.places, is_listed=thing.is_listed)
    services = (Service(name, tuple(sorted(parts.values(), key=_order_of_part))) for name, parts in sorted(parts_by_name.items()) if parts)
    return FoundServices(tuple(services), *_names_by_place_and_span(names_by_place))


def _root_ids_of_listed(graph: ServiceGraph, settled_roots: SettledRoots, runners_by_home_and_name: dict[tuple[str, str], list[Runner]]) -> set[int]:
    """The services that have a part among the judged files; the others are context alone, and nothing is told of them."""
    runners_of_listed_things: list[Sequence[Runner]] = [[one] for one in graph.runners if one.is_listed]
    runners_of_listed_things += (one.runners for one in graph.belongings if one.is_listed)
    runners_of_listed_things += (_runners_named_in(one, runners_by_home_and_name) for one in graph.named_things if one.is_listed)
    return {id(root) for runners in runners_of_listed_things for root in settled_roots.roots_of(runners)}


def _groups_of_services(graph: ServiceGraph) -> list[list[Runner]]:
    """The groups of runners that are services: what is only there for development, tests or builds is none where something else runs."""
    groups = list(graph.groups())
    lasting_kinds = {one.part.kind for one in graph.runners if not one.is_for_tests and not one.is_for_development}
    if not lasting_kinds.isdisjoint(_KINDS_THAT_RUN):
        groups = [group for group in groups if not all(one.is_for_tests for one in group)]
    if "k8s" in lasting_kinds:
        groups = [group for group in groups if not all(one.is_for_tests or one.is_for_development for one in group)]
    if any(not _is_of_editor(one) and one.part.kind in _KINDS_THAT_RUN for one in graph.runners):
        groups = [group for group in groups if not all(map(_is_of_editor, group))]
    return groups


def _is_of_editor(runner: Runner) -> bool:
    """Whether something runs only around somebody's editor."""
    return runner.part.path.startswith(".devcontainer/") or "/.devcontainer/" in runner.part.path


def _order_of_part(part: ServicePart) -> tuple[str, str, str, str]:
    return part.path, part.resource, part.unit_path, part.kind


def _runners_by_home_and_name(runners: Iterable[Runner]) -> dict[tuple[str, str], list[Runner]]:
    """What runs by what it is applied with and its name, as its object has it and as it is told."""
    runners_by_home_and_name: dict[tuple[str, str], list[Runner]] = {}
    for runner in runners:
        object_name = runner.part.resource.partition("/")[2]
        for name in {runner.name, object_name} - {""}:
            runners_by_home_and_name.setdefault((runner.home, name), []).append(runner)
    return runners_by_home_and_name


def _runners_named_in(thing: NamedThing, runners_by_home_and_name: dict[tuple[str, str], list[Runner]]) -> list[Runner]:
    """What the longest beginning of a thing's name means that is the name of something in its unit."""
    words = thing.name.split("-")[:_MAX_WORDS_PER_NAME]
    for count in range(len(words), 0, -1):
        runners = runners_by_home_and_name.get((thing.home, "-".join(words[:count])))
        if runners:
            return runners
    return []


def _names_by_place_and_span(
    names_by_place: dict[Place, set[str]],
) -> tuple[dict[tuple[str, str], str], dict[str, list[tuple[int, int, str]]]]:
    """The names by file and resource and by offsets in a file; of a file whose things are all of one service, the whole is."""
    names_by_path_and_resource: dict[tuple[str, str], set[str]] = {}
    names_by_path: dict[str, set[str]] = {}
    spans_by_path: dict[str, list[tuple[int, int, str]]] = {}
    for place, names in names_by_place.items():
        names_by_path_and_resource.setdefault((place.path, place.resource), set()).update(names)
        names_by_path.setdefault(place.path, set()).update(names)
        if place.resource:
            spans_by_path.setdefault(place.path, []).append((place.start, place.end, next(iter(names)) if len(names) == 1 else ""))
    name_by_place = {key: next(iter(names)) if len(names) == 1 else "" for key, names in names_by_path_and_resource.items()}
    for path, names in names_by_path.items():
        name_by_place.setdefault((path, ""), next(iter(names)) if len(names) == 1 else "")
    for spans in spans_by_path.values():
        spans.sort()
    return name_by_place, spans_by_path
