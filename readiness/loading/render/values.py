"""Where the values stand that a template puts into a rendering: in which file, under which keys."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from readiness.loading.render.made import GeneratedSource, SetValue
from readiness.model import ParseError, Source, Span
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

# Values: the source they stand in, the keys that lead to those of a chart, and the mapping where that is not the source's first.
Given = tuple[Source, tuple[str, ...], Map | None]

_Scalar = tuple[Span, tuple[str, ...], str]  # its place, its keys in the chart's values, its text

_ACTIONS = 100  # of a line that are told apart
_NODES = 20_000  # of one file that are compared
_DISTINCT = 6  # characters of a value that may be known again inside a longer text
_ALONE = re.compile(r"\{\{-?\s*(?:default\s+\S+\s+)?\$?\.Values\.([\w.]+)\s*(?:\|\s*\w+\s*){0,3}-?\}\}")
_NAME = re.compile(r"\s*(?:-\s+)?name:")
_NAMED = re.compile(r"\.Values\.([\w.]+)")


def actions_in(line: str) -> list[tuple[int, int]]:
    """Where the actions of a line begin and end; one that goes on behind the line ends with it."""
    found = []
    first = line.find("{{")
    while first >= 0:
        last = line.find("}}", first)
        end = last + 2 if last >= 0 else len(line.rstrip())
        found.append((first, end))
        first = line.find("{{", end) if last >= 0 else -1
    return found[:_ACTIONS]


def action_at(line: str, rendered: str, start: int, end: int) -> tuple[int, int] | None:
    """The one action of a template's line that gave a range of its rendering; None where more than that gave it.

    A line of one action needs no such look.
    """
    actions = actions_in(line)
    at = before = 0
    for number, (first, last) in enumerate(actions if len(actions) > 1 else ()):
        at = rendered.find(line[before:first], at)
        if at < 0:
            return None
        at += first - before
        following = line[last : actions[number + 1][0] if number + 1 < len(actions) else None]
        until = rendered.find(following, at) if following.strip() else len(rendered)
        if at <= start and end <= until:
            return first, last
        before = last
    return None


def values_alone(text: str, values: Sequence[Given]) -> Iterator[SetValue]:
    """The values that the actions of a text print, of those that print one of the values and nothing else."""
    for first, last in actions_in(text):
        match = _ALONE.fullmatch(text[first:last])
        found, _ = _last_set(match[1].split("."), values) if match else (None, None)
        if found is not None:
            yield found


def value_printed_as(words: str, line: str, values: Sequence[Given]) -> SetValue | None:
    """The one value that is a text of a rendering, as it stands or in base64.

    Those that the template's line names are asked first; then all of the file that wins, for a helper or a whole
    mapping may have brought it there. Where several are the same text nobody can tell which it was.
    """
    plain = words.strip().strip("\"'")
    if not plain:
        return None
    for match in _NAMED.finditer(line):
        found, text = _last_set(match[1].split("."), values)
        if found is not None and isinstance(text, str) and _is_printed(text, plain):
            return found
    return _only(values, lambda text: len(text) > 3 and _is_printed(text, plain))


def value_in_mapping(key: str, words: str, line: str, values: Sequence[Given]) -> SetValue | None:
    """The one value that a mapping has under a key, and prints as a text, where a template's line prints whole mappings.

    Those that the line names are looked through, else all of a file (`with` has named it before). The file that wins is asked first.
    """
    if "toYaml" not in line:
        return None
    named = [match[1].split(".") for match in _NAMED.finditer(line)] or [[]]
    for file, above, node in values:
        top = node if node is not None else _root(file)
        found = [
            (owner.at(key), path)
            for keys in named
            for owner, path in _mappings_below(top, (*(() if keys[:1] == ["global"] else above), *keys))
            if key in owner and _scalar_text(owner[key]) == words.strip().strip("\"'")
        ]
        if found:
            return _written(file, found[0][0], (*found[0][1], key)) if len(found) == 1 else None
    return None


def _scalar_text(value: Any) -> str | None:
    """A scalar as toYaml prints it, without quotes; None for others."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _mappings_below(top: Any, keys: tuple[str, ...]) -> Iterator[tuple[Map, tuple[str, ...]]]:
    """The mapping that keys lead to and those in it, each with the keys that lead to it; _NODES at most."""
    for key in keys:
        top = top.get(key) if isinstance(top, Map) else None
    waiting: list[tuple[Any, tuple[str, ...]]] = [(top, keys)]
    for _ in range(_NODES):
        if not waiting:
            return
        inner, path = waiting.pop()
        pairs: Iterable[tuple[str | int, Any]] = ()
        if isinstance(inner, Map):
            yield inner, path
            pairs = inner.items()
        elif isinstance(inner, Seq):
            pairs = enumerate(inner)
        waiting += [(value, (*path, str(key))) for key, value in pairs if isinstance(value, Map | Seq) and len(path) < 24]


