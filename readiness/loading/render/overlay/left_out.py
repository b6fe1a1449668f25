"""What an overlay is built without, since it stands elsewhere or nobody here can make it; and what is said of objects in there."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cache
from typing import Any, NamedTuple

from readiness.facts.table import fact_row_by_name
from readiness.loading.render.gather import OverlayRefusedError, refusal_of_entry, remote_chart_error, resolve_file, resolve_folder
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.jsonpatch import unescaped_pointer_segments
from readiness.loading.render.overlay.merge import DELETE_DIRECTIVE, merge_patch, patch_directive
from readiness.loading.render.overlay.placed import (
    MAX_VALUE_NESTING_DEPTH,
    InvalidKustomizationError,
    NeedsOtherBuilderError,
    PlacedValue,
    copy_value,
)
from readiness.loading.render.overlay.resource import OverlayResource
from readiness.loading.render.tree import ConfinedTree
from readiness.loading.render.work import WorkCounter
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass

_PLAIN_WORD = lazy_regex(r"[\w.-]{1,253}\Z")
_DEFINITIONS_NAME = lazy_regex(r"(?:\A|[/_.-])(?:crds?|customresourcedefinitions?)(?:[/_.?-]|\Z)")
# Where an entry of `helmCharts` says what the chart comes from; of `helmChartInflationGenerator` in older words.
_CHART_REPOSITORY_KEYS = ("repo", "chartRepo", "chartRepoUrl")
_END_OF_POINTER = ""  # every step begins with `/`
_KEYS_THAT_SAY_WHICH_OBJECT = frozenset({"apiVersion", "kind", "metadata", "type"})


class MissingPart(NamedTuple):
    """A part that an overlay is built without: why, and what it may hold.

    `may_hold_objects` says whether patches and replacements may be for objects in it, `namespace` in which namespace these are: empty where
    nobody can tell, None where it has none that others speak of. `changes_objects` says whether it may change objects that are here.
    """

    error: RenderError
    may_hold_objects: bool
    namespace: str | None
    changes_objects: bool = False


@dataclass(slots=True)
class LeftOut:
    """What is left out so far. `patch_count` counts the patches that are for nothing that is here."""

    parts: list[MissingPart] = field(default_factory=list)
    patch_count: int = 0
    _part_counts_at_begin: list[int] = field(default_factory=list)
    _namespaces: list[str] = field(default_factory=list)

    def enter_kustomization(self, namespace: str) -> None:
        """Begin a kustomization, of which all objects get a namespace where it is not empty."""
        self._part_counts_at_begin.append(len(self.parts))
        self._namespaces.append(namespace)

    def leave_kustomization(self) -> None:
        """End the kustomization that began last."""
        self._part_counts_at_begin.pop()
        self._namespaces.pop()

    def add_part(self, error: RenderError, name: str = "", *, may_hold_objects: bool, changes_objects: bool = False) -> None:
        """Note a part of the kustomization that began last; `name` is what it is called there."""
        namespace = next(filter(None, self._namespaces), "") if may_hold_objects and not _DEFINITIONS_NAME.search(name.lower()) else None
        self.parts.append(MissingPart(error, may_hold_objects, namespace, changes_objects))

    def may_hold_target(self) -> bool:
        """Whether an object that the kustomization which began last speaks of, and that is not here, may be in a part that is left out."""
        return any(one.may_hold_objects for one in self.parts[self._part_counts_at_begin[-1] :])

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces in which further objects may be, the empty one where nobody can tell which."""
        return frozenset(one.namespace for one in self.parts if one.namespace is not None)


def absent_entry_error(path_entry: PlacedValue) -> InvalidKustomizationError:
    """What is wrong with an entry that names nothing."""
    absent_path = posixpath.normpath(posixpath.join(posixpath.dirname(path_entry.place.source.path), path_entry.string))
    return InvalidKustomizationError(f"it takes in {path_entry.string[:200]!r}, which is not there", path_entry.place, absent_path)


def error_of_entry_elsewhere(
    tree: ConfinedTree, kustomization_folder: str, path_entry: PlacedValue, may_be_made: Callable[[str], bool]
) -> RenderError | None:
    """Why what an entry names is not here: it is remote or out of the tree, or somebody makes it first (`may_be_made`); None for all else."""
    place_text = path_entry.place.source.path
    refusal = refusal_of_entry(tree, kustomization_folder, path_entry.string, place_text)
    entry_path = posixpath.normpath(posixpath.join(kustomization_folder, path_entry.string))
    try:
        if refusal is not None or any(resolve(tree, entry_path, place_text) is not None for resolve in (resolve_file, resolve_folder)):
            return refusal
    except OverlayRefusedError as refusal_of_path:
        return refusal_of_path
    error = absent_entry_error(path_entry)
    return error if may_be_made(error.absent_path) else None


def error_of_charts(charts_value: PlacedValue, charts_key: str, kustomization_source: Source, overlay_path: str) -> RenderError:
    """Why charts are not inflated: one comes from elsewhere, or builders do so only where they are asked."""
    for chart_entry in charts_value.list_entries:
        repository = next((text for name in _CHART_REPOSITORY_KEYS if (text := chart_entry.text_at_path(name))), "")
        if repository:
            return remote_chart_error(repository, kustomization_source.path)
    return NeedsOtherBuilderError(
        f"it takes in Helm charts under `{charts_key[:60]}`, and builders must specify --enable-helm for that;"
        f" `kustomize build --enable-helm {shlex.quote(overlay_path or '.')} | readiness check -` judges what it gives",
        charts_value.key_place,
    )


