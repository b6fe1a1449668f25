"""How the time for an expression grows: what is said of it, held against an engine that counts its steps."""

from __future__ import annotations

import contextlib
import math
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readiness.syntax import backtracking, regex
from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.ways import MatchMode, StepCounter
from tests.backtracker import steps
from tests.effort import effort

HERE, AGAIN, WHOLE = (
    MatchMode(tries_every_place=False),
    MatchMode(repeats_after_match=True),
    MatchMode(tries_every_place=False, must_match_end=True),
)
LINEAR = {
    "a loop": ("^[a-z]*$", MatchMode()),
    "a loop that ends with the match": (r"\w+", MatchMode()),
    "matches one after the other": (r"\w+", AGAIN),
    "at one place": ("a*b", HERE),
    "from the start of a word on": (r"\b\w+x", MatchMode()),
    "from a blank on": (r"(?<!\S)\w+x", MatchMode()),
    "from each line's start on": (r"(?m)^[ \t]*\w+:", MatchMode()),
    "a repeat with a bound": ("[a-z]{1,80}x", MatchMode()),
    "a possessive repeat": ('"(?:[^"\\\\]++|\\\\.)*+"', HERE),
    "alternatives": ("^(?:a|ab)+$", MatchMode()),
    "a loop in a loop, told apart": (r"^(?:[^/]+/)*[^/]+$", MatchMode()),
    "an optional loop in a loop": (r"^(?:a*b)*c", MatchMode()),
    "classes that share no character": (r"^\d+\D+\d+\D*$", MatchMode()),
    "letters past ASCII told apart": (r"^\w+\W+\w+$", MatchMode()),
    "look ahead from the start": ("^(?=.*x)y", MatchMode()),
    "look ahead at one character": (r"^a*(?![\w.-])b", MatchMode()),
    "both cases": ("(?i)^[a-f]*[g-z]*$", MatchMode()),
}
POWER = {
    "a search for what begins with a loop": ("a*b", MatchMode(), 2),
    "blanks at the end": (r"\s+$", MatchMode(), 2),
    "a loop that was passed by": ("b(?:b*c)?", AGAIN, 2),
    "two loops": ("^[a-z]*[a-z]*x", HERE, 2),
    "three loops": ("^.*.*.*x", HERE, 3),
    "two loops, searched for": (".*.*x", MatchMode(), 3),
    "a loop beside one that can end": ("(?:x*y|x)*", HERE, 2),
    "look ahead from everywhere": ("(?=.*x)y", MatchMode(), 2),
    "a back-reference": (r"^(a*)\1b", HERE, 2),
    "words with any blanks between": (r"^\w+\s*\w*!", HERE, 2),
    "case that is ignored": ("(?i)^k*K*!", HERE, 2),
    "the sign of Kelvin": ("(?i)^k*\u212a*!", HERE, 2),
}
EXPONENTIAL = {
    "a loop in a loop": ("^(a+)+$", HERE),
    "alternatives alike": ("^(a|a)*$|^(?:ab|[a-c]b)*$", HERE),
    "one the other's beginning": ("^(a|aa)+$", HERE),
    "words and perhaps blanks": (r"^(\w+\s?)*$", HERE),
    "behind a way that can end": ("(?:a|(?:b+)+c)*", HERE),
    "bounds that are large": ("(?:a{1,5000}){5000}b", HERE),
    "to the end": ("(?:a+)+", WHOLE),
    "lazily": ("^(?:a+?)+?$", HERE),
    "with anchors inside": (r"^(?:x+\B|x)*!", HERE),
    "inside of a look-ahead": ("(?=(?:a+)+b)", HERE),
    "a condition": ("^(x)?(?:(?(1)a+|a+))+$", HERE),
}  # fmt: skip


@pytest.mark.parametrize(("pattern", "use"), LINEAR.values(), ids=LINEAR)
def test_linear(pattern: str, use: MatchMode) -> None:
    assert backtracking.backtracking_time_growth(regex.parse_python_regex(pattern), use).degree == 1


@pytest.mark.parametrize(("pattern", "use", "degree"), POWER.values(), ids=POWER)
def test_power(pattern: str, use: MatchMode, degree: int) -> None:
    assert backtracking.backtracking_time_growth(regex.parse_python_regex(pattern), use).degree == degree


@pytest.mark.parametrize(("pattern", "use"), EXPONENTIAL.values(), ids=EXPONENTIAL)
def test_exponential(pattern: str, use: MatchMode) -> None:
    assert backtracking.backtracking_time_growth(regex.parse_python_regex(pattern), use).degree == math.inf


