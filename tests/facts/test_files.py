"""The files of facts: each has a head that says where it is from, rows of one shape, and somebody who reads it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.facts import table
from readiness.syntax.yaml import Map, load_yaml_documents, walk_containers
from tests.conftest import ROOT
from tests.facts.shapes import PARTS, SHAPES

PACKAGE = ROOT / "readiness"
TOPICS = table.fact_topics()
READERS = {"fact_row_by_name", "property_by_fact_name", "facts_table"}


def values(node: Any) -> Iterator[Any]:
    """Every value in a tree of plain data, the tree itself included."""
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from values(inner)


@functools.cache
def nodes() -> tuple[ast.AST, ...]:
    """The syntax of the package."""
    files = sorted(PACKAGE.rglob("*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    return tuple(node for tree in trees for node in ast.walk(tree))


@functools.cache
def literals() -> frozenset[str]:
    """Every string that stands in the package."""
    return frozenset(node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str))


@functools.cache
def references() -> frozenset[str]:
    """Every `topic.property` that parameters of rules are taken from."""
    files = (load_yaml_documents(path.read_text(encoding="utf-8")) for path in (ROOT / "rules").rglob("*.yaml"))
    named = [value["facts"] for documents in files for value in values(documents) if isinstance(value, dict) and value.keys() == {"facts"}]
    return frozenset(one for value in named for one in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize("topic", TOPICS)
def test_the_head_says_where_it_is_from(topic: str) -> None:
    found = table.facts_table(topic)
    assert all(one.startswith("https://") for one in found.source)
    assert found.rows
    assert found.trusted_days <= 730
    assert found.made_by == table.MADE_BY_HAND or (ROOT / found.made_by).is_file(), "the generator is gone"


@pytest.mark.parametrize("topic", PARTS)
def test_rows_of_parts_have_one_shape(topic: str) -> None:
    assert all(map(PARTS[topic], (one for row in table.fact_row_by_name(topic).values() for one in row.values())))


@pytest.mark.parametrize("topic", SHAPES)
def test_rows_have_the_shape_of_their_topic(topic: str) -> None:
    shapes = SHAPES[topic]
    wrong = [
        f"{thing}: {name}"
        for thing, row in table.fact_row_by_name(topic).items()
        for name, value in row.items()
        if name not in shapes or not shapes[name](value)
    ]
    assert not wrong
    said = {name for row in table.fact_row_by_name(topic).values() for name in row}
    assert shapes.keys() - said == set(), "no row says that"


@pytest.mark.parametrize("topic", TOPICS)
def test_versions_are_in_quotes(topic: str) -> None:
    """As a number, 1.10 is 1.1; and what is not known is left out."""
    assert not [one for one in values(table.fact_row_by_name(topic)) if one is None or isinstance(one, float)]


@pytest.mark.parametrize("path", sorted(table.FACTS_FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_thing_stands_twice(path: Path) -> None:
    (tree,) = load_yaml_documents(path.read_text(encoding="utf-8"))
    assert not [name for node in walk_containers(tree) if isinstance(node, Map) for name, _ in node.repeated]


def test_every_file_is_read_by_somebody() -> None:
    asked = {
        node.args[0].value
        for node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in READERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert asked | {one.partition(".")[0] for one in references()} == set(TOPICS)


@pytest.mark.parametrize("topic", SHAPES)
def test_every_property_is_asked_for(topic: str) -> None:
    by_rules = {one.partition(".")[2] for one in references() if one.startswith(f"{topic}.")}
    assert SHAPES[topic].keys() - literals() - by_rules == set()


def test_there_are_shapes_for_what_is_there() -> None:
    assert SHAPES.keys() | PARTS.keys() == set(TOPICS)


def test_releases_that_images_name_are_there() -> None:
    known = table.fact_row_by_name("releases").keys() | table.fact_row_by_name("other-releases").keys()
    assert set(table.property_by_fact_name("images", "releases").values()) <= known
