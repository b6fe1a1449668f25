"""The nodes of YAML: dicts and lists that know where their values stand, and how one gets at what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from readiness.model import Span

MAX_TEXT_LENGTH = 100_000  # characters that one node is written out to
MAX_TEXT_NESTING = 200  # and how many one inside the other: an alias may stand in itself


class Map(dict[str, Any]):
    """A mapping: an ordinary dict, plus the place of each value.

    `get` is dict's own (never overridden: it is called a million times a run). Keys that are no strings stand
    under their text.
    """

    __slots__ = ("_edges", "_span", "differing", "flow", "merged", "repeated", "tag")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self._span = span
        self._edges: dict[str, tuple[int, int, int]] = {}
        self.repeated: list[tuple[str, int]] = []
        self.differing: set[str] = set()  # repeated keys whose values are not the same scalar
        self.merged: set[str] = set()
        self.flow = False
        self.tag = ""

    def at(self, key: Any = None, /) -> Span:
        """The span of the value under `key`; of the whole mapping where there is no such key."""
        edge = self._edges.get(key) if key is not None else None
        return Span(edge[1], edge[2]) if edge else self._span

    def key_span(self, key: str) -> Span:
        """The span of the key itself; of the whole mapping where there is no such key."""
        edge = self._edges.get(key)
        return Span(edge[0], edge[0] + len(key)) if edge else self._span

    def entry_span(self, key: str) -> Span:
        """The span of `key: value`, key included; of the whole mapping where there is no such key."""
        edge = self._edges.get(key)
        return Span(edge[0], edge[2]) if edge else self._span

    def put(self, key: str, value: Any, span: Span, at: int | None = None) -> None:
        """Set a value with its place; `at` is where its key begins, the value's own beginning where none is written."""
        self[key] = value
        self._edges[key] = (span.start if at is None else at, *span)

    def put_as_in(self, node: Map, key: str, value: Any) -> None:
        """Set a value at the place of the same key in another mapping."""
        self[key] = value
        self._edges[key] = node._edges[key]

    def put_all(self, node: Map) -> None:
        """Take in the entries of another mapping at their places."""
        self.update(node)
        self._edges.update(node._edges)

    def mapping_at_path(self, *keys: str) -> Map:
        """The mapping some keys down; an empty one at the deepest place on the way where there is none.

        So nobody needs a case for what is not there: `job.mapping_at_path("strategy", "matrix").get("include")`.
        """
        node = self
        for key in keys:
            below = node.get(key)
            if not isinstance(below, Map):
                return Map(node.at())
            node = below
        return node

    def mappings_under(self, key: str) -> Iterator[Map]:
        """The mappings among the entries of the list under a key; none where no list stands there."""
        return mappings_in(self.get(key))

    def string_under(self, key: str) -> str:
        """The string under a key; an empty one where something else stands, or nothing."""
        return text_or_empty(self.get(key))

    def __repr__(self) -> str:
        return _bounded_text(self)

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

    def get(self, key: Any, default: Any = None, /) -> Any:
        """The entry at an index given as a number; the default otherwise."""
        return self[key] if isinstance(key, int) and 0 <= key < len(self) else default

    def at(self, key: Any = None, /) -> Span:
        """The span of the entry at `key`; of the whole sequence where there is none."""
        if isinstance(key, int) and 0 <= key < len(self._edges):
            return Span(*self._edges[key])
        return self._span

    def put(self, value: Any, span: Span, index: int | None = None) -> None:
        """Append a value with its place, or set the entry at an index."""
        if index is None:
            self.append(value)
            self._edges.append((span.start, span.end))
        else:
            self[index], self._edges[index] = value, (span.start, span.end)

    def __repr__(self) -> str:
        return _bounded_text(self)

    def __hash__(self) -> int:  # type: ignore[override]
        """By identity, as Map."""
        return id(self)


def _bounded_text(node: Map | Seq) -> str:
    """A node as Python writes plain data, up to a bound: what aliases of aliases stand for no memory holds."""
    parts: list[str] = []
    size = 0
    stack = [_text_pieces(node)]
    while stack and size < MAX_TEXT_LENGTH:
        piece = next(stack[-1], None)
        if piece is None:
            stack.pop()
        elif isinstance(piece, str):
            parts.append(piece)
            size += len(piece)
        else:
            stack.append(_text_pieces(piece) if len(stack) < MAX_TEXT_NESTING else iter("…"))
    return "".join(parts)


def _text_pieces(node: Map | Seq) -> Iterator[str | Map | Seq]:
    """What a node is written as, the nodes in it still as they are."""
    pairs = node.items() if isinstance(node, Map) else ((None, item) for item in node)
    yield "{" if isinstance(node, Map) else "["
    for index, (key, value) in enumerate(pairs):
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
