"""Messages that a check names, and limits: what a custom rule may say of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import readiness
from readiness import api
from readiness.reports import pages, rule_list
from readiness.ruleset import rules
from tests.ruleset.test_custom_rules import refused, tree

MESSAGES = 'messages: {neither: "{name} bounds nothing", both: "{name} bounds both ways"}'
NAMED = f"""\
title: Budget
severity: low
category: reliability
target: k8s.object
check: k8s.disruption.disruption_budget_incomplete
{MESSAGES}
why: Nothing.
fix: Nothing.
links: [https://example.com/]
bad: []
good: []
"""
NEITHER = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {selector: {}}\n"
BOTH = NEITHER.replace("selector: {}", "minAvailable: 1, maxUnavailable: 1")


def said(root: Path, text: str, manifest: str) -> list[str]:
    """What a rule of one's own says of a manifest."""
    tree(root, **{"own/k8s/mine.yaml": text, "t/budget.yaml": manifest})
    report = readiness.check([root / "t"], rules=[root / "own"], select=["k8s/mine"])
    return [one.message for one in report.findings]


def test_a_hit_has_the_message_that_the_check_names(tmp_path: Path) -> None:
    assert said(tmp_path, NAMED, NEITHER) == ["web bounds nothing"]
    assert said(tmp_path, NAMED, BOTH) == ["web bounds both ways"]


def test_a_plain_message_is_for_all_names_that_have_none(tmp_path: Path) -> None:
    assert said(tmp_path, NAMED.replace(MESSAGES, 'message: "{name}"'), NEITHER) == ["web"]
    both = NAMED.replace(MESSAGES, 'message: "{name}"\nmessages: {neither: none}')
    assert said(tmp_path, both, NEITHER) == ["none"]
    assert said(tmp_path, both, BOTH) == ["web"]


def test_a_tier_has_messages_of_its_own(tmp_path: Path) -> None:
    tiers = 'tiers: {recommended: {severity: low, messages: {both: "{resource} twice"}}}\nbad: []'
    text = NAMED.replace("bad: []", tiers)
    assert said(tmp_path, text, BOTH) == ["PodDisruptionBudget/web twice"]
    assert said(tmp_path, text, NEITHER) == ["web bounds nothing"]


FAMILY = f"""\
common:
  severity: low
  category: reliability
  target: k8s.object
  check: k8s.disruption.disruption_budget_incomplete
  {MESSAGES}
  why: Nothing.
  fix: Nothing.
  links: [https://example.com/]
rules:
  mine: {{title: Budget, messages: {{both: "{{name}} twice"}}}}
"""


def test_a_row_of_a_family_adds_to_the_messages_of_all(tmp_path: Path) -> None:
    tree(tmp_path, **{"own/k8s/families/budgets.yaml": FAMILY, "t/a.yaml": BOTH, "t/b.yaml": NEITHER})
    report = readiness.check([tmp_path / "t"], rules=[tmp_path / "own"], select=["k8s/mine"])
    assert [one.message for one in report.findings] == ["web twice", "web bounds nothing"]


LACKING = {
    "never said": ('both: "{name} bounds both ways"', "both: a, late: b", "never says 'late'; it says both, neither"),
    "lacking": (', both: "{name} bounds both ways"', "", "says 'both': the rule has no `message` for it"),
    "unknown fact": ("{name} bounds nothing", "{what}", "there is no fact 'what'"),
    "no fact": ("{name} bounds nothing", "{name.x}", "is no fact"),
    "no mapping": (MESSAGES, "messages: [a]", "messages must be a mapping"),
    "no name": ("both:", "bo th:", "can't name a message"),
    "no message at all": (f"{MESSAGES}\n", "", "'message' is missing"),
    "no check": ("check: k8s.disruption.disruption_budget_incomplete", "require: {spec.selector: present}",
                 "a rule without a check never says"),
    "a tier's own": ("bad: []", "tiers: {strict: {severity: low, messages: {late: a}}}\nbad: []", "never says 'late'"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), LACKING.values(), ids=LACKING)
def test_messages_that_cannot_be_used_are_refused(tmp_path: Path, old: str, new: str, wanted: str) -> None:
    assert old in NAMED
    error = refused(tmp_path, NAMED.replace(old, new))
    assert wanted in error.message
    assert "k8s/mine.yaml:" in error.where


def test_limits_reach_the_page_and_json(tmp_path: Path) -> None:
    text = NAMED.replace("links:", "limits: Another tree is not seen.\nlinks:")
    tree(tmp_path, **{"own/k8s/mine.yaml": text})
    found = rules.read_own_rule_tiers("k8s/mine", tmp_path / "own/k8s/mine.yaml")
    row = rule_list.rule_json_object(found[0].rule)
    assert row["limits"] == "Another tree is not seen."
    assert row["messages"] == {
        "neither": "{name} bounds nothing",
        "both": "{name} bounds both ways",
    }
    (shipped,) = api.find_rules("k8s/claim-unresolved")[0]
    page = pages.rule_page(shipped, {})
    assert f"## Limits\n\n{shipped[0].rule.known_limits}\n" in page


def test_limits_are_text(tmp_path: Path) -> None:
    error = refused(tmp_path, NAMED.replace("links:", "limits: [a]\nlinks:"))
    assert "limits must be text" in error.message
