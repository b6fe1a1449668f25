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

from readiness.syntax.pcre import MAX_GROUP_NESTING, MAX_PATTERN_LENGTH, UnsupportedError
from readiness.syntax.pcre_tree import RegexNode

NON_ASCII_WORD_BIT, NON_ASCII_NUMBER_BIT, NON_ASCII_SPACE_BIT, NON_ASCII_REST_BIT = (
    128,
    129,
    130,
    131,
)
"""The bits of letters, digits, blanks and all else past ASCII."""
ANY_CHAR_MASK = (1 << (NON_ASCII_REST_BIT + 1)) - 1
TEXT_START_MASK, TEXT_END_MASK = 1 << (NON_ASCII_REST_BIT + 1), 1 << (NON_ASCII_REST_BIT + 2)
"""What stands before the first character, and after the last one."""
ANY_CHAR_OR_TEXT_EDGE_MASK = ANY_CHAR_MASK | TEXT_START_MASK | TEXT_END_MASK
_ASCII_MASK = (1 << NON_ASCII_WORD_BIT) - 1
_LINE_BREAK_MASK = 1 << ord("\n")
_MAX_NON_ASCII_RANGE = 1000  # characters past ASCII in ranges of an expression that ignores case: Python goes through them one by one


def _ascii_mask_where(char_predicate: Callable[[str], bool]) -> int:
    return sum(1 << point for point in range(NON_ASCII_WORD_BIT) if char_predicate(chr(point)))


