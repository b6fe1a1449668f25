"""The project's own Action and workflows: clean under every rule here, pinned, and with inputs and outputs that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

import readiness
from tests.conftest import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GUIDE = (ROOT / "docs" / "github.md").read_text("utf-8")


def jobs() -> Iterator[dict[str, Any]]:
    for path in WORKFLOWS:
        yield from yaml.safe_load(path.read_text("utf-8"))["jobs"].values()


def steps_that_use_the_action() -> Iterator[dict[str, Any]]:
    for job in jobs():
        yield from (step for step in job["steps"] if step.get("uses") == "./")
    for block in re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL):
        yield from (step for step in yaml.safe_load(block).get("steps", ()) if "readiness" in step.get("uses", ""))


def test_no_rule_has_anything_to_say_of_them() -> None:
    made = readiness.check([ROOT / "action.yml", *WORKFLOWS], select=["ALL"], context=False, base=ROOT)
    assert {one.path for one in made.files if one.status == "checked"} >= {str(path.relative_to(ROOT)) for path in WORKFLOWS}
    assert [f"{one.path}:{one.line} {one.rule}" for one in made.open] == []


def test_every_action_is_pinned_to_a_commit_with_its_version() -> None:
    lines = [line for path in (ROOT / "action.yml", *WORKFLOWS) for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    foreign = [line for line in lines if "uses: ./" not in line]
    assert len(foreign) > 3
    assert [line for line in foreign if not re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_no_version_of_an_action_has_two_commits() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "action.yml", *WORKFLOWS, ROOT / "readiness" / "cli" / "starter.py")]
    commits_by_name: dict[str, set[str]] = {}
    for name, commit in re.findall(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40})", "\n".join([*texts, GUIDE])):
        if commit.strip("0"):
            commits_by_name.setdefault(name, set()).add(commit)
    assert {name: commits for name, commits in commits_by_name.items() if len(commits) > 1} == {}


def test_jobs_may_read_the_code_and_nothing_else() -> None:
    assert [job["permissions"] for job in jobs()] == [{"contents": "read"}] * len(list(jobs()))


def test_the_own_ci_uses_the_action_on_fixtures() -> None:
    used = list(steps_that_use_the_action())
    assert len(used) >= 4
    for step in used:
        assert set(step.get("with", ())) <= set(ACTION["inputs"])
    paths = [path for step in used for path in str(step["with"]["paths"]).split() if path.startswith("fixtures/")]
    assert paths
    assert all((ROOT / path).is_dir() for path in paths)
    assert any(step.get("run") == ".ci/run" for job in jobs() for step in job["steps"])


def test_outputs_that_are_asked_for_are_there() -> None:
    texts = [path.read_text("utf-8") for path in WORKFLOWS]
    asked = {name for text in texts for name in re.findall(r"steps\.weak\.outputs\.([\w-]+)", text)}
    assert asked
    assert asked <= set(ACTION["outputs"])
