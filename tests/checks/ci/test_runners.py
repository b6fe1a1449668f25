"""Jobs on machines of one's own: what pull requests from forks reach weighs more."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

CI = ".github/workflows/ci.yml"
JOB = """\
on: {on}
jobs:
  gate: {{runs-on: ubuntu-24.04, steps: [{{run: make}}]}}
  build:
    runs-on: {runner}
    {more}
    steps: [{{run: make}}]
"""
SCALE_SET = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: home-runner, namespace: actions}
spec:
  chartRef: {kind: OCIRepository, name: gha-runner-scale-set}
  values: {githubConfigUrl: 'https://github.com/acme/home'%s}
"""
MEDIUM, LOW = "medium", "low"


def severities(tmp_path: Path, files: dict[str, str]) -> str:
    report = readiness.check([write_files(tmp_path, files)], select=["ci/runner-self-hosted"])
    assert not report.crashed
    return " ".join(finding.severity.name.lower() for finding in report.findings)


@pytest.mark.parametrize(
    ("on", "runner", "more", "severity"),
    [
        ("pull_request", "self-hosted", "", MEDIUM),
        ("[push, pull_request]", "[self-hosted, arm64]", "", MEDIUM),
        ("pull_request", "{labels: [Self-Hosted]}", "", MEDIUM),
        ("pull_request", "self-hosted", "if: needs.gate.outputs.images != '[]'\n    needs: gate", MEDIUM),
        ("pull_request", "self-hosted", "environment: lab", LOW),
        ("pull_request", "self-hosted", "if: github.event.pull_request.head.repo.full_name == github.repository", LOW),
        ("pull_request", "self-hosted", "if: github.event_name == 'push'", LOW),
        ("pull_request", "{group: large}", "", LOW),
        ("push", "self-hosted", "", LOW),
        ("pull_request", "big-linux", "", ""),
        ("pull_request", "self-hosted", "if: false", ""),
    ],
)
def test_what_forks_reach(tmp_path: Path, on: str, runner: str, more: str, severity: str) -> None:
    text = JOB.format(on=on, runner=runner, more=more or "timeout-minutes: 5")
    assert severities(tmp_path, {CI: text, "LICENSE": "MIT\n"}) == severity


@pytest.mark.parametrize(
    ("runner", "values", "severity"),
    [
        ("home-runner", "", MEDIUM),
        ("Home-Runner", "", MEDIUM),
        ("arc", ", runnerScaleSetName: arc", MEDIUM),
        ("home-runner", ", runnerScaleSetName: arc", ""),
        ("other-runner", "", ""),
    ],
)
def test_a_scale_set_of_the_tree_is_ones_own(tmp_path: Path, runner: str, values: str, severity: str) -> None:
    text = JOB.format(on="pull_request", runner=runner, more="timeout-minutes: 5")
    assert severities(tmp_path, {CI: text, "LICENSE": "MIT\n", "apps/runner.yaml": SCALE_SET % values}) == severity


def test_without_a_licence_nobody_makes_forks(tmp_path: Path) -> None:
    text = JOB.format(on="pull_request", runner="self-hosted", more="timeout-minutes: 5")
    assert severities(tmp_path, {CI: text, "docs/LICENSE": "MIT\n"}) == LOW
