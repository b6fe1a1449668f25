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
from readiness.syntax.pcre_tree import OTHER, Node, may_be_empty, single_chars, walk
from readiness.syntax.regex import ANY, AROUND, END, START, WORDS

MAX_STATES = 4000
SCAN = 1  # the state that stands for a search that walks on
_COPIES = 4  # a repeat of up to so many turns stands in the machine turn by turn; one of more is a loop with a bound
_MANY = 10  # turns of a loop around an endless one that are as bad as endless turns
_STEPS = 3000  # from one character to the next
_PAST = ANY & ~((1 << OTHER) - 1)
_LINE = 1 << ord("\n")
_OTHERS = AROUND & ~WORDS
# Case by case: the characters that may stand before an anchor, those that may stand after it, and those of the latter
# with which it lets pass for sure.
Anchor = tuple[tuple[int, int, int], ...]
_CERTAIN = ((1 << OTHER) - 1) | END  # past ASCII a bit stands for many characters
_OPEN: Anchor = ((AROUND, AROUND, AROUND),)
_MAYBE: Anchor = ((AROUND, AROUND, 0),)
_ANCHORS: dict[str, Anchor] = {
    "start": ((START, AROUND, AROUND),),
    "line-start": ((START | _LINE, AROUND, AROUND),),
    "end": ((AROUND, END | _LINE, END),),
    "line-end": ((AROUND, END | _LINE, END | _LINE),),
    "last": ((AROUND, END, END),),
    "edge": ((WORDS, _OTHERS, _OTHERS & _CERTAIN), (_OTHERS, WORDS, WORDS & _CERTAIN)),
    "inner": ((WORDS, WORDS, WORDS & _CERTAIN), (_OTHERS, _OTHERS, _OTHERS & _CERTAIN)),
    "behind": _MAYBE,
}


class Use(NamedTuple):
    """How an expression is put to a text: tried at every place or at one, up to the end, again after each match."""

    everywhere: bool = True
    whole: bool = False
    again: bool = False


SEARCH = Use()


