"""Which releases of systems, languages and servers get no updates any more, by a given day."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from readiness.facts import images
from readiness.facts.base_images import may_be_official_image
from readiness.facts.table import fact_rows, facts_table
from readiness.syntax.image import ImageReference

_VERSION_PART = re.compile(r"v?(\d+(?:\.\d+)*)(?:u\d+)?\Z")
_SYSTEM_IN_TAG = re.compile(r"(alpine|debian|ubuntu|centos|fedora)(\d[\d.]*)\Z")
_PRODUCT_BY_SYSTEM = {"alpine": "alpine-linux"}  # of systems whose name in tags is not that of the row
_SYSTEMS_WITH_CODE_NAMES = (
    "debian",
    "ubuntu",
)  # the systems whose code names stand in the tags of other images


class EndOfLife(NamedTuple):
    """A release that gets no updates any more: its name, and the day that ended them."""

    release: str
    end_day: str


@lru_cache(maxsize=1024)
def _product_releases(name: str) -> Mapping[str, Any]:
    """What is known of the releases of a product: its title, release -> day, code name -> release."""
    first, second = fact_rows("releases").get(name, {}), fact_rows("other-releases").get(name, {})
    return {
        "title": first.get("title") or second.get("title", name),
        "ends": {**second.get("ends", {}), **first.get("ends", {})},
        "names": {**second.get("names", {}), **first.get("names", {})},
    }


def _comparison_day(today: datetime.date | None) -> str:
    """The day that ends are compared with; that of the facts where none is given."""
    return (today or facts_table("releases").read_on).isoformat()


def end_of_life(image: ImageReference, today: datetime.date | None = None) -> EndOfLife | None:
    """The release that an image's tag names, when its updates had ended by `today`: of its program, else of its system."""
    if image.name_unknown or image.tag_unknown:
        return None
    name, day = images.public_name(image), _comparison_day(today)
    product = images.image_property(image, "releases")
    end_of_life = (
        _first_ended_release(
            product,
            _releases_named_by_tag(_release_part_of_tag(image)),
            _release_title(name, product),
            day,
        )
        if product
        else None
    )
    ended = images.image_property(image, "ended")
    if end_of_life is None and ended is not None and ended <= day:
        end_of_life = EndOfLife(name.rpartition("/")[2], ended)
    if end_of_life is None and (product or may_be_official_image(image) or images.image_property(image, "systems")):
        in_name = name if name.startswith("gcr.io/distroless/") else ""
        end_of_life = _ended_distribution(f"{in_name}-{image.tag}", day)
    return end_of_life


def end_of_release(product: str, version: str, today: datetime.date | None = None) -> EndOfLife | None:
    """The release of a product, by its name in the table, when its updates had ended by `today`."""
    return _first_ended_release(
        product,
        _releases_named_by_tag(version),
        _product_releases(product)["title"],
        _comparison_day(today),
    )


def _release_title(name: str, product: str) -> str:
    """How a release of an image is called: by the image where it is the product's own, else by the product."""
    return str(_product_releases(product)["title"]) if "/" in name else name


def _release_part_of_tag(image: ImageReference) -> str:
    """The part of the tag that names the release."""
    form = images.image_property(image, "release-in")
    if form is None:
        return image.tag.split("-")[0]
    match = re.search(form, image.tag)
    return match.group(1) if match else ""


def _first_ended_release(product: str, releases: list[str], title: str, today: str) -> EndOfLife | None:
    """The first of these releases that had ended by a day."""
    known = _product_releases(product)
    for cycle in releases:
        day = known["ends"].get(known["names"].get(cycle, cycle))
        if day is not None and day <= today:
            return EndOfLife(cycle if cycle.startswith(title) else f"{title} {cycle}", day)
    return None


def _releases_named_by_tag(tag: str) -> list[str]:
    """The releases that a tag may name, the closest first: `3.8.1` is 3.8.1, 3.8 and 3."""
    match = _VERSION_PART.match(tag)
    if match is None:
        return [tag] if tag else []
    parts = match.group(1).split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _ended_distribution(text: str, today: str) -> EndOfLife | None:
    """The distribution in a tag: `3.11-buster`, `20-alpine3.18`, `11.8.0-base-ubuntu20.04`."""
    for part in re.split(r"[-_]", text)[1:]:
        for system in _SYSTEMS_WITH_CODE_NAMES:
            end_of_life = (
                _first_ended_release(system, [part], part, today) if part in _product_releases(system)["names"] else None
            )
            if end_of_life:
                return end_of_life
        match = _SYSTEM_IN_TAG.match(part)
        if match:
            system = match.group(1)
            end_of_life = _first_ended_release(
                _PRODUCT_BY_SYSTEM.get(system, system),
                _releases_named_by_tag(match.group(2)),
                system,
                today,
            )
            if end_of_life:
                return end_of_life
    return None
