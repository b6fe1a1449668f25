"""Where what kustomize built was written: the file that an object's origin names, and the patches that speak of it.

What is asked of many objects and many findings is looked up: neither is gone through for each of the other.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from readiness.loading.parsed import ParsedTexts
from readiness.loading.render.made import GeneratedSource
from readiness.loading.render.tree import ConfinedTree
from readiness.model import ParseError, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

if TYPE_CHECKING:
    from readiness.loading.render.kustomize import Kustomization

MAX_NAME_COMPARISONS_PER_OVERLAY = 500_000  # of a built object and one that it may come from; past them a name must be the same
MAX_CANDIDATES_PER_OBJECT = 32  # that a place is looked for in: the origin, and as many of the last patches
_ORIGIN_ANNOTATION = "config.kubernetes.io/origin"
_ORIGIN_PATH_LINE = lazy_regex(r"^[ \t]*(?:path|configuredIn): (.+)$", re.MULTILINE)


class _OriginObject(NamedTuple):
    """An object of a file that one which was built may come from."""

    name: str
    source: Source
    node: Map


class _BuiltObject(NamedTuple):
    """A built object, what it may come from, the last patch first, and the file to name where none of them is found."""

    node: Map
    candidates: list[_OriginObject]
    fallback_source: Source


class TreeCopy(NamedTuple):
    """The folder with the copy that a builder was given, and the tree that it was made of."""

    folder: Path
    tree: ConfinedTree


class BuiltOverlay(GeneratedSource):
    """What an overlay built. An object is told in the file that its origin names, a field of it that a patch sets
    in the patch.

    `lost` are the documents that do not parse, with the reason and the file that they came from: in `text` there are
    blanks in their place. `confined` says whether the builder ran without a network.
    """

    __slots__ = ("_objects", "_places", "_starts", "confined", "lost")

    def __init__(self, path: str, text: str, environment: str) -> None:
        super().__init__(path, text, environment)
        self.confined = True
        self.lost: list[tuple[str, ParseError, Source]] = []
        self._objects: list[_BuiltObject] = []
        self._starts: list[int] = []
        self._places = _NodePlaces()

    def add_object(self, node: Map, candidates: list[_OriginObject], fallback_source: Source) -> None:
        """Note the next object of the text, with what it may come from."""
        self._objects.append(_BuiltObject(node, candidates, fallback_source))
        self._starts.append(node.at().start)

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """The deepest place of the same path, in the last patch that has all of it, else in the origin."""
        object_index = bisect.bisect_right(self._starts, span.start) - 1
        if object_index < 0 or span.start > self._objects[object_index].node.at().end:
            return self._objects[0].fallback_source, Span(0, 0)
        built_object = self._objects[object_index]
        key_path = list(self._places.key_path_to_span(built_object.node, span))
        followed = [(*self._places.followed_count_and_span(one.node, key_path), one.source) for one in built_object.candidates]
        if not followed:
            return built_object.fallback_source, built_object.fallback_source.one_line(Span(0, len(built_object.fallback_source.text)))
        _, deepest_span, source = max(followed, key=lambda one: one[0])
        return source, source.one_line(deepest_span)


class _NodePlaces:
    """The entries of mappings and lists by their places and by their keys, each worked out once."""

    def __init__(self) -> None:
        self._starts_and_keys_by_node: dict[Map | Seq, tuple[list[int], list[Any]]] = {}
        self._index_by_key_by_list: dict[Seq, dict[Any, int]] = {}

    def key_path_to_span(self, node: Any, span: Span) -> Iterator[Any]:
        """The keys that lead from a mapping to the deepest value around a place; list entries by their names."""
        while isinstance(node, Map | Seq):
            starts, keys = self._starts_and_keys(node)
            entry_index = bisect.bisect_right(starts, span.start) - 1
            if entry_index < 0:
                return
            key = keys[entry_index]
            value_span = node.entry_span(key) if isinstance(node, Map) else node.at(key)
            if not value_span.start <= span.start < value_span.end:
                return
            if isinstance(node, Map) and value_span.start == node.at().start and span.start < node.at(key).start:
                return  # the first entry begins where its mapping does: the place is the mapping's
            yield key if isinstance(node, Map) else _key_of_list_entry(node[key], key)
            node = node[key]

    def _starts_and_keys(self, node: Map | Seq) -> tuple[list[int], list[Any]]:
        """Where the entries of a node begin, in order, and their keys or numbers."""
        if node not in self._starts_and_keys_by_node:
            keys: Iterable[Any] = node if isinstance(node, Map) else range(len(node))
            pairs = sorted(((node.entry_span(key) if isinstance(node, Map) else node.at(key)).start, index, key) for index, key in enumerate(keys))
            self._starts_and_keys_by_node[node] = [start for start, _, _ in pairs], [key for _, _, key in pairs]
        return self._starts_and_keys_by_node[node]

    def followed_count_and_span(self, node: Map, key_path: list[Any]) -> tuple[int, Span]:
        """How far a path can be followed, and the place that this leads to."""
        deepest_span, value = node.at(), node
        for key_count, key in enumerate(key_path):
            child_and_span = self._child_and_span(value, key)
            if child_and_span is None:
                return key_count, deepest_span
            value, deepest_span = child_and_span
        return len(key_path), deepest_span

    def _child_and_span(self, node: Any, key: Any) -> tuple[Any, Span] | None:
        """(value, place) under one step; None where there is none."""
        if isinstance(node, Map):
            return (node[key], node.at(key)) if key in node else None
        if not isinstance(node, Seq):
            return None
        if node not in self._index_by_key_by_list:
            index_by_key = self._index_by_key_by_list[node] = {}
            for index, item in enumerate(node):
                index_by_key.setdefault(index, index)
                name = item.get("name") if isinstance(item, Map) else None
                if isinstance(name, str):
                    index_by_key.setdefault(name, index)
        index = self._index_by_key_by_list[node].get(key, -1)
        return None if index < 0 else (node[index], node.at(index))


def _key_of_list_entry(item: Any, index: int) -> str | int:
    """What an entry of a list is known by: its name, else its number."""
    name = item.get("name") if isinstance(item, Map) else None
    return name if isinstance(name, str) else index


def trace_origins(
    built_overlay: BuiltOverlay,
    kustomizations: list[Kustomization],
    source_by_path: Mapping[str, Source],
    tree_copy: TreeCopy,
    parsed_yaml: ParsedTexts,
) -> None:
    """Note for each object that was built where it was written: its origin, and the patches that speak of it."""
    patch_sources = [source_by_path[path] for one in kustomizations for path in one.patch_files if path in source_by_path]
    objects_of_patches = _OriginObjects(patch_sources, parsed_yaml)
    objects_by_source: dict[Source, _OriginObjects] = {}

    def source_of_origin(origin_annotation: str) -> Source | None:
        origin_path_match = _ORIGIN_PATH_LINE.search(origin_annotation)
        if not origin_path_match:
            return None
        real_origin_path = os.path.realpath(tree_copy.folder.parent / origin_path_match.group(1).strip())
        return source_by_path.get(tree_copy.tree.report_path(os.path.relpath(real_origin_path, tree_copy.folder)))

    built_overlay.lost = [(text, error, source_of_origin(text) or default_source) for text, error, default_source in built_overlay.lost]
    for built_object in load_yaml_documents(built_overlay.text):
        if not isinstance(built_object, Map):
            continue
        note = built_object.mapping_at_path("metadata", "annotations").get(_ORIGIN_ANNOTATION)
        origin_source = source_of_origin(note) if isinstance(note, str) else None
        candidates: list[_OriginObject] = []
        if origin_source is not None:
            if origin_source not in objects_by_source:
                objects_by_source[origin_source] = _OriginObjects([origin_source], parsed_yaml)
            candidates = objects_by_source[origin_source].possible_origins(built_object)
        candidates = [*candidates, *objects_of_patches.possible_origins(built_object)]
        built_overlay.add_object(built_object, candidates[::-1], origin_source or kustomizations[0].source)


class _OriginObjects:
    """The objects of some files, by kind."""

    def __init__(self, sources: Iterable[Source], parsed_yaml: ParsedTexts) -> None:
        self._objects_by_kind: dict[str, list[_OriginObject]] = {}
        self._objects_by_kind_and_name: dict[tuple[str, str], list[_OriginObject]] = {}
        self._comparisons_left = MAX_NAME_COMPARISONS_PER_OVERLAY
        for source in sources:
            try:
                documents = parsed_yaml.documents(source)
            except ParseError:
                continue
            for node in documents:
                if isinstance(node, Map):
                    origin_object = _OriginObject(_object_name(node), source, node)
                    self._objects_by_kind.setdefault(node.string_under("kind"), []).append(origin_object)
                    self._objects_by_kind_and_name.setdefault((node.string_under("kind"), origin_object.name), []).append(origin_object)

    def possible_origins(self, built_object: Map) -> list[_OriginObject]:
        """The last of those that an object may have been made from: the kind, and the name but for what is added."""
        built_kind, built_name = built_object.string_under("kind"), _object_name(built_object)
        objects_of_kind = self._objects_by_kind.get(built_kind, [])
        self._comparisons_left -= len(objects_of_kind)
        if self._comparisons_left < 0:
            return self._objects_by_kind_and_name.get((built_kind, built_name), [])[-MAX_CANDIDATES_PER_OBJECT:]
        return [one for one in objects_of_kind if one.name in built_name][-MAX_CANDIDATES_PER_OBJECT:]


def _object_name(object_mapping: Map) -> str:
    name = object_mapping.mapping_at_path("metadata").get("name")
    return name if isinstance(name, str) else ""
