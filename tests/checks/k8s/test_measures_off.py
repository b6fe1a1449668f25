"""A Service's port of measurements, where the pods take none."""

from __future__ import annotations

import pytest

from tests.checks.k8s.test_criticals import run

WEB = (
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}, template: {metadata: "
    "{labels: {app: web}}, spec: {containers: [{name: web, image: 'example.com/web:1', ports: [%s]}]}}}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: web-metrics}\nspec: {selector: {app: web}, ports: [{name: %s, port: 9141, targetPort: %s}]}\n"
)
CLIENT, METRICS = "{name: client, containerPort: 2181}", "{name: http-metrics, containerPort: 9141}"


@pytest.mark.parametrize(
    ("ports", "name", "target", "want"),
    [
        (CLIENT, "tcp-metrics", "metrics", ["low"]),
        (CLIENT, "x", "metrics", ["low"]),
        (f"{CLIENT}, {METRICS}", "tcp-metrics", "metrics", ["medium"]),  # misspelt: they are on, and nothing asks them
        (CLIENT, "http", "web", ["medium"]),
        (f"{CLIENT}, {METRICS}", "tcp-metrics", "http-metrics", []),
    ],
)
def test_a_port_of_measurements_that_are_off(ports: str, name: str, target: str, want: list[str]) -> None:
    assert run("service-port-undefined", WEB % (ports, name, target)) == want
