"""How pods end: hooks that sleep, and the time that is left behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import check
from tests.make import write_files

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: GRACE
      containers:
        - {name: shop, image: registry.example.com/shop:1.4, lifecycle: {preStop: HOOK}}
"""


def severities(tmp_path: Path, hook: str, grace: int) -> list[str]:
    text = DEPLOYMENT.replace("HOOK", hook).replace("GRACE", str(grace))
    rule = "k8s/grace-period-shorter-than-pre-stop"
    return [
        str(one.severity) for one in check([write_files(tmp_path, {"all.yaml": text})], select=[rule], context=False).findings if one.rule == rule
    ]


def shell(command: str) -> str:
    return f'{{exec: {{command: [sh, -c, "{command}"]}}}}'


@pytest.mark.parametrize(
    ("hook", "grace", "severity"),
    [
        ("{sleep: {seconds: 30}}", 30, "medium"),
        ("{exec: {command: [sleep, '30']}}", 30, "medium"),
        (shell("sleep 30"), 20, "medium"),
        (shell("echo draining; sleep 30; echo done; exit 0"), 30, "medium"),
        (shell("sleep 30 || true"), 30, "medium"),
        (shell("nginx -s quit; sleep 30"), 30, "medium"),  # it has quit before it sleeps
        (shell("for i in 1 2; do sleep 30; done"), 30, "medium"),
        (shell("sleep 30; nginx -s quit"), 30, "high"),
        (shell("sleep 30 && kill -QUIT 1"), 20, "high"),
        (shell("sleep 20; nginx -s quit; sleep 20"), 30, "medium"),  # it quits in time
        (shell("sleep 20; sleep 20; nginx -s quit"), 30, "high"),
        (shell("sleep 29; nginx -s quit"), 30, None),
        (shell("sleep 30; nginx -s quit"), 60, None),
    ],
)
def test_a_hook_that_only_sleeps_lets_requests_end(tmp_path: Path, hook: str, grace: int, severity: str | None) -> None:
    assert severities(tmp_path, hook, grace) == ([severity] if severity else [])
