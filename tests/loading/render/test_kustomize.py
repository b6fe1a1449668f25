"""Kustomizations: what an overlay deploys, told in the base or the patch that says it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import kustomize
from readiness.verdict.report import Report
from tests.make import write_files

needs_kustomize = pytest.mark.skipif(not kustomize.kustomize_build_command(), reason="needs kustomize or kubectl, and neither is installed")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: side
          image: example.com/side:1.0.0
        - name: main
          image: example.com/web:1.2.3
          securityContext:
            privileged: false
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: main
          securityContext:
            privileged: true
"""
TREE = {
    "base/deploy.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [deploy.yaml]\n",
    "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\npatches: [{path: patch.yaml}]\n",
    "prod/patch.yaml": PATCH,
    "dev/kustomization.yaml": "resources: [../base]\nnamespace: dev\n",
}


def check(root: Path, files: dict[str, str], select: str = "k8s/privileged") -> Report:
    write_files(root, files)
    # dev stands beside prod here: of such an overlay nobody asks what production needs.
    return readiness.check([root], select=[select], base=root, purpose="production")


def said(report: Report) -> list[tuple[str, int, str]]:
    return [(one.path, one.line, one.source.text[slice(*one.span)]) for one in report.findings]


@needs_kustomize
def test_what_a_patch_sets_is_told_in_the_patch(tmp_path: Path) -> None:
    report = check(tmp_path, TREE)
    assert said(report) == [("prod/patch.yaml", 11, "true")]
    assert report.findings[0].resource == "Deployment/prod-web"
    rows = {row.path: (row.kind, row.status) for row in report.files}
    assert rows["prod/kustomization.yaml"] == ("kustomize", "checked")
    assert rows["base/deploy.yaml"] == ("k8s", "checked")


@needs_kustomize
def test_what_the_base_says_is_told_there_once_for_all_overlays(tmp_path: Path) -> None:
    tree = {
        **TREE,
        "base/deploy.yaml": DEPLOYMENT.replace("false", "true"),
        "prod/patch.yaml": PATCH.replace("true", "false"),
    }
    report = check(tmp_path, tree)
    assert said(report) == [("base/deploy.yaml", 16, "true")]
    assert report.findings[0].message.endswith("(only with dev)")


@needs_kustomize
def test_what_is_missing_is_told_at_its_owner_in_the_base(tmp_path: Path) -> None:
    report = check(tmp_path, TREE, "k8s/run-as-non-root-missing")
    assert {one[:2] for one in said(report)} >= {("base/deploy.yaml", 11)}


@needs_kustomize
def test_a_remote_base_is_refused_and_counts_against_coverage(tmp_path: Path) -> None:
    remote = "resources: ['https://example.com/base?ref=v1', ../base]\n"
    report = check(tmp_path, {**TREE, "prod/kustomization.yaml": remote})
    row = next(row for row in report.files if row.path == "prod/kustomization.yaml")
    assert (row.status, row.cause) == ("checked", "outside")
    assert "remote" in row.reason
    assert row in report.coverage.unread_files


@needs_kustomize
def test_an_overlay_that_does_not_build_is_a_finding_without_paths_of_this_machine(
    tmp_path: Path,
) -> None:
    report = check(tmp_path, {**TREE, "prod/kustomization.yaml": "resources: [gone.yaml]\n"})
    (found,) = [one for one in report.findings if one.rule == "core/not-rendered"]
    assert found.path == "prod/kustomization.yaml"
    assert str(tmp_path) not in found.message
    assert "gone.yaml" in found.message


def test_overlays_are_built_where_no_program_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "kustomize_build_command", list)
    report = check(tmp_path, TREE)
    assert said(report) == [("prod/patch.yaml", 11, "true")]
    assert {row.status for row in report.files if row.kind == "kustomize"} == {"checked"}


