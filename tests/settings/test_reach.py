"""Nothing outside of the tree is opened, listed or written by what the tree says, whatever that is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.make import write_files
from tests.settings_rows import holds

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, containers: [{name: app, image: 'x:1.0.0'}]}\n"
RULE = """\
title: A thing of ours
severity: low
category: delivery
target: k8s.object
require: {metadata.labels.owner: present}
message: "{resource} has no owner"
why: Nobody knows whom to call.
fix: Add the label.
"""
# Runs the command in each of some trees, without a cache and with one, and writes every path that Python was asked for, as it was asked.
WATCH = """
import json, os, sys, tempfile
from pathlib import Path
asked = []
EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
          "os.utime", "shutil.copyfile", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp"}
def watch(event, arguments):
    if event in EVENTS:
        asked.extend(os.path.abspath(os.fsdecode(one)) for one in arguments[:2] if isinstance(one, (str, bytes, os.PathLike)) and event != "open"
                     or one is arguments[0] and isinstance(one, (str, bytes, os.PathLike)))
sys.addaudithook(watch)
from readiness.cli.main import main
runs = []
for tree in json.load(sys.stdin):
    os.chdir(tree)
    for words in (["--no-cache", *sys.argv[1:]], sys.argv[1:]):
        before = {str(path): path.lstat().st_mtime_ns for path in sorted(Path("..").rglob("*"))}
        asked.clear()
        code = main.exit_code(["check", *words, "."])
        reached = [[one, os.path.realpath(one)] for one in dict.fromkeys(asked)]
        after = {str(path): path.lstat().st_mtime_ns for path in sorted(Path("..").rglob("*"))}
        runs.append([tree, code, reached, before == after])
