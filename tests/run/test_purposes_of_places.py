"""What files are taken for by the folders and READMEs around them, over all kinds; and neighbours that stay production's."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

POD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {a: b}}}\n"
KUSTOMIZATION = "kind: Kustomization\nresources: [web.yaml]\n"
IMAGE = 'FROM alpine:3.22\nCMD ["web"]\n'
STACK = "services:\n  web:\n    image: acme/web:1.4.0\n    restart: always\n    environment: [%s]\n"
LOOSE = STACK.replace("    restart: always\n", "")
STUDY = "# CKA\n\nStudy material for the exam.\n"
DEMO = "# Shop demo\n\nA shop.\n"
CHANGE = "# Basic\n\nChange the passwords before deploying to production.\n"
TRIAL = "# TLS\n\nUse this only for testing purposes.\n"
GO_TEST = "package a\n"

ASIDE = {
    "manifests to study": ("cka/web.yaml", POD, {}, "study material"),
    "the same with a README": ("labs/a/web.yaml", POD, {"labs/README.md": STUDY}, "study material"),
    "an image to study": ("ckad/Dockerfile", IMAGE, {"ckad/README.md": STUDY}, "study material"),
    "a stack to study": ("exercises/1/compose.yaml", STACK % "A=b", {"exercises/README.md": STUDY}, "study material"),
    "a demonstration": ("apps/shop-demo-blue/web.yaml", POD, {"apps/shop-demo-blue/README.md": DEMO}, "a demonstration"),
    "manifests beside tests": ("integration/a/web.yaml", POD, {"integration/a_test.go": GO_TEST}, "tests"),
    "blanks in documents": ("docs/docker-compose-idp.yml", STACK % "HOST=<your-ip-address>", {}, "an example"),
    "hosts of examples in documents": ("docs/compose.yml", STACK % "HOST=registry.example.com", {}, "an example"),
    "blanks in an example": ("examples/a/compose.yml", STACK % "TOKEN=<my-token>", {}, "an example"),
    "an example to change": ("examples/a/compose.yml", STACK % "A=b", {"examples/a/README.md": CHANGE}, "an example"),
    "manifests for tests only by a README": (
        "examples/tls/web.yaml",
        POD,
        {"examples/tls/README.md": TRIAL, "examples/kustomization.yaml": KUSTOMIZATION},
        "an example",
    ),
    "a stack for tests only by a README": ("examples/a/compose.yml", STACK % "A=b", {"examples/a/README.md": TRIAL}, "an example"),
    "tools of developers": ("hack/docker/compose.yaml", LOOSE % "A=b", {}, "development"),
    "an image of developers": ("api/dev.Dockerfile", IMAGE, {}, "development"),
}  # fmt: skip
KEPT = {
    "a folder that is deployed": ("cka/web.yaml", POD, {"cka/kustomization.yaml": KUSTOMIZATION}),
    "a README at the root alone": ("apps/web.yaml", POD, {"README.md": STUDY, "apps/kustomization.yaml": KUSTOMIZATION}),
    "an image beside a README": ("api/Dockerfile", IMAGE, {"README.md": STUDY}),
    "a stack beside a README": ("deploy/compose.yaml", STACK % "A=b", {"README.md": STUDY}),
    "called a demonstration by its README alone": ("apps/shop/web.yaml", POD, {"apps/shop/README.md": DEMO}),
    "an image of a demonstration": ("docker/demo/Dockerfile", IMAGE, {"docker/demo/README.md": DEMO}),
    "called so by its folder alone": ("apps/shop-demo-blue/web.yaml", POD, {}),
    "an application called integration": ("integration/web.yaml", POD, {"integration/main.go": GO_TEST}),
    "one whose tests lie elsewhere": ("integration/web.yaml", POD, {"pkg/a_test.go": GO_TEST}),
    "blanks in what is deployed": ("deploy/compose.yml", STACK % "HOST=<your-ip-address>", {}),
    "blanks in a comment": ("docs/compose.yml", "# <your-host>\n" + STACK % "A=b", {}),
    "what is to be changed and deployed": ("deploy/compose.yml", STACK % "A=b", {"deploy/README.md": CHANGE}),
    "a stack of developers that restarts": ("hack/docker/compose.yaml", STACK % "A=b", {}),
    "for tests only by the README of a folder of no such name": ("tls/compose.yml", STACK % "A=b", {"tls/README.md": TRIAL}),
    "for tests only by the README above": (
        "examples/tls/web.yaml",
        POD,
        {"examples/README.md": TRIAL, "examples/tls/kustomization.yaml": KUSTOMIZATION},
    ),
    "exercises in production": ("prod/exercises/compose.yml", STACK % "A=b", {}),
}  # fmt: skip


def purposes(root: Path, files: dict[str, str]) -> dict[str, str]:
    """What files were taken for, by their paths."""
    rows = check([write_files(root, files)], base=root).to_dict()["purposes"]
    return {one["path"]: one["purpose"].partition(":")[0] for one in rows}


@pytest.mark.parametrize(("path", "text", "around", "word"), ASIDE.values(), ids=ASIDE)
def test_what_is_not_for_production(tmp_path: Path, path: str, text: str, around: dict[str, str], word: str) -> None:
    assert purposes(tmp_path, {path: text, **around}) == {path: word}


@pytest.mark.parametrize(("path", "text", "around"), KEPT.values(), ids=KEPT)
def test_what_may_be_for_production(tmp_path: Path, path: str, text: str, around: dict[str, str]) -> None:
    assert purposes(tmp_path, {path: text, **around}) == {}


def test_environment_files_are_for_what_reads_them(tmp_path: Path) -> None:
    files = {
        "examples/a/compose.yml": STACK % "A=b",
        "examples/a/README.md": CHANGE,
        "examples/a/.env": "MYSQL_PASSWORD=shop\n",
        "deploy/compose.yml": STACK % "A=b" + "    env_file: ../shared/both.env\n",
        "deploy/.env": "MYSQL_PASSWORD=shop\n",
        "shared/both.env": "A=b\n",
        "examples/b/compose.yml": LOOSE % "A=b" + "    env_file: ../../shared/both.env\n",
    }
    assert set(purposes(tmp_path, files)) == {"examples/a/compose.yml", "examples/a/.env", "examples/b/compose.yml"}


@pytest.mark.parametrize(
    ("path", "around", "is_told"),
    [
        ("integration/base/app/Dockerfile", "integration/base/Tiltfile", False),
        ("e2e/app/Dockerfile", "Tiltfile", False),
        ("app/Dockerfile", "Tiltfile", True),
        ("integration/app/Dockerfile", "integration/other/Tiltfile", True),
        ("integration/app/Dockerfile", "integration/skaffold.yaml", True),
    ],
)
def test_fixtures_that_tilt_builds(tmp_path: Path, path: str, around: str, is_told: bool) -> None:
    root = write_files(tmp_path, {path: 'FROM ${BASE}\nCMD ["web"]\n', around: "docker_build('a', 'app')\n"})
    rules = {one.rule for one in check([root], base=root).findings}
    assert ("dockerfile/from-argument-undefined" in rules) is is_told