def has_content(resource: OverlayResource) -> bool:
    """Whether more is known of an object than which one it is."""
    return any(value.data for key, value in resource.node.map.items() if key not in _KEYS_THAT_SAY_WHICH_OBJECT)


def partial_resource_of_patch(patch: PlacedValue, target: PlacedValue | None, counter: WorkCounter) -> OverlayResource | None:
    """What a strategic merge patch says of an object that is not here; None where it takes the object away, or nobody can tell its kind."""
    node = _identified_object(patch, target)
    if node is None or patch_directive(patch) == DELETE_DIRECTIVE:
        return None
    identity_by_key = dict(node.map)
    identified_metadata = dict(identity_by_key["metadata"].map)
    merge_patch(node, patch, counter)
    node.map.update({key: value for key, value in identity_by_key.items() if key != "metadata"})
    if "metadata" in node.map:
        node.map["metadata"].map.update(identified_metadata)
    return OverlayResource(node, is_partial=True)


def partial_resources_of_operations(operations: PlacedValue, target: PlacedValue, counter: WorkCounter) -> Iterator[OverlayResource]:
    """What the operations of a JSON patch set in an object that is not here, each by itself: nobody knows which entries of lists are the same.

    What a later operation of the patch takes away again is nothing.
    """
    lasting_operations = []
    paths_taken_away = _PointerSet()
    for operation in reversed(operations.list_entries):
        path = operation.text_at_path("path")
        if not paths_taken_away.has_part_of(path):
            lasting_operations.append(operation)
        if operation.text_at_path("op") in {"remove", "move"}:
            paths_taken_away.add(path if operation.text_at_path("op") == "remove" else operation.text_at_path("from"))
    for operation in reversed(lasting_operations):
        value = operation.map.get("value")
        segments = unescaped_pointer_segments(operation.text_at_path("path"))
        if operation.text_at_path("op") not in {"add", "replace"} or value is None or not 0 < len(segments) <= MAX_VALUE_NESTING_DEPTH:
            continue
        node = _identified_object(operation, target)
        if node is None or segments[0] in {"apiVersion", "kind"} or segments[:2] in (["metadata", "name"], ["metadata", "namespace"]):
            continue
        counter.count_values(len(segments))
        inner_value = copy_value(value, counter)
        for segment in reversed(segments[1:]):
            is_list_entry = segment == "-" or segment.isdecimal()
            inner_value = PlacedValue([inner_value] if is_list_entry else {segment: inner_value}, operation.place, operation.place)
        if segments[0] == "metadata":
            node.map["metadata"].map.update(inner_value.map)
        else:
            node.map[segments[0]] = inner_value
        yield OverlayResource(node, is_partial=True)


class _PointerSet:
    """JSON pointers, by their steps: a look at one takes as long as it is."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, pointer: str) -> None:
        """Add a pointer, unless it has more steps than any value that is made here."""
        segments = unescaped_pointer_segments(pointer)
        if len(segments) > MAX_VALUE_NESTING_DEPTH:
            return
        children = self._root
        for segment in segments:
            children = children.setdefault(f"/{segment}", {})
        children[_END_OF_POINTER] = {}

    def has_part_of(self, pointer: str) -> bool:
        """Whether a pointer, or the beginning of it, is one of these."""
        children = self._root
        for segment in unescaped_pointer_segments(pointer):
            if f"/{segment}" not in children:
                return False
            children = children[f"/{segment}"]
            if _END_OF_POINTER in children:
                return True
        return False


def _identified_object(patch: PlacedValue, target: PlacedValue | None) -> PlacedValue | None:
    """An object that has nothing but the kind and the name of what a patch is for; None where nobody can tell its kind."""
    place = patch.place
    kind = (target.text_at_path("kind") if target else "") or patch.text_at_path("kind")
    if not _PLAIN_WORD.match(kind):
        return None
    target_group_and_version = "/".join(filter(None, (target.text_at_path("group"), target.text_at_path("version")))) if target else ""
    has_version = target is not None and target.text_at_path("version")
    api_version = patch.text_at_path("apiVersion") or (target_group_and_version if has_version else "") or _api_version_by_kind().get(kind, "")
    if not api_version:
        return None
    name = (target.text_at_path("name") if target else "") or patch.text_at_path("metadata", "name") or "*"
    namespace = (target.text_at_path("namespace") if target else "") or patch.text_at_path("metadata", "namespace")
    text_by_key = {"name": name, "namespace": namespace} if namespace else {"name": name}
    metadata = PlacedValue({key: PlacedValue(text, place, place) for key, text in text_by_key.items()}, place, place)
    identity = {"apiVersion": PlacedValue(api_version, place, place), "kind": PlacedValue(kind, place, place), "metadata": metadata}
    return PlacedValue(dict(identity), place, place)


@cache
def _api_version_by_kind() -> dict[str, str]:
    """The API version of each kind that Kubernetes brings along: of several the first by name, which is a stable one where there is one."""
    versions_and_kinds = (name.split(" ") for name in sorted(fact_row_by_name("kubernetes-kinds"), reverse=True))
    return {kind: api_version for api_version, kind in versions_and_kinds}
