"""What a kustomization does to all of its objects: namespace, labels, annotations, images, replicas, names.

The places are those of kustomize's own settings:
https://github.com/kubernetes-sigs/kustomize/tree/master/api/internal/konfig/builtinpluginconsts
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    WorkCounter,
    copy_value,
)
from readiness.loading.render.overlay.resource import (
    OverlayResource,
    ensure_mapping,
    ensure_metadata,
    is_cluster_scoped,
)

KeyPath = tuple[str, ...]
_POD_TEMPLATE_METADATA: KeyPath = ("spec", "template", "metadata")
_JOB_TEMPLATE_METADATA: KeyPath = ("spec", "jobTemplate", "metadata")
_JOB_TEMPLATE: KeyPath = ("spec", "jobTemplate", "spec", "template", "metadata")
_VOLUME_CLAIM_TEMPLATES: KeyPath = ("spec", "volumeClaimTemplates")
_WORKLOAD_KINDS = frozenset({"ReplicationController", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"})
_SELECTOR_PATHS: dict[str, tuple[KeyPath, ...]] = {
    "Service": (("spec", "selector"),),
    "ReplicationController": (("spec", "selector"),),
    "Deployment": (("spec", "selector", "matchLabels"),),
    "ReplicaSet": (("spec", "selector", "matchLabels"),),
    "DaemonSet": (("spec", "selector", "matchLabels"),),
    "StatefulSet": (("spec", "selector", "matchLabels"),),
}
# Selectors that are added to where there is one.
_SELECTOR_PATHS_IF_PRESENT: dict[str, tuple[KeyPath, ...]] = {
    "Job": (("spec", "selector", "matchLabels"),),
    "CronJob": (("spec", "jobTemplate", "spec", "selector", "matchLabels"),),
    "PodDisruptionBudget": (("spec", "selector", "matchLabels"),),
    "NetworkPolicy": (("spec", "podSelector", "matchLabels"),),
}
_KINDS_KEEPING_NAME = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})  # keep their names
_SERVICE_REFERENCE_PATHS: dict[str, KeyPath] = {
    "APIService": ("spec", "service"),
    "CustomResourceDefinition": ("spec", "conversion", "webhook", "clientConfig", "service"),
}
_SCALABLE_KINDS = frozenset({"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"})


def set_namespace(resources: Iterable[OverlayResource], namespace: PlacedValue) -> None:
    """Put all objects of a namespace into another one, and rename that one's own object."""
    for resource in resources:
        resource.remember_identity()
        node = resource.node
        if resource.kind == "Namespace" and node.text_at_path("apiVersion") == "v1":
            ensure_metadata(node, namespace.place).map["name"] = namespace
        elif not is_cluster_scoped(node):
            ensure_metadata(node, namespace.place).map["namespace"] = namespace
        if resource.kind in {"RoleBinding", "ClusterRoleBinding"}:
            for subject in node.map["subjects"].list_entries if "subjects" in node.map else ():
                if subject.text_at_path("kind") == "ServiceAccount" and subject.text_at_path("name") == "default":
                    subject.map["namespace"] = namespace
        service = node.value_at_path(*_SERVICE_REFERENCE_PATHS.get(resource.kind, ("spec", "service")))
        if service is not None and service.map and resource.kind in _SERVICE_REFERENCE_PATHS:
            service.map["namespace"] = namespace


def add_name_affixes(resources: Iterable[OverlayResource], prefix: str, suffix: str) -> None:
    """Put a prefix and a suffix around the names."""
    for resource in resources:
        if resource.kind in _KINDS_KEEPING_NAME:
            continue
        resource.remember_identity()
        resource.name_affixes.append(f"{prefix}\0{suffix}")
        name = resource.node.value_at_path("metadata", "name")
        if name is not None:
            made = PlacedValue(f"{prefix}{name.string}{suffix}", name.place, name.key_place)
            resource.node.map["metadata"].map["name"] = made


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
        paths: list[KeyPath] = [("metadata", "labels")]
        if include_selectors or include_templates:
            paths += [(*path, "labels") for path in _template_metadata_paths(resource.kind)]
        if include_selectors:
            paths += _SELECTOR_PATHS.get(resource.kind, ())
            paths += [path for path in _SELECTOR_PATHS_IF_PRESENT.get(resource.kind, ()) if resource.node.value_at_path(*path)]
        for path in paths:
            _add_pairs(resource.node, path, labels, counter)
        if resource.kind == "StatefulSet" and (include_selectors or include_templates):
            for claim in claims.list_entries if (claims := resource.node.value_at_path(*_VOLUME_CLAIM_TEMPLATES)) else ():
                _add_pairs(claim, ("metadata", "labels"), labels, counter)
        if include_selectors:
            _add_to_inner_selectors(resource, labels, counter)


def _template_metadata_paths(kind: str) -> tuple[KeyPath, ...]:
    """Where the metadata of a kind's templates stand."""
    if kind == "CronJob":
        return (_JOB_TEMPLATE_METADATA, _JOB_TEMPLATE)
    return (_POD_TEMPLATE_METADATA,) if kind in _WORKLOAD_KINDS else ()


def _add_pairs(node: PlacedValue, path: KeyPath, pairs: PlacedValue, counter: WorkCounter) -> None:
    target = ensure_mapping(node, path, pairs.place)
    target.map.update(copy_value(pairs, counter).map)


