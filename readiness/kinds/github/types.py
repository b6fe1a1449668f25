"""Types of GitHub's expressions: what a context holds, what a function takes and gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.model import Span, join_names, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.model.records import dataclass
from readiness.syntax import expression as ex
from readiness.syntax.holes import has_github_expression


@dataclass(frozen=True, slots=True)
class Type:
    """A type: `any`, a scalar, an object with known properties (and `other_properties` for others), an array.

    `is_spread_result` marks the array that `.*` gives: its members' properties can be asked for.
    """

    name: str
    properties: Mapping[str, Type] = field(default_factory=dict)
    other_properties: Type | None = None
    item_type: Type | None = None
    is_spread_result: bool = False

    @property
    def name_with_article(self) -> str:
        """The type as a message names it: `a string`, `an array`."""
        article = "an" if self.name[0] in "ao" else "a"
        return self.name if self.name in ("null", "any") else f"{article} {self.name}"


ANY = Type("any")
STRING = Type("string")
NUMBER = Type("number")
BOOLEAN = Type("boolean")
NULL = Type("null")


def make_object_type(type_by_property: Mapping[str, Type], other_properties_type: Type | None = None) -> Type:
    """An object; property names in lower case, as GitHub compares them."""
    return Type("object", {name.lower(): kind for name, kind in type_by_property.items()}, other_properties_type)


def make_array_type(item_type: Type, *, is_spread_result: bool = False) -> Type:
    """The type of an array with entries of one type; `is_spread_result` marks the result of a `.*`."""
    return Type("array", item_type=item_type, is_spread_result=is_spread_result)


ANY_OBJECT = make_object_type({}, ANY)
OBJECT_OF_STRINGS = make_object_type({}, STRING)


def union_type(first_type: Type, second_type: Type) -> Type:
    """The narrowest type that admits values of both."""
    if first_type is second_type or first_type == second_type:
        return first_type
    if first_type.name == second_type.name == "object":
        type_by_property = dict(first_type.properties)
        for property_name, property_type in second_type.properties.items():
            type_by_property[property_name] = (
                union_type(type_by_property[property_name], property_type) if property_name in type_by_property else property_type
            )
        return Type("object", type_by_property, first_type.other_properties or second_type.other_properties)
    if first_type.name == second_type.name == "array":
        return make_array_type(union_type(first_type.item_type or ANY, second_type.item_type or ANY))
    return ANY


MAX_NESTED_VALUES_PER_VALUE = 2000  # values inside of one; aliases of aliases stand for more than anybody writes


def type_of_value(value: Any) -> Type:
    """The type of a YAML or JSON value without expressions."""
    return _type_of_value(value, iter(range(MAX_NESTED_VALUES_PER_VALUE)), 0)


def _type_of_value(value: Any, remaining_values: Iterator[int], depth: int) -> Type:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING if not has_github_expression(value) else ANY
    if value is None:
        return NULL
    if depth > 20 or next(remaining_values, None) is None:
        return ANY
    if isinstance(value, dict):
        return make_object_type({str(name): _type_of_value(list_item, remaining_values, depth + 1) for name, list_item in value.items()})
    item_type: Type | None = None
    for list_item in value:
        type_of_item = _type_of_value(list_item, remaining_values, depth + 1)
        item_type = type_of_item if item_type is None else union_type(item_type, type_of_item)
    return make_array_type(item_type or ANY)


@dataclass(frozen=True, slots=True)
class TypeFault:
    """What is wrong in an expression: `code` is call, undefined, unavailable or type.

    `say` names the sentence that rules have for it, `facts` fill that.
    """

    code: str
    span: Span
    say: str
    facts: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class ExpressionScope:
    """What an expression may use at its place: the contexts' types, which stand there, and extra functions.

    `of_jobs`: success() and failure() may name jobs, as in the condition of a job.
    """

    context_types: Mapping[str, Type]
    allowed_contexts: frozenset[str]
    extra_functions: frozenset[str] = frozenset()
    of_jobs: bool = False


# name: (fewest arguments, most arguments or None, type of what it gives)
_FUNCTION_SIGNATURE_BY_NAME: dict[str, tuple[int, int | None, Type]] = {
    "contains": (2, 2, BOOLEAN),
    "startswith": (2, 2, BOOLEAN),
    "endswith": (2, 2, BOOLEAN),
    "format": (1, None, STRING),
    "join": (1, 2, STRING),
    "tojson": (1, 1, STRING),
    "fromjson": (1, 1, ANY),
    "case": (3, None, ANY),  # and an odd number: pairs, then what stands for the rest
    "hashfiles": (1, None, STRING),
    "success": (0, None, BOOLEAN),
    "failure": (0, None, BOOLEAN),
    "always": (0, 0, BOOLEAN),
    "cancelled": (0, 0, BOOLEAN),
}
_FUNCTIONS_AVAILABLE_EVERYWHERE = frozenset({"contains", "startswith", "endswith", "format", "join", "tojson", "fromjson", "case"})
_FORMAT_PLACEHOLDER = lazy_regex(r"\{\{|\}\}|\{([0-9]{1,4})\}")


class ExpressionTypeChecker:
    """One walk over a tree: gives its type and collects what is wrong."""

    def __init__(self, expression_scope: ExpressionScope) -> None:
        self.scope = expression_scope
        self.faults: list[TypeFault] = []

    def add_fault(self, fault_code: str, node: ex.ExpressionNode, message_key: str, **facts: FactValue) -> Type:
        """Note what is wrong; nothing is known of the value."""
        self.faults.append(TypeFault(fault_code, node.span, message_key, facts))
        return ANY

    def type_of_node(self, node: ex.ExpressionNode) -> Type:
        """The type of an expression's tree; faults on the way are added to `faults`."""
        if isinstance(node, ex.Literal):
            return type_of_value(node.value)
        if isinstance(node, ex.ContextName):
            return self.type_of_context(node)
        if isinstance(node, ex.MemberAccess):
            return self.type_of_member(node, self.type_of_node(node.owner), node.name)
        if isinstance(node, ex.IndexAccess):
            return self.type_of_index(node)
        if isinstance(node, ex.StarAccess):
            return self.type_of_star(node)
        if isinstance(node, ex.FunctionCall):
            return self.type_of_call(node)
        if isinstance(node, ex.Negation):
            self.type_of_node(node.operand)
            return BOOLEAN
        return self.type_of_binary(node)

    def type_of_context(self, node: ex.ContextName) -> Type:
        """The type of a context by its name; a fault where it is unknown or not available at this place."""
        context_name = node.name.lower()
        if context_name not in self.scope.context_types:
            spelling_hint = spelling.did_you_mean_text(context_name, self.scope.context_types)
            return self.add_fault("undefined", node, "context", name=node.name, hint=spelling_hint)
        if context_name not in self.scope.allowed_contexts and self.scope.allowed_contexts:
            allowed_contexts_text = join_names(sorted(self.scope.allowed_contexts))
            return self.add_fault("unavailable", node, "only", name=node.name, allowed=allowed_contexts_text)
        if context_name not in self.scope.allowed_contexts:
            return self.add_fault("unavailable", node, "none", name=node.name)
        return self.scope.context_types[context_name]

    def type_of_member(self, node: ex.ExpressionNode, owner_type: Type, property_name: str) -> Type:
        """The type of a property; a fault where the object is known not to have it."""
        if owner_type.name == "any":
            return ANY
        if owner_type.name == "object":
            property_type = owner_type.properties.get(property_name.lower(), owner_type.other_properties)
            if property_type is None:
                spelling_hint = spelling.did_you_mean_text(property_name, owner_type.properties)
                return self.add_fault("undefined", node, "property", path=_access_path_text(node), hint=spelling_hint)
            return property_type
        if owner_type.name == "array" and owner_type.is_spread_result:
            return make_array_type(
                self.type_of_member(node, owner_type.item_type or ANY, property_name) if owner_type.item_type else ANY,
                is_spread_result=True,
            )
        return self.add_fault("type", node, "property", path=_access_path_text(node), kind=_type_name_with_article(owner_type))

    def type_of_index(self, node: ex.IndexAccess) -> Type:
        """The type of an entry by a computed key, `owner[key]`; a fault where the owner takes no such key."""
        owner_type, key_type = self.type_of_node(node.owner), self.type_of_node(node.key)
        if owner_type.name == "any":
            return ANY
        if owner_type.name == "array":
            if key_type.name == "string" and owner_type.is_spread_result:
                return ANY
            if key_type.name not in ("number", "any"):
                return self.add_fault("type", node, "array-key", kind=_type_name_with_article(key_type))
            return owner_type.item_type or ANY
        if owner_type.name != "object":
            return self.add_fault("type", node, "entry", path=_access_path_text(node), kind=_type_name_with_article(owner_type))
        if isinstance(node.key, ex.Literal) and isinstance(node.key.value, str):
            return self.type_of_member(node, owner_type, node.key.value)
        if key_type.name not in ("string", "any"):
            return self.add_fault("type", node, "object-key", kind=_type_name_with_article(key_type))
        return owner_type.other_properties or ANY

    def type_of_star(self, node: ex.StarAccess) -> Type:
        """The type of `owner.*`: an array of what all entries have in common."""
        owner_type = self.type_of_node(node.owner)
        if owner_type.name == "array":
            return make_array_type(owner_type.item_type or ANY, is_spread_result=True)
        if owner_type.name == "object":
            entry_type = owner_type.other_properties
            for property_type in owner_type.properties.values():
                entry_type = property_type if entry_type is None else union_type(entry_type, property_type)
            return make_array_type(entry_type or ANY, is_spread_result=True)
        if owner_type.name == "any":
            return make_array_type(ANY, is_spread_result=True)
        return self.add_fault("type", node, "entries", path=_access_path_text(node), kind=_type_name_with_article(owner_type))

    def type_of_binary(self, node: ex.BinaryOperation) -> Type:
        """An operator; `&&` and `||` give one of their sides."""
        left_type, right_type = self.type_of_node(node.left), self.type_of_node(node.right)
        if node.operator in ("&&", "||"):
            return union_type(left_type, right_type)
        forbidden_type_names = ("object", "array") if node.operator in ("==", "!=") else ("object", "array", "boolean", "null")
        for side_type, other_side_type in ((left_type, right_type), (right_type, left_type)):
            if node.operator in ("==", "!=") and other_side_type.name in ("null", side_type.name):
                continue
            if side_type.name in forbidden_type_names and other_side_type.name != "any":
                type_name_by_side = {"left": _type_name_with_article(left_type), "right": _type_name_with_article(right_type)}
                self.add_fault("type", node, "compared", **type_name_by_side, operator=node.operator)
                break
        return BOOLEAN

    def type_of_call(self, node: ex.FunctionCall) -> Type:
        """The type that a function returns; a fault for an unknown function, wrong arguments or a wrong place."""
        function_name = node.name.lower()
        argument_types = [self.type_of_node(argument) for argument in node.arguments]
        if function_name not in _FUNCTION_SIGNATURE_BY_NAME:
            spelling_hint = spelling.did_you_mean_text(function_name, _FUNCTION_SIGNATURE_BY_NAME)
            return self.add_fault("call", node, "function", name=node.name, hint=spelling_hint)
        if function_name not in _FUNCTIONS_AVAILABLE_EVERYWHERE and function_name not in self.scope.extra_functions:
            return self.add_fault("unavailable", node, "function", name=node.name)
        min_argument_count, max_argument_count, return_type = _FUNCTION_SIGNATURE_BY_NAME[function_name]
        if function_name in ("success", "failure") and not self.scope.of_jobs:
            max_argument_count = 0
        if len(argument_types) < min_argument_count or (max_argument_count is not None and len(argument_types) > max_argument_count):
            message_facts: dict[str, FactValue] = {"name": node.name, "count": len(argument_types), "least": min_argument_count}
            if max_argument_count is None:
                return self.add_fault("call", node, "too-few", **message_facts)
            if min_argument_count == max_argument_count:
                return self.add_fault("call", node, "count", **message_facts)
            return self.add_fault("call", node, "range", **message_facts, most=max_argument_count)
        if function_name == "case" and len(argument_types) % 2 == 0:
            return self.add_fault("call", node, "case", count=len(argument_types))
        self.check_arguments(node, function_name, argument_types)
        if function_name == "fromjson":
            return self.json_type(node.arguments[0])
        return return_type

    def json_type(self, node: ex.ExpressionNode) -> Type:
        """The type of the JSON in a literal given to fromJSON: ANY where it is computed, a fault where it is no JSON."""
        if not isinstance(node, ex.Literal) or not isinstance(node.value, str):
            return ANY
        try:
            return type_of_value(json.loads(node.value))
        except RecursionError:
            return ANY
        except ValueError:
            return self.add_fault("call", node, "json")

    def check_arguments(self, node: ex.FunctionCall, function_name: str, argument_types: list[Type]) -> None:
        """Add faults for the number and the types of a function's arguments."""
        text_argument_indexes_by_function = {
            "startswith": (0, 1),
            "endswith": (0, 1),
            "fromjson": (0,),
            "format": (0,),
        }
        for argument_index in text_argument_indexes_by_function.get(
            function_name, range(len(argument_types)) if function_name == "hashfiles" else ()
        ):
            if argument_types[argument_index].name in ("object", "array"):
                argument_type_name = _type_name_with_article(argument_types[argument_index])
                self.add_fault("type", node.arguments[argument_index], "argument", name=node.name, kind=argument_type_name)
        if function_name in ("contains", "join") and argument_types[0].name == "object":
            self.add_fault("type", node.arguments[0], "object-argument", name=node.name)
        if function_name == "format" and isinstance(node.arguments[0], ex.Literal):
            self.check_format_placeholders(node, str(node.arguments[0].value))

    def check_format_placeholders(self, node: ex.FunctionCall, format_text: str) -> None:
        """The numbers in a format against its values."""
        used_placeholder_numbers = {int(match.group(1)) for match in _FORMAT_PLACEHOLDER.finditer(format_text) if match.group(1)}
        format_value_count = len(node.arguments) - 1
        for placeholder_number in sorted(used_placeholder_numbers):
            if placeholder_number >= format_value_count:
                self.add_fault("call", node, "format-lacks", number=placeholder_number, given=format_value_count)
        for placeholder_number in range(format_value_count):
            if placeholder_number not in used_placeholder_numbers:
                self.add_fault("call", node, "format-leaves", number=placeholder_number)


def _access_path_text(node: ex.ExpressionNode) -> str:
    return ".".join(ex.lowercase_access_path(node) or ("the value",))


def _type_name_with_article(expression_type: Type) -> str:
    return expression_type.name_with_article
