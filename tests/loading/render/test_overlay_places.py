"""Where a finding on an overlay stands: at the operation that made the value, and at the base where it was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import kustomize
from readiness.verdict.report import Report

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1.2.3
          env:
            - {name: LEVEL, value: info}
          securityContext:
            capabilities: {drop: [ALL]}
            privileged: false
"""
BASE = {"base/web.yaml": WEB, "base/kustomization.yaml": "resources: [web.yaml]\n"}
CONTAINER = "/spec/template/spec/containers/0"


@pytest.fixture(autouse=True)
def _no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of this holds on machines without kustomize."""
    monkeypatch.setattr(kustomize, "kustomize_build_command", list)


def check(root: Path, files: dict[str, str], *select: str) -> Report:
    for name, text in {**BASE, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return readiness.check([root], select=[*select, "core/not-rendered"], base=root)


def told(report: Report) -> list[tuple[str, int, str]]:
    return [(one.path, one.line, one.source.text[slice(*one.span)]) for one in report.findings]


def merge(fields: str, head: str = "") -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
        - name: web{head}
          {fields}
"""


PRIVILEGED = merge("securityContext: {privileged: true}")
SILENT = merge("env: []")
TOP = "resources: [../base]\n"


def in_place(patch: str) -> str:
    """A patch that stands in the kustomization."""
    return "patches:\n  - patch: |-\n" + "".join(f"      {line}\n" for line in patch.splitlines())


