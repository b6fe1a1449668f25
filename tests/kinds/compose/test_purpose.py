"""What a compose file is taken for: the evidence in it, and what does not count as such."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.kinds import compose
from readiness.kinds.compose.model import Document
from readiness.kinds.head import purpose_at_head
from readiness.kinds.purpose import NonProductionSign, decisive_signs
from readiness.model import Source, Span
from tests.make import write_files


def documents(files: dict[str, str]) -> dict[str, Document]:
    """Compose files by path, with the signs of what they are for."""
    found = {path: compose.parse(Source(path, text)) for path, text in files.items()}
    compose.link_documents({compose.KIND_NAME: list(found.values())}, ())
    return found


KEPT = 'services: {{web: {{image: "a/web:1", restart: always{more}}}}}\n'
STRONG = {
    "a server for development": KEPT.format(more=", command: npm run dev"),
    "the same in a shell": KEPT.format(more=', command: sh -c "cd /app && npm run dev"'),
    "a box to enter": KEPT.format(more=", build: ., command: sleep infinity"),
    "the source of the host": KEPT.format(more=', build: ., volumes: [".:/app"]'),
    "a mail catcher": 'services: {web: {image: "a/b:1", restart: always}, m: {image: "axllent/mailpit:v1"}}\n',
    "an emulator": 'services: {web: {image: "a/b:1", restart: always}, q: {image: "localstack/localstack:4"}}\n',
    "an image for tests": 'services: {web: {image: "acme/web-test:1", restart: always}}\n',
    "data in memory": 'services: {db: {image: "postgres:17", restart: always, tmpfs: /var/lib/postgresql/data}}\n',
    "what follows changes": KEPT.format(more=", develop: {watch: [{path: ., action: rebuild}]}"),
    "its head": "# This stack is for local development only.\n" + KEPT.format(more=""),
    "nothing but builds": "services:\n  a: {image: a, build: a}\n  b: {image: b, build: b}\n",
}


@pytest.mark.parametrize("text", STRONG.values(), ids=STRONG)
def test_strong_sign(text: str) -> None:
    (document,) = documents({"compose.yaml": text}).values()
    assert not document.production
    assert document.taken_for
    named = documents({"compose.prod.yaml": text})["compose.prod.yaml"]
    assert named.production, "a name that says production is believed"
    told = documents({"compose.yaml": "x-readiness: production\n" + text})["compose.yaml"]
    assert told.production or text.startswith("#"), "so is a file that says it"


NO_SIGN = {
    "a tool for development aside": """
services:
  web: {image: "a/web:1", restart: always}
  web-dev: {image: "a/web:1", command: npm run dev}
  mail: {image: "axllent/mailpit:v1", profiles: [dev]}
""",
    "a folder that the host serves": KEPT.format(more=', build: ., volumes: ["./public:/app/public"]'),
    "a folder that a variable names": KEPT.format(more=', build: ., volumes: ["${WEB:-./src}:/app/src"]'),
    "a volume forgotten, no more": """
services:
  web: {image: "a/web:1", restart: always}
  db: {image: "postgres:17", restart: always}
""",
    "no restart, no more": 'services: {web: {image: "a/web:1"}, api: {image: "a/api:1"}}\n',
    "carelessness": """
services:
  db:
    image: postgres:17
    restart: always
    ports: ["5432:5432"]
    volumes: ["data:/var/lib/postgresql/data"]
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: app}
  web: {image: "a/web:1", restart: always}
volumes: {data: {}}
""",
    "a proxy that serves TLS": """
services:
  caddy: {image: "caddy:2.8", ports: ["80:80", "443:443"]}
  db:
    image: postgres:17
    volumes: ["data:/var/lib/postgresql/data"]
    environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: app}
volumes: {data: {}}
""",
    "a swarm": """
services:
  db: {image: "postgres:17", deploy: {mode: replicated}}
""",
    "an included file that is not here": """
include: [./db.yaml]
services:
  web: {image: "a/web:1"}
  db: {image: "postgres:17"}
