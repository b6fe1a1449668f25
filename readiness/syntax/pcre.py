"""The reader of regular expressions as nginx takes them (PCRE).

Nothing runs an expression from a scanned file through `re`: it becomes a tree, and the tree a machine of states.
"""

from __future__ import annotations

import functools
import re

from readiness.syntax.pcre_tree import ANY, DOT, OTHER, Node, Regex, char_mask

MAX_LENGTH = 4000
MAX_NESTING = 60


def _char_range(first: int, last: int) -> int:
    return sum(1 << point for point in range(min(first, OTHER), min(last, OTHER) + 1))


_DIGIT, _LOWER, _UPPER = _char_range(48, 57), _char_range(97, 122), _char_range(65, 90)
_WORD = _DIGIT | _LOWER | _UPPER | char_mask("_")
_SPACE = char_mask(" \t\n\r\f\v")
_CLASSES = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "h": char_mask(" \t"),
    "v": char_mask("\n\v\f\r"),
    "R": char_mask("\n\v\f\r"),
    "N": ANY & ~char_mask("\n"),
}
_POSIX = {
    "alpha": _LOWER | _UPPER, "digit": _DIGIT, "alnum": _LOWER | _UPPER | _DIGIT, "upper": _UPPER, "lower": _LOWER, "space": _SPACE,
    "blank": char_mask(" \t"), "word": _WORD, "xdigit": _DIGIT | char_mask("abcdefABCDEF"), "cntrl": _char_range(0, 31) | 1 << 127,
    "punct": _char_range(33, 47) | _char_range(58, 64) | _char_range(91, 96) | _char_range(123, 126),
    "print": _char_range(32, 126), "graph": _char_range(33, 126),
}  # fmt: skip
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}


class UnsupportedError(Exception):
    """An expression that is broken, too big, or uses what this model leaves out (look-around, back-references)."""


class _Reader:
    """One pass over the pattern; recursion is bounded by MAX_NESTING."""

    def __init__(self, pattern: str, icase: bool) -> None:
        self.text = pattern
        self.place = 0
        self.icase = icase
        self.dotall = False
        self.groups: list[Node | None] = []
        self.names: dict[str, int] = {}

    def peek(self, size: int = 1) -> str:
        return self.text[self.place : self.place + size]

    def take(self) -> str:
        if self.place >= len(self.text):
            raise UnsupportedError("ends early")
        self.place += 1
        return self.text[self.place - 1]

    def alternatives(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise UnsupportedError("nested too deep")
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
        match = _COUNT.match(self.text, self.place) if char == "{" else None
        if match is None:
            return None
        self.place = match.end()
        least = int(match[1])
        most = least if match[2] is None else (int(match[3]) if match[3] else None)
        if least > 1000 or (most is not None and (most > 1000 or most < least)):
            raise UnsupportedError("count out of range")
        return least, most

    def atom(self, depth: int) -> Node:
        char = self.take()
        if char == "(":
            return self.group(depth)
        if char == "[":
            return Node("chars", chars=self.fold(self.bracket()))
        if char == ".":
            return Node("chars", chars=ANY if self.dotall else DOT)
        if char == "^":
            return Node("start")
        if char == "$":
            return Node("end")
        if char == "\\":
            return self.escape()
        if char in "*+?":
            raise UnsupportedError("nothing to repeat")
        return Node("chars", chars=self.fold(char_mask(char)))

    def group(self, depth: int) -> Node:
        number = 0
        atomic = False
        outer = self.icase, self.dotall
        if self.peek() == "*":  # (*UTF8), (*COMMIT)
            end = self.text.find(")", self.place)
            if end < 0:
                raise UnsupportedError("verb without an end")
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
                on, _, off = option[1].partition("-")
                self.icase = (self.icase or "i" in on) and "i" not in off
                self.dotall = (self.dotall or "s" in on) and "s" not in off
                if option[2] == ")":
                    return Node("cat")
            else:
                raise UnsupportedError("look-around or condition")
        else:
            number = self.open()
        inner = self.alternatives(depth + 1)
        if self.take() != ")":
            raise UnsupportedError("group without an end")
        self.icase, self.dotall = outer  # what a group sets ends with it
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
            return Node(
                "cat", tuple(Node("chars", chars=self.fold(char_mask(one))) for one in literal)
            )
        if char in "123456789kgpPXC":
            raise UnsupportedError("back-reference or Unicode property")
        return Node("chars", chars=self.fold(self.simple_escape(char)))

    def simple_escape(self, char: str) -> int:
        if char.lower() in _CLASSES and char in "dwshvRNDWSHV":
            return _CLASSES[char] if char in _CLASSES else ANY & ~_CLASSES[char.lower()]
        if char in _CONTROL:
            return char_mask(_CONTROL[char])
        if char == "x":
            match = _HEX.match(self.text, self.place)
            if match:
                self.place = match.end()
                return 1 << min(int(match[1] or match[2] or "0", 16), OTHER)
        if char == "0":
            match = _OCTAL.match(self.text, self.place)
            self.place = match.end() if match else self.place
            return 1 << min(int(match[0] or "0", 8), OTHER) if match else 1
        return char_mask(char)

    def bracket(self) -> int:
        negated = self.peek() == "^"
        self.place += negated
        chars, first = 0, True
        while True:
            char = self.take()
            if char == "]" and not first:
                break
            first = False
            posix = _CLASS.match(self.text, self.place - 1) if char == "[" else None
            if posix:
                self.place = posix.end()
                inner = _POSIX.get(posix[2], 0)
                chars |= ANY & ~inner if posix[1] else inner
                continue
            low = self.member(char)
            if self.peek() == "-" and self.peek(2) not in {"-]", "-"} and low.bit_count() == 1:
                self.place += 1
                high = self.member(self.take())
                if high.bit_count() == 1 and high >= low:
                    chars |= _char_range(low.bit_length() - 1, high.bit_length() - 1)
                    continue
                low |= high | char_mask("-")
            chars |= low
        return ANY & ~chars if negated else chars

    def member(self, char: str) -> int:
        if char != "\\":
            return char_mask(char)
        char = self.take()
        return char_mask("\b") if char == "b" else self.simple_escape(char)

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
def parse_regex(pattern: str, icase: bool = False) -> Regex:
    """The tree of an expression. Raises UnsupportedError."""
    if len(pattern) > MAX_LENGTH:
        raise UnsupportedError("too long")
    reader = _Reader(pattern, icase)
    root = reader.alternatives(0)
    if reader.place < len(pattern):
        raise UnsupportedError("closing bracket without an opening one")
    return Regex(root, tuple(node or Node("cat") for node in reader.groups), reader.names)


def try_parse_regex(pattern: str, icase: bool = False) -> Regex | None:
    """The tree of an expression; None where nothing can be said about it."""
    try:
        return parse_regex(pattern, icase)
    except UnsupportedError:
        return None
