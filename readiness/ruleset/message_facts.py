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
DECLARATIVE_FACTS = frozenset({"value"})  # what `require` and `forbid` say of a hit
_PLAIN_TYPES = frozenset(typing.get_args(FactValue))


@functools.lru_cache(maxsize=1024)
def facts_of_check(name: str, message_name: str = "", *, include_optional: bool = False) -> frozenset[str]:
    """The facts of those hits of a check, by its dotted name, that name the message `message_name`; of the declarative form without one.

    With `include_optional` they are those of only some such hits too.
    """
    if not name:
        return DECLARATIVE_FACTS
    told = _facts_by_check().get(key_of(name, message_name), ())
    return frozenset(
        one.removesuffix(OPTIONAL_FACT_SUFFIX) for one in told if include_optional or not one.endswith(OPTIONAL_FACT_SUFFIX)
    )


def key_of(check: str, message_name: str) -> str:
    """Where the facts of a check stand, for hits that name the message `message_name`."""
    return f"{check}:{message_name}" if message_name else check


@functools.lru_cache(maxsize=1024)
def message_names_of_check(check: str) -> tuple[str, ...]:
    """The messages that a check's hits name; an empty name stands for hits that name none."""
    if not check:
        return ("",)
    keys = (key.partition(":") for key in _facts_by_check())
    return tuple(say for name, _, say in keys if name == check)


@functools.cache
def _facts_by_check() -> Mapping[str, list[str]]:
    told: Mapping[str, list[str]] = json.loads(MESSAGE_FACTS_PATH.read_text(encoding="utf-8"))
    return told


def target_classes(target: str) -> tuple[type, ...]:
    """The classes of a target's subjects."""
    find = kinds.subject_finders_of(kinds.kind_of_target(target))[target]
    (given, *_) = typing.get_args(typing.get_type_hints(find)["return"])
    return typing.get_args(given) if isinstance(given, types.UnionType) else (given,)


@functools.lru_cache(maxsize=1024)
def facts_of_target(target: str) -> Mapping[str, str]:
    """The facts of a target's subjects, by name, each with what it can be: `text`, `number` or `true or false`."""
    first, *others = map(_facts_of_class, target_classes(target))
    return {name: sort for name, sort in first.items() if all(name in other for other in others)}


def value_type(value: object) -> str:
    """What a value is, in the words of `facts_of_target`."""
    return _DESCRIPTION_BY_TYPE.get(type(value), "")


_DESCRIPTION_BY_TYPE = {str: "text", bool: "true or false", int: "number", float: "number"}


def _facts_of_class(subject: type) -> Mapping[str, str]:
    """The plain attributes of a class of subjects."""
    hints = typing.get_type_hints(subject)
    facts = {}
    for name in sorted(dir(subject)):
        if not name.startswith("_"):
            value = inspect.getattr_static(subject, name)
            hint = hints.get(name, type(value))
            if isinstance(value, property) and value.fget is not None:
                hint = typing.get_type_hints(value.fget).get("return")
            choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
            if _PLAIN_TYPES.issuperset(choices):
                facts[name] = " or ".join(
                    dict.fromkeys(_DESCRIPTION_BY_TYPE[one] for one in choices if one in _DESCRIPTION_BY_TYPE)
                )
    return facts
