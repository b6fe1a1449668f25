"""Stores that lose their data whatever their image is called, ports that let everybody in, artifacts that outsiders wrote."""

from __future__ import annotations

import datetime

import pytest

from readiness import kinds
from readiness.kinds import compose
from readiness.loading import reading
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from readiness.syntax.open_ports import debugger_and_jmx_ports
from readiness.syntax.secrets import secrets_in_text
from tests.conftest import catalogue


def found(files: dict[str, str], *rules: str) -> list[tuple[str, int]]:
    """(rule, offset's line from 1) of what some rules find in files that lie together, on the last day of 2026."""
    sources = [Source(path, text, kind=kinds.detect_kind(path, text)) for path, text in files.items()]
    parsed = [(one.kind, document) for one, document, _ in reading.parse_sources(sources)]
    project = Project(parsed, set(files), today=datetime.date(2026, 12, 31))
    outcome = engine.EngineResult()
    bounds = [one for one in catalogue() if one.rule.id in rules]
    engine.run_rules(project, bounds, {one.rule.id: one.rule for one in catalogue()}, outcome)
    return [(one.rule, one.line) for one in engine.sort_and_deduplicate(outcome.findings)]


def stateful_set(container: str, volumes: str = "") -> str:
    """A StatefulSet with one container, whose lines stand from line 10 on."""
    head = (
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: ledger, namespace: bank}\nspec:\n  serviceName: ledger\n"
        "  selector: {matchLabels: {app: ledger}}\n  template:\n    metadata: {labels: {app: ledger}}\n    spec:\n"
    )
    body = "".join(f"          {line}\n" for line in container.splitlines())
    return f"{head}      containers:\n        - name: ledger\n{body}{volumes}"


EPHEMERAL = "      volumes: [{name: d, emptyDir: {}}]\n"
CLAIMED = "      volumes: [{name: d, persistentVolumeClaim: {claimName: ledger}}]\n"
LOST = {
    "options of the server": ("image: postgres:17\nargs: [-c, max_connections=200]", ""),
    "the server by its name": ("image: mysql:8.4\nargs: [mysqld, --skip-name-resolve]", ""),
    "options beside settings": (
        "image: mongo:7\nargs: [--config, /etc/m.conf]\nvolumeMounts: [{name: c, mountPath: /etc/m.conf}]",
        "      volumes: [{name: c, configMap: {name: m}}]\n",
    ),
    "a folder moved onto an emptyDir": (
        "image: postgres:17\nenv: [{name: PGDATA, value: /pg/data}]\nvolumeMounts: [{name: d, mountPath: /pg}]",
        EPHEMERAL,
    ),
    "its port and the folder of its data": (
        "image: acme/ledger:4\nports: [{containerPort: 27017}]\nvolumeMounts: [{name: d, mountPath: /data/db}]",
        EPHEMERAL,
    ),
    "its port and its password": (
        "image: acme/ledger:4\nports: [{containerPort: 3306}]\nenv: [{name: MYSQL_ROOT_PASSWORD, value: x}]",
        "",
    ),
}
KEPT = {
    "a claim": (
        "image: postgres:17\nargs: [-c, max_connections=200]\nvolumeMounts: [{name: d, mountPath: /var/lib/postgresql}]",
        CLAIMED,
    ),
    "options that may name the claim": (
        "image: postgres:17\nargs: [-D, /pg]\nvolumeMounts: [{name: d, mountPath: /pg}]",
        CLAIMED,
    ),
    "another program": ("image: postgres:17\ncommand: [psql, -h, db]", ""),
    "the words of another role": ("image: postgres:17\nargs: [pg_dump, ledger]", ""),
    "the port alone": ("image: acme/ledger:4\nports: [{containerPort: 5432}]", ""),
    "a pooler": ("image: acme/pgbouncer:1\nports: [{containerPort: 5432}]\nenv: [{name: POSTGRES_PASSWORD, value: x}]", ""),
    "the folder moved onto a claim": (
        "image: postgres:17\nenv: [{name: PGDATA, value: /pg/data}]\nvolumeMounts: [{name: d, mountPath: /pg}]",
        CLAIMED,
    ),
    "a client with the password": ("image: acme/ledger:4\nenv: [{name: MYSQL_ROOT_PASSWORD, value: x}]", ""),
}


