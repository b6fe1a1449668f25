"""Whether the image of a service brings a health check: of a public image by what is known of it, of the tree's own by its Dockerfile."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from readiness.facts.base_images import may_be_official_image
from readiness.facts.images import image_property
from readiness.kinds.compose.application import join_compose_files
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.words import stage_for_build_target
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.github.model import Workflow
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.kinds.joins.images import image_maker_index
from readiness.model.project import Project, parent_folders
from readiness.syntax.yaml import Map, Seq

_MAX_PIPELINE_NODES = 20_000  # nodes of a pipeline that are looked at


def has_image_healthcheck(service: Service, project: Project) -> bool | None:
    """Whether an image that is pulled has a health check; None where nobody can tell.

    One that no table knows may be the project's own: then it is made from a Dockerfile at hand, by what builds name, by a stage or a
    pipeline that calls it so, or by the nearest Dockerfile where the file builds none itself. That another service waits for its health
    says that it has one.
    """
    image = service.image
    if image is None or image.name_unknown:
        return None
    if image_property(image, "healthcheck"):
        return True
    if _is_health_awaited(service, project) and not may_be_official_image(image):
        return None
    short_name = image.full_repository.rpartition("/")[2]
    makers = project.memoize(image_maker_index).by_name.get(image.full_repository, [])
    possible_stages = [one.stage for one in makers if one.stage is not None]
    if image.full_repository.count("/"):  # who has a name of an owner's own in front is no official image
        possible_stages += project.memoize(_stages_by_image_name).get(short_name, [])
    if service.image_facts is None and not project.memoize_for_subject(_builds_any_service, service.document):
        possible_stages += _last_stages_above(service, project)
    return None if any(one.effective_value("HEALTHCHECK") is not None for one in possible_stages) else False


def _last_stages_above(service: Service, project: Project) -> Iterator[Stage]:
    """The last stages of the Dockerfiles beside a compose file and above it."""
    for folder in parent_folders(posixpath.join(service.document.folder, "Dockerfile")):
        last_stage = stage_for_build_target(project.document_by_path("dockerfile").get(posixpath.join(folder, "Dockerfile")), None)
        if last_stage is not None:
            yield last_stage


def _is_health_awaited(service: Service, project: Project) -> bool:
    """Whether another service of the app starts when this one is healthy."""
    return service.name in project.memoize_for_subject(_names_whose_health_is_awaited, service.document)


def _names_whose_health_is_awaited(document: Document, project: Project) -> frozenset[str]:
    """The services that any service of an app waits for until they are healthy."""
    service_by_name = project.memoize(join_compose_files).application_of(document).services()
    return frozenset(
        name
        for one in service_by_name.values()
        for name, condition in one.extended_node.mapping_at_path("depends_on").items()
        if isinstance(condition, Map) and condition.get("condition") == "service_healthy"
    )


def _builds_any_service(document: Document, project: Project) -> bool:
    """Whether any service of a file is built here."""
    del project
    return any(one.builds for one in document.services.values())


def _stages_by_image_name(project: Project) -> dict[str, list[Stage]]:
    """Last part of an image's name -> the stages that are called so, and those of Dockerfiles that a pipeline names beside it."""
    stages_by_name: dict[str, list[Stage]] = {}
    document_by_path = project.document_by_path("dockerfile")
    for document in document_by_path.values():
        for stage in document.stages:
            if stage.name:
                stages_by_name.setdefault(stage.name, []).append(stage)
    for workflow in project.documents_of_kind("github") if document_by_path else ():
        repository_folder = repository_root_of_workflow_path(workflow.source.path) if isinstance(workflow, Workflow) else None
        if repository_folder is None:
            continue
        for values in _text_values_of_mappings(workflow.node):
            paths = [posixpath.normpath(posixpath.join(repository_folder, one)) for one in values]
            dockerfiles = [document_by_path[one] for one in paths if one in document_by_path]
            if len(dockerfiles) == 1 and dockerfiles[0].stages:
                for image_name in values:
                    stages_by_name.setdefault(image_name.rpartition("/")[2], []).append(dockerfiles[0].stages[-1])
    return stages_by_name


def _text_values_of_mappings(node: Any) -> Iterator[list[str]]:
    """The texts that stand side by side in each mapping of a pipeline, such as one entry of a matrix."""
    pending_nodes, seen_count = [node], 0
    while pending_nodes and seen_count < _MAX_PIPELINE_NODES:
        current_node = pending_nodes.pop()
        seen_count += 1
        if isinstance(current_node, Map):
            texts = [one for one in current_node.values() if isinstance(one, str) and one and len(one) < 200]
            if len(texts) > 1:
                yield texts
            pending_nodes += current_node.values()
        elif isinstance(current_node, Seq):
            pending_nodes += current_node
