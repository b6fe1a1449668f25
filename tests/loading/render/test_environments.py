"""Environments of a chart: values of tests are not asked what production needs, and one line is one finding."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import helm
from tests.loading.render.test_chart_parts import ABOUT, MAP, write

pytestmark = pytest.mark.skipif(
    not helm.available_chart_renderer(),
    reason="needs the extra readiness[helm] or helm, and neither is installed",
)
TEMPLATE = """\
{{- if .Values.extra }}
apiVersion: apps/v1
kind: Deployment
metadata: {name: extra, namespace: app}
spec:
  selector: {matchLabels: {app: extra}}
  template:
    metadata: {labels: {app: extra}}
    spec:
      hostPID: %s
      containers:
        - name: extra
          image: %s
{{- end }}
"""


def found(root: Path, files: dict[str, str], *select: str) -> list[tuple[str, str, int]]:
    about: dict[str, str | bytes] = {
        "Chart.yaml": ABOUT.format("shop"),
        "templates/map.yaml": MAP,
        "values.yaml": "extra: false\npid: false\n",
    }
    write(root, about | files)
    report = readiness.check([root], select=list(select), base=root)
    return [(one.rule, one.path, one.line) for one in report.findings]


ALL = (
    "k8s/host-pid",
    "k8s/memory-limit-missing",
    "k8s/image-tag-missing",
    "k8s/selector-missing",
    "core/not-rendered",
)
IMAGE = "example.com/extra:1.2.3"
TESTED = {
    "a value that the template writes": (TEMPLATE % ("true", IMAGE), ["k8s/host-pid"]),
    "a value of the test": (TEMPLATE % ("{{ .Values.pid }}", IMAGE), []),
    "an image that the template writes": (
        TEMPLATE % ("false", "example.com/extra:latest"),
        ["k8s/image-tag-missing"],
    ),
    "what is wrong with any values": (
        (TEMPLATE % ("false", IMAGE)).replace("  selector: {matchLabels: {app: extra}}\n", ""),
        ["k8s/selector-missing"],
    ),
    "what fails": (TEMPLATE % ('{{ fail "no" }}', IMAGE), ["core/not-rendered"]),
}


@pytest.mark.parametrize(("template", "rules"), TESTED.values(), ids=TESTED)
def test_values_of_an_install_test_reach_templates_and_are_not_asked_themselves(tmp_path: Path, template: str, rules: list[str]) -> None:
    files = {"templates/extra.yaml": template, "ci/full-values.yaml": "extra: true\npid: true\n"}
    assert [one[0] for one in found(tmp_path, files, *ALL)] == rules


def test_the_same_values_of_an_environment_are_asked(tmp_path: Path) -> None:
    template = TEMPLATE % ("{{ .Values.pid }}", IMAGE)
    files = {"templates/extra.yaml": template, "values-prod.yaml": "extra: true\npid: true\n"}
    assert [one[0] for one in found(tmp_path, files, *ALL)] == [
        "k8s/host-pid",
        "k8s/memory-limit-missing",
    ]


def test_a_chart_that_renders_with_values_of_tests_alone_is_asked_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    template = TEMPLATE % ("{{ .Values.pid }}", '{{ required "an image" .Values.image }}')
    files = {
        "templates/extra.yaml": template,
        "values.yaml": "extra: true\n",
        "ci/full-values.yaml": f"image: {IMAGE}\npid: true\n",
    }
    assert [one[0] for one in found(tmp_path, files, *ALL)] == ["k8s/memory-limit-missing"]


JOBS = """\
{{- range .Values.jobs }}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: job-{{ . }}, namespace: app}
spec:
  schedule: "7 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          hostPID: true
          containers: [{name: job, image: "example.com/x:1.2.3"}]
{{- end }}
"""


@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_line_that_makes_several_objects_is_one_finding(tmp_path: Path, count: int) -> None:
    names = [f"n{number}" for number in range(count)]
    write(tmp_path, {"values.yaml": f"jobs: [{', '.join(names)}]\n", "templates/jobs.yaml": JOBS})
    write(tmp_path, {"Chart.yaml": ABOUT.format("shop")})
    report = readiness.check([tmp_path], select=["k8s/host-pid"], base=tmp_path)
    (finding,) = report.findings
    for name in sorted(names)[:7]:
        assert f"CronJob/job-{name}" in finding.message
    assert (f"{count - 7} more" in finding.message) is (count > 7)


def test_an_object_with_two_names_is_one_finding(tmp_path: Path) -> None:
    template = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n"
        '  name: {{ default (printf "%s-shop" .Release.Name) .Values.name }}\nspec:\n'
        "  hostPID: true\n  containers: [{name: a, image: 'example.com/a:1.2.3'}]\n"
    )
    files = {"templates/pod.yaml": template, "values-prod.yaml": "name: shop\n"}
    write(tmp_path, {"values.yaml": "name: ''\n", "Chart.yaml": ABOUT.format("shop"), **files})
    report = readiness.check([tmp_path], select=["k8s/host-pid", "k8s/pod-bare"], base=tmp_path)
    assert [(one.rule, one.line) for one in report.findings] == [
        ("k8s/pod-bare", 2),
        ("k8s/host-pid", 6),
    ]
    for finding in report.findings:
        assert "Pod/release-shop" in finding.message
        assert "Pod/shop" in finding.message
        assert "only with" not in finding.message


def test_a_chart_that_refuses_the_default_namespace_is_rendered_for_another(tmp_path: Path) -> None:
    guard = '{{- if eq .Release.Namespace "default" }}{{ fail "not in the default namespace" }}{{ end }}\n'
    template = guard + TEMPLATE % ("true", IMAGE)
    files = {"templates/extra.yaml": template, "values.yaml": "extra: true\n"}
    assert [one[0] for one in found(tmp_path, files, "k8s/host-pid", "core/not-rendered")] == ["k8s/host-pid"]


def test_a_schema_that_is_elsewhere_is_not_asked(tmp_path: Path) -> None:
    schema = '{"$ref": "https://example.com/schema.json"}'
    files = {"values.schema.json": schema, "templates/extra.yaml": TEMPLATE % ("true", IMAGE)}
    assert found(tmp_path, files | {"values.yaml": "extra: true\n"}, "k8s/host-pid") == [("k8s/host-pid", "templates/extra.yaml", 10)]


def test_defaults_that_the_schema_refuses_fail_nothing_where_other_values_pass(
    tmp_path: Path,
) -> None:
    schema = '{"type": "object", "properties": {"host": {"type": "string", "minLength": 3}}}'
    files = {"values.schema.json": schema, "values.yaml": "host: ''\n"}
    assert found(tmp_path, files, "core/not-rendered") == [("core/not-rendered", "Chart.yaml", 1)]
    write(tmp_path, {"values-prod.yaml": "host: a.example.com\n"})
    assert found(tmp_path, files, "core/not-rendered") == []


MANIFEST_OF_LOGIN = """\
apiVersion: v1
kind: Secret
metadata: {{name: login}}
stringData: {{password: {0}}}
"""
ARGUMENTS = """\
apiVersion: batch/v1
kind: Job
metadata: {{name: load}}
spec:
  template:
    spec:
      containers:
        - name: load
          image: registry.example.com/load:1.4
          args:
            - |
              --config=type: s3
              {0}
