"""What variables of an environment tell a program, wherever they are set: in an image, a compose file or a manifest."""

from __future__ import annotations

import re

from readiness.facts.table import fact_column

# How programs call such variables by custom; those that have names of their own stand in the table.
_DEBUG_VARIABLE = re.compile(r"(?:\A|_)DEBUG(?:_MODE|_ENABLED)?\Z")
_LOG_LEVEL = re.compile(r"(?:\A|_)LOG_?(?:GING_?)?LEVEL\Z")
_TRUE_TEXTS = frozenset({"1", "true", "yes", "on", "*", "app:*"})
_VERBOSE_LOG_LEVELS = frozenset({"debug", "trace", "all", "verbose"})


def is_environment_name_variable(name: str) -> bool:
    """Whether a variable names the environment that a program runs in."""
    return name in fact_column("settings", "environment")


def may_turn_debug_on(name: str) -> bool:
    """Whether some value of a variable turns a debug mode on, or says that the environment is development."""
    return (
        _DEBUG_VARIABLE.search(name.upper()) is not None
        or is_environment_name_variable(name)
        or name in fact_column("settings", "debug")
    )


def turns_debug_on(name: str, value: str) -> bool:
    """Whether a variable of this value turns a debug mode on, or says that the environment is development."""
    value = value.lower()
    if is_environment_name_variable(name):
        return value in fact_column("purpose-words", "setting")
    if name in fact_column("settings", "debug"):
        return value in fact_column("settings", "debug")[name]
    return _DEBUG_VARIABLE.search(name.upper()) is not None and value in _TRUE_TEXTS


def sets_log_level(name: str) -> bool:
    """Whether a variable sets the level of a program's logs."""
    name = name.upper()
    return _LOG_LEVEL.search(name) is not None or name in fact_column("settings", "log-level")


def logs_too_much(name: str, value: str) -> bool:
    """Whether a variable of this value has a program log what only its developers need."""
    return value.lower() in _VERBOSE_LOG_LEVELS and sets_log_level(name)


def is_error_reporting(name: str) -> bool:
    """Whether a variable tells a program where to report its errors."""
    return name.upper() in fact_column("settings", "error-tracker")
