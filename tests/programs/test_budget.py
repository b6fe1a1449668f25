"""What all programs of one run may use together, and that programs with the network within reach are told of first."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import readiness
from readiness import api
from readiness.cli import main
from readiness.loading.assembly import CAUSE_NOT_HERE
from readiness.loading.render import helm, kustomize
from readiness.programs import budget, confine, git, process
from readiness.programs.budget import BudgetExceededError, RunBudget
from readiness.programs.git import GitError
from readiness.reports import REPORT_FORMATS, ReportOptions, write_report
from readiness.verdict.report import Report
from tests.make import write_files

needs_helm = pytest.mark.skipif(not helm.available_chart_renderer(), reason="needs the extra readiness[helm] or helm, and neither is installed")
needs_builder = pytest.mark.skipif(not kustomize.kustomize_build_command(), reason="needs kustomize or kubectl, and neither is installed")
FINDINGS_ALONE = {"codequality", "rdjson"}
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"
CHARTS = {
    f"{name}/{path}": text
    for name in ("one", "two", "three")
    for path, text in {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n", "templates/map.yaml": MAP}.items()
}


def check(root: Path, files: dict[str, str], **more: Any) -> Report:
    write_files(root, files)
    return readiness.check([root], base=root, **more)


def told(report: Report) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in report.findings if one.rule == "core/not-rendered"]


def test_what_was_spent_is_counted() -> None:
    spent = RunBudget()
    with spent.metered():
        pass
    spent.seconds = budget.MAX_PROGRAM_SECONDS_PER_RUN - 0.1
    with spent.metered():
        pass
    spent.seconds += 1
    with pytest.raises(BudgetExceededError, match="600 seconds, the limit for a run"), spent.metered():
        pytest.fail("nothing more is started")


def test_seconds_count_where_a_program_fails_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((3.0, 10.0))
    monkeypatch.setattr(budget, "child_processor_seconds", lambda: next(clock))
    spent = RunBudget()
    with pytest.raises(ValueError, match="it"), spent.metered():
        raise ValueError("it")
    assert spent.seconds == 7.0


def test_bytes_are_counted_up_to_the_limit() -> None:
    spent = RunBudget()
    spent.add_rendered_bytes(budget.MAX_RENDERED_BYTES_PER_RUN)
    with pytest.raises(BudgetExceededError, match="over 64 MiB, the limit for a run"):
        spent.add_rendered_bytes(1)
    assert spent.rendered_bytes == budget.MAX_RENDERED_BYTES_PER_RUN


@needs_helm
def test_charts_behind_the_limit_of_time_are_told_and_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check(tmp_path, CHARTS)
    assert whole.coverage.percent == 100
    monkeypatch.setattr(budget, "MAX_PROGRAM_SECONDS_PER_RUN", 1e-9)
    report = check(tmp_path, CHARTS)
    rows = {row.path: (row.status, row.cause) for row in report.files}
    assert rows["one/templates/map.yaml"][0] == "checked"
    assert rows["three/templates/map.yaml"] == rows["two/templates/map.yaml"] == ("skipped", CAUSE_NOT_HERE)
    assert [path for path, _ in told(report)] == ["three/Chart.yaml", "two/Chart.yaml"]
    assert all("the limit for a run" in message and "helm template" in message for _, message in told(report))
    assert report.verdict != "ready"
    assert report.coverage.percent < whole.coverage.percent
    assert not check(tmp_path, CHARTS, strict_coverage=True).gate.passed


@needs_helm
def test_charts_behind_the_limit_of_bytes_are_told_and_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_RENDERED_BYTES_PER_RUN", len(MAP) + 20)  # there is room for one of the maps
    report = check(tmp_path, CHARTS)
    assert [path for path, _ in told(report)] == ["three/Chart.yaml", "two/Chart.yaml"]
    assert report.verdict != "ready"


OVERLAYS = {
    f"{name}/{path}": text for name in ("a", "b", "c") for path, text in (("kustomization.yaml", "resources: [map.yaml]\n"), ("map.yaml", MAP))
}


def test_overlays_behind_the_limit_of_bytes_are_told_whoever_builds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_RENDERED_BYTES_PER_RUN", len(MAP) + 20)
    report = check(tmp_path, OVERLAYS)
    assert [path for path, _ in told(report)] == ["b/kustomization.yaml", "c/kustomization.yaml"]
    rows = {row.path: (row.status, row.cause) for row in report.files}
    assert rows["a/kustomization.yaml"][0] == "checked"
    assert rows["c/kustomization.yaml"] == ("skipped", CAUSE_NOT_HERE)


@needs_builder
def test_overlays_of_a_program_are_counted_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`openapi` is left to kustomize."""
    monkeypatch.setattr(budget, "MAX_PROGRAM_SECONDS_PER_RUN", 0)
    report = check(tmp_path, {"kustomization.yaml": "resources: [map.yaml]\nopenapi: {version: v1.20.4}\n", "map.yaml": MAP})
    ((path, message),) = told(report)
    assert path == "kustomization.yaml"
    assert "the limit for a run" in message


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit and settings, as the working directory."""
    root = tmp_path / "repository"
    write_files(root, {"map.yaml": MAP, ".readiness.yaml": "fail-on: never\n"})
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run(["git", *identity, *words], cwd=root, check=True)
    monkeypatch.chdir(root)
    return root


REVISIONS: dict[str, dict[str, Any]] = {"since": {"since": "main"}, "settings_from": {"config": True, "settings_from": "main"}}


@pytest.mark.parametrize("options", REVISIONS.values(), ids=REVISIONS)
@pytest.mark.parametrize("limit", ["MAX_PROGRAM_SECONDS_PER_RUN", "MAX_GIT_BYTES_PER_RUN"])
def test_a_run_whose_answer_depends_on_git_ends_where_git_may_not_go_on(
    repository: Path, monkeypatch: pytest.MonkeyPatch, limit: str, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(budget, limit, 0)
    with pytest.raises(api.USER_ERRORS, match=r"git rev-parse: .*, the limit for a run; judge a directory") as raised:
        readiness.check(["."], **options)
    assert "no commit" not in str(raised.value)  # a limit of ours is not told as the user's error
    monkeypatch.setenv("XDG_CACHE_HOME", str(repository.parent / "cache"))
    flags = [word for name, value in options.items() if value is not True for word in (f"--{name.replace('_', '-')}", value)]
    done = CliRunner().invoke(main.main, ["check", *flags, "."])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("readiness: --" + next(reversed(options)).replace("_", "-"))


def test_all_of_git_in_a_run_has_one_budget(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 70)
    monkeypatch.setattr(budget, "child_processor_seconds", lambda: next(clock))  # each program takes 70 seconds
    for options in REVISIONS.values():
        readiness.check(["."], **options)
    with pytest.raises(api.USER_ERRORS, match="the programs before it took 600 seconds"):
        readiness.check(["."], **REVISIONS["since"], **REVISIONS["settings_from"])


def test_a_run_inside_another_has_seconds_of_its_own_and_tells_with_it() -> None:
    with budget.one_run_budget() as outer:
        outer.seconds = 5
        with budget.one_run_budget() as inner:
            assert budget.budget_of_run() is inner
            assert inner.seconds == 0
            with inner.metered():
                budget.record_incomplete_confinement("helm", confine.NOT_CONFINED)
        assert budget.budget_of_run() is outer
    assert budget.budget_of_run() is not outer
    assert "network: helm" in "".join(outer.confinement_notices())


def test_git_that_is_ended_by_its_limits_said_no_to_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.ProgramResult, "stopped", property(lambda _: True))
    for ask_git in (git.merge_base, git.commit_named):
        with pytest.raises(GitError, match="git rev-parse: it ran over its limit of time or memory"):
            ask_git("main")


# What the launcher does before it begins, on a system that gives less than it should.
SYSTEMS = {
    confine.NOT_CONFINED: "sys.platform = 'darwin'",
    confine.BY_SECCOMP_FILTER: "import ctypes; whole = ctypes.CDLL(None, use_errno=True)\n"
    "ctypes.CDLL = lambda *_, **__: type('System', (), {'unshare': lambda self, flags: -1, 'prctl': lambda self, *a: whole.prctl(*a)})()",
    confine.BY_NAMESPACE: "import ctypes\nctypes.CDLL = lambda *_, **__: type('System', (), {'unshare': lambda self, flags: 0,"
    " 'prctl': lambda self, number, *_: -1 if number == 38 else 0})()",
}


def pretend_system(monkeypatch: pytest.MonkeyPatch, confinement: str) -> None:
    launch = process._launcher_command

    def launch_there(limits: process.ProcessLimits, report_descriptor: int) -> list[str]:
        python, *options, script = launch(limits, report_descriptor)[:4]
        code = f"import runpy, sys; sys.argv[0] = {script!r}; exec({SYSTEMS[confinement]!r}); runpy.run_path({script!r}, run_name='__main__')"
        return [python, *options, "-c", code, *launch(limits, report_descriptor)[4:]]

    monkeypatch.setattr(process, "_launcher_command", launch_there)


@pytest.fixture
def unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no namespace and takes no filter."""
    pretend_system(monkeypatch, confine.NOT_CONFINED)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have neither a namespace nor a filter")
