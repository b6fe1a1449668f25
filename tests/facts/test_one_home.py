"""What several rules or modules know stands in one place: a list written twice is two lists after the next change."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from readiness.facts import table
from readiness.ruleset import rules
from readiness.syntax.yaml import load_all
from tests.conftest import ROOT
from tests.facts.test_files import values

# What a policy grants or demands is the rule's own statement, however alike two rules are.
OWN = {"verbs", "resources", "groups", "grants", "kinds"}
FEW = 4  # shorter lists are alike by chance


def lists(name: str, value: Any) -> Iterator[tuple[str, list[Any]]]:
    """The lists of plain values in a parameter, with the keys that lead to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lists(f"{name}.{key}", inner) if key != "facts" else ()
    elif isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        yield name, value


def written() -> Iterator[tuple[str, frozenset[str]]]:
    """The lists that stand in the parameters of rules, with rule and parameter."""
    for path in sorted((ROOT / "rules").rglob("*.yaml")):
        for node in values(load_all(path.read_text(encoding="utf-8"))):
            given = node.get("with") if isinstance(node, dict) else None
            for key, value in given.items() if isinstance(given, dict) else ():
                for name, found in lists(key, value) if key not in OWN else ():
                    yield f"{path.stem}: {name}", frozenset(map(str, found))


def columns() -> Iterator[tuple[str, frozenset[str]]]:
    """The things of each property of the facts."""
    for topic in table.topics():
        made = [row for row in table.rows(topic).values() if isinstance(row, dict)]
        for name in sorted({name for row in made for name in row}):
            found = [
                one
                for one, row in table.rows(topic).items()
                if isinstance(row, dict) and name in row
            ]
            yield f"{topic}.{name}", frozenset(found)


def constants() -> Iterator[tuple[str, frozenset[str]]]:
    """The lists and sets of words that stand in the package, with their lines."""
    for path in sorted((ROOT / "readiness").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words: list[Any] = []
            if isinstance(node, ast.Set | ast.Tuple | ast.List):
                words = [one.value for one in node.elts if isinstance(one, ast.Constant)]
                words = words if len(words) == len(node.elts) else []
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "split"
                and isinstance(node.func.value, ast.Constant)
                and not node.args
            ):
                words = node.func.value.value.split()
            if words and all(isinstance(one, str) for one in words):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", frozenset(words)


def alike(named: list[tuple[str, frozenset[str]]], least: int) -> list[str]:
    """Which of some lists are the same."""
    return [
        f"{first} and {second}"
        for (first, one), (second, other) in itertools.combinations(named, 2)
        if one == other and len(one) >= least and first != second
    ]


def test_no_two_rules_write_the_same_list() -> None:
    assert not alike(list(written()), FEW)


def test_no_rule_writes_what_the_facts_say() -> None:
    known = {things: name for name, things in columns()}
    assert not [f"{name} is {known[found]}" for name, found in written() if found in known]


def test_no_two_modules_write_the_same_list() -> None:
    assert not alike(list(constants()), FEW + 1)


def test_no_module_writes_what_the_facts_say() -> None:
    known = {things: name for name, things in columns() if len(things) >= FEW}
    assert not [f"{name} is {known[found]}" for name, found in constants() if found in known]


SSH = {"k8s/port-ssh": "numbers", "k8s/service-ssh": "numbers", "dockerfile/port-ssh": "ports"}


@pytest.mark.parametrize(("rule", "parameter"), SSH.items())
def test_ssh_listens_where_the_facts_say(rule: str, parameter: str) -> None:
    group, _, name = rule.partition("/")
    (bound,) = rules.read_rule(name, ROOT / "rules" / group / f"{name}.yaml")
    moved = table.column("ports", "ssh-moved") if rule == "k8s/service-ssh" else {}
    wanted = [*table.column("ports", "ssh"), *moved]
    assert list(map(str, bound.arguments[parameter])) == wanted
