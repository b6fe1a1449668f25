"""Services that an operator makes are in no file; what merely sounds like one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

ROUTE = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web}\nspec: {rules: [{backendRefs: [{name: %s, port: 80}]}]}\n"
INGRESS = (
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: [{host: a.example.com, http: {paths: "
    "[{path: /, pathType: Prefix, backend: {service: {name: %s, port: {number: 80}}}}]}}]}\n"
)
GRAFANA = "apiVersion: grafana.integreatly.org/v1beta1\nkind: Grafana\nmetadata: {name: %s}\n"
MCP_SERVER = "apiVersion: toolhive.stacklok.dev/v1beta1\nkind: MCPServer\nmetadata: {name: %s}\n"
OTHER = "apiVersion: monitoring.example.com/v1\nkind: Dashboards\nmetadata: {name: %s}\n"
RULES = ["k8s/gateway-backend-unresolved", "k8s/ingress-backend-unresolved"]


@pytest.mark.parametrize("sender", [ROUTE, INGRESS])
@pytest.mark.parametrize(
    ("service", "made_for", "told"),
    [
        ("charts-service", GRAFANA % "charts", False),
        ("mcp-files-proxy", MCP_SERVER % "files", False),
        ("webhook-receiver", "", False),
        ("shop-es-http", "", False),
        ("charts-service", GRAFANA % "other", True),
        ("charts-service", "", True),
        ("charts-service", OTHER % "charts", True),
        ("charts-services", GRAFANA % "charts", True),
        ("mcp-files-proxy", MCP_SERVER % "mcp-files", True),
        ("mcp-files-proxy", GRAFANA % "files", True),
    ],
)
def test_a_service_that_an_operator_makes(tmp_path: Path, sender: str, service: str, made_for: str, told: bool) -> None:
    write_files(tmp_path, {"web.yaml": sender % service} | ({"made.yaml": made_for} if made_for else {}))
    assert bool(readiness.check([tmp_path], base=tmp_path, select=RULES).findings) == told
