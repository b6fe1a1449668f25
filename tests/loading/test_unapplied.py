"""A manifest that the kustomization of its folder leaves out is applied by nobody, where an engine applies the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from tests.make import write_files

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: flux-system}
spec: {interval: 10m, path: ./apps/web, prune: true, sourceRef: {kind: GitRepository, name: home}}
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec: {project: default, source: {repoURL: "https://git.example.net/home", path: apps/web}, destination: {name: in-cluster}}
"""
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [namespace.yaml]\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: web}
spec:
  containers: [{name: web, image: "registry.example.net/web:1.4.0", securityContext: {privileged: true}}]
"""
TREE = {"apps/web/kustomization.yaml": KUSTOMIZATION, "apps/web/namespace.yaml": NAMESPACE, "apps/web/pod.yaml": POD}
EVIDENCE = "the kustomization beside it leaves it out"


def purpose_of_pod(tmp_path: Path, files: dict[str, str]) -> str:
    """What apps/web/pod.yaml was taken for, as its row says."""
    root = write_files(tmp_path, files)
    (row,) = [one for one in check([root], base=root).files if one.path == "apps/web/pod.yaml"]
    return row.purpose


@pytest.mark.parametrize("engine", [FLUX, ARGO])
def test_what_a_kustomization_leaves_out_is_a_sample(tmp_path: Path, engine: str) -> None:
    assert purpose_of_pod(tmp_path, TREE | {"clusters/main/web.yaml": engine}) == f"an example: {EVIDENCE}"


APPLIED_BY = {
    "its kustomization": {"apps/web/kustomization.yaml": KUSTOMIZATION.replace("namespace.yaml", "pod.yaml")},
    "another kustomization": {"apps/all/kustomization.yaml": "resources: [../web/pod.yaml]\n"},
    "a generator beside it": {"apps/web/gen.yaml": "apiVersion: viaduct.ai/v1\nkind: ksops\nfiles: [./pod.yaml]\n"},
    "the README of its folder": {"apps/web/README.md": "# Web\n\n```\nkubectl apply -f pod.yaml\n```\n"},
    "a README above": {"README.md": "# Home\n\nThen `kubectl apply -f apps/web/pod.yaml`.\n"},
    "a Makefile": {"Makefile": "pod:\n\tkubectl -n web apply -f apps/web/pod.yaml\n"},
    "a script": {"hack/up.sh": "cd apps/web && kubectl apply --server-side -f pod.yaml\n"},
    "a Taskfile": {"Taskfile.yml": 'version: "3"\ntasks: {pod: {cmds: ["kubectl apply -f apps/web/pod.yaml"]}}\n'},
}


@pytest.mark.parametrize("way", APPLIED_BY)
def test_what_is_applied_another_way_is_judged(tmp_path: Path, way: str) -> None:
    assert EVIDENCE not in purpose_of_pod(tmp_path, TREE | {"clusters/main/web.yaml": FLUX} | APPLIED_BY[way])


def test_without_an_engine_people_apply_it(tmp_path: Path) -> None:
    assert purpose_of_pod(tmp_path, TREE) == ""


def test_without_a_kustomization_beside_it(tmp_path: Path) -> None:
    files = {path: text for path, text in TREE.items() if "kustomization" not in path}
    assert purpose_of_pod(tmp_path, files | {"apps/kustomization.yaml": KUSTOMIZATION, "clusters/main/web.yaml": FLUX}) == ""


@pytest.mark.parametrize("text", [ARGO, FLUX, POD + "sops: {version: 3.9.0}\n"])
def test_what_an_engine_begins_with_is_applied_once(tmp_path: Path, text: str) -> None:
    assert purpose_of_pod(tmp_path, TREE | {"clusters/main/web.yaml": FLUX, "apps/web/pod.yaml": text}) == ""


def test_a_secret_that_nobody_applies_is_told(tmp_path: Path) -> None:
    pod = POD.replace('web:1.4.0"', 'web:1.4.0", env: [{name: AWS_ACCESS_KEY_ID, value: AKIAQ3EGRZ7TKW5XVN2D}]')
    root = write_files(tmp_path, TREE | {"clusters/main/web.yaml": FLUX, "apps/web/pod.yaml": pod})
    assert "k8s/secret-in-env" in {one.rule for one in check([root]).findings}


RENDERED = """\
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: release-name-shop
  labels:
    app.kubernetes.io/instance: release-name
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: "registry.example.net/shop:1.4.0"}]
"""


def purpose_of_rendering(tmp_path: Path, text: str, more: dict[str, str]) -> str:
    """What helm.yaml was taken for, as its row says."""
    root = write_files(tmp_path, {"helm.yaml": text} | more)
    (row,) = [one for one in check([root], base=root).files if one.path == "helm.yaml"]
    return row.purpose


def test_forgotten_output_of_helm_is_a_sample(tmp_path: Path) -> None:
    found = purpose_of_rendering(tmp_path, RENDERED, {"chart/values.yaml": "a: 1\n"})
    assert found == "an example: it is output of helm template under no release's name, and nothing names it"


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (RENDERED.replace("instance: release-name", "instance: shop"), {}),
        (RENDERED.replace("# Source: shop/templates/deployment.yaml\n", ""), {}),
        (RENDERED, {"README.md": "# Shop\n\n`kubectl apply -f helm.yaml`\n"}),
        (RENDERED, {"kustomization.yaml": "resources: [helm.yaml]\n"}),
        (RENDERED, {"Makefile": "up:\n\tkubectl apply -f helm.yaml\n"}),
    ],
    ids=["a release's name", "written by hand", "a README", "a kustomization", "a Makefile"],
)
def test_a_rendering_that_may_be_applied_is_judged(tmp_path: Path, text: str, more: dict[str, str]) -> None:
    assert purpose_of_rendering(tmp_path, text, more) == ""


ORPHAN_TREE = {
    "apps/kustomization.yaml": "namespace: web\nresources:\n  - ./namespace.yaml\n  - ./web/ks.yaml\n",
    "apps/namespace.yaml": NAMESPACE,
    "apps/web/ks.yaml": FLUX.replace("./apps/web", "./apps/web/app"),
    "apps/web/namespace.yaml": NAMESPACE.replace("web", "Web_1"),
    "apps/web/app/kustomization.yaml": "resources: [pod.yaml]\n",
    "apps/web/app/pod.yaml": POD,
}


def rules_on_orphan(tmp_path: Path, more: dict[str, str]) -> set[str]:
    """The rules that tell of apps/web/namespace.yaml where it is taken for production's."""
    root = write_files(tmp_path, ORPHAN_TREE | more)
    report = check([root], base=root, select=["k8s/name-invalid"])
    path = "apps/web/namespace.yaml"
    is_for_production = path not in {one["path"] for one in report.to_dict()["purposes"]}
    return {one.rule for one in report.findings if one.path == path and is_for_production}


def test_an_orphan_whose_twin_is_listed_is_applied_by_nobody(tmp_path: Path) -> None:
    assert rules_on_orphan(tmp_path, {}) == set()


ORPHANS_THAT_ARE_APPLIED = {
    "the folder is taken in": {"apps/kustomization.yaml": "resources: [./namespace.yaml, ./web]\n"},
    "the folder is taken in, in a block": {"apps/kustomization.yaml": "resources:\n- namespace.yaml\n- web/\n"},
    "the file is listed too": {"apps/kustomization.yaml": "resources: [./namespace.yaml, ./web/ks.yaml, web/namespace.yaml]\n"},
    "an engine takes the folder": {"apps/web/ks.yaml": FLUX},
    "a script applies it": {"up.sh": "kubectl apply -f apps/web/namespace.yaml\n"},
    "no engine": {"apps/web/ks.yaml": NAMESPACE},
}


@pytest.mark.parametrize("way", ORPHANS_THAT_ARE_APPLIED)
def test_a_file_with_a_twin_that_may_be_applied_is_judged(tmp_path: Path, way: str) -> None:
    assert rules_on_orphan(tmp_path, ORPHANS_THAT_ARE_APPLIED[way]) == {"k8s/name-invalid"}
