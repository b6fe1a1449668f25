"""The Action's own steps, run as a runner runs them: environment files, an event's payload, a checkout of some depth."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.cli import github_action
from readiness.cli.github_comment import COMMENT_MARK
from tests.conftest import ROOT
from tests.make import write_files

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {one.get("name", one.get("uses", "")): one for one in ACTION["runs"]["steps"]}
OLD = "FROM debian\nRUN echo 'root:hunter2-Zq8-k3' | chpasswd\n"
NEW = "FROM python\n"
IDENTITY = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *arguments]
    environment = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with a pull request: refs/pull/1/merge joins what it brings (app/Dockerfile) to main (Dockerfile)."""
    folder = tmp_path / "upstream"
    write_files(folder, {"Dockerfile": OLD})
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "old")
    git(folder, "checkout", "-qb", "topic")
    write_files(folder, {"app/Dockerfile": NEW})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "new")
    git(folder, "checkout", "-q", "main")
    write_files(folder, {"notes.txt": "later\n"})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "later")
    git(folder, "checkout", "-q", "--detach")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    git(folder, "update-ref", "refs/pull/1/merge", "HEAD")
    git(folder, "checkout", "-q", "main")
    return folder


class Run:
    """One run of the step: what it wrote where."""

    def __init__(self, status: int, log: str, errors: str, outputs: dict[str, str], summary: str) -> None:
        self.status, self.log, self.errors, self.outputs, self.summary = status, log, errors, outputs, summary

    @property
    def annotated(self) -> set[str]:
        return set(re.findall(r"^::(?:error|warning|notice) file=([^,:]+)", self.log, re.MULTILINE))


def check_out(upstream: Path, depth: int, ref: str = "refs/pull/1/merge") -> Path:
    """What actions/checkout makes of a pull request."""
    folder = upstream.parent / f"checkout-{depth}-{ref.rpartition('/')[2]}"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", upstream.as_uri())
    shallow = [f"--depth={depth}"] if depth else []
    git(folder, "fetch", "-q", "--no-tags", *shallow, "origin", f"+{ref}:refs/remotes/pull/1/merge")
    if not depth:
        git(folder, "fetch", "-q", "origin")
    git(folder, "checkout", "-q", "--detach", "refs/remotes/pull/1/merge")
    return folder


def run_step(checkout: Path, event: str = "pull_request", *, in_folder: str = ".", base: str = "", **inputs: str) -> Run:
    """The Check step with the inputs of the Action, as bash runs it; `base` is the base that the event's payload names."""
    temporary = checkout.parent / f"temp-{checkout.name}"
    (temporary / "readiness" / "bin").mkdir(parents=True, exist_ok=True)
    python = temporary / "readiness" / "bin" / "python"
    if not python.exists():
        python.write_text(f'#!/bin/sh\nshift\nPYTHONSAFEPATH=1 PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
    files = {name: temporary / name for name in ("output", "summary", "event.json")}
    for path in files.values():
        path.write_text("")
    payload = {"pull_request": {"number": 1, "base": {"sha": base}, "head": {"repo": {"fork": True}}}}
    files["event.json"].write_text(json.dumps(payload if base else {}))
    values = {name: str(row["default"]) for name, row in ACTION["inputs"].items()} | {name.replace("_", "-"): value for name, value in inputs.items()}
    step = STEPS["Check"]
    own = {name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: values[match[1]], text) for name, text in step["env"].items()}
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "RUNNER_TEMP": str(temporary),
        "GITHUB_WORKSPACE": str(checkout),
        "GITHUB_EVENT_NAME": event,
        "GITHUB_SHA": git(checkout, "rev-parse", "HEAD"),
        "GITHUB_OUTPUT": str(files["output"]),
        "GITHUB_STEP_SUMMARY": str(files["summary"]),
        "GITHUB_EVENT_PATH": str(files["event.json"]),
        "XDG_CACHE_HOME": str(temporary / "cache"),
        **own,
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=checkout / in_folder, env=environment, capture_output=True, text=True, check=False)
    outputs = dict(line.split("=", 1) for line in files["output"].read_text().splitlines())
    return Run(done.returncode, done.stdout, done.stderr, outputs, files["summary"].read_text())


