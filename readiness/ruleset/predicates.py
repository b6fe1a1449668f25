"""The declarative form of a rule: paths into a subject, and what must or must not hold there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from readiness.model import Hit, Span, Undecidable, hit, missing
from readiness.syntax import secrets

_PATH_SEGMENT = re.compile(r'"([^"]+)"|([^.\[\]"]+)|(\[\])')
_MISSING_VALUE = object()
HIDDEN_VALUE_TEXT = "(hidden)"  # what a message shows of a value whose key is that of a secret
MAX_PATH_SEGMENTS = 24  # of a path
MAX_SEARCHED_CHARACTERS = 1024 * 1024  # characters of a text that an expression is searched in: what is longer is not known
_compile_regex = lru_cache(maxsize=512)(re.compile)


@dataclass(frozen=True)
class PathClause:
    """One path with its predicate, required or forbidden; `regexes` are the regular expressions in the predicate."""

    path_segments: tuple[str, ...]
    predicate: Callable[[Any], bool]
    is_required: bool
    regexes: tuple[str, ...] = ()

    def spans_that_hold(self, node: Any) -> Iterator[Span]:
        """The places of the values at the end of the path for which the predicate holds; a value that is not there is none."""
        for owner, key, value in path_ends(node, self.path_segments):
            long = isinstance(value, str) and len(value) > MAX_SEARCHED_CHARACTERS
            if value is not _MISSING_VALUE and value is not None and not long and self.predicate(value):
                yield owner.at(key)

    def hits_of_node(self, node: Any) -> Iterator[Hit | Undecidable]:
        """A hit where the path ends in something that breaks the clause."""
        for owner, key, value in path_ends(node, self.path_segments):
            if self.regexes and isinstance(value, str) and len(value) > MAX_SEARCHED_CHARACTERS:
                yield Undecidable(owner.at(key))
                continue
            if self.predicate(value) is self.is_required:
                continue
            span = owner.at(key)
            if value is _MISSING_VALUE:
                yield missing(owner.at(), value="")
            else:
                plain = isinstance(value, str | int | float | bool)
                secret = isinstance(key, str) and secrets.is_secret_name(key)
                yield hit(span, value=HIDDEN_VALUE_TEXT if secret else value if plain else "")


def make_clause(path: str, spec: Any, *, required: bool) -> PathClause:
    """The clause of a path and a predicate as rule files give them. Raises ValueError."""
    steps = parse_path(path)
    if not steps or len(steps) > MAX_PATH_SEGMENTS:
        raise ValueError(f"a path has {MAX_PATH_SEGMENTS} steps at most, and one at least: {path[:80]!r}")
    return PathClause(steps, make_predicate(spec), required, tuple(regexes_in_predicate(spec)))


def path_ends(node: Any, segments: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Where a path ends: (owner, key, value) triples; value is a marker where the key, or one before it, is absent.

    A node that aliases bring in twice is one place, and gone through once.
    """
    nodes = [node]
    for number, key in enumerate(segments, 1):
        rest, following = segments[number:], []
        for parent in {id(parent): parent for parent in nodes}.values():
            for end in _resolve_segment(parent, key, rest):
                if rest and end[2] is not _MISSING_VALUE:
                    following.append(end[2])
                else:
                    yield end
        nodes = following


def _resolve_segment(node: Any, key: str, remaining_segments: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """(owner, key, value) of each node that one step of a path leads to; `[]` fans out over a list."""
    if not hasattr(node, "get") or not hasattr(node, "at"):
        return
    if key == "[]":
        yield from ((node, index, item) for index, item in enumerate(node if isinstance(node, list) else ()))
        return
    value = _MISSING_VALUE if isinstance(node, list) else node.get(key, _MISSING_VALUE)
    if isinstance(node, list):
        return
    if value is _MISSING_VALUE or (value is None and remaining_segments):
        if "[]" not in remaining_segments:
            yield node, None if value is _MISSING_VALUE else key, _MISSING_VALUE
    else:
        yield node, key, value


def parse_path(path: str) -> tuple[str, ...]:
    """A path of a declarative rule, step by step; `[]` is every entry of a list."""
    return tuple(quoted or plain or each for quoted, plain, each in _PATH_SEGMENT.findall(path))


def make_predicate(spec: Any) -> Callable[[Any], bool]:
    """The function of a predicate; raises ValueError where the predicate is none of ours."""
    if spec == "present":
        return lambda value: value is not _MISSING_VALUE and value is not None
    if spec == "absent":
        return lambda value: value is _MISSING_VALUE or value is None
    if isinstance(spec, list):
        return lambda value: any(is_equal_and_same_type(value, one) for one in spec)
    if not isinstance(spec, dict):
        return lambda value: is_equal_and_same_type(value, spec)
    if len(spec) != 1:
        raise ValueError("a predicate mapping has one key: matches, min, max, equals or not")
    (name, argument), *_ = spec.items()
    if name == "matches" and isinstance(argument, str):
        return partial(_regex_matches, argument)
    if name == "min" and is_number(argument):
        return lambda value: is_number(value) and value >= argument
    if name == "max" and is_number(argument):
        return lambda value: is_number(value) and value <= argument
    if name == "equals":
        return lambda value: is_equal_and_same_type(value, argument)
    if name == "not":
        inner = make_predicate(argument)
        return lambda value: not inner(value)
    if name in {"matches", "min", "max"}:
        kind = "a regular expression" if name == "matches" else "a number"
        raise ValueError(f"the predicate {name} wants {kind}")
    raise ValueError(f"no predicate is called {str(name)[:40]!r}; there are matches, min, max, equals and not")


def regexes_in_predicate(spec: Any) -> Iterator[str]:
    """The regular expressions in a predicate."""
    while isinstance(spec, dict) and "not" in spec:
        spec = spec["not"]
    if isinstance(spec, dict) and isinstance(spec.get("matches"), str):
        yield spec["matches"]


def _regex_matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and _compile_regex(pattern).search(value) is not None


def is_equal_and_same_type(value: Any, other: Any) -> bool:
    """Equal, and of one type: `1` is not `true`."""
    return type(value) is type(other) and bool(value == other)


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; a bool is none here, though Python counts it as an int."""
    return isinstance(value, int | float) and not isinstance(value, bool)
