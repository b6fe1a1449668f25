"""Kinds of findings that two readers of fresh trees called wrong or too high, and the neighbours that stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files


def told(root: Path, files: dict[str, str], rule: str, *, purpose: str = "") -> list[tuple[str, str]]:
    """(severity, place) of what a rule tells of a tree."""
    write_files(root, files)
    found = readiness.check([root], select=[rule], base=root, purpose=purpose).findings
    return sorted((one.severity.name.lower(), f"{one.path}:{one.line}") for one in found if one.rule == rule)


@pytest.mark.parametrize(
    ("image", "asks"),
    [
        ("registry.access.redhat.com/ubi7/ubi-minimal", False),
        ("registry.access.redhat.com/rhel7-atomic", False),
        ("registry.access.redhat.com/ubi8/ubi-minimal:8.10", False),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.6", True),
        ("registry.example.com/acme/base:17.1", True),
    ],
)
def test_microdnf_asks_since_release_nine(tmp_path: Path, image: str, asks: bool) -> None:
    files = {"Dockerfile": f"FROM {image}\nRUN microdnf install httpd\n"}
    assert bool(told(tmp_path, files, "dockerfile/install-asks")) is asks


BUILD = """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
{checkout}
      - uses: docker/build-push-action@{version}
        with:
{inputs}
"""


@pytest.mark.parametrize(
    ("version", "inputs", "checkout", "lines"),
    [
        ("v1", {"dockerfile": "go/src/acme/docker/Dockerfile", "path": "go/src/acme"}, "go/src/acme", 0),
        ("v1", {"dockerfile": "docker/Dockerfile"}, "", 0),
        ("v1.1.0", {"path": "docker"}, "", 0),
        ("v1", {"dockerfile": "docker/Dockerfile.gone"}, "", 1),
        ("v1", {"repository": "acme/shop"}, "", 1),
        ("v6", {"file": "docker/Dockerfile", "context": "."}, "", 0),
        ("v6", {"context": "src/docker"}, "src", 0),
        ("v6", {"dockerfile": "docker/Dockerfile", "context": "."}, "", 1),
        ("ac9327eae2b366085ac7f6a2d02df8aa8ead720a", {"dockerfile": "docker/Dockerfile"}, "", 0),
    ],
)
def test_inputs_of_the_build_action_by_version(tmp_path: Path, version: str, inputs: dict[str, str], checkout: str, lines: int) -> None:
    written = "\n".join(f"          {name}: {value}" for name, value in inputs.items())
    checked_out = f"        with: {{path: {checkout}}}" if checkout else ""
    files = {
        ".github/workflows/image.yml": BUILD.format(version=version, inputs=written, checkout=checked_out),
        "docker/Dockerfile": "FROM alpine:3.22\nUSER 1000\n",
    }
    assert len(told(tmp_path, files, "project/dockerfile-unresolved")) == lines


@pytest.mark.parametrize(
    ("comment", "severity"),
    [
        ("  # replace with a stronger password", "low"),
        ("  # change to the administrator password", "low"),
        ("  # Remember to set a stronger password for the database", "low"),
        ("  # change me", "low"),
        ("  # please change", "low"),
        ("", "high"),
        ("  # do not change this, the client has it too", "high"),
        ("  # no need to change it", "high"),
        ("  # the password of the database", "high"),
        ("  # changes with the next release", "high"),
    ],
)
def test_a_comment_behind_a_password(tmp_path: Path, comment: str, severity: str) -> None:
    service = f"""\
services:
  desk:
    restart: always
    image: registry.example.com/desk:1.4.0
    ports: ["80:8080"]
    environment:
      ADMIN_PASSWORD: changeme123{comment}
"""
    files = {"compose.yaml": service, "README.md": "# Shop\n\nRun `docker compose up -d` on the server.\n"}
    assert [one for one, _ in told(tmp_path, files, "compose/password-well-known", purpose="production")] == [severity]


HOST = """\
services:
  agent:
    restart: always
    image: registry.example.com/agent:1.4.0
    {settings}
    volumes: ["{mount}"]