def gate(outputs: dict[str, str]) -> int:
    """What the last step ends with."""
    environment = {"EXIT_CODE": outputs["exit-code"], "PATH": os.environ["PATH"]}
    return subprocess.run(["bash", "-c", STEPS["Gate"]["run"]], env=environment, check=False).returncode


@pytest.mark.parametrize("depth", [0, 2])
def test_a_pull_request_is_told_what_it_brings(upstream: Path, depth: int) -> None:
    run = run_step(check_out(upstream, depth))
    assert (run.status, run.errors) == (0, "")
    assert run.annotated == {"app/Dockerfile"}
    comment = Path(run.outputs["comment"]).read_text("utf-8")
    assert "hunter2-Zq8-k3" not in run.log + run.summary + comment
    for text in (run.log, run.summary, comment):
        assert len(re.findall(r"^not counted: \d+ findings? stood already where this branch left HEAD\^1", text, re.MULTILINE)) == 1
    assert run.outputs["passed"] == "true"
    assert gate(run.outputs) == 0


def test_all_findings_where_that_is_asked_for(upstream: Path) -> None:
    run = run_step(check_out(upstream, 1), since="all", settings_from="tree", fail_on="medium")
    assert run.annotated == {"Dockerfile", "app/Dockerfile"}
    assert (run.status, run.outputs["passed"], gate(run.outputs)) == (0, "false", 1)


@pytest.mark.parametrize(("settings_from", "is_off"), [("auto", False), ("tree", True)])
def test_the_author_of_a_pull_request_does_not_write_its_settings(upstream: Path, settings_from: str, is_off: bool) -> None:
    git(upstream, "checkout", "-q", "--detach", "refs/pull/1/merge")
    write_files(upstream, {".readiness.yaml": "fail-on: never\n"})
    git(upstream, "add", "-A")
    git(upstream, "commit", "-q", "--amend", "-m", "merge")
    git(upstream, "update-ref", "refs/pull/1/merge", "HEAD")
    run = run_step(check_out(upstream, 2), settings_from=settings_from, since="all")
    assert (run.status, run.errors) == (0, "")
    assert ("gate off (fail-on never)" in run.log) is is_off


def test_a_push_is_told_everything(upstream: Path) -> None:
    assert run_step(check_out(upstream, 1), "push").annotated == {"Dockerfile", "app/Dockerfile"}


def test_a_shallow_checkout_is_told_what_to_set(upstream: Path) -> None:
    run = run_step(check_out(upstream, 1))
    assert run.status == 2
    assert run.errors == (
        "::error title=readiness::the checkout does not hold the base of the pull request (HEAD^1): set `fetch-depth: 2` at actions/checkout,"
        " or set here `since: all` and `settings-from: tree` for all findings under the settings of the checkout\n"
    )
    assert run.outputs == {"score": "", "grade": "", "verdict": "", "exit-code": ""}


@pytest.mark.parametrize(("event", "base", "depth"), [("pull_request_target", "0" * 40, "0"), ("pull_request", "0" * 40, "2")])
def test_what_to_set_by_what_is_checked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, base: str, depth: str) -> None:
    write_files(tmp_path, {"Dockerfile": OLD, "../event.json": json.dumps({"pull_request": {"base": {"sha": base}}})})
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a")):
        git(tmp_path, *arguments)
    monkeypatch.chdir(tmp_path)
    environment = {"GITHUB_EVENT_NAME": event, "GITHUB_SHA": git(tmp_path, "rev-parse", "HEAD"), "GITHUB_EVENT_PATH": "../event.json"}
    assert f"`fetch-depth: {depth}`" in github_action.missing_base_text(environment)
    assert github_action.missing_base_text({**environment, "READINESS_SINCE": "all", "READINESS_SETTINGS_FROM": "tree"}) == ""
    assert github_action.missing_base_text({**environment, "GITHUB_EVENT_NAME": "push"}) == ""


