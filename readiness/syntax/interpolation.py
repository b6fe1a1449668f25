"""Compose's variables in a value: `$NAME`, `${NAME:-default}`, `${NAME:?error}`, `$$`, nested, with or without an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_OPERATORS = (":-", ":+", ":?", "-", "+", "?")
MAX_DEPTH = 20
MAX_TEXT = 100_000  # characters that an environment may make of one value
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
UNKNOWN_VALUE_MARK = "\0"  # stands in the text for what a variable without a default holds


class InterpolationError(Exception):
    """A `${` that begins no variable: the reason, and the offset in the value."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class InterpolatedValue:
    """A value as it is where only a given environment is set, with HOLE for what nobody can tell.

    `variable_names` are the variables in it, `unset_names` those that have no value and no default: what they hold nobody can
    tell from the files. `unset_required_names` are those that must be set (`${NAME:?}`) and are not. `filled_pieces` are the
    pieces of the text that came out of the environment: (start, end, name).
    """

    text: str
    variable_names: tuple[str, ...] = ()
    unset_names: tuple[str, ...] = ()
    unset_required_names: tuple[str, ...] = ()
    filled_pieces: tuple[tuple[int, int, str], ...] = ()

    @property
    def has_no_variables(self) -> bool:
        """Whether there is no variable in it."""
        return not self.variable_names

    @property
    def is_determined(self) -> bool:
        """Whether the files say what it is where nobody sets anything else."""
        return not self.unset_names

    def filled_piece_around(self, start: int, end: int) -> tuple[int, int, str]:
        """The piece of `filled` that holds all of `text[start:end]`; (0, 0, "") where it was written, at least in part."""
        return next((one for one in self.filled_pieces if one[0] <= start < end <= one[1]), (0, 0, ""))

    @property
    def variable_giving_all(self) -> str:
        """The variable of the environment that gave all of the text; empty where it was written, at least in part."""
        return self.filled_piece_around(0, len(self.text))[2]


def interpolate(
    value: str, environment: Mapping[str, str] = NO_VARIABLES, offset: int = 0, depth: int = 0
) -> InterpolatedValue:
    """The value with its variables filled in from an environment, else with their defaults, else with HOLE.

    Raises InterpolationError.
    """
    if "$" not in value:
        return InterpolatedValue(value)
    if depth > MAX_DEPTH:
        raise InterpolationError("nested too deeply", offset)
    pieces: list[InterpolatedValue] = []
    at = size = 0
    while True:
        dollar = value.find("$", at)
        if dollar < 0:
            pieces.append(InterpolatedValue(value[at:]))
            return _concatenate_pieces(pieces)
        pieces.append(InterpolatedValue(value[at:dollar]))
        plain = _VARIABLE_NAME.match(value, dollar + 1)
        if plain:
            piece, at = _value_without_default(plain.group(), environment), plain.end()
        elif value.startswith("${", dollar):
            piece, at = _expand_braced(value, dollar, environment, offset, depth)
        else:  # `$$` is a dollar, and so is one before anything else
            piece, at = InterpolatedValue("$"), dollar + 1 + value.startswith("$$", dollar)
        pieces.append(piece)
        size += len(piece.text)
        if size > MAX_TEXT:
            raise InterpolationError("it grows too long", offset + dollar)


def _concatenate_pieces(pieces: list[InterpolatedValue]) -> InterpolatedValue:
    """Pieces one after the other, as one."""
    names: list[str] = []
    unset: list[str] = []
    required: list[str] = []
    filled: list[tuple[int, int, str]] = []
    at = 0
    for piece in pieces:
        names += piece.variable_names
        unset += piece.unset_names
        required += piece.unset_required_names
        filled += ((at + start, at + end, name) for start, end, name in piece.filled_pieces)
        at += len(piece.text)
    text = "".join(piece.text for piece in pieces)
    return InterpolatedValue(text, tuple(names), tuple(unset), tuple(required), tuple(filled))


def _value_without_default(name: str, environment: Mapping[str, str]) -> InterpolatedValue:
    """What a variable without a default holds."""
    text = environment.get(name)
    if text is None:
        return InterpolatedValue(UNKNOWN_VALUE_MARK, (name,), (name,))
    unset = (name,) if UNKNOWN_VALUE_MARK in text else ()
    return InterpolatedValue(text, (name,), unset, (), ((0, len(text), name),) if text else ())


def _expand_braced(
    value: str, start: int, environment: Mapping[str, str], offset: int, depth: int
) -> tuple[InterpolatedValue, int]:
    """What `${...}` at `start` gives, and where it ends."""
    match = _VARIABLE_NAME.match(value, start + 2)
    if match is None:
        raise InterpolationError("`${` takes the name of a variable; a plain `$` is written `$$`", offset + start)
    end, name = _closing_brace_offset(value, match.end()), match.group()
    if end < 0:
        reason = "`${` is not closed" if end == -1 else "nested too deeply"
        raise InterpolationError(reason, offset + start)
    operator = next((one for one in _DEFAULT_OPERATORS if value.startswith(one, match.end())), "")
    if not operator and end != match.end():
        reason = "after its name a variable takes one of :- - :+ + :? ?; a plain `$` is written `$$`"
        raise InterpolationError(reason, offset + start)
    where = match.end() + len(operator)
    rest = interpolate(value[where:end], environment, offset + where, depth + 1)
    given = environment.get(name)
    there = bool(given) if operator.startswith(":") else given is not None
    if operator.endswith("+"):
        kept = rest if there else InterpolatedValue("", rest.variable_names, (), rest.unset_required_names)
        if given and not given.strip(UNKNOWN_VALUE_MARK):  # nobody can tell whether it is empty
            kept = InterpolatedValue(UNKNOWN_VALUE_MARK, rest.variable_names, (name,))
        return replace(kept, variable_names=(name, *rest.variable_names)), end + 1
    if there or not operator:
        return _value_without_default(name, environment), end + 1
    if operator.endswith("-"):
        return replace(rest, variable_names=(name, *rest.variable_names)), end + 1
    return InterpolatedValue(UNKNOWN_VALUE_MARK, (name,), (name,), (name,)), end + 1


def _closing_brace_offset(value: str, offset: int) -> int:
    """The offset of the brace that closes the one before `offset`; -1 where none does, -2 for one nested too deeply."""
    depth = 0
    while offset < len(value):
        if value[offset] == "}":
            if not depth:
                return offset
            depth -= 1
        elif value.startswith("${", offset):
            depth += 1
            offset += 1
            if depth > MAX_DEPTH:
                return -2
        offset += 1
    return -1


def single_variable_and_default(value: str) -> tuple[str, str] | None:
    """(name, default) of a value that is one variable with a default and nothing else."""
    if not value.startswith("${") or not value.endswith("}"):
        return None
    name = _VARIABLE_NAME.match(value, 2)
    if name is None or _closing_brace_offset(value, name.end()) != len(value) - 1:
        return None
    for operator in (":-", "-"):
        if value.startswith(operator, name.end()):
            return name.group(), value[name.end() + len(operator) : -1]
    return None
