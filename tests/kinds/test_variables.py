"""Variables that files set: the same questions to a container and to a step."""

from __future__ import annotations

import pytest

from readiness.kinds import compose, dockerfile, dotenv, github, gitlab, k8s
from readiness.kinds.github.model import Step, Workflow
from readiness.model import Source

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      env:
        - {name: PLAIN, value: "on"}
        - {name: NUMBER, value: 3}
        - {name: OTHER, value: $(PLAIN)-x}
        - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: key}}}
        - {name: PLAIN, value: "off"}
"""
WORKFLOW = """\
on: push
env: {LEVEL: info, Stage: test, KEPT: 1}
jobs:
  build:
    runs-on: ubuntu-24.04
    env: {LEVEL: warn, FLAG: true}
    steps:
      - run: make
        env: {LEVEL: "${{ inputs.level }}", stage: live}
"""


def step() -> Step:
    workflow = github.parse(Source(".github/workflows/ci.yml", WORKFLOW, kind="github"))
    assert isinstance(workflow, Workflow)
    return workflow.jobs[0].steps[0]


def test_a_container_tells_what_the_file_can_tell() -> None:
    source = Source("pod.yaml", POD, kind="k8s")
    (pod,) = k8s.parse(source).pods
    (container,) = pod.containers()
    found = container.variables
    wanted = {"PLAIN": "off", "NUMBER": "3", "OTHER": None, "KEY": None}
    assert {name: setting.value for name, setting in found.items()} == wanted
    assert found["OTHER"].raw_value == "$(PLAIN)-x"
    span = found["PLAIN"].span
    assert POD[span.start : span.end] == '"off"'
    assert found["PLAIN"].source is source


def test_the_nearest_variable_of_a_step_counts() -> None:
    found = step().variables
    assert {name: setting.value for name, setting in found.items()} == {
        "LEVEL": None, "Stage": "test", "KEPT": "1", "FLAG": "true", "stage": "live",
    }  # fmt: skip
    text = found["LEVEL"].raw_text
    assert text is not None
    assert text.value == "${{ inputs.level }}"
    assert found["KEPT"].raw_text is None


def test_expressions_read_variables_in_any_case() -> None:
    for name in ("STAGE", "stage", "Stage"):
        setting = step().expression_variable(name)
        assert setting is not None
        assert setting.value == "live"
    assert step().expression_variable("none") is None


GITLAB = """\
variables: {LEVEL: info, STAGE: {value: test, description: where to}, LEFT: global}
workflow:
  rules: [{if: $CI_COMMIT_TAG, variables: {STAGE: live}}]
.base:
  variables: {LEVEL: warn, FROM_BASE: "1"}
build:
  extends: .base
  script: make
  variables: {FROM_BASE: 2, OTHER: "${LEVEL}-x"}
  rules: [{if: $CI_COMMIT_BRANCH, variables: {LEFT: rule}}]
alone:
  script: make
  inherit: {variables: false}
  variables: {LEFT: own}
some:
  script: make
  inherit: {variables: [LEFT]}
"""


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("build", {"LEVEL": "warn", "STAGE": None, "LEFT": None, "FROM_BASE": "2", "OTHER": None}),
        ("alone", {"LEFT": "own"}),
        ("some", {"LEFT": "global"}),
    ],
)
def test_a_job_of_gitlab_has_what_it_inherits(job: str, expected: dict[str, str | None]) -> None:
    file = gitlab.parse(Source(".gitlab-ci.yml", GITLAB, kind="gitlab"))
    found = file.all_jobs[job].variables
    assert {name: setting.value for name, setting in found.items()} == expected


def test_a_stage_has_the_env_of_those_below_it_and_no_default_of_an_arg() -> None:
    text = "FROM alpine:3.20 AS base\nARG MODE=debug\nENV A=1 B=$A C=${MODE}\nFROM base AS aside\nENV A=9\nFROM base\nENV A=2 D=${A}x E=$B\nENV A=3\n"
    document = dockerfile.parse(Source("Dockerfile", text, kind="dockerfile"))
    found = document.stages[-1].variables
    # The values of one line see only what stands before it.
    assert {name: setting.value for name, setting in found.items()} == {
        "A": "3", "B": None, "C": None, "D": "1x", "E": None,
    }  # fmt: skip
    assert found["C"].is_partly_unknown
    steps = [[(one.name, one.value) for one in step.variable_settings] for step in document.steps if step.keyword == "ENV"]
    assert steps == [[("A", "1"), ("B", None), ("C", None)], [], [("A", "2"), ("D", "1x"), ("E", None)], [("A", "3")]]


def test_a_service_has_what_its_environment_files_and_their_variables_give() -> None:
    compose_file = Source(
        "compose.yaml",
        "services:\n  base: {environment: {FROM_BASE: b}}\n  web:\n    extends: base\n    env_file: web.env\n"
        "    environment:\n      - LEVEL=${LEVEL:-info}\n      - PART=x-${NOBODY}\n      - OUTSIDE\n      - BARE\n      - OWN=1\n",
        kind="compose",
    )
    files = [
        dotenv.parse(Source(path, text, kind="dotenv"))
        for path, text in ((".env", "LEVEL=warn\nOUTSIDE=set\n"), ("web.env", "OWN=0\nFILE=f\nEMPTY=\n"))
    ]
    document = compose.parse(compose_file)
    compose.link_documents({"compose": [document], "dotenv": files}, ())
    service = document.services["web"]
    found = service.variables
    assert {name: setting.value for name, setting in found.items()} == {
        "OWN": "1", "FILE": "f", "EMPTY": None, "FROM_BASE": "b", "LEVEL": "warn", "PART": None, "OUTSIDE": "set", "BARE": None,
    }  # fmt: skip
    assert found["PART"].is_partly_unknown
    assert not found["BARE"].is_partly_unknown
    assert found["FILE"].source.path == "web.env"
    assert {one.name: one.value for one in service.variable_settings} == {
        "LEVEL": "info", "PART": None, "OUTSIDE": None, "BARE": None, "OWN": "1",
    }  # fmt: skip
