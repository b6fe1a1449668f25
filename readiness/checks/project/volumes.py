"""Named volumes of a compose service against the image that a Dockerfile of the project makes for it."""

from __future__ import annotations

import posixpath

from readiness.checks.dockerfile.owned import is_owned_by_user, known_user
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import MountSpec, mount_specs
from readiness.kinds.compose.words import stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.dockerfile.paths import volume_words
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map


def volume_not_owned(service: Service, project: Project) -> CheckOutcome:
    """A named volume on a folder that the image does not have, or that belongs to root, while the process is another."""
    node = service.extended_node
    stage = stage_built_by_service(service, project)
    mounts = [spec for spec in mount_specs(service.node, service.env_values) if _is_fresh_volume(spec, service)]
    if stage is None or not mounts or "extends" in service.node or not _keeps_image_user(node, stage):
        yield NotApplicable()
        return
    declared = {where for _, where in volume_words(stage)} if stage.final and stage.deployed else set()
    for spec in mounts:
        if posixpath.normpath(spec.target) in declared:
            yield NotApplicable()  # told, where it is wrong, at the VOLUME
            continue
        answer = is_owned_by_user(stage, spec.target)
        if answer is None:
            yield Undecidable(spec.span)
        elif not answer:
            effective = stage.effective_value("USER")
            place = effective.span if effective is not None else stage.at()
            note = Related(stage.source, place, f"the image runs as {known_user(stage)}")
            yield hit(spec.span, related=[note], folder=spec.target, user=known_user(stage))


def _is_shared(mount: MountSpec, service: Service) -> bool:
    """Whether another service mounts the same volume, and may give it away at its start."""
    return any(
        other.source == mount.source
        for sibling in service.document.services.values()
        if sibling.name != service.name
        for other in mount_specs(sibling.extended_node, sibling.env_values)
    )


def _keeps_image_user(node: Map, stage: Stage) -> bool:
    """Whether the service leaves the image's user in force, or names the same."""
    if "user" not in node:
        return True
    return str(node.get("user")).partition(":")[0] == known_user(stage)


def _is_fresh_volume(mount: MountSpec, service: Service) -> bool:
    """Whether a mount is a volume that Docker makes and fills from the image's folder."""
    if mount.type != "volume" or mount.read_only or UNKNOWN_VALUE_MARK in f"{mount.source}{mount.target}":
        return False
    if not mount.source or not mount.target.startswith("/") or "nocopy" in mount.options:
        return False
    if _is_shared(mount, service):
        return False
    volume = service.document.section_entries("volumes").get(mount.source)
    definition = volume[1] if volume else None
    return definition is None or (isinstance(definition, Map) and not definition)
