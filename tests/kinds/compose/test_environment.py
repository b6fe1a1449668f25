"""What environment files say to compose files: which file counts, what goes first, what is left unknown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import readiness
from readiness import kinds
from readiness.kinds import compose
from readiness.kinds.compose import join
from readiness.kinds.compose.application import env_file_values_and_is_complete
from readiness.loading import reading
from readiness.loading.discover import discover_files
from readiness.model import Source
from readiness.model.project import Project
from readiness.run import cache
from tests.loading.test_discover import make

SERVICE = "services:\n  web:\n    image: acme/web:${TAG}\n"


def project_of(files: dict[str, str]) -> Project:
    """A project whose compose files have their environments."""
    sources = [Source(path, text, kind=kinds.detect_kind(path, text)) for path, text in files.items()]
    read = reading.parse_sources(source for source in sources if source.kind)
    project = Project(((one.kind, document) for one, document, _ in read), set(files))
    kinds.link_documents(project.by_kind, project.paths)
    return project


def joined(files: dict[str, str]) -> dict[str, compose.Document]:
    """The compose files of a project, each with its environment."""
    return {one.source.path: one for one in project_of(files).documents_of_kind("compose")}


def tag(document: compose.Document, service: str = "web") -> str:
    image = document.services[service].image
    return "?" if image is None or image.tag_unknown else image.tag


SETTLED: dict[str, tuple[dict[str, str], str]] = {
    "beside the file": ({"a/compose.yaml": SERVICE, "a/.env": "TAG=1\n"}, "1"),
    "in another folder": ({"a/compose.yaml": SERVICE, ".env": "TAG=1\n"}, "?"),
    "a template": ({"a/compose.yaml": SERVICE, "a/.env.example": "TAG=1\n"}, "?"),
    "another file": ({"a/compose.yaml": SERVICE, "a/.env.prod": "TAG=1\n"}, "?"),
    "to be filled in": ({"a/compose.yaml": SERVICE, "a/.env": "TAG=\n"}, "?"),
    "refused by Docker": ({"a/compose.yaml": SERVICE, "a/.env": "TAG=1\nB='\n"}, "?"),
    "from a variable": ({"a/compose.yaml": SERVICE, "a/.env": "V=2\nTAG=1.$V\n"}, "1.2"),
    "from an unknown one": ({"a/compose.yaml": SERVICE, "a/.env": "TAG=1.$V\n"}, "?"),
    "too long": ({"a/compose.yaml": SERVICE, "a/.env": f"TAG={'1' * 300}\n"}, "?"),
    "included": (
        {
            "compose.yaml": "include: [a/compose.yaml]\n",
            "a/compose.yaml": SERVICE,
            "a/.env": "TAG=1\n",
        },
        "1",
    ),
    "included, what includes it goes first": (
        {
            "compose.yaml": "include: [a/compose.yaml]\n",
            ".env": "TAG=2\n",
            "a/compose.yaml": SERVICE,
            "a/.env": "TAG=1\n",
        },
        "2",
    ),
    "included with a file of its own": (
        {
            "compose.yaml": "include:\n  - path: a/compose.yaml\n    env_file: [one.env, two.env]\n",
            "one.env": "TAG=1\n",
            "two.env": "TAG=2\n",
            "a/compose.yaml": SERVICE,
            "a/.env": "TAG=3\n",
        },
        "2",
    ),
    "included into a folder": (
        {
            "compose.yaml": "include: [{path: a/compose.yaml, project_directory: b}]\n",
            "a/compose.yaml": SERVICE,
            "a/.env": "TAG=1\n",
            "b/.env": "TAG=2\n",
        },
        "2",
    ),
    "included twice, and not alike": (
        {
            "x/compose.yaml": "include: [../a/compose.yaml]\n",
            "x/.env": "TAG=1\n",
            "y/compose.yaml": "include: [../a/compose.yaml]\n",
            "y/.env": "TAG=2\n",
            "a/compose.yaml": SERVICE,
        },
        "?",
    ),
    "in a circle": (
        {
            "b/compose.yaml": "include: [../a/compose.yaml]\n",
            "a/compose.yaml": "include: [../b/compose.yaml]\n" + SERVICE,
        },
        "?",
    ),
}


@pytest.mark.parametrize(("files", "expected"), SETTLED.values(), ids=SETTLED)
def test_what_fills_in_a_variable(files: dict[str, str], expected: str) -> None:
    assert tag(joined(files)["a/compose.yaml"]) == expected


def test_no_secret_goes_into_what_may_be_shown() -> None:
    text = SERVICE.replace("TAG", "DB_PASSWORD")
    document = joined({"compose.yaml": text, ".env": "DB_PASSWORD=Lv2mWSfh38qk\nA=b\n"})["compose.yaml"]
    assert dict(document.environment.values) == {"A": "b"}
    assert document.environment.values_with_secrets["DB_PASSWORD"] == "Lv2mWSfh38qk"  # noqa: S105


def test_what_a_secret_is_filled_in_to_is_one() -> None:
    env = "PIN=${SALT}\nSALT=x-$DB_PASSWORD\nDB_PASSWORD=Lv2mWSfh38qk\nDSN=host=db password=Lv2mWSfh38qk\nFIXED='$DB_PASSWORD'\nTAG=1\nIMAGE=a:$TAG\n"
    values = joined({"compose.yaml": SERVICE, ".env": env})["compose.yaml"].environment.values
    assert dict(values) == {"FIXED": "$DB_PASSWORD", "TAG": "1", "IMAGE": "a:1"}


def test_env_files_in_order_and_the_environment_before_them() -> None:
    text = """
