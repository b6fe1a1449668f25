"""References to ConfigMaps, Secrets, claims, accounts and classes that are in no file, and to keys that are not in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from readiness.checks.k8s.absence import absence_of
from readiness.facts.table import fact_column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Related, Severity, Undecidable, missing
from readiness.model.project import Project
from readiness.syntax.nodes import text_or_empty
from readiness.syntax.yaml import Map


class ObjectReference(NamedTuple):
    """Where a pod names another object: the mapping and key, what it names, and a key in it ("" for the whole)."""

    node: Map
    name_key: str
    kind: str
    name: str
    key: str
    is_optional: bool
    container: str


def _key_reference(container: Container, node: Map, kind: str) -> Iterator[ObjectReference]:
    name, key = node.get("name"), node.string_under("key")
    if isinstance(name, str) and not is_variable(name):
        optional = node.get("optional") is True
        yield ObjectReference(node, "name", kind, name, key, optional, container.name)


def container_references(container: Container) -> Iterator[ObjectReference]:
    """What the environment of a container is taken from."""
    for reference in (one.reference for one in container.variable_settings):
        yield from _key_reference(container, reference.mapping_at_path("configMapKeyRef"), "ConfigMap")
        yield from _key_reference(container, reference.mapping_at_path("secretKeyRef"), "Secret")
    for entry in container.node.mappings_under("envFrom"):
        yield from _key_reference(container, entry.mapping_at_path("configMapRef"), "ConfigMap")
        yield from _key_reference(container, entry.mapping_at_path("secretRef"), "Secret")


_VOLUME_REFERENCE_FIELDS = (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret"),
            ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"))  # fmt: skip


def volume_references(pod: Pod) -> Iterator[ObjectReference]:
    """What the volumes of a pod are taken from."""
    for volume in pod.node.mappings_under("volumes"):
        parts = [volume, *volume.mapping_at_path("projected").mappings_under("sources")]
        for part in parts:
            for key, field, kind in _VOLUME_REFERENCE_FIELDS:
                node = part.mapping_at_path(key)
                at = "name" if part is not volume and kind == "Secret" else field
                name = node.get(at)
                if isinstance(name, str) and not is_variable(name):
                    yield ObjectReference(node, at, kind, name, "", node.get("optional") is True, "")


def references_of(pod: Pod) -> Iterator[ObjectReference]:
    """All that a pod refers to by name."""
    for container in pod.containers():
        yield from container_references(container)
    yield from volume_references(pod)
    for node in pod.node.mappings_under("imagePullSecrets"):
        name = node.get("name")
        if isinstance(name, str) and name and not is_variable(name):
            yield ObjectReference(node, "name", "Secret", name, "", False, "")


def _generated_names(project: Project) -> frozenset[tuple[str, str]]:
    """What other objects make: the Secrets of operators, and what the generators of a kustomization make."""
    index = object_index(project)
    names = set()
    for obj in index.objects_of_kinds(*fact_column("kubernetes-custom", "secrets")):
        target = obj.spec.mapping_at_path("target")
        for name in (target.get("name"), obj.spec.get("secretName"), obj.name):
            names.add(("Secret", text_or_empty(name)))
    for document in project.documents_of_kind("k8s"):
        for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            names.update((kind, generator.text("name")) for generator in document.node.mappings_under(key))
    return frozenset(names)


# What a cluster has without anybody's file.
BUILT_IN = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "extension-apiserver-authentication")})


def object_unresolved(pod: Pod, *, kinds: Sequence[str], project: Project) -> CheckOutcome:
    """A pod refers to an object of one of `kinds` that is in no file."""
    seen = set()
    for ref in references_of(pod):
        key = (ref.kind, ref.name)
        if ref.kind not in kinds or ref.is_optional or key in seen or key in BUILT_IN:
            continue
        seen.add(key)
        found = find_named_in_run(pod, ref.kind, ref.name, project)
        if found.is_ambiguous:
            yield Undecidable(ref.node.at(ref.name_key))
        elif found.is_absent and key not in project.memoize(_generated_names):
            if ref.kind == "PersistentVolumeClaim" and _is_template_claim(ref.name, pod, project):
                continue
            told = absence_of(found, pod.namespace)
            yield missing(
                ref.node.at(ref.name_key), container=ref.container, related=told.related,
                severity=told.severity, kind=ref.kind, name=ref.name, where=told.where_missing_text,
            )  # fmt: skip


def _claim_template_prefixes(project: Project) -> frozenset[str]:
    """The beginnings of the claims that StatefulSets make: TEMPLATE-NAME-."""
    return frozenset(
        f"{claim.mapping_at_path('metadata').string_under('name')}-{obj.name}"
        for obj in object_index(project).objects_of_kinds("StatefulSet")
        for claim in obj.spec.mappings_under("volumeClaimTemplates")
    )


def _is_template_claim(name: str, pod: Pod, project: Project) -> bool:
    """Whether a StatefulSet makes the claim, its own (whose volume takes the template's place) or another one."""
    volumes = {
        volume.string_under("name")
        for volume in pod.node.mappings_under("volumes")
        if name in str(volume.get("persistentVolumeClaim"))
    }
    templates = pod.owner.spec.mappings_under("volumeClaimTemplates")
    if any(one.mapping_at_path("metadata").string_under("name") in volumes for one in templates):
        return True
    return name.rpartition("-")[0] in project.memoize(_claim_template_prefixes)


def key_unresolved(container: Container, *, whole: bool, project: Project) -> CheckOutcome:
    """A variable is taken from a key that the ConfigMap or Secret does not have; `whole`: or from one in no file."""
    pod = container.pod
    for ref in container_references(container):
        if ref.is_optional or not ref.key or ref.node.get("key") is None or is_variable(ref.key):
            continue
        found = find_named_in_run(pod, ref.kind, ref.name, project)
        near = found.meant
        if found.is_ambiguous:
            yield Undecidable(ref.node.at("name"))
        elif found.is_absent:
            if whole and (ref.kind, ref.name) not in project.memoize(_generated_names):
                told = absence_of(found, pod.namespace)
                yield missing(
                    ref.node.at("name"), related=told.related, severity=told.severity,
                    source=ref.name, of=ref.kind, what=told.where_missing_text,
                )  # fmt: skip
        elif not any(_has_key(one, ref.key) for one in near):
            there = Related(near[0].source, near[0].metadata.at("name"), f"the {ref.kind}")
            what = f"has no key {ref.key!r}"
            beside = folder_of(near[0].source) == folder_of(pod.source)
            severity = None if beside else Severity.MEDIUM
            yield missing(
                ref.node.at("key"),
                severity=severity,
                related=[there],
                source=ref.name,
                of=ref.kind,
                what=what,
            )


def _has_key(obj: Object, key: str) -> bool:
    """Whether a ConfigMap or Secret has a key; one that shows no data, or an empty mapping, is filled elsewhere."""
    parts = [obj.node.get(name) for name in ("data", "stringData", "binaryData")]
    mappings = [part for part in parts if isinstance(part, Map) and part]
    return not mappings or any(key in part for part in mappings)


def service_account_unresolved(pod: Pod, *, project: Project) -> CheckOutcome:
    """A pod runs as a service account that is in no file."""
    name = pod.node.get("serviceAccountName") or pod.node.get("serviceAccount")
    if not isinstance(name, str) or name in {"", "default"} or is_variable(name):
        return
    found = find_named_in_run(pod, "ServiceAccount", name, project)
    key = "serviceAccountName" if pod.node.get("serviceAccountName") else "serviceAccount"
    if found.is_ambiguous:
        yield Undecidable(pod.node.at(key))
    elif found.is_absent:
        told = absence_of(found, pod.namespace)
        yield missing(
            pod.node.at(key), related=told.related, severity=told.severity,
            account=name, where=told.where_missing_text,
        )  # fmt: skip


def priority_class_undefined(pod: Pod, *, project: Project) -> CheckOutcome:
    """A pod names a priority class that is in no file and no part of Kubernetes."""
    name = pod.node.get("priorityClassName")
    named = isinstance(name, str) and name and not name.startswith("system-") and not is_variable(name)
    if named and find_named_in_run(pod, "PriorityClass", str(name), project, "").is_absent:
        yield missing(pod.node.at("priorityClassName"), value=name)