@pytest.mark.parametrize(
    ("confinement", "of_git", "of_both"),
    [
        (
            confine.NOT_CONFINED,
            "network: git, since",
            ["not cut off from the network: git, helm, since this system gives no namespace and takes no filter"],
        ),
        (confine.BY_SECCOMP_FILTER, "", ["confined by a system call filter alone: helm, since this system gives no network namespace"]),
        (
            confine.BY_NAMESPACE,  # which git is to do without
            "network: git, since",
            [
                "not cut off from the network: git, since",
                "confined by a network namespace alone: helm, since this system takes no system call filter",
            ],
        ),
    ],
)
def test_what_confined_each_program_and_what_was_missing_is_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch, confinement: str, of_git: str, of_both: list[str]
) -> None:
    pretend_system(monkeypatch, confinement)
    with budget.one_run_budget() as spent:
        git.run_git("rev-parse", "HEAD")
        assert of_git in "".join(spent.confinement_notices()) or not of_git
        assert bool(spent.confinement_notices()) is bool(of_git)
        with spent.metered():
            process.run_program([sys.executable, "-c", ""], working_directory=repository, environment={}, limits=process.ProcessLimits(9, 1 << 30, 9))
        (notice,) = spent.confinement_notices()
    assert notice.startswith(of_both[0])
    assert all(text in notice for text in of_both)
    assert budget.is_confinement_notice(notice)


