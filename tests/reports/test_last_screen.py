"""The last 24 lines of a report at 80 columns: the score, what to fix first, the counts, and the gate as the last."""

from __future__ import annotations

import io
import re

import pytest

from readiness import reports
from readiness.model import RuleEdit, Severity, Source
from readiness.model.service import Service, ServicePart
from readiness.redaction import Redactor
from readiness.reports import digest
from readiness.reports.fix_table import SCREEN_LINES, detail_lines, fix_row_texts, gain_text, rows_on_first_screen, rule_ids_text
from readiness.reports.frame import display_width
from readiness.verdict.fix_first import FixRow, fix_first_rows
from readiness.verdict.report import FileRow, Report
from tests.test_fixtures import STORIES, check

from .conftest import find, report, rule, show

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SOURCE = Source("deploy/web.yaml", "".join(f"- name: c{number:02}\n" for number in range(60)), kind="k8s")
BROKEN_ROWS = [FileRow(f"production/values-of-cluster-{number}.yaml", "k8s", "unreadable", "tab " * 30, cause="broken") for number in range(9)]


def wrapped(text: str, width: int) -> list[str]:
    """Lines as a terminal shows them."""
    return [line[at : at + width] for line in ESCAPE.sub("", text).splitlines() for at in range(0, max(len(line), 1), width)]


def big_report(*, rules_of_edit: int = 9, files: int = 20, **more: object) -> Report:
    """40 services, 20 files of other purposes, rows of many rules, and whatever else stands at the end."""
    edit = RuleEdit("securityContext", "subject", {"securityContext": {"runAsNonRoot": True}})
    rules = [rule(f"k8s/of-the-security-context-{number}", "high", "isolation", edit=edit) for number in range(rules_of_edit)]
    rules += [rule(f"compose/of-the-image-{number}", "critical", "delivery", edit=RuleEdit("image")) for number in range(rules_of_edit)]
    rules += [rule(f"nginx/directive-of-a-long-name-{number}", "medium", "edge", edit=RuleEdit(f"key{number // 2}")) for number in range(12)]
    findings = [find(SOURCE, f"c{number:02}", one, service_name=f"service-{number:02}") for number in range(40) for one in rules]
    aside = [FileRow(f"examples/e{number}.yaml", "k8s", "checked", purpose="an example, by its directory") for number in range(files)]
    rows = [FileRow(SOURCE.path, "k8s", "checked"), *aside]
    services = tuple(Service(f"service-{n:02}", (ServicePart("deploy", "k8s", SOURCE.path, f"Deployment/{n}", "x"),)) for n in range(40))
    return report(findings, rows=[*rows, *more.pop("more_rows", ())], services=services, **more)  # type: ignore[misc]


REPORTS = {
    "many of all": big_report(),
    "a gate of many reasons": big_report(more_rows=BROKEN_ROWS, strict_coverage=True, min_score=90),
    "nothing is deployed": big_report(undeployed_paths=tuple(f"deploy/{number}/of/a/long/name.yaml" for number in range(9))),
    "one rule a row": big_report(rules_of_edit=1),
    "no score": report([find(SOURCE, "c01")], rows=[FileRow(SOURCE.path, "k8s", "checked"), *BROKEN_ROWS]),
}


def assert_last_screen(lines: list[str], gate_start: str = "gate ") -> None:
    screen = lines[-24:]
    assert any(re.search(r"\d+ of 100.* [A-F]\b|no score", line) for line in screen)
    assert any(re.match(r"\W*fix first", line, re.IGNORECASE) for line in screen)
    assert any(line.startswith("findings") for line in screen)
    assert any(line.startswith("coverage") for line in screen)
    last_gate_line = max(index for index, line in enumerate(lines) if line.startswith(gate_start))
    assert not any(re.match(r"findings|coverage|files|purpose|services|score", line) for line in lines[last_gate_line:])


