"""Stores under an image that no table has: what it is built from, or how it is run, says which store it is."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from readiness.facts.public_images import (
    ImageFacts,
    facts_of_public_image,
    is_store_companion_name,
    variable_and_store_facts_pairs,
)
from readiness.kinds.compose.application import join_compose_files
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import mount_specs, port_specs, string_entries
from readiness.kinds.compose.started import runs_other_program
from readiness.kinds.compose.words import command_line, stage_built_by_service, variable_settings_by_name
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.joins.images import stage_runs_server_of_base
from readiness.model import Related
from readiness.model.project import Project
from readiness.syntax.image import ImageReference
from readiness.syntax.yaml import Seq


class StoreBase(NamedTuple):
    """The public image of a store that another image is built from, what is known of it, and where that stands."""

    image: ImageReference
    facts: ImageFacts
    related: Related


def base_image_of_own_store(service: Service, project: Project) -> StoreBase | None:
    """The store's image that a service's own image is built from; None where it is built from no store, or starts something else.

    The build stands in the service, or in that of its name in a file that is laid over this one.
    """
    if runs_other_program(service.extended_node.get("entrypoint"), service.extended_node.get("command")):
        return None
    built_stage = stage_built_by_service(service, project) or _stage_built_by_overlay(service, project)
    if built_stage is None or service.extended_node.get("entrypoint") is not None:
        return None
    image_setting = service.extended_node.get("image")
    root_stage = built_stage.root_stage
    base_image_facts = facts_of_public_image(root_stage.image)
    if base_image_facts is None or not base_image_facts.is_store or root_stage.from_instruction is None:
        return None
    if not stage_runs_server_of_base(built_stage, f"{service.name} {image_setting if isinstance(image_setting, str) else ''}"):
        return None
    return StoreBase(
        root_stage.image,
        base_image_facts,
        Related(root_stage.source, root_stage.from_instruction.span, "its image is built from this one"),
    )


def _stage_built_by_overlay(service: Service, project: Project) -> Stage | None:
    """The stage that the first file laid over this one builds for the service."""
    if service.builds:
        return None
    overlay_service = project.memoize(_built_service_by_base_and_name).get((id(service.document), service.name))
    return stage_built_by_service(overlay_service, project) if overlay_service is not None else None


def _built_service_by_base_and_name(project: Project) -> dict[tuple[int, str], Service]:
    """The services that are built in files laid over others: by the identity of the file below and their name."""
    joined_files = project.memoize(join_compose_files)
    service_by_base_and_name: dict[tuple[int, str], Service] = {}
    for document in project.documents_of_kind("compose"):
        for base_document in joined_files.application_of(document).bases:
            for service_name, service in document.services.items():
                if service.builds:
                    service_by_base_and_name.setdefault((id(base_document), service_name), service)
    return service_by_base_and_name


_STORE_SERVER_PROGRAMS = frozenset({"mysqld", "mysqld_safe", "mariadbd", "postgres", "mongod", "redis-server", "valkey-server", "rabbitmq-server"})


def is_run_as_store(service: Service, project: Project) -> bool:
    """Whether a service whose image no table has is run as a store: its command starts the server of one, or it is given the
    password that only a server is given (`MYSQL_ROOT_PASSWORD`) and the folder of that server's data, or its port.

    A client may have the variable too, so it is no sign alone. What stands before a store or backs it up, by its name, may have
    the folder, too, and is none where no command starts a server.
    """
    image = service.image
    if image is None or facts_of_public_image(image) is not None or service.extended_node.get("entrypoint") is not None:
        return False
    command_words = command_line(service.extended_node.get("command")).split()
    if command_words:
        first_word = posixpath.basename(command_words[0])
        if not first_word.startswith("-"):
            return first_word in _STORE_SERVER_PROGRAMS
    if is_store_companion_name(f"{service.name} {image.name}"):
        return False
    variable_names = set(variable_settings_by_name(service, project))
    return any(
        _has_data_folder_or_port(service, store_facts)
        for password_variable, store_facts in variable_and_store_facts_pairs()
        if password_variable in variable_names
    )


def _has_data_folder_or_port(service: Service, store_facts: ImageFacts) -> bool:
    """Whether a service mounts the folder of a store's data, or publishes or exposes the store's port."""
    container_ports = [one.target for one in port_specs(service.extended_node, service.env_values) if one.target is not None]
    expose_value = service.extended_node.get("expose")
    exposed_texts = {str(one) for one in expose_value} if isinstance(expose_value, Seq) else set()
    return (
        any(
            posixpath.normpath(one.target) in store_facts.state_folders_before_18
            for one in mount_specs(service.extended_node, service.env_values)
            if one.target
        )
        or any(first_port <= port <= last_port for first_port, last_port in container_ports for port in store_facts.ports)
        or not exposed_texts.isdisjoint(map(str, store_facts.ports))
    )


def is_data_container(service: Service) -> bool:
    """Whether a service only holds volumes for others, which stay with its container over `pull` and `up`, though not over `down`."""
    return service.holds_volumes and any(
        text.partition(":")[0] == service.name
        for sibling in service.document.services.values()
        for text, _ in string_entries(sibling.extended_node.get("volumes_from"))
    )
