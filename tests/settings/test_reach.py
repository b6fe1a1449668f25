"""Nothing outside of the tree is opened, listed or written by what the tree says, whatever that is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
# Runs the command and prints every path that Python was asked for, as it was asked.
WATCH = """
import json, os, sys
asked = []
EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod",
          "os.utime", "shutil.copyfile", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp"}
def watch(event, arguments):
    if event in EVENTS:
        asked.extend(os.path.abspath(os.fsdecode(one)) for one in arguments[:2] if isinstance(one, (str, bytes, os.PathLike)) and event != "open"
                     or one is arguments[0] and isinstance(one, (str, bytes, os.PathLike)))
sys.addaudithook(watch)
from readiness.cli.main import main
code = None
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, [[one, os.path.realpath(one)] for one in dict.fromkeys(asked)]]), file=sys.__stderr__)
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


def grow(root: Path, files: dict[str, str]) -> Path:
    """The tree, and beside it what it shall not reach."""
    outside = root / "outside"
    write_files(
        outside,
        {"secret.yaml": POD, "settings.yaml": "fail-on: never\n", "rules/k8s/mine.yaml": RULE, "known.json": '{"version": 2, "findings": []}'},
    )
    tree = root / "tree"
    write_files(tree, {"pod.yaml": POD, ".git/HEAD": ""})
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            (tree / name).symlink_to(text[3:])
        else:
            (tree / name).write_text(text.replace("{outside}", str(outside)), encoding="utf-8")
    return tree


@holds("reach", "settings-paths")
@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("files", TREES.values(), ids=TREES)
def test_nothing_outside_is_opened_or_written(tmp_path: Path, files: dict[str, str], cache: bool) -> None:
    tree = grow(tmp_path, files)
    before = {path: path.lstat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "kept"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, "check", *([] if cache else ["--no-cache"]), "."],
        cwd=tree, capture_output=True, text=True, check=False, env=environment, timeout=120,
    )  # fmt: skip
    code, asked = json.loads(done.stderr.splitlines()[-1])
    assert code in {0, 1, 2}
    assert "internal error" not in done.stderr
    reached = [path for pair in asked for path in pair if Path(path).is_relative_to(tmp_path / "outside")]
    assert reached == []
    assert not any(path.startswith("/dev/zero") for pair in asked for path in pair)
    kept = tmp_path / "kept"
    after = {path: path.lstat().st_mtime_ns for path in sorted(tmp_path.rglob("*")) if not path.is_relative_to(kept)}
    assert after == before


def test_the_watch_sees_what_the_caller_names(tmp_path: Path) -> None:
    """The caller may name what lies outside: so the test above can fail."""
    tree = grow(tmp_path, {})
    for words in (["--rules", "../outside/rules"], ["--baseline", "../outside/known.json"], ["--config", "../outside/settings.yaml"], ["../outside"]):
        done = subprocess.run(
            [sys.executable, "-c", WATCH, "check", "--no-cache", *words, "."], cwd=tree, capture_output=True, text=True, check=False
        )  # fmt: skip
        _, asked = json.loads(done.stderr.splitlines()[-1])
        assert any(Path(real).is_relative_to(tmp_path / "outside") for _, real in asked), words