OPERATION = f"- op: replace\n  path: {CONTAINER}/securityContext/privileged\n  value: true\n"
PLACES = {
    "a strategic merge in a file": (
        {"prod/kustomization.yaml": TOP + "patches: [{path: p.yaml}]\n", "prod/p.yaml": PRIVILEGED},
        ("prod/p.yaml", 9, "true"),
    ),
    "a strategic merge, the old key": (
        {"prod/kustomization.yaml": TOP + "patchesStrategicMerge: [p.yaml]\n", "prod/p.yaml": PRIVILEGED},
        ("prod/p.yaml", 9, "true"),
    ),
    "a strategic merge in place": (
        {"prod/kustomization.yaml": TOP + in_place(PRIVILEGED)}, ("prod/kustomization.yaml", 12, "true"),
    ),
    "a strategic merge for a target": (
        {"prod/kustomization.yaml": TOP + "patches:\n  - target: {kind: Deployment, name: w.*}\n    path: p.yaml\n",
         "prod/p.yaml": PRIVILEGED.replace("{name: web}", "{name: any}")},
        ("prod/p.yaml", 9, "true"),
    ),
    "operations in a file": (
        {"prod/kustomization.yaml": TOP + "patches: [{path: p.yaml, target: {kind: Deployment}}]\n", "prod/p.yaml": OPERATION},
        ("prod/p.yaml", 3, "true"),
    ),
    "operations in a JSON file": (
        {"prod/kustomization.yaml": TOP + "patchesJson6902:\n"
         "  - {target: {group: apps, version: v1, kind: Deployment, name: web}, path: p.json}\n",
         "prod/p.json": f'[\n{{"op": "add", "path": "{CONTAINER}/securityContext/privileged",\n "value": true}}]\n'},
        ("prod/p.json", 3, "true"),
    ),
    "operations in place": (
        {"prod/kustomization.yaml": TOP + "patches:\n  - target: {name: web}\n    patch: |-\n"
         + "".join(f"      {line}\n" for line in OPERATION.splitlines())},
        ("prod/kustomization.yaml", 7, "true"),
    ),
    "operations on one line": (
        {"prod/kustomization.yaml": TOP + "patches:\n  - target: {name: web}\n    patch: '"
         + f'[{{"op": "replace", "path": "{CONTAINER}/securityContext/privileged", "value": true}}]' + "'\n"},
        ("prod/kustomization.yaml", 4, "true"),
    ),
    "a component": (
        {"prod/kustomization.yaml": TOP + "components: [../part]\n",
         "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n",
         "part/p.yaml": PRIVILEGED},
        ("part/p.yaml", 9, "true"),
    ),
    "a patch below a prefix": (
        {"prod/kustomization.yaml": "resources: [../mid]\npatches: [{path: p.yaml}]\n",
         "prod/p.yaml": PRIVILEGED.replace("{name: web}", "{name: mid-web}"),
         "mid/kustomization.yaml": TOP + "namePrefix: mid-\nnamespace: shop\n"},
        None,
    ),
    "a patch by a former name": (
        {"prod/kustomization.yaml": "resources: [../mid]\npatches: [{path: p.yaml}]\n",
         "prod/p.yaml": PRIVILEGED,
         "mid/kustomization.yaml": TOP + "namePrefix: mid-\nnamespace: shop\n"},
        ("prod/p.yaml", 9, "true"),
    ),
    "a replacement": (
        {"prod/kustomization.yaml": "resources: [../base, cm.yaml]\nreplacements:\n"
         "  - source: {kind: ConfigMap, name: flags, fieldPath: data.on}\n"
         "    targets:\n      - select: {kind: Deployment}\n        fieldPaths:\n"
         "          - spec.template.spec.containers.[name=web].securityContext.privileged\n",
         "prod/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\ndata:\n  on: true\n"},
        ("prod/cm.yaml", 5, "true"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_a_value_is_told_where_it_was_set(tmp_path: Path, name: str) -> None:
    files, place = PLACES[name]
    report = check(tmp_path, files, "k8s/privileged")
    if place is None:  # the object has a namespace, and the patch names none
        assert "core/not-rendered" in {one.rule for one in report.findings}
        return
    assert told(report) == [place]


IMAGES = {
    "a new tag": ("images:\n  - name: example.com/web\n    newTag: latest\n", ("prod/kustomization.yaml", 4, "latest")),
    "a new name": (
        "images:\n  - name: example.com/web\n    newName: example.com/other\n    newTag: latest\n",
        ("prod/kustomization.yaml", 5, "latest"),
    ),
    "another image": ("images:\n  - name: example.com/api\n    newTag: latest\n", None),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_told_at_its_entry(tmp_path: Path, name: str) -> None:
    text, place = IMAGES[name]
    report = check(tmp_path, {"prod/kustomization.yaml": TOP + text}, "k8s/image-tag-missing")
    assert told(report) == ([place] if place else [])


def test_replicas_are_told_at_their_entry(tmp_path: Path) -> None:
    text = TOP + "replicas:\n  - name: web\n    count: 1\n"
    report = check(tmp_path, {"prod/kustomization.yaml": text}, "k8s/replicas-low")
    assert {one[:2] for one in told(report)} <= {("prod/kustomization.yaml", 4)}
    assert report.findings


GENERATED = """\
namespace: shop
configMapGenerator:
  - name: env
    literals:
      - DB_PASSWORD=hunter2pass
      - "API_TOKEN=abcd1234efgh5678"
  - name: more
    envs: [app.env]
  - name: site
    files: [site.conf=nginx/site.conf]
secretGenerator:
  - name: login
    literals: [password=hunter2pass]
"""


def test_generated_values_are_told_at_their_literal_or_line(tmp_path: Path) -> None:
    files = {
        "prod/kustomization.yaml": GENERATED,
        "prod/app.env": "# settings\n\nLEVEL=info\nAPI_TOKEN=abcd1234efgh5678\n",
        "prod/nginx/site.conf": "server {\n    listen 80;\n    server_tokens on;\n}\n",
    }
    report = check(tmp_path, files, "k8s/secret-in-config-map", "k8s/secret-committed")
    assert told(report) == [
        ("prod/app.env", 4, "abcd1234efgh5678"),
        ("prod/kustomization.yaml", 5, "hunter2pass"),
        ("prod/kustomization.yaml", 6, "abcd1234efgh5678"),
        ("prod/kustomization.yaml", 13, "hunter2pass"),
    ]


def test_a_configuration_in_a_generated_map_is_told_at_its_line(tmp_path: Path) -> None:
    files = {
        "prod/kustomization.yaml": "configMapGenerator: [{name: site, files: [site.conf]}]\n",
        "prod/site.conf": "server {\n    listen 80;\n    server_name a.example.com;\n    server_tokens on;\n}\n",
    }
    report = check(tmp_path, files, "nginx/version-disclosed")
    assert ("prod/site.conf", 4) in {one[:2] for one in told(report)}


def test_the_other_place_in_a_configuration_is_told_at_its_line(tmp_path: Path) -> None:
    server = "    server {\n      listen 80;\n      server_name a.example.com;\n    }\n"
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: site\ndata:\n  nginx.conf: |\n"
    files = {
        "prod/kustomization.yaml": "resources: [map.yaml]\n",
        "prod/map.yaml": f"{head}    http {{\n{server}{server}    }}\n",
    }
    (finding,) = check(tmp_path, files, "nginx/server-name-conflicting").findings
    (other,) = finding.related
    assert (finding.line, other.source.path, other.source.position_of(other.span.start).line) == (14, "prod/map.yaml", 8)


def test_merged_literals_win_over_those_of_the_base(tmp_path: Path) -> None:
    maker = "configMapGenerator:\n  - name: env\n    literals: [DB_PASSWORD=hunter2pass]\n"
    files = {
        "base/kustomization.yaml": maker,
        "prod/kustomization.yaml": TOP + maker.replace("literals", "behavior: merge\n    literals").replace("hunter2", "hunter3"),
    }  # fmt: skip
    report = check(tmp_path, files, "k8s/secret-in-config-map")
    assert told(report) == [("prod/kustomization.yaml", 5, "hunter3pass")]


@pytest.mark.parametrize("overlays", [("north",), ("north", "south"), ("a", "b", "c")])
def test_what_no_file_sets_is_missing_in_the_base_once(tmp_path: Path, overlays: tuple[str, ...]) -> None:
    files = {f"{name}/kustomization.yaml": TOP + f"namePrefix: {name}-\npatches: [{{path: p.yaml}}]\n" for name in overlays}
    files |= {f"{name}/p.yaml": merge("env: [{name: REGION, value: one}]") for name in overlays}
    report = check(tmp_path, files, "k8s/memory-limit-missing")
    assert [one[:2] for one in told(report)] == [("base/web.yaml", 12)]
    assert "only with" not in report.findings[0].message


def test_what_a_patch_adds_is_missing_in_the_patch(tmp_path: Path) -> None:
    patch = merge("env: []").replace("- name: web", "- name: side\n          image: example.com/side:1.0.0")
    files = {"prod/kustomization.yaml": TOP + "patches: [{path: p.yaml}]\n", "prod/p.yaml": patch}
    report = check(tmp_path, files, "k8s/memory-limit-missing")
    assert {one[:2] for one in told(report)} == {("base/web.yaml", 12), ("prod/p.yaml", 8)}


OPERATIONS = "patches:\n  - target: {name: web}\n    patch: |-\n"
REMOVALS = {
    "an operation": (OPERATIONS + f"      - op: remove\n        path: {CONTAINER}/securityContext\n", 5),
    "a null": (in_place(merge("securityContext: null")), 12),
    "a directive": (in_place(merge("securityContext: {$patch: delete}")), 12),
}  # fmt: skip


@pytest.mark.parametrize("name", REMOVALS)
def test_what_a_patch_takes_away_is_told_at_the_patch(tmp_path: Path, name: str) -> None:
    text, line = REMOVALS[name]
    report = check(
        tmp_path,
        {"prod/kustomization.yaml": TOP + text},
        "k8s/capabilities-not-dropped",
        "k8s/memory-limit-missing",
    )
    assert {(one.rule, one.path, one.line) for one in report.findings} == {
        ("k8s/capabilities-not-dropped", "prod/kustomization.yaml", line),
        ("k8s/memory-limit-missing", "base/web.yaml", 12),
    }


def test_silence_at_an_operation_and_at_the_base(tmp_path: Path) -> None:
    silent = OPERATION.replace("true", "true  # readiness: ignore[k8s/privileged] it mounts disks")
    files = {
        "prod/kustomization.yaml": TOP + "patches: [{path: p.yaml, target: {kind: Deployment}}]\n",
        "prod/p.yaml": silent,
    }
    report = check(tmp_path, files, "k8s/privileged")
    assert [one.suppression is not None for one in report.findings] == [True]


REASONS = {
    "a plain path under patches": (
        {"prod/kustomization.yaml": TOP + "patches:\n- p.yaml\n", "prod/p.yaml": merge("env: []")},
        ("prod/kustomization.yaml", 3), "an entry of `patches` is a mapping since kustomize 5: write `- path: p.yaml`",
    ),
    "a Helm chart": (
        {"prod/kustomization.yaml": TOP + "helmCharts:\n  - {name: shop, releaseName: shop}\n"},
        ("prod/kustomization.yaml", 2), "must specify --enable-helm",
    ),
    "a resource that is not there": (
        {"prod/kustomization.yaml": "resources:\n  - ../base\n  - gone.yaml\n"},
        ("prod/kustomization.yaml", 3), "'gone.yaml', which is not there",
    ),
    "a base's resource that is not there": (
        {"prod/kustomization.yaml": TOP, "base/kustomization.yaml": "resources:\n  - web.yaml\n  - gone.yaml\n"},
        ("base/kustomization.yaml", 3), "'gone.yaml', which is not there",
    ),
    "a generator's file that is not there": (
        {"prod/kustomization.yaml": TOP + "secretGenerator:\n  - name: tls\n    files: [tls.key]\n"},
        ("prod/kustomization.yaml", 4), "'tls.key', which is not there; make that file first",
    ),
    "a patch for nobody": (
        {"prod/kustomization.yaml": TOP + "patches: [{path: p.yaml}]\n",
         "prod/p.yaml": SILENT.replace("{name: web}", "{name: api}")},
        ("prod/p.yaml", 1), "a patch is for Deployment api, and there is no such object here",
    ),
    "an operation on nothing": (
        {"prod/kustomization.yaml": TOP + "patches: [{path: p.yaml, target: {name: web}}]\n",
         "prod/p.yaml": "- op: remove\n  path: /spec/paused\n"},
        ("prod/p.yaml", 1), "the operation on /spec/paused cannot be carried out: there is no 'paused'",
    ),
    "a patch that is no YAML": (
        {"prod/kustomization.yaml": TOP + "patches:\n  - target: {name: web}\n    patch: |-\n      - op: [\n"},
        ("prod/kustomization.yaml", 5), "a patch does not parse",
    ),
    "an object that is taken in twice": (
        {"prod/kustomization.yaml": "resources:\n  - a.yaml\n  - b.yaml\n", "prod/a.yaml": WEB, "prod/b.yaml": WEB},
        ("prod/kustomization.yaml", 3), "Deployment web is taken in twice",
    ),
    "replicas of nobody": ({"prod/kustomization.yaml": TOP + "replicas: [{name: api, count: 2}]\n"}, None, "replicas names 'api'"),
}  # fmt: skip


BUILT_WITHOUT = {"a Helm chart", "a generator's file that is not there"}  # what is told here is left out, and all else is built


@pytest.mark.parametrize("name", REASONS)
def test_why_an_overlay_is_not_built(tmp_path: Path, name: str) -> None:
    files, place, words = REASONS[name]
    report = check(tmp_path, files, "k8s/selector-missing", "k8s/memory-limit-missing")
    (found,) = [one for one in report.findings if one.rule == "core/not-rendered"]
    assert words in found.message
    if place:
        assert (found.path, found.line) == place
    row = next(row for row in report.files if row.path == "prod/kustomization.yaml")
    assert row.status == ("checked" if name in BUILT_WITHOUT else "skipped")
    assert words in row.reason
    assert not [one for one in report.findings if one.path == "prod/p.yaml" and one is not found]
