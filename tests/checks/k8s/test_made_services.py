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
VICTORIA = "apiVersion: operator.victoriametrics.com/v1beta1\nkind: %s\nmetadata: {name: %s}\n"
EMQX = "apiVersion: apps.emqx.io/v2beta1\nkind: EMQX\nmetadata: {name: %s}\n"
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
        ("vmauth-logs", VICTORIA % ("VMAuth", "logs"), False),
        ("vmselect-metrics", VICTORIA % ("VMCluster", "metrics"), False),
        ("vmauth-logs", VICTORIA % ("VMAuth", "metrics"), True),
        ("broker-dashboard", EMQX % "broker", False),
        ("broker-listeners", EMQX % "broker", False),
        ("broker-dashboard", EMQX % "queue", True),
        ("broker-dashboard", OTHER % "broker", True),
        ("vmselect-metrics", VICTORIA % ("VMSingle", "metrics"), True),
    ],
)
def test_a_service_that_an_operator_makes(tmp_path: Path, sender: str, service: str, made_for: str, told: bool) -> None:
    write_files(tmp_path, {"web.yaml": sender % service} | ({"made.yaml": made_for} if made_for else {}))
    assert bool(readiness.check([tmp_path], base=tmp_path, select=RULES).findings) == told


FLUX = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %s}\n"
    "spec: {chart: {spec: {chart: %s, sourceRef: {kind: %s, name: r}}}%s}\n"
)
ARGO = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: %s}\nspec: {destination: {namespace: %s}, source: "
    "{chart: gitlab, repoURL: 'https://charts.example.com', targetRevision: 1.0.0}}\n"
)
OWN_SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: others}\nspec: {type: ExternalName, externalName: a.example.com}\n"


@pytest.mark.parametrize("sender", [ROUTE, INGRESS])
@pytest.mark.parametrize(
    ("service", "files", "told"),
    [
        ("gitlab", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", "")}, False),
        ("gitlab-web-default", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", "")}, False),
        ("lab-web", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", ", releaseName: lab")}, False),
        ("lab-web", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", ", values: {fullnameOverride: lab}")}, False),
        ("tools-gitlab", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", ", targetNamespace: tools")}, False),
        ("vmalert-stack", {"hr.yaml": FLUX % ("stack", "victoria-metrics-k8s-stack", "HelmRepository", "")}, False),
        ("gitlab-web", {"app.yaml": ARGO % ("gitlab", "tools")}, False),
        ("gitlab-web", {"hr.yaml": FLUX % ("gitlab", "./elsewhere", "GitRepository", "")}, False),
        ("gitlab-web", {"hr.yaml": FLUX % ("gitlab", "./a/b", "GitRepository", ""), "a/b/x.yaml": OWN_SERVICE}, True),
        ("gitlab-web", {"a/hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", "")}, True),
        ("gitlab", {"hr.yaml": FLUX % ("git", "gitlab", "HelmRepository", "")}, True),
        ("web-gitlab", {"hr.yaml": FLUX % ("gitlab", "gitlab", "HelmRepository", "")}, True),
    ],
)
def test_a_service_that_a_release_beside_makes(tmp_path: Path, sender: str, service: str, files: dict[str, str], told: bool) -> None:
    write_files(tmp_path, {"web.yaml": sender % service, "others.yaml": OWN_SERVICE} | files)
    assert bool(readiness.check([tmp_path], base=tmp_path, select=RULES).findings) == told


def test_a_release_in_the_namespace_of_the_service_makes_it_from_anywhere(tmp_path: Path) -> None:
    route = (ROUTE % "gitlab-web").replace("{name: web}", "{name: web, namespace: %s}")
    for namespace, told in (("tools", False), ("shop", True)):
        write_files(tmp_path, {"web.yaml": route % namespace, "releases/gitlab.yaml": ARGO % ("gitlab", "tools")})
        assert bool(readiness.check([tmp_path], base=tmp_path, select=RULES).findings) == told


BUDGET = (
    "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p}\nspec: {minAvailable: 1, selector: {matchLabels: {app: csi-plugin}}}\n"
)
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {selector: {app: csi-plugin}, ports: [{port: 80}]}\n"
WORKLOAD = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}, template: "
    "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: acme/web:1.0.0}]}}}\n"
)
ROOK = FLUX % ("ceph-cluster", "ceph-cluster", "HelmRepository", "")


@pytest.mark.parametrize(("rule", "asker"), [("k8s/disruption-budget-selects-nothing", BUDGET), ("k8s/service-selects-nothing", SERVICE)])
@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"web/web.yaml": WORKLOAD, "ceph/hr.yaml": ROOK}, False),
        ({"web/web.yaml": WORKLOAD, "other/hr.yaml": ROOK}, True),
        ({"ceph/web.yaml": WORKLOAD, "ceph/hr.yaml": ROOK}, True),
        ({"web/web.yaml": WORKLOAD}, True),
    ],
)
def test_pods_may_be_those_of_a_release_beside(tmp_path: Path, rule: str, asker: str, files: dict[str, str], told: bool) -> None:
    write_files(tmp_path, {"ceph/asker.yaml": asker} | files)
    assert [one.rule for one in readiness.check([tmp_path], base=tmp_path, select=[rule]).findings] == [rule] * told