_ASCII_DIGIT_MASK = _ascii_mask_where(str.isdigit)
_ASCII_WORD_MASK = _ascii_mask_where(lambda char: char.isalnum() or char == "_")
_ASCII_LOWER_MASK, _ASCII_UPPER_MASK = _ascii_mask_where(str.islower), _ascii_mask_where(str.isupper)
_MASK_WITH_NON_ASCII_CASES = sum(1 << ord(char) for char in "kKsSiI")  # there are letters past ASCII that equal these but for case
UNICODE_WORD_MASK = _ASCII_WORD_MASK | 1 << NON_ASCII_WORD_BIT | 1 << NON_ASCII_NUMBER_BIT
_UNICODE_MASK_BY_CLASS = {
    "digit": _ASCII_DIGIT_MASK | 1 << NON_ASCII_NUMBER_BIT,
    "word": UNICODE_WORD_MASK,
    "space": _ascii_mask_where(str.isspace) | 1 << NON_ASCII_SPACE_BIT,
}
_ASCII_MASK_BY_CLASS = {
    "digit": _ASCII_DIGIT_MASK,
    "word": _ASCII_WORD_MASK,
    "space": _ascii_mask_where(lambda char: char in " \t\n\r\f\v"),
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


def parse_python_regex(pattern: str | bytes, regex_flags: int = 0) -> RegexNode:
    """The tree of an expression. Raises UnsupportedError with the reason."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise UnsupportedError(f"it is over {MAX_PATTERN_LENGTH} characters long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed_pattern = importlib.import_module("re._parser").parse(pattern, regex_flags)
    except re.error as error:
        raise UnsupportedError(f"it is no regular expression: {error}") from None
    except RecursionError:
        raise UnsupportedError("it is nested too deep") from None
    except (ImportError, AttributeError, OverflowError):
        raise UnsupportedError("this version of Python does not tell how it reads it") from None
    return _make_sequence(parsed_pattern, parsed_pattern.state.flags, 0)


def _make_sequence(opcodes_and_arguments: Iterable[tuple[Any, Any]], regex_flags: int, nesting_depth: int) -> RegexNode:
    if nesting_depth > MAX_GROUP_NESTING:
        raise UnsupportedError("it is nested too deep")
    return RegexNode(
        "cat",
        tuple(_make_node(str(opcode), opcode_argument, regex_flags, nesting_depth + 1) for opcode, opcode_argument in opcodes_and_arguments),
    )


def _make_node(opcode_name: str, opcode_argument: Any, regex_flags: int, nesting_depth: int) -> RegexNode:
    """The node of one item that Python's parser gives: its name, and what comes with it."""
    if opcode_name in _SINGLE_CHAR_OPCODES:
        return RegexNode("chars", char_mask=_item_char_masks(opcode_name, opcode_argument, regex_flags)[0])
    if opcode_name in _REPEAT_OPCODES:
        min_repeats, max_repeats, inner_items = opcode_argument
        is_unbounded = str(max_repeats) == "MAXREPEAT"
        return RegexNode(
            "repeat",
            (_make_sequence(inner_items, regex_flags, nesting_depth),),
            min_repeats=int(min_repeats),
            max_repeats=None if is_unbounded else int(max_repeats),
            is_atomic=opcode_name == "POSSESSIVE_REPEAT",
        )
    if opcode_name == "SUBPATTERN":
        group_number, added_flags, removed_flags, inner_items = opcode_argument
        group_content = _make_sequence(inner_items, (regex_flags | added_flags) & ~removed_flags, nesting_depth)
        return RegexNode("group", (group_content,), group_number=group_number or 0)
    if opcode_name == "ATOMIC_GROUP":
        return RegexNode("group", (_make_sequence(opcode_argument, regex_flags, nesting_depth),), is_atomic=True)
    if opcode_name == "BRANCH":
        return RegexNode("alt", tuple(_make_sequence(one, regex_flags, nesting_depth) for one in opcode_argument[1]))
    if opcode_name == "AT":
        anchor_kind = _ANCHOR_KIND_BY_OPCODE[str(opcode_argument)]
        is_line_anchor = regex_flags & re.MULTILINE and str(opcode_argument) in {"AT_BEGINNING", "AT_END"}
        return RegexNode(f"line-{anchor_kind}" if is_line_anchor else anchor_kind)
    if opcode_name in {"ASSERT", "ASSERT_NOT"}:
        return _make_lookaround(opcode_argument[0] > 0, opcode_argument[1], opcode_name == "ASSERT_NOT", regex_flags, nesting_depth)
    if opcode_name == "GROUPREF":
        return RegexNode("back")
    if opcode_name == "GROUPREF_EXISTS":
        _, matched_branch, unmatched_branch = opcode_argument
        return RegexNode(
            "alt",
            (
                _make_sequence(matched_branch, regex_flags, nesting_depth),
                _make_sequence(unmatched_branch or (), regex_flags, nesting_depth),
            ),
        )
    if opcode_name == "FAILURE":
        return RegexNode("chars")  # of no character at all
    raise UnsupportedError(f"it uses {opcode_name.lower()}, which nothing is known about")


def _make_lookaround(is_lookahead: bool, inner_items: Any, is_negated: bool, regex_flags: int, nesting_depth: int) -> RegexNode:
    """A look-around; one at a single character is an anchor that says which."""
    if len(inner_items) == 1 and str(inner_items[0][0]) in _SINGLE_CHAR_OPCODES:
        possible_mask, sure_mask = _item_char_masks(str(inner_items[0][0]), inner_items[0][1], regex_flags)
        return RegexNode(
            "next" if is_lookahead else "previous",
            char_mask=ANY_CHAR_OR_TEXT_EDGE_MASK & ~sure_mask if is_negated else possible_mask,
        )
    return RegexNode("look" if is_lookahead else "behind", (_make_sequence(inner_items, regex_flags, nesting_depth),))


PossibleAndSureChars = tuple[int, int]


def _item_char_masks(opcode_name: str, opcode_argument: Any, regex_flags: int) -> PossibleAndSureChars:
    """The characters that an item may take, and those of them that it takes for sure."""
    if opcode_name == "ANY":
        any_char_mask = ANY_CHAR_MASK if regex_flags & re.DOTALL else ANY_CHAR_MASK & ~_LINE_BREAK_MASK
        return any_char_mask, any_char_mask
    if opcode_name == "IN":
        return _set_char_masks(opcode_argument, regex_flags)
    possible_mask, sure_mask = _masks_with_ignored_case(
        char_bit_mask(chr(opcode_argument)), char_bit_mask(chr(opcode_argument)) & _ASCII_MASK, regex_flags, [opcode_argument]
    )
    return (ANY_CHAR_MASK & ~sure_mask, ANY_CHAR_MASK & ~possible_mask) if opcode_name == "NOT_LITERAL" else (possible_mask, sure_mask)


def char_bit_mask(char: str) -> int:
    """The bit that stands for a character in a mask; those past ASCII share one bit a class: digits, letters, spaces, rest."""
    if char.isascii():
        return 1 << ord(char)
    if char.isdecimal():
        return 1 << NON_ASCII_NUMBER_BIT
    if char.isalnum():
        return 1 << NON_ASCII_WORD_BIT
    return 1 << (NON_ASCII_SPACE_BIT if char.isspace() else NON_ASCII_REST_BIT)


def _set_char_masks(opcodes_and_arguments: Iterable[tuple[Any, Any]], regex_flags: int) -> PossibleAndSureChars:
    possible_mask = sure_mask = 0
    literal_and_range_end_points: list[int] = []
    is_negated = False
    mask_by_class = _UNICODE_MASK_BY_CLASS if regex_flags & re.UNICODE and not regex_flags & re.ASCII else _ASCII_MASK_BY_CLASS
    for opcode, opcode_argument in opcodes_and_arguments:
        opcode_name = str(opcode)
        if opcode_name == "NEGATE":
            is_negated = True
        elif opcode_name == "LITERAL":
            possible_mask, sure_mask = (
                possible_mask | char_bit_mask(chr(opcode_argument)),
                sure_mask | char_bit_mask(chr(opcode_argument)) & _ASCII_MASK,
            )
            literal_and_range_end_points.append(opcode_argument)
        elif opcode_name == "RANGE":
            range_start, range_end = opcode_argument
            if regex_flags & re.IGNORECASE and range_end - max(range_start, NON_ASCII_WORD_BIT) > _MAX_NON_ASCII_RANGE:
                raise UnsupportedError(f"a range of over {_MAX_NON_ASCII_RANGE} characters ignores case")
            ascii_range_mask = sum(1 << point for point in range(range_start, min(range_end, NON_ASCII_WORD_BIT - 1) + 1))
            possible_mask |= ascii_range_mask | (ANY_CHAR_MASK & ~_ASCII_MASK if range_end >= NON_ASCII_WORD_BIT else 0)
            sure_mask |= ascii_range_mask
            literal_and_range_end_points += [range_start, range_end]
        else:
            category_name = str(opcode_argument).lower().removeprefix("category_")
            category_mask = mask_by_class[category_name.removeprefix("not_")]
            category_mask = ANY_CHAR_MASK & ~category_mask if category_name.startswith("not_") else category_mask
            possible_mask, sure_mask = possible_mask | category_mask, sure_mask | category_mask
    possible_mask, sure_mask = _masks_with_ignored_case(possible_mask, sure_mask, regex_flags, literal_and_range_end_points)
    return (ANY_CHAR_MASK & ~sure_mask, ANY_CHAR_MASK & ~possible_mask) if is_negated else (possible_mask, sure_mask)


def _masks_with_ignored_case(possible_mask: int, sure_mask: int, regex_flags: int, code_points: Iterable[int]) -> PossibleAndSureChars:
    """The same with both cases of letters where case is ignored."""
    if not regex_flags & re.IGNORECASE:
        return possible_mask, sure_mask
    possible_mask, sure_mask = _mask_with_both_cases(possible_mask), _mask_with_both_cases(sure_mask)
    if possible_mask & _MASK_WITH_NON_ASCII_CASES:
        possible_mask |= 1 << NON_ASCII_WORD_BIT
    if any(point >= NON_ASCII_WORD_BIT for point in code_points):
        possible_mask |= 1 << NON_ASCII_WORD_BIT | _MASK_WITH_NON_ASCII_CASES
    return possible_mask, sure_mask


def _mask_with_both_cases(mask: int) -> int:
    lower_case_mask, upper_case_mask = mask & _ASCII_LOWER_MASK, mask & _ASCII_UPPER_MASK
    return mask | lower_case_mask >> 32 | upper_case_mask << 32