"""


@pytest.mark.parametrize(
    ("settings", "mount", "severity"),
    [
        ('ports: ["8080:8080"]', "/etc:/host", "high"),
        ('ports: ["127.0.0.1:8080:8080"]', "/etc:/host", "medium"),
        ('ports: ["[::1]:8080:8080"]', "/etc:/host", "medium"),
        ('ports: ["127.0.0.1:8080:8080", "9090:9090"]', "/etc:/host", "high"),
        ('ports: ["${ADDRESS}:8080:8080"]', "/etc:/host", "high"),
        ('ports: ["10.0.0.4:8080:8080"]', "/etc:/host", "high"),
        ('ports: ["80:80"]\n    device_cgroup_rules: ["c 81:* rw"]', "/dev:/dev", "medium"),
        ('ports: ["80:80"]\n    device_cgroup_rules: ["b 8:* rwm"]', "/dev:/dev", "high"),
        ('ports: ["80:80"]\n    device_cgroup_rules: ["a *:* rwm"]', "/dev:/dev", "high"),
        ('ports: ["80:80"]\n    device_cgroup_rules: ["c 1:* rw"]', "/dev:/dev", "high"),
        ('ports: ["80:80"]\n    privileged: true\n    device_cgroup_rules: ["c 81:* rw"]', "/dev:/dev", "high"),
        ('ports: ["80:80"]\n    device_cgroup_rules: ["c 81:* rw"]', "/etc:/host", "high"),
        ('ports: ["80:80"]', "/dev:/dev", "high"),
    ],
)
def test_what_leads_to_a_directory_of_the_host(tmp_path: Path, settings: str, mount: str, severity: str) -> None:
    files = {"compose.yaml": HOST.format(settings=settings, mount=mount), "README.md": "# Shop\n\nRun `docker compose up -d` on the server.\n"}
    assert [one for one, _ in told(tmp_path, files, "compose/host-path-sensitive", purpose="production")] == [severity]


KEY = "7f3a9c1e-5b2d-4e8f-9a60-1c4d7e2b8f35"


@pytest.mark.parametrize(
    ("value", "environment", "severity"),
    [
        (f"test-key-{KEY}", "", "medium"),
        (f"{KEY}-test", "", "medium"),
        (f"ci-{KEY}", "", "medium"),
        (f"latest-{KEY}", "", "medium"),
        (f"live-key-{KEY}", "RAILS_ENV: production", "medium"),
        (f"live-key-{KEY}", "RAILS_ENV: test", "medium"),
        (f"live-key-{KEY}", "NODE_ENV: test", "medium"),
        (f"live-key-{KEY}", "TEST_ENV_FILE: test", "medium"),
    ],
)
def test_a_key_for_tests_in_a_pipeline(tmp_path: Path, value: str, environment: str, severity: str) -> None:
    workflow = f"""\
on: push
jobs:
  spec:
    runs-on: ubuntu-24.04
    env:
      {environment or "LANG: C"}
    steps:
      - run: bin/run
        env:
          NOTIFY_API_KEY: {value}
