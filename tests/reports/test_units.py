"""Which unit the findings of a file belong to: told where there are several and the path does not say it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import readiness
from readiness.reports import ReportOptions, digest, grouping, plain, terminal
from readiness.verdict.report import Report

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - {name: app, image: example.com/app:1.2.3, securityContext: {privileged: true}}
"""
BASE = {"base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": POD}
OVERLAY = "resources: [../base]\n"


def check(root: Path, files: dict[str, str]) -> Report:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return readiness.check([root], select=["k8s/privileged"], base=root)


@pytest.mark.parametrize(
    ("files", "units"),
    [
        ({"a/pod.yaml": POD, "b/pod.yaml": POD}, ["", ""]),  # the folder is the unit
        ({**BASE, "north/kustomization.yaml": OVERLAY}, [""]),  # the only one
        ({**BASE, "north/kustomization.yaml": OVERLAY, "z/pod.yaml": POD}, ["north", ""]),
        (
            {**BASE, **{f"{one}/kustomization.yaml": OVERLAY for one in ("north", "south")}, "z/pod.yaml": POD},
            ["", ""],  # both have it
        ),
    ],
)  # fmt: skip
def test_units_are_told_where_there_are_several(tmp_path: Path, files: dict[str, str], units: list[str]) -> None:
    report = check(tmp_path, files)
    found = list(grouping.groups_by_file(report, verbose=False))
    assert [digest.unit_paths_text(report, path, groups) for path, groups in found] == units


def test_every_report_tells_them(tmp_path: Path) -> None:
    report = check(tmp_path, {**BASE, "north/kustomization.yaml": OVERLAY, "z/pod.yaml": POD})
    out = io.StringIO()
    plain.render(report, out, options=ReportOptions())
    assert "\n  unit: north\n" in out.getvalue()
    assert out.getvalue().count("unit:") == 1
    out = io.StringIO()
    terminal.render(report, out, options=ReportOptions(width=100))
    assert "1 finding · in north" in out.getvalue()
    assert [one["unit"] for one in json.loads(json.dumps(report.to_dict()))["findings"]] == ["north", "z"]  # fmt: skip
