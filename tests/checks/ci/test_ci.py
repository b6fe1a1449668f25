"""Workflows in which nothing is wrong: everything that GitHub takes in one, everything that a delivery needs in the other."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["valid", "ready"])
def test_what_github_takes_is_no_mistake(name: str) -> None:
    report = readiness.check([HERE / name], select=["ALL"])
    wrong = [(f.path, f.line, f.rule) for f in report.findings if f.rule_definition.category == "correctness" and f.rule_definition.kind == "ci"]
    assert wrong == []


OURS = "on: push\njobs:\n  a:\n    uses: acme/ci/.github/workflows/ci.yml@main\n"


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        pytest.param("{}", 1, id="nobody is trusted unasked"),
        pytest.param("{trusted: [Acme]}", 0, id="an owner"),
        pytest.param("{trusted: [acme/ci]}", 0, id="a repository"),
        pytest.param("{trusted: [acme/other]}", 1, id="another one"),
    ],
)
def test_a_team_names_the_owners_that_are_its_own(tmp_path: Path, settings: str, count: int) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(OURS)
    config = tmp_path / ".readiness.yaml"
    config.write_text(f"parameters:\n  ci/action-unpinned: {settings}\n")
    report = readiness.check([tmp_path], select=["ci/action-unpinned"], config=config)
    assert len(report.findings) == count


def test_a_pipeline_that_has_all_it_needs_is_ready() -> None:
    report = readiness.check([HERE / "ready"], profile="strict", purpose="production")
    ours = [f for f in report.findings if f.rule_definition.kind == "ci"]
    assert [(f.path, f.line, f.rule, f.message) for f in ours] == []
    states = {item.item.id: item.state for outcome in report.checklists for item in outcome.verdicts}
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
        "dashflow.ci-scheduled-scan",
    } <= met


def test_aliases_of_aliases_are_not_written_out(tmp_path: Path) -> None:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    job = "{runs-on: ubuntu-24.04, environment: NAME, env: *i, steps: [{run: kubectl apply -f k8s/}]NEEDS}"
    staging = job.replace("NAME", "staging").replace("NEEDS", "")
    production = job.replace("NAME", "production").replace("NEEDS", ", needs: staging")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    lines = ["on: push", "env:", *(f"  {level}" for level in levels)]
    lines += ["jobs:", f"  staging: {staging}", f"  production: {production}", ""]
    (folder / "ci.yml").write_text("\n".join(lines))
    report = readiness.check([tmp_path], select=["ci/staging-is-production"])
    assert [one.rule for one in report.findings] == ["core/syntax"]  # no parser takes what stands for hundreds of millions of values
