"""The declarative form of a rule: paths into a subject, and what must or must not hold there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from readiness.model import Hit, Span, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax import secrets

_PATH_SEGMENT = lazy_regex(r'"([^"]+)"|([^.\[\]"]+)|(\[\])')
_MISSING_VALUE = object()
HIDDEN_VALUE_TEXT = "(hidden)"  # what a message shows of a value whose key is that of a secret
MAX_PATH_SEGMENTS = 24  # of a path
MAX_CHARACTERS_PER_REGEX_SEARCH = 1024 * 1024  # characters of a text that an expression is searched in: what is longer is not known
_compile_regex_cached = lru_cache(maxsize=512)(re.compile)


@dataclass(frozen=True)
class PathClause:
    """One path with its predicate, required or forbidden; `regexes` are the regular expressions in the predicate."""

    path_segments: tuple[str, ...]
    predicate: Callable[[Any], bool]
    is_required: bool
    regexes: tuple[str, ...] = ()

    def spans_that_hold(self, subject_node: Any) -> Iterator[Span]:
        """The places of the values at the end of the path for which the predicate holds; a value that is not there is none."""
        for owner_node, key_in_owner, value_at_end in owner_key_value_at_path_end(subject_node, self.path_segments):
            is_too_long = isinstance(value_at_end, str) and len(value_at_end) > MAX_CHARACTERS_PER_REGEX_SEARCH
            if value_at_end is not _MISSING_VALUE and value_at_end is not None and not is_too_long and self.predicate(value_at_end):
                yield owner_node.at(key_in_owner)

    def hits_of_node(self, subject_node: Any) -> Iterator[Hit | Undecidable]:
        """A hit where the path ends in something that breaks the clause."""
        for owner_node, key_in_owner, value_at_end in owner_key_value_at_path_end(subject_node, self.path_segments):
            if self.regexes and isinstance(value_at_end, str) and len(value_at_end) > MAX_CHARACTERS_PER_REGEX_SEARCH:
                yield Undecidable(owner_node.at(key_in_owner))
                continue
            if self.predicate(value_at_end) is self.is_required:
                continue
            value_span = owner_node.at(key_in_owner)
            if value_at_end is _MISSING_VALUE:
                yield missing(owner_node.at(), value="")
            else:
                is_plain_value = isinstance(value_at_end, str | int | float | bool)
                is_secret_key = isinstance(key_in_owner, str) and secrets.is_secret_name(key_in_owner)
                yield hit(value_span, value=HIDDEN_VALUE_TEXT if is_secret_key else value_at_end if is_plain_value else "")


def make_path_clause(path_text: str, predicate_spec: Any, *, is_required: bool) -> PathClause:
    """The clause of a path and a predicate as rule files give them. Raises ValueError."""
    path_segments = parse_path_segments(path_text)
    if not path_segments or len(path_segments) > MAX_PATH_SEGMENTS:
        raise ValueError(f"a path has {MAX_PATH_SEGMENTS} steps at most, and one at least: {path_text[:80]!r}")
    return PathClause(path_segments, make_predicate(predicate_spec), is_required, tuple(regexes_in_predicate(predicate_spec)))


def owner_key_value_at_path_end(root_node: Any, path_segments: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """Where a path ends: (owner, key, value) triples; value is a marker where the key, or one before it, is absent.

    A node that aliases bring in twice is one place, and gone through once.
    """
    current_nodes = [root_node]
    for segment_number, segment in enumerate(path_segments, 1):
        remaining_segments, next_nodes = path_segments[segment_number:], []
        for parent in {id(parent): parent for parent in current_nodes}.values():
            for owner_key_value in _owner_key_value_of_segment(parent, segment, remaining_segments):
                if remaining_segments and owner_key_value[2] is not _MISSING_VALUE:
                    next_nodes.append(owner_key_value[2])
                else:
                    yield owner_key_value
        current_nodes = next_nodes


def _owner_key_value_of_segment(node: Any, segment: str, remaining_segments: tuple[str, ...]) -> Iterator[tuple[Any, Any, Any]]:
    """(owner, key, value) of each node that one step of a path leads to; `[]` fans out over a list."""
    if not hasattr(node, "get") or not hasattr(node, "at"):
        return
    if segment == "[]":
        yield from ((node, index, item) for index, item in enumerate(node if isinstance(node, list) else ()))
        return
    segment_value = _MISSING_VALUE if isinstance(node, list) else node.get(segment, _MISSING_VALUE)
    if isinstance(node, list):
        return
    if segment_value is _MISSING_VALUE or (segment_value is None and remaining_segments):
        if "[]" not in remaining_segments:
            yield node, None if segment_value is _MISSING_VALUE else segment, _MISSING_VALUE
    else:
        yield node, segment, segment_value


def parse_path_segments(path_text: str) -> tuple[str, ...]:
    """A path of a declarative rule, step by step; `[]` is every entry of a list."""
    return tuple(quoted or plain or each for quoted, plain, each in _PATH_SEGMENT.findall(path_text))


def make_predicate(predicate_spec: Any) -> Callable[[Any], bool]:
    """The function of a predicate; raises ValueError where the predicate is none of ours."""
    if predicate_spec == "present":
        return lambda value: value is not _MISSING_VALUE and value is not None
    if predicate_spec == "absent":
        return lambda value: value is _MISSING_VALUE or value is None
    if isinstance(predicate_spec, list):
        return lambda value: any(is_equal_and_same_type(value, one) for one in predicate_spec)
    if not isinstance(predicate_spec, dict):
        return lambda value: is_equal_and_same_type(value, predicate_spec)
    if len(predicate_spec) != 1:
        raise ValueError("a predicate mapping has one key: matches, min, max, equals or not")
    (predicate_name, predicate_argument), *_ = predicate_spec.items()
    if predicate_name == "matches" and isinstance(predicate_argument, str):
        return partial(_regex_matches, predicate_argument)
    if predicate_name == "min" and is_number(predicate_argument):
        return lambda value: is_number(value) and value >= predicate_argument
    if predicate_name == "max" and is_number(predicate_argument):
        return lambda value: is_number(value) and value <= predicate_argument
    if predicate_name == "equals":
        return lambda value: is_equal_and_same_type(value, predicate_argument)
    if predicate_name == "not":
        negated_predicate = make_predicate(predicate_argument)
        return lambda value: not negated_predicate(value)
    if predicate_name in {"matches", "min", "max"}:
        expected_type_text = "a regular expression" if predicate_name == "matches" else "a number"
        raise ValueError(f"the predicate {predicate_name} wants {expected_type_text}")
    raise ValueError(f"no predicate is called {str(predicate_name)[:40]!r}; there are matches, min, max, equals and not")


def regexes_in_predicate(predicate_spec: Any) -> Iterator[str]:
    """The regular expressions in a predicate."""
    while isinstance(predicate_spec, dict) and "not" in predicate_spec:
        predicate_spec = predicate_spec["not"]
    if isinstance(predicate_spec, dict) and isinstance(predicate_spec.get("matches"), str):
        yield predicate_spec["matches"]


def _regex_matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and _compile_regex_cached(pattern).search(value) is not None


def is_equal_and_same_type(value: Any, other_value: Any) -> bool:
    """Equal, and of one type: `1` is not `true`."""
    return type(value) is type(other_value) and bool(value == other_value)


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; a bool is none here, though Python counts it as an int."""
    return isinstance(value, int | float) and not isinstance(value, bool)
