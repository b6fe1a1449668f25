"""References to ConfigMaps, Secrets, claims, accounts and classes that are in no file, and to keys that are not in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from readiness.facts.table import column
from readiness.kinds.k8s.effective import is_variable
from readiness.kinds.k8s.index import nearest_candidates, object_index
from readiness.kinds.k8s.model import Container, Object, Pod, mapping_at, mappings_in, text_or_empty
from readiness.model import Outcome, Related, missing
from readiness.model.project import Project
from readiness.syntax.yaml import Map


class Reference(NamedTuple):
    """Where a pod names another object: the mapping and key, what it names, and a key in it ("" for the whole)."""

    node: Map
    at: str
    kind: str
    name: str
    key: str
    optional: bool
    container: str


def _key_reference(container: Container, node: Map, kind: str) -> Iterator[Reference]:
    name, key = node.get("name"), text_or_empty(node.get("key"))
    if isinstance(name, str) and not is_variable(name):
        optional = node.get("optional") is True
        yield Reference(node, "name", kind, name, key, optional, container.name)


def container_references(container: Container) -> Iterator[Reference]:
    """What the environment of a container is taken from."""
    for entry in mappings_in(container.node.get("env")):
        source = mapping_at(entry, "valueFrom")
        yield from _key_reference(container, mapping_at(source, "configMapKeyRef"), "ConfigMap")
        yield from _key_reference(container, mapping_at(source, "secretKeyRef"), "Secret")
    for entry in mappings_in(container.node.get("envFrom")):
        yield from _key_reference(container, mapping_at(entry, "configMapRef"), "ConfigMap")
        yield from _key_reference(container, mapping_at(entry, "secretRef"), "Secret")


_VOLUMES = (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret"),
            ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"))  # fmt: skip


def volume_references(pod: Pod) -> Iterator[Reference]:
    """What the volumes of a pod are taken from."""
    for volume in mappings_in(pod.node.get("volumes")):
        parts = [volume, *mappings_in(mapping_at(volume, "projected").get("sources"))]
        for part in parts:
            for key, field, kind in _VOLUMES:
                node = mapping_at(part, key)
                at = "name" if part is not volume and kind == "Secret" else field
                name = node.get(at)
                if isinstance(name, str) and not is_variable(name):
                    yield Reference(node, at, kind, name, "", node.get("optional") is True, "")


def references_of(pod: Pod) -> Iterator[Reference]:
    """All that a pod refers to by name."""
    for container in pod.containers():
        yield from container_references(container)
    yield from volume_references(pod)
    for node in mappings_in(pod.node.get("imagePullSecrets")):
        name = node.get("name")
        if isinstance(name, str) and name and not is_variable(name):
            yield Reference(node, "name", "Secret", name, "", False, "")


def _generated_names(project: Project) -> frozenset[tuple[str, str]]:
    """What other objects make: the Secrets of operators, and what the generators of a kustomization make."""
    found = object_index(project)
    made = set()
    for obj in found.all(*column("kubernetes-custom", "secrets")):
        target = mapping_at(obj.spec, "target")
        for name in (target.get("name"), obj.spec.get("secretName"), obj.name):
            made.add(("Secret", text_or_empty(name)))
    for document in project.documents("k8s"):
        for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            made.update(
                (kind, text_or_empty(generator.get("name")))
                for generator in mappings_in(document.node.get(key))
            )
    return frozenset(made)


# What a cluster has without anybody's file.
BUILT_IN = frozenset(
    {("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "extension-apiserver-authentication")}
)


def object_missing(pod: Pod, *, kinds: Sequence[str], project: Project) -> Outcome:
    """A pod refers to an object of one of `kinds` that is in no file."""
    found = object_index(project)
    seen = set()
    for ref in references_of(pod):
        key = (ref.kind, ref.name)
        if ref.kind not in kinds or ref.optional or key in seen or key in BUILT_IN:
            continue
        seen.add(key)
        if not found.found(ref.kind, ref.name, pod.namespace) and key not in project.memo(
            _generated_names
        ):
            if ref.kind == "PersistentVolumeClaim" and _is_template_claim(ref.name, pod, project):
                continue
            yield missing(
                ref.node.at(ref.at), container=ref.container, kind=ref.kind, name=ref.name
            )


def _claim_template_prefixes(project: Project) -> frozenset[str]:
    """The beginnings of the claims that StatefulSets make: TEMPLATE-NAME-."""
    return frozenset(
        f"{text_or_empty(mapping_at(claim, 'metadata').get('name'))}-{obj.name}"
        for obj in object_index(project).all("StatefulSet")
        for claim in mappings_in(obj.spec.get("volumeClaimTemplates"))
    )


def _is_template_claim(name: str, pod: Pod, project: Project) -> bool:
    """Whether a StatefulSet makes the claim, its own (whose volume takes the template's place) or another one."""
    volumes = {
        text_or_empty(volume.get("name"))
        for volume in mappings_in(pod.node.get("volumes"))
        if name in str(volume.get("persistentVolumeClaim"))
    }
    templates = mappings_in(pod.owner.spec.get("volumeClaimTemplates"))
    if any(text_or_empty(mapping_at(one, "metadata").get("name")) in volumes for one in templates):
        return True
    return name.rpartition("-")[0] in project.memo(_claim_template_prefixes)


def key_missing(container: Container, *, whole: bool, project: Project) -> Outcome:
    """A variable is taken from a key that the ConfigMap or Secret does not have; `whole`: or from one in no file."""
    pod = container.pod
    for ref in container_references(container):
        if ref.optional or not ref.key or ref.node.get("key") is None or is_variable(ref.key):
            continue
        found = object_index(project).found(ref.kind, ref.name, pod.namespace)
        near = nearest_candidates(pod, found) or found
        if not found:
            if whole and (ref.kind, ref.name) not in project.memo(_generated_names):
                yield missing(
                    ref.node.at("name"), source=ref.name, of=ref.kind, what="is in no file"
                )
        elif near and not any(_has_key(one, ref.key) for one in near):
            there = Related(near[0].source, near[0].metadata.at("name"), f"the {ref.kind}")
            what = f"has no key {ref.key!r}"
            yield missing(
                ref.node.at("key"), related=[there], source=ref.name, of=ref.kind, what=what
            )


def _has_key(obj: Object, key: str) -> bool:
    """Whether a ConfigMap or Secret has a key; one that shows no data is filled elsewhere."""
    parts = [obj.node.get(name) for name in ("data", "stringData", "binaryData")]
    shown = [part for part in parts if isinstance(part, Map)]
    return not shown or any(key in part for part in shown)


def service_account_missing(pod: Pod, *, project: Project) -> Outcome:
    """A pod runs as a service account that is in no file."""
    name = pod.node.get("serviceAccountName") or pod.node.get("serviceAccount")
    if not isinstance(name, str) or name in {"", "default"} or is_variable(name):
        return
    if not object_index(project).found("ServiceAccount", name, pod.namespace):
        key = "serviceAccountName" if pod.node.get("serviceAccountName") else "serviceAccount"
        yield missing(pod.node.at(key), account=name)


def priority_class_undefined(pod: Pod, *, project: Project) -> Outcome:
    """A pod names a priority class that is in no file and no part of Kubernetes."""
    name = pod.node.get("priorityClassName")
    named = (
        isinstance(name, str) and name and not name.startswith("system-") and not is_variable(name)
    )
    if named and not object_index(project).names.get(("PriorityClass", str(name))):
        yield missing(pod.node.at("priorityClassName"), value=name)
