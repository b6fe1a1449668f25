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
_SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]")
_VARIABLE_ALONE = re.compile(r"\$[A-Z_][A-Z0-9_]{1,60}")


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
    """Whether a text has a word to replace in it, which no name may hold: `{NAME}`, `((NAME))`, `<name>`, `@NAME@`, `__NAME__`, `$NAME`."""
    return _PLACEHOLDER.search(text) is not None or _SHELL_VARIABLE.search(text) is not None


def is_filled_in_elsewhere(value: Any) -> bool:
    """Whether a variable or a template gives a value of a manifest: `$(NAME)`, `${NAME}`, `{{ name }}` in quotes or without.

    `$NAME` (of `envsubst`) and the words that a script replaces (`@NAME@`, `<NAME>`) count where they are all of the value.
    """
    if isinstance(value, Map):  # {{ name }} without quotes is a mapping of a mapping to YAML
        return value.flow and any(key.startswith("{") for key in value)
    if not isinstance(value, str):
        return False
    if "${" in value or "$(" in value or has_template(value):
        return True
    return (_VARIABLE_ALONE.fullmatch(value) or _PLACEHOLDER.fullmatch(value)) is not None


def is_form_unknown(value: Any) -> bool:
    """Whether nobody can tell the form of a value that may hold no marks (a name, a number, a quantity): it has one in it."""
    return is_filled_in_elsewhere(value) or (isinstance(value, str) and has_placeholder(value))
