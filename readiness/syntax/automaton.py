"""Regular expressions as state machines: matching in linear time, and whether a backtracking engine can run away."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.syntax.pcre import UnsupportedError
from readiness.syntax.pcre_tree import OTHER, Node, mask, walk

MAX_STATES = 1500
MAX_WORK = 60_000
_LOOP_COPIES = 4  # a bounded repeat can't run away; for that question a few copies of it are enough
_MANY = 10  # turns of a loop around an endless one that are as bad as endless turns


@dataclass(slots=True)
class Machine:
    """States with edges that take a character and edges that take none; the latter may demand an anchor."""

    moves: list[tuple[int, int]] = field(
        default_factory=list
    )  # (characters, next state); 0 characters: none
    jumps: list[list[tuple[int, str]]] = field(default_factory=list)
    atomic: set[int] = field(default_factory=set)
    start: int = 0
    accept: int = 0

    def state(self) -> int:
        """A new state."""
        if len(self.moves) >= MAX_STATES:
            raise UnsupportedError("too many states")
        self.moves.append((0, -1))
        self.jumps.append([])
        return len(self.moves) - 1


def build(root: Node, *, short: bool = False) -> Machine:
    """The machine of a tree. `short` cuts bounded repeats, for questions about unbounded ones. Raises UnsupportedError."""
    machine = Machine()
    machine.start = machine.state()
    machine.accept = machine.state()
    _add(machine, root, machine.start, machine.accept, short, False)
    return machine


def _add(machine: Machine, node: Node, enter: int, leave: int, short: bool, atomic: bool) -> None:
    """Lay a node between two states."""
    if node.kind == "chars":
        state = machine.state()
        machine.jumps[enter].append((state, ""))
        machine.moves[state] = (node.chars, leave)
        if atomic:
            machine.atomic.add(state)
    elif node.kind in {"start", "end", "edge"}:
        machine.jumps[enter].append((leave, node.kind))
    elif node.kind == "alt":
        for part in node.parts:
            _add(machine, part, enter, leave, short, atomic)
    elif node.kind == "repeat":
        _repeat(machine, node, enter, leave, short, atomic or node.atomic)
    else:
        place = enter
        for part in node.parts:
            following = machine.state()
            _add(machine, part, place, following, short, atomic or node.atomic)
            place = following
        machine.jumps[place].append((leave, ""))


def _repeat(
    machine: Machine, node: Node, enter: int, leave: int, short: bool, atomic: bool
) -> None:
    """Lay a repeat: as many copies as it must have, then a loop or the optional ones."""
    inner = node.parts[0]
    least = min(node.least, _LOOP_COPIES) if short else node.least
    most = node.most if node.most is None or not short else max(least, min(node.most, _LOOP_COPIES))
    if short and (node.most or 0) >= _MANY and any(_endless(part) for part in walk(inner)):
        most = None  # as many ways as there are turns: ten are no better than no end
    place = enter
    for _ in range(least if most is not None else max(least - 1, 0)):
        following = machine.state()
        _add(machine, inner, place, following, short, atomic)
        place = following
    if most is None:
        loop, after = machine.state(), machine.state()
        machine.jumps[place].append((loop, ""))
        _add(machine, inner, loop, after, short, atomic)
        machine.jumps[after] += [(loop, ""), (leave, "")]
        if node.least == 0:
            machine.jumps[loop].append((leave, ""))
        return
    for _ in range(most - least):
        machine.jumps[place].append((leave, ""))
        following = machine.state()
        _add(machine, inner, place, following, short, atomic)
        place = following
    machine.jumps[place].append((leave, ""))


def _endless(node: Node) -> bool:
    return node.kind == "repeat" and node.most is None


def search(machine: Machine, text: str) -> bool:
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
    found, stack = set(states), list(states)
    while stack:
        for following, anchor in machine.jumps[stack.pop()]:
            blocked = (anchor == "start" and not at_start) or (anchor == "end" and not at_end)
            if not blocked and following not in found:
                found.add(following)
                stack.append(following)
    return found


def samples(root: Node, limit: int = 16) -> list[str]:
    """Some texts that the node matches, anchors apart: each alternative, optional parts with and without."""
    return list(dict.fromkeys(_texts(root, limit)))[:limit]


_LIKED = "a1-./: "


def _texts(node: Node, limit: int) -> list[str]:
    if node.kind == "chars":
        liked = next((char for char in _LIKED if node.chars & mask(char)), None)
        known = node.chars & ((1 << OTHER) - 1)
        return [liked or (chr((known & -known).bit_length() - 1) if known else "\u00e9")]
    if node.kind == "alt":
        found: list[str] = []
        for part in node.parts:
            found += _texts(part, limit)[: max(limit // len(node.parts), 1)]
        return found
    if node.kind == "repeat":
        once = _texts(node.parts[0], limit)
        counts = [node.least] if node.least else [1, 0]
        return [one * min(count, 64) for count in counts for one in once][:limit]
    texts = [""]
    for part in node.parts:
        texts = [head + tail for head in texts for tail in _texts(part, limit)][:limit]
    return texts