print(json.dumps(runs), file=sys.__stderr__)
"""
OUT = "../outside"
TREES: dict[str, dict[str, str]] = {
    "nothing": {},
    "rules above": {".readiness.yaml": f"rules: [{OUT}/rules]\n"},
    "rules by an absolute path": {".readiness.yaml": "rules: ['{outside}/rules']\n"},
    "rules by a link": {".readiness.yaml": "rules: [link/rules]\n", "link": "-> ../outside"},
    "a rule by a link": {".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": "-> ../../../outside/rules/k8s/mine.yaml"},
    "a group of rules by a link": {".readiness.yaml": "rules: [own]\n", "own/ci/x.yaml": RULE, "own/k8s": "-> ../../outside/rules/k8s"},
    "families by a link": {".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": RULE, "own/k8s/families": "-> ../../../outside/rules/k8s"},
    "a baseline above": {".readiness.yaml": f"baseline: {OUT}/known.json\n"},
    "a baseline by a link": {".readiness.yaml": "baseline: known.json\n", "known.json": "-> ../outside/known.json"},
    "a device for a baseline": {".readiness.yaml": "baseline: known.json\n", "known.json": "-> /dev/zero"},
    "settings by a link": {".readiness.yaml": "-> ../outside/settings.yaml"},
    "settings by a link to a link": {".readiness.yaml": "-> b", "b": "-> ../outside/settings.yaml"},
    "gitignore by a link": {".gitignore": "-> ../outside/secret.yaml"},
    "globs that lead out": {
        ".readiness.yaml": f"exclude: ['{OUT}/*', '{{outside}}/*']\npurpose: {{'{OUT}/*': production}}\n"
        f"environments: {{production: {{values: ['{OUT}/secret.yaml'], overlays: ['{OUT}']}}}}\n"
        f"waivers: [{{rule: k8s/host-pid, path: '{OUT}/*', reason: it is fine}}]\n"
    },
    "checklists that lead out": {".readiness.yaml": f"checklists: [{OUT}/secret]\n"},
    "a profile that leads out": {".readiness.yaml": "profile: ../../../../../../..{outside}/secret\n"},
    "facts that lead out": {
        ".readiness.yaml": "rules: [own]\n",
        "own/k8s/mine.yaml": RULE.replace("require: {metadata.labels.owner: present}", "check: k8s.names.port\nwith: {a: {facts: ../outside.x}}"),
    },
    "a manifest by a link": {"b.yaml": "-> ../outside/secret.yaml"},
    "a directory by a link": {"deploy": "-> ../outside"},
}  # fmt: skip


GIT_TREES: dict[str, dict[str, str]] = {
    f"{name} at {folder}": {**{path.replace("§", folder): text.replace("§", folder) for path, text in files.items()}, f"{folder}/pod.yaml": POD}
    | {f"{folder}/rules/k8s/mine.yaml": RULE, f"{folder}/known.json": '{"version": 2, "findings": []}', f"{folder}/settings.yaml": "fail-on: never\n"}
    for folder in (".git", ".GIT", "sub/.git", "sub/.Git", ".hg", ".git.", "GIT~1")
    for name, files in {
        "rules": {".readiness.yaml": "rules: [§/rules]\n"},
        "rules that go round": {".readiness.yaml": "rules: ['x/../§/./rules/']\n", "x/y": ""},
        "a baseline": {".readiness.yaml": "baseline: §/known.json\n"},
        "checklists": {".readiness.yaml": "checklists: [§/known]\n"},
        "settings by a link": {".readiness.yaml": "-> §/settings.yaml"},
        "rules by a link": {".readiness.yaml": "rules: [own]\n", "own": "-> §/rules"},
        "a rule by a link": {".readiness.yaml": "rules: [own]\n", "own/k8s/mine.yaml": "-> ../../§/rules/k8s/mine.yaml"},
        "a group of rules by a link": {".readiness.yaml": "rules: [own]\n", "own/ci/x.yaml": RULE, "own/k8s": "-> ../§/rules/k8s"},
        "a baseline by a link": {".readiness.yaml": "baseline: known.json\n", "known.json": "-> §/known.json"},
        "gitignore by a link": {".gitignore": "-> §/pod.yaml"},
        "a manifest by a link": {"b.yaml": "-> §/pod.yaml"},
        "a directory by a link": {"deploy": "-> §"},
        "what manifests name": {
            "kustomization.yaml": "resources: [§/pod.yaml]\n",
            "compose.yaml": "include: [§/pod.yaml]\nservices: {a: {image: 'a:1', env_file: §/pod.yaml, extends: {file: §/pod.yaml, service: b}}}\n",
        },
    }.items()
}  # fmt: skip
# A work tree beside its repository, and a submodule: `.git` is a file that leads elsewhere.
GIT_FILE_TREES: dict[str, dict[str, str]] = {
    f"{name} at {file}": {file: "gitdir: ../outside/gitdir\n", ".readiness.yaml": text.replace("§", file)}
    for file in (".git", "sub/.git")
    for name, text in {"rules": "rules: [§]\n", "rules below": "rules: [§/rules]\n", "a baseline": "baseline: §\n", "nothing": ""}.items()
}


def grow(root: Path, files: dict[str, str]) -> Path:
    """The tree, and beside it what it shall not reach."""
    outside = root / "outside"
    write_files(
        outside,
        {
            "secret.yaml": POD,
            "settings.yaml": "fail-on: never\n",
            "rules/k8s/mine.yaml": RULE,
            "known.json": '{"version": 2, "findings": []}',
            "gitdir/HEAD": "",
        },
    )
    tree = root / "tree"
    write_files(tree, {"pod.yaml": POD} | ({} if ".git" in files else {".git/HEAD": ""}))
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            (tree / name).symlink_to(text[3:])
        else:
            (tree / name).write_text(text.replace("{outside}", str(outside)), encoding="utf-8")
    return tree


class Run(NamedTuple):
    """What came of a run: its exit code, the paths that were asked for, each with where it leads, and whether all stayed as it was."""

    code: int
    asked: list[list[str]]
    is_unchanged: bool


def watched_runs(root: Path, files_by_name: dict[str, dict[str, str]], *words: str) -> dict[str, list[Run]]:
    """The runs in each of some trees, by the tree's name."""
    name_by_tree = {str(grow(root / str(number), files)): name for number, (name, files) in enumerate(files_by_name.items())}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *words], capture_output=True, text=True, check=False, input=json.dumps([*name_by_tree]), timeout=300,
        env={**os.environ, "XDG_CACHE_HOME": str(root / "kept"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert "internal error" not in done.stderr
    runs: dict[str, list[Run]] = {}
    for tree, *run in json.loads(done.stderr.splitlines()[-1]):
        runs.setdefault(name_by_tree[tree], []).append(Run(*run))
    return runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Run]]:
    return watched_runs(tmp_path_factory.mktemp("reach"), {**TREES, **GIT_TREES, **GIT_FILE_TREES})


@holds("reach", "settings-paths")
@pytest.mark.parametrize("name", [*TREES, *GIT_TREES, *GIT_FILE_TREES])
def test_nothing_outside_is_opened_or_written(runs: dict[str, list[Run]], name: str) -> None:
    for run in runs[name]:
        assert run.code in {0, 1, 2}
        paths = [path for pair in run.asked for path in pair]
        assert [path for path in paths if "/outside" in path or path.startswith("/dev/zero")] == []
        assert run.is_unchanged


@holds("reach", "settings-paths")
@pytest.mark.parametrize("name", [*GIT_TREES, *GIT_FILE_TREES])
def test_nothing_of_version_control_is_opened(runs: dict[str, list[Run]], name: str) -> None:
    for run in runs[name]:
        of_version_control = re.compile(r"/tree/(.*/)?(\.git|\.hg|git~1)[. ]*(/|$)", re.IGNORECASE)
        assert [path for pair in run.asked for path in pair if of_version_control.search(path)] == []
        assert any(path.endswith("/pod.yaml") for pair in run.asked for path in pair) or run.code == 2


def test_the_watch_sees_what_the_caller_names(tmp_path: Path) -> None:
    """The caller may name what lies outside: so the tests above can fail."""
    for number, words in enumerate(
        (["--rules", "../outside/rules"], ["--baseline", "../outside/known.json"], ["--config", ".git/HEAD"], ["../outside"])
    ):
        for run in watched_runs(tmp_path / str(number), {"one": {}}, *words)["one"]:
            assert any(words[-1].removeprefix("..") in real for _, real in run.asked), words
