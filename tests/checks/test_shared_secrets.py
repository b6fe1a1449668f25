"""Secrets by what stands around them: told once, told where they let in, and less where little is behind them."""

from __future__ import annotations

import base64
import datetime

import pytest

from readiness import kinds
from readiness.loading import reading
from readiness.model import Finding, Source
from readiness.model.project import Project
from readiness.run import engine
from tests.certificates import make_certificate
from tests.conftest import catalogue

RULES = {
    *("k8s/secret-in-env", "k8s/secret-committed", "k8s/secret-in-config-map", "k8s/secret-in-arguments"),
    *("compose/password-well-known", "compose/secret-inline"),
}
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE KEY-----\n"


def findings(files: dict[str, str]) -> list[Finding]:
    """What the rules on secrets find in files that lie together, on the last day of 2026."""
    sources = [Source(path, text, kind=kinds.detect_kind(path, text)) for path, text in files.items()]
    documents = [(one.kind, document) for one, document, _ in reading.parse_sources(sources)]
    project = Project(documents, set(files), today=datetime.date(2026, 12, 31))
    outcome = engine.EngineResult()
    bounds = [one for one in catalogue() if one.rule.id in RULES]
    engine.run_rules(project, bounds, {one.rule.id: one.rule for one in catalogue()}, outcome)
    return engine.sort_and_deduplicate(outcome.findings)


def told(files: dict[str, str]) -> list[tuple[str, str, int]]:
    """(severity, file, number of related places) of each finding."""
    return [(one.severity.name.lower(), one.path, len(one.related)) for one in findings(files)]


def compose(**services: dict[str, str]) -> dict[str, str]:
    """A compose file with the environments of services."""
    lines = ["services:"]
    for name, variables in services.items():
        lines += [f"  {name}:", "    restart: always", f"    image: acme/{name}:1.2", "    environment:"]
        lines += [f"      {key}: {value}" for key, value in variables.items()]
    return {"compose.yaml": "\n".join(lines) + "\n"}


def deployment(name: str, service: bool = True, **variables: str) -> str:
    """A Deployment with variables, and a Service of its name."""
    env = ", ".join(f"{{name: {key}, value: '{value}'}}" for key, value in variables.items())
    made = (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{selector: {{matchLabels: {{app: {name}}}}}, "
        f"template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: {name}, image: 'acme/{name}:1', "
        f"env: [{env}]}}]}}}}}}\n"
    )
    return made + (
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 1}}]}}\n"
        if service
        else ""
    )


# -- descriptions ---------------------------------------------------------------------------------------------------

DESCRIPTIONS = {"JWT_SECRET": "some-long-random-string", "SESSION_SECRET": "replace-with-64-random-characters"}


def test_descriptions_of_a_service_are_one_finding() -> None:
    assert told(compose(web=DESCRIPTIONS)) == [("medium", "compose.yaml", 1)]
    assert told(compose(web=DESCRIPTIONS, api=DESCRIPTIONS)) == [("medium", "compose.yaml", 1)] * 2
    assert told({"web.yaml": deployment("web", **DESCRIPTIONS)}) == [("medium", "web.yaml", 1)]


def test_a_word_that_everybody_tries_is_no_description() -> None:
    assert told(compose(web={"ADMIN_PASSWORD": "changeme", "ROOT_PASSWORD": "changeme"})) == [("medium", "compose.yaml", 0)] * 2


def test_one_word_for_several_keys_is_one_finding() -> None:
    assert told(compose(web={"JWT_SECRET": "secret123", "SESSION_SECRET": "secret123"})) == [("medium", "compose.yaml", 1)]


# -- copies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("password", "severity"), [("password", "medium"), ("x7Kq-93LmWz2", "medium")])
@pytest.mark.parametrize(
    "login",
    [
        {"DB_HOST": "db", "DB_USER": "shop", "DB_PASS": "%s"},
        {"DATABASE_URL": "postgres://shop:%s@db:5432/shop"},
    ],
)
def test_a_login_is_told_at_its_server(login: dict[str, str], password: str, severity: str) -> None:
    server = {"POSTGRES_PASSWORD": password}
    client = {key: value.replace("%s", password) for key, value in login.items()}
    assert told(compose(web=client, db=server)) == [(severity, "compose.yaml", 1)]
    both = {"web.yaml": deployment("web", **client), "db.yaml": deployment("db", **server)}
    assert told(both) == [(severity, "db.yaml", 1)]