@pytest.mark.parametrize("name", LOST)
def test_data_is_lost_with_pod(name: str) -> None:
    assert [rule for rule, _ in found({"db.yaml": stateful_set(*LOST[name])}, "k8s/data-ephemeral")] == ["k8s/data-ephemeral"]


@pytest.mark.parametrize("name", KEPT)
def test_data_is_kept_or_not_there(name: str) -> None:
    assert found({"db.yaml": stateful_set(*KEPT[name])}, "k8s/data-ephemeral") == []


@pytest.mark.parametrize(
    ("dockerfile", "lost"),
    [
        ("FROM postgres:17\nCOPY init.sql /docker-entrypoint-initdb.d/\n", True),
        ('FROM postgres:17\nCMD ["postgres", "-c", "jit=off"]\n', True),
        ('FROM postgres:17\nENTRYPOINT ["/dump.sh"]\n', False),
        ('FROM postgres:17\nCMD ["pg_dump", "ledger"]\n', False),
        ("FROM python:3.13\n", False),
    ],
)
def test_base_of_built_image_tells_store(dockerfile: str, lost: bool) -> None:
    files = {"ledger/Dockerfile": dockerfile, "db.yaml": stateful_set("image: registry.example.com/bank/ledger:4")}
    assert bool(found(files, "k8s/data-ephemeral")) is lost
    service = "services: {ledger: {build: ledger, restart: always}, web: {image: 'a/web:1', restart: always}}\n"
    assert bool(found({**files, "compose.yaml": service}, "compose/store-not-durable")) is lost


@pytest.mark.parametrize(("name", "lost"), [("ledger-postgres", True), ("ledger-db", True), ("postgres-backup", False), ("ledger", False)])
def test_name_says_what_own_entrypoint_starts(name: str, lost: bool) -> None:
    """An entrypoint of somebody's own may start the server or something else."""
    files = {
        "db/Dockerfile": 'FROM postgres:17\nENTRYPOINT ["/start.sh"]\n',
        "compose.yaml": f"services: {{{name}: {{build: db, restart: always}}, web: {{image: 'a/web:1', restart: always}}}}\n",
    }
    assert bool(found(files, "compose/store-not-durable")) is lost


DEVELOPED = "services: {pg: {build: db}}\n"
RUN = "services:\n  pg: {image: acme/pg, restart: always}\n  web: {image: acme/web, restart: always}\n"


def test_overlay_tells_what_an_image_is_built_from() -> None:
    files = {"db/Dockerfile": "FROM postgres:17\n", "compose.yaml": RUN, "compose.dev.yaml": DEVELOPED}
    assert found(files, "compose/store-not-durable") == [("compose/store-not-durable", 2)]
    volume = RUN.replace("acme/pg, ", "acme/pg, volumes: ['data:/var/lib/postgresql/data'], ") + "volumes: {data: {}}\n"
    assert found({**files, "compose.yaml": volume}, "compose/store-not-durable") == []


WEAK_SIGNS = 'services:\n  q: {image: "rabbitmq:4", restart: always, ports: ["5672:5672"]}\n  web: {image: acme/web, restart: always}\n'


@pytest.mark.parametrize(
    ("beside", "is_production"),
    [
        ({}, False),
        ({"compose.dev.yaml": "services: {web: {build: .}}\n"}, True),
        ({"compose.dev.yaml": "services: {other: {build: .}}\n"}, False),
        ({"sub/compose.dev.yaml": "services: {web: {build: .}}\n"}, False),
    ],
)
def test_weak_signs_beside_file_for_development(beside: dict[str, str], is_production: bool) -> None:
    files = {path: compose.parse(Source(path, text)) for path, text in {"compose.yaml": WEAK_SIGNS, **beside}.items()}
    compose.link_documents({compose.KIND_NAME: list(files.values())}, ())
    assert files["compose.yaml"].is_production() is is_production


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("dlv exec ./api --headless --listen=:40000 --accept-multiclient", [40000]),
        ("dlv debug --listen 0.0.0.0:2345 ./cmd", [2345]),
        ("dlv exec ./api --listen=127.0.0.1:40000", []),
        ("./api --listen=:40000", []),
        ("node --inspect=0.0.0.0 server.js", [9229]),
        ("node --inspect-brk=0.0.0.0:9230 server.js", [9230]),
        ("node --inspect server.js", []),
        ("node --inspect=9230 server.js", []),
        ("python -m debugpy --listen 0.0.0.0:5678 app.py", [5678]),
        ("python -m debugpy --listen 5678 app.py", []),
        ("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005", [5005]),
        ("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=localhost:5005", []),
        ("-agentlib:jdwp=transport=dt_socket,server=n,address=*:5005", []),
        ("-Dcom.sun.management.jmxremote.port=9010 -Dcom.sun.management.jmxremote.authenticate=false", [9010]),
        ("-Dcom.sun.management.jmxremote.port=9010 -Dcom.sun.management.jmxremote.authenticate=true", []),
    ],
)
def test_open_ports(text: str, ports: list[int]) -> None:
    assert [one.number for one in debugger_and_jmx_ports(text)] == ports


