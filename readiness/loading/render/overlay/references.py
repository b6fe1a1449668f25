"""Names by which objects speak of others: they change with the names of those.

https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/konfig/builtinpluginconsts/namereference.go
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.loading.render.overlay.placed import PlacedValue
from readiness.loading.render.overlay.resource import OverlayResource
from readiness.loading.render.overlay.selector import identity_count
from readiness.loading.render.work import WorkCounter

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
_REFERENCE_KEYS_WITH_KIND = frozenset({"scaleTargetRef", "roleRef", "targetRef"})  # say their kind beside the name


def update_renamed_references(resources: list[OverlayResource], counter: WorkCounter) -> None:
    """Let every reference to an object that has another name now say that name; its place stays its own."""
    renamed_resources_by_former_name: dict[tuple[str, str], list[OverlayResource]] = {}
    for resource in resources:
        for identity in resource.identities:
            is_renamed_or_moved = identity.name != resource.name or identity.namespace != resource.identity.namespace
            if is_renamed_or_moved or resource.kind == "ServiceAccount":  # whose subjects are told its namespace
                renamed_resources_by_former_name.setdefault((identity.kind, identity.name), []).append(resource)
    if not renamed_resources_by_former_name:
        return
    for resource in resources:
        for referenced_kind, reference_mapping, name_key in _name_references(resource, counter):
            written_name = reference_mapping.map[name_key]
            candidates = list(dict.fromkeys(renamed_resources_by_former_name.get((referenced_kind, written_name.string), ())))
            counter.count_lookups(identity_count(candidates))
            referenced_resource = _referenced_resource(resource, reference_mapping, candidates)
            if referenced_resource is None:
                continue
            reference_mapping.map[name_key] = PlacedValue(referenced_resource.name, written_name.place, written_name.key_place)
            written_namespace = reference_mapping.map.get("namespace")
            new_namespace = referenced_resource.node.value_at_path("metadata", "namespace")
            if new_namespace is not None and (written_namespace is not None or reference_mapping.text_at_path("kind") == "ServiceAccount"):
                reference_mapping.map["namespace"] = new_namespace


def _referenced_resource(
    referring_resource: OverlayResource, reference_mapping: PlacedValue, candidates: list[OverlayResource]
) -> OverlayResource | None:
    """Which of several objects of a former name is meant: the one that came the same way as its user."""
    namespace = reference_mapping.text_at_path("namespace")
    if namespace:
        candidates = [one for one in candidates if any((known.namespace or "default") == namespace for known in one.identities)]
    elif len(candidates) > 1:
        own_namespace = referring_resource.identity.namespace
        candidates = [one for one in candidates if one.identity.namespace in {own_namespace, ""}] or candidates
    if len(candidates) > 1:
        candidates_with_same_affixes = [one for one in candidates if one.name_affixes == referring_resource.name_affixes]
        candidates = candidates_with_same_affixes or candidates
    return candidates[0] if len(candidates) == 1 else None


def _name_references(resource: OverlayResource, counter: WorkCounter) -> Iterator[tuple[str, PlacedValue, str]]:
    """(kind, the mapping, its key) of every name of another object."""
    pending_keys_and_values: list[tuple[str, PlacedValue]] = [("", resource.node)]
    while pending_keys_and_values:
        mapping_key, mapping = pending_keys_and_values.pop()
        counter.count_visits(1)
        for key, inner_value in list(mapping.map.items()):
            if isinstance(inner_value.data, str):
                referenced_kind = _KIND_BY_REFERENCE_FIELD.get((mapping_key, key)) or _KIND_BY_REFERENCE_FIELD.get(("", key))
                if key == "serviceName" and resource.kind == "StatefulSet" and mapping_key == "spec":
                    referenced_kind = "Service"
                if mapping_key in _REFERENCE_KEYS_WITH_KIND and key == "name":
                    referenced_kind = mapping.text_at_path("kind")
                if mapping_key == "subjects" and key == "name" and mapping.text_at_path("kind") == "ServiceAccount":
                    referenced_kind = "ServiceAccount"
                if referenced_kind:
                    yield referenced_kind, mapping, key
            elif key != "metadata" or mapping_key:
                pending_keys_and_values.append((key, inner_value))
        pending_keys_and_values += [(mapping_key, inner_value) for inner_value in mapping.list_entries]
