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
from readiness.model.messages import Value
from readiness.model.package import DATA as DATA_FOLDER

DATA = DATA_FOLDER / "message-facts.json"
SOME = "?"  # behind a fact that not all hits of a check have
DECLARATIVE = frozenset({"value"})  # what `require` and `forbid` say of a hit
_PLAIN = frozenset(typing.get_args(Value))


@functools.lru_cache(maxsize=1024)
def facts_of_check(name: str, say: str = "", *, some: bool = False) -> frozenset[str]:
    """The facts of those hits of a check, by its dotted name, that name the message `say`; of the declarative form without one.

    With `some` they are those of only some such hits too.
    """
    if not name:
        return DECLARATIVE
    told = _facts_by_check().get(key_of(name, say), ())
    return frozenset(one.removesuffix(SOME) for one in told if some or not one.endswith(SOME))


def key_of(check: str, say: str) -> str:
    """Where the facts of a check stand, for hits that name the message `say`."""
    return f"{check}:{say}" if say else check


@functools.lru_cache(maxsize=1024)
def names_said(check: str) -> tuple[str, ...]:
    """The messages that a check's hits name; an empty name stands for hits that name none."""
    if not check:
        return ("",)
    keys = (key.partition(":") for key in _facts_by_check())
    return tuple(say for name, _, say in keys if name == check)


@functools.cache
def _facts_by_check() -> Mapping[str, list[str]]:
    told: Mapping[str, list[str]] = json.loads(DATA.read_text(encoding="utf-8"))
    return told


def target_classes(target: str) -> tuple[type, ...]:
    """The classes of a target's subjects."""
    find = kinds.targets_of(kinds.kind_of_target(target))[target]
    (given, *_) = typing.get_args(typing.get_type_hints(find)["return"])
    return typing.get_args(given) if isinstance(given, types.UnionType) else (given,)


@functools.lru_cache(maxsize=1024)
def facts_of_target(target: str) -> Mapping[str, str]:
    """The facts of a target's subjects, by name, each with what it can be: `text`, `number` or `true or false`."""
    first, *others = map(_facts_of_class, target_classes(target))
    return {name: sort for name, sort in first.items() if all(name in other for other in others)}


def value_type(value: object) -> str:
    """What a value is, in the words of `of_target`."""
    return _SORTS.get(type(value), "")


_SORTS = {str: "text", bool: "true or false", int: "number", float: "number"}


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
            if _PLAIN.issuperset(choices):
                facts[name] = " or ".join(
                    dict.fromkeys(_SORTS[one] for one in choices if one in _SORTS)
                )
    return facts