@pytest.mark.parametrize("color", ["never", "always"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_last_screen_has_all_that_counts(name: str, color: str) -> None:
    text = show("terminal", REPORTS[name], color=color, width=80)
    assert_last_screen(wrapped(text, 80))
    rows = [line for line in wrapped(text, 80)[-24:] if re.match(r"\W*(\+\d|gate +high)", line)]
    assert len(rows) == min(len(fix_first_rows(REPORTS[name])), 5)


@pytest.mark.parametrize("color", ["never", "always"])
@pytest.mark.parametrize("story", [story for story in STORIES if "hardened" not in story])
def test_the_last_screen_of_every_fixture(story: str, color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = wrapped(check(story, "--color", color, monkeypatch=monkeypatch).output, 80)
    fix_first = [line for line in lines if re.match(r"\W*fix first", line, re.IGNORECASE)]
    if fix_first:
        assert_last_screen(lines)
    else:
        assert any(re.search(r"\d+ of 100", line) for line in lines[-24:])
        assert lines[-1].startswith("gate ")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_colours_is_too_wide(width: int) -> None:
    for whole in REPORTS.values():
        lines = ESCAPE.sub("", show("terminal", whole, color="always", width=width)).splitlines()
        assert max(display_width(line.rstrip()) for line in lines) <= width


def test_three_purposes_are_named_and_the_rest_counted() -> None:
    text = show("terminal", REPORTS["many of all"])
    assert re.findall(r"^purpose: (.*)$", text, re.MULTILINE)[-1] == "and 17 more (-v names them)"
    assert len(re.findall("^purpose: ", text, re.MULTILINE)) == 4
    assert len(re.findall("^purpose: ", show("terminal", REPORTS["many of all"], verbose=True), re.MULTILINE)) == 20
    assert len(re.findall("^purpose: ", show("terminal", big_report(files=3)), re.MULTILINE)) == 3


def test_the_gate_names_the_score_where_there_is_room() -> None:
    whole = report([find(SOURCE, "c01")])
    redactor = Redactor(())
    assert digest.gate_text(whole, redactor).endswith(f"; score {whole.score} of 100, {whole.grade}")
    assert digest.gate_text(whole, redactor, width=60) == "gate failed: 1 high open (--fail-on high)"
    assert whole.score == 89
    asked = report([find(SOURCE, "c01")], min_score=99)
    assert digest.gate_text(asked, redactor, width=200).count("score 89") == 1
    assert "score" not in show("terminal", REPORTS["no score"]).splitlines()[-1]


def test_why_there_is_no_score_stands_beside_it() -> None:
    for color in ("never", "always"):
        screen = show("terminal", REPORTS["no score"], color=color, width=80).splitlines()[-24:]
        assert "10 % of what is here was judged, and a score takes 40 %" in "".join(screen)
        assert not any(re.search(r"\+\d", ESCAPE.sub("", line)) for line in screen)


def test_why_there_is_no_score_is_said_where_nothing_is_for_production() -> None:
    rows = [FileRow(SOURCE.path, "k8s", "unreadable", "tab", cause="broken", purpose="an example\x1b[31m")]
    whole = report([find(SOURCE, "c01", rule("core/syntax", "low"))], rows=rows, is_production_judged=False)
    assert whole.score is None
    assert digest.verdict_text(whole).startswith("not assessed: nothing here was taken for production: deploy/web.yaml")
    output = io.StringIO()
    reports.write_report("terminal", whole, output, reports.ReportOptions())
    assert "\x1b" not in output.getvalue()


# -- the rows -------------------------------------------------------------------------------------------------------
def row(gain: float, failing_count: int = 0, rule_ids: tuple[str, ...] = ("k8s/a",)) -> FixRow:
    return FixRow("k8s/a", Severity.LOW, rule_ids, (), failing_count, gain, goes_first=bool(failing_count))


def test_what_gains_nothing_says_gate_and_no_nought() -> None:
    whole = report([find(SOURCE, "c01")])
    shown = {gain: (gain_text(whole, row(gain, 1), digits=1), gain_text(whole, row(gain), digits=2)) for gain in (0.0, 0.03, 0.05, 12.34)}
    assert shown == {0.0: ("gate", ""), 0.03: ("+0.03", "+0.03"), 0.05: ("+0.1", "+0.05"), 12.34: ("+12.3", "+12.34")}
    assert gain_text(REPORTS["no score"], row(3.0, 1), digits=1) == "gate"
    assert gain_text(REPORTS["no score"], row(3.0), digits=1) == ""


def test_a_row_of_several_rules_names_as_many_as_fit() -> None:
    ids = [f"k8s/rule-{number}" for number in range(6)]
    assert rule_ids_text(ids, 200) == ", ".join(ids)
    assert rule_ids_text(ids, 44) == "k8s/rule-0, k8s/rule-1 and 4 more"
    assert rule_ids_text(ids, 45) == "k8s/rule-0, k8s/rule-1, k8s/rule-2 and 3 more"
    assert len(rule_ids_text(ids, 12)) <= 12
    redactor = Redactor(())
    assert detail_lines(row(1.0), redactor, 76, shows_ids=True, shows_fix=False) == []
    assert detail_lines(row(1.0, rule_ids=("a/b", "a/c")), redactor, 76, shows_ids=True, shows_fix=False) == ["a/b, a/c"]


def test_every_rule_of_a_row_can_be_explained_by_what_is_printed() -> None:
    for color in ("never", "always"):
        lines = wrapped(show("terminal", REPORTS["many of all"], color=color, width=80), 80)[:24]
        below = lines[next(index for index, line in enumerate(lines) if "k8s securityContext" in line) + 1]
        assert re.match(r" +k8s/of-the-security-context-0, .* and \d more$", below.rstrip())


def test_the_first_screen_has_room_for_its_rows() -> None:
    rows = rows_on_first_screen([row(1.0, rule_ids=("a/b", "a/c"))] * 10)
    assert len(rows) == 7
    assert 1 + 3 * len(rows) <= SCREEN_LINES
    assert len(rows_on_first_screen([row(1.0)] * 10)) == 10


def hint(*counts: tuple[str, str, object, int]) -> str:
    """What is told of a row of rules, each with its severity, what it writes, and its number of places; all share the first."""
    findings = []
    for name, severity, text, count in counts:
        one = rule(f"compose/{name}", severity, "delivery", edit=RuleEdit("image", "subject", text), fix=f"Fix {name}.")  # type: ignore[arg-type]
        findings += [find(SOURCE, f"c{number:02}", one, resource=f"service/c{number:02}", edit_group=f"c{number}") for number in range(count)]
    (only,) = fix_first_rows(report(findings))
    return fix_row_texts(only)[1]


def test_the_hint_is_of_what_most_places_need() -> None:
    assert hint(("old", "high", "", 1), ("floating", "medium", "", 14)) == "compose/floating: Fix floating."
    assert hint(("old", "high", "", 3), ("floating", "medium", "", 3)) == "compose/old: Fix old."
    assert hint(("old", "high", "image: x", 1), ("floating", "medium", "", 14)) == "compose/floating: Fix floating."
    assert hint(("old", "high", "", 1), ("floating", "medium", "image: x", 14)) == "image: x"
    assert hint(("floating", "medium", "", 3)) == "Fix floating."
