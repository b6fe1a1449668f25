"""The services that manifests show: workloads, releases of charts from elsewhere, and objects of operators."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness import kinds
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.index import Workload, object_index
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.k8s.releases import argo_application_sources, is_helm_release
from readiness.loading.render.made import written_source_and_span
from readiness.model.project import Project, parent_folders
from readiness.model.service import ServicePart
from readiness.syntax.image import parse_image
from readiness.triage.services.graph import Place, Runner, ServiceGraph, place_of
from readiness.triage.services.names import checkout_folder_of_project, is_published_by_others, name_in_chart, words_of_name

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Stage

RunnersByObjectId = dict[int, list[Runner]]


def unit_path_of(source_id: int, project: Project) -> str:
    """What a source of a project is applied with."""
    return project.memoize(kinds.unit_path_by_source_id).get(source_id, project.unit or ".")


def home_of_object(obj: Object, project: Project) -> str:
    """What is applied together with an object: its unit, else the folder of its file."""
    return project.unit or posixpath.dirname(obj.source.root.path) or "."


def part_of_object(obj: Object, project: Project, reason: str) -> ServicePart:
    """An object as a part of a service, told in the file in which it was written."""
    written_source, _ = written_source_and_span(obj.source, obj.node.at())
    return ServicePart(unit_path_of(id(obj.source), project), "k8s", written_source.root.path, obj.resource, reason)


def is_object_listed(obj: Object, project: Project) -> bool:
    """Whether an object is judged, and no context."""
    return not project.is_around(written_source_and_span(obj.source, obj.node.at())[0])


def place_of_object(obj: Object) -> Place:
    """Where findings on an object stand."""
    return place_of(obj.source, obj.resource, obj.node.at())


def add_workloads(project: Project, graph: ServiceGraph, main_project: Project | None) -> RunnersByObjectId:
    """Enter the workloads of a project, what operators run and what releases install; the runners by the object that shows them.

    `main_project` has the Dockerfiles of the tree; None where there are none.
    """
    runners_by_object_id: RunnersByObjectId = {}
    for workload in object_index(project).workloads:
        if workload.owner.name and not is_filled_in_value(workload.owner.name) and not _is_template_alone(workload.owner):
            runner = _runner_of_workload(workload, project, main_project)
            if runner.is_job and not kinds.is_production_subject(workload.owner):
                continue  # of a test or an example: nobody's service
            runners_by_object_id[id(workload.owner)] = [graph.add_runner(runner, place_of_object(workload.owner))]
    for obj in _objects_run_by_operators(project):
        if obj.name and not is_filled_in_value(obj.name) and id(obj) not in runners_by_object_id:
            part = part_of_object(obj, project, "an operator runs it")
            runners_by_object_id[id(obj)] = [graph.add_runner(_runner_of_object(obj, part, project), place_of_object(obj))]
    return runners_by_object_id


def _is_template_alone(obj: Object) -> bool:
    """Whether an object holds pods that something else starts: a step of a pipeline, or a template."""
    return obj.group == "tekton.dev" or obj.kind in {"PodTemplate", "SandboxTemplate"}


def _objects_run_by_operators(project: Project) -> Iterator[Object]:
    kinds_and_groups = property_by_fact_name("kubernetes-custom", "pods")
    for kind in sorted({one.partition(" ")[0] for one in kinds_and_groups}):
        for obj in object_index(project).objects_of_kinds(kind):
            if f"{obj.kind} {obj.group}" in kinds_and_groups and not obj.source.fragment:
                yield obj


def _runner_of_object(obj: Object, part: ServicePart, project: Project) -> Runner:
    """Something that runs, as its object says it."""
    written_source, written_span = written_source_and_span(obj.source, obj.node.at())
    name = obj.name
    is_made_by_chart = project.unit.endswith(")")
    if is_made_by_chart:
        chart_folder = project.unit.partition(" (")[0]
        name = name_in_chart(name, "" if chart_folder == project.memoize(checkout_folder_of_project) else chart_folder, _default_release_name())
    runner = Runner(
        part,
        name,
        home_of_object(obj, project),
        (written_source.root.path, written_source.to_root(written_span.start)),
        is_listed=is_object_listed(obj, project),
        is_made_by_chart=is_made_by_chart,
    )
    runner.set_purpose(kinds.effective_purpose_of_subject(obj))
    return runner


def _default_release_name() -> str:
    """What a chart is installed as where nothing says so."""
    from readiness.loading.render.helm import DEFAULT_RELEASE_NAME

    return DEFAULT_RELEASE_NAME


def _runner_of_workload(workload: Workload, project: Project, main_project: Project | None) -> Runner:
    runner = _runner_of_object(workload.owner, part_of_object(workload.owner, project, "runs it"), project)
    pod = workload.pod
    runner.is_job = workload.owner.kind in {"Job", "CronJob", "ScaledJob"} or (
        workload.owner.kind == "Pod" and pod is not None and pod.node.get("restartPolicy") == "Never"
    )
    container = _main_container(pod) if pod is not None else None
    if container is None:
        return runner
    image = parse_image(container.image)
    if container.image and not image.name_unknown:
        runner.image = image.full_repository
        runner.is_public = is_published_by_others(image)
    stage = _stage_of_container(container, main_project)
    if stage is not None:
        runner.dockerfile_path = posixpath.normpath(stage.source.path)
        runner.is_public = False
    return runner


def _main_container(pod: Pod) -> Container | None:
    """The container that a workload is there for: the one that has most words of its name in its own or its image's, else the first."""
    words = set(words_of_name(pod.name))

    def shared_word_count(container: Container) -> int:
        image_name = parse_image(container.image).name.rpartition("/")[2]
        return len(words.intersection((*words_of_name(container.name), *words_of_name(image_name))))

    return max((one for one in pod.containers() if one.role == "main"), key=shared_word_count, default=None)


