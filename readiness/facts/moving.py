"""Which names move: under them a publisher puts something newer again and again."""

from __future__ import annotations

from readiness.facts.table import property_by_fact_name
from readiness.syntax.image import ImageReference


def is_moving_name_of_kind(moving_name_kind: str, name: str) -> bool:
    """Whether a name moves as one of a kind: a `tag`, an `address`, a `dist-tag`, a `ref` (see facts/moving-names.yaml)."""
    return name.lower() in property_by_fact_name("moving-names", moving_name_kind)


def is_floating_tag(tag: str) -> bool:
    """Whether a tag moves by design: `latest`, `stable-alpine`, or a flavour without a version."""
    tag_parts = tag.lower().replace("_", "-").split("-")
    return all(is_moving_name_of_kind("tag", part) or is_moving_name_of_kind("flavour", part) for part in tag_parts)


def is_floating_image(image: ImageReference) -> bool:
    """Whether the tag of an image moves by design; false where it is unknown or a digest pins it."""
    return not image.digest and not image.tag_unknown and is_floating_tag(image.tag or "latest")
