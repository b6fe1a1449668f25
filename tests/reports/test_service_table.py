"""The table of services: it fits, it tells the worst first, and nothing in a name steers a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

import readiness
from readiness.model import Source
from readiness.model.service import Service, ServicePart
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, plain, terminal
from readiness.reports.frame import display_width
from readiness.reports.service_table import DECIDING_MARK, MAX_ROWS_SHOWN, SHARED_ROW_NAME, service_table_lines
from readiness.verdict.report import FileRow, Report
from tests.make import write_files

from .conftest import find, rule
from .conftest import report as make_report


def compose(*names: str) -> str:
    return "services:\n" + "".join(f'  "{name}": {{image: "redis:7", privileged: {index == 0}}}\n' for index, name in enumerate(names))


@pytest.fixture
def report_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Report]:
    def check(text: str) -> Report:
        write_files(tmp_path, {"compose.yaml": text})
        monkeypatch.chdir(tmp_path)
        return readiness.check(["."])

    return check


def lines_of(report: Report, *, width: int = 80, verbose: bool = False) -> list[str]:
    return service_table_lines(report, Redactor(report.hidden), width=width, verbose=verbose)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits(width: int, report_on: Callable[[str], Report]) -> None:
    lines = lines_of(report_on(compose("a" * 60, "b", "漢字" * 30)), width=width)
    assert len(lines) == 5
    assert max(map(display_width, lines)) <= width


def test_the_worst_stands_first(report_on: Callable[[str], Report]) -> None:
    lines = lines_of(report_on(compose("zebra", "ant")))
    assert [line.split()[0] for line in lines[1:]] == ["service", "zebra", "ant"]


def test_one_service_needs_no_table(report_on: Callable[[str], Report]) -> None:
    assert lines_of(report_on(compose("only"))) == []


def test_a_long_list_is_cut_and_said_to_be(report_on: Callable[[str], Report]) -> None:
    report = report_on(compose(*(f"s{number}" for number in range(40))))
    assert lines_of(report)[-1] == f"and {40 - MAX_ROWS_SHOWN} more services (-v names them)"
    assert sum(line.startswith("s") for line in lines_of(report, verbose=True)) == 42  # with the headings


def test_names_steer_no_terminal(report_on: Callable[[str], Report]) -> None:
    lines = lines_of(report_on(compose("a\\e[31mred", "::error::b", "c")))
    assert not any("\x1b" in line for line in lines)
    output = io.StringIO()
    plain.render(report_on(compose("::error::b", "c")), output, options=ReportOptions())
    assert not any(line.startswith("::") for line in output.getvalue().splitlines())


@pytest.mark.parametrize("module", [plain, terminal])
def test_both_reports_for_people_have_it(module: object, report_on: Callable[[str], Report]) -> None:
    output = io.StringIO()
    module.render(report_on(compose("one", "two")), output, options=ReportOptions(width=80))  # type: ignore[attr-defined]
    assert "consists of" in output.getvalue()


SOURCE = Source("deploy/all.yaml", "".join(f"- name: s{number:02}\n" for number in range(60)), kind="k8s")


def services(*names: str) -> tuple[Service, ...]:
    return tuple(Service(name, (ServicePart("deploy", "k8s", SOURCE.path, f"Deployment/{name}", "a workload"),)) for name in names)


def test_the_lowest_score_stands_first_however_many_findings_another_has() -> None:
    low = [find(SOURCE, f"s{number:02}", rule(f"k8s/low{number}", "low", "style"), service_name="many") for number in range(9)]
    medium = [find(SOURCE, f"s{number:02}", rule(f"k8s/m{number}", "medium"), service_name="few") for number in range(20, 24)]
    high = find(SOURCE, "s30", rule("k8s/high", "high", "observability"), service_name="one-high")
    lines = lines_of(make_report([*low, *medium, high], services=services("many", "few", "one-high", "clean")))
    scores = [int(line.split()[1]) for line in lines[2:]]
    assert scores == sorted(scores)
    assert lines[-1].split()[:2] == ["clean", "100"]


def test_the_service_that_decides_is_marked_and_always_shown() -> None:
    # Ties in the score: the one that decides stands first of these; a pipeline may score less and decides nothing.
    names = [f"n{number:02}" for number in range(30)]
    findings = [find(SOURCE, f"s{number:02}", rule("k8s/m"), service_name=name) for number, name in enumerate(names)]
    whole = make_report(findings, services=services(*names))
    lines = lines_of(whole)
    assert DECIDING_MARK in lines[0]
    (marked,) = [line for line in lines[2:] if DECIDING_MARK in line]
    assert marked.split()[0] == whole.by_service.deciding_service
    assert len(lines) == 2 + MAX_ROWS_SHOWN + 1


def test_the_service_that_decides_is_shown_though_others_score_less() -> None:
    jobs = [f"pipelines (p{number:02})" for number in range(12)]
    findings = [find(SOURCE, f"s{number:02}", rule("ci/m", "high", "delivery"), service_name=name) for number, name in enumerate(jobs)]
    findings += [find(SOURCE, "s40", rule("k8s/low", "low", "delivery"), service_name="web")]
    pipelines = tuple(Service(name, (ServicePart(".", "github", ".github/workflows/a.yml", "job/a", "its jobs"),)) for name in jobs)
    whole = make_report(findings, services=(*pipelines, *services("web")))
    assert whole.by_service.deciding_service == "web"
    lines = lines_of(whole)
    assert DECIDING_MARK in next(line for line in lines if line.startswith("web "))
    assert len(lines) == 2 + MAX_ROWS_SHOWN + 1


def test_what_is_nobodys_is_one_of_the_rows() -> None:
    names = [f"n{number:02}" for number in range(30)]
    findings = [find(SOURCE, f"s{number:02}", rule("k8s/m"), service_name=name) for number, name in enumerate(["", *names])]
    lines = lines_of(make_report(findings, services=services(*names)))
    assert lines[-2].startswith(SHARED_ROW_NAME)
    assert len(lines) == 2 + MAX_ROWS_SHOWN + 1


def test_without_a_score_nothing_decides_and_the_worst_stand_first() -> None:
    unread = [FileRow(f"x{number}.yaml", "k8s", "unreadable", "tab", cause="broken") for number in range(9)]
    findings = [find(SOURCE, "s01", rule("k8s/m", "medium"), service_name="mild"), find(SOURCE, "s02", rule("k8s/h"), service_name="worse")]
    whole = make_report(findings, rows=[FileRow(SOURCE.path, "k8s", "checked"), *unread], services=services("mild", "worse"))
    lines = lines_of(whole)
    assert whole.score is None
    assert not any(DECIDING_MARK in line for line in lines)
    assert [line.split()[0] for line in lines[2:]] == ["worse", "mild"]


def test_a_long_name_keeps_its_end_and_has_the_width_there_is() -> None:
    names = [f"prometheus-operator-of-the-cluster (environments/{place})" for place in ("production", "staging")]
    whole = make_report([find(SOURCE, "s01", service_name=names[0])], services=services(*names))
    for width, shown_width in ((60, 28), (80, 28), (100, 36), (120, 44), (200, 44)):
        found = [line[:shown_width] for line in lines_of(whole, width=width)[2:]]
        assert [name.rpartition("/")[2] for name in found] == ["production)", "staging)"]
        assert all(name.startswith("prometheus") and "…" in name for name in found)
        assert max(map(display_width, lines_of(whole, width=width))) <= width


def test_short_names_leave_their_room_to_the_parts() -> None:
    whole = make_report([find(SOURCE, "s01", service_name="web")], services=services("web", "db"))
    assert lines_of(whole)[1].startswith("service  score")
