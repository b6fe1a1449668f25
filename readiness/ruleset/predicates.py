"""The declarative form of a rule: paths into a subject, and what must or must not hold there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from readiness.model import Hit, hit, missing

_STEP = re.compile(r'"([^"]+)"|([^.\[\]"]+)|(\[\])')
_ABSENT = object()


@dataclass(frozen=True)
class Clause:
    """One path with its predicate, required or forbidden."""

    steps: tuple[str, ...]
    holds: Callable[[Any], bool]
    required: bool

    def judge(self, node: Any) -> Iterator[Hit]:
        """A hit where the path ends in something that breaks the clause."""
        for owner, key, value in ends(node, self.steps):
            if self.holds(value) is self.required:
                continue
            span = owner.at(key)
            if value is _ABSENT:
                yield missing(owner.at(), value="")
            else:
                shown = value if isinstance(value, str | int | float | bool) else ""
                yield hit(span, value=shown)


def ends(node: Any, steps: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Where a path ends: (owner, key, value) triples; value is a marker where the key, or one before it, is absent."""
    if not hasattr(node, "get") or not hasattr(node, "at"):
        return
    key, rest = steps[0], steps[1:]
    if key == "[]":
        if isinstance(node, list):
            for index, item in enumerate(node):
                if rest:
                    yield from ends(item, rest)
                else:
                    yield node, index, item
        return
    if isinstance(node, list):
        return
    value = node.get(key, _ABSENT)
    if value is _ABSENT:
        if rest != ("[]",) and "[]" not in rest:
            yield node, None, _ABSENT
        return
    if not rest:
        yield node, key, value
    elif value is None:
        if "[]" not in rest:
            yield node, key, _ABSENT
    else:
        yield from ends(value, rest)


def steps_of(path: str) -> tuple[str, ...]:
    """A path of a declarative rule, step by step; `[]` is every entry of a list."""
    return tuple(quoted or plain or each for quoted, plain, each in _STEP.findall(path))


def predicate(spec: Any) -> Callable[[Any], bool]:
    """The function of a predicate; raises ValueError where the predicate is none of ours."""
    if spec == "present":
        return lambda value: value is not _ABSENT and value is not None
    if spec == "absent":
        return lambda value: value is _ABSENT or value is None
    if isinstance(spec, list):
        return lambda value: any(same(value, one) for one in spec)
    if not isinstance(spec, dict):
        return lambda value: same(value, spec)
    if len(spec) != 1:
        raise ValueError("a predicate mapping has one key: matches, min, max, equals or not")
    (name, argument), *_ = spec.items()
    if name == "matches":
        search = re.compile(argument).search
        return lambda value: isinstance(value, str) and search(value) is not None
    if name == "min":
        return lambda value: number(value) and value >= argument
    if name == "max":
        return lambda value: number(value) and value <= argument
    if name == "equals":
        return lambda value: same(value, argument)
    if name == "not":
        inner = predicate(argument)
        return lambda value: not inner(value)
    raise ValueError(
        f"no predicate is called {name!r}; there are matches, min, max, equals and not"
    )


def same(value: Any, other: Any) -> bool:
    """Equal, and of one type: `1` is not `true`."""
    return type(value) is type(other) and bool(value == other)


def number(value: Any) -> bool:
    """An int or a float, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)
