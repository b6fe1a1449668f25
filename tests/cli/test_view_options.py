"""The options of what is shown: refused where they have no effect, and no part of what the gate decides."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from readiness.cli.main import main
from readiness.cli.view_options import format_of_standard_output
from readiness.reports import REPORT_FORMATS

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  containers:
    - {name: x, image: 'x:1', securityContext: {privileged: true}}
"""
TREE = {"Dockerfile": "FROM debian:latest\nCMD app\n", "web.yaml": POD}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tree"
    (folder / ".git").mkdir(parents=True)
    for name, text in TREE.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words], catch_exceptions=False)


REFUSED = {
    "--min-severity high --format json": "--min-severity has no effect on --format json",
    "--min-severity high --output json=-": "--min-severity has no effect on --format json",
    "--min-confidence high --format sarif": "--min-confidence has no effect on --format sarif",
    "--sort severity --format github": "--sort has no effect on --format github",
    "--max 3 --format markdown": "--max has no effect on --format markdown, only on terminal",
    "--statistics --format junit": "--statistics has no effect on --format junit, only on json, terminal",
    "--explain-score --format json": "--explain-score has no effect on --format json",
    "-q --format json": "-q has no effect on --format json",
    "-v --format rdjson": "-v has no effect on --format rdjson",
    "--color always --format codequality": "--color always has no effect",
    "-q -v": "-q and -v exclude each other",
    "-q --statistics": "-q and --statistics exclude each other",
    "-q --explain-score": "-q and --explain-score exclude each other",
    "--sort place --statistics": "--sort and --statistics exclude each other",
    "--max 1 --statistics": "--max and --statistics exclude each other",
    "--max 0": "x>=1",
    "--min-severity bad": "'bad' is not one of",
}


@pytest.mark.parametrize("words", REFUSED)
def test_an_option_without_effect_is_refused(words: str) -> None:
    result = run(*words.split())
    assert result.exit_code == 2
    assert REFUSED[words] in result.output


@pytest.mark.parametrize("words", ["--min-severity critical", "--min-confidence high", "--sort severity", "--max 1", "--statistics"])
def test_what_is_shown_never_moves_the_gate(words: str) -> None:
    plain, viewed = run("--fail-on", "low"), run("--fail-on", "low", *words.split())
    assert viewed.exit_code == plain.exit_code == 1
    assert viewed.output.splitlines()[-1] == plain.output.splitlines()[-1]


def test_a_view_of_the_terminal_leaves_files_whole() -> None:
    viewed = run("--output", "json=../viewed.json", "--max", "1", "--min-severity", "medium")
    assert re.search(r"^hidden: \d+ below --min-severity medium, \d+ over --max 1;", viewed.output, re.MULTILINE)
    run("--output", "json=../plain.json")
    assert Path("../viewed.json").read_text(encoding="utf-8") == Path("../plain.json").read_text(encoding="utf-8")


def test_json_has_statistics_where_they_are_asked_for() -> None:
    shown = json.loads(run("--format", "json", "--statistics").stdout)
    assert sum(row["findings"] for row in shown["statistics"]) == len(shown["findings"])


def test_which_format_standard_output_gets() -> None:
    assert format_of_standard_output({"format_": None}, []) == "terminal"
    assert format_of_standard_output({"format_": None}, [("sarif", "x"), ("github", "-")]) == "github"
    for name in REPORT_FORMATS:
        assert format_of_standard_output({"format_": name}, [("sarif", "x")]) == name
