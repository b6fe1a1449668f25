"""Regular expressions as trees, and questions about every text that one can match.

Characters are bits of a number, one for each of ASCII and one for all others, so that sets of them are cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

NON_ASCII_BIT = 128
"""All characters past ASCII count as one."""
ANY_MASK = (1 << (NON_ASCII_BIT + 1)) - 1


def char_mask(chars: str) -> int:
    """The set of the given characters as a bit mask; those from code point OTHER on share a bit."""
    found = 0
    for char in chars:
        found |= 1 << min(ord(char), NON_ASCII_BIT)
    return found


DOT_MASK = ANY_MASK & ~char_mask("\n")


@dataclass(frozen=True, slots=True, eq=False)
class RegexNode:
    """A part of an expression. `kind`: chars, cat, alt, repeat, group, start, end, edge (of a word).

    Python's reader knows more of them: line-start, line-end, last (the very end), inner (no edge of a word), back (a
    back-reference), look and behind (look-around), and next and previous, which say what character may stand there.
    """

    kind: str
    children: tuple[RegexNode, ...] = ()
    char_mask: int = 0
    min_repeats: int = 1
    max_repeats: int | None = 1
    group_number: int = 0  # of a capturing group, from 1
    is_atomic: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """A parsed expression: its tree, its capturing groups in order, and the numbers of the named ones."""

    root: RegexNode
    groups: tuple[RegexNode, ...]
    group_number_by_name: dict[str, int] = field(default_factory=dict)

    def group(self, name: str | int) -> RegexNode | None:
        """A capturing group by number or by name."""
        number = self.group_number_by_name.get(name, 0) if isinstance(name, str) else name
        return self.groups[number - 1] if 0 < number <= len(self.groups) else None


def walk_nodes(node: RegexNode) -> Iterator[RegexNode]:
    """A node and everything in it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def may_hold(node: RegexNode, chars: int) -> bool:
    """Whether some text that the node matches has one of the characters in it."""
    return any(one.kind == "chars" and one.char_mask & chars for one in walk_nodes(node))


def must_hold(node: RegexNode, chars: int) -> bool:
    """Whether every text that the node matches has one of the characters in it."""
    if node.kind == "chars":
        return not node.char_mask & ~chars and node.char_mask != 0
    if node.kind == "alt":
        return all(must_hold(one, chars) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    return any(must_hold(one, chars) for one in node.children)


def may_be_empty(node: RegexNode) -> bool:
    """Whether the node can match the empty text."""
    if node.kind == "chars":
        return False
    if node.kind == "alt":
        return any(may_be_empty(one) for one in node.children)
    if node.kind in {"look", "behind"} or (node.kind == "repeat" and node.min_repeats == 0):
        return True
    return all(may_be_empty(one) for one in node.children)


def single_chars(node: RegexNode) -> int:
    """The characters of a node that takes exactly one; 0 for any other node."""
    if node.kind == "chars":
        return node.char_mask
    chars = 0
    if node.kind == "alt":
        for part in node.children:
            length = single_chars(part)
            if not length:
                return 0
            chars |= length
    elif node.kind in {"group", "cat"} and len(node.children) == 1:
        chars = single_chars(node.children[0])
    return chars


def first_chars(node: RegexNode) -> int:
    """The characters that a text matched by the node can begin with."""
    if node.kind == "chars":
        return node.char_mask
    chars = 0
    if node.kind == "alt":
        for part in node.children:
            chars |= first_chars(part)
        return chars
    for part in node.children:
        chars |= first_chars(part)
        if not may_be_empty(part):
            break
    return chars


def last_chars(node: RegexNode) -> int:
    """The characters that a text matched by the node can end with."""
    if node.kind == "chars":
        return node.char_mask
    chars = 0
    for part in reversed(node.children):
        chars |= last_chars(part)
        if node.kind != "alt" and not may_be_empty(part):
            break
    return chars


def chars_before(root: RegexNode, target: RegexNode) -> int:
    """The characters that can stand directly before what `target` matches; 0 where it can be the first thing."""

    def search_below(node: RegexNode, left: int) -> int | None:
        if node is target:
            return left
        for part in node.children:
            result = search_below(part, left)
            if result is not None:
                return result
            if node.kind != "alt":
                left = (
                    last_chars(part) | (left if may_be_empty(part) else 0)
                    if last_chars(part) or not may_be_empty(part)
                    else left
                )
        return None

    return search_below(root, 0) or 0


def is_anchored(node: RegexNode, kind: str) -> bool:
    """Whether every way to match begins (`start`) or ends (`end`) at that anchor."""
    if node.kind == kind:
        return True
    if node.kind == "alt":
        return all(is_anchored(one, kind) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    parts = node.children if kind == "start" else node.children[::-1]
    for part in parts:
        if is_anchored(part, kind):
            return True
        if part.kind in {"chars"} or not may_be_empty(part):
            return False
    return False


def has_anchor(node: RegexNode) -> bool:
    """Whether the node cannot match without an anchor somewhere in each of its ways."""
    if node.kind in {"start", "end"}:
        return True
    if node.kind == "alt":
        return all(has_anchor(one) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    return any(has_anchor(one) for one in node.children)


def literal_text(node: RegexNode) -> str | None:
    """The one text that the node matches; None where there are several. Anchors are left out."""
    if node.kind == "chars":
        return (
            chr(node.char_mask.bit_length() - 1)
            if node.char_mask.bit_count() == 1 and node.char_mask >> NON_ASCII_BIT == 0
            else None
        )
    if node.kind in {"start", "end"}:
        return ""
    if node.kind in {"alt", "edge"} or (node.kind == "repeat" and node.min_repeats != node.max_repeats):
        return None
    pieces = [literal_text(one) for one in node.children]
    text = "".join(piece for piece in pieces if piece is not None)
    return None if None in pieces else text * (node.min_repeats if node.kind == "repeat" else 1)
