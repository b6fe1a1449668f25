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

from readiness.model.records import dataclass
from readiness.syntax import regex
from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import Regex, RegexNode
from readiness.syntax.regex import ANY_CHAR_OR_TEXT_EDGE_MASK
from readiness.syntax.ways import (
    DEFAULT_SEARCH_MODE,
    SEARCH_STATE_NUMBER,
    BacktrackingMachine,
    EdgesByState,
    MatchMode,
    StepCounter,
    find_state_loops,
    strongly_connected_components,
)
from readiness.syntax.ways import build_backtracking_machine as machine_of

MAX_ANALYSIS_STEPS = 2_000_000  # steps of the analysis
MAX_OPEN_WAYS = 256
MAX_GROWTH_FACTOR = 1000
_MAX_PCRE_ANALYSIS_STEPS = 60_000  # a configuration may hold thousands


@dataclass(frozen=True, slots=True)
class TimeGrowth:
    """The time of an engine on the worst text of n characters: n to the power of `degree`, times `factor`, at most.

    `degree` is infinite where the time doubles with each character. `degree_at_one_place` is the degree at one given place of
    the text: what a search adds, which tries every place, is the difference. `factor` is what repeats with bounds multiply to.
    """

    degree: float
    degree_at_one_place: float = 1
    factor: float = 1


def backtracking_time_growth(
    root_node: RegexNode, match_mode: MatchMode = DEFAULT_SEARCH_MODE, step_counter: StepCounter | None = None
) -> TimeGrowth:
    """How the time for an expression of Python's grows. Raises UnsupportedError where that can't be told."""
    machine = machine_of(root_node, match_mode, step_counter or StepCounter(MAX_ANALYSIS_STEPS), is_lenient=False)
    failing_loops = find_state_loops(machine.failing)
    if any(_has_exponential_loop(machine, loop) for loop in failing_loops):
        return TimeGrowth(math.inf, math.inf)
    matching_loops = [loop for loop in find_state_loops(machine.edges) if loop not in failing_loops]
    loop_pairs = []
    for first_loop in (*failing_loops, *matching_loops):
        may_restart_after_match = match_mode.repeats_after_match and match_mode.tries_every_place and SEARCH_STATE_NUMBER in first_loop
        allowed_edges = machine.edges if first_loop in matching_loops or may_restart_after_match else machine.failing
        loop_pairs += [(first_loop, second) for second in failing_loops if _may_loops_share_text(machine, first_loop, second, allowed_edges)]
    pair_chains = _LoopChain(machine, failing_loops, loop_pairs)
    pairs_and_growths = [(pair, pair_chains.from_pair(number)) for number, pair in enumerate(loop_pairs)]
    degree, factor = max((end for _, end in pairs_and_growths), default=(0, 1.0))
    growths_at_one_place = (end for pair, end in pairs_and_growths if not (match_mode.tries_every_place and SEARCH_STATE_NUMBER in pair[0]))
    degree_at_one_place, _ = max(growths_at_one_place, default=(0, 1.0))
    return TimeGrowth(degree + 1, degree_at_one_place + 1, factor)


