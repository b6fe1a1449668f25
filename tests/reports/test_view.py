"""What a person is shown of the findings: by severity, by certainty, so many, or counted by rule."""

from __future__ import annotations

import io
import json
import re

import jsonschema
import pytest

from readiness import reports
from readiness.model import Confidence, Severity, Source
from readiness.model.package import PACKAGE_FOLDER
from readiness.reports.ansi import boxed_lines, painted_paragraph, wrapped_spans
from readiness.reports.next_steps import next_step_texts, steps_with_room
from readiness.reports.statistics import rule_count_texts, rule_counts
from readiness.reports.terminal import MESSAGE_INDENT_COLUMNS
from readiness.reports.view import View, shown_findings
from readiness.verdict.fix_first import fix_first_rows
from readiness.verdict.report import Report

from .conftest import WEB, find, report, rule, show

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
PLACES = Source("deploy/places.yaml", "".join(f"- name: c{number:02}\n" for number in range(60)), kind="k8s")
UNSURE = rule("k8s/unsure", "high", "edge")._replace(confidence=Confidence.LOW)
LOW = rule("k8s/low", "low", "edge", title="A title that is long enough to be of no use in a narrow window")
MEDIUM = rule("k8s/medium", "medium", "delivery")
WHOLE = report(
    [
        *(find(PLACES, f"c{number:02}", LOW) for number in range(10)),
        find(PLACES, "c11", MEDIUM),
        find(PLACES, "c12", UNSURE),
        find(PLACES, "c13"),
        find(WEB, "- name: web", LOW),
        find(WEB, "- name: worker"),
    ]
)


def view_of(whole: Report, **more: object) -> tuple[list[str], str]:
    shown = shown_findings(whole.open, View(**more))  # type: ignore[arg-type]
    return [one.rule for one in shown.findings], shown.hidden_text


def test_everything_is_shown_by_place_unless_asked() -> None:
    names, hidden = view_of(WHOLE)
    assert names == [one.rule for one in WHOLE.open]
    assert hidden == ""


def test_what_is_hidden_is_counted_by_its_reason() -> None:
    names, hidden = view_of(WHOLE, min_severity=Severity.HIGH, min_confidence=Confidence.MEDIUM, max_findings=1)
    assert names == ["k8s/probe-missing"]
    expected = "12 below --min-severity high, 1 below --min-confidence medium, 1 over --max 1; the gate and the score count them"
    assert hidden == expected


def test_by_severity_the_worst_come_first_each_by_place() -> None:
    names, _ = view_of(WHOLE, sort="severity")
    assert names == ["k8s/unsure", "k8s/probe-missing", "k8s/probe-missing", "k8s/medium", *["k8s/low"] * 11]
    assert view_of(WHOLE, sort="severity", max_findings=3)[0] == names[:3]


@pytest.mark.parametrize("color", ["never", "always"])
def test_a_view_moves_neither_score_nor_gate(color: str) -> None:
    def last_lines(view: View) -> list[str]:
        lines = ESCAPE.sub("", show("terminal", WHOLE, color=color, width=100, view=view)).splitlines()
        return [line for line in lines if re.match(r"findings|coverage|gate|score|│  \d+ of 100", line)]

    narrow = View(min_severity=Severity.CRITICAL)
    assert last_lines(narrow) == last_lines(View())
    text = ESCAPE.sub("", show("terminal", WHOLE, color=color, width=100, view=narrow))
    assert re.search(r"^hidden:? +15 below --min-severity critical; the gate and the score count them$", text, re.MULTILINE)
    assert "deploy/places.yaml:" not in text
    assert "hidden" not in show("terminal", WHOLE, color=color, width=100)


@pytest.mark.parametrize("color", ["never", "always"])
def test_quiet_takes_the_view_as_well(color: str) -> None:
    text = ESCAPE.sub("", show("terminal", WHOLE, color=color, width=200, quiet=True, view=View(max_findings=1)))
    assert re.search(r"^hidden:? +2 over --max 1", text, re.MULTILINE)
    assert text.count("has no probe") == 1


# -- counted by rule ------------------------------------------------------------------------------------------------
def test_what_fails_the_gate_is_counted_first() -> None:
    rows = rule_counts(WHOLE, WHOLE.open)
    assert [(row.rule_id, row.finding_count, row.failing_count, row.file_count) for row in rows] == [
        ("k8s/probe-missing", 2, 2, 2),
        ("k8s/unsure", 1, 1, 1),
        ("k8s/medium", 1, 0, 1),
        ("k8s/low", 11, 0, 2),
    ]


