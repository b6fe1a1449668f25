"""References to ConfigMaps, Secrets, claims, accounts and classes that are in no file, and to keys that are not in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from readiness.checks.k8s.absence import details_of_missing_name
from readiness.facts.table import property_by_fact_name
from readiness.kinds.k8s.effective import is_filled_in_value
from readiness.kinds.k8s.elsewhere import find_named_in_run
from readiness.kinds.k8s.index import object_index
from readiness.kinds.k8s.model import Container, Object, Pod
from readiness.kinds.units import folder_of
from readiness.model import CheckOutcome, Related, Severity, Undecidable, missing
from readiness.model.project import Project, RunProjects
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


def _references_in_mapping(container: Container, reference_map: Map, object_kind: str) -> Iterator[ObjectReference]:
    object_name, data_key = reference_map.get("name"), reference_map.string_under("key")
    if isinstance(object_name, str) and not is_filled_in_value(object_name):
        is_optional = reference_map.get("optional") is True
        yield ObjectReference(reference_map, "name", object_kind, object_name, data_key, is_optional, container.name)


def container_references(container: Container) -> Iterator[ObjectReference]:
    """What the environment of a container is taken from."""
    for variable_source in (one.reference for one in container.variable_settings):
        yield from _references_in_mapping(container, variable_source.mapping_at_path("configMapKeyRef"), "ConfigMap")
        yield from _references_in_mapping(container, variable_source.mapping_at_path("secretKeyRef"), "Secret")
    for env_source in container.node.mappings_under("envFrom"):
        yield from _references_in_mapping(container, env_source.mapping_at_path("configMapRef"), "ConfigMap")
        yield from _references_in_mapping(container, env_source.mapping_at_path("secretRef"), "Secret")


_VOLUME_REFERENCE_FIELDS = (("configMap", "name", "ConfigMap"), ("secret", "secretName", "Secret"),
            ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"))  # fmt: skip


def volume_references(pod: Pod) -> Iterator[ObjectReference]:
    """What the volumes of a pod are taken from."""
    for volume in pod.node.mappings_under("volumes"):
        volume_sources = [volume, *volume.mapping_at_path("projected").mappings_under("sources")]
        for volume_source in volume_sources:
            for source_key, name_field, object_kind in _VOLUME_REFERENCE_FIELDS:
                source_map = volume_source.mapping_at_path(source_key)
                written_name_field = "name" if volume_source is not volume and object_kind == "Secret" else name_field
                object_name = source_map.get(written_name_field)
                if isinstance(object_name, str) and not is_filled_in_value(object_name):
                    yield ObjectReference(source_map, written_name_field, object_kind, object_name, "", source_map.get("optional") is True, "")


def references_of(pod: Pod) -> Iterator[ObjectReference]:
    """All that a pod refers to by name."""
    for container in pod.containers():
        yield from container_references(container)
    yield from volume_references(pod)
    for pull_secret in pod.node.mappings_under("imagePullSecrets"):
        pull_secret_name = pull_secret.get("name")
        if isinstance(pull_secret_name, str) and pull_secret_name and not is_filled_in_value(pull_secret_name):
            yield ObjectReference(pull_secret, "name", "Secret", pull_secret_name, "", False, "")


def _generated_kinds_and_names(project: Project) -> frozenset[tuple[str, str]]:
    """What other objects make: the Secrets of operators, and what the generators of a kustomization make."""
    project_index = object_index(project)
    kinds_and_names = set()
    for obj in project_index.objects_of_kinds(*property_by_fact_name("kubernetes-custom", "secrets")):
        target_map = obj.spec.mapping_at_path("target")
        for secret_name in (target_map.get("name"), obj.spec.get("secretName"), obj.name):
            kinds_and_names.add(("Secret", text_or_empty(secret_name)))
    for document in project.documents_of_kind("k8s"):
        for generator_key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
            kinds_and_names.update((kind, generator.string_under("name")) for generator in document.node.mappings_under(generator_key))
    return frozenset(kinds_and_names)


def _generated_kinds_and_names_of_run(run: RunProjects) -> frozenset[tuple[str, str]]:
    """What other objects of any unit make: the chart of an ExternalSecret is seldom that of the pod that reads its Secret."""
    return frozenset().union(*(one.memoize(_generated_kinds_and_names) for one in run.projects))


def _is_generated(kind_and_name: tuple[str, str], project: Project) -> bool:
    """Whether another object of the run makes an object of a kind and name."""
    if kind_and_name in project.memoize(_generated_kinds_and_names):
        return True
    return project.run is not None and kind_and_name in project.run.memoize(_generated_kinds_and_names_of_run)


# What a cluster has without anybody's file.
BUILT_IN_KINDS_AND_NAMES = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "extension-apiserver-authentication")})


def object_unresolved(pod: Pod, *, kinds: Sequence[str], project: Project) -> CheckOutcome:
    """A pod refers to an object of one of `kinds` that is in no file."""
    seen_kinds_and_names = set()
    for reference in references_of(pod):
        kind_and_name = (reference.kind, reference.name)
        if reference.kind not in kinds or reference.is_optional or kind_and_name in seen_kinds_and_names or kind_and_name in BUILT_IN_KINDS_AND_NAMES:
            continue
        seen_kinds_and_names.add(kind_and_name)
        resolution = find_named_in_run(pod, reference.kind, reference.name, project)
        if resolution.is_ambiguous:
            yield Undecidable(reference.node.at(reference.name_key))
        elif resolution.is_absent and not _is_generated(kind_and_name, project):
            if reference.kind == "PersistentVolumeClaim" and _is_template_claim(reference.name, pod, project):
                continue
            details = details_of_missing_name(resolution, pod.namespace)
            yield missing(
                reference.node.at(reference.name_key), container=reference.container, related=details.related,
                severity=details.severity, kind=reference.kind, name=reference.name, where=details.where_missing_text,
            )  # fmt: skip


def _claim_template_prefixes(project: Project) -> frozenset[str]:
    """The beginnings of the claims that StatefulSets make: TEMPLATE-NAME-."""
    return frozenset(
        f"{claim.mapping_at_path('metadata').string_under('name')}-{obj.name}"
        for obj in object_index(project).objects_of_kinds("StatefulSet")
        for claim in obj.spec.mappings_under("volumeClaimTemplates")
    )


def _is_template_claim(claim_name: str, pod: Pod, project: Project) -> bool:
    """Whether a StatefulSet makes the claim, its own (whose volume takes the template's place) or another one."""
    volume_names = {
        volume.string_under("name") for volume in pod.node.mappings_under("volumes") if claim_name in str(volume.get("persistentVolumeClaim"))
    }
    claim_templates = pod.owner.spec.mappings_under("volumeClaimTemplates")
    if any(one.mapping_at_path("metadata").string_under("name") in volume_names for one in claim_templates):
        return True
    return claim_name.rpartition("-")[0] in project.memoize(_claim_template_prefixes)


def key_unresolved(container: Container, *, whole: bool, project: Project) -> CheckOutcome:
    """A variable is taken from a key that the ConfigMap or Secret does not have; `whole`: or from one in no file."""
    pod = container.pod
    for reference in container_references(container):
        if reference.is_optional or not reference.key or reference.node.get("key") is None or is_filled_in_value(reference.key):
            continue
        resolution = find_named_in_run(pod, reference.kind, reference.name, project)
        named_objects = resolution.meant
        if resolution.is_ambiguous:
            yield Undecidable(reference.node.at("name"))
        elif resolution.is_absent:
            if whole and not _is_generated((reference.kind, reference.name), project):
                details = details_of_missing_name(resolution, pod.namespace)
                yield missing(
                    reference.node.at("name"), related=details.related, severity=details.severity,
                    source=reference.name, of=reference.kind, what=details.where_missing_text,
                )  # fmt: skip
        elif not any(_may_have_data_key(one, reference.key) for one in named_objects):
            object_location = Related(named_objects[0].source, named_objects[0].metadata.at("name"), f"the {reference.kind}")
            mistake_text = f"has no key {reference.key!r}"
            is_in_same_folder = folder_of(named_objects[0].source) == folder_of(pod.source)
            severity = None if is_in_same_folder else Severity.MEDIUM
            yield missing(
                reference.node.at("key"),
                severity=severity,
                related=[object_location],
                source=reference.name,
                of=reference.kind,
                what=mistake_text,
            )


def _may_have_data_key(obj: Object, data_key: str) -> bool:
    """Whether a ConfigMap or Secret has a key; one that shows no data, or an empty mapping, is filled elsewhere."""
    data_parts = [obj.node.get(name) for name in ("data", "stringData", "binaryData")]
    data_mappings = [part for part in data_parts if isinstance(part, Map) and part]
    return not data_mappings or any(data_key in part for part in data_mappings)


def service_account_unresolved(pod: Pod, *, project: Project) -> CheckOutcome:
    """A pod runs as a service account that is in no file."""
    account_name = pod.node.get("serviceAccountName") or pod.node.get("serviceAccount")
    if not isinstance(account_name, str) or account_name in {"", "default"} or is_filled_in_value(account_name):
        return
    resolution = find_named_in_run(pod, "ServiceAccount", account_name, project)
    account_key = "serviceAccountName" if pod.node.get("serviceAccountName") else "serviceAccount"
    if resolution.is_ambiguous:
        yield Undecidable(pod.node.at(account_key))
    elif resolution.is_absent:
        details = details_of_missing_name(resolution, pod.namespace)
        yield missing(
            pod.node.at(account_key), related=details.related, severity=details.severity,
            account=account_name, where=details.where_missing_text,
        )  # fmt: skip


def priority_class_undefined(pod: Pod, *, project: Project) -> CheckOutcome:
    """A pod names a priority class that is in no file and no part of Kubernetes."""
    class_name = pod.node.get("priorityClassName")
    names_own_class = isinstance(class_name, str) and class_name and not class_name.startswith("system-") and not is_filled_in_value(class_name)
    if names_own_class and find_named_in_run(pod, "PriorityClass", str(class_name), project, "").is_absent:
        yield missing(pod.node.at("priorityClassName"), value=class_name)
