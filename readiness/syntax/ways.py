"""The ways of a backtracking engine through a regular expression, as a machine of states.

Each state takes one character; an edge leads to a state that can take the next. Everything is laid out for the worst: a way
that a look-around or a back-reference may close counts as open, a repeat with a bound that is not small as one without.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import (
    NON_ASCII_BIT,
    RegexNode,
    may_be_empty,
    single_chars,
    walk_nodes,
)
from readiness.syntax.regex import (
    ANY_MASK,
    ANY_OR_EDGE_MASK,
    TEXT_END_BIT,
    TEXT_START_BIT,
    WORD_MASK,
)

MAX_STATES = 4000
SEARCH_STATE = 1  # the state that stands for a search that walks on
_MAX_UNROLLED_REPEATS = (
    4  # a repeat of up to so many turns stands in the machine turn by turn; one of more is a loop with a bound
)
_TURNS_AS_BAD_AS_ENDLESS = 10  # turns of a loop around an endless one that are as bad as endless turns
_MAX_STEPS_BETWEEN_CHARACTERS = 3000  # from one character to the next
_NON_ASCII_MASK = ANY_MASK & ~((1 << NON_ASCII_BIT) - 1)
_LINE_BREAK_MASK = 1 << ord("\n")
_NON_WORD_MASK = ANY_OR_EDGE_MASK & ~WORD_MASK
# Case by case: the characters that may stand before an anchor, those that may stand after it, and those of the latter
# with which it lets pass for sure.
AnchorCases = tuple[tuple[int, int, int], ...]
_CERTAIN_MASK = ((1 << NON_ASCII_BIT) - 1) | TEXT_END_BIT  # past ASCII a bit stands for many characters
_ALWAYS_PASSING_ANCHOR: AnchorCases = ((ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK),)
_MAYBE_PASSING_ANCHOR: AnchorCases = ((ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK, 0),)
_CASES_BY_ANCHOR: dict[str, AnchorCases] = {
    "start": ((TEXT_START_BIT, ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK),),
    "line-start": ((TEXT_START_BIT | _LINE_BREAK_MASK, ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK),),
    "end": ((ANY_OR_EDGE_MASK, TEXT_END_BIT | _LINE_BREAK_MASK, TEXT_END_BIT),),
    "line-end": ((ANY_OR_EDGE_MASK, TEXT_END_BIT | _LINE_BREAK_MASK, TEXT_END_BIT | _LINE_BREAK_MASK),),
    "last": ((ANY_OR_EDGE_MASK, TEXT_END_BIT, TEXT_END_BIT),),
    "edge": (
        (WORD_MASK, _NON_WORD_MASK, _NON_WORD_MASK & _CERTAIN_MASK),
        (_NON_WORD_MASK, WORD_MASK, WORD_MASK & _CERTAIN_MASK),
    ),
    "inner": (
        (WORD_MASK, WORD_MASK, WORD_MASK & _CERTAIN_MASK),
        (_NON_WORD_MASK, _NON_WORD_MASK, _NON_WORD_MASK & _CERTAIN_MASK),
    ),
    "behind": _MAYBE_PASSING_ANCHOR,
}


class MatchMode(NamedTuple):
    """How an expression is put to a text: tried at every place or at one, up to the end, again after each match."""

    tries_every_place: bool = True
    must_match_end: bool = False
    repeats_after_match: bool = False


SEARCH_MODE = MatchMode()


class StepCounter:
    """Counts steps of an analysis and ends one that takes too many."""

    def __init__(self, max_steps: int) -> None:
        self.left = max_steps

    def count_steps(self, steps: int = 1) -> None:
        """Count some steps. Raises UnsupportedError where they are too many."""
        self.left -= steps
        if self.left < 0:
            raise UnsupportedError("it is too complicated to be judged")


class _MachineDraft:
    """The machine as it is laid: states that take a character, and jumps between states that take none."""

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient
        # Characters (0: none), longest run of their loop, next state.
        self.chars: list[tuple[int, float, int]] = []
        self.jumps: list[list[tuple[int, AnchorCases]]] = []

    def add_state(self, chars: int = 0, run: float = 0, following: int = -1) -> int:
        """Add a state and return its number. Raises UnsupportedError where there are too many."""
        if len(self.chars) >= MAX_STATES:
            raise UnsupportedError("it has too many states")
        self.chars.append((chars, run, following))
        self.jumps.append([])
        return len(self.chars) - 1

    def add_node(self, node: RegexNode, enter: int, leave: int, run: float = 0) -> None:
        """Lay a node between two states; `run` is how much the outermost loop around it can take, 0 outside of loops."""
        jumps = self.jumps[enter]
        if node.kind == "chars":
            jumps.append(
                (
                    self.add_state(self.chars_taken(node.char_mask), run, leave),
                    _ALWAYS_PASSING_ANCHOR,
                )
            )
        elif node.kind in _CASES_BY_ANCHOR:
            blurred = self.lenient and node.kind == "edge"
            jumps.append((leave, _MAYBE_PASSING_ANCHOR if blurred else _CASES_BY_ANCHOR[node.kind]))
        elif node.kind == "previous":
            jumps.append((leave, ((node.char_mask, ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK),)))
        elif node.kind == "next":
            jumps.append((leave, ((ANY_OR_EDGE_MASK, node.char_mask, node.char_mask & _CERTAIN_MASK),)))
        elif node.kind == "look":  # goes along its text, and then on from where it began
            jumps.append((leave, _MAYBE_PASSING_ANCHOR))
            self.add_node(node.children[0], enter, self.add_state())
        elif node.kind == "back":  # takes some text or other
            loop = self.add_state()
            jumps.append((loop, _MAYBE_PASSING_ANCHOR))
            self.jumps[loop].append((self.add_state(ANY_MASK, math.inf, loop), _ALWAYS_PASSING_ANCHOR))
            self.jumps[loop].append((leave, _MAYBE_PASSING_ANCHOR))
        elif node.kind == "alt":
            for part in node.children:
                self.add_node(part, enter, leave, run)
        elif node.kind == "repeat":
            self.add_repeat(node, enter, leave, run)
        else:
            self.add_parts(node, enter, leave, run)

    def chars_taken(self, chars: int) -> int:
        """The characters of a set: PCRE's reader tells those past ASCII by one bit, Python's by four."""
        return chars | _NON_ASCII_MASK if self.lenient and chars & _NON_ASCII_MASK else chars

    def add_parts(self, node: RegexNode, enter: int, leave: int, run: float) -> None:
        """Chain the parts of a node so that they lead from `enter` to `leave`."""
        place = enter
        for part in (_as_possessive(node) or node.children) if node.is_atomic else node.children:
            following = self.add_state()
            self.add_node(part, place, following, run)
            place = following
        self.jumps[place].append((leave, _ALWAYS_PASSING_ANCHOR))

    def add_repeat(self, node: RegexNode, enter: int, leave: int, run: float) -> None:
        """Lay a repeat: the turns that it must have, then those that it may have or a loop."""
        inner = node.children[0]
        widest = _max_width(node)
        if not widest:  # anchors and look-around: once is as good as often
            self.add_node(inner, enter, leave, run)
            self.jumps[enter].append((leave, _MAYBE_PASSING_ANCHOR if node.min_repeats else _ALWAYS_PASSING_ANCHOR))
            return
        many = _MAX_UNROLLED_REPEATS if not self.lenient else _TURNS_AS_BAD_AS_ENDLESS - 1 if _has_loop(inner) else math.inf
        endless = node.max_repeats is None or node.max_repeats > many
        counted = node.max_repeats is not None or node.min_repeats > 1
        if endless and counted and may_be_empty(inner) and not self.lenient:
            raise UnsupportedError("it counts turns of something that may be empty")
        place = enter
        if endless:
            for _ in range(min(node.min_repeats, _MAX_UNROLLED_REPEATS) - 1):
                following = self.add_state()
                self.add_node(inner, place, following, run or widest)
                place = following
            self.add_loop(node, place, leave, run or widest)
            return
        most = min(node.max_repeats or 0, _MAX_UNROLLED_REPEATS)
        for turn in range(most):
            if turn >= node.min_repeats:
                self.jumps[place].append((leave, _ALWAYS_PASSING_ANCHOR))
            following = self.add_state()
            self.add_node(inner, place, following, run)
            place = following
        self.jumps[place].append((leave, _ALWAYS_PASSING_ANCHOR if node.min_repeats <= most else _MAYBE_PASSING_ANCHOR))

    def add_loop(self, node: RegexNode, place: int, leave: int, run: float) -> None:
        """Lay the turns of a repeat that go round."""
        loop, after = self.add_state(), self.add_state()
        self.jumps[place].append((loop, _ALWAYS_PASSING_ANCHOR))
        self.add_node(node.children[0], loop, after, run)
        out = _ALWAYS_PASSING_ANCHOR if node.min_repeats <= _MAX_UNROLLED_REPEATS else _MAYBE_PASSING_ANCHOR
        if node.is_atomic and node.max_repeats is None:
            others = ANY_OR_EDGE_MASK & ~_certain_chars(self.chars_taken(single_chars(node.children[0])))
            # With one of its own characters next it goes on, and ends behind the last of them: that is as sure.
            out = ((ANY_OR_EDGE_MASK, others, ANY_OR_EDGE_MASK),)
        self.jumps[after] += [(loop, _ALWAYS_PASSING_ANCHOR), (leave, out)]
        if node.min_repeats == 0:
            self.jumps[place].append((leave, out))


def _as_possessive(node: RegexNode) -> tuple[RegexNode, ...]:
    """An atomic group around a repeat of one character as the possessive repeat that it is; else nothing."""
    while len(node.children) == 1 and node.kind in {"group", "cat"}:
        node = node.children[0]
    if node.kind == "repeat" and single_chars(node.children[0]):
        return (
            RegexNode(
                "repeat",
                node.children,
                min_repeats=node.min_repeats,
                max_repeats=node.max_repeats,
                is_atomic=True,
            ),
        )
    return ()


def _certain_chars(chars: int) -> int:
    """Of the characters of a set those that it takes for sure: past ASCII a bit may stand for one character of many."""
    return chars if chars & _NON_ASCII_MASK == _NON_ASCII_MASK else chars & ~_NON_ASCII_MASK


def _has_loop(node: RegexNode) -> bool:
    return any(one.kind == "repeat" and one.max_repeats is None for one in walk_nodes(node))


def _max_width(node: RegexNode) -> float:
    """The most characters that a node can take."""
    if node.kind == "chars":
        return 1
    if node.kind == "back":
        return math.inf
    if node.kind in {"look", "behind"}:
        return 0
    if node.kind == "alt":
        return max((_max_width(part) for part in node.children), default=0)
    if node.kind == "repeat":
        once = _max_width(node.children[0])
        return 0 if not once else math.inf if node.max_repeats is None else once * node.max_repeats
    return sum(_max_width(part) for part in node.children)


def strongly_connected_components(edges: dict[int, list[int]]) -> Iterator[list[int]]:
    """The groups of states that reach each other, those of one state only where it reaches itself (Tarjan, no recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    held: set[int] = set()
    for root, reached in edges.items():
        if root in index:
            continue
        work = [(root, iter(reached))]
        index[root] = low[root] = len(index)
        path.append(root)
        held.add(root)
        while work:
            state, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[state])
                if low[state] == index[state]:
                    cut = path.index(state)
                    group = path[cut:]
                    del path[cut:]
                    held.difference_update(group)
                    if len(group) > 1 or state in edges[state]:
                        yield group
            elif following not in index:
                index[following] = low[following] = len(index)
                path.append(following)
                held.add(following)
                work.append((following, iter(edges[following])))
            elif following in held:
                low[state] = min(low[state], index[following])


