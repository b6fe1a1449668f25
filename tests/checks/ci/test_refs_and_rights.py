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
    head = "on: push\npermissions: {contents: write}\nenv: {OWN: \"${{ github.repository == 'acme/shop' }}\"}\n"
    found = told(tmp_path, workflow(f"uses: somebody/deploy@{ref}", head=head), "ci/action-unpinned")
    assert [one for one, _ in found] == [severity]
    assert word in found[0][1]
    assert ("pinned to a branch" in found[0][1]) is (severity is H)


@pytest.mark.parametrize(
    ("permission", "secrets", "severity"),
    [
        ("read", ["SNYK_TOKEN"], M),
        ("read", ["NVD_API_KEY", "SONAR_TOKEN"], M),
        ("read", ["SNYK_TOKEN", "DOCKERHUB_TOKEN"], H),
        ("write", ["SNYK_TOKEN"], H),
        ("read", ["SNYKER"], H),
    ],
)
def test_secrets_that_only_let_a_scanner_report_are_worth_less(tmp_path: Path, permission: str, secrets: list[str], severity: Severity) -> None:
    head = f"on: push\npermissions: {{contents: {permission}}}\nenv: {{OWN: \"${{{{ github.repository == 'acme/shop' }}}}\"}}\n"
    variables = ", ".join(f"{name}: '${{{{ secrets.{name} }}}}'" for name in secrets)
    found = told(tmp_path, workflow(f"{{uses: somebody/scan@main, env: {{{variables}}}}}", head=head), "ci/action-unpinned")
    assert [one for one, _ in found] == [severity]


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


RUN_BY_ANOTHER = """on: {{workflow_run: {{workflows: [CI], types: [completed]}}}}
jobs:
  tell:
    {settings}
    runs-on: ubuntu-24.04
    steps:
      - run: {fetch}
      - run: {line}
"""
OPEN_TO_FORKS = "name: CI\non: pull_request\njobs: {build: {runs-on: ubuntu-24.04, steps: [{run: make}]}}\n"
OF_THE_OWNERS = "name: CI\non: {release: {types: [created]}}\njobs: {build: {runs-on: ubuntu-24.04, steps: [{run: make}]}}\n"
FETCH = "gh run download ${{ github.event.workflow_run.id }} -n pr"
FILE_LINE = 'echo "PR=$(cat pr.txt)" >> $GITHUB_ENV'


@pytest.mark.parametrize(
    ("settings", "fetch", "line", "other", "severity"),
    [
        ("name: t", FETCH, FILE_LINE, OPEN_TO_FORKS, H),
        ("name: t", FETCH, "cat pr.env >> $GITHUB_ENV", OPEN_TO_FORKS, H),
        ("name: t", "make", "echo TITLE=${{ github.event.workflow_run.display_title }} >> $GITHUB_ENV", OPEN_TO_FORKS, H),
        ("name: t", "make", "echo FROM=${{ github.event.workflow_run.head_branch }} >> $GITHUB_ENV", OPEN_TO_FORKS, H),
        # nobody outside starts it, or gets there
        ("name: t", FETCH, FILE_LINE, OF_THE_OWNERS, M),
        ("if: github.event.workflow_run.head_repository.full_name == github.repository", FETCH, FILE_LINE, OPEN_TO_FORKS, M),
        ("if: github.event.workflow_run.event == 'push'", FETCH, FILE_LINE, OPEN_TO_FORKS, M),
        ("permissions: {contents: read}", FETCH, FILE_LINE, OPEN_TO_FORKS, M),
        # the files of the repository, of its release, and what the other event would fill
        ("name: t", "make", FILE_LINE, OPEN_TO_FORKS, M),
        ("name: t", "gh release download v1", FILE_LINE, OPEN_TO_FORKS, M),
        ("name: t", "make", "echo TITLE=${{ github.event.pull_request.title }} >> $GITHUB_ENV", OPEN_TO_FORKS, M),
        ("name: t", "make", "echo TAG=${{ github.ref_name }} >> $GITHUB_ENV", OPEN_TO_FORKS, M),
        ("name: t", "make", "echo A=${{ steps.a.outputs.b }} >> $GITHUB_ENV", OPEN_TO_FORKS, M),
        # looked at on the way
        ("name: t", FETCH, 'echo "PR=$(tr -cd 0-9 < pr.txt; cat a.txt)" >> $GITHUB_ENV', OPEN_TO_FORKS, M),
    ],
)
def test_a_value_is_an_outsiders_where_the_files_prove_it(
    tmp_path: Path, settings: str, fetch: str, line: str, other: str, severity: Severity
) -> None:
    text = RUN_BY_ANOTHER.format(settings=settings, fetch=fetch, line=line)
    write_files(tmp_path, {".github/workflows/ci.yml": other})
    found = told(tmp_path, text, "ci/environment-file-written")
    assert [one for one, _ in found] == [severity]
    assert ("outsiders may control" in found[0][1]) is (severity is H)


@pytest.mark.parametrize(
    ("readme", "severity"),
    [
        ("no address", M),
        ("[shop](https://github.com/acme/shop)", H),
        ("[shop](https://github.com/acme/shop) and [a tool](https://github.com/Somebody/deploy)", M),
        ("[shop](https://github.com/somebody/shop)", M),
    ],
)
def test_whose_action_it_is_has_to_be_seen(tmp_path: Path, readme: str, severity: Severity) -> None:
    write_files(tmp_path, {"README.md": readme})
    found = told(tmp_path, workflow("uses: somebody/deploy@main"), "ci/action-unpinned")
    assert [one for one, _ in found] == [severity]
