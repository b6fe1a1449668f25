"""Regular expressions as state machines: matching in time that grows with the text, whatever the expression."""

from __future__ import annotations

from dataclasses import field

from readiness.model.records import dataclass
from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import NON_ASCII_BIT, RegexNode, char_mask

MAX_STATES_PER_MACHINE = 1500


@dataclass(slots=True)
class Machine:
    """States with edges that take a character and edges that take none; the latter may demand an anchor."""

    character_edges: list[tuple[int, int]] = field(default_factory=list)  # (characters, next state); 0 characters: none
    empty_edges: list[list[tuple[int, str]]] = field(default_factory=list)
    start_state: int = 0
    accepting_state: int = 0

    def add_state(self) -> int:
        """Add a state without transitions; its number."""
        if len(self.character_edges) >= MAX_STATES_PER_MACHINE:
            raise UnsupportedError("too many states")
        self.character_edges.append((0, -1))
        self.empty_edges.append([])
        return len(self.character_edges) - 1


def build_automaton(root_node: RegexNode) -> Machine:
    """The machine of a tree. Raises UnsupportedError."""
    machine = Machine()
    machine.start_state = machine.add_state()
    machine.accepting_state = machine.add_state()
    _add_node_transitions(machine, root_node, machine.start_state, machine.accepting_state)
    return machine


def _add_node_transitions(machine: Machine, node: RegexNode, entry_state: int, exit_state: int) -> None:
    """Thompson's construction: add transitions so that `entry_state` reaches `exit_state` by what `node` matches."""
    if node.kind == "chars":
        character_state = machine.add_state()
        machine.empty_edges[entry_state].append((character_state, ""))
        machine.character_edges[character_state] = (node.char_mask, exit_state)
    elif node.kind in {"start", "end", "edge"}:
        machine.empty_edges[entry_state].append((exit_state, node.kind))
    elif node.kind == "alt":
        for child_node in node.children:
            _add_node_transitions(machine, child_node, entry_state, exit_state)
    elif node.kind == "repeat":
        _add_repeat_transitions(machine, node, entry_state, exit_state)
    else:
        current_state = entry_state
        for child_node in node.children:
            next_state = machine.add_state()
            _add_node_transitions(machine, child_node, current_state, next_state)
            current_state = next_state
        machine.empty_edges[current_state].append((exit_state, ""))


def _add_repeat_transitions(machine: Machine, node: RegexNode, entry_state: int, exit_state: int) -> None:
    """Lay a repeat: as many copies as it must have, then a loop or the optional ones."""
    repeated_node = node.children[0]
    min_repeats, max_repeats = node.min_repeats, node.max_repeats
    current_state = entry_state
    for _ in range(min_repeats if max_repeats is not None else max(min_repeats - 1, 0)):
        next_state = machine.add_state()
        _add_node_transitions(machine, repeated_node, current_state, next_state)
        current_state = next_state
    if max_repeats is None:
        loop_start_state, loop_end_state = machine.add_state(), machine.add_state()
        machine.empty_edges[current_state].append((loop_start_state, ""))
        _add_node_transitions(machine, repeated_node, loop_start_state, loop_end_state)
        machine.empty_edges[loop_end_state] += [(loop_start_state, ""), (exit_state, "")]
        if node.min_repeats == 0:
            machine.empty_edges[loop_start_state].append((exit_state, ""))
        return
    for _ in range(max_repeats - min_repeats):
        machine.empty_edges[current_state].append((exit_state, ""))
        next_state = machine.add_state()
        _add_node_transitions(machine, repeated_node, current_state, next_state)
        current_state = next_state
    machine.empty_edges[current_state].append((exit_state, ""))


def automaton_matches(machine: Machine, text: str) -> bool:
    """Whether the expression matches somewhere in the text."""
    active_states: set[int] = set()
    for text_offset in range(len(text) + 1):
        active_states = _epsilon_closure(machine, active_states | {machine.start_state}, text_offset == 0, text_offset == len(text))
        if machine.accepting_state in active_states:
            return True
        if text_offset < len(text):
            character_bit = 1 << min(ord(text[text_offset]), NON_ASCII_BIT)
            active_states = {machine.character_edges[state][1] for state in active_states if machine.character_edges[state][0] & character_bit}
    return False


def _epsilon_closure(machine: Machine, states: set[int], is_at_start: bool, is_at_end: bool) -> set[int]:
    """The states reached without a character."""
    reached_states, unvisited_states = set(states), list(states)
    while unvisited_states:
        for next_state, anchor in machine.empty_edges[unvisited_states.pop()]:
            is_anchor_blocked = (anchor == "start" and not is_at_start) or (anchor == "end" and not is_at_end)
            if not is_anchor_blocked and next_state not in reached_states:
                reached_states.add(next_state)
                unvisited_states.append(next_state)
    return reached_states


def sample_texts(root_node: RegexNode, max_samples: int = 16) -> list[str]:
    """Some texts that the node matches, anchors apart: each alternative, optional parts with and without."""
    return list(dict.fromkeys(_unlimited_sample_texts(root_node, max_samples)))[:max_samples]


_PREFERRED_SAMPLE_CHARACTERS = "a1-./: "


def _unlimited_sample_texts(node: RegexNode, max_samples: int) -> list[str]:
    if node.kind == "chars":
        preferred_character = next((char for char in _PREFERRED_SAMPLE_CHARACTERS if node.char_mask & char_mask(char)), None)
        ascii_char_mask = node.char_mask & ((1 << NON_ASCII_BIT) - 1)
        return [preferred_character or (chr((ascii_char_mask & -ascii_char_mask).bit_length() - 1) if ascii_char_mask else "\u00e9")]
    if node.kind == "alt":
        samples: list[str] = []
        for child_node in node.children:
            samples += _unlimited_sample_texts(child_node, max_samples)[: max(max_samples // len(node.children), 1)]
        return samples
    if node.kind == "repeat":
        single_samples = _unlimited_sample_texts(node.children[0], max_samples)
        repeat_counts = [node.min_repeats] if node.min_repeats else [1, 0]
        return [one * min(count, 64) for count in repeat_counts for one in single_samples][:max_samples]
    sample_prefixes = [""]
    for child_node in node.children:
        sample_prefixes = [head + tail for head in sample_prefixes for tail in _unlimited_sample_texts(child_node, max_samples)][:max_samples]
    return sample_prefixes
