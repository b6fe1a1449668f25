"""The nodes of YAML: dicts and lists that know where their values stand, and how one gets at what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.model import Span

MAX_NODE_REPR_LENGTH = 100_000  # characters that one node is written out to
MAX_NODE_REPR_NESTING = 200  # and how many one inside the other: an alias may stand in itself


class Map(dict[str, Any]):
    """A mapping: an ordinary dict, plus the place of each value.

    `get` is dict's own (never overridden: it is called a million times a run). Keys that are no strings stand
    under their text.
    """

    __slots__ = ("_absent", "_edges", "_span", "differing", "flow", "merged", "repeated", "tag")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self._span = span
        self._absent: Map | None = None
        self._edges: dict[str, tuple[int, int, int]] = {}
        self.repeated: list[tuple[str, int]] = []
        self.differing: set[str] = set()  # repeated keys whose values are not the same scalar
        self.merged: set[str] = set()
        self.flow = False
        self.tag = ""

    def at(self, key: Any = None, /) -> Span:
        """The span of the value under `key`; of the whole mapping where there is no such key."""
        key_and_value_offsets = self._edges.get(key) if key is not None else None
        return Span(key_and_value_offsets[1], key_and_value_offsets[2]) if key_and_value_offsets else self._span

    def key_span(self, key: str) -> Span:
        """The span of the key itself; of the whole mapping where there is no such key."""
        key_and_value_offsets = self._edges.get(key)
        return Span(key_and_value_offsets[0], key_and_value_offsets[0] + len(key)) if key_and_value_offsets else self._span

    def entry_span(self, key: str) -> Span:
        """The span of `key: value`, key included; of the whole mapping where there is no such key."""
        key_and_value_offsets = self._edges.get(key)
        return Span(key_and_value_offsets[0], key_and_value_offsets[2]) if key_and_value_offsets else self._span

    def put(self, key: str, value: Any, value_span: Span, key_start: int | None = None) -> None:
        """Set a value with its place; `key_start` is where its key begins, the value's own beginning where none is written."""
        self[key] = value
        self._edges[key] = (value_span.start if key_start is None else key_start, *value_span)

    def put_as_in(self, mapping_with_place: Map, key: str, value: Any) -> None:
        """Set a value at the place of the same key in another mapping."""
        self[key] = value
        self._edges[key] = mapping_with_place._edges[key]

    def put_all(self, other_mapping: Map) -> None:
        """Take in the entries of another mapping at their places."""
        self.update(other_mapping)
        self._edges.update(other_mapping._edges)

    def mapping_at_path(self, *keys: str) -> Map:
        """The mapping some keys down; an empty one at the deepest place on the way where there is none.

        So nobody needs a case for what is not there: `job.mapping_at_path("strategy", "matrix").get("include")`.
        """
        current_mapping = self
        for key in keys:
            nested_value = current_mapping.get(key)
            if not isinstance(nested_value, Map):
                return current_mapping._absent_mapping()
            current_mapping = nested_value
        return current_mapping

    def _absent_mapping(self) -> Map:
        """What stands for a mapping that is not in this one: an empty one at its place, the same for every question."""
        if self._absent is None:
            self._absent = Map(self._span)
        return self._absent

    def mappings_under(self, key: str) -> Iterator[Map]:
        """The mappings among the entries of the list under a key; none where no list stands there."""
        return mappings_in(self.get(key))

    def string_under(self, key: str) -> str:
        """The string under a key; an empty one where something else stands, or nothing."""
        return text_or_empty(self.get(key))

    def __repr__(self) -> str:
        return _bounded_repr(self)

    def __hash__(self) -> int:  # type: ignore[override]
        """By identity: a node is a place, and two equal places are two."""
        return id(self)


class Seq(list[Any]):
    """A sequence: an ordinary list, plus the place of each entry."""

    __slots__ = ("_edges", "_span", "flow", "tag")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self._span = span
        self._edges: list[tuple[int, int]] = []
        self.flow = False
        self.tag = ""

    def get(self, entry_index: Any, default: Any = None, /) -> Any:
        """The entry at an index given as a number; the default otherwise."""
        return self[entry_index] if isinstance(entry_index, int) and 0 <= entry_index < len(self) else default

    def at(self, entry_index: Any = None, /) -> Span:
        """The span of the entry at `entry_index`; of the whole sequence where there is none."""
        if isinstance(entry_index, int) and 0 <= entry_index < len(self._edges):
            return Span(*self._edges[entry_index])
        return self._span

    def put(self, value: Any, value_span: Span, index: int | None = None) -> None:
        """Append a value with its place, or set the entry at an index."""
        if index is None:
            self.append(value)
            self._edges.append((value_span.start, value_span.end))
        else:
            self[index], self._edges[index] = value, (value_span.start, value_span.end)

    def __repr__(self) -> str:
        return _bounded_repr(self)

    def __hash__(self) -> int:  # type: ignore[override]
        """By identity, as Map."""
        return id(self)


def _bounded_repr(node: Map | Seq) -> str:
    """A node as Python writes plain data, up to a bound: what aliases of aliases stand for no memory holds."""
    text_pieces: list[str] = []
    text_length = 0
    piece_iterators = [_repr_pieces(node)]
    while piece_iterators and text_length < MAX_NODE_REPR_LENGTH:
        piece_or_node = next(piece_iterators[-1], None)
        if piece_or_node is None:
            piece_iterators.pop()
        elif isinstance(piece_or_node, str):
            text_pieces.append(piece_or_node)
            text_length += len(piece_or_node)
        else:
            piece_iterators.append(_repr_pieces(piece_or_node) if len(piece_iterators) < MAX_NODE_REPR_NESTING else iter("…"))
    return "".join(text_pieces)


def _repr_pieces(node: Map | Seq) -> Iterator[str | Map | Seq]:
    """What a node is written as, the nodes in it still as they are."""
    keys_and_values = node.items() if isinstance(node, Map) else ((None, item) for item in node)
    yield "{" if isinstance(node, Map) else "["
    for index, (key, value) in enumerate(keys_and_values):
        yield (", " if index else "") + ("" if key is None else f"{key!r}: ")
        yield value if isinstance(value, Map | Seq) else repr(value)
    yield "}" if isinstance(node, Map) else "]"


def mappings_in(value: Any) -> Iterator[Map]:
    """The mappings among the entries of a list; none where something else stands."""
    if isinstance(value, Seq):
        yield from (item for item in value if isinstance(item, Map))


def text_or_empty(value: Any) -> str:
    """A string, or an empty one where something else stands."""
    return value if isinstance(value, str) else ""


def has_more_entries(node: Any, max_entries: int) -> bool:
    """Whether a node holds more entries than so many, at any depth; what an alias stands for counts each time."""
    remaining_entries = max_entries
    unvisited_nodes: list[Any] = [node]
    while unvisited_nodes:
        visited_node = unvisited_nodes.pop()
        child_nodes = list(visited_node.values()) if isinstance(visited_node, Map) else visited_node if isinstance(visited_node, Seq) else ()
        remaining_entries -= len(child_nodes)
        if remaining_entries < 0:
            return True
        unvisited_nodes += child_nodes
    return False
