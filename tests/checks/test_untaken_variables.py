"""A password in an `.env` that nothing takes: low where compose files take the rest of the file and nothing else may read it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

STACK = "services:\n  web:\n    image: acme/web:${TAG}\n    restart: always\n"
ENV = "TAG=1.4.0\nKEYSTORE_PASSWORD=sunflower77\n"
FILES = {
    "nothing takes it": ({}, "low"),
    "a compose file takes it": ({"compose.yaml": STACK + "    environment: {PASS: '${KEYSTORE_PASSWORD}'}\n"}, "medium"),
    "a compose file of another folder takes it": (
        {"more/compose.yaml": STACK + "    environment: {PASS: '${KEYSTORE_PASSWORD}'}\n"},
        "medium",
    ),
    "a published service takes it": (
        {"compose.yaml": STACK + "    ports: ['80:80']\n    environment: {ADMIN_PASSWORD: '${KEYSTORE_PASSWORD}'}\n"},
        "medium",
    ),
    "it is passed on by its name": ({"compose.yaml": STACK + "    environment: [KEYSTORE_PASSWORD]\n"}, "medium"),
    "a service is given the file": ({"compose.yaml": STACK + "    env_file: .env\n"}, "medium"),
    "a service is given a file that a variable hides": ({"compose.yaml": STACK + "    env_file: '${WHERE:?}'\n"}, "medium"),
    "a service mounts the file": ({"compose.yaml": STACK + "    volumes: ['./.env:/app/.env']\n"}, "medium"),
    "a service mounts its folder": ({"compose.yaml": STACK + "    volumes: ['.:/app']\n"}, "medium"),
    "a service mounts another folder": ({"compose.yaml": STACK + "    volumes: ['./conf:/conf']\n"}, "low"),
    "compose files take nothing of it": ({"compose.yaml": STACK.replace("${TAG}", "1.4.0")}, "medium"),
    "a program lies beside it": ({"package.json": "{}\n"}, "medium"),
    "a program lies elsewhere": ({"site/package.json": "{}\n"}, "low"),
    "somebody's own": ({".env": ENV.replace("sunflower77", "Kq7vT2mXw9pL4zR8")}, "medium"),
}


@pytest.mark.parametrize(("files", "want"), FILES.values(), ids=FILES)
def test_a_password_that_nothing_takes(tmp_path: Path, files: dict[str, str], want: str) -> None:
    write_files(tmp_path, {"compose.yaml": STACK, ".env": ENV, ".gitignore": "node_modules\n"} | files)
    report = readiness.check([tmp_path], select=["compose/env-file-committed"], base=tmp_path)
    assert [(one.line, one.severity.name.lower()) for one in report.findings] == [(2, want)]
    is_said = "no compose file takes it" in report.findings[0].message
    assert is_said is (want == "low" or files.get(".env", ENV) != ENV)


SCRIPTS = {
    "sources it": ("set -a; . ./.env\ndocker compose up -d web\n", "medium"),
    "passes it": ("docker run --env-file .env acme/web:1.4\ndocker compose up -d web\n", "medium"),
    "changes it": ('sed -i "s/1.4/1.5/" .env\ndocker compose up -d web\n', "low"),
}


@pytest.mark.parametrize(("script", "want"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_that_names_the_file(tmp_path: Path, script: str, want: str) -> None:
    write_files(tmp_path, {"compose.yaml": STACK, ".env": ENV, ".gitignore": "x\n", "up.sh": f"#!/bin/sh\n{script}"})
    report = readiness.check([tmp_path], select=["compose/env-file-committed"], base=tmp_path)
    assert [one.severity.name.lower() for one in report.findings] == [want]
