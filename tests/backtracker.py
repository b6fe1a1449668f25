"""A backtracking engine that counts its steps: what `re` does inside of C, in a form that a test can measure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from readiness.syntax.pcre_tree import RegexNode
from readiness.syntax.regex import TEXT_END_MASK, TEXT_START_MASK, UNICODE_WORD_MASK, char_bit_mask

Then = Callable[[int], bool]
_LINE = char_bit_mask("\n")


class TooManyError(Exception):
    """The engine took more steps than it was given."""


class Engine:
    """Tries the ways through an expression one after the other, as Python's engine does."""

    def __init__(self, text: str, most: int) -> None:
        self.bits = [char_bit_mask(char) for char in text]
        self.steps = 0
        self.most = most

    def search(self, root: RegexNode, *, everywhere: bool, again: bool) -> int:
        """The steps of a search for the first match, or for all of them one after the other."""
        place = 0
        while place <= len(self.bits):
            end = -1

            def then(at: int) -> bool:
                nonlocal end
                end = at
                return True

            found = self.run(root, place, then)
            if not everywhere or (found and not again):
                break
            place = end if found and end > place else place + 1
        return self.steps

    def run(self, node: RegexNode, at: int, then: Then) -> bool:
        self.steps += 1
        if self.steps > self.most:
            raise TooManyError
        if node.kind == "chars":
            return at < len(self.bits) and bool(self.bits[at] & node.char_mask) and then(at + 1)
        if node.kind == "alt":
            for part in node.children:  # noqa: SIM110  # `any` would call from C, where the stack is short
                if self.run(part, at, then):
                    return True
            return False
        if node.kind == "repeat" and node.is_atomic:
            return self.first(lambda keep: self.turn(node, 0, at, keep), then)
        if node.kind == "repeat":
            return self.turn(node, 0, at, then)
        if node.kind in {"look", "behind"}:
            return self.run(node.children[0], at, lambda _: True) and then(at)
        if node.kind in {"cat", "group"}:
            if node.is_atomic:
                return self.first(lambda keep: self.line(node.children, 0, at, keep), then)
            return self.line(node.children, 0, at, then)
        return self.anchor(node, at) and then(at)

    @staticmethod
    def first(tried: Callable[[Then], bool], then: Then) -> bool:
        """Go on from the first way through alone, as atomic groups and possessive repeats do."""
        ends: list[int] = []
        return tried(lambda end: ends.append(end) is None) and then(ends[0])

    def line(self, parts: tuple[RegexNode, ...], number: int, at: int, then: Then) -> bool:
        if number == len(parts):
            return then(at)
        return self.run(parts[number], at, lambda end: self.line(parts, number + 1, end, then))

    def turn(self, node: RegexNode, done: int, at: int, then: Then) -> bool:
        def after(end: int) -> bool:
            if end == at and done >= node.min_repeats:
                return False
            return self.turn(node, done + 1, end, then)

        if (node.max_repeats is None or done < node.max_repeats) and self.run(node.children[0], at, after):
            return True
        return done >= node.min_repeats and then(at)

    def anchor(self, node: RegexNode, at: int) -> bool:
        before = self.bits[at - 1] if at else TEXT_START_MASK
        after = self.bits[at] if at < len(self.bits) else TEXT_END_MASK
        edge = bool(before & UNICODE_WORD_MASK) is not bool(after & UNICODE_WORD_MASK)
        return {
            "start": at == 0,
            "line-start": bool(before & (TEXT_START_MASK | _LINE)),
            "end": at >= len(self.bits) - (self.bits[-1:] == [_LINE]),
            "line-end": bool(after & (TEXT_END_MASK | _LINE)),
            "last": after == TEXT_END_MASK,
            "edge": edge,
            "inner": not edge,
            "previous": bool(before & node.char_mask),
            "next": bool(after & node.char_mask),
        }[node.kind]


def steps(root: RegexNode, text: str, *, everywhere: bool, again: bool, most: int) -> int:
    """How many steps an engine takes; one more than `most` where it takes more."""
    engine = Engine(text, most)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        return engine.search(root, everywhere=everywhere, again=again)
    except TooManyError:
        return most + 1
    finally:
        sys.setrecursionlimit(before)