@pytest.mark.parametrize(
    ("service", "count"),
    [
        ('{image: "docker:28-dind", environment: {DOCKER_TLS_CERTDIR: ""}, ports: ["2375:2375"]}', 1),
        ('{image: "docker:28-dind", ports: ["2375:2375"]}', 0),
        ('{image: "docker:28-dind", command: "dockerd -H tcp://0.0.0.0:2375", ports: ["2375:2375"]}', 1),
        ('{image: "docker:28-dind", command: "dockerd --tlsverify -H tcp://0.0.0.0:2375", ports: ["2375:2375"]}', 0),
        ('{image: acme/api, environment: {NODE_OPTIONS: "--inspect=0.0.0.0:9300"}, ports: ["9300:9300"]}', 1),
        ('{image: acme/api, environment: {NODE_OPTIONS: "--inspect=0.0.0.0:9300"}, ports: ["127.0.0.1:9300:9300"]}', 0),
        ('{image: acme/api, environment: {NODE_OPTIONS: "--inspect=0.0.0.0:9300"}, ports: ["80:80"]}', 0),
        ('{image: "apache/kafka:4.0.0", environment: {KAFKA_JMX_PORT: 9999}, ports: ["9999:9999"]}', 1),
        ('{image: "apache/kafka:4.0.0", environment: {KAFKA_JMX_PORT: 9, KAFKA_JMX_OPTS: "-D%s=true"}, ports: ["9:9"]}', 0),
    ],
)
def test_published_debugger(service: str, count: int) -> None:
    service = service.replace("%s", "com.sun.management.jmxremote.authenticate")
    text = f"services:\n  it: {service[:-1]}, restart: always}}\n  web: {{image: 'acme/web:1', restart: always}}\n"
    assert len(found({"compose.yaml": text}, "compose/debugger-published")) == count


ENGINE = "apiVersion: v1\nkind: Pod\nmetadata: {{name: ci, namespace: ci}}\nspec:\n  containers:\n    - {{name: engine, {0}}}\n"


@pytest.mark.parametrize(
    ("container", "count"),
    [
        ('image: "docker:28-dind", args: ["--host=tcp://0.0.0.0:2375"]', 1),
        ('image: acme/build-engine, command: [dockerd, "-H", "tcp://0.0.0.0:2375"]', 1),
        ('image: acme/tool, command: [docker, "-H", "tcp://0.0.0.0:2375", info]', 0),
        ('image: "docker:28-dind", args: ["--host=tcp://127.0.0.1:2375"]', 0),
        ('image: "docker:28-dind", args: ["--host=tcp://0.0.0.0:2376", "--tlsverify"]', 0),
        ('image: "docker:28-dind", env: [{name: DOCKER_TLS_CERTDIR, value: ""}]', 1),
        ('image: "docker:28-cli", env: [{name: DOCKER_TLS_CERTDIR, value: ""}]', 0),
        ('image: "docker:28-dind"', 0),
    ],
)
def test_engine_without_tls(container: str, count: int) -> None:
    assert len(found({"pod.yaml": ENGINE.format(container)}, "k8s/authentication-off")) == count


def test_published_key_is_told_under_any_name() -> None:
    key = "edd1c9f034335f136f87ad84b625c8f1"
    assert [one.reason for one in secrets_in_text(f"admin:\n  - name: admin\n    key: {key}\n")] == ["APISIX admin key"]
    assert list(secrets_in_text(f"# key: {key}\n")) == []
    assert list(secrets_in_text(f"sum: {key}0a\n")) == []


