"""The reader of regular expressions as Python takes them: what Python's own parser makes of one, as a tree of nodes.

Asking Python itself leaves no doubt what an expression means: its dialect differs from PCRE in many small ways. Characters
past ASCII share four bits, by what Python's classes say of them; a set is never taken for smaller than it is.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from readiness.syntax.pcre import MAX_LENGTH, MAX_NESTING, UnsupportedError
from readiness.syntax.pcre_tree import RegexNode

NON_ASCII_WORD_BIT, NON_ASCII_NUMBER_BIT, NON_ASCII_SPACE_BIT, NON_ASCII_REST_BIT = (
    128,
    129,
    130,
    131,
)
"""The bits of letters, digits, blanks and all else past ASCII."""
ANY_MASK = (1 << (NON_ASCII_REST_BIT + 1)) - 1
TEXT_START_BIT, TEXT_END_BIT = 1 << (NON_ASCII_REST_BIT + 1), 1 << (NON_ASCII_REST_BIT + 2)
"""What stands before the first character, and after the last one."""
ANY_OR_EDGE_MASK = ANY_MASK | TEXT_START_BIT | TEXT_END_BIT
_ASCII_MASK = (1 << NON_ASCII_WORD_BIT) - 1
_LINE_BREAK_MASK = 1 << ord("\n")
_MAX_NON_ASCII_RANGE = (
    1000  # characters past ASCII in ranges of an expression that ignores case: Python goes through them one by one
)


def _chars_where(holds: Callable[[str], bool]) -> int:
    return sum(1 << point for point in range(NON_ASCII_WORD_BIT) if holds(chr(point)))


_DIGIT_MASK = _chars_where(str.isdigit)
_ASCII_WORD_MASK = _chars_where(lambda char: char.isalnum() or char == "_")
_LOWER_MASK, _UPPER_MASK = _chars_where(str.islower), _chars_where(str.isupper)
_MASK_WITH_NON_ASCII_CASES = sum(
    1 << ord(char) for char in "kKsSiI"
)  # there are letters past ASCII that equal these but for case
WORD_MASK = _ASCII_WORD_MASK | 1 << NON_ASCII_WORD_BIT | 1 << NON_ASCII_NUMBER_BIT
_UNICODE_CLASS_MASKS = {
    "digit": _DIGIT_MASK | 1 << NON_ASCII_NUMBER_BIT,
    "word": WORD_MASK,
    "space": _chars_where(str.isspace) | 1 << NON_ASCII_SPACE_BIT,
}
_ASCII_CLASS_MASKS = {
    "digit": _DIGIT_MASK,
    "word": _ASCII_WORD_MASK,
    "space": _chars_where(lambda char: char in " \t\n\r\f\v"),
}
_ANCHOR_KIND_BY_OPCODE = {
    "AT_BEGINNING": "start",
    "AT_BEGINNING_STRING": "start",
    "AT_END": "end",
    "AT_END_STRING": "last",
    "AT_BOUNDARY": "edge",
    "AT_NON_BOUNDARY": "inner",
}
_SINGLE_CHAR_OPCODES = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY"})
_REPEAT_OPCODES = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def parse_python_regex(pattern: str | bytes, flags: int = 0) -> RegexNode:
    """The tree of an expression. Raises UnsupportedError with the reason."""
    if len(pattern) > MAX_LENGTH:
        raise UnsupportedError(f"it is over {MAX_LENGTH} characters long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = importlib.import_module("re._parser").parse(pattern, flags)
    except re.error as error:
        raise UnsupportedError(f"it is no regular expression: {error}") from None
    except RecursionError:
        raise UnsupportedError("it is nested too deep") from None
    except (ImportError, AttributeError, OverflowError):
        raise UnsupportedError("this version of Python does not tell how it reads it") from None
    return _make_sequence(tree, tree.state.flags, 0)


def _make_sequence(items: Iterable[tuple[Any, Any]], flags: int, depth: int) -> RegexNode:
    if depth > MAX_NESTING:
        raise UnsupportedError("it is nested too deep")
    return RegexNode("cat", tuple(_make_node(str(name), value, flags, depth + 1) for name, value in items))


def _make_node(name: str, value: Any, flags: int, depth: int) -> RegexNode:
    """The node of one item that Python's parser gives: its name, and what comes with it."""
    if name in _SINGLE_CHAR_OPCODES:
        return RegexNode("chars", char_mask=_item_chars(name, value, flags)[0])
    if name in _REPEAT_OPCODES:
        least, most, inner = value
        endless = str(most) == "MAXREPEAT"
        return RegexNode(
            "repeat",
            (_make_sequence(inner, flags, depth),),
            min_repeats=int(least),
            max_repeats=None if endless else int(most),
            is_atomic=name == "POSSESSIVE_REPEAT",
        )
    if name == "SUBPATTERN":
        number, more, less, inner = value
        inside = _make_sequence(inner, (flags | more) & ~less, depth)
        return RegexNode("group", (inside,), group_number=number or 0)
    if name == "ATOMIC_GROUP":
        return RegexNode("group", (_make_sequence(value, flags, depth),), is_atomic=True)
    if name == "BRANCH":
        return RegexNode("alt", tuple(_make_sequence(one, flags, depth) for one in value[1]))
    if name == "AT":
        anchor = _ANCHOR_KIND_BY_OPCODE[str(value)]
        lines = flags & re.MULTILINE and str(value) in {"AT_BEGINNING", "AT_END"}
        return RegexNode(f"line-{anchor}" if lines else anchor)
    if name in {"ASSERT", "ASSERT_NOT"}:
        return _make_lookaround(value[0] > 0, value[1], name == "ASSERT_NOT", flags, depth)
    if name == "GROUPREF":
        return RegexNode("back")
    if name == "GROUPREF_EXISTS":
        _, yes, no = value
        return RegexNode("alt", (_make_sequence(yes, flags, depth), _make_sequence(no or (), flags, depth)))
    if name == "FAILURE":
        return RegexNode("chars")  # of no character at all
    raise UnsupportedError(f"it uses {name.lower()}, which nothing is known about")


