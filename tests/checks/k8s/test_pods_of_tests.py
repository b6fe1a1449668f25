"""The pods of a test are made by its program: a Service of tests that selects none in the files is not judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

FILES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.net/web:1.4.0"}]}
---
apiVersion: v1
kind: Service
metadata: {name: callee}
spec:
  selector: {testapp: callee-external}
  ports: [{port: 80}]
"""


def is_told(tmp_path: Path, path: str, text: str = FILES) -> bool:
    """Whether the Service is said to select nothing."""
    return "k8s/service-selects-nothing" in {one.rule for one in check([write_files(tmp_path, {path: text})]).findings}


@pytest.mark.parametrize("path", ["tests/config/app.yaml", "e2e/app.yaml", "app-e2e.yaml"])
def test_in_tests_a_program_makes_the_pods(tmp_path: Path, path: str) -> None:
    assert not is_told(tmp_path, path)


@pytest.mark.parametrize("path", ["deploy/app.yaml", "tests/production/app.yaml", "samples/app.yaml"])
def test_elsewhere_it_is_told(tmp_path: Path, path: str) -> None:
    assert is_told(tmp_path, path)


def test_a_service_for_tests_beside_others(tmp_path: Path) -> None:
    annotated = FILES.replace("{name: callee}", '{name: callee, annotations: {"readiness.dev/purpose": test}}')
    assert not is_told(tmp_path, "deploy/app.yaml", annotated)
