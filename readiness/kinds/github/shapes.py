"""The shape of a value in YAML: which keys, which types; a value that does not fit gives problems with places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.kinds.github.texts import is_one_expression, is_text_with_expression
from readiness.model import Span, join_names, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.model.records import dataclass
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


def make_problem(problem_code: str, span: Span, message_key: str, **facts: FactValue) -> Problem:
    """A Problem with its facts by name."""
    return Problem(problem_code, span, message_key, facts)


def wrong_type_problem(container: Map | Seq, key: Any, value: Any, expected_type: str, value_name: str = "") -> Problem:
    """A value of another kind than the one that `expected_type` names; `value_name` is what it is the value of, where the key does not tell."""
    span = value_or_key_span(container, key)
    return make_problem("value", span, expected_type, key=value_name or str(key), value=describe_value(value))


STARTER_WORKFLOW_PLACEHOLDER = lazy_regex(r"\$[a-z][a-z-]*\Z")  # GitHub's starter workflows: $default-branch, $cron-daily
ShapeCheck = Callable[[Map | Seq, Any, Any], Iterator[Problem]]
"""A function of (owner, key, value): the container, where in it, and what stands there."""


def accept_any_value(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
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


def value_or_key_span(container: Map | Seq, key: Any) -> Span:
    """Where to show a value: itself, or its key where it is empty."""
    own_value_span: Span = container.at(key)
    if own_value_span.end > own_value_span.start or not isinstance(container, Map):
        return own_value_span
    return container.key_span(key)


def check_scalar(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """A text, a number or a boolean; empty is allowed."""
    if isinstance(value, Map | Seq):
        yield wrong_type_problem(container, key, value, "text")


def check_nonempty_scalar(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """Accepts a scalar that is not empty."""
    yield from check_scalar(container, key, value)
    if value is None or value == "":
        yield make_problem("value", value_or_key_span(container, key), "empty", key=_key_or_entry_number_text(key))


def check_scalar_or_empty_string(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """A scalar, or an empty string that is written as one: the choice of nothing."""
    if value != "":
        yield from check_nonempty_scalar(container, key, value)


def check_boolean(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """Accepts true, false, or one expression."""
    if not isinstance(value, bool) and not _is_expression_or_placeholder(value):
        yield wrong_type_problem(container, key, value, "boolean")


def check_positive_number(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """A number over zero, or one expression."""
    if _is_expression_or_placeholder(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield wrong_type_problem(container, key, value, "number")
    elif value <= 0:
        span = value_or_key_span(container, key)
        yield make_problem("value", span, "positive", key=str(key), value=str(value))


def check_positive_integer(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
    """A whole number over zero, or one expression."""
    if isinstance(value, float):
        yield make_problem("value", value_or_key_span(container, key), "whole", key=str(key), value=str(value))
    else:
        yield from check_positive_number(container, key, value)


def _is_expression_or_placeholder(value: Any) -> bool:
    """One expression, or a `$placeholder` of a starter workflow."""
    return isinstance(value, str) and (is_one_expression(value.strip()) or bool(STARTER_WORKFLOW_PLACEHOLDER.match(value)))


def _key_or_entry_number_text(key: Any) -> str:
    return f"entry {key + 1}" if isinstance(key, int) else str(key)


def make_enum_check(*allowed: str) -> ShapeCheck:
    """Accepts one of the words `allowed`, or one expression."""

    def check(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
        if value not in allowed and not is_text_with_expression(value):
            shown_value = value if isinstance(value, str) and len(value) < 60 else describe_value(value)
            span, allowed_text = value_or_key_span(container, key), join_names(allowed)
            yield make_problem("value", span, "choice", key=str(key), value=shown_value, allowed=allowed_text)

    return check


def make_list_check(check_item: ShapeCheck, *, may_be_empty: bool = False, may_be_single: bool = True) -> ShapeCheck:
    """A list of things; with `may_be_single`, one alone may stand without the list."""

    def check(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
        if is_text_with_expression(value) and isinstance(value, str):
            return
        if not isinstance(value, Seq):
            if may_be_single and not isinstance(value, Map):
                yield from check_item(container, key, value)
            else:
                yield wrong_type_problem(container, key, value, "list")
            return
        if not value and not may_be_empty:
            yield make_problem("value", value_or_key_span(container, key), "empty-list", key=str(key))
        for item_index, item in enumerate(value):
            yield from check_item(value, item_index, item)

    return check


def make_mapping_check(
    check_value: ShapeCheck,
    *,
    may_be_empty: bool = True,
    may_be_expression: bool = False,
    ignore_case: bool = True,
) -> ShapeCheck:
    """A mapping with any keys, which are the same in any case, and values of one shape."""

    def check(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
        if may_be_expression and _is_expression_or_placeholder(value):
            return
        if value is None and may_be_empty:
            return
        if not isinstance(value, Map):
            yield wrong_type_problem(container, key, value, "mapping")
            return
        if not value and not may_be_empty:
            yield make_problem("value", value_or_key_span(container, key), "no-entry", key=str(key))
        yield from repeated_key_problems(value, ignore_case=ignore_case)
        for entry_key, entry_value in value.items():
            yield from check_value(value, entry_key, entry_value)

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

    def __call__(self, container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
        """The problems of the value under `key` of `container`."""
        if (value is None and self.may_be_empty) or (self.may_be_expression and _is_expression_or_placeholder(value)):
            return
        if value is None and self.required:
            mapping_name, span = _mapping_description(self.description, key), value_or_key_span(container, key)
            yield make_problem("missing", span, "lacks", thing=mapping_name, key=self.required[0])
            return
        if not isinstance(value, Map):
            yield wrong_type_problem(container, key, value, "mapping", _mapping_description(self.description, key))
            return
        missing_key_span = container.key_span(key) if isinstance(container, Map) and key in container else value.at()
        yield from self.problems_inside(value, missing_key_span, key)

    def problems_inside(self, value: Map, missing_key_span: Span, key: Any = None) -> Iterator[Problem]:
        """The problems of a mapping; `missing_key_span` is where missing keys are shown."""
        mapping_name = _mapping_description(self.description, key)
        yield from repeated_key_problems(value)
        for entry_key, entry_value in value.items():
            check_value = self.shape_by_key.get(entry_key)
            if check_value is not None:
                yield from check_value(value, entry_key, entry_value)
                continue
            spelling_hint = spelling.did_you_mean_text(entry_key, self.shape_by_key)
            key_span = value.key_span(entry_key)
            yield make_problem("unknown", key_span, "unknown", thing=mapping_name, name=str(entry_key), hint=spelling_hint)
        for entry_key in self.required:
            if entry_key not in value:
                yield make_problem("missing", missing_key_span, "lacks", thing=mapping_name, key=entry_key)
        for extra_check in self.may_have_also:
            yield from extra_check(value, mapping_name)


def _mapping_description(description_template: str, key: Any) -> str:
    return description_template.format(key=key) if "{" in description_template else description_template


def repeated_key_problems(mapping: Map, *, ignore_case: bool = True) -> Iterator[Problem]:
    """Keys that stand twice; with `ignore_case`, also those that differ only in case, which are one key to GitHub."""
    for key, key_start in mapping.repeated:
        yield make_problem("repeated", Span(key_start, key_start + len(key)), "twice", name=key)
    if not ignore_case:
        return
    first_key_by_lowercase_key: dict[str, str] = {}
    for key in mapping:
        first_key = first_key_by_lowercase_key.setdefault(key.lower(), key)
        if first_key != key:
            yield make_problem("repeated", mapping.key_span(key), "case", name=key, first=first_key)


def make_scalar_or_mapping_check(check_other_value: ShapeCheck, check_mapping: ShapeCheck) -> ShapeCheck:
    """A mapping of the second shape, or anything else of the first."""

    def check(container: Map | Seq, key: Any, value: Any) -> Iterator[Problem]:
        yield from (check_mapping if isinstance(value, Map) else check_other_value)(container, key, value)

    return check
