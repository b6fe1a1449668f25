"""What is told of study material, and of tests and examples that are broken on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.api import check
from readiness.model import Severity
from tests.make import write_files

OLD = """apiVersion: rbac.authorization.k8s.io/v1beta1
kind: Role
metadata: {name: web, namespace: shop}
rules: []
"""
POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]
"""


def severities(root: Path, path: str, text: str) -> dict[str, Severity]:
    """The severities of two rules in a file."""
    found = check([write_files(root, {path: text})], base=root).findings
    wanted = {"k8s/api-version-removed", "k8s/network-policy-without-dns"}
    return {one.rule: one.severity for one in found if one.rule in wanted}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("deploy/role.yaml", Severity.HIGH),
        ("examples/role.yaml", Severity.MEDIUM),
        ("tests/role.yaml", Severity.MEDIUM),
        ("ckad/role.yaml", Severity.MEDIUM),
        ("exercises/2/role.yaml", Severity.MEDIUM),
        ("ckad/broken-role.yaml", None),
        ("tests/role_invalid.yaml", None),
        ("examples/faulty.yaml", None),
        ("tests/bad-role.yaml", None),
        ("e2e/role-rejected-1.yaml", None),
        ("tests/should-deny.yaml", None),
        ("examples/bad-role.yaml", Severity.MEDIUM),
        ("tests/badger.yaml", Severity.MEDIUM),
        ("deploy/rejected.yaml", Severity.HIGH),
        ("deploy/broken-role.yaml", Severity.HIGH),
        ("tests/unbroken.yaml", Severity.MEDIUM),
        ("hack/broken-role.yaml", Severity.MEDIUM),
    ],
)
def test_what_no_cluster_takes(tmp_path: Path, path: str, told: tuple[Severity, bool] | None) -> None:
    found = severities(tmp_path, path, OLD)
    assert found == ({"k8s/api-version-removed": told} if told else {})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("deploy/policy.yaml", Severity.MEDIUM),
        ("examples/policy.yaml", None),
        ("cka/policy.yaml", None),
        ("examples/broken-policy.yaml", None),
    ],
)
def test_what_works_no_more_once_it_runs(tmp_path: Path, path: str, told: Severity | None) -> None:
    """An exercise shows what a policy does, and is tried by address."""
    found = severities(tmp_path, path, POLICY)
    assert found == ({"k8s/network-policy-without-dns": told} if told else {})


def test_secrets_of_what_is_broken_are_told(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: Kq8vT2mZx4Lw9Rb7}\n"
    found = check([write_files(tmp_path, {"tests/invalid-secret.yaml": text})], base=tmp_path).findings
    assert "k8s/secret-committed" in {one.rule for one in found}


@pytest.mark.parametrize(
    ("around", "severity"),
    [({"main.go": "package main\n"}, Severity.MEDIUM), ({}, Severity.MEDIUM)],
)
def test_a_known_password_of_developers_manifests(tmp_path: Path, around: dict[str, str], severity: Severity) -> None:
    """A word in a folder of developers' scripts beside a program is medium; without the program nothing says so."""
    files = {
        "hack/kustomization.yaml": "kind: Kustomization\nresources: [secret.yaml]\n",
        "hack/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2x9}\n",
    }
    found = check([write_files(tmp_path, {**files, **around})], base=tmp_path, render=False).findings
    assert {one.severity for one in found if one.rule == "k8s/secret-committed"} == {severity}


def test_settings_may_say_study(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"labs/role.yaml": OLD, ".readiness.yaml": "purpose: {'labs/*': study}\n"})
    (told,) = (one for one in check([root], base=root, config=root / ".readiness.yaml").findings if one.rule == "k8s/api-version-removed")
    assert told.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        ("crd/samples/shop/invalid.yaml", False),
        ("examples/malformed-pod.yaml", False),
        ("tests/pod.faulty.yaml", False),
        ("deploy/invalid.yaml", True),
        ("examples/broken.yaml", True),
        ("samples/invalidator.yaml", True),
        ("samples/pod.yaml", True),
    ],
)
def test_what_is_called_invalid_need_not_parse(tmp_path: Path, path: str, is_told: bool) -> None:
    """Among tests and samples: elsewhere, and under another name, it is a mistake."""
    root = write_files(tmp_path, {path: "apiVersion: v1\nkind: Pod\nmetadata:\n  name: !@#$%\n"})
    report = check([root], base=root)
    assert [one.rule for one in report.findings if one.rule == "core/syntax"] == (["core/syntax"] if is_told else [])
    assert [one.status for one in report.files if one.path == path] == ["invalid" if is_told else "skipped"]
