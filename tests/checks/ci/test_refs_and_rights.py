"""By what an action is used, which versions run no more, who takes rights from the top, what a variable of later steps can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from tests.make import write_files

H, M, L = Severity.HIGH, Severity.MEDIUM, Severity.LOW


def told(tmp_path: Path, text: str, rule: str) -> list[tuple[Severity, str]]:
    write_files(tmp_path, {".github/workflows/build.yml": text})
    return [(one.severity, one.message) for one in readiness.check([str(tmp_path)], select=[rule]).findings]


def workflow(*steps: str, head: str = "on: push\npermissions: {contents: write}\n") -> str:
    lines = "".join(f"      - {step}\n" for step in steps)
    return f"{head}jobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n{lines}"


@pytest.mark.parametrize(
    ("ref", "severity", "word"),
    [
        ("main", H, "pinned to a branch"),
        ("master", H, "pinned to a branch"),
        ("develop", H, "pinned to a branch"),
        ("feature/faster", H, "pinned to a branch"),
        ("beta", M, "a branch or a tag"),
        ("latest", M, "a branch or a tag"),
        ("stable", M, "a branch or a tag"),
        ("edge", M, "a branch or a tag"),
        ("v2", M, "has a tag"),
    ],
)
def test_only_what_is_surely_a_branch_is_called_one(tmp_path: Path, ref: str, severity: Severity, word: str) -> None:
    found = told(tmp_path, workflow(f"uses: somebody/deploy@{ref}"), "ci/action-unpinned")
    assert [one for one, _ in found] == [severity]
    assert word in found[0][1]
    assert ("pinned to a branch" in found[0][1]) is (severity is H)


@pytest.mark.parametrize(
    ("uses", "severity", "word"),
    [
        ("actions/upload-artifact@v3", H, "fails every job"),
        ("actions/download-artifact@v2.1.1", H, "fails every job"),
        ("actions/cache@v2", H, "fails every job"),
        ("actions/cache@v3", M, "Node.js 16"),
        ("actions/checkout@v3", M, "Node.js 16"),
    ],
)
def test_versions_that_github_refuses_are_high(tmp_path: Path, uses: str, severity: Severity, word: str) -> None:
    found = told(tmp_path, workflow(f"uses: {uses}"), "ci/action-outdated")
    assert [one for one, _ in found] == [severity]
    assert word in found[0][1]


@pytest.mark.parametrize("uses", ["actions/upload-artifact@v4", "actions/upload-artifact@v3-node20", "actions/checkout@v4"])
def test_later_versions_are_not_outdated(tmp_path: Path, uses: str) -> None:
    assert told(tmp_path, workflow(f"uses: {uses}"), "ci/action-outdated") == []


JOBS = "on: push\npermissions: {contents: write}\njobs:\n"
PLAIN = "  {name}: {{runs-on: ubuntu-24.04, steps: [{{run: make}}]}}\n"
OWN = "  {name}: {{runs-on: ubuntu-24.04, permissions: {{contents: read}}, steps: [{{run: make}}]}}\n"


@pytest.mark.parametrize(
    ("jobs", "count"),
    [((PLAIN, OWN), 1), ((OWN, OWN), None), ((PLAIN, PLAIN), 2), ((PLAIN, OWN, PLAIN), 2), ((PLAIN,), None)],
)
def test_a_job_with_rights_of_its_own_takes_none_from_the_top(tmp_path: Path, jobs: tuple[str, ...], count: int | None) -> None:
    text = JOBS + "".join(job.format(name=f"j{at}") for at, job in enumerate(jobs))
    found = told(tmp_path, text, "ci/permissions-wide")
    assert [f"given to {count} of {len(jobs)} jobs" in message for _, message in found] == ([True] if count else [])


WRITES = "on: {workflow_run: {workflows: [ci], types: [completed]}}\n"


@pytest.mark.parametrize(
    ("command", "dangerous"),
    [
        ("$(md5sum rendered.yml | awk '{ print $1 }')", False),
        ("$(sha256sum rendered.yml | cut -d' ' -f1)", False),
        ("$(git rev-parse HEAD)", False),
        ("$(git rev-parse --short HEAD)", False),
        ("$(git log -1 --format=%H)", False),
        ("$(date +%s)", False),
        ("$(date -u +%Y-%m-%d)", False),
        ("$(wc -l < list.txt)", False),
        ("$(cat pr.txt)", True),
        ("$(md5sum rendered.yml)", True),  # the name of the file is printed, too
        ("$(git log -1 --format=%s)", True),
        ("$(cat pr.txt) $(date +%s)", True),
        ("$(jq -r .number event.json)", True),
    ],
)
def test_a_digest_a_number_and_a_date_have_no_line_break(tmp_path: Path, command: str, dangerous: bool) -> None:
    text = workflow(f'run: echo "VALUE={command}" >> $GITHUB_ENV', head=WRITES)
    assert bool(told(tmp_path, text, "ci/environment-file-written")) is dangerous
