"""The reader of regular expressions as nginx takes them (PCRE).

Nothing runs an expression from a scanned file through `re`: it becomes a tree, and the tree a machine of states.
"""

from __future__ import annotations

import functools

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.pcre_tree import (
    ANY_CHAR_MASK,
    ANY_EXCEPT_NEWLINE_MASK,
    NON_ASCII_BIT,
    Regex,
    RegexNode,
    char_mask,
)

MAX_PATTERN_LENGTH = 4000
MAX_GROUP_NESTING = 60
MAX_STACKED_QUANTIFIERS = 3  # `a{2}{3}*`: each is a repeat around the one before it, in every group anew


def _char_range_mask(first_code_point: int, last_code_point: int) -> int:
    return sum(1 << point for point in range(min(first_code_point, NON_ASCII_BIT), min(last_code_point, NON_ASCII_BIT) + 1))


_DIGIT_MASK, _LOWER_MASK, _UPPER_MASK = (
    _char_range_mask(48, 57),
    _char_range_mask(97, 122),
    _char_range_mask(65, 90),
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
    "N": ANY_CHAR_MASK & ~char_mask("\n"),
}
_MASK_BY_POSIX_CLASS = {
    "alpha": _LOWER_MASK | _UPPER_MASK, "digit": _DIGIT_MASK, "alnum": _LOWER_MASK | _UPPER_MASK | _DIGIT_MASK,
    "upper": _UPPER_MASK, "lower": _LOWER_MASK, "space": _SPACE_MASK,
    "blank": char_mask(" \t"), "word": _WORD_MASK, "xdigit": _DIGIT_MASK | char_mask("abcdefABCDEF"), "cntrl": _char_range_mask(0, 31) | 1 << 127,
    "punct": _char_range_mask(33, 47) | _char_range_mask(58, 64) | _char_range_mask(91, 96) | _char_range_mask(123, 126),
    "print": _char_range_mask(32, 126), "graph": _char_range_mask(33, 126),
}  # fmt: skip
_CHARACTER_BY_ESCAPE_LETTER = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}


class UnsupportedError(Exception):
    """An expression that is broken, too big, or uses what this model leaves out (look-around, back-references)."""


