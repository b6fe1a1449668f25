"""The gate's last line names the settings files and what they changed, in every format, and nothing in them can write on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import readiness
from readiness import settings
from readiness.cli.main import REPORT_FORMATS, main
from readiness.settings import Config
from readiness.settings.effects import MAX_WORD_LENGTH, settings_effects, shown_word
from readiness.settings.layers import single_layer
from tests.make import write_files
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
RULE = """\
title: A thing of ours
severity: low
category: delivery
target: k8s.object
when: {kind: Pod}
require: {metadata.labels.owner: present}
message: "{resource} has no owner"
why: Nobody knows whom to call.
fix: Add the label.
"""


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(
        tmp_path, {"pod.yaml": POD, "charts/x": "", "own/k8s/mine.yaml": RULE, "known.json": '{"version": 2, "findings": []}', ".git/HEAD": ""}
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


CHANGES = {
    "gate off": ("fail-on: never", "gate off (fail-on never)"),
    "a milder gate": ("fail-on: critical", "fail-on critical"),
    "a score": ("min-score: 3", "min-score 3"),
    "a rule": ("ignore: [k8s/host-pid]", "ignores k8s/host-pid"),
    "all rules": ("ignore: [ALL]", "ignores ALL"),
    "many rules": ("ignore: [k8s/, ci/, nginx/, compose/, dockerfile/]", "ignores k8s/, ci/, nginx/ and 2 more"),
    "a profile": ("profile: strict", "profile strict"),
    "a choice": ("select: [k8s/]", "selects k8s/"),
    "files": ("exclude: [charts/*]", "excludes charts/*"),
    "waivers": ("waivers: [{rule: k8s/host-pid, reason: it is fine}, {rule: k8s/host-pid, path: x, reason: so be it}]", "waives k8s/host-pid"),
    "a baseline": ("baseline: known.json", "baseline known.json"),
    "purposes": ("purpose: {pod.yaml: production}", "purpose of pod.yaml"),
    "environments": ("environments: {production: {branches: [main], values: [a.yaml]}}", "production is a.yaml and main"),
    "parameters": ("parameters: {k8s/api-version-removed: {version: '1.33'}}", "parameters of k8s/api-version-removed"),
    "rules": ("rules: [own]", "rules in own"),
    "documents": ("documents: true", "documents judged"),
    "no documents": ("documents: false", "documents left out"),
    "a checklist": ("checklists: [dify]", "checklists dify"),
    "locks": ("locked: [k8s/privileged, comments]", "locks comments and k8s/privileged"),
    "several": ("ignore: [ci/]\nfail-on: low", "fail-on low, ignores ci/"),
    "the defaults": ("fail-on: high\nprofile: recommended\nshellcheck: false\nignore: []", "nothing changed"),
    "nothing": ("# nothing", "nothing changed"),
}


def output(*words: str) -> str:
    return CliRunner().invoke(main, ["check", "--no-cache", "pod.yaml", *words]).stdout


@holds("settings-named")
@pytest.mark.parametrize(("text", "said"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_named(tree: Path, text: str, said: str) -> None:
    write_files(tree, {".readiness.yaml": text + "\n"})
    (effect,) = readiness.check(["pod.yaml"], config=True).settings_effects
    assert effect.text == f".readiness.yaml: {said}"
    assert output("-q").rstrip("\n").splitlines()[-1].endswith(f"; settings from .readiness.yaml: {said}")


def test_every_setting_has_words() -> None:
    from readiness.settings import effects

    assert set(effects._DESCRIPTION_BY_SETTING) == {*settings.lockable_settings(), "locked", "foreign-ignores"}


@holds("settings-named")
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("format_", REPORT_FORMATS)
def test_every_format_names_it(tree: Path, format_: str, quiet: bool) -> None:
    write_files(tree, {".readiness.yaml": "fail-on: never\nignore: [k8s/host-ipc]\n"})
    text = output("--format", format_, *(["-q"] if quiet and format_ != "json" else []))  # which has no shorter form
    if format_ == "json":
        assert json.loads(text)["gate"]["settings"] == [
            {"file": ".readiness.yaml", "changed": ["gate off (fail-on never)", "ignores k8s/host-ipc"], "refused": []}
        ]
    elif format_ in {"sarif", "junit"}:
        assert "gate off (fail-on never), ignores k8s/host-ipc" in text
    elif format_ in {"codequality", "rdjson"}:  # lists of findings, which have no place for a gate: it stands beside them
        assert "gate" not in text
        done = CliRunner().invoke(main, ["check", "--no-cache", "--output", f"{format_}=-", "."])
        assert done.stderr.splitlines()[-1].startswith(
            "readiness: gate passed: no finding fails (--fail-on never); settings from .readiness.yaml: gate off"
        )
        assert "gate passed" not in CliRunner().invoke(main, ["check", "--no-cache", "--output", f"{format_}={tree.parent / 'out'}", "."]).stderr
    else:
        last = text.rstrip("\n").splitlines()[-3:]
        assert "gate passed" in " ".join(last)
        assert "settings from .readiness.yaml: gate off (fail-on never), ignores k8s/host-ipc" in " ".join(" ".join(last).split())


def test_where_no_file_is_read_none_is_named(tree: Path) -> None:
    assert "settings" not in output("-q")
    write_files(tree, {".readiness.yaml": "fail-on: never\n"})
    assert "settings" not in output("-q", "--no-config")


@holds("settings-named")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-on", "low"], "min-score 3, profile strict"),
        (["--min-score", "1"], "gate off (fail-on never), profile strict"),
        (["--profile", "recommended"], "gate off (fail-on never), min-score 3"),
        (["--select", "k8s/"], "gate off (fail-on never), min-score 3"),
    ],
)
def test_what_an_option_overrules_changes_nothing(tree: Path, words: list[str], said: str) -> None:
    write_files(tree, {".readiness.yaml": "fail-on: never\nmin-score: 3\nprofile: strict\n"})
    assert output("-q", *words).rstrip("\n").endswith(f"settings from .readiness.yaml: {said}")


HOSTILE = {
    "another clause": "x; settings from platform.yaml: nothing changed",
    "a line": "x\n::error::gone",
    "an escape": "x\x1b[2K\rgate passed",
    "a bidirectional mark": "x\u202egnihton",
    "quotes": "x'; \"y",
    "a long word": "x" * 900,
    "a comma": "x, y and 3 more",
    "a secret": "password=Tr0ub4dor-and-3",
    "a token": "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
}


@holds("settings-named", "names")
@pytest.mark.parametrize("format_", REPORT_FORMATS)
@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_a_word_of_the_settings_writes_nothing_of_its_own_on_the_line(tree: Path, word: str, format_: str) -> None:
    write_files(tree, {".readiness.yaml": yaml.safe_dump({"exclude": [word], "purpose": {word: "test"}, "ignore": ["k8s/host-ipc"]})})
    text = output("--format", format_)
    assert all(one.isprintable() or one == "\n" for one in text)
    assert not any(line.startswith(("::error::gone", "gate passed")) and "settings" not in line for line in text.splitlines())
    assert "Tr0ub4dor" not in text
    assert word not in text or format_ == "json" or word in {HOSTILE["a comma"], HOSTILE["another clause"]}
    if format_ == "json":
        changed = json.loads(text)["gate"]["settings"][0]["changed"]
        assert len(changed) == 3
        assert max(map(len, changed)) < 2 * MAX_WORD_LENGTH
    elif word == HOSTILE["another clause"] and format_ not in {"markdown", "codequality", "rdjson"}:
        assert f"excludes '{word}'"[:40] in " ".join(text.split())


@holds("names")
@given(st.text(max_size=200))
def test_a_word_is_in_quotes_unless_it_is_plain(word: str) -> None:
    shown = shown_word(word)
    assert shown.isprintable()
    assert len(shown) <= MAX_WORD_LENGTH * 10 + 2
    if any(one in shown for one in " ,;'\""):
        assert shown[0] in "'\""
        assert shown[-1] == shown[0]


@holds("settings-named")
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), min_size=1, max_size=30, unique=True))
def test_a_line_is_bounded(words: list[str]) -> None:
    source = settings.Source(".readiness.yaml", "")
    config = Config(source, exclude=tuple(words), ignore=tuple(words), given=("exclude", "ignore"))
    (effect,) = settings_effects(single_layer(config).layers)
    assert len(effect.changes) == 2
    assert len(effect.text) < 2 * 4 * 30 * 12
    assert effect.text.count(" more") <= 2 + sum(" more" in one for one in words) * 2
