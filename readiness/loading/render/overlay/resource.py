"""One object on its way through an overlay: what it is called now, and what it was called before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from readiness.facts.table import rows
from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import BrokenError, Place, Value

_CLUSTER = frozenset({"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"})


class Identity(NamedTuple):
    """What an object is told from others by; `namespace` is empty where it says none."""

    group: str
    kind: str
    name: str
    namespace: str


@dataclass(slots=True, eq=False)
class Resource:
    """An object, its identities from the first to the one before the last, and the prefixes and suffixes it was given."""

    node: Value
    former: list[Identity] = field(default_factory=list)
    affixes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.node.under("kind")

    @property
    def name(self) -> str:
        """Its name today."""
        return self.node.under("metadata", "name")

    @property
    def identity(self) -> Identity:
        """What it is today."""
        group = self.node.under("apiVersion").rpartition("/")[0]
        return Identity(group, self.kind, self.name, self.node.under("metadata", "namespace"))

    @property
    def identities(self) -> Iterator[Identity]:
        """All that it was ever called, today's name first."""
        yield self.identity
        yield from reversed(self.former)

    def remember(self) -> None:
        """Note what it is called before that changes."""
        now = self.identity
        if now not in self.former:
            self.former.append(now)

    def is_called(self, wanted: Identity) -> bool:
        """Whether it is or was the object of that kind, name and namespace."""
        return any(
            (one.group, one.kind, one.name) == wanted[:3]
            and (one.namespace or "default") == (wanted.namespace or "default")
            for one in self.identities
        )


def resource_of(node: Value) -> Resource:
    """An object as a resource. Raises RenderError for what is none."""
    if not isinstance(node.data, dict) or not node.under("kind"):
        raise BrokenError("this is no Kubernetes object: it has no kind", node.place)
    if not node.under("metadata", "name"):
        raise BrokenError(f"this {node.under('kind')} has no metadata.name", node.place)
    return Resource(node)


def is_cluster_scoped(node: Value) -> bool:
    """Whether an object stands in no namespace; one of a kind that nobody knows stands in one."""
    known = rows("kubernetes-kinds").get(f"{node.under('apiVersion')} {node.under('kind')}")
    return bool(known and known.get("cluster")) or (
        known is None and node.under("kind") in _CLUSTER
    )


def metadata_of(node: Value, place: Place) -> Value:
    """The metadata of an object, made where there is none."""
    return mapping_at(node, ("metadata",), place)


def mapping_at(node: Value, path: tuple[str, ...], place: Place) -> Value:
    """The mapping under a path, made where there is none."""
    for key in path:
        found = node.map.get(key)
        if found is None or not isinstance(found.data, dict):
            found = node.map[key] = Value({}, place, place)
        node = found
    return node


def fits(pattern: str, text: str) -> bool:
    """Whether a selector's expression describes a whole text; a selector that says nothing fits all."""
    if not pattern:
        return True
    if re.fullmatch(r"[\w.-]*", pattern) and "." not in pattern:
        return pattern == text
    return is_matched(pattern, text)


_SIMPLE = re.compile(r"(?:[\w /:-]|\\[.\w]|\.\*|\.\+|\.|\||\(|\)|\^|\$)*\Z")


def is_matched(pattern: str, text: str) -> bool:
    """A regular expression of a selector against a text. Raises RenderError for one that may take long, or is none."""
    if (
        len(pattern) > 200
        or pattern.count("*") + pattern.count("+") > 3
        or not _SIMPLE.match(pattern)
    ):
        raise RenderError(f"the expression {pattern[:80]!r} of a selector is not read")
    try:
        return bool(re.fullmatch(f"(?:{pattern})", text[:253]))
    except re.error:
        raise RenderError(f"{pattern[:80]!r} of a selector is no regular expression") from None
