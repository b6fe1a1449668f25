"""The services that compose files show, and what else belongs to one: the files of its environment."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from readiness import kinds
from readiness.kinds.compose.application import root_file_path
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar
from readiness.kinds.compose.words import stage_built_by_service
from readiness.model.project import Project
from readiness.model.purpose import Purpose
from readiness.model.service import ServicePart
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq
from readiness.triage.services.graph import Belonging, Runner, ServiceGraph, place_of
from readiness.triage.services.names import is_published_by_others


def add_compose_services(project: Project, graph: ServiceGraph) -> dict[tuple[str, str], list[Runner]]:
    """Enter the services of a project's compose files: the runners by the folder of the first file and the service's name."""
    runners_by_folder_and_name: dict[tuple[str, str], list[Runner]] = {}
    runners_by_env_file: dict[str, list[Runner]] = {}
    for document in project.documents_of_kind("compose"):
        if document.source.fragment:
            continue
        root_path = root_file_path(document, project)
        home = posixpath.dirname(root_path) or "."
        purpose_by_resource = kinds.purpose_by_resource_of_document("compose", document)
        for service in document.services.values():
            runner = _runner_of_service(service, root_path, home, project, purpose_by_resource)
            graph.add_runner(runner, place_of(service.source, service.resource, service.node.at()))
            runners_by_folder_and_name.setdefault((home, service.name), []).append(runner)
            for env_path in _env_file_paths(service):
                runners_by_env_file.setdefault(env_path, []).append(runner)
    for env_document in project.documents_of_kind("dotenv"):
        runners = runners_by_env_file.get(posixpath.normpath(env_document.source.path))
        if runners:
            part = ServicePart(posixpath.dirname(env_document.source.path) or ".", "dotenv", env_document.source.path, "", "env_file of it")
            places = (place_of(env_document.source, "", env_document.at()),)
            graph.belongings.append(Belonging(part, places, runners, not project.is_around(env_document.source)))
    return runners_by_folder_and_name


def _runner_of_service(service: Service, root_path: str, home: str, project: Project, purpose_by_resource: Mapping[str, Purpose]) -> Runner:
    part = ServicePart(root_path, "compose", service.source.root.path, service.resource, "runs it")
    runner = Runner(
        part,
        service.name,
        home,
        (service.source.root.path, service.source.to_root(service.node.at().start)),
        is_job=service.once,
        is_listed=not project.is_around(service.source),
    )
    runner.set_purpose(purpose_by_resource.get(service.resource) or purpose_by_resource.get(""))
    image = service.image
    if image is not None and not image.name_unknown:
        runner.image = image.full_repository
        runner.is_public = is_published_by_others(image)
    stage = stage_built_by_service(service, project)
    if stage is None and image is not None and not service.builds and not runner.is_public and project.documents_of_kind("dockerfile"):
        from readiness.kinds.joins.images import stage_of_named_image

        stage = stage_of_named_image(image.text, service.source.root.path, project)
    if stage is not None:
        runner.dockerfile_path = posixpath.normpath(stage.source.path)
        runner.is_public = False
    elif service.builds:
        runner.has_hidden_build = True
        runner.is_public = False
    return runner


def _env_file_paths(service: Service) -> list[str]:
    """The files that give a service its environment, as paths in the tree."""
    env_file_value = service.extended_node.get("env_file")
    entries = list(env_file_value) if isinstance(env_file_value, Seq) else [env_file_value]
    written_paths = [one.get("path") if isinstance(one, Map) else one for one in entries]
    texts = [expand_scalar(one, service.env_values).text for one in written_paths if isinstance(one, str)]
    return [posixpath.normpath(posixpath.join(service.document.folder, one)) for one in texts if UNKNOWN_VALUE_MARK not in one]
