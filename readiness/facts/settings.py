"""What variables of an environment tell a program, wherever they are set: in an image, a compose file or a manifest."""

from __future__ import annotations

from readiness.facts.table import property_by_fact_name
from readiness.model.lazy_regex import lazy_regex

# How programs call such variables by custom; those that have names of their own stand in the table.
_DEBUG_VARIABLE_PATTERN = lazy_regex(r"(?:\A|_)DEBUG(?:_MODE|_ENABLED)?\Z")
_LOG_LEVEL_VARIABLE_PATTERN = lazy_regex(r"(?:\A|_)LOG_?(?:GING_?)?LEVEL\Z")
_TRUE_TEXTS = frozenset({"1", "true", "yes", "on", "*", "app:*"})
_VERBOSE_LOG_LEVELS = frozenset({"debug", "trace", "all", "verbose"})


def is_environment_name_variable(variable_name: str) -> bool:
    """Whether a variable names the environment that a program runs in."""
    return variable_name in property_by_fact_name("settings", "environment")


def may_turn_debug_on(variable_name: str) -> bool:
    """Whether some value of a variable turns a debug mode on, or says that the environment is development."""
    return (
        _DEBUG_VARIABLE_PATTERN.search(variable_name.upper()) is not None
        or is_environment_name_variable(variable_name)
        or variable_name in property_by_fact_name("settings", "debug")
    )


def turns_debug_on(variable_name: str, variable_value: str) -> bool:
    """Whether a variable of this value turns a debug mode on, or says that the environment is development."""
    variable_value = variable_value.lower()
    if is_environment_name_variable(variable_name):
        return variable_value in property_by_fact_name("purpose-words", "setting")
    if variable_name in property_by_fact_name("settings", "debug"):
        return variable_value in property_by_fact_name("settings", "debug")[variable_name]
    return _DEBUG_VARIABLE_PATTERN.search(variable_name.upper()) is not None and variable_value in _TRUE_TEXTS


def is_log_level_variable(variable_name: str) -> bool:
    """Whether a variable sets the level of a program's logs."""
    variable_name = variable_name.upper()
    return _LOG_LEVEL_VARIABLE_PATTERN.search(variable_name) is not None or variable_name in property_by_fact_name("settings", "log-level")


def sets_verbose_log_level(variable_name: str, variable_value: str) -> bool:
    """Whether a variable of this value has a program log what only its developers need."""
    return variable_value.lower() in _VERBOSE_LOG_LEVELS and is_log_level_variable(variable_name)


def is_error_tracker_variable(variable_name: str) -> bool:
    """Whether a variable tells a program where to report its errors."""
    return variable_name.upper() in property_by_fact_name("settings", "error-tracker")
