"""Servers and packages that weigh less, or nothing: web servers that answer at once, one store on two ports, readers of a dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from tests.make import write_files

H, M, L = Severity.HIGH, Severity.MEDIUM, Severity.LOW


def told(tmp_path: Path, path: str, text: str, rule: str) -> list[tuple[Severity, str]]:
    write_files(tmp_path, {path: text})
    findings = readiness.check([str(tmp_path)], select=[rule], purpose="production").findings
    return [(one.severity, one.message) for one in findings if one.rule == rule]  # a name selects longer ones too


WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "IMAGE", ports: [{containerPort: 8080}]REST}]
"""


@pytest.mark.parametrize(
    ("image", "rest", "severity"),
    [
        ("nginx:1.29.3", "", M),
        ("docker.io/library/httpd:2.4.65", "", M),
        ("caddy:2.10.2", "", M),
        ("haproxy:3.2.7", "", M),
        ("traefik:3.6.1", "", M),
        ("nginx:1.29.3", ", command: [sh, -c, 'apk add curl; ./start.sh']", H),
        ("registry.example.com/shop/nginx:1.0.0", ", livenessProbe: {tcpSocket: {port: 8080}, initialDelaySeconds: 30}", H),
        ("example.com/shop:1.0.0", ", env: [{name: JAVA_OPTS, value: -Xmx512m}]", H),
    ],
)
def test_a_web_server_that_answers_at_once_is_medium(tmp_path: Path, image: str, rest: str, severity: Severity) -> None:
    found = told(tmp_path, "web.yaml", WEB.replace("IMAGE", image).replace("REST", rest), "k8s/readiness-probe-missing")
    assert [one for one, _ in found] == [severity]
    assert ("as soon as it has started" in found[0][1]) is (severity is M)


def service(image: str, *lines: str) -> str:
    return f"services:\n  app:\n    image: {image}\n    restart: always\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("image", "ports", "messages"),
    [
        ("confluentinc/cp-kafka:7.7.1", '["9092:9092", "29092:29092"]', ["its queue on port 9092"]),
        ("confluentinc/cp-kafka:7.7.1", '["127.0.0.1:9092:9092", "29092:29092"]', ["its queue on port 29092"]),
        ("apache/kafka:4.0.0", '["39092:9092"]', ["its queue on port 39092"]),
        ("apache/kafka:4.0.0", '["9000-9100:9000-9100"]', ["its queue on port 9092"]),
        ("postgres:17.2", '["5432"]', ["its database on port 5432"]),
        ("zookeeper:3.9.4", '["2181:2181"]', ["its coordination service on port 2181"]),
        ("apache/kafka:4.0.0", '["8080:8080"]', []),
    ],
)
def test_a_store_is_told_once_with_the_port_of_the_host(tmp_path: Path, image: str, ports: str, messages: list[str]) -> None:
    found = told(tmp_path, "compose.yaml", service(image, f"ports: {ports}"), "compose/store-published")
    assert len(found) == len(messages)
    assert all(part in message for part, (_, message) in zip(messages, found, strict=True))


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        (('environment: {GF_AUTH_ANONYMOUS_ENABLED: "true"}',), L),
        (('environment: {GF_AUTH_ANONYMOUS_ENABLED: "true", GF_AUTH_ANONYMOUS_ORG_ROLE: Viewer}',), L),
        (('environment: {GF_AUTH_ANONYMOUS_ENABLED: "true", GF_AUTH_ANONYMOUS_ORG_ROLE: Admin}',), M),
        (('environment: {GF_AUTH_ANONYMOUS_ENABLED: "true"}', 'ports: ["3000:3000"]'), H),
        (('environment: {GF_AUTH_ANONYMOUS_ENABLED: "true", GF_AUTH_ANONYMOUS_ORG_ROLE: "${ROLE}"}',), M),
    ],
)
def test_readers_without_a_login_are_low_where_no_port_leads_to_them(tmp_path: Path, lines: tuple[str, ...], severity: Severity) -> None:
    found = told(tmp_path, "compose.yaml", service("grafana/grafana:12.2.0", *lines), "compose/authentication-off")
    assert [one for one, _ in found] == [severity]


def test_keys_of_another_reader_are_unknown(tmp_path: Path) -> None:
    text = service("nginx:1.29.3", "resources: {limits: {memory: 100M}}")
    assert told(tmp_path, "compose.yaml", text, "compose/key-unknown")
    assert not told(tmp_path, "compose.yaml", f"x-uffizzi: {{ingress: {{service: app}}}}\n{text}", "compose/key-unknown")


