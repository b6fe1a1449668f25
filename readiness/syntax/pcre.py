"""The reader of regular expressions as nginx takes them (PCRE).

Nothing runs an expression from a scanned file through `re`: it becomes a tree, and the tree a machine of states.
"""

from __future__ import annotations

import functools
import re

from readiness.syntax.pcre_tree import (
    ANY_MASK,
    DOT_MASK,
    NON_ASCII_BIT,
    Regex,
    RegexNode,
    char_mask,
)

MAX_LENGTH = 4000
MAX_NESTING = 60


def _char_range(first: int, last: int) -> int:
    return sum(1 << point for point in range(min(first, NON_ASCII_BIT), min(last, NON_ASCII_BIT) + 1))


_DIGIT_MASK, _LOWER_MASK, _UPPER_MASK = (
    _char_range(48, 57),
    _char_range(97, 122),
    _char_range(65, 90),
)
_WORD_MASK = _DIGIT_MASK | _LOWER_MASK | _UPPER_MASK | char_mask("_")
_SPACE_MASK = char_mask(" \t\n\r\f\v")
_MASK_BY_CLASS_ESCAPE = {
    "d": _DIGIT_MASK,
    "w": _WORD_MASK,
    "s": _SPACE_MASK,
    "h": char_mask(" \t"),
    "v": char_mask("\n\v\f\r"),
    "R": char_mask("\n\v\f\r"),
    "N": ANY_MASK & ~char_mask("\n"),
}
_MASK_BY_POSIX_CLASS = {
    "alpha": _LOWER_MASK | _UPPER_MASK, "digit": _DIGIT_MASK, "alnum": _LOWER_MASK | _UPPER_MASK | _DIGIT_MASK,
    "upper": _UPPER_MASK, "lower": _LOWER_MASK, "space": _SPACE_MASK,
    "blank": char_mask(" \t"), "word": _WORD_MASK, "xdigit": _DIGIT_MASK | char_mask("abcdefABCDEF"), "cntrl": _char_range(0, 31) | 1 << 127,
    "punct": _char_range(33, 47) | _char_range(58, 64) | _char_range(91, 96) | _char_range(123, 126),
    "print": _char_range(32, 126), "graph": _char_range(33, 126),
}  # fmt: skip
_CHARACTER_BY_ESCAPE = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}


class UnsupportedError(Exception):
    """An expression that is broken, too big, or uses what this model leaves out (look-around, back-references)."""


