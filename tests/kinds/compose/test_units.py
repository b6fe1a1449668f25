"""Compose projects of several files in several folders: what is included, laid over, copied, or given by name."""

from __future__ import annotations

import pytest

from readiness import kinds
from readiness.loading import reading
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import engine
from tests.conftest import catalogue

Files = dict[str, str]


def found(files: Files, rule: str, *, ignored: tuple[str, ...] = ()) -> set[tuple[str, int]]:
    """The places where a rule says something in a tree; .gitignore leaves `ignored` out."""
    sources = [Source(path, text, kind=kind) for path, text in sorted(files.items()) if (kind := kinds.detect_kind(path, text))]
    documents = [(one.kind, document) for one, document, error in reading.parse_sources(sources) if error is None]
    made = Project(documents, files, is_complete=True, may_be_ignored=lambda path: path in ignored)
    bounds = [bound for bound in catalogue() if bound.rule.id == rule]
    outcome = engine.EngineResult()
    engine.run_rules(made, bounds, {bound.rule.id: bound.rule for bound in catalogue()}, outcome)
    return {(one.path, one.line) for one in outcome.findings}


IMAGE, NAME = "compose/image-missing", "compose/reference-undefined"
BASE = "services:\n  db:\n    image: postgres:17.6\n    restart: always\n"
AMENDED = "services:\n  db:\n    environment: {TZ: UTC}\n  web:\n    image: example.com/web:1.4.0\n"
LAID_OVER: dict[str, tuple[Files, set[tuple[str, int]]]] = {
    "included": ({"compose.yaml": AMENDED + "include: [parts/db.yaml]\n", "parts/db.yaml": BASE}, set()),
    "included from a folder above": (
        {"a/compose.yaml": AMENDED + "include: [{path: ../parts/db.yaml}]\n", "parts/db.yaml": BASE},
        set(),
    ),
    "included through another one": (
        {
            "compose.yaml": AMENDED + "include: [a.yaml]\n",
            "a.yaml": "include: [b.yaml]\nservices: {x: {image: example.com/x:1.0.0}}\n",
            "b.yaml": BASE,
        },
        set(),
    ),
    "an overlay below its base": ({"compose.yaml": BASE, "extra/compose.yaml": AMENDED}, set()),
    "an overlay far below": ({"compose.yaml": BASE, "a/b/c/compose.yaml": AMENDED}, set()),
    "what is above has no such service": (
        {"compose.yaml": BASE.replace("db", "cache"), "extra/compose.yaml": AMENDED},
        {("extra/compose.yaml", 2)},
    ),
    "a sibling's file is nobody's base": (
        {"a/compose.yaml": BASE, "b/compose.yaml": AMENDED},
        {("b/compose.yaml", 2)},
    ),
    "a base below": ({"a/compose.yaml": BASE, "compose.yaml": AMENDED}, {("compose.yaml", 2)}),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LAID_OVER.values(), ids=LAID_OVER)
def test_a_service_that_another_file_completes(files: Files, expected: set[tuple[str, int]]) -> None:
    assert found(files, IMAGE) == expected


