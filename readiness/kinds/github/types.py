"""Types of GitHub's expressions: what a context holds, what a function takes and gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.model import Span, join_names, spelling
from readiness.model.messages import FactValue
from readiness.syntax import expression as ex
from readiness.syntax.holes import has_expression


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


def object_type(known: Mapping[str, Type], rest: Type | None = None) -> Type:
    """An object; property names in lower case, as GitHub compares them."""
    return Type("object", {name.lower(): kind for name, kind in known.items()}, rest)


def array_type(entry: Type, *, spread: bool = False) -> Type:
    """The type of an array with entries of one type; `spread` marks the result of a `.*`."""
    return Type("array", item_type=entry, is_spread_result=spread)


ANY_OBJECT = object_type({}, ANY)
OBJECT_OF_STRINGS = object_type({}, STRING)


def union_type(first: Type, second: Type) -> Type:
    """The narrowest type that admits values of both."""
    if first is second or first == second:
        return first
    if first.name == second.name == "object":
        known = dict(first.properties)
        for name, kind in second.properties.items():
            known[name] = union_type(known[name], kind) if name in known else kind
        return Type("object", known, first.other_properties or second.other_properties)
    if first.name == second.name == "array":
        return array_type(union_type(first.item_type or ANY, second.item_type or ANY))
    return ANY


MAX_NESTED_VALUES = 2000  # values inside of one; aliases of aliases stand for more than anybody writes


def type_of_value(value: Any) -> Type:
    """The type of a YAML or JSON value without expressions."""
    return _type_of_value(value, iter(range(MAX_NESTED_VALUES)), 0)


def _type_of_value(value: Any, remaining_values: Iterator[int], depth: int) -> Type:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING if not has_expression(value) else ANY
    if value is None:
        return NULL
    if depth > 20 or next(remaining_values, None) is None:
        return ANY
    if isinstance(value, dict):
        return object_type({str(name): _type_of_value(item, remaining_values, depth + 1) for name, item in value.items()})
    entry: Type | None = None
    for item in value:
        kind = _type_of_value(item, remaining_values, depth + 1)
        entry = kind if entry is None else union_type(entry, kind)
    return array_type(entry or ANY)


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
_FUNCTION_SIGNATURES: dict[str, tuple[int, int | None, Type]] = {
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
_FUNCTIONS_AVAILABLE_EVERYWHERE = frozenset(
    {"contains", "startswith", "endswith", "format", "join", "tojson", "fromjson", "case"}
)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]{1,4})\}")


class ExpressionTypeChecker:
    """One walk over a tree: gives its type and collects what is wrong."""

    def __init__(self, scope: ExpressionScope) -> None:
        self.scope = scope
        self.faults: list[TypeFault] = []

    def add_fault(self, code: str, node: ex.Node, say: str, **facts: FactValue) -> Type:
        """Note what is wrong; nothing is known of the value."""
        self.faults.append(TypeFault(code, node.span, say, facts))
        return ANY

    def type_of_node(self, node: ex.Node) -> Type:
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
        name = node.name.lower()
        if name not in self.scope.context_types:
            hint = spelling.did_you_mean_text(name, self.scope.context_types)
            return self.add_fault("undefined", node, "context", name=node.name, hint=hint)
        if name not in self.scope.allowed_contexts and self.scope.allowed_contexts:
            names = join_names(sorted(self.scope.allowed_contexts))
            return self.add_fault("unavailable", node, "only", name=node.name, allowed=names)
        if name not in self.scope.allowed_contexts:
            return self.add_fault("unavailable", node, "none", name=node.name)
        return self.scope.context_types[name]

    def type_of_member(self, node: ex.Node, owner: Type, name: str) -> Type:
        """The type of a property; a fault where the object is known not to have it."""
        if owner.name == "any":
            return ANY
        if owner.name == "object":
            member = owner.properties.get(name.lower(), owner.other_properties)
            if member is None:
                hint = spelling.did_you_mean_text(name, owner.properties)
                return self.add_fault("undefined", node, "property", path=_path_text(node), hint=hint)
            return member
        if owner.name == "array" and owner.is_spread_result:
            return array_type(
                self.type_of_member(node, owner.item_type or ANY, name) if owner.item_type else ANY,
                spread=True,
            )
        return self.add_fault("type", node, "property", path=_path_text(node), kind=_type_name(owner))

    def type_of_index(self, node: ex.IndexAccess) -> Type:
        """The type of an entry by a computed key, `owner[key]`; a fault where the owner takes no such key."""
        owner, key = self.type_of_node(node.owner), self.type_of_node(node.key)
        if owner.name == "any":
            return ANY
        if owner.name == "array":
            if key.name == "string" and owner.is_spread_result:
                return ANY
            if key.name not in ("number", "any"):
                return self.add_fault("type", node, "array-key", kind=_type_name(key))
            return owner.item_type or ANY
        if owner.name != "object":
            return self.add_fault("type", node, "entry", path=_path_text(node), kind=_type_name(owner))
        if isinstance(node.key, ex.Literal) and isinstance(node.key.value, str):
            return self.type_of_member(node, owner, node.key.value)
        if key.name not in ("string", "any"):
            return self.add_fault("type", node, "object-key", kind=_type_name(key))
        return owner.other_properties or ANY

    def type_of_star(self, node: ex.StarAccess) -> Type:
        """The type of `owner.*`: an array of what all entries have in common."""
        owner = self.type_of_node(node.owner)
        if owner.name == "array":
            return array_type(owner.item_type or ANY, spread=True)
        if owner.name == "object":
            entry = owner.other_properties
            for kind in owner.properties.values():
                entry = kind if entry is None else union_type(entry, kind)
            return array_type(entry or ANY, spread=True)
        if owner.name == "any":
            return array_type(ANY, spread=True)
        return self.add_fault("type", node, "entries", path=_path_text(node), kind=_type_name(owner))

    def type_of_binary(self, node: ex.BinaryOperation) -> Type:
        """An operator; `&&` and `||` give one of their sides."""
        left, right = self.type_of_node(node.left), self.type_of_node(node.right)
        if node.operator in ("&&", "||"):
            return union_type(left, right)
        wrong = ("object", "array") if node.operator in ("==", "!=") else ("object", "array", "boolean", "null")
        for side, other in ((left, right), (right, left)):
            if node.operator in ("==", "!=") and other.name in ("null", side.name):
                continue
            if side.name in wrong and other.name != "any":
                names = {"left": _type_name(left), "right": _type_name(right)}
                self.add_fault("type", node, "compared", **names, operator=node.operator)
                break
        return BOOLEAN

    def type_of_call(self, node: ex.FunctionCall) -> Type:
        """The type that a function returns; a fault for an unknown function, wrong arguments or a wrong place."""
        name = node.name.lower()
        kinds = [self.type_of_node(argument) for argument in node.arguments]
        if name not in _FUNCTION_SIGNATURES:
            hint = spelling.did_you_mean_text(name, _FUNCTION_SIGNATURES)
            return self.add_fault("call", node, "function", name=node.name, hint=hint)
        if name not in _FUNCTIONS_AVAILABLE_EVERYWHERE and name not in self.scope.extra_functions:
            return self.add_fault("unavailable", node, "function", name=node.name)
        least, most, gives = _FUNCTION_SIGNATURES[name]
        if name in ("success", "failure") and not self.scope.of_jobs:
            most = 0
        if len(kinds) < least or (most is not None and len(kinds) > most):
            facts: dict[str, FactValue] = {"name": node.name, "count": len(kinds), "least": least}
            if most is None:
                return self.add_fault("call", node, "too-few", **facts)
            if least == most:
                return self.add_fault("call", node, "count", **facts)
            return self.add_fault("call", node, "range", **facts, most=most)
        if name == "case" and len(kinds) % 2 == 0:
            return self.add_fault("call", node, "case", count=len(kinds))
        self.check_arguments(node, name, kinds)
        if name == "fromjson":
            return self.json_type(node.arguments[0])
        return gives

    def json_type(self, node: ex.Node) -> Type:
        """The type of the JSON in a literal given to fromJSON: ANY where it is computed, a fault where it is no JSON."""
        if not isinstance(node, ex.Literal) or not isinstance(node.value, str):
            return ANY
        try:
            return type_of_value(json.loads(node.value))
        except RecursionError:
            return ANY
        except ValueError:
            return self.add_fault("call", node, "json")

    def check_arguments(self, node: ex.FunctionCall, name: str, argument_types: list[Type]) -> None:
        """Add faults for the number and the types of a function's arguments."""
        texts = {
            "startswith": (0, 1),
            "endswith": (0, 1),
            "fromjson": (0,),
            "format": (0,),
        }
        for at in texts.get(name, range(len(argument_types)) if name == "hashfiles" else ()):
            if argument_types[at].name in ("object", "array"):
                kind = _type_name(argument_types[at])
                self.add_fault("type", node.arguments[at], "argument", name=node.name, kind=kind)
        if name in ("contains", "join") and argument_types[0].name == "object":
            self.add_fault("type", node.arguments[0], "object-argument", name=node.name)
        if name == "format" and isinstance(node.arguments[0], ex.Literal):
            self.check_format_placeholders(node, str(node.arguments[0].value))

    def check_format_placeholders(self, node: ex.FunctionCall, pattern: str) -> None:
        """The numbers in a format against its values."""
        used = {int(match.group(1)) for match in _PLACEHOLDER.finditer(pattern) if match.group(1)}
        given = len(node.arguments) - 1
        for number in sorted(used):
            if number >= given:
                self.add_fault("call", node, "format-lacks", number=number, given=given)
        for number in range(given):
            if number not in used:
                self.add_fault("call", node, "format-leaves", number=number)


def _path_text(node: ex.Node) -> str:
    return ".".join(ex.access_path(node) or ("the value",))


def _type_name(kind: Type) -> str:
    return kind.name_with_article
