"""Names that rules had before: they go on working wherever a rule is named, with one notice each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import readiness
from readiness.cli.main import main
from readiness.model import Finding
from readiness.ruleset import examples, names, rules
from readiness.ruleset import select as selection
from readiness.ruleset.names import RuleName, RuleNames
from readiness.syntax.yaml import load_yaml_documents
from readiness.triage import baseline
from readiness.verdict.report import Report
from tests.conftest import ROOT, by_rule
from tests.ruleset.test_rules import check, default_path
from tests.ruleset.test_tiers import (
    ALL,
    FEW,
    KINDS,
    LAST,
    MIDDLE,
    MILD,
    deployment,
    run,
    shelf,
    told,
)

__all__ = ["shelf"]  # a fixture
TABLE = {
    "k8s/few-strict": (RuleName(FEW, "strict"),),
    "k8s/few-any": (RuleName(FEW),),
    "k8s/sets": (RuleName(KINDS, "StatefulSet"),),
    "k8s/broken-up": (RuleName(FEW, "optional"), RuleName(KINDS, "Deployment")),
}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of former names in place of the shipped one."""
    for module in ("readiness.ruleset.names.rule_names_by_former_id", "readiness.ruleset.select.rule_names_by_former_id"):
        monkeypatch.setattr(module, lambda: TABLE)


def notice(report: Report) -> str:
    (only,) = report.notices
    return only


pytestmark = pytest.mark.usefixtures("table")
SETS = deployment("a", 1) + "---\n" + deployment("b", 1, "StatefulSet")


def parts(report: Report) -> list[str]:
    return [one.part for one in report.open if one.rule == KINDS]


def test_select_and_ignore(shelf: Path) -> None:
    report = run(shelf, select=["k8s/few-strict"])
    assert told(report) == [MILD, MIDDLE], "a strict rule of before found what the mild one did"
    assert notice(report) == ("--select: k8s/few-strict is called k8s/mine:strict now; the old name still works")
    assert told(run(shelf, select=["k8s/few-any"])) == [MILD, MIDDLE, LAST]
    report = run(shelf, select=[FEW], ignore=["k8s/few-strict", "k8s/few-strict"])
    assert told(report) == [MILD, LAST]
    assert notice(report).startswith("--ignore: k8s/few-strict")
    assert parts(run(shelf, SETS, select=[KINDS], ignore=["k8s/sets"])) == ["Deployment"]
    report = run(shelf, SETS, select=["k8s/broken-up"])
    assert parts(report) == ["Deployment"]
    assert "k8s/mine:optional and k8s/kinds:Deployment" in notice(report)


def test_a_prefix_of_former_names(shelf: Path) -> None:
    report = run(shelf, select=["k8s/few-"])
    assert told(report) == [MILD], "a prefix narrows the profile, whatever its rules were called"
    assert notice(report).startswith("--select: k8s/few- is called ")
    report = run(shelf, extend_select=["k8s/few-"], select=["k8s/k"])
    assert told(report) == [MILD, MIDDLE, LAST]
    assert notice(report).startswith("--extend-select: k8s/few- is called ")
    assert run(shelf, select=["k8s/"]).notices == (), "a prefix of today's names is none of before"


def test_a_prefix_takes_in_what_it_did_before(shelf: Path) -> None:
    """Of today's names `k8s/se` begins some, so what it began before would be lost without a word."""
    report = run(shelf, SETS, select=[KINDS], ignore=["k8s/se"])
    assert parts(report) == ["Deployment"]
    assert notice(report) == ("--ignore: k8s/se takes in k8s/kinds:StatefulSet as before, under other names now")
    assert parts(run(shelf, SETS, select=["k8s/se"])) == ["StatefulSet"]
    assert parts(run(shelf, SETS, select=["k8s/k"], ignore=["k8s/broken"])) == ["StatefulSet"]
    assert run(shelf, SETS, select=["k8s/security-context-missing"]).notices == ()


def test_a_rule_of_somebodys_own_has_its_name_for_itself(shelf: Path) -> None:
    """A former id that a custom rule has is that rule's, and nothing is said of the other."""
    own = (shelf / "k8s" / "kinds.yaml").read_text().replace("title: Object", "title: Own")
    (shelf / "k8s" / "few-strict.yaml").write_text(own)
    report = run(shelf, select=["k8s/few-strict"])
    assert {one.rule for one in report.open} == {"k8s/few-strict"}
    assert report.notices == ()
    report = run(shelf, select=[FEW], ignore=["k8s/few-strict"])
    assert told(report) == [MILD, MIDDLE, LAST]
    assert report.notices == ()
    known = shelf.parent / "known.json"
    known.write_text(baseline.baseline_file_text(run(shelf, select=["k8s/few-strict"]).findings))
    report = run(shelf, select=[FEW], baseline=known)
    assert (told(report), report.notices) == ([MILD, MIDDLE, LAST], ())


