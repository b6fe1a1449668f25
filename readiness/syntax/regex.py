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
from readiness.syntax.pcre_tree import Node

WORD, NUMBER, SPACE, REST = 128, 129, 130, 131
"""The bits of letters, digits, blanks and all else past ASCII."""
ANY = (1 << (REST + 1)) - 1
START, END = 1 << (REST + 1), 1 << (REST + 2)
"""What stands before the first character, and after the last one."""
AROUND = ANY | START | END
_ASCII = (1 << WORD) - 1
_LINE = 1 << ord("\n")
_WIDE = 1000  # characters past ASCII in ranges of an expression that ignores case: Python goes through them one by one


def _chars_where(holds: Callable[[str], bool]) -> int:
    return sum(1 << point for point in range(WORD) if holds(chr(point)))


_DIGITS = _chars_where(str.isdigit)
_WORDS = _chars_where(lambda char: char.isalnum() or char == "_")
_LOWER, _UPPER = _chars_where(str.islower), _chars_where(str.isupper)
_KIN = sum(
    1 << ord(char) for char in "kKsSiI"
)  # there are letters past ASCII that equal these but for case
WORDS = _WORDS | 1 << WORD | 1 << NUMBER
_UNICODE = {
    "digit": _DIGITS | 1 << NUMBER,
    "word": WORDS,
    "space": _chars_where(str.isspace) | 1 << SPACE,
}
_PLAIN = {
    "digit": _DIGITS,
    "word": _WORDS,
    "space": _chars_where(lambda char: char in " \t\n\r\f\v"),
}
_ANCHORS = {
    "AT_BEGINNING": "start",
    "AT_BEGINNING_STRING": "start",
    "AT_END": "end",
    "AT_END_STRING": "last",
    "AT_BOUNDARY": "edge",
    "AT_NON_BOUNDARY": "inner",
}
_ONE = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def parse_regex(pattern: str | bytes, flags: int = 0) -> Node:
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
    return _sequence(tree, tree.state.flags, 0)


def _sequence(items: Iterable[tuple[Any, Any]], flags: int, depth: int) -> Node:
    if depth > MAX_NESTING:
        raise UnsupportedError("it is nested too deep")
    return Node("cat", tuple(_node(str(name), value, flags, depth + 1) for name, value in items))


def _node(name: str, value: Any, flags: int, depth: int) -> Node:
    """The node of one item that Python's parser gives: its name, and what comes with it."""
    if name in _ONE:
        return Node("chars", chars=_item_chars(name, value, flags)[0])
    if name in _REPEATS:
        least, most, inner = value
        endless = str(most) == "MAXREPEAT"
        return Node(
            "repeat",
            (_sequence(inner, flags, depth),),
            least=int(least),
            most=None if endless else int(most),
            atomic=name == "POSSESSIVE_REPEAT",
        )
    if name == "SUBPATTERN":
        number, more, less, inner = value
        inside = _sequence(inner, (flags | more) & ~less, depth)
        return Node("group", (inside,), index=number or 0)
    if name == "ATOMIC_GROUP":
        return Node("group", (_sequence(value, flags, depth),), atomic=True)
    if name == "BRANCH":
        return Node("alt", tuple(_sequence(one, flags, depth) for one in value[1]))
    if name == "AT":
        anchor = _ANCHORS[str(value)]
        lines = flags & re.MULTILINE and str(value) in {"AT_BEGINNING", "AT_END"}
        return Node(f"line-{anchor}" if lines else anchor)
    if name in {"ASSERT", "ASSERT_NOT"}:
        return _lookaround(value[0] > 0, value[1], name == "ASSERT_NOT", flags, depth)
    if name == "GROUPREF":
        return Node("back")
    if name == "GROUPREF_EXISTS":
        _, yes, no = value
        return Node("alt", (_sequence(yes, flags, depth), _sequence(no or (), flags, depth)))
    if name == "FAILURE":
        return Node("chars")  # of no character at all
    raise UnsupportedError(f"it uses {name.lower()}, which nothing is known about")


def _lookaround(ahead: bool, inner: Any, negated: bool, flags: int, depth: int) -> Node:
    """A look-around; one at a single character is an anchor that says which."""
    if len(inner) == 1 and str(inner[0][0]) in _ONE:
        may, sure = _item_chars(str(inner[0][0]), inner[0][1], flags)
        return Node("next" if ahead else "previous", chars=AROUND & ~sure if negated else may)
    return Node("look" if ahead else "behind", (_sequence(inner, flags, depth),))


Chars = tuple[int, int]


def _item_chars(name: str, value: Any, flags: int) -> Chars:
    """The characters that an item may take, and those of them that it takes for sure."""
    if name == "ANY":
        found = ANY if flags & re.DOTALL else ANY & ~_LINE
        return found, found
    if name == "IN":
        return _set_chars(value, flags)
    may, sure = _case_folded(char_bit(chr(value)), char_bit(chr(value)) & _ASCII, flags, [value])
    return (ANY & ~sure, ANY & ~may) if name == "NOT_LITERAL" else (may, sure)


def char_bit(char: str) -> int:
    """The bit that stands for a character in a mask; those past ASCII share one bit a class: digits, letters, spaces, rest."""
    if char.isascii():
        return 1 << ord(char)
    if char.isdecimal():
        return 1 << NUMBER
    if char.isalnum():
        return 1 << WORD
    return 1 << (SPACE if char.isspace() else REST)


def _set_chars(items: Iterable[tuple[Any, Any]], flags: int) -> Chars:
    may = sure = 0
    ends: list[int] = []
    negated = False
    classes = _UNICODE if flags & re.UNICODE and not flags & re.ASCII else _PLAIN
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            may, sure = may | char_bit(chr(value)), sure | char_bit(chr(value)) & _ASCII
            ends.append(value)
        elif name == "RANGE":
            low, high = value
            if flags & re.IGNORECASE and high - max(low, WORD) > _WIDE:
                raise UnsupportedError(f"a range of over {_WIDE} characters ignores case")
            known = sum(1 << point for point in range(low, min(high, WORD - 1) + 1))
            may |= known | (ANY & ~_ASCII if high >= WORD else 0)
            sure |= known
            ends += [low, high]
        else:
            word = str(value).lower().removeprefix("category_")
            chars = classes[word.removeprefix("not_")]
            chars = ANY & ~chars if word.startswith("not_") else chars
            may, sure = may | chars, sure | chars
    may, sure = _case_folded(may, sure, flags, ends)
    return (ANY & ~sure, ANY & ~may) if negated else (may, sure)


def _case_folded(may: int, sure: int, flags: int, points: Iterable[int]) -> Chars:
    """The same with both cases of letters where case is ignored."""
    if not flags & re.IGNORECASE:
        return may, sure
    may, sure = _both_cases(may), _both_cases(sure)
    if may & _KIN:
        may |= 1 << WORD
    if any(point >= WORD for point in points):
        may |= 1 << WORD | _KIN
    return may, sure


def _both_cases(chars: int) -> int:
    lower, upper = chars & _LOWER, chars & _UPPER
    return chars | lower >> 32 | upper << 32
