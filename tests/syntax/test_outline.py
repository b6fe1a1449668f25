"""The outermost keys of texts in flow form, broken ones too, at a cost that grows as the text does."""

from __future__ import annotations

import pytest

from readiness import kinds
from readiness.syntax.outline import top_level_keys
from tests.effort import effort

KEYS = {
    "JSON": ('{"a": {"b": 1}, "c": [{"d": 2}]}', {"a", "c"}),
    "flow YAML": ("{a: {b: 1}, 'c': x:y, d}", {"a", "c"}),
    "a list of mappings": ('[{"a": 1}, {"b": {"c": 2}}]', {"a", "b"}),
    "comments and marks before": ("# x\n%YAML 1.2\n---\n# y\n{a: 1}", {"a"}),
    "two documents": ("a: 1\n---\n{b: 1}\n---\n{c: 1}\n", {"b", "c"}),
    "a document that nothing closes": ("{a: [1,\n---\n{b: 1}\n", {"a", "b"}),
    "an escape": ('{"\\u0061": 1}', {"a"}),
    "braces in strings": ('{"a": "}{", "b": "\\"{"}', {"a", "b"}),
    "cut off": ('{"a": {"b": [1, ', {"a"}),
    "closed too often": ("{a: 1}}, {b: 2}", {"a"}),
    "block YAML": ("a:\n  {b: 1}\n", set()),
    "a text": ("a {b: 1}", set()),
    "nothing": ("", set()),
}


@pytest.mark.parametrize(("text", "wanted"), KEYS.values(), ids=KEYS)
def test_keys(text: str, wanted: set[str]) -> None:
    assert top_level_keys(text) == wanted


LONG = {
    "documents": ("a.json", "---\n", "apiVersion kind services"),
    "open documents": ("a.json", "---\n{a: [\n", "apiVersion kind services"),
    "mappings": ("a.json", '{"apiVersion":1,"kind":2,', ""),
    "quotes": ("nginx.conf", "server { a '", ""),
    "braces": ("nginx.conf", "{", "server"),
    "statements": ("app.conf", "server { listen 80; } ", ""),
    "words": ("app.conf", "ssl_", "a;"),
    "escapes": ("a.yaml", '"\\x', ""),
    "arguments": ("a.env", "ARG x\n", "FROM"),
}


@pytest.mark.parametrize(("path", "piece", "rest"), LONG.values(), ids=LONG)
def test_what_a_long_text_is_costs_no_more_than_its_length(path: str, piece: str, rest: str) -> None:
    def work(count: int) -> int:
        text = piece * count + rest
        return effort(lambda: kinds.detect_kind(path, text))

    work(1)  # the modules of the kinds are imported when they are asked
    assert work(4000) < 5 * work(1000) + 1000


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("---\n# a\n{a: 1}\n---\n{b: 2}\n", {"a", "b"}),
        ("----\n{a: 1}\n", set()),
        ("a: 1\n---\n{b: 2}", {"b"}),
        ("\ufeff{a: 1}", {"a"}),
        ("a: |\n  ---\n  {b: 1}\n", set()),
    ],
)
def test_every_document_is_asked_for_its_root(text: str, keys: set[str]) -> None:
    assert top_level_keys(text) == keys


def test_a_text_in_block_form_is_not_read_line_by_line() -> None:
    text = "spec:\n" + "  services: x\n" * 5_000
    assert effort(lambda: top_level_keys(text)) < 50
