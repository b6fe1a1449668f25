"""What a kustomization does to all of its objects: namespace, labels, annotations, images, replicas, names.

The places are those of kustomize's own settings:
https://github.com/kubernetes-sigs/kustomize/tree/master/api/internal/konfig/builtinpluginconsts
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    copy_value,
)
from readiness.loading.render.overlay.resource import (
    OverlayResource,
    ensure_mapping,
    ensure_metadata,
    is_cluster_scoped,
)
from readiness.loading.render.work import WorkCounter
from readiness.model.lazy_regex import lazy_regex

KeyPath = tuple[str, ...]
_POD_TEMPLATE_METADATA_PATH: KeyPath = ("spec", "template", "metadata")
_CRONJOB_JOB_TEMPLATE_METADATA: KeyPath = ("spec", "jobTemplate", "metadata")
_CRONJOB_POD_TEMPLATE_METADATA: KeyPath = ("spec", "jobTemplate", "spec", "template", "metadata")
_VOLUME_CLAIM_TEMPLATES_PATH: KeyPath = ("spec", "volumeClaimTemplates")
_KINDS_WITH_POD_TEMPLATE = frozenset({"ReplicationController", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"})
_SELECTOR_PATHS_BY_KIND: dict[str, tuple[KeyPath, ...]] = {
    "Service": (("spec", "selector"),),
    "ReplicationController": (("spec", "selector"),),
    "Deployment": (("spec", "selector", "matchLabels"),),
    "ReplicaSet": (("spec", "selector", "matchLabels"),),
    "DaemonSet": (("spec", "selector", "matchLabels"),),
    "StatefulSet": (("spec", "selector", "matchLabels"),),
}
# Selectors that are added to where there is one.
_OPTIONAL_SELECTOR_PATHS_BY_KIND: dict[str, tuple[KeyPath, ...]] = {
    "Job": (("spec", "selector", "matchLabels"),),
    "CronJob": (("spec", "jobTemplate", "spec", "selector", "matchLabels"),),
    "PodDisruptionBudget": (("spec", "selector", "matchLabels"),),
    "NetworkPolicy": (("spec", "podSelector", "matchLabels"),),
}
_KINDS_WITHOUT_NAME_AFFIXES = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})  # keep their names
_SERVICE_REFERENCE_PATH_BY_KIND: dict[str, KeyPath] = {
    "APIService": ("spec", "service"),
    "CustomResourceDefinition": ("spec", "conversion", "webhook", "clientConfig", "service"),
}
_SCALABLE_KINDS = frozenset({"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"})


def set_namespace(resources: Iterable[OverlayResource], namespace: PlacedValue) -> None:
    """Put all objects of a namespace into another one, and rename that one's own object."""
    for resource in resources:
        resource.remember_identity()
        object_value = resource.node
        if resource.kind == "Namespace" and object_value.text_at_path("apiVersion") == "v1":
            ensure_metadata(object_value, namespace.place).map["name"] = namespace
        elif not is_cluster_scoped(object_value):
            ensure_metadata(object_value, namespace.place).map["namespace"] = namespace
        if resource.kind in {"RoleBinding", "ClusterRoleBinding"}:
            for subject in object_value.map["subjects"].list_entries if "subjects" in object_value.map else ():
                if subject.text_at_path("kind") == "ServiceAccount" and subject.text_at_path("name") == "default":
                    subject.map["namespace"] = namespace
        service_reference = object_value.value_at_path(*_SERVICE_REFERENCE_PATH_BY_KIND.get(resource.kind, ("spec", "service")))
        if service_reference is not None and service_reference.map and resource.kind in _SERVICE_REFERENCE_PATH_BY_KIND:
            service_reference.map["namespace"] = namespace


