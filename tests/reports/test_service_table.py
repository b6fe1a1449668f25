"""The table of services: it fits, it tells the worst first, and nothing in a name steers a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

import readiness
from readiness.redaction import Redactor
from readiness.reports import ReportOptions, plain, terminal
from readiness.reports.frame import display_width
from readiness.reports.service_table import MAX_SERVICES_SHOWN, service_table_lines
from readiness.verdict.report import Report
from tests.make import write_files


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
    assert len(lines) == 4
    assert max(map(display_width, lines)) <= width


def test_the_worst_stands_first(report_on: Callable[[str], Report]) -> None:
    lines = lines_of(report_on(compose("zebra", "ant")))
    assert [line.split()[0] for line in lines] == ["service", "zebra", "ant"]


def test_one_service_needs_no_table(report_on: Callable[[str], Report]) -> None:
    assert lines_of(report_on(compose("only"))) == []


def test_a_long_list_is_cut_and_said_to_be(report_on: Callable[[str], Report]) -> None:
    report = report_on(compose(*(f"s{number}" for number in range(40))))
    assert lines_of(report)[-1] == f"and {40 - MAX_SERVICES_SHOWN} more services (-v names them)"
    assert sum(line.startswith("s") for line in lines_of(report, verbose=True)) == 41  # with the heading


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
