"""The texts of a workflow that the runner expands, and the expressions in them, with their places."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax import constant, expression
from readiness.syntax.holes import has_github_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq


@lru_cache(maxsize=16_384)
def _parse_expression_cached(
    expression_text: str,
) -> tuple[expression.ExpressionNode | None, expression.ExpressionError | None]:
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
    def tree_and_error(self) -> tuple[expression.ExpressionNode | None, expression.ExpressionError | None]:
        """The tree and the error, one of them None."""
        return _parse_expression_cached(self.inner_text)

    @property
    def tree(self) -> expression.ExpressionNode | None:
        """The parsed tree; None where the expression has a syntax error."""
        return self.tree_and_error[0]

    @property
    def span_with_braces(self) -> Span:
        """Its place, `${{` and `}}` taken in; worked out when it is asked for, which is seldom."""
        return self.text.span_of_part(*self.outer_span)

    def to_source_span(self, span: Span) -> Span:
        """The span in the source of a span inside the expression's body."""
        return self.text.span_of_part(self.start + span.start, self.start + span.end)


def located_text_at(node: Any, key: Any, source: Source) -> LocatedText | None:
    """The string under a key with its place."""
    string_value = node.get(key) if isinstance(node, Map | Seq) else None
    return LocatedText(string_value, node.at(key), source) if isinstance(string_value, str) else None


def located_texts_with_key_paths(node: Any, source: Source) -> Iterator[tuple[tuple[Any, ...], LocatedText]]:
    """Every string below a node with the keys that lead to it; an alias to what was seen is no second visit."""
    pending_nodes: list[tuple[tuple[Any, ...], Any]] = [((), node)]
    seen_node_ids: set[int] = set()
    while pending_nodes:
        key_path, current_node = pending_nodes.pop()
        if id(current_node) in seen_node_ids or len(key_path) > 40:
            continue
        seen_node_ids.add(id(current_node))
        key_value_pairs: list[tuple[Any, Any]] = []
        if isinstance(current_node, Map):
            key_value_pairs = list(current_node.items())
        elif isinstance(current_node, Seq):
            key_value_pairs = list(enumerate(current_node))
        for child_key, child_value in key_value_pairs:
            if isinstance(child_value, str):
                yield (*key_path, child_key), LocatedText(child_value, current_node.at(child_key), source)
        pending_nodes.extend(
            ((*key_path, child_key), child_value) for child_key, child_value in reversed(key_value_pairs) if isinstance(child_value, Map | Seq)
        )


def expressions_in_text(text: LocatedText, *, whole_text_is_expression: bool = False) -> Iterator[Expression]:
    """The expressions of a text; with `whole_text_is_expression`, a text without `${{ }}` is one itself (an `if:`)."""
    if not has_github_expression(text.value):
        if whole_text_is_expression and text.value.strip():
            expression_text = text.value
            yield Expression(text, 0, expression_text, Span(0, len(expression_text)))
        return
    for braced_expression in expression.braced_expressions(text.value):
        yield Expression(
            text,
            braced_expression.body_start,
            braced_expression.inner_text,
            braced_expression.span,
            braced_expression.is_closed,
        )


def is_text_with_expression(value: Any) -> bool:
    """Whether a value is left to an expression."""
    return isinstance(value, str) and has_github_expression(value)


def is_one_expression(value: str) -> bool:
    """Whether a text is one `${{ }}` and nothing else."""
    if not (value.startswith("${{") and value.endswith("}}")):
        return False
    first_expression = next(expression.braced_expressions(value))
    return first_expression.is_closed and first_expression.span.end == len(value)


def has_always_false_condition(node: Map) -> bool:
    """Whether a node's `if:` is always false."""
    if_value = node.get("if")
    return _is_always_false_condition(if_value) if isinstance(if_value, str) else if_value is False


@lru_cache(maxsize=16_384)
def _is_always_false_condition(condition: str) -> bool:
    """Whether a condition is false whatever happens; the same few stand in most workflows."""
    condition_text = LocatedText(condition, Span(0, len(condition)), Source("", condition))
    condition_expressions = list(expressions_in_text(condition_text, whole_text_is_expression=True))
    if len(condition_expressions) != 1 or condition_expressions[0].tree is None:
        return False
    if has_github_expression(condition_text.value) and not is_one_expression(condition_text.value):
        return False  # text around ${{ }} makes a string, and a string is true
    constant_value = constant.evaluate_constant(condition_expressions[0].tree)
    return constant_value is not constant.NOT_CONSTANT and not constant.is_truthy_in_expression(constant_value)
