"""A part of a run may fail on an odd tree: that is told as a crash of a rule is, and the report goes on with the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from readiness import api, kinds
from readiness.cli.main import main
from readiness.loading import assemble, charts, fenced, overlays, releases, variants
from readiness.loading.render import gather
from readiness.loading.render.overlay import builder
from readiness.reports import json as json_report
from readiness.run import pipeline, purposes, removals
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
    assert crash.message.startswith("looking for the services of these files crashed (KeyError in test_crashes.py:")
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


TREE = {
    "compose.yaml": "services:\n  web: {image: 'registry.example.com/web:latest', privileged: true}\n",
    "Dockerfile": "FROM alpine:latest\nCMD a\n",
    "README.md": "# x\n\n```yaml\nservices: {a: {image: 'a:1'}}\n```\n",
    "overlay/kustomization.yaml": "resources: [d.yaml]\n",
    "overlay/d.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    "other/kustomization.yaml": "resources: [p.yaml]\n",
    "other/p.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: [{name: c, image: 'a:latest'}]}\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 0.1.0\n",
    "chart/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
}
# What raises, the words of the finding, its place, and a finding of whole runs that stands all the same.
PARTS = {
    "readmes": (assemble, "_set_readme_words_and_owners", "reading what READMEs and directories say", "Dockerfile", "dockerfile/"),
    "every overlay": (overlays, "_add_built_overlays", "looking for overlays crashed", "Dockerfile", "dockerfile/"),
    "gathering": (gather, "gather_overlay_inputs", "building this overlay crashed", "overlay/kustomization.yaml", "compose/"),
    "building": (builder, "build_source", "building this overlay crashed", "overlay/kustomization.yaml", "compose/"),
    "chart": (charts.ChartRenderer, "_render", "rendering this chart crashed", "chart/Chart.yaml", "compose/"),
    "releases": (releases.ReleaseCollector, "collect_from_projects", "looking for the releases", "Dockerfile", "compose/"),
    "paths": (assemble, "add_rows_for_refused_paths", "looking at the paths that files name", "Dockerfile", "compose/"),
    "variants": (variants.Variants, "tell_documents", "telling what files are for", "Dockerfile", "compose/"),
    "documents": (fenced, "fenced_block_sources", "reading this file crashed", "README.md", "compose/"),
    "purposes": (purposes, "set_stated_purposes", "telling what files are for", "Dockerfile", "compose/"),
    "rows of purposes": (purposes, "record_purposes_in_file_statuses", "telling what files are for", "Dockerfile", "compose/"),
    "places": (removals, "relocate_findings", "telling where findings", "Dockerfile", "compose/"),
    "ceiling": (pipeline, "_lower_severities", "telling what is deployed", "Dockerfile", "compose/"),
    "suppressions": (pipeline, "apply_own_suppressions", "reading what silences findings", "Dockerfile", "compose/"),
    "other linters": (pipeline, "apply_suppressions_of_other_linters", "reading what silences findings", "Dockerfile", "compose/"),
    "copies": (pipeline.copies, "fold_copies", "putting findings together", "Dockerfile", "compose/"),
    "groups": (pipeline, "with_edit_groups", "putting findings together", "Dockerfile", "compose/"),
    "evidence": (pipeline.evidence, "collect_evidence", "looking for evidence", "Dockerfile", "compose/"),
}


@pytest.mark.parametrize(("owner", "name", "words", "path", "kept"), PARTS.values(), ids=PARTS)
def test_a_part_that_raises_costs_that_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, words: str, path: str, kept: str
) -> None:
    write_files(tmp_path, TREE)
    calls = 0

    def raise_at_first(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        raise KeyError("a value of the file")

    monkeypatch.setattr(owner, name, raise_at_first)
    report = api.check([tmp_path], base=tmp_path, documents=True, today=None)
    assert calls
    crashes = [one for one in report.findings if one.rule == "core/crash"]
    assert path in {one.path for one in crashes}
    assert all(words in one.message and "KeyError in test_crashes.py:" in one.message for one in crashes)
    assert "a value of the file" not in str([one.message for one in report.findings])
    assert any(one.rule.startswith(kept) for one in report.findings)
    assert report.crashed
    assert report.verdict != "ready"
    assert report.coverage.percent < 100 or "not judged" not in str([one.message for one in crashes])


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("parse", "reading this file", "unreadable"),
        ("recognizes_file", "reading this file", "unreadable"),
        ("link_documents", "putting these files", "checked"),
    ],
)
def test_a_file_whose_kind_crashes_is_told_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str, status: str, jobs: int
) -> None:
    write_files(tmp_path, {one: TREE[one] for one in ("compose.yaml", "Dockerfile")})
    monkeypatch.setattr(kinds.kind_module("compose"), name, lambda *_: 1 // 0)
    report = api.check([tmp_path], base=tmp_path, jobs=jobs)
    (crash,) = [one for one in report.findings if one.rule == "core/crash"]
    assert (crash.path, words in crash.message, "ZeroDivisionError" in crash.message) == ("compose.yaml", True, True)
    assert {one.path: one.status for one in report.files} == {"compose.yaml": status, "Dockerfile": "checked"}
    assert {one.path for one in report.findings if one is not crash} == {"Dockerfile"}


def test_a_target_whose_things_cannot_be_found_costs_that_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {one: TREE[one] for one in ("compose.yaml", "Dockerfile")})
    monkeypatch.setitem(kinds.kind_module("compose").TARGETS, "compose.service", lambda _: 1 // 0)
    report = api.check([tmp_path], base=tmp_path)
    assert {one.path for one in report.findings if one.rule == "core/crash"} == {"compose.yaml"}
    assert any(one.path == "Dockerfile" and one.rule != "core/crash" for one in report.findings)


def test_what_marks_secrets_ends_the_run_since_nothing_would_hide_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, FILES)
    monkeypatch.setattr(pipeline.secrecy, "mark_secrets", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        api.check([tmp_path], base=tmp_path)


def test_memory_that_ends_is_no_crash_of_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> None:
        raise MemoryError

    write_files(tmp_path, FILES)
    monkeypatch.setattr(found, "find_services", end)
    with pytest.raises(MemoryError):
        api.check([tmp_path], base=tmp_path)


def test_a_format_that_crashes_leaves_the_others_and_the_run_has_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"Dockerfile": TREE["Dockerfile"]})
    monkeypatch.setattr(json_report, "render", lambda *_, **__: 1 // 0)
    outputs = ["--output", f"json={tmp_path / 'r.json'}", "--output", f"sarif={tmp_path / 'r.sarif'}"]
    result = CliRunner().invoke(main, ["check", "--no-cache", *outputs, str(tmp_path / "Dockerfile")])
    assert result.exit_code == 2
    assert "json crashed (ZeroDivisionError in test_crashes.py:" in result.output
    assert '"runs"' in (tmp_path / "r.sarif").read_text(encoding="utf-8")
