"""Checks that join kinds: which Dockerfile makes an image, which file a command means, what is surely not there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness import api, kinds
from readiness.checks.project import edge, tools, versions
from readiness.kinds.joins import images, steps
from readiness.kinds.joins.every_build import builds_of_project
from readiness.loading import reading
from readiness.model import Hit, Source
from readiness.model.project import Project
from readiness.syntax import image

WORKFLOW = ".github/workflows/ci.yml"


def project(files: dict[str, str], *, closed: Iterable[str] = ()) -> Project:
    """The project of some files."""
    sources = [Source(path, text, kind=kind) for path, text in files.items() if (kind := kinds.detect_kind(path, text))]
    read = [(s.kind, document) for s, document, error in reading.parse_sources(sources) if error is None]
    return Project(read, files, is_complete=True, passed_over_paths=closed)


def pod(reference: str) -> str:
    """A pod of one container."""
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n    - name: a\n      image: {reference}\n"


def workflow(*commands: str) -> str:
    """A workflow that checks the repository out and runs commands, one a step."""
    head = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n"
    return head + "".join(f"      - run: |\n          {one}\n" for one in commands)


def made_from(files: dict[str, str]) -> str:
    """The Dockerfile (and the stage's number) that makes the image of the one container; empty for none."""
    made = project(files)
    container = made.documents_of_kind("k8s")[0].containers[0]
    stage = images.stage_of_container(container, made)
    return f"{stage.source.path}:{stage.index}" if stage else ""


NODE = "FROM node:22-slim\nUSER node\n"
TWO = "FROM golang:1.24 AS build\nFROM scratch AS run\n"
JOINS = {
    "by its folder": ({"api/Dockerfile": NODE}, "ghcr.io/acme/api:1", "api/Dockerfile:0"),
    "by a longer name": ({"api/Dockerfile": NODE}, "ghcr.io/acme/shop-api:1", ""),
    "an official image": ({"nginx/Dockerfile": NODE}, "nginx:1.27", ""),
    "a public image": ({"grafana/Dockerfile": NODE}, "grafana/grafana:11.4.0", ""),
    "its own base": ({"x/api/Dockerfile": "FROM quay.io/acme/api:1\n"}, "ghcr.io/acme/api:1", ""),
    "a variable": ({"api/Dockerfile": NODE}, '"$REGISTRY/api:1"', ""),
    "two folders": ({"a/api/Dockerfile": NODE, "b/api/Dockerfile": NODE}, "acme/api:1", ""),
    "another file's name": ({"api/dev.Dockerfile": NODE}, "acme/api:1", ""),
    "compose, in full": (
        {
            "compose.yaml": "services: {x: {image: 'acme/api:dev', build: srv}}",
            "srv/Dockerfile": NODE,
        },
        "docker.io/acme/api:1.4",
        "srv/Dockerfile:0",
    ),
    "compose, by the service": (
        {"compose.yaml": "services: {api: {build: srv}}", "srv/Dockerfile": NODE},
        "ghcr.io/acme/api:1.4",
        "srv/Dockerfile:0",
    ),
    "compose, another registry": (
        {
            "compose.yaml": "services: {x: {image: 'acme/api:dev', build: srv}}",
            "srv/Dockerfile": NODE,
        },
        "ghcr.io/acme/api:1.4",
        "",
    ),
    "compose, a target": (
        {
            "compose.yaml": "services: {x: {image: acme/api, build: {context: ., target: build}}}",
            "Dockerfile": TWO,
        },
        "acme/api:1",
        "Dockerfile:0",
    ),
    "compose, a target from a variable": (
        {
            "compose.yaml": "services: {x: {image: acme/api, build: {context: ., target: '${T}'}}}",
            "Dockerfile": TWO,
        },
        "acme/api:1",
        "",
    ),
    "a pipeline, in full": (
        {WORKFLOW: workflow("docker build -t ghcr.io/acme/api:$SHA -f d/api .\n"), "d/api": NODE},
        "ghcr.io/acme/api:1",
        "d/api:0",
    ),
    "a pipeline, its registry hidden": (
        {
            WORKFLOW: workflow("docker buildx build --push --tag=$R/api:1 ./srv"),
            "srv/Dockerfile": NODE,
        },
        "ghcr.io/acme/api:1",
        "srv/Dockerfile:0",
    ),
    "a pipeline that hides the Dockerfile": (
        {WORKFLOW: workflow("docker build -t acme/api -f $FILE ."), "api/Dockerfile": NODE},
        "acme/api:1",
        "",
    ),
    "two builds that differ": (
        {
            WORKFLOW: workflow("docker build -t acme/api --target run ."),
            "compose.yaml": "services: {x: {image: acme/api, build: {context: ., target: build}}}",
            "Dockerfile": TWO,
        },
        "acme/api:1",
        "",
    ),
}


@pytest.mark.parametrize(("files", "reference", "wanted"), JOINS.values(), ids=JOINS)
def test_which_dockerfile_makes_an_image(files: dict[str, str], reference: str, wanted: str) -> None:
    assert made_from({"k8s/pod.yaml": pod(reference), **files}) == wanted


def test_a_closer_dockerfile_of_another_name_leaves_a_doubt() -> None:
    files = {"new/k8s.yaml": pod("acme/api:1"), "old/api/Dockerfile": NODE, "new/Dockerfile": NODE}
    assert made_from(files) == ""
    del files["new/Dockerfile"]
    assert made_from(files) == "old/api/Dockerfile:0"


WORDS = st.sampled_from(["api", "web", "node", "nginx", "acme", "shop"])


@given(st.lists(st.tuples(WORDS, WORDS), max_size=4), WORDS, WORDS)
def test_a_join_is_by_the_last_part_of_the_name_and_by_one_dockerfile_alone(folders: list[tuple[str, str]], owner: str, name: str) -> None:
    files = {f"{a}/{b}/Dockerfile": NODE for a, b in folders}
    found = made_from({"k8s/pod.yaml": pod(f"ghcr.io/{owner}/{name}:1"), **files})
    fitting = [path for path in files if path.split("/")[1] == name]
    assert found == (f"{fitting[0]}:0" if len(fitting) == 1 and name != "node" else "")


COMMANDS = {
    "docker build .": ("Dockerfile", None),
    "docker build -t a/b:1 --target run -f x/Dockerfile.prod x": ("x/Dockerfile.prod", "run"),
    "docker buildx build --platform linux/amd64 --push ./x": ("x/Dockerfile", None),
    "docker image build --file=x/D --target=$T x": ("x/D", ""),
    "sudo podman build -f x/D .": ("x/D", None),
    "docker build - < Dockerfile": (None, None),
    "docker build https://github.com/a/b.git": (None, None),
    "docker build $DIR": (None, None),
    "docker build /src": (None, None),
    "docker build a b": (None, None),
}


@pytest.mark.parametrize(("command", "wanted"), COMMANDS.items(), ids=COMMANDS)
def test_what_a_build_command_names(command: str, wanted: tuple[str | None, str | None]) -> None:
    made = project({WORKFLOW: workflow(command)})
    found = builds_of_project(made)
    assert [(one.dockerfile_path, one.target_stage) for one in found] == [wanted]


def test_no_command_behind_a_change_of_folder_is_read() -> None:
    made = project({WORKFLOW: workflow("cd x && docker build .")})
    assert builds_of_project(made) == []


@pytest.mark.parametrize(
    ("path", "lacks"),
    [
        ("a/b.yaml", False),
        ("a", False),
        ("a/c.yaml", True),
        ("c/d/e.yaml", True),
        ("vendor/x", False),
        ("vendor", False),
        ("../other/x", False),
        ("/etc/x", False),
        ("a/b.yaml/c", False),
    ],
)
def test_what_is_surely_not_there(path: str, lacks: bool) -> None:
    made = Project([], ["a/b.yaml", "README.md"], is_complete=True, passed_over_paths=["vendor"])
    assert made.is_surely_missing(path) is lacks
    assert not Project([], ["a/b.yaml"]).is_surely_missing(path), "files by themselves tell no absence"


def test_only_below_what_was_walked_something_is_missing() -> None:
    made = Project(
        [],
        ["k8s/a.yaml", ".github/workflows/x.yml"],
        is_complete=True,
        walked_folders=["k8s", ".github"],
    )
    assert made.is_surely_missing("k8s/b.yaml")
    assert not made.is_surely_missing("api/Dockerfile")
    assert not made.is_walked("")
    modules = Project([], ["lib/a", ".gitmodules"], is_complete=True)
    assert not modules.is_surely_missing("dep/Dockerfile"), "it may be a submodule"


def test_what_a_gitignore_names_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".gitignore").write_text("cloned/\nlocal.*\n")
    (tmp_path / "sub" / ".gitignore").write_text("made\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  a: {build: cloned}\n  b: {build: {context: ., dockerfile: local.Dockerfile}}\n  c: {build: sub/made}\n  d: {build: gone}\n"
    )
    report = api.check([tmp_path], base=tmp_path, select=["project/dockerfile-unresolved"])
    assert [(one.path, one.line) for one in report.findings] == [("compose.yaml", 5)]


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_literal_path_is_one_or_none(folder: str, word: str) -> None:
    found = steps.literal_path_from_folder(folder, word)
    assert found is None or not any(char in word for char in "$*{`")


