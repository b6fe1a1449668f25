"""docs/settings.md: every setting stands there, and every example is one that the tool takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import readiness
from readiness.settings import Config, parse_config
from readiness.settings.model import SETTINGS_BELOW_ROOT, settings_schema
from readiness.settings.peers import NAMES_BY_LINTER
from tests.make import write_files
from tests.settings_rows import DOCUMENT

TEXT = (DOCUMENT.parent / "settings.md").read_text(encoding="utf-8")
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| `([a-z-]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE)}
BLOCKS = [(block[1], block[2]) for block in re.finditer(r"^```(yaml|toml)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]


def parsed(folder: Path, language: str, text: str) -> Config:
    name = "pyproject.toml" if language == "toml" else ".readiness.yaml"
    return parse_config(name, text.encode(), folder, may_lock_settings=False)


def test_every_setting_has_a_row_with_an_example() -> None:
    assert set(ROWS) == set(settings_schema()["properties"])
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("setting", ROWS)
def test_an_example_sets_what_its_row_is_about(tmp_path: Path, setting: str) -> None:
    write_files(tmp_path, {"policy/k8s/mine.yaml": "", ".readiness-baseline.json": ""})
    assert parsed(tmp_path, "yaml", ROWS[setting] + "\n").given == (setting,)


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=[f"{language}{number}" for number, (language, _) in enumerate(BLOCKS)])
def test_an_example_is_taken_and_names_rules_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, text: str) -> None:
    assert parsed(tmp_path, language, text).given
    name = "pyproject.toml" if language == "toml" else ".readiness.yaml"
    write_files(
        tmp_path, {name: text, "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'x:1.0'}]}\n"}
    )
    monkeypatch.chdir(tmp_path)
    report = readiness.check(["pod.yaml"], config=True)
    assert "core/suppression-invalid" not in {one.rule for one in report.findings}
    assert report.settings_effects[0].changes


@pytest.mark.parametrize("setting", [one for one in ROWS if one not in {"rules", "baseline", "shellcheck", "documents", "checklists"}])
def test_the_words_of_a_row_name_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    write_files(tmp_path, {".readiness.yaml": ROWS[setting] + "\n", "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"})
    monkeypatch.chdir(tmp_path)
    assert "core/suppression-invalid" not in {one.rule for one in readiness.check(["pod.yaml"], config=True).findings}


def test_what_holds_below_the_root_and_of_other_linters_is_said() -> None:
    below = TEXT.partition("It takes ")[2].partition(". What is")[0]
    assert set(re.findall(r"`([a-z-]+)`", below)) == {*SETTINGS_BELOW_ROOT, "required-version"}
    for name in (names[0] for names in NAMES_BY_LINTER.values()):
        assert f"`{name}`" in TEXT, name
