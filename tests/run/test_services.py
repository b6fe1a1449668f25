"""Looking for services may fail on an odd tree: that is told as a crash of a rule is, and the report goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness import api
from readiness.triage.services import found
from tests.make import write_files

FILES = {
    "compose.yaml": "services:\n  web: {image: 'registry.example.com/web:latest', privileged: true}\n",
    "broken.yaml": "apiVersion: v1\nkind: [\n",
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("function", ["find_services", "assign_services", "_settle"])
def test_a_crash_is_told_and_the_rest_of_the_report_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, jobs: int) -> None:
    write_files(tmp_path, FILES)
    whole = api.check([tmp_path], base=tmp_path, cache=False, jobs=jobs)

    def raise_error(*_: object) -> None:
        raise KeyError("a value of the file")

    monkeypatch.setattr(found, function, raise_error)
    report = api.check([tmp_path], base=tmp_path, cache=False, jobs=jobs)
    (crash,) = [one for one in report.findings if one.rule == "core/crash"]
    assert crash.path == "compose.yaml"
    assert crash.message.startswith("looking for the services of these files crashed (KeyError in test_services.py:")
    assert "a value of the file" not in crash.message
    assert (report.services, report.crashed) == ((), 1)
    assert {one.service_name for one in report.findings} == {""}
    assert report.verdict == whole.verdict != "ready"
    others = [(one.rule, one.path, one.message) for one in report.findings if one is not crash]
    assert others == [(one.rule, one.path, one.message) for one in whole.findings]


def test_a_file_of_the_context_does_not_stand_for_the_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"a/compose.yaml": FILES["compose.yaml"], "b/compose.yaml": FILES["compose.yaml"], ".git/HEAD": "ref: refs/heads/main\n"})
    monkeypatch.setattr(found, "find_services", lambda _: 1 / 0)
    report = api.check([tmp_path / "b"], base=tmp_path, cache=False)
    assert [one.path for one in report.findings if one.rule == "core/crash"] == ["b/compose.yaml"]
