"""What a program reads from a file is no object of an API server, whatever keys it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from readiness.api import check
from readiness.model import Severity
from tests.make import write_files

NO_OBJECTS = {
    "talos/nic.yaml": "---\napiVersion: v1alpha1\nkind: EthernetConfig\nname: Eno_1\nfeatures: {rx-gro: false}\n",
    "talos/host.yaml": 'kind: HostnameConfig\napiVersion: "v1alpha1"\nhostname: cp-1\n',
    "env/spec.json": json.dumps({"apiVersion": "tanka.dev/v1alpha1", "kind": "Environment", "metadata": {"name": "environments/Web"}}, indent=2),
    "catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: Web_Shop}\nspec: {type: service}\n",
    "garden.yml": "apiVersion: garden.io/v1\nkind: Project\nname: Web Shop\nenvironments: []\n",
    "k0sctl.yaml": "apiVersion: k0sctl.k0sproject.io/v1beta1\nkind: Cluster\nmetadata: {name: Home_Lab}\nspec: {}\n",
    "cluster.yaml": "apiVersion: kops.k8s.io/v1alpha2\nkind: Cluster\nmetadata: {name: Home_Lab}\nspec: {}\n",
    "crossplane.yaml": "apiVersion: meta.pkg.crossplane.io/v1\nkind: Configuration\nmetadata: {name: Home_Lab}\nspec: {}\n",
    "agent-config.yaml": "apiVersion: v1beta1\nkind: AgentConfig\nmetadata: {name: Home_Lab}\nrendezvousIP: 10.0.0.1\n",
}


@pytest.mark.parametrize("path", NO_OBJECTS)
def test_settings_of_a_program_are_no_manifest(tmp_path: Path, path: str) -> None:
    root = write_files(tmp_path, {path: NO_OBJECTS[path]})
    assert {one.rule for one in check([root]).findings if one.rule.startswith("k8s/")} == set()


@pytest.mark.parametrize("api_version", ["v1", "example.com/v1alpha1", "internal.apiserver.k8s.io/v1alpha1"], ids=["core", "custom", "kubernetes"])
def test_a_version_with_a_group_is_an_object(tmp_path: Path, api_version: str) -> None:
    text = f"apiVersion: {api_version}\nkind: ConfigMap\nmetadata: {{name: Web_Shop}}\n"
    assert "k8s/name-invalid" in {one.rule for one in check([write_files(tmp_path, {"a.yaml": text})]).findings}


@pytest.mark.parametrize(("kind", "group"), [("Template", "template"), ("Route", "route"), ("ImageStream", "image"), ("DeploymentConfig", "apps")])
def test_old_kinds_of_openshift_are_accepted_with_a_warning(tmp_path: Path, kind: str, group: str) -> None:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: web}}\n"
    (found,) = [one for one in check([write_files(tmp_path, {"a.yaml": text})]).findings if one.rule == "k8s/kind-unknown"]
    assert found.severity is Severity.LOW
    assert f"use {group}.openshift.io/v1" in found.message


def test_other_kinds_of_another_group_are_worse(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Deployment\nmetadata: {name: web}\n"
    (found,) = [one for one in check([write_files(tmp_path, {"a.yaml": text})]).findings if one.rule == "k8s/kind-unknown"]
    assert found.severity is Severity.MEDIUM


def test_settings_that_name_manifests_are_read_with_them(tmp_path: Path) -> None:
    chainsaw = "apiVersion: chainsaw.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: web}\n"
    chainsaw += "spec: {steps: [{try: [{assert: {file: part.yaml}}]}]}\n"
    part = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 0}\n"
    report = check([write_files(tmp_path, {"chainsaw-test.yaml": chainsaw, "part.yaml": part})])
    assert "k8s/selector-missing" not in {one.rule for one in report.findings}


@pytest.mark.parametrize(("label", "is_missing"), [("{app: {name}}", False), ("{app: {self.path}}", False), ("{}", True)])
def test_a_selector_that_a_program_fills_in_is_not_missing(tmp_path: Path, label: str, is_missing: bool) -> None:
    text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{selector: {{matchLabels: {label}}}}}\n"
    report = check([write_files(tmp_path, {"a.yaml": text})])
    assert ("k8s/selector-missing" in {one.rule for one in report.findings}) is is_missing
