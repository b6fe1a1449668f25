"""Names that move: tags by design, flavours without a version, branches, and what only looks like one."""

from __future__ import annotations

import pytest

from readiness.facts.moving import is_floating_image, is_floating_tag, is_moving_name_of_kind
from readiness.facts.table import fact_row_by_name
from readiness.syntax.image import parse_image

TAGS = {
    "latest": True,
    "Latest": True,
    "stable-alpine": True,
    "lts_slim": True,
    "alpine": True,
    "1.27": False,
    "1-alpine": False,
    "bookworm": False,
    "alpine3.20": False,
    "nightly-2024-01-01": False,
    "v1": False,
}


@pytest.mark.parametrize(("tag", "expected"), TAGS.items())
def test_floating_tags(tag: str, expected: bool) -> None:
    assert is_floating_tag(tag) is expected


def test_an_image_without_a_tag_floats_and_one_with_a_digest_does_not() -> None:
    assert is_floating_image(parse_image("nginx"))
    assert is_floating_image(parse_image("nginx:stable"))
    assert not is_floating_image(parse_image(f"nginx:stable@sha256:{'a' * 64}"))
    assert not is_floating_image(parse_image("nginx:$TAG"))
    assert not is_floating_image(parse_image("nginx:1.27"))


def test_every_name_that_moves_elsewhere_moves_as_a_tag_too() -> None:
    """One list: a name that one check takes for moving is not fixed for another."""
    assert not [name for name, row in fact_row_by_name("moving-names").items() if not row.keys() & {"tag", "flavour"}]


def test_a_flavour_is_no_branch() -> None:
    assert is_moving_name_of_kind("ref", "Main")
    assert not is_moving_name_of_kind("ref", "alpine")
    assert not is_moving_name_of_kind("dist-tag", "1.2.3")
