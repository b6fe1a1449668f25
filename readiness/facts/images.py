"""Which rows of the facts on images mean an image: by its name, by a pattern of names, and by its tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from readiness.facts.table import rows
from readiness.syntax import glob
from readiness.syntax.image import Image

Row = Mapping[str, Any]
_MIRRORS = ("public.ecr.aws/docker/library/", "mirror.gcr.io/library/")


def public_name(image: Image) -> str:
    """The name as people say it, also where a public mirror of the official images is meant."""
    name = image.familiar
    for mirror in _MIRRORS:
        name = name.removeprefix(mirror)
    return name


@lru_cache(maxsize=4096)
def image_rows(image: Image) -> tuple[Row, ...]:
    """All that the facts say of an image, the closest first: a name before a pattern, a tag's own before the name's.

    Of an image whose name a variable hides nothing is known, and no more than its name says where it hides the tag.
    """
    return () if image.name_unknown else tuple(_matching_rows(image))


def _matching_rows(image: Image) -> Iterator[Row]:
    name = public_name(image)
    exact, patterns = _rows_and_patterns()
    rows = [exact[name]] if name in exact else []
    rows += [row for pattern, row in patterns if glob.glob_matches(pattern, name)]
    for row in rows:
        for variant in row.get("variants", ()):
            if _is_variant_for(name, image, variant):
                yield variant
        yield row


def _is_variant_for(name: str, image: Image, variant: Row) -> bool:
    """Whether a variant of a row is for an image."""
    if any(glob.glob_matches(other, name) for other in variant.get("except", ())):
        return False
    if image.tag_unknown:
        return "tag" not in variant and "except-tag" not in variant
    if not glob.glob_matches(variant.get("tag", "*"), image.tag):
        return False
    return "except-tag" not in variant or not glob.glob_matches(variant["except-tag"], image.tag)


def image_property(image: Image, key: str) -> Any:
    """One property of an image; None where it is not known."""
    return next((row[key] for row in image_rows(image) if key in row), None)


def rows_by_last_part(image: Image) -> tuple[Row, ...]:
    """The rows of images that the last part of a name tells under any owner and in any registry."""
    return () if image.name_unknown else _rows_by_last_part().get(image.name.rpartition("/")[2], ())


@cache
def _rows_and_patterns() -> tuple[dict[str, Row], list[tuple[str, Row]]]:
    """The rows by name, and those of patterns."""
    exact: dict[str, Row] = {}
    patterns: list[tuple[str, Row]] = []
    for name, row in rows("images").items():
        if any(mark in name for mark in "*?["):
            patterns.append((name, row))
        else:
            exact[name] = row
    return exact, patterns


@cache
def _rows_by_last_part() -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for name, row in rows("images").items():
        if row.get("anywhere"):
            last = name.rpartition("/")[2]
            found[last] = (*found.get(last, ()), row)
    return found