@pytest.mark.parametrize(
    ("before", "certain"),
    [
        ((), True),
        (("echo deploying", "az login"), True),
        (("helm template x > out.yaml",), False),
        (("./generate.sh",), False),
        (("make manifests",), False),
        (("git clone https://github.com/a/b",), False),
        (("echo x 2>&1", "ls > /dev/null"), True),
        (("echo a=b >> $GITHUB_OUTPUT",), True),
        (("docker run -v .:/w gen",), False),
    ],
)
def test_who_may_have_written_the_file(before: tuple[str, ...], certain: bool) -> None:
    made = project({WORKFLOW: workflow(*before, "kubectl apply -f a.yaml")})
    last = made.documents_of_kind("github")[0].jobs[0].steps[-1]
    assert steps.is_checkout_untouched_before_step(last) is certain


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        (["curl", "-f", "http://x"], "curl"),
        (["sh", "-c", "curl -f http://x || exit 1"], "curl"),
        (["/bin/sh", "-c", "wget -qO- http://x | grep ok"], "wget"),
        (["sh", "-c", "curl -f x || wget x"], None),
        (["sh", "-c", "[ -f /ok ] && curl x"], None),
        (["/usr/bin/curl", "x"], None),
        ([], None),
        ([""], None),
        (["sh", "-c", ""], None),
    ],
)
def test_the_tool_that_a_check_hangs_on(words: list[str], tool: str | None) -> None:
    assert tools.required_program_name(words) == tool


