"""A label that is no string: Flux leaves it out, where kubectl sends it and fails."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

FLUX = (
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n"
    "spec: {interval: 10m, path: %s, prune: true, sourceRef: {kind: GitRepository, name: shop}}\n"
)
QUEUE = "apiVersion: shop.example/v1\nkind: Queue\nmetadata: {name: web, labels: {%s}}\n"


@pytest.mark.parametrize(
    ("path", "label", "severity"),
    [
        ("./kubernetes/apps", "version: 2", "low"),
        ("kubernetes/apps/web/", "version: true", "low"),
        ("./kubernetes/apps", "owner: shop team", "high"),
        ("./kubernetes/apps", "-owner: shop", "high"),
        ("./kubernetes/app", "version: 2", "medium"),
        ("./kubernetes/apps/other", "version: 2", "medium"),
        ("./", "version: 2", "high"),
    ],
)
def test_a_label_in_a_file_that_flux_may_apply(tmp_path: Path, path: str, label: str, severity: str) -> None:
    write_files(tmp_path, {"clusters/main.yaml": FLUX % path, "kubernetes/apps/web/queue.yaml": QUEUE % label})
    (finding,) = readiness.check([tmp_path], base=tmp_path, select=["k8s/label-invalid"]).findings
    assert str(finding.severity) == severity
    assert ("Flux applies the object without its labels" in finding.message) == (severity == "low")
