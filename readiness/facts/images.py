"""Which rows of the facts on images mean an image: by its name, by a pattern of names, and by its tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from readiness.facts.table import fact_rows
from readiness.syntax import glob
from readiness.syntax.image import ImageReference

ImageRow = Mapping[str, Any]
_MIRROR_PREFIXES = ("public.ecr.aws/docker/library/", "mirror.gcr.io/library/")


def public_name(image: ImageReference) -> str:
    """The name as people say it, also where a public mirror of the official images is meant."""
    name = image.familiar_name
    for mirror in _MIRROR_PREFIXES:
        name = name.removeprefix(mirror)
    return name


@lru_cache(maxsize=4096)
def image_rows(image: ImageReference) -> tuple[ImageRow, ...]:
    """All that the facts say of an image, the closest first: a name before a pattern, a tag's own before the name's.

    Of an image whose name a variable hides nothing is known, and no more than its name says where it hides the tag.
    """
    return () if image.name_unknown else tuple(_matching_rows(image))


def _matching_rows(image: ImageReference) -> Iterator[ImageRow]:
    name = public_name(image)
    exact, patterns = _rows_and_patterns()
    rows = [exact[name]] if name in exact else []
    rows += [row for pattern, row in patterns if glob.glob_matches(pattern, name)]
    for row in rows:
        for variant in row.get("variants", ()):
            if _is_variant_for(name, image, variant):
                yield variant
        yield row


def _is_variant_for(name: str, image: ImageReference, variant: ImageRow) -> bool:
    """Whether a variant of a row is for an image."""
    if any(glob.glob_matches(other, name) for other in variant.get("except", ())):
        return False
    if image.tag_unknown:
        return "tag" not in variant and "except-tag" not in variant
    if not glob.glob_matches(variant.get("tag", "*"), image.tag):
        return False
    return "except-tag" not in variant or not glob.glob_matches(variant["except-tag"], image.tag)


def image_property(image: ImageReference, key: str) -> Any:
    """One property of an image; None where it is not known."""
    return next((row[key] for row in image_rows(image) if key in row), None)


def rows_by_last_part(image: ImageReference) -> tuple[ImageRow, ...]:
    """The rows of images that the last part of a name tells under any owner and in any registry."""
    return () if image.name_unknown else _rows_by_last_part().get(image.name.rpartition("/")[2], ())


@cache
def _rows_and_patterns() -> tuple[dict[str, ImageRow], list[tuple[str, ImageRow]]]:
    """The rows by name, and those of patterns."""
    exact: dict[str, ImageRow] = {}
    patterns: list[tuple[str, ImageRow]] = []
    for name, row in fact_rows("images").items():
        if any(mark in name for mark in "*?["):
            patterns.append((name, row))
        else:
            exact[name] = row
    return exact, patterns


@cache
def _rows_by_last_part() -> dict[str, tuple[ImageRow, ...]]:
    found: dict[str, tuple[ImageRow, ...]] = {}
    for name, row in fact_rows("images").items():
        if row.get("anywhere"):
            last = name.rpartition("/")[2]
            found[last] = (*found.get(last, ()), row)
    return found