"""
    assert [one for one, _ in told(tmp_path, {".github/workflows/ci.yml": workflow}, "ci/secret-inline")] == [severity]


SED_TEMPLATE = 'services:\n  web:\n    image: acme/web:1.4.0\n    entrypoint: [${SHELL} "/run.sh"]\n'


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("compose/add-service-template.yml", SED_TEMPLATE, 0),
        ("compose/docker-compose.yml", SED_TEMPLATE, 1),
        ("compose/add-web-template.yml", 'services:\n  web:\n    image: acme/web:1.4.0\n    entrypoint: ["a" "/run.sh"]\n', 1),
    ],
)
def test_what_a_script_fills_in(tmp_path: Path, path: str, text: str, count: int) -> None:
    assert len(told(tmp_path, {path: text}, "core/syntax")) == count


def test_macros_of_c_are_no_configuration_of_nginx(tmp_path: Path) -> None:
    macros = "\nbuffer_new  (b,pl,n)   b = %1%_buffer_new (pl,n); if (b == NULL) %A%\nbuffer_end  (b)   if (%1%_buffer_end (b) == %E%) %A%\n"
    assert told(tmp_path, {"nginx-module/auto/actions/buffer": macros}, "core/syntax") == []
    broken = "server {\n  listen 80;\n  if ($host = a.example.com) {\n    return 301 https://b.example.com\n  }\n}\n"
    assert len(told(tmp_path / "b", {"nginx/site": broken}, "core/syntax")) == 1


def test_templates_of_one_generator_are_one_note(tmp_path: Path) -> None:
    text = "{% if USE_CACHE %}\nlocation / {\n  proxy_pass http://app;\n{% endif %}\n  proxy_set_header Host $host;\n}\n"
    many = {f"confs/site-{number}/nginx.conf": text for number in range(12)}
    assert [one for one, _ in told(tmp_path / "many", many, "core/template-unjudged")] == ["info"]
    few = {f"confs/site-{number}/nginx.conf": text for number in range(3)}
    assert [one for one, _ in told(tmp_path / "few", few, "core/template-unjudged")] == ["medium"] * 3


STORE = """\
services:
  app:
    restart: always
    image: registry.example.com/app:1.4.0
    ports: ["80:8080"]
    depends_on: [db]
  db:
    restart: always
    image: {image}
    volumes: ["{mount}"]
    environment: {environment}
volumes: {{data: {{}}}}
"""


@pytest.mark.parametrize(
    ("image", "mount", "environment", "count"),
    [
        ("postgres:18.1", "data:/var/lib/postgresql/data", "{}", 1),
        ("postgres:latest", "data:/var/lib/postgresql/data", "{}", 1),
        ("postgres", "data:/var/lib/postgresql/data", "{}", 1),
        ("postgres:alpine", "data:/var/lib/postgresql/data", "{}", 1),
        ("postgres:latest", "data:/var/lib/postgresql", "{}", 0),
        ("postgres:latest", "data:/var/lib/postgresql/data", "{PGDATA: /var/lib/postgresql/data/pg}", 0),
        ("postgres:17", "data:/var/lib/postgresql/data", "{}", 0),
        ("postgres@sha256:" + "a" * 64, "data:/var/lib/postgresql/data", "{}", 0),
        ("postgres:${VERSION}", "data:/var/lib/postgresql/data", "{}", 0),
        ("bitnami/postgresql:latest", "data:/var/lib/postgresql/data", "{}", 0),
    ],
)
def test_postgresql_18_does_not_start_with_the_old_mount(tmp_path: Path, image: str, mount: str, environment: str, count: int) -> None:
    write_files(tmp_path, {"compose.yaml": STORE.format(image=image, mount=mount, environment=environment)})
    found = [one for one in readiness.check([tmp_path], base=tmp_path).findings if one.rule == "compose/store-not-durable"]
    assert len(found) == count
    assert all("does not start" in one.message for one in found)


def test_a_container_for_volumes_is_told_for_the_store(tmp_path: Path) -> None:
    held = """\
services:
  dbdata: {image: "mysql:8.4", command: /bin/true}
  db: {image: "mysql:8.4", restart: always, volumes_from: [dbdata]}
  app: {image: "acme/app:1.4.0", restart: always, ports: ["80:80"], depends_on: [db]}
"""
    assert [one for one, _ in told(tmp_path / "held", {"compose.yaml": held}, "compose/store-not-durable")] == ["medium"]
    alone = held.replace("volumes_from: [dbdata]", "stop_grace_period: 1m")
    assert [where for _, where in told(tmp_path / "alone", {"compose.yaml": alone}, "compose/store-not-durable")] == ["compose.yaml:3"]


CHECKED = 'FROM alpine:3.22 AS base\nHEALTHCHECK CMD ["/ok"]\nFROM base AS shop\nUSER 1000\n'
RUN_SHOP = 'services:\n  shop:\n    restart: always\n    image: acme/IMAGE:1.4.0\n    ports: ["80:80"]\n'
MATRIX = """\
on: push
jobs:
  image:
    strategy:
      matrix:
        include:
          - {image: store, dockerfile: src/st/Dockerfile}
    uses: ./.github/workflows/build.yml
