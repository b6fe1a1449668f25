"""What a GitHub expression without contexts comes to: for conditions that never change and needless expressions."""

from __future__ import annotations

import json
import math
from typing import Any

from readiness.syntax.expression import (
    BinaryOperation,
    ExpressionNode,
    FunctionCall,
    IndexAccess,
    Literal,
    MemberAccess,
    Negation,
)

NOT_CONSTANT = object()


def evaluate_constant(node: ExpressionNode) -> Any:
    """The value of a constant expression, or UNKNOWN where it reads a context or a status.

    `&&` and `||` give one of their operands and need only one side where it decides.
    """
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Negation):
        operand_value = evaluate_constant(node.operand)
        return NOT_CONSTANT if operand_value is NOT_CONSTANT else not is_truthy_in_expression(operand_value)
    if isinstance(node, BinaryOperation):
        return _evaluate_binary_operation(node)
    if isinstance(node, FunctionCall):
        return _evaluate_function_call(node)
    if isinstance(node, IndexAccess):
        owner_value, key_value = evaluate_constant(node.owner), evaluate_constant(node.key)
        return _evaluate_member(owner_value, key_value)
    return _evaluate_member(evaluate_constant(node.owner), node.name) if isinstance(node, MemberAccess) else NOT_CONSTANT


def is_truthy_in_expression(expression_value: Any) -> bool:
    """Whether `if:` treats a value as true: all but false, 0, NaN, the empty string and null."""
    if isinstance(expression_value, float) and math.isnan(expression_value):
        return False
    return isinstance(expression_value, list | dict) or expression_value not in (None, False, 0, "")


def value_as_expression_text(expression_value: Any) -> str:
    """A value as the runner writes it into a text."""
    if expression_value is None:
        return ""
    if isinstance(expression_value, bool):
        return "true" if expression_value else "false"
    if isinstance(expression_value, float | int):
        return str(int(expression_value)) if math.isfinite(expression_value) and expression_value == int(expression_value) else str(expression_value)
    return expression_value if isinstance(expression_value, str) else ("Array" if isinstance(expression_value, list) else "Object")


def _evaluate_member(owner_value: Any, key_value: Any) -> Any:
    if owner_value is NOT_CONSTANT or key_value is NOT_CONSTANT:
        return NOT_CONSTANT
    if isinstance(owner_value, dict):
        lowercase_key = value_as_expression_text(key_value).lower()
        return next((value for name, value in owner_value.items() if name.lower() == lowercase_key), None)
    if isinstance(owner_value, list) and isinstance(key_value, float | int) and 0 <= key_value < len(owner_value):
        return owner_value[int(key_value)]
    return None


def _evaluate_binary_operation(node: BinaryOperation) -> Any:
    left_value, right_value = evaluate_constant(node.left), evaluate_constant(node.right)
    if node.operator == "&&":
        if left_value is NOT_CONSTANT:
            return NOT_CONSTANT
        return right_value if is_truthy_in_expression(left_value) else left_value
    if node.operator == "||":
        if left_value is NOT_CONSTANT:
            return NOT_CONSTANT
        return left_value if is_truthy_in_expression(left_value) else right_value
    if left_value is NOT_CONSTANT or right_value is NOT_CONSTANT:
        return NOT_CONSTANT
    return _evaluate_comparison(node.operator, left_value, right_value)


def _evaluate_comparison(operator: str, left_value: Any, right_value: Any) -> Any:
    if isinstance(left_value, list | dict) or isinstance(right_value, list | dict):
        return NOT_CONSTANT  # arrays and objects are equal only as the same instance
    if isinstance(left_value, str) and isinstance(right_value, str):
        left_comparable: Any = left_value.lower()
        right_comparable: Any = right_value.lower()
    else:
        left_comparable, right_comparable = _value_as_expression_number(left_value), _value_as_expression_number(right_value)
    if operator == "==":
        return bool(left_comparable == right_comparable)
    if operator == "!=":
        return bool(left_comparable != right_comparable)
    if operator == "<":
        return bool(left_comparable < right_comparable)
    if operator == "<=":
        return bool(left_comparable <= right_comparable)
    return bool(left_comparable > right_comparable) if operator == ">" else bool(left_comparable >= right_comparable)


def _value_as_expression_number(expression_value: Any) -> float:
    if expression_value is None:
        return 0.0
    if isinstance(expression_value, str):
        try:
            return float(expression_value) if expression_value.strip() else 0.0
        except ValueError:
            return math.nan
    return float(expression_value)


def _evaluate_function_call(node: FunctionCall) -> Any:
    argument_values = [evaluate_constant(argument) for argument in node.arguments]
    if node.name.lower() == "case":
        return _evaluate_case_function(argument_values)
    if any(value is NOT_CONSTANT for value in argument_values):
        return NOT_CONSTANT
    function_name = node.name.lower()
    if function_name == "format" and argument_values:
        return _evaluate_format_function(argument_values)
    if function_name in ("startswith", "endswith") and len(argument_values) == 2:
        searched_text, affix = (value_as_expression_text(value).lower() for value in argument_values)
        return searched_text.startswith(affix) if function_name == "startswith" else searched_text.endswith(affix)
    if function_name == "contains" and len(argument_values) == 2:
        return _evaluate_contains_function(argument_values[0], argument_values[1])
    if function_name == "join" and argument_values and isinstance(argument_values[0], list):
        return value_as_expression_text(argument_values[1] if len(argument_values) > 1 else ",").join(
            value_as_expression_text(value) for value in argument_values[0]
        )
    if function_name == "fromjson" and len(argument_values) == 1:
        return _evaluate_from_json(value_as_expression_text(argument_values[0]))
    if function_name == "tojson" and len(argument_values) == 1:
        return json.dumps(argument_values[0], indent=2)
    return NOT_CONSTANT


def _evaluate_case_function(argument_values: list[Any]) -> Any:
    for condition_value, case_value in zip(argument_values[:-1:2], argument_values[1::2], strict=False):
        if condition_value is NOT_CONSTANT or condition_value is True:
            return NOT_CONSTANT if condition_value is NOT_CONSTANT else case_value
    return argument_values[-1] if len(argument_values) % 2 else NOT_CONSTANT


def _evaluate_from_json(json_text: str) -> Any:
    try:
        return json.loads(json_text)
    except (ValueError, RecursionError):
        return NOT_CONSTANT


def _evaluate_contains_function(haystack: Any, searched_item: Any) -> bool:
    if isinstance(haystack, list):
        return any(_evaluate_comparison("==", entry, searched_item) is True for entry in haystack)
    return not isinstance(haystack, dict) and value_as_expression_text(searched_item).lower() in value_as_expression_text(haystack).lower()


def _evaluate_format_function(argument_values: list[Any]) -> Any:
    format_text, format_arguments = value_as_expression_text(argument_values[0]), argument_values[1:]
    output_parts, format_offset = [], 0
    while format_offset < len(format_text):
        char = format_text[format_offset]
        if format_text[format_offset : format_offset + 2] in ("{{", "}}"):
            output_parts.append(char)
            format_offset += 2
        elif char == "{":
            closing_brace_index = format_text.find("}", format_offset)
            argument_number = format_text[format_offset + 1 : closing_brace_index] if closing_brace_index > 0 else ""
            if not argument_number.isdecimal() or len(argument_number) > 3 or int(argument_number) >= len(format_arguments):
                return NOT_CONSTANT
            output_parts.append(value_as_expression_text(format_arguments[int(argument_number)]))
            format_offset = closing_brace_index + 1
        else:
            output_parts.append(char)
            format_offset += 1
    return "".join(output_parts)