"""
GIVEN_BY_TESTS = {
    "a value": (MANIFEST_OF_LOGIN.format("{{ .Values.password }}"), {"ci/full-values.yaml": "password: seafarer\n"}, []),
    "a value that the chart asks for": (
        MANIFEST_OF_LOGIN.format('{{ required "one" .Values.password | quote }}'),
        {"ci/full-values.yaml": "password: seafarer\n"},
        [],
    ),
    "a file whose name says tests": (
        MANIFEST_OF_LOGIN.format("{{ .Values.password }}"),
        {"values.test.yaml": "password: seafarer\n"},
        [],
    ),
    "a mapping in a block": (
        ARGUMENTS.format("{{- toYaml .Values.store | nindent 14 }}"),
        {"ci/full-values.yaml": "store: {secret_key: Kq7vT2mXw9pLZz81}\n"},
        [],
    ),
    "the template": (
        "{{ if .Values.extra }}\n" + MANIFEST_OF_LOGIN.format("seafarer") + "{{ end }}\n",
        {"ci/full-values.yaml": "extra: true\n"},
        ["templates/a.yaml"],
    ),
    "a block of the template": (
        ARGUMENTS.format("secret_key: Kq7vT2mXw9pLZz81"),
        {"ci/full-values.yaml": "x: 1\n", "values.yaml": "x: 2\n"},
        ["templates/a.yaml"],
    ),
    "the defaults of a chart that needs more": (
        MANIFEST_OF_LOGIN.format("{{ .Values.password }}") + '  # {{ required "a name" .Values.name }}\n',
        {"ci/full-values.yaml": "name: x\n", "values.yaml": "password: seafarer\n"},
        ["values.yaml"],
    ),
    "a credential that a service gave out": (
        MANIFEST_OF_LOGIN.format('{{ required "one" .Values.password }}'),
        {"ci/full-values.yaml": "password: AKIAQ3EGRVJ7WLDN5TZB\n"},
        ["ci/full-values.yaml"],
    ),
    "values of another environment": (
        MANIFEST_OF_LOGIN.format("{{ .Values.password }}"),
        {"values-staging.yaml": "password: seafarer\n"},
        ["values-staging.yaml"],
    ),
}


@pytest.mark.parametrize(("template", "files", "places"), GIVEN_BY_TESTS.values(), ids=GIVEN_BY_TESTS)
def test_secrets_that_only_values_for_tests_give(tmp_path: Path, template: str, files: dict[str, str], places: list[str]) -> None:
    write(tmp_path, {"Chart.yaml": ABOUT.format("shop"), "templates/a.yaml": template, "values.yaml": "{}\n"} | files)
    report = readiness.check([tmp_path], select=["k8s/secret-committed", "k8s/secret-in-arguments"], base=tmp_path)
    assert sorted({one.path for one in report.findings}) == places
