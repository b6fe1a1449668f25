"""Strategic merge patches: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#patchstrategicmerge"""

from __future__ import annotations

from readiness.facts.table import rows
from readiness.loading.render.overlay.placed import Counter, UnknownError, Value, copied

# By which fields the entries of a list are told apart; all other lists are replaced whole.
# `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys` of https://github.com/kubernetes/kubernetes/tree/master/api/openapi-spec
_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "webhooks": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
_SETS = frozenset({"finalizers"})  # lists of texts that are joined
_DEFAULTS = {"protocol": "TCP"}
DELETE, REPLACE, MERGE = "delete", "replace", "merge"


def merge_patch(target: Value, patch: Value, counter: Counter, *, keep: bool = False) -> None:
    """Lay a patch over an object, in place. Raises UnknownError for a directive that is not known.

    With `keep` the keys of mappings are left that the patch would take away.
    """
    version, kind = target.under("apiVersion"), target.under("kind")
    _Merge(counter, is_known_kind(version, kind), keep).maps(target, patch)


def is_known_kind(version: str, kind: str) -> bool:
    """Whether an object is one of Kubernetes' own, whose lists are merged by keys."""
    return f"{version} {kind}" in rows("kubernetes-kinds")


def directive(patch: Value) -> str:
    """What a patch says of itself: delete, replace, merge; empty where it says nothing."""
    found = patch.map.get("$patch")
    return found.text if found else ""


class _Merge:
    """One patch over one object."""

    def __init__(self, counter: Counter, keyed: bool, keep: bool) -> None:
        self.counter = counter
        self.keyed = keyed
        self.keep = keep

    def maps(self, target: Value, patch: Value) -> None:
        """Merge one mapping into another."""
        if directive(patch) == REPLACE:
            old = target.map
            target.data = dict(old) if self.keep else {}
            target.map.update(
                (key, self.new(value)) for key, value in patch.map.items() if key != "$patch"
            )
            target.removed += [patch.place] if old else []
            target.place = patch.place
            return
        for key, value in patch.map.items():
            if key == "$patch":
                if value.text not in {MERGE, ""}:
                    raise UnknownError(f"it holds `$patch: {value.text[:40]}`")
                continue
            if key.startswith("$"):
                raise UnknownError(f"it holds {key[:60]}")
            self.entry(target, key, value)

    def entry(self, target: Value, key: str, value: Value) -> None:
        """Merge what a patch has under one key."""
        old = target.map.get(key)
        if value.data is None or directive(value) == DELETE:
            if old is not None:
                target.removed.append(value.key)
                if not self.keep:
                    del target.map[key]
            return
        if isinstance(value.data, dict) and old is not None and isinstance(old.data, dict):
            self.maps(old, value)
            return
        if isinstance(value.data, list) and old is not None and isinstance(old.data, list):
            target.map[key] = self.lists(old, value, self.keys(target, key, value))
            return
        target.map[key] = self.new(value)

    def keys(self, owner: Value, key: str, value: Value) -> tuple[str, ...]:
        """By which fields the entries of a list are told apart; none where the list is replaced."""
        if not self.keyed:
            return ()
        if key == "ports":
            entries = [one for one in value.items if one.map]
            if any("containerPort" in one.map for one in entries):
                return ("containerPort", "protocol")
            return ("port", "protocol") if any("port" in one.map for one in entries) else ()
        return _KEYS.get(key, ())

    def lists(self, old: Value, patch: Value, keys: tuple[str, ...]) -> Value:
        """Merge a list into another: entries of one key together, those of the patch first."""
        if any(directive(one) == REPLACE for one in patch.items):
            rest = [one for one in patch.items if directive(one) != REPLACE]
            made = Value([self.new(one) for one in rest], patch.place, patch.key)
            made.removed = [*old.removed, old.place]
            return made
        if not keys:
            return self.new(patch)
        first: list[Value] = []
        for entry in patch.items:
            found = [
                other for other in old.items if _identity(other, keys) == _identity(entry, keys)
            ]
            if directive(entry) == DELETE:
                old.removed += [entry.place] if found else []
            elif found:
                self.maps(found[0], entry)
                first.append(found[0])
            else:
                first.append(self.new(entry))
            old.data = [other for other in old.items if other not in found]
        old.data = [*first, *old.items]
        return old

    def new(self, value: Value) -> Value:
        """A value of a patch as it stands in an object that had none: without what takes things away."""
        made = copied(value, self.counter)
        _clean(made)
        return made


def _clean(value: Value) -> None:
    if isinstance(value.data, dict):
        gone = [
            key for key, one in value.data.items() if one.data is None or directive(one) == DELETE
        ]
        for key in [*gone, "$patch"]:
            value.data.pop(key, None)
        if any(key.startswith("$") for key in value.data):
            raise UnknownError("it holds a directive of strategic merges")
        for inner in value.data.values():
            _clean(inner)
    elif isinstance(value.data, list):
        value.data = [one for one in value.data if directive(one) != DELETE]
        for inner in value.data:
            _clean(inner)


def _identity(value: Value, keys: tuple[str, ...]) -> tuple[object, ...]:
    """What tells an entry of a list from the others; its own identity where it has no such field."""
    found = tuple(
        one.data if (one := value.map.get(key)) is not None else _DEFAULTS.get(key) for key in keys
    )
    return found if any(key in value.map for key in keys) else (id(value),)
