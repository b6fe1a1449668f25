"""Compose's variables in a value: `$NAME`, `${NAME:-default}`, `${NAME:?error}`, `$$`, nested, with or without an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_VARIABLE_NAME = lazy_regex(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_OPERATORS = (":-", ":+", ":?", "-", "+", "?")
MAX_NESTING_DEPTH = 20
MAX_INTERPOLATED_LENGTH = 100_000  # characters that an environment may make of one value
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

    `variable_names_in_text` are the variables in it, `unset_names` those that have no value and no default: what they hold nobody can
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

    def filled_piece_around(self, range_start: int, range_end: int) -> tuple[int, int, str]:
        """The piece of `filled` that holds all of `text[start:end]`; (0, 0, "") where it was written, at least in part."""
        return next((one for one in self.filled_pieces if one[0] <= range_start < range_end <= one[1]), (0, 0, ""))

    @property
    def variable_giving_all(self) -> str:
        """The variable of the environment that gave all of the text; empty where it was written, at least in part."""
        return self.filled_piece_around(0, len(self.text))[2]


def interpolate_variables(
    value: str, value_by_variable: Mapping[str, str] = NO_VARIABLES, value_offset: int = 0, nesting_depth: int = 0
) -> InterpolatedValue:
    """The value with its variables filled in from an environment, else with their defaults, else with HOLE.

    Raises InterpolationError.
    """
    if "$" not in value:
        return InterpolatedValue(value)
    if nesting_depth > MAX_NESTING_DEPTH:
        raise InterpolationError("nested too deeply", value_offset)
    interpolated_pieces: list[InterpolatedValue] = []
    next_offset = expanded_length = 0
    while True:
        dollar_offset = value.find("$", next_offset)
        if dollar_offset < 0:
            interpolated_pieces.append(InterpolatedValue(value[next_offset:]))
            return _concatenate_pieces(interpolated_pieces)
        interpolated_pieces.append(InterpolatedValue(value[next_offset:dollar_offset]))
        unbraced_name_match = _VARIABLE_NAME.match(value, dollar_offset + 1)
        if unbraced_name_match:
            interpolated_piece, next_offset = (
                _value_of_plain_variable(unbraced_name_match.group(), value_by_variable),
                unbraced_name_match.end(),
            )
        elif value.startswith("${", dollar_offset):
            interpolated_piece, next_offset = _expand_braced_variable(value, dollar_offset, value_by_variable, value_offset, nesting_depth)
        else:  # `$$` is a dollar, and so is one before anything else
            interpolated_piece, next_offset = InterpolatedValue("$"), dollar_offset + 1 + value.startswith("$$", dollar_offset)
        interpolated_pieces.append(interpolated_piece)
        expanded_length += len(interpolated_piece.text)
        if expanded_length > MAX_INTERPOLATED_LENGTH:
            raise InterpolationError("it grows too long", value_offset + dollar_offset)


def _concatenate_pieces(pieces: list[InterpolatedValue]) -> InterpolatedValue:
    """Pieces one after the other, as one."""
    variable_names: list[str] = []
    unset_names: list[str] = []
    unset_required_names: list[str] = []
    filled_pieces: list[tuple[int, int, str]] = []
    piece_offset = 0
    for piece in pieces:
        variable_names += piece.variable_names
        unset_names += piece.unset_names
        unset_required_names += piece.unset_required_names
        filled_pieces += (
            (piece_offset + piece_start, piece_offset + piece_end, variable_name) for piece_start, piece_end, variable_name in piece.filled_pieces
        )
        piece_offset += len(piece.text)
    concatenated_text = "".join(piece.text for piece in pieces)
    return InterpolatedValue(concatenated_text, tuple(variable_names), tuple(unset_names), tuple(unset_required_names), tuple(filled_pieces))


def _value_of_plain_variable(variable_name: str, value_by_variable: Mapping[str, str]) -> InterpolatedValue:
    """What a variable without a default holds."""
    variable_value = value_by_variable.get(variable_name)
    if variable_value is None:
        return InterpolatedValue(UNKNOWN_VALUE_MARK, (variable_name,), (variable_name,))
    unset_names = (variable_name,) if UNKNOWN_VALUE_MARK in variable_value else ()
    return InterpolatedValue(variable_value, (variable_name,), unset_names, (), ((0, len(variable_value), variable_name),) if variable_value else ())


def _expand_braced_variable(
    value: str, dollar_offset: int, value_by_variable: Mapping[str, str], value_offset: int, nesting_depth: int
) -> tuple[InterpolatedValue, int]:
    """What `${...}` at `dollar_offset` gives, and where it ends."""
    name_match = _VARIABLE_NAME.match(value, dollar_offset + 2)
    if name_match is None:
        raise InterpolationError("`${` takes the name of a variable; a plain `$` is written `$$`", value_offset + dollar_offset)
    closing_brace_offset, variable_name = _closing_brace_offset(value, name_match.end()), name_match.group()
    if closing_brace_offset < 0:
        error_message = "`${` is not closed" if closing_brace_offset == -1 else "nested too deeply"
        raise InterpolationError(error_message, value_offset + dollar_offset)
    operator = next((one for one in _DEFAULT_OPERATORS if value.startswith(one, name_match.end())), "")
    if not operator and closing_brace_offset != name_match.end():
        error_message = "after its name a variable takes one of :- - :+ + :? ?; a plain `$` is written `$$`"
        raise InterpolationError(error_message, value_offset + dollar_offset)
    operand_start = name_match.end() + len(operator)
    operand = interpolate_variables(value[operand_start:closing_brace_offset], value_by_variable, value_offset + operand_start, nesting_depth + 1)
    environment_value = value_by_variable.get(variable_name)
    is_variable_set = bool(environment_value) if operator.startswith(":") else environment_value is not None
    if operator.endswith("+"):
        alternative_value = operand if is_variable_set else InterpolatedValue("", operand.variable_names, (), operand.unset_required_names)
        if environment_value and not environment_value.strip(UNKNOWN_VALUE_MARK):  # nobody can tell whether it is empty
            alternative_value = InterpolatedValue(UNKNOWN_VALUE_MARK, operand.variable_names, (variable_name,))
        return replace(alternative_value, variable_names=(variable_name, *operand.variable_names)), closing_brace_offset + 1
    if is_variable_set or not operator:
        return _value_of_plain_variable(variable_name, value_by_variable), closing_brace_offset + 1
    if operator.endswith("-"):
        return replace(operand, variable_names=(variable_name, *operand.variable_names)), closing_brace_offset + 1
    return InterpolatedValue(UNKNOWN_VALUE_MARK, (variable_name,), (variable_name,), (variable_name,)), closing_brace_offset + 1


def _closing_brace_offset(value: str, offset: int) -> int:
    """The offset of the brace that closes the one before `offset`; -1 where none does, -2 for one nested too deeply."""
    brace_depth = 0
    while offset < len(value):
        if value[offset] == "}":
            if not brace_depth:
                return offset
            brace_depth -= 1
        elif value.startswith("${", offset):
            brace_depth += 1
            offset += 1
            if brace_depth > MAX_NESTING_DEPTH:
                return -2
        offset += 1
    return -1


def single_variable_and_default(value: str) -> tuple[str, str] | None:
    """(name, default) of a value that is one variable with a default and nothing else."""
    if not value.startswith("${") or not value.endswith("}"):
        return None
    name_match = _VARIABLE_NAME.match(value, 2)
    if name_match is None or _closing_brace_offset(value, name_match.end()) != len(value) - 1:
        return None
    for default_operator in (":-", "-"):
        if value.startswith(default_operator, name_match.end()):
            return name_match.group(), value[name_match.end() + len(default_operator) : -1]
    return None
