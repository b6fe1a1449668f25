"""Kinds of findings that two readers of fresh trees called wrong or too high, and the neighbours that stay as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files


def told(root: Path, files: dict[str, str], rule: str) -> list[tuple[str, str]]:
    """(severity, place) of what a rule tells of a tree."""
    write_files(root, files)
    found = readiness.check([root], select=[rule], base=root).findings
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
  db:
    restart: always
    image: mysql:8.4
    ports: ["3306:3306"]
    volumes: ["db:/var/lib/mysql"]
    environment:
      MYSQL_ROOT_PASSWORD: changeme{comment}
volumes: {{db: {{}}}}
"""
    files = {"compose.yaml": service, "README.md": "# Shop\n\nRun `docker compose up -d` on the server.\n"}
    assert [one for one, _ in told(tmp_path, files, "compose/password-well-known")] == [severity]


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
    assert [one for one, _ in told(tmp_path, files, "compose/host-path-sensitive")] == [severity]


KEY = "7f3a9c1e-5b2d-4e8f-9a60-1c4d7e2b8f35"


@pytest.mark.parametrize(
    ("value", "environment", "severity"),
    [
        (f"test-key-{KEY}", "", "medium"),
        (f"{KEY}-test", "", "medium"),
        (f"dummy-{KEY}", "", "medium"),
        (f"ci-{KEY}", "", "medium"),
        (f"latest-{KEY}", "", "critical"),
        (f"live-key-{KEY}", "RAILS_ENV: production", "critical"),
        (f"live-key-{KEY}", "RAILS_ENV: test", "high"),
        (f"live-key-{KEY}", "NODE_ENV: test", "high"),
        (f"live-key-{KEY}", "TEST_ENV_FILE: test", "critical"),
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


SED_TEMPLATE = "services:\n  web:\n    image: acme/web:1.4.0\n    entrypoint: [${SHELL} \"/run.sh\"]\n"


@pytest.mark.parametrize(
    ("path", "text", "count"),
    [
        ("compose/add-service-template.yml", SED_TEMPLATE, 0),
        ("compose/docker-compose.yml", SED_TEMPLATE, 1),
        ("compose/docker-compose.template.yml", "services:\n  web:\n    image: acme/web:1.4.0\n    entrypoint: [a \"/run.sh\"]\n", 1),
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
