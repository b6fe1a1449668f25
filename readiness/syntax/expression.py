"""The expression language of GitHub Actions: what stands between `${{` and `}}`, as a tree with places.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.model import Span

MAX_DEPTH = 50  # the runner's own limit
MAX_CHAIN = 150  # ours: a tree that deep is still walked with ease
MAX_LENGTH = 21_000  # the runner's own limit


class ExpressionError(Exception):
    """An expression that does not parse: the reason, and the offset in its text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: string, number, boolean or null."""

    value: str | float | bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A context by its name, as `github` in `github.ref`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Member:
    """A property: `owner.name`."""

    owner: Node
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """A property or an entry by a computed key: `owner[key]`."""

    owner: Node
    key: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Star:
    """All entries: `owner.*` or `owner[*]`."""

    owner: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function call: its name as written and its arguments."""

    name: str
    arguments: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """Negation, `!operand`."""

    operand: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison, `&&` or `||`."""

    operator: str
    left: Node
    right: Node
    span: Span


Node = Literal | Name | Member | Index | Star | Call | Not | Binary


@dataclass(frozen=True, slots=True)
class Template:
    """One `${{ }}` in a text: the span of all of it, where its body begins, and the body."""

    span: Span
    start: int
    body: str
    closed: bool = True


def templates(text: str) -> Iterator[Template]:
    """Each `${{ }}` of a text; a `}}` inside a string ends nothing."""
    at = text.find("${{")
    while at >= 0:
        position, quoted = at + 3, False
        while position < len(text):
            char = text[position]
            if char == "'":
                quoted = not quoted
            elif not quoted and char == "}" and text.startswith("}}", position):
                break
            position += 1
        if position >= len(text):
            yield Template(Span(at, len(text)), at + 3, text[at + 3 :], False)
            return
        yield Template(Span(at, position + 2), at + 3, text[at + 3 : position])
        at = text.find("${{", position + 2)


_TOKEN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"|\.[0-9]+(?:[eE][+-]?[0-9]+)?))(?![A-Za-z0-9_])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<string>'[^']*')"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[][()<>!.,*])"
)
_PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
_WORDS: dict[str, float | bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "nan": float("nan"),
    "infinity": float("inf"),
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    span: Span


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            reason = (
                "string without a closing quote" if text[at] == "'" else f"unexpected {text[at]!r}"
            )
            if text[at] == '"':
                reason = "strings stand in single quotes"
            raise ExpressionError(reason, at)
        kind = str(match.lastgroup)
        span = Span(at, match.end())
        at = match.end()
        if (
            kind == "string"
            and tokens
            and tokens[-1].kind == "string"
            and tokens[-1].span.end == span.start
        ):
            before = tokens.pop()  # '' inside a string is a quote: 'it''s' is one string
            span = Span(before.span.start, span.end)
            tokens.append(_Token(kind, text[span.start : span.end], span))
        elif kind != "blank":
            tokens.append(_Token(kind, match.group(), span))
    tokens.append(_Token("end", "", Span(len(text), len(text))))
    return tokens


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, text: str) -> _Token:
        token = self.peek()
        if token.text != text or token.kind != "op":
            raise ExpressionError(
                f"expected {text!r} before {_token_text(token)}", token.span.start
            )
        return self.take()

    def whole(self) -> Node:
        if self.peek().kind == "end":
            raise ExpressionError("the expression is empty", 0)
        node = self.binary(1)
        token = self.peek()
        if token.kind != "end":
            raise ExpressionError(
                f"unexpected {_token_text(token)} after the expression", token.span.start
            )
        return node

    def binary(self, least: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self.peek().span.start)
        left = self.unary()
        chain = 0
        while (rank := _PRECEDENCE.get(self.peek().text, 0)) >= least and self.peek().kind == "op":
            operator = self.take()
            chain += 1
            if chain > MAX_CHAIN:
                raise ExpressionError("too many operators in a row", operator.span.start)
            right = self.binary(rank + 1)
            left = Binary(operator.text, left, right, Span(left.span.start, right.span.end))
        self.depth -= 1
        return left

    def unary(self) -> Node:
        start = self.peek().span.start
        count = 0
        while self.peek().text == "!" and self.peek().kind == "op":
            self.take()
            count += 1
        if count > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", start)
        node = self.postfix()
        for _ in range(count):
            node = Not(node, Span(start, node.span.end))
        return node

    def postfix(self) -> Node:
        node = self.primary()
        for _ in range(MAX_DEPTH * 4):
            token = self.peek()
            if token.kind != "op" or token.text not in (".", "["):
                return node
            self.take()
            node = self.member(node) if token.text == "." else self.index(node)
        raise ExpressionError("too many properties in a row", self.peek().span.start)

    def member(self, owner: Node) -> Node:
        token = self.take()
        span = Span(owner.span.start, token.span.end)
        if token.kind == "name":
            return Member(owner, token.text, span)
        if token.text == "*" and token.kind == "op":
            return Star(owner, span)
        raise ExpressionError(
            f"expected a property's name before {_token_text(token)}", token.span.start
        )

    def index(self, owner: Node) -> Node:
        if self.peek().text == "*" and self.peek().kind == "op":
            self.take()
            return Star(owner, Span(owner.span.start, self.expect("]").span.end))
        key = self.binary(1)
        return Index(owner, key, Span(owner.span.start, self.expect("]").span.end))

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"), token.span)
        if token.kind == "number":
            return Literal(_number(token.text), token.span)
        if token.kind == "name":
            if self.peek().text == "(" and self.peek().kind == "op":
                return self.call(token)
            if token.text.lower() in _WORDS and token.text in (
                token.text.lower(),
                "NaN",
                "Infinity",
            ):
                return Literal(_WORDS[token.text.lower()], token.span)
            return Name(token.text, token.span)
        if token.text == "(" and token.kind == "op":
            node = self.binary(1)
            self.expect(")")
            return node
        raise ExpressionError(f"expected a value before {_token_text(token)}", token.span.start)

    def call(self, name: _Token) -> Node:
        self.take()
        arguments: list[Node] = []
        if self.peek().text != ")" or self.peek().kind != "op":
            arguments.append(self.binary(1))
            while self.peek().text == "," and self.peek().kind == "op":
                self.take()
                arguments.append(self.binary(1))
        close = self.expect(")")
        return Call(name.text, tuple(arguments), Span(name.span.start, close.span.end))


def _token_text(token: _Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _number(text: str) -> float:
    digits = text.lstrip("+-").lower()
    sign = -1 if text.startswith("-") else 1
    if digits.startswith(("0x", "0o")):
        value = int(digits, 0)
        return sign * float(value) if value < 1 << 1000 else float("inf")
    return float(text)


def parse_expression(text: str) -> Node:
    """The tree of an expression's body; offsets count from the body's first character.

    Raises ExpressionError with the reason and the offset.
    """
    return _Parser(text).whole()


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one."""
    if isinstance(node, Member | Star):
        return (node.owner,)
    if isinstance(node, Index):
        return (node.owner, node.key)
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Not):
        return (node.operand,)
    return (node.left, node.right) if isinstance(node, Binary) else ()


