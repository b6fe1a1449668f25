"""What settings, ignore files and names of a tree may not do: each in the way that its author would try it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from click.testing import CliRunner, Result
from hypothesis import strategies as st

import readiness
from readiness import api
from readiness.cli.main import main
from readiness.loading.render import helm
from readiness.run import engine
from readiness.settings import ConfigError, find_settings_file
from readiness.verdict.checklist import ChecklistError
from tests.make import write_files
from tests.settings_rows import holds

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
BROKEN = "apiVersion: v1\nkind: Pod\nspec: [\n"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "tree"
    write_files(made, {"pod.yaml": POD, ".git/HEAD": ""})
    monkeypatch.chdir(made)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", "--no-cache", *words])


# -- the settings file --------------------------------------------------------------------------------------------


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _no_text(path: Path) -> None:
    path.write_bytes(b"profile: \xff\xfe")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


UNREADABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a directory": (lambda path: path.mkdir(), "cannot be read: it is a directory"),
    "a FIFO": (_fifo, "cannot be read: it is a FIFO"),
    "a broken link": (lambda path: path.symlink_to("gone"), "cannot be read"),
    "a link to itself": (lambda path: path.symlink_to(path.name), ""),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "is a link that leads out"),
    "a link up": (lambda path: path.symlink_to("../other.yaml"), "is a link that leads out"),
    "no text": (_no_text, "not UTF-8"),
    "a sparse file": (_sparse, "KiB is the limit"),
}


@holds("settings-file")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs and links of POSIX")
@pytest.mark.parametrize(("make", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_settings_that_cannot_be_read_are_told_and_not_passed_over(tree: Path, make: Callable[[Path], None], said: str) -> None:
    """Else a file above, or the defaults, would count where the project thinks that its own do."""
    write_files(tree.parent, {"other.yaml": "fail-on: never\n", ".readiness.yaml": "fail-on: never\n"})
    make(tree / ".readiness.yaml")
    result = run()
    assert result.exit_code == 2
    assert result.stderr.startswith("readiness: .readiness.yaml")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@holds("settings-file")
def test_settings_above_the_repository_are_not_read(tree: Path) -> None:
    write_files(tree.parent, {".readiness.yaml": "fail-on: never\n", "tree/deploy/x": ""})
    assert find_settings_file(tree / "deploy") is None


# -- what settings open, and what they don't ----------------------------------------------------------------------


@holds("settings-gate")
def test_a_crash_is_exit_code_2_whatever_the_gate_is(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: object) -> None:
        raise ValueError(f"{len(arguments)} arguments")

    monkeypatch.setattr(engine, "finding_from_hit", crash)
    write_files(tree, {".readiness.yaml": "fail-on: never\nignore: [correctness]\nwaivers: [{rule: core/crash, reason: it is fine}]\n"})
    assert run().exit_code == 2


@holds("settings-exclude", "settings-choice")
@pytest.mark.parametrize("text", ["exclude: ['*']", "exclude: [pod.yaml]", "ignore: [ALL]", "select: [nginx/]"])
def test_settings_that_leave_nothing_to_judge_pass_nothing(tree: Path, text: str) -> None:
    write_files(tree, {".readiness.yaml": f"{text}\nfail-on: never\n"})
    result = run()
    assert result.exit_code == 2
    assert "gate not evaluated" in result.stdout
    assert "settings from .readiness.yaml: gate off (fail-on never)" in result.stdout


@holds("settings-exclude")
@pytest.mark.parametrize("glob", ["broken.yaml", "b*", "*en.yaml"])
def test_a_broken_file_that_settings_leave_out_is_named_by_what_leaves_it_out(tree: Path, glob: str) -> None:
    write_files(tree, {"broken.yaml": BROKEN, ".readiness.yaml": f"exclude: ['{glob}']\n"})
    report = readiness.check(["."], config=True)
    assert "core/syntax" not in {one.rule for one in report.findings}
    assert report.settings_effects[0].changes == (f"excludes {glob}",)
    write_files(tree.parent, {"platform.yaml": "locked: [exclude]\n"})
    report = readiness.check(["."], config="../platform.yaml")
    assert "core/syntax" in {one.rule for one in report.open}
    assert not report.gate.passed


CHART = {
    "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\ndependencies: [{name: db, version: 1.0.0, repository: 'https://example.com'}]\n",
    "shop/templates/a.yaml": POD,
}


@holds("settings-waivers", "settings-choice", "baseline")
@pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs a renderer of charts")
@pytest.mark.parametrize("text", [
    "waivers: [{rule: core/not-rendered, reason: it is fine}]", "ignore: [core/]", "ignore: [correctness]", "ignore: [ALL]", "baseline: known.json",
])  # fmt: skip
def test_a_chart_whose_dependency_is_absent_is_told_whatever_the_tree_says(tree: Path, text: str) -> None:
    """The tree's author can make it so: a dependency that is declared and is not there."""
    write_files(tree, CHART)
    before = readiness.check(["."])
    (found,) = [one for one in before.open if one.rule == "core/not-rendered"]
    rows = [{"fingerprint": one.fingerprint, "rule": one.rule, "path": one.path, "resource": ""} for one in before.findings]
    write_files(tree, {".readiness.yaml": text + "\n", "known.json": json.dumps({"version": 2, "findings": rows})})
    write_files(tree, {"shop/Chart.yaml": "# readiness: ignore[core/not-rendered] it is fine\n" + CHART["shop/Chart.yaml"]})
    report = readiness.check(["."], config=True)
    assert [one.severity for one in report.open if one.rule == found.rule] == [found.severity]
    assert found.rule not in {row["rule"] for row in json.loads(api.baseline_text(before))["findings"]}
    # The caller may: its word stands on the command line.
    assert found.rule not in {one.rule for one in readiness.check(["."], ignore=["core/not-rendered"]).open}