services:
  web:
    image: a:1
    env_file:
      - one.env
      - {path: sub/two.env, required: false}
      - {path: raw.env, format: raw}
    environment:
      A: here
      D:
"""
    project = project_of(
        {
            "compose.yaml": text,
            ".env": "D=dot\nE=outer\n",
            "one.env": "A=1\nB=1\nC=1\nE=inner\nF=$E\n",
            "sub/two.env": "C='2'\n",
            "raw.env": "G='3'\n",
        }
    )
    (document,) = project.documents_of_kind("compose")
    found, complete = env_file_values_and_is_complete(document.services["web"], project)
    assert complete
    assert {name: one.value for name, one in found.items()} == {
        "A": "1", "B": "1", "C": "2", "E": "inner", "F": "outer", "G": "'3'",
    }  # fmt: skip
    given = {one.name: (one.source.path, one.setting.raw_value) for one in document.env_file_variables}
    assert given == {
        "B": ("one.env", "1"), "C": ("sub/two.env", "2"), "D": (".env", "dot"),
        "E": ("one.env", "inner"), "F": ("one.env", "$E"), "G": ("raw.env", "'3'"),
    }  # fmt: skip


def test_a_file_that_is_not_there_leaves_the_rest_unknown() -> None:
    text = "services:\n  web:\n    image: a:1\n    env_file: [gone.env, $X.env]\n"
    project = project_of({"compose.yaml": text, ".env": "A=1\n"})
    (document,) = project.documents_of_kind("compose")
    assert env_file_values_and_is_complete(document.services["web"], project) == ({}, False)


def test_one_value_speaks_once_and_for_production_first() -> None:
    text = "services:\n  db:\n    image: a:1\n    environment: {X: $P, DB_PASSWORD: $P}\n"
    documents = joined({"compose.dev.yaml": text, "compose.yaml": text, ".env": "P=postgres\n"})
    assert not documents["compose.dev.yaml"].env_file_variables
    assert [one.name for one in documents["compose.yaml"].env_file_variables] == ["DB_PASSWORD"]


def test_what_a_compose_file_reads() -> None:
    text = "include: [{path: a/c.yaml, env_file: i.env}]\nservices:\n  w: {image: a, env_file: w.env}\n"
    (document,) = joined({"x/compose.yaml": text}).values()
    assert join.env_file_paths_looked_for([document]) == {"x/.env", "x/i.env", "x/w.env", "x/a/.env"}


FILES = {
    "compose.yaml": "services:\n  db:\n    image: postgres:17.2\n    restart: always\n    environment: {POSTGRES_PASSWORD: $P}\n",
    ".env": "P=postgres\nJWT_SECRET=kq83hfSWm2vLp0xT\n",
    ".gitignore": "*.log\n",
}
RULES = ("compose/password-well-known", "compose/env-file-committed")


def hits(*paths: str, **options: object) -> list[tuple[str, str, int]]:
    report = readiness.check(paths, select=RULES, **options)  # type: ignore[arg-type]
    return [(one.rule, one.path, one.line) for one in report.open]


BOTH = [("compose/password-well-known", ".env", 1), ("compose/env-file-committed", ".env", 2)]


@pytest.mark.parametrize("paths", [["."], ["compose.yaml"]])
def test_what_is_ignored_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str]) -> None:
    make(tmp_path, **FILES)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    assert hits(*paths) == BOTH
    make(tmp_path, **{".gitignore": ".env\n"})
    assert hits(*paths) == []
    (tmp_path / "sub").mkdir()
    make(tmp_path, **{"sub/.env": "P=postgres\n", ".gitignore": "/.env\n"})
    assert hits(*paths) == []


def test_a_comment_in_an_environment_file_silences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "# readiness: ignore[compose/password-well-known] a sandbox without a network\n"
    make(tmp_path, **{**FILES, ".env": "A=b\n" + reason + "P=postgres\n"})
    monkeypatch.chdir(tmp_path)
    assert hits(".") == []


def test_a_file_that_docker_refuses_is_shown_without_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, **{**FILES, ".env": "A=b\nP='kq83hfSWm2vLp0xT\n"})
    monkeypatch.chdir(tmp_path)
    report = readiness.check(["."], select=["compose/env-file-invalid"])
    assert [(one.path, one.line) for one in report.open] == [(".env", 2)]
    assert "kq83hf" not in str(report.to_dict())


def test_values_stay_out_of_every_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, **FILES)
    monkeypatch.chdir(tmp_path)
    report = readiness.check(["."], select=["ALL"])
    assert "kq83hfSWm2vLp0xT" not in str(report.to_dict())


def test_the_cache_knows_environment_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "tree", **FILES)
    monkeypatch.chdir(tmp_path / "tree")
    kept = cache.ResultCache(tmp_path / "kept")
    assert hits(".", cache=kept) == hits(".", cache=kept) == BOTH
    make(tmp_path / "tree", **{".env": "P=Lv2mWSfh38qk\n"})
    assert hits(".", cache=kept) == []


def test_several_processes_and_revisions_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, **FILES)
    monkeypatch.chdir(tmp_path)
    assert hits(".", jobs=2) == BOTH
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x"],
    ):
        subprocess.run(["git", *command], check=True)
    assert hits(".", since="main") == []
    make(tmp_path, **{".env": FILES[".env"] + "API_KEY=kq83hfSWm2vLp0xTzz\n"})
    assert hits(".", since="main") == [("compose/env-file-committed", ".env", 3)]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    make(tmp_path, **{"compose.yaml": SERVICE, ".env": b"A\0B", "x.env": b"\xff\xfeA\0=\0001\0"})
    assert [one.path for one in discover_files([tmp_path], working_directory=tmp_path).sources] == [
        "compose.yaml",
        "x.env",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "A=1\n" + "".join(f"A{n + 1}=$A{n}$A{n}\n" for n in range(5000)),
        "TAG=$TAG\nA=$B\nB=$A\n",
        "TAG=" + "x" * 5_000_000,
        "TAG='" * 100_000,
    ],
    ids=["a bomb", "a circle", "long", "quotes"],
)
def test_hostile_files(text: str) -> None:
    compose_file = "services:\n  web:\n    image: ${TAG}${A}${A40}\n    env_file: .env\n"
    assert tag(joined({"compose.yaml": compose_file, ".env": text})["compose.yaml"]) is not None
