"""What a chart on a library sets stands in its values: the line that takes the library in says nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from tests.loading.render.test_releases import needs_helm
from tests.make import write_files

LIBRARY = """\
{{- define "common.all" -}}
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: registry.example.com/web:1
      securityContext: {{- toYaml .Values.securityContext | nindent 8 }}
{{- end }}
"""
VALUES = "replicas: 1\nsecurityContext:\n  capabilities:\n    add:\n      - NET_BIND_SERVICE\n      - SYS_MODULE\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


def place(tmp_path: Path, include: str, library: str = LIBRARY) -> list[tuple[str, int]]:
    files = {"web/Chart.yaml": CHART, "web/values.yaml": VALUES, "web/templates/_all.tpl": library}
    files["web/values.yaml"] = VALUES if ".Values" in library else "replicas: 1\n"
    write_files(tmp_path, files | {"web/templates/common.yaml": include})
    report = readiness.check([tmp_path], base=tmp_path, select=["k8s/capability-dangerous"])
    return [(one.path, one.line) for one in report.findings]


@needs_helm
@pytest.mark.parametrize("include", ['{{ include "common.all" . }}\n', '---\n{{ include "common.all" $ }}\n'])
def test_a_value_is_told_where_it_is_set(tmp_path: Path, include: str) -> None:
    assert place(tmp_path, include) == [("web/values.yaml", 6)]


@needs_helm
def test_what_the_definition_itself_says_is_told_in_the_chart(tmp_path: Path) -> None:
    fixed = LIBRARY.replace("{{- toYaml .Values.securityContext | nindent 8 }}", "{capabilities: {add: [SYS_MODULE]}}")
    ((path, _),) = place(tmp_path, '{{ include "common.all" . }}\n', fixed)
    assert path.startswith("web/templates/")


@needs_helm
def test_a_template_that_prints_the_value_is_told_itself(tmp_path: Path) -> None:
    template = LIBRARY.removeprefix('{{- define "common.all" -}}\n').removesuffix("{{- end }}\n")
    assert [path for path, _ in place(tmp_path, template)] == ["web/templates/common.yaml"]
