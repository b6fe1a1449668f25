"""YAML with places: what it says agrees with PyYAML, and every place slices the text that made the value."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.model import ParseError, Source, Span
from readiness.syntax import yaml as syntax
from readiness.syntax.yaml import (
    Map,
    Seq,
    first_unfilled_placeholder,
    literal_line_starts,
    load_yaml_documents,
    parse_plain_scalar,
    walk_containers,
)
from tests.effort import effort


def only(text: str) -> Any:
    (document,) = load_yaml_documents(text)
    return document


SCALARS = {
    "empty": ("", None),
    "tilde": ("~", None),
    "word": ("on", "on"),
    "yes": ("yes", "yes"),
    "true": ("true", True),
    "int": ("12", 12),
    "negative": ("-12", -12),
    "octal": ("0o17", 15),
    "leading zero": ("0777", 777.0),
    "hex": ("0x1F", 31),
    "float": ("1.5", 1.5),
    "exponent": ("1e3", 1000.0),
    "infinity": ("-.inf", float("-inf")),
    "version": ("1.2.3", "1.2.3"),
    "quantity": ("500m", "500m"),
    "sexagesimal": ("22:22", "22:22"),
    "thousands of digits": ("9" * 500, "9" * 500),
}


@pytest.mark.parametrize(("text", "value"), SCALARS.values(), ids=SCALARS)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert parse_plain_scalar(text) == value
    assert type(parse_plain_scalar(text)) is type(value)


UNFILLED = {
    "a value": ("a: {{ x }}\n", 3),
    "a list": ("a: [{{ x }}, 2]\n", 4),
    "the whole text": ("{{ x }}\n", 0),
    "deep": ("a: {b: {c: {{ x }}}}\n", 11),
    "quotes": ("a: '{{ x }}'\n", None),
    "a comment": ("a: b # {{ x }}\n", None),
    "a block scalar": ("a: |\n  {{ x }}\n", None),
    "mappings in mappings": ("a: {b: {c: {d: 1}}}\n", None),
    "an expression of GitHub's": ("a: ${{ x }}\n", None),
}


@pytest.mark.parametrize(("text", "place"), UNFILLED.values(), ids=UNFILLED)
def test_values_that_are_to_be_put_in(text: str, place: int | None) -> None:
    assert first_unfilled_placeholder(text, load_yaml_documents(text)) == place


BROKEN = {
    "tab": ("a:\n\t- b\n", 2),
    "unclosed": ("a: [1, 2\n", 1),
    "two values": ("a: b: c\n", 1),
    "unknown alias": ("a: *nobody\n", 1),
    "nul": ("a: b\nc: \x00\n", 2),
    "surrogate": ("a: \ud800\n", 1),
    "deep": ("[" * 2000, 1),
    "merge of a number": ("a: 1\n<<: 3\n", 2),
    "non-printable after wide characters": ("é: é\nb: \x01\n", 2),
}


@pytest.mark.parametrize(("text", "line"), BROKEN.values(), ids=BROKEN)
def test_broken_text_is_an_error_at_its_line(text: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        load_yaml_documents(text)
    assert Source("a.yaml", text).position_of(caught.value.offset).line in {line, line + 1}
    assert caught.value.message


def test_places() -> None:
    text = "a: 1\nb:\n  - name: web\n    image: 'x:1'\nc: {d: [e, f]}\n"
    node = only(text)
    assert text[slice(*node.at("a"))] == "1"
    assert text[slice(*node["b"][0].entry_span("image"))] == "image: 'x:1'"
    assert text[slice(*node["c"].at())] == "{d: [e, f]}"
    assert text[slice(*node["c"]["d"].at(1))] == "f"
    assert node.at("nobody") == node.at()
    assert text[slice(*node.key_span("b"))] == "b"


def test_a_byte_order_mark_moves_nothing() -> None:
    text = "\ufeffa: x\n"
    assert text[slice(*only(text).at("a"))] == "x"


def test_a_quoted_merge_key_is_a_key_and_keys_after_a_merge_are_no_repeats() -> None:
    node = only("base: &b {x: 1, y: 2}\none:\n  <<: *b\n  x: 3\ntwo:\n  '<<': 4\n")
    assert node["one"] == {"x": 3, "y": 2}
    assert node["one"].repeated == []
    assert node["one"].merged == {"y"}
    assert node["two"] == {"<<": 4}


@pytest.mark.parametrize("merge_key", ["!!merge <<", "!<tag:yaml.org,2002:merge> <<", "!!merge '<<'"])
def test_a_merge_key_may_be_tagged_as_one(merge_key: str) -> None:
    node = only(f"base: &b {{x: 1, y: 2}}\none:\n  {merge_key}: *b\n  x: 3\n")
    assert node["one"] == {"x": 3, "y": 2}
    assert node["one"].merged == {"y"}


def test_a_merge_key_of_another_tag_is_a_key() -> None:
    assert only("base: &b {x: 1}\none:\n  !!str <<: *b\n")["one"] == {"<<": {"x": 1}}


def test_repeated_keys_are_kept_for_the_rule_on_them() -> None:
    text = "a: 1\nb: 2\na: 3\n"
    node = only(text)
    assert node["a"] == 3
    assert [(name, text[at:]) for name, at in node.repeated] == [("a", "a: 3\n")]


def test_a_cycle_is_walked_once() -> None:
    node = only("a: &a\n  b: *a\n  c: [1]\n")
    assert len(list(walk_containers(node))) == 3


def test_a_bomb_of_aliases_shares_its_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 4)]
    node = only("\n".join(lines) + "\n")
    assert len(list(walk_containers(node))) == 5


def test_literal_lines_are_found_again() -> None:
    text = "data:\n  nginx.conf: |\n    server {\n\n      listen 80;\n    }\nnext: 1\n"
    node = only(text)
    value = node["data"]["nginx.conf"]
    starts = literal_line_starts(text, node["data"].at("nginx.conf"), value)
    inner = Source("x", value, parent=Source("a.yaml", text), line_starts_in_parent=starts)
    at = value.index("listen")
    assert inner.position_of(at) == (5, 7)
    assert literal_line_starts(text, Span(0, 4), "data") == ()


plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
names = st.text("abcdefgh-", min_size=2, max_size=8).filter(lambda t: not t.startswith("-"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=20,
)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return isinstance(ours, Map) and set(ours) == set(theirs) and all(same(ours[k], v) for k, v in theirs.items())
    if isinstance(theirs, list):
        return isinstance(ours, Seq) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


@given(values, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_json_wrote_is_read_back(value: Any, indented: bool) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2 if indented else None)
    assert same(only(text.replace("\x7f", "\\u007f")), value)


@given(st.dictionaries(names, st.lists(names, max_size=3), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_places_slice_what_pyyaml_wrote(value: dict[str, list[str]]) -> None:
    text = pyyaml.safe_dump(value, default_flow_style=False)
    node = only(text)
    assert same(node, value)
    for key, items in value.items():
        assert text[slice(*node.key_span(key))] == key
        for index, item in enumerate(items):
            assert pyyaml.safe_load(text[slice(*node[key].at(index))]) == item


def read(text: str) -> tuple[list[Any], int]:
    """The documents, or where the parser gave up."""
    try:
        return load_yaml_documents(text), 0
    except ParseError as error:
        return [], error.offset


@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*<!|>'\"#%?,\n \t", max_size=80))
@settings(max_examples=400, deadline=None)
def test_no_text_raises_anything_but_a_parse_error(text: str) -> None:
    documents, offset = read(text)
    assert 0 <= offset <= len(text) + 1
    for document in documents:
        for node in walk_containers(document):
            assert 0 <= node.at().start <= node.at().end <= len(text)
            for key in node if isinstance(node, Map) else range(len(node)):
                span = node.at(key)
                assert 0 <= span.start <= span.end <= len(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab'\"\\ é", max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab'", min_size=1, max_size=3), inner, max_size=3),
        max_leaves=9,
    )
)
def test_a_node_is_written_as_plain_data_is(value: Any) -> None:
    assert repr(only(json.dumps({"a": value}, ensure_ascii=False))) == repr({"a": value})


def test_what_aliases_multiply_is_written_in_part() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 13))]
    assert len(str(only("\n".join(lines)))) < 300_000
    assert str(only("a: &a [*a]\n"))


@pytest.mark.parametrize("before", ["a: ", "- ", "a:\n  ", "[", "a: !t ", "a: &b ", "{a: "])
def test_two_braces_where_a_value_stands_are_found(before: str) -> None:
    text = before + "{{ x }}" + {"[": "]", "{": "}"}.get(before[0], "")
    assert syntax.first_unfilled_placeholder(text, load_yaml_documents(text)) is not None


def test_two_braces_in_prose_start_no_walk() -> None:
    """Descriptions in large manifests quote templates; no value begins behind a word."""
    text = "a: |\n  write it as {{ x }}\n" + "".join(f"k{n}: {{a: [1]}}\n" for n in range(1_000))
    roots = load_yaml_documents(text)
    assert effort(lambda: syntax.first_unfilled_placeholder(text, roots)) < 20


FOUND_LATE = {
    "a line that left a block of text": ("run: |\n  cat <<EOF\nEOF\n  x\nb: 1\n", 3),
    "a line without a colon": ("a: 1\nfoo\nb: 2\nc: 3\n", 2),
    "a double quote left open": ('a: 1\nb: "x\nc: 2\n', 2),
    "a single quote left open": ("b: 'x\nc: 2\n", 1),
    "a bracket left open": ("a: [1, 2\nb: 3\n", 2),
    "a tab": ("a:\n\tb: 1\n", 2),
}


@pytest.mark.parametrize(("text", "line"), FOUND_LATE.values(), ids=FOUND_LATE)
def test_a_mistake_is_told_where_it_is_and_not_where_the_parser_gave_up(text: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        load_yaml_documents(text)
    assert text.count("\n", 0, caught.value.offset) + 1 == line