def test_settings(shelf: Path) -> None:
    report = run(shelf, settings=f"select: [{FEW}]\nignore: [k8s/few-strict]\n")
    assert told(report) == [MILD, LAST]
    assert notice(report).startswith(".readiness.yaml:2:10: k8s/few-strict is called ")
    text = f"select: [{FEW}]\nparameters:\n  k8s/few-strict: {{minimum: 9}}\n"
    report = run(shelf, settings=text)
    assert told(report) == [MILD, MIDDLE, ("4", "low")]
    assert notice(report).startswith(".readiness.yaml:3:3: k8s/few-strict")
    text = f"select: [{FEW}]\nwaivers:\n  - {{rule: k8s/few-strict, reason: on purpose}}\n"
    report = run(shelf, settings=text)
    assert told(report) == [MILD, LAST]
    assert notice(report).startswith(".readiness.yaml:3: k8s/few-strict")
    locked = f"locked: [k8s/few-strict]\nwaivers: [{{rule: '{FEW}', reason: on purpose}}]\n"
    assert told(run(shelf, settings=locked, select=[FEW])) == [MIDDLE]


def test_comments_and_annotations(shelf: Path) -> None:
    text = f"# readiness: ignore[k8s/few-strict] on purpose\n\n{ALL}"
    report = run(shelf, text, select=[FEW, "core/"])
    assert told(report) == [MILD, LAST]
    assert [one.rule_definition.kind for one in report.open] == ["k8s", "k8s"]
    assert notice(report).startswith("web.yaml:1: k8s/few-strict")
    for key in ("few-strict", "k8s.few-strict"):
        note = f"{{readiness.dev/ignore.{key}: on purpose}}"
        text = deployment("web2", 2, notes=note) + "---\n" + deployment("web1", 1)
        report = run(shelf, text, select=[FEW, "core/"])
        assert told(report) == [MILD]
        assert [one.rule for one in report.open] == [FEW]
        assert notice(report).startswith("web.yaml:3: k8s/few-strict is called")


def test_one_notice_however_often(shelf: Path) -> None:
    comment = "# readiness: ignore[k8s/few-strict] on purpose\n"
    text = f"{comment}{deployment('web2', 2)}---\n{comment}{deployment('web2', 2)}"
    report = run(shelf, text, select=[FEW], ignore=["k8s/sets"])
    assert len(report.notices) == 2
    assert len({line.split()[1] for line in report.notices}) == 2


def test_a_comment_under_a_former_name_that_silences_nothing_is_told(shelf: Path) -> None:
    text = f"# readiness: ignore[k8s/few-strict] on purpose\n\n{deployment('web1', 1)}"
    report = run(shelf, text, select=[FEW, "core/"])
    assert [one.rule for one in report.open] == ["core/suppression-unused", FEW]


def test_a_baseline_of_before(shelf: Path) -> None:
    found = run(shelf, SETS, select=[KINDS]).findings
    rows = [{"fingerprint": baseline.fingerprint_for_rule_id(finding, "k8s/sets"), "path": finding.path} for finding in found]
    known = shelf.parent / "known.json"
    known.write_text(json.dumps({"version": baseline.BASELINE_VERSION, "findings": rows}))
    report = run(shelf, SETS, select=[KINDS], baseline=known)
    assert parts(report) == ["Deployment"], "the former name was that of stateful sets alone"
    assert notice(report).startswith("known.json: 1 finding stands under")
    assert "(k8s/sets is called k8s/kinds:StatefulSet now)" in notice(report)
    known.write_text(baseline.baseline_file_text(found))
    report = run(shelf, SETS, select=[KINDS], baseline=known)
    assert (parts(report), report.notices) == ([], ())


@pytest.mark.parametrize("home", ["web.yaml", "elsewhere/web.yaml"])
def test_of_equal_findings_a_baseline_of_before_knows_as_many_as_it_had(shelf: Path, home: str) -> None:
    """Two alike, one of them new, whether or not the known one stood in another file then."""
    twice = deployment("b", 1, "StatefulSet") + "---\n" + deployment("b", 1, "StatefulSet")
    kept, _ = (f for f in run(shelf, twice, select=[KINDS]).findings if f.rule == KINDS)
    row = {"fingerprint": baseline.fingerprint_for_rule_id(kept, "k8s/sets"), "path": home}
    known = shelf.parent / "known.json"
    for rows, left in (([row], 1), ([row, row], 0), ([], 2)):
        known.write_text(json.dumps({"version": baseline.BASELINE_VERSION, "findings": rows}))
        report = run(shelf, twice, select=[KINDS], baseline=known)
        assert parts(report) == ["StatefulSet"] * left


