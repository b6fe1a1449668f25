"""GitHub reads the workflows at the root of a repository: those of a folder below it are set aside, with a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

SPLICED = """on: issues
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - run: echo ${{ github.event.issue.title }}
"""


def judged_paths(tmp_path: Path, *asked: str) -> set[str]:
    """The judged paths of a tree, from its root."""
    report = check([tmp_path / one for one in asked or (".",)])
    judged = {str(Path(row.path).resolve().relative_to(tmp_path.resolve())) for row in report.files if row.status == "checked"}
    reasons = [row.reason for row in report.files if row.status == "skipped"]
    assert all("GitHub never runs it" in one for one in reasons), reasons
    return judged


@pytest.mark.parametrize("folder", ["lib", "third_party/lib", ".github/templates/a"])
def test_a_workflow_below_the_repositorys_own_is_set_aside(tmp_path: Path, folder: str) -> None:
    files = {".github/workflows/ci.yml": SPLICED, f"{folder}/.github/workflows/ci.yml": SPLICED}
    write_files(tmp_path, files)
    assert judged_paths(tmp_path) == {".github/workflows/ci.yml"}
    nested = f"{folder}/.github/workflows/ci.yml"
    assert judged_paths(tmp_path, nested) == {nested}, "a file that is named is judged"
    assert judged_paths(tmp_path, folder) == {nested}, "so is a folder that is named"


def test_an_upper_folder_with_workflows_is_enough(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/.github/workflows/ci.yml": SPLICED, "a/b/.github/workflows/ci.yml": SPLICED})
    assert judged_paths(tmp_path) == {"a/.github/workflows/ci.yml"}


def test_repositories_side_by_side_are_judged(tmp_path: Path) -> None:
    files = {"a/.github/workflows/ci.yml": SPLICED, "ab/.github/workflows/ci.yml": SPLICED}
    write_files(tmp_path, files)
    assert judged_paths(tmp_path) == set(files)


@pytest.mark.parametrize("git", ["lib/.git/HEAD", "lib/.git", "lib/deep/.git"])
def test_a_repository_within_another_is_judged(tmp_path: Path, git: str) -> None:
    files = {".github/workflows/ci.yml": SPLICED, "lib/deep/.github/workflows/ci.yml": SPLICED}
    write_files(tmp_path, {**files, git: "ref: refs/heads/main\n"})
    assert judged_paths(tmp_path) == set(files)


def test_an_action_below_is_judged(tmp_path: Path) -> None:
    action = "name: a\ndescription: b\nruns:\n  using: composite\n  steps:\n    - run: make\n      shell: bash\n"
    files = {".github/workflows/ci.yml": SPLICED, "lib/.github/actions/a/action.yml": action}
    write_files(tmp_path, {**files, "lib/.github/workflows/ci.yml": SPLICED})
    assert judged_paths(tmp_path) == set(files)


@pytest.mark.parametrize("folder", ["workflows_disabled", "workflows-old", "disabled", "workflow"])
def test_a_workflow_in_a_folder_beside_is_set_aside(tmp_path: Path, folder: str) -> None:
    beside = f".github/{folder}/ci.yml"
    write_files(tmp_path, {".github/workflows/ci.yml": SPLICED, beside: SPLICED})
    assert judged_paths(tmp_path) == {".github/workflows/ci.yml"}
    assert judged_paths(tmp_path, beside) == {beside}, "a file that is named is judged"


def test_templates_and_actions_beside_are_judged(tmp_path: Path) -> None:
    action = "name: a\ndescription: b\nruns:\n  using: composite\n  steps:\n    - run: make\n      shell: bash\n"
    files = {".github/workflow-templates/ci.yml": SPLICED, ".github/setup/action.yml": action, ".github/actions/a/action.yml": action}
    write_files(tmp_path, files)
    assert judged_paths(tmp_path) == set(files)
