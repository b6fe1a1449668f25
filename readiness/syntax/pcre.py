"""Regular expressions as nginx takes them (PCRE): a tree, and questions about every text that one can match.

Nothing here runs an expression from a scanned file through `re`: matching is a simulation of states, linear in the text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

OTHER = 128
"""All characters past ASCII count as one."""
ANY = (1 << (OTHER + 1)) - 1
MAX_LENGTH = 4000
MAX_NESTING = 60


def mask(chars: str) -> int:
    """The set of the given characters."""
    found = 0
    for char in chars:
        found |= 1 << min(ord(char), OTHER)
    return found


def _span(first: int, last: int) -> int:
    return sum(1 << point for point in range(min(first, OTHER), min(last, OTHER) + 1))


_DIGIT, _LOWER, _UPPER = _span(48, 57), _span(97, 122), _span(65, 90)
_WORD = _DIGIT | _LOWER | _UPPER | mask("_")
_SPACE = mask(" \t\n\r\f\v")
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE, "h": mask(" \t"), "v": mask("\n\v\f\r"), "R": mask("\n\v\f\r"), "N": ANY & ~mask("\n")}
_POSIX = {
    "alpha": _LOWER | _UPPER, "digit": _DIGIT, "alnum": _LOWER | _UPPER | _DIGIT, "upper": _UPPER, "lower": _LOWER, "space": _SPACE,
    "blank": mask(" \t"), "word": _WORD, "xdigit": _DIGIT | mask("abcdefABCDEF"), "cntrl": _span(0, 31) | 1 << 127,
    "punct": _span(33, 47) | _span(58, 64) | _span(91, 96) | _span(123, 126), "print": _span(32, 126), "graph": _span(33, 126),
}  # fmt: skip
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}
DOT = ANY & ~mask("\n")


class Unsupported(Exception):
    """An expression that is broken, too big, or uses what this model leaves out (look-around, back-references)."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression. `kind`: chars, cat, alt, repeat, group, start, end, edge (of a word)."""

    kind: str
    parts: tuple[Node, ...] = ()
    chars: int = 0
    least: int = 1
    most: int | None = 1
    index: int = 0  # of a capturing group, from 1
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """A parsed expression: its tree, its capturing groups in order, and the numbers of the named ones."""

    root: Node
    groups: tuple[Node, ...]
    names: dict[str, int] = field(default_factory=dict)

    def group(self, name: str | int) -> Node | None:
        """A capturing group by number or by name."""
        number = self.names.get(name, 0) if isinstance(name, str) else name
        return self.groups[number - 1] if 0 < number <= len(self.groups) else None