@pytest.mark.parametrize("color", ["never", "always"])
def test_statistics_stand_in_the_place_of_the_findings(color: str) -> None:
    text = ESCAPE.sub("", show("terminal", WHOLE, color=color, width=120, view=View(statistics=True)))
    table, _, rest = text.partition("\n\n" + ("categories" if color == "never" else "  Isolation"))
    assert [line.split()[:3] for line in table.splitlines() if line.strip()[:1].isdigit()] == [
        ["2", "high", "k8s/probe-missing"],
        ["1", "high", "k8s/unsure"],
        ["1", "medium", "k8s/medium"],
        ["11", "low", "k8s/low"],
    ]
    assert "Container without a probe (2 files)" in table
    assert "has no probe" not in text
    assert rest.rstrip().splitlines()[-1].startswith("gate failed: 3 high open")
    assert "--statistics" not in text  # whoever sees them need not be told of them


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_row_keeps_the_width(width: int) -> None:
    texts = ["".join(parts) for parts in rule_count_texts(rule_counts(WHOLE, WHOLE.open), width)]
    assert max(map(len, texts)) <= width
    assert [text.endswith(" (2 files)") for text in texts] == [True, False, False, True], "where it is more than one"
    assert ("…" in texts[-1]) is (width <= 80)


def test_json_counts_beside_its_findings() -> None:
    shown = json.loads(show("json", WHOLE, view=View(statistics=True)))
    jsonschema.validate(shown, json.loads((PACKAGE_FOLDER / "data/report.schema.json").read_text(encoding="utf-8")))
    first = {"rule": "k8s/probe-missing", "title": "Container without a probe", "severity": "high", "findings": 2, "failing": 2, "files": 2}
    assert shown["statistics"][0] == first
    assert len(shown["findings"]) == 15
    assert "statistics" not in json.loads(show("json", WHOLE))


# -- what to type next ----------------------------------------------------------------------------------------------
def steps(whole: Report, **more: object) -> dict[str, list[str]]:
    texts_by_label: dict[str, list[str]] = {}
    for label, text in next_step_texts(whole, fix_first_rows(whole), reports.ReportOptions(**more)):  # type: ignore[arg-type]
        texts_by_label.setdefault(label, []).append(text)
    return texts_by_label


def test_what_to_type_next() -> None:
    many = report([find(PLACES, f"c{number:02}") for number in range(40)])
    assert steps(report([])) == {}
    assert steps(report([find(PLACES, "c01")])) == {"next": ["readiness explain k8s/probe-missing"]}
    assert steps(many) == {
        "next": ["readiness explain k8s/probe-missing", "the same command with --statistics: findings counted by rule"],
        "adopt": ["readiness baseline, or check --since REF: only what is new counts"],
    }
    assert steps(many, view=View(statistics=True))["next"] == ["readiness explain k8s/probe-missing"]
    assert max(len(text) for texts in steps(many).values() for text in texts) <= 80 - MESSAGE_INDENT_COLUMNS, "a line each"


def test_steps_never_push_the_score_off_the_screen() -> None:
    wanted = [("next", "a b"), ("adopt", "c")]
    assert steps_with_room(wanted, 10, 20) == wanted
    assert steps_with_room(wanted, 22, 20) == wanted[:1]
    assert steps_with_room(wanted, 22, 1) == []


# -- lines of a terminal --------------------------------------------------------------------------------------------
WRAPPED = {
    ("", 5): [""],
    ("   ", 2): [""],
    ("abcde fghij", 5): ["abcde", "fghij"],
    ("a  b   c", 3): ["a", "b", "c"],
    ("  ab cd efghijklmnop q", 5): ["  ab", "cd", "efghi", "jklmn", "op q"],
    ("漢字漢字 ab", 5): ["漢字", "漢字", "ab"],
    ("x 漢字漢 ab", 6): ["x", "漢字漢", "ab"],
    ("trailing   ", 8): ["trailing"],
}


@pytest.mark.parametrize(("text", "width"), WRAPPED)
def test_lines_break_between_words(text: str, width: int) -> None:
    assert [text[start:end] for start, end in wrapped_spans(text, width)] == WRAPPED[text, width]


def test_a_style_goes_on_over_the_end_of_a_line() -> None:
    lines = painted_paragraph([("one two", "red"), (" three", "")], 7, prefix="- ", indent=2)
    assert lines == ["- \x1b[31mone\x1b[0m", "  \x1b[31mtwo\x1b[0m", "  three"]
    assert boxed_lines(["ab"], [2], 10)[1] == "\x1b[2m│\x1b[0m  ab    \x1b[2m│\x1b[0m"


def test_a_report_in_colours_needs_no_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rich", None)  # whoever imports it fails
    output = io.StringIO()
    reports.write_report("terminal", WHOLE, output, reports.ReportOptions(color="always", verbose=True))
    assert "\x1b[" in output.getvalue()