class _PatternParser:
    """One pass over the pattern; recursion is bounded by MAX_NESTING."""

    def __init__(self, pattern: str, ignores_case: bool) -> None:
        self.text = pattern
        self.place = 0
        self.icase = ignores_case
        self.dotall = False
        self.groups: list[RegexNode | None] = []
        self.names: dict[str, int] = {}

    def peek_chars(self, char_count: int = 1) -> str:
        return self.text[self.place : self.place + char_count]

    def take_char(self) -> str:
        if self.place >= len(self.text):
            raise UnsupportedError("ends early")
        self.place += 1
        return self.text[self.place - 1]

    def parse_alternatives(self, nesting_depth: int) -> RegexNode:
        if nesting_depth > MAX_GROUP_NESTING:
            raise UnsupportedError("nested too deep")
        alternatives = [self.parse_sequence(nesting_depth)]
        while self.peek_chars() == "|":
            self.place += 1
            alternatives.append(self.parse_sequence(nesting_depth))
        return alternatives[0] if len(alternatives) == 1 else RegexNode("alt", tuple(alternatives))

    def parse_sequence(self, nesting_depth: int) -> RegexNode:
        sequence_nodes: list[RegexNode] = []
        while self.peek_chars() not in {"", "|", ")"}:
            sequence_nodes.append(self.parse_quantifiers(self.parse_atom(nesting_depth)))
        return RegexNode("cat", tuple(sequence_nodes))

    def parse_quantifiers(self, node: RegexNode) -> RegexNode:
        quantifier_count = 0
        while (repeat_bounds := self.parse_bounds()) is not None:
            quantifier_count += 1
            if quantifier_count > MAX_STACKED_QUANTIFIERS:
                raise UnsupportedError("too many quantifiers in a row")
            is_possessive = self.peek_chars() == "+"
            if self.peek_chars() in {"?", "+"} and self.peek_chars():
                self.place += 1
            node = RegexNode(
                "repeat",
                (node,),
                min_repeats=repeat_bounds[0],
                max_repeats=repeat_bounds[1],
                is_atomic=is_possessive,
            )
        return node

    def parse_bounds(self) -> tuple[int, int | None] | None:
        char = self.peek_chars()
        if char and char in "*+?":
            self.place += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        count_match = _COUNT_QUANTIFIER.match(self.text, self.place) if char == "{" else None
        if count_match is None:
            return None
        self.place = count_match.end()
        min_repeats = int(count_match[1])
        max_repeats = min_repeats if count_match[2] is None else (int(count_match[3]) if count_match[3] else None)
        if min_repeats > 1000 or (max_repeats is not None and (max_repeats > 1000 or max_repeats < min_repeats)):
            raise UnsupportedError("count out of range")
        return min_repeats, max_repeats

    def parse_atom(self, nesting_depth: int) -> RegexNode:
        char = self.take_char()
        if char == "(":
            return self.parse_group(nesting_depth)
        if char == "[":
            return RegexNode("chars", char_mask=self.add_other_case(self.parse_bracket_class()))
        if char == ".":
            return RegexNode("chars", char_mask=ANY_CHAR_MASK if self.dotall else ANY_EXCEPT_NEWLINE_MASK)
        if char == "^":
            return RegexNode("start")
        if char == "$":
            return RegexNode("end")
        if char == "\\":
            return self.parse_escape()
        if char in "*+?":
            raise UnsupportedError("nothing to repeat")
        return RegexNode("chars", char_mask=self.add_other_case(char_mask(char)))

    def parse_group(self, nesting_depth: int) -> RegexNode:
        group_number = 0
        is_atomic = False
        outer_options = self.icase, self.dotall
        if self.peek_chars() == "*":  # (*UTF8), (*COMMIT)
            verb_end = self.text.find(")", self.place)
            if verb_end < 0:
                raise UnsupportedError("verb without an end")
            self.place = verb_end + 1
            return RegexNode("cat")
        if self.peek_chars() == "?":
            named_group_match = _NAMED_GROUP_START.match(self.text, self.place)
            option_group_match = _OPTION_GROUP.match(self.text, self.place)
            if named_group_match:
                self.place = named_group_match.end()
                group_number = self.open_group()
                self.names[named_group_match[1]] = group_number
            elif self.peek_chars(2) in {"?:", "?>"}:
                is_atomic = self.peek_chars(2) == "?>"
                self.place += 2
            elif option_group_match:
                self.place = option_group_match.end()
                enabled_options, _, disabled_options = option_group_match[1].partition("-")
                self.icase = (self.icase or "i" in enabled_options) and "i" not in disabled_options
                self.dotall = (self.dotall or "s" in enabled_options) and "s" not in disabled_options
                if option_group_match[2] == ")":
                    return RegexNode("cat")
            else:
                raise UnsupportedError("look-around or condition")
        else:
            group_number = self.open_group()
        group_content = self.parse_alternatives(nesting_depth + 1)
        if self.take_char() != ")":
            raise UnsupportedError("group without an end")
        self.icase, self.dotall = outer_options  # what a group sets ends with it
        group_node = RegexNode("group", (group_content,), group_number=group_number, is_atomic=is_atomic)
        if group_number:
            self.groups[group_number - 1] = group_node
        return group_node

    def open_group(self) -> int:
        self.groups.append(None)
        return len(self.groups)

    def parse_escape(self) -> RegexNode:
        escaped_char = self.take_char()
        if escaped_char in "AG":
            return RegexNode("start")
        if escaped_char in "zZ":
            return RegexNode("end")
        if escaped_char in "bB":
            return RegexNode("edge")
        if escaped_char == "K":
            return RegexNode("cat")
        if escaped_char == "Q":
            quote_end = self.text.find("\\E", self.place)
            quoted_text = self.text[self.place : quote_end if quote_end >= 0 else len(self.text)]
            self.place = quote_end + 2 if quote_end >= 0 else len(self.text)
            return RegexNode(
                "cat",
                tuple(RegexNode("chars", char_mask=self.add_other_case(char_mask(one))) for one in quoted_text),
            )
        if escaped_char in "123456789kgpPXC":
            raise UnsupportedError("back-reference or Unicode property")
        return RegexNode("chars", char_mask=self.add_other_case(self.parse_simple_escape(escaped_char)))

    def parse_simple_escape(self, escaped_char: str) -> int:
        if escaped_char.lower() in _MASK_BY_CLASS_ESCAPE and escaped_char in "dwshvRNDWSHV":
            return (
                _MASK_BY_CLASS_ESCAPE[escaped_char]
                if escaped_char in _MASK_BY_CLASS_ESCAPE
                else ANY_CHAR_MASK & ~_MASK_BY_CLASS_ESCAPE[escaped_char.lower()]
            )
        if escaped_char in _CHARACTER_BY_ESCAPE_LETTER:
            return char_mask(_CHARACTER_BY_ESCAPE_LETTER[escaped_char])
        if escaped_char == "x":
            match = _HEX_ESCAPE.match(self.text, self.place)
            if match:
                self.place = match.end()
                return 1 << min(int(match[1] or match[2] or "0", 16), NON_ASCII_BIT)
        if escaped_char == "0":
            match = _OCTAL_ESCAPE.match(self.text, self.place)
            self.place = match.end() if match else self.place
            return 1 << min(int(match[0] or "0", 8), NON_ASCII_BIT) if match else 1
        return char_mask(escaped_char)

    def parse_bracket_class(self) -> int:
        is_negated = self.peek_chars() == "^"
        self.place += is_negated
        class_mask, is_first_member = 0, True
        while True:
            char = self.take_char()
            if char == "]" and not is_first_member:
                break
            is_first_member = False
            posix_class_match = _POSIX_CLASS.match(self.text, self.place - 1) if char == "[" else None
            if posix_class_match:
                self.place = posix_class_match.end()
                posix_mask = _MASK_BY_POSIX_CLASS.get(posix_class_match[2], 0)
                class_mask |= ANY_CHAR_MASK & ~posix_mask if posix_class_match[1] else posix_mask
                continue
            range_start_mask = self.parse_class_member(char)
            if self.peek_chars() == "-" and self.peek_chars(2) not in {"-]", "-"} and range_start_mask.bit_count() == 1:
                self.place += 1
                range_end_mask = self.parse_class_member(self.take_char())
                if range_end_mask.bit_count() == 1 and range_end_mask >= range_start_mask:
                    class_mask |= _char_range_mask(range_start_mask.bit_length() - 1, range_end_mask.bit_length() - 1)
                    continue
                range_start_mask |= range_end_mask | char_mask("-")
            class_mask |= range_start_mask
        return ANY_CHAR_MASK & ~class_mask if is_negated else class_mask

    def parse_class_member(self, char: str) -> int:
        if char != "\\":
            return char_mask(char)
        char = self.take_char()
        return char_mask("\b") if char == "b" else self.parse_simple_escape(char)

    def add_other_case(self, char_mask: int) -> int:
        if not self.icase:
            return char_mask
        lower_case_mask, upper_case_mask = char_mask & _LOWER_MASK, char_mask & _UPPER_MASK
        return char_mask | lower_case_mask >> 32 | upper_case_mask << 32


