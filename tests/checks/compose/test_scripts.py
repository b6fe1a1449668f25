"""What the scripts of a tree say of compose files: which services are up together, and which images nobody pulls."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

STACK = """\
services:
  base: {image: "example.com/base:1.0.0", ports: ["7000:80"]}
  one: {image: "example.com/one:1.0.0", depends_on: [base], ports: ["9000:80"]}
  two: {image: "example.com/two:1.0.0", ports: ["9000:80"]}
  three: {image: "example.com/three:1.0.0", ports: ["9000:80", "7000:81"]}
"""
CLASH = "compose/port-clash"


def clashes(tmp_path: Path, files: dict[str, str]) -> list[tuple[int, int]]:
    """(line, number of related places) of the clashes."""
    write_files(tmp_path, {"compose.yaml": STACK, **files})
    found = readiness.check([str(tmp_path)], select=[CLASH]).findings
    return sorted((one.line, len(one.related)) for one in found)


def test_a_port_is_told_once_with_all_who_want_it(tmp_path: Path) -> None:
    assert clashes(tmp_path, {}) == [(4, 2), (5, 1)]


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("manage", "#!/bin/sh\ndocker compose up -d one\ndocker compose up -d two\n"),
        ("start.sh", "case $1 in\n one) ${dockerCompose} \\\n   up \\\n   -d one ;;\n"),
        ("start.sh", "docker-compose --ansi never up --scale two=1 two;\n"),
        ("scripts/up.sh", "docker compose up two\n"),
        ("Makefile", "one:\n\tdocker compose up -d one\nthree:\n\t$(COMPOSE) up three\n"),
    ],
)
def test_services_that_scripts_start_one_by_one_are_alternatives(tmp_path: Path, path: str, script: str) -> None:
    assert clashes(tmp_path, {path: script}) == []


@pytest.mark.parametrize(
    ("path", "script"),
    [
        ("manage", "#!/bin/sh\ndocker compose up -d one\ndocker compose up -d\n"),
        ("manage", "#!/bin/sh\ndocker compose up -d $SERVICES\n"),
        ("manage", "#!/bin/sh\n# docker compose up -d one\n"),
        ("manage", "#!/bin/sh\ndocker compose -f other.yaml up -d one\n"),
        ("manage", "#!/bin/sh\ndocker compose up -d somebody\n"),
        ("notes.txt", "docker compose up -d one\n"),
    ],
)
def test_other_commands_leave_the_clash(tmp_path: Path, path: str, script: str) -> None:
    assert clashes(tmp_path, {path: script}) == [(4, 2), (5, 1)]


def test_what_one_command_starts_with_its_dependencies_clashes(tmp_path: Path) -> None:
    script = "docker compose up -d one three\n"
    assert clashes(tmp_path, {"up.sh": script}) == [(5, 1), (5, 1)]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("docker build -t acme-base .\n", False),
        ("docker build --no-cache $(args) \\\n  --tag acme-base:dev docker/\n", False),
        ("docker build -t other-base .\n", True),
        ("# docker build -t acme-base .\n", True),
        ("docker push acme-base\n", True),
    ],
)
def test_an_image_that_a_script_builds_is_not_pulled(tmp_path: Path, script: str, told: bool) -> None:
    stack = 'services:\n  app: {image: acme-base, restart: always}\n  tool: {image: "example.com/acme-base", restart: always}\n'
    write_files(tmp_path, {"compose.yaml": stack, "build.sh": script})
    found = readiness.check([str(tmp_path)], select=["compose/image-tag-floating"]).findings
    assert [one.line for one in found] == ([2, 3] if told else [3])


def test_scripts_are_part_of_what_is_asked_again(tmp_path: Path) -> None:
    assert clashes(tmp_path, {}) != clashes(tmp_path, {"up.sh": "docker compose up one\n"})