FETCH = "      - uses: actions/github-script@v7\n        with: {script: 'await github.rest.actions.downloadArtifact({})'}\n"
CHECKED = '      - run: |\n          N=$(cat pr.txt)\n          [[ $N =~ ^[0-9]+$ ]] && echo "NUMBER=$(cat pr.txt)" >> $GITHUB_ENV\n'
READ = '      - run: echo "NUMBER=$(cat pr.txt)" >> $GITHUB_ENV\n'
USE = "      - run: gh pr comment ${{ env.NUMBER }}\n"
OUTPUT = '      - id: pr\n        run: echo "number=$(jq -r .number event.json)" >> "$GITHUB_OUTPUT"\n'
USE_OUTPUT = "      - run: gh pr comment ${{ steps.pr.outputs.number }}\n"
RUN_OF_OTHERS = "on:\n  workflow_run: {workflows: [Tests], types: [completed]}\n"


@pytest.mark.parametrize(
    ("head", "steps", "started_by", "count"),
    [
        (RUN_OF_OTHERS, FETCH + READ + USE, "pull_request", 1),
        (RUN_OF_OTHERS, FETCH + OUTPUT + USE_OUTPUT, "pull_request", 1),
        (RUN_OF_OTHERS, FETCH + CHECKED + USE, "pull_request", 0),
        (RUN_OF_OTHERS, READ + USE, "pull_request", 0),
        (RUN_OF_OTHERS, USE + FETCH + READ, "pull_request", 0),
        ("on: push\n", FETCH + READ + USE, "pull_request", 0),
        (RUN_OF_OTHERS, FETCH + READ + USE, "push", 0),
    ],
)
def test_artifact_of_fork_in_script(head: str, steps: str, started_by: str, count: int) -> None:
    text = f"{head}jobs:\n  reply:\n    runs-on: ubuntu-24.04\n    steps:\n{steps}"
    tests = f"name: Tests\non: {started_by}\njobs: {{test: {{runs-on: ubuntu-24.04, steps: [{{run: make test}}]}}}}\n"
    files = {".github/workflows/reply.yml": text, ".github/workflows/tests.yml": tests}
    assert len(found(files, "ci/template-injection")) == count


LASTING = (
    "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n"
    "metadata: {name: t, namespace: ops, annotations: {kubernetes.io/service-account.name: bot}}\n"
    "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: bot}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}\n"
    "subjects: [{kind: ServiceAccount, name: bot, namespace: NAMESPACE}]\n"
)


@pytest.mark.parametrize(("role", "namespace", "level"), [("cluster-admin", "ops", "medium"), ("view", "ops", "low"), ("cluster-admin", "qa", "low")])
def test_lasting_token_of_administrator(role: str, namespace: str, level: str) -> None:
    text = LASTING.replace("ROLE", role).replace("NAMESPACE", namespace)
    source = Source("t.yaml", text, kind="k8s")
    parsed = [(one.kind, document) for one, document, _ in reading.parse_sources([source])]
    outcome = engine.EngineResult()
    bounds = [one for one in catalogue() if one.rule.id == "k8s/service-account-token-long-lived"]
    engine.run_rules(Project(parsed, {"t.yaml"}), bounds, {one.rule.id: one.rule for one in catalogue()}, outcome)
    assert [one.severity.name.lower() for one in engine.sort_and_deduplicate(outcome.findings)] == [level]


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ('docker run --rm -v "$PWD":/src -e API_TOKEN="$API_TOKEN" registry.example.com/acme/scan:latest /src', 1),
        ("docker run -t --env API_TOKEN=${{ secrets.SCAN }} acme/scan", 1),
        ('docker run -e API_TOKEN="$API_TOKEN" acme/scan:2.4.1', 0),
        ("docker run -e LEVEL=debug acme/scan:latest", 0),
        ('docker build -t acme/scan . && docker run -e API_TOKEN="$API_TOKEN" acme/scan', 0),
        ('docker run -e API_TOKEN="$API_TOKEN" "$IMAGE"', 0),
    ],
)
def test_image_started_with_secret(command: str, count: int) -> None:
    text = f"on: push\njobs:\n  scan:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: >-\n          {command}\n"
    assert len(found({".github/workflows/scan.yml": text}, "ci/image-floating")) == count
