"""The table of public images: its shape, and what is asked of it."""

from __future__ import annotations

import pytest

from readiness.facts.public_images import (
    DATA_STORE_ROLES,
    facts_of_public_image,
    is_slow_starting_server,
    lasting_data_folders,
)
from readiness.facts.table import property_by_fact_name
from readiness.syntax import image as images

ROLES = DATA_STORE_ROLES | set("console metrics alerts logs traces proxy tunnel agent registry docker mail-catcher emulator tool".split())


def test_every_role_is_known() -> None:
    assert set(property_by_fact_name("images", "role").values()) == ROLES | {""}


def test_values_that_let_everybody_in_are_lower_case() -> None:
    """They are compared with the value in lower case."""
    for settings in property_by_fact_name("images", "off").values():
        for values in settings.values():
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
    image = images.parse_image(text)
    row = facts_of_public_image(image)
    assert row is not None
    assert row.state_folders(image)[0] == folder


def test_any_value_that_is_not_empty_allows_an_empty_password() -> None:
    row = facts_of_public_image(images.parse_image("mysql:8.4"))
    assert row is not None
    assert row.opens_to_all("MYSQL_ALLOW_EMPTY_PASSWORD", "no", ())
    assert not row.opens_to_all("MYSQL_ALLOW_EMPTY_PASSWORD", "", ())
    assert not row.opens_to_all("MYSQL_DATABASE", "yes", ())


OUTWEIGHED = [
    ("mysql:8.4", "MYSQL_ALLOW_EMPTY_PASSWORD", "yes", "MYSQL_ROOT_PASSWORD"),
    ("mysql:8.4", "MYSQL_ALLOW_EMPTY_PASSWORD", "yes", "MYSQL_RANDOM_ROOT_PASSWORD"),
    ("mariadb:11.4", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "1", "MARIADB_ROOT_PASSWORD_HASH"),
    ("mariadb:11.4", "MYSQL_ALLOW_EMPTY_PASSWORD", "1", "MARIADB_ROOT_PASSWORD"),
    ("bitnami/redis:7.4", "ALLOW_EMPTY_PASSWORD", "yes", "REDIS_PASSWORD"),
]


@pytest.mark.parametrize(("image", "setting", "value", "password"), OUTWEIGHED)
def test_a_password_that_is_set_outweighs_the_leave_to_have_none(image: str, setting: str, value: str, password: str) -> None:
    row = facts_of_public_image(images.parse_image(image))
    assert row is not None
    assert not row.opens_to_all(setting, value, {password})
    assert row.opens_to_all(setting, value, {"MYSQL_PASSWORD", "REDIS_HOST"})  # of another account, or of nothing


def test_trust_lets_in_whatever_password_is_set() -> None:
    row = facts_of_public_image(images.parse_image("postgres:17.2"))
    assert row is not None
    assert row.opens_to_all("POSTGRES_HOST_AUTH_METHOD", "trust", {"POSTGRES_PASSWORD"})


DATA = {
    "postgres:17.2": "/var/lib/postgresql/data",
    "registry.example.com/db/postgres:17": "/var/lib/postgresql/data",
    "apache/kafka:3.9.0": "/var/lib/kafka/data",
    "getmeili/meilisearch:v1.10": "/meili_data",
    "registry.example.com/mirror/meilisearch:v1.10": "/meili_data",
    "registry.k8s.io/etcd:3.5": "/default.etcd",
    "redis:7": None,  # a cache may lose what it holds
    "memcached:1.6": None,
    "nats:2": None,
    "grafana/grafana:12.4.0": None,  # no store of other services' data
    "acme/kafka:1": None,  # the name alone does not tell: Strimzi's image of that name is an operator's
    "acme/server:1": None,
    "$REGISTRY/$NAME": None,
    "": None,
}


@pytest.mark.parametrize(("text", "folder"), DATA.items())
def test_where_stores_keep_data_that_must_last(text: str, folder: str | None) -> None:
    found = lasting_data_folders(images.parse_image(text))
    assert (found[0] if found else None) == folder


@pytest.mark.parametrize(
    ("text", "slow"),
    [
        ("elasticsearch:8.17.0", True),
        ("registry.example.com/mirror/elasticsearch:8.17.0", True),
        ("mcr.microsoft.com/mssql/server:2022-latest", True),
        ("quay.io/keycloak/keycloak:26.0", True),
        ("acme/server:1", False),
        ("nginx:1.30.4", False),
    ],
)
def test_servers_that_start_slowly(text: str, slow: bool) -> None:
    assert is_slow_starting_server(images.parse_image(text)) is slow


@pytest.mark.parametrize("mirror", ["", "public.ecr.aws/docker/library/", "mirror.gcr.io/library/"])
def test_a_mirror_of_the_official_images_is_them(mirror: str) -> None:
    found = facts_of_public_image(images.parse_image(f"{mirror}rabbitmq:4.0.5"))
    assert found is not None
    assert found.role == "queue"
