"""Where findings on charts are told: at the value that a person edits, once, whatever number of values files set it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import helm
from readiness.loading.render.values import action_range_for_rendered_range
from readiness.verdict.report import Report
from tests.loading.render.test_chart_parts import packed
from tests.make import write_files

pytestmark = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
ABOUT = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
MANIFEST = """\
apiVersion: v1
kind: Secret
metadata:
  name: shop
stringData:
  db_password: {}
"""
REAL, OTHER = "kT9vQ2mZ8xLw4Rbn", "Yh3sPq7cWd5Jt1Gf"


def check(root: Path, template: str, values: str, **more: str) -> Report:
    files = {"Chart.yaml": ABOUT, "values.yaml": values, "templates/secret.yaml": template}
    write_files(root, files | {name.replace("__", "/"): text for name, text in more.items()})
    return readiness.check([root], select=["k8s/secret-committed"], base=root)


def told(report: Report) -> list[tuple[str, int]]:
    return [(one.path, one.line) for one in report.findings if one.suppression is None]


# How a template prints a value; the secret stands in line 2 of the values.
PRINTED = {
    "plainly": "{{ .Values.db.password }}",
    "in quotes": '"{{ .Values.db.password }}"',
    "by a function": "{{ .Values.db.password | quote }}",
    "with a default": '{{ .Values.db.password | default "x" | quote }}',
    "in a text": 'user=app password="{{ .Values.db.password }}" port={{ .Values.db.port }}',
}


@pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED)
def test_a_secret_is_told_where_its_value_is_set(tmp_path: Path, printed: str) -> None:
    template = MANIFEST.format(f"|\n    [db]\n    {printed}" if "user" in printed else printed)
    report = check(tmp_path, template, f"db:\n  password: {REAL}\n  port: 5432\n")
    assert told(report) == [("values.yaml", 2)]
    (finding,) = report.findings
    assert finding.source.text[slice(*finding.span)] == REAL
    assert [(one.source.path, one.message) for one in finding.related][-1][0] == "templates/secret.yaml"
    assert "only with" not in finding.message


def test_a_secret_in_data_is_known_again_behind_base64(tmp_path: Path) -> None:
    template = MANIFEST.replace("stringData", "data").format("{{ .Values.db.password | b64enc }}")
    assert told(check(tmp_path, template, f"db:\n  password: {REAL}\n")) == [("values.yaml", 2)]


def test_a_whole_mapping_brings_its_secret_from_the_file_that_sets_it(tmp_path: Path) -> None:
    template = MANIFEST.replace("  db_password: {}", "  {{- toYaml .Values.secrets | nindent 2 }}")
    report = check(
        tmp_path, template, "secrets: {}\n",
        **{"values-prod.yaml": f"# prod\nsecrets:\n  db_password: {REAL}\n"},
    )  # fmt: skip
    assert told(report) == [("values-prod.yaml", 3)]


def test_what_several_files_set_is_told_once(tmp_path: Path) -> None:
    template = MANIFEST.format("{{ .Values.db.password }}")
    report = check(
        tmp_path, template, f"db:\n  password: {REAL}\n",
        **{"values-prod.yaml": f"# prod\ndb:\n  password: {OTHER}\n"},
    )  # fmt: skip
    assert told(report) == [("values.yaml", 2)]
    places = {(one.source.path, one.source.position_of(one.span.start).line) for one in report.findings[0].related}
    assert places == {("templates/secret.yaml", 6), ("values-prod.yaml", 3)}


# What a template writes itself is told in the template, and so is what nobody can tell the origin of.
KEPT = {
    "literal": (REAL, "db: {}\n"),
    "literal beside values": (f"postgres://app:{REAL}@{{{{ .Values.db.host }}}}/shop", "db: {host: db.example.com}\n"),
    "two values alike": (
        "{{ printf \"%s\" .Values.a | trim }}", f"x: {REAL}\ny: {REAL}\na: ' {REAL}'\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("printed", "values"), KEPT.values(), ids=KEPT)
def test_other_secrets_are_told_in_the_template(tmp_path: Path, printed: str, values: str) -> None:
    assert told(check(tmp_path, MANIFEST.format(printed), values)) == [("templates/secret.yaml", 6)]


@pytest.mark.parametrize("where", ["template", "values"])
def test_a_comment_silences_at_both_places(tmp_path: Path, where: str) -> None:
    template, values = MANIFEST.format("{{ .Values.db.password }}"), f"db:\n  password: {REAL}"
    comment = "  # readiness: ignore[k8s/secret-committed] a fixture of the tests"
    if where == "template":
        template = template.rstrip() + comment
    else:
        values += comment
    report = check(tmp_path, template + "\n", values + "\n")
    assert told(report) == []
    assert len(report.findings) == 1


PACKED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-{{ .Values.nameOverride }}
spec:
  selector: {matchLabels: {app: part}}
  template:
    metadata: {labels: {app: part}}
    spec:
      containers:
        - name: main
          image: {{ include "part.image" . }}
"""
HELPER = '{{- define "part.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag }}{{- end }}'