def add_name_affixes(resources: Iterable[OverlayResource], prefix: str, suffix: str, counter: WorkCounter) -> None:
    """Put a prefix and a suffix around the names."""
    affixes = f"{prefix}\0{suffix}"
    for resource in resources:
        if resource.kind in _KINDS_WITHOUT_NAME_AFFIXES:
            continue
        resource.remember_identity()
        resource.name_affixes.append(affixes)
        old_name = resource.node.value_at_path("metadata", "name")
        if old_name is not None:
            counter.count_characters(len(affixes) + len(old_name.string))
            affixed_name = PlacedValue(f"{prefix}{old_name.string}{suffix}", old_name.place, old_name.key_place)
            resource.node.map["metadata"].map["name"] = affixed_name


def add_labels(
    resources: Iterable[OverlayResource],
    labels: PlacedValue,
    counter: WorkCounter,
    *,
    include_selectors: bool,
    include_templates: bool,
) -> None:
    """Add labels to objects, to the templates of pods, and to selectors, where these are asked for."""
    for resource in resources:
        label_paths: list[KeyPath] = [("metadata", "labels")]
        if include_selectors or include_templates:
            label_paths += [(*label_path, "labels") for label_path in _template_metadata_paths(resource.kind)]
        if include_selectors:
            label_paths += _SELECTOR_PATHS_BY_KIND.get(resource.kind, ())
            label_paths += [
                label_path for label_path in _OPTIONAL_SELECTOR_PATHS_BY_KIND.get(resource.kind, ()) if resource.node.value_at_path(*label_path)
            ]
        for label_path in label_paths:
            _add_labels_or_annotations(resource.node, label_path, labels, counter)
        if resource.kind == "StatefulSet" and (include_selectors or include_templates):
            for volume_claim_template in (
                volume_claim_templates.list_entries if (volume_claim_templates := resource.node.value_at_path(*_VOLUME_CLAIM_TEMPLATES_PATH)) else ()
            ):
                _add_labels_or_annotations(volume_claim_template, ("metadata", "labels"), labels, counter)
        if include_selectors:
            _add_labels_to_inner_selectors(resource, labels, counter)


def _template_metadata_paths(kind: str) -> tuple[KeyPath, ...]:
    """Where the metadata of a kind's templates stand."""
    if kind == "CronJob":
        return (_CRONJOB_JOB_TEMPLATE_METADATA, _CRONJOB_POD_TEMPLATE_METADATA)
    return (_POD_TEMPLATE_METADATA_PATH,) if kind in _KINDS_WITH_POD_TEMPLATE else ()


def _add_labels_or_annotations(object_value: PlacedValue, key_path: KeyPath, labels_or_annotations: PlacedValue, counter: WorkCounter) -> None:
    pairs_mapping = ensure_mapping(object_value, key_path, labels_or_annotations.place)
    pairs_mapping.map.update(copy_value(labels_or_annotations, counter).map)


def _add_labels_to_inner_selectors(resource: OverlayResource, labels: PlacedValue, counter: WorkCounter) -> None:
    """Add labels to the selectors of affinities, spreads and network policies that are there."""
    for selector_kind, pod_selector in _pod_selectors(resource.node):
        match_labels = pod_selector.value_at_path("matchLabels")
        if match_labels is not None and selector_kind:
            match_labels.map.update(copy_value(labels, counter).map)


