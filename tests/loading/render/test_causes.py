"""Why something was not rendered: broken in the tree, absent here, or outside by design."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from types import ModuleType

import pytest

import readiness
from readiness.loading import assemble, discover
from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE
from readiness.loading.render import chart_files, gather, helm, kustomize, process
from readiness.loading.render.overlay import placed
from readiness.programs import budget as programs_budget
from readiness.run.pipeline import load_core_rules
from tests.loading.render.test_chart_parts import ABOUT, DECLARED, MAP, outer, packed, write
from tests.loading.render.test_releases import ELSEWHERE, FLUX

needs_both = pytest.mark.skipif(
    not helm.available_chart_renderer() or not kustomize.kustomize_build_command(),
    reason="needs a renderer of charts and one of overlays, and one of them is not installed",
)
needs_helm = pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs a renderer of charts, and none is installed")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux, where processor time is limited")
MAP_IN = "shop/templates/map.yaml"
FAILING = MAP.replace("settings", '{{ required "name it" .Values.name }}')
# Files, the file whose row is meant, its status, and the sort of its reason.
CAUSES: dict[str, tuple[dict[str, str | bytes], str, str, str]] = {
    "a chart that renders": (outer(**{MAP_IN: MAP}), MAP_IN, "checked", ""),
    "a template that does not parse": (
        outer(**{MAP_IN: "{{ if }}"}),
        MAP_IN,
        "skipped",
        CAUSE_BROKEN,
    ),
    "a template that does not parse, and a dependency that is absent": (
        outer(DECLARED, **{MAP_IN: "{{ if }}"}),
        MAP_IN,
        "skipped",
        CAUSE_BROKEN,
    ),
    "a template that renders to no YAML": (
        outer(**{MAP_IN: MAP + "a: [\n"}),
        MAP_IN,
        "invalid",
        CAUSE_BROKEN,
    ),
    "an include of nothing": (
        outer(**{MAP_IN: '{{ include "x" . }}'}),
        MAP_IN,
        "skipped",
        CAUSE_BROKEN,
    ),
    "an archive that cannot be read": (
        outer(**{MAP_IN: MAP, "shop/charts/part-1.0.0.tgz": b"x"}),
        MAP_IN,
        "skipped",
        CAUSE_BROKEN,
    ),
    "a dependency that is absent": (
        outer(DECLARED, **{MAP_IN: MAP}),
        "shop/Chart.yaml",
        "skipped",
        CAUSE_NOT_HERE,
    ),
    "what needs a dependency that is absent": (
        outer(DECLARED, **{MAP_IN: '{{ include "x" . }}'}),
        MAP_IN,
        "skipped",
        CAUSE_NOT_HERE,
    ),
    "a local dependency that is not there": (
        outer(f'{DECLARED}, repository: "file://../x"', **{MAP_IN: MAP}),
        "shop/Chart.yaml",
        "skipped",
        CAUSE_BROKEN,
    ),
    "a local dependency out of the tree": (
        outer(f'{DECLARED}, repository: "file://../../x"', **{MAP_IN: MAP}),
        "shop/Chart.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "values that are asked for": (outer(**{MAP_IN: FAILING}), MAP_IN, "skipped", CAUSE_NOT_HERE),
    "a chart that is elsewhere": (
        {"apps/shop.yaml": FLUX % ("web", "HelmRepository")},
        "apps/shop.yaml",
        "checked",
        CAUSE_NOT_IN_TREE,
    ),
    "a path that is elsewhere": (
        {"apps/shop.yaml": ELSEWHERE["flux, a path that is not here"]},
        "apps/shop.yaml",
        "checked",
        CAUSE_NOT_IN_TREE,
    ),
    "a remote base": (
        {"kustomization.yaml": "resources: ['https://example.com/x.yaml']\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "a resource that is not there": (
        {"kustomization.yaml": "resources: [gone.yaml]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_BROKEN,
    ),
    "the file of a secret that is not there": (
        {"kustomization.yaml": "secretGenerator: [{name: a, files: [key.json]}]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_HERE,
    ),
    "charts that are inflated": (
        {"kustomization.yaml": "helmCharts: [{name: web}]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_HERE,
    ),
    "remote charts that are inflated": (
        {"kustomization.yaml": "helmCharts: [{name: web, repo: 'https://example.com'}]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "charts of a repository that a variable names": (
        {"kustomization.yaml": "helmCharts: [{name: web, repo: '${REPOSITORY}'}]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "remote charts that are inflated in old words": (
        {"kustomization.yaml": "helmChartInflationGenerator: [{chartName: web, chartRepoUrl: x.y/z}]\n"},
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "remote charts of a component": (
        {
            "kustomization.yaml": "components: [part]\n",
            "part/kustomization.yaml": "kind: Component\nhelmCharts: [{name: web, repo: 'oci://example.com/x'}]\n",
        },
        "kustomization.yaml",
        "skipped",
        CAUSE_NOT_IN_TREE,
    ),
    "a kustomization that is no YAML": (
        {"kustomization.yaml": "resources: [\n", "a.yaml": MAP},
        "kustomization.yaml",
        "invalid",
        CAUSE_BROKEN,
    ),
    "a manifest that is no YAML": ({"a.yaml": MAP + "a: [\n"}, "a.yaml", "invalid", CAUSE_BROKEN),
    "a template by its name": ({"a.yaml.j2": MAP}, "a.yaml.j2", "skipped", ""),
}


def cause(root: Path, path: str, *, render: bool = True) -> tuple[str, str]:
    found = discover.discover_files([root], working_directory=root)
    core = {one.rule.id: one.rule for one in load_core_rules()}
    made = assemble.assemble_projects(found, core, may_judge_documents=None, render=render)
    (row,) = [one for one in made.file_statuses if one.path == path]
    assert row.reason or row.status == "checked"
    return row.status, row.cause


@needs_both
@pytest.mark.parametrize(("files", "path", "status", "sort"), CAUSES.values(), ids=CAUSES)
def test_each_reason_has_its_sort(tmp_path: Path, files: dict[str, str | bytes], path: str, status: str, sort: str) -> None:
    write(tmp_path / "tree", files)
    assert cause(tmp_path / "tree", path) == (status, sort)


@pytest.mark.parametrize("files", [{MAP_IN: MAP}, {"shop/charts/part-1.0.0.tgz": packed({})}])
def test_without_a_renderer_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str | bytes]) -> None:
    monkeypatch.setattr(helm, "available_chart_renderer", lambda: "")
    write(tmp_path, outer(DECLARED) | files)
    path = MAP_IN if MAP_IN in files else "shop/Chart.yaml"
    assert cause(tmp_path, path) == ("skipped", CAUSE_NOT_HERE)
    assert cause(tmp_path, path, render=False) == ("skipped", CAUSE_NOT_HERE)


def test_several_reasons_of_one_chart_stand_in_one_row(tmp_path: Path) -> None:
    about = ABOUT.format("shop") + "dependencies:\n"
    about += "".join(f"  - {{name: {name}, version: 1.0.0}}\n" for name in ("a", "b", "c"))
    write(tmp_path, {"shop/Chart.yaml": about, "shop/values.yaml": ""})
    found = discover.discover_files([tmp_path], working_directory=tmp_path)
    core = {one.rule.id: one.rule for one in load_core_rules()}
    made = assemble.assemble_projects(found, core, may_judge_documents=None)
    (row,) = [one for one in made.file_statuses if one.path == "shop/Chart.yaml"]
    assert row.reason.startswith("dependencies a, b and c: ")
    (finding,) = made.parse_findings
    assert (finding.rule, finding.start.line) == ("core/not-rendered", 5)
    assert "dependencies a, b and c" in finding.message
    assert [one.source.position_of(one.span.start).line for one in finding.related] == [6, 7]


@needs_both
def test_a_file_from_above_an_overlay_is_judged_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, {"a/kustomization.yaml": "resources: [../b/map.yaml]\n", "b/map.yaml": MAP})
    found = discover.discover_files([tmp_path], working_directory=tmp_path)
    core = {one.rule.id: one.rule for one in load_core_rules()}
    made = assemble.assemble_projects(found, core, may_judge_documents=None)
    (row,) = [one for one in made.file_statuses if one.path == "a/kustomization.yaml"]
    assert (row.status, row.cause) == (
        "checked",
        "",
    )  # as with --load-restrictor LoadRestrictionsNone


@needs_both
def test_an_error_of_nested_includes_begins_with_its_cause(tmp_path: Path) -> None:
    helpers = "".join(f'{{{{ define "x{number}" }}}}{{{{ include "x{number + 1}" . }}}}{{{{ end }}}}\n' for number in range(9))
    helpers += '{{ define "x9" }}{{ .Values.a.b.c }}{{ end }}\n'
    chart = outer(**{MAP_IN: '{{ include "x0" . }}', "shop/templates/_x.tpl": helpers})
    write(tmp_path, chart | {"shop/values.yaml": "a: 1\n"})
    found = discover.discover_files([tmp_path], working_directory=tmp_path)
    core = {one.rule.id: one.rule for one in load_core_rules()}
    (finding,) = assemble.assemble_projects(found, core, may_judge_documents=None).parse_findings
    assert "shop/templates/_x.tpl:10:" in finding.message.partition("(called from")[0]
    assert "shop/templates/map.yaml:1:" in finding.message.partition("(called from")[2]


def test_how_an_overlay_with_a_remote_chart_is_judged_is_said(tmp_path: Path) -> None:
    kustomization = "helmCharts: [{name: web, repo: 'https://user:pass@example.com/charts'}]\n"
    write(tmp_path, {"apps/kustomization.yaml": kustomization, "apps/map.yaml": MAP})
    report = readiness.check([tmp_path], base=tmp_path)
    (row,) = [one for one in report.files if one.path == "apps/kustomization.yaml"]
    assert "`kustomize build --enable-helm apps | readiness check -`" in row.reason
    assert "pass" not in row.reason
    assert not [one for one in report.findings if one.rule == "core/not-rendered"]


FOREVER = "{{- range until 100000000 }}{{ range until 100000000 }}x{{ end }}{{ end }}"


@needs_helm
@on_linux
@pytest.mark.parametrize("more", [{}, {"shop/values-prod.yaml": "loop: true\n"}])
def test_a_chart_that_takes_too_long_is_no_fault_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]) -> None:
    monkeypatch.setattr(process, "MAX_PROCESSOR_SECONDS", 3)
    template = "{{ if .Values.loop }}" + FOREVER + "{{ end }}\n"
    defaults = {"shop/values.yaml": f"loop: {'false' if more else 'true'}\n"}
    write(tmp_path, outer(**{MAP_IN: template + MAP}) | defaults | more)
    report = readiness.check([tmp_path], base=tmp_path)
    (finding,) = [one for one in report.findings if one.rule == "core/not-rendered"]
    assert "limit of time" in finding.message
    assert "`helm template shop | readiness check -`" in finding.message
    assert {row.cause for row in report.files} == {"", CAUSE_NOT_HERE}
    assert report.gate.passed or not report.gate.was_evaluated
    assert report.verdict != "ready"


@needs_helm
def test_environments_have_processor_time_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clock says while others have the processor counts for nothing."""
    spent = itertools.count(0, 100)
    monkeypatch.setattr(programs_budget, "child_processor_seconds", lambda: next(spent))
    many = {f"shop/values-{number}.yaml": "a: 1\n" for number in range(40)}
    write(tmp_path, outer(**{MAP_IN: MAP}) | many)
    report = readiness.check([tmp_path], base=tmp_path)
    (finding,) = [one for one in report.findings if one.rule == "core/not-rendered"]
    assert "took over 120 seconds" in finding.message
    rows = {row.path: row.cause for row in report.files}
    assert (rows[MAP_IN], rows["shop/Chart.yaml"]) == ("", CAUSE_NOT_HERE)


