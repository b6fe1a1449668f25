"""Each file of a run is parsed once, whoever asks for its documents."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

import readiness
from readiness.loading.parsed import ParsedTexts
from readiness.model import ParseError, Source
from readiness.syntax import yaml

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop%s}
spec:
  containers:
    - {name: app, image: example.com/app:latest, securityContext: {privileged: %s}}
"""
PATCH = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec: {hostPID: true}
"""
TREE = {
    "base/kustomization.yaml": "resources: [pod.yaml]\n",
    "base/pod.yaml": POD % ("", "true"),
    "north/kustomization.yaml": "resources: [../base]\nnamePrefix: north-\n",
    "south/kustomization.yaml": "resources: [../base]\npatches: [{path: patch.yaml}]\n",
    "south/patch.yaml": PATCH,
    "plain/pod.yaml": POD % ("-plain", "true"),
    "dist/all.yaml": "# DO NOT EDIT\n" + POD % ("-plain", "true") + "---\n" + POD % ("", "true"),
    "chart/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 0.1.0\n",
    "chart/values.yaml": "open: true\n",
    "chart/values-prod.yaml": "open: true # in production\n",
    "chart/templates/a.yaml": POD % ("-a", "{{ .Values.open }}"),
    "chart/templates/b.yaml": POD % ("-b", "{{ .Values.open }}"),
}  # fmt: skip


def test_a_run_parses_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: collections.Counter[str] = collections.Counter()
    begin = yaml._Loader.__init__

    def count(loader: yaml._Loader, text: str, base: int) -> None:
        parsed[text] += 1
        begin(loader, text, base)

    monkeypatch.setattr(yaml._Loader, "__init__", count)
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    report = readiness.check([tmp_path], base=tmp_path)
    assert {"base/pod.yaml", "plain/pod.yaml", "south/patch.yaml"} <= {one.path for one in report.findings}
    often = {name: parsed[text] for name, text in TREE.items() if parsed[text] > 1}
    assert often == {}
    assert parsed[TREE["base/kustomization.yaml"]] == parsed[TREE["dist/all.yaml"]] == 1


def test_what_does_not_parse_is_told_as_often_as_it_is_asked() -> None:
    texts, broken = ParsedTexts(), Source("a.yaml", "a: [1\n")
    for _ in range(2):
        with pytest.raises(ParseError) as told:
            texts.documents(broken)
        assert told.value.offset > 0


def test_what_was_parsed_elsewhere_is_kept() -> None:
    texts, source = ParsedTexts(), Source("a.yaml", "a: 1\n")
    texts.keep(source, ("known",))
    assert texts.documents(source) == ("known",)
