"""What closes the gate was right at first sight: no rule is high whose record is under one half, unless it was changed since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from readiness.model import Severity
from tests.conftest import catalogue

ROOT = Path(__file__).parents[2]
LEAST_FACTS = 3
"""A rule in a tree is one fact: of fewer nothing can be told."""
RULES = {bound.rule.id: bound.rule for bound in catalogue()}


def facts_by_rule(verdict_rows: Iterable[Mapping[str, str]], names_of_today: Mapping[str, str]) -> dict[str, list[bool]]:
    """Rule -> whether each of its critical and high facts was right: at one of its places at least all readers say T."""
    verdicts_by_place: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in verdict_rows:
        if row["severity"] in ("critical", "high"):
            rule = names_of_today.get(row["rule"], row["rule"])
            verdicts_by_place[rule, row["tree"], row["place"]].add(row["verdict"])
    is_right_by_fact: dict[tuple[str, str], bool] = {}
    for (rule, tree, _), verdicts in verdicts_by_place.items():
        is_right_by_fact[rule, tree] = is_right_by_fact.get((rule, tree), False) or verdicts == {"T"}
    facts: dict[str, list[bool]] = defaultdict(list)
    for (rule, _), is_right in is_right_by_fact.items():
        facts[rule].append(is_right)
    return dict(facts)


def rows_of_all_rounds() -> list[Mapping[str, str]]:
    return [json.loads(line) for path in sorted((ROOT / "docs/precision").glob("round-*.jsonl")) for line in path.read_text("utf-8").splitlines()]


def weak_rules() -> dict[str, str]:
    """The rules that are high or critical at their worst and whose record is under one half -> the record in words."""
    facts = facts_by_rule(rows_of_all_rounds(), json.loads((ROOT / "tests/found-aliases.json").read_text("utf-8")))
    return {
        name: f"{sum(facts[name])} of {len(facts[name])} facts"
        for name, rule in sorted(RULES.items())
        if max((one.severity for one in rule.tiers), default=rule.severity) >= Severity.HIGH
        and len(facts.get(name, ())) >= LEAST_FACTS
        and 2 * sum(facts[name]) < len(facts[name])
    }


WEAK = weak_rules()


@pytest.mark.parametrize("name", WEAK)
def test_a_rule_with_a_weak_record_was_changed_since(name: str) -> None:
    proof = RULES[name].proof
    assert proof is not None, f"{WEAK[name]} were right: lower the rule, or its hits"
    assert proof.changed_since, f"{WEAK[name]} were right: lower the rule, or say under `proof` with `since` what was changed (docs/severity.md)"
    assert proof.changed_since.startswith("round"), "begin with the rounds after which it was changed"


def test_since_is_said_of_what_has_a_record() -> None:
    """A word on a change belongs to a record: nobody excuses a rule beforehand."""
    recorded = facts_by_rule(rows_of_all_rounds(), json.loads((ROOT / "tests/found-aliases.json").read_text("utf-8")))
    assert not [name for name, rule in RULES.items() if rule.proof and rule.proof.changed_since and name not in recorded]


def test_facts_are_counted_by_tree_and_by_all_readers() -> None:
    def row(rule: str, tree: str, place: str, verdict: str, severity: str = "high") -> dict[str, str]:
        return {"rule": rule, "tree": tree, "place": place, "verdict": verdict, "severity": severity}

    rows = [
        row("a/old", "x", "1", "T"),
        row("a/old", "x", "1", "N"),  # the readers do not agree
        row("a/old", "x", "2", "T"),
        row("a/new", "y", "1", "F"),
        row("a/new", "y", "2", "F", "critical"),
        row("a/new", "z", "1", "T", "medium"),
    ]
    assert facts_by_rule(rows, {"a/old": "a/new"}) == {"a/new": [True, False]}
