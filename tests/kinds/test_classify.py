"""Which kind a text is, and that the quick look at it never decides otherwise than the kinds would."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import kinds
from readiness.loading import discover
from tests.conftest import ROOT

POD = "apiVersion: v1\nkind: Pod\n"
TEXTS = {
    "manifest": ("a.yaml", POD, "k8s"),
    "manifest in JSON": ("a.json", '{"apiVersion": "v1", "kind": "Pod"}', "k8s"),
    "kubeconfig": ("a.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n", ""),
    "settings of kind and of Skaffold": (
        "a.yaml",
        "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n---\napiVersion: skaffold/v4beta11\nkind: Config\n",
        "",
    ),
    "settings of the kubelet, which rules judge": (
        "a.yaml",
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n",
        "k8s",
    ),
    "settings of Skaffold": ("a.yaml", "apiVersion: skaffold/v4beta11\nkind: Config\n", ""),
    "a custom resource called Config": (
        "a.yaml",
        "apiVersion: example.com/v1\nkind: Config\n",
        "k8s",
    ),
    "a pod beside settings": ("a.yaml", f"apiVersion: v1\nkind: Config\n---\n{POD}", "k8s"),
    "compose by content": ("stack.yml", "services:\n  web:\n    image: x\n", "compose"),
    "an override of compose": ("prod.yml", "services:\n  web:\n    environment: {A: b}\n    x-a: 1\n", "compose"),
    "a typing error beside an image": ("stack.yml", "services:\n  web:\n    image: x\n    portz: [1]\n", "compose"),
    "a template of services": (
        "stack.yml",
        "x-a: &a {restart: always}\nservices:\n  web:\n    <<: *a\n    image: x\n",
        "compose",
    ),
    "broken compose": ("stack.yml", "services:\n  web:\n    image: x\n   command: [y\n", "compose"),
    "a layer of Pebble": (
        "layers/001-web.yaml",
        "summary: web\nservices:\n  web:\n    override: replace\n    command: /bin/web\n    startup: enabled\n",
        "",
    ),
    "a layer of Pebble with checks": (
        "layers/002.yml",
        "services:\n  web:\n    command: web\n    environment: {A: b}\nchecks:\n  up: {level: alive}\n",
        "",
    ),
    "a layer of Pebble that says what follows": (
        "plan.yaml",
        "services:\n  web:\n    command: web\n    user: app\n    on-success: shutdown\n",
        "",
    ),
    "services of which one has only words of others": (
        "plan.yaml",
        "services:\n  web:\n    image: x\n  db:\n    engine: postgres\n    tier: small\n",
        "",
    ),
    "a layer under a compose name": (
        "compose.yaml",
        "services:\n  web:\n    command: web\n    startup: enabled\n",
        "compose",
    ),
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
    "a Dockerfile for Go": ("Dockerfile.go", "FROM golang:1.23\nRUN go build\n", "dockerfile"),
    "a Dockerfile of environments": ("Dockerfile.env", "FROM debian:13\nENV A=b\n", "dockerfile"),
    "a Dockerfile with arguments": ("web/Dockerfile.env", "# x\nARG V\nFROM a:$V\n", "dockerfile"),
    "a Dockerfile of one line": ("Dockerfile", "FROM scratch", "dockerfile"),
    "variables for a Dockerfile": ("Dockerfile.env", "A=b\nFROM_ADDRESS=c\n", "dotenv"),
    "a variable called FROM": ("mail.env", "FROM=a@example.com\n", "dotenv"),
    "Python beside a Dockerfile": ("Dockerfile.py", "from a import b\n", ""),
    "a copy of a Dockerfile": ("Dockerfile.bak", "FROM a\nRUN b\n", ""),
    "a Dockerfile with the head of YAML": ("Dockerfile", "---\nFROM a\n", "dockerfile"),
    "JSON on one line": ("a.json", '{"kind":"Pod","apiVersion":"v1"}', "k8s"),
    "flow YAML": ("a.yaml", "{kind: Pod, metadata: {name: a}, apiVersion: v1}", "k8s"),
    "flow YAML behind a mark": ("a.yaml", "# x\n--- {kind: Pod, apiVersion: v1}", "k8s"),
    "flow YAML in a second document": ("a.yaml", "a: 1\n---\n{kind: Pod, apiVersion: v1}", "k8s"),
    "JSON that is cut off": ("a.json", '{"kind":"Pod","apiVersion":"v1","spec":{', "k8s"),
    "JSON with an object inside": ("a.json", '{"a":{"kind":"Pod","apiVersion":"v1"}}', ""),
    "a key with an escape": ("a.yaml", '"\\x61piVersion": v1\nkind: Pod\n', "k8s"),
    "a key behind a question mark": ("a.yaml", "? apiVersion\n: v1\n? kind\n: Pod\n", "k8s"),
    "a key with a tag": ("a.yaml", "!!str apiVersion: v1\nkind: Pod\n", "k8s"),
    "an object with a brace in a comment": ("a.yaml", POD + "# name: {x}\n", "k8s"),
    "a version that is put in": ("a.yaml", "apiVersion: {{ v }}\nkind: Pod\n", "k8s"),
    "a schema of objects": ("a.yaml", "apiVersion: {type: string}\nkind: {type: string}\n", ""),
    "compose on one line": ("stack.yml", "{services: {web: {image: nginx}}}", "compose"),
    "compose by name on one line": ("compose.yaml", "{services: {web: {}}}", "compose"),
    "compose as JSON": ("stack.json", '{"services": {"web": {"image": "a"}}}', "compose"),
    "other JSON with services": ("a.json", '{"services": {"a": {"image": "b"}}, "users": {}}', ""),
    "compose with two documents": (
        "compose.yaml",
        "services:\n  a: {image: b}\n---\n{x-a: 1}\n",
        "compose",
    ),
    "compose with words at the margin": (
        "compose.yaml",
        'x-a: "\napiVersion: v1\nkind: b"\nservices:\n  web:\n    image: a\n',
        "compose",
    ),
    "action on one line": (
        "action.yml",
        "{name: x, runs: {using: composite, steps: []}}",
        "github",
    ),
    "workflow elsewhere": ("ci/a.yml", "on: push\njobs:\n  a:\n    runs-on: x\n", "github"),
    "workflow with a list at the margin": (
        "a.yml",
        "on:\n- push\njobs:\n  a:\n    uses: x\n",
        "github",
    ),
    "workflow in an archive": (
        "a.txtar",
        "-- a.yml --\non: push\njobs:\n  a:\n    runs-on: x\n",
        "",
    ),
    "workflow in prose": ("a.yml", "An example:\non: push\njobs:\n  a:\n    runs-on: x\n", ""),
    "another system's jobs": ("a.yml", "version: 2\njobs:\n  a:\n    steps: [x]\n# runs-on\n", ""),
    "broken workflow in its folder": (".github/workflows/a.yml", "-- a --\non: push\n", "github"),
    "pipeline in an archive": ("a.txt", "stages: [a]\nb:\n  stage: a\n  script: c\n", ""),
    "updates in an archive": ("a.txtar", "updates:\n  - package-ecosystem: npm\n", ""),
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
    assert kinds.detect_kind(path, text) == kind


MADE = {
    "a manifest": ("a.yaml.j2", POD, "k8s"),
    "a manifest behind tags": ("a.yaml.tmpl", "{{ if .x }}\n" + POD + "{{ end }}\n", "k8s"),
    "compose": ("compose.yml.erb", "services:\n  <%= x %>:\n    image: a\n", "compose"),
    "a workflow": (".github/workflows/a.yml.j2", "on: push\n", "github"),
    "no template": ("a.yaml", POD, ""),
    "an environment file": (".env.j2", "A={{ b }}\n", ""),
    "a list": (".dockerignore.j2", "{{ b }}\n", ""),
    "another file": ("a.yaml.j2", "users: []\n", ""),
}


@pytest.mark.parametrize(("path", "text", "kind"), MADE.values(), ids=MADE)
def test_what_a_template_makes(path: str, text: str, kind: str) -> None:
    assert kinds.kind_rendered_from_template(path, text) == kind


def slowly(path: str, text: str) -> str:
    return next((kind for kind in kinds.KINDS_BY_PRECEDENCE if kinds.kind_module(kind).recognizes_file(path, text)), "")


def compare(root: Path) -> int:
    found = discover.discover_files([root], working_directory=root)
    wrong = [source.path for source in found.sources if kinds.detect_kind(source.path, source.text) != slowly(source.path, source.text)]
    assert wrong == []
    return len(found.sources)


def test_the_quick_look_agrees_over_the_fixtures() -> None:
    assert compare(ROOT / "fixtures") > 30


def test_the_quick_look_agrees_over_the_corpus(shared: Path) -> None:
    assert compare(shared / "corpus") > 500
