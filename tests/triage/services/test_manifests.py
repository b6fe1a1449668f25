"""Services of manifests: what selects, leads to, scales and names a workload, and what must not join."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.triage.services.trees import deployment, job, joined, manifest, parts_by_service, reason_by_part, report_of

WEB, API = deployment("web", "registry.example.com/shop/web:1.2"), deployment("api", "registry.example.com/shop/api:1.2")
SERVICE = manifest("Service", "front", "spec: {selector: {app: web}, ports: [{port: 80}]}")
INGRESS = manifest(
    "Ingress",
    "edge",
    "spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: front, port: {number: 80}}}}]}}]}",
    "networking.k8s.io/v1",
)
ABOUT_WEB = {
    "selector": (SERVICE, "Service/front", "selector app=web"),
    "budget": (manifest("PodDisruptionBudget", "b", "spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}", "policy/v1"),
               "PodDisruptionBudget/b", "selector app=web"),
    "policy": (manifest("NetworkPolicy", "n", "spec: {podSelector: {matchLabels: {app: web}}}", "networking.k8s.io/v1"),
               "NetworkPolicy/n", "selector app=web"),
    "pod monitor": (manifest("PodMonitor", "m", "spec: {selector: {matchLabels: {app: web}}}", "monitoring.coreos.com/v1"),
                    "PodMonitor/m", "selector app=web"),
    "autoscaler": (manifest("HorizontalPodAutoscaler", "h",
                            "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}", "autoscaling/v2"),
                   "HorizontalPodAutoscaler/h", "scales Deployment/web"),
    "ingress": (joined(SERVICE, INGRESS), "Ingress/edge", "backend front"),
    "route": (joined(SERVICE, manifest("HTTPRoute", "r", "spec: {rules: [{backendRefs: [{name: front, port: 80}]}]}",
                                       "gateway.networking.k8s.io/v1")), "HTTPRoute/r", "backend front"),
    "mesh": (joined(SERVICE, manifest("VirtualService", "v", "spec: {http: [{route: [{destination: {host: front.shop.svc}}]}]}",
                                      "networking.istio.io/v1")), "VirtualService/v", "backend front"),
    "traefik": (joined(SERVICE, manifest("IngressRoute", "t", "spec: {routes: [{services: [{name: front, port: 80}]}]}", "traefik.io/v1alpha1")),
                "IngressRoute/t", "backend front"),
    "its name": (manifest("ConfigMap", "web-settings", "data: {a: b}"), "ConfigMap/web-settings", "its name begins as the service's"),
}  # fmt: skip


@pytest.mark.parametrize("case", ABOUT_WEB)
def test_what_is_about_one_workload_is_its_services(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, resource, reason = ABOUT_WEB[case]
    report = report_of({"k8s/all.yaml": joined(WEB, API, text)}, tmp_path, monkeypatch)
    assert resource in parts_by_service(report)["web"]
    assert resource not in parts_by_service(report)["api"]
    assert reason_by_part(report, "web")[resource] == reason


NAMED_BY_POD = {
    "volume": ("      volumes: [{name: c, configMap: {name: settings}}]\n", "ConfigMap", "settings"),
    "claim": ("      volumes: [{name: c, persistentVolumeClaim: {claimName: disk}}]\n", "PersistentVolumeClaim", "disk"),
    "secret": ("      volumes: [{name: c, secret: {secretName: keys}}]\n", "Secret", "keys"),
    "account": ("      serviceAccountName: robot\n", "ServiceAccount", "robot"),
}


@pytest.mark.parametrize("case", NAMED_BY_POD)
def test_what_one_workload_names_is_its_services(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra, kind, name = NAMED_BY_POD[case]
    worker = deployment("worker", "registry.example.com/shop/worker:1", extra=extra)
    report = report_of({"k8s/all.yaml": joined(worker, API, manifest(kind, name, ""))}, tmp_path, monkeypatch)
    assert reason_by_part(report, "worker")[f"{kind}/{name}"] == "Deployment/worker names it"


@pytest.mark.parametrize("case", NAMED_BY_POD)
def test_what_two_workloads_name_is_nobodys(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra, kind, name = NAMED_BY_POD[case]
    workers = (deployment(one, f"registry.example.com/shop/{one}:1", extra=extra) for one in ("left", "right"))
    report = report_of({"k8s/all.yaml": joined(*workers, manifest(kind, name, ""))}, tmp_path, monkeypatch)
    assert not any(f"{kind}/{name}" in parts for parts in parts_by_service(report).values())


def test_a_job_that_names_it_too_takes_nothing_from_what_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = "      volumes: [{name: c, configMap: {name: settings}}]\n"
    web = deployment("web", "registry.example.com/shop/web:1", extra=extra)
    cleaner = job("cleaner", "registry.example.com/shop/cleaner:1").replace("      restartPolicy", extra + "      restartPolicy")
    report = report_of({"k8s/all.yaml": joined(web, cleaner, manifest("ConfigMap", "settings", "data: {a: b}"))}, tmp_path, monkeypatch)
    assert "ConfigMap/settings" in parts_by_service(report)["web"]


NOBODYS = {
    "selects both": manifest("Service", "both", "spec: {selector: {tier: front}, ports: [{port: 80}]}"),
    "selects all": manifest("NetworkPolicy", "deny", "spec: {podSelector: {}}", "networking.k8s.io/v1"),
    "selects nothing": manifest("Service", "none", "spec: {selector: {app: nobody}, ports: [{port: 80}]}"),
    "namespace": manifest("Namespace", "web", ""),
    "cluster role": manifest("ClusterRole", "web", "rules: []", "rbac.authorization.k8s.io/v1"),
    "another name": manifest("ConfigMap", "webhook", "data: {a: b}"),
}


@pytest.mark.parametrize("case", NOBODYS)
def test_what_is_about_several_or_the_cluster_is_nobodys(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = "tier: front"
    workloads = (deployment(one, f"registry.example.com/shop/{one}:1", labels=f"app: {one}, {labels}") for one in ("web", "api"))
    report = report_of({"k8s/all.yaml": joined(*workloads, NOBODYS[case])}, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"web": {"Deployment/web"}, "api": {"Deployment/api"}}


def test_an_ingress_before_two_services_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api_service = manifest("Service", "back", "spec: {selector: {app: api}, ports: [{port: 80}]}")
    second_path = ", {path: /api, pathType: Prefix, backend: {service: {name: back, port: {number: 80}}}}]}}]}"
    ingress = INGRESS.replace("]}}]}", second_path)
    parts = parts_by_service(report_of({"k8s/all.yaml": joined(WEB, API, SERVICE, api_service, ingress)}, tmp_path, monkeypatch))
    assert parts == {"web": {"Deployment/web", "Service/front"}, "api": {"Deployment/api", "Service/back"}}


def test_an_account_brings_its_binding_and_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = deployment("web", "registry.example.com/shop/web:1", extra="      serviceAccountName: robot\n")
    group = "rbac.authorization.k8s.io"
    binding = manifest(
        "RoleBinding",
        "rb",
        f"subjects: [{{kind: ServiceAccount, name: robot}}]\nroleRef: {{apiGroup: {group}, kind: Role, name: reader}}",
        f"{group}/v1",
    )
    role = manifest("Role", "reader", "rules: []", f"{group}/v1")
    report = report_of({"k8s/all.yaml": joined(web, API, manifest("ServiceAccount", "robot", ""), binding, role)}, tmp_path, monkeypatch)
    assert {"ServiceAccount/robot", "RoleBinding/rb", "Role/reader"} <= parts_by_service(report)["web"]


@pytest.mark.parametrize(("image", "is_joined"), [("registry.example.com/shop/web:1.2", True), ("registry.example.com/shop/migrate:1", False)])
def test_a_job_belongs_where_its_image_runs(image: str, is_joined: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"k8s/all.yaml": joined(WEB, API, job("migrate", image))}, tmp_path, monkeypatch)
    assert ("Job/migrate" in parts_by_service(report)["web"]) is is_joined
    assert ("migrate" in parts_by_service(report)) is not is_joined


def test_two_that_last_may_run_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, cleaner = deployment("worker", "registry.example.com/shop/web:1.2"), job("cleaner", "registry.example.com/shop/web:1.2")
    report = report_of({"k8s/all.yaml": joined(WEB, worker, cleaner)}, tmp_path, monkeypatch)
    assert set(parts_by_service(report)) == {"web", "worker", "cleaner"}


def overlay(environment: str, prefix: str = "") -> str:
    written_prefix = f"namePrefix: {prefix}\n" if prefix else ""
    return f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{written_prefix}namespace: {environment}\nresources: [../../base]\n"


@pytest.mark.parametrize("prefix", ["", "env-", "{environment}-"])
def test_environments_of_one_base_are_one_service(prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = {"base/kustomization.yaml": "resources: [web.yaml, api.yaml]\n", "base/web.yaml": joined(WEB, SERVICE), "base/api.yaml": API}
    overlays = {f"overlays/{one}/kustomization.yaml": overlay(one, prefix.format(environment=one)) for one in ("staging", "production")}
    report = report_of(base | overlays, tmp_path, monkeypatch)
    assert len(report["services"]) == 2
    web = next(one for one in report["services"] if "web" in one["name"])
    assert {part["unit"] for part in web["parts"]} == {"overlays/staging", "overlays/production"}
    assert {part["path"] for part in web["parts"]} == {"base/web.yaml"}


@pytest.mark.parametrize(("first", "second", "count"), [
    ("deploy/dev", "deploy/prod", 1),
    ("deploy/dev", "deploy", 1),
    ("deploy/east", "other/west", 1),  # the same image and name
])  # fmt: skip
def test_folders_of_environments_hold_one_service(first: str, second: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({f"{first}/web.yaml": WEB, f"{second}/web.yaml": WEB}, tmp_path, monkeypatch)
    assert len(report["services"]) == count


def test_a_name_alone_joins_no_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two databases of one name and one public image, in two applications that share nothing."""
    db = deployment("db", "postgres:16", kind="StatefulSet")
    shop, blog = deployment("shop", "registry.example.com/a/shop:1"), deployment("blog", "registry.example.com/a/blog:1")
    report = report_of({"apps/shop/all.yaml": joined(shop, db), "apps/blog/all.yaml": joined(blog, db)}, tmp_path, monkeypatch)
    assert set(parts_by_service(report)) == {"shop", "blog", "db (apps/shop)", "db (apps/blog)"}


