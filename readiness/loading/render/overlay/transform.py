"""What a kustomization does to all of its objects: namespace, labels, annotations, images, replicas, names.

The places are those of kustomize's own settings:
https://github.com/kubernetes-sigs/kustomize/tree/master/api/internal/konfig/builtinpluginconsts
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import Counter, UnknownError, Value, copied
from readiness.loading.render.overlay.resource import (
    Resource,
    is_cluster_scoped,
    mapping_at,
    metadata_of,
)

Path = tuple[str, ...]
_TEMPLATE: Path = ("spec", "template", "metadata")
_JOB: Path = ("spec", "jobTemplate", "metadata")
_JOB_TEMPLATE: Path = ("spec", "jobTemplate", "spec", "template", "metadata")
_CLAIMS: Path = ("spec", "volumeClaimTemplates")
_WORKLOADS = frozenset(
    {"ReplicationController", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"}
)
_SELECTORS: dict[str, tuple[Path, ...]] = {
    "Service": (("spec", "selector"),),
    "ReplicationController": (("spec", "selector"),),
    "Deployment": (("spec", "selector", "matchLabels"),),
    "ReplicaSet": (("spec", "selector", "matchLabels"),),
    "DaemonSet": (("spec", "selector", "matchLabels"),),
    "StatefulSet": (("spec", "selector", "matchLabels"),),
}
# Selectors that are added to where there is one.
_EXISTING: dict[str, tuple[Path, ...]] = {
    "Job": (("spec", "selector", "matchLabels"),),
    "CronJob": (("spec", "jobTemplate", "spec", "selector", "matchLabels"),),
    "PodDisruptionBudget": (("spec", "selector", "matchLabels"),),
    "NetworkPolicy": (("spec", "podSelector", "matchLabels"),),
}
_UNNAMED = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})  # keep their names
_SERVICES: dict[str, Path] = {
    "APIService": ("spec", "service"),
    "CustomResourceDefinition": ("spec", "conversion", "webhook", "clientConfig", "service"),
}
_SCALED = frozenset({"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"})


def set_namespace(resources: Iterable[Resource], namespace: Value) -> None:
    """Put all objects of a namespace into another one, and rename that one's own object."""
    for resource in resources:
        resource.remember()
        node = resource.node
        if resource.kind == "Namespace" and node.under("apiVersion") == "v1":
            metadata_of(node, namespace.place).map["name"] = namespace
        elif not is_cluster_scoped(node):
            metadata_of(node, namespace.place).map["namespace"] = namespace
        if resource.kind in {"RoleBinding", "ClusterRoleBinding"}:
            for subject in node.map["subjects"].items if "subjects" in node.map else ():
                if subject.under("kind") == "ServiceAccount" and subject.under("name") == "default":
                    subject.map["namespace"] = namespace
        service = node.get(*_SERVICES.get(resource.kind, ("spec", "service")))
        if service is not None and service.map and resource.kind in _SERVICES:
            service.map["namespace"] = namespace


def rename(resources: Iterable[Resource], prefix: str, suffix: str) -> None:
    """Put a prefix and a suffix around the names."""
    for resource in resources:
        if resource.kind in _UNNAMED:
            continue
        resource.remember()
        resource.affixes.append(f"{prefix}\0{suffix}")
        name = resource.node.get("metadata", "name")
        if name is not None:
            made = Value(f"{prefix}{name.text}{suffix}", name.place, name.key)
            resource.node.map["metadata"].map["name"] = made


def add_labels(
    resources: Iterable[Resource],
    labels: Value,
    counter: Counter,
    *,
    selectors: bool,
    templates: bool,
) -> None:
    """Add labels to objects, to the templates of pods, and to selectors, where these are asked for."""
    for resource in resources:
        paths: list[Path] = [("metadata", "labels")]
        if selectors or templates:
            paths += [(*path, "labels") for path in _templates(resource.kind)]
        if selectors:
            paths += _SELECTORS.get(resource.kind, ())
            paths += [path for path in _EXISTING.get(resource.kind, ()) if resource.node.get(*path)]
        for path in paths:
            _add_pairs(resource.node, path, labels, counter)
        if resource.kind == "StatefulSet" and (selectors or templates):
            for claim in claims.items if (claims := resource.node.get(*_CLAIMS)) else ():
                _add_pairs(claim, ("metadata", "labels"), labels, counter)
        if selectors:
            _add_to_inner_selectors(resource, labels, counter)


def _templates(kind: str) -> tuple[Path, ...]:
    """Where the metadata of a kind's templates stand."""
    if kind == "CronJob":
        return (_JOB, _JOB_TEMPLATE)
    return (_TEMPLATE,) if kind in _WORKLOADS else ()


def _add_pairs(node: Value, path: Path, pairs: Value, counter: Counter) -> None:
    target = mapping_at(node, path, pairs.place)
    target.map.update(copied(pairs, counter).map)


