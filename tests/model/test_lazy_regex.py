"""Regular expressions of modules: compiled at their first use, and the same as those of `re` from then on."""

from __future__ import annotations

import re

import pytest

from readiness.model.lazy_regex import LazyRegex, lazy_regex
from tests.patterns import METHODS


def test_nothing_is_compiled_before_the_first_use() -> None:
    wrong = lazy_regex("(a")
    assert wrong.pattern == "(a"
    with pytest.raises(re.error):
        wrong.search("a")


def test_the_first_use_compiles_and_the_others_ask_what_it_made() -> None:
    lazy = LazyRegex("a+", re.IGNORECASE)
    assert "compiled" not in vars(lazy)
    assert lazy.search("xAa").group() == "Aa"
    compiled = lazy.compiled
    assert lazy.fullmatch("aa")
    assert lazy.compiled is compiled
    assert {"search", "fullmatch"} <= vars(lazy).keys()


@pytest.mark.parametrize("name", ["match", "fullmatch", "search", "finditer", "findall", "split", "sub"])
@pytest.mark.parametrize("text", ["", "one, Two", "b1b", "\u017f"])
def test_each_method_answers_as_that_of_re(name: str, text: str) -> None:
    lazy, eager = lazy_regex(r"(?m)[a-z]+|(,)", re.IGNORECASE), re.compile(r"(?m)[a-z]+|(,)", re.IGNORECASE)
    given = ("-", text) if name == "sub" else (text,)
    assert name in METHODS
    for _ in range(2):
        assert repr(seen(getattr(lazy, name)(*given))) == repr(seen(getattr(eager, name)(*given)))


def seen(answer: object) -> object:
    """An answer in a form that is compared: matches are written with their places."""
    return list(answer) if hasattr(answer, "__next__") else answer


def test_flags_are_those_of_the_compiled_expression() -> None:
    assert lazy_regex("(?s)a", re.MULTILINE).flags == re.compile("(?s)a", re.MULTILINE).flags
    assert lazy_regex(b"a").search(b"ba").span() == (1, 2)  # type: ignore[union-attr]
