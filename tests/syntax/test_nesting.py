"""Texts that nest without end cost no more than their length, and what lies behind the bound is unread, not clean."""

from __future__ import annotations

import pytest

from readiness.syntax import interpolation, shell, words
from readiness.syntax.interpolation import InterpolationError
from readiness.syntax.yaml import MAX_COMPLEX_KEY_LENGTH, Map, load_yaml_documents
from tests.effort import effort


def nested(opening: str, closing: str, depth: int, inner: str = "a") -> str:
    return opening * depth + inner + closing * depth


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("${A:-", "}"), ('"$(', ')"'), ("$(", ")"), ("f() { ", "; }"), ("( ", " )")],
)
def test_a_script_that_nests_too_deeply_is_broken(opening: str, closing: str) -> None:
    assert shell.parse_script(shell.single_piece_text(nested(opening, closing, 20), 0)).commands
    deep = shell.parse_script(shell.single_piece_text(nested(opening, closing, 400), 0))
    assert deep.has_unparsed_text
    assert deep.commands == ()


def test_many_brackets_side_by_side_are_no_nesting() -> None:
    script = "case $1 in a) echo ${A:-b} ;; esac; (cd /x && ls)\n" * 90
    assert words.max_bracket_nesting(script) == 1
    assert len(shell.parse_script(shell.single_piece_text(script, 0)).commands) == 270


@pytest.mark.parametrize("depth", [23, 400, 20_000])
def test_variables_in_defaults_of_variables(depth: int) -> None:
    with pytest.raises(InterpolationError, match="nested too deeply"):
        interpolation.interpolate_variables(nested("${A:-", "}", depth))
    assert interpolation.single_variable_and_default(nested("${A:-", "}", depth)) is None
    assert interpolation.interpolate_variables(nested("${A:-", "}", 20, "b")).text == "b"


def test_the_work_for_nested_variables_grows_with_the_text() -> None:
    def work(depth: int) -> int:
        return effort(lambda: shell.parse_commands(nested("${A:-", "}", depth)))

    assert work(6400) < 5 * work(1600)


def test_references_in_braces_that_nest() -> None:
    text = nested("${A:-", "}", 20)
    assert next(words.variable_references(text)).end == len(text)
    assert next(words.variable_references(nested("${A:-", "}", 200)), None) is not None


@pytest.mark.parametrize("depth", [3, 40, 390])
def test_keys_that_are_mappings_are_written_out_in_bounds(depth: int) -> None:
    """Written out, each level would double the escapes of the one inside: 800 bytes made gigabytes."""
    (root,) = load_yaml_documents("? " * depth + "a\n")
    assert isinstance(root, Map)
    (key,) = root
    assert len(key) <= MAX_COMPLEX_KEY_LENGTH
