"""`--settings-from REF`: the settings of the base branch rule, whatever the work tree says, and nothing of the repository is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness import api
from readiness.cli.main import main
from readiness.programs import git as plumbing
from readiness.run import settings_of_revision
from readiness.settings import ConfigError
from readiness.verdict.report import Report
from tests.make import write_files
from tests.settings_rows import holds

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs shell scripts and links")
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
BASE = "fail-on: low\nrules: [own]\nselect: [k8s/mine, k8s/host-pid]\n"


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)
    return os.fsdecode(done.stdout).strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "one")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose main has settings with rules of its own, and a topic that opens the gate; the working directory."""
    made = tmp_path / "root"
    write_files(made, {"deploy/pod.yaml": POD, ".readiness.yaml": BASE, "own/k8s/mine.yaml": RULE})
    git(made, "init", "-q", "-b", "main")
    commit(made)
    git(made, "checkout", "-q", "-b", "topic")
    write_files(made, {".readiness.yaml": "fail-on: never\nignore: [ALL]\nexclude: [deploy/*]\n", "own/k8s/mine.yaml": RULE.replace("Pod", "Job")})
    commit(made)
    monkeypatch.chdir(made)
    return made


def check(reference: str = "main", **options: object) -> Report:
    return readiness.check(["."], **{"config": True, "settings_from": reference, **options})  # type: ignore[arg-type]


def found(report: Report) -> set[str]:
    return {one.rule for one in report.open}


@holds("settings-from")
def test_the_settings_and_rules_of_the_revision_rule(root: Path) -> None:
    report = check()
    assert found(report) == {"k8s/mine", "k8s/host-pid"}
    assert [one.message for one in report.open if one.rule == "k8s/mine"] == ["Pod/web has no owner"]
    assert not report.gate.passed
    assert [one.text for one in report.settings_effects] == ["main:.readiness.yaml: fail-on low, selects k8s/mine and k8s/host-pid, rules in own"]


@holds("settings-from")
def test_where_the_revision_has_no_settings_those_of_the_work_tree_are_not_read(root: Path) -> None:
    git(root, "checkout", "-q", "--orphan", "bare")
    git(root, "rm", "-q", "-rf", ".")
    write_files(root, {"deploy/pod.yaml": POD})
    commit(root)
    write_files(root, {".readiness.yaml": "ignore: [k8s/host-pid]\n"})
    report = check("bare")
    assert "k8s/host-pid" in found(report)
    assert [one.text for one in report.settings_effects] == ["bare:.readiness.yaml: not there"]
    assert "k8s/host-pid" not in found(check("bare", settings_from=None))


@holds("settings-from")
def test_broken_settings_of_the_work_tree_are_not_read_either(root: Path) -> None:
    for text in ("[", "fail-on: hgih\n", "rules: [/]\n"):
        write_files(root, {".readiness.yaml": text})
        assert found(check()) == {"k8s/mine", "k8s/host-pid"}
    (root / ".readiness.yaml").unlink()
    (root / ".readiness.yaml").symlink_to("/dev/zero")
    assert found(check()) == {"k8s/mine", "k8s/host-pid"}


@holds("settings-from")
@pytest.mark.parametrize("reference", ["refs/heads/main", "main~0", "HEAD~1", "the commit", "the short commit"])
def test_a_revision_by_any_of_its_names(root: Path, reference: str) -> None:
    whole = git(root, "rev-parse", "main")
    assert found(check({"the commit": whole, "the short commit": whole[:10]}.get(reference, reference))) == {"k8s/mine", "k8s/host-pid"}


@holds("settings-from")
def test_the_revision_is_taken_as_it_is_now_and_not_where_the_branch_left_it(root: Path) -> None:
    git(root, "checkout", "-q", "main")
    write_files(root, {".readiness.yaml": "select: [k8s/host-pid]\n"})
    commit(root)
    git(root, "checkout", "-q", "topic")
    assert found(check()) == {"k8s/host-pid"}


@holds("settings-from")
def test_a_name_that_stands_for_several_commits_is_refused(root: Path) -> None:
    """Git takes the tag, and whoever may push one could bring settings by it."""
    git(root, "update-ref", "refs/remotes/origin/main", "main")
    assert found(check("origin/main")) == {"k8s/mine", "k8s/host-pid"}
    git(root, "tag", "origin/main", "topic")
    with pytest.raises(ConfigError, match=r"several commits here: refs/tags/origin/main, refs/remotes/origin/main"):
        check("origin/main")
    assert found(check("refs/remotes/origin/main")) == {"k8s/mine", "k8s/host-pid"}
    git(root, "tag", "-f", "origin/main", "main")
    assert found(check("origin/main")) == {"k8s/mine", "k8s/host-pid"}