class Work:
    """Counts steps of an analysis and ends one that takes too many."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, steps: int = 1) -> None:
        """Count some steps. Raises UnsupportedError where they are too many."""
        self.left -= steps
        if self.left < 0:
            raise UnsupportedError("it is too complicated to be judged")


class _Draft:
    """The machine as it is laid: states that take a character, and jumps between states that take none."""

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient
        # Characters (0: none), longest run of their loop, next state.
        self.chars: list[tuple[int, float, int]] = []
        self.jumps: list[list[tuple[int, Anchor]]] = []

    def state(self, chars: int = 0, run: float = 0, following: int = -1) -> int:
        """Add a state and return its number. Raises UnsupportedError where there are too many."""
        if len(self.chars) >= MAX_STATES:
            raise UnsupportedError("it has too many states")
        self.chars.append((chars, run, following))
        self.jumps.append([])
        return len(self.chars) - 1

    def add_node(self, node: Node, enter: int, leave: int, run: float = 0) -> None:
        """Lay a node between two states; `run` is how much the outermost loop around it can take, 0 outside of loops."""
        jumps = self.jumps[enter]
        if node.kind == "chars":
            jumps.append((self.state(self.chars_taken(node.chars), run, leave), _OPEN))
        elif node.kind in _ANCHORS:
            blurred = self.lenient and node.kind == "edge"
            jumps.append((leave, _MAYBE if blurred else _ANCHORS[node.kind]))
        elif node.kind == "previous":
            jumps.append((leave, ((node.chars, AROUND, AROUND),)))
        elif node.kind == "next":
            jumps.append((leave, ((AROUND, node.chars, node.chars & _CERTAIN),)))
        elif node.kind == "look":  # goes along its text, and then on from where it began
            jumps.append((leave, _MAYBE))
            self.add_node(node.parts[0], enter, self.state())
        elif node.kind == "back":  # takes some text or other
            loop = self.state()
            jumps.append((loop, _MAYBE))
            self.jumps[loop].append((self.state(ANY, math.inf, loop), _OPEN))
            self.jumps[loop].append((leave, _MAYBE))
        elif node.kind == "alt":
            for part in node.parts:
                self.add_node(part, enter, leave, run)
        elif node.kind == "repeat":
            self.add_repeat(node, enter, leave, run)
        else:
            self.add_parts(node, enter, leave, run)

    def chars_taken(self, chars: int) -> int:
        """The characters of a set: PCRE's reader tells those past ASCII by one bit, Python's by four."""
        return chars | _PAST if self.lenient and chars & _PAST else chars

    def add_parts(self, node: Node, enter: int, leave: int, run: float) -> None:
        """Chain the parts of a node so that they lead from `enter` to `leave`."""
        place = enter
        for part in (_as_possessive(node) or node.parts) if node.atomic else node.parts:
            following = self.state()
            self.add_node(part, place, following, run)
            place = following
        self.jumps[place].append((leave, _OPEN))

    def add_repeat(self, node: Node, enter: int, leave: int, run: float) -> None:
        """Lay a repeat: the turns that it must have, then those that it may have or a loop."""
        inner = node.parts[0]
        widest = _max_width(node)
        if not widest:  # anchors and look-around: once is as good as often
            self.add_node(inner, enter, leave, run)
            self.jumps[enter].append((leave, _MAYBE if node.least else _OPEN))
            return
        many = _COPIES if not self.lenient else _MANY - 1 if _has_loop(inner) else math.inf
        endless = node.most is None or node.most > many
        counted = node.most is not None or node.least > 1
        if endless and counted and may_be_empty(inner) and not self.lenient:
            raise UnsupportedError("it counts turns of something that may be empty")
        place = enter
        if endless:
            for _ in range(min(node.least, _COPIES) - 1):
                following = self.state()
                self.add_node(inner, place, following, run or widest)
                place = following
            self.add_loop(node, place, leave, run or widest)
            return
        most = min(node.most or 0, _COPIES)
        for turn in range(most):
            if turn >= node.least:
                self.jumps[place].append((leave, _OPEN))
            following = self.state()
            self.add_node(inner, place, following, run)
            place = following
        self.jumps[place].append((leave, _OPEN if node.least <= most else _MAYBE))

    def add_loop(self, node: Node, place: int, leave: int, run: float) -> None:
        """Lay the turns of a repeat that go round."""
        loop, after = self.state(), self.state()
        self.jumps[place].append((loop, _OPEN))
        self.add_node(node.parts[0], loop, after, run)
        out = _OPEN if node.least <= _COPIES else _MAYBE
        if node.atomic and node.most is None:
            others = AROUND & ~_certain_chars(self.chars_taken(single_chars(node.parts[0])))
            # With one of its own characters next it goes on, and ends behind the last of them: that is as sure.
            out = ((AROUND, others, AROUND),)
        self.jumps[after] += [(loop, _OPEN), (leave, out)]
        if node.least == 0:
            self.jumps[place].append((leave, out))


def _as_possessive(node: Node) -> tuple[Node, ...]:
    """An atomic group around a repeat of one character as the possessive repeat that it is; else nothing."""
    while len(node.parts) == 1 and node.kind in {"group", "cat"}:
        node = node.parts[0]
    if node.kind == "repeat" and single_chars(node.parts[0]):
        return (Node("repeat", node.parts, least=node.least, most=node.most, atomic=True),)
    return ()


def _certain_chars(chars: int) -> int:
    """Of the characters of a set those that it takes for sure: past ASCII a bit may stand for one character of many."""
    return chars if chars & _PAST == _PAST else chars & ~_PAST


def _has_loop(node: Node) -> bool:
    return any(one.kind == "repeat" and one.most is None for one in walk(node))


def _max_width(node: Node) -> float:
    """The most characters that a node can take."""
    if node.kind == "chars":
        return 1
    if node.kind == "back":
        return math.inf
    if node.kind in {"look", "behind"}:
        return 0
    if node.kind == "alt":
        return max((_max_width(part) for part in node.parts), default=0)
    if node.kind == "repeat":
        once = _max_width(node.parts[0])
        return 0 if not once else math.inf if node.most is None else once * node.most
    return sum(_max_width(part) for part in node.parts)


def components(edges: dict[int, list[int]]) -> Iterator[list[int]]:
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
class Place:
    """A state of the machine: the characters it takes, how long it can go round, what can come next.

    `edges` are (next state, the characters taken here that let pass). `ends` are the characters before which a match can end
    here for sure.
    """

    chars: int
    run: float
    edges: list[tuple[int, int]] = field(default_factory=list)
    ends: int = 0


Edges = list[list[tuple[int, int]]]


class Machine:
    """States without jumps; the first is before the text, the second is a search that walks on, where there is one.

    `edges` are all ways on, `failing` those by which an engine goes on before it is sure of a match.
    """

    def __init__(self, places: list[Place], use: Use, work: Work) -> None:
        self.places = places
        self.use = use
        self.work = work
        self.edges: Edges = [place.edges for place in places]
        self.failing: Edges = [
            [edge for edge in place.edges if places[edge[0]].chars & ~place.ends]
            for place in places
        ]

    def reachable(self, starts: Iterable[int], edges: Edges) -> set[int]:
        """The states that can be reached from some, these among them."""
        reached = set(starts)
        stack = list(reached)
        while stack:
            for to, _ in edges[stack.pop()]:
                self.work.spend()
                if to not in reached:
                    reached.add(to)
                    stack.append(to)
        return reached


def find_loops(edges: Edges) -> list[set[int]]:
    """The sets of states that all reach each other."""
    plain = {state: [to for to, _ in nexts] for state, nexts in enumerate(edges)}
    return [set(group) for group in components(plain)]


def build_machine(root: Node, use: Use, work: Work, *, lenient: bool) -> Machine:
    """The machine of an expression put to use: from each character straight to those that can come next.

    `lenient` judges as one does of an expression that works in production (PCRE's): a repeat with a bound is no danger, and
    characters past ASCII are alike. Raises UnsupportedError.
    """
    draft = _Draft(lenient=lenient)
    start, accept = draft.state(), draft.state()
    draft.add_node(root, start, accept)
    places = [Place(START, math.inf)]
    numbers: dict[tuple[int, int], int] = {}
    waiting = [(0, start)]
    if use.everywhere:
        places.append(Place(ANY, math.inf))
        waiting.append((1, start))
        places[0].edges.append((1, START))
        places[1].edges.append((1, ANY))
    while waiting:
        number, enter = waiting.pop()
        for to, before, after, sure in _transitions(
            draft, enter, places[number].chars, accept, work
        ):
            if to == accept:
                if before == places[number].chars and not (use.everywhere and number == SCAN):
                    places[number].ends |= sure & END if use.whole else sure
                continue
            chars, run, following = draft.chars[to]
            chars &= after
            if chars and (to, chars) not in numbers:
                numbers[to, chars] = len(places)
                waiting.append((len(places), following))
                places.append(Place(chars, run))
            if chars:
                places[number].edges.append((numbers[to, chars], before))
    return Machine(places, use, work)


def _transitions(
    draft: _Draft, enter: int, chars: int, accept: int, work: Work
) -> Iterator[tuple[int, int, int, int]]:
    """Every way to the next character or to the end.

    As (state, characters before, characters after, those after with which it is open for sure).
    """
    stack: list[tuple[int, int, int, int, frozenset[int]]] = [
        (enter, chars, AROUND, AROUND, frozenset())
    ]
    for steps in itertools.count():
        if not stack:
            return
        if steps > _STEPS:
            raise UnsupportedError("it has too many ways from one character to the next")
        work.spend()
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
