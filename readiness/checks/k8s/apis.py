"""API versions: removed, deprecated, with a stable successor; kinds that a group does not have."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from readiness.facts.table import fact_column, fact_rows, facts_table
from readiness.kinds.k8s.model import Object
from readiness.model import CheckOutcome, Hit, Severity, hit


def newest_kubernetes_version() -> str:
    """The newest version of Kubernetes whose kinds are known."""
    return facts_table("kubernetes-kinds").version


def deprecation_facts(obj: Object) -> Mapping[str, Any] | None:
    """What the deprecation guide says of an object's API version; None where it says nothing."""
    found: Mapping[str, Any] | None = fact_rows("kubernetes-apis").get(f"{obj.api_version} {obj.kind}")
    return found


def kind_facts(obj: Object) -> Mapping[str, Any]:
    """The type of an object and whether its kind stands in no namespace; empty for kinds and versions that are not known."""
    found: Mapping[str, Any] = fact_rows("kubernetes-kinds").get(f"{obj.api_version} {obj.kind}", {})
    return found


@functools.cache
def kinds_by_group() -> dict[str, frozenset[str]]:
    """The kinds of each API group of Kubernetes, over all versions, removed ones too."""
    made: dict[str, set[str]] = {}
    for name in (*fact_rows("kubernetes-kinds"), *fact_rows("kubernetes-apis")):
        version, _, kind = name.partition(" ")
        made.setdefault(version.rpartition("/")[0], set()).add(kind)
    return {group: frozenset(kinds) for group, kinds in made.items()}


@functools.cache
def namespaced_kinds() -> frozenset[str]:
    """The kinds of Kubernetes whose objects stand in a namespace."""
    known = fact_rows("kubernetes-kinds").items()
    return frozenset(name.partition(" ")[2] for name, row in known if "cluster" not in row)


@functools.cache
def _served_versions() -> dict[tuple[str, str], tuple[str, ...]]:
    """(group, kind) -> the API versions that the newest Kubernetes serves it in."""
    made: dict[tuple[str, str], tuple[str, ...]] = {}
    for name in fact_rows("kubernetes-kinds"):
        version, _, kind = name.partition(" ")
        key = (version.rpartition("/")[0], kind)
        made[key] = (*made.get(key, ()), version)
    return made


def version_order(version: str) -> tuple[int, int]:
    """A Kubernetes version as numbers; nothing comes before what is no version."""
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def api_version_removed(obj: Object, *, version: str = "") -> CheckOutcome:
    """The object's API version is no longer served in a Kubernetes version (default: the newest)."""
    row = deprecation_facts(obj)
    if obj.source.fragment and obj.source.parent is None:
        return  # a patch: what it names is not applied by itself
    if row and "removed" in row and version_order(row["removed"]) <= version_order(version or newest_kubernetes_version()):
        yield _outdated(obj, row, "removed")


def _outdated(obj: Object, row: Mapping[str, Any], since: str) -> Hit:
    """The hit on a version that is gone or deprecated, with what takes its place; `since` is the property that says when."""
    if "replacement" not in row:
        return Hit(obj.node.at("apiVersion"), {since: row[since]}, message_name="alone")
    facts = {since: row[since], "instead": row["replacement"]}
    return Hit(obj.node.at("apiVersion"), facts, message_name="replaced")


def api_version_deprecated(obj: Object, *, version: str = "") -> CheckOutcome:
    """The object's API version is served and deprecated in a Kubernetes version (default: the newest)."""
    row = deprecation_facts(obj)
    known = version_order(version or newest_kubernetes_version())
    if row is None or "deprecated" not in row or version_order(row["deprecated"]) > known:
        return
    if "removed" not in row or version_order(row["removed"]) > known:
        yield _outdated(obj, row, "deprecated")


def api_version_unstable(obj: Object, *, version: str = "") -> CheckOutcome:
    """The object's API version has a stable successor in a Kubernetes version (default: the newest)."""
    row = deprecation_facts(obj)
    if row and "replacement" in row and version_order(row["since"]) <= version_order(version or newest_kubernetes_version()):
        yield hit(obj.node.at("apiVersion"), instead=row["replacement"])


def api_group_extensions(obj: Object) -> CheckOutcome:
    """The object is of the group extensions, which is gone."""
    if obj.api_version == "extensions/v1beta1":
        yield hit(obj.node.at("apiVersion"))


def kind_unknown(obj: Object) -> CheckOutcome:
    """The kind is none of those that its group of Kubernetes has, in any version; a patch may name any, its target tells.

    Low for what OpenShift once had in `v1`: `oc` takes it with a warning.
    """
    if obj.source.fragment and obj.source.parent is None:
        return
    known = kinds_by_group().get(obj.group)
    if known is None or obj.node.get("apiVersion") is None or obj.kind in known or obj.kind.endswith("List"):
        return
    if "/" not in obj.api_version and obj.api_version != "v1":
        return
    legacy = fact_column("openshift-kinds", "group").get(obj.kind)
    if legacy is not None and obj.api_version == "v1":
        yield hit(obj.node.at("kind"), severity=Severity.LOW, say="openshift", instead=f"{legacy}/v1")
        return
    home = next((name for name, kinds in kinds_by_group().items() if obj.kind in kinds), None)
    where = f"; {obj.kind} is of {home or 'v1'}" if home is not None else ""
    yield hit(obj.node.at("kind"), say="unknown", group=obj.api_version, where=where)


def api_version_unknown(obj: Object) -> CheckOutcome:
    """The kind is one of its group, and the API version one that never served it or only early ones did."""
    if obj.kind not in kinds_by_group().get(obj.group, ()) or kind_facts(obj) or deprecation_facts(obj) is not None:
        return
    served = _served_versions().get((obj.group, obj.kind), ())
    if served:
        yield hit(obj.node.at("apiVersion"), served=" and ".join(sorted(served)))
