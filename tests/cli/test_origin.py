"""What `init` writes is true of the installation that writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.cli import starter
from readiness.origin import Origin, installation_origin, origin_of_direct_url, rule_pages_url, rule_pages_url_of
from readiness.version import __version__
from tests.conftest import ROOT

COMMIT = "8f3c" * 10
VCS = {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"}
RECORDS: dict[str, tuple[Any, Origin]] = {
    "a commit": (
        {"url": "https://git.example.com/tools/readiness.git", "vcs_info": VCS},
        Origin(f"readiness @ git+https://git.example.com/tools/readiness.git@{COMMIT}", "https://git.example.com/tools/readiness.git", COMMIT),
    ),
    "a commit by ssh": (
        {"url": "ssh://git@git.example.com:2222/tools/readiness", "vcs_info": VCS},
        Origin(f"readiness @ git+ssh://git@git.example.com:2222/tools/readiness@{COMMIT}", "ssh://git@git.example.com:2222/tools/readiness", COMMIT),
    ),
    "a URL with a password": (
        {"url": "https://bob:hunter2-Zq8@git.example.com/tools/readiness?x=1#y", "vcs_info": VCS},
        Origin(f"readiness @ git+https://git.example.com/tools/readiness@{COMMIT}", "https://git.example.com/tools/readiness", COMMIT),
    ),
    "an archive": (
        {"url": "https://files.example.com/readiness-0.1.0-py3-none-any.whl", "archive_info": {}},
        Origin("readiness @ https://files.example.com/readiness-0.1.0-py3-none-any.whl"),
    ),
    "a folder": ({"url": "file:///srv/readiness", "dir_info": {"editable": True}}, Origin()),
    "an archive of this machine": ({"url": "file:///srv/readiness.whl", "archive_info": {}}, Origin()),
    "a repository of this machine": ({"url": "file:///srv/readiness", "vcs_info": VCS}, Origin()),
    "another system": ({"url": "https://hg.example.com/readiness", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}}, Origin()),
    "no commit": ({"url": "https://git.example.com/readiness", "vcs_info": {"vcs": "git"}}, Origin()),
    "a commit that is none": ({"url": "https://git.example.com/readiness", "vcs_info": {"vcs": "git", "commit_id": "x'; rm -rf"}}, Origin()),
    "no record": ([], Origin()),
    "a number": ({"url": 1}, Origin()),
}


@pytest.mark.parametrize(("record", "origin"), RECORDS.values(), ids=RECORDS)
def test_origins(record: Any, origin: Origin) -> None:
    assert origin_of_direct_url(record) == origin


class Distribution:
    def __init__(self, text: str | None) -> None:
        self.text = text

    def read_text(self, _name: str) -> str | None:
        return self.text


@pytest.mark.parametrize(
    ("text", "origin"),
    [(None, Origin(f"readiness=={__version__}")), ("{", Origin()), (json.dumps(RECORDS["a commit"][0]), RECORDS["a commit"][1])],
)
def test_the_running_installation(text: str | None, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.distribution", lambda _name: Distribution(text))
    assert installation_origin() == origin


def test_what_init_writes_of_a_known_origin() -> None:
    origin = RECORDS["a commit"][1]
    (repository,) = yaml.safe_load(starter.pre_commit_config(origin))["repos"]
    assert (repository["repo"], repository["rev"]) == (origin.repository, COMMIT)
    steps = yaml.safe_load(starter.workflow(origin))["jobs"]["readiness"]["steps"]
    assert [one["run"] for one in steps if "run" in one] == [f"pip install '{origin.requirement}'", "readiness check --format github ."]


def test_of_an_unknown_origin_nothing_can_be_run_as_it_stands() -> None:
    assert yaml.safe_load(starter.pre_commit_config(Origin())) is None
    (install, _) = (one["run"] for one in yaml.safe_load(starter.workflow(Origin()))["jobs"]["readiness"]["steps"] if "run" in one)
    assert install.splitlines()[1] == "exit 1"


def test_an_index_tells_no_repository() -> None:
    assert yaml.safe_load(starter.pre_commit_config(Origin(requirement="readiness==1.0"))) is None
    assert "pip install 'readiness==1.0'" in starter.workflow(Origin(requirement="readiness==1.0"))


def texts() -> dict[str, str]:
    paths = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "readiness").rglob("*.py")),
    ]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def test_nothing_names_a_package_or_repository_that_nobody_owns() -> None:
    wrong = re.compile(r"readiness-lint|pip install readiness\b|readiness==\d|ghcr\.io/[\w-]+/readiness")
    assert {path: wrong.findall(text) for path, text in texts().items() if wrong.search(text)} == {}


def test_one_commit_of_an_action_in_all_that_people_copy() -> None:
    pins: dict[str, set[str]] = {}
    for path in (ROOT / "docs" / "github.md", Path(starter.__file__)):
        for action, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(commit)
    assert pins
    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("https://github.com/team/readiness", f"https://github.com/team/readiness/blob/{COMMIT}/rules/"),
        ("https://github.com/team/readiness.git", f"https://github.com/team/readiness/blob/{COMMIT}/rules/"),
        ("ssh://git@github.com/team/readiness.git", f"https://github.com/team/readiness/blob/{COMMIT}/rules/"),
        ("https://gitlab.com/group/tools/readiness", f"https://gitlab.com/group/tools/readiness/-/blob/{COMMIT}/rules/"),
        ("https://git.example.com/tools/readiness", ""),
        ("https://github.com.example.org/team/readiness", ""),
        ("", ""),
    ],
)
def test_where_the_pages_of_rules_are(repository: str, url: str) -> None:
    assert rule_pages_url_of(Origin("readiness", repository, COMMIT if repository else "")) == url


def test_an_installation_from_a_folder_tells_no_page() -> None:
    assert rule_pages_url() == ""