class _Reader:
    """One pass over the pattern; recursion is bounded by MAX_NESTING."""

    def __init__(self, pattern: str, icase: bool) -> None:
        self.text = pattern
        self.place = 0
        self.icase = icase
        self.groups: list[Node | None] = []
        self.names: dict[str, int] = {}

    def peek(self, size: int = 1) -> str:
        return self.text[self.place : self.place + size]

    def take(self) -> str:
        if self.place >= len(self.text):
            raise Unsupported("ends early")
        self.place += 1
        return self.text[self.place - 1]

    def alternatives(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise Unsupported("nested too deep")
        options = [self.sequence(depth)]
        while self.peek() == "|":
            self.place += 1
            options.append(self.sequence(depth))
        return options[0] if len(options) == 1 else Node("alt", tuple(options))

    def sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self.peek() not in {"", "|", ")"}:
            items.append(self.repeated(self.atom(depth)))
        return Node("cat", tuple(items))

    def repeated(self, node: Node) -> Node:
        while (bounds := self.bounds()) is not None:
            possessive = self.peek() == "+"
            if self.peek() in {"?", "+"} and self.peek():
                self.place += 1
            node = Node("repeat", (node,), least=bounds[0], most=bounds[1], atomic=possessive)
        return node

    def bounds(self) -> tuple[int, int | None] | None:
        char = self.peek()
        if char and char in "*+?":
            self.place += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        found = _COUNT.match(self.text, self.place) if char == "{" else None
        if found is None:
            return None
        self.place = found.end()
        least = int(found[1])
        most = least if found[2] is None else (int(found[3]) if found[3] else None)
        if least > 1000 or (most is not None and (most > 1000 or most < least)):
            raise Unsupported("count out of range")
        return least, most

    def atom(self, depth: int) -> Node:
        char = self.take()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return Node("chars", chars=self.fold(self.bracket()))
        if char == ".":
            return Node("chars", chars=DOT)
        if char == "^":
            return Node("start")
        if char == "$":
            return Node("end")
        if char == "\\":
            return self.escape()
        if char in "*+?":
            raise Unsupported("nothing to repeat")
        return Node("chars", chars=self.fold(mask(char)))

    def group(self, depth: int) -> Node:
        number = 0
        atomic = False
        if self.peek() == "*":  # (*UTF8), (*COMMIT)
            end = self.text.find(")", self.place)
            if end < 0:
                raise Unsupported("verb without an end")
            self.place = end + 1
            return Node("cat")
        if self.peek() == "?":
            named = _NAMED.match(self.text, self.place)
            option = _OPTION.match(self.text, self.place)
            if named:
                self.place = named.end()
                number = self.open()
                self.names[named[1]] = number
            elif self.peek(2) in {"?:", "?>"}:
                atomic = self.peek(2) == "?>"
                self.place += 2
            elif option:
                self.place = option.end()
                if "i" in option[1].partition("-")[0]:
                    self.icase = True
                if option[2] == ")":
                    return Node("cat")
            else:
                raise Unsupported("look-around or condition")
        else:
            number = self.open()
        inner = self.alternatives(depth + 1)
        if self.take() != ")":
            raise Unsupported("group without an end")
        node = Node("group", (inner,), index=number, atomic=atomic)
        if number:
            self.groups[number - 1] = node
        return node

    def open(self) -> int:
        self.groups.append(None)
        return len(self.groups)

    def escape(self) -> Node:
        char = self.take()
        if char in "AG":
            return Node("start")
        if char in "zZ":
            return Node("end")
        if char in "bB":
            return Node("edge")
        if char == "K":
            return Node("cat")
        if char == "Q":
            end = self.text.find("\\E", self.place)
            literal = self.text[self.place : end if end >= 0 else len(self.text)]
            self.place = end + 2 if end >= 0 else len(self.text)
            return Node("cat", tuple(Node("chars", chars=self.fold(mask(one))) for one in literal))
        if char in "123456789kgpPXC":
            raise Unsupported("back-reference or Unicode property")
        return Node("chars", chars=self.fold(self.simple_escape(char)))

    def simple_escape(self, char: str) -> int:
        if char.lower() in _CLASSES and char in "dwshvRNDWSHV":
            return _CLASSES[char] if char in _CLASSES else ANY & ~_CLASSES[char.lower()]
        if char in _CONTROL:
            return mask(_CONTROL[char])
        if char == "x":
            found = _HEX.match(self.text, self.place)
            if found:
                self.place = found.end()
                return 1 << min(int(found[1] or found[2] or "0", 16), OTHER)
        if char == "0":
            found = _OCTAL.match(self.text, self.place)
            self.place = found.end() if found else self.place
            return 1 << min(int(found[0] or "0", 8), OTHER) if found else 1
        return mask(char)

    def bracket(self) -> int:
        negated = self.peek() == "^"
        self.place += negated
        found, first = 0, True
        while True:
            char = self.take()
            if char == "]" and not first:
                break
            first = False
            posix = _CLASS.match(self.text, self.place - 1) if char == "[" else None
            if posix:
                self.place = posix.end()
                inner = _POSIX.get(posix[2], 0)
                found |= ANY & ~inner if posix[1] else inner
                continue
            low = self.member(char)
            if self.peek() == "-" and self.peek(2) not in {"-]", "-"} and low.bit_count() == 1:
                self.place += 1
                high = self.member(self.take())
                if high.bit_count() == 1 and high >= low:
                    found |= _span(low.bit_length() - 1, high.bit_length() - 1)
                    continue
                low |= high | mask("-")
            found |= low
        return ANY & ~found if negated else found

    def member(self, char: str) -> int:
        if char != "\\":
            return mask(char)
        char = self.take()
        return mask("\b") if char == "b" else self.simple_escape(char)

    def fold(self, chars: int) -> int:
        if not self.icase:
            return chars
        lower, upper = chars & _LOWER, chars & _UPPER
        return chars | lower >> 32 | upper << 32


_COUNT = re.compile(r"\{(\d{1,5})(,(\d{0,5}))?\}")
_NAMED = re.compile(r"\?P?(?:<|')([A-Za-z_]\w*)(?:>|')")
_OPTION = re.compile(r"\?([a-zA-Z]{0,8}(?:-[a-zA-Z]{1,8})?)([:)])")
_HEX = re.compile(r"\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{0,2})")
_OCTAL = re.compile(r"[0-7]{0,2}")
_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")


@functools.lru_cache(maxsize=2048)
def parse(pattern: str, icase: bool = False) -> Regex:
    """The tree of an expression. Raises Unsupported."""
    if len(pattern) > MAX_LENGTH:
        raise Unsupported("too long")
    reader = _Reader(pattern, icase)
    root = reader.alternatives(0)
    if reader.place < len(pattern):
        raise Unsupported("closing bracket without an opening one")
    return Regex(root, tuple(node or Node("cat") for node in reader.groups), reader.names)


def read(pattern: str, icase: bool = False) -> Regex | None:
    """The tree of an expression; None where nothing can be said about it."""
    try:
        return parse(pattern, icase)
    except Unsupported:
        return None


def walk(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(one.parts))


def may_hold(node: Node, chars: int) -> bool:
    """Whether some text that the node matches has one of the characters in it."""
    return any(one.kind == "chars" and one.chars & chars for one in walk(node))


def must_hold(node: Node, chars: int) -> bool:
    """Whether every text that the node matches has one of the characters in it."""
    if node.kind == "chars":
        return not node.chars & ~chars and node.chars != 0
    if node.kind == "alt":
        return all(must_hold(one, chars) for one in node.parts)
    if node.kind == "repeat" and node.least == 0:
        return False
    return any(must_hold(one, chars) for one in node.parts)


def nullable(node: Node) -> bool:
    """Whether the node can match the empty text."""
    if node.kind == "chars":
        return False
    if node.kind == "alt":
        return any(nullable(one) for one in node.parts)
    if node.kind == "repeat" and node.least == 0:
        return True
    return all(nullable(one) for one in node.parts)


def first(node: Node) -> int:
    """The characters that a text matched by the node can begin with."""
    if node.kind == "chars":
        return node.chars
    found = 0
    if node.kind == "alt":
        for one in node.parts:
            found |= first(one)
        return found
    for one in node.parts:
        found |= first(one)
        if not nullable(one):
            break
    return found


def last(node: Node) -> int:
    """The characters that a text matched by the node can end with."""
    if node.kind == "chars":
        return node.chars
    found = 0
    for one in reversed(node.parts):
        found |= last(one)
        if node.kind != "alt" and not nullable(one):
            break
    return found


def before(root: Node, target: Node) -> int:
    """The characters that can stand directly before what `target` matches; 0 where it can be the first thing."""

    def search(node: Node, left: int) -> int | None:
        if node is target:
            return left
        for one in node.parts:
            found = search(one, left)
            if found is not None:
                return found
            if node.kind != "alt":
                left = last(one) | (left if nullable(one) else 0) if last(one) or not nullable(one) else left
        return None

    return search(root, 0) or 0


def anchored(node: Node, kind: str) -> bool:
    """Whether every way to match begins (`start`) or ends (`end`) at that anchor."""
    if node.kind == kind:
        return True
    if node.kind == "alt":
        return all(anchored(one, kind) for one in node.parts)
    if node.kind == "repeat" and node.least == 0:
        return False
    parts = node.parts if kind == "start" else node.parts[::-1]
    for one in parts:
        if anchored(one, kind):
            return True
        if one.kind in {"chars"} or not nullable(one):
            return False
    return False


def has_anchor(node: Node) -> bool:
    """Whether the node cannot match without an anchor somewhere in each of its ways."""
    if node.kind in {"start", "end"}:
        return True
    if node.kind == "alt":
        return all(has_anchor(one) for one in node.parts)
    if node.kind == "repeat" and node.least == 0:
        return False
    return any(has_anchor(one) for one in node.parts)


def literal(node: Node) -> str | None:
    """The one text that the node matches; None where there are several. Anchors are left out."""
    if node.kind == "chars":
        return chr(node.chars.bit_length() - 1) if node.chars.bit_count() == 1 and node.chars >> OTHER == 0 else None
    if node.kind in {"start", "end"}:
        return ""
    if node.kind in {"alt", "edge"} or (node.kind == "repeat" and node.least != node.most):
        return None
    pieces = [literal(one) for one in node.parts]
    text = "".join(piece for piece in pieces if piece is not None)
    return None if None in pieces else text * (node.least if node.kind == "repeat" else 1)
