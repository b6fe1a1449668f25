"""Passwords weigh by who can log in with them: nobody from outside, everybody anyway, or whoever reads the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

RULES = [
    *("compose/password-well-known", "compose/secret-inline", "compose/env-file-committed", "compose/secret-in-command"),
    *("k8s/secret-in-env", "k8s/authentication-off", "k8s/secret-in-config-map"),
]


def found(root: Path, files: dict[str, str]) -> list[tuple[str, int, str]]:
    """(file, line, severity) of what is told of secrets."""
    write_files(root, files)
    report = readiness.check([root], select=RULES, base=root, purpose="production")
    return sorted((one.path, one.line, one.severity.name.lower()) for one in report.findings)


STACK = """\
services:
  db:
    image: {image}
    restart: always
    volumes: ['data:/data']
    environment: {{{name}: {value}}}
    {db}
  web:
    image: acme/web:1.4
    restart: always
    ports: ["80:8080"]
{more}
"""
POSTGRES = {"image": "postgres:17.2", "name": "POSTGRES_PASSWORD", "value": "postgres"}
STORES = {
    "no port": ({}, "medium"),
    "a word of somebody's own": ({"value": "seafarer"}, "medium"),
    "a word of somebody's own, at a port": ({"value": "seafarer", "db": 'ports: ["5432:5432"]'}, "medium"),
    "a random password": ({"value": "Kq7vT2mXw9pLZz81"}, "medium"),
    "a cache": ({"image": "bitnami/redis:7.4", "name": "REDIS_PASSWORD"}, "medium"),
    "expose": ({"db": "expose: [5432]"}, "medium"),
    "the host alone": ({"db": 'ports: ["127.0.0.1:5432:5432"]'}, "medium"),
    "a network of its own": ({"db": "networks: [back]", "more": "networks: {back: {internal: true}}"}, "medium"),
    "a console that nobody reaches": ({"more": "  ui: {image: 'adminer:5.4'}"}, "medium"),
    "a port": ({"db": 'ports: ["5432:5432"]'}, "high"),
    "a port on an address of the network": ({"db": 'ports: ["192.168.7.2:5432:5432"]'}, "medium"),
    "any port of the host": ({"db": 'ports: ["5432"]'}, "high"),
    "the host's network": ({"db": "network_mode: host"}, "high"),
    "the network of another service": ({"db": "network_mode: 'service:web'"}, "medium"),
    "a network from outside": ({"db": "networks: [shared]", "more": "networks: {shared: {external: true}}"}, "medium"),
    "the default network from outside": ({"more": "networks: {default: {external: true, name: shared}}"}, "medium"),
    "an address of the network": ({"db": "networks: [lan]", "more": "networks: {lan: {driver: macvlan}}"}, "medium"),
    "a proxy that is told of it": ({"db": "labels: ['traefik.enable=true']"}, "high"),
    "a published console": ({"more": "  ui: {image: 'adminer:5.4', ports: ['8080:8080']}"}, "high"),
    "a file that is not here": ({"more": "include: [more/compose.yaml]"}, "medium"),
    "what keeps objects behind a path": ({"image": "minio/minio", "name": "MINIO_ROOT_PASSWORD"}, "medium"),
    "what keeps objects, published": ({"image": "minio/minio", "name": "MINIO_ROOT_PASSWORD", "db": "ports: ['9000:9000']"}, "high"),
    "an application": ({"image": "acme/ledger:1.4", "name": "ADMIN_PASSWORD"}, "medium"),
    "a published application": ({"image": "acme/ledger:1.4", "name": "ADMIN_PASSWORD", "db": "ports: ['80:80']"}, "high"),
    "a published application, on the host alone": (
        {"image": "acme/ledger:1.4", "name": "ADMIN_PASSWORD", "db": "ports: ['127.0.0.1:80:80']"},
        "medium",
    ),
    "a published application's login elsewhere": ({"image": "acme/ledger:1.4", "name": "MAIL_PASSWORD", "db": "ports: ['80:80']"}, "medium"),
    "a published application's own": ({"image": "acme/ledger:1.4", "name": "PASSWORD", "db": "ports: ['80:80']"}, "high"),
}


@pytest.mark.parametrize(("fields", "want"), STORES.values(), ids=STORES)
def test_the_password_of_a_store(tmp_path: Path, fields: dict[str, str], want: str) -> None:
    text = STACK.format(**(POSTGRES | {"db": "", "more": ""} | fields))
    assert found(tmp_path, {"compose.yaml": text}) == [("compose.yaml", 6, want)]


def test_a_client_of_a_closed_store_and_its_own_secrets(tmp_path: Path) -> None:
    text = STACK.format(**POSTGRES | {"value": '"${DB_PASSWORD:?}"'}, db="", more=(
        "    environment:\n"
        "      DATABASE_URL: postgres://clerk:seafarer@db/ledger\n"
        "      SESSION_SECRET: Yh3sPq7cWd5Jt1Gf\n"
        "      MAIL_URL: smtp://clerk:seafarer@mail.acme.io\n"
    ))  # fmt: skip
    assert found(tmp_path, {"compose.yaml": text}) == [
        ("compose.yaml", 13, "medium"),
        ("compose.yaml", 14, "high"),
        ("compose.yaml", 15, "medium"),
    ]


ENV_FILES = {
    "the store's alone": ("", "medium"),
    "a client's too": ("    environment: {DB_PASSWORD: '${DB_PASSWORD}', DB_HOST: db, DB_USER: clerk}", "medium"),
    "a client's, whose host is not told": ("    environment: {DB_PASSWORD: '${DB_PASSWORD}'}", "medium"),
    "another secret's too": ("    environment: {ADMIN_PASSWORD: '${DB_PASSWORD}'}", "medium"),
    "in a URL elsewhere": ("    environment: {MAIL_URL: 'smtp://a:${DB_PASSWORD}@mail.acme.io'}", "medium"),
}


@pytest.mark.parametrize(("more", "want"), ENV_FILES.values(), ids=ENV_FILES)
def test_an_environment_file(tmp_path: Path, more: str, want: str) -> None:
    text = STACK.format(**POSTGRES | {"value": '"${DB_PASSWORD:?}"'}, db="", more=more)
    files = {"compose.yaml": text, ".env": "DB_PASSWORD=Kq7vT2mXw9pLZz81\n", ".gitignore": "node_modules\n"}
    assert found(tmp_path, files) == [(".env", 1, want)]


def test_a_file_that_another_stack_publishes_with(tmp_path: Path) -> None:
    closed = STACK.format(**POSTGRES | {"value": '"${DB_PASSWORD:?}"'}, db="", more="")
    opened = STACK.format(**POSTGRES | {"value": '"${DB_PASSWORD:?}"'}, db="ports: ['5432:5432']", more="")
    files = {"compose.yaml": closed, "stack.yaml": opened, ".env": "DB_PASSWORD=Kq7vT2mXw9pLZz81\n", ".gitignore": "x\n"}
    assert found(tmp_path, files) == [(".env", 1, "medium")]


@pytest.mark.parametrize(("port", "want"), [("", "medium"), ('ports: ["6379:6379"]', "high")])
def test_a_command(tmp_path: Path, port: str, want: str) -> None:
    cache = f"  cache:\n    image: redis:7.4\n    restart: always\n    {port}\n    command: redis-server --requirepass Kq7vT2mXw9\n"
    text = f"services:\n{cache}    volumes: ['data:/data']\n  web: {{image: 'acme/web:1.4', restart: always}}\n"
    assert found(tmp_path, {"compose.yaml": text}) == [("compose.yaml", 6, want)]


# -- Servers that ask for no password -----------------------------------------------------------------------------


def deployment(name: str, image: str, **variables: str) -> str:
    """A Deployment with the variables of its container, from line 9 on, and a Service before it."""
    env = "".join(f"            - {{name: {key}, value: '{value}'}}\n" for key, value in variables.items())
    return (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 5432}}]}}\n---\n"
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n"
        f"  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n        - name: {name}\n"
        f"          image: {image}\n          env:\n{env}"
    )


GRAFANA = {
    "everybody is an administrator": ({"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin"}, "admin", 0),
    "everybody may look": ({"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer"}, "admin", 1),
    "everybody may look, by default": ({"GF_AUTH_ANONYMOUS_ENABLED": "true"}, "admin", 1),
    "nobody": ({"GF_AUTH_ANONYMOUS_ENABLED": "false", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin"}, "admin", 1),
    "a password that may be in use elsewhere": (
        {"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin"},
        "Kq7vT2mXw9pLZz81",
        1,
    ),
}


@pytest.mark.parametrize(("settings", "password", "count"), GRAFANA.values(), ids=GRAFANA)
def test_a_login_that_adds_nothing(tmp_path: Path, settings: dict[str, str], password: str, count: int) -> None:
    given = settings | {"GF_SECURITY_ADMIN_PASSWORD": password}
    write_files(tmp_path, {"k8s/a.yaml": deployment("charts", "grafana/grafana:12.0.0", **given)})
    lines = "".join(f"      {key}: '{value}'\n" for key, value in given.items())
    text = f"services:\n  charts:\n    image: grafana/grafana:12.0.0\n    restart: always\n    ports: ['3000:3000']\n    environment:\n{lines}"
    write_files(tmp_path, {"stack/compose.yaml": text})
    for folder, rules in (("k8s", RULES[4:5]), ("stack", RULES[:2])):
        assert len(readiness.check([tmp_path / folder], select=rules, base=tmp_path).findings) == count


CLIENT = {"PGHOST": "ledger", "PGUSER": "clerk", "PGPASSWORD": "seafarer"}
SERVERS = {
    "a server that trusts everybody": (deployment("ledger", "postgres:17.2", POSTGRES_HOST_AUTH_METHOD="trust"), "low"),
    "a server that asks": (deployment("ledger", "postgres:17.2", POSTGRES_HOST_AUTH_METHOD="scram-sha-256"), "medium"),
    "another client without one": (
        deployment("ledger", "acme/pg:17") + "---\n" + deployment("web", "acme/web:1", DB_HOST="ledger", DB_USER="clerk"),
        "medium",
    ),
    "another user without one": (
        deployment("ledger", "acme/pg:17") + "---\n" + deployment("web", "acme/web:1", DB_HOST="ledger", DB_USER="guest"),
        "medium",
    ),
    "another server": (
        deployment("ledger", "acme/pg:17") + "---\n" + deployment("web", "acme/web:1", DB_HOST="books", DB_USER="clerk"),
        "medium",
    ),
    "another client with a file": (
        deployment("ledger", "acme/pg:17") + "---\n" + deployment("web", "acme/web:1", DB_HOST="ledger", DB_USER="clerk", DB_PASSFILE="/run/pass"),
        "medium",
    ),
}


@pytest.mark.parametrize(("server", "want"), SERVERS.values(), ids=SERVERS)
def test_a_password_that_is_not_asked_for(tmp_path: Path, server: str, want: str) -> None:
    write_files(tmp_path, {"client.yaml": deployment("jobs", "acme/jobs:1.4", **CLIENT), "server.yaml": server})
    report = readiness.check([tmp_path], select=["k8s/secret-in-env"], base=tmp_path)
    assert [one.severity.name.lower() for one in report.findings if one.path == "client.yaml"] == [want]


def test_a_compose_server_that_trusts_everybody(tmp_path: Path) -> None:
    more = "    environment: {DATABASE_URL: 'postgres://clerk:seafarer@db/ledger'}"
    trusting = {"name": "POSTGRES_HOST_AUTH_METHOD", "value": "trust"}
    text = STACK.format(**POSTGRES | trusting, db="ports: ['5432:5432']", more=more)
    assert found(tmp_path, {"compose.yaml": text}) == [("compose.yaml", 12, "low")]


# -- Values that are no secret, and samples -----------------------------------------------------------------------

VALUES = {
    "options with a path": ("AUTH_TOKEN", "jwt,priv-key=/keys/jwt.pem,sign-method=RS256,ttl=10m", []),
    "options": ("AUTH_TOKEN", "mode=fast,cache-size=10", []),
    "an option that is a secret": ("AUTH_TOKEN", "jwt,secret=seafarer", ["medium"]),
    "a random option": ("AUTH_TOKEN", "jwt,key=Kq7vT2mXw9pLZz81", ["medium"]),
    "a password with a comma": ("ADMIN_PASSWORD", "Kq7v,T2mXw9", ["medium"]),
    "one of several samples": ("ADMIN_PASSWORD", "another_pw", ["medium"]),
    "the first of several": ("ADMIN_PASSWORD", "first-password", ["medium"]),
    "a word that praises itself": ("ADMIN_PASSWORD", "totallysecret", ["medium"]),
    "words that ask for others": ("ADMIN_PASSWORD", "override_me", ["medium"]),
    "a word of praise and another": ("ADMIN_PASSWORD", "totally-seafarer", ["medium"]),
    "an ordinal alone": ("ADMIN_PASSWORD", "second", ["medium"]),
    "what everybody tries": ("ADMIN_PASSWORD", "supersecret", ["medium"]),
}


@pytest.mark.parametrize(("name", "value", "want"), VALUES.values(), ids=VALUES)
def test_samples_and_options(tmp_path: Path, name: str, value: str, want: list[str]) -> None:
    write_files(tmp_path, {"a.yaml": deployment("web", "acme/web:1.4", **{name: value})})
    report = readiness.check([tmp_path], select=["k8s/secret-in-env"], base=tmp_path)
    assert [one.severity.name.lower() for one in report.findings] == want