def test_what_only_a_program_builds_is_built_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "kustomize_build_command", list)
    plugin = TREE["prod/kustomization.yaml"] + "transformers: [plugin.yaml]\n"
    tree = {**TREE, "prod/kustomization.yaml": plugin, "prod/plugin.yaml": "kind: X\n"}
    report = check(tmp_path, {**tree, "base/deploy.yaml": DEPLOYMENT.replace("false", "true")})
    assert said(report) == [("base/deploy.yaml", 16, "true"), ("prod/patch.yaml", 11, "true")]
    (row,) = [row for row in report.files if row.path == "prod/kustomization.yaml"]
    assert (row.status, row.cause) == ("checked", "absent")
    assert "the key transformers" in row.reason
    assert kustomize.REASON_NO_BUILDER in row.reason


@needs_kustomize
@pytest.mark.parametrize("folder", ["dist", "vendor", "node_modules/x"])
def test_a_base_that_the_walk_passes_over_is_told_where_it_stands(tmp_path: Path, folder: str) -> None:
    tree = {
        ".gitignore": "dist\n",
        "prod/kustomization.yaml": f"resources: [../{folder}/base]\n",
        f"{folder}/base/kustomization.yaml": "resources: [deploy.yaml]\npatches: [{path: patch.yaml}]\n",
        f"{folder}/base/deploy.yaml": DEPLOYMENT,
        f"{folder}/base/patch.yaml": PATCH,
    }
    report = check(tmp_path, tree)
    assert said(report) == [(f"{folder}/base/patch.yaml", 11, "true")]
    silent = PATCH.replace("true", "true  # readiness: ignore[k8s/privileged] it drives disks")
    report = check(tmp_path, {**tree, f"{folder}/base/patch.yaml": silent})
    assert [one.suppression is not None for one in report.findings] == [True]


@needs_kustomize
@pytest.mark.parametrize("top", ["", "app/"])
def test_a_base_above_its_overlay_is_built_though_the_overlay_is_not(tmp_path: Path, top: str) -> None:
    tree = {
        f"{top}kustomization.yaml": "resources: [deploy.yaml]\n",
        f"{top}deploy.yaml": DEPLOYMENT.replace("false", "true"),
        f"{top}prod/kustomization.yaml": "Resources: ['..']\nnamePrefix: prod-\n",
    }
    report = check(tmp_path, tree)
    rows = {row.path: row.status for row in report.files if row.kind == "kustomize"}
    assert rows == {
        f"{top}kustomization.yaml": "checked",
        f"{top}prod/kustomization.yaml": "skipped",
    }
    assert (f"{top}deploy.yaml", 16, "true") in said(report)
    assert [one.path for one in report.findings if one.rule == "core/not-rendered"] == [f"{top}prod/kustomization.yaml"]


def nested(depth: int) -> str:
    return f"apiVersion: example.com/v1\nkind: Deep\nmetadata: {{name: d}}\nspec: {'{a: ' * depth}1{'}' * depth}\n"


@needs_kustomize
@pytest.mark.parametrize("depth", [100, 450, 600, 3000])
def test_an_object_that_is_nested_deeply_costs_itself_alone(tmp_path: Path, depth: int) -> None:
    files = {
        "kustomization.yaml": "resources: [deep.yaml, deploy.yaml]\n",
        "deep.yaml": nested(depth),
        "deploy.yaml": DEPLOYMENT.replace("privileged: false", "privileged: true"),
    }
    report = check(tmp_path, files)
    states = {row.path: row.status for row in report.files}
    assert ("deploy.yaml", 16, "true") in said(report)
    assert states["deploy.yaml"] == states["kustomization.yaml"] == "checked"
    broken = [one.path for one in report.findings if one.rule == "core/syntax"]
    assert broken == (["deep.yaml"] if depth > 400 else [])
    assert states["deep.yaml"] == ("invalid" if depth > 400 else "checked")


@needs_kustomize
def test_a_separator_with_a_comment_glued_to_it(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": f"{DEPLOYMENT.replace('name: web', 'name: api')}---# the second\n{DEPLOYMENT}",
    }
    files["a.yaml"] = files["a.yaml"].replace("privileged: false", "privileged: true")
    assert [one[:2] for one in said(check(tmp_path, files))] == [("a.yaml", 16), ("a.yaml", 33)]
