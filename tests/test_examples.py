"""Every example of the README and of docs/github.md is run, or read as whoever takes it reads it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

import readiness
from readiness.cli.main import main
from tests.conftest import ROOT
from tests.make import write_files

DOCUMENTS = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "docs/github.md")}
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
"""


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", DOCUMENTS[document], re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """What the documents tell to type: in blocks, in tables and in sentences, without what stands for something else."""
    spans = [span for text in DOCUMENTS.values() for span in re.findall(r"`(readiness [^`]+)`", text)]
    lines = [line.removeprefix("$ ") for text in blocks("README.md", "console") for line in text.splitlines()]
    steps = re.findall(r"^ *- run: (readiness .+)$", DOCUMENTS["docs/github.md"], re.MULTILINE)
    return sorted({one for one in (*spans, *lines, *steps) if one.startswith("readiness ")})


def test_every_block_is_one_that_is_read_here_or_in_a_test_of_its_format() -> None:
    counts = {name: re.findall(r"^ *```(\w+)$", text, re.MULTILINE) for name, text in DOCUMENTS.items()}
    assert counts == {
        "README.md": ["console", "console", "console", "yaml", "python", "yaml", "yaml"],
        # the workflow and the matcher: tests/reports/test_machine.py; the Action's steps: tests/test_own_pipelines.py
        "docs/github.md": ["yaml", "yaml", "json"],
    }


@pytest.mark.parametrize("command", commands())
def test_every_command_has_options_that_there_are(command: str) -> None:
    words = re.sub(r"\[(?!\.)([^\]]*)\]|\.\.\.", r"\1", command)
    name, *arguments = shlex.split(words)[1:]
    assert main.commands[name].make_context(name, arguments).params  # an option that there is not is an error of click's


def test_the_hook_is_one_of_ours() -> None:
    (hooks,) = (one for text in blocks("README.md", "yaml") if (one := yaml.safe_load(text)) and "repos" in one)
    there = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    assert {hook["id"] for repository in hooks["repos"] for hook in repository["hooks"]} <= there


def test_the_settings_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (one for one in blocks("README.md", "yaml") if "profile:" in one)
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {".readiness.yaml": text, "Dockerfile": "FROM debian:13.1\n"})
    (effect,) = readiness.check(["."], config=True).settings_effects
    assert effect


def test_the_comment_silences_its_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (one for one in blocks("README.md", "yaml") if "readiness: ignore" in one)
    monkeypatch.chdir(tmp_path)
    container = text + '    image: "registry.example.com/web:1.4.2"\n    ports: [{containerPort: 8080}]\n'
    write_files(tmp_path, {"web.yaml": DEPLOYMENT + "".join(f"      {line}\n" for line in container.splitlines())})
    made = readiness.check(["."], select=["k8s/liveness-probe-missing", "core/"])
    assert [(one.rule, one.suppression.reason if one.suppression else "") for one in made.findings] == [
        ("k8s/liveness-probe-missing", "restarts are done by the operator")
    ]


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (text,) = blocks("README.md", "python")
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {"deploy/Dockerfile": "FROM debian\n"})
    exec(compile(text, "README.md", "exec"), {})  # noqa: S102  # our own example
    first, *findings = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ [A-F] (ready|not-ready)", first)
    assert any(line.startswith("deploy/Dockerfile 1 dockerfile/base-image-untagged ") for line in findings)