OVERLAY: dict[str, str | bytes] = {"kustomization.yaml": "resources: [map.yaml]\n", "map.yaml": MAP}


@needs_helm
@pytest.mark.parametrize(
    ("where", "name", "files", "path", "command"),
    [
        (chart_files, "MAX_FILES_PER_CHART", outer(**{MAP_IN: MAP}), MAP_IN, "helm template shop"),
        (gather, "MAX_FILES_PER_OVERLAY", OVERLAY, "kustomization.yaml", "kustomize build ."),
        (gather, "MAX_KUSTOMIZATION_BUILDS", OVERLAY, "kustomization.yaml", "kustomize build ."),
        (placed, "MAX_BUILT_TEXT_CHARACTERS", OVERLAY, "kustomization.yaml", "kustomize build ."),
    ],
)
def test_what_is_over_a_limit_of_ours_is_not_broken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: ModuleType,
    name: str,
    files: dict[str, str | bytes],
    path: str,
    command: str,
) -> None:
    monkeypatch.setattr(kustomize, "kustomize_build_command", list)
    monkeypatch.setattr(where, name, 0)
    write(tmp_path, files)
    report = readiness.check([tmp_path], base=tmp_path)
    (row,) = [one for one in report.files if one.path == path]
    assert (row.status, row.cause) == ("skipped", CAUSE_NOT_HERE)
    assert f"`{command} | readiness check -` judges what it gives" in row.reason
    assert report.verdict != "ready"


