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
class ContextName:
    """A context by its name, as `github` in `github.ref`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """A property: `owner.name`."""

    owner: Node
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class IndexAccess:
    """A property or an entry by a computed key: `owner[key]`."""

    owner: Node
    key: Node
    span: Span


@dataclass(frozen=True, slots=True)
class StarAccess:
    """All entries: `owner.*` or `owner[*]`."""

    owner: Node
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call: its name as written and its arguments."""

    name: str
    arguments: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negation:
    """Negation, `!operand`."""

    operand: Node
    span: Span


@dataclass(frozen=True, slots=True)
class BinaryOperation:
    """A comparison, `&&` or `||`."""

    operator: str
    left: Node
    right: Node
    span: Span


Node = Literal | ContextName | MemberAccess | IndexAccess | StarAccess | FunctionCall | Negation | BinaryOperation


@dataclass(frozen=True, slots=True)
class BracedExpression:
    """One `${{ }}` in a text: the span of all of it, where its body begins, and the body."""

    span: Span
    body_start: int
    inner_text: str
    is_closed: bool = True


def braced_expressions(text: str) -> Iterator[BracedExpression]:
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
            yield BracedExpression(Span(at, len(text)), at + 3, text[at + 3 :], False)
            return
        yield BracedExpression(Span(at, position + 2), at + 3, text[at + 3 : position])
        at = text.find("${{", position + 2)