def test_the_database_of_two_ways_to_run_a_thing_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = deployment("db", "postgres:16", kind="StatefulSet")
    shop = deployment("shop", "registry.example.com/a/shop:1")
    report = report_of({"manifests/all.yaml": joined(shop, db), "bundle/all.yaml": joined(shop, db)}, tmp_path, monkeypatch)
    assert set(parts_by_service(report)) == {"shop", "db"}


def test_releases_of_charts_from_elsewhere_are_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = manifest("HelmRelease", "grafana", "spec: {interval: 1h, chart: {spec: {chart: grafana, sourceRef: {kind: HelmRepository, name: g}}}}",
                       "helm.toolkit.fluxcd.io/v2")  # fmt: skip
    applied = manifest("Kustomization", "monitoring", "spec: {interval: 1h, path: ./apps/grafana, prune: true}", "kustomize.toolkit.fluxcd.io/v1")
    files = {"apps/grafana/release.yaml": release, "clusters/one.yaml": applied, "apps/grafana/config.yaml": manifest("ConfigMap", "grafana-ini", "")}
    report = report_of(files, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"grafana": {"HelmRelease/grafana", "ConfigMap/grafana-ini", "Kustomization/monitoring"}}


def test_what_an_operator_runs_is_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"k8s/p.yaml": manifest("Prometheus", "main", "spec: {}", "monitoring.coreos.com/v1")}, tmp_path, monkeypatch)
    assert parts_by_service(report) == {"main": {"Prometheus/main"}}


def test_findings_know_their_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of({"k8s/all.yaml": joined(WEB, API, SERVICE, manifest("Namespace", "shop", ""))}, tmp_path, monkeypatch)
    service_by_resource = {one["resource"]: one["service"] for one in report["findings"]}
    assert service_by_resource["Deployment/web"] == "web"
    assert service_by_resource["Deployment/api"] == "api"
    assert {one["name"]: one["findings"] for one in report["services"]} == {
        name: sum(one["service"] == name for one in report["findings"]) for name in ("web", "api")
    }


def test_findings_on_what_overlays_make_know_their_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": joined(WEB, API)}
    overlays = {f"overlays/{one}/kustomization.yaml": overlay(one) for one in ("staging", "production")}
    report = report_of(files | overlays, tmp_path, monkeypatch)
    assert {one["service"] for one in report["findings"] if one["resource"] == "Deployment/web"} == {"web"}


def test_context_joins_and_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {".git/HEAD": "ref: refs/heads/main\n", "k8s/web.yaml": WEB, "k8s/front/service.yaml": SERVICE}
    report = report_of(files, tmp_path, monkeypatch, paths=("k8s/front",))
    assert parts_by_service(report) == {"web": {"Service/front"}}
