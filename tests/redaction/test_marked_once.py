"""Each file is searched for secrets once a run, each of its lines once for each sign of one, and every report goes by that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import readiness
from readiness.model import Source, Span
from readiness.redaction import Redactor, judge, marks_in_file
from readiness.reports import REPORT_FORMATS
from tests.make import write_files
from tests.reports.conftest import show

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
  containers:
    - {name: app, image: 'x:1.0.0', env: [{name: DB_PASSWORD, value: hunter2-Zq8-k3}]}
"""


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Counter[str]:
    calls: Counter[str] = Counter()
    function = getattr(module, name)

    def count(first: Any, *arguments: Any, **options: Any) -> Any:
        calls[first.path if isinstance(first, Source) else first] += 1
        return function(first, *arguments, **options)

    monkeypatch.setattr(module, name, count)
    return calls


def test_a_file_is_searched_once_for_all_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, judge, "marks_in_file")
    write_files(tmp_path, {"pod.yaml": POD, "other.yaml": POD.replace("web", "api")})
    report = readiness.check([tmp_path], base=tmp_path)
    assert all("hunter2" not in show(name, report) for name in REPORT_FORMATS)
    assert calls == {"pod.yaml": 1, "other.yaml": 1}


def test_a_file_that_no_run_marked_is_searched_when_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, judge, "marks_in_file")
    source = Source("values.yaml", "a: 1\nDB_PASSWORD: >-\n  hunter2-Zq8-k3\n")
    for _ in range(2):
        assert Redactor().line_spans(source, 3, Span(0, 16))
    assert calls == {"values.yaml": 1}


@pytest.mark.parametrize("name", ["command_password_spans", "private_key_bodies"])
def test_what_its_form_tells_is_looked_for_in_the_whole_file_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose lines hold secrets under names, in a command and by their shape; each is found."""
    from readiness.redaction import text as redaction_text

    in_parts = counted(monkeypatch, redaction_text, name)
    secrets = ("hunter2-Zq8-k3", "S3cret-of-mysql", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
    source = Source("run.sh", f"DB_PASSWORD={secrets[0]}\nmysql -uroot -p{secrets[1]} # token\nTOKEN_URL={secrets[2]}\n")
    marked = {source.text[mark.span.start : mark.span.end] for mark in marks_in_file(source)}
    assert set(secrets) <= marked
    assert not in_parts
