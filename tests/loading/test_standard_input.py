"""Standard input: what it is without a name, and under the name that it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.loading.standard_input import REASON_OF_NO_KIND_NAMELESS
from readiness.run.run_settings import OptionError

KINDS = {
    "FROM debian:13\n": "dockerfile",
    "# syntax=docker/dockerfile:1\n\n  # why\nARG TAG\nFROM debian:$TAG\n": "dockerfile",
    "from debian:13\n": "dockerfile",
    "services: {a: {image: b}}\n": "compose",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n": "k8s",
    "events {}\nhttp { server { listen 80; } }\n": "nginx",
    "foo: [\n": "",
    "hello world\n": "",
    "RUN make\n": "",
    "FROMAGE brie\n": "",
    "# only a comment\n": "",
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", KINDS)
def test_what_a_text_without_a_name_is(text: str) -> None:
    (row,) = readiness.check([], stdin=text.encode()).files
    assert (row.path, row.kind) == ("-", KINDS[text])
    assert row.status == ("checked" if KINDS[text] else "unreadable")
    assert row.reason == ("" if KINDS[text] else REASON_OF_NO_KIND_NAMELESS)


NAMED = {
    "docker/Dockerfile.prod": ("RUN make\n", "docker/Dockerfile.prod", "dockerfile"),
    "./deploy/../nginx.conf": ("user nginx;\n", "nginx.conf", "nginx"),
    "compose.yaml": ("foo: [\n", "compose.yaml", "compose"),
    "notes.txt": ("hello\n", "notes.txt", ""),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_name_says_what_it_is(name: str) -> None:
    text, path, kind = NAMED[name]
    (row,) = readiness.check([], stdin=text.encode(), stdin_filename=name).files
    assert (row.path, row.kind) == (path, kind)
    assert not Path(name).exists()


def test_nothing_of_that_name_is_read(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\n", encoding="utf-8")
    found = readiness.check([], stdin=b"FROM scratch\n", stdin_filename="Dockerfile").findings
    assert not any("debian" in one.message for one in found)


def test_a_name_that_cannot_take_effect_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    with pytest.raises(OptionError, match="give - as one of them"):
        readiness.check(["."], stdin_filename="Dockerfile")
    for words, said in {("Dockerfile", "-"): "is among the files to judge", ("Dockerfile",): "give - as one of them"}.items():
        result = CliRunner().invoke(main, ["check", *words, "--stdin-filename", "./Dockerfile"], input="FROM scratch\n")
        assert result.exit_code == 2
        assert said in result.output


def test_a_hostile_name_steers_no_terminal() -> None:
    result = CliRunner().invoke(
        main, ["check", "-", "--stdin-filename", "\x1b]0;x\x07/Dockerfile", "--color", "always"], input="FROM debian\nRUN x\n"
    )
    assert "\x1b]0" not in result.output
    assert "\\x1b]0;x\\x07/Dockerfile" in result.output
