"""Settings of other linters, read where they stand: what they leave out, which options count, and what they may not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.settings.peers import MAX_PEER_FILE_BYTES
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0', securityContext: {privileged: true}}]}
"""
DOCKERFILE = "FROM alpine:latest\nRUN apk add curl\n"
WORKFLOW = """\
on: pull_request_target
jobs:
  a:
    runs-on: ubuntu-2404
    steps: [{run: 'echo ::set-env name=A::b'}]
"""
COMPOSE = "version: '3'\nservices: {web: {image: 'nginx:1.27.1', build: .}}\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "web.yaml": POD % "web", "a/a.yaml": POD % "a", "Dockerfile": DOCKERFILE, "compose.yaml": COMPOSE,
        ".github/workflows/ci.yml": WORKFLOW, ".github/workflows/b.yml": WORKFLOW, ".git/HEAD": "",
    }  # fmt: skip
    made = write_files(tmp_path / "tree", files)
    monkeypatch.chdir(made)
    return made


def check(**options: object) -> Report:
    return readiness.check(["."], **{"config": True, "context": False, "select": ["ALL"], **options})  # type: ignore[arg-type]


def findings(report: Report) -> set[tuple[str, str, int]]:
    return {(one.rule, one.path, one.start.line) for one in report.open}


def equal_to(report: Report, linter: str, rule_id: str) -> set[tuple[str, str, int]]:
    return {(one.rule, one.path, one.start.line) for one in report.open if rule_id in one.equivalents.get(linter, ())}


# file, text, linter, rule, and the paths in which it is left out (None: all)
IGNORES = {
    "hadolint": (".hadolint.yaml", "ignored: [DL3007]\n", "hadolint", "DL3007", None),
    "kube-linter": (".kube-linter.yaml", "checks: {exclude: [privileged-container]}\n", "kube-linter", "privileged-container", None),
    "kube-linter's paths": (".kube-linter.yml", "checks: {ignorePaths: ['a/**']}\n", "kube-linter", "privileged-container", {"a/a.yaml"}),
    "checkov": (".checkov.yaml", "skip-check: [CKV_K8S_16, LOW]\n", "checkov", "CKV_K8S_16", None),
    "checkov's words in one": (".checkov.yml", "skip-check: CKV_K8S_1,CKV_K8S_16\n", "checkov", "CKV_K8S_16", None),
    "trivy": (".trivyignore", "# a comment\nCVE-2020-1\nAVD-KSV-0017 # why\n", "trivy", "KSV-0017", None),
    "trivy until a day": (".trivyignore", "KSV017 exp:2999-01-01\n", "trivy", "KSV-0017", None),
    "trivy's mapping": (
        ".trivyignore.yaml",
        "misconfigurations: [{id: KSV-0017, paths: ['a/**'], statement: x}]\n",
        "trivy",
        "KSV-0017",
        {"a/a.yaml"},
    ),
    "zizmor": (".github/zizmor.yml", "rules: {dangerous-triggers: {disable: true}}\n", "zizmor", "dangerous-triggers", None),
    "zizmor's files": ("zizmor.yml", "rules: {dangerous-triggers: {ignore: [b.yml]}}\n", "zizmor", "dangerous-triggers", {".github/workflows/b.yml"}),
    "zizmor's lines": (
        "zizmor.yaml",
        "rules: {dangerous-triggers: {ignore: ['ci.yml:1:5']}}\n",
        "zizmor",
        "dangerous-triggers",
        {".github/workflows/ci.yml"},
    ),
    "dclint": (".dclintrc", '{"rules": {"no-build-and-image": 0, "x": 1}}', "dclint", "no-build-and-image", None),
    "dclint's pairs": (".dclintrc.yaml", "rules: {no-build-and-image: [0, {a: b}]}\n", "dclint", "no-build-and-image", None),
}