def walk_tree(node: Node) -> Iterator[Node]:
    """The node and every one below it, owners after what they own."""
    stack = [node]
    while stack:
        item = stack.pop()
        yield item
        stack.extend(reversed(children(item)))


def access_path(node: Node) -> tuple[str, ...] | None:
    """The parts of `github.event['issue'].title` in lower case; `*` for a star or a computed key; None if no context.

    Contexts, properties and functions are compared without regard to case, as the runner does.
    """
    parts: list[str] = []
    while not isinstance(node, Name):
        if isinstance(node, Member):
            parts.append(node.name.lower())
        elif isinstance(node, Index):
            key = node.key
            parts.append(
                key.value.lower()
                if isinstance(key, Literal) and isinstance(key.value, str)
                else "*"
            )
        elif isinstance(node, Star):
            parts.append("*")
        else:
            return None
        node = node.owner
    parts.append(node.name.lower())
    return tuple(reversed(parts))


def accesses(node: Node) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """The contexts that an expression reads, each as its longest path: `github.ref`, not `github` too."""
    stack = [node]
    while stack:
        item = stack.pop()
        path = access_path(item) if isinstance(item, Name | Member | Index | Star) else None
        if path is None:
            stack.extend(reversed(children(item)))
            continue
        yield item, path
        while not isinstance(item, Name):
            if isinstance(item, Index):
                stack.append(item.key)
            item = item.owner  # type: ignore[union-attr]
