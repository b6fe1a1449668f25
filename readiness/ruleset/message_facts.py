"""The facts that rules may name: the public attributes of a target's subjects, and what a check says of its hits.

Both are closed sets. Of a subject they are the attributes whose values are plain (texts, numbers, yes or no), by the type
hints of its class. Of a check they are written down in `data/message-facts.json`, as its hits on the examples of all rules show
them: those that all have, and marked those that some have, which only the words for parts of a rule may name. Hits that name
one of the rule's messages stand there by themselves, under the check, a colon and that name.
"""

from __future__ import annotations

import functools
import inspect
import json
import types
import typing
from collections.abc import Mapping

from readiness import kinds
from readiness.model.messages import FactValue
from readiness.model.package import DATA_FOLDER

MESSAGE_FACTS_PATH = DATA_FOLDER / "message-facts.json"
OPTIONAL_FACT_SUFFIX = "?"  # behind a fact that not all hits of a check have
FACTS_OF_DECLARATIVE_RULES = frozenset({"value"})  # what `require` and `forbid` say of a hit
_FACT_VALUE_TYPES = frozenset(typing.get_args(FactValue))


@functools.lru_cache(maxsize=1024)
def fact_names_of_check(check_name: str, message_name: str = "", *, include_optional: bool = False) -> frozenset[str]:
    """The facts of those hits of a check, by its dotted name, that name the message `message_name`; of the declarative form without one.

    With `include_optional` they are those of only some such hits too.
    """
    if not check_name:
        return FACTS_OF_DECLARATIVE_RULES
    marked_fact_names = _facts_by_check_and_message().get(check_and_message_key(check_name, message_name), ())
    return frozenset(
        one.removesuffix(OPTIONAL_FACT_SUFFIX) for one in marked_fact_names if include_optional or not one.endswith(OPTIONAL_FACT_SUFFIX)
    )


def check_and_message_key(check_name: str, message_name: str) -> str:
    """Where the facts of a check stand, for hits that name the message `message_name`."""
    return f"{check_name}:{message_name}" if message_name else check_name


@functools.lru_cache(maxsize=1024)
def message_names_of_check(check_name: str) -> tuple[str, ...]:
    """The messages that a check's hits name; an empty name stands for hits that name none."""
    if not check_name:
        return ("",)
    split_keys = (key.partition(":") for key in _facts_by_check_and_message())
    return tuple(say for name, _, say in split_keys if name == check_name)


@functools.cache
def _facts_by_check_and_message() -> Mapping[str, list[str]]:
    facts_by_key: Mapping[str, list[str]] = json.loads(MESSAGE_FACTS_PATH.read_text(encoding="utf-8"))
    return facts_by_key


def subject_classes_of_target(target_name: str) -> tuple[type, ...]:
    """The classes of a target's subjects."""
    find_subjects = kinds.subject_finder_by_target(kinds.kind_of_target(target_name))[target_name]
    (subject_hint, *_) = typing.get_args(typing.get_type_hints(find_subjects)["return"])
    return typing.get_args(subject_hint) if isinstance(subject_hint, types.UnionType) else (subject_hint,)


@functools.lru_cache(maxsize=1024)
def fact_type_by_name_of_target(target_name: str) -> Mapping[str, str]:
    """The facts of a target's subjects, by name, each with what it can be: `text`, `number` or `true or false`."""
    first_class_facts, *facts_of_other_classes = map(_fact_type_by_name_of_class, subject_classes_of_target(target_name))
    return {name: sort for name, sort in first_class_facts.items() if all(name in other for other in facts_of_other_classes)}


def value_type_description(value: object) -> str:
    """What a value is, in the words of `fact_type_by_name_of_target`."""
    return _DESCRIPTION_BY_TYPE.get(type(value), "")


_DESCRIPTION_BY_TYPE = {str: "text", bool: "true or false", int: "number", float: "number"}


def _fact_type_by_name_of_class(subject_class: type) -> Mapping[str, str]:
    """The plain attributes of a class of subjects."""
    hint_by_attribute = typing.get_type_hints(subject_class)
    fact_type_by_name = {}
    for attribute_name in sorted(dir(subject_class)):
        if not attribute_name.startswith("_"):
            static_attribute = inspect.getattr_static(subject_class, attribute_name)
            attribute_hint = hint_by_attribute.get(attribute_name, type(static_attribute))
            if isinstance(static_attribute, property) and static_attribute.fget is not None:
                attribute_hint = typing.get_type_hints(static_attribute.fget).get("return")
            hinted_types = typing.get_args(attribute_hint) if isinstance(attribute_hint, types.UnionType) else (attribute_hint,)
            if _FACT_VALUE_TYPES.issuperset(hinted_types):
                fact_type_by_name[attribute_name] = " or ".join(
                    dict.fromkeys(_DESCRIPTION_BY_TYPE[one] for one in hinted_types if one in _DESCRIPTION_BY_TYPE)
                )
    return fact_type_by_name