def test_a_revision_that_git_read_unconfined_is_told(repository: Path, unconfined: None) -> None:
    for options in REVISIONS.values():
        assert readiness.check(["."], **options).confinement_notice.startswith("not cut off from the network: git, since")
    assert readiness.check(["."]).confinement_notice == ""


@needs_helm
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize(("name", "color"), [*((name, "never") for name in REPORT_FORMATS if name not in FINDINGS_ALONE), ("terminal", "always")])
def test_every_report_says_first_that_a_program_had_the_network_within_reach(
    tmp_path: Path, unconfined: None, name: str, color: str, quiet: bool
) -> None:
    report = check(tmp_path, CHARTS)
    written = io.StringIO()
    write_report(name, report, written, ReportOptions(color=color, quiet=quiet))
    written_lines = written.getvalue().splitlines(keepends=True)
    first_screen = "".join(written_lines if name == "sarif" else written_lines[:6])  # SARIF says it where it says how the run went
    assert "not cut off from the network" in first_screen
    assert "helm" in first_screen


@needs_helm
@pytest.mark.parametrize("name", sorted(FINDINGS_ALONE))
def test_formats_of_findings_alone_leave_it_to_standard_error(
    tmp_path: Path, unconfined: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write_files(tmp_path, CHARTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(SystemExit):
        main.check.main(["--format", name, "."], standalone_mode=False)
    assert "readiness: not cut off from the network: helm" in capsys.readouterr().err


@needs_helm
def test_nothing_is_said_where_programs_are_confined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_up_to = process._read_up_to
    monkeypatch.setattr(process, "_read_up_to", lambda file, size: confine.BY_BOTH.encode() if size == 64 else read_up_to(file, size))
    report = check(tmp_path, CHARTS)
    assert report.notices == ()
    assert report.confinement_notice == ""
    assert "confinement" not in json.dumps(report.to_dict())


@needs_helm
def test_what_is_said_of_the_network_is_kept_with_a_cached_result(tmp_path: Path, unconfined: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree = tmp_path / "tree"
    first = check(tree, CHARTS, cache=True)
    again = check(tree, CHARTS, cache=True)
    assert first.confinement_notice == again.confinement_notice != ""
    assert first.to_dict() == again.to_dict()
