"""What Dockerfiles and configurations of nginx are taken for by what builds and mounts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

IMAGE = 'FROM alpine:3.22\nUSER app\nCMD ["web"]\n'
BUILDS = "services: {web: {build: {context: %s}, restart: always}}\n"
CONF = "server { listen 80; location / { proxy_pass http://web:8080; } }\n"
MOUNTS = 'services: {web: {image: "nginx:1.29", restart: always, volumes: ["%s"]}}\n'
ONE = MOUNTS % "./web/nginx.conf:/etc/nginx/nginx.conf:ro"
PUSHES = """on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/build-push-action@v6
        with: {context: %s, push: true}
"""
CASES: dict[str, tuple[str, dict[str, str], str]] = {
    "built for development": ("db/Dockerfile", {"docker-compose.dev.yml": BUILDS % "./db"}, "development"),
    "built for tests": ("db/Dockerfile", {"tests/compose.yaml": BUILDS % "../db"}, "tests"),
    "built for both": (
        "db/Dockerfile",
        {"compose.dev.yaml": BUILDS % "./db", "compose.test.yaml": BUILDS % "./db"},
        "development",
    ),
    "built for production, too": ("db/Dockerfile", {"compose.dev.yaml": BUILDS % "./db", "compose.yaml": BUILDS % "./db"}, ""),
    "built by a pipeline": (
        "db/Dockerfile",
        {"compose.dev.yaml": BUILDS % "./db", ".github/workflows/ci.yml": PUSHES % "./db"},
        "",
    ),
    "built by a pipeline that hides what": (
        "db/Dockerfile",
        {"compose.dev.yaml": BUILDS % "./db", ".github/workflows/ci.yml": PUSHES % "'${{ matrix.image }}'"},
        "",
    ),
    "beside what a pipeline builds": (
        "db/Dockerfile",
        {"compose.dev.yaml": BUILDS % "./db", ".github/workflows/ci.yml": PUSHES % "./web"},
        "development",
    ),
    "the one at the root": ("Dockerfile", {"compose.dev.yaml": BUILDS % "."}, ""),
    "called production's": ("prod/Dockerfile", {"compose.dev.yaml": BUILDS % "./prod"}, ""),
    "built by what only looks like development": (
        "db/Dockerfile",
        {"compose.yaml": "services: {web: {build: ./db, restart: always, command: npm run dev}}\n"},
        "",
    ),
    "built by nobody": ("db/Dockerfile", {"compose.dev.yaml": BUILDS % "./web"}, ""),
    "mounted for development": ("web/nginx.conf", {"compose.dev.yaml": ONE}, "development"),
    "mounted with its folder": (
        "web/conf/nginx.conf",
        {"compose.dev.yaml": MOUNTS % "./web/conf:/etc/nginx/conf.d"},
        "development",
    ),
    "mounted for production, too": ("web/nginx.conf", {"compose.dev.yaml": ONE, "compose.yaml": ONE}, ""),
    "in a tree that is mounted": ("web/nginx.conf", {"compose.dev.yaml": MOUNTS % ".:/app"}, ""),
    "copied into an image, too": (
        "web/nginx.conf",
        {"compose.dev.yaml": ONE, "Dockerfile": "FROM nginx:1.29\nCOPY web/nginx.conf /etc/nginx/nginx.conf\n"},
        "",
    ),
    "copied with all the context": (
        "web/nginx.conf",
        {"compose.dev.yaml": ONE, "web/Dockerfile": "FROM nginx:1.29\nCOPY . /etc/nginx/\n"},
        "",
    ),
    "mounted by nobody": ("web/nginx.conf", {"compose.dev.yaml": BUILDS % "."}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("path", "around", "word"), CASES.values(), ids=CASES)
def test_what_uses_a_file(tmp_path: Path, path: str, around: dict[str, str], word: str) -> None:
    root = write_files(tmp_path, {path: IMAGE if "Dockerfile" in path else CONF, **around})
    rows = check([root], base=root).to_dict()["purposes"]
    found = {one["path"]: one["purpose"].partition(":")[0] for one in rows}
    assert found.get(path, "") == word


def test_the_evidence_is_told(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/Dockerfile": IMAGE, "compose.dev.yaml": BUILDS % "./db"})
    (told,) = (one["purpose"] for one in check([root], base=root).to_dict()["purposes"] if "Dockerfile" in one["path"])
    assert told == "development: so is all that builds it, as its name says so"


def test_what_the_file_says_comes_first(tmp_path: Path) -> None:
    files = {"db/Dockerfile": "# readiness: purpose=production\n" + IMAGE, "compose.dev.yaml": BUILDS % "./db"}
    root = write_files(tmp_path, files)
    rows = check([root], base=root).to_dict()["purposes"]
    assert not [one for one in rows if one["path"] == "db/Dockerfile"]
