"""Which releases of systems, languages and servers get no updates any more, by a given day."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from readiness.facts import images
from readiness.facts.base_images import may_be_official_image
from readiness.facts.table import fact_row_by_name, facts_table
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.image import ImageReference

_VERSION_PATTERN = lazy_regex(r"v?(\d+(?:\.\d+)*)(?:u\d+)?\Z")
_MAX_RELEASE_PARTS = 8  # numbers of a release: a tag may have thousands, and each beginning of it would be a text of its own
_SYSTEM_WITH_VERSION_PATTERN = lazy_regex(r"(alpine|debian|ubuntu|centos|fedora)(\d[\d.]*)\Z")
_PRODUCT_BY_SYSTEM = {"alpine": "alpine-linux"}  # of systems whose name in tags is not that of the row
_SYSTEMS_WITH_CODE_NAMES_IN_TAGS = (
    "debian",
    "ubuntu",
)  # the systems whose code names stand in the tags of other images


class EndOfLife(NamedTuple):
    """A release that gets no updates any more: its name, and the day that ended them."""

    release: str
    end_day: str


@lru_cache(maxsize=16_384)
def _release_facts_of_product(product_name: str) -> Mapping[str, Any]:
    """What is known of the releases of a product: its title, release -> day, code name -> release."""
    first_product_row, other_product_row = (
        fact_row_by_name("releases").get(product_name, {}),
        fact_row_by_name("other-releases").get(product_name, {}),
    )
    return {
        "title": first_product_row.get("title") or other_product_row.get("title", product_name),
        "ends": {**other_product_row.get("ends", {}), **first_product_row.get("ends", {})},
        "names": {**other_product_row.get("names", {}), **first_product_row.get("names", {})},
    }


def _comparison_day_text(today: datetime.date | None) -> str:
    """The day that ends are compared with; that of the facts where none is given."""
    return (today or facts_table("releases").read_on).isoformat()


def end_of_life_of_image(image: ImageReference, today: datetime.date | None = None) -> EndOfLife | None:
    """The release that an image's tag names, when its updates had ended by `today`: of its program, else of its system."""
    if image.name_unknown or image.tag_unknown:
        return None
    image_name, comparison_day = images.public_image_name(image), _comparison_day_text(today)
    product_name = images.image_property(image, "releases")
    end_of_life = (
        _first_ended_release(
            product_name,
            _candidate_releases_of_tag(_release_part_of_tag(image)),
            _release_title(image_name, product_name),
            comparison_day,
        )
        if product_name
        else None
    )
    end_day_of_image = images.image_property(image, "ended")
    if end_of_life is None and end_day_of_image is not None and end_day_of_image <= comparison_day:
        end_of_life = EndOfLife(image_name.rpartition("/")[2], end_day_of_image)
    if end_of_life is None and (product_name or may_be_official_image(image) or images.image_property(image, "systems")):
        distroless_image_name = image_name if image_name.startswith("gcr.io/distroless/") else ""
        end_of_life = _ended_distribution(f"{distroless_image_name}-{image.tag}", comparison_day)
    return end_of_life


def end_of_life_of_release(product_name: str, release_version: str, today: datetime.date | None = None) -> EndOfLife | None:
    """The release of a product, by its name in the table, when its updates had ended by `today`."""
    return _first_ended_release(
        product_name,
        _candidate_releases_of_tag(release_version),
        _release_facts_of_product(product_name)["title"],
        _comparison_day_text(today),
    )


def _release_title(image_name: str, product_name: str) -> str:
    """How a release of an image is called: by the image where it is the product's own, else by the product."""
    return str(_release_facts_of_product(product_name)["title"]) if "/" in image_name else image_name


def _release_part_of_tag(image: ImageReference) -> str:
    """The part of the tag that names the release."""
    release_pattern = images.image_property(image, "release-in")
    if release_pattern is None:
        return image.tag.split("-")[0]
    release_match = re.search(release_pattern, image.tag)
    return release_match.group(1) if release_match else ""


def _first_ended_release(product_name: str, candidate_releases: list[str], release_title: str, comparison_day: str) -> EndOfLife | None:
    """The first of these releases that had ended by a day."""
    product_release_facts = _release_facts_of_product(product_name)
    for release_or_code_name in candidate_releases:
        end_day = product_release_facts["ends"].get(product_release_facts["names"].get(release_or_code_name, release_or_code_name))
        if end_day is not None and end_day <= comparison_day:
            return EndOfLife(
                release_or_code_name if release_or_code_name.startswith(release_title) else f"{release_title} {release_or_code_name}",
                end_day,
            )
    return None


def _candidate_releases_of_tag(version_text: str) -> list[str]:
    """The releases that a tag may name, the closest first: `3.8.1` is 3.8.1, 3.8 and 3."""
    version_match = _VERSION_PATTERN.match(version_text)
    if version_match is None:
        return [version_text] if version_text else []
    version_parts = version_match.group(1).split(".", _MAX_RELEASE_PARTS)[:_MAX_RELEASE_PARTS]
    return [".".join(version_parts[:count]) for count in range(len(version_parts), 0, -1)]


def _ended_distribution(image_name_and_tag: str, comparison_day: str) -> EndOfLife | None:
    """The distribution in a tag: `3.11-buster`, `20-alpine3.18`, `11.8.0-base-ubuntu20.04`."""
    for tag_part in re.split(r"[-_]", image_name_and_tag)[1:]:
        for system_name in _SYSTEMS_WITH_CODE_NAMES_IN_TAGS:
            end_of_life = (
                _first_ended_release(system_name, [tag_part], tag_part, comparison_day)
                if tag_part in _release_facts_of_product(system_name)["names"]
                else None
            )
            if end_of_life:
                return end_of_life
        system_version_match = _SYSTEM_WITH_VERSION_PATTERN.match(tag_part)
        if system_version_match:
            system_name = system_version_match.group(1)
            end_of_life = _first_ended_release(
                _PRODUCT_BY_SYSTEM.get(system_name, system_name),
                _candidate_releases_of_tag(system_version_match.group(2)),
                system_name,
                comparison_day,
            )
            if end_of_life:
                return end_of_life
    return None
