"""Variables that a file sets for what runs: one sort of thing for containers of Kubernetes and for steps of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from readiness.model import Source, Span
from readiness.syntax.text import LocatedText


@dataclass(frozen=True, slots=True)
class VariableSetting:
    """One variable that is set: what is written as its value, and where.

    `value` is the text that it holds; None where the file cannot tell: a reference, an expression, a list.
    """

    raw_value: Any
    value: str | None
    span: Span
    source: Source

    @property
    def raw_text(self) -> LocatedText | None:
        """The string that is written, with its place; None for everything else."""
        return LocatedText(self.raw_value, self.span, self.source) if isinstance(self.raw_value, str) else None


def scalar_text(value: Any) -> str | None:
    """What a program sees of a string, a number or a boolean; None for everything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
