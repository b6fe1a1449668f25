"""Regular expressions as trees, and questions about every text that one can match.

Characters are bits of a number, one for each of ASCII and one for all others, so that sets of them are cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

OTHER = 128
"""All characters past ASCII count as one."""
ANY = (1 << (OTHER + 1)) - 1


def char_mask(chars: str) -> int:
    """The set of the given characters as a bit mask; those from code point OTHER on share a bit."""
    found = 0
    for char in chars:
        found |= 1 << min(ord(char), OTHER)
    return found


DOT = ANY & ~char_mask("\n")


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression. `kind`: chars, cat, alt, repeat, group, start, end, edge (of a word).

    Python's reader knows more of them: line-start, line-end, last (the very end), inner (no edge of a word), back (a
    back-reference), look and behind (look-around), and next and previous, which say what character may stand there.
    """

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


def walk(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.parts))


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


def may_be_empty(node: Node) -> bool:
    """Whether the node can match the empty text."""
    if node.kind == "chars":
        return False
    if node.kind == "alt":
        return any(may_be_empty(one) for one in node.parts)
    if node.kind in {"look", "behind"} or (node.kind == "repeat" and node.least == 0):
        return True
    return all(may_be_empty(one) for one in node.parts)


def single_chars(node: Node) -> int:
    """The characters of a node that takes exactly one; 0 for any other node."""
    if node.kind == "chars":
        return node.chars
    chars = 0
    if node.kind == "alt":
        for part in node.parts:
            length = single_chars(part)
            if not length:
                return 0
            chars |= length
    elif node.kind in {"group", "cat"} and len(node.parts) == 1:
        chars = single_chars(node.parts[0])
    return chars


def first_chars(node: Node) -> int:
    """The characters that a text matched by the node can begin with."""
    if node.kind == "chars":
        return node.chars
    chars = 0
    if node.kind == "alt":
        for part in node.parts:
            chars |= first_chars(part)
        return chars
    for part in node.parts:
        chars |= first_chars(part)
        if not may_be_empty(part):
            break
    return chars


def last_chars(node: Node) -> int:
    """The characters that a text matched by the node can end with."""
    if node.kind == "chars":
        return node.chars
    chars = 0
    for part in reversed(node.parts):
        chars |= last_chars(part)
        if node.kind != "alt" and not may_be_empty(part):
            break
    return chars


def chars_before(root: Node, target: Node) -> int:
    """The characters that can stand directly before what `target` matches; 0 where it can be the first thing."""

    def search(node: Node, left: int) -> int | None:
        if node is target:
            return left
        for part in node.parts:
            result = search(part, left)
            if result is not None:
                return result
            if node.kind != "alt":
                left = (
                    last_chars(part) | (left if may_be_empty(part) else 0)
                    if last_chars(part) or not may_be_empty(part)
                    else left
                )
        return None

    return search(root, 0) or 0


def is_anchored(node: Node, kind: str) -> bool:
    """Whether every way to match begins (`start`) or ends (`end`) at that anchor."""
    if node.kind == kind:
        return True
    if node.kind == "alt":
        return all(is_anchored(one, kind) for one in node.parts)
    if node.kind == "repeat" and node.least == 0:
        return False
    parts = node.parts if kind == "start" else node.parts[::-1]
    for part in parts:
        if is_anchored(part, kind):
            return True
        if part.kind in {"chars"} or not may_be_empty(part):
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


def literal_text(node: Node) -> str | None:
    """The one text that the node matches; None where there are several. Anchors are left out."""
    if node.kind == "chars":
        return (
            chr(node.chars.bit_length() - 1)
            if node.chars.bit_count() == 1 and node.chars >> OTHER == 0
            else None
        )
    if node.kind in {"start", "end"}:
        return ""
    if node.kind in {"alt", "edge"} or (node.kind == "repeat" and node.least != node.most):
        return None
    pieces = [literal_text(one) for one in node.parts]
    text = "".join(piece for piece in pieces if piece is not None)
    return None if None in pieces else text * (node.least if node.kind == "repeat" else 1)