def value_inside(words: str, line: str, values: Sequence[Given]) -> SetValue | None:
    """The value that decides about a text of a rendering, for a template that nobody can edit.

    What the line names comes before the longest value that stands in the reference of an image. The name of an object
    decides about nothing that is found at it.
    """
    if _NAME.match(line):
        return None
    for match in _NAMED.finditer(line):
        found, _ = _last_set(match[1].split("."), values)
        if found is not None:
            return found
    plain = words.strip().strip("\"'")
    if "/" not in plain or any(one.isspace() for one in plain):
        return None
    inside = [text for given in values for _, _, text in _scalars(given) if len(text) >= _DISTINCT and _holds_word(plain, text)]
    longest = max(inside, key=len, default="")
    return _only(values, lambda text: text == longest) if longest else None


def _holds_word(text: str, word: str) -> bool:
    """Whether a text holds a word that nothing continues on either side."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            return True
        at = text.find(word, at + 1)
    return False


def _is_printed(text: str, plain: str) -> bool:
    """Whether a value was printed as a text."""
    if text == plain:
        return True
    data = text.encode("utf-8", "replace")
    return len(plain) == -(-len(data) // 3) * 4 and base64.b64encode(data).decode() == plain


def _only(values: Sequence[Given], is_meant: Callable[[str], bool]) -> SetValue | None:
    """The only value of which something holds, of the first file that has any."""
    for given in values:
        file = given[0]
        found = [(span, keys) for span, keys, text in _scalars(given) if text and is_meant(text)]
        if found:
            return _written(file, *found[0]) if len(found) == 1 else None
    return None


def _last_set(keys: list[str], values: Sequence[Given]) -> tuple[SetValue | None, Any]:
    """The place that sets a value last, which is the one that counts, and the value; two None where nothing sets it."""
    for file, above, node in values:
        inner = node if node is not None else _root(file)
        *way, last = keys if keys[0] == "global" else [*above, *keys]
        for key in way:
            inner = inner.get(key) if isinstance(inner, Map) else None
        if isinstance(inner, Map) and last in inner:
            return _written(file, inner.at(last), tuple(keys)), inner[last]
    return None, None


def _written(file: Source, span: Span, keys: tuple[str, ...]) -> SetValue:
    """A value where somebody wrote it, for a file may be a text in another, or a rendering."""
    root = file.root
    begin, end = file.to_root(span.start), file.to_root(span.end)
    place = Span(begin, max(begin, end))
    source, place = root.written_location(place) if isinstance(root, GeneratedSource) else (root, place)
    return SetValue(source, place, keys)


def _root(file: Source) -> Any:
    """What a values file says; None where it does not parse."""
    return _parsed(file.text)


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """The first document of a text: each finding of a chart asks for the same few."""
    try:
        documents = load_yaml_documents(text)
    except ParseError:
        return None
    return documents[0] if documents else None


def _scalars(given: Given) -> Sequence[_Scalar]:
    """The scalars that a file sets for a chart."""
    file, above, node = given
    if node is not None:
        return tuple(_scalars_in(node, above))
    return _scalars_of(file.text, above)


@functools.lru_cache(maxsize=16)
def _scalars_of(text: str, above: tuple[str, ...]) -> Sequence[_Scalar]:
    """Those of a text: each finding of a chart asks for the same few."""
    return tuple(_scalars_in(_parsed(text), above))


def _scalars_in(inner: Any, above: tuple[str, ...]) -> Iterator[_Scalar]:
    """Those below some keys, each with its place and its keys in the chart's values."""
    for name in above:
        inner = inner.get(name) if isinstance(inner, Map) else None
    waiting: list[tuple[Any, tuple[str, ...]]] = [(inner, ())]
    count = 0
    while waiting and count < _NODES:
        top, keys = waiting.pop()
        pairs: Iterable[tuple[str | int, Any]] = ()
        if isinstance(top, Map | Seq):
            pairs = top.items() if isinstance(top, Map) else enumerate(top)
        for key, value in pairs:
            count += 1
            path = (*keys, str(key))
            if isinstance(value, Map | Seq):
                if len(path) < 24:
                    waiting.append((value, path))
            elif isinstance(value, str):
                yield top.at(key), path, value