def _add_to_inner_selectors(resource: OverlayResource, labels: PlacedValue, counter: WorkCounter) -> None:
    """Add labels to the selectors of affinities, spreads and network policies that are there."""
    for key, inner in _pod_selectors(resource.node):
        found = inner.value_at_path("matchLabels")
        if found is not None and key:
            found.map.update(copy_value(labels, counter).map)


def _pod_selectors(node: PlacedValue) -> Iterator[tuple[str, PlacedValue]]:
    """The selectors for pods below affinities, spreads and the peers of network policies."""
    pod = node.value_at_path("spec", "template", "spec") or node.value_at_path(
        "spec", "jobTemplate", "spec", "template", "spec"
    )
    for key in ("podAffinity", "podAntiAffinity"):
        rules = pod.value_at_path("affinity", key) if pod else None
        for name, terms in rules.map.items() if rules else ():
            for term in terms.list_entries:
                inner = term.value_at_path("labelSelector") or term.value_at_path("podAffinityTerm", "labelSelector")
                if inner:
                    yield name, inner
    spreads = pod.value_at_path("topologySpreadConstraints") if pod else None
    for spread in spreads.list_entries if spreads else ():
        if inner := spread.value_at_path("labelSelector"):
            yield "spread", inner
    if node.text_at_path("kind") == "NetworkPolicy":
        for way, side in (("ingress", "from"), ("egress", "to")):
            lists = node.value_at_path("spec", way)
            for rule in lists.list_entries if lists else ():
                peers = rule.value_at_path(side)
                for peer in peers.list_entries if peers else ():
                    if inner := peer.value_at_path("podSelector"):
                        yield way, inner


def add_annotations(resources: Iterable[OverlayResource], pairs: PlacedValue, counter: WorkCounter) -> None:
    """Add annotations to objects and to the templates of their pods."""
    for resource in resources:
        for path in (("metadata",), *_template_metadata_paths(resource.kind)):
            _add_pairs(resource.node, (*path, "annotations"), pairs, counter)


_IMAGE_END = r"(?::[\w.{}-]*)?(?:@sha256:[\w.{}-]*)?\Z"


def set_images(resources: Iterable[OverlayResource], images: PlacedValue) -> None:
    """Give containers other images, tags and digests."""
    known = []
    for entry in images.list_entries:
        unknown = set(entry.map) - {"name", "newName", "newTag", "digest", "tagSuffix"}
        if unknown:
            raise UnsupportedFeatureError(f"an entry of images has the key {min(unknown)[:60]}")
        if name := entry.text_at_path("name"):
            known.append((name, re.compile(re.escape(name) + _IMAGE_END), entry))
    for resource in resources if known else ():
        for container in _containers_below(resource.node):
            for name, pattern, wanted in known:
                image = container.value_at_path("image")
                if image is not None and pattern.match(image.string):
                    container.map["image"] = _changed_image(image, name, wanted)


def _containers_below(node: PlacedValue) -> Iterator[PlacedValue]:
    """Every container below an object, at whatever depth; none of a CustomResourceDefinition."""
    stack = [] if node.text_at_path("kind") == "CustomResourceDefinition" else [node]
    while stack:
        value = stack.pop()
        for key, inner in value.map.items():
            if key in {"containers", "initContainers"}:
                yield from (entry for entry in inner.list_entries if entry.map)
            stack.append(inner)
        stack += value.list_entries


def _changed_image(image: PlacedValue, name: str, spec: PlacedValue) -> PlacedValue:
    """An image under another name, tag or digest, told where the newest of these is written."""
    rest = image.string[len(name) :]
    at = rest.find("@")
    tag, digest = (rest, "") if at < 0 else (rest[:at], rest[at:])
    place = image.place
    new = spec.text_at_path("newName") or name
    for key in ("newName", "tagSuffix", "newTag", "digest"):
        value = spec.map.get(key)
        if value is None or value.data in (None, ""):
            continue
        place = value.place
        text = value.string if isinstance(value.data, str) else _written_scalar(value)
        if key == "newTag":
            tag, digest = f":{text}", ""
        elif key == "digest":
            tag, digest = "", f"@{text}"
        elif key == "tagSuffix" and not digest:
            tag = f"{tag}{text}"
    return PlacedValue(f"{new}{tag}{digest}", place, image.key_place)


def _written_scalar(value: PlacedValue) -> str:
    """A scalar as it is written: a tag `1.20` without quotes stays what it is."""
    source, span = value.place
    return source.text[span.start : span.end].strip()


def set_replicas(resources: list[OverlayResource], replicas: PlacedValue) -> None:
    """Give workloads other numbers of pods. Raises RenderError where there is none of a name."""
    for entry in replicas.list_entries:
        name, count = entry.text_at_path("name"), entry.map.get("count")
        if count is None or isinstance(count.data, dict | list):
            raise UnsupportedFeatureError("an entry of replicas has no count")
        found = [
            other
            for other in resources
            if other.kind in _SCALABLE_KINDS and any(known.name == name for known in other.identities)
        ]
        if not found:
            raise RenderError(f"replicas names {name[:80]!r}, and no workload is called that")
        for other in found:
            ensure_mapping(other.node, ("spec",), entry.place).map["replicas"] = count
