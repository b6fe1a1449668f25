"""Releases of GitOps tools: the charts of the tree with their values, and what stands elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import readiness
from readiness.loading import chart_batches
from readiness.loading.render import helm
from readiness.loading.render.chart_files import ChartFiles
from readiness.loading.render.made import RenderError
from readiness.verdict.report import Report
from tests.loading.render.test_chart_parts import ABOUT, MAP, check, told, write

needs_helm = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: main
          image: example.com/main:1.2.3
          securityContext:
            privileged: {{ .Values.security.privileged }}
"""
CHART: dict[str, str | bytes] = {
    "charts/web/Chart.yaml": ABOUT.format("web"),
    "charts/web/values.yaml": "security:\n  privileged: false\n",
    "charts/web/values-open.yaml.txt": "",
    "charts/web/templates/web.yaml": DEPLOYMENT,
}
FLUX = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: prod}
spec:
  chart: {spec: {chart: %s, sourceRef: {kind: %s, name: source}}}
  values:
    security:
      privileged: true
"""
ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: %s
metadata: {name: shop, namespace: gitops}
spec:
%s
"""
SOURCE = """\
source:
  repoURL: https://git.example.com/shop
  path: charts/web
  helm:
    %s
destination: {namespace: prod}
"""


def argo(settings: str, source: str = SOURCE) -> str:
    text = source % settings.replace("\n", "\n    ")
    return ARGO % ("Application", "".join(f"  {line}\n" for line in text.splitlines()))


APPLICATIONS = ARGO % (
    "ApplicationSet",
    """\
  generators: [{list: {elements: [{cluster: a}]}}]
  template:
    metadata: {name: "shop-{{cluster}}"}
    spec:
      source:
        repoURL: https://git.example.com/shop
        path: charts/web
        helm:
          valuesObject: {security: {privileged: true}}
""",
)


# A manifest, and the line in it that sets the value.
RELEASES = {
    "flux": (FLUX % ("./charts/web", "GitRepository"), 8),
    "flux, a path from the top": (FLUX % ("/charts/web", "GitRepository"), 8),
    "flux, from a bucket": (FLUX % ("charts/web", "Bucket"), 8),
    "argo, values in a text": (argo("values: |\n  security:\n    privileged: true"), 11),
    "argo, values in quotes": (argo('values: "security: {privileged: true}"'), 9),
    "argo, values as an object": (argo("valuesObject:\n  security: {privileged: true}"), 10),
    "argo, parameters": (
        argo("parameters:\n  - {name: security.privileged, value: 'true'}"),
        10,
    ),
    "argo, a set": (APPLICATIONS, 13),
}


@needs_helm
@pytest.mark.parametrize(("manifest", "line"), RELEASES.values(), ids=RELEASES)
def test_a_chart_of_the_tree_is_rendered_with_the_values_of_a_release(tmp_path: Path, manifest: str, line: int) -> None:
    report = check(tmp_path, CHART, {"apps/shop.yaml": manifest})
    (finding,) = report.findings
    assert (finding.rule, finding.path, finding.line) == (
        "k8s/privileged",
        "charts/web/templates/web.yaml",
        13,
    )
    (place,) = finding.related
    row = place.source.position_of(place.span.start).line
    assert (place.source.path, row) == ("apps/shop.yaml", line)
    assert "apps/shop.yaml" in finding.message


@needs_helm
def test_a_release_gives_its_name_and_namespace(tmp_path: Path) -> None:
    template = MAP.replace("settings", "{{ .Release.Name }}-in-{{ .Release.Namespace }}-x")
    write(tmp_path, CHART | {"charts/web/templates/web.yaml": template})
    write(tmp_path, {"apps/shop.yaml": FLUX % ("./charts/web", "GitRepository")})
    from readiness.loading import assemble, discover
    from readiness.run.pipeline import load_core_rules

    found = discover.discover_files([tmp_path], working_directory=tmp_path)
    core = {one.rule.id: one.rule for one in load_core_rules()}
    made = assemble.assemble_projects(found, core, may_judge_documents=None)
    names = {
        one.name for project in made.projects for document in project.documents_of_kind("k8s") for one in document.objects if one.kind == "ConfigMap"
    }
    assert names == {"release-in-default-x", "shop-in-prod-x"}