def test_bounds_multiply() -> None:
    def factor(pattern: str) -> float:
        return backtracking.backtracking_time_growth(regex.parse_python_regex(pattern)).factor

    assert factor("[a-z]{1,80}x") == 80
    assert factor("[a-z]{1,80}[a-z]{1,20}x") == 80 * 20
    assert factor("^[a-z]{1,80}x") == 1


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("^abc", 1, 1),
        ("^(?:ax|ay|[ab]x)", 3, 3),
        ("a?" * 30 + "a" * 30, 200, 10**6),
        ("(?:ab|ab)" * 20, 200, 10**6),
        ("^[a-z]+(?:\\.[a-z]+)*$", 1, 3),
    ],
)
def test_ways_at_once(pattern: str, least: int, most: int) -> None:
    assert least <= backtracking.max_open_ways(regex.parse_python_regex(pattern)) <= most


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "no regular expression"),
        ("a" * 5000, "characters long"),
        ("(" * 200 + ")" * 200, "nested too deep"),
        ("(" * 3000, "no regular expression|nested too deep"),
        ("(?:a?){30}a{30}", "may be empty"),
        ("(?i)[\\u0100-\\uffff]", "ignores case"),
        ("(?:[ab]|c[de]|f){4}" * 190, "too many|too complicated"),
    ],
)
def test_what_cannot_be_told(pattern: str, said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        backtracking.backtracking_time_growth(regex.parse_python_regex(pattern))


ATOMS = st.sampled_from(
    ["a", "b", "ab", "[ab]", "[^a]", ".", "a|b", "aa|a", r"\w", r"\b", "^", "$", "(?!a)", "(?<=a)", "(?=.*b)", "(?=ab)"]
)  # fmt: skip
REPEATS = st.sampled_from(["*", "+", "?", "*?", "+?", "*+", "{2}", "{1,3}", "{2,}", "{0,30}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(inner, REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda one: f"(?>{one})"),
    ),
    max_leaves=6,
)
TEXTS = st.text(alphabet="ab-", min_size=1, max_size=3)
EDGES = st.text(alphabet="ab-\n", max_size=2)


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.sampled_from([MatchMode(), HERE, AGAIN]), EDGES, TEXTS, EDGES)
def test_what_is_called_linear_is(pattern: str, use: MatchMode, before: str, pumped: str, after: str) -> None:
    """Twice the text costs about twice the steps: four times as many would be a square."""
    root = regex.parse_python_regex(pattern)
    try:
        if backtracking.backtracking_time_growth(root, use).degree > 1:
            return
    except UnsupportedError:
        return
    few, many = (
        steps(root, before + pumped * turns + after, everywhere=use.tries_every_place, again=use.repeats_after_match, most=40_000)
        for turns in (70, 140)
    )  # fmt: skip
    assert many <= 40_000
    assert many <= 2.4 * few + 300, (few, many)


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.text(alphabet="ab-\n", max_size=7))
@example("(?:a)*+a", "aaa")
@example("(?:a){1,2}+a", "aa")
@example("(?>a|ab)b", "abb")
def test_the_engine_of_the_tests_is_one(pattern: str, text: str) -> None:
    """It finds a match where Python finds one, so that its steps mean something."""
    from tests.backtracker import Engine

    engine, root = Engine(text, 10**6), regex.parse_python_regex(pattern)
    if root is not None and "(?=" not in pattern.replace("(?=.*b)", "").replace("(?=ab)", ""):
        found = any(engine.run(root, at, lambda _: True) for at in range(len(text) + 1))
        assert found is (re.search(pattern, text) is not None)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.,-:<>=!1P'#_xdQE\né", max_size=30))
def test_no_pattern_raises_anything_else(pattern: str) -> None:
    with contextlib.suppress(UnsupportedError):
        backtracking.backtracking_time_growth(regex.parse_python_regex(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 50 + "a" + ")*" * 50,
        "(?:a|b|c|d)*" * 60,
        "[a-z]*" * 200,
        "(((a{9}){9}){9}){9}",
        "(?:a{1,5000}){5000}",
        "(a|b|[a-z]|\\w|.){4}" * 30,
        "x*" * 900,
    ],
)
def test_hostile_patterns_are_bounded(pattern: str) -> None:
    def judge() -> None:
        with contextlib.suppress(UnsupportedError):
            backtracking.backtracking_time_growth(regex.parse_python_regex(pattern), step_counter=StepCounter(100_000))

    assert effort(judge) < 3_000_000
