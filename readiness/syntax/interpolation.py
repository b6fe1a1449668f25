"""Compose's variables in a value: `$NAME`, `${NAME:-default}`, `${NAME:?error}`, `$$`, nested, with or without an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":+", ":?", "-", "+", "?")
MAX_DEPTH = 20
MAX_TEXT = 100_000  # characters that an environment may make of one value
NOTHING: Mapping[str, str] = MappingProxyType({})
HOLE = "\0"  # stands in the text for what a variable without a default holds


class InterpolationError(Exception):
    """A `${` that begins no variable: the reason, and the offset in the value."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Expanded:
    """A value as it is where only a given environment is set, with HOLE for what nobody can tell.

    `names` are the variables in it, `open` those that have no value and no default: what they hold nobody can tell from
    the files. `required` are those that must be set (`${NAME:?}`) and are not. `filled` are the pieces of the text that
    came out of the environment: (start, end, name).
    """

    text: str
    names: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    filled: tuple[tuple[int, int, str], ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is no variable in it."""
        return not self.names

    @property
    def settled(self) -> bool:
        """Whether the files say what it is where nobody sets anything else."""
        return not self.open

    def piece(self, start: int, end: int) -> tuple[int, int, str]:
        """The piece of `filled` that holds all of `text[start:end]`; (0, 0, "") where it was written, at least in part."""
        return next((one for one in self.filled if one[0] <= start < end <= one[1]), (0, 0, ""))

    @property
    def origin(self) -> str:
        """The variable of the environment that gave all of the text; empty where it was written, at least in part."""
        return self.piece(0, len(self.text))[2]


def interpolate(
    value: str, environment: Mapping[str, str] = NOTHING, offset: int = 0, depth: int = 0
) -> Expanded:
    """The value with its variables filled in from an environment, else with their defaults, else with HOLE.

    Raises InterpolationError.
    """
    if "$" not in value:
        return Expanded(value)
    if depth > MAX_DEPTH:
        raise InterpolationError("nested too deeply", offset)
    pieces: list[Expanded] = []
    at = size = 0
    while True:
        dollar = value.find("$", at)
        if dollar < 0:
            pieces.append(Expanded(value[at:]))
            return _concatenate(pieces)
        pieces.append(Expanded(value[at:dollar]))
        plain = _NAME.match(value, dollar + 1)
        if plain:
            piece, at = _value_without_default(plain.group(), environment), plain.end()
        elif value.startswith("${", dollar):
            piece, at = _expand_braced(value, dollar, environment, offset, depth)
        else:  # `$$` is a dollar, and so is one before anything else
            piece, at = Expanded("$"), dollar + 1 + value.startswith("$$", dollar)
        pieces.append(piece)
        size += len(piece.text)
        if size > MAX_TEXT:
            raise InterpolationError("it grows too long", offset + dollar)


def _concatenate(pieces: list[Expanded]) -> Expanded:
    """Pieces one after the other, as one."""
    names: list[str] = []
    unset: list[str] = []
    required: list[str] = []
    filled: list[tuple[int, int, str]] = []
    at = 0
    for piece in pieces:
        names += piece.names
        unset += piece.open
        required += piece.required
        filled += ((at + start, at + end, name) for start, end, name in piece.filled)
        at += len(piece.text)
    text = "".join(piece.text for piece in pieces)
    return Expanded(text, tuple(names), tuple(unset), tuple(required), tuple(filled))


def _value_without_default(name: str, environment: Mapping[str, str]) -> Expanded:
    """What a variable without a default holds."""
    text = environment.get(name)
    if text is None:
        return Expanded(HOLE, (name,), (name,))
    unset = (name,) if HOLE in text else ()
    return Expanded(text, (name,), unset, (), ((0, len(text), name),) if text else ())


def _expand_braced(
    value: str, start: int, environment: Mapping[str, str], offset: int, depth: int
) -> tuple[Expanded, int]:
    """What `${...}` at `start` gives, and where it ends."""
    match = _NAME.match(value, start + 2)
    if match is None:
        raise InterpolationError(
            "`${` takes the name of a variable; a plain `$` is written `$$`", offset + start
        )
    end, name = _closing(value, match.end()), match.group()
    if end < 0:
        reason = "`${` is not closed" if end == -1 else "nested too deeply"
        raise InterpolationError(reason, offset + start)
    operator = next((one for one in _OPERATORS if value.startswith(one, match.end())), "")
    if not operator and end != match.end():
        reason = (
            "after its name a variable takes one of :- - :+ + :? ?; a plain `$` is written `$$`"
        )
        raise InterpolationError(reason, offset + start)
    where = match.end() + len(operator)
    rest = interpolate(value[where:end], environment, offset + where, depth + 1)
    given = environment.get(name)
    there = bool(given) if operator.startswith(":") else given is not None
    if operator.endswith("+"):
        kept = rest if there else Expanded("", rest.names, (), rest.required)
        if given and not given.strip(HOLE):  # nobody can tell whether it is empty
            kept = Expanded(HOLE, rest.names, (name,))
        return replace(kept, names=(name, *rest.names)), end + 1
    if there or not operator:
        return _value_without_default(name, environment), end + 1
    if operator.endswith("-"):
        return replace(rest, names=(name, *rest.names)), end + 1
    return Expanded(HOLE, (name,), (name,), (name,)), end + 1


def _closing(value: str, at: int) -> int:
    """The offset of the brace that closes the one before `at`; -1 where none does, -2 for one nested too deeply."""
    depth = 0
    while at < len(value):
        if value[at] == "}":
            if not depth:
                return at
            depth -= 1
        elif value.startswith("${", at):
            depth += 1
            at += 1
            if depth > MAX_DEPTH:
                return -2
        at += 1
    return -1


def default_of(value: str) -> tuple[str, str] | None:
    """(name, default) of a value that is one variable with a default and nothing else."""
    if not value.startswith("${") or not value.endswith("}"):
        return None
    name = _NAME.match(value, 2)
    if name is None or _closing(value, name.end()) != len(value) - 1:
        return None
    for operator in (":-", "-"):
        if value.startswith(operator, name.end()):
            return name.group(), value[name.end() + len(operator) : -1]
    return None
