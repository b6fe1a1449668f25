"""How the time of a backtracking engine can grow with the text: in proportion, as a power, or doubled by each character.

An engine such as Python's `re` tries one way through an expression after the other. How many ways there are for one text is
read off the expression's machine: it doubles where a loop can take one text in two ways, and it grows with the text where two
loops can share one text at any point of it (Weber and Seidl, "On the degree of ambiguity of finite automata", 1991). The walk
of a search along the text is such a loop too. A way that can come to an end is tried last and once; all others may fail.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from readiness.syntax import regex
from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import Regex, RegexNode
from readiness.syntax.regex import ANY_OR_EDGE_MASK
from readiness.syntax.ways import (
    SEARCH_MODE,
    SEARCH_STATE,
    BacktrackingMachine,
    Edges,
    MatchMode,
    StepCounter,
    find_loops,
    strongly_connected_components,
)
from readiness.syntax.ways import build_backtracking_machine as machine_of

MAX_EFFORT = 2_000_000  # steps of the analysis
MAX_WAYS = 256
MAX_FACTOR = 1000
_PCRE_EFFORT = 60_000  # a configuration may hold thousands


@dataclass(frozen=True, slots=True)
class TimeGrowth:
    """The time of an engine on the worst text of n characters: n to the power of `degree`, times `factor`, at most.

    `degree` is infinite where the time doubles with each character. `degree_at_one_place` is the degree at one given place of
    the text: what a search adds, which tries every place, is the difference. `factor` is what repeats with bounds multiply to.
    """

    degree: float
    degree_at_one_place: float = 1
    factor: float = 1


def growth_of_time(root: RegexNode, match_mode: MatchMode = SEARCH_MODE, step_counter: StepCounter | None = None) -> TimeGrowth:
    """How the time for an expression of Python's grows. Raises UnsupportedError where that can't be told."""
    machine = machine_of(root, match_mode, step_counter or StepCounter(MAX_EFFORT), lenient=False)
    failing = find_loops(machine.failing)
    if any(_is_doubling(machine, loop) for loop in failing):
        return TimeGrowth(math.inf, math.inf)
    mixed = [loop for loop in find_loops(machine.edges) if loop not in failing]
    pairs = []
    for first in (*failing, *mixed):
        again = match_mode.repeats_after_match and match_mode.tries_every_place and SEARCH_STATE in first
        through = machine.edges if first in mixed or again else machine.failing
        pairs += [(first, second) for second in failing if _may_share_text(machine, first, second, through)]
    chain = _LoopChain(machine, failing, pairs)
    ends = [(pair, chain.from_pair(number)) for number, pair in enumerate(pairs)]
    degree, factor = max((end for _, end in ends), default=(0, 1.0))
    here = (end for pair, end in ends if not (match_mode.tries_every_place and SEARCH_STATE in pair[0]))
    alone, _ = max(here, default=(0, 1.0))
    return TimeGrowth(degree + 1, alone + 1, factor)


def _is_doubling(machine: BacktrackingMachine, loop: Set[int]) -> bool:
    """Whether two different walks over the same text leave one state of a loop and come back to it together."""
    inner = {state: [edge for edge in machine.failing[state] if edge[0] in loop] for state in loop}
    for edges in inner.values():
        for (to, chars), (other, others) in itertools.combinations(edges, 2):
            if to == other and chars & others:
                return True
    size = len(machine.places)
    twos: dict[int, list[int]] = {}
    waiting = [state * size + state for state in loop]
    known = set(waiting)
    while waiting:
        two = waiting.pop()
        successors = twos[two] = []
        for first, chars in inner[two // size]:
            for other, others in inner[two % size]:
                machine.work.count_steps()
                if chars & others and machine.places[first].char_mask & machine.places[other].char_mask:
                    successors.append(first * size + other)
        fresh = set(successors) - known
        known |= fresh
        waiting += fresh
    for group in strongly_connected_components(twos):
        same = [two // size == two % size for two in group]
        if any(same) and not all(same):
            return True
    return False


def _may_share_text(machine: BacktrackingMachine, first: Set[int], second: Set[int], allowed_edges: Edges) -> bool:
    """Whether one text can go round in a loop, lead from there to another loop, and go round in that.

    Then a walk over many turns of that text can change over at each of them.
    """
    if first == second or not machine.reachable(first, allowed_edges) & second:
        return False
    before: Edges = [[] for _ in allowed_edges]
    for state, edges in enumerate(allowed_edges):
        for to, chars in edges:
            before[to].append((state, chars))
    leading = machine.reachable(second, before)
    return any(
        _may_change_loops(machine, (p, p, q), (first, leading, second), allowed_edges)
        for p in first - second
        for q in second
        if machine.places[p].char_mask & machine.places[q].char_mask
    )


StateTriple = tuple[int, int, int]


def _may_change_loops(
    machine: BacktrackingMachine,
    start: StateTriple,
    allowed_states: tuple[Set[int], Set[int], Set[int]],
    allowed_edges: Edges,
) -> bool:
    """Whether a text leads from (p, p, q) to (p, q, q), each walk among its own states."""
    p, _, q = start
    known, stack = {start}, [start]
    while stack:
        for three in _next_states(machine, stack.pop(), allowed_states, allowed_edges):
            if three == (p, q, q):
                return True
            if three not in known:
                known.add(three)
                stack.append(three)
    return False


def _next_states(
    machine: BacktrackingMachine,
    states: StateTriple,
    allowed_states: tuple[Set[int], Set[int], Set[int]],
    allowed_edges: Edges,
) -> Iterator[StateTriple]:
    """Where three walks can be after one character that all of them take."""
    first_edges, second_edges, third_edges = (
        machine.edges[states[0]],
        allowed_edges[states[1]],
        machine.failing[states[2]],
    )
    places = machine.places
    for a, taken in first_edges:
        if a not in allowed_states[0]:
            continue
        for b, others in second_edges:
            both, ahead = taken & others, places[a].char_mask & places[b].char_mask
            if b not in allowed_states[1] or not both or not ahead:
                continue
            for c, last in third_edges:
                machine.work.count_steps()
                if c in allowed_states[2] and both & last and ahead & places[c].char_mask:
                    yield a, b, c


class _LoopChain:
    """Pairs of loops that share texts, one after the other: each multiplies the ways."""

    def __init__(
        self,
        machine: BacktrackingMachine,
        failing: Sequence[Set[int]],
        pairs: Sequence[tuple[Set[int], Set[int]]],
    ) -> None:
        self.counts = [min(max(machine.places[state].max_loop_length for state in loop) for loop in pair) for pair in pairs]
        self.next = [
            [
                number
                for number, (first, _) in enumerate(pairs)
                if first in failing and machine.reachable(second, machine.failing) & first
            ]
            for _, second in pairs
        ]
        self.known: dict[int, tuple[int, float]] = {}

    def from_pair(self, number: int) -> tuple[int, float]:
        """(power of the length, factor) of the ways through the longest chain that begins with a pair."""
        if number not in self.known:
            after = (self.from_pair(following) for following in self.next[number])
            power, factor = max(after, default=(0, 1.0))
            count = self.counts[number]
            made = (power + 1, factor) if count == math.inf else (power, factor * count)
            self.known[number] = made
        return self.known[number]


def max_open_ways(root: RegexNode, work: StepCounter | None = None) -> int:
    """How many ways are open at once at most, tried at one place of a text: what each of its characters costs.

    For an expression whose time grows in proportion. Raises UnsupportedError where that can't be told.
    """
    machine = machine_of(root, MatchMode(tries_every_place=False), work or StepCounter(MAX_EFFORT), lenient=False)
    alphabet = _representative_chars({chars for place in machine.places for _, chars in place.edges})
    start: tuple[tuple[int, int], ...] = ((0, 1),)
    known, stack, most = {start}, [start], 1
    while stack:
        now = stack.pop()
        for char in alphabet:
            counts: dict[int, int] = {}
            for state, count in now:
                for to, chars in machine.places[state].edges:
                    machine.work.count_steps()
                    if chars & char:  # the first way on from where a match can end is the last
                        sure = not machine.places[to].char_mask & ~machine.places[state].end_anchors_mask
                        counts[to] = counts.get(to, 0) + (1 if sure else count)
            most = max(most, sum(counts.values()))
            following = tuple(sorted(counts.items()))
            if most > MAX_WAYS:
                return most
            if following not in known:
                known.add(following)
                stack.append(following)
    return most


def _representative_chars(sets: Iterable[int]) -> list[int]:
    """One character for each kind that some sets tell apart, as a bit."""
    kinds: dict[tuple[bool, ...], int] = {}
    known = list(sets)
    for point in range(ANY_OR_EDGE_MASK.bit_length()):
        kind = tuple(bool(chars >> point & 1) for chars in known)
        if any(kind):
            kinds.setdefault(kind, 1 << point)
    return list(kinds.values())


def slow_regex_reason(pattern: str, work: StepCounter) -> str:
    """Why an expression of somebody's own is not used, and what to write instead; empty where its time is bounded well."""
    try:
        root = regex.parse_python_regex(pattern)
        growth = growth_of_time(root, step_counter=work)
        ways = max_open_ways(root, work) if growth.degree == 1 else 1
    except UnsupportedError as error:
        return str(error)
    if growth.degree == math.inf:
        return (
            "its time can double with each character of the text, for one text goes through its repeats in several ways,"
            " as through (a+)+ or (a|aa)*; write what is repeated so that each text fits in one way"
        )
    if growth.degree_at_one_place > 1:
        return (
            "its time can grow faster than the text, for two repeats can share it, as in .*.* or a*a*b;"
            " leave one out, or let them take different characters"
        )
    if growth.degree > 1:
        return (
            "its time can grow faster than the text, for it is tried at each place and a repeat runs on from there;"
            " let it begin with ^ or \\b, or give the repeat a bound, such as {0,80}"
        )
    if growth.factor > MAX_FACTOR:
        return f"its bounds multiply to {growth.factor:.0f}, and {MAX_FACTOR} is the most; make them smaller"
    if ways > MAX_WAYS:
        return "one text goes through it in too many ways; let its alternatives and optional parts begin differently"
    return ""


def is_exponential(expression: Regex) -> bool:
    """Whether some text makes PCRE try a number of ways that doubles with each character. Raises UnsupportedError."""
    machine = machine_of(expression.root, SEARCH_MODE, StepCounter(_PCRE_EFFORT), lenient=True)
    return any(_is_doubling(machine, loop) for loop in find_loops(machine.failing))