def _add_to_inner_selectors(resource: Resource, labels: Value, counter: Counter) -> None:
    """Add labels to the selectors of affinities, spreads and network policies that are there."""
    for key, inner in _pod_selectors(resource.node):
        found = inner.get("matchLabels")
        if found is not None and key:
            found.map.update(copied(labels, counter).map)


def _pod_selectors(node: Value) -> Iterator[tuple[str, Value]]:
    """The selectors for pods below affinities, spreads and the peers of network policies."""
    pod = node.get("spec", "template", "spec") or node.get(
        "spec", "jobTemplate", "spec", "template", "spec"
    )
    for key in ("podAffinity", "podAntiAffinity"):
        rules = pod.get("affinity", key) if pod else None
        for name, terms in rules.map.items() if rules else ():
            for term in terms.items:
                inner = term.get("labelSelector") or term.get("podAffinityTerm", "labelSelector")
                if inner:
                    yield name, inner
    spreads = pod.get("topologySpreadConstraints") if pod else None
    for spread in spreads.items if spreads else ():
        if inner := spread.get("labelSelector"):
            yield "spread", inner
    if node.under("kind") == "NetworkPolicy":
        for way, side in (("ingress", "from"), ("egress", "to")):
            lists = node.get("spec", way)
            for rule in lists.items if lists else ():
                peers = rule.get(side)
                for peer in peers.items if peers else ():
                    if inner := peer.get("podSelector"):
                        yield way, inner


def add_annotations(resources: Iterable[Resource], pairs: Value, counter: Counter) -> None:
    """Add annotations to objects and to the templates of their pods."""
    for resource in resources:
        for path in (("metadata",), *_templates(resource.kind)):
            _add_pairs(resource.node, (*path, "annotations"), pairs, counter)


_IMAGE_END = r"(?::[\w.{}-]*)?(?:@sha256:[\w.{}-]*)?\Z"


def set_images(resources: Iterable[Resource], images: Value) -> None:
    """Give containers other images, tags and digests."""
    known = []
    for entry in images.items:
        unknown = set(entry.map) - {"name", "newName", "newTag", "digest", "tagSuffix"}
        if unknown:
            raise UnknownError(f"an entry of images has the key {min(unknown)[:60]}")
        if name := entry.under("name"):
            known.append((name, re.compile(re.escape(name) + _IMAGE_END), entry))
    for resource in resources if known else ():
        for container in _containers(resource.node):
            for name, pattern, wanted in known:
                image = container.get("image")
                if image is not None and pattern.match(image.text):
                    container.map["image"] = _image(image, name, wanted)


def _containers(node: Value) -> Iterator[Value]:
    """Every container below an object, at whatever depth; none of a CustomResourceDefinition."""
    stack = [] if node.under("kind") == "CustomResourceDefinition" else [node]
    while stack:
        value = stack.pop()
        for key, inner in value.map.items():
            if key in {"containers", "initContainers"}:
                yield from (entry for entry in inner.items if entry.map)
            stack.append(inner)
        stack += value.items


def _image(image: Value, name: str, spec: Value) -> Value:
    """An image under another name, tag or digest, told where the newest of these is written."""
    rest = image.text[len(name) :]
    at = rest.find("@")
    tag, digest = (rest, "") if at < 0 else (rest[:at], rest[at:])
    place = image.place
    new = spec.under("newName") or name
    for key in ("newName", "tagSuffix", "newTag", "digest"):
        value = spec.map.get(key)
        if value is None or value.data in (None, ""):
            continue
        place = value.place
        text = value.text if isinstance(value.data, str) else _written_scalar(value)
        if key == "newTag":
            tag, digest = f":{text}", ""
        elif key == "digest":
            tag, digest = "", f"@{text}"
        elif key == "tagSuffix" and not digest:
            tag = f"{tag}{text}"
    return Value(f"{new}{tag}{digest}", place, image.key)


def _written_scalar(value: Value) -> str:
    """A scalar as it is written: a tag `1.20` without quotes stays what it is."""
    source, span = value.place
    return source.text[span.start : span.end].strip()


def set_replicas(resources: list[Resource], replicas: Value) -> None:
    """Give workloads other numbers of pods. Raises RenderError where there is none of a name."""
    for entry in replicas.items:
        name, count = entry.under("name"), entry.map.get("count")
        if count is None or isinstance(count.data, dict | list):
            raise UnknownError("an entry of replicas has no count")
        found = [
            other
            for other in resources
            if other.kind in _SCALED and any(known.name == name for known in other.identities)
        ]
        if not found:
            raise RenderError(f"replicas names {name[:80]!r}, and no workload is called that")
        for other in found:
            mapping_at(other.node, ("spec",), entry.place).map["replicas"] = count
