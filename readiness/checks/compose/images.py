"""Images: tags that move, releases that ended, builds on the production host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.facts.releases import end_of_life_of_image
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, substring_span
from readiness.kinds.compose.scripts import image_names_built_by_scripts
from readiness.kinds.compose.words import edit_location_facts, merged_node_if_defined_here
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.image import ImageReference
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


def _hit_location_of_image_part(service: Service, part_start: int, part_end: int) -> dict[str, Any]:
    """The place of a part of the image: in an environment file where it comes from there, all of it where it has variables."""
    image_text = service.node.get("image")
    image_span = service.node.at("image")
    if not isinstance(image_text, str) or part_end <= part_start:
        return {"span": image_span}
    if has_variable_sign(image_text):
        return edit_location_facts(service, expand_scalar(image_text, service.env_values), part_start, part_end, image_span)
    return {"span": substring_span(service.source, image_span, image_text, part_start, part_end)}


def image_tag_floating(service: Service, project: Project, *, deny: Sequence[str] = ()) -> CheckOutcome:
    """An image without a tag, or with a tag that moves, such as `latest`; one that a script of the tree builds is not pulled."""
    image = service.image if "image" in service.node else None
    if image is None or service.local or image.digest or not image.text:
        return
    if _is_built_by_script(image, project):
        return
    if image.tag_unknown:
        yield Undecidable(service.node.at("image"))
    elif is_floating_image(image) or image.tag in deny:
        tag_location = _hit_location_of_image_part(service, image.tag_span.start, image.tag_span.end)
        if image.tag:
            yield hit(**tag_location, say="tag", image=image.text, tag=image.tag)
        else:
            yield hit(**tag_location, say="no-tag", image=image.text)


def _is_built_by_script(image: ImageReference, project: Project) -> bool:
    """Whether a script of the tree builds an image that no registry is named for, so that it is not pulled."""
    return not image.registry and image.name in project.memoize(image_names_built_by_scripts)


def image_digest_missing(service: Service, project: Project) -> CheckOutcome:
    """An image with a tag and no digest; one without a tag has a finding of its own."""
    image = service.image if "image" in service.node else None
    if image is None or service.local or image.digest or is_floating_image(image) or _is_built_by_script(image, project):
        return
    yield (Undecidable(service.node.at("image")) if image.digest_unknown else hit(service.node.at("image"), image=image.text))


def image_end_of_life(service: Service, project: Project) -> CheckOutcome:
    """A release that gets no updates any more."""
    image = service.image if "image" in service.node else None
    if image is None or service.local:
        return
    ended_release = end_of_life_of_image(image, project.today)
    if ended_release is not None:
        tag_location = _hit_location_of_image_part(service, image.tag_span.start, image.tag_span.end)
        yield hit(**tag_location, image=image.text, release=ended_release.release, day=ended_release.end_day)


def build_and_image(service: Service) -> CheckOutcome:
    """A build beside an image, and nothing that says which of them is meant.

    Only `build` and `never` say it. With the others Compose pulls, and builds where the pull fails.
    """
    if "build" not in service.node or "image" not in service.node:
        return
    pull_policy = expand_scalar(service.extended_node.get("pull_policy")).text
    if UNKNOWN_VALUE_MARK in pull_policy:
        yield Undecidable(service.node.key_span("build"))
    elif pull_policy not in {"build", "never"}:
        build_span = service.node.key_span("build")
        yield hit(build_span, say="policy", policy=pull_policy) if pull_policy else hit(build_span, say="no-policy")


def build_in_production(service: Service, project: Project) -> CheckOutcome:
    """An image that is built on the host that runs it."""
    merged_node_and_completeness = merged_node_if_defined_here(service, project)
    if merged_node_and_completeness is not None and "build" in service.node and "image" not in merged_node_and_completeness[0]:
        yield hit(service.node.key_span("build"))
