"""The table of public images: its shape, and what is asked of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from readiness.facts.public_images import STORES, known
from readiness.syntax import image as images

TABLE = Path(__file__).parents[2] / "readiness" / "data" / "compose-images.json"
ROWS: list[dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))["images"]
KEYS = set(
    "names role ports admin data from18 off default alias keyed flags flagsoff docker host volatile".split()
)
ROLES = STORES | set(
    "console metrics alerts logs traces proxy tunnel agent registry docker mail-catcher tool".split()
)


def test_every_row_says_only_what_is_read() -> None:
    assert not [row["names"] for row in ROWS if set(row) - KEYS]
    assert {row["role"] for row in ROWS} <= ROLES | {""}


def test_an_image_stands_once() -> None:
    counted = Counter(name for row in ROWS for name in row["names"])
    assert [name for name, times in counted.items() if times > 1] == []


def test_values_that_let_everybody_in_are_lower_case() -> None:
    """They are compared with the value in lower case."""
    for row in ROWS:
        for values in row.get("off", {}).values():
            assert values == [value.lower() for value in values]


FOLDERS = {
    "postgres:17.2": "/var/lib/postgresql/data",
    "postgres": "/var/lib/postgresql/data",
    "postgres:18": "/var/lib/postgresql/18/docker",
    "docker.io/library/postgres:19.1-alpine": "/var/lib/postgresql/19/docker",
    "pgvector/pgvector:0.8.1-pg18": "/var/lib/postgresql/18/docker",
    "pgvector/pgvector:pg17": "/var/lib/postgresql/data",
    "timescale/timescaledb:2.18.0-pg16": "/var/lib/postgresql/data",
    "bitnamilegacy/postgresql:18": "/var/lib/postgresql/data",
}


@pytest.mark.parametrize(("text", "folder"), FOLDERS.items())
def test_where_data_lies_depends_on_the_release(text: str, folder: str) -> None:
    image = images.parse(text)
    row = known(image)
    assert row is not None
    assert row.folders(image)[0] == folder


def test_any_value_that_is_not_empty_allows_an_empty_password() -> None:
    row = known(images.parse("mysql:8.4"))
    assert row is not None
    assert row.opens("MYSQL_ALLOW_EMPTY_PASSWORD", "no")
    assert not row.opens("MYSQL_ALLOW_EMPTY_PASSWORD", "")
    assert not row.opens("MYSQL_DATABASE", "yes")
