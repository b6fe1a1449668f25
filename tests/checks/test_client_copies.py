"""A client's copy of a store's password is told once, at the store; a store of an unknown image is known by how it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

RULES = ["compose/password-well-known", "compose/secret-inline"]


def secret_findings(root: Path, compose_text: str) -> list[tuple[int, str, int]]:
    """(line, severity, number of related places) of each secret that is told of one compose file."""
    write_files(root, {"compose.yaml": compose_text})
    report = readiness.check([root], select=RULES, base=root, purpose="production")
    return sorted((one.line, one.severity.name.lower(), len(one.related)) for one in report.findings)


STORE_AND_CLIENT = """\
services:
  store:
    image: {image}
    restart: always
    volumes: ["data:/var/lib/postgresql/data", "data:/var/lib/mysql"]
    {store}
    environment: {{{server_name}: {value}}}
  maps:
    image: acme/maps:2.26
    restart: always
    ports: ["80:8080"]
    environment:
      {host_name}: {host}
      {client_name}: {client_value}
"""
DEFAULTS = {
    "image": "postgis/postgis:16-3.4",
    "store": "",
    "server_name": "POSTGRES_PASSWORD",
    "value": "seafarer",
    "host_name": "HOST",
    "host": "store",
    "client_name": "POSTGRES_PASS",
    "client_value": "seafarer",
}
CLIENTS = {
    "a bare host": ({}, [(7, "medium", 1)]),
    "a bare host, at a published store": (
        {"store": 'ports: ["5432:5432"]', "value": "postgres", "client_value": "postgres"},
        [(7, "high", 1)],
    ),
    "another word for the host": ({"host_name": "DB_SERVER", "client_name": "MAPS_DB_PASSWORD"}, [(7, "medium", 1)]),
    "what the client of PostgreSQL takes": ({"host_name": "PGHOST", "client_name": "PGPASSWORD"}, [(7, "medium", 1)]),
    "a host with its port": ({"host_name": "DB_HOST", "host": "'store:5432'"}, [(7, "medium", 1)]),
    "the root password without its user": (
        {
            "image": "mysql:8.4.9",
            "server_name": "MYSQL_ROOT_PASSWORD",
            "value": "root",
            "client_value": "root",
            "host_name": "MYSQL_HOST",
            "client_name": "MYSQL_ROOT_PASS",
        },
        [(7, "medium", 1)],
    ),
    "an address without a scheme": ({"host_name": "MYSQL_URL", "host": "'store:5432'", "client_name": "MYSQL_PASSWORD"}, [(7, "medium", 1)]),
    "an address of JDBC": ({"host_name": "JDBC_URL", "host": "'jdbc:postgresql://store/maps'", "client_name": "DB_PASSWORD"}, [(7, "medium", 1)]),
    "an address elsewhere": ({"host_name": "JDBC_URL", "host": "'jdbc:postgresql://db.acme.io/maps'"}, [(7, "medium", 0), (14, "medium", 0)]),
    "an address of a page": ({"host_name": "ROOT_URL", "host": "http://localhost:80/store"}, [(7, "medium", 0), (14, "medium", 0)]),
    "a user's own name in a URL": (
        {"host_name": "POSTGRES_USER", "host": "seafarer", "client_name": "DB_URL", "client_value": "postgresql://seafarer:seafarer@store/maps"},
        [(7, "medium", 1)],
    ),
    "a password that everybody tries": ({"value": "postgres", "client_value": "postgres"}, [(7, "medium", 1)]),
    "a host that is no service": ({"host": "db.acme.io"}, [(7, "medium", 0), (14, "medium", 0)]),
    "no host": ({"host_name": "REGION", "host": "store"}, [(7, "medium", 0), (14, "medium", 0)]),
    "another password": ({"client_value": "lighthouse"}, [(7, "medium", 0), (14, "medium", 0)]),
    "the password of an application": (
        {"client_name": "ADMIN_PASSWORD", "value": "postgres", "client_value": "postgres"},
        [(7, "medium", 0), (14, "high", 0)],
    ),
}


@pytest.mark.parametrize(("fields", "want"), CLIENTS.values(), ids=CLIENTS)
def test_a_client_beside_the_host_of_its_store(tmp_path: Path, fields: dict[str, str], want: list[tuple[int, str, int]]) -> None:
    assert secret_findings(tmp_path, STORE_AND_CLIENT.format(**DEFAULTS | fields)) == want


UNKNOWN_STORE = """\
services:
  ledger:
    image: {image}
    restart: always
    environment: {{{name}: postgres}}
    {more}
