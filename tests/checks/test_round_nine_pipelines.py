"""What readers of the ninth round at first sight called wrong in pipelines, images, services and proxies, and neighbours that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.model import Severity
from tests.make import write_files

CI = ".github/workflows/ci.yml"


def severities_by_line(tmp_path: Path, files: dict[str, str], rule: str) -> dict[int, Severity]:
    """How bad what a rule says of a tree is, by line."""
    root = write_files(tmp_path, files)
    return {one.line: one.severity for one in readiness.check([root], base=root, select=[rule]).findings if one.rule == rule}


GREETING = """runs:
  using: composite
  steps:
    - shell: bash
      run: echo "${{ github.event.pull_request.title }}"
"""
LINT = """on: workflow_call
jobs:
  lint:
    runs-on: ubuntu-24.04
    steps:
      - uses: ./.github/actions/greet
"""


def calls(event: str, uses: str) -> str:
    return f"on: {event}\njobs:\n  lint: {{uses: {uses}}}\n"


def runs(event: str, uses: str) -> str:
    return f"on: {event}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{{uses: {uses}}}]\n"


@pytest.mark.parametrize(
    ("callers", "severity"),
    [
        ({CI: calls("[pull_request, push, merge_group]", "./.github/workflows/lint.yml")}, Severity.MEDIUM),
        ({CI: calls("pull_request_target", "./.github/workflows/lint.yml")}, Severity.HIGH),
        ({CI: calls("push", "./.github/workflows/lint.yml")}, Severity.LOW),
        ({CI: calls("pull_request", "acme/shop/.github/workflows/lint.yml@main")}, Severity.MEDIUM),
        ({}, Severity.HIGH),  # who calls the workflow is in no file
        (
            {
                CI: calls("pull_request", "./.github/workflows/lint.yml"),
                ".github/workflows/label.yml": runs("pull_request_target", "./base/.github/actions/greet"),
            },
            Severity.HIGH,
        ),
        (
            {
                CI: calls("pull_request", "./.github/workflows/lint.yml"),
                ".github/workflows/label.yml": runs("pull_request_target", "./.github/actions/outer"),
                ".github/actions/outer/action.yml": "runs: {using: composite, steps: [{uses: ./.github/actions/greet}]}\n",
            },
            Severity.HIGH,
        ),
    ],
)
def test_the_events_of_the_first_caller_weigh_an_injection(tmp_path: Path, callers: dict[str, str], severity: Severity) -> None:
    files = {".github/actions/greet/action.yml": GREETING, ".github/workflows/lint.yml": LINT, **callers}
    assert severities_by_line(tmp_path, files, "ci/template-injection") == {5: severity}


def test_an_action_that_other_repositories_use_has_unknown_callers(tmp_path: Path) -> None:
    files = {"action.yml": GREETING, CI: runs("pull_request", "./")}
    assert severities_by_line(tmp_path, files, "ci/template-injection") == {5: Severity.HIGH}


DEPLOYED = """on: [push, pull_request]
jobs:
  deploy:
    runs-on: ubuntu-24.04
    environment: production
    steps:
      - run: {command}
      - run: helm upgrade --install shop ./chart
"""


@pytest.mark.parametrize(
    ("command", "is_thrown_away"),
    [
        ("make launch-kind", True),
        ("make KIND=/usr/bin/kind setup-kind-cluster", True),
        ("./hack/create-k3d.sh", True),
        ("bash scripts/kind/start.sh", True),
        ("kind load docker-image shop:ci", True),
        ("minikube image load shop:ci", True),
        ("make kind", False),  # may only install the program
        ("kind version", False),
        ("make delete-kind-cluster", False),
        ("make create-kindred", False),
        ("make start-cluster", False),
    ],
)
def test_a_deployment_to_a_cluster_of_the_job_is_a_trial(tmp_path: Path, command: str, is_thrown_away: bool) -> None:
    found = severities_by_line(tmp_path, {CI: DEPLOYED.format(command=command)}, "ci/deploy-from-pull-request")
    assert (found == {}) is is_thrown_away


@pytest.mark.parametrize(
    ("setting", "ends"),
    [
        ("command: ['-duration', 10s, '-workers', '3']", True),
        ("command: --duration=90 --rate 5", True),
        ("command: -duration 0", False),
        ("command: server --timeout 30s", False),
        ("command: sh -c 'sleep 10; exec server'", False),
        ("command: -retention-duration 30d", False),
        ("command: -duration 10s\n    ports: ['127.0.0.1:8080:8080']", False),
    ],
)
def test_a_command_with_a_duration_ends_by_itself(tmp_path: Path, setting: str, ends: bool) -> None:
    compose = f"services:\n  trace:\n    image: acme/trace:1.0.0\n    {setting}\n"
    assert (severities_by_line(tmp_path, {"compose.yml": compose}, "compose/restart-missing") == {}) is ends


LOCATION = "server {{\n    {server}\n    location / {{\n        proxy_set_header Host $host;\n        proxy_pass http://app:3000;\n    }}\n}}\n"


@pytest.mark.parametrize(
    ("server", "head", "is_told"),
    [
        ("listen 8080;", "log_format main '$remote_addr $http_x_forwarded_proto';\n", False),
        ("listen 8080;", "map $http_x_forwarded_proto $is_https { default 0; https 1; }\n", False),
        ('listen 8080; if ($http_x_forwarded_proto = "http") { return 301 https://$host; }', "", False),
        ("listen 8080; set_real_ip_from 10.0.0.0/8;", "", False),
        ("listen 443 ssl;", "log_format main '$remote_addr $http_x_forwarded_proto';\n", True),
        # the log format that nginx comes with
        ("listen 8080;", "log_format main '$remote_addr \"$http_x_forwarded_for\"';\n", True),
        ("listen 8080;", "", True),
    ],
)
def test_headers_of_a_proxy_in_front_are_passed_on(tmp_path: Path, server: str, head: str, is_told: bool) -> None:
    files = {"nginx/conf.d/app.conf": head + LOCATION.format(server=server)}
    assert bool(severities_by_line(tmp_path, files, "nginx/forwarded-headers-missing")) is is_told