@holds("settings-choice")
@pytest.mark.parametrize("rule", ["core/syntax", "core/unreadable", "core/crash", "core/template-unjudged", "core/not-rendered"])
def test_leaving_out_a_missing_verdict_by_name_is_refused(tree: Path, rule: str) -> None:
    write_files(tree, {".readiness.yaml": f"ignore: [{rule}]\n"})
    result = run()
    assert result.exit_code == 2
    assert f".readiness.yaml:1:10: ignore: {rule} says that something has no verdict" in result.stderr
    assert run("--no-config", "--ignore", rule).exit_code != 2


@holds("settings-checklists")
@pytest.mark.parametrize("name", ["mine", "../mine", "./checklists/mine", "dify.yaml", "DIFY", ""])
def test_checklists_are_those_that_ship(tree: Path, name: str) -> None:
    write_files(tree, {".readiness.yaml": json.dumps({"checklists": [name]}), "checklists/mine.yaml": "title: Mine\n", "mine.yaml": "title: Mine\n"})
    with pytest.raises((ChecklistError, ConfigError), match=r"no checklist is called|is empty"):
        readiness.check(["."], config=True)


@holds("settings-programs")
@pytest.mark.parametrize(
    "text", ["shellcheck: ./evil.sh", "shellcheck: [./evil.sh, -x]", "documents: ./evil.sh", "helm: ./evil.sh", "render: {helm: ./evil.sh}"]
)
def test_settings_name_no_program(tree: Path, text: str) -> None:
    write_files(tree, {".readiness.yaml": text + "\n", "evil.sh": "#!/bin/sh\ntouch ran\n"})
    (tree / "evil.sh").chmod(0o755)
    assert run().exit_code == 2
    assert not (tree / "ran").exists()


@holds("settings-programs")
def test_a_shellcheck_of_the_tree_is_not_the_one_that_is_asked(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tree, {".readiness.yaml": "shellcheck: true\n", "Dockerfile": "FROM alpine:3.20\nRUN echo $x\n"})
    for name in ("shellcheck", "bin/shellcheck", "node_modules/.bin/shellcheck", ".venv/bin/shellcheck"):
        write_files(tree, {name: f"#!/bin/sh\ntouch {tree}/ran\necho []\n"})
        (tree / name).chmod(0o755)
    for path in (f".{os.pathsep}bin{os.pathsep}{os.environ['PATH']}", f"{os.pathsep}{os.environ['PATH']}"):
        monkeypatch.setenv("PATH", path)
        run()
        assert not (tree / "ran").exists()


