"""The expression language of GitHub Actions: what stands between `${{` and `}}`, as a tree with places.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.model import Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

MAX_EXPRESSION_DEPTH = 50  # the runner's own limit
MAX_CHAINED_OPERATORS = 150  # ours: a tree that deep is still walked with ease
MAX_EXPRESSION_LENGTH = 21_000  # the runner's own limit


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

    owner: ExpressionNode
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class IndexAccess:
    """A property or an entry by a computed key: `owner[key]`."""

    owner: ExpressionNode
    key: ExpressionNode
    span: Span


@dataclass(frozen=True, slots=True)
class StarAccess:
    """All entries: `owner.*` or `owner[*]`."""

    owner: ExpressionNode
    span: Span


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call: its name as written and its arguments."""

    name: str
    arguments: tuple[ExpressionNode, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negation:
    """Negation, `!operand`."""

    operand: ExpressionNode
    span: Span


@dataclass(frozen=True, slots=True)
class BinaryOperation:
    """A comparison, `&&` or `||`."""

    operator: str
    left: ExpressionNode
    right: ExpressionNode
    span: Span


ExpressionNode = Literal | ContextName | MemberAccess | IndexAccess | StarAccess | FunctionCall | Negation | BinaryOperation


@dataclass(frozen=True, slots=True)
class BracedExpression:
    """One `${{ }}` in a text: the span of all of it, where its body begins, and the body."""

    span: Span
    body_start: int
    inner_text: str
    is_closed: bool = True


def braced_expressions(text: str) -> Iterator[BracedExpression]:
    """Each `${{ }}` of a text; a `}}` inside a string ends nothing."""
    opening_offset = text.find("${{")
    while opening_offset >= 0:
        closing_offset = _offset_of_closing_braces(text, opening_offset + 3)
        if closing_offset < 0:
            yield BracedExpression(Span(opening_offset, len(text)), opening_offset + 3, text[opening_offset + 3 :], False)
            return
        yield BracedExpression(Span(opening_offset, closing_offset + 2), opening_offset + 3, text[opening_offset + 3 : closing_offset])
        opening_offset = text.find("${{", closing_offset + 2)


def _offset_of_closing_braces(text: str, body_start: int) -> int:
    """Where the `}}` of an expression stands, by strings that begin before it and end; negative where it has none."""
    offset = body_start
    while (closing_offset := text.find("}}", offset)) >= 0:
        if text.count("'", offset, closing_offset) % 2 == 0:
            return closing_offset
        string_end = text.find("'", closing_offset)
        if string_end < 0:
            return -1
        offset = string_end + 1
    return -1


_TOKEN_REGEX = lazy_regex(
    r"(?P<blank>\s+)"
    r"|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"|\.[0-9]+(?:[eE][+-]?[0-9]+)?))(?![A-Za-z0-9_])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<string>'[^']*')"
    r"|(?P<op>&&|\|\||==|!=|<=|>=|[][()<>!.,*])"
)
_PRECEDENCE_BY_OPERATOR = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
_VALUE_BY_KEYWORD: dict[str, float | bool | None] = {
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
    if len(text) > MAX_EXPRESSION_LENGTH:
        raise ExpressionError(f"longer than {MAX_EXPRESSION_LENGTH} characters", 0)
    tokens: list[_Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN_REGEX.match(text, offset)
        if match is None:
            reason = "string without a closing quote" if text[offset] == "'" else f"unexpected {text[offset]!r}"
            if text[offset] == '"':
                reason = "strings stand in single quotes"
            raise ExpressionError(reason, offset)
        lexeme_kind = str(match.lastgroup)
        span = Span(offset, match.end())
        offset = match.end()
        if lexeme_kind == "string" and tokens and tokens[-1].kind == "string" and tokens[-1].span.end == span.start:
            previous_string_token = tokens.pop()  # '' inside a string is a quote: 'it''s' is one string
            span = Span(previous_string_token.span.start, span.end)
            tokens.append(_Token(lexeme_kind, text[span.start : span.end], span))
        elif lexeme_kind != "blank":
            tokens.append(_Token(lexeme_kind, match.group(), span))
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

    def expect(self, operator: str) -> _Token:
        token = self.peek_token()
        if token.text != operator or token.kind != "op":
            raise ExpressionError(f"expected {operator!r} before {_token_text_in_errors(token)}", token.span.start)
        return self.next_token()

    def parse_whole(self) -> ExpressionNode:
        if self.peek_token().kind == "end":
            raise ExpressionError("the expression is empty", 0)
        node = self.parse_binary(1)
        token = self.peek_token()
        if token.kind != "end":
            raise ExpressionError(f"unexpected {_token_text_in_errors(token)} after the expression", token.span.start)
        return node

    def parse_binary(self, min_precedence: int) -> ExpressionNode:
        self.depth += 1
        if self.depth > MAX_EXPRESSION_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_EXPRESSION_DEPTH} levels", self.peek_token().span.start)
        left_node = self.parse_unary()
        operator_count = 0
        while (precedence := _PRECEDENCE_BY_OPERATOR.get(self.peek_token().text, 0)) >= min_precedence and self.peek_token().kind == "op":
            operator = self.next_token()
            operator_count += 1
            if operator_count > MAX_CHAINED_OPERATORS:
                raise ExpressionError("too many operators in a row", operator.span.start)
            right_node = self.parse_binary(precedence + 1)
            left_node = BinaryOperation(operator.text, left_node, right_node, Span(left_node.span.start, right_node.span.end))
        self.depth -= 1
        return left_node

    def parse_unary(self) -> ExpressionNode:
        negation_start = self.peek_token().span.start
        negation_count = 0
        while self.peek_token().text == "!" and self.peek_token().kind == "op":
            self.next_token()
            negation_count += 1
        if negation_count > MAX_EXPRESSION_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_EXPRESSION_DEPTH} levels", negation_start)
        node = self.parse_postfix()
        for _ in range(negation_count):
            node = Negation(node, Span(negation_start, node.span.end))
        return node

    def parse_postfix(self) -> ExpressionNode:
        node = self.parse_primary()
        for _ in range(MAX_EXPRESSION_DEPTH * 4):
            token = self.peek_token()
            if token.kind != "op" or token.text not in (".", "["):
                return node
            self.next_token()
            node = self.parse_member(node) if token.text == "." else self.parse_index(node)
        raise ExpressionError("too many properties in a row", self.peek_token().span.start)

    def parse_member(self, owner: ExpressionNode) -> ExpressionNode:
        name_token = self.next_token()
        span = Span(owner.span.start, name_token.span.end)
        if name_token.kind == "name":
            return MemberAccess(owner, name_token.text, span)
        if name_token.text == "*" and name_token.kind == "op":
            return StarAccess(owner, span)
        raise ExpressionError(f"expected a property's name before {_token_text_in_errors(name_token)}", name_token.span.start)

    def parse_index(self, owner: ExpressionNode) -> ExpressionNode:
        if self.peek_token().text == "*" and self.peek_token().kind == "op":
            self.next_token()
            return StarAccess(owner, Span(owner.span.start, self.expect("]").span.end))
        key = self.parse_binary(1)
        return IndexAccess(owner, key, Span(owner.span.start, self.expect("]").span.end))

    def parse_primary(self) -> ExpressionNode:
        token = self.next_token()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"), token.span)
        if token.kind == "number":
            return Literal(_parse_number(token.text), token.span)
        if token.kind == "name":
            if self.peek_token().text == "(" and self.peek_token().kind == "op":
                return self.parse_call(token)
            if token.text.lower() in _VALUE_BY_KEYWORD and token.text in (
                token.text.lower(),
                "NaN",
                "Infinity",
            ):
                return Literal(_VALUE_BY_KEYWORD[token.text.lower()], token.span)
            return ContextName(token.text, token.span)
        if token.text == "(" and token.kind == "op":
            node = self.parse_binary(1)
            self.expect(")")
            return node
        raise ExpressionError(f"expected a value before {_token_text_in_errors(token)}", token.span.start)

    def parse_call(self, name_token: _Token) -> ExpressionNode:
        self.next_token()
        arguments: list[ExpressionNode] = []
        if self.peek_token().text != ")" or self.peek_token().kind != "op":
            arguments.append(self.parse_binary(1))
            while self.peek_token().text == "," and self.peek_token().kind == "op":
                self.next_token()
                arguments.append(self.parse_binary(1))
        closing_parenthesis = self.expect(")")
        return FunctionCall(name_token.text, tuple(arguments), Span(name_token.span.start, closing_parenthesis.span.end))