def _make_lookaround(ahead: bool, inner: Any, negated: bool, flags: int, depth: int) -> RegexNode:
    """A look-around; one at a single character is an anchor that says which."""
    if len(inner) == 1 and str(inner[0][0]) in _SINGLE_CHAR_OPCODES:
        may, sure = _item_chars(str(inner[0][0]), inner[0][1], flags)
        return RegexNode("next" if ahead else "previous", char_mask=ANY_OR_EDGE_MASK & ~sure if negated else may)
    return RegexNode("look" if ahead else "behind", (_make_sequence(inner, flags, depth),))


PossibleAndSureChars = tuple[int, int]


def _item_chars(name: str, value: Any, flags: int) -> PossibleAndSureChars:
    """The characters that an item may take, and those of them that it takes for sure."""
    if name == "ANY":
        found = ANY_MASK if flags & re.DOTALL else ANY_MASK & ~_LINE_BREAK_MASK
        return found, found
    if name == "IN":
        return _chars_of_set(value, flags)
    may, sure = _with_both_cases_if_ignored(char_bit(chr(value)), char_bit(chr(value)) & _ASCII_MASK, flags, [value])
    return (ANY_MASK & ~sure, ANY_MASK & ~may) if name == "NOT_LITERAL" else (may, sure)


def char_bit(char: str) -> int:
    """The bit that stands for a character in a mask; those past ASCII share one bit a class: digits, letters, spaces, rest."""
    if char.isascii():
        return 1 << ord(char)
    if char.isdecimal():
        return 1 << NON_ASCII_NUMBER_BIT
    if char.isalnum():
        return 1 << NON_ASCII_WORD_BIT
    return 1 << (NON_ASCII_SPACE_BIT if char.isspace() else NON_ASCII_REST_BIT)


def _chars_of_set(items: Iterable[tuple[Any, Any]], flags: int) -> PossibleAndSureChars:
    may = sure = 0
    ends: list[int] = []
    negated = False
    classes = _UNICODE_CLASS_MASKS if flags & re.UNICODE and not flags & re.ASCII else _ASCII_CLASS_MASKS
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            may, sure = may | char_bit(chr(value)), sure | char_bit(chr(value)) & _ASCII_MASK
            ends.append(value)
        elif name == "RANGE":
            low, high = value
            if flags & re.IGNORECASE and high - max(low, NON_ASCII_WORD_BIT) > _MAX_NON_ASCII_RANGE:
                raise UnsupportedError(f"a range of over {_MAX_NON_ASCII_RANGE} characters ignores case")
            known = sum(1 << point for point in range(low, min(high, NON_ASCII_WORD_BIT - 1) + 1))
            may |= known | (ANY_MASK & ~_ASCII_MASK if high >= NON_ASCII_WORD_BIT else 0)
            sure |= known
            ends += [low, high]
        else:
            word = str(value).lower().removeprefix("category_")
            chars = classes[word.removeprefix("not_")]
            chars = ANY_MASK & ~chars if word.startswith("not_") else chars
            may, sure = may | chars, sure | chars
    may, sure = _with_both_cases_if_ignored(may, sure, flags, ends)
    return (ANY_MASK & ~sure, ANY_MASK & ~may) if negated else (may, sure)


def _with_both_cases_if_ignored(
    possible_chars: int, sure_chars: int, flags: int, points: Iterable[int]
) -> PossibleAndSureChars:
    """The same with both cases of letters where case is ignored."""
    if not flags & re.IGNORECASE:
        return possible_chars, sure_chars
    possible_chars, sure_chars = _both_cases(possible_chars), _both_cases(sure_chars)
    if possible_chars & _MASK_WITH_NON_ASCII_CASES:
        possible_chars |= 1 << NON_ASCII_WORD_BIT
    if any(point >= NON_ASCII_WORD_BIT for point in points):
        possible_chars |= 1 << NON_ASCII_WORD_BIT | _MASK_WITH_NON_ASCII_CASES
    return possible_chars, sure_chars


def _both_cases(chars: int) -> int:
    lower, upper = chars & _LOWER_MASK, chars & _UPPER_MASK
    return chars | lower >> 32 | upper << 32
