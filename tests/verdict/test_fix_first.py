"""What to fix first: each rule once, what fails the gate before the rest, then what is gained together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.model import Finding, RuleEdit, Severity, Source, Suppression
from readiness.reports.fix_table import fix_row_texts
from readiness.verdict import fix_first
from readiness.verdict.fix_first import MAX_ROWS, fix_first_rows
from readiness.verdict.report import FileRow
from readiness.verdict.service_scores import ReportScore
from tests.reports.conftest import find, report, rule

SOURCE = Source("web.yaml", "".join(f"- name: c{n:02}\n" for n in range(60)), kind="k8s")
SECURITY = RuleEdit("securityContext", "subject", {"securityContext": {"runAsNonRoot": True}})
RULES = [
    rule("k8s/high", "high"),
    rule("k8s/critical", "critical", "secrets"),
    rule("k8s/low", "low"),
    rule("k8s/info", "info"),
    rule("k8s/style", "medium", "style"),
    rule("k8s/root", "medium", "isolation", edit=SECURITY),
    rule("k8s/seccomp", "low", "isolation", edit=SECURITY),
    rule("k8s/user", "high", "isolation", edit=SECURITY),
    rule("compose/user", "medium", "isolation", edit=SECURITY),
    rule("compose/only", "medium", "delivery", edit=RuleEdit("image")),
]
many_findings = st.lists(st.tuples(st.sampled_from(RULES), st.integers(0, 59), st.booleans()), max_size=40, unique_by=lambda one: (one[0].id, one[1]))


def made(rows: list[tuple[object, int, bool]]) -> list[Finding]:
    return [
        find(SOURCE, f"c{number:02}", of, suppression=Suppression("comment", "r") if suppressed else None)  # type: ignore[arg-type]
        for of, number, suppressed in rows
    ]


@given(many_findings)
def test_no_rule_is_told_twice(rows: list[tuple[object, int, bool]]) -> None:
    whole = report(made(rows))
    told = [rule_id for row in fix_first_rows(whole, None) for rule_id in row.rule_ids]
    assert len(told) == len(set(told))
    assert set(told) <= {one.rule for one in whole.open}
    assert {one.rule for one in whole.open if whole.gate.is_failed_by(one)} <= set(told)


@given(many_findings)
def test_rows_stand_in_the_order_that_is_promised(rows: list[tuple[object, int, bool]]) -> None:
    found = fix_first_rows(report(made(rows)), None)
    keys = [(not row.goes_first, -round(row.gain, 4)) for row in found]
    assert all(row.goes_first == bool(row.failing_count) for row in found), "every file here is for production, and was read"
    assert keys == sorted(keys)
    assert all(row.failing_count or row.gain >= fix_first.MIN_GAIN_OF_ROW for row in found)


@given(many_findings)
def test_a_row_gains_what_the_score_says_without_its_findings(rows: list[tuple[object, int, bool]]) -> None:
    whole = report(made(rows))
    now = whole.by_service.whole.unrounded_score
    assert now is not None
    for row in fix_first_rows(whole, None):
        rest = [one for one in whole.findings if one.suppression or one.rule not in row.rule_ids]
        without = report(rest).by_service.whole.unrounded_score
        assert without is not None
        assert row.gain == pytest.approx(without - now)
        assert row.findings == tuple(one for one in whole.open if one.rule in row.rule_ids)


def test_what_fails_the_gate_stands_before_what_gains_more() -> None:
    medium = rule("k8s/medium", "medium", "delivery")
    whole = report([find(SOURCE, "c00", rule("k8s/high", "high")), *(find(SOURCE, f"c{n:02}", medium) for n in range(1, 40))])
    first, second = fix_first_rows(whole)
    assert (first.name, first.failing_count, second.name, second.failing_count) == ("k8s/high", 1, "k8s/medium", 0)
    assert second.gain > first.gain


def test_with_nothing_that_fails_the_gate_the_gain_decides() -> None:
    low, medium = rule("k8s/low", "low", "delivery"), rule("k8s/medium", "medium", "edge")
    whole = report([find(SOURCE, "c00", low), find(SOURCE, "c01", medium)])
    assert [row.name for row in fix_first_rows(whole)] == ["k8s/medium", "k8s/low"]


def test_rules_that_one_edit_mends_are_one_row_and_kinds_are_apart() -> None:
    whole = report([find(SOURCE, "c00", one) for one in RULES if one.edit])
    names = {row.name: row.rule_ids for row in fix_first_rows(whole)}
    assert names == {
        "k8s securityContext": ("k8s/root", "k8s/seccomp", "k8s/user"),
        "compose/user": ("compose/user",),
        "compose/only": ("compose/only",),
    }


def test_things_are_counted_and_not_their_findings() -> None:
    findings = [
        find(SOURCE, f"c{n:02}", of, resource="Deployment/web", container=f"c{n:02}", edit_group=f"c{n:02}") for n in range(3) for of in RULES[5:7]
    ]
    (row,) = fix_first_rows(report(findings))
    assert (len(row.findings), row.place_count) == (6, 3)
    assert fix_row_texts(row) == ("2 rules, 3 containers", "securityContext: {runAsNonRoot: true}")


def test_a_thing_with_several_findings_of_a_row_counts_once() -> None:
    """Two mounts of one service, four variables of another."""
    of_services = [find(SOURCE, f"c{n:02}", RULES[0], resource=f"service/{name}") for n, name in enumerate("app app db app db".split())]
    (row,) = fix_first_rows(report(of_services))
    assert fix_row_texts(row)[0] == "2 services, 5 fail the gate"
    (row,) = fix_first_rows(report(of_services[:2]))
    assert fix_row_texts(row)[0] == "1 service, 2 fail the gate"


def test_things_of_one_name_in_several_files_are_several() -> None:
    other = Source("other.yaml", SOURCE.text, kind="k8s")
    (row,) = fix_first_rows(report([find(one, "c00", RULES[0], resource="service/app") for one in (SOURCE, other)]))
    assert row.place_count == 2


def test_servers_of_one_name_in_one_file_are_several() -> None:
    text = "server {\n  listen 80; # a\n  root /b;\n}\nserver {\n  listen 80; # c\n}\n"
    source = Source("nginx.conf", text, kind="nginx")
    nginx_rule = rule("nginx/high", "high", "edge")
    findings = [find(source, word, nginx_rule, resource="server/web") for word in ("# a", "root", "# c")]
    (row,) = fix_first_rows(report(findings))
    assert fix_row_texts(row)[0] == "2 servers, 3 fail the gate"


def test_what_has_no_word_is_counted_by_its_edits() -> None:
    findings = [find(SOURCE, f"c{n:02}", RULES[0], resource=name) for n, name in enumerate(("service/app", "service/app", ""))]
    (row,) = fix_first_rows(report(findings))
    assert fix_row_texts(row)[0] == "3 places, 3 fail the gate"


NOUNS: dict[str, list[dict[str, Any]]] = {
    "containers": [{"resource": "Deployment/web", "container": "a"}, {"resource": "Pod/web", "container": "b"}],
    "services": [{"resource": "service/web"}, {"resource": "service/db"}],
    "steps": [{"resource": "job/test/step/1"}, {"resource": "job/lint/step/2"}],
    "objects": [{"resource": "Deployment/web"}, {"resource": "ConfigMap/web"}],
    "places": [{"resource": "service/web"}, {"resource": ""}],
}


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_counted_has_a_name(noun: str) -> None:
    findings = [find(SOURCE, f"c{n:02}", RULES[0], **more) for n, more in enumerate(NOUNS[noun])]
    (row,) = fix_first_rows(report(findings))
    assert fix_row_texts(row)[0] == f"2 {noun}, 2 fail the gate"


def test_suppressed_findings_are_no_advice() -> None:
    gone = Suppression("comment", "known")
    whole = report([find(SOURCE, "c00", RULES[0], suppression=gone), find(SOURCE, "c01", RULES[2])])
    assert [row.name for row in fix_first_rows(whole)] == ["k8s/low"]


def test_there_are_ten_rows_at_most_and_the_score_is_asked_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule(f"k8s/r{n:02}", "medium") for n in range(15)]
    whole = report([find(SOURCE, f"c{2 * n + m:02}", one) for n, one in enumerate(rules) for m in range(2)])
    asked: list[Iterable[int]] = []
    ask = ReportScore.unrounded_score_without

    def counting(self: ReportScore, left_out: Iterable[int]) -> float:
        asked.append(left_out)
        return ask(self, left_out)

    monkeypatch.setattr(ReportScore, "unrounded_score_without", counting)
    assert len(fix_first_rows(whole)) == MAX_ROWS
    assert len(asked) == len(rules) + 1, "once for each row, and once for now"


def test_a_row_is_as_bad_as_its_worst_finding() -> None:
    lowered = find(SOURCE, "c00", RULES[0], lowered_severity=Severity.LOW)
    whole = report([lowered, find(SOURCE, "c01", RULES[0])])
    (row,) = fix_first_rows(whole)
    assert (row.severity, row.failing_count, len(row.findings)) == (Severity.HIGH, 1, 2)


def edited(of: object, name: str) -> Finding:
    return find(SOURCE, name, of, resource=f"Deployment/{name}", edit_group=f"web.yaml: Deployment/{name}: securityContext")  # type: ignore[arg-type]


def test_rules_that_no_edit_mends_together_are_rows_of_their_own() -> None:
    root, seccomp, user = RULES[5:8]
    apart = report([edited(root, "c00"), edited(seccomp, "c01"), edited(seccomp, "c02")])
    assert {row.name for row in fix_first_rows(apart)} == {"k8s/root", "k8s/seccomp"}
    partly = report([edited(root, "c00"), edited(seccomp, "c00"), edited(seccomp, "c01"), edited(user, "c02")])
    assert {row.name: row.rule_ids for row in fix_first_rows(partly)} == {
        "k8s securityContext": ("k8s/root", "k8s/seccomp"),
        "k8s/user": ("k8s/user",),
    }


def test_a_file_that_was_not_read_goes_first_only_where_it_is_for_production() -> None:
    syntax, medium = rule("core/syntax", "low", "correctness"), rule("k8s/medium", "medium", "delivery")
    for purpose, names in (("", ["core/syntax", "k8s/medium"]), ("an example", ["k8s/medium", "core/syntax"])):
        rows = [FileRow(SOURCE.path, "k8s", "broken", "tab", cause="broken", purpose=purpose), FileRow("b.yaml", "k8s", "checked")]
        other = Source("b.yaml", SOURCE.text, kind="k8s")
        whole = report([find(SOURCE, "c00", syntax), *(find(other, f"c{n:02}", medium) for n in range(9))], rows=rows)
        found = fix_first_rows(whole)
        assert [row.name for row in found] == names
        assert all(row.failing_count == (row.name == "core/syntax") for row in found)


def test_a_file_of_another_purpose_that_fails_by_its_severity_goes_first() -> None:
    rows = [FileRow(SOURCE.path, "k8s", "broken", "tab", cause="broken", purpose="an example"), FileRow("b.yaml", "k8s", "checked")]
    whole = report([find(SOURCE, "c00", rule("core/syntax", "high", "correctness"))], rows=rows)
    assert fix_first_rows(whole)[0].goes_first
