"""Types of GitHub's expressions: what a context holds, what a function takes and gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.model import Span, join_names, spelling
from readiness.model.messages import Value
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
    """What is wrong in an expression: `code` is call, undefined, unavailable or type.

    `say` names the sentence that rules have for it, `facts` fill that.
    """

    code: str
    span: Span
    say: str
    facts: Mapping[str, Value]


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

    def fault(self, code: str, node: ex.Node, say: str, **facts: Value) -> Type:
        """Note what is wrong; nothing is known of the value."""
        self.faults.append(TypeFault(code, node.span, say, facts))
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
            hint = spelling.hint(name, self.scope.contexts)
            return self.fault("undefined", node, "context", name=node.name, hint=hint)
        if name not in self.scope.allowed and self.scope.allowed:
            names = join_names(sorted(self.scope.allowed))
            return self.fault("unavailable", node, "only", name=node.name, allowed=names)
        if name not in self.scope.allowed:
            return self.fault("unavailable", node, "none", name=node.name)
        return self.scope.contexts[name]

    def member(self, node: ex.Node, owner: Type, name: str) -> Type:
        """The type of a property; a fault where the object is known not to have it."""
        if owner.name == "any":
            return ANY
        if owner.name == "object":
            member = owner.known.get(name.lower(), owner.rest)
            if member is None:
                hint = spelling.hint(name, owner.known)
                return self.fault("undefined", node, "property", path=_path_text(node), hint=hint)
            return member
        if owner.name == "array" and owner.spread:
            return array_type(
                self.member(node, owner.entry or ANY, name) if owner.entry else ANY, spread=True
            )
        return self.fault("type", node, "property", path=_path_text(node), kind=_type_name(owner))

    def index(self, node: ex.Index) -> Type:
        """The type of an entry by a computed key, `owner[key]`; a fault where the owner takes no such key."""
        owner, key = self.check(node.owner), self.check(node.key)
        if owner.name == "any":
            return ANY
        if owner.name == "array":
            if key.name == "string" and owner.spread:
                return ANY
            if key.name not in ("number", "any"):
                return self.fault("type", node, "array-key", kind=_type_name(key))
            return owner.entry or ANY
        if owner.name != "object":
            return self.fault("type", node, "entry", path=_path_text(node), kind=_type_name(owner))
        if isinstance(node.key, ex.Literal) and isinstance(node.key.value, str):
            return self.member(node, owner, node.key.value)
        if key.name not in ("string", "any"):
            return self.fault("type", node, "object-key", kind=_type_name(key))
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
        return self.fault("type", node, "entries", path=_path_text(node), kind=_type_name(owner))

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
                names = {"left": _type_name(left), "right": _type_name(right)}
                self.fault("type", node, "compared", **names, operator=node.operator)
                break
        return BOOLEAN

    def call(self, node: ex.Call) -> Type:
        """The type that a function returns; a fault for an unknown function, wrong arguments or a wrong place."""
        name = node.name.lower()
        kinds = [self.check(argument) for argument in node.arguments]
        if name not in _FUNCTIONS:
            hint = spelling.hint(name, _FUNCTIONS)
            return self.fault("call", node, "function", name=node.name, hint=hint)
        if name not in _EVERYWHERE and name not in self.scope.functions:
            return self.fault("unavailable", node, "function", name=node.name)
        least, most, gives = _FUNCTIONS[name]
        if name in ("success", "failure") and not self.scope.of_jobs:
            most = 0
        if len(kinds) < least or (most is not None and len(kinds) > most):
            facts: dict[str, Value] = {"name": node.name, "count": len(kinds), "least": least}
            if most is None:
                return self.fault("call", node, "too-few", **facts)
            if least == most:
                return self.fault("call", node, "count", **facts)
            return self.fault("call", node, "range", **facts, most=most)
        if name == "case" and len(kinds) % 2 == 0:
            return self.fault("call", node, "case", count=len(kinds))
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
            return self.fault("call", node, "json")

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
                kind = _type_name(kinds[at])
                self.fault("type", node.arguments[at], "argument", name=node.name, kind=kind)
        if name in ("contains", "join") and kinds[0].name == "object":
            self.fault("type", node.arguments[0], "object-argument", name=node.name)
        if name == "format" and isinstance(node.arguments[0], ex.Literal):
            self.placeholders(node, str(node.arguments[0].value))

    def placeholders(self, node: ex.Call, pattern: str) -> None:
        """The numbers in a format against its values."""
        used = {int(match.group(1)) for match in _PLACEHOLDER.finditer(pattern) if match.group(1)}
        given = len(node.arguments) - 1
        for number in sorted(used):
            if number >= given:
                self.fault("call", node, "format-lacks", number=number, given=given)
        for number in range(given):
            if number not in used:
                self.fault("call", node, "format-leaves", number=number)


def _path_text(node: ex.Node) -> str:
    return ".".join(ex.access_path(node) or ("the value",))


def _type_name(kind: Type) -> str:
    return kind.name_with_article