@holds("settings-foreign")
@pytest.mark.parametrize(("path", "text", "linter", "rule_id", "paths"), IGNORES.values(), ids=IGNORES)
def test_what_another_linter_leaves_out_is_left_out_here(tree: Path, path: str, text: str, linter: str, rule_id: str, paths: set[str] | None) -> None:
    before = check()
    said_same = equal_to(before, linter, rule_id)
    assert said_same
    left_out = {one for one in said_same if paths is None or one[1] in paths}
    assert left_out
    write_files(tree, {path: text})
    after = check()
    if paths is None or "ignorePaths" not in text:
        assert findings(before) - findings(after) == left_out
    else:
        assert {where for _, where, _ in findings(before) - findings(after)} == paths
    (effect,) = after.settings_effects
    assert effect.name == path
    assert effect.text.startswith(f"{path}: leaves out {after.foreign} finding")
    for options in ({"foreign_ignores": False}, {"config": False}):
        assert findings(check(**options)) == findings(before)
        assert check(**options).settings_effects == ()


NO_EFFECT = {
    "over": (".trivyignore", "KSV-0017 exp:2020-01-01\n"),
    "over, in a mapping": (".trivyignore.yaml", "misconfigurations: [{id: KSV-0017, expired_at: 2020-01-01}]\n"),
    "a vulnerability": (".trivyignore.yaml", "vulnerabilities: [{id: KSV-0017}]\n"),
    "another line": ("zizmor.yml", "rules: {dangerous-triggers: {ignore: ['ci.yml:3']}}\n"),
    "another file": ("zizmor.yml", "rules: {dangerous-triggers: {ignore: [i.yml, '../ci.yml', '*']}}\n"),
    "a milder level": (".dclintrc", "rules: {no-build-and-image: 1}\n"),
    "no rule of theirs": (".hadolint.yaml", "ignored: [k8s/privileged, '*', ALL, 3]\nfailure-threshold: error\n"),
    "words that are none": (".hadolint.yaml", 'ignored: ["\\0all", "---", "", "all checks"]\n'),
    "a pattern": (".checkov.yaml", "skip-check: ['CKV_K8S*', HIGH, '*']\nskip-path: ['(a+)+$']\n"),
    "odd shapes": (".kube-linter.yaml", "checks: [a]\n"),
    "a list": (".hadolint.yaml", "- DL3007\n"),
    "nothing": (".hadolint.yaml", ""),
    "absolute paths": (".kube-linter.yaml", "checks: {ignorePaths: [/a/**, '~/b']}\n"),
    "below the root": ("a/.kube-linter.yaml", "checks: {exclude: [privileged-container]}\n"),
}


@holds("settings-foreign")
@pytest.mark.parametrize(("path", "text"), NO_EFFECT.values(), ids=NO_EFFECT)
def test_what_says_nothing_of_our_findings_changes_nothing(tree: Path, path: str, text: str) -> None:
    before = findings(check())
    write_files(tree, {path: text})
    after = check()
    assert findings(after) == before
    assert after.settings_effects == ()


@holds("settings-foreign")
def test_options_that_have_an_equal_count(tree: Path) -> None:
    write_files(tree, {".github/actionlint.yaml": "self-hosted-runner: {labels: [ubuntu-24*]}\n", ".hadolint.yaml": "trustedRegistries: [ghcr.io]\n"})
    report = check()
    assert "ci/runner-label-unknown" not in {one.rule for one in report.open}
    assert [one.message for one in report.open if one.rule == "dockerfile/base-image-registry-untrusted"]
    assert [one.text for one in report.settings_effects] == [
        ".hadolint.yaml: trusts registries ghcr.io",
        ".github/actionlint.yaml: names runners 'ubuntu-24*'" if "'" in report.settings_effects[1].text else report.settings_effects[1].text,
    ]
    write_files(tree, {".readiness.yaml": "parameters: {ci/runner-label-unknown: {own: [other]}}\n"})
    assert "ci/runner-label-unknown" in {one.rule for one in check().open}, "our own settings count more"