@on_linux
def test_an_overlay_whose_builder_takes_too_long_is_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is one of which this builder thinks that nobody can build it: the program might have."""
    program = tmp_path / "spin.py"
    program.write_text("while True: pass\n", encoding="utf-8")
    monkeypatch.setattr(kustomize, "kustomize_build_command", lambda: [sys.executable, "-I", str(program)])
    monkeypatch.setattr(process, "MAX_PROCESSOR_SECONDS", 1)
    for number, text in enumerate(("openapi: {}\n", "replicas: [{name: x, count: 1}]\n")):
        tree = tmp_path / str(number)
        write(tree, OVERLAY | {"kustomization.yaml": "resources: [map.yaml]\n" + text})
        assert cause(tree, "kustomization.yaml") == ("skipped", CAUSE_NOT_HERE)


@pytest.mark.parametrize(
    ("gitignore", "severity"),
    [("/config/role.yaml\n", "info"), ("role.yaml\n", "info"), ("config/\n!config/kustomization.yaml\n", "info"), ("other.yaml\n", "medium")],
)
def test_a_file_that_is_kept_out_of_the_tree_is_made_first(tmp_path: Path, gitignore: str, severity: str) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, {".gitignore": gitignore, "config/kustomization.yaml": "resources: [role.yaml]\n"})
    report = readiness.check([tmp_path / "config" / "kustomization.yaml", tmp_path], base=tmp_path, select=["core/not-rendered"])
    [finding] = report.findings
    assert str(finding.severity) == severity
    assert ("make it first" in finding.message) == (severity == "info")
    (row,) = [one for one in report.files if one.path == "config/kustomization.yaml"]
    assert row.cause == (CAUSE_NOT_HERE if severity == "info" else CAUSE_BROKEN)