""",
}


@pytest.mark.parametrize("text", NO_SIGN.values(), ids=NO_SIGN)
def test_no_sign(text: str) -> None:
    (document,) = documents({"compose.yaml": text}).values()
    assert document.production, document.taken_for


NOTHING_KEPT = 'services: {web: {build: .}, db: {image: "postgres:17"}}\n'
BROUGHT = {
    "a restart by an overlay": {"compose.scale.yaml": "services: {web: {restart: always}, db: {restart: always}}\n"},
    "a volume by an overlay for production": {"compose.prod.yaml": 'services: {db: {volumes: ["data:/var/lib/postgresql/data"]}}\n'},
}


@pytest.mark.parametrize("beside", BROUGHT.values(), ids=BROUGHT)
def test_what_is_left_out_may_be_brought_by_another_file(beside: dict[str, str]) -> None:
    assert not documents({"compose.yaml": NOTHING_KEPT})["compose.yaml"].production
    assert documents({"compose.yaml": NOTHING_KEPT, **beside})["compose.yaml"].production


def test_what_a_file_for_development_brings_is_not_production() -> None:
    files = {
        "compose.yaml": NOTHING_KEPT,
        "compose.dev.yaml": BROUGHT["a restart by an overlay"]["compose.scale.yaml"],
    }
    assert not documents(files)["compose.yaml"].production


def test_no_rule_is_silenced_by_what_it_reports() -> None:
    document = documents({"compose.yaml": NOTHING_KEPT})["compose.yaml"]
    service = document.services["db"]
    assert not service.production
    assert service.production_whatever_restarts
    assert service.production_whatever_is_kept
    assert not service.production_whatever_is_mounted


def test_signs_that_add_up() -> None:
    place = Span(0, 1)
    weak = [NonProductionSign(fact, "", place) for fact in ("published", "login")]
    assert not decisive_signs(weak)
    assert len(decisive_signs([*weak, NonProductionSign("restarts", "", place)])) == 2
    assert len(decisive_signs([*weak, NonProductionSign("command", "", place, is_decisive=True)])) == 1
    assert not decisive_signs([*weak, NonProductionSign("command", "", place, is_decisive=True)], "command")


FOLDERS = {
    "examples/shop": True,
    "demo-setups": True,
    "shop-example": True,
    ".examples/apache": True,
    "docs": True,
    "deploy": False,
    "demography": False,
    "": False,
}


@pytest.mark.parametrize(("folder", "sample"), FOLDERS.items())
def test_folder_of_examples(folder: str, sample: bool) -> None:
    text = 'services: {web: {image: "a/web:1"}}\n'
    path = f"{folder}/compose.yaml".lstrip("/")
    assert documents({path: text})[path].production is not sample, "and nothing restarts"


def test_a_directory_of_examples_decides_alone_and_one_of_documents_does_not() -> None:
    text = KEPT.format(more="")
    folders = (".examples", "examples", "shop-example", "demo", "quickstart", "docs", ".deploy", "demography", "exemplary")
    found = documents({f"{folder}/a/compose.yaml": text for folder in folders})
    assert {path.partition("/")[0] for path, one in found.items() if not one.production} == {
        ".examples", "examples", "shop-example", "demo", "quickstart",
    }  # fmt: skip


def test_what_production_includes_is_of_production() -> None:
    files = {
        "compose.yaml": "include: [tests/db.yaml, tests/db.dev.yaml]\n" + KEPT.format(more=""),
        "tests/db.yaml": 'services: {db: {image: "postgres:17", restart: always}}\n',
        "tests/db.dev.yaml": 'services: {mail: {image: "a/mail:1", restart: always}}\n',
        "tests/other.yaml": 'services: {other: {image: "a/other:1", restart: always}}\n',
    }
    found = {path for path, one in documents(files).items() if one.production}
    assert found == {"compose.yaml", "tests/db.yaml"}


@pytest.mark.parametrize(
    ("folder", "is_production"),
    [
        ("contrib/local-environment", False),
        ("docker/localdev", False),
        ("docker/local_development", False),
        ("dev-env", False),
        ("local", True),
        ("docker/localstack", True),
        ("environments", True),
        ("usr/local/env", True),
        ("contrib", True),
        ("extras/docker", True),
    ],
)
def test_folder_of_development(folder: str, is_production: bool) -> None:
    path = f"{folder}/compose.yaml"
    assert documents({path: KEPT.format(more="")})[path].production is is_production


HEADS = {
    "# Only for development: starts what the tests need.\n": "development",
    "# Not for production use.\n": "development",
    "version: '3'\n# WARNING: this setup is not meant to be run in production!\n": "development",
    "# Development environment for the shop\n": "development",
    "# For integration tests only\n": "test",
    "# docker-compose.yml for local development\n": "development",
    "# This compose file is for demonstration purposes only.\n": "demo",
    "# Production stack. For development use compose.dev.yaml.\n": None,
    "# For development, see CONTRIBUTING.\n": None,
    "# The default password is not for production.\n": None,
    "# If you run this for testing, set DEBUG.\n": None,
    "# This compose file starts an example instance of the shop\n# for manual testing and trying things.\n": "test",
    "# This file can be used to bring up the shop with its stores for local development.\n": "development",
    "# Profiles:\n# - web: all services, for production\n# - debug: all services but the web for local development\n": None,
    "# This file serves what we built after long discussions of testing for local users.\n": None,
    "# This file contains a small deployment used for testing the operator.\n": "test",
    "# The stack is used for development\n": "development",
    "# Copyright 2026 Acme\n\n# docker compose file to test the shop with another store.\n": "test",
    "# Use the probes of this file to test the shop.\n": None,
    "# The file names are used to be short for testing.\n": None,
    "# Shop\n": None,
    "services: {}\n# for development only\n": None,
    "": None,
}


@pytest.mark.parametrize(("text", "purpose"), HEADS.items())
def test_head(text: str, purpose: str | None) -> None:
    found = purpose_at_head(text + "services: {}\n", "shop/docker-compose.yml")
    assert (found and found[0]) == purpose


def test_report_says_once_what_was_taken_for_what(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"compose.yaml": STRONG["a mail catcher"], "compose.dev.yaml": NOTHING_KEPT})
    report = check([root])
    purposes = {Path(row.path).name: row.purpose for row in report.files}
    assert purposes == {
        "compose.dev.yaml": "development: its name says so",
        "compose.yaml": "development: service 'm' catches mail that is never sent",
    }
    assert report.files_excused == 2


def test_secrets_are_asked_everywhere(tmp_path: Path) -> None:
    text = f"# For development only.\nservices: {{web: {{image: 'a/b:1', command: 'run --token gh{'p'}_{'a1B2c3D4e5F6' * 3}'}}}}\n"
    report = check([write_files(tmp_path, {"compose.yaml": text})])
    assert "compose/secret-in-command" in {one.rule for one in report.findings}


def test_secrets_in_what_is_taken_for_development(tmp_path: Path) -> None:
    """A password that somebody made up says nothing there; what a machine made is told."""
    text = "# For development only.\nservices: {web: {image: 'a/b:1', environment: {APP_PASSWORD: hunter22, JWT_SECRET: kq83hfSWm2vLp0xT}}}\n"
    report = check([write_files(tmp_path, {"compose.yaml": text})])
    secrets = [one.message for one in report.findings if one.rule_definition.category == "secrets"]
    assert len(secrets) == 1
    assert "JWT_SECRET" in secrets[0]


README_HEADS = {
    "a development environment": ("# Acme Docker\n\nAcme development environment using Docker.\n", "development"),
    "for trials": (
        "# Stack\n\nThe compose files in this repository are meant for testing and demo purposes!\n",
        "a demonstration",
    ),
    "an application": ("# Shop\n\nOur shop. See below for the development environment.\n", None),
}


@pytest.mark.parametrize(("readme", "word"), README_HEADS.values(), ids=README_HEADS)
def test_a_readme_above(tmp_path: Path, readme: str, word: str | None) -> None:
    stack = "services:\n  web:\n    image: acme/web:1.4.0\n    restart: always\n"
    paths = ("compose.yaml", "projects/shop/compose.yaml", "production/compose.yaml", "compose.prod.yaml")
    write_files(tmp_path, {"README.md": readme} | dict.fromkeys(paths, stack))
    report = check([tmp_path], select=["compose/restart-missing"], base=tmp_path)
    words = {one.path: one.purpose.partition(":")[0] for one in report.files if one.purpose}
    assert words == (dict.fromkeys(paths[:2], word) if word else {})
