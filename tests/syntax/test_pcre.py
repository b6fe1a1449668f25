"""Expressions as trees and machines: what they can match, and which of them run away."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.syntax import automaton, backtracking, pcre, pcre_tree
from readiness.syntax.pcre import UnsupportedError, parse_pcre
from tests.effort import effort

AWAY = [
    "^/(a+)+$", "^/(a|aa)+$", "^(.*)*$", r"^(\w+\s?)*$",
    "^(a*)*b", "^([a-z]+)*\\d", "^(.+)+x", "(?:x+x+)+y", "^([^/]+/?)+$", r"^(\d+|\w+)+$",
    "^/((ab)+)+/files$", "^/(.|x)+/path$", "(?:a|(?:b+)+c)*", "^(?:a|(?>(?:bb|b)+c))*$",
]  # fmt: skip
FINE = [
    r"^/(\w+/)+endpoint$", r"^https?://([a-z0-9-]+\.)+com$", r"^/\d{1,10}$", "^/[a-z]+$",
    "(a+)+", r"\.(js|css|png)$", "^((?>a+))+$",
    "^/(.*)/(.*)$", r"^/(a|ab)+$", "^(?:[^/]+/)*[^/]+$", "^a++b$", "^(?:[^/]++/?)+$", r"^/(\w{1,3}\.?){6}$", "^(?:a*b)*c",
]  # fmt: skip


@pytest.mark.parametrize("pattern", AWAY)
def test_runs_away(pattern: str) -> None:
    assert backtracking.is_exponential_in_pcre(parse_pcre(pattern))


@pytest.mark.parametrize("pattern", FINE)
def test_does_not_run_away(pattern: str) -> None:
    assert not backtracking.is_exponential_in_pcre(parse_pcre(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[a",
        "*a",
        "(?=a)",
        "(?<!a)b",
        "a{3,2}",
        "\\",
        r"(a)\1",
        "(" * 99 + ")" * 99,
        "a" * 5000,
        "a****",
        "a" + "*" * 3000,
        "a{2}{3}{4}{5}",
    ],
)
def test_unsupported(pattern: str) -> None:
    with pytest.raises(UnsupportedError):
        parse_pcre(pattern)
    assert pcre.try_parse_regex(pattern) is None


def test_groups() -> None:
    regex = parse_pcre(r"(*UTF)^/(?<year>\d{4})/(?:x|y)/((a)|b)$")
    assert len(regex.groups) == 3
    assert regex.group_number_by_name == {"year": 1}
    assert regex.group("year") is regex.group(1)
    assert regex.group(4) is None


def test_questions() -> None:
    regex = parse_pcre(r"^/images/(.*)\.(png|gif)$")
    first, two = regex.groups
    assert pcre_tree.may_match_any_char_of(first, pcre_tree.char_mask("/"))
    assert not pcre_tree.may_match_any_char_of(first, pcre_tree.char_mask("\n"))
    assert pcre_tree.preceding_char_mask(regex.root, first) == pcre_tree.char_mask("/")
    assert pcre_tree.preceding_char_mask(regex.root, two) == pcre_tree.char_mask(".")
    assert pcre_tree.may_match_empty_text(first)
    assert not pcre_tree.may_match_empty_text(two)
    assert pcre_tree.first_char_mask(two) == pcre_tree.char_mask("pg")
    assert pcre_tree.is_always_anchored(regex.root, "start")
    assert pcre_tree.is_always_anchored(regex.root, "end")
    assert pcre_tree.only_matching_text(parse_pcre("^/a\\.b$").root) == "/a.b"
    assert not pcre_tree.always_has_anchor(parse_pcre("(^/a)*b").root)


ATOMS = st.sampled_from(["a", "b", "ab", "[ab]", "[^a]", ".", "a|b", "\\d", "\\w", "^a", "b$"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])).map(lambda pair: f"({pair[0]}){pair[1]}"),
    ),
    max_leaves=5,
)


@given(PATTERNS, st.text(alphabet="ab1-\n", max_size=6))
def test_agrees_with_re(pattern: str, text: str) -> None:
    wanted = re.search(pattern.replace("$", "\\Z"), text) is not None
    assert automaton.automaton_matches(automaton.build_automaton(parse_pcre(pattern).root), text) is wanted


@given(PATTERNS)
def test_samples_match(pattern: str) -> None:
    if "^" in pattern.replace("[^", "") or "$" in pattern:
        return
    root = parse_pcre(pattern).root
    for text in automaton.sample_texts(root):
        assert re.fullmatch(pattern, text), (pattern, text)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.,-:<>=!1P'#_xdQE\n", max_size=30))
def test_no_pattern_raises_anything_else(pattern: str) -> None:
    with contextlib.suppress(UnsupportedError):
        backtracking.is_exponential_in_pcre(parse_pcre(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 50 + "a" + ")*" * 50,
        "(a|b|c|d)*" * 60,
        "a{900}" * 3,
        "(?:a?){500}b",
        "[a-z]*" * 200,
        "(((a{9}){9}){9}){9}",
        "a" + "*" * 3000,
        "(?:" * 55 + "a|b" + ")***" * 55,
        "(" * 55 + "a" + "){1,2}{1,2}*" * 55,
    ],
)
def test_hostile_patterns_are_bounded(pattern: str) -> None:
    def judge() -> None:
        with contextlib.suppress(UnsupportedError):
            backtracking.is_exponential_in_pcre(parse_pcre(pattern))

    assert effort(judge) < 3_000_000
