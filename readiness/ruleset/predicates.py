"""The declarative form of a rule: paths into a subject, and what must or must not hold there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from readiness.model import Hit, Span, Unknown, hit, missing
from readiness.syntax import secrets

_STEP = re.compile(r'"([^"]+)"|([^.\[\]"]+)|(\[\])')
_ABSENT = object()
HIDDEN = "(hidden)"  # what a message shows of a value whose key is that of a secret
MAX_STEPS = 24  # of a path
LONGEST = (
    1024 * 1024
)  # characters of a text that an expression is searched in: what is longer is not known
_compiled = lru_cache(maxsize=512)(re.compile)


@dataclass(frozen=True)
class Clause:
    """One path with its predicate, required or forbidden; `patterns` are the regular expressions in the predicate."""

    steps: tuple[str, ...]
    holds: Callable[[Any], bool]
    required: bool
    patterns: tuple[str, ...] = ()

    def spans(self, node: Any) -> Iterator[Span]:
        """The places of the values at the end of the path for which the predicate holds; a value that is not there is none."""
        for owner, key, value in path_ends(node, self.steps):
            long = isinstance(value, str) and len(value) > LONGEST
            if value is not _ABSENT and value is not None and not long and self.holds(value):
                yield owner.at(key)

    def judge(self, node: Any) -> Iterator[Hit | Unknown]:
        """A hit where the path ends in something that breaks the clause."""
        for owner, key, value in path_ends(node, self.steps):
            if self.patterns and isinstance(value, str) and len(value) > LONGEST:
                yield Unknown(owner.at(key))
                continue
            if self.holds(value) is self.required:
                continue
            span = owner.at(key)
            if value is _ABSENT:
                yield missing(owner.at(), value="")
            else:
                plain = isinstance(value, str | int | float | bool)
                secret = isinstance(key, str) and secrets.names_secret(key)
                yield hit(span, value=HIDDEN if secret else value if plain else "")


def clause(path: str, spec: Any, *, required: bool) -> Clause:
    """The clause of a path and a predicate as rule files give them. Raises ValueError."""
    steps = parse_path(path)
    if not steps or len(steps) > MAX_STEPS:
        raise ValueError(f"a path has {MAX_STEPS} steps at most, and one at least: {path[:80]!r}")
    return Clause(steps, make_predicate(spec), required, tuple(patterns(spec)))


def path_ends(node: Any, steps: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Where a path ends: (owner, key, value) triples; value is a marker where the key, or one before it, is absent.

    A node that aliases bring in twice is one place, and gone through once.
    """
    nodes = [node]
    for number, key in enumerate(steps, 1):
        rest, following = steps[number:], []
        for parent in {id(parent): parent for parent in nodes}.values():
            for end in _next(parent, key, rest):
                if rest and end[2] is not _ABSENT:
                    following.append(end[2])
                else:
                    yield end
        nodes = following


def _next(node: Any, key: str, rest: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """(owner, key, value) of each node that one step of a path leads to; `[]` fans out over a list."""
    if not hasattr(node, "get") or not hasattr(node, "at"):
        return
    if key == "[]":
        yield from (
            (node, index, item) for index, item in enumerate(node if isinstance(node, list) else ())
        )
        return
    value = _ABSENT if isinstance(node, list) else node.get(key, _ABSENT)
    if isinstance(node, list):
        return
    if value is _ABSENT or (value is None and rest):
        if "[]" not in rest:
            yield node, None if value is _ABSENT else key, _ABSENT
    else:
        yield node, key, value


def parse_path(path: str) -> tuple[str, ...]:
    """A path of a declarative rule, step by step; `[]` is every entry of a list."""
    return tuple(quoted or plain or each for quoted, plain, each in _STEP.findall(path))


def make_predicate(spec: Any) -> Callable[[Any], bool]:
    """The function of a predicate; raises ValueError where the predicate is none of ours."""
    if spec == "present":
        return lambda value: value is not _ABSENT and value is not None
    if spec == "absent":
        return lambda value: value is _ABSENT or value is None
    if isinstance(spec, list):
        return lambda value: any(is_same(value, one) for one in spec)
    if not isinstance(spec, dict):
        return lambda value: is_same(value, spec)
    if len(spec) != 1:
        raise ValueError("a predicate mapping has one key: matches, min, max, equals or not")
    (name, argument), *_ = spec.items()
    if name == "matches" and isinstance(argument, str):
        return partial(_matches, argument)
    if name == "min" and is_number(argument):
        return lambda value: is_number(value) and value >= argument
    if name == "max" and is_number(argument):
        return lambda value: is_number(value) and value <= argument
    if name == "equals":
        return lambda value: is_same(value, argument)
    if name == "not":
        inner = make_predicate(argument)
        return lambda value: not inner(value)
    if name in {"matches", "min", "max"}:
        kind = "a regular expression" if name == "matches" else "a number"
        raise ValueError(f"the predicate {name} wants {kind}")
    raise ValueError(
        f"no predicate is called {str(name)[:40]!r}; there are matches, min, max, equals and not"
    )


def patterns(spec: Any) -> Iterator[str]:
    """The regular expressions in a predicate."""
    while isinstance(spec, dict) and "not" in spec:
        spec = spec["not"]
    if isinstance(spec, dict) and isinstance(spec.get("matches"), str):
        yield spec["matches"]


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and _compiled(pattern).search(value) is not None


def is_same(value: Any, other: Any) -> bool:
    """Equal, and of one type: `1` is not `true`."""
    return type(value) is type(other) and bool(value == other)


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; a bool is none here, though Python counts it as an int."""
    return isinstance(value, int | float) and not isinstance(value, bool)