def test_another_commit_than_the_merge_is_compared_with_the_events_base(upstream: Path) -> None:
    checkout = check_out(upstream, 0)
    merge = git(checkout, "rev-parse", "HEAD")
    base = git(checkout, "rev-parse", "HEAD^1")
    git(checkout, "checkout", "-q", "--detach", "HEAD^2")
    assert git(checkout, "rev-parse", "HEAD") != merge
    assert run_step(checkout, "pull_request_target", base=base).annotated == {"app/Dockerfile"}


def test_what_the_step_puts_out(upstream: Path) -> None:
    run = run_step(check_out(upstream, 2))
    report = json.loads(Path(run.outputs["json"]).read_text("utf-8"))
    assert run.outputs["score"] == ("" if report["score"] is None else str(report["score"]))
    assert (run.outputs["grade"], run.outputs["verdict"]) == (report["grade"] or "", report["verdict"])
    assert int(run.outputs["findings"]) == sum(one["suppressed"] is None for one in report["findings"])
    assert json.loads(Path(run.outputs["sarif"]).read_text("utf-8"))["version"] == "2.1.0"
    assert Path(run.outputs["markdown"]).read_text("utf-8") == run.summary
    assert Path(run.outputs["comment"]).read_text("utf-8") == f"{COMMENT_MARK}\n{run.summary}"
    declared = {row["value"].split(".")[-1].rstrip(" }") for row in ACTION["outputs"].values()}
    assert declared <= set(run.outputs)


def test_a_folder_of_the_checkout(upstream: Path) -> None:
    assert run_step(check_out(upstream, 2), in_folder="app").annotated == {"app/Dockerfile"}


def test_paths_a_line_each(upstream: Path) -> None:
    run = run_step(check_out(upstream, 1), "push", paths="app/Dockerfile\n\n")
    assert run.annotated == {"app/Dockerfile"}


@pytest.mark.parametrize(
    "inputs", [{"fail_on": "often"}, {"min_score": "many"}, {"profile": "nope"}, {"paths": "nowhere"}, {"since": "--upload-pack=x"}]
)
def test_a_wrong_input_ends_the_step_with_a_sentence(upstream: Path, inputs: dict[str, str]) -> None:
    run = run_step(check_out(upstream, 1), "push", **inputs)
    assert run.status == 2
    assert run.errors.strip()


def test_nothing_in_an_input_is_run(upstream: Path) -> None:
    checkout = check_out(upstream, 1)
    run_step(checkout, "push", paths="$(touch stolen); `touch stolen`", profile="'; touch stolen; '")
    assert not (checkout / "stolen").exists()


def test_no_module_of_the_checkout_is_imported(upstream: Path) -> None:
    checkout = check_out(upstream, 1)
    write_files(checkout, {"readiness/__init__.py": "open('stolen', 'w')\n", "yaml.py": "open('stolen', 'w')\n", "click.py": "open('stolen', 'w')\n"})
    run_step(checkout, "push")
    assert not (checkout / "stolen").exists()
    assert " -I -m " in STEPS["Check"]["run"]


def test_inputs_come_through_the_environment_alone() -> None:
    for name, step in STEPS.items():
        assert "${{" not in step.get("run", ""), name
    assert set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8"))) == set(ACTION["inputs"])


def test_every_action_is_pinned_to_a_commit() -> None:
    uses = [one["uses"] for one in ACTION["runs"]["steps"] if "uses" in one]
    assert uses
    assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", one) for one in uses)


def test_the_steps_inputs_and_those_that_are_read_are_the_same() -> None:
    read = {*github_action._OPTION_BY_INPUT, "READINESS_PATHS", "READINESS_SINCE", "READINESS_SETTINGS_FROM"}
    assert set(STEPS["Check"]["env"]) == read
