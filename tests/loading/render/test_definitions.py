"""What a template takes in with `include` is told with the line of the definition that wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.loading.render import helm
from readiness.loading.render.definitions import definitions_by_unique_name, last_called_definition_name
from readiness.model import Source
from tests.make import write_files

ABOUT = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
DEFINITION = """\
{{/* A pod of the shop. */}}
{{- define "shop.pod" -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .name }}
spec:
  {{- if .name }}
  containers:
    - name: {{ .name }}
      image: example.com/shop:1.2.3
      securityContext:
        privileged: true
  {{- end }}
{{- end }}
"""
needs_helm = pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs the extra readiness[helm] or helm")


def places(root: Path, template: str, definition: str = DEFINITION) -> list[tuple[str, int]]:
    """(file, line) of the definition of each privileged container."""
    files = {"Chart.yaml": ABOUT, "values.yaml": "", "templates/_pod.tpl": definition, "templates/pod.yaml": template}
    report = readiness.check([write_files(root, files)], select=["k8s/privileged"], base=root)
    (finding,) = report.findings
    assert finding.path == "templates/pod.yaml"
    return [(one.source.path, one.source.position_of(one.span.start).line) for one in finding.related if one.message == "written here"]


@needs_helm
@pytest.mark.parametrize(
    "template",
    [
        '{{ include "shop.pod" (dict "name" "web") }}\n',
        '{{- /* licence */}}\n{{- include "shop.pod" (dict\n  "name" "web"\n) }}\n',
        '{{ template "shop.pod" (dict "name" "web") }}\n',
    ],
)
def test_the_line_of_a_definition_is_told(tmp_path: Path, template: str) -> None:
    assert places(tmp_path, template) == [("templates/_pod.tpl", 13)]


@needs_helm
def test_a_definition_that_is_moved_to_the_right(tmp_path: Path) -> None:
    body = "- name: web\n  image: example.com/shop:1.2.3\n  securityContext:\n    privileged: true\n"
    container = f'{{{{- define "shop.container" -}}}}\n{body}{{{{- end }}}}\n'
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n"
    pod += '    {{- include "shop.container" . | nindent 4 }}\n'
    assert places(tmp_path, pod, container) == [("templates/_pod.tpl", 5)]


@needs_helm
def test_what_the_template_writes_itself_has_no_other_place(tmp_path: Path) -> None:
    body = DEFINITION.split("-}}\n", 1)[1].rsplit("{{- end }}", 1)[0].replace(".name", '"web"')
    assert places(tmp_path, body) == []


def test_two_definitions_of_one_name_tell_nothing() -> None:
    assert definitions_by_unique_name([Source("a.tpl", DEFINITION), Source("b.tpl", DEFINITION)]) == {}


def test_definitions_by_name() -> None:
    text = '{{ define "a" }}\n{{ if .x }}1{{ end }}\n{{ end }}\n{{ define "b" }}2{{ end }}\n{{ end }}{{ define "open" }}'
    assert {name: one.first for name, one in definitions_by_unique_name([Source("a.tpl", text)]).items()} == {"a": 0, "b": 3}


def test_the_definition_that_a_line_calls() -> None:
    source = Source("a.yaml", 'a: {{ include "x" . }}\nb: {{ .Values.b }}\n{{ include "y" (dict\n "a" 1) }}\nplain\n')
    assert [last_called_definition_name(source, row) for row in range(5)] == ["x", "", "y", "y", ""]


def test_a_comment_stands_for_the_only_call() -> None:
    one = Source("a.yaml", '{{- /* licence */}}\n{{- include "x" . }}\n')
    two = Source("a.yaml", '{{- /* licence */}}\n{{- include "x" . }}\n{{- include "y" . }}\n')
    assert (last_called_definition_name(one, 0), last_called_definition_name(two, 0)) == ("x", "")
