"""Workflows in which nothing is wrong: everything that GitHub takes in one, everything that a delivery needs in the other."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness

HERE = Path(__file__).parent / "ci"


@pytest.mark.parametrize("name", ["valid", "ready"])
def test_what_github_takes_is_no_mistake(name: str) -> None:
    report = readiness.check([HERE / name], select=["ALL"])
    wrong = [
        (f.path, f.line, f.rule)
        for f in report.findings
        if f.rule.category == "correctness" and f.rule.kind == "ci"
    ]
    assert wrong == []


def test_a_pipeline_that_has_all_it_needs_is_ready() -> None:
    report = readiness.check([HERE / "ready"], profile="strict")
    ours = [f for f in report.findings if f.rule.kind == "ci"]
    assert [(f.path, f.line, f.rule.id, f.message) for f in ours] == []
    states = {
        item.item.id: item.state for outcome in report.checklists for item in outcome.verdicts
    }
    met = {name for name, state in states.items() if state == "met"}
    assert {
        "flowise.ci-test",
        "flowise.ci-lint",
        "flowise.ci-build-after-test",
        "flowise.ci-immutable-tag",
        "flowise.ci-staging",
        "flowise.ci-environment",
        "flowise.ci-rollout-status",
        "flowise.ci-smoke",
        "flowise.ci-rollback",
        "dify.ci-rollback",
        "dashflow.ci-image-scan",
        "dashflow.ci-no-deploy-from-pr",
        "dashflow.ci-scheduled-scan",
    } <= met
