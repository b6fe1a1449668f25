"""Objects that only share a kind with the files of tools that write tags of images."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: registry.example.net/web}]}\n"
SKAFFOLD = "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: registry.example.net/web}, {context: x}]}\n"
OPERATOR = "apiVersion: imageregistry.operator.openshift.io/v1\nkind: Config\nmetadata: {name: cluster}\nspec: {replicas: 2}\n"
KUBECONFIG = "apiVersion: v1\nkind: Config\nclusters: []\n"
GENERATOR = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator: [{name: settings}]\n"


@pytest.mark.parametrize("other", [OPERATOR, KUBECONFIG, SKAFFOLD, GENERATOR])
def test_no_check_of_images_or_references_crashes(tmp_path: Path, other: str) -> None:
    root = write_files(tmp_path, {"pod.yaml": POD, "other.yaml": other})
    found = readiness.check([root], base=root, select=["ALL"]).findings
    assert not [one.message for one in found if one.rule == "core/crash"]
