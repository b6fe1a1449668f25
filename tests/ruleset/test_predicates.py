"""Paths and predicates of declarative rules: what they hold of, and where a failure is shown."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.ruleset.predicates import PathClause, make_predicate, owner_key_value_at_path_end, parse_path_segments
from readiness.syntax.yaml import load_yaml_documents

HOLDS = {
    "equal": (3, 3, True),
    "another type": (1, True, False),
    "one of": (["a", "b"], "b", True),
    "none of": (["a", "b"], "c", False),
    "present": ("present", "x", True),
    "present but null": ("present", None, False),
    "absent": ("absent", None, True),
    "matches": ({"matches": "^v[0-9]"}, "v1", True),
    "matches no string": ({"matches": "1"}, 1, False),
    "min": ({"min": 3}, 3, True),
    "under min": ({"min": 3}, 2, False),
    "max of a bool": ({"max": 3}, True, False),
    "equals a list": ({"equals": ["a"]}, ["a"], True),
    "not": ({"not": {"matches": "x"}}, "y", True),
}


@pytest.mark.parametrize(("spec", "value", "holds"), HOLDS.values(), ids=HOLDS)
def test_predicates(spec: Any, value: Any, holds: bool) -> None:
    assert make_predicate(spec)(value) is holds


@pytest.mark.parametrize("spec", [{"like": "x"}, {"min": 1, "max": 2}, {}])
def test_what_is_no_predicate(spec: Any) -> None:
    with pytest.raises(ValueError, match="predicate"):
        make_predicate(spec)


def test_steps() -> None:
    assert parse_path_segments("a.b") == ("a", "b")
    assert parse_path_segments("ports[].hostPort") == ("ports", "[]", "hostPort")
    assert parse_path_segments('metadata.annotations."a.b/c"') == ("metadata", "annotations", "a.b/c")


TEXT = "name: web\nports:\n  - {hostPort: 80}\n  - {port: 1}\nsecurity:\n  user: 0\nempty:\nlist: [a, b]\n"
PLACES = {
    "the wrong value": ("security.user", {"not": 0}, ["0"]),
    "the nearest owner": ("security.group", "present", ["user: 0"]),
    "each entry": ("ports[].hostPort", "absent", ["80"]),
    "the last key of a missing path": ("security.a.b", "present", ["user: 0"]),
    "through null": ("empty.a", "present", [TEXT.splitlines()[0]]),
    "entries themselves": ("list[]", {"not": "a"}, ["a"]),
    "a list that is not there": ("volumes[].name", "present", []),
    "another shape": ("list.a", "present", []),
    "through a text": ("name.a", "present", []),
}


@pytest.mark.parametrize(("path", "spec", "shown"), PLACES.values(), ids=PLACES)
def test_places(path: str, spec: Any, shown: list[str]) -> None:
    node = load_yaml_documents(TEXT)[0]
    clause = PathClause(parse_path_segments(path), make_predicate(spec), is_required=True)
    got = [TEXT[slice(*one.span)].splitlines()[0] for one in clause.hits_of_node(node)]
    assert got == shown


def test_a_forbidden_thing_is_a_hit_where_it_stands() -> None:
    node = load_yaml_documents(TEXT)[0]
    clause = PathClause(parse_path_segments("security.user"), make_predicate(0), is_required=False)
    (found,) = clause.hits_of_node(node)
    assert TEXT[slice(*found.span)] == "0"
    assert not found.is_missing


def test_a_cycle_ends_with_the_path() -> None:
    node = load_yaml_documents("a: &a\n  b: *a\n")[0]
    assert len(list(owner_key_value_at_path_end(node, parse_path_segments("a.b.b.b.b")))) == 1
