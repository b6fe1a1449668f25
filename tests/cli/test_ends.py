"""How a run ends where others work beside it, or where it is stopped while a program works for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import readiness
from readiness.run import cache
from tests.conftest import ROOT
from tests.make import write_files
from tests.reports.conftest import show

CHECK = [sys.executable, "-m", "readiness", "check", "--no-config", "--fail-on", "medium"]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  containers:\n    - {name: app, image: acme/app}\n"
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "values.yaml": "a: b\n",
    "templates/x.yaml": "{{ range until 4000 }}{{ range until 4000 }}{{ if eq . 0 }}{{ end }}{{ end }}{{ end }}\n",
}
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc, to see the processes that a run started")


def children(pid: int) -> set[int]:
    """The processes that a process started and that still run."""
    try:
        return {int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}
    except OSError:
        return set()


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(("number", "whole_group", "code", "words"), [
    (signal.SIGINT, True, 130, "readiness: interrupted\n"),
    (signal.SIGTERM, False, 143, ""),
], ids=["Ctrl-C", "SIGTERM"])  # fmt: skip
def test_a_run_that_is_stopped_while_a_chart_renders_leaves_nothing(
    number: signal.Signals, whole_group: bool, code: int, words: str, jobs: str, tmp_path: Path
) -> None:
    write_files(tmp_path / "tree", CHART | {"pod.yaml": POD})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*CHECK, "--jobs", jobs, str(tmp_path / "tree")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        started: set[int] = set()
        while not started and process.poll() is None:
            started = children(process.pid)
        assert started, process.communicate()
        (os.killpg if whole_group else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (code, words)
    assert list(temporary.iterdir()) == []
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def run_at_once(root: Path, tool: Path, home: Path, count: int) -> set[tuple[int, str, str]]:
    """The different ends of so many processes of a copy of the tool that begin together on one cache."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(tool)}
    processes = [
        subprocess.Popen([*CHECK, "."], cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(count)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    return {(process.returncode, out, said) for process, (out, said) in zip(processes, outputs, strict=True)}


def test_many_processes_on_one_cache_end_alike_whatever_is_in_it(tmp_path: Path) -> None:
    """The results and the compiled rules and facts: none, then whole, then spoilt, then cut off."""
    write_files(tmp_path / "tree", {"pod.yaml": POD, "Dockerfile": "FROM debian\n"})
    tree, tool, home = tmp_path / "tree", tmp_path / "tool", tmp_path / "cache"
    for part in ("readiness", "rules"):
        shutil.copytree(ROOT / part, tool / part, ignore=shutil.ignore_patterns("__pycache__"))
    plain = run_at_once(tree, tool, tmp_path / "other", 1)
    assert {code for code, _, _ in plain} == {1}
    shutil.rmtree(tool / "readiness" / "syntax" / "__pycache__")
    assert run_at_once(tree, tool, home, 4) == plain
    compiled = list((tool / "readiness" / "syntax" / "__pycache__").glob("*.json"))
    kept = [*compiled, *(path for path in home.rglob("*") if path.is_file())]
    assert len(compiled) > 3
    assert len(kept) > len(compiled)
    assert not [path for path in kept if path.suffix == ".part"]
    for spoil in (lambda text: b"\xff" * 40, lambda text: text[: len(text) // 2]):
        for path in kept:
            path.write_bytes(spoil(path.read_bytes()))
        assert run_at_once(tree, tool, home, 3) == plain


def test_threads_on_one_cache_each_get_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "tree", {"pod.yaml": POD})
    kept = cache.ResultCache(tmp_path / "kept")
    monkeypatch.setattr(cache, "user_result_cache", lambda: kept)
    gate = threading.Barrier(4)
    shown: list[str] = []

    def check() -> None:
        gate.wait()
        shown.extend(show("json", readiness.check([tmp_path / "tree"], base=tmp_path, cache=True)) for _ in range(3))

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == 12
    assert set(shown) == {show("json", readiness.check([tmp_path / "tree"], base=tmp_path))}
    assert [path.suffix for path in kept.folder.iterdir()] == [".json"]


@pytest.mark.parametrize("option", ["--since", "--baseline", "--config"])
def test_an_empty_value_is_no_option_left_out(option: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"pod.yaml": POD})
    done = subprocess.run([*CHECK, option, "", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is empty" in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_input_that_is_a_folder(tmp_path: Path) -> None:
    """Python itself refuses to begin with one, before it reads any module: it is no pass, and SECURITY.md says why it is no sentence of ours."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        done = subprocess.run([*CHECK, "-"], stdin=descriptor, capture_output=True, text=True, check=False)
    finally:
        os.close(descriptor)
    assert done.stdout == ""
    assert (done.returncode, "is a directory, cannot continue" in done.stderr) == (1, True) or done.returncode == 2
    assert "is a directory, cannot continue" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
