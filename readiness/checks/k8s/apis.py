"""API versions: removed, deprecated, with a stable successor; kinds that a group does not have."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from readiness.checks.k8s.written import lowered_where_values_decide
from readiness.facts.table import fact_row_by_name, facts_table, property_by_fact_name
from readiness.kinds.k8s.cluster_version import pinned_cluster_version
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Object
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Hit, Severity, hit, spelling
from readiness.model.project import Project


def newest_kubernetes_version() -> str:
    """The newest version of Kubernetes whose kinds are known."""
    return facts_table("kubernetes-kinds").version


def deprecation_facts(obj: Object) -> Mapping[str, Any] | None:
    """What the deprecation guide says of an object's API version; None where it says nothing."""
    deprecation_row: Mapping[str, Any] | None = fact_row_by_name("kubernetes-apis").get(f"{obj.api_version} {obj.kind}")
    return deprecation_row


def kind_facts(obj: Object) -> Mapping[str, Any]:
    """The type of an object and whether its kind stands in no namespace; empty for kinds and versions that are not known."""
    kind_row: Mapping[str, Any] = fact_row_by_name("kubernetes-kinds").get(f"{obj.api_version} {obj.kind}", {})
    return kind_row


@functools.cache
def kinds_by_group() -> dict[str, frozenset[str]]:
    """The kinds of each API group of Kubernetes, over all versions, removed ones too."""
    kind_set_by_group: dict[str, set[str]] = {}
    for version_and_kind in (*fact_row_by_name("kubernetes-kinds"), *fact_row_by_name("kubernetes-apis")):
        api_version, _, kind = version_and_kind.partition(" ")
        kind_set_by_group.setdefault(api_version.rpartition("/")[0], set()).add(kind)
    return {group: frozenset(kinds) for group, kinds in kind_set_by_group.items()}


@functools.cache
def namespaced_kinds() -> frozenset[str]:
    """The kinds of Kubernetes whose objects stand in a namespace."""
    kind_rows = fact_row_by_name("kubernetes-kinds").items()
    return frozenset(name.partition(" ")[2] for name, row in kind_rows if "cluster" not in row)


@functools.cache
def _served_versions_by_group_and_kind() -> dict[tuple[str, str], tuple[str, ...]]:
    """(group, kind) -> the API versions that the newest Kubernetes serves it in."""
    versions_by_group_and_kind: dict[tuple[str, str], tuple[str, ...]] = {}
    for version_and_kind in fact_row_by_name("kubernetes-kinds"):
        api_version, _, kind = version_and_kind.partition(" ")
        group_and_kind = (api_version.rpartition("/")[0], kind)
        versions_by_group_and_kind[group_and_kind] = (*versions_by_group_and_kind.get(group_and_kind, ()), api_version)
    return versions_by_group_and_kind


def version_sort_key(version: str) -> tuple[int, int]:
    """A Kubernetes version as numbers; nothing comes before what is no version."""
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)


def api_version_removed(obj: Object, *, project: Project, version: str = "") -> CheckOutcome:
    """The object's API version is no longer served in a Kubernetes version (default: the newest).

    Medium where the files tell that the cluster still serves it: by the version that they upgrade it to, and of a bundle of OLM, which is
    installed on the versions of OpenShift that it was made for.
    """
    deprecation_row = deprecation_facts(obj)
    if obj.source.fragment and obj.source.parent is None:
        return  # a patch: what it names is not applied by itself
    if (
        deprecation_row
        and "removed" in deprecation_row
        and version_sort_key(deprecation_row["removed"]) <= version_sort_key(version or newest_kubernetes_version())
    ):
        told = _outdated_version_hit(obj, deprecation_row, "removed")
        cluster_version = None if version else project.memoize(pinned_cluster_version)
        if cluster_version is not None and version_sort_key(cluster_version.version) < version_sort_key(deprecation_row["removed"]):
            facts = {**told.facts, "cluster": f"; the cluster's {cluster_version.version} still serves it"}
            yield told._replace(severity=Severity.MEDIUM, facts=facts, related=(cluster_version.location,))
        else:
            severity = Severity.MEDIUM if not version and _is_in_operator_bundle(obj, project) else None
            yield told._replace(severity=severity, facts={**told.facts, "cluster": ""})


