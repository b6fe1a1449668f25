"""Names by which objects speak of others: they change with the names of those.

https://github.com/kubernetes-sigs/kustomize/blob/master/api/internal/konfig/builtinpluginconsts/namereference.go
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.loading.render.overlay.placed import Value
from readiness.loading.render.overlay.resource import Resource

# Under which key a name of which kind stands: (the mapping's key, the key in it). An empty one fits every mapping.
_FIELDS: dict[tuple[str, str], str] = {
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
_TYPED = frozenset({"scaleTargetRef", "roleRef", "targetRef"})  # say their kind beside the name


def fix_references(resources: list[Resource]) -> None:
    """Let every reference to an object that has another name now say that name; its place stays its own."""
    renamed: dict[tuple[str, str], list[Resource]] = {}
    for resource in resources:
        for known in resource.identities:
            is_moved = known.name != resource.name or known.namespace != resource.identity.namespace
            if (
                is_moved or resource.kind == "ServiceAccount"
            ):  # whose subjects are told its namespace
                renamed.setdefault((known.kind, known.name), []).append(resource)
    if not renamed:
        return
    for resource in resources:
        for kind, holder, key in _references(resource):
            name = holder.map[key]
            some = list(dict.fromkeys(renamed.get((kind, name.text), ())))
            found = _meant(resource, holder, some)
            if found is None:
                continue
            holder.map[key] = Value(found.name, name.place, name.key)
            namespace = holder.map.get("namespace")
            moved = found.node.get("metadata", "namespace")
            if moved is not None and (
                namespace is not None or holder.under("kind") == "ServiceAccount"
            ):
                holder.map["namespace"] = moved


def _meant(user: Resource, holder: Value, some: list[Resource]) -> Resource | None:
    """Which of several objects of a former name is meant: the one that came the same way as its user."""
    namespace = holder.under("namespace")
    if namespace:
        some = [
            one
            for one in some
            if any((known.namespace or "default") == namespace for known in one.identities)
        ]
    elif len(some) > 1:
        mine = user.identity.namespace
        some = [one for one in some if one.identity.namespace in {mine, ""}] or some
    if len(some) > 1:
        same = [one for one in some if one.affixes == user.affixes]
        some = same or some
    return some[0] if len(some) == 1 else None


def _references(resource: Resource) -> Iterator[tuple[str, Value, str]]:
    """(kind, the mapping, its key) of every name of another object."""
    stack: list[tuple[str, Value]] = [("", resource.node)]
    while stack:
        outer, value = stack.pop()
        for key, inner in list(value.map.items()):
            if isinstance(inner.data, str):
                kind = _FIELDS.get((outer, key)) or _FIELDS.get(("", key))
                if key == "serviceName" and resource.kind == "StatefulSet" and outer == "spec":
                    kind = "Service"
                if outer in _TYPED and key == "name":
                    kind = value.under("kind")
                if (
                    outer == "subjects"
                    and key == "name"
                    and value.under("kind") == "ServiceAccount"
                ):
                    kind = "ServiceAccount"
                if kind:
                    yield kind, value, key
            elif key != "metadata" or outer:
                stack.append((key, inner))
        stack += [(outer, inner) for inner in value.items]