@needs_helm
def test_values_files_of_a_release_are_read_from_the_tree(tmp_path: Path) -> None:
    settings = "valueFiles: [values.yaml, ../../env/prod.yaml, https://example.com/x.yaml, gone.yaml]"
    report = check(
        tmp_path,
        CHART,
        {"apps/shop.yaml": argo(settings), "env/prod.yaml": "security: {privileged: true}\n"},
    )
    (finding,) = report.findings
    assert [one.source.path for one in finding.related] == ["env/prod.yaml"]


@needs_helm
def test_a_release_that_a_chart_makes_is_rendered(tmp_path: Path) -> None:
    apps: dict[str, str | bytes] = {
        "apps/Chart.yaml": ABOUT.format("apps"),
        "apps/values.yaml": "",
        "apps/templates/shop.yaml": argo("valuesObject: {security: {privileged: true}}"),
    }
    (finding,) = check(tmp_path, CHART, apps).findings
    assert finding.path == "charts/web/templates/web.yaml"
    assert [one.source.path for one in finding.related] == ["apps/templates/shop.yaml"]


@needs_helm
def test_what_a_rendered_release_says_is_told_once(tmp_path: Path) -> None:
    manifest = (FLUX % ("./charts/web", "GitRepository")).replace("security:", "securityContext:")
    template = DEPLOYMENT.replace("security.", "securityContext.")
    write(tmp_path, CHART | {"charts/web/templates/web.yaml": template})
    write(tmp_path, {"charts/web/values.yaml": "securityContext: {}\n", "shop.yaml": manifest})
    rules = ["k8s/privileged-in-release-values", "k8s/privileged"]
    report = readiness.check([tmp_path], select=rules, base=tmp_path)
    assert [one.rule for one in report.findings] == ["k8s/privileged"]
    report = readiness.check([tmp_path], select=rules, base=tmp_path, render=False)
    assert [one.rule for one in report.findings] == ["k8s/privileged-in-release-values"]


ELSEWHERE = {
    "flux, a repository of charts": FLUX % ("web", "HelmRepository"),
    "flux, a path that is not here": FLUX % ("./charts/gone", "GitRepository"),
    "argo, a repository of charts": argo(
        "valuesObject: {security: {privileged: true}}",
        source=SOURCE.replace("path: charts/web", "chart: web"),
    ),
    "k3s": """\
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: shop}
spec:
  chart: web
  repo: https://charts.example.com
  valuesContent: |-
    securityContext:
      privileged: true
""",
}


