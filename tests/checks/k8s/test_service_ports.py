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


METERED = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - {name: shop, image: registry.example.com/shop:1.4, ports: [{containerPort: 8080, name: http}, {containerPort: 9100, name: metrics-port}]}
"""


def metered_service(*, ports: str, kind: str = "ClusterIP", annotations: str = "") -> str:
    metadata = f"{{name: shop, namespace: shop, labels: {{app: shop}}, annotations: {{{annotations}}}}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\nspec: {{type: {kind}, selector: {{app: shop}}, ports: [{ports}]}}\n"


HTTP, METRICS = "{name: http, port: 80, targetPort: http}", "{name: metrics, port: 9100, targetPort: metrics}"
API = "{name: api, port: 81, targetPort: api}"
BOTH = metered_service(ports=f"{HTTP}, {METRICS}")
MONITOR = """apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: shop, namespace: shop}
spec: {selector: {matchLabels: {app: shop}}, endpoints: [{port: PORT}]}
"""


def ingress(port: str) -> str:
    backend = f"{{service: {{name: shop, port: {port}}}}}"
    path = f"{{path: /, pathType: Prefix, backend: {backend}}}"
    metadata = "{name: shop, namespace: shop}"
    return f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {metadata}\nspec: {{rules: [{{http: {{paths: [{path}]}}}}]}}\n"


def caller(address: str) -> str:
    return METERED.replace("name: shop,", "name: caller,").replace("app: shop", "app: caller").replace(
        "ports: [", f'env: [{{name: SHOP, value: "{address}"}}], ports: ['
    )  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "severity"),
    [
        ((BOTH,), "medium"),
        ((BOTH, ingress("{number: 80}")), "medium"),
        ((BOTH, ingress("{number: 9100}")), "high"),
        ((BOTH, ingress("{name: metrics}")), "high"),
        ((BOTH, MONITOR.replace("PORT", "metrics")), "high"),
        ((BOTH, MONITOR.replace("PORT", "http")), "medium"),
        ((BOTH, MONITOR.replace("PORT", "metrics").replace("app: shop", "app: other")), "medium"),
        ((BOTH, caller("http://shop/orders")), "medium"),
        ((BOTH, caller("http://shop:9100/metrics")), "high"),
        ((BOTH, caller("http://shop.shop.svc.cluster.local:9100/metrics")), "high"),
        ((BOTH, caller("http://shop:91000/")), "medium"),
        ((metered_service(ports=f"{HTTP}, {METRICS}", kind="LoadBalancer"),), "medium"),
        ((metered_service(ports=f"{HTTP}, {METRICS}", annotations='prometheus.io/scrape: "true", prometheus.io/port: "9100"'),), "high"),
        ((metered_service(ports=f"{HTTP}, {METRICS}", annotations='prometheus.io/scrape: "true", prometheus.io/port: "80"'),), "medium"),
        ((metered_service(ports=f"{HTTP}, {API}"),), "medium"),
        ((metered_service(ports=f"{HTTP}, {API}"), caller("http://shop")), "medium"),
        ((metered_service(ports=f"{HTTP}, {API}"), caller("http://shop:81")), "high"),
        ((metered_service(ports=f"{HTTP}, {API}"), caller("grpc://shop")), "high"),  # a port that is not told may be any
        ((metered_service(ports=f"{HTTP}, {API}", kind="NodePort"),), "high"),
    ],
)
def test_a_port_without_pods_is_high_where_somebody_sends_to_it(tmp_path: Path, documents: tuple[str, ...], severity: str) -> None:
    assert told(tmp_path, "k8s/service-port-undefined", METERED, *documents) == {("", severity)}


@pytest.mark.parametrize("owner", ["apiextensions.k8s.io/v1 CustomResourceDefinition", "apiregistration.k8s.io/v1 APIService"])
@pytest.mark.parametrize(("port", "severity"), [("443", "high"), ("8443", "medium")])
def test_the_api_server_asks_port_443(tmp_path: Path, owner: str, port: str, severity: str) -> None:
    api_version, kind = owner.split()
    service_reference = "{name: shop, namespace: shop}"
    spec = (
        f"{{conversion: {{webhook: {{clientConfig: {{service: {service_reference}}}}}}}}}"
        if "Custom" in kind
        else f"{{service: {service_reference}}}"
    )
    asker = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: v1.shop.example.net}}\nspec: {spec}\n"
    hooks = metered_service(ports=f"{{name: hooks, port: {port}, targetPort: hooks}}")
    assert told(tmp_path, "k8s/service-port-undefined", METERED, hooks, asker) == {("", severity)}


@pytest.mark.parametrize(
    ("annotation", "severity"),
    [
        ("helm.sh/hook: pre-upgrade", "medium"),
        ("argocd.argoproj.io/hook: PreSync", "medium"),
        ("argocd.argoproj.io/hook: Skip", "high"),
        ("example.com/hook: pre-upgrade", "high"),
    ],
)
def test_a_hook_is_made_anew_and_never_rolled_out(tmp_path: Path, annotation: str, severity: str) -> None:
    workload = METERED.replace("namespace: shop}", f"namespace: shop, annotations: {{{annotation}}}}}", 1).replace(
        "ports: [", "livenessProbe: {tcpSocket: {port: 8080}, initialDelaySeconds: 30}, ports: ["
    )
    node_port = metered_service(ports=HTTP, kind="NodePort")
    assert told(tmp_path, "k8s/readiness-probe-missing", workload, node_port) == {("shop", severity)}
