"""A secret reaches no reader, by whatever way it was written into a file and in whatever form a report is read."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.model import Finding, Related, Source, Span, Suppression
from readiness.run import cache
from readiness.verdict.report import Report
from tests.make import write_files
from tests.reports.conftest import report, rule, show

from .planted import Planted, planted

PLANTED = planted()
SHOWN = (
    ("json", {}),
    ("terminal", {}),
    ("terminal", {"verbose": True, "explain": True}),
    ("terminal", {"color": "always", "width": 500, "verbose": True, "explain": True}),
    ("github", {}),
    ("github", {"verbose": True}),
    ("markdown", {}),
    ("markdown", {"verbose": True, "explain": True}),
)


def path_in_tree(number: int, path: str) -> str:
    """Where a file of a way stands: in a folder of its own, but for workflows, which GitHub reads at one place."""
    workflows = ".github/workflows/"
    return f"{workflows}w{number}.yml" if path.startswith(workflows) else f"w{number:03}/{path}"


def formats(made: Report, name: str) -> Iterator[tuple[str, str]]:
    for number, (format_name, options) in enumerate(SHOWN):
        yield f"{name}, {format_name} {number}", show(format_name, made, **options)


def every_line(hidden: Report) -> Report:
    """A finding on each line of each file, by rules that know nothing of secrets."""
    findings = []
    for number, one in enumerate(PLANTED):
        for path, text in one.files.items():
            source = Source(path_in_tree(number, path), text)
            for line_number, start in enumerate(source.line_offsets, 1):
                line = source.line_text(line_number)
                if line.strip():
                    span = Span(start, start + len(line))
                    findings.append(Finding(rule(f"k8s/l{line_number}"), source, span, "m", fingerprint=f"{number} {path} {line_number}"))
    return report(findings, secret_places=hidden.hidden)


def every_word(hidden: Report) -> Report:
    """A finding for each secret that quotes it wherever a finding has words."""
    source = Source("x.yaml", "x: 1\n")
    findings = [
        Finding(
            rule(f"k8s/m{number}"),
            source,
            Span(0, 1),
            f"the name x-{one.value}-y is made of {one.value!r}",
            resource=f"service/{one.value}",
            container=one.value,
            related=(Related(source, Span(0, 1), one.value),),
            suppression=Suppression("comment", one.value) if number % 2 else None,
            fingerprint=str(number),
            service_name=one.value,
            unit_path=one.value,
            edit_group=one.value,
        )
        for number, one in enumerate(PLANTED)
    ]
    return report(findings, secret_places=hidden.hidden)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """All that any output says of one tree with every way in it, by the output's name."""
    root = tmp_path_factory.mktemp("planted")
    tree = root / "tree"
    for number, one in enumerate(PLANTED):
        write_files(tree, {path_in_tree(number, path): text for path, text in one.files.items()})
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tree)
        kept = cache.ResultCache(root / "kept")
        monkeypatch.setattr(cache, "user_result_cache", lambda: kept)
        cold = readiness.check(["."], select=["ALL"], cache=True)
        said = dict(formats(cold, "cold"))
        said["cache"] = "\n".join(path.read_text() for path in kept.folder.glob("*.json"))
        assert said["cache"]
        said |= dict(formats(readiness.check(["."], select=["ALL"], cache=True), "from the cache"))
        said["baseline"] = api.baseline_text(cold)
        said["attributes"] = "\n".join(f"{one.message} {one.resource} {one.container} {one.related}" for one in cold.findings)
        said["notices"] = "\n".join(cold.notices)
        said["every line"] = show("terminal", every_line(cold), width=500, verbose=True)
        said["every line in colours"] = show("terminal", every_line(cold), width=60, color="always")
        said |= dict(formats(every_word(cold), "every word"))
        command = [sys.executable, "-m", "readiness", "check", "--select", "ALL", "--no-cache", "--no-config", "-v", "--explain-score", "."]
        written = [option for name in ("json", "github", "markdown", "terminal") for option in ("--output", f"{name}=../out.{name}")]
        done = subprocess.run([*command, *written, "--format", "terminal"], capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "300"})
        assert done.returncode == 1, done.stderr
        said |= {"standard output": done.stdout, "standard error": done.stderr}
        said |= {f"written {path.suffix}": path.read_text() for path in root.glob("out.*")}
    assert len(said) >= 35
    assert all(text for name, text in said.items() if name not in {"notices", "standard error"})
    yield said


def test_there_are_many_ways_each_of_its_own() -> None:
    assert len(PLANTED) >= 150
    assert len({one.value for one in PLANTED}) == len({one.way for one in PLANTED}) == len(PLANTED)


def test_every_way_holds_its_secret_and_its_file_is_read(outputs: dict[str, str]) -> None:
    """No way is without a leak only for that nobody reads its file."""
    for number, one in enumerate(PLANTED):
        forms = {one.value, one.value[1:], base64.b64encode(one.value.encode()).decode()}
        assert any(form in text for text in one.files.values() for form in forms), one.way
        assert any(path_in_tree(number, path) in outputs["every line"] for path in one.files), one.way
    assert sum(f'"path": "{path_in_tree(number, path)}"' in outputs["cold, json 0"] for number, one in enumerate(PLANTED) for path in one.files) >= 290


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.way)
def test_no_output_shows_it(one: Planted, outputs: dict[str, str]) -> None:
    forms = (one.value, base64.b64encode(one.value.encode()).decode().rstrip("="), one.files and f"%{ord(one.value[0]):02X}{one.value[1:]}")
    assert [name for name, text in outputs.items() if any(form in text for form in forms)] == []
