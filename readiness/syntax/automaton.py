"""Regular expressions as state machines: matching in time that grows with the text, whatever the expression."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import NON_ASCII_BIT, RegexNode, char_mask

MAX_STATES = 1500


@dataclass(slots=True)
class Machine:
    """States with edges that take a character and edges that take none; the latter may demand an anchor."""

    character_edges: list[tuple[int, int]] = field(default_factory=list)  # (characters, next state); 0 characters: none
    empty_edges: list[list[tuple[int, str]]] = field(default_factory=list)
    start_state: int = 0
    accepting_state: int = 0

    def add_state(self) -> int:
        """Add a state without transitions; its number."""
        if len(self.character_edges) >= MAX_STATES:
            raise UnsupportedError("too many states")
        self.character_edges.append((0, -1))
        self.empty_edges.append([])
        return len(self.character_edges) - 1


def build_machine(root: RegexNode) -> Machine:
    """The machine of a tree. Raises UnsupportedError."""
    machine = Machine()
    machine.start_state = machine.add_state()
    machine.accepting_state = machine.add_state()
    _add_node(machine, root, machine.start_state, machine.accepting_state)
    return machine


def _add_node(machine: Machine, node: RegexNode, entry_state: int, exit_state: int) -> None:
    """Thompson's construction: add transitions so that `entry_state` reaches `exit_state` by what `node` matches."""
    if node.kind == "chars":
        state = machine.add_state()
        machine.empty_edges[entry_state].append((state, ""))
        machine.character_edges[state] = (node.char_mask, exit_state)
    elif node.kind in {"start", "end", "edge"}:
        machine.empty_edges[entry_state].append((exit_state, node.kind))
    elif node.kind == "alt":
        for part in node.children:
            _add_node(machine, part, entry_state, exit_state)
    elif node.kind == "repeat":
        _add_repeat(machine, node, entry_state, exit_state)
    else:
        place = entry_state
        for part in node.children:
            following = machine.add_state()
            _add_node(machine, part, place, following)
            place = following
        machine.empty_edges[place].append((exit_state, ""))


def _add_repeat(machine: Machine, node: RegexNode, entry_state: int, exit_state: int) -> None:
    """Lay a repeat: as many copies as it must have, then a loop or the optional ones."""
    inner = node.children[0]
    least, most = node.min_repeats, node.max_repeats
    place = entry_state
    for _ in range(least if most is not None else max(least - 1, 0)):
        following = machine.add_state()
        _add_node(machine, inner, place, following)
        place = following
    if most is None:
        loop, after = machine.add_state(), machine.add_state()
        machine.empty_edges[place].append((loop, ""))
        _add_node(machine, inner, loop, after)
        machine.empty_edges[after] += [(loop, ""), (exit_state, "")]
        if node.min_repeats == 0:
            machine.empty_edges[loop].append((exit_state, ""))
        return
    for _ in range(most - least):
        machine.empty_edges[place].append((exit_state, ""))
        following = machine.add_state()
        _add_node(machine, inner, place, following)
        place = following
    machine.empty_edges[place].append((exit_state, ""))


def machine_matches(machine: Machine, text: str) -> bool:
    """Whether the expression matches somewhere in the text."""
    active: set[int] = set()
    for place in range(len(text) + 1):
        active = _epsilon_closure(machine, active | {machine.start_state}, place == 0, place == len(text))
        if machine.accepting_state in active:
            return True
        if place < len(text):
            bit = 1 << min(ord(text[place]), NON_ASCII_BIT)
            active = {machine.character_edges[state][1] for state in active if machine.character_edges[state][0] & bit}
    return False


def _epsilon_closure(machine: Machine, states: set[int], at_start: bool, at_end: bool) -> set[int]:
    """The states reached without a character."""
    reached, stack = set(states), list(states)
    while stack:
        for following, anchor in machine.empty_edges[stack.pop()]:
            blocked = (anchor == "start" and not at_start) or (anchor == "end" and not at_end)
            if not blocked and following not in reached:
                reached.add(following)
                stack.append(following)
    return reached


def sample_texts(root: RegexNode, limit: int = 16) -> list[str]:
    """Some texts that the node matches, anchors apart: each alternative, optional parts with and without."""
    return list(dict.fromkeys(_sample_texts(root, limit)))[:limit]


_PREFERRED_CHARACTERS = "a1-./: "


def _sample_texts(node: RegexNode, limit: int) -> list[str]:
    if node.kind == "chars":
        liked = next((char for char in _PREFERRED_CHARACTERS if node.char_mask & char_mask(char)), None)
        known = node.char_mask & ((1 << NON_ASCII_BIT) - 1)
        return [liked or (chr((known & -known).bit_length() - 1) if known else "\u00e9")]
    if node.kind == "alt":
        samples: list[str] = []
        for part in node.children:
            samples += _sample_texts(part, limit)[: max(limit // len(node.children), 1)]
        return samples
    if node.kind == "repeat":
        once = _sample_texts(node.children[0], limit)
        counts = [node.min_repeats] if node.min_repeats else [1, 0]
        return [one * min(count, 64) for count in counts for one in once][:limit]
    texts = [""]
    for part in node.children:
        texts = [head + tail for head in texts for tail in _sample_texts(part, limit)][:limit]
    return texts