def _token_text_in_errors(token: _Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _parse_number(number_text: str) -> float:
    unsigned_digits = number_text.lstrip("+-").lower()
    sign = -1 if number_text.startswith("-") else 1
    if unsigned_digits.startswith(("0x", "0o")):
        unsigned_value = int(unsigned_digits, 0)
        return sign * float(unsigned_value) if unsigned_value < 1 << 1000 else float("inf")
    return float(number_text)


def parse_expression(text: str) -> ExpressionNode:
    """The tree of an expression's body; offsets count from the body's first character.

    Raises ExpressionError with the reason and the offset.
    """
    return _Parser(text).parse_whole()


def child_nodes(node: ExpressionNode) -> tuple[ExpressionNode, ...]:
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


def walk_expression_tree(node: ExpressionNode) -> Iterator[ExpressionNode]:
    """The node and every one below it, owners after what they own."""
    unvisited_nodes = [node]
    while unvisited_nodes:
        current_node = unvisited_nodes.pop()
        yield current_node
        unvisited_nodes.extend(reversed(child_nodes(current_node)))


def lowercase_access_path(node: ExpressionNode) -> tuple[str, ...] | None:
    """The parts of `github.event['issue'].title` in lower case; `*` for a star or a computed key; None if no context.

    Contexts, properties and functions are compared without regard to case, as the runner does.
    """
    path_parts: list[str] = []
    while not isinstance(node, ContextName):
        if isinstance(node, MemberAccess):
            path_parts.append(node.name.lower())
        elif isinstance(node, IndexAccess):
            key_node = node.key
            path_parts.append(key_node.value.lower() if isinstance(key_node, Literal) and isinstance(key_node.value, str) else "*")
        elif isinstance(node, StarAccess):
            path_parts.append("*")
        else:
            return None
        node = node.owner
    path_parts.append(node.name.lower())
    return tuple(reversed(path_parts))


def longest_context_accesses(node: ExpressionNode) -> Iterator[tuple[ExpressionNode, tuple[str, ...]]]:
    """The contexts that an expression reads, each as its longest path: `github.ref`, not `github` too."""
    unvisited_nodes = [node]
    while unvisited_nodes:
        current_node = unvisited_nodes.pop()
        lowercase_path = (
            lowercase_access_path(current_node) if isinstance(current_node, ContextName | MemberAccess | IndexAccess | StarAccess) else None
        )
        if lowercase_path is None:
            unvisited_nodes.extend(reversed(child_nodes(current_node)))
            continue
        yield current_node, lowercase_path
        while not isinstance(current_node, ContextName):
            if isinstance(current_node, IndexAccess):
                unvisited_nodes.append(current_node.key)
            current_node = current_node.owner  # type: ignore[union-attr]