def _pod_selectors(object_value: PlacedValue) -> Iterator[tuple[str, PlacedValue]]:
    """The selectors for pods below affinities, spreads and the peers of network policies."""
    pod_spec = object_value.value_at_path("spec", "template", "spec") or object_value.value_at_path("spec", "jobTemplate", "spec", "template", "spec")
    for affinity_key in ("podAffinity", "podAntiAffinity"):
        affinity_rules = pod_spec.value_at_path("affinity", affinity_key) if pod_spec else None
        for affinity_rule_name, affinity_terms in affinity_rules.map.items() if affinity_rules else ():
            for affinity_term in affinity_terms.list_entries:
                pod_selector = affinity_term.value_at_path("labelSelector") or affinity_term.value_at_path("podAffinityTerm", "labelSelector")
                if pod_selector:
                    yield affinity_rule_name, pod_selector
    spread_constraints = pod_spec.value_at_path("topologySpreadConstraints") if pod_spec else None
    for spread_constraint in spread_constraints.list_entries if spread_constraints else ():
        if pod_selector := spread_constraint.value_at_path("labelSelector"):
            yield "spread", pod_selector
    if object_value.text_at_path("kind") == "NetworkPolicy":
        for rule_direction, peers_key in (("ingress", "from"), ("egress", "to")):
            policy_rules = object_value.value_at_path("spec", rule_direction)
            for policy_rule in policy_rules.list_entries if policy_rules else ():
                peers = policy_rule.value_at_path(peers_key)
                for peer in peers.list_entries if peers else ():
                    if pod_selector := peer.value_at_path("podSelector"):
                        yield rule_direction, pod_selector


def add_annotations(resources: Iterable[OverlayResource], pairs: PlacedValue, counter: WorkCounter) -> None:
    """Add annotations to objects and to the templates of their pods."""
    for resource in resources:
        for metadata_path in (("metadata",), *_template_metadata_paths(resource.kind)):
            _add_labels_or_annotations(resource.node, (*metadata_path, "annotations"), pairs, counter)


_IMAGE_TAG = lazy_regex(r":[\w.{}-]*")
_IMAGE_DIGEST = lazy_regex(r"@sha256:[\w.{}-]*")


def set_images(resources: Iterable[OverlayResource], images: PlacedValue, counter: WorkCounter) -> None:
    """Give containers other images, tags and digests."""
    entries_by_name: dict[str, list[tuple[int, PlacedValue]]] = {}
    for entry_index, images_entry in enumerate(images.list_entries):
        unknown_keys = set(images_entry.map) - {"name", "newName", "newTag", "digest", "tagSuffix"}
        if unknown_keys:
            raise UnsupportedFeatureError(f"an entry of images has the key {min(unknown_keys)[:60]}")
        if image_name := images_entry.text_at_path("name"):
            entries_by_name.setdefault(image_name, []).append((entry_index, images_entry))
    for resource in resources if entries_by_name else ():
        for container in _containers_below(resource.node, counter):
            _set_image_of_container(container, entries_by_name, counter)


def _set_image_of_container(container: PlacedValue, entries_by_name: Mapping[str, list[tuple[int, PlacedValue]]], counter: WorkCounter) -> None:
    """Apply the entries that name a container's image, each to what those before it made of that."""
    next_index = 0
    while (image := container.value_at_path("image")) is not None:
        counter.count_characters(len(image.string))
        next_entries = [
            (*entries_by_name[name][position], name)
            for name in _names_of_image(image.string)
            if name in entries_by_name
            and (position := bisect.bisect_left(entries_by_name[name], next_index, key=lambda pair: pair[0])) < len(entries_by_name[name])
        ]
        if not next_entries:
            return
        entry_index, image_entry, image_name = min(next_entries, key=lambda one: one[0])
        container.map["image"] = _changed_image(image, image_name, image_entry)
        next_index = entry_index + 1


def _names_of_image(image: str) -> list[str]:
    """What an entry may name an image by: all of it, and what stands before its tag, its digest, or both."""
    names = [image]
    for name in (image, image.rpartition("@")[0]):
        if name and (name == image or _IMAGE_DIGEST.fullmatch(image, len(name))):
            names.append(name)
            name_without_tag, colon, _ = name.rpartition(":")
            if colon and _IMAGE_TAG.fullmatch(name, len(name_without_tag)):
                names.append(name_without_tag)
    return list(dict.fromkeys(filter(None, names)))