def test_several_former_ids_of_one_finding_are_one_entry(shelf: Path) -> None:
    """What two rules said of one place is one finding now, and no second one is known by what the other rule said."""
    (kept,) = run(shelf, deployment("b", 1), select=[FEW]).findings
    rows = [{"fingerprint": baseline.fingerprint_for_rule_id(kept, rule), "path": kept.path} for rule in ("k8s/few-strict", FEW)]
    known = shelf.parent / "known.json"
    known.write_text(json.dumps({"version": baseline.BASELINE_VERSION, "findings": rows}))
    twice = deployment("b", 1) + "---\n" + deployment("b", 1)
    assert len(told(run(shelf, twice, select=[FEW], baseline=known))) == 1


def test_the_command_line_says_it_once_on_standard_error(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(shelf)
    flags = ["check", "--no-config", "--no-cache", "--rules", str(shelf), "--exit-zero"]
    tree = str(shelf.parent / "tree")
    result = CliRunner().invoke(main, [*flags, "--select", "k8s/few-strict", tree])
    assert result.stderr == ("readiness: --select: k8s/few-strict is called k8s/mine:strict now; the old name still works\n")
    monkeypatch.setattr(names, "rule_names_by_former_id", lambda: {"k8s/old": (RuleName("k8s/privileged"),)})
    for word in ("k8s/old", "old"):
        result = CliRunner().invoke(main, ["explain", word])
        assert result.output.splitlines().count("# k8s/privileged") == 1
        assert "k8s/old is called k8s/privileged now" in result.stderr


# The shipped table


SHIPPED = {
    old: new if isinstance(new, list) else [new]
    for old, new in (load_yaml_documents((rules.rules_folder() / "renamed.yaml").read_text("utf-8"))[0]).items()
}


def test_former_names_are_no_names_of_today() -> None:
    assert set(SHIPPED) & set(by_rule()) == set()


@pytest.mark.parametrize("old", SHIPPED)
def test_a_former_name_leads_to_a_rule_and_its_member(old: str) -> None:
    for word in SHIPPED[old]:
        name = names.parse_rule_name(word)
        assert name.rule_id in by_rule(), f"{old}: there is no {name.rule_id}"
        rule = by_rule()[name.rule_id][0].rule
        assert name.tier_or_part in {"", *rule.tiers_and_parts}, f"{old}: {name.rule_id} has no {name.tier_or_part}"
        assert rule.kind == old.partition("/")[0]


@cache
def shown(rule: str) -> tuple[Finding, ...]:
    """What a rule finds in its bad examples with all of its tiers on."""
    tiers = by_rule()[rule]
    return tuple(
        finding
        for example in examples.rule_examples(tiers[0], default_path(tiers[0].rule))
        for finding in (check(tiers, example, lambda text: text).findings if example.is_bad else ())
    )


def counting(rule: str, *, select: list[str], ignore: list[str]) -> list[Finding]:
    """Those of them that count for the words of --select and --ignore."""
    known = RuleNames()
    active = selection.active_pairs_by_rule_id(
        by_rule()[rule],
        selection.RuleChoice(
            *selection.load_profile_levels_and_selectors(rules.rules_folder(), "recommended"),
            selection=selection.parse_rule_selectors(select, known),
            ignored=selection.parse_rule_selectors(ignore, known),
        ),
    )
    assert len(known.notices) == 1
    return [one for one in shown(rule) if selection.is_finding_active(one, active)]


@pytest.mark.parametrize("old", SHIPPED)
def test_a_former_name_selects_and_silences_what_it_stood_for(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the shipped table
    meant = [names.parse_rule_name(word) for word in SHIPPED[old]]
    for rule in {name.rule_id for name in meant}:
        mine = [one for one in shown(rule) if any(name.is_name_of(one) for name in meant)]
        selected = counting(rule, select=[old], ignore=[])
        assert mine
        assert all(one in selected for one in mine)
        assert all(any(name.may_cover(one) for name in meant) for one in selected)
        rest = counting(rule, select=[rule], ignore=[old])
        assert not any(one in rest for one in mine)
        assert len(rest) + len(mine) == len(shown(rule))


def test_the_aliases_for_the_found_cases_are_those_of_the_table() -> None:
    """What the shared expect.py takes: one rule for each former id, no tier or part."""
    file = ROOT / "tests" / "found-aliases.json"
    want = {old: names.parse_rule_name(new[0]).rule_id for old, new in SHIPPED.items()}
    assert json.loads(file.read_text("utf-8")) == want


def test_the_table_is_read_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names.rule_names_by_former_id.cache_clear()
    assert {old: [str(one) for one in new] for old, new in names.rule_names_by_former_id().items()} == SHIPPED


def test_a_word_that_no_rule_ever_had_names_nothing() -> None:
    assert RuleNames().names_of("k8s/never") == ()
    assert RuleNames().names_of("k8s/privileged") == (RuleName("k8s/privileged"),)
    assert readiness.check([], select=["k8s/privileged"]).notices == ()
