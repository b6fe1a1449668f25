"""Images: tags that move, releases that ended, builds on the production host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.facts.moving import is_floating_image
from readiness.facts.releases import end_of_life
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import expand_scalar, substring_span
from readiness.kinds.compose.scripts import images_built_by_scripts
from readiness.kinds.compose.words import edit_location, merged_service_if_defined_here
from readiness.model import CheckOutcome, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.image import ImageReference
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK


def _image_part_location(service: Service, start: int, end: int) -> dict[str, Any]:
    """The place of a part of the image: in an environment file where it comes from there, all of it where it has variables."""
    value = service.node.get("image")
    span = service.node.at("image")
    if not isinstance(value, str) or end <= start:
        return {"span": span}
    if has_variable(value):
        return edit_location(service, expand_scalar(value, service.env_values), start, end, span)
    return {"span": substring_span(service.source, span, value, start, end)}


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
        where = _image_part_location(service, image.tag_span.start, image.tag_span.end)
        if image.tag:
            yield hit(**where, say="tag", image=image.text, tag=image.tag)
        else:
            yield hit(**where, say="no-tag", image=image.text)


def _is_built_by_script(image: ImageReference, project: Project) -> bool:
    """Whether a script of the tree builds an image that no registry is named for, so that it is not pulled."""
    return not image.registry and image.name in project.memoize(images_built_by_scripts)


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
    found = end_of_life(image, project.today)
    if found is not None:
        where = _image_part_location(service, image.tag_span.start, image.tag_span.end)
        yield hit(**where, image=image.text, release=found.release, day=found.end_day)


def build_and_image(service: Service) -> CheckOutcome:
    """A build beside an image, and nothing that says which of them is meant.

    Only `build` and `never` say it. With the others Compose pulls, and builds where the pull fails.
    """
    if "build" not in service.node or "image" not in service.node:
        return
    policy = expand_scalar(service.extended_node.get("pull_policy")).text
    if UNKNOWN_VALUE_MARK in policy:
        yield Undecidable(service.node.key_span("build"))
    elif policy not in {"build", "never"}:
        span = service.node.key_span("build")
        yield hit(span, say="policy", policy=policy) if policy else hit(span, say="no-policy")


def build_in_production(service: Service, project: Project) -> CheckOutcome:
    """An image that is built on the host that runs it."""
    seen = merged_service_if_defined_here(service, project)
    if seen is not None and "build" in service.node and "image" not in seen[0]:
        yield hit(service.node.key_span("build"))
