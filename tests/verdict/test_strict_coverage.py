"""What has no verdict is counted in the last line, and shuts the gate where --strict-coverage asks for that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import readiness
from readiness.cli.main import main
from readiness.loading.render import helm
from readiness.reports import REPORT_FORMATS
from tests.make import write_files
from tests.settings_rows import holds

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"
PLAIN = {f"{name}.yaml": CONFIG_MAP.replace("name: a", f"name: {name}") for name in ("one", "two", "three")}
# Files that are no finding, the one that has no verdict, and a word of the reason.
UNJUDGED = {
    "a remote base": ({"k/kustomization.yaml": "resources: [a.yaml, 'https://example.com/x.yaml']\n"}, "k/kustomization.yaml", "remote"),
    "a base out of the tree": ({"k/kustomization.yaml": "resources: [a.yaml, ../../sibling]\n"}, "k/kustomization.yaml", "out of the tree"),
    "nothing but a remote base": ({"k/kustomization.yaml": "resources: ['github.com/org/x//y?ref=v1']\n"}, "k/kustomization.yaml", "remote"),
    "a component out of the tree": ({"k/kustomization.yaml": "resources: [a.yaml]\ncomponents: [../../c]\n"}, "k/kustomization.yaml", "out of"),
    "a remote chart": (
        {"k/kustomization.yaml": "resources: [a.yaml]\nhelmCharts: [{name: x, repo: 'https://example.com'}]\n"}, "k/kustomization.yaml", "Helm chart",
    ),
    "a release of a remote chart": (
        {"release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\n"
         "spec: {interval: 1h, chart: {spec: {chart: x, version: 1.0.0, sourceRef: {kind: HelmRepository, name: y}}}, values: {a: b}}\n"},
        "release.yaml", "chart",
    ),
    "a template by its name": ({"deploy.yaml.j2": CONFIG_MAP}, "deploy.yaml.j2", "template"),
    "a file that a generator lacks": (
        {".gitignore": "a.env\n", "k/kustomization.yaml": "resources: [a.yaml]\nconfigMapGenerator: [{name: x, envs: [a.env]}]\n"},
        "k/kustomization.yaml", "a.env",
    ),
}  # fmt: skip


def tree(root: Path, files: dict[str, str]) -> None:
    (root / ".git").mkdir()
    write_files(root, {**PLAIN, **({"k/a.yaml": CONFIG_MAP} if "k/kustomization.yaml" in files else {}), **files})


@holds("overlays-elsewhere", "unjudged-counted")
@pytest.mark.parametrize("name", UNJUDGED)
def test_what_has_no_verdict_shuts_the_gate_where_that_is_asked(tmp_path: Path, name: str) -> None:
    files, path, word = UNJUDGED[name]
    tree(tmp_path, files)
    assert readiness.check([tmp_path], base=tmp_path).gate.passed
    strict = readiness.check([tmp_path], base=tmp_path, strict_coverage=True).gate
    assert not strict.passed
    assert strict.reason.startswith(f"{path} not judged")
    assert word in strict.reason
    assert strict.reason.endswith(" (--strict-coverage)")


def test_what_is_judged_whole_passes_it(tmp_path: Path) -> None:
    tree(tmp_path, {"README.md": "# A\n", "k/kustomization.yaml": "resources: [a.yaml]\n", "notes.txt": "a\n"})
    assert readiness.check([tmp_path], base=tmp_path, strict_coverage=True).gate.passed


def test_the_first_three_are_named(tmp_path: Path) -> None:
    tree(tmp_path, {f"{number}.yaml.j2": CONFIG_MAP for number in range(5)})
    reason = readiness.check([tmp_path], base=tmp_path, strict_coverage=True).gate.reason
    assert all(f"{number}.yaml.j2 not judged: a template" in reason for number in range(3))
    assert "; and 2 more (--strict-coverage)" in reason


@holds("charts-failing")
@pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs a renderer of charts, and none is installed")
def test_a_chart_that_fails_with_its_own_values_passes_no_strict_gate(tmp_path: Path) -> None:
    chart = {
        "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "chart/values.yaml": "name: ''\n",
        "chart/templates/pod.yaml": '{{ if not .Values.name }}{{ fail "name it" }}{{ end }}\n'
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n",
    }
    tree(tmp_path, chart)
    report = readiness.check([tmp_path], base=tmp_path)
    assert [str(one.severity) for one in report.findings if one.rule == "core/not-rendered"] == ["info"]
    assert (report.gate.passed, report.verdict) == (True, "not-ready")
    strict = readiness.check([tmp_path], base=tmp_path, strict_coverage=True).gate
    assert not strict.passed
    assert "chart/templates/pod.yaml not judged: its chart asks for values" in strict.reason


def run(root: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["check", str(root), "--no-cache", *words], catch_exceptions=False)


@holds("unjudged-counted")
@pytest.mark.parametrize("format_name", REPORT_FORMATS)
def test_every_format_counts_it(tmp_path: Path, format_name: str) -> None:
    tree(tmp_path, {**UNJUDGED["a remote base"][0], "deploy.yaml.j2": CONFIG_MAP})
    result = run(tmp_path, "--format", format_name)
    counts = "1 file not read and 1 file read in part"
    if format_name in {"codequality", "rdjson"}:
        assert f"nothing high or worse is open; {counts}" in result.stderr
    elif format_name == "json":
        unread = json.loads(result.stdout)["coverage"]["unread"]
        assert [Path(one["path"]).name for one in unread] == ["deploy.yaml.j2", "kustomization.yaml"]
    else:
        assert counts in result.stdout


def test_nothing_is_counted_where_all_was_read(tmp_path: Path) -> None:
    tree(tmp_path, {})
    assert "not read" not in run(tmp_path, "--format", "rdjson").stderr
    assert "not read" not in run(tmp_path).stdout
