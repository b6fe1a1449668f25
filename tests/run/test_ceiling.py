"""Outside production nothing is above medium, but for credentials that a service gave out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import readiness
from tests.make import write_files

WEB = """\
services:
  web:
    image: acme/web:1.4.0
    restart: always
    volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
    ports: ["8080:8080"]
    environment: {STRIPE_KEY: "%s"}
"""
LIVE_KEY = "sk_live_" + "9fQ2xLm7VtR4bNc8ZpWkJd3H"


def severities(tree: Path, **options: Any) -> dict[str, str]:
    """The severity of every finding of a tree by its rule."""
    report = readiness.check([tree], base=tree, **options).to_dict()
    return {one["rule"]: one["severity"] for one in report["findings"]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("compose.prod.yaml", "high"),
        ("compose.test.yaml", "medium"),
        ("compose.dev.yaml", "medium"),
        ("tests/compose.yaml", "medium"),
    ],
)
def test_what_is_not_for_production_closes_no_gate(tmp_path: Path, path: str, expected: str) -> None:
    write_files(tmp_path, {path: WEB % "${STRIPE_KEY}"})
    assert severities(tmp_path)["compose/engine-socket"] == expected


def test_everything_is_judged_in_full_on_request(tmp_path: Path) -> None:
    write_files(tmp_path, {"compose.test.yaml": WEB % "${STRIPE_KEY}"})
    assert severities(tmp_path, purpose="production")["compose/engine-socket"] == "high"


def test_a_credential_that_a_service_gave_out_keeps_its_severity(tmp_path: Path) -> None:
    write_files(tmp_path, {"compose.test.yaml": WEB % LIVE_KEY})
    found = severities(tmp_path)
    secrets = {rule: severity for rule, severity in found.items() if "secret" in rule}
    assert secrets
    assert set(secrets.values()) <= {"high", "critical"}, found
    assert found["compose/engine-socket"] == "medium"


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, labels: {app: migrate}%s}
spec:
  template:
    spec:
      restartPolicy: Always
      containers: [{name: migrate, image: "acme/migrate:1.4.0"}]
"""


@pytest.mark.parametrize(
    ("word", "expected"),
    [("job", "high"), ("build", "high"), ("production", "high"), ("preview", "medium"), ("sample", "medium")],
)
def test_jobs_and_builds_are_judged_in_full(tmp_path: Path, word: str, expected: str) -> None:
    write_files(tmp_path, {"job.yaml": JOB % f", annotations: {{readiness.dev/purpose: {word}}}"})
    assert severities(tmp_path)["k8s/restart-policy-invalid"] == expected