@dataclass(slots=True)
class MachineState:
    """A state of the machine: the characters it takes, how long it can go round, what can come next.

    `edges` are (next state, the characters taken here that let pass). `end_anchors_mask` are the characters before which a
    match can end here for sure.
    """

    char_mask: int
    max_loop_length: float
    edges: list[tuple[int, int]] = field(default_factory=list)
    end_anchors_mask: int = 0


Edges = list[list[tuple[int, int]]]


class BacktrackingMachine:
    """States without jumps; the first is before the text, the second is a search that walks on, where there is one.

    `edges` are all ways on, `failing` those by which an engine goes on before it is sure of a match.
    """

    def __init__(self, places: list[MachineState], use: MatchMode, work: StepCounter) -> None:
        self.places = places
        self.use = use
        self.work = work
        self.edges: Edges = [place.edges for place in places]
        self.failing: Edges = [
            [edge for edge in place.edges if places[edge[0]].char_mask & ~place.end_anchors_mask] for place in places
        ]

    def reachable(self, starts: Iterable[int], edges: Edges) -> set[int]:
        """The states that can be reached from some, these among them."""
        reached = set(starts)
        stack = list(reached)
        while stack:
            for to, _ in edges[stack.pop()]:
                self.work.count_steps()
                if to not in reached:
                    reached.add(to)
                    stack.append(to)
        return reached


