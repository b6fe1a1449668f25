"""What a GitHub expression without contexts comes to: for conditions that never change and needless expressions."""

from __future__ import annotations

import json
import math
from typing import Any

from readiness.syntax.expression import Binary, Call, Index, Literal, Member, Node, Not

UNKNOWN = object()


def evaluate_constant(node: Node) -> Any:
    """The value of a constant expression, or UNKNOWN where it reads a context or a status.

    `&&` and `||` give one of their operands and need only one side where it decides.
    """
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Not):
        value = evaluate_constant(node.operand)
        return UNKNOWN if value is UNKNOWN else not is_truthy(value)
    if isinstance(node, Binary):
        return _evaluate_binary(node)
    if isinstance(node, Call):
        return _evaluate_call(node)
    if isinstance(node, Index):
        owner, key = evaluate_constant(node.owner), evaluate_constant(node.key)
        return _evaluate_entry(owner, key)
    return (
        _evaluate_entry(evaluate_constant(node.owner), node.name)
        if isinstance(node, Member)
        else UNKNOWN
    )


def is_truthy(value: Any) -> bool:
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
    if owner is UNKNOWN or key is UNKNOWN:
        return UNKNOWN
    if isinstance(owner, dict):
        wanted = as_text(key).lower()
        return next((value for name, value in owner.items() if name.lower() == wanted), None)
    if isinstance(owner, list) and isinstance(key, float | int) and 0 <= key < len(owner):
        return owner[int(key)]
    return None


def _evaluate_binary(node: Binary) -> Any:
    left, right = evaluate_constant(node.left), evaluate_constant(node.right)
    if node.operator == "&&":
        if left is UNKNOWN:
            return UNKNOWN
        return right if is_truthy(left) else left
    if node.operator == "||":
        if left is UNKNOWN:
            return UNKNOWN
        return left if is_truthy(left) else right
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    return _compare(node.operator, left, right)


def _compare(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return UNKNOWN  # arrays and objects are equal only as the same instance
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


def _evaluate_call(node: Call) -> Any:
    values = [evaluate_constant(argument) for argument in node.arguments]
    if node.name.lower() == "case":
        return _fold_case(values)
    if any(value is UNKNOWN for value in values):
        return UNKNOWN
    name = node.name.lower()
    if name == "format" and values:
        return _format(values)
    if name in ("startswith", "endswith") and len(values) == 2:
        first, second = (as_text(value).lower() for value in values)
        return first.startswith(second) if name == "startswith" else first.endswith(second)
    if name == "contains" and len(values) == 2:
        return _contains(values[0], values[1])
    if name == "join" and values and isinstance(values[0], list):
        return as_text(values[1] if len(values) > 1 else ",").join(
            as_text(value) for value in values[0]
        )
    if name == "fromjson" and len(values) == 1:
        return _from_json(as_text(values[0]))
    if name == "tojson" and len(values) == 1:
        return json.dumps(values[0], indent=2)
    return UNKNOWN


def _fold_case(values: list[Any]) -> Any:
    for wanted, value in zip(values[:-1:2], values[1::2], strict=False):
        if wanted is UNKNOWN or wanted is True:
            return UNKNOWN if wanted is UNKNOWN else value
    return values[-1] if len(values) % 2 else UNKNOWN


def _from_json(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return UNKNOWN


def _contains(search: Any, item: Any) -> bool:
    if isinstance(search, list):
        return any(_compare("==", entry, item) is True for entry in search)
    return not isinstance(search, dict) and as_text(item).lower() in as_text(search).lower()


def _format(values: list[Any]) -> Any:
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
                return UNKNOWN
            out.append(as_text(rest[int(number)]))
            at = close + 1
        else:
            out.append(char)
            at += 1
    return "".join(out)