@pytest.mark.parametrize("manifest", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_release_whose_chart_is_elsewhere_is_said(tmp_path: Path, manifest: str) -> None:
    report = check(tmp_path, {"apps/shop.yaml": manifest})
    (row,) = [one for one in report.files if one.path == "apps/shop.yaml"]
    assert row.status == "checked"
    assert "is not in this tree and was not rendered" in row.reason


def test_a_path_with_manifests_is_no_gap(tmp_path: Path) -> None:
    manifest = argo("{}").replace("charts/web", "plain")
    report = check(tmp_path, {"apps/shop.yaml": manifest, "plain/map.yaml": MAP})
    (row,) = [one for one in report.files if one.path == "apps/shop.yaml"]
    assert row.reason == ""


@needs_helm
def test_charts_that_a_kustomization_inflates_are_rendered_with_its_values(tmp_path: Path) -> None:
    kustomization = """\
resources: [map.yaml]
helmGlobals: {chartHome: ../charts}
helmCharts:
  - name: web
    releaseName: shop
    valuesInline:
      security: {privileged: true}
"""
    report = check(tmp_path, CHART, {"apps/kustomization.yaml": kustomization, "apps/map.yaml": MAP})
    assert told(report) == [
        ("core/not-rendered", "apps/kustomization.yaml", 3),
        ("k8s/privileged", "charts/web/templates/web.yaml", 13),
    ]
    assert "kustomize build --enable-helm apps" in report.findings[0].message


def values(report: Report) -> list[tuple[str, int, str]]:
    return [(one.rule, one.line, str(one.severity)) for one in report.findings]


SECRETS = {
    "a password": ("auth: {password: hunter2-Zq81}", "medium"),
    "in a list of variables": ("env: [{name: API_TOKEN, value: hunter2-Zq81}]", "medium"),
    "a reference": ("auth: {existingSecret: hunter2-Zq81}", ""),
    "the key of a secret": ("auth: {secretKeys: {adminPasswordKey: admin-password}}", ""),
    "the name of a secret": ("auth: {passwordSecretName: shop-auth-1x}", ""),
    "a made key under a key's name": ("auth: {clientSecret: Kq7vT2mXw9pL4zR8}", "medium"),
    "a key in a secret": ("auth: {secretKey: client-token}", ""),
    "a variable": ("auth: {password: '${SHOP_PASSWORD}'}", ""),
    "empty": ("auth: {password: ''}", ""),
    "encrypted": (
        "auth: {password: 'ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]'}",
        "",
    ),
    "a switch": ("auth: {password: true}", ""),
}


@pytest.mark.parametrize(("text", "severity"), SECRETS.values(), ids=SECRETS)
def test_secrets_in_values_of_a_release(tmp_path: Path, text: str, severity: str) -> None:
    head = FLUX.partition("  values:")[0] % ("web", "HelmRepository")
    write(tmp_path, {"shop.yaml": f"{head}  values:\n    {text}\n"})
    report = readiness.check([tmp_path], select=["k8s/secret-in-release-values"], base=tmp_path)
    assert values(report) == ([("k8s/secret-in-release-values", 7, severity)] if severity else [])


HOSTILE = ["--post-renderer=/bin/sh", "-x", "a b", "../a", "a\nb", "A", "a" * 300, "{{ .x }}", ""]


@needs_helm
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_none_reaches_no_renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    seen: list[helm.ValuesEnvironment] = []

    def render(contents: ChartFiles, wanted: Sequence[helm.ValuesEnvironment]) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
        del contents
        seen.extend(wanted)
        return [], {}

    monkeypatch.setattr(helm, "render_chart", render)
    manifest = FLUX % ("./charts/web", "GitRepository")
    quoted = json.dumps(name)
    manifest = manifest.replace("  values:", f"  releaseName: {quoted}\n  targetNamespace: {quoted}\n  values:")  # fmt: skip
    check(tmp_path, CHART, {"shop.yaml": manifest})
    (one,) = [one for one in seen if "HelmRelease" in one.name]
    fallback = "shop" if not name else helm.DEFAULT_RELEASE_NAME
    assert (one.release_name, one.namespace) == (
        fallback,
        "prod" if not name else helm.DEFAULT_NAMESPACE,
    )


@needs_helm
def test_one_process_renders_a_few_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = helm.render_chart

    def render(contents: ChartFiles, wanted: Sequence[helm.ValuesEnvironment]) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
        sizes.append(len(wanted))
        if len(sizes) == 2:
            raise RenderError("it did not finish")
        return real(contents, wanted)

    monkeypatch.setattr(helm, "render_chart", render)
    monkeypatch.setattr(chart_batches, "_MAX_ENVIRONMENTS_PER_PROCESS", 2)
    values: dict[str, str | bytes] = {f"charts/web/values-{one}.yaml": "" for one in "abcdef"}
    opened: dict[str, str | bytes] = {"charts/web/values.yaml": "security: {privileged: true}\n"}
    report = check(tmp_path, CHART | values | opened)
    assert sizes == [2, 2]  # after one that failed no more are tried
    assert told(report) == [
        ("core/not-rendered", "charts/web/Chart.yaml", 1),
        ("k8s/privileged", "charts/web/templates/web.yaml", 13),
    ]


def test_credentials_of_a_repository_are_not_shown(tmp_path: Path) -> None:
    manifest = argo("{}").replace("charts/web", "gone").replace("git.example", "bob:s3cret@git.example")
    report = check(tmp_path, {"apps/shop.yaml": manifest})
    (row,) = [one for one in report.files if one.path == "apps/shop.yaml"]
    assert "git.example.com" in row.reason
    assert "s3cret" not in row.reason
