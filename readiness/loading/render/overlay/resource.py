"""One object on its way through an overlay: what it is called now, and what it was called before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from readiness.facts.table import fact_row_by_name
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    WrittenPlace,
)
from readiness.model.lazy_regex import lazy_regex
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
    former_identities: list[ObjectIdentity] = field(default_factory=list)
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
        current_identity = self.identity
        if current_identity not in self.former_identities:
            self.former_identities.append(current_identity)

    def is_called(self, identity: ObjectIdentity) -> bool:
        """Whether it is or was the object of that kind, name and namespace."""
        return any(
            (one.group, one.kind, one.name) == identity[:3] and (one.namespace or "default") == (identity.namespace or "default")
            for one in self.identities
        )


def overlay_resource_of(object_value: PlacedValue) -> OverlayResource:
    """An object as a resource. Raises RenderError for what is none."""
    if not isinstance(object_value.data, dict) or not object_value.text_at_path("kind"):
        raise InvalidKustomizationError("this is no Kubernetes object: it has no kind", object_value.place)
    if not object_value.text_at_path("metadata", "name"):
        raise InvalidKustomizationError(f"this {object_value.text_at_path('kind')} has no metadata.name", object_value.place)
    return OverlayResource(object_value)


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


def matches_selector_pattern(pattern: str, text: str) -> bool:
    """Whether a selector's expression describes a whole text; a selector that says nothing fits all."""
    if not pattern:
        return True
    if re.fullmatch(r"[\w.-]*", pattern) and "." not in pattern:
        return pattern == text
    return is_matched_by_safe_regex(pattern, text)


_REGEX_WITHOUT_BACKTRACKING = lazy_regex(r"(?:[\w /:-]|\\[.\w]|\.\*|\.\+|\.|\||\(|\)|\^|\$)*\Z")


def is_matched_by_safe_regex(pattern: str, text: str) -> bool:
    """A regular expression of a selector against a text. Raises RenderError for one that may take long, or is none."""
    if len(pattern) > 200 or pattern.count("*") + pattern.count("+") > 3 or not _REGEX_WITHOUT_BACKTRACKING.match(pattern):
        raise RenderError(f"the expression {pattern[:80]!r} of a selector is not read")
    try:
        return bool(re.fullmatch(f"(?:{pattern})", text[:253]))
    except re.error:
        raise RenderError(f"{pattern[:80]!r} of a selector is no regular expression") from None
