"""Types of GitHub's expressions: what a context holds, what a function takes and gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.model import Span, join_names, spelling
from readiness.syntax import expression as ex
from readiness.syntax.holes import has_expression


@dataclass(frozen=True, slots=True)
class Type:
    """A type: `any`, a scalar, an object with known properties (and `rest` for others), an array.

    `spread` marks the array that `.*` gives: its members' properties can be asked for.
    """

    name: str
    known: Mapping[str, Type] = field(default_factory=dict)
    rest: Type | None = None
    entry: Type | None = None
    spread: bool = False

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
    return Type("array", entry=entry, spread=spread)


ANYTHING = object_type({}, ANY)
STRINGS = object_type({}, STRING)


def union_type(first: Type, second: Type) -> Type:
    """The narrowest type that admits values of both."""
    if first is second or first == second:
        return first
    if first.name == second.name == "object":
        known = dict(first.known)
        for name, kind in second.known.items():
            known[name] = union_type(known[name], kind) if name in known else kind
        return Type("object", known, first.rest or second.rest)
    if first.name == second.name == "array":
        return array_type(union_type(first.entry or ANY, second.entry or ANY))
    return ANY


MOST = 2000  # values inside of one; aliases of aliases stand for more than anybody writes


def type_of_value(value: Any) -> Type:
    """The type of a YAML or JSON value without expressions."""
    return _type_of_value(value, iter(range(MOST)), 0)


def _type_of_value(value: Any, left: Iterator[int], depth: int) -> Type:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING if not has_expression(value) else ANY
    if value is None:
        return NULL
    if depth > 20 or next(left, None) is None:
        return ANY
    if isinstance(value, dict):
        return object_type(
            {str(name): _type_of_value(item, left, depth + 1) for name, item in value.items()}
        )
    entry: Type | None = None
    for item in value:
        kind = _type_of_value(item, left, depth + 1)
        entry = kind if entry is None else union_type(entry, kind)
    return array_type(entry or ANY)


@dataclass(frozen=True, slots=True)
class TypeFault:
    """What is wrong in an expression: `code` is call, undefined, unavailable or type."""

    code: str
    span: Span
    what: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may use at its place: the contexts' types, which stand there, and extra functions.

    `of_jobs`: success() and failure() may name jobs, as in the condition of a job.
    """

    contexts: Mapping[str, Type]
    allowed: frozenset[str]
    functions: frozenset[str] = frozenset()
    of_jobs: bool = False


# name: (fewest arguments, most arguments or None, type of what it gives)
_FUNCTIONS: dict[str, tuple[int, int | None, Type]] = {
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
_EVERYWHERE = frozenset(
    {"contains", "startswith", "endswith", "format", "join", "tojson", "fromjson", "case"}
)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]{1,4})\}")