def _containers_below(object_value: PlacedValue, counter: WorkCounter) -> Iterator[PlacedValue]:
    """Every container below an object, at whatever depth; none of a CustomResourceDefinition."""
    pending_values = [] if object_value.text_at_path("kind") == "CustomResourceDefinition" else [object_value]
    while pending_values:
        nested_value = pending_values.pop()
        counter.count_visits(1)
        for key, inner_value in nested_value.map.items():
            if key in {"containers", "initContainers"}:
                yield from (entry for entry in inner_value.list_entries if entry.map)
            pending_values.append(inner_value)
        pending_values += nested_value.list_entries


def _changed_image(image: PlacedValue, old_name: str, image_entry: PlacedValue) -> PlacedValue:
    """An image under another name, tag or digest, told where the newest of these is written."""
    tag_and_digest = image.string[len(old_name) :]
    digest_offset = tag_and_digest.find("@")
    tag, digest = (tag_and_digest, "") if digest_offset < 0 else (tag_and_digest[:digest_offset], tag_and_digest[digest_offset:])
    written_place = image.place
    new_name = image_entry.text_at_path("newName") or old_name
    for image_entry_key in ("newName", "tagSuffix", "newTag", "digest"):
        image_entry_value = image_entry.map.get(image_entry_key)
        if image_entry_value is None or image_entry_value.data in (None, ""):
            continue
        written_place = image_entry_value.place
        new_text = image_entry_value.string if isinstance(image_entry_value.data, str) else _written_scalar(image_entry_value)
        if image_entry_key == "newTag":
            tag, digest = f":{new_text}", ""
        elif image_entry_key == "digest":
            tag, digest = "", f"@{new_text}"
        elif image_entry_key == "tagSuffix" and not digest:
            tag = f"{tag}{new_text}"
    return PlacedValue(f"{new_name}{tag}{digest}", written_place, image.key_place)


def _written_scalar(value: PlacedValue) -> str:
    """A scalar as it is written: a tag `1.20` without quotes stays what it is."""
    source, span = value.place
    return source.text[span.start : span.end].strip()


def set_replicas(resources: list[OverlayResource], replicas: PlacedValue, counter: WorkCounter, *, may_be_elsewhere: bool) -> None:
    """Give workloads other numbers of pods. Raises RenderError where there is none of a name, unless it may be elsewhere."""
    workloads_by_name: dict[str, list[OverlayResource]] = {}
    for workload in (one for one in resources if one.kind in _SCALABLE_KINDS):
        for name in dict.fromkeys(identity.name for identity in workload.identities):
            workloads_by_name.setdefault(name, []).append(workload)
    for replicas_entry in replicas.list_entries:
        workload_name, pod_count = replicas_entry.text_at_path("name"), replicas_entry.map.get("count")
        if pod_count is None or isinstance(pod_count.data, dict | list):
            raise UnsupportedFeatureError("an entry of replicas has no count")
        if workload_name not in workloads_by_name and not may_be_elsewhere:
            raise RenderError(f"replicas names {workload_name[:80]!r}, and no workload is called that")
        named_workloads = workloads_by_name.get(workload_name, [])
        counter.count_lookups(len(named_workloads))
        for workload in named_workloads:
            ensure_mapping(workload.node, ("spec",), replicas_entry.place).map["replicas"] = pod_count


def add_labels_of_entry(resources: list[OverlayResource], labels_entry: PlacedValue, counter: WorkCounter) -> None:
    """Add the labels of one entry of `labels`. Raises UnsupportedFeatureError where it says more than is known here."""
    unknown_keys = set(labels_entry.map) - {"pairs", "includeSelectors", "includeTemplates"}
    if unknown_keys:
        raise UnsupportedFeatureError(f"an entry of labels has the key {min(unknown_keys)[:60]}")
    include_flags = [
        (flag_value := labels_entry.map.get(key)) is not None and flag_value.data is True for key in ("includeSelectors", "includeTemplates")
    ]
    if label_pairs := labels_entry.map.get("pairs"):
        add_labels(resources, label_pairs, counter, include_selectors=include_flags[0], include_templates=include_flags[1])
