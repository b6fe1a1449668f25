"""Named volumes of a compose service against the image that a Dockerfile of the project makes for it."""

from __future__ import annotations

import posixpath

from readiness.checks.dockerfile.owned import is_owned_by_user, known_nonroot_user
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import MountSpec, mount_specs
from readiness.kinds.compose.words import stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.dockerfile.paths import volume_words_with_paths
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map


def volume_not_owned(service: Service, project: Project) -> CheckOutcome:
    """A named volume on a folder that the image does not have, or that belongs to root, while the process is another."""
    service_node = service.extended_node
    built_stage = stage_built_by_service(service, project)
    fresh_volume_mounts = [mount_spec for mount_spec in mount_specs(service.node, service.env_values) if _is_filled_from_image(mount_spec, service)]
    if built_stage is None or not fresh_volume_mounts or "extends" in service.node or not _runs_as_image_user(service_node, built_stage):
        yield NotApplicable()
        return
    declared_volume_paths = {where for _, where in volume_words_with_paths(built_stage)} if built_stage.final and built_stage.deployed else set()
    for mount_spec in fresh_volume_mounts:
        if posixpath.normpath(mount_spec.target) in declared_volume_paths:
            yield NotApplicable()  # told, where it is wrong, at the VOLUME
            continue
        is_owned = is_owned_by_user(built_stage, mount_spec.target)
        if is_owned is None:
            yield Undecidable(mount_spec.span)
        elif not is_owned:
            effective_user_instruction = built_stage.effective_value("USER")
            user_span = effective_user_instruction.span if effective_user_instruction is not None else built_stage.at()
            image_user_related = Related(built_stage.source, user_span, f"the image runs as {known_nonroot_user(built_stage)}")
            yield hit(mount_spec.span, related=[image_user_related], folder=mount_spec.target, user=known_nonroot_user(built_stage))


def _is_volume_shared_with_service(mount_spec: MountSpec, service: Service) -> bool:
    """Whether another service mounts the same volume, and may give it away at its start."""
    return any(
        other.source == mount_spec.source
        for sibling in service.document.services.values()
        if sibling.name != service.name
        for other in mount_specs(sibling.extended_node, sibling.env_values)
    )


def _runs_as_image_user(service_node: Map, stage: Stage) -> bool:
    """Whether the service leaves the image's user in force, or names the same."""
    if "user" not in service_node:
        return True
    return str(service_node.get("user")).partition(":")[0] == known_nonroot_user(stage)


def _is_filled_from_image(mount_spec: MountSpec, service: Service) -> bool:
    """Whether a mount is a volume that Docker makes and fills from the image's folder."""
    if mount_spec.type != "volume" or mount_spec.read_only or UNKNOWN_VALUE_MARK in f"{mount_spec.source}{mount_spec.target}":
        return False
    if not mount_spec.source or not mount_spec.target.startswith("/") or "nocopy" in mount_spec.options:
        return False
    if _is_volume_shared_with_service(mount_spec, service):
        return False
    volume_entry = service.document.section_entries("volumes").get(mount_spec.source)
    volume_definition = volume_entry[1] if volume_entry else None
    return volume_definition is None or (isinstance(volume_definition, Map) and not volume_definition)
