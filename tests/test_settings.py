"""`.readiness.yaml`: what it sets, and its mistakes at their places."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from readiness import settings as config
from readiness.cli import starter
from readiness.run.run_settings import merge_options
from readiness.settings import ConfigError, find_settings_file, load_config
from readiness.syntax.yaml import load_yaml_documents


def write(root: Path, text: str) -> Path:
    path = root / ".readiness.yaml"
    path.write_text(text, encoding="utf-8")
    return path


MISTAKES = {
    "unknown": ("profil: strict\n", "1:1", "did you mean 'profile'"),
    "enum": ("fail-on: hgih\n", "1:10", "critical, high, medium"),
    "type": ("ignore:\n  - k8s/\n  - 3\n", "3:5", "ignore[2] is a string, not 3"),
    "score": ("min-score: 101\n", "1:12", "101"),
    "waiver without reason": ("waivers:\n  - rule: core/syntax\n", "2:5", "reason"),
    "waiver key": (
        "waivers:\n  - {rule: a, reason: abc, resourc: x}\n",
        "2:28",
        "did you mean 'resource'",
    ),
    "no date": ("waivers:\n  - {rule: a, reason: abc, until: '2026-13-01'}\n", "2:35", "2026-13-01 is no day"),
    "date as it stands": (
        "waivers:\n  - {rule: a, reason: abc, until: soon}\n",
        "2:35",
        "until is a date like 2027-06-30, not 'soon'",
    ),
    "parameters": ("parameters:\n  k8s/privileged: 3\n", "2:19", "k8s/privileged is a mapping, not '3'"),
    "list": ("- a\n", "1:1", "one mapping"),
    "broken": ("profile: [\n", "2:1", "flow node"),
}


@pytest.mark.parametrize(("text", "place", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.where == f".readiness.yaml:{place}"
    assert said in caught.value.message


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    empty = load_config(write(tmp_path, "# nothing\n"))
    assert (empty.profile, empty.fail_on, empty.ignore) == ("recommended", "high", ())


def test_the_nearest_file_up_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, "profile: strict\n")
    inner = tmp_path / "repo" / "deploy"
    inner.mkdir(parents=True)
    assert find_settings_file(inner) == (tmp_path / ".readiness.yaml").resolve()
    (tmp_path / "repo" / ".git").mkdir()
    assert find_settings_file(inner) is None


def test_an_option_beats_the_file() -> None:
    file = config.Config(profile="strict", fail_on="low", ignore=("k8s/",), select=("ci/",))
    base = {
        "select": (), "extend_select": (), "exclude": (), "ignore": ("ci/",), "profile": None, "fail_on": None, "min_score": None,
        "rules": (), "baseline": None,
        "since": None, "documents": None,
        "jobs": 1, "render": True, "strict_coverage": False, "helm_values": (), "context": True, "foreign_ignores": True,
        "shellcheck": None, "purpose": "", "for_commit": False,
    }  # fmt: skip
    made = merge_options(file, checklists=None, **base)
    assert (made.profile, made.fail_on, made.ignore, made.select) == (
        "strict",
        "low",
        ("k8s/", "ci/"),
        ("ci/",),
    )
    made = merge_options(file, checklists=None, **{**base, "profile": "recommended", "fail_on": "high"})
    assert (made.profile, made.fail_on, made.select) == ("recommended", "high", ())


def test_what_init_writes_is_valid_and_so_is_each_line_that_it_offers(tmp_path: Path) -> None:
    load_config(write(tmp_path, starter.SETTINGS_TEMPLATE))
    offered = "\n".join(
        line.removeprefix("# ") if re.match(r"# ( |[a-z-]+:( |$))", line) else ""
        for line in starter.SETTINGS_TEMPLATE.splitlines()
        if ": what" not in line and ": critical" not in line
    )
    settings = load_config(write(tmp_path, offered))
    assert settings.waivers[0].rule == "k8s/host-path-sensitive"


def test_the_schema_is_one_and_knows_every_setting() -> None:
    schema = json.loads(config.SETTINGS_SCHEMA_PATH.read_text(encoding="utf-8"))
    offered = {line.removeprefix("# ").partition(":")[0] for line in starter.SETTINGS_TEMPLATE.splitlines() if ":" in line}
    assert set(schema["properties"]) <= offered
    assert load_yaml_documents(starter.SETTINGS_TEMPLATE)[0]["profile"] == "recommended"
