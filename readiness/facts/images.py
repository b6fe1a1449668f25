"""Which rows of the facts on images mean an image: by its name, by a pattern of names, and by its tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from readiness.facts.table import fact_row_by_name
from readiness.syntax import glob
from readiness.syntax.image import ImageReference

ImageFactRow = Mapping[str, Any]
_PUBLIC_MIRROR_PREFIXES = ("public.ecr.aws/docker/library/", "mirror.gcr.io/library/")


def public_image_name(image: ImageReference) -> str:
    """The name as people say it, also where a public mirror of the official images is meant."""
    image_name = image.familiar_name
    for mirror_prefix in _PUBLIC_MIRROR_PREFIXES:
        image_name = image_name.removeprefix(mirror_prefix)
    return image_name


@lru_cache(maxsize=16_384)
def image_fact_rows(image: ImageReference) -> tuple[ImageFactRow, ...]:
    """All that the facts say of an image, the closest first: a name before a pattern, a tag's own before the name's.

    Of an image whose name a variable hides nothing is known, and no more than its name says where it hides the tag.
    """
    return () if image.name_unknown else tuple(_matching_image_fact_rows(image))


def _matching_image_fact_rows(image: ImageReference) -> Iterator[ImageFactRow]:
    image_name = public_image_name(image)
    row_by_image_name, pattern_row_pairs = _exact_rows_and_pattern_rows()
    matching_rows = [row_by_image_name[image_name]] if image_name in row_by_image_name else []
    matching_rows += [image_fact_row for pattern, image_fact_row in pattern_row_pairs if glob.glob_matches(pattern, image_name)]
    for image_fact_row in matching_rows:
        for row_variant in image_fact_row.get("variants", ()):
            if _is_variant_for_image(image_name, image, row_variant):
                yield row_variant
        yield image_fact_row


def _is_variant_for_image(image_name: str, image: ImageReference, row_variant: ImageFactRow) -> bool:
    """Whether a variant of a row is for an image."""
    if any(glob.glob_matches(other, image_name) for other in row_variant.get("except", ())):
        return False
    if image.tag_unknown:
        return "tag" not in row_variant and "except-tag" not in row_variant
    if not glob.glob_matches(row_variant.get("tag", "*"), image.tag):
        return False
    return "except-tag" not in row_variant or not glob.glob_matches(row_variant["except-tag"], image.tag)


def image_property(image: ImageReference, property_key: str) -> Any:
    """One property of an image; None where it is not known."""
    return next((row[property_key] for row in image_fact_rows(image) if property_key in row), None)


def fact_rows_by_last_name_part(image: ImageReference) -> tuple[ImageFactRow, ...]:
    """The rows of images that the last part of a name tells under any owner and in any registry."""
    return () if image.name_unknown else _fact_rows_by_last_part_of_name().get(image.name.rpartition("/")[2], ())


@cache
def _exact_rows_and_pattern_rows() -> tuple[dict[str, ImageFactRow], list[tuple[str, ImageFactRow]]]:
    """The rows by name, and those of patterns."""
    row_by_image_name: dict[str, ImageFactRow] = {}
    pattern_row_pairs: list[tuple[str, ImageFactRow]] = []
    for image_name_or_pattern, row in fact_row_by_name("images").items():
        if any(mark in image_name_or_pattern for mark in "*?["):
            pattern_row_pairs.append((image_name_or_pattern, row))
        else:
            row_by_image_name[image_name_or_pattern] = row
    return row_by_image_name, pattern_row_pairs


@cache
def _fact_rows_by_last_part_of_name() -> dict[str, tuple[ImageFactRow, ...]]:
    rows_by_last_name_part: dict[str, tuple[ImageFactRow, ...]] = {}
    for image_name, row in fact_row_by_name("images").items():
        if row.get("anywhere"):
            last_name_part = image_name.rpartition("/")[2]
            rows_by_last_name_part[last_name_part] = (*rows_by_last_name_part.get(last_name_part, ()), row)
    return rows_by_last_name_part
