"""What is new against a baseline: findings keep their names where files are edited, moved and renamed."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness.triage import baseline
from tests.make import write_files

MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: web
          image: example/web:latest
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    return write_files(folder, files)


def new_against(tmp_path: Path, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The findings (rule, place) of `after` that a baseline of `before` does not know."""
    old, new = written(tmp_path / "old", before), written(tmp_path / "new", after)
    known = tmp_path / "baseline.json"
    known.write_text(baseline.baseline_file_text(readiness.check([old], base=old).findings), encoding="utf-8")
    report = readiness.check([new], base=new, baseline=known)
    return [f"{one.rule} {one.path}" for one in report.open]


WEB = MANIFEST.format(name="web")
SAME = {
    "edited above": ({"web.yaml": WEB}, {"web.yaml": "# a comment\n\n" + WEB}),
    "blanks at its end": ({"web.yaml": WEB}, {"web.yaml": WEB.replace("latest", "latest  ")}),
    "in another folder": ({"a/web.yaml": WEB}, {"b/c/web.yaml": WEB}),
    "renamed": ({"web.yaml": WEB}, {"deployment.yaml": WEB}),
    "beside another file": ({"web.yaml": WEB}, {"web.yaml": WEB, "notes.txt": "x"}),
    "one of two alike is gone": ({"a/web.yaml": WEB, "b/web.yaml": WEB}, {"b/web.yaml": WEB}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_is_not_new(tmp_path: Path, name: str) -> None:
    assert new_against(tmp_path, *SAME[name]) == []


def test_a_file_alike_that_is_added_is_new_at_its_own_place(tmp_path: Path) -> None:
    """One of two alike is known: the one that stands where it stood, whichever comes first."""
    new = new_against(tmp_path, {"z/web.yaml": WEB}, {"a/web.yaml": WEB, "z/web.yaml": WEB})
    assert new
    assert {line.split()[1] for line in new} == {"a/web.yaml"}


def test_another_resource_is_new(tmp_path: Path) -> None:
    new = new_against(tmp_path, {"web.yaml": WEB}, {"web.yaml": MANIFEST.format(name="api")})
    assert "k8s/liveness-probe-missing web.yaml" in new


def test_fingerprints_are_unique_in_a_report(tmp_path: Path) -> None:
    tree = written(tmp_path, {"a/web.yaml": WEB, "b/web.yaml": WEB})
    marks = [one.fingerprint for one in readiness.check([tree], base=tree).findings]
    assert marks
    assert len(set(marks)) == len(marks)


def test_a_baseline_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text('{"version": 1, "findings": []}', encoding="utf-8")
    with pytest.raises(baseline.BaselineError, match=r"known\.json: .*readiness baseline"):
        baseline.load_baseline(path)