def test_an_image_of_an_archive_is_told_where_its_repository_is_set(tmp_path: Path) -> None:
    part = {
        "Chart.yaml": ABOUT.replace("shop", "part"),
        "values.yaml": "nameOverride: part\nimage: {repository: example.com/team/part, tag: latest}\n",
        "templates/_helpers.tpl": HELPER,
        "templates/web.yaml": PACKED,
    }
    values = "part:\n  nameOverride: parts-of-shop\n  image:\n    repository: example.com/mirror/part\n"
    files = {"Chart.yaml": ABOUT, "values.yaml": values, "charts/part-1.0.0.tgz": packed(part)}
    write_files(tmp_path, files)
    rules = ["k8s/image-tag-missing", "k8s/pod-ingress-open"]
    report = readiness.check([tmp_path], select=rules, base=tmp_path)
    assert {one.rule: (one.path, one.line) for one in report.findings} == {
        "k8s/image-tag-missing": ("values.yaml", 4),
        "k8s/pod-ingress-open": ("charts/part-1.0.0.tgz/templates/web.yaml", 4),
    }


LINES = {
    "the first": ('a: "{{ .x }}:{{ .y }}"', 'a: "one:two"', (4, 7), "{{ .x }}"),
    "the second": ('a: "{{ .x }}:{{ .y }}"', 'a: "one:two"', (8, 11), "{{ .y }}"),
    "both": ('a: "{{ .x }}:{{ .y }}"', 'a: "one:two"', (4, 11), None),
    "neither": ('a: "{{ .x }}:{{ .y }}"', "b: [1, 2]", (4, 5), None),
    "only one there": ('a: "{{ .x }}"', 'a: "one"', (4, 7), None),
}


@pytest.mark.parametrize(("line", "rendered", "span", "action"), LINES.values(), ids=LINES)
def test_which_action_gave_a_part_of_a_line(line: str, rendered: str, span: tuple[int, int], action: str | None) -> None:
    found = action_range_for_rendered_range(line, rendered, *span)
    assert (line[slice(*found)] if found else None) == action


# Errors of a chart with an absent dependency: whether they are told beside it.
BROUGHT = {
    "a value of the dependency": ("{{ .Values.part.service.port }}", 1),
    "a value of another": ("{{ .Values.other.service.port }}", 2),
}


@pytest.mark.parametrize(("action", "count"), BROUGHT.values(), ids=BROUGHT)
def test_values_that_an_absent_dependency_brings_are_no_fault_of_their_own(tmp_path: Path, action: str, count: int) -> None:
    write_files(
        tmp_path,
        {
            "Chart.yaml": ABOUT + "dependencies:\n  - {name: part, version: 1.0.0}\n",
            "values.yaml": "full: true\n",
            "values-off.yaml": "full: false\n",
            "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"
            f'data: {{x: "{{{{ if .Values.full }}}}{action}{{{{ end }}}}"}}\n',
        },
    )
    report = readiness.check([tmp_path], select=["core/not-rendered"], base=tmp_path)
    assert len(report.findings) == count


