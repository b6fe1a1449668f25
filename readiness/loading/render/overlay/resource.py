"""One object on its way through an overlay: what it is called now, and what it was called before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from readiness.facts.table import fact_rows
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    WrittenPlace,
)

_CLUSTER_SCOPED_KINDS = frozenset({"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"})


class ObjectIdentity(NamedTuple):
    """What an object is told from others by; `namespace` is empty where it says none."""

    group: str
    kind: str
    name: str
    namespace: str


@dataclass(slots=True, eq=False)
class OverlayResource:
    """An object, its identities from the first to the one before the last, and the prefixes and suffixes it was given."""

    node: PlacedValue
    former_identities: list[ObjectIdentity] = field(default_factory=list)
    name_affixes: list[str] = field(default_factory=list)

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
        now = self.identity
        if now not in self.former_identities:
            self.former_identities.append(now)

    def is_called(self, identity: ObjectIdentity) -> bool:
        """Whether it is or was the object of that kind, name and namespace."""
        return any(
            (one.group, one.kind, one.name) == identity[:3]
            and (one.namespace or "default") == (identity.namespace or "default")
            for one in self.identities
        )


def resource_of(node: PlacedValue) -> OverlayResource:
    """An object as a resource. Raises RenderError for what is none."""
    if not isinstance(node.data, dict) or not node.text_at_path("kind"):
        raise InvalidKustomizationError("this is no Kubernetes object: it has no kind", node.place)
    if not node.text_at_path("metadata", "name"):
        raise InvalidKustomizationError(f"this {node.text_at_path('kind')} has no metadata.name", node.place)
    return OverlayResource(node)


def is_cluster_scoped(node: PlacedValue) -> bool:
    """Whether an object stands in no namespace; one of a kind that nobody knows stands in one."""
    known = fact_rows("kubernetes-kinds").get(f"{node.text_at_path('apiVersion')} {node.text_at_path('kind')}")
    return bool(known and known.get("cluster")) or (known is None and node.text_at_path("kind") in _CLUSTER_SCOPED_KINDS)


def ensure_metadata(node: PlacedValue, place: WrittenPlace) -> PlacedValue:
    """The metadata of an object, made where there is none."""
    return ensure_mapping(node, ("metadata",), place)


def ensure_mapping(node: PlacedValue, path: tuple[str, ...], place: WrittenPlace) -> PlacedValue:
    """The mapping under a path, made where there is none."""
    for key in path:
        found = node.map.get(key)
        if found is None or not isinstance(found.data, dict):
            found = node.map[key] = PlacedValue({}, place, place)
        node = found
    return node


def matches_whole_text(pattern: str, text: str) -> bool:
    """Whether a selector's expression describes a whole text; a selector that says nothing fits all."""
    if not pattern:
        return True
    if re.fullmatch(r"[\w.-]*", pattern) and "." not in pattern:
        return pattern == text
    return is_matched(pattern, text)


_SAFE_REGEX = re.compile(r"(?:[\w /:-]|\\[.\w]|\.\*|\.\+|\.|\||\(|\)|\^|\$)*\Z")


def is_matched(pattern: str, text: str) -> bool:
    """A regular expression of a selector against a text. Raises RenderError for one that may take long, or is none."""
    if len(pattern) > 200 or pattern.count("*") + pattern.count("+") > 3 or not _SAFE_REGEX.match(pattern):
        raise RenderError(f"the expression {pattern[:80]!r} of a selector is not read")
    try:
        return bool(re.fullmatch(f"(?:{pattern})", text[:253]))
    except re.error:
        raise RenderError(f"{pattern[:80]!r} of a selector is no regular expression") from None
