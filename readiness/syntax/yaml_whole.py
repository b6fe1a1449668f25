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
MAX_STEPS = 200_000  # of one reading: aliases may stand under many keys
_BINARY = "tag:yaml.org,2002:binary"


class Pairs:
    """A mapping: its entries in order, equal keys and `<<` among them."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[tuple[Whole, Whole]] = []


class Items:
    """A sequence: its entries in order."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[Whole] = []


Whole = str | Items | Pairs


class WholeError(Exception):
    """A text that is no YAML, or too much of it: the reason."""


def load_whole(text: str) -> list[Whole]:
    """Every document of a text; an alias is the very node that it names. Raises WholeError."""
    try:
        return list(_documents(CParser(text).get_event))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = getattr(error, "problem", None) or str(error)
        raise WholeError(reason.split("\n", 1)[0]) from None


def _documents(event: Callable[[], Any]) -> Iterator[Whole]:
    anchors: dict[str, Whole] = {}
    while True:
        kind = event().__class__
        if kind is yaml.StreamEndEvent:
            return
        if kind is yaml.DocumentStartEvent:
            anchors.clear()
            yield _node(event(), event, anchors, 0)


def _node(first: Any, event: Callable[[], Any], anchors: dict[str, Whole], depth: int) -> Whole:
    kind = first.__class__
    if depth > MAX_DEPTH:
        raise WholeError("nested too deeply")
    if kind is yaml.AliasEvent:
        if first.anchor not in anchors:
            raise WholeError(f"undefined alias {first.anchor!r}")
        return anchors[first.anchor]
    node: Whole = Pairs() if kind is yaml.MappingStartEvent else Items()
    if kind is yaml.ScalarEvent:
        node = _text(first)
    if first.anchor:
        anchors[first.anchor] = node
    if isinstance(node, Pairs):
        while (key := event()).__class__ is not yaml.MappingEndEvent:
            name = _node(key, event, anchors, depth + 1)
            node.entries.append((name, _node(event(), event, anchors, depth + 1)))
    elif isinstance(node, Items):
        while (item := event()).__class__ is not yaml.SequenceEndEvent:
            node.entries.append(_node(item, event, anchors, depth + 1))
    return node


def _text(event: Any) -> str:
    """What a scalar says, decoded where its tag says that it is encoded."""
    text = str(event.value)
    if event.tag != _BINARY:
        return text
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return text


def string_values(node: Whole, plain: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(outermost key, text) of every string in a document, but for what stands under a key that is among `plain`.

    Keys are compared without case. A node with several aliases is told once under each outermost key. Raises WholeError
    where that is too much.
    """
    seen: set[tuple[str, int]] = set()
    stack: list[tuple[str, Whole]] = [("", node)]
    steps = 0
    while stack:
        steps += 1
        if steps > MAX_STEPS:
            raise WholeError("too many values")
        under, current = stack.pop()
        if isinstance(current, str):
            yield under, current
            continue
        if (under, id(current)) in seen:
            continue
        seen.add((under, id(current)))
        if isinstance(current, Items):
            stack += [(under, item) for item in current.entries]
            continue
        for key, value in current.entries:
            name = key.casefold() if isinstance(key, str) else ""
            if not name:
                stack.append((under, key))
            if name not in plain:
                stack.append((under if under or name == "<<" else name, value))
