"""Fields of built-in kinds: one mistake is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.make import write_files

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: kites.toys.example.com}
spec:
  group: toys.example.com
  %s
  names: {kind: Kite, plural: kites}
  scope: Namespaced
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  %s: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example.com/web:1.4"}]
"""
FIELDS = {
    "a required field that is misspelt": (DEFINITION % "version: v1", ["field-required-missing"]),
    "a field of another name": (DEFINITION % "shape: round", ["field-required-missing", "field-unknown"]),
    "a misspelt field beside the right one": (
        DEFINITION % "versions: [{name: v1, served: true, storage: true}]\n  version: v1",
        ["field-unknown"],
    ),
    "an optional field that is misspelt": (
        DEFINITION % "versions: [{name: v1, served: true, storage: true}]\n  conversions: {strategy: None}",
        ["field-unknown"],
    ),
    "a misspelt selector, which another rule misses": (DEPLOYMENT % "selectors", ["field-unknown", "selector-missing"]),
}


@pytest.mark.parametrize(("text", "rules"), FIELDS.values(), ids=FIELDS)
def test_a_misspelt_field_is_told_once(tmp_path: Path, text: str, rules: list[str]) -> None:
    write_files(tmp_path, {"a.yaml": text})
    asked = ["k8s/field-unknown", "k8s/field-required-missing", "k8s/selector-missing"]
    report = readiness.check([tmp_path], select=asked, base=tmp_path)
    assert sorted(one.rule.removeprefix("k8s/") for one in report.findings) == rules


def test_the_missing_field_shows_the_misspelt_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": DEFINITION % "version: v1"})
    (finding,) = readiness.check([tmp_path], select=["k8s/field-required-missing"], base=tmp_path).findings
    (related,) = finding.related
    assert related.source.text[related.span.start : related.span.end] == "version"


POD_TEMPLATE = "apiVersion: v1\nmetadata: {labels: {app: web}}\nspec:\n  containers: [{name: web, image: 'example.com/web:1', imagePul: x}]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: agent}\ndata:\n  template.yaml: |\n    %s", False),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: agent}\ndata:\n  template.yaml: |\n    kind: Pod\n    %s", True),
    ],
)
def test_a_template_without_a_kind_is_of_no_type(tmp_path: Path, text: str, told: bool) -> None:
    write_files(tmp_path, {"agent.yaml": text % POD_TEMPLATE.replace("\n", "\n    ").rstrip(" ")})
    select = ["k8s/field-unknown", "k8s/field-required-missing", "k8s/field-type-wrong"]
    assert bool(readiness.check([tmp_path], base=tmp_path, select=select).findings) == told