def _stage_of_container(container: Container, main_project: Project | None) -> Stage | None:
    if main_project is None:
        return None
    from readiness.kinds.joins.images import stage_of_container

    return stage_of_container(container, main_project)


def add_releases(project: Project, graph: ServiceGraph, units: frozenset[str]) -> tuple[RunnersByObjectId, list[Object]]:
    """Enter the releases of charts that are not in the tree: the runners by object, and the objects that install what is in the tree.

    `units` are those of all projects: a release that was rendered has one.
    """
    runners_by_object_id: RunnersByObjectId = {}
    local_releases: list[Object] = []
    for kind in ("HelmRelease", "HelmChart", "Application", "ApplicationSet", "Kustomization"):
        for obj in object_index(project).objects_of_kinds(kind):
            if obj.source.fragment or not obj.name or is_filled_in_value(obj.name):
                continue
            if kind == "Kustomization":
                if obj.group == "kustomize.toolkit.fluxcd.io":
                    local_releases.append(obj)
            elif is_helm_release(obj):
                if _is_rendered(obj, units) or installed_folder(obj, project) is not None:
                    local_releases.append(obj)
                elif kind != "Application" or any(one.get("chart") or one.get("path") for one in argo_application_sources(obj)):
                    part = part_of_object(obj, project, "installs a chart from elsewhere")
                    runners_by_object_id[id(obj)] = [graph.add_runner(_runner_of_object(obj, part, project), place_of_object(obj))]
    return runners_by_object_id, local_releases


def _is_rendered(obj: Object, units: frozenset[str]) -> bool:
    written_source, _ = written_source_and_span(obj.source, obj.node.at())
    return f"{obj.resource} of {written_source.root.path}" in units


def installed_folder(obj: Object, project: Project) -> str | None:
    """The folder of the tree that an object of Argo CD or Flux applies; None where it is not here."""
    if obj.kind == "Kustomization":
        written_paths = [obj.spec.get("path")]
    elif obj.kind == "HelmRelease":
        written_paths = [obj.spec.mapping_at_path("chart", "spec").get("chart")]
    else:
        written_paths = [one.get("path") for one in argo_application_sources(obj)]
    for path in written_paths:
        if not isinstance(path, str) or "{" in path or "$" in path or (obj.kind == "HelmRelease" and "/" not in path):
            continue
        folder = posixpath.normpath(path.lstrip("/") or ".")
        if folder != "." and project.was_path_seen(folder):
            return folder
    return None


def runners_of_release(
    obj: Object, project: Project, runners_by_folder: dict[str, list[Runner]], runners_by_unit: dict[str, list[Runner]]
) -> list[Runner]:
    """What an object of Argo CD or Flux installs that is in the tree."""
    written_source, _ = written_source_and_span(obj.source, obj.node.at())
    release_runners = runners_by_unit.get(f"{obj.resource} of {written_source.root.path}", [])
    folder = installed_folder(obj, project)
    return release_runners or (runners_by_folder.get(folder, []) if folder is not None else [])


def runners_by_installed_folder(graph: ServiceGraph, folders: frozenset[str]) -> dict[str, list[Runner]]:
    """What runs in or below each of some folders."""
    runners_by_folder: dict[str, list[Runner]] = {}
    for runner in graph.runners:
        home_folder = runner.home.partition(" (")[0]
        for folder in (home_folder, *parent_folders(home_folder)):
            if folder in folders:
                runners_by_folder.setdefault(folder, []).append(runner)
    return runners_by_folder
