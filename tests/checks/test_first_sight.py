"""Kinds of findings that readers of fresh repositories called wrong, and the neighbours that stay told."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

TASK = """\
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: site}
spec:
  workspaces: [{name: source}]
  volumes: [{name: cache, emptyDir: {}}]
  steps:
    - name: build
      image: registry.example.com/hugo:0.140.0
      volumeMounts: [{name: %s, mountPath: /cache}]
"""


def rules_of(root: Path, files: dict[str, str]) -> set[str]:
    """The rules that find something in a tree."""
    return {one.rule for one in check([write_files(root, files)], base=root).findings}


@pytest.mark.parametrize(("volume_name", "is_told"), [("cache", False), ("cahce", True)])
def test_volumes_of_a_tekton_task(tmp_path: Path, volume_name: str, is_told: bool) -> None:
    assert ("k8s/volume-undefined" in rules_of(tmp_path, {"task.yaml": TASK % volume_name})) is is_told


@pytest.mark.parametrize(
    ("source", "is_told"),
    [("file:///tmp/packages ./", False), ("copy:/srv/packages ./", False), ("https://packages.example.com stable main", True)],
)
def test_packages_that_the_build_made_itself(tmp_path: Path, source: str, is_told: bool) -> None:
    dockerfile = f'FROM debian:13.1\nRUN echo "deb [ trusted=yes ] {source}" > /etc/apt/sources.list.d/own.list\n'
    assert ("dockerfile/signature-unchecked" in rules_of(tmp_path, {"Dockerfile": dockerfile})) is is_told


@pytest.mark.parametrize(("key", "is_told"), [("description", False), ("descriptoin", True)])
def test_a_workflow_may_describe_itself(tmp_path: Path, key: str, is_told: bool) -> None:
    workflow = f"{key}: builds\non: push\njobs: {{a: {{runs-on: ubuntu-24.04, steps: [{{run: make}}]}}}}\n"
    assert ("ci/workflow-key-unknown" in rules_of(tmp_path, {".github/workflows/a.yml": workflow})) is is_told


@pytest.mark.parametrize(("folder", "is_told"), [("apps", True), (".archive", False), ("archive", False), ("archives-service", True)])
def test_production_is_not_asked_of_an_archive(tmp_path: Path, folder: str, is_told: bool) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'acme/a:1.4', securityContext: {privileged: true}}]}\n"
    )
    assert ("k8s/privileged" in rules_of(tmp_path, {f"{folder}/pod.yaml": pod})) is is_told


@pytest.mark.parametrize(
    ("below", "is_told"),
    [('    " \\\n    && apt-get install $packages\n', False), ("WORKDIR /srv\n", False), ("WORKDRI /srv\n", True)],
)
def test_what_a_script_puts_into_a_template_may_go_on_below(tmp_path: Path, below: str, is_told: bool) -> None:
    start = '    && packages="%%PACKAGES%%\n' if "packages" in below else "    && true\n"
    dockerfile = f"FROM debian:13.1\nRUN set -x \\\n{start}{below}"
    assert ("dockerfile/instruction-invalid" in rules_of(tmp_path, {"Dockerfile-debian.template": dockerfile})) is is_told


def test_data_of_a_fake_is_input_of_a_program(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'acme/a:1.4'}]}\n"
    assert rules_of(tmp_path, {"injector/fake/data/pod.yaml": pod}) == set()
    assert rules_of(tmp_path, {"injector/data/pod.yaml": pod})
