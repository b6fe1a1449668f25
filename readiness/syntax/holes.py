"""Whether a text leaves a part of itself to somebody else, so that the file cannot tell what will stand there.

One function for each of those who fill in: a shell, Docker, Compose and nginx (`$NAME`, `${NAME}`), template engines
(`{{ name }}`), GitHub's expressions (`${{ name }}`). They ask for the mark alone: what a variable holds where its own
language has a default is for the models of that language to say (`expand_scalar` of compose files,
readiness/checks/nginx/variables.py).
"""

from __future__ import annotations

from typing import Any

from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.nodes import Map

VARIABLE_SIGN = "$"
TEMPLATE_OPENING = "{{"
GITHUB_EXPRESSION_OPENING = "${{"
# A word in braces, double parentheses or angle brackets, or in capitals between marks, that a script puts something in place of.
_PLACEHOLDER_PATTERN = lazy_regex(
    r"\{[A-Za-z_]\w{0,60}\}|\(\([A-Za-z_][\w-]{0,60}\)\)|<[A-Za-z_][\w -]{0,60}>|@[A-Z_][A-Z0-9_]{0,60}@|%[A-Z_][A-Z0-9_]{0,60}%"
    r"|__[A-Z][A-Z0-9_]{0,60}__"
)
_SHELL_VARIABLE_START = lazy_regex(r"\$[A-Za-z_]")
_UPPERCASE_VARIABLE = lazy_regex(r"\$[A-Z_][A-Z0-9_]{1,60}")
_FIRST_OF_VARIABLE_OR_PLACEHOLDER = frozenset("${(<@%_")


def has_variable_sign(text: str) -> bool:
    """Whether a shell, Docker, Compose or nginx may put something into a text."""
    return VARIABLE_SIGN in text


def has_template_opening(text: str) -> bool:
    """Whether a template engine may put something into a text."""
    return TEMPLATE_OPENING in text


def has_github_expression(text: str) -> bool:
    """Whether GitHub puts something into a text."""
    return GITHUB_EXPRESSION_OPENING in text


def has_placeholder(text: str) -> bool:
    """Whether a text has a word to replace in it, which no name may hold: `{NAME}`, `((NAME))`, `<name>`, `@NAME@`, `__NAME__`, `$NAME`."""
    return _PLACEHOLDER_PATTERN.search(text) is not None or _SHELL_VARIABLE_START.search(text) is not None


def is_variable_or_template(manifest_value: Any) -> bool:
    """Whether a variable or a template gives a value of a manifest: `$(NAME)`, `${NAME}`, `{{ name }}` in quotes or without.

    `$NAME` (of `envsubst`) and the words that a script replaces (`@NAME@`, `<NAME>`) count where they are all of the value.
    """
    if isinstance(manifest_value, Map):  # {{ name }} without quotes is a mapping of a mapping to YAML
        return manifest_value.flow and any(key.startswith("{") for key in manifest_value)
    if not isinstance(manifest_value, str):
        return False
    if "${" in manifest_value or "$(" in manifest_value or has_template_opening(manifest_value):
        return True
    if manifest_value[:1] not in _FIRST_OF_VARIABLE_OR_PLACEHOLDER:
        return False
    return (_UPPERCASE_VARIABLE.fullmatch(manifest_value) or _PLACEHOLDER_PATTERN.fullmatch(manifest_value)) is not None


def has_variable_or_placeholder(manifest_value: Any) -> bool:
    """Whether nobody can tell the form of a value that may hold no marks (a name, a number, a quantity): it has one in it."""
    return is_variable_or_template(manifest_value) or (isinstance(manifest_value, str) and has_placeholder(manifest_value))
