"""What a GitHub expression without contexts comes to: for conditions that never change and needless expressions."""

from __future__ import annotations

import json
import math
from typing import Any

from readiness.syntax.expression import (
    BinaryOperation,
    FunctionCall,
    IndexAccess,
    Literal,
    MemberAccess,
    Negation,
    Node,
)

NOT_CONSTANT = object()


def evaluate_constant(node: Node) -> Any:
    """The value of a constant expression, or UNKNOWN where it reads a context or a status.

    `&&` and `||` give one of their operands and need only one side where it decides.
    """
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Negation):
        value = evaluate_constant(node.operand)
        return NOT_CONSTANT if value is NOT_CONSTANT else not is_truthy_in_expression(value)
    if isinstance(node, BinaryOperation):
        return _evaluate_binary(node)
    if isinstance(node, FunctionCall):
        return _evaluate_call(node)
    if isinstance(node, IndexAccess):
        owner, key = evaluate_constant(node.owner), evaluate_constant(node.key)
        return _evaluate_entry(owner, key)
    return _evaluate_entry(evaluate_constant(node.owner), node.name) if isinstance(node, MemberAccess) else NOT_CONSTANT


def is_truthy_in_expression(value: Any) -> bool:
    """Whether `if:` treats a value as true: all but false, 0, NaN, the empty string and null."""
    if isinstance(value, float) and math.isnan(value):
        return False
    return isinstance(value, list | dict) or value not in (None, False, 0, "")


def as_text(value: Any) -> str:
    """A value as the runner writes it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
    return value if isinstance(value, str) else ("Array" if isinstance(value, list) else "Object")


def _evaluate_entry(owner: Any, key: Any) -> Any:
    if owner is NOT_CONSTANT or key is NOT_CONSTANT:
        return NOT_CONSTANT
    if isinstance(owner, dict):
        wanted = as_text(key).lower()
        return next((value for name, value in owner.items() if name.lower() == wanted), None)
    if isinstance(owner, list) and isinstance(key, float | int) and 0 <= key < len(owner):
        return owner[int(key)]
    return None


def _evaluate_binary(node: BinaryOperation) -> Any:
    left, right = evaluate_constant(node.left), evaluate_constant(node.right)
    if node.operator == "&&":
        if left is NOT_CONSTANT:
            return NOT_CONSTANT
        return right if is_truthy_in_expression(left) else left
    if node.operator == "||":
        if left is NOT_CONSTANT:
            return NOT_CONSTANT
        return left if is_truthy_in_expression(left) else right
    if left is NOT_CONSTANT or right is NOT_CONSTANT:
        return NOT_CONSTANT
    return _evaluate_comparison(node.operator, left, right)


def _evaluate_comparison(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return NOT_CONSTANT  # arrays and objects are equal only as the same instance
    if isinstance(left, str) and isinstance(right, str):
        first: Any = left.lower()
        second: Any = right.lower()
    else:
        first, second = _as_number(left), _as_number(right)
    if operator == "==":
        return bool(first == second)
    if operator == "!=":
        return bool(first != second)
    if operator == "<":
        return bool(first < second)
    if operator == "<=":
        return bool(first <= second)
    return bool(first > second) if operator == ">" else bool(first >= second)


def _as_number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0.0
        except ValueError:
            return math.nan
    return float(value)


def _evaluate_call(node: FunctionCall) -> Any:
    values = [evaluate_constant(argument) for argument in node.arguments]
    if node.name.lower() == "case":
        return _evaluate_case_function(values)
    if any(value is NOT_CONSTANT for value in values):
        return NOT_CONSTANT
    name = node.name.lower()
    if name == "format" and values:
        return _evaluate_format(values)
    if name in ("startswith", "endswith") and len(values) == 2:
        first, second = (as_text(value).lower() for value in values)
        return first.startswith(second) if name == "startswith" else first.endswith(second)
    if name == "contains" and len(values) == 2:
        return _evaluate_contains(values[0], values[1])
    if name == "join" and values and isinstance(values[0], list):
        return as_text(values[1] if len(values) > 1 else ",").join(as_text(value) for value in values[0])
    if name == "fromjson" and len(values) == 1:
        return _from_json(as_text(values[0]))
    if name == "tojson" and len(values) == 1:
        return json.dumps(values[0], indent=2)
    return NOT_CONSTANT


def _evaluate_case_function(values: list[Any]) -> Any:
    for wanted, value in zip(values[:-1:2], values[1::2], strict=False):
        if wanted is NOT_CONSTANT or wanted is True:
            return NOT_CONSTANT if wanted is NOT_CONSTANT else value
    return values[-1] if len(values) % 2 else NOT_CONSTANT


def _from_json(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return NOT_CONSTANT


def _evaluate_contains(haystack: Any, item: Any) -> bool:
    if isinstance(haystack, list):
        return any(_evaluate_comparison("==", entry, item) is True for entry in haystack)
    return not isinstance(haystack, dict) and as_text(item).lower() in as_text(haystack).lower()


def _evaluate_format(values: list[Any]) -> Any:
    pattern, rest = as_text(values[0]), values[1:]
    out, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if pattern[at : at + 2] in ("{{", "}}"):
            out.append(char)
            at += 2
        elif char == "{":
            close = pattern.find("}", at)
            number = pattern[at + 1 : close] if close > 0 else ""
            if not number.isdecimal() or len(number) > 3 or int(number) >= len(rest):
                return NOT_CONSTANT
            out.append(as_text(rest[int(number)]))
            at = close + 1
        else:
            out.append(char)
            at += 1
    return "".join(out)
