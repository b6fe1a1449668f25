"""Regular expressions as state machines: matching in time that grows with the text, whatever the expression."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import OTHER, Node, char_mask

MAX_STATES = 1500


@dataclass(slots=True)
class Machine:
    """States with edges that take a character and edges that take none; the latter may demand an anchor."""

    moves: list[tuple[int, int]] = field(
        default_factory=list
    )  # (characters, next state); 0 characters: none
    jumps: list[list[tuple[int, str]]] = field(default_factory=list)
    start: int = 0
    accept: int = 0

    def state(self) -> int:
        """Add a state without transitions; its number."""
        if len(self.moves) >= MAX_STATES:
            raise UnsupportedError("too many states")
        self.moves.append((0, -1))
        self.jumps.append([])
        return len(self.moves) - 1


def build_machine(root: Node) -> Machine:
    """The machine of a tree. Raises UnsupportedError."""
    machine = Machine()
    machine.start = machine.state()
    machine.accept = machine.state()
    _add_node(machine, root, machine.start, machine.accept)
    return machine


def _add_node(machine: Machine, node: Node, enter: int, leave: int) -> None:
    """Thompson's construction: add transitions so that `enter` reaches `leave` by what `node` matches."""
    if node.kind == "chars":
        state = machine.state()
        machine.jumps[enter].append((state, ""))
        machine.moves[state] = (node.chars, leave)
    elif node.kind in {"start", "end", "edge"}:
        machine.jumps[enter].append((leave, node.kind))
    elif node.kind == "alt":
        for part in node.parts:
            _add_node(machine, part, enter, leave)
    elif node.kind == "repeat":
        _add_repeat(machine, node, enter, leave)
    else:
        place = enter
        for part in node.parts:
            following = machine.state()
            _add_node(machine, part, place, following)
            place = following
        machine.jumps[place].append((leave, ""))


def _add_repeat(machine: Machine, node: Node, enter: int, leave: int) -> None:
    """Lay a repeat: as many copies as it must have, then a loop or the optional ones."""
    inner = node.parts[0]
    least, most = node.least, node.most
    place = enter
    for _ in range(least if most is not None else max(least - 1, 0)):
        following = machine.state()
        _add_node(machine, inner, place, following)
        place = following
    if most is None:
        loop, after = machine.state(), machine.state()
        machine.jumps[place].append((loop, ""))
        _add_node(machine, inner, loop, after)
        machine.jumps[after] += [(loop, ""), (leave, "")]
        if node.least == 0:
            machine.jumps[loop].append((leave, ""))
        return
    for _ in range(most - least):
        machine.jumps[place].append((leave, ""))
        following = machine.state()
        _add_node(machine, inner, place, following)
        place = following
    machine.jumps[place].append((leave, ""))


def machine_matches(machine: Machine, text: str) -> bool:
    """Whether the expression matches somewhere in the text."""
    active: set[int] = set()
    for place in range(len(text) + 1):
        active = _closure(machine, active | {machine.start}, place == 0, place == len(text))
        if machine.accept in active:
            return True
        if place < len(text):
            bit = 1 << min(ord(text[place]), OTHER)
            active = {machine.moves[state][1] for state in active if machine.moves[state][0] & bit}
    return False


def _closure(machine: Machine, states: set[int], at_start: bool, at_end: bool) -> set[int]:
    """The states reached without a character."""
    reached, stack = set(states), list(states)
    while stack:
        for following, anchor in machine.jumps[stack.pop()]:
            blocked = (anchor == "start" and not at_start) or (anchor == "end" and not at_end)
            if not blocked and following not in reached:
                reached.add(following)
                stack.append(following)
    return reached


def sample_texts(root: Node, limit: int = 16) -> list[str]:
    """Some texts that the node matches, anchors apart: each alternative, optional parts with and without."""
    return list(dict.fromkeys(_sample_texts(root, limit)))[:limit]


_LIKED = "a1-./: "


def _sample_texts(node: Node, limit: int) -> list[str]:
    if node.kind == "chars":
        liked = next((char for char in _LIKED if node.chars & char_mask(char)), None)
        known = node.chars & ((1 << OTHER) - 1)
        return [liked or (chr((known & -known).bit_length() - 1) if known else "\u00e9")]
    if node.kind == "alt":
        samples: list[str] = []
        for part in node.parts:
            samples += _sample_texts(part, limit)[: max(limit // len(node.parts), 1)]
        return samples
    if node.kind == "repeat":
        once = _sample_texts(node.parts[0], limit)
        counts = [node.least] if node.least else [1, 0]
        return [one * min(count, 64) for count in counts for one in once][:limit]
    texts = [""]
    for part in node.parts:
        texts = [head + tail for head in texts for tail in _sample_texts(part, limit)][:limit]
    return texts
