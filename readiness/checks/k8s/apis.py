"""API versions: removed, deprecated, with a stable successor; kinds that a group does not have."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from readiness.kinds.k8s.model import Object
from readiness.model import Hit, hit
from readiness.model.package import DATA

NEWEST = "1.37"


@functools.cache
def table() -> dict[tuple[str, str], dict[str, str]]:
    """The deprecated API versions of the official guide, by version and kind."""
    rows = json.loads((DATA / "k8s-apis.json").read_text(encoding="utf-8"))
    return {(row["api"], row["kind"]): row for row in rows}


@functools.cache
def fields() -> dict[str, Any]:
    """The kinds of the newest Kubernetes by API version, and the fields of their types."""
    found: dict[str, Any] = json.loads((DATA / "k8s-fields.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def groups() -> dict[str, frozenset[str]]:
    """The kinds of each API group of Kubernetes, over all versions, removed ones too."""
    made: dict[str, set[str]] = {}
    for version, kinds in fields()["kinds"].items():
        made.setdefault(version.rpartition("/")[0], set()).update(kinds)
    for version, kind in table():
        made.setdefault(version.rpartition("/")[0], set()).add(kind)
    return {group: frozenset(kinds) for group, kinds in made.items()}


def order(version: str) -> tuple[int, int]:
    """A Kubernetes version as numbers; nothing comes before what is no version."""
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def removed(one: Object, *, version: str = NEWEST) -> Iterator[Hit]:
    """The object's API version is no longer served in a Kubernetes version."""
    row = table().get((one.api_version, one.kind))
    if row and row["removed"] and order(row["removed"]) <= order(version):
        yield hit(one.node.at("apiVersion"), removed=row["removed"], instead=_instead(row))


def _instead(row: dict[str, str]) -> str:
    return f"use {row['replacement']}" if row["replacement"] else "nothing takes its place"


def deprecated(one: Object, *, version: str = NEWEST) -> Iterator[Hit]:
    """The object's API version is served and deprecated in a Kubernetes version."""
    row = table().get((one.api_version, one.kind))
    if row is None or not row["deprecated"] or order(row["deprecated"]) > order(version):
        return
    if not row["removed"] or order(row["removed"]) > order(version):
        yield hit(one.node.at("apiVersion"), deprecated=row["deprecated"], instead=_instead(row))


def unstable(one: Object, *, version: str = NEWEST) -> Iterator[Hit]:
    """The object's API version has a stable successor in a Kubernetes version."""
    row = table().get((one.api_version, one.kind))
    if row and row["replacement"] and order(row["since"]) <= order(version):
        yield hit(one.node.at("apiVersion"), instead=row["replacement"])


def extensions(one: Object) -> Iterator[Hit]:
    """The object is of the group extensions, which is gone."""
    if one.api_version == "extensions/v1beta1":
        yield hit(one.node.at("apiVersion"))


def kind_unknown(one: Object) -> Iterator[Hit]:
    """The kind is none of those that its group of Kubernetes has, in any version."""
    known = groups().get(one.group)
    if (
        known is None
        or one.node.get("apiVersion") is None
        or one.kind in known
        or one.kind.endswith("List")
    ):
        return
    if "/" not in one.api_version and one.api_version != "v1":
        return
    home = next((name for name, kinds in groups().items() if one.kind in kinds), None)
    where = f"; {one.kind} is of {home or 'v1'}" if home is not None else ""
    yield hit(one.node.at("kind"), group=one.api_version, where=where)


def version_unknown(one: Object) -> Iterator[Hit]:
    """The kind is one of its group, and the API version one that never served it or only early ones did."""
    kinds = fields()["kinds"]
    if one.kind not in groups().get(one.group, ()) or one.kind in kinds.get(one.api_version, ()):
        return
    if (one.api_version, one.kind) in table():
        return
    served = [
        name
        for name, known in kinds.items()
        if one.kind in known and name.rpartition("/")[0] == one.group
    ]
    if served:
        yield hit(one.node.at("apiVersion"), served=" and ".join(sorted(served)))
