"""When there is a number, when there is none, and what of the files that were not judged stands against a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import readiness
from readiness.cli.main import main
from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE
from readiness.model import Confidence, Finding, Rule, Severity, Source, Span
from readiness.verdict.report import FileRow, Report, build_report

WORKFLOW = "on: push\npermissions: {contents: read}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{run: make}]\n"
IMAGE = "FROM python:3.13.1-slim\nUSER 10001\n"
README = "# Shop\n\n```dockerfile\nFROM python\nRUN make\n```\n"
BROKEN_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "values.yaml": "image: a\n",
    "templates/web.yaml": '{{ include "gone.labels" . }}\n',
}
BAD = "services:\n  web:\n   image: [\n"


def run(root: Path, files: dict[str, str], *flags: str) -> Result:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return CliRunner().invoke(main, ["check", "--no-cache", *flags, str(root)])


def told(root: Path, files: dict[str, str], *flags: str) -> tuple[int, dict[str, object]]:
    """(exit code, JSON report)."""
    result = run(root, files, "--format", "json", *flags)
    return result.exit_code, json.loads(result.stdout)


NOTHING = {
    "no file": ({"a.txt": "x"}, "no file of a kind"),
    "no rule": ({"Dockerfile": IMAGE}, "no rule had anything to look at"),
    "no block of a document": ({"README.md": "# Shop\n"}, "no file of a kind"),
    "a template by its name": ({"nginx.conf.j2": "server { listen {{ port }}; }\n"}, "a template"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_judged_is_no_number_and_exit_2(name: str, tmp_path: Path) -> None:
    files, reason = NOTHING[name]
    flags = ["--ignore", "ALL"] if name == "no rule" else []
    code, report = told(tmp_path, files, *flags)
    assert (code, report["score"], report["grade"], report["verdict"]) == (
        2,
        None,
        None,
        "not-assessed",
    )
    assert reason in report["gate"]["reason"]  # type: ignore[index]
    assert report["gate"]["passed"] is False  # type: ignore[index]
    assert told(tmp_path, {}, "--allow-empty", *flags)[0] == 0


def test_why_there_is_no_number_is_said_in_each_format(tmp_path: Path) -> None:
    result = run(tmp_path, {"a.txt": "x"})
    assert "no score, not assessed: nothing to check" in result.stdout
    assert "gate not evaluated: nothing to check" in result.stdout
    assert "name files, or another directory" in result.stderr
    github = run(tmp_path, {}, "--format", "github")
    assert "no score, not assessed" in github.stdout
    assert "no score" in run(tmp_path, {}, "--explain-score").stdout
    assert "no score" in run(tmp_path, {}, "--color", "always").stdout


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_a_pipeline_alone_is_enough(path: str, tmp_path: Path) -> None:
    text = WORKFLOW if path.endswith("ci.yml") and "github" in path else "a: {script: [make]}\n"
    code, report = told(tmp_path, {path: text})
    assert (code, report["verdict"]) == (0, "ready")
    assert isinstance(report["score"], int)


def test_fragments_make_a_score_only_where_nothing_else_is(tmp_path: Path) -> None:
    alone = told(tmp_path / "a", {"README.md": README})[1]
    assert isinstance(alone["score"], int)
    files = {"README.md": README, "nginx.conf.j2": "server { listen {{ port }}; }\n"}
    for flags in ([], ["--documents"]):
        code, report = told(tmp_path / "b", files, *flags)
        assert (code, report["score"], report["verdict"]) == (2, None, "not-assessed")


def test_a_chart_that_is_broken_makes_no_score_and_fails_the_gate(tmp_path: Path) -> None:
    pytest.importorskip("helm_python")
    for name, more in (
        ("alone", {}), ("documents", {"README.md": README}), ("pipeline", {".gitlab-ci.yml": "a: {script: [make]}\n"}),
    ):  # fmt: skip
        code, report = told(tmp_path / name, {**BROKEN_CHART, **more}, "--fail-on", "never")
        assert (code, report["score"], report["verdict"]) == (1, None, "not-assessed")
        assert "could not be read" in report["gate"]["reason"]  # type: ignore[index]


RULE = Rule("k8s/a", "A title", Severity.LOW, Confidence.HIGH, "reliability", "k8s", ("k8s.pod",), "m", "W.", "F.")  # fmt: skip


class Look:
    def __init__(self, subjects: int) -> None:
        self.subjects, self.unknown = subjects, 0


def report_on(*rows: FileRow, strict: bool = False, findings: tuple[Finding, ...] = ()) -> Report:
    return build_report(
        tool_version="1", rules=[RULE], findings=findings, scored_rows=rows, tally_by_rule={"k8s/a": Look(4)}, subject_count_by_path={},
        strict_coverage=strict,
    )  # fmt: skip


def read(count: int) -> list[FileRow]:
    return [FileRow(f"{n}.yaml", "k8s", "checked") for n in range(count)]


@pytest.mark.parametrize(("unread", "score"), [(0, 100), (2, 100), (3, 100), (4, None), (9, None)])
def test_under_forty_percent_of_what_is_there_is_no_number(unread: int, score: int | None) -> None:
    rows = [FileRow(f"t{n}", "helm", "skipped", "no helm", cause=CAUSE_NOT_HERE) for n in range(unread)]
    made = report_on(*read(2), *rows)
    assert (made.score, made.assessed) == (score, score is not None)
    if score is None:
        assert "a score takes 40 %" in made.gate.reason
        assert "no helm" in made.gate.reason
        assert not made.gate.was_evaluated


def test_what_is_absent_is_never_ready_and_fails_only_where_that_is_asked() -> None:
    row = FileRow("t", "helm", "skipped", "run `helm dependency build`", cause=CAUSE_NOT_HERE)
    made = report_on(*read(3), row)
    assert (made.verdict, made.gate.passed, made.coverage.percent) == ("not-ready", True, 75)
    strict = report_on(*read(3), row, strict=True)
    assert (strict.verdict, strict.gate.passed) == ("not-ready", False)
    assert "t not judged: run `helm dependency build` (--strict-coverage)" in strict.gate.reason


def test_what_lies_outside_is_listed_and_does_not_stand_against_ready() -> None:
    made = report_on(*read(1), *(FileRow(f"o{n}", "kustomize", "skipped", "remote", cause=CAUSE_NOT_IN_TREE) for n in range(9)))  # fmt: skip
    assert (made.verdict, made.gate.passed, made.score) == ("ready", True, 100)
    assert (made.coverage.percent, made.coverage.percent_without_outside) == (10, 100)
    assert [row.path for row in made.outside] == [f"o{n}" for n in range(9)]
    alone = report_on(FileRow("o", "kustomize", "skipped", "remote", cause=CAUSE_NOT_IN_TREE))
    assert (alone.verdict, alone.score) == ("not-assessed", None)


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [(CAUSE_NOT_IN_TREE, "ready"), (CAUSE_NOT_HERE, "not-ready"), (CAUSE_BROKEN, "not-ready")],
)
def test_a_file_that_was_judged_but_for_what_it_names_counts_half(cause: str, verdict: str) -> None:
    made = report_on(FileRow("ci.yml", "k8s", "checked", "include: remote", cause=cause))
    assert (made.coverage.percent, made.verdict) == (50, verdict)
    assert [row.path for row in made.coverage.unread_files] == ["ci.yml"]


def not_rendered(path: str) -> Finding:
    rule = RULE._replace(id="core/not-rendered", severity=Severity.MEDIUM, category="correctness")
    return Finding(rule, Source(path, "name: a\n"), Span(0, 4), "it does not render")


def test_what_does_not_render_fails_the_gate_where_the_tree_is_broken() -> None:
    here = not_rendered("shop/Chart.yaml")
    row = FileRow("shop/templates/a.yaml", "helm", "skipped", "broken", cause=CAUSE_BROKEN)
    assert not report_on(*read(3), row, findings=(here,)).gate.passed
    absent = FileRow("shop/templates/a.yaml", "helm", "skipped", "no helm", cause=CAUSE_NOT_HERE)
    assert report_on(*read(3), absent, findings=(here,)).gate.passed
    assert report_on(*read(3), row, findings=(not_rendered("blog/Chart.yaml"),)).gate.passed


SILENCING = {
    "a comment": ("# readiness: ignore[core/syntax] it is fine\n", ""),
    "a waiver": ("", "waivers:\n  - {rule: core/syntax, path: '*', reason: it is fine}\n"),
    "the settings, with more": ("", "ignore: [core/]\n"),
    "the settings, by category": ("", "ignore: [correctness]\n"),
    "the settings, all": ("", "ignore: [ALL]\n"),
    "another profile": ("", "select: [k8s/]\n"),
    "another linter's comment": ("# dclint disable-file\n", ""),
}


@pytest.mark.parametrize("name", SILENCING)
def test_the_tree_cannot_silence_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    comment, settings = SILENCING[name]
    (tmp_path / "compose.yaml").write_text(comment + BAD)
    (tmp_path / ".readiness.yaml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    report = readiness.check(["."], config=True)
    (found,) = [one for one in report.findings if one.rule == "core/syntax"]
    assert found.suppression is None
    assert (report.gate.passed, report.verdict) == (False, "not-assessed")


def test_a_baseline_does_not_silence_what_has_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "compose.yaml").write_text(BAD)
    (tmp_path / "Dockerfile").write_text("FROM python\n")
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, ["baseline", "."])
    written = json.loads((tmp_path / ".readiness-baseline.json").read_text())
    known = written["findings"]
    assert known
    assert "core/syntax" not in {row["rule"] for row in known}
    (bad,) = [one for one in readiness.check(["."]).findings if one.rule == "core/syntax"]
    known.append({"fingerprint": bad.fingerprint, "rule": bad.rule, "path": bad.path, "resource": ""})
    Path(".readiness-baseline.json").write_text(json.dumps(written))
    report = readiness.check(["."], baseline=".readiness-baseline.json")
    assert [one.rule for one in report.open] == ["core/syntax"]
    assert not report.gate.passed


def test_settings_that_would_silence_it_by_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / ".readiness.yaml").write_text("ignore: [core/syntax]\n")
    monkeypatch.chdir(tmp_path)
    result = run(tmp_path, {"compose.yaml": BAD})
    assert result.exit_code == 2
    assert "can't leave that out" in result.stderr


def test_the_caller_may_leave_it_out(tmp_path: Path) -> None:
    report = readiness.check([_written(tmp_path)], ignore=["core/syntax"])
    assert not report.findings
    assert (report.gate.was_evaluated, report.verdict) == (False, "not-assessed")


def _written(root: Path) -> Path:
    (root / "compose.yaml").write_text(BAD)
    return root