def test_another_password_or_another_server_is_no_copy() -> None:
    login = {"DB_HOST": "db", "DB_USER": "shop", "DB_PASS": "password"}
    assert len(told(compose(web=login, db={"POSTGRES_PASSWORD": "postgres"}))) == 2
    assert len(told(compose(web=login, db={"LEVEL": "1"}, cache={"REDIS_PASSWORD": "password"}))) == 2
    apart = {"web.yaml": deployment("web", **login), "db.yaml": deployment("db", POSTGRES_PASSWORD="postgres")}
    assert len(told(apart)) == 2


def test_two_doors_with_one_word_are_two_findings() -> None:
    doors = compose(one={"GF_SECURITY_ADMIN_PASSWORD": "admin"}, two={"KEYCLOAK_ADMIN_PASSWORD": "admin"})
    assert len(told(doors)) == 2


def test_a_copy_counts_where_only_a_test_starts_the_server() -> None:
    files = {
        "deploy/web.yaml": deployment("web", DB_HOST="db", DB_PASSWORD="password"),
        "tests/db.yaml": deployment("db", POSTGRES_PASSWORD="password"),
    }
    assert ("medium", "deploy/web.yaml", 0) in told(files)


# -- servers that the files do not bring -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "severity"),
    [
        ({"DB_HOST": "postgresql", "DB_PASSWORD": "password"}, "low"),
        ({"DB_HOST": "postgresql", "DB_PASSWORD": "Zq81kk2-mA9-x0Lw"}, "medium"),
        ({"DB_HOST": "localhost", "DB_PASSWORD": "password"}, "low"),
        ({"DB_HOST": "db.acme.io", "DB_PASSWORD": "password"}, "medium"),
        ({"DB_PASSWORD": "password"}, "medium"),
        ({"CACHE_HOST": "redis", "DB_PASSWORD": "password"}, "medium"),
        ({"DB_HOST": "web", "DB_PASSWORD": "password"}, "medium"),
        ({"DATABASE_URL": "postgres://shop:shop@postgresql/shop"}, "low"),
        ({"DB_ENGINE": "sqlite", "POSTGRES_PASSWORD": "mealie"}, "low"),
        ({"DB_TYPE": "mysql", "POSTGRES_PASSWORD": "mealie"}, "low"),
        ({"DB_TYPE": "postgres", "POSTGRES_PASSWORD": "mealie"}, "medium"),
        ({"DB_ENGINE": "sqlite", "ADMIN_PASSWORD": "mealie"}, "medium"),
    ],
)
def test_a_default_password_of_a_server_that_nobody_brings(variables: dict[str, str], severity: str) -> None:
    assert [one for one, *_ in told({"web.yaml": deployment("web", **variables)})] == [severity]


@pytest.mark.parametrize(("host", "severity"), [("hostname", "low"), ("web", "medium")])
def test_a_default_password_in_a_text(host: str, severity: str) -> None:
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  web.yaml: |\n    main:\n"
        f"      host: {host}\n      user: postgres\n      password: postgres\n"
    )
    assert [one for one, *_ in told({"a.yaml": deployment("web") + "---\n" + config})] == [severity]


def test_a_switch_of_a_compose_service() -> None:
    assert told(compose(web={"DB_ENGINE": "sqlite", "DB_PASSWORD": "password"})) == [("low", "compose.yaml", 0)]
    assert told(compose(web={"DB_ENGINE": "postgres", "DB_PASSWORD": "password"})) == [("medium", "compose.yaml", 0)]


