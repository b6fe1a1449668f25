"""Facts that look like a fault and stop nothing, beside their neighbours that do."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files


def severities(folder: Path, rule: str, files: dict[str, str]) -> list[str]:
    """The severities of what a rule finds in some files."""
    report = readiness.check([write_files(folder, files)], base=folder, select=[f"k8s/{rule}"])
    return [str(one.severity) for one in report.findings if one.rule == f"k8s/{rule}"]


def workload(pod: str, container: str = "", *, name: str = "web", replicas: int = 2) -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n"
        f"  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n"
        f"      {pod or 'dnsPolicy: ClusterFirst'}\n      containers: [{{name: web, image: 'registry.example.net/web:1.4'{container}}}]\n---\n"
    )


def claim(spec: str, mode: str = "ReadWriteOnce") -> str:
    pod = "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]"
    return (
        workload(pod) + "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
        f"spec: {{accessModes: [{mode}], {spec}resources: {{requests: {{storage: 1Gi}}}}}}\n---\n"
    )


def volume(spec: str, *, name: str = "share", labels: str = "for: web") -> str:
    return (
        f"apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"
        f"spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], {spec}}}\n---\n"
    )


NFS = "nfs: {server: files.example.net, path: /data}"
SELECTED = 'storageClassName: "", selector: {matchLabels: {for: web}}, '
DISK = "csi: {driver: ebs.csi.aws.com, volumeHandle: vol-1}"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (claim(SELECTED) + volume(NFS), []),
        (claim("volumeName: share, ") + volume(NFS), []),
        (claim('storageClassName: "", ') + volume("csi: {driver: nfs.csi.k8s.io, volumeHandle: a}"), []),
        (claim("") + volume(NFS + ", claimRef: {name: data}"), []),
        (claim(SELECTED) + volume(DISK), ["high"]),
        (claim(SELECTED) + volume(NFS, labels="for: queue"), ["high"]),
        (claim("volumeName: disk, ") + volume(NFS), ["high"]),
        (claim("") + volume(NFS), ["high"]),
        (claim('storageClassName: "", ') + volume(NFS) + volume(DISK, name="disk"), ["high"]),
        (claim(SELECTED, "ReadWriteOncePod") + volume(NFS), ["high"]),
    ],
)
def test_claims_that_any_number_of_nodes_mount(tmp_path: Path, text: str, want: list[str]) -> None:
    assert severities(tmp_path, "claim-shared-by-replicas", {"a.yaml": text}) == want


@pytest.mark.parametrize(
    ("image", "want"),
    [
        ("image: bitnami/postgresql:16.4.0", ["high"]),
        ("image: bitnami/postgresql:16.4.0, imagePullPolicy: IfNotPresent", ["high"]),
        ("image: bitnami/postgresql:16.4.0, imagePullPolicy: Never", []),
        ("image: bitnami/postgresql:sandbox", []),
    ],
)
def test_images_that_nobody_pulls(tmp_path: Path, image: str, want: list[str]) -> None:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: db}}\nspec: {{containers: [{{name: db, {image}}}]}}\n"
    assert severities(tmp_path, "image-bitnami-gone", {"a.yaml": pod}) == want


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ('"--health-probe-bind-address=:8081"', "info"),
        ('"--health-addr", "0.0.0.0:8081"', "info"),
        ('"--probe-port=8081"', "info"),
        ('"--listen=[::]:8081"', "info"),
        ('"--health-probe-bind-address=:8082"', "low"),
        ('"--max-items=8081"', "low"),
        ('"--bind=18081"', "low"),
    ],
)
def test_a_probed_port_that_the_arguments_open(tmp_path: Path, arguments: str, want: str) -> None:
    container = f", args: [{arguments}], ports: [{{containerPort: 9443}}], livenessProbe: {{httpGet: {{path: /healthz, port: 8081}}}}"
    assert severities(tmp_path, "probe-port-undeclared", {"a.yaml": workload("", container)}) == [want]


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: wbe}, ports: [{port: 80}]}\n---\n"
CALLER = workload("", ", env: [{name: BACKEND_URL, value: 'http://web:80'}]", name="shop") + SERVICE.replace("web}", "shop}").replace("wbe", "shop")


INGRESS = (
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
    "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n---\n"
)


@pytest.mark.parametrize(
    ("more", "want"),
    [("", "medium"), (CALLER, "high"), (INGRESS, "high"), (CALLER.replace("//web:", "//db:"), "medium")],
)
def test_a_service_without_pods_is_high_where_somebody_uses_it(tmp_path: Path, more: str, want: str) -> None:
    assert severities(tmp_path, "service-selects-nothing", {"a.yaml": workload("") + SERVICE + more})[0] == want


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("system:kube-vip-role", 1),
        ("system:controllers", 1),
        ("system:node-exporter", 1),
        ("system:controller:job-controller", 0),
        ("system:kube-controller-manager", 0),
        ("system:aggregate-to-admin", 0),
        ("system:openshift:scc:privileged", 0),
    ],
)
def test_roles_that_only_begin_like_those_of_kubernetes(tmp_path: Path, name: str, want: int) -> None:
    role = (
        f'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: "{name}"}}\n'
        'rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]\n'
    )
    assert len(severities(tmp_path, "rbac-everything", {"a.yaml": role})) == want


def chart(name: str, template: str) -> dict[str, str]:
    return {f"charts/{name}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n", f"charts/{name}/templates/a.yaml": template}


@pytest.mark.parametrize(
    ("target", "want"),
    [("metadata: {name: web-db}\nspec: {}", 0), ("metadata: {name: db}\nspec: {target: {name: web-db}}", 0), ("metadata: {name: db}\nspec: {}", 1)],
)
def test_secrets_that_an_object_of_another_chart_makes(tmp_path: Path, target: str, want: int) -> None:
    pod = workload("", ", envFrom: [{secretRef: {name: web-db}}]")
    external_secret = f"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n{target}\n"
    files = chart("web", pod) | chart("secrets", external_secret)
    assert len(severities(tmp_path, "config-map-unresolved", files)) == want


@pytest.mark.parametrize(("service_type", "want"), [("ClusterIP", "medium"), ("NodePort", "medium"), ("LoadBalancer", "high")])
def test_a_service_without_pods_that_is_open(tmp_path: Path, service_type: str, want: str) -> None:
    service = SERVICE.replace("ports:", f"type: {service_type}, ports:")
    assert severities(tmp_path, "service-selects-nothing", {"a.yaml": workload("") + service}) == [want]
