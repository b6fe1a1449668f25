"""Names by which objects speak of others: they change with the names of those.

https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/konfig/builtinpluginconsts/namereference.go
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.loading.render.overlay.placed import PlacedValue
from readiness.loading.render.overlay.resource import OverlayResource

# Under which key a name of which kind stands: (the mapping's key, the key in it). An empty one fits every mapping.
_KIND_BY_REFERENCE_FIELD: dict[tuple[str, str], str] = {
    ("configMapRef", "name"): "ConfigMap",
    ("configMapKeyRef", "name"): "ConfigMap",
    ("configMap", "name"): "ConfigMap",
    ("secretRef", "name"): "Secret",
    ("secretKeyRef", "name"): "Secret",
    ("secret", "secretName"): "Secret",
    ("secret", "name"): "Secret",
    ("imagePullSecrets", "name"): "Secret",
    ("tls", "secretName"): "Secret",
    ("nodePublishSecretRef", "name"): "Secret",
    ("persistentVolumeClaim", "claimName"): "PersistentVolumeClaim",
    ("service", "name"): "Service",
    ("backend", "serviceName"): "Service",
    ("", "serviceAccountName"): "ServiceAccount",
    ("", "serviceAccount"): "ServiceAccount",
    ("", "priorityClassName"): "PriorityClass",
    ("", "storageClassName"): "StorageClass",
    ("", "ingressClassName"): "IngressClass",
    ("", "volumeName"): "PersistentVolume",
}
_REFERENCES_WITH_KIND = frozenset({"scaleTargetRef", "roleRef", "targetRef"})  # say their kind beside the name


def fix_references(resources: list[OverlayResource]) -> None:
    """Let every reference to an object that has another name now say that name; its place stays its own."""
    renamed: dict[tuple[str, str], list[OverlayResource]] = {}
    for resource in resources:
        for known in resource.identities:
            is_moved = known.name != resource.name or known.namespace != resource.identity.namespace
            if is_moved or resource.kind == "ServiceAccount":  # whose subjects are told its namespace
                renamed.setdefault((known.kind, known.name), []).append(resource)
    if not renamed:
        return
    for resource in resources:
        for kind, holder, key in _name_references(resource):
            name = holder.map[key]
            some = list(dict.fromkeys(renamed.get((kind, name.string), ())))
            found = _referenced_resource(resource, holder, some)
            if found is None:
                continue
            holder.map[key] = PlacedValue(found.name, name.place, name.key_place)
            namespace = holder.map.get("namespace")
            moved = found.node.value_at_path("metadata", "namespace")
            if moved is not None and (namespace is not None or holder.text_at_path("kind") == "ServiceAccount"):
                holder.map["namespace"] = moved


def _referenced_resource(
    referring_resource: OverlayResource, holder: PlacedValue, candidates: list[OverlayResource]
) -> OverlayResource | None:
    """Which of several objects of a former name is meant: the one that came the same way as its user."""
    namespace = holder.text_at_path("namespace")
    if namespace:
        candidates = [one for one in candidates if any((known.namespace or "default") == namespace for known in one.identities)]
    elif len(candidates) > 1:
        mine = referring_resource.identity.namespace
        candidates = [one for one in candidates if one.identity.namespace in {mine, ""}] or candidates
    if len(candidates) > 1:
        same = [one for one in candidates if one.name_affixes == referring_resource.name_affixes]
        candidates = same or candidates
    return candidates[0] if len(candidates) == 1 else None


def _name_references(resource: OverlayResource) -> Iterator[tuple[str, PlacedValue, str]]:
    """(kind, the mapping, its key) of every name of another object."""
    stack: list[tuple[str, PlacedValue]] = [("", resource.node)]
    while stack:
        outer, value = stack.pop()
        for key, inner in list(value.map.items()):
            if isinstance(inner.data, str):
                kind = _KIND_BY_REFERENCE_FIELD.get((outer, key)) or _KIND_BY_REFERENCE_FIELD.get(("", key))
                if key == "serviceName" and resource.kind == "StatefulSet" and outer == "spec":
                    kind = "Service"
                if outer in _REFERENCES_WITH_KIND and key == "name":
                    kind = value.text_at_path("kind")
                if outer == "subjects" and key == "name" and value.text_at_path("kind") == "ServiceAccount":
                    kind = "ServiceAccount"
                if kind:
                    yield kind, value, key
            elif key != "metadata" or outer:
                stack.append((key, inner))
        stack += [(outer, inner) for inner in value.list_entries]