class Checker:
    """One walk over a tree: gives its type and collects what is wrong."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.faults: list[TypeFault] = []

    def fault(self, code: str, node: ex.Node, what: str) -> Type:
        """Note what is wrong; nothing is known of the value."""
        self.faults.append(TypeFault(code, node.span, what))
        return ANY

    def check(self, node: ex.Node) -> Type:
        """The type of an expression's tree; faults on the way are added to `faults`."""
        if isinstance(node, ex.Literal):
            return type_of_value(node.value)
        if isinstance(node, ex.Name):
            return self.context(node)
        if isinstance(node, ex.Member):
            return self.member(node, self.check(node.owner), node.name)
        if isinstance(node, ex.Index):
            return self.index(node)
        if isinstance(node, ex.Star):
            return self.star(node)
        if isinstance(node, ex.Call):
            return self.call(node)
        if isinstance(node, ex.Not):
            self.check(node.operand)
            return BOOLEAN
        return self.binary(node)

    def context(self, node: ex.Name) -> Type:
        """The type of a context by its name; a fault where it is unknown or not available at this place."""
        name = node.name.lower()
        if name not in self.scope.contexts:
            return self.fault(
                "undefined",
                node,
                f"there is no context {node.name!r}{spelling.hint(name, self.scope.contexts)}",
            )
        if name not in self.scope.allowed:
            there = (
                f"only {join_names(sorted(self.scope.allowed))}"
                if self.scope.allowed
                else "none is"
            )
            return self.fault(
                "unavailable", node, f"context {node.name!r} is not available here, {there}"
            )
        return self.scope.contexts[name]

    def member(self, node: ex.Node, owner: Type, name: str) -> Type:
        """The type of a property; a fault where the object is known not to have it."""
        if owner.name == "any":
            return ANY
        if owner.name == "object":
            member = owner.known.get(name.lower(), owner.rest)
            if member is None:
                hint = spelling.hint(name, owner.known)
                return self.fault("undefined", node, f"there is no {_path_text(node)!r}{hint}")
            return member
        if owner.name == "array" and owner.spread:
            return array_type(
                self.member(node, owner.entry or ANY, name) if owner.entry else ANY, spread=True
            )
        return self.fault(
            "type", node, f"{_path_text(node)!r} asks for a property of {_type_name(owner)}"
        )

    def index(self, node: ex.Index) -> Type:
        """The type of an entry by a computed key, `owner[key]`; a fault where the owner takes no such key."""
        owner, key = self.check(node.owner), self.check(node.key)
        if owner.name == "any":
            return ANY
        if owner.name == "array":
            if key.name == "string" and owner.spread:
                return ANY
            if key.name not in ("number", "any"):
                return self.fault(
                    "type", node, f"an entry of an array is asked for by {_type_name(key)}"
                )
            return owner.entry or ANY
        if owner.name != "object":
            return self.fault(
                "type", node, f"{_path_text(node)!r} asks for an entry of {_type_name(owner)}"
            )
        if isinstance(node.key, ex.Literal) and isinstance(node.key.value, str):
            return self.member(node, owner, node.key.value)
        if key.name not in ("string", "any"):
            return self.fault(
                "type", node, f"a property is asked for by {_type_name(key)}; a string is allowed"
            )
        return owner.rest or ANY

    def star(self, node: ex.Star) -> Type:
        """The type of `owner.*`: an array of what all entries have in common."""
        owner = self.check(node.owner)
        if owner.name == "array":
            return array_type(owner.entry or ANY, spread=True)
        if owner.name == "object":
            entry = owner.rest
            for kind in owner.known.values():
                entry = kind if entry is None else union_type(entry, kind)
            return array_type(entry or ANY, spread=True)
        if owner.name == "any":
            return array_type(ANY, spread=True)
        return self.fault(
            "type", node, f"{_path_text(node)!r} asks for the entries of {_type_name(owner)}"
        )

    def binary(self, node: ex.Binary) -> Type:
        """An operator; `&&` and `||` give one of their sides."""
        left, right = self.check(node.left), self.check(node.right)
        if node.operator in ("&&", "||"):
            return union_type(left, right)
        wrong = (
            ("object", "array")
            if node.operator in ("==", "!=")
            else ("object", "array", "boolean", "null")
        )
        for side, other in ((left, right), (right, left)):
            if node.operator in ("==", "!=") and other.name in ("null", side.name):
                continue
            if side.name in wrong and other.name != "any":
                self.fault(
                    "type",
                    node,
                    f"{_type_name(left)} is compared with {_type_name(right)} by {node.operator}",
                )
                break
        return BOOLEAN

    def call(self, node: ex.Call) -> Type:
        """The type that a function returns; a fault for an unknown function, wrong arguments or a wrong place."""
        name = node.name.lower()
        kinds = [self.check(argument) for argument in node.arguments]
        if name not in _FUNCTIONS:
            return self.fault(
                "call", node, f"there is no function {node.name!r}{spelling.hint(name, _FUNCTIONS)}"
            )
        if name not in _EVERYWHERE and name not in self.scope.functions:
            return self.fault("unavailable", node, f"function {node.name}() is not available here")
        least, most, gives = _FUNCTIONS[name]
        if name in ("success", "failure") and not self.scope.of_jobs:
            most = 0
        if len(kinds) < least or (most is not None and len(kinds) > most):
            allowed = (
                str(least)
                if least == most
                else f"{least} to {most}"
                if most
                else f"{least} or more"
            )
            return self.fault(
                "call", node, f"{node.name}() has {len(kinds)} arguments; {allowed} are allowed"
            )
        if name == "case" and len(kinds) % 2 == 0:
            return self.fault(
                "call",
                node,
                f"case() has {len(kinds)} arguments; pairs and a default are an odd number",
            )
        self.arguments(node, name, kinds)
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
            return self.fault("call", node, "fromJSON() is given a text that is no JSON")

    def arguments(self, node: ex.Call, name: str, kinds: list[Type]) -> None:
        """Add faults for the number and the types of a function's arguments."""
        texts = {
            "startswith": (0, 1),
            "endswith": (0, 1),
            "fromjson": (0,),
            "format": (0,),
        }
        for at in texts.get(name, range(len(kinds)) if name == "hashfiles" else ()):
            if kinds[at].name in ("object", "array"):
                self.fault(
                    "type",
                    node.arguments[at],
                    f"{node.name}() is given {_type_name(kinds[at])}; a string is allowed",
                )
        if name in ("contains", "join") and kinds[0].name == "object":
            self.fault(
                "type",
                node.arguments[0],
                f"{node.name}() is given an object; a string or an array is allowed",
            )
        if name == "format" and isinstance(node.arguments[0], ex.Literal):
            self.placeholders(node, str(node.arguments[0].value))

    def placeholders(self, node: ex.Call, pattern: str) -> None:
        """The numbers in a format against its values."""
        used = {int(match.group(1)) for match in _PLACEHOLDER.finditer(pattern) if match.group(1)}
        given = len(node.arguments) - 1
        for number in sorted(used):
            if number >= given:
                self.fault("call", node, f"format() uses {{{number}}} and is given {given} values")
        for number in range(given):
            if number not in used:
                self.fault(
                    "call",
                    node,
                    f"format() is given a value that {{{number}}} would show, and does not use it",
                )


def _path_text(node: ex.Node) -> str:
    return ".".join(ex.access_path(node) or ("the value",))


def _type_name(kind: Type) -> str:
    return kind.name_with_article