def find_loops(edges: Edges) -> list[set[int]]:
    """The sets of states that all reach each other."""
    plain = {state: [to for to, _ in nexts] for state, nexts in enumerate(edges)}
    return [set(group) for group in strongly_connected_components(plain)]


def build_backtracking_machine(
    root: RegexNode, match_mode: MatchMode, step_counter: StepCounter, *, lenient: bool
) -> BacktrackingMachine:
    """The machine of an expression put to use: from each character straight to those that can come next.

    `lenient` judges as one does of an expression that works in production (PCRE's): a repeat with a bound is no danger, and
    characters past ASCII are alike. Raises UnsupportedError.
    """
    draft = _MachineDraft(lenient=lenient)
    start, accept = draft.add_state(), draft.add_state()
    draft.add_node(root, start, accept)
    places = [MachineState(TEXT_START_BIT, math.inf)]
    numbers: dict[tuple[int, int], int] = {}
    waiting = [(0, start)]
    if match_mode.tries_every_place:
        places.append(MachineState(ANY_MASK, math.inf))
        waiting.append((1, start))
        places[0].edges.append((1, TEXT_START_BIT))
        places[1].edges.append((1, ANY_MASK))
    while waiting:
        number, enter = waiting.pop()
        for to, before, after, sure in _transitions_from(draft, enter, places[number].char_mask, accept, step_counter):
            if to == accept:
                if before == places[number].char_mask and not (match_mode.tries_every_place and number == SEARCH_STATE):
                    places[number].end_anchors_mask |= sure & TEXT_END_BIT if match_mode.must_match_end else sure
                continue
            chars, run, following = draft.chars[to]
            chars &= after
            if chars and (to, chars) not in numbers:
                numbers[to, chars] = len(places)
                waiting.append((len(places), following))
                places.append(MachineState(chars, run))
            if chars:
                places[number].edges.append((numbers[to, chars], before))
    return BacktrackingMachine(places, match_mode, step_counter)


def _transitions_from(
    draft: _MachineDraft, enter: int, chars: int, accept: int, work: StepCounter
) -> Iterator[tuple[int, int, int, int]]:
    """Every way to the next character or to the end.

    As (state, characters before, characters after, those after with which it is open for sure).
    """
    stack: list[tuple[int, int, int, int, frozenset[int]]] = [(enter, chars, ANY_OR_EDGE_MASK, ANY_OR_EDGE_MASK, frozenset())]
    for steps in itertools.count():
        if not stack:
            return
        if steps > _MAX_STEPS_BETWEEN_CHARACTERS:
            raise UnsupportedError("it has too many ways from one character to the next")
        work.count_steps()
        place, before, after, sure, seen = stack.pop()
        if place == accept or draft.chars[place][0]:
            yield place, before, after, sure
        for to, anchor in draft.jumps[place]:
            for holds_before, holds_after, certain in anchor if to not in seen else ():
                if before & holds_before and after & holds_after:
                    stack.append(
                        (
                            to,
                            before & holds_before,
                            after & holds_after,
                            sure & certain,
                            seen | {place},
                        )
                    )