def _has_exponential_loop(machine: BacktrackingMachine, loop: Set[int]) -> bool:
    """Whether two different walks over the same text leave one state of a loop and come back to it together."""
    edges_within_loop = {state: [edge for edge in machine.failing[state] if edge[0] in loop] for state in loop}
    for state_edges in edges_within_loop.values():
        for (target_state, char_mask_on_edge), (other_target_state, other_char_mask) in itertools.combinations(state_edges, 2):
            if target_state == other_target_state and char_mask_on_edge & other_char_mask:
                return True
    state_count = len(machine.places)
    successors_by_state_pair: dict[int, list[int]] = {}
    unvisited_state_pairs = [state * state_count + state for state in loop]
    seen_state_pairs = set(unvisited_state_pairs)
    while unvisited_state_pairs:
        state_pair = unvisited_state_pairs.pop()
        successors = successors_by_state_pair[state_pair] = []
        for first_target_state, char_mask_on_edge in edges_within_loop[state_pair // state_count]:
            for other_target_state, other_char_mask in edges_within_loop[state_pair % state_count]:
                machine.work.count_steps()
                if (
                    char_mask_on_edge & other_char_mask
                    and machine.places[first_target_state].char_mask & machine.places[other_target_state].char_mask
                ):
                    successors.append(first_target_state * state_count + other_target_state)
        new_state_pairs = set(successors) - seen_state_pairs
        seen_state_pairs |= new_state_pairs
        unvisited_state_pairs += new_state_pairs
    for strongly_connected_pairs in strongly_connected_components(successors_by_state_pair):
        are_states_equal_by_pair = [state_pair // state_count == state_pair % state_count for state_pair in strongly_connected_pairs]
        if any(are_states_equal_by_pair) and not all(are_states_equal_by_pair):
            return True
    return False


def _may_loops_share_text(machine: BacktrackingMachine, first_loop: Set[int], second_loop: Set[int], allowed_edges: EdgesByState) -> bool:
    """Whether one text can go round in a loop, lead from there to another loop, and go round in that.

    Then a walk over many turns of that text can change over at each of them.
    """
    if first_loop == second_loop or not machine.reachable(first_loop, allowed_edges) & second_loop:
        return False
    reversed_edges: EdgesByState = [[] for _ in allowed_edges]
    for state, edges in enumerate(allowed_edges):
        for target_state, char_mask_on_edge in edges:
            reversed_edges[target_state].append((state, char_mask_on_edge))
    states_leading_to_second_loop = machine.reachable(second_loop, reversed_edges)
    return any(
        _may_text_lead_between_loops(machine, (p, p, q), (first_loop, states_leading_to_second_loop, second_loop), allowed_edges)
        for p in first_loop - second_loop
        for q in second_loop
        if machine.places[p].char_mask & machine.places[q].char_mask
    )


StateTriple = tuple[int, int, int]


def _may_text_lead_between_loops(
    machine: BacktrackingMachine,
    start_triple: StateTriple,
    allowed_states: tuple[Set[int], Set[int], Set[int]],
    allowed_edges: EdgesByState,
) -> bool:
    """Whether a text leads from (p, p, q) to (p, q, q), each walk among its own states."""
    first_loop_state, _, second_loop_state = start_triple
    seen_triples, unvisited_triples = {start_triple}, [start_triple]
    while unvisited_triples:
        for state_triple in _next_state_triples(machine, unvisited_triples.pop(), allowed_states, allowed_edges):
            if state_triple == (first_loop_state, second_loop_state, second_loop_state):
                return True
            if state_triple not in seen_triples:
                seen_triples.add(state_triple)
                unvisited_triples.append(state_triple)
    return False


def _next_state_triples(
    machine: BacktrackingMachine,
    state_triple: StateTriple,
    allowed_states: tuple[Set[int], Set[int], Set[int]],
    allowed_edges: EdgesByState,
) -> Iterator[StateTriple]:
    """Where three walks can be after one character that all of them take."""
    first_edges, second_edges, third_edges = (
        machine.edges[state_triple[0]],
        allowed_edges[state_triple[1]],
        machine.failing[state_triple[2]],
    )
    machine_places = machine.places
    for first_state, first_char_mask in first_edges:
        if first_state not in allowed_states[0]:
            continue
        for second_state, second_char_mask in second_edges:
            shared_char_mask, shared_lookahead_mask = (
                first_char_mask & second_char_mask,
                machine_places[first_state].char_mask & machine_places[second_state].char_mask,
            )
            if second_state not in allowed_states[1] or not shared_char_mask or not shared_lookahead_mask:
                continue
            for third_state, third_char_mask in third_edges:
                machine.work.count_steps()
                if (
                    third_state in allowed_states[2]
                    and shared_char_mask & third_char_mask
                    and shared_lookahead_mask & machine_places[third_state].char_mask
                ):
                    yield first_state, second_state, third_state


class _LoopChain:
    """Pairs of loops that share texts, one after the other: each multiplies the ways."""

    def __init__(
        self,
        machine: BacktrackingMachine,
        failing_loops: Sequence[Set[int]],
        loop_pairs: Sequence[tuple[Set[int], Set[int]]],
    ) -> None:
        self.counts = [min(max(machine.places[state].max_loop_length for state in loop) for loop in pair) for pair in loop_pairs]
        self.next = [
            [number for number, (first, _) in enumerate(loop_pairs) if first in failing_loops and machine.reachable(second, machine.failing) & first]
            for _, second in loop_pairs
        ]
        self.known: dict[int, tuple[int, float]] = {}

    def from_pair(self, pair_index: int) -> tuple[int, float]:
        """(power of the length, factor) of the ways through the longest chain that begins with a pair."""
        if pair_index not in self.known:
            following_growths = (self.from_pair(following) for following in self.next[pair_index])
            power, factor = max(following_growths, default=(0, 1.0))
            max_repeats = self.counts[pair_index]
            pair_growth = (power + 1, factor) if max_repeats == math.inf else (power, factor * max_repeats)
            self.known[pair_index] = pair_growth
        return self.known[pair_index]


def max_open_ways(root_node: RegexNode, step_counter: StepCounter | None = None) -> int:
    """How many ways are open at once at most, tried at one place of a text: what each of its characters costs.

    For an expression whose time grows in proportion. Raises UnsupportedError where that can't be told.
    """
    machine = machine_of(root_node, MatchMode(tries_every_place=False), step_counter or StepCounter(MAX_ANALYSIS_STEPS), is_lenient=False)
    representative_chars = _representative_chars({char_mask_on_edge for place in machine.places for _, char_mask_on_edge in place.edges})
    start_way_counts: tuple[tuple[int, int], ...] = ((0, 1),)
    seen_way_counts, unvisited_way_counts, max_ways = {start_way_counts}, [start_way_counts], 1
    while unvisited_way_counts:
        current_way_counts = unvisited_way_counts.pop()
        for char in representative_chars:
            way_count_by_state: dict[int, int] = {}
            for state, way_count in current_way_counts:
                for target_state, char_mask_on_edge in machine.places[state].edges:
                    machine.work.count_steps()
                    if char_mask_on_edge & char:  # the first way on from where a match can end is the last
                        is_sure_to_match = not machine.places[target_state].char_mask & ~machine.places[state].end_anchors_mask
                        way_count_by_state[target_state] = way_count_by_state.get(target_state, 0) + (1 if is_sure_to_match else way_count)
            max_ways = max(max_ways, sum(way_count_by_state.values()))
            next_way_counts = tuple(sorted(way_count_by_state.items()))
            if max_ways > MAX_OPEN_WAYS:
                return max_ways
            if next_way_counts not in seen_way_counts:
                seen_way_counts.add(next_way_counts)
                unvisited_way_counts.append(next_way_counts)
    return max_ways


def _representative_chars(char_masks: Iterable[int]) -> list[int]:
    """One character for each kind that some sets tell apart, as a bit."""
    character_bit_by_membership: dict[tuple[bool, ...], int] = {}
    char_mask_list = list(char_masks)
    for code_point in range(ANY_CHAR_OR_TEXT_EDGE_MASK.bit_length()):
        mask_membership = tuple(bool(chars >> code_point & 1) for chars in char_mask_list)
        if any(mask_membership):
            character_bit_by_membership.setdefault(mask_membership, 1 << code_point)
    return list(character_bit_by_membership.values())


def slow_regex_reason(pattern: str, step_counter: StepCounter) -> str:
    """Why an expression of somebody's own is not used, and what to write instead; empty where its time is bounded well."""
    try:
        root_node = regex.parse_python_regex(pattern)
        time_growth = backtracking_time_growth(root_node, step_counter=step_counter)
        open_way_count = max_open_ways(root_node, step_counter) if time_growth.degree == 1 else 1
    except UnsupportedError as error:
        return str(error)
    if time_growth.degree == math.inf:
        return (
            "its time can double with each character of the text, for one text goes through its repeats in several ways,"
            " as through (a+)+ or (a|aa)*; write what is repeated so that each text fits in one way"
        )
    if time_growth.degree_at_one_place > 1:
        return (
            "its time can grow faster than the text, for two repeats can share it, as in .*.* or a*a*b;"
            " leave one out, or let them take different characters"
        )
    if time_growth.degree > 1:
        return (
            "its time can grow faster than the text, for it is tried at each place and a repeat runs on from there;"
            " let it begin with ^ or \\b, or give the repeat a bound, such as {0,80}"
        )
    if time_growth.factor > MAX_GROWTH_FACTOR:
        return f"its bounds multiply to {time_growth.factor:.0f}, and {MAX_GROWTH_FACTOR} is the most; make them smaller"
    if open_way_count > MAX_OPEN_WAYS:
        return "one text goes through it in too many ways; let its alternatives and optional parts begin differently"
    return ""


def is_exponential_in_pcre(parsed_regex: Regex) -> bool:
    """Whether some text makes PCRE try a number of ways that doubles with each character. Raises UnsupportedError."""
    machine = machine_of(parsed_regex.root, DEFAULT_SEARCH_MODE, StepCounter(_MAX_PCRE_ANALYSIS_STEPS), is_lenient=True)
    return any(_has_exponential_loop(machine, loop) for loop in find_state_loops(machine.failing))
