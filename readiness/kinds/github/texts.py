"""The texts of a workflow that the runner expands, and the expressions in them, with their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from readiness.model import Source, Span
from readiness.syntax import constant, expression
from readiness.syntax.holes import has_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq


@lru_cache(maxsize=4096)
def _parse_cached(
    expression_text: str,
) -> tuple[expression.Node | None, expression.ExpressionError | None]:
    """The tree and the error, one of them None; workflows say the same few things again and again."""
    try:
        return expression.parse_expression(expression_text), None
    except expression.ExpressionError as error:
        return None, error


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression in a text: its tree, or why it has none."""

    text: LocatedText
    start: int
    inner_text: str
    outer_span: Span
    is_closed: bool = True

    @property
    def tree_and_error(self) -> tuple[expression.Node | None, expression.ExpressionError | None]:
        """The tree and the error, one of them None."""
        return _parse_cached(self.inner_text)

    @property
    def tree(self) -> expression.Node | None:
        """The parsed tree; None where the expression has a syntax error."""
        return self.tree_and_error[0]

    @property
    def span_with_braces(self) -> Span:
        """Its place, `${{` and `}}` taken in; worked out when it is asked for, which is seldom."""
        return self.text.span_of_part(*self.outer_span)

    def to_source_span(self, span: Span) -> Span:
        """The span in the source of a span inside the expression's body."""
        return self.text.span_of_part(self.start + span.start, self.start + span.end)


def text_at(node: Any, key: Any, source: Source) -> LocatedText | None:
    """The string under a key with its place."""
    value = node.get(key) if isinstance(node, Map | Seq) else None
    return LocatedText(value, node.at(key), source) if isinstance(value, str) else None


def texts_below(node: Any, source: Source) -> Iterator[tuple[tuple[Any, ...], LocatedText]]:
    """Every string below a node with the keys that lead to it; an alias to what was seen is no second visit."""
    stack: list[tuple[tuple[Any, ...], Any]] = [((), node)]
    seen: set[int] = set()
    while stack:
        way, item = stack.pop()
        if id(item) in seen or len(way) > 40:
            continue
        seen.add(id(item))
        pairs: list[tuple[Any, Any]] = []
        if isinstance(item, Map):
            pairs = list(item.items())
        elif isinstance(item, Seq):
            pairs = list(enumerate(item))
        for key, value in pairs:
            if isinstance(value, str):
                yield (*way, key), LocatedText(value, item.at(key), source)
        stack.extend(((*way, key), value) for key, value in reversed(pairs) if isinstance(value, Map | Seq))


def expressions(text: LocatedText, *, whole_text_is_expression: bool = False) -> Iterator[Expression]:
    """The expressions of a text; with `whole_text_is_expression`, a text without `${{ }}` is one itself (an `if:`)."""
    if not has_expression(text.value):
        if whole_text_is_expression and text.value.strip():
            body = text.value
            yield Expression(text, 0, body, Span(0, len(body)))
        return
    for template in expression.braced_expressions(text.value):
        yield Expression(text, template.body_start, template.inner_text, template.span, template.is_closed)


def contains_expression(value: Any) -> bool:
    """Whether a value is left to an expression."""
    return isinstance(value, str) and has_expression(value)


def is_one_expression(value: str) -> bool:
    """Whether a text is one `${{ }}` and nothing else."""
    if not (value.startswith("${{") and value.endswith("}}")):
        return False
    first = next(expression.braced_expressions(value))
    return first.is_closed and first.span.end == len(value)


def is_always_skipped(node: Map) -> bool:
    """Whether a node's `if:` is always false."""
    value = node.get("if")
    return _always_false(value) if isinstance(value, str) else value is False


@lru_cache(maxsize=4096)
def _always_false(value: str) -> bool:
    """Whether a condition is false whatever happens; the same few stand in most workflows."""
    text = LocatedText(value, Span(0, len(value)), Source("", value))
    found = list(expressions(text, whole_text_is_expression=True))
    if len(found) != 1 or found[0].tree is None:
        return False
    if has_expression(text.value) and not is_one_expression(text.value):
        return False  # text around ${{ }} makes a string, and a string is true
    result = constant.evaluate_constant(found[0].tree)
    return result is not constant.NOT_CONSTANT and not constant.is_truthy_in_expression(result)
