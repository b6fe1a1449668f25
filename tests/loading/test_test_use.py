"""What only tests apply: the manifests that a kind cluster mounts, and charts that test another chart."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

KIND = (
    "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n  extraMounts:\n"
    "  - hostPath: ./storage.yaml\n    containerPath: /kind/manifests/default-storage.yaml\n"
)
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "registry.example.net/web:1.4.0", securityContext: {privileged: true}}]
"""
TREE = {"cluster/nodes.yaml": KIND, "cluster/storage.yaml": POD}
MOUNTED = "tests: only the configuration of a kind cluster names it"


def purpose(root: Path, path: str) -> str:
    (row,) = [one for one in check([root], base=root).files if one.path == path]
    return row.purpose


def test_what_only_a_kind_cluster_mounts(tmp_path: Path) -> None:
    assert purpose(write_files(tmp_path, TREE), "cluster/storage.yaml") == MOUNTED


@pytest.mark.parametrize(
    "more",
    [
        {"cluster/kustomization.yaml": "resources: [storage.yaml]\n"},
        {"up.sh": "kubectl apply -f cluster/storage.yaml\n"},
        {"cluster/README.md": "# Up\n\n`kubectl apply -f storage.yaml`\n"},
        {"cluster/nodes.yaml": KIND.replace("./storage.yaml", "./other.yaml")},
        {"cluster/nodes.yaml": KIND.replace("kind.x-k8s.io", "shop.example")},
        {"cluster/nodes.yaml": "a: 1\n", "kind/nodes.yaml": KIND},
    ],
)
def test_what_may_be_applied_elsewhere_is_judged(tmp_path: Path, more: dict[str, str]) -> None:
    assert MOUNTED not in purpose(write_files(tmp_path, TREE | more), "cluster/storage.yaml")


CHART = "apiVersion: v2\nname: %s\nversion: 1.0.0\ndescription: %s\n"
DEPENDENCY = 'dependencies:\n- name: common\n  repository: %s\n  version: "1"\n'
LIBRARY = "apiVersion: v2\nname: common\nversion: 1.0.0\ntype: library\n"


@pytest.mark.parametrize(
    ("name", "description", "repository", "is_test"),
    [
        ("common-test", "Helper chart to test the common library", "file://../common", True),
        ("common-tests", "Testing of the library", "file://../common", True),
        ("common-test", "Helper chart to test the common library", "https://charts.example.com", False),
        ("common-test", "A speedometer", "file://../common", False),
        ("common", "Helper chart to test the common library", "file://../common", False),
        ("speedtest", "Runs a speed test", "file://../common", False),
    ],
)
def test_a_chart_that_tests_another(tmp_path: Path, name: str, description: str, repository: str, is_test: bool) -> None:
    files = {
        "charts/shop/Chart.yaml": CHART % (name, description) + DEPENDENCY % repository,
        "charts/shop/values.yaml": "",
        "charts/shop/templates/pod.yaml": POD,
        "charts/common/Chart.yaml": LIBRARY,
        "charts/common/templates/_a.tpl": "",
    }
    root = write_files(tmp_path, files)
    findings = [one for one in check([root], base=root, select=["k8s/privileged"]).findings if one.path.endswith("pod.yaml")]
    assert [str(one.severity) for one in findings] == ([] if is_test else ["medium"])  # a test may do so


@pytest.mark.parametrize(
    ("description", "is_for_trials"),
    [
        ("A single broker for development and testing purposes", True),
        (">\n  Installs a single broker\n  for local development purposes.", True),
        ("A broker, only for testing", True),
        ("A database for demo only, with no storage", True),
        ("A broker that is not for production", True),
        ("A Helm chart for the Acme local demo cluster", True),
        ("Brokers for local development environments", True),
        ("An operator for sandbox environments", False),
        ("A broker for one's local cluster", False),
        ("A demo of environments for all clusters", False),
        ("General-purpose broker for developers", False),
        ("A tool for load testing of the shop", False),
        ("Sets up disks suitable for simple development tasks", False),
        ("A broker\nkeywords: [for testing purposes]", False),
    ],
)
def test_a_chart_whose_description_says_what_it_is_for(tmp_path: Path, description: str, is_for_trials: bool) -> None:
    files = {
        "charts/broker/Chart.yaml": CHART % ("broker", description),
        "charts/broker/values.yaml": "",
        "charts/broker/templates/pod.yaml": POD,
        "charts/shop/Chart.yaml": CHART % ("shop", "The shop"),
        "charts/shop/templates/pod.yaml": POD,
    }
    root = write_files(tmp_path, files)
    severities = {one.path: str(one.severity) for one in check([root], base=root, select=["k8s/privileged"]).findings}
    assert "charts/shop/templates/pod.yaml" in severities
    assert ("charts/broker/templates/pod.yaml" not in severities) is is_for_trials


@pytest.mark.parametrize(
    ("label", "is_for_trials"),
    [("broker-0.1.0", True), ('"broker-v2.0.0-rc.1"', True), ("broker-operator-1.0.0", False), ("my-broker-1.0.0", False), ("broker", False)],
)
def test_what_a_chart_for_trials_rendered_is_for_trials(tmp_path: Path, label: str, is_for_trials: bool) -> None:
    object_of_chart = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n    helm.sh/chart: {label}\n"
    files = {
        "charts/broker/Chart.yaml": CHART % ("broker", "A chart for the Acme local demo cluster"),
        "charts/broker/values.yaml": "",
        "deploy/all.yaml": f"{object_of_chart}---\n{POD}",
        "deploy/other.yaml": POD,
    }
    root = write_files(tmp_path, files)
    paths = {one.path for one in check([root], base=root, select=["k8s/privileged"]).findings}
    assert paths == ({"deploy/other.yaml"} if is_for_trials else {"deploy/all.yaml", "deploy/other.yaml"})
