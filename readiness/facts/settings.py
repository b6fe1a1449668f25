"""What variables of an environment tell a program, wherever they are set: in an image, a compose file or a manifest."""

from __future__ import annotations

import re

from readiness.facts.table import column

# How programs call such variables by custom; those that have names of their own stand in the table.
_DEBUG = re.compile(r"(?:\A|_)DEBUG(?:_MODE|_ENABLED)?\Z")
_LOG_LEVEL = re.compile(r"(?:\A|_)LOG_?(?:GING_?)?LEVEL\Z")
_ON = frozenset({"1", "true", "yes", "on", "*", "app:*"})
_FINE = frozenset({"debug", "trace", "all", "verbose"})


def names_environment(name: str) -> bool:
    """Whether a variable names the environment that a program runs in."""
    return name in column("settings", "environment")


def may_turn_debug_on(name: str) -> bool:
    """Whether some value of a variable turns a debug mode on, or says that the environment is development."""
    return (
        _DEBUG.search(name.upper()) is not None
        or names_environment(name)
        or name in column("settings", "debug")
    )


def turns_debug_on(name: str, value: str) -> bool:
    """Whether a variable of this value turns a debug mode on, or says that the environment is development."""
    value = value.lower()
    if names_environment(name):
        return value in column("purpose-words", "setting")
    if name in column("settings", "debug"):
        return value in column("settings", "debug")[name]
    return _DEBUG.search(name.upper()) is not None and value in _ON


def sets_log_level(name: str) -> bool:
    """Whether a variable sets the level of a program's logs."""
    name = name.upper()
    return _LOG_LEVEL.search(name) is not None or name in column("settings", "log-level")


def logs_too_much(name: str, value: str) -> bool:
    """Whether a variable of this value has a program log what only its developers need."""
    return value.lower() in _FINE and sets_log_level(name)


def is_error_reporting(name: str) -> bool:
    """Whether a variable tells a program where to report its errors."""
    return name.upper() in column("settings", "error-tracker")
