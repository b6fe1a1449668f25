"""The shape of a value in YAML: which keys, which types; a value that does not fit gives problems with places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.kinds.github.texts import contains_expression, is_one_expression
from readiness.model import Span, join_names, spelling
from readiness.model.messages import FactValue
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value: `code` is unknown, missing, repeated or value.

    `say` names the sentence that rules have for it, `facts` fill that.
    """

    code: str
    span: Span
    say: str
    facts: Mapping[str, FactValue]


def problem(code: str, span: Span, say: str, **facts: FactValue) -> Problem:
    """A Problem with its facts by name."""
    return Problem(code, span, say, facts)


def misfit(owner: Any, key: Any, value: Any, say: str, name: str = "") -> Problem:
    """A value of another kind than the one that `say` names; `name` is what it is the value of, where the key does not tell."""
    at = value_span(owner, key)
    return problem("value", at, say, key=name or str(key), value=describe_value(value))


STARTER_WORKFLOW_PLACEHOLDER = re.compile(r"\$[a-z][a-z-]*\Z")  # GitHub's starter workflows: $default-branch, $cron-daily
ShapeCheck = Callable[[Any, Any, Any], Iterator[Problem]]
"""A function of (owner, key, value): the container, where in it, and what stands there."""


def any_value(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """Accepts any value: no problem."""
    yield from ()


def describe_value(value: Any) -> str:
    """How a message names a value: `a list`, `the number 3` and so on."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, Seq) else "a mapping"


def value_span(owner: Any, key: Any) -> Span:
    """Where to show a value: itself, or its key where it is empty."""
    span: Span = owner.at(key)
    if span.end > span.start or not isinstance(owner, Map):
        return span
    return owner.key_span(key)


def check_scalar(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """A text, a number or a boolean; empty is allowed."""
    if isinstance(value, Map | Seq):
        yield misfit(owner, key, value, "text")


def check_nonempty_scalar(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """Accepts a scalar that is not empty."""
    yield from check_scalar(owner, key, value)
    if value is None or value == "":
        yield problem("value", value_span(owner, key), "empty", key=_key_name(key))


def choice_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """A scalar, or an empty string that is written as one: the choice of nothing."""
    if value != "":
        yield from check_nonempty_scalar(owner, key, value)


def boolean_shape(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """Accepts true, false, or one expression."""
    if not isinstance(value, bool) and not _is_computed(value):
        yield misfit(owner, key, value, "boolean")


def check_positive_number(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """A number over zero, or one expression."""
    if _is_computed(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield misfit(owner, key, value, "number")
    elif value <= 0:
        at = value_span(owner, key)
        yield problem("value", at, "positive", key=str(key), value=str(value))


def check_positive_integer(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
    """A whole number over zero, or one expression."""
    if isinstance(value, float):
        yield problem("value", value_span(owner, key), "whole", key=str(key), value=str(value))
    else:
        yield from check_positive_number(owner, key, value)


def _is_computed(value: Any) -> bool:
    """One expression, or a `$placeholder` of a starter workflow."""
    return isinstance(value, str) and (is_one_expression(value.strip()) or bool(STARTER_WORKFLOW_PLACEHOLDER.match(value)))


def _key_name(key: Any) -> str:
    return f"entry {key + 1}" if isinstance(key, int) else str(key)


def enum_shape(*allowed: str) -> ShapeCheck:
    """Accepts one of the words `allowed`, or one expression."""

    def check(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
        if value not in allowed and not contains_expression(value):
            value_text = value if isinstance(value, str) and len(value) < 60 else describe_value(value)
            at, names = value_span(owner, key), join_names(allowed)
            yield problem("value", at, "choice", key=str(key), value=value_text, allowed=names)

    return check


def list_shape(shape: ShapeCheck, *, may_be_empty: bool = False, may_be_single: bool = True) -> ShapeCheck:
    """A list of things; with `may_be_single`, one alone may stand without the list."""

    def check(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
        if contains_expression(value) and isinstance(value, str):
            return
        if not isinstance(value, Seq):
            if may_be_single and not isinstance(value, Map):
                yield from shape(owner, key, value)
            else:
                yield misfit(owner, key, value, "list")
            return
        if not value and not may_be_empty:
            yield problem("value", value_span(owner, key), "empty-list", key=str(key))
        for index, item in enumerate(value):
            yield from shape(value, index, item)

    return check


def mapping_shape(
    shape: ShapeCheck,
    *,
    may_be_empty: bool = True,
    may_be_expression: bool = False,
    ignore_case: bool = True,
) -> ShapeCheck:
    """A mapping with any keys, which are the same in any case, and values of one shape."""

    def check(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
        if may_be_expression and _is_computed(value):
            return
        if value is None and may_be_empty:
            return
        if not isinstance(value, Map):
            yield misfit(owner, key, value, "mapping")
            return
        if not value and not may_be_empty:
            yield problem("value", value_span(owner, key), "no-entry", key=str(key))
        yield from repeated_keys(value, ignore_case=ignore_case)
        for name, item in value.items():
            yield from shape(value, name, item)

    return check


@dataclass(frozen=True)
class MappingShape:
    """Accepts a mapping with known keys, each of a shape of its own; some of them may be required."""

    description: str
    shape_by_key: Mapping[str, ShapeCheck]
    required: tuple[str, ...] = ()
    may_be_empty: bool = False
    may_be_expression: bool = False
    may_have_also: tuple[Callable[[Map, str], Iterator[Problem]], ...] = field(default=())

    def __call__(self, owner: Any, key: Any, value: Any) -> Iterator[Problem]:
        """The problems of the value under `key` of `owner`."""
        if (value is None and self.may_be_empty) or (self.may_be_expression and _is_computed(value)):
            return
        if value is None and self.required:
            thing, at = _thing_name(self.description, key), value_span(owner, key)
            yield problem("missing", at, "lacks", thing=thing, key=self.required[0])
            return
        if not isinstance(value, Map):
            yield misfit(owner, key, value, "mapping", _thing_name(self.description, key))
            return
        grip = owner.key_span(key) if isinstance(owner, Map) and key in owner else value.at()
        yield from self.problems_inside(value, grip, key)

    def problems_inside(self, value: Map, missing_key_span: Span, key: Any = None) -> Iterator[Problem]:
        """The problems of a mapping; `missing_key_span` is where missing keys are shown."""
        key_text = _thing_name(self.description, key)
        yield from repeated_keys(value)
        for name, item in value.items():
            shape = self.shape_by_key.get(name)
            if shape is not None:
                yield from shape(value, name, item)
                continue
            hint = spelling.did_you_mean_text(name, self.shape_by_key)
            at = value.key_span(name)
            yield problem("unknown", at, "unknown", thing=key_text, name=str(name), hint=hint)
        for name in self.required:
            if name not in value:
                yield problem("missing", missing_key_span, "lacks", thing=key_text, key=name)
        for extra in self.may_have_also:
            yield from extra(value, key_text)


def _thing_name(what: str, key: Any) -> str:
    return what.format(key=key) if "{" in what else what


def repeated_keys(value: Map, *, ignore_case: bool = True) -> Iterator[Problem]:
    """Keys that stand twice; with `ignore_case`, also those that differ only in case, which are one key to GitHub."""
    for name, start in value.repeated:
        yield problem("repeated", Span(start, start + len(name)), "twice", name=name)
    if not ignore_case:
        return
    seen: dict[str, str] = {}
    for name in value:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            yield problem("repeated", value.key_span(name), "case", name=name, first=first)


def either_shape(first: ShapeCheck, second: ShapeCheck) -> ShapeCheck:
    """A mapping of the second shape, or anything else of the first."""

    def check(owner: Any, key: Any, value: Any) -> Iterator[Problem]:
        yield from (second if isinstance(value, Map) else first)(owner, key, value)

    return check
