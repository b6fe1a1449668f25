"""Tiers, parts and families that come with the tree that is judged are held to what every other rule file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import readiness
from readiness.ruleset import rules
from readiness.ruleset.rule_file import MAX_PARTS_PER_RULE, MAX_RULE_FILE_BYTES, MAX_TIERS_PER_RULE, RuleError
from tests.ruleset.test_custom_rules import POD, RULE, held, refused, told, tree

TIERED = RULE.replace("severity: low\n", "").replace("message: ", "tiers: TIERS\nmessage: ")
PARTED = RULE.replace('message: "{resource} has no owner"\n', "by: {kind: [Pod, Job]}\nmessage: WORDS\n")
FAMILY = """\
common:
  severity: low
  category: delivery
  target: k8s.object
  require: {metadata.labels.owner: present}
  message: "{resource} has no owner"
  why: Nobody knows whom to call.
  fix: Add the label.
rules:
  mine:
    title: A thing of ours
"""


def with_tiers(tiers: str) -> str:
    return TIERED.replace("TIERS", tiers)


def test_the_message_of_a_tier_and_of_a_part_is_filled(tmp_path: Path) -> None:
    tiers = "{recommended: {severity: low, message: '{kind} {name!r} and {{}}'}}"
    assert told(tmp_path, with_tiers(tiers)) == ["Pod 'web' and {}"]
    assert told(tmp_path, PARTED.replace("WORDS", "{Pod: 'pod {name}', other: '{name}'}")) == ["pod web"]


TIERS = {
    "attribute": ("{a: {severity: low, message: '{source.path}'}}", "is no fact"),
    "width": ("{a: {severity: low, message: '{resource:>3000000000}'}}", "is no fact"),
    "no fact": ("{a: {severity: low, message: '{colour}'}}", "there is no fact 'colour'"),
    "second": ("{a: {severity: low}, b: {severity: low, message: '{node}'}}", "no fact 'node'"),
    "lines": ('{a: {severity: low, message: "a\\nb"}}', "message must be one line of text"),
    "mapping": ("{a: {severity: low, message: {Pod: b}}}", "message must be one line of text"),
    "prose": ('{a: {severity: low, why: "a\\e[31m"}}', "why must be text"),
    "key": ("{a: {severity: low, title: x}}", "a tier has no key 'title'"),
    "tiers of tiers": ("{a: {severity: low, tiers: {b: {}}}}", "a tier has no key 'tiers'"),
    "condition": ("{a: {severity: low, when: {__class__: Pod}}}", "have no fact '__class__'"),
    "check": ("{a: {severity: low, check: os.system}}", "no check is called"),
    "parameter": ("{a: {severity: low, check: k8s.ingress.snippet, with: {words: [3]}}}", "words must be a list"),
    "expression": ("{a: {severity: low, require: {a: {matches: '(a+)+b'}}}}", "double with each"),
    "words": ("{a: {severity: low, check: k8s.ingress.snippet, with: {words: ['(a+)+b']}}}", "double with each"),
    "target": ("{a: {severity: low, target: [3]}}", "target must be a target"),
    "path": ("{a: {severity: low, forbid: {'': present}}}", "24 steps at most"),
    "same-as": ("{a: {severity: low, same-as: {polaris: {Pod: [x]}}}}", "same-as must be"),
    "name": ('{"a\\nb": {severity: low}}', "tiers must be a mapping"),
    "list": ("[a]", "tiers must be a mapping"),
    "of texts": ("{a: b}", "tiers must be a mapping"),
    "many": ("{" + ", ".join(f"a{n}: {{severity: low}}" for n in range(MAX_TIERS_PER_RULE + 1)) + "}", f"{MAX_TIERS_PER_RULE} at most"),
}  # fmt: skip


@pytest.mark.parametrize(("tiers", "said"), TIERS.values(), ids=TIERS)
def test_a_tier_reaches_no_further_than_a_rule(tmp_path: Path, tiers: str, said: str) -> None:
    error = refused(tmp_path, with_tiers(tiers))
    assert said in error.message
    assert error.where.endswith("k8s/mine.yaml:6")


def test_what_a_tier_takes_from_its_rule_is_told_at_the_rule(tmp_path: Path) -> None:
    text = with_tiers("{a: {severity: low}}").replace("{resource} has", "{colour} has")
    error = refused(tmp_path, text)
    assert (error.where[-1], "no fact 'colour'" in error.message) == ("7", True)


PARTS = {
    "attribute": ("{Pod: '{source.path}', other: a}", "is no fact"),
    "no fact": ("{Pod: a, other: '{colour}'}", "there is no fact 'colour'"),
    "lines": ('{Pod: "a\\nb", other: a}', "message must be one line of text"),
    "deeper": ("{Pod: {a: b}, other: a}", "message must be one line of text"),
    "escape": ('{"a\\e[31m": a, other: a}', "message must be one line of text"),
    "no part": ("{Node: a, other: a}", "'Node' is no value that `by` lists"),
}


@pytest.mark.parametrize(("words", "said"), PARTS.values(), ids=PARTS)
def test_the_words_of_a_part_reach_no_further(tmp_path: Path, words: str, said: str) -> None:
    assert said in refused(tmp_path, PARTED.replace("WORDS", words)).message


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("{__class__: [Pod, Job]}", "there is no fact '__class__'"),
        ("{node: [Pod, Job]}", "there is no fact 'node'"),
        ("{source.path: [Pod, Job]}", "there is no fact 'source.path'"),
        ("{kind: Pod}", "by must be one fact"),
        ("{kind: [Pod], name: [a]}", "by must be one fact"),
        ("{kind: [3]}", "by must be one fact"),
        ('{kind: ["a\\nb"]}', "by must be one fact"),
        ("{kind: [" + ", ".join(f"a{n}" for n in range(MAX_PARTS_PER_RULE + 1)) + "]}", f"{MAX_PARTS_PER_RULE} at most"),
    ],
)  # fmt: skip
def test_parts_go_by_a_fact(tmp_path: Path, by: str, said: str) -> None:
    text = PARTED.replace("{kind: [Pod, Job]}", by).replace("WORDS", "{other: a}")
    assert said in refused(tmp_path, text).message


# -- families -----------------------------------------------------------------------------------------------------


def family(root: Path, text: str = FAMILY) -> str:
    tree(root, **{"own/k8s/families/few.yaml": text})
    return held(root)


def test_a_row_of_somebodys_own_is_judged(tmp_path: Path) -> None:
    tree(tmp_path, **{"own/k8s/families/few.yaml": FAMILY, "t/pod.yaml": POD})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert [one.message for one in report.findings] == ["Pod/web has no owner"]


ROWS = {
    "message": ("    message: '{source.path}'\n", 12, "is no fact"),
    "no fact": ("    message: '{colour}'\n", 12, "there is no fact 'colour'"),
    "shape": ("    why: [a]\n", 12, "why must be text"),
    "key": ("    colour: red\n", 12, "no key is called 'colour'"),
    "expression": ("    require: {a: {matches: '(a+)+b'}}\n", 12, "double with each"),
    "tier": ("    tiers: {a: {message: '{node}'}}\n", 12, "there is no fact 'node'"),
}


@pytest.mark.parametrize(("line", "number", "said"), ROWS.values(), ids=ROWS)
def test_a_row_is_held_as_a_rule_is(tmp_path: Path, line: str, number: int, said: str) -> None:
    error = family(tmp_path, FAMILY + line)
    assert f"k8s/families/few.yaml:{number}: " in error
    assert said in error


COMMON = {
    "shape": ("why: Nobody knows whom to call.", "why: [a]", "why must be text"),
    "key": ("category: delivery", "colour: red", "no key is called 'colour'"),
    "mapping": ("common:\n", "frame: a\nx: &x\n", "no key is called 'x'"),
    "name": ("mine:", "Mine:", "names such as image-tag-latest"),
    "escape": ("mine:", '"a\\e[31m":', "names such as image-tag-latest"),
}


@pytest.mark.parametrize(("old", "new", "said"), COMMON.values(), ids=COMMON)
def test_what_rows_share_is_held_too(tmp_path: Path, old: str, new: str, said: str) -> None:
    error = family(tmp_path, FAMILY.replace(old, new))
    assert said in error
    assert "\x1b" not in error


def test_families_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "64 KiB at most" in family(tmp_path, FAMILY + "# " + "x" * MAX_RULE_FILE_BYTES)
    rows = FAMILY.replace("mine:", "mine: &a").rstrip() + "\n"
    bomb = rows + "".join(f"  a{n}: *a\n" for n in range(6000))
    assert "at most" in family(tmp_path, bomb)
    monkeypatch.setattr(rules, "MAX_RULE_FILES_PER_FOLDER", 20)
    assert "20 files" in family(tmp_path, rows + "".join(f"  a{n}: *a\n" for n in range(30)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with links and pipes")
def test_links_and_pipes_among_families_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, **{"elsewhere/few.yaml": FAMILY, "own/k8s/good.yaml": RULE})
    (tmp_path / "own/k8s/families").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the directory of rules" in held(tmp_path)
    (tmp_path / "own/k8s/families").unlink()
    (tmp_path / "own/k8s/families").mkdir()
    os.mkfifo(tmp_path / "own/k8s/families/pipe.yaml")
    assert "no file that can be read" in held(tmp_path)
    with pytest.raises(RuleError, match="no file that can be read"):
        readiness.check([tmp_path], rules=[tmp_path / "own"])
