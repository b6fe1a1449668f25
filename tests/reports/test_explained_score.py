"""`--explain-score`: what is outside is told in terms that add up, long lines are indented, and pipelines are told as the docs tell them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import readiness
from readiness.redaction import Redactor
from readiness.reports.explain import MAX_LINE_WIDTH, score_lines
from readiness.reports.service_table import service_table_lines
from readiness.verdict.report import Report
from readiness.verdict.service_scores import SHARED_SERVICE_NOTE
from tests.conftest import ROOT
from tests.make import write_files

WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{uses: actions/checkout@v4}, {run: make test}]\n"
COMPOSE = "services:\n" + "".join(f"  {name}: {{image: 'registry.example.com/{name}:latest'}}\n" for name in ("web", "worker", "store"))
_TERM = re.compile(r"[a-z, ]* (?P<points>[0-9.]+) x (?P<share>[0-9.]+) x (?P<factor>[0-9.e-]+)")


def report_of(root: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> Report:
    paths = {"workflow": ".github/workflows/test.yml", "compose": "compose.yaml"}
    write_files(root, {paths[name]: text for name, text in files.items()})
    monkeypatch.chdir(root)
    return readiness.check(["."], cache=False)


def sum_of(text: str) -> float:
    added, _, subtracted = text.partition(" - (")
    return math.fsum(
        sign * float(found["points"]) * float(found["share"]) * float(found["factor"])
        for sign, terms in ((1, added), (-1, subtracted))
        for found in _TERM.finditer(terms)
    )


def test_what_is_outside_can_be_added_up_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(" ".join(score_lines(report_of(tmp_path, monkeypatch, compose=COMPOSE, workflow=WORKFLOW))).split())
    outside = re.findall(r"outside, \d+ places?: (.*?) = ([0-9.]+)", text)
    assert len(outside) > 3
    assert any(" - (" in terms for terms, _ in outside)
    for terms, points in outside:
        assert sum_of(terms) == pytest.approx(float(points), abs=0.006)


def test_no_line_is_too_wide_and_what_goes_on_is_indented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = score_lines(report_of(tmp_path, monkeypatch, compose=COMPOSE, workflow=WORKFLOW))
    assert max(map(len, lines)) <= MAX_LINE_WIDTH
    assert [one for one in lines if one.startswith(" " * 12)]


def test_pipelines_beside_a_service_are_told_as_the_docs_tell_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(tmp_path, monkeypatch, compose=COMPOSE, workflow=WORKFLOW)
    (explained,) = [one for one in score_lines(report) if one.startswith("service pipelines")]
    (row,) = [one for one in service_table_lines(report, Redactor(report.hidden), width=200, verbose=True) if one.startswith("pipelines")]
    docs = " ".join((ROOT / "docs" / "scoring.md").read_text().split())
    assert all(SHARED_SERVICE_NOTE in one for one in (explained, row, docs))


def test_pipelines_alone_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(tmp_path, monkeypatch, workflow=WORKFLOW)
    text = "\n".join(score_lines(report))
    assert "whole: service pipelines decides" in text
    assert f"service pipelines: score {report.score}," in text
    assert SHARED_SERVICE_NOTE not in text


def test_where_only_pipelines_fail_nobody_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM scratch\n"})
    lines = score_lines(report_of(tmp_path, monkeypatch, workflow=WORKFLOW))
    assert "whole: no service has a finding that counts in full; what is nobody's counts lightly" in lines
