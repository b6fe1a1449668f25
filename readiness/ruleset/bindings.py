"""Checks by the names that rule files give them, and what their signatures say of their parameters."""

from __future__ import annotations

import importlib
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from readiness.model import CheckOutcome, Pattern

_CHECK_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,3}")


class BindingError(Exception):
    """A check that there is none of, or parameters that do not fit it; the message says what is wrong."""


@cache
def resolve_check(name: str) -> Callable[..., CheckOutcome]:
    """The check function of a dotted name under readiness.checks."""
    module, _, function = name.rpartition(".")
    found: Callable[..., CheckOutcome] = getattr(importlib.import_module(f"readiness.checks.{module}"), function)
    return found


def parameter_names(check: Callable[..., CheckOutcome]) -> tuple[str, ...]:
    """The names of a check's parameters; a check is a plain function, and inspect takes a hundred times as long."""
    code = check.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def verify_binding(name: str, parameters: Mapping[str, Any]) -> None:
    """Raise BindingError where no check has the name, or the parameters given are not its own."""
    import inspect

    try:
        check = resolve_check(name) if _CHECK_NAME.fullmatch(name) else None
    except (ImportError, AttributeError):
        check = None
    # What a module only imports is no check of its own: a rule file reaches no further than the checks.
    own = f"readiness.checks.{name.rpartition('.')[0]}"
    if not inspect.isfunction(check) or check.__module__ != own:
        raise BindingError(f"no check is called {name[:80]!r}")
    hints = typing.get_type_hints(check)
    if "Hit" not in str(hints.get("return")):
        raise BindingError(f"no check is called {name!r}")
    bound: dict[str, Any] = dict(parameters)
    if "project" in parameter_names(check):
        bound["project"] = None
    try:
        inspect.signature(check).bind(None, **bound)
    except TypeError as error:
        raise BindingError(f"`with` does not fit the check: {error}") from None
    for key, value in parameters.items():
        if inspect.signature(check).parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY:
            raise BindingError(f"{key} is no parameter of the check")
        if not is_of_hinted_type(value, hints[key]):
            raise BindingError(f"{key} must be {type_text(hints[key])}")


def accepts_subjects(name: str, subjects: Iterable[type]) -> bool:
    """Whether a check looks at subjects of these classes."""
    check = resolve_check(name)
    wanted = typing.get_type_hints(check)[parameter_names(check)[0]]
    choices = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    return all(
        any(one is Any or (isinstance(one, type) and issubclass(subject, one)) for one in choices) for subject in subjects
    )


def is_of_hinted_type(value: Any, hint: Any) -> bool:
    """Whether a value out of a YAML file is of the type that a parameter has."""
    if hint is Pattern or hint is str:
        return isinstance(value, str)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if isinstance(hint, types.UnionType):
        return any(is_of_hinted_type(value, one) for one in typing.get_args(hint))
    inner = typing.get_args(hint)
    if typing.get_origin(hint) in (list, Sequence):
        return isinstance(value, list) and all(is_of_hinted_type(one, inner[0]) for one in value)
    if typing.get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(is_of_hinted_type(one, inner[1]) for one in value.values())
    return hint is Any or (isinstance(hint, type) and isinstance(value, hint))


def type_text(hint: Any) -> str:
    """A parameter's type as errors and docs name it: `a list of strings`."""
    inner = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return " or ".join(type_text(one) for one in inner)
    if typing.get_origin(hint) in (list, Sequence):
        return f"a list, each {type_text(inner[0])}"
    if typing.get_origin(hint) is Mapping:
        return f"a mapping, each value {type_text(inner[1])}"
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false",
             Pattern: "a regular expression", type(None): "nothing"}  # fmt: skip
    return words.get(hint, "a value")


def parameter_regexes(name: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(parameter, regular expression) of every expression among the parameters that are given to a check."""
    hints = typing.get_type_hints(resolve_check(name))
    for key, value in parameters.items():
        yield from ((key, one) for one in _patterns_within(value, hints[key]))


def _patterns_within(value: Any, hint: Any) -> Iterator[str]:
    if hint is Pattern:
        yield value
        return
    inner = typing.get_args(hint)
    for element in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        for part in inner:
            yield from (_patterns_within(element, part) if part is Pattern or typing.get_args(part) else ())
