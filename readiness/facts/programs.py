"""What is known of programs by their names: which start another one, serve for development, publish, unpack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.facts.table import fact_column, fact_rows


def program_property(program: str, key: str) -> Any:
    """One property of a program; None where it is not known."""
    return fact_rows("programs").get(program, {}).get(key)


def started_program_index(program: str, words: Sequence[str]) -> int | None:
    """Which of its words is the program that a runner (`poetry run x`, `npx x`) starts; None where it starts none."""
    verbs = fact_column("programs", "runs").get(program)
    if verbs is None:
        return None
    at = 1 if verbs and words and words[0] in verbs else 0
    return at if len(words) > at and (at or not verbs) else None


def is_server_start(words: Sequence[str]) -> bool:
    """Whether the words that a database's image is given start its server: options of it, or its name first."""
    first = words[0].strip() if words else ""
    return first.startswith("-") or first in fact_column("programs", "database-server")
