"""One table of host paths: what compose calls sensitive, Kubernetes calls so too."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

import readiness
from readiness.facts import host_paths

SENSITIVE = {
    "/": True,
    "/etc": True,
    "/etc/ssh": True,
    "/etc/ssh/moduli": False,
    "/etc/localtime": False,
    "/etc/ssl/certs": False,
    "/etc/kubernetes/pki/ca.key": True,
    "/etc/kubernetes-tools": False,
    "/var/lib/docker": True,
    "/var/lib/docker/containers": False,
    "/var/lib/kubelet/pods": True,
    "/root/.ssh/id_ed25519": True,
    "/root/.ssh/known_hosts": False,
    "~/.kube": True,
    "/srv/web": False,
    "": False,
}


@pytest.mark.parametrize(("path", "expected"), SENSITIVE.items())
def test_what_gives_a_host_away(path: str, expected: bool) -> None:
    assert host_paths.is_sensitive_host_path(path) is expected


@pytest.mark.parametrize(
    ("path", "itself", "holds"),
    [
        ("/var/run/docker.sock", True, True),
        ("/run/k3s/containerd/containerd.sock", True, True),
        ("/var/run", False, True),
        ("/var/run/postgresql", False, False),
        ("/srv/app.sock", False, False),
    ],
)
def test_sockets_of_container_runtimes(path: str, itself: bool, holds: bool) -> None:
    assert host_paths.is_container_runtime_socket(path) is itself
    assert host_paths.is_or_holds_runtime_socket(path) is holds


def test_credentials_of_clouds() -> None:
    assert host_paths.holds_cloud_credentials("/root/.aws/credentials")
    assert not host_paths.holds_cloud_credentials("/root/.awsome")


POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  volumes: [{{name: files, hostPath: {{path: {path}}}}}]
  containers: [{{name: web, image: "registry.example.com/web:1.4"}}]
"""
RULES = [
    "compose/host-path-sensitive",
    "compose/engine-socket",
    "k8s/host-path-sensitive",
    "k8s/host-path-cloud-credentials",
    "k8s/runtime-socket",
]
COMPOSE = """\
services:
  web: {{image: "registry.example.com/web:1.4", volumes: ["{path}:/mnt:ro"]}}
"""


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("/var/lib/docker", ["compose/host-path-sensitive", "k8s/host-path-sensitive"]),
        ("/etc/ssh", ["compose/host-path-sensitive", "k8s/host-path-sensitive"]),
        ("/var/lib/etcd/member", ["compose/host-path-sensitive", "k8s/host-path-sensitive"]),
        ("/etc/localtime", []),
        ("/run", ["compose/host-path-sensitive", "k8s/runtime-socket"]),
        ("/run/containerd/containerd.sock", ["compose/engine-socket", "k8s/runtime-socket"]),
        ("/var/run/cri-dockerd.sock", ["compose/engine-socket", "k8s/runtime-socket"]),
        ("/root/.aws", ["compose/host-path-sensitive", "k8s/host-path-cloud-credentials"]),
    ],
)
def test_both_kinds_ask_one_table(tmp_path: Path, path: str, rules: list[str]) -> None:
    (tmp_path / "pod.yaml").write_text(POD.format(path=path))
    (tmp_path / "compose.yaml").write_text(COMPOSE.format(path=path))
    report = readiness.check([tmp_path], select=RULES, base=tmp_path, today=datetime.date(2026, 11, 1))
    assert sorted(one.rule for one in report.findings) == rules
