"""Which job waits for which is worked out for pipelines of as many jobs as anybody writes, and no more is said of larger ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.kinds.delivery.model import MAX_ORDERED_JOBS
from tests.effort import effort
from tests.make import write_files

TEST = "unit: {stage: build, script: [pytest]}\n"


def pipeline(jobs: int) -> str:
    """A pipeline of GitLab with a stage for each of so many jobs that deploy, and none of them after the tests."""
    stages = ", ".join(f"s{number}" for number in range(jobs))
    deploying = "".join(f"d{number}: {{stage: s{number}, script: [kubectl apply -f k8s/]}}\n" for number in range(jobs))
    return f"stages: [{stages}, build]\n{TEST}{deploying}"


def untested(root: Path, jobs: int) -> int:
    report = readiness.check([write_files(root, {".gitlab-ci.yml": pipeline(jobs)})], select=["ci/deploy-untested"])
    assert not report.crashed
    return len(report.findings)


@pytest.mark.parametrize(("jobs", "found"), [(2, True), (MAX_ORDERED_JOBS - 1, True), (MAX_ORDERED_JOBS, False), (4 * MAX_ORDERED_JOBS, False)])
def test_what_is_told_of_an_order_ends_with_it(jobs: int, found: bool, tmp_path: Path) -> None:
    assert bool(untested(tmp_path, jobs)) is found


def test_an_order_that_is_not_worked_out_is_said(tmp_path: Path) -> None:
    known, unknown = (
        readiness.check([write_files(tmp_path / str(jobs), {".gitlab-ci.yml": pipeline(jobs)})], select=["ci/deploy-untested"])
        for jobs in (MAX_ORDERED_JOBS - 1, MAX_ORDERED_JOBS)
    )
    assert [(one.cause, one.reason) for one in known.files] == [("", "")]
    assert [(one.cause, "300 jobs" in one.reason) for one in unknown.files] == [("limit", True)]
    assert unknown.coverage.percent < known.coverage.percent


@pytest.mark.parametrize("rule", ["ci/deploy-untested", "ci/image-never-pushed"])
def test_work_grows_as_the_jobs_do(rule: str, tmp_path: Path) -> None:
    def work(jobs: int) -> int:
        folder = write_files(tmp_path / str(jobs), {".gitlab-ci.yml": pipeline(jobs)})
        return effort(lambda: readiness.check([folder], select=[rule]))

    work(2)  # what is read once
    assert work(4 * MAX_ORDERED_JOBS) < 3 * work(2 * MAX_ORDERED_JOBS)