@holds("attestations")
def test_nothing_is_attested(tree: Path) -> None:
    write_files(tree, {".readiness.yaml": "checklists: [dify]\n", ".readiness-attestations.yaml": "dify.key-rotation: {by: me}\n"})
    items = [item for row in readiness.check(["."], config=True).to_dict()["checklists"] for item in row["items"]]
    assert len(items) > 50
    assert {item["attestation"] for item in items} == {None}
    assert "attested" not in {item["state"] for item in items}


@holds("gitignore")
def test_a_gitignore_leaves_out_of_a_walk_and_not_what_is_named(tree: Path) -> None:
    write_files(tree, {".gitignore": "*\n!.gitignore\n"})
    assert run().exit_code == 2
    assert [row.path for row in readiness.check(["pod.yaml"]).files] == ["pod.yaml"]


# -- names --------------------------------------------------------------------------------------------------------

NOTICES = {
    "a purpose that fits nothing": {".readiness.yaml": 'purpose: {"x\\n::error::y password=Tr0ub4dor-and-3": test}\n'},
    "an environment that is none": {".readiness.yaml": 'environments: {production: {values: ["x\\n::error::y password=Tr0ub4dor-and-3"]}}\n'},
    "a profile that is none": {".readiness.yaml": 'environments: {production: {profiles: ["x\\r::error::y token=Tr0ub4dor-and-3"]}}\n'},
    "a name of a file": {"a\n::error::y\npassword=Tr0ub4dor-and-3.yaml": "# readiness: ignore[k8s/host-pid] it is fine\n" + POD},
    "a key": {".readiness.yaml": '"x\\n::error::y password=Tr0ub4dor-and-3": 1\n'},
    "a word": {".readiness.yaml": 'ignore: ["x\\u2028::error::y password=Tr0ub4dor-and-3"]\n'},
    "a lock": {".readiness.yaml": 'locked: ["x\\u0085::error::y password=Tr0ub4dor-and-3"]\n'},
    "a baseline": {".readiness.yaml": 'baseline: "x\\n::error::y password=Tr0ub4dor-and-3"\n'},
    "a directory of rules": {".readiness.yaml": 'rules: ["x\\n::error::y password=Tr0ub4dor-and-3"]\n'},
    "a rule that is a link": {".readiness.yaml": "rules: [own]\n", "own/k8s/a\n::error::y\npassword=Tr0ub4dor-and-3.yaml": "-> /etc/passwd"},
    "a waiver": {".readiness.yaml": 'waivers: [{rule: "x\\n::error::y", reason: "password=Tr0ub4dor-and-3", until: "2001-13-01"}]\n'},
    "a parameter": {".readiness.yaml": 'parameters: {"k8s/api-version-removed": {"x\\n::error::y password=Tr0ub4dor-and-3": 1}}\n'},
}  # fmt: skip


