"""Variables that a file sets for what runs: one sort of thing for containers, services, image stages, steps and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from readiness.model import Source, Span
from readiness.model.records import dataclass
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

EMPTY_MAPPING = Map(Span(0, 0))


@dataclass(frozen=True, slots=True)
class VariableSetting:
    """One variable that is set: its name, what is written as its value, and where both stand.

    `text` is what it holds as far as the file can tell, with UNKNOWN_VALUE_MARK for each part that it cannot: another variable,
    an expression. It is None where the file writes no text: a list, nothing, or a `reference` to where the value stands, which
    is empty where there is none.
    """

    name: str
    raw_value: Any
    text: str | None
    span: Span
    name_span: Span
    source: Source
    reference: Map = EMPTY_MAPPING

    @property
    def is_partly_unknown(self) -> bool:
        """Whether a text is written that the file does not tell in full."""
        return self.text is not None and UNKNOWN_VALUE_MARK in self.text

    @property
    def value(self) -> str | None:
        """The text that it holds; None where the file cannot tell all of it."""
        return None if self.is_partly_unknown else self.text

    @property
    def raw_text(self) -> LocatedText | None:
        """The string that is written, with its place; None for everything else."""
        return LocatedText(self.raw_value, self.span, self.source) if isinstance(self.raw_value, str) else None


class HasVariables:
    """What sets variables for what runs: checks of their names and values ask it, whatever the kind."""

    __slots__ = ()

    @property
    def variable_settings(self) -> Iterable[VariableSetting]:
        """Every setting that it writes, in their order; of a variable that is set twice both."""
        raise NotImplementedError

    @property
    def variables(self) -> Mapping[str, VariableSetting]:
        """The variables that it sets, by their names; the last setting of a name counts."""
        return {one.name: one for one in self.variable_settings}


def filled_variable_names(variables: Mapping[str, VariableSetting]) -> frozenset[str]:
    """The names of the variables that hold something, as far as the file can tell: a text that is not empty, or what stands elsewhere."""
    return frozenset(name for name, setting in variables.items() if setting.text or setting.reference)


def texts_by_name(variables: Mapping[str, VariableSetting]) -> dict[str, str | None]:
    """What variables hold as far as the file can tell, by their names."""
    return {name: setting.text for name, setting in variables.items()}


def scalar_text(scalar: Any) -> str | None:
    """What a program sees of a string, a number or a boolean; None for everything else."""
    if isinstance(scalar, bool):
        return str(scalar).lower()
    return str(scalar) if isinstance(scalar, str | int | float) else None


def scalar_text_or_unknown_mark(scalar: Any, *, holds_unknown_value: bool) -> str | None:
    """The `text` of a setting of a scalar that holds variables or none."""
    return UNKNOWN_VALUE_MARK if holds_unknown_value else scalar_text(scalar)
