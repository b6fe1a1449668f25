"""What is known of programs by their names: which start another one, serve for development, publish, unpack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from readiness.facts.table import fact_row_by_name, property_by_fact_name


def program_property(program_name: str, property_key: str) -> Any:
    """One property of a program; None where it is not known."""
    return fact_row_by_name("programs").get(program_name, {}).get(property_key)


def started_program_index(runner_name: str, argument_words: Sequence[str]) -> int | None:
    """Which of its words is the program that a runner (`poetry run x`, `npx x`) starts; None where it starts none."""
    runner_subcommands = property_by_fact_name("programs", "runs").get(runner_name)
    if runner_subcommands is None:
        return None
    program_index = 1 if runner_subcommands and argument_words and argument_words[0] in runner_subcommands else 0
    return program_index if len(argument_words) > program_index and (program_index or not runner_subcommands) else None


def is_database_server_start(command_words: Sequence[str]) -> bool:
    """Whether the words that a database's image is given start its server: options of it, or its name first."""
    first_word = command_words[0].strip() if command_words else ""
    return first_word.startswith("-") or first_word in property_by_fact_name("programs", "database-server")
