"""Which kind a text is, and that the quick look at it never decides otherwise than the kinds would."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import discover, kinds
from tests.conftest import ROOT

POD = "apiVersion: v1\nkind: Pod\n"
TEXTS = {
    "manifest": ("a.yaml", POD, "k8s"),
    "manifest in JSON": ("a.json", '{"apiVersion": "v1", "kind": "Pod"}', "k8s"),
    "compose by content": ("stack.yml", "services:\n  web:\n    image: x\n", "compose"),
    "compose by name": ("docker-compose.yml", "services: {}\n", "compose"),
    "workflow": (".github/workflows/a.yml", "on: push\njobs: {}\n", "github"),
    "action": ("action.yml", "name: x\nruns:\n  using: composite\n  steps: []\n", "github"),
    "dependabot": (".github/dependabot.yml", "version: 2\nupdates: []\n", "dependabot"),
    "gitlab": (".gitlab-ci.yml", "test:\n  script: [make]\n", "gitlab"),
    "dockerfile": ("Dockerfile.prod", "FROM scratch\n", "dockerfile"),
    "generator of Dockerfiles": (
        "Dockerfile.template",
        "%YAML 1.2\n--- |\n  FROM debian:12\n  RUN true\n",
        "",
    ),
    "dockerfile by content": ("build/web", "FROM alpine:3.20\nRUN true\n", "dockerfile"),
    "nginx": ("nginx.conf", "http { server { listen 80; } }\n", "nginx"),
    "site": ("sites-enabled/default", "server {\n  listen 80;\n  root /srv;\n}\n", "nginx"),
    "other YAML": ("mkdocs.yml", "site_name: x\nnav: []\n", ""),
    "values": ("values.yaml", "image: x\nreplicas: 3\n", ""),
    "apache": ("httpd.conf", "<VirtualHost *:80>\nServerName x\n</VirtualHost>\n", ""),
    "redis": ("redis.conf", "maxmemory 1gb\nsave 900 1\n", ""),
    "openapi": ("api.yaml", "openapi: 3.0.0\npaths: {}\n", ""),
    "prose": ("notes", "from here on, all is well\n", ""),
    "m4": ("Dockerfile.deb.m4", "ARG from=X\nFROM ${from}\nifelse(A, `x', `dnl\n", ""),
    "about dockerfiles": (
        "old_dockerfile_test.cwl",
        "cwlVersion: v1.0\ndockerFile: |\n  FROM a:1\n",
        "",
    ),
    "words around the name": ("web-dockerfile-arm", "FROM alpine:3.20\nRUN true\n", "dockerfile"),
    "source map": ("dockerfile-x.js.map", '{"version":3}\n', ""),
    "TOML": ("r.conf", 'location = "a"\nmirror = [\n  { location = "b" },\n]\n', ""),
    "RADIUS": (
        "sites-available/x",
        "listen {\n\tport = 1\n}\nserver a {\n\tif (ok) {\n\t}\n}\n",
        "",
    ),
    "Azure": ("ci.yml", "pr: none\nstages:\n  - stage: A\nvariables:\n  a: b\n  script: c\n", ""),
    "settings": ("default.yaml", "version: 2\nservices:\n  threads: 1\n  logging: {}\n", ""),
    "switched off": (".github/workflows/a.disabled", "on: push\njobs:\n  a:\n    runs-on: x\n", ""),
    "format strings": ("d.yml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}-x\n", "k8s"),
}


@pytest.mark.parametrize(("path", "text", "kind"), TEXTS.values(), ids=TEXTS)
def test_kinds(path: str, text: str, kind: str) -> None:
    assert kinds.classify(path, text) == kind


def slowly(path: str, text: str) -> str:
    return next((kind for kind in kinds.KINDS if kinds.module(kind).claims(path, text)), "")


def compare(root: Path) -> int:
    found = discover.find([root], base=root)
    wrong = [
        one.path
        for one in found.texts
        if kinds.classify(one.path, one.text) != slowly(one.path, one.text)
    ]
    assert wrong == []
    return len(found.texts)


def test_the_quick_look_agrees_over_the_fixtures() -> None:
    assert compare(ROOT / "fixtures") > 30


def test_the_quick_look_agrees_over_the_corpus(shared: Path) -> None:
    assert compare(shared / "corpus") > 500
