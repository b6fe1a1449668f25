"""Manifests among a chart's files that its templates read: half objects, which are judged as they are rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.read_by_templates import REASON_READ_BY_TEMPLATES
from tests.make import write_files

PATCH = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: web}\nsubjects: []\n"
CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/values.yaml": "a: 1\n"}
READS = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: {{ .Files.Get "files/binding.yaml" | quote }}\n'
READS_NONE = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: b}\n"
MERGES = '{{- define "merged" }}{{ range $p, $_ := .Files.Glob "files/**-patch.yaml" }}{{ $p }}{{ end }}{{ end }}\n'


def rules_in(root: Path, path: str, *judged: str) -> set[str]:
    report = readiness.check([root / one for one in judged] or [root], base=root)
    return {one.rule for one in report.findings if one.path == path}


@pytest.mark.parametrize(
    "template", [{"chart/templates/a.yaml": READS}, {"chart/templates/a.yaml": READS_NONE, "chart/templates/_merged.tpl": MERGES}]
)
def test_what_templates_read_is_no_manifest_by_itself(tmp_path: Path, template: dict[str, str]) -> None:
    root = write_files(tmp_path, CHART | template | {"chart/files/rbac/binding.yaml": PATCH})
    assert rules_in(root, "chart/files/rbac/binding.yaml") == set()
    (row,) = [one for one in readiness.check([root], base=root).files if one.path == "chart/files/rbac/binding.yaml"]
    assert (row.status, row.reason) == ("skipped", REASON_READ_BY_TEMPLATES)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("chart/files/binding.yaml", {"chart/templates/a.yaml": READS_NONE}),  # nothing reads it: somebody applies it by hand
        ("chart/examples/binding.yaml", {"chart/templates/a.yaml": READS}),
        ("files/binding.yaml", {"chart/templates/a.yaml": READS}),
        (
            "chart/files/binding.yaml",
            {"chart/templates/a.yaml": READS, "chart/files/kustomization.yaml": "resources: [binding.yaml]\n"},
        ),
    ],
)
def test_other_manifests_are_judged(tmp_path: Path, path: str, more: dict[str, str]) -> None:
    assert "k8s/field-required-missing" in rules_in(write_files(tmp_path, CHART | more | {path: PATCH}), path)


def test_what_is_named_is_judged(tmp_path: Path) -> None:
    root = write_files(tmp_path, CHART | {"chart/templates/a.yaml": READS, "chart/files/binding.yaml": PATCH})
    assert "k8s/field-required-missing" in rules_in(root, "chart/files/binding.yaml", "chart/files/binding.yaml")


def test_what_is_no_manifest_is_judged(tmp_path: Path) -> None:
    settings = "events {}\nhttp {\n  server { listen 80; location / { autoindex on; } }\n}\n"
    root = write_files(tmp_path, CHART | {"chart/templates/a.yaml": READS, "chart/files/nginx.conf": settings})
    assert rules_in(root, "chart/files/nginx.conf")