"""


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"compose/compose.yaml": RUN_SHOP.replace("IMAGE", "shop"), "docker/Dockerfile": CHECKED}, 0),
        ({"compose/compose.yaml": RUN_SHOP.replace("IMAGE", "other"), "docker/Dockerfile": CHECKED}, 1),
        ({"compose/compose.yaml": RUN_SHOP.replace("IMAGE", "store"), "src/st/Dockerfile": CHECKED, ".github/workflows/a.yml": MATRIX}, 0),
        ({"compose/compose.yaml": RUN_SHOP.replace("IMAGE", "till"), "src/st/Dockerfile": CHECKED, ".github/workflows/a.yml": MATRIX}, 1),
        ({"compose/compose.yaml": RUN_SHOP.replace("IMAGE", "shop"), "docker/Dockerfile": "FROM alpine:3.22 AS shop\n"}, 1),
        ({"compose.yaml": RUN_SHOP.replace("IMAGE", "shop") + "  front: {image: \"acme/front:2\", restart: always, healthcheck: {test: [CMD, /ok]},"
          " depends_on: {shop: {condition: service_healthy}}}\n"}, 0),
    ],
)  # fmt: skip
def test_the_health_check_of_an_own_image(tmp_path: Path, files: dict[str, str], count: int) -> None:
    assert len(told(tmp_path, files, "compose/healthcheck-missing")) == count


WAITING = """\
services:
  app:
    restart: always
    image: acme/app:1.4.0
    ports: ["80:80"]
    depends_on: [db]
    {start}
  db: {{image: "postgres:17.2", restart: always, volumes: ["data:/var/lib/postgresql/data"]}}
  queue: {{image: "rabbitmq:4.0.5", restart: always, volumes: ["queue:/var/lib/rabbitmq"]}}