_TOKEN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"|\.[0-9]+(?:[eE][+-]?[0-9]+)?))(?![A-Za-z0-9_])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<string>'[^']*')"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[][()<>!.,*])"
)
_OPERATOR_PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
_KEYWORD_VALUES: dict[str, float | bool | None] = {
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


def _tokenize(text: str) -> list[_Token]:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", 0)
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            reason = "string without a closing quote" if text[at] == "'" else f"unexpected {text[at]!r}"
            if text[at] == '"':
                reason = "strings stand in single quotes"
            raise ExpressionError(reason, at)
        kind = str(match.lastgroup)
        span = Span(at, match.end())
        at = match.end()
        if kind == "string" and tokens and tokens[-1].kind == "string" and tokens[-1].span.end == span.start:
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
        self.tokens = _tokenize(text)
        self.at = 0
        self.depth = 0

    def peek_token(self) -> _Token:
        return self.tokens[self.at]

    def next_token(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, text: str) -> _Token:
        token = self.peek_token()
        if token.text != text or token.kind != "op":
            raise ExpressionError(f"expected {text!r} before {_token_text(token)}", token.span.start)
        return self.next_token()

    def parse_whole(self) -> Node:
        if self.peek_token().kind == "end":
            raise ExpressionError("the expression is empty", 0)
        node = self.parse_binary(1)
        token = self.peek_token()
        if token.kind != "end":
            raise ExpressionError(f"unexpected {_token_text(token)} after the expression", token.span.start)
        return node

    def parse_binary(self, min_precedence: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self.peek_token().span.start)
        left = self.parse_unary()
        chain = 0
        while (
            rank := _OPERATOR_PRECEDENCE.get(self.peek_token().text, 0)
        ) >= min_precedence and self.peek_token().kind == "op":
            operator = self.next_token()
            chain += 1
            if chain > MAX_CHAIN:
                raise ExpressionError("too many operators in a row", operator.span.start)
            right = self.parse_binary(rank + 1)
            left = BinaryOperation(operator.text, left, right, Span(left.span.start, right.span.end))
        self.depth -= 1
        return left

    def parse_unary(self) -> Node:
        start = self.peek_token().span.start
        count = 0
        while self.peek_token().text == "!" and self.peek_token().kind == "op":
            self.next_token()
            count += 1
        if count > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", start)
        node = self.parse_postfix()
        for _ in range(count):
            node = Negation(node, Span(start, node.span.end))
        return node

    def parse_postfix(self) -> Node:
        node = self.parse_primary()
        for _ in range(MAX_DEPTH * 4):
            token = self.peek_token()
            if token.kind != "op" or token.text not in (".", "["):
                return node
            self.next_token()
            node = self.parse_member(node) if token.text == "." else self.parse_index(node)
        raise ExpressionError("too many properties in a row", self.peek_token().span.start)

    def parse_member(self, owner: Node) -> Node:
        token = self.next_token()
        span = Span(owner.span.start, token.span.end)
        if token.kind == "name":
            return MemberAccess(owner, token.text, span)
        if token.text == "*" and token.kind == "op":
            return StarAccess(owner, span)
        raise ExpressionError(f"expected a property's name before {_token_text(token)}", token.span.start)

    def parse_index(self, owner: Node) -> Node:
        if self.peek_token().text == "*" and self.peek_token().kind == "op":
            self.next_token()
            return StarAccess(owner, Span(owner.span.start, self.expect("]").span.end))
        key = self.parse_binary(1)
        return IndexAccess(owner, key, Span(owner.span.start, self.expect("]").span.end))

    def parse_primary(self) -> Node:
        token = self.next_token()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"), token.span)
        if token.kind == "number":
            return Literal(_parse_number(token.text), token.span)
        if token.kind == "name":
            if self.peek_token().text == "(" and self.peek_token().kind == "op":
                return self.parse_call(token)
            if token.text.lower() in _KEYWORD_VALUES and token.text in (
                token.text.lower(),
                "NaN",
                "Infinity",
            ):
                return Literal(_KEYWORD_VALUES[token.text.lower()], token.span)
            return ContextName(token.text, token.span)
        if token.text == "(" and token.kind == "op":
            node = self.parse_binary(1)
            self.expect(")")
            return node
        raise ExpressionError(f"expected a value before {_token_text(token)}", token.span.start)

    def parse_call(self, name: _Token) -> Node:
        self.next_token()
        arguments: list[Node] = []
        if self.peek_token().text != ")" or self.peek_token().kind != "op":
            arguments.append(self.parse_binary(1))
            while self.peek_token().text == "," and self.peek_token().kind == "op":
                self.next_token()
                arguments.append(self.parse_binary(1))
        close = self.expect(")")
        return FunctionCall(name.text, tuple(arguments), Span(name.span.start, close.span.end))


def _token_text(token: _Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _parse_number(text: str) -> float:
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
    return _Parser(text).parse_whole()


def child_nodes(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one."""
    if isinstance(node, MemberAccess | StarAccess):
        return (node.owner,)
    if isinstance(node, IndexAccess):
        return (node.owner, node.key)
    if isinstance(node, FunctionCall):
        return node.arguments
    if isinstance(node, Negation):
        return (node.operand,)
    return (node.left, node.right) if isinstance(node, BinaryOperation) else ()


def walk_tree(node: Node) -> Iterator[Node]:
    """The node and every one below it, owners after what they own."""
    stack = [node]
    while stack:
        item = stack.pop()
        yield item
        stack.extend(reversed(child_nodes(item)))


def access_path(node: Node) -> tuple[str, ...] | None:
    """The parts of `github.event['issue'].title` in lower case; `*` for a star or a computed key; None if no context.

    Contexts, properties and functions are compared without regard to case, as the runner does.
    """
    parts: list[str] = []
    while not isinstance(node, ContextName):
        if isinstance(node, MemberAccess):
            parts.append(node.name.lower())
        elif isinstance(node, IndexAccess):
            key = node.key
            parts.append(key.value.lower() if isinstance(key, Literal) and isinstance(key.value, str) else "*")
        elif isinstance(node, StarAccess):
            parts.append("*")
        else:
            return None
        node = node.owner
    parts.append(node.name.lower())
    return tuple(reversed(parts))


def context_accesses(node: Node) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """The contexts that an expression reads, each as its longest path: `github.ref`, not `github` too."""
    stack = [node]
    while stack:
        item = stack.pop()
        path = access_path(item) if isinstance(item, ContextName | MemberAccess | IndexAccess | StarAccess) else None
        if path is None:
            stack.extend(reversed(child_nodes(item)))
            continue
        yield item, path
        while not isinstance(item, ContextName):
            if isinstance(item, IndexAccess):
                stack.append(item.key)
            item = item.owner  # type: ignore[union-attr]
