"""GitLab's kind: what it claims, jobs with their templates and defaults, and the order of stages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.kinds import gitlab
from readiness.kinds.delivery import model
from readiness.model import Source
from tests.kinds.github.test_model import KEYS, TREES, everything

PATH = ".gitlab-ci.yml"
CLAIMED = {
    "by its name": (PATH, "include: [x]"),
    "an included part": ("ci/build.gitlab-ci.yml", "a: {script: b}"),
    "by its keys": ("pipeline.yml", "stages: [a]\nx:\n  stage: a\n  script: [make]\n"),
}
LEFT = {
    "a workflow": ("x.yml", "on: push\njobs:\n  a:\n    stage: b\n    script: c\n"),
    "compose": ("x.yml", "services:\n  a: {image: b}\n"),
    "any mapping": ("x.yml", "image: a\nscript: b\n"),
}


@pytest.mark.parametrize(("path", "text"), CLAIMED.values(), ids=CLAIMED)
def test_claims(path: str, text: str) -> None:
    assert gitlab.recognizes_file(path, text)


@pytest.mark.parametrize(("path", "text"), LEFT.values(), ids=LEFT)
def test_leaves(path: str, text: str) -> None:
    assert not gitlab.recognizes_file(path, text)


TEXT = """\
default: {image: node:22, before_script: [npm ci]}
stages: [check, ship]
.base: &base
  environment: {name: production}
  script: [kubectl apply -f k8s]
unit:
  stage: check
  script:
    - npm test
    - [npm run lint, [echo deep]]
ship:
  extends: .base
  stage: ship
  before_script: []
again:
  <<: *base
  stage: ship
  needs: [{job: unit, artifacts: true}]
  when: manual
loose: {stage: ship, script: make, needs: []}
"""


def test_jobs() -> None:
    document = gitlab.parse(Source(PATH, TEXT, kind="gitlab"))
    unit, ship, again, loose = document.jobs
    assert [text.value for text in unit.script_texts] == [
        "npm ci",
        "npm test",
        "npm run lint",
        "echo deep",
    ]
    assert [text.value for text in ship.script_texts] == ["kubectl apply -f k8s"]
    assert (ship.environment, again.environment, unit.environment) == (
        "production",
        "production",
        None,
    )
    assert again.manual
    assert unit.inherited_value("image") == "node:22"
    assert model.finished_names_by_job_name(document) == {
        "unit": frozenset(),
        "ship": {"unit"},
        "again": {"unit"},
        "loose": frozenset(),
    }
    stage = model.delivery_of_job(ship, model.resolve_to_no_action)
    assert [act.tool_family for act in stage.deploys] == ["kubernetes"]
    assert stage.target_environment == "production"
    assert loose.needs == ()


@settings(max_examples=100, deadline=None)
@given(tree=st.dictionaries(st.sampled_from(KEYS), TREES, max_size=6))
def test_no_shape_raises(tree: dict[str, object]) -> None:
    text = json.dumps({"a": tree, "b": {"script": "make", **tree}, **tree}, indent=1)
    everything(text, PATH, "gitlab")


@pytest.mark.parametrize("text", ["", "[]", "a: &a {extends: a, script: *a}", ".a: {extends: .a}\nb: {extends: .a}"])
def test_hostile_texts(text: str) -> None:
    everything(text, PATH, "gitlab")
