"""The command line over every fixture in every format, against snapshots; `pytest --update` rewrites them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness.cli.main import REPORT_FORMATS, main
from readiness.programs import process
from tests.conftest import ROOT

FIXTURES = ROOT / "fixtures"
SNAPSHOTS = ROOT / "tests" / "snapshots"
DAY = "2026-11-01"  # what a story runs may come to its end while these tests are in use
SUFFIX = {"terminal": "txt", "json": "json", "github": "github.txt", "markdown": "md"}
SUFFIX |= {"sarif": "sarif", "junit": "junit.xml", "codequality": "codequality.json", "rdjson": "rdjson"}
FORMATS_OF_ONE_STORY = ("sarif", "junit", "codequality", "rdjson")  # what they hold is in the JSON report of every story


def stories() -> Iterator[str]:
    for folder in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
        halves = [folder / half for half in ("weak", "hardened") if (folder / half).is_dir()]
        yield from (half.relative_to(FIXTURES).as_posix() for half in halves or [folder])


STORIES = list(stories())
HARDENED = [story for story in STORIES if story.endswith("/hardened")]


def check(story: str, *flags: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr(
        process, "record_incomplete_confinement", lambda *_: None
    )  # what is told of the system that runs this is no part of a snapshot
    arguments = ["check", "--no-config", "--no-cache", "--no-context", "--documents"]
    # A folder of fixtures holds no production, and these stand for it.
    arguments += ["--purpose", "production", "--today", DAY, *flags]
    arguments.append(f"fixtures/{story}")
    return CliRunner().invoke(main, arguments)


STORIES_AND_FORMATS = [(story, name) for story in STORIES for name in REPORT_FORMATS if name not in FORMATS_OF_ONE_STORY or story == STORIES[0]]


@pytest.mark.parametrize(("story", "name"), STORIES_AND_FORMATS)
def test_snapshot(story: str, name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    result = check(story, "--format", name, monkeypatch=monkeypatch)
    # A rule more changes the version of the rule set, and no snapshot.
    output = re.sub(r'"rules_version": "[0-9a-f]+"', '"rules_version": "…"', result.output)
    text = f"{output}exit {result.exit_code}\n"
    path = SNAPSHOTS / f"{story.replace('/', '-')}.{SUFFIX[name]}"
    if request.config.getoption("--update"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), "there is no snapshot yet; `pytest --update` writes it"
    assert text == path.read_text(encoding="utf-8"), "`pytest --update` rewrites it; read the difference first"


@pytest.mark.parametrize("story", STORIES)
def test_the_same_input_gives_the_same_bytes(story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = check(story, "--format", "json", monkeypatch=monkeypatch)
    assert first.output == check(story, "--format", "json", monkeypatch=monkeypatch).output


@pytest.mark.parametrize("story", HARDENED)
def test_a_hardened_story_is_ready(story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = check(story, "--format", "json", monkeypatch=monkeypatch)
    report = json.loads(result.stdout)
    bad = [
        f"{row['path']}:{row['line']} {row['rule']}: {row['message']}"
        for row in report["findings"]
        if row["severity"] not in {"low", "info"} and not row["suppressed"]
    ]
    assert bad == []
    assert (report["grade"], report["verdict"], result.exit_code) == ("A", "ready", 0)


def test_every_snapshot_belongs_to_a_story() -> None:
    known = {f"{story.replace('/', '-')}.{SUFFIX[name]}" for story, name in STORIES_AND_FORMATS}
    there = {path.name for path in Path(SNAPSHOTS).glob("*")}
    assert there == known
