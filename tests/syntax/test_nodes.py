"""How one gets at what is in a node of YAML."""

from __future__ import annotations

import pytest

from readiness.model import Span
from readiness.syntax.nodes import Map, Seq, mappings_in, text_or_empty
from readiness.syntax.yaml import load_yaml_documents

TEXT = """\
name: web
strategy:
  matrix: {os: [linux, {arch: arm}, [x]], node: 22}
ports: [80, {target: 443}, {target: 8443}]
empty:
"""


def root() -> Map:
    (node,) = load_yaml_documents(TEXT)
    assert isinstance(node, Map)
    return node


def test_digging_leads_to_the_mapping_itself() -> None:
    node = root()
    assert node.mapping_at_path() is node
    assert node.mapping_at_path("strategy", "matrix") is node["strategy"]["matrix"]


@pytest.mark.parametrize(
    ("keys", "deepest"),
    [
        (("none",), "root"), (("none", "more"), "root"), (("name", "first"), "root"), (("empty", "x"), "root"),
        (("ports", "0"), "root"),
        (("strategy", "none", "more"), "strategy"), (("strategy", "matrix", "os"), "matrix"),
        (("strategy", "matrix", "node", "x"), "matrix"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_empty_and_stands_at_the_deepest_mapping(keys: tuple[str, ...], deepest: str) -> None:
    node = root()
    places = {"root": node, "strategy": node["strategy"], "matrix": node["strategy"]["matrix"]}
    found = node.mapping_at_path(*keys)
    assert found == {}
    assert found.at() == places[deepest].at()
    found["x"] = 1
    assert node == root(), "an empty mapping that nobody wrote is none of the file's"


def test_entries_are_the_mappings_of_a_list() -> None:
    node = root()
    assert [one["target"] for one in node.mappings_under("ports")] == [443, 8443]
    assert [one for key in ("name", "strategy", "empty", "none") for one in node.mappings_under(key)] == []
    assert [dict(one) for one in mappings_in(node["strategy"]["matrix"]["os"])] == [{"arch": "arm"}]


def test_a_text_is_a_string_or_empty() -> None:
    node = root()
    assert node.string_under("name") == "web"
    assert [node.string_under(key) for key in ("ports", "empty", "none")] == ["", "", ""]
    assert node.mapping_at_path("strategy", "matrix").string_under("node") == text_or_empty(22) == ""


def test_what_is_put_into_a_mapping_has_a_place() -> None:
    made, node = Map(Span(0, 9)), root()
    made.put("a", 1, Span(3, 4))
    made.put("b", 2, Span(7, 8), 5)
    made.put_as_in(node, "name", "other")
    assert [(key, made.entry_span(key), made.at(key)) for key in ("a", "b")] == [
        ("a", (3, 4), (3, 4)),
        ("b", (5, 8), (7, 8)),
    ]
    assert made["name"] == "other"
    assert made.at("name") == node.at("name")
    made.put_all(node)
    assert made == {"a": 1, "b": 2, **node}
    assert [made.entry_span(key) for key in node] == [node.entry_span(key) for key in node]


def test_what_is_put_into_a_list_has_a_place() -> None:
    made = Seq(Span(0, 9))
    made.put("x", Span(1, 2))
    made.put("y", Span(3, 4))
    made.put("z", Span(5, 6), 0)
    assert made == ["z", "y"]
    assert [made.at(0), made.at(1)] == [(5, 6), (3, 4)]
