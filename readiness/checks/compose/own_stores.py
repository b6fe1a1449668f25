"""Stores under an image of the project's own: what it is built from says which store it is."""

from __future__ import annotations

from typing import NamedTuple

from readiness.facts.public_images import ImageFacts, facts_of_public_image
from readiness.kinds.compose.application import join_compose_files
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.started import runs_other_program
from readiness.kinds.compose.words import stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.joins.images import stage_runs_server_of_base
from readiness.model import Related
from readiness.model.project import Project
from readiness.syntax.image import ImageReference


class StoreBase(NamedTuple):
    """The public image of a store that another image is built from, what is known of it, and where that stands."""

    image: ImageReference
    facts: ImageFacts
    related: Related


def base_of_own_store(service: Service, project: Project) -> StoreBase | None:
    """The store's image that a service's own image is built from; None where it is built from no store, or starts something else.

    The build stands in the service, or in that of its name in a file that is laid over this one.
    """
    if runs_other_program(service.extended_node.get("entrypoint"), service.extended_node.get("command")):
        return None
    stage = stage_built_by_service(service, project) or _stage_built_by_overlay(service, project)
    if stage is None or service.extended_node.get("entrypoint") is not None:
        return None
    image = service.extended_node.get("image")
    base = stage.root_stage
    facts = facts_of_public_image(base.image)
    if facts is None or not facts.is_store or base.from_instruction is None:
        return None
    if not stage_runs_server_of_base(stage, f"{service.name} {image if isinstance(image, str) else ''}"):
        return None
    return StoreBase(base.image, facts, Related(base.source, base.from_instruction.span, "its image is built from this one"))


def _stage_built_by_overlay(service: Service, project: Project) -> Stage | None:
    """The stage that the first file laid over this one builds for the service."""
    if service.builds:
        return None
    overlay = project.memoize(_builds_by_base).get((id(service.document), service.name))
    return stage_built_by_service(overlay, project) if overlay is not None else None


def _builds_by_base(project: Project) -> dict[tuple[int, str], Service]:
    """The services that are built in files laid over others: by the identity of the file below and their name."""
    applications = project.memoize(join_compose_files)
    found: dict[tuple[int, str], Service] = {}
    for document in project.documents_of_kind("compose"):
        for base in applications.application_of(document).bases:
            for name, service in document.services.items():
                if service.builds:
                    found.setdefault((id(base), name), service)
    return found