@pytest.mark.parametrize(
    ("reference", "major"),
    [("postgres:17.2-alpine", "17"), ("postgres:17", "17"), ("postgres:v8-x", "8"), ("postgres", ""),
     ("postgres:latest", ""), ("postgres:${V}", ""), ("postgres:17beta1", "")],
)  # fmt: skip
def test_the_major_version_of_a_tag(reference: str, major: str) -> None:
    assert versions.major_version_of_image(image.parse_image(reference)) == major


COMPOSE = "services:\n  proxy:\n    image: nginx:1.27\n    volumes: [{}]\n  api: {{image: 'acme/api:1'}}\n"
NGINX = "server {\n  listen 80;\n  location / { proxy_pass http://nobody:80; }\n}\n"


@pytest.mark.parametrize(
    ("mount", "file", "hits"),
    [
        ("./n.conf:/etc/nginx/conf.d/default.conf:ro", "n.conf", 1),
        ("./conf:/etc/nginx/conf.d", "conf/a.conf", 1),
        ("./conf:/etc/nginx", "conf/conf.d/a.conf", 1),
        ("./conf:/etc/nginx", "conf/sites-available/a.conf", 0),
        ("./n.conf:/etc/nginx/snippets/x.conf", "n.conf", 0),
        ("./n.conf:/srv/n.conf", "n.conf", 0),
        ("conf:/etc/nginx/conf.d", "conf/a.conf", 0),
        ("${DIR}/n.conf:/etc/nginx/nginx.conf", "n.conf", 0),
        ("./t:/etc/nginx/templates", "t/default.conf.template", 1),
    ],
)
def test_which_nginx_files_are_read_by_a_service(mount: str, file: str, hits: int) -> None:
    made = project({"compose.yaml": COMPOSE.format(mount), file: NGINX})
    document = made.documents_of_kind("nginx")[0]
    found = [
        outcome
        for statement in kinds.subject_finder_by_target("nginx")["nginx.directive"](document)
        if statement.name == "proxy_pass"
        for outcome in edge.upstream_unknown(statement, project=made)
        if isinstance(outcome, Hit)
    ]
    assert len(found) == hits


NEAREST = {
    "each variant has its own": (
        {f"{one}/api/Dockerfile": NODE for one in ("a", "b")}, "a/deploy/pod.yaml", "a/api/Dockerfile",
    ),
    "a tie between folders": (
        {f"{one}/api/Dockerfile": NODE for one in ("a", "b")}, "deploy/pod.yaml", "",
    ),
    "a full name that two variants build": (
        {f"{one}/compose.yaml": "services: {x: {image: 'acme/api:dev', build: srv}}" for one in ("a", "b")}
        | {f"{one}/srv/Dockerfile": NODE for one in ("a", "b")},
        "b/k8s/pod.yaml", "b/srv/Dockerfile",
    ),
    "a nearer build of which nobody knows the Dockerfile": (
        {"a/compose.yaml": "services: {x: {image: 'acme/api:dev', build: '${WHERE}'}}", "api/Dockerfile": NODE,
         "compose.yaml": "services: {x: {image: 'acme/api:dev', build: api}}"},
        "a/k8s/pod.yaml", "",
    ),
    "a further build of which nobody knows the Dockerfile": (
        {"b/compose.yaml": "services: {x: {image: 'acme/api:dev', build: '${WHERE}'}}", "a/api/Dockerfile": NODE,
         "a/compose.yaml": "services: {x: {image: 'acme/api:dev', build: api}}"},
        "a/k8s/pod.yaml", "a/api/Dockerfile",
    ),
    "a folder beside it": ({"a/api/Dockerfile": NODE}, "b/pod.yaml", "a/api/Dockerfile"),
    "a Dockerfile of another name is nearer": (
        {"a/api/Dockerfile": NODE, "b/web/Dockerfile": NODE}, "b/pod.yaml", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "path", "expected"), NEAREST.values(), ids=NEAREST)
def test_the_nearest_dockerfile_makes_the_image(files: dict[str, str], path: str, expected: str) -> None:
    made = project(
        {
            **files,
            path: pod("ghcr.io/acme/api:1" if "acme/api:dev" not in str(files) else "acme/api:2"),
        }
    )
    stage = images.stage_of_container(made.documents_of_kind("k8s")[0].containers[0], made)
    assert (stage.source.path if stage else "") == expected