volumes: {{data: {{}}, queue: {{}}}}
"""


@pytest.mark.parametrize(
    ("start", "count"),
    [
        ("entrypoint: [/init/ready_to_run_wait_install.sh]", 0),
        ("command: ./wait-for-it.sh db:5432 -- bin/app", 0),
        ("command: ./wait-for-it.sh queue:5672 -- bin/app", 1),
        ("command: dockerize -wait tcp://db:5432 bin/app", 0),
        ('command: sh -c "bin/app & bin/worker & wait"', 1),
        ("environment: {WAIT_HOSTS: 'db:5432'}", 0),
        ("environment: {WAIT_HOSTS: 'queue:5672'}", 1),
        ("environment: {STAGEGATE_DB_PORT: '5432'}", 0),
        ("environment: {DB_WAITERS: db}", 1),
        ("command: bin/app", 1),
    ],
)
def test_a_service_that_waits_itself(tmp_path: Path, start: str, count: int) -> None:
    assert len(told(tmp_path, {"compose.yaml": WAITING.format(start=start)}, "compose/dependency-not-awaited")) == count


def test_what_sets_up_once_needs_no_restart(tmp_path: Path) -> None:
    services = "services:\n  web: {image: 'acme/web:1', restart: always, ports: ['80:80']}\n  NAME: {image: 'acme/tool:1'PORTS}\n"
    for name, ports, count in (
        ("config-bootstrapper", "", 0),
        ("configure", "", 0),
        ("bootstrap-server", ", ports: ['81:81']", 0),
        ("config-bootstrapper", ", ports: ['81:81']", 1),
        ("config", "", 1),
        ("worker", "", 1),
    ):
        files = {"compose.yaml": services.replace("NAME", name).replace("PORTS", ports)}
        assert len(told(tmp_path, files, "compose/restart-missing")) == count, (name, ports)


def test_generated_compose_files_fold_into_their_source(tmp_path: Path) -> None:
    service = "services:\n  web:\n    restart: always\n    image: acme/web:1.4.0\n    ports: ['80:80']\n"
    head = "# *** This is a generated compose file ***\n# DO NOT MAKE CHANGES here\n"
    made = {"compose-a.yaml": head + service, "compose-b.yaml": head + "# b\n" + service}
    assert [where for _, where in told(tmp_path / "both", {**made, "builder/base.yml": service}, "compose/healthcheck-missing")] == [
        "builder/base.yml:2"
    ]
    assert [where for _, where in told(tmp_path / "made", made, "compose/healthcheck-missing")] == ["compose-a.yaml:4"]
    by_hand = {"compose-a.yaml": service, "compose-b.yaml": service}
    assert len(told(tmp_path / "hand", by_hand, "compose/healthcheck-missing")) == 2


@pytest.mark.parametrize(
    ("source", "severity"), [("https://apt.example.com ./", "medium"), ("http://apt.example.com ./", "medium"), ("[::1] ./", "medium")]
)
def test_an_unsigned_source_behind_tls(tmp_path: Path, source: str, severity: str) -> None:
    files = {"Dockerfile": f"FROM debian:13.1\nRUN echo 'deb [trusted=yes] {source}' > /etc/apt/sources.list.d/a.list\n"}
    assert [one for one, _ in told(tmp_path, files, "dockerfile/signature-unchecked")] == [severity]


@pytest.mark.parametrize(("version", "day"), [("v1", "2024-06-30"), ("v2", "2024-06-30"), ("v3", "2025-01-30")])
@pytest.mark.parametrize("action", ["upload-artifact", "download-artifact"])
def test_the_day_since_which_artifact_actions_fail(tmp_path: Path, action: str, version: str, day: str) -> None:
    workflow = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/{action}@{version}\n"
    write_files(tmp_path, {".github/workflows/a.yml": workflow})
    found = readiness.check([tmp_path], select=["ci/action-outdated"], base=tmp_path).findings
    assert [day in one.message for one in found if one.rule == "ci/action-outdated"] == [True]


@pytest.mark.parametrize("folder", ["tests/linux", "image"])
def test_sizes_of_images_for_tests_are_not_asked(tmp_path: Path, folder: str) -> None:
    text = "FROM debian:9\nRUN apt-get update && apt-get install -y git\n"
    write_files(tmp_path, {f"{folder}/Dockerfile": text, "app/Dockerfile": "FROM scratch\n"})
    names = {"dockerfile/apt-recommends", "dockerfile/package-cache-left", "dockerfile/base-image-end-of-life"}
    found = {one.rule for one in readiness.check([tmp_path], base=tmp_path).findings} & names
    assert found == (set() if folder.startswith("tests") else names)


@pytest.mark.parametrize(
    ("user", "context", "severity"),
    [
        ("USER 1001", "{}", "low"),
        ("USER 1001:1001", "{}", "low"),
        ("USER 0", "{}", "medium"),
        ("USER app", "{}", "medium"),
        ("", "{}", "medium"),
        ("USER 1001", "{runAsUser: 0}", "medium"),
        ("USER 1001", "{capabilities: {add: [NET_ADMIN]}}", "medium"),
    ],
)
def test_capabilities_of_an_image_with_its_own_user(tmp_path: Path, user: str, context: str, severity: str) -> None:
    pod = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: shop}}
spec:
  containers: [{{name: shop, image: "ghcr.io/acme/shop:1.4.0", securityContext: {context}}}]
"""
    workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: docker build -t ghcr.io/acme/shop:1.4.0 .\n"
    files = {"pod.yaml": pod, "Dockerfile": f"FROM alpine:3.22\n{user}\n", ".github/workflows/a.yml": workflow}
    assert [one for one, _ in told(tmp_path, files, "k8s/capabilities-not-dropped")] == [severity]
