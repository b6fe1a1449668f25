"""YAML as it is written, nothing resolved away: for readers that must not miss what another program may read.

Programs differ in which of two equal keys wins and in how `<<` merges. Here every entry of a mapping stays, `<<` is a key
like any other, and what `!!binary` hides is decoded.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml._yaml import CParser

MAX_DEPTH = 200
MAX_VISITED_NODES = 200_000  # of one reading: aliases may stand under many keys
_BINARY_TAG = "tag:yaml.org,2002:binary"


class UnresolvedMapping:
    """A mapping: its entries in order, equal keys and `<<` among them."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[tuple[UnresolvedNode, UnresolvedNode]] = []


class UnresolvedSequence:
    """A sequence: its entries in order."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[UnresolvedNode] = []


UnresolvedNode = str | UnresolvedSequence | UnresolvedMapping


class UnresolvedYamlError(Exception):
    """A text that is no YAML, or too much of it: the reason."""


def load_unresolved(text: str) -> list[UnresolvedNode]:
    """Every document of a text; an alias is the very node that it names. Raises WholeError."""
    try:
        return list(_load_documents(CParser(text).get_event))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = getattr(error, "problem", None) or str(error)
        raise UnresolvedYamlError(reason.split("\n", 1)[0]) from None


def _load_documents(next_event: Callable[[], Any]) -> Iterator[UnresolvedNode]:
    anchors: dict[str, UnresolvedNode] = {}
    while True:
        kind = next_event().__class__
        if kind is yaml.StreamEndEvent:
            return
        if kind is yaml.DocumentStartEvent:
            anchors.clear()
            yield _load_node(next_event(), next_event, anchors, 0)


def _load_node(first: Any, next_event: Callable[[], Any], anchors: dict[str, UnresolvedNode], depth: int) -> UnresolvedNode:
    kind = first.__class__
    if depth > MAX_DEPTH:
        raise UnresolvedYamlError("nested too deeply")
    if kind is yaml.AliasEvent:
        if first.anchor not in anchors:
            raise UnresolvedYamlError(f"undefined alias {first.anchor!r}")
        return anchors[first.anchor]
    node: UnresolvedNode = UnresolvedMapping() if kind is yaml.MappingStartEvent else UnresolvedSequence()
    if kind is yaml.ScalarEvent:
        node = _scalar_text(first)
    if first.anchor:
        anchors[first.anchor] = node
    if isinstance(node, UnresolvedMapping):
        while (key := next_event()).__class__ is not yaml.MappingEndEvent:
            name = _load_node(key, next_event, anchors, depth + 1)
            node.entries.append((name, _load_node(next_event(), next_event, anchors, depth + 1)))
    elif isinstance(node, UnresolvedSequence):
        while (item := next_event()).__class__ is not yaml.SequenceEndEvent:
            node.entries.append(_load_node(item, next_event, anchors, depth + 1))
    return node


def _scalar_text(event: Any) -> str:
    """What a scalar says, decoded where its tag says that it is encoded."""
    text = str(event.value)
    if event.tag != _BINARY_TAG:
        return text
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return text


def string_values(node: UnresolvedNode, keys_to_skip: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(outermost key, text) of every string in a document, but for what stands under a key that is among `keys_to_skip`.

    Keys are compared without case. A node with several aliases is told once under each outermost key. Raises WholeError
    where that is too much.
    """
    seen: set[tuple[str, int]] = set()
    stack: list[tuple[str, UnresolvedNode]] = [("", node)]
    steps = 0
    while stack:
        steps += 1
        if steps > MAX_VISITED_NODES:
            raise UnresolvedYamlError("too many values")
        under, current = stack.pop()
        if isinstance(current, str):
            yield under, current
            continue
        if (under, id(current)) in seen:
            continue
        seen.add((under, id(current)))
        if isinstance(current, UnresolvedSequence):
            stack += [(under, item) for item in current.entries]
            continue
        for key, value in current.entries:
            name = key.casefold() if isinstance(key, str) else ""
            if not name:
                stack.append((under, key))
            if name not in keys_to_skip:
                stack.append((under if under or name == "<<" else name, value))
