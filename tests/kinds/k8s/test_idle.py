"""Workloads that are scaled to none, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import check
from tests.make import write_files

WORKLOAD = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop, labels: {LABELS}}
spec:
  serviceName: shop
  replicas: 0
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: registry.example.com/shop:1.4
          ports: [{name: http, containerPort: 8080}]
          securityContext: {privileged: true}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {type: NodePort, selector: {app: shop}, ports: [{name: http, port: 80, targetPort: http}, {name: api, port: 81, targetPort: api}]}
"""
SCALER = """apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: shop}
spec: {scaleTargetRef: {kind: StatefulSet, name: shop}, minReplicaCount: 0}
"""
ROLLOUT = """apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}
"""
SECOND = WORKLOAD.replace("name: shop, labels", "name: other, labels").replace("replicas: 0", "replicas: 2")
RULES = ("k8s/privileged", "k8s/service-port-undefined", "k8s/label-invalid")


def severity_by_rule(tmp_path: Path, *documents: str) -> dict[tuple[str, str], str]:
    root = write_files(tmp_path, {"all.yaml": "---\n".join(documents).replace("LABELS", "app: shop")})
    found = check([root], select=list(RULES), context=False).findings
    return {(one.rule, one.resource): str(one.severity) for one in found if one.rule in RULES}


PRIVILEGED, PORT = ("k8s/privileged", "StatefulSet/shop"), ("k8s/service-port-undefined", "Service/shop")


def test_what_has_no_pods_harms_nobody_yet(tmp_path: Path) -> None:
    assert severity_by_rule(tmp_path, WORKLOAD, SERVICE) == {PRIVILEGED: "medium", PORT: "medium"}


@pytest.mark.parametrize(
    "documents",
    [
        (WORKLOAD.replace("replicas: 0", "replicas: 1"), SERVICE),
        (WORKLOAD.replace("  replicas: 0\n", ""), SERVICE),
        (WORKLOAD.replace("replicas: 0", "replicas: ${REPLICAS}"), SERVICE),
        (WORKLOAD, SERVICE, SCALER),
        (WORKLOAD, SERVICE, ROLLOUT),
        (WORKLOAD.replace("LABELS", 'sablier.enable: "true"'), SERVICE),
    ],
)
def test_what_has_pods_or_is_given_some_keeps_its_severity(tmp_path: Path, documents: tuple[str, ...]) -> None:
    assert severity_by_rule(tmp_path, *documents) == {PRIVILEGED: "high", PORT: "high"}


def test_a_service_of_others_too_is_not_idle(tmp_path: Path) -> None:
    found = severity_by_rule(tmp_path, WORKLOAD, SECOND, SERVICE)
    assert found == {PRIVILEGED: "medium", ("k8s/privileged", "StatefulSet/other"): "high", PORT: "high"}


def test_what_the_api_server_refuses_is_refused_without_pods(tmp_path: Path) -> None:
    found = severity_by_rule(tmp_path, WORKLOAD.replace("LABELS", "app: shop, tier: -web"))
    assert found["k8s/label-invalid", "StatefulSet/shop"] == "high"


def test_the_default_of_a_chart_is_for_installs_to_set(tmp_path: Path) -> None:
    templated = WORKLOAD.replace("replicas: 0", "replicas: {{ .Values.replicas }}").replace("LABELS", "app: shop")
    chart = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": "replicas: 0\n"}
    root = write_files(tmp_path, {**chart, "templates/shop.yaml": f"{templated}---\n{SERVICE}"})
    assert [str(one.severity) for one in check([root], select=[RULES[0]], context=False).findings if one.rule == RULES[0]] == ["high"]