@holds("names")
@pytest.mark.skipif(sys.platform == "win32", reason="needs names with line breaks")
@pytest.mark.parametrize("files", NOTICES.values(), ids=NOTICES)
def test_standard_error_has_lines_of_ours_only(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        if text.startswith("-> "):
            (tree / name).parent.mkdir(parents=True)
            (tree / name).symlink_to(text[3:])
        else:
            write_files(tree, {name: text})
    done = subprocess.run([sys.executable, "-m", "readiness", "check", "--no-cache", "."], cwd=tree, capture_output=True, check=False)
    lines = done.stderr.decode().splitlines()
    assert all(line.startswith("readiness: ") for line in lines)
    assert all(line.isprintable() for line in lines)
    assert b"Tr0ub4dor" not in done.stderr
    assert not any(line.startswith("::error") for line in done.stdout.decode().splitlines() if "::y" in line)


@holds("file-names")
@pytest.mark.parametrize(
    "name", ["--exit-zero", "-q", "--config=evil.yaml", "--no-config", "--fail-on=never", "--ignore=ALL", "-x.yaml", "--\n::error::y.yaml"]
)
def test_a_file_that_looks_like_an_option_is_none(tree: Path, name: str) -> None:
    """`readiness check *`, and a hook that passes the files of a commit."""
    write_files(tree, {name: POD, "evil.yaml": "fail-on: never\n"})
    done = subprocess.run([sys.executable, "-m", "readiness", "check", "pod.yaml", name], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is an option and a file here" in done.stderr
    assert not any(line.startswith("::error") for line in done.stderr.splitlines())
    assert done.stdout == ""
    for words in (["--", "pod.yaml", name], [f"./{name}", "pod.yaml"]):
        result = run(*words)
        assert result.exit_code in {0, 1}
        assert "is an option" not in result.output


@holds("file-names")
def test_words_of_the_command_line_are_shown_in_one_line(tree: Path) -> None:
    for words in (
        ["--foo\n::error::y"],
        ["--format", "x\n::error::y"],
        ["--output", "x\n::error::y"],
        ["--today", "x\x1b[31m"],
        ["gone\n::error::y"],
    ):
        done = subprocess.run([sys.executable, "-m", "readiness", "check", *words], cwd=tree, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert not any(line.startswith("::error") or "\x1b" in line for line in done.stderr.splitlines())


# -- all of it at once --------------------------------------------------------------------------------------------

OPENS = {
    "fail-on": st.sampled_from(["never", "critical", "low"]),
    "min-score": st.integers(0, 100),
    "profile": st.sampled_from(["recommended", "strict", "pss-baseline"]),
    "select": st.lists(st.sampled_from(["k8s/", "nginx/", "k8s/host-pid", "isolation"]), unique=True, max_size=2),
    "ignore": st.lists(st.sampled_from(["ALL", "core/", "core", "correctness", "k8s/", "core/s", "core/not-r"]), unique=True, max_size=3),
    "exclude": st.lists(st.sampled_from(["pod.yaml", "x/*", "broken", "*.yml"]), unique=True, max_size=2),
    "documents": st.booleans(),
    "purpose": st.dictionaries(st.sampled_from(["*", "broken.yaml", "pod.yaml"]), st.sampled_from(["test", "production", "sample"]), max_size=2),
    "waivers": st.lists(
        st.fixed_dictionaries({"rule": st.sampled_from(["core/syntax", "core/crash", "k8s/host-pid"]), "reason": st.just("it is fine")},
                              optional={"path": st.sampled_from(["*", "**", "broken.yaml", "b*"])}), max_size=3,
    ),
    "locked": st.lists(st.sampled_from(["comments", "foreign-ignores", "core/syntax", "k8s/"]), unique=True, max_size=3),
}  # fmt: skip


@holds("settings-gate", "settings-choice", "settings-waivers", "settings-named")
@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(st.fixed_dictionaries({}, optional=OPENS))
def test_no_settings_take_back_that_a_file_has_no_verdict(tree: Path, given: dict[str, Any]) -> None:
    hypothesis.assume(not (given.get("profile") == "pss-baseline" and "nginx/" in given.get("select", ())))  # which selects nothing, an error
    head = "# readiness: purpose=test\n# readiness: ignore[core/syntax] it is fine\n# readiness: ignore[core/crash, core/syntax] so\n"
    write_files(tree, {"broken.yaml": head + BROKEN, ".readiness.yaml": json.dumps(given)})
    report = readiness.check(["."], config=True)
    found = [one for one in report.findings if (one.rule, one.path) == ("core/syntax", "broken.yaml")]
    assert [one.suppression for one in found] == [None]
    assert not report.gate.passed
    assert report.verdict != "ready"
    (effect,) = report.settings_effects
    assert effect.name == ".readiness.yaml"
    assert ("gate off" in effect.text) is (given.get("fail-on") == "never")
    assert effect.text.isprintable()