USES = "services:\n  web:\n    image: example.com/web:1.4.0\n    volumes: [sites:/srv]\n"
DEFINES = BASE + "volumes: {sites: {}}\n"
ABOVE = "services:\n  gate:\n    image: nginx:1.30.4\n"
NAMES: dict[str, tuple[Files, tuple[str, ...], set[tuple[str, int]]]] = {
    "defined above by the base": ({"compose.yaml": DEFINES, "more/compose.web.yaml": USES}, (), set()),
    "defined beside": ({"compose.yaml": DEFINES, "compose.web.yaml": USES}, (), set()),
    "defined in a sibling": (
        {"a/compose.yaml": DEFINES, "b/compose.web.yaml": USES, "b/compose.yaml": BASE},
        (),
        {("b/compose.web.yaml", 4)},
    ),
    "defined above a file that Docker reads by itself": ({"compose.yaml": DEFINES, "more/compose.yaml": USES}, (), set()),
    "defined next to it, below a file above": (
        {"compose.yaml": ABOVE, "parts/a/compose.yaml": DEFINES, "parts/b/compose.yaml": USES},
        (),
        set(),
    ),
    "defined next to it, one folder higher than the others": (
        {"compose.yaml": ABOVE, "a/compose.yaml": DEFINES, "parts/b/compose.yaml": USES},
        (),
        {("parts/b/compose.yaml", 4)},
    ),
    "defined next to it, under another file name": (
        {"compose.yaml": ABOVE, "parts/a/compose.dev.yaml": DEFINES, "parts/b/compose.yaml": USES},
        (),
        {("parts/b/compose.yaml", 4)},
    ),
    "defined in a project next to it that has a service of the same name": (
        {"compose.yaml": ABOVE, "parts/a/compose.yaml": DEFINES.replace("db:", "web:"), "parts/b/compose.yaml": USES},
        (),
        {("parts/b/compose.yaml", 4)},
    ),
    "defined in a project next to it that has a service of the file above": (
        {"compose.yaml": ABOVE.replace("gate:", "db:"), "parts/a/compose.yaml": DEFINES, "parts/b/compose.yaml": USES},
        (),
        {("parts/b/compose.yaml", 4)},
    ),
    "a misspelled name among those that are defined next to it": (
        {"compose.yaml": ABOVE, "parts/a/compose.yaml": DEFINES, "parts/b/compose.yaml": USES + "    depends_on: [dbb]\n"},
        (),
        {("parts/b/compose.yaml", 5)},
    ),
    "an override to copy": (
        {"compose.yaml": USES, "compose.override.yaml.example": DEFINES},
        (),
        set(),
    ),
    "an override to copy, of the other ending": (
        {"docker-compose.yml": USES, "docker-compose.override.yaml.dist": DEFINES},
        (),
        set(),
    ),
    "an override that Git ignores": ({"compose.yaml": USES}, ("compose.override.yaml",), set()),
    "an override that is there": (
        {"compose.yaml": USES, "compose.override.yaml": BASE},
        ("compose.override.yaml",),
        {("compose.yaml", 4)},
    ),
    "a sample of something else": (
        {"compose.yaml": USES, "settings.yaml.example": DEFINES},
        ("settings.yaml",),
        {("compose.yaml", 4)},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "ignored", "expected"), NAMES.values(), ids=NAMES)
def test_a_name_that_another_file_defines(files: Files, ignored: tuple[str, ...], expected: set[tuple[str, int]]) -> None:
    assert found(files, NAME, ignored=ignored) == expected


def served(build: str, *, more: str = "") -> Files:
    web = f"  web:\n    build: {build}\n    ports: ['3000:3000']\n    restart: always\n"
    return {"compose.yaml": f"services:\n{web}{more}"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (served("."), {("compose.yaml", 4)}),
        (served("{context: ., dockerfile: Dockerfile.dev}"), set()),
        (served("{context: ., target: development}"), set()),
        (
            served(
                "{context: ., dockerfile: Dockerfile.dev}",
                more="  shop:\n    image: example.com/shop:1.0.0\n    ports: ['80:8080']\n",
            ),
            {("compose.yaml", 8)},
        ),
    ],
)
def test_a_service_for_development_is_no_entry(files: Files, expected: set[tuple[str, int]]) -> None:
    assert found(files, "compose/entry-without-tls") == expected


COPIES = "FROM alpine:3.22.1\nCOPY --from=templates /site /srv\n"
CONTEXTS: dict[str, tuple[Files, bool]] = {
    "nothing gives it": ({}, True),
    "a bake file beside": ({"app/docker-bake.hcl": ""}, False),
    "a bake file above": ({"docker-bake.json": "{}"}, False),
    "a bake file elsewhere": ({"other/docker-bake.hcl": ""}, True),
    "compose": (
        {"compose.yaml": "services:\n  a:\n    build:\n      context: app\n      additional_contexts: {templates: ./templates}\n"},
        False,
    ),
    "compose, in a list": (
        {"compose.yaml": "services:\n  a:\n    build:\n      context: app\n      additional_contexts: [templates=./templates]\n"},
        False,
    ),
    "compose, another name": (
        {"compose.yaml": "services:\n  a:\n    build:\n      context: app\n      additional_contexts: {pages: ./pages}\n"},
        True,
    ),
    "a workflow": (
        {
            ".github/workflows/b.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
            "      - run: docker build --build-context templates=./t app\n"
        },
        False,
    ),
}


@pytest.mark.parametrize(("files", "told"), CONTEXTS.values(), ids=CONTEXTS)
def test_named_contexts(files: Files, told: bool) -> None:
    places = found({"app/Dockerfile": COPIES, **files}, "dockerfile/copy-from-unknown")
    assert places == ({("app/Dockerfile", 2)} if told else set())
