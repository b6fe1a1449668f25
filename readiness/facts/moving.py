"""Which names move: under them a publisher puts something newer again and again."""

from __future__ import annotations

from readiness.facts.table import fact_column
from readiness.syntax.image import ImageReference


def moves_as(kind: str, name: str) -> bool:
    """Whether a name moves as one of a kind: a `tag`, an `address`, a `dist-tag`, a `ref` (see facts/moving-names.yaml)."""
    return name.lower() in fact_column("moving-names", kind)


def is_floating(tag: str) -> bool:
    """Whether a tag moves by design: `latest`, `stable-alpine`, or a flavour without a version."""
    parts = tag.lower().replace("_", "-").split("-")
    return all(moves_as("tag", part) or moves_as("flavour", part) for part in parts)


def is_floating_image(image: ImageReference) -> bool:
    """Whether the tag of an image moves by design; false where it is unknown or a digest pins it."""
    return not image.digest and not image.tag_unknown and is_floating(image.tag or "latest")