def _is_in_operator_bundle(obj: Object, project: Project) -> bool:
    """Whether a ClusterServiceVersion of OLM stands in an object's folder."""
    return any(folder_of(one.source) == folder_of(obj.source) for one in object_index(project).objects_of_kinds("ClusterServiceVersion"))


def _outdated_version_hit(obj: Object, deprecation_row: Mapping[str, Any], since_property: str) -> Hit:
    """The hit on a version that is gone or deprecated, with what takes its place; `since_property` is the property that says when."""
    if "replacement" not in deprecation_row:
        return Hit(obj.node.at("apiVersion"), {since_property: deprecation_row[since_property]}, message_name="alone")
    facts = {since_property: deprecation_row[since_property], "instead": deprecation_row["replacement"]}
    return Hit(obj.node.at("apiVersion"), facts, message_name="replaced")


def api_version_deprecated(obj: Object, *, version: str = "") -> CheckOutcome:
    """The object's API version is served and deprecated in a Kubernetes version (default: the newest)."""
    deprecation_row = deprecation_facts(obj)
    target_version = version_sort_key(version or newest_kubernetes_version())
    if deprecation_row is None or "deprecated" not in deprecation_row or version_sort_key(deprecation_row["deprecated"]) > target_version:
        return
    if "removed" not in deprecation_row or version_sort_key(deprecation_row["removed"]) > target_version:
        yield _outdated_version_hit(obj, deprecation_row, "deprecated")


def api_version_unstable(obj: Object, *, version: str = "") -> CheckOutcome:
    """The object's API version has a stable successor in a Kubernetes version (default: the newest)."""
    deprecation_row = deprecation_facts(obj)
    if (
        deprecation_row
        and "replacement" in deprecation_row
        and version_sort_key(deprecation_row["since"]) <= version_sort_key(version or newest_kubernetes_version())
    ):
        yield hit(obj.node.at("apiVersion"), instead=deprecation_row["replacement"])


def api_group_extensions(obj: Object) -> CheckOutcome:
    """The object is of the group extensions, which is gone."""
    if obj.api_version == "extensions/v1beta1":
        yield hit(obj.node.at("apiVersion"))


@lowered_where_values_decide()
def kind_unknown(obj: Object) -> CheckOutcome:
    """The kind is none of those that its group of Kubernetes has, in any version; a patch may name any, its target tells.

    Medium for a name that is like none of them: another program may read the file. Low for what OpenShift once had in `v1`: `oc`
    takes it with a warning.
    """
    if obj.source.fragment and obj.source.parent is None:
        return
    group_kinds = kinds_by_group().get(obj.group)
    if group_kinds is None or obj.node.get("apiVersion") is None or obj.kind in group_kinds or obj.kind.endswith("List"):
        return
    if "/" not in obj.api_version and obj.api_version != "v1":
        return
    openshift_group = property_by_fact_name("openshift-kinds", "group").get(obj.kind)
    if openshift_group is not None and obj.api_version == "v1":
        yield hit(obj.node.at("kind"), severity=Severity.LOW, say="openshift", instead=f"{openshift_group}/v1")
        return
    owning_group = next((name for name, kinds in kinds_by_group().items() if obj.kind in kinds), None)
    where_text = f"; {obj.kind} is of {owning_group or 'v1'}" if owning_group is not None else ""
    meant_kind = "" if owning_group is not None else spelling.most_similar_known_word(obj.kind, group_kinds)
    severity = None if owning_group is not None or meant_kind else Severity.MEDIUM
    where_text = where_text or spelling.did_you_mean_text(obj.kind, group_kinds)
    yield hit(obj.node.at("kind"), severity=severity, say="unknown", group=obj.api_version, where=where_text)


def api_version_unknown(obj: Object) -> CheckOutcome:
    """The kind is one of its group, and the API version one that never served it or only early ones did."""
    if obj.kind not in kinds_by_group().get(obj.group, ()) or kind_facts(obj) or deprecation_facts(obj) is not None:
        return
    served_versions = _served_versions_by_group_and_kind().get((obj.group, obj.kind), ())
    if served_versions:
        yield hit(obj.node.at("apiVersion"), served=" and ".join(sorted(served_versions)))