_COUNT_QUANTIFIER = lazy_regex(r"\{(\d{1,5})(,(\d{0,5}))?\}")
_NAMED_GROUP_START = lazy_regex(r"\?P?(?:<|')([A-Za-z_]\w*)(?:>|')")
_OPTION_GROUP = lazy_regex(r"\?([a-zA-Z]{0,8}(?:-[a-zA-Z]{1,8})?)([:)])")
_HEX_ESCAPE = lazy_regex(r"\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{0,2})")
_OCTAL_ESCAPE = lazy_regex(r"[0-7]{0,2}")
_POSIX_CLASS = lazy_regex(r"\[:(\^?)([a-z]+):\]")


@functools.lru_cache(maxsize=16_384)
def parse_pcre(pattern: str, ignore_case: bool = False) -> Regex:
    """The tree of an expression. Raises UnsupportedError."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise UnsupportedError("too long")
    pattern_parser = _PatternParser(pattern, ignore_case)
    root_node = pattern_parser.parse_alternatives(0)
    if pattern_parser.place < len(pattern):
        raise UnsupportedError("closing bracket without an opening one")
    return Regex(root_node, tuple(node or RegexNode("cat") for node in pattern_parser.groups), pattern_parser.names)


def try_parse_regex(pattern: str, ignore_case: bool = False) -> Regex | None:
    """The tree of an expression; None where nothing can be said about it."""
    try:
        return parse_pcre(pattern, ignore_case)
    except UnsupportedError:
        return None