@pytest.mark.parametrize(
    ("base", "command", "severity"),
    [
        ("debian:13.1", "apt-get install git", H),
        ("ubuntu:24.04", "apt-get install tree build-essential", H),
        ("debian:13.1", "apt-get install dos2unix", M),
        ("python:3.14", "apt-get install git", M),  # git may be there, with all that it needs
        ("debian:13.1", "apt-get upgrade", M),
        ("python:3.14", "apt-get remove git", H),
        ("fedora:43", "dnf install dos2unix", H),
        ("debian:13.1", "apt-get install -y dos2unix", None),
    ],
)
def test_an_install_that_may_ask_is_medium(tmp_path: Path, base: str, command: str, severity: Severity | None) -> None:
    found = told(tmp_path, "Dockerfile", f"FROM {base}\nRUN {command}\n", "dockerfile/install-asks")
    assert [one for one, _ in found] == ([severity] if severity else [])


@pytest.mark.parametrize(("base", "hits"), [("gcr.io/distroless/static:debug", 0), ("debian:13.1", 1)])
def test_an_image_without_a_shell_has_none_to_replace(tmp_path: Path, base: str, hits: int) -> None:
    text = f"FROM {base} AS base\nFROM base\nRUN ln -s /busybox/sh /bin/sh\n"
    assert len(told(tmp_path, "Dockerfile", text, "dockerfile/shell-linked")) == hits


DAEMON = """\
apiVersion: v1
kind: Service
metadata: {name: agent}
spec: {selector: {app: agent}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: KIND
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      priorityClassName: CLASS
      containers:
        - name: main
          image: example.com/agent:1.0.0
          securityContext: {privileged: true}
          env: [{name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: FIELD}}}]
"""


@pytest.mark.parametrize(
    ("kind", "rank", "field", "severity"),
    [
        ("DaemonSet", "system-cluster-critical", "spec.nodeName", M),
        ("DaemonSet", "system-node-critical", "spec.nodeName", M),
        ("DaemonSet", "important", "spec.nodeName", M),
        ("DaemonSet", "system-node-critical", "metadata.name", M),
        ("Deployment", "system-cluster-critical", "spec.nodeName", H),
    ],
)
def test_a_part_of_the_cluster_that_knows_its_node_is_a_node_agent(tmp_path: Path, kind: str, rank: str, field: str, severity: Severity) -> None:
    text = DAEMON.replace("KIND", kind).replace("CLASS", rank).replace("FIELD", field)
    assert [one for one, _ in told(tmp_path, "agent.yaml", text, "k8s/privileged")] == [severity]


ALLOWED, SET = 'MYSQL_ALLOW_EMPTY_PASSWORD: "no"', "MYSQL_ROOT_PASSWORD: p"


@pytest.mark.parametrize(
    ("environment", "is_told"),
    [
        ((ALLOWED,), True),  # any text allows it
        ((ALLOWED, SET), False),
        ((ALLOWED, 'MYSQL_ROOT_PASSWORD: ""'), True),
        ((ALLOWED, 'MYSQL_ROOT_PASSWORD: "${DB_PASSWORD:?}"'), False),
        ((ALLOWED, "MYSQL_ROOT_PASSWORD_FILE: /run/secrets/root"), False),
        ((ALLOWED, "MYSQL_PASSWORD: p"), True),  # of another account
        ((ALLOWED, 'MYSQL_RANDOM_ROOT_PASSWORD: "yes"'), False),
        (('MYSQL_ALLOW_EMPTY_PASSWORD: ""', "MYSQL_PASSWORD: p"), False),
    ],
)
def test_an_account_with_a_password_may_not_have_an_empty_one(tmp_path: Path, environment: tuple[str, ...], is_told: bool) -> None:
    text = service("mysql:8.4", f"environment: {{{', '.join(environment)}}}")
    assert bool(told(tmp_path, "compose.yaml", text, "compose/authentication-off")) is is_told
    entries = [f"{{name: {name}, value: {value}}}" for name, _, value in (one.partition(": ") for one in environment)]
    entries = [one if "${" not in one else "{name: MYSQL_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: root}}}" for one in entries]
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec:\n  containers:\n    - name: db\n      image: mysql:8.4\n"
    pod += f"      env: [{', '.join(entries)}]\n"
    assert bool(told(tmp_path / "k8s", "db.yaml", pod, "k8s/authentication-off")) is is_told
    taken_in = f"{pod}      envFrom: [{{secretRef: {{name: db}}}}]\n"
    assert not told(tmp_path / "more", "db.yaml", taken_in, "k8s/authentication-off")  # the password may be among them


def test_what_an_environment_file_sets_counts(tmp_path: Path) -> None:
    text = service("mysql:8.4", f"environment: {{{ALLOWED}}}", "env_file: [db.env]")
    (tmp_path / "db.env").write_text("MYSQL_ROOT_PASSWORD=${DB_PASSWORD}\n", encoding="utf-8")
    assert not told(tmp_path, "compose.yaml", text, "compose/authentication-off")
    (tmp_path / "db.env").write_text("MYSQL_DATABASE=shop\n", encoding="utf-8")
    assert told(tmp_path, "compose.yaml", text, "compose/authentication-off")