@pytest.mark.parametrize(
    ("line", "severity"),
    [("# - ./old", "low"), ("  # - old", "low"), ("# - older", "medium"), ("", "medium")],
)
def test_an_overlay_that_is_switched_off_weighs_less(tmp_path: Path, line: str, severity: str) -> None:
    write_files(
        tmp_path,
        {
            "kustomization.yaml": f"resources:\n  - map.yaml\n{line}\n",
            "map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n",
            "old/kustomization.yaml": "resources: [gone.yaml]\n",
        },
    )
    report = readiness.check([tmp_path], select=["core/not-rendered"], base=tmp_path)
    assert [(one.path, str(one.severity)) for one in report.findings] == [("old/kustomization.yaml", severity)]


PLACED = """\
apiVersion: v1
kind: Pod
metadata: {{name: shop}}
spec:
  containers: [{{name: shop, image: "registry.example.com/shop:1.4"}}]
{0}
"""
BY_NAME = "  nodeSelector:\n{{ toYaml .Values.nodeSelector | indent 4 }}"
BY_WITH = "  {{- with .Values.nodeSelector }}\n  nodeSelector:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}"
WRONG_VALUES = {
    "a mapping by its name": (BY_NAME, "{}\n", "nodeSelector:\n  proxy: true\n", ("values-edge.yaml", 2)),
    "the mapping of a block": (BY_WITH, "{}\n", "nodeSelector:\n  disk: ssd\n  proxy: 1\n", ("values-edge.yaml", 3)),
    "the chart's own values": (
        BY_NAME,
        "nodeSelector:\n  proxy: true\n",
        "nodeSelector:\n  disk: ssd\n",
        ("templates/pod.yaml", 7),
    ),
    "a key that stands twice": (
        BY_WITH,
        "{}\n",
        "nodeSelector: {proxy: true}\nother: {proxy: true}\n",
        ("templates/pod.yaml", 8),
    ),
    "a value by its own name": (
        '  nodeSelector: {proxy: {{ .Values.proxy | default "x" }}}',
        "{}\n",
        "proxy: true\n",
        ("templates/pod.yaml", 6),
    ),
}