class _PatternParser:
    """One pass over the pattern; recursion is bounded by MAX_NESTING."""

    def __init__(self, pattern: str, icase: bool) -> None:
        self.text = pattern
        self.place = 0
        self.icase = icase
        self.dotall = False
        self.groups: list[RegexNode | None] = []
        self.names: dict[str, int] = {}

    def peek_chars(self, size: int = 1) -> str:
        return self.text[self.place : self.place + size]

    def take_char(self) -> str:
        if self.place >= len(self.text):
            raise UnsupportedError("ends early")
        self.place += 1
        return self.text[self.place - 1]

    def parse_alternatives(self, depth: int) -> RegexNode:
        if depth > MAX_NESTING:
            raise UnsupportedError("nested too deep")
        options = [self.parse_sequence(depth)]
        while self.peek_chars() == "|":
            self.place += 1
            options.append(self.parse_sequence(depth))
        return options[0] if len(options) == 1 else RegexNode("alt", tuple(options))

    def parse_sequence(self, depth: int) -> RegexNode:
        items: list[RegexNode] = []
        while self.peek_chars() not in {"", "|", ")"}:
            items.append(self.parse_quantifiers(self.parse_atom(depth)))
        return RegexNode("cat", tuple(items))

    def parse_quantifiers(self, node: RegexNode) -> RegexNode:
        while (bounds := self.parse_bounds()) is not None:
            possessive = self.peek_chars() == "+"
            if self.peek_chars() in {"?", "+"} and self.peek_chars():
                self.place += 1
            node = RegexNode(
                "repeat",
                (node,),
                min_repeats=bounds[0],
                max_repeats=bounds[1],
                is_atomic=possessive,
            )
        return node

    def parse_bounds(self) -> tuple[int, int | None] | None:
        char = self.peek_chars()
        if char and char in "*+?":
            self.place += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        match = _COUNT_QUANTIFIER.match(self.text, self.place) if char == "{" else None
        if match is None:
            return None
        self.place = match.end()
        least = int(match[1])
        most = least if match[2] is None else (int(match[3]) if match[3] else None)
        if least > 1000 or (most is not None and (most > 1000 or most < least)):
            raise UnsupportedError("count out of range")
        return least, most

    def parse_atom(self, depth: int) -> RegexNode:
        char = self.take_char()
        if char == "(":
            return self.parse_group(depth)
        if char == "[":
            return RegexNode("chars", char_mask=self.add_other_case(self.parse_bracket_class()))
        if char == ".":
            return RegexNode("chars", char_mask=ANY_MASK if self.dotall else DOT_MASK)
        if char == "^":
            return RegexNode("start")
        if char == "$":
            return RegexNode("end")
        if char == "\\":
            return self.parse_escape()
        if char in "*+?":
            raise UnsupportedError("nothing to repeat")
        return RegexNode("chars", char_mask=self.add_other_case(char_mask(char)))

    def parse_group(self, depth: int) -> RegexNode:
        number = 0
        atomic = False
        outer = self.icase, self.dotall
        if self.peek_chars() == "*":  # (*UTF8), (*COMMIT)
            end = self.text.find(")", self.place)
            if end < 0:
                raise UnsupportedError("verb without an end")
            self.place = end + 1
            return RegexNode("cat")
        if self.peek_chars() == "?":
            named = _NAMED_GROUP_START.match(self.text, self.place)
            option = _OPTION_GROUP.match(self.text, self.place)
            if named:
                self.place = named.end()
                number = self.open_group()
                self.names[named[1]] = number
            elif self.peek_chars(2) in {"?:", "?>"}:
                atomic = self.peek_chars(2) == "?>"
                self.place += 2
            elif option:
                self.place = option.end()
                on, _, off = option[1].partition("-")
                self.icase = (self.icase or "i" in on) and "i" not in off
                self.dotall = (self.dotall or "s" in on) and "s" not in off
                if option[2] == ")":
                    return RegexNode("cat")
            else:
                raise UnsupportedError("look-around or condition")
        else:
            number = self.open_group()
        inner = self.parse_alternatives(depth + 1)
        if self.take_char() != ")":
            raise UnsupportedError("group without an end")
        self.icase, self.dotall = outer  # what a group sets ends with it
        node = RegexNode("group", (inner,), group_number=number, is_atomic=atomic)
        if number:
            self.groups[number - 1] = node
        return node

    def open_group(self) -> int:
        self.groups.append(None)
        return len(self.groups)

    def parse_escape(self) -> RegexNode:
        char = self.take_char()
        if char in "AG":
            return RegexNode("start")
        if char in "zZ":
            return RegexNode("end")
        if char in "bB":
            return RegexNode("edge")
        if char == "K":
            return RegexNode("cat")
        if char == "Q":
            end = self.text.find("\\E", self.place)
            literal = self.text[self.place : end if end >= 0 else len(self.text)]
            self.place = end + 2 if end >= 0 else len(self.text)
            return RegexNode(
                "cat",
                tuple(RegexNode("chars", char_mask=self.add_other_case(char_mask(one))) for one in literal),
            )
        if char in "123456789kgpPXC":
            raise UnsupportedError("back-reference or Unicode property")
        return RegexNode("chars", char_mask=self.add_other_case(self.parse_simple_escape(char)))

    def parse_simple_escape(self, char: str) -> int:
        if char.lower() in _MASK_BY_CLASS_ESCAPE and char in "dwshvRNDWSHV":
            return (
                _MASK_BY_CLASS_ESCAPE[char]
                if char in _MASK_BY_CLASS_ESCAPE
                else ANY_MASK & ~_MASK_BY_CLASS_ESCAPE[char.lower()]
            )
        if char in _CHARACTER_BY_ESCAPE:
            return char_mask(_CHARACTER_BY_ESCAPE[char])
        if char == "x":
            match = _HEX_ESCAPE.match(self.text, self.place)
            if match:
                self.place = match.end()
                return 1 << min(int(match[1] or match[2] or "0", 16), NON_ASCII_BIT)
        if char == "0":
            match = _OCTAL_ESCAPE.match(self.text, self.place)
            self.place = match.end() if match else self.place
            return 1 << min(int(match[0] or "0", 8), NON_ASCII_BIT) if match else 1
        return char_mask(char)

    def parse_bracket_class(self) -> int:
        negated = self.peek_chars() == "^"
        self.place += negated
        chars, first = 0, True
        while True:
            char = self.take_char()
            if char == "]" and not first:
                break
            first = False
            posix = _POSIX_CLASS.match(self.text, self.place - 1) if char == "[" else None
            if posix:
                self.place = posix.end()
                inner = _MASK_BY_POSIX_CLASS.get(posix[2], 0)
                chars |= ANY_MASK & ~inner if posix[1] else inner
                continue
            low = self.parse_class_member(char)
            if self.peek_chars() == "-" and self.peek_chars(2) not in {"-]", "-"} and low.bit_count() == 1:
                self.place += 1
                high = self.parse_class_member(self.take_char())
                if high.bit_count() == 1 and high >= low:
                    chars |= _char_range(low.bit_length() - 1, high.bit_length() - 1)
                    continue
                low |= high | char_mask("-")
            chars |= low
        return ANY_MASK & ~chars if negated else chars

    def parse_class_member(self, char: str) -> int:
        if char != "\\":
            return char_mask(char)
        char = self.take_char()
        return char_mask("\b") if char == "b" else self.parse_simple_escape(char)

    def add_other_case(self, char_mask: int) -> int:
        if not self.icase:
            return char_mask
        lower, upper = char_mask & _LOWER_MASK, char_mask & _UPPER_MASK
        return char_mask | lower >> 32 | upper << 32


_COUNT_QUANTIFIER = re.compile(r"\{(\d{1,5})(,(\d{0,5}))?\}")
_NAMED_GROUP_START = re.compile(r"\?P?(?:<|')([A-Za-z_]\w*)(?:>|')")
_OPTION_GROUP = re.compile(r"\?([a-zA-Z]{0,8}(?:-[a-zA-Z]{1,8})?)([:)])")
_HEX_ESCAPE = re.compile(r"\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{0,2})")
_OCTAL_ESCAPE = re.compile(r"[0-7]{0,2}")
_POSIX_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")


@functools.lru_cache(maxsize=2048)
def parse_pcre(pattern: str, ignore_case: bool = False) -> Regex:
    """The tree of an expression. Raises UnsupportedError."""
    if len(pattern) > MAX_LENGTH:
        raise UnsupportedError("too long")
    reader = _PatternParser(pattern, ignore_case)
    root = reader.parse_alternatives(0)
    if reader.place < len(pattern):
        raise UnsupportedError("closing bracket without an opening one")
    return Regex(root, tuple(node or RegexNode("cat") for node in reader.groups), reader.names)


def try_parse_regex(pattern: str, ignore_case: bool = False) -> Regex | None:
    """The tree of an expression; None where nothing can be said about it."""
    try:
        return parse_pcre(pattern, ignore_case)
    except UnsupportedError:
        return None
