"""Regular expressions as trees, and questions about every text that one can match.

Characters are bits of a number, one for each of ASCII and one for all others, so that sets of them are cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from readiness.model.records import dataclass

NON_ASCII_BIT = 128
"""All characters past ASCII count as one."""
ANY_CHAR_MASK = (1 << (NON_ASCII_BIT + 1)) - 1


def char_mask(chars: str) -> int:
    """The set of the given characters as a bit mask; those from code point OTHER on share a bit."""
    char_bits = 0
    for char in chars:
        char_bits |= 1 << min(ord(char), NON_ASCII_BIT)
    return char_bits


ANY_EXCEPT_NEWLINE_MASK = ANY_CHAR_MASK & ~char_mask("\n")


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

    def group(self, group_number_or_name: str | int) -> RegexNode | None:
        """A capturing group by number or by name."""
        group_number = self.group_number_by_name.get(group_number_or_name, 0) if isinstance(group_number_or_name, str) else group_number_or_name
        return self.groups[group_number - 1] if 0 < group_number <= len(self.groups) else None


def walk_nodes(node: RegexNode) -> Iterator[RegexNode]:
    """A node and everything in it."""
    pending_nodes = [node]
    while pending_nodes:
        current_node = pending_nodes.pop()
        yield current_node
        pending_nodes.extend(reversed(current_node.children))


def may_match_any_char_of(node: RegexNode, searched_mask: int) -> bool:
    """Whether some text that the node matches has one of the characters in it."""
    return any(one.kind == "chars" and one.char_mask & searched_mask for one in walk_nodes(node))


def always_matches_some_char_of(node: RegexNode, searched_mask: int) -> bool:
    """Whether every text that the node matches has one of the characters in it."""
    if node.kind == "chars":
        return not node.char_mask & ~searched_mask and node.char_mask != 0
    if node.kind == "alt":
        return all(always_matches_some_char_of(one, searched_mask) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    return any(always_matches_some_char_of(one, searched_mask) for one in node.children)


def may_match_empty_text(node: RegexNode) -> bool:
    """Whether the node can match the empty text."""
    if node.kind == "chars":
        return False
    if node.kind == "alt":
        return any(may_match_empty_text(one) for one in node.children)
    if node.kind in {"look", "behind"} or (node.kind == "repeat" and node.min_repeats == 0):
        return True
    return all(may_match_empty_text(one) for one in node.children)


def single_char_mask(node: RegexNode) -> int:
    """The characters of a node that takes exactly one; 0 for any other node."""
    if node.kind == "chars":
        return node.char_mask
    alternatives_mask = 0
    if node.kind == "alt":
        for child in node.children:
            part_mask = single_char_mask(child)
            if not part_mask:
                return 0
            alternatives_mask |= part_mask
    elif node.kind in {"group", "cat"} and len(node.children) == 1:
        alternatives_mask = single_char_mask(node.children[0])
    return alternatives_mask


def first_char_mask(node: RegexNode) -> int:
    """The characters that a text matched by the node can begin with."""
    if node.kind == "chars":
        return node.char_mask
    first_char_bits = 0
    if node.kind == "alt":
        for child in node.children:
            first_char_bits |= first_char_mask(child)
        return first_char_bits
    for child in node.children:
        first_char_bits |= first_char_mask(child)
        if not may_match_empty_text(child):
            break
    return first_char_bits


def last_char_mask(node: RegexNode) -> int:
    """The characters that a text matched by the node can end with."""
    if node.kind == "chars":
        return node.char_mask
    last_char_bits = 0
    for child in reversed(node.children):
        last_char_bits |= last_char_mask(child)
        if node.kind != "alt" and not may_match_empty_text(child):
            break
    return last_char_bits


def preceding_char_mask(root_node: RegexNode, target_node: RegexNode) -> int:
    """The characters that can stand directly before what `target_node` matches; 0 where it can be the first thing."""

    def search_below(node: RegexNode, preceding_mask: int) -> int | None:
        if node is target_node:
            return preceding_mask
        for child in node.children:
            found_mask = search_below(child, preceding_mask)
            if found_mask is not None:
                return found_mask
            if node.kind != "alt":
                preceding_mask = (
                    last_char_mask(child) | (preceding_mask if may_match_empty_text(child) else 0)
                    if last_char_mask(child) or not may_match_empty_text(child)
                    else preceding_mask
                )
        return None

    return search_below(root_node, 0) or 0


def is_always_anchored(node: RegexNode, anchor_kind: str) -> bool:
    """Whether every way to match begins (`start`) or ends (`end`) at that anchor."""
    if node.kind == anchor_kind:
        return True
    if node.kind == "alt":
        return all(is_always_anchored(one, anchor_kind) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    children_from_anchor = node.children if anchor_kind == "start" else node.children[::-1]
    for child in children_from_anchor:
        if is_always_anchored(child, anchor_kind):
            return True
        if child.kind in {"chars"} or not may_match_empty_text(child):
            return False
    return False


def always_has_anchor(node: RegexNode) -> bool:
    """Whether the node cannot match without an anchor somewhere in each of its ways."""
    if node.kind in {"start", "end"}:
        return True
    if node.kind == "alt":
        return all(always_has_anchor(one) for one in node.children)
    if node.kind == "repeat" and node.min_repeats == 0:
        return False
    return any(always_has_anchor(one) for one in node.children)


def only_matching_text(node: RegexNode) -> str | None:
    """The one text that the node matches; None where there are several. Anchors are left out."""
    if node.kind == "chars":
        return chr(node.char_mask.bit_length() - 1) if node.char_mask.bit_count() == 1 and node.char_mask >> NON_ASCII_BIT == 0 else None
    if node.kind in {"start", "end"}:
        return ""
    if node.kind in {"alt", "edge"} or (node.kind == "repeat" and node.min_repeats != node.max_repeats):
        return None
    child_texts = [only_matching_text(one) for one in node.children]
    concatenated_text = "".join(piece for piece in child_texts if piece is not None)
    return None if None in child_texts else concatenated_text * (node.min_repeats if node.kind == "repeat" else 1)
