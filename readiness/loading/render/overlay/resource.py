"""One object on its way through an overlay: what it is called now, and what it was called before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from readiness.facts.table import fact_row_by_name
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    WrittenPlace,
)
from readiness.model.records import dataclass

_CLUSTER_SCOPED_KINDS = frozenset({"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"})


class ObjectIdentity(NamedTuple):
    """What an object is told from others by; `namespace` is empty where it says none."""

    group: str
    kind: str
    name: str
    namespace: str


@dataclass(slots=True, eq=False)
class OverlayResource:
    """An object, its identities from the first to the one before the last, and the prefixes and suffixes it was given.

    `is_partial` marks one of which only a part is known, since the rest stands elsewhere.
    """

    node: PlacedValue
    former_identities: dict[ObjectIdentity, None] = field(default_factory=dict)
    name_affixes: list[str] = field(default_factory=list)
    is_partial: bool = False

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.node.text_at_path("kind")

    @property
    def name(self) -> str:
        """Its name today."""
        return self.node.text_at_path("metadata", "name")

    @property
    def group(self) -> str:
        """The group of its API; empty for the core."""
        return self.node.text_at_path("apiVersion").rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version of its API, without the group."""
        return self.node.text_at_path("apiVersion").rpartition("/")[2]

    @property
    def identity(self) -> ObjectIdentity:
        """What it is today."""
        return ObjectIdentity(self.group, self.kind, self.name, self.node.text_at_path("metadata", "namespace"))

    @property
    def identities(self) -> Iterator[ObjectIdentity]:
        """All that it was ever called, today's name first."""
        yield self.identity
        yield from reversed(self.former_identities)

    def remember_identity(self) -> None:
        """Note what it is called before that changes."""
        self.former_identities.setdefault(self.identity)

    def is_called(self, identity: ObjectIdentity) -> bool:
        """Whether it is or was the object of that kind, name and namespace."""
        if not self.former_identities and self.name != identity.name:  # most are another: in a tenth of the time
            return False
        return any(
            (one.group, one.kind, one.name) == identity[:3] and (one.namespace or "default") == (identity.namespace or "default")
            for one in self.identities
        )


def overlay_resource_of(object_value: PlacedValue) -> OverlayResource:
    """An object as a resource. Raises InvalidKustomizationError for what is none."""
    verify_is_object(object_value)
    return OverlayResource(object_value)


def verify_is_object(object_value: PlacedValue, *, after: str = "") -> None:
    """Raise InvalidKustomizationError where something is no Kubernetes object; `after` says what left it so."""
    if not isinstance(object_value.data, dict) or not object_value.text_at_path("kind"):
        raise InvalidKustomizationError(f"{after}this is no Kubernetes object: it has no kind", object_value.place)
    if not object_value.text_at_path("metadata", "name"):
        raise InvalidKustomizationError(f"{after}this {object_value.text_at_path('kind')[:80]} has no metadata.name", object_value.place)


def is_cluster_scoped(object_value: PlacedValue) -> bool:
    """Whether an object stands in no namespace; one of a kind that nobody knows stands in one."""
    kind_facts = fact_row_by_name("kubernetes-kinds").get(f"{object_value.text_at_path('apiVersion')} {object_value.text_at_path('kind')}")
    return bool(kind_facts and kind_facts.get("cluster")) or (kind_facts is None and object_value.text_at_path("kind") in _CLUSTER_SCOPED_KINDS)


def ensure_metadata(object_value: PlacedValue, written_place: WrittenPlace) -> PlacedValue:
    """The metadata of an object, made where there is none."""
    return ensure_mapping(object_value, ("metadata",), written_place)


def ensure_mapping(object_value: PlacedValue, key_path: tuple[str, ...], written_place: WrittenPlace) -> PlacedValue:
    """The mapping under a path, made where there is none."""
    for key in key_path:
        inner_mapping = object_value.map.get(key)
        if inner_mapping is None or not isinstance(inner_mapping.data, dict):
            inner_mapping = object_value.map[key] = PlacedValue({}, written_place, written_place)
        object_value = inner_mapping
    return object_value


def expand_list_object(object_value: PlacedValue) -> Iterator[PlacedValue]:
    """An object, or those of a List."""
    list_items = object_value.map.get("items")
    if object_value.text_at_path("kind").endswith("List") and list_items is not None and isinstance(list_items.data, list):
        for item in list_items.data:
            yield from expand_list_object(item)
    else:
        yield object_value
