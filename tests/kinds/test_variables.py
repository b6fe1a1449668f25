"""Variables that files set: the same questions to a container and to a step."""

from __future__ import annotations

from readiness.kinds import github, k8s
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