@holds("settings-foreign", "config-locked")
@pytest.mark.parametrize("where", ["platform.yaml", "tree/.readiness.yaml"])
@pytest.mark.parametrize("text", ["locked: [foreign-ignores]\n", "foreign-ignores: false\n"])
def test_they_can_be_switched_off_and_locked(tree: Path, where: str, text: str) -> None:
    before = findings(check())
    write_files(
        tree, {".hadolint.yaml": "ignored: [DL3007, DL3018]\ntrustedRegistries: [x]\n", ".kube-linter.yaml": "checks: {ignorePaths: ['**']}\n"}
    )
    write_files(tree.parent, {"platform.yaml": "# nothing\n", where: text})
    report = check(config="../platform.yaml")
    assert findings(report) == before
    assert not [one for one in report.settings_effects if "lint" in one.name]


@holds("settings-foreign")
def test_locked_rules_and_missing_verdicts_stay(tree: Path) -> None:
    write_files(tree, {"broken.yaml": "apiVersion: v1\nkind: Pod\nspec: [\n"})
    write_files(
        tree,
        {".kube-linter.yaml": "checks: {ignorePaths: ['**'], exclude: [privileged-container]}\n", ".readiness.yaml": "locked: [k8s/privileged]\n"},
    )
    rules = {one.rule for one in check().open}
    assert {"k8s/privileged", "core/syntax"} <= rules
    assert "k8s/host-pid" not in rules


UNREADABLE = {
    "no YAML": lambda path: path.write_text("ignored: [\n"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "too large": lambda path: path.write_text("# " + "x" * MAX_PEER_FILE_BYTES),
    "a directory": lambda path: path.mkdir(),
    "a link out": lambda path: path.symlink_to("../other.yaml"),
    "deep": lambda path: path.write_text("ignored: " + "[" * 5000 + "]" * 5000),
    "aliases": lambda path: path.write_text("a0: &a0 [a]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))),
}


@holds("settings-foreign")
@pytest.mark.skipif(os.name == "nt", reason="needs links of POSIX")
@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_counts_for_nothing_and_is_told(tree: Path, make: object) -> None:
    before = findings(check())
    write_files(tree.parent, {"other.yaml": "ignored: [DL3007]\n"})
    make(tree / ".hadolint.yaml")  # type: ignore[operator]
    report = check()
    assert findings(report) >= {one for one in before if one[1] == "Dockerfile"}
    assert [one for one in report.notices if one.startswith(".hadolint.yaml: ") and one.endswith("so nothing of it counts here")]


@holds("settings-foreign")
def test_it_is_said_once_in_the_gates_line_and_in_the_report(tree: Path) -> None:
    write_files(tree, {".hadolint.yaml": "ignored: [DL3007, DL3018]\n"})
    result = CliRunner().invoke(main, ["check", "--no-cache", "Dockerfile", "--extend-select", "dockerfile/"])
    lines = result.stdout.rstrip("\n").splitlines()
    assert lines[-1].endswith("settings from .hadolint.yaml: leaves out 2 findings by DL3007 and DL3018")
    assert len([one for one in lines if ".hadolint.yaml" in one]) == 1
    assert [one for one in lines if "2 left out by comments and settings for other linters (--no-foreign-ignores shows them)" in one]


def test_what_they_leave_out_proves_no_item(tree: Path) -> None:
    def met(report: Report) -> set[str]:
        return {row["id"] for one in report.to_dict()["checklists"] for row in one["items"] if row["state"] == "met"}

    before = met(check())
    write_files(tree, {".kube-linter.yaml": "checks: {ignorePaths: ['**']}\n", ".checkov.yaml": "skip-check: [CKV_K8S_16]\n"})
    assert met(check()) <= before


def test_from_a_directory_below_they_are_those_of_the_root(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tree, {".readiness.yaml": "# nothing\n", ".kube-linter.yaml": "checks: {ignorePaths: [a/*]}\n"})
    monkeypatch.chdir(tree / "a")
    report = check()
    assert "k8s/privileged" not in {one.rule for one in report.open}
    assert report.settings_effects[-1].name == "../.kube-linter.yaml"