# -- what is commented out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "severities"),
    [
        ("# password: veryverysecret", []),
        ("# url: postgres://shop:shop@db/shop", []),
        ("# password: Zq81kk2-mA9", ["low"]),
        ("# password: rain-Coat-71", ["low"]),
        ("password: Zq81kk2-mA9", ["medium"]),
        ("sessionSecret: Zq81kk2-mA9-x0Lw", ["high"]),
        ("# token: ghp_a8Fk29LmQ0zXvB7nR4tY6uI1oP3sD5gH9jK2", ["high"]),
    ],
)
def test_a_commented_setting(line: str, severities: list[str]) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata:\n  web.yaml: |\n    level: info\n    {line}\n"
    assert [one for one, *_ in told({"a.yaml": text})] == severities


# -- keys ------------------------------------------------------------------------------------------------------------


def key_secret(certificate: str) -> str:
    data = {"tls.key": KEY, **({"tls.crt": certificate} if certificate else {})}
    lines = [f"  {name}: {base64.b64encode(text.encode()).decode()}" for name, text in data.items()]
    return "\n".join(["apiVersion: v1", "kind: Secret", "metadata: {name: web}", "data:", *lines, ""])


OWN = make_certificate("Acme Co", "shop.example.com", "360101000000Z")
PUBLIC = make_certificate("Let's Encrypt R3", "shop.acme.io", "360101000000Z")
EXPIRED = make_certificate("Let's Encrypt R3", "shop.acme.io", "261201000000Z")


@pytest.mark.parametrize(
    ("path", "certificate", "severity"),
    [
        ("deploy/tls.yaml", OWN, "high"),
        ("deploy/tls.yaml", "", "high"),
        ("deploy/tls.yaml", PUBLIC, "high"),
        ("deploy/tls.yaml", EXPIRED, "low"),
        ("examples/tls.yaml", OWN, "low"),
        ("examples/tls.yaml", "", "low"),
        ("examples/tls.yaml", PUBLIC, "high"),
        ("test/e2e/tls.yaml", OWN, "low"),
    ],
)
def test_a_private_key_by_its_certificate(path: str, certificate: str, severity: str) -> None:
    """One that an Ingress serves; the key of a Secret that nothing uses is medium."""
    folder = path.rpartition("/")[0]
    assert [one for one, *_ in told({path: key_secret(certificate), f"{folder}/ingress.yaml": SERVED})] == [severity]
    assert [one for one, *_ in told({path: key_secret(certificate)})] == ["medium" if severity == "high" else severity]


SERVED = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {tls: [{hosts: [shop.io], secretName: SECRET}]}\n".replace(
    "SECRET", "web"
)
MOUNTED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "acme/web:1.2", LINE}]
      volumes: [VOLUME]
"""


@pytest.mark.parametrize(
    ("line", "volume", "severity"),
    [
        ("stdin: false", "{name: tls, secret: {secretName: web}}", "high"),
        ("stdin: false", "{name: tls, projected: {sources: [{secret: {name: web}}]}}", "high"),
        ("env: [{name: KEY, valueFrom: {secretKeyRef: {name: web, key: tls.key}}}]", "{name: a, emptyDir: {}}", "high"),
        ("stdin: false", "{name: tls, secret: {secretName: other}}", "medium"),
        ("stdin: false", "{name: tls, configMap: {name: web}}", "medium"),
    ],
)
def test_a_private_key_that_a_workload_uses(line: str, volume: str, severity: str) -> None:
    workload = MOUNTED.replace("LINE", line).replace("VOLUME", volume)
    assert [one for one, *_ in told({"deploy/tls.yaml": key_secret(PUBLIC), "deploy/web.yaml": workload})] == [severity]


# -- words for tests --------------------------------------------------------------------------------------------------


def test_words_that_say_they_are_made_up() -> None:
    assert told({"a.yaml": deployment("web", TRAVIS_AUTH_TOKEN="fake-travis-auth-token")}) == []
    assert told({"a.yaml": deployment("web", ADMIN_PASSWORD="acme-test-door")}) == [("low", "a.yaml", 0)]
    assert told({"a.yaml": deployment("web", ADMIN_PASSWORD="acme-front-door")}) == [("medium", "a.yaml", 0)]
    assert told({"a.yaml": deployment("web", ETCD_INITIAL_CLUSTER_TOKEN="etcd-cluster-k8s")}) == []
    assert told({"a.yaml": deployment("web", K3S_CLUSTER_TOKEN="acme-front-door")}) == [("medium", "a.yaml", 0)]