"""
MYSQL, POSTGRES = "MYSQL_ROOT_PASSWORD", "POSTGRES_PASSWORD"
STORES = {
    "a server's command": (MYSQL, "command: [mysqld, --character-set-server=utf8]", "medium"),
    "a server's command, with its path": (MYSQL, "command: /usr/sbin/mariadbd --user=mysql", "medium"),
    "options alone, and the folder": (MYSQL, "command: [--skip-log-bin]\n    volumes: ['data:/var/lib/mysql']", "medium"),
    "the folder of the data": (POSTGRES, "volumes: ['data:/var/lib/postgresql/data']", "medium"),
    "the port, exposed": (POSTGRES, "expose: [5432]", "medium"),
    "the port, published": (POSTGRES, 'ports: ["5432:5432"]', "high"),
    "the folder and a published port": (POSTGRES, "volumes: ['data:/var/lib/postgresql/data']\n    ports: ['80:80']", "high"),
    "the password alone": (POSTGRES, "", "medium"),
    "a client's command": (MYSQL, "command: [mysqldump, --all]\n    volumes: ['data:/var/lib/mysql']", "medium"),
    "another program": (MYSQL, "entrypoint: /start\n    volumes: ['data:/var/lib/mysql']", "medium"),
    "the folder of another store": (POSTGRES, "volumes: ['data:/var/lib/mysql']", "medium"),
}


@pytest.mark.parametrize(("name", "more", "want"), STORES.values(), ids=STORES)
def test_a_store_of_an_unknown_image(tmp_path: Path, name: str, more: str, want: str) -> None:
    assert secret_findings(tmp_path, UNKNOWN_STORE.format(image="acme/ledger:1.4", name=name, more=more)) == [(5, want, 0)]


COMPANIONS = {"a backup": ("", "medium"), "a backup's image that starts the server": ("command: mysqld", "medium")}


@pytest.mark.parametrize(("more", "want"), COMPANIONS.values(), ids=COMPANIONS)
def test_what_stands_beside_a_store(tmp_path: Path, more: str, want: str) -> None:
    text = UNKNOWN_STORE.format(image="acme/mysql-backup:1.4", name=MYSQL, more=f"volumes: ['data:/var/lib/mysql']\n    {more}")
    assert secret_findings(tmp_path, text) == [(5, want, 0)]


def test_a_store_that_is_built(tmp_path: Path) -> None:
    write_files(tmp_path, {"db/Dockerfile": "FROM postgres:17.2\nCOPY init.sql /docker-entrypoint-initdb.d/\n"})
    text = "services:\n  db:\n    build: ./db\n    restart: always\n    environment: {POSTGRES_PASSWORD: seafarer}\n"
    assert secret_findings(tmp_path, text) == [(5, "medium", 0)]


def test_a_file_that_both_are_given(tmp_path: Path) -> None:
    stack = (
        "services:\n"
        "  db:\n    image: mariadb:11.4\n    restart: always\n    env_file: [stack.env]\n    volumes: ['d:/var/lib/mysql']\n"
        "  app:\n    image: acme/app:1.4\n    restart: always\n    env_file: [stack.env]\n    environment: {DB_HOST: db}\n"
    )
    write_files(tmp_path, {"stack.env": "MARIADB_PASSWORD=insecure\nMARIADB_ROOT_PASSWORD=insecure\n"})
    write_files(tmp_path, {"compose.yaml": stack})
    report = readiness.check([tmp_path], select=RULES, base=tmp_path)
    assert sorted((one.path, one.line) for one in report.findings) == [("stack.env", 1), ("stack.env", 2)]
