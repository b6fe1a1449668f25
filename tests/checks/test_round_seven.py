"""What readers of the seventh round at first sight called wrong, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.syntax.secrets import classify_value
from tests.make import write_files


def rules_told(tmp_path: Path, files: dict[str, str], rule: str) -> int:
    """How often a rule speaks of a tree."""
    root = write_files(tmp_path, files)
    return sum(one.rule == rule for one in readiness.check([root], base=root, select=[rule]).findings)


@pytest.mark.parametrize(
    ("name", "told"),
    [("truststore.jks", 0), ("app-trust-store.p12", 0), ("cacerts.jks", 0), ("server.jks", 1), ("keystore.p12", 1), ("trust.jks", 1)],
)
def test_a_store_of_trusted_certificates_holds_no_key(tmp_path: Path, name: str, told: int) -> None:
    image = f'FROM eclipse-temurin:21.0.4_7-jre\nCOPY {name} /app/\nUSER 1000\nCMD ["java", "-jar", "/app/a.jar"]\n'
    assert rules_told(tmp_path, {"Dockerfile": image}, "dockerfile/copy-secret-file") == told


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "told"),
    [
        ("image.openshift.io/v1", "ImageStream", "s2i_minimal", 0),
        ("user.openshift.io/v1", "Group", "team:Admins", 0),
        ("v1", "ConfigMap", "s2i_minimal", 1),
        ("apps/v1", "Deployment", "team:Admins", 1),
    ],
)
def test_names_that_openshift_takes(tmp_path: Path, api_version: str, kind: str, name: str, told: int) -> None:
    manifest = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: '{name}'}}\n"
    assert rules_told(tmp_path, {"a.yaml": manifest}, "k8s/name-invalid") == told


@pytest.mark.parametrize("value", ["$${env:INFLUXDB3_TOKEN}", "$${TOKEN}", "${env:INFLUXDB3_TOKEN}"])
def test_an_escaped_reference_is_one(value: str) -> None:
    assert not classify_value("token", value).is_exposed


def test_a_password_that_begins_with_dollars_is_none() -> None:
    assert classify_value("password", "$$9fQ2xLm7VtR4bNc8").is_exposed


RUN_AFTER = """\
name: a
on: {workflow_run: {workflows: [b], types: [completed]}}
permissions: {contents: write}
jobs:
  a:
    runs-on: ubuntu-24.04
    if: %s
    steps: [{run: 'gh pr merge ${{ github.event.workflow_run.head_branch }}'}]
"""


@pytest.mark.parametrize(
    ("condition", "severity"),
    [
        ("github.event.workflow_run.event == 'pull_request' && ( !github.event.workflow_run.head_repository.fork )", "medium"),
        ("github.event.workflow_run.head_repository.full_name == github.repository", "medium"),
        ("github.event.workflow_run.conclusion == 'success'", "high"),
        ("github.event.workflow_run.head_repository.fork", "high"),
    ],
)
def test_a_branch_of_the_repository_itself_is_named_by_its_writers(tmp_path: Path, condition: str, severity: str) -> None:
    root = write_files(tmp_path, {".github/workflows/a.yml": RUN_AFTER % condition})
    (finding,) = readiness.check([root], base=root, select=["ci/template-injection"]).findings
    assert str(finding.severity) == severity
