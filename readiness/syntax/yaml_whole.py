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

MAX_NODE_NESTING = 200
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
        return list(_load_unresolved_documents(CParser(text).get_event))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        error_reason = getattr(error, "problem", None) or str(error)
        raise UnresolvedYamlError(error_reason.split("\n", 1)[0]) from None


def _load_unresolved_documents(next_event: Callable[[], Any]) -> Iterator[UnresolvedNode]:
    node_by_anchor: dict[str, UnresolvedNode] = {}
    while True:
        event_type = next_event().__class__
        if event_type is yaml.StreamEndEvent:
            return
        if event_type is yaml.DocumentStartEvent:
            node_by_anchor.clear()
            yield _load_unresolved_node(next_event(), next_event, node_by_anchor, 0)


def _load_unresolved_node(
    start_event: Any, next_event: Callable[[], Any], node_by_anchor: dict[str, UnresolvedNode], nesting_depth: int
) -> UnresolvedNode:
    event_type = start_event.__class__
    if nesting_depth > MAX_NODE_NESTING:
        raise UnresolvedYamlError("nested too deeply")
    if event_type is yaml.AliasEvent:
        if start_event.anchor not in node_by_anchor:
            raise UnresolvedYamlError(f"undefined alias {start_event.anchor!r}")
        return node_by_anchor[start_event.anchor]
    node: UnresolvedNode = UnresolvedMapping() if event_type is yaml.MappingStartEvent else UnresolvedSequence()
    if event_type is yaml.ScalarEvent:
        node = _scalar_text(start_event)
    if start_event.anchor:
        node_by_anchor[start_event.anchor] = node
    if isinstance(node, UnresolvedMapping):
        while (key_event := next_event()).__class__ is not yaml.MappingEndEvent:
            key_node = _load_unresolved_node(key_event, next_event, node_by_anchor, nesting_depth + 1)
            node.entries.append((key_node, _load_unresolved_node(next_event(), next_event, node_by_anchor, nesting_depth + 1)))
    elif isinstance(node, UnresolvedSequence):
        while (item_event := next_event()).__class__ is not yaml.SequenceEndEvent:
            node.entries.append(_load_unresolved_node(item_event, next_event, node_by_anchor, nesting_depth + 1))
    return node


def _scalar_text(scalar_event: Any) -> str:
    """What a scalar says, decoded where its tag says that it is encoded."""
    scalar_text = str(scalar_event.value)
    if scalar_event.tag != _BINARY_TAG:
        return scalar_text
    try:
        return base64.b64decode(scalar_text).decode("utf-8", "replace")
    except ValueError:
        return scalar_text


def strings_by_outermost_key(document: UnresolvedNode, keys_to_skip: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(outermost key, text) of every string in a document, but for what stands under a key that is among `keys_to_skip`.

    Keys are compared without case. A node with several aliases is told once under each outermost key. Raises WholeError
    where that is too much.
    """
    seen_keys_and_node_ids: set[tuple[str, int]] = set()
    pending_keys_and_nodes: list[tuple[str, UnresolvedNode]] = [("", document)]
    visited_node_count = 0
    while pending_keys_and_nodes:
        visited_node_count += 1
        if visited_node_count > MAX_VISITED_NODES:
            raise UnresolvedYamlError("too many values")
        outermost_key, current_node = pending_keys_and_nodes.pop()
        if isinstance(current_node, str):
            yield outermost_key, current_node
            continue
        if (outermost_key, id(current_node)) in seen_keys_and_node_ids:
            continue
        seen_keys_and_node_ids.add((outermost_key, id(current_node)))
        if isinstance(current_node, UnresolvedSequence):
            pending_keys_and_nodes += [(outermost_key, item) for item in current_node.entries]
            continue
        for key, value in current_node.entries:
            casefolded_key = key.casefold() if isinstance(key, str) else ""
            if not casefolded_key:
                pending_keys_and_nodes.append((outermost_key, key))
            if casefolded_key not in keys_to_skip:
                pending_keys_and_nodes.append((outermost_key if outermost_key or casefolded_key == "<<" else casefolded_key, value))