@holds("settings-from")
@pytest.mark.parametrize("folder", ["deploy", "deploy/new/[x]"])
def test_from_a_directory_below_paths_are_relative_to_that_of_the_settings(root: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    git(root, "checkout", "-q", "main")
    waiver = "waivers: [{rule: k8s/host-pid, path: 'deploy/*', reason: it is fine}]\n"
    write_files(root, {".readiness.yaml": BASE + waiver + f"exclude: ['{folder.replace('[', '[[]')}/b.yaml']\n"})
    commit(root)
    git(root, "checkout", "-q", "topic")
    write_files(root, {f"{folder}/a.yaml": POD, f"{folder}/b.yaml": POD})
    monkeypatch.chdir(root / folder)
    report = check()
    assert {"a.yaml"} <= {row.path for row in report.files} <= {"a.yaml", "pod.yaml"}
    assert {one.rule for one in report.suppressed} == {"k8s/host-pid"}


@holds("settings-from")
def test_the_files_below_the_root_are_those_of_the_revision(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(root, "checkout", "-q", "main")
    write_files(root, {"deploy/.readiness.yaml": "select: [k8s/host-pid]\n"})
    commit(root)
    git(root, "checkout", "-q", "topic")
    monkeypatch.chdir(root / "deploy")
    report = check()
    assert found(report) == {"k8s/host-pid"}
    assert [one.name for one in report.settings_effects] == ["main:.readiness.yaml", "main:deploy/.readiness.yaml"]
    write_files(root, {"deploy/.readiness.yaml": "ignore: [ALL]\n", "deploy/b/.readiness.yaml": "ignore: [ALL]\n", "deploy/b/pod.yaml": POD})
    monkeypatch.chdir(root)
    report = check()
    assert {"k8s/host-pid"} == {one.rule for one in report.open if one.path.startswith("deploy/")}
    assert [one.name for one in report.settings_effects] == ["main:.readiness.yaml", "main:deploy/.readiness.yaml"]


@holds("settings-from")
def test_the_baseline_of_the_revision_counts(root: Path) -> None:
    (root / ".readiness.yaml").unlink()
    known = api.baseline_text(readiness.check(["."], select=["k8s/host-pid"]))
    git(root, "checkout", "-q", "-f", "main")
    write_files(root, {".readiness.yaml": BASE + "baseline: kept/known.json\n", "kept/known.json": known})
    commit(root)
    git(root, "checkout", "-q", "topic")
    report = check()
    assert found(report) == {"k8s/mine"}
    assert "baseline known.json" in report.settings_effects[0].changes
    write_files(root, {"kept/known.json": "none"})
    assert found(check()) == {"k8s/mine"}


@holds("settings-from", "config-above")
def test_the_callers_file_stands_above_it(root: Path, tmp_path: Path) -> None:
    write_files(tmp_path, {"platform.yaml": "fail-on: critical\nlocked: [rules, select]\n", "all.yaml": "locked: all\n"})
    report = check(config=tmp_path / "platform.yaml")
    assert report.gate.fail_on == "critical"
    assert [one.refused for one in report.settings_effects] == [(), ("rules", "select")]
    with pytest.raises(api.OptionError, match="can have no effect"):
        check(config=tmp_path / "all.yaml")


@holds("settings-from")
def test_options_that_cannot_take_effect_together_are_refused(root: Path) -> None:
    with pytest.raises(api.OptionError, match="exclude each other"):
        check(config=False)
    result = CliRunner().invoke(main, ["check", "--no-config", "--settings-from", "main"])
    assert result.exit_code == 2
    assert "--settings-from and --no-config exclude each other" in result.output


@holds("settings-from")
@pytest.mark.parametrize("reference", ["nothing", "-x", "--all", "main:own", "a b", "main..topic", "^main", "x\nmain", "\x1b[31m"])
def test_a_revision_that_is_none(root: Path, reference: str) -> None:
    result = CliRunner().invoke(main, ["check", f"--settings-from={reference}"])
    assert result.exit_code == 2
    assert "--settings-from" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@holds("settings-from")
def test_outside_of_a_repository_and_without_git(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"--settings-from: .*not a git repository"):
        check()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="git is not installed"):
        check()


@holds("settings-from")
def test_a_shallow_clone_says_what_to_fetch(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=topic", root.as_uri(), "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(ConfigError, match=r"git fetch --depth=1 origin main.*fetch-depth: 0"):
        check("origin/main")
    git(tmp_path / "shallow", "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    assert found(check("origin/main")) == {"k8s/mine", "k8s/host-pid"}


BAD = {
    "settings by a link": ({".readiness.yaml": "-> other.yaml", "other.yaml": BASE}, "main:.readiness.yaml: is a link"),
    "settings that lead up": ({".readiness.yaml": "rules: [../own]\n"}, "main:.readiness.yaml:1:9: '../own' leads out"),
    "settings that lead to the system": ({".readiness.yaml": "baseline: /etc/passwd\n"}, "leads out of the directory"),
    "broken settings": ({".readiness.yaml": "profile: [\n"}, "main:.readiness.yaml:2:1"),
    "locks": ({".readiness.yaml": "locked: [fail-on]\n"}, "is for a file that is given with --config"),
    "no baseline": ({".readiness.yaml": "baseline: gone.json\n"}, "main:.readiness.yaml: the baseline 'gone.json' is not there"),
    "a baseline by a link": ({".readiness.yaml": "baseline: k.json\n", "k.json": "-> own"}, "'k.json' is no file"),
    "a baseline that is none": ({".readiness.yaml": "baseline: k.json\n", "k.json": "x"}, "k.json: this is no baseline"),
    "no rules": ({".readiness.yaml": "rules: [none]\n"}, "main:.readiness.yaml:1:9: there is no such directory"),
    "a broken rule": ({".readiness.yaml": "rules: [bad]\n", "bad/k8s/mine.yaml": "titel: x\n"}, "main:bad/k8s/mine.yaml:1"),
    "a rule by a link": ({".readiness.yaml": "rules: [own]\n", "own/k8s/more.yaml": "-> /etc/passwd"}, "'own/k8s/more.yaml' is no file"),
    "a large rule": ({".readiness.yaml": "rules: [own]\n", "own/k8s/more.yaml": RULE + "#" * 70_000}, "has more than 65536 bytes"),
    "large settings": ({".readiness.yaml": BASE + "#" * 270_000}, "over the limit"),
}


@holds("settings-from")
@pytest.mark.parametrize(("files", "said"), BAD.values(), ids=BAD)
def test_what_is_wrong_at_the_revision_is_told_as_of_there(root: Path, files: dict[str, str], said: str) -> None:
    git(root, "checkout", "-q", "main")
    for name, text in files.items():
        (root / name).unlink(missing_ok=True)
        if text.startswith("-> "):
            (root / name).symlink_to(text[3:])
        else:
            write_files(root, {name: text})
    commit(root)
    git(root, "checkout", "-q", "-f", "topic")
    with pytest.raises(api.USER_ERRORS) as caught:
        check()
    assert said in str(caught.value)
    assert "readiness-" not in str(caught.value)  # the folder of the copies


def test_too_many_rules_are_refused_before_they_are_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_of_revision, "MAX_RULE_FILES_PER_FOLDER", 0)
    with pytest.raises(ConfigError, match="over the limits of 0 files"):
        check()


def test_nothing_is_left_behind(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    check()
    with pytest.raises(ConfigError):
        check("nothing")
    assert list((tmp_path / "temporary").iterdir()) == []


@holds("settings-from")
def test_it_goes_with_since_and_leaves_the_cache_alone(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from readiness.run import cache

    monkeypatch.setattr(cache, "user_result_cache", lambda: cache.ResultCache(tmp_path / "kept"))
    assert found(check(cache=True)) == {"k8s/mine", "k8s/host-pid"}
    assert not (tmp_path / "kept").exists()
    assert found(check(since="main")) == set()
    write_files(root, {"deploy/b.yaml": POD.replace("web", "other")})
    assert {one.path for one in check(since="main").open} == {"deploy/b.yaml"}


@holds("settings-from")
def test_nothing_that_the_repository_names_is_run(root: Path, tmp_path: Path) -> None:
    marker, script = tmp_path / "ran", tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\ncat\n")
    script.chmod(0o755)
    write_files(root, {".gitattributes": "* filter=evil diff=evil\n"})
    for name in ("core.fsmonitor", "core.pager", "filter.evil.smudge", "filter.evil.process", "core.sshCommand", "core.alternateRefsCommand",
                 "diff.evil.textconv", "alias.ls-tree", "alias.cat-file", "uploadpack.packObjectsHook"):  # fmt: skip
        git(root, "config", name, f"!{script}" if name.startswith("alias") else str(script))
    assert found(check()) == {"k8s/mine", "k8s/host-pid"}
    assert not marker.exists()


@holds("settings-from")
def test_a_directory_that_looks_like_a_repository_is_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree may hold the files of a bare repository: in it git would read settings and revisions of the tree's author."""
    inner = root / "deploy" / "inner"
    write_files(inner, {"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\tbare = false\n\tworktree = ..\n", "objects/x": "", "refs/heads/x": ""})
    write_files(inner, {"pod.yaml": POD})
    monkeypatch.chdir(inner)
    if tuple(map(int, git(root, "--version").split()[2].split(".")[:2])) < (2, 38):
        pytest.skip("this git does not know safe.bareRepository")
    with pytest.raises(ConfigError, match="bare"):
        check()


def test_git_is_called_by_its_plumbing_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    run = plumbing.run_git
    monkeypatch.setattr(plumbing, "run_git", lambda *words, **more: called.append(words[0]) or run(*words, **more))
    check()
    assert set(called) == {"rev-parse", "ls-tree", "cat-file"}
