"""Which container a Service's port means, and Services that are only there to be scraped."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import check
from tests.make import write_files

WEBHOOK = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: shop}
webhooks:
  - name: shop.example.net
    failurePolicy: Fail
    clientConfig: {service: {name: shop, namespace: shop, path: /check}}
"""
OPERATOR = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: proxy
          image: registry.example.com/proxy:1.4
          ports: [{containerPort: 8443, name: https}]
        - name: manager
          image: registry.example.com/shop:1.4
          ports: [{containerPort: 9443, name: hooks}]
"""


def service(name: str, port: str) -> str:
    ports = f"[{{name: {port}, port: 443, targetPort: {port}}}]"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{selector: {{app: shop}}, ports: {ports}}}\n"


def told(tmp_path: Path, rule: str, *documents: str) -> set[tuple[str, str]]:
    root = write_files(tmp_path, {"all.yaml": "---\n".join(documents)})
    return {(one.container, str(one.severity)) for one in check([root], select=[rule], context=False).findings if one.rule == rule}


def test_a_webhook_waits_for_the_container_that_its_port_means(tmp_path: Path) -> None:
    found = told(tmp_path, "k8s/readiness-probe-missing", WEBHOOK, OPERATOR, service("shop", "hooks"), service("other", "https"))
    assert found == {("manager", "high"), ("proxy", "medium")}


@pytest.mark.parametrize(("name", "port", "is_told"), [("shop", "https", True), ("shop", "metrics", False), ("shop-metrics", "https", False)])
def test_a_service_that_is_only_scraped_waits_for_nobody(tmp_path: Path, name: str, port: str, is_told: bool) -> None:
    operator = OPERATOR.replace("name: https", f"name: {port}") if port == "metrics" else OPERATOR
    assert bool(told(tmp_path, "k8s/replicas-single", operator, service(name, port))) is is_told
