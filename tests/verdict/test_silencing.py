"""What says that something has no verdict stands, whatever the tree writes against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import readiness
from readiness.loading.render import helm
from readiness.run import engine
from readiness.verdict.report import Report
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop, annotations: {%s}}\nspec: {hostPID: true}\n"
CHART = "apiVersion: v2\nname: shop\nversion: 0.1.0\n"
CRASH = "a rule that fails"
# What has no verdict: the rule, its files, the one that the finding stands in, and whether that may hold a comment.
UNJUDGED: dict[str, tuple[str, dict[str, bytes], str, bool]] = {
    "no syntax": ("core/syntax", {"a.yaml": b"apiVersion: v1\nkind: Pod\nspec: [\n"}, "a.yaml", True),
    "no text": ("core/unreadable", {"compose.yaml": b"\0\1\2services:"}, "compose.yaml", False),
    "a template by its content": (
        "core/template-unjudged", {"a.yaml": b"apiVersion: v1\nkind: Pod\nspec: {{ .x }}\n  a: {% y %}\n"}, "a.yaml", True,
    ),
    "a broken chart": (
        "core/not-rendered",
        {"Chart.yaml": CHART.encode(), "templates/a.yaml": b"{{ if }}"}, "Chart.yaml", True,
    ),
    "a broken overlay": (
        "core/not-rendered", {"kustomization.yaml": b"resources: [gone.yaml]\n"}, "kustomization.yaml", True,
    ),
    CRASH: ("core/crash", {"a.yaml": (POD % "").encode()}, "a.yaml", True),
}  # fmt: skip
AGAINST = {
    "nothing": ("", ""),
    "a comment": ("# readiness: ignore[{rule}] it is fine\n", ""),
    "a comment for the file": ("# readiness: ignore-file[{rule}] it is fine\n", ""),
    "another linter's comment": ("# checkov:skip=CKV_K8S_1: fine\n# kics-scan ignore\n# noqa\n", ""),
    "a waiver": ("", "waivers:\n  - {{rule: {rule}, path: '*', reason: it is fine}}\n"),
    "a waiver of all": ("", "waivers:\n  - {{rule: core/, path: '**', reason: it is fine}}\n"),
    "the group": ("", "ignore: [core/]\n"),
    "the category": ("", "ignore: [correctness]\n"),
    "everything": ("", "ignore: [ALL]\n"),
    "other rules": ("", "select: [k8s/privileged]\n"),
    "a gate that never fails": ("", "fail-on: never\n"),
}  # fmt: skip


def crash(*arguments: object) -> None:
    raise ValueError(f"{len(arguments)} arguments")


def check(root: Path, name: str, comment: str, settings: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    rule, files, place, may_comment = UNJUDGED[name]
    if rule == "core/crash":
        monkeypatch.setattr(engine, "finding_from_hit", crash)
    if "chart" in name and not helm.available_chart_renderer():
        pytest.skip("needs a renderer of charts, and none is installed")
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        above = comment.format(rule=rule).encode() if path == place and may_comment else b""
        (root / path).write_bytes(above + data)
    (root / ".readiness.yaml").write_text(settings.format(rule=rule), encoding="utf-8")
    return readiness.check([root], config=root / ".readiness.yaml", base=root)


CASES = [
    (name, against)
    for name in UNJUDGED
    for against in AGAINST
    if name != CRASH or against not in {"everything", "other rules"}  # which do not run the rule
]


@holds("settings-gate", "settings-choice", "settings-waivers", "comments", "comments-foreign")
@pytest.mark.parametrize(("name", "against"), CASES)
def test_the_tree_cannot_take_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, against: str) -> None:
    rule, _, place, _ = UNJUDGED[name]
    report = check(tmp_path, name, *AGAINST[against], monkeypatch)
    found = [one for one in report.findings if (one.rule, one.path) == (rule, place)]
    assert found
    assert all(one.suppression is None for one in found)
    is_open = name == CRASH and against == "a gate that never fails"  # a fault of ours, none of the tree
    assert report.gate.passed is is_open
    assert report.verdict != "ready"


@holds("baseline")
@pytest.mark.parametrize("name", UNJUDGED)
def test_a_baseline_of_the_tree_cannot_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rule, _, place, _ = UNJUDGED[name]
    before = check(tmp_path, name, "", "", monkeypatch)
    rows = [{"fingerprint": one.fingerprint, "rule": one.rule, "path": one.path, "resource": ""} for one in before.findings]
    known = tmp_path / "known.json"
    known.write_text(json.dumps({"version": 2, "findings": rows}), encoding="utf-8")
    report = readiness.check([tmp_path], base=tmp_path, baseline=known)
    assert (rule, place) in {(one.rule, one.path) for one in report.open}
    assert not report.gate.passed


@holds("comments")
def test_an_annotation_cannot_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "finding_from_hit", crash)
    text = POD % "readiness/ignore.core/crash: it is fine"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    report = readiness.check([tmp_path], base=tmp_path)
    assert [one.suppression for one in report.findings if one.rule == "core/crash"][:1] == [None]
    assert not report.gate.passed
