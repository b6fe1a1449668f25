"""Compose's variables in a value: `$NAME`, `${NAME:-default}`, `${NAME:?error}`, `$$`, nested in each other."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":+", ":?", "-", "+", "?")
MAX_DEPTH = 20
HOLE = "\0"  # stands in the text for what a variable without a default holds


class InterpolationError(Exception):
    """A `${` that begins no variable: the reason, and the offset in the value."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Expanded:
    """A value as it is where nothing is set in the environment, with HOLE for what only the environment says.

    `names` are the variables in it, `open` those that have no default: what they hold nobody can tell from the file.
    `required` are those that must be set (`${NAME:?}`).
    """

    text: str
    names: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is no variable in it."""
        return not self.names

    @property
    def settled(self) -> bool:
        """Whether the file says what it is where nobody sets anything."""
        return not self.open


def expand(value: str, offset: int = 0, depth: int = 0) -> Expanded:
    """The value with its defaults filled in; a variable without one becomes HOLE. Raises InterpolationError."""
    if "$" not in value:
        return Expanded(value)
    if depth > MAX_DEPTH:
        raise InterpolationError("nested too deeply", offset)
    out: list[str] = []
    names: list[str] = []
    unset: list[str] = []
    required: list[str] = []
    at = 0
    while True:
        found = value.find("$", at)
        if found < 0:
            out.append(value[at:])
            break
        out.append(value[at:found])
        if value.startswith("$$", found):
            out.append("$")
            at = found + 2
            continue
        plain = _NAME.match(value, found + 1)
        if plain:
            names.append(plain.group())
            unset.append(plain.group())
            out.append(HOLE)
            at = plain.end()
            continue
        if not value.startswith("${", found):
            out.append("$")
            at = found + 1
            continue
        inner, at = _braced(value, found, offset, depth)
        out.append(inner.text)
        names += inner.names
        unset += inner.open
        required += inner.required
    return Expanded("".join(out), tuple(names), tuple(unset), tuple(required))


def _braced(value: str, start: int, offset: int, depth: int) -> tuple[Expanded, int]:
    """What `${...}` at `start` gives, and where it ends."""
    name = _NAME.match(value, start + 2)
    if name is None:
        raise InterpolationError(
            "`${` takes the name of a variable; a plain `$` is written `$$`", offset + start
        )
    end = _closing(value, name.end())
    if end < 0:
        raise InterpolationError("`${` is not closed", offset + start)
    operator = next((one for one in _OPERATORS if value.startswith(one, name.end())), "")
    if not operator and end != name.end():
        reason = (
            "after its name a variable takes one of :- - :+ + :? ?; a plain `$` is written `$$`"
        )
        raise InterpolationError(reason, offset + start)
    where = name.end() + len(operator)
    rest = expand(value[where:end], offset + where, depth + 1)
    here = (name.group(),)
    if operator in {":-", "-"}:
        found = Expanded(rest.text, here + rest.names, rest.open, rest.required)
    elif operator in {":?", "?"}:
        found = Expanded(HOLE, here, here, here)
    elif operator:
        found = Expanded("", here + rest.names, (), rest.required)
    else:
        found = Expanded(HOLE, here, here)
    return found, end + 1


def _closing(value: str, at: int) -> int:
    """The offset of the brace that closes the one before `at`; -1 where none does."""
    depth = 0
    while at < len(value):
        if value[at] == "}":
            if not depth:
                return at
            depth -= 1
        elif value.startswith("${", at):
            depth += 1
            at += 1
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
