"""API versions that are removed elsewhere, and served by the cluster that the files tell of."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

BUDGET = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {maxUnavailable: 1}\n"  # gone in 1.25
PLAN = "apiVersion: upgrade.cattle.io/v1\nkind: Plan\nmetadata: {name: %s}\nspec: {upgrade: {image: %s}, %s}\n"
TALOS = "clusterName: home\ntalosVersion: v1.7.0\nkubernetesVersion: %s\nnodes: []\n"
KUBEADM = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: %s\n"
CSV = "apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nmetadata: {name: web.v1.0.0}\nspec: {version: 1.0.0}\n"
K3S = "rancher/k3s-upgrade"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, ("high", False)),
        ({"plan.yaml": PLAN % ("a", K3S, "version: v1.21.5+k3s1")}, ("medium", True)),
        ({"up/plan.yaml": PLAN % ("a", K3S, "channel: 'https://update.k3s.io/v1-release/channels/v1.24'")}, ("medium", True)),
        ({"plan.yaml": PLAN % ("a", "registry.example.com/rke2-upgrade", "version: v1.21.5+rke2r1")}, ("medium", True)),
        ({"plan.yaml": PLAN % ("a", K3S, "version: v1.25.0+k3s1")}, ("high", False)),
        ({"plan.yaml": PLAN % ("a", K3S, "channel: 'https://update.k3s.io/v1-release/channels/stable'")}, ("high", False)),
        ({"plan.yaml": PLAN % ("a", "acme/os-upgrade", "version: v1.21.5")}, ("high", False)),
        ({"plan.yaml": (PLAN % ("a", K3S, "version: v1.25.0")).replace("upgrade.cattle.io", "example.com")}, ("high", False)),
        ({"a.yaml": PLAN % ("a", K3S, "version: v1.21.5"), "b.yaml": PLAN % ("b", K3S, "version: v1.21.9")}, ("medium", True)),
        ({"a.yaml": PLAN % ("a", K3S, "version: v1.21.5"), "b.yaml": PLAN % ("b", K3S, "version: v1.26.9")}, ("high", False)),
        ({"talos/talconfig.yaml": TALOS % "v1.24.1"}, ("medium", True)),
        ({"talos/talconfig.yaml": TALOS % '"1.24.1"'}, ("medium", True)),
        ({"talos/talconfig.yaml": TALOS % "v1.30.1"}, ("high", False)),
        ({"talos/talconfig.yaml": TALOS % "${KUBERNETES_VERSION}"}, ("high", False)),
        ({"other.yaml": TALOS % "v1.24.1"}, ("high", False)),
        ({"kubeadm.yaml": KUBEADM % "v1.24.1"}, ("medium", True)),
        ({"bundle.yaml": CSV}, ("medium", False)),
        ({"bundle/csv.yaml": CSV}, ("high", False)),
    ],
)
def test_a_version_that_the_cluster_serves(tmp_path: Path, files: dict[str, str], told: tuple[str, bool]) -> None:
    write_files(tmp_path, {"web.yaml": BUDGET} | files)
    [finding] = readiness.check([tmp_path], base=tmp_path, select=["k8s/api-version-removed"]).findings
    assert (str(finding.severity), "still serves it" in finding.message) == told
