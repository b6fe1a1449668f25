"""Variables that a file sets for what runs: one sort of thing for containers of Kubernetes and for steps of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from readiness.model import Source, Span
from readiness.syntax.text import Text


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable that is set: what is written as its value, and where.

    `value` is the text that it holds; None where the file cannot tell: a reference, an expression, a list.
    """

    written: Any
    value: str | None
    span: Span
    source: Source

    @property
    def text(self) -> Text | None:
        """The string that is written, with its place; None for everything else."""
        return Text(self.written, self.span, self.source) if isinstance(self.written, str) else None


def scalar_text(value: Any) -> str | None:
    """What a program sees of a string, a number or a boolean; None for everything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
