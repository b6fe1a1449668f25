"""What several rules or modules know stands in one place: a list written twice is two lists after the next change."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from readiness.facts import table
from readiness.ruleset import rules
from readiness.syntax.yaml import load_yaml_documents
from tests.conftest import ROOT
from tests.facts.constant_tables import REASONS
from tests.facts.test_files import values

# What a policy grants or demands is the rule's own statement, however alike two rules are.
OWN = {"verbs", "resources", "groups", "grants", "kinds"}
FEW = 4  # shorter lists are alike by chance
MANY = 6  # words that make a table
MAKERS = {"frozenset", "set", "tuple", "list", "dict", "MappingProxyType"}


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
        for node in values(load_yaml_documents(path.read_text(encoding="utf-8"))):
            given = node.get("with") if isinstance(node, dict) else None
            for key, value in given.items() if isinstance(given, dict) else ():
                for name, found in lists(key, value) if key not in OWN else ():
                    yield f"{path.stem}: {name}", frozenset(map(str, found))


def columns() -> Iterator[tuple[str, frozenset[str]]]:
    """The things of each property of the facts."""
    for topic in table.fact_topics():
        made = [row for row in table.fact_row_by_name(topic).values() if isinstance(row, dict)]
        for name in sorted({name for row in made for name in row}):
            found = [one for one, row in table.fact_row_by_name(topic).items() if isinstance(row, dict) and name in row]
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
    (bound,) = rules.read_own_rule_tiers(name, ROOT / "rules" / group / f"{name}.yaml")
    moved = table.property_by_fact_name("ports", "ssh-moved") if rule == "k8s/service-ssh" else {}
    wanted = [*table.property_by_fact_name("ports", "ssh"), *moved]
    assert list(map(str, bound.arguments[parameter])) == wanted


def words_of(node: ast.AST) -> set[str]:
    """The words of a literal: a set, a tuple, a list, the keys of a mapping, a text that is split, or a union of such."""
    match node:
        case ast.Set(elts=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            return {one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        case ast.Dict(keys=keys):
            return {one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return words_of(left) | words_of(right)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split")):
            return set(text.split())
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in MAKERS:
            return words_of(first)
    return set()


def tables_in(text: str) -> set[str]:
    """The names of the tables of words that stand at the top level of a module."""
    found = set()
    for node in ast.parse(text).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and value is not None and len(words_of(value)) >= MANY:
            found.add(target.id)
    return found


def test_a_table_of_words_is_a_file_of_facts() -> None:
    """Each that stands in Python has its reason in constant_tables.py; a reason for a table that is gone goes too."""
    package = ROOT / "readiness"
    found = {
        f"{path.relative_to(package).as_posix()} {name}"
        for path in sorted(package.rglob("*.py"))
        for name in tables_in(path.read_text(encoding="utf-8"))
    }
    rows = [row.partition(": ") for group in REASONS.values() for row in group]
    excused = [f"{module} {name}" for module, _, names in rows for name in names.split()]
    assert len(excused) == len(set(excused)), "a table has one reason"
    assert found - set(excused) == set(), "move it to readiness/facts, or say why it stands in code"
    assert set(excused) - found == set(), "the table is gone"


WRITTEN = (
    'A = frozenset({"a", "b", "c", "d", "e", "f"})',
    'A: tuple[str, ...] = ("a", "b", "c", "d", "e", "f")',
    'A = frozenset("a b c d e f".split())',
    'A = {"a": 1, "b": 2, "c": 3} | {"d": 1, "e": 2, "f": 3}',
    'A = set(["a", "b", "c", "d", "e", "f"])',
)


@pytest.mark.parametrize("text", WRITTEN)
def test_a_table_is_seen_however_it_is_written(text: str) -> None:
    assert tables_in(text) == {"A"}
    assert tables_in(text.replace('"a"', "1").replace("a b", "b")) == set()
