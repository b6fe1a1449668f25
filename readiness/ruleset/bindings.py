"""Checks by the names that rule files give them, and what their signatures say of their parameters."""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from readiness.model import CheckOutcome, Pattern
from readiness.model.lazy_regex import lazy_regex

_DOTTED_CHECK_NAME = lazy_regex(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,3}")


class BindingError(Exception):
    """A check that there is none of, or parameters that do not fit it; the message says what is wrong."""


@cache
def resolve_check(dotted_name: str) -> Callable[..., CheckOutcome]:
    """The check function of a dotted name under readiness.checks."""
    module_name, _, function_name = dotted_name.rpartition(".")
    check_function: Callable[..., CheckOutcome] = getattr(importlib.import_module(f"readiness.checks.{module_name}"), function_name)
    return check_function


def written_check(check_function: Callable[..., CheckOutcome]) -> types.FunctionType:
    """The function of a check as its module defines it, without what decorates it."""
    function: Any = check_function
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    written_function: types.FunctionType = function
    return written_function


def parameter_names(check_function: Callable[..., CheckOutcome]) -> tuple[str, ...]:
    """The names of a check's parameters; inspect takes a hundred times as long. A decorated check has those of the function in it."""
    code_object = written_check(check_function).__code__
    return code_object.co_varnames[: code_object.co_argcount + code_object.co_kwonlyargcount]


def verify_check_and_parameters(check_name: str, value_by_parameter: Mapping[str, Any]) -> None:
    """Raise BindingError where no check has the name, or the parameters given are not its own."""
    import inspect

    try:
        check_function = resolve_check(check_name) if _DOTTED_CHECK_NAME.fullmatch(check_name) else None
    except (ImportError, AttributeError):
        check_function = None
    # What a module only imports is no check of its own: a rule file reaches no further than the checks.
    expected_module_name = f"readiness.checks.{check_name.rpartition('.')[0]}"
    if not inspect.isfunction(check_function) or check_function.__module__ != expected_module_name:
        raise BindingError(f"no check is called {check_name[:80]!r}")
    hint_by_parameter = typing.get_type_hints(check_function)
    if "Hit" not in str(hint_by_parameter.get("return")):
        raise BindingError(f"no check is called {check_name!r}")
    argument_by_name: dict[str, Any] = dict(value_by_parameter)
    if "project" in parameter_names(check_function):
        argument_by_name["project"] = None
    try:
        inspect.signature(check_function).bind(None, **argument_by_name)
    except TypeError as error:
        raise BindingError(f"`with` does not fit the check: {error}") from None
    for parameter_name, parameter_value in value_by_parameter.items():
        if inspect.signature(check_function).parameters[parameter_name].kind is not inspect.Parameter.KEYWORD_ONLY:
            raise BindingError(f"{parameter_name} is no parameter of the check")
        if not is_of_hinted_type(parameter_value, hint_by_parameter[parameter_name]):
            raise BindingError(f"{parameter_name} must be {hinted_type_text(hint_by_parameter[parameter_name])}")


def accepts_subject_classes(check_name: str, subject_classes: Iterable[type]) -> bool:
    """Whether a check looks at subjects of these classes."""
    check_function = resolve_check(check_name)
    subject_hint = typing.get_type_hints(check_function)[parameter_names(check_function)[0]]
    accepted_classes = typing.get_args(subject_hint) if isinstance(subject_hint, types.UnionType) else (subject_hint,)
    return all(any(one is Any or (isinstance(one, type) and issubclass(subject, one)) for one in accepted_classes) for subject in subject_classes)


def is_of_hinted_type(value: Any, hint: Any) -> bool:
    """Whether a value out of a YAML file is of the type that a parameter has."""
    if hint is Pattern or hint is str:
        return isinstance(value, str)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if isinstance(hint, types.UnionType):
        return any(is_of_hinted_type(value, one) for one in typing.get_args(hint))
    type_arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (list, Sequence):
        return isinstance(value, list) and all(is_of_hinted_type(one, type_arguments[0]) for one in value)
    if typing.get_origin(hint) is Mapping:
        return isinstance(value, dict) and all(is_of_hinted_type(one, type_arguments[1]) for one in value.values())
    return hint is Any or (isinstance(hint, type) and isinstance(value, hint))


def hinted_type_text(hint: Any) -> str:
    """A parameter's type as errors and docs name it: `a list of strings`."""
    type_arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return " or ".join(hinted_type_text(one) for one in type_arguments)
    if typing.get_origin(hint) in (list, Sequence):
        return f"a list, each {hinted_type_text(type_arguments[0])}"
    if typing.get_origin(hint) is Mapping:
        return f"a mapping, each value {hinted_type_text(type_arguments[1])}"
    description_by_type = {str: "text", int: "a whole number", float: "a number", bool: "true or false",
             Pattern: "a regular expression", type(None): "nothing"}  # fmt: skip
    return description_by_type.get(hint, "a value")


def parameters_and_regexes(check_name: str, value_by_parameter: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(parameter, regular expression) of every expression among the parameters that are given to a check."""
    hint_by_parameter = typing.get_type_hints(resolve_check(check_name))
    for parameter_name, parameter_value in value_by_parameter.items():
        yield from ((parameter_name, one) for one in _patterns_in_value(parameter_value, hint_by_parameter[parameter_name]))


def _patterns_in_value(value: Any, hint: Any) -> Iterator[str]:
    if hint is Pattern:
        yield value
        return
    type_arguments = typing.get_args(hint)
    for element in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        for type_argument in type_arguments:
            yield from (_patterns_in_value(element, type_argument) if type_argument is Pattern or typing.get_args(type_argument) else ())
