"""The ways of a backtracking engine through a regular expression, as a machine of states.

Each state takes one character; an edge leads to a state that can take the next. Everything is laid out for the worst: a way
that a look-around or a back-reference may close counts as open, a repeat with a bound that is not small as one without.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import NamedTuple

from readiness.model.records import dataclass
from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import (
    NON_ASCII_BIT,
    RegexNode,
    may_match_empty_text,
    single_char_mask,
    walk_nodes,
)
from readiness.syntax.regex import (
    ANY_CHAR_MASK,
    ANY_CHAR_OR_TEXT_EDGE_MASK,
    TEXT_END_MASK,
    TEXT_START_MASK,
    UNICODE_WORD_MASK,
)

MAX_MACHINE_STATES = 4000
SEARCH_STATE_NUMBER = 1  # the state that stands for a search that walks on
_MAX_UNROLLED_REPEATS = 4  # a repeat of up to so many turns stands in the machine turn by turn; one of more is a loop with a bound
_MIN_TURNS_TREATED_AS_ENDLESS = 10  # turns of a loop around an endless one that are as bad as endless turns
_MAX_STEPS_BETWEEN_CHARACTERS = 3000  # from one character to the next
_NON_ASCII_MASK = ANY_CHAR_MASK & ~((1 << NON_ASCII_BIT) - 1)
_LINE_BREAK_MASK = 1 << ord("\n")
_NON_WORD_MASK = ANY_CHAR_OR_TEXT_EDGE_MASK & ~UNICODE_WORD_MASK
# Case by case: the characters that may stand before an anchor, those that may stand after it, and those of the latter
# with which it lets pass for sure.
AnchorCases = tuple[tuple[int, int, int], ...]
_CERTAIN_CHAR_OR_END_MASK = ((1 << NON_ASCII_BIT) - 1) | TEXT_END_MASK  # past ASCII a bit stands for many characters
_ALWAYS_PASSING_ANCHOR: AnchorCases = ((ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK),)
_MAYBE_PASSING_ANCHOR: AnchorCases = ((ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK, 0),)
_CASES_BY_ANCHOR: dict[str, AnchorCases] = {
    "start": ((TEXT_START_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK),),
    "line-start": ((TEXT_START_MASK | _LINE_BREAK_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK),),
    "end": ((ANY_CHAR_OR_TEXT_EDGE_MASK, TEXT_END_MASK | _LINE_BREAK_MASK, TEXT_END_MASK),),
    "line-end": ((ANY_CHAR_OR_TEXT_EDGE_MASK, TEXT_END_MASK | _LINE_BREAK_MASK, TEXT_END_MASK | _LINE_BREAK_MASK),),
    "last": ((ANY_CHAR_OR_TEXT_EDGE_MASK, TEXT_END_MASK, TEXT_END_MASK),),
    "edge": (
        (UNICODE_WORD_MASK, _NON_WORD_MASK, _NON_WORD_MASK & _CERTAIN_CHAR_OR_END_MASK),
        (_NON_WORD_MASK, UNICODE_WORD_MASK, UNICODE_WORD_MASK & _CERTAIN_CHAR_OR_END_MASK),
    ),
    "inner": (
        (UNICODE_WORD_MASK, UNICODE_WORD_MASK, UNICODE_WORD_MASK & _CERTAIN_CHAR_OR_END_MASK),
        (_NON_WORD_MASK, _NON_WORD_MASK, _NON_WORD_MASK & _CERTAIN_CHAR_OR_END_MASK),
    ),
    "behind": _MAYBE_PASSING_ANCHOR,
}


class MatchMode(NamedTuple):
    """How an expression is put to a text: tried at every place or at one, up to the end, again after each match."""

    tries_every_place: bool = True
    must_match_end: bool = False
    repeats_after_match: bool = False


DEFAULT_SEARCH_MODE = MatchMode()


class StepCounter:
    """Counts steps of an analysis and ends one that takes too many."""

    def __init__(self, max_steps: int) -> None:
        self.left = max_steps

    def count_steps(self, step_count: int = 1) -> None:
        """Count some steps. Raises UnsupportedError where they are too many."""
        self.left -= step_count
        if self.left < 0:
            raise UnsupportedError("it is too complicated to be judged")


class _MachineDraft:
    """The machine as it is laid: states that take a character, and jumps between states that take none."""

    def __init__(self, *, is_lenient: bool) -> None:
        self.lenient = is_lenient
        # Characters (0: none), longest run of their loop, next state.
        self.chars: list[tuple[int, float, int]] = []
        self.jumps: list[list[tuple[int, AnchorCases]]] = []

    def add_state(self, taken_char_mask: int = 0, max_loop_length: float = 0, next_state: int = -1) -> int:
        """Add a state and return its number. Raises UnsupportedError where there are too many."""
        if len(self.chars) >= MAX_MACHINE_STATES:
            raise UnsupportedError("it has too many states")
        self.chars.append((taken_char_mask, max_loop_length, next_state))
        self.jumps.append([])
        return len(self.chars) - 1

    def add_node(self, node: RegexNode, entry_state: int, exit_state: int, max_loop_length: float = 0) -> None:
        """Lay a node between two states; `max_loop_length` is how much the outermost loop around it can take, 0 outside of loops."""
        entry_jumps = self.jumps[entry_state]
        if node.kind == "chars":
            entry_jumps.append(
                (
                    self.add_state(self.chars_taken(node.char_mask), max_loop_length, exit_state),
                    _ALWAYS_PASSING_ANCHOR,
                )
            )
        elif node.kind in _CASES_BY_ANCHOR:
            is_uncertain_edge = self.lenient and node.kind == "edge"
            entry_jumps.append((exit_state, _MAYBE_PASSING_ANCHOR if is_uncertain_edge else _CASES_BY_ANCHOR[node.kind]))
        elif node.kind == "previous":
            entry_jumps.append((exit_state, ((node.char_mask, ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK),)))
        elif node.kind == "next":
            entry_jumps.append((exit_state, ((ANY_CHAR_OR_TEXT_EDGE_MASK, node.char_mask, node.char_mask & _CERTAIN_CHAR_OR_END_MASK),)))
        elif node.kind == "look":  # goes along its text, and then on from where it began
            entry_jumps.append((exit_state, _MAYBE_PASSING_ANCHOR))
            self.add_node(node.children[0], entry_state, self.add_state())
        elif node.kind == "back":  # takes some text or other
            loop_state = self.add_state()
            entry_jumps.append((loop_state, _MAYBE_PASSING_ANCHOR))
            self.jumps[loop_state].append((self.add_state(ANY_CHAR_MASK, math.inf, loop_state), _ALWAYS_PASSING_ANCHOR))
            self.jumps[loop_state].append((exit_state, _MAYBE_PASSING_ANCHOR))
        elif node.kind == "alt":
            for child in node.children:
                self.add_node(child, entry_state, exit_state, max_loop_length)
        elif node.kind == "repeat":
            self.add_repeat(node, entry_state, exit_state, max_loop_length)
        else:
            self.add_parts(node, entry_state, exit_state, max_loop_length)

    def chars_taken(self, taken_char_mask: int) -> int:
        """The characters of a set: PCRE's reader tells those past ASCII by one bit, Python's by four."""
        return taken_char_mask | _NON_ASCII_MASK if self.lenient and taken_char_mask & _NON_ASCII_MASK else taken_char_mask

    def add_parts(self, node: RegexNode, entry_state: int, exit_state: int, max_loop_length: float) -> None:
        """Chain the parts of a node so that they lead from `entry_state` to `exit_state`."""
        current_state = entry_state
        for child in (_possessive_repeat_parts(node) or node.children) if node.is_atomic else node.children:
            next_state = self.add_state()
            self.add_node(child, current_state, next_state, max_loop_length)
            current_state = next_state
        self.jumps[current_state].append((exit_state, _ALWAYS_PASSING_ANCHOR))

    def add_repeat(self, node: RegexNode, entry_state: int, exit_state: int, max_loop_length: float) -> None:
        """Lay a repeat: the turns that it must have, then those that it may have or a loop."""
        repeated_node = node.children[0]
        max_repeat_length = _max_match_length(node)
        if not max_repeat_length:  # anchors and look-around: once is as good as often
            self.add_node(repeated_node, entry_state, exit_state, max_loop_length)
            self.jumps[entry_state].append((exit_state, _MAYBE_PASSING_ANCHOR if node.min_repeats else _ALWAYS_PASSING_ANCHOR))
            return
        max_bounded_turns = (
            _MAX_UNROLLED_REPEATS if not self.lenient else _MIN_TURNS_TREATED_AS_ENDLESS - 1 if _has_unbounded_repeat(repeated_node) else math.inf
        )
        is_endless = node.max_repeats is None or node.max_repeats > max_bounded_turns
        has_turn_count = node.max_repeats is not None or node.min_repeats > 1
        if is_endless and has_turn_count and may_match_empty_text(repeated_node) and not self.lenient:
            raise UnsupportedError("it counts turns of something that may be empty")
        current_state = entry_state
        if is_endless:
            for _ in range(min(node.min_repeats, _MAX_UNROLLED_REPEATS) - 1):
                next_state = self.add_state()
                self.add_node(repeated_node, current_state, next_state, max_loop_length or max_repeat_length)
                current_state = next_state
            self.add_loop(node, current_state, exit_state, max_loop_length or max_repeat_length)
            return
        max_turns = min(node.max_repeats or 0, _MAX_UNROLLED_REPEATS)
        for turn in range(max_turns):
            if turn >= node.min_repeats:
                self.jumps[current_state].append((exit_state, _ALWAYS_PASSING_ANCHOR))
            next_state = self.add_state()
            self.add_node(repeated_node, current_state, next_state, max_loop_length)
            current_state = next_state
        self.jumps[current_state].append((exit_state, _ALWAYS_PASSING_ANCHOR if node.min_repeats <= max_turns else _MAYBE_PASSING_ANCHOR))

    def add_loop(self, node: RegexNode, entry_state: int, exit_state: int, max_loop_length: float) -> None:
        """Lay the turns of a repeat that go round."""
        loop_start_state, loop_end_state = self.add_state(), self.add_state()
        self.jumps[entry_state].append((loop_start_state, _ALWAYS_PASSING_ANCHOR))
        self.add_node(node.children[0], loop_start_state, loop_end_state, max_loop_length)
        exit_anchor = _ALWAYS_PASSING_ANCHOR if node.min_repeats <= _MAX_UNROLLED_REPEATS else _MAYBE_PASSING_ANCHOR
        if node.is_atomic and node.max_repeats is None:
            stopping_char_mask = ANY_CHAR_OR_TEXT_EDGE_MASK & ~_certain_char_mask(self.chars_taken(single_char_mask(node.children[0])))
            # With one of its own characters next it goes on, and ends behind the last of them: that is as sure.
            exit_anchor = ((ANY_CHAR_OR_TEXT_EDGE_MASK, stopping_char_mask, ANY_CHAR_OR_TEXT_EDGE_MASK),)
        self.jumps[loop_end_state] += [(loop_start_state, _ALWAYS_PASSING_ANCHOR), (exit_state, exit_anchor)]
        if node.min_repeats == 0:
            self.jumps[entry_state].append((exit_state, exit_anchor))


def _possessive_repeat_parts(node: RegexNode) -> tuple[RegexNode, ...]:
    """An atomic group around a repeat of one character as the possessive repeat that it is; else nothing."""
    while len(node.children) == 1 and node.kind in {"group", "cat"}:
        node = node.children[0]
    if node.kind == "repeat" and single_char_mask(node.children[0]):
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


def _certain_char_mask(char_mask: int) -> int:
    """Of the characters of a set those that it takes for sure: past ASCII a bit may stand for one character of many."""
    return char_mask if char_mask & _NON_ASCII_MASK == _NON_ASCII_MASK else char_mask & ~_NON_ASCII_MASK


def _has_unbounded_repeat(node: RegexNode) -> bool:
    return any(one.kind == "repeat" and one.max_repeats is None for one in walk_nodes(node))


def _max_match_length(node: RegexNode) -> float:
    """The most characters that a node can take."""
    if node.kind == "chars":
        return 1
    if node.kind == "back":
        return math.inf
    if node.kind in {"look", "behind"}:
        return 0
    if node.kind == "alt":
        return max((_max_match_length(part) for part in node.children), default=0)
    if node.kind == "repeat":
        max_turn_length = _max_match_length(node.children[0])
        return 0 if not max_turn_length else math.inf if node.max_repeats is None else max_turn_length * node.max_repeats
    return sum(_max_match_length(part) for part in node.children)


def strongly_connected_components(successors_by_state: dict[int, list[int]]) -> Iterator[list[int]]:
    """The groups of states that reach each other, those of one state only where it reaches itself (Tarjan, no recursion)."""
    visit_index_by_state: dict[int, int] = {}
    lowest_index_by_state: dict[int, int] = {}
    state_stack: list[int] = []
    states_on_stack: set[int] = set()
    for start_state, start_successors in successors_by_state.items():
        if start_state in visit_index_by_state:
            continue
        states_and_pending_successors = [(start_state, iter(start_successors))]
        visit_index_by_state[start_state] = lowest_index_by_state[start_state] = len(visit_index_by_state)
        state_stack.append(start_state)
        states_on_stack.add(start_state)
        while states_and_pending_successors:
            current_state, pending_successors = states_and_pending_successors[-1]
            successor = next(pending_successors, None)
            if successor is None:
                states_and_pending_successors.pop()
                if states_and_pending_successors:
                    lowest_index_by_state[states_and_pending_successors[-1][0]] = min(
                        lowest_index_by_state[states_and_pending_successors[-1][0]], lowest_index_by_state[current_state]
                    )
                if lowest_index_by_state[current_state] == visit_index_by_state[current_state]:
                    component_start = state_stack.index(current_state)
                    component = state_stack[component_start:]
                    del state_stack[component_start:]
                    states_on_stack.difference_update(component)
                    if len(component) > 1 or current_state in successors_by_state[current_state]:
                        yield component
            elif successor not in visit_index_by_state:
                visit_index_by_state[successor] = lowest_index_by_state[successor] = len(visit_index_by_state)
                state_stack.append(successor)
                states_on_stack.add(successor)
                states_and_pending_successors.append((successor, iter(successors_by_state[successor])))
            elif successor in states_on_stack:
                lowest_index_by_state[current_state] = min(lowest_index_by_state[current_state], visit_index_by_state[successor])


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


EdgesByState = list[list[tuple[int, int]]]


class BacktrackingMachine:
    """States without jumps; the first is before the text, the second is a search that walks on, where there is one.

    `edges` are all ways on, `failing` those by which an engine goes on before it is sure of a match.
    """

    def __init__(self, machine_states: list[MachineState], match_mode: MatchMode, step_counter: StepCounter) -> None:
        self.places = machine_states
        self.use = match_mode
        self.work = step_counter
        self.edges: EdgesByState = [place.edges for place in machine_states]
        self.failing: EdgesByState = [
            [edge for edge in place.edges if machine_states[edge[0]].char_mask & ~place.end_anchors_mask] for place in machine_states
        ]

    def reachable(self, start_states: Iterable[int], edges_by_state: EdgesByState) -> set[int]:
        """The states that can be reached from some, these among them."""
        reached_states = set(start_states)
        pending_states = list(reached_states)
        while pending_states:
            for next_state, _ in edges_by_state[pending_states.pop()]:
                self.work.count_steps()
                if next_state not in reached_states:
                    reached_states.add(next_state)
                    pending_states.append(next_state)
        return reached_states


def find_state_loops(edges_by_state: EdgesByState) -> list[set[int]]:
    """The sets of states that all reach each other."""
    successors_by_state = {state: [to for to, _ in nexts] for state, nexts in enumerate(edges_by_state)}
    return [set(group) for group in strongly_connected_components(successors_by_state)]


def build_backtracking_machine(root_node: RegexNode, match_mode: MatchMode, step_counter: StepCounter, *, is_lenient: bool) -> BacktrackingMachine:
    """The machine of an expression put to use: from each character straight to those that can come next.

    `is_lenient` judges as one does of an expression that works in production (PCRE's): a repeat with a bound is no danger, and
    characters past ASCII are alike. Raises UnsupportedError.
    """
    machine_draft = _MachineDraft(is_lenient=is_lenient)
    start_state, accepting_state = machine_draft.add_state(), machine_draft.add_state()
    machine_draft.add_node(root_node, start_state, accepting_state)
    machine_states = [MachineState(TEXT_START_MASK, math.inf)]
    number_by_draft_state_and_mask: dict[tuple[int, int], int] = {}
    pending_numbers_and_states = [(0, start_state)]
    if match_mode.tries_every_place:
        machine_states.append(MachineState(ANY_CHAR_MASK, math.inf))
        pending_numbers_and_states.append((1, start_state))
        machine_states[0].edges.append((1, TEXT_START_MASK))
        machine_states[1].edges.append((1, ANY_CHAR_MASK))
    while pending_numbers_and_states:
        state_number, draft_entry_state = pending_numbers_and_states.pop()
        for draft_state, mask_before, mask_after, sure_mask_after in _transitions_from(
            machine_draft, draft_entry_state, machine_states[state_number].char_mask, accepting_state, step_counter
        ):
            if draft_state == accepting_state:
                if mask_before == machine_states[state_number].char_mask and not (
                    match_mode.tries_every_place and state_number == SEARCH_STATE_NUMBER
                ):
                    machine_states[state_number].end_anchors_mask |= sure_mask_after & TEXT_END_MASK if match_mode.must_match_end else sure_mask_after
                continue
            char_mask, max_loop_length, next_draft_state = machine_draft.chars[draft_state]
            char_mask &= mask_after
            if char_mask and (draft_state, char_mask) not in number_by_draft_state_and_mask:
                number_by_draft_state_and_mask[draft_state, char_mask] = len(machine_states)
                pending_numbers_and_states.append((len(machine_states), next_draft_state))
                machine_states.append(MachineState(char_mask, max_loop_length))
            if char_mask:
                machine_states[state_number].edges.append((number_by_draft_state_and_mask[draft_state, char_mask], mask_before))
    return BacktrackingMachine(machine_states, match_mode, step_counter)


def _transitions_from(
    machine_draft: _MachineDraft, entry_state: int, entry_mask: int, accepting_state: int, step_counter: StepCounter
) -> Iterator[tuple[int, int, int, int]]:
    """Every way to the next character or to the end.

    As (state, characters before, characters after, those after with which it is open for sure).
    """
    pending_paths: list[tuple[int, int, int, int, frozenset[int]]] = [
        (entry_state, entry_mask, ANY_CHAR_OR_TEXT_EDGE_MASK, ANY_CHAR_OR_TEXT_EDGE_MASK, frozenset())
    ]
    for step_count in itertools.count():
        if not pending_paths:
            return
        if step_count > _MAX_STEPS_BETWEEN_CHARACTERS:
            raise UnsupportedError("it has too many ways from one character to the next")
        step_counter.count_steps()
        current_state, mask_before, mask_after, sure_mask_after, visited_states = pending_paths.pop()
        if current_state == accepting_state or machine_draft.chars[current_state][0]:
            yield current_state, mask_before, mask_after, sure_mask_after
        for next_state, anchor_cases in machine_draft.jumps[current_state]:
            for allowed_mask_before, allowed_mask_after, sure_anchor_mask in anchor_cases if next_state not in visited_states else ():
                if mask_before & allowed_mask_before and mask_after & allowed_mask_after:
                    pending_paths.append(
                        (
                            next_state,
                            mask_before & allowed_mask_before,
                            mask_after & allowed_mask_after,
                            sure_mask_after & sure_anchor_mask,
                            visited_states | {current_state},
                        )
                    )
