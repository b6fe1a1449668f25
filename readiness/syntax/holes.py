"""Whether a text leaves a part of itself to somebody else, so that the file cannot tell what will stand there.

One function for each of those who fill in: a shell, Docker, Compose and nginx (`$NAME`, `${NAME}`), template engines
(`{{ name }}`), GitHub's expressions (`${{ name }}`). They ask for the mark alone: what a variable holds where its own
language has a default is for the models of that language to say (`expand_scalar` of compose files,
readiness/checks/nginx/variables.py).
"""

from __future__ import annotations

import re
from typing import Any

from readiness.syntax.nodes import Map

VARIABLE_SIGN = "$"
TEMPLATE_SIGN = "{{"
EXPRESSION_SIGN = "${{"
# A word in braces, double parentheses or angle brackets, or in capitals between marks, that a script puts something in place of.
_PLACEHOLDER = re.compile(
    r"\{[A-Za-z_]\w{0,60}\}|\(\([A-Za-z_][\w-]{0,60}\)\)|<[A-Za-z_][\w -]{0,60}>|@[A-Z_][A-Z0-9_]{0,60}@|%[A-Z_][A-Z0-9_]{0,60}%"
    r"|__[A-Z][A-Z0-9_]{0,60}__"
)


def has_variable(text: str) -> bool:
    """Whether a shell, Docker, Compose or nginx may put something into a text."""
    return VARIABLE_SIGN in text


def has_template(text: str) -> bool:
    """Whether a template engine may put something into a text."""
    return TEMPLATE_SIGN in text


def has_expression(text: str) -> bool:
    """Whether GitHub puts something into a text."""
    return EXPRESSION_SIGN in text


def has_placeholder(text: str) -> bool:
    """Whether a name has a word to replace in it, which no name may hold: `{NAME}`, `((NAME))`, `<name>`, `@NAME@`, `__NAME__`."""
    return _PLACEHOLDER.search(text) is not None


def is_filled_in_elsewhere(value: Any) -> bool:
    """Whether a variable or a template gives a value of a manifest: `$(NAME)`, `${NAME}`, `{{ name }}` in quotes or without."""
    if isinstance(value, Map):  # {{ name }} without quotes is a mapping of a mapping to YAML
        return value.flow and any(key.startswith("{") for key in value)
    return isinstance(value, str) and ("${" in value or "$(" in value or has_template(value))