@pytest.mark.parametrize(("printed", "own", "edge", "place"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_wrong_value_of_one_file_is_told_there(tmp_path: Path, printed: str, own: str, edge: str, place: tuple[str, int]) -> None:
    files = {"Chart.yaml": ABOUT, "values.yaml": own, "values-edge.yaml": edge, "templates/pod.yaml": PLACED.format(printed)}
    write_files(tmp_path, files)
    report = readiness.check([tmp_path], select=["k8s/field-type-wrong"], base=tmp_path)
    assert told(report) == [place]


VARIABLES_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: part}
spec:
  containers:
    - name: part
      image: docker.io/elasticsearch:8.11.1
      env:
{{ toYaml .Values.extraEnvs | indent 8 }}
"""


@pytest.mark.parametrize("last", ["", "    - name: discovery.type\n      value: single-node\n"])
def test_an_item_of_a_list_of_variables_is_told_at_itself(tmp_path: Path, last: str) -> None:
    part = {"Chart.yaml": ABOUT.replace("shop", "part"), "values.yaml": "extraEnvs: []\n", "templates/pod.yaml": VARIABLES_POD}
    values = (
        "part:\n  extraEnvs:\n    - name: bootstrap.memory_lock\n      value: 'false'\n    - name: xpack.security.enabled\n      value: 'false'\n"
    )
    files: dict[str, str | bytes] = {"Chart.yaml": ABOUT, "values.yaml": values + last, "charts/part-1.0.0.tgz": packed(part)}
    report = readiness.check([write_files(tmp_path, files)], select=["k8s/authentication-off"], base=tmp_path)
    assert told(report) == [("values.yaml", 6)]


SCALER = """\
{{- define "shop.scaler" -}}
{{- $scaling := .scaling -}}
apiVersion: autoscaling/{{ default "v2" $scaling.apiVersion }}
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .name }}}
{{- end -}}
"""
SCALED = """\
{{- if .Values.PART.scaling.enabled }}
{{- include "shop.scaler" (dict
      "name" "PART"
      "scaling" .Values.PART.scaling) }}
{{- end }}
"""
SCALING = "PART:\n  scaling:\n    enabled: true\n    apiVersion: v2beta2\n"


def scaler_places(root: Path, files: dict[str, str]) -> list[tuple[str, int]]:
    about = {"Chart.yaml": ABOUT, "templates/_scaler.tpl": SCALER}
    report = readiness.check([write_files(root, about | files)], select=["k8s/api-version-removed"], base=root)
    return sorted((one.path, one.line) for one in report.findings if one.rule == "k8s/api-version-removed")


def parted(text: str, part: str) -> str:
    return text.replace("PART", part)


def test_what_a_definition_is_given_is_told_where_it_is_set(tmp_path: Path) -> None:
    templates = {f"templates/{one}.yaml": parted(SCALED, one) for one in ("web", "api")}
    values = {"values.yaml": parted(SCALING, "web") + parted(SCALING, "api")}
    assert scaler_places(tmp_path, templates | values) == [("values.yaml", 4), ("values.yaml", 8)]


def test_the_file_that_wins_is_told_and_one_value_once(tmp_path: Path) -> None:
    template = {"templates/web.yaml": parted(SCALED, "web") + "---\n" + parted(SCALED, "web").replace('"web"', '"api"')}
    assert scaler_places(tmp_path / "two calls", template | {"values.yaml": parted(SCALING, "web")})[0][0] == "templates/web.yaml"
    files = {"templates/web.yaml": parted(SCALED, "web"), "values.yaml": parted(SCALING, "web").replace("v2beta2", "v2")}
    production = {"values-production.yaml": parted(SCALING, "web")}
    assert scaler_places(tmp_path / "overridden", files | production) == [("values-production.yaml", 4)]


@pytest.mark.parametrize(
    ("template", "values"),
    [
        (parted(SCALED, "web"), parted(SCALING, "web") + "    old:\n      apiVersion: v2beta2\n"),  # two could be it
        (parted(SCALED, "web") + "\n{{ toYaml .Values.more }}\n", parted(SCALING, "web") + "more: {status: {}}\n"),  # more is printed
        (parted(SCALED, "web").replace(".Values.web.scaling)", "(dict \"apiVersion\" \"v2beta2\"))"), parted(SCALING, "web")),
    ],
)  # fmt: skip
def test_what_nobody_can_tell_stays_with_the_template(tmp_path: Path, template: str, values: str) -> None:
    assert {path for path, _ in scaler_places(tmp_path, {"templates/web.yaml": template, "values.yaml": values})} == {"templates/web.yaml"}


def test_a_definition_that_writes_the_version_itself_is_no_matter_of_values(tmp_path: Path) -> None:
    scaler = {"templates/_scaler.tpl": SCALER.replace('{{ default "v2" $scaling.apiVersion }}', "v2beta1")}
    found = scaler_places(tmp_path, scaler | {"templates/web.yaml": parted(SCALED, "web"), "values.yaml": parted(SCALING, "web")})
    assert [path for path, _ in found] == ["templates/web.yaml"]


STORE = """\
apiVersion: v1
kind: Pod
metadata: {name: store}
spec:
  containers:
    - name: store
      image: bitnami/redis:7.4.1
      env:
        - name: ALLOW_EMPTY_PASSWORD
          value: {{ ternary "no" "yes" .Values.auth.enabled | quote }}
"""


@pytest.mark.parametrize(
    ("own", "parent", "more", "place"),
    [
        ("auth: {enabled: true}\n", "store:\n  auth:\n    enabled: false\n", {}, ("values.yaml", 3)),
        ("auth: {enabled: false}\n", "", {}, ("charts/store/templates/store.yaml", 10)),  # nobody above sets it
        (
            "auth: {enabled: true}\n",
            "store:\n  auth: {enabled: true}\n",
            {"values-production.yaml": "store:\n  auth: {enabled: false}\n"},
            ("values-production.yaml", 2),
        ),
    ],
)
def test_what_a_parent_chart_decides_is_told_there(tmp_path: Path, own: str, parent: str, more: dict[str, str], place: tuple[str, int]) -> None:
    store = {"Chart.yaml": ABOUT.replace("shop", "store"), "values.yaml": own, "templates/store.yaml": STORE}
    files = {"Chart.yaml": ABOUT, "values.yaml": parent, **more, **{f"charts/store/{name}": text for name, text in store.items()}}
    report = readiness.check([write_files(tmp_path, files)], select=["k8s/authentication-off"], base=tmp_path)
    assert [(one.path, one.line) for one in report.findings if one.rule == "k8s/authentication-off"] == [place]
