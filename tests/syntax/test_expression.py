"""GitHub's expressions: what parses to what, where it stands, and that nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.model import Span
from readiness.syntax import constant, expression
from readiness.syntax.expression import (
    BinaryOperation,
    ExpressionError,
    FunctionCall,
    Literal,
    Negation,
    braced_expressions,
)
from readiness.syntax.scalar import make_offset_mapper

PIECES = st.sampled_from("github . event [ ] ( ) 'a' 'it''s' 1 0xff -2.5 true null ! && || == != < >= , * contains format a-b _x ' \" }} $".split())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("0xff", 255.0),
        ("-2.99e-2", -0.0299),
        ("true", True),
        ("null", None),
        ("''", ""),
    ],
)
def test_literals(text: str, value: object) -> None:
    node = expression.parse_expression(text)
    assert isinstance(node, Literal)
    assert node.value == value
    assert node.span == Span(0, len(text))


def test_precedence() -> None:
    node = expression.parse_expression("a || b && c == d")
    assert isinstance(node, BinaryOperation)
    assert node.operator == "||"
    assert isinstance(node.right, BinaryOperation)
    assert node.right.operator == "&&"
    assert isinstance(node.right.right, BinaryOperation)
    assert node.right.right.operator == "=="


def test_grouping_and_negation() -> None:
    node = expression.parse_expression("!(a || b) && c")
    assert isinstance(node, BinaryOperation)
    assert node.operator == "&&"
    assert isinstance(node.left, Negation)
    assert isinstance(node.left.operand, BinaryOperation)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("github.event.issue.title", ("github", "event", "issue", "title")),
        ("GitHub['Event'].a-b", ("github", "event", "a-b")),
        ("github.event.*.body", ("github", "event", "*", "body")),
        ("github.event.labels[*].name", ("github", "event", "labels", "*", "name")),
        ("steps[matrix.id].outputs", ("steps", "*", "outputs")),
    ],
)
def test_paths(text: str, path: tuple[str, ...]) -> None:
    assert expression.lowercase_access_path(expression.parse_expression(text)) == path


def test_accesses_are_the_longest_paths_and_those_inside_them() -> None:
    tree = expression.parse_expression("contains(github.event[matrix.kind].labels, 'x') || secrets.A")
    assert [found for _, found in expression.longest_context_accesses(tree)] == [
        ("github", "event", "*", "labels"),
        ("matrix", "kind"),
        ("secrets", "a"),
    ]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ('github.ref == "main"', 14),
        ("'open", 0),
        ("a b", 2),
        ("f(a", 3),
        ("a.", 2),
        ("a[1", 3),
        ("1a", 0),
        ("a &&", 4),
        ("a ! b", 2),
        ("a = b", 2),
    ],
)
def test_errors_say_where(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as error:
        expression.parse_expression(text)
    assert error.value.offset == offset
    assert error.value.message


def test_depth_and_length_are_bounded() -> None:
    for text in (
        "(" * 5_000 + "a" + ")" * 5_000,
        "!" * 5_000 + "a",
        "a" + ".b" * 5_000,
        "a && " * 2_000 + "a",
    ):
        with pytest.raises(ExpressionError):
            expression.parse_expression(text)


def test_templates() -> None:
    text = "a ${{ '}}' }} b ${{x}} c ${{ open"
    found = list(braced_expressions(text))
    assert [one.inner_text for one in found] == [" '}}' ", "x", " open"]
    assert [one.is_closed for one in found] == [True, True, False]
    assert [text[one.span.start : one.span.end] for one in found] == [
        "${{ '}}' }}",
        "${{x}}",
        "${{ open",
    ]


def parsed(text: str) -> tuple[expression.ExpressionNode | None, int]:
    """The tree, or where the parser gave up."""
    try:
        return expression.parse_expression(text), 0
    except ExpressionError as error:
        return None, error.offset


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_any_tokens_parse_or_raise_our_error(text: str) -> None:
    tree, offset = parsed(text)
    assert 0 <= offset <= len(text)
    if tree is None:
        return
    constant.evaluate_constant(tree)
    for node in expression.walk_expression_tree(tree):
        assert 0 <= node.span.start <= node.span.end <= len(text)
        if isinstance(node, FunctionCall):
            assert text[node.span.start :].startswith(node.name)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_raises_our_error(text: str) -> None:
    list(braced_expressions(text))
    _, offset = parsed(text)
    assert 0 <= offset <= len(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true && 42 || !null", 42),
        ("'Main' == 'main'", True),
        ("'1' == 1", True),
        ("null == 0", True),
        ("contains(format('{0} {1}', 'foo', 'bar'), 'o b')", True),
        ("contains(fromJSON('[\"a\", \"b\"]'), 'B')", True),
        ("format('{{0}} {0}', 'x')", "{0} x"),
        ("startsWith('refs/heads/main', 'refs/')", True),
        ("join(fromJSON('[1, 2]'), '-')", "1-2"),
        ("fromJSON('{\"a\": 1}').A", 1),
        ("false && github.ref", False),
        ("github.ref", constant.NOT_CONSTANT),
        ("github.ref && false", constant.NOT_CONSTANT),
        ("success()", constant.NOT_CONSTANT),
        ("format('{0}')", constant.NOT_CONSTANT),
    ],
)
def test_constants(text: str, value: object) -> None:
    assert constant.evaluate_constant(expression.parse_expression(text)) == value


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        ("run: echo x", "echo x", "x"),
        ("run: 'it''s x'", "it's x", "x"),
        ('run: "a \\"b\\" x"', 'a "b" x', "x"),
        ("run: |\n    a\n    b x\n", "a\nb x\n", "x"),
        ("run: >  # note x\n    a\n    b x\n", "a b x\n", "x"),
        ("run: &name echo x", "echo x", "x"),
    ],
)
def test_a_character_of_a_scalar_is_found_again(text: str, value: str, wanted: str) -> None:
    place = make_offset_mapper(text, Span(5, len(text)), value)
    assert text[place(value.rindex(wanted))] == wanted
    assert place(value.rindex(wanted)) == text.rindex(wanted)


def test_an_alias_is_one_place() -> None:
    place = make_offset_mapper("run: *name", Span(5, 10), "echo something long")
    assert {place(0), place(7), place(99)} == {5}
