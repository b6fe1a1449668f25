"""Strategic merge patches: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#patchstrategicmerge"""

from __future__ import annotations

from readiness.facts.table import fact_rows
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    WorkCounter,
    copy_value,
)

# By which fields the entries of a list are told apart; all other lists are replaced whole.
# `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys` of https://github.com/kubernetes/kubernetes/tree/master/api/openapi-spec
_MERGE_KEYS_BY_LIST: dict[str, tuple[str, ...]] = {
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
_DEFAULT_MERGE_KEY_VALUES = {"protocol": "TCP"}
DELETE_DIRECTIVE, REPLACE_DIRECTIVE, MERGE_DIRECTIVE = "delete", "replace", "merge"


def merge_patch(
    target: PlacedValue,
    patch: PlacedValue,
    counter: WorkCounter,
    *,
    keep_removed_keys: bool = False,
) -> None:
    """Lay a patch over an object, in place. Raises UnsupportedFeatureError for a directive that is not known.

    With `keep_removed_keys` the keys of mappings are left that the patch would take away.
    """
    version, kind = target.text_at_path("apiVersion"), target.text_at_path("kind")
    _StrategicMerge(counter, is_known_kind(version, kind), keep_removed_keys).merge_mappings(target, patch)


def is_known_kind(version: str, kind: str) -> bool:
    """Whether an object is one of Kubernetes' own, whose lists are merged by keys."""
    return f"{version} {kind}" in fact_rows("kubernetes-kinds")


def patch_directive(patch: PlacedValue) -> str:
    """What a patch says of itself: delete, replace, merge; empty where it says nothing."""
    found = patch.map.get("$patch")
    return found.string if found else ""


class _StrategicMerge:
    """One patch over one object."""

    def __init__(self, counter: WorkCounter, merges_lists_by_key: bool, keep_removed_keys: bool) -> None:
        self.counter = counter
        self.keyed = merges_lists_by_key
        self.keep = keep_removed_keys

    def merge_mappings(self, target: PlacedValue, patch: PlacedValue) -> None:
        """Merge one mapping into another."""
        if patch_directive(patch) == REPLACE_DIRECTIVE:
            old = target.map
            target.data = dict(old) if self.keep else {}
            target.map.update((key, self.without_directives(value)) for key, value in patch.map.items() if key != "$patch")
            target.removal_places += [patch.place] if old else []
            target.place = patch.place
            return
        for key, value in patch.map.items():
            if key == "$patch":
                if value.string not in {MERGE_DIRECTIVE, ""}:
                    raise UnsupportedFeatureError(f"it holds `$patch: {value.string[:40]}`")
                continue
            if key.startswith("$"):
                raise UnsupportedFeatureError(f"it holds {key[:60]}")
            self.merge_entry(target, key, value)

    def merge_entry(self, target: PlacedValue, key: str, value: PlacedValue) -> None:
        """Merge what a patch has under one key."""
        old = target.map.get(key)
        if value.data is None or patch_directive(value) == DELETE_DIRECTIVE:
            if old is not None:
                target.removal_places.append(value.key_place)
                if not self.keep:
                    del target.map[key]
            return
        if isinstance(value.data, dict) and old is not None and isinstance(old.data, dict):
            self.merge_mappings(old, value)
            return
        if isinstance(value.data, list) and old is not None and isinstance(old.data, list):
            target.map[key] = self.merge_lists(old, value, self.merge_keys_of_list(target, key, value))
            return
        target.map[key] = self.without_directives(value)

    def merge_keys_of_list(self, owner: PlacedValue, key: str, value: PlacedValue) -> tuple[str, ...]:
        """By which fields the entries of a list are told apart; none where the list is replaced."""
        if not self.keyed:
            return ()
        if key == "ports":
            entries = [one for one in value.list_entries if one.map]
            if any("containerPort" in one.map for one in entries):
                return ("containerPort", "protocol")
            return ("port", "protocol") if any("port" in one.map for one in entries) else ()
        return _MERGE_KEYS_BY_LIST.get(key, ())

    def merge_lists(self, old: PlacedValue, patch: PlacedValue, keys: tuple[str, ...]) -> PlacedValue:
        """Merge a list into another: entries of one key together, those of the patch first."""
        if any(patch_directive(one) == REPLACE_DIRECTIVE for one in patch.list_entries):
            rest = [one for one in patch.list_entries if patch_directive(one) != REPLACE_DIRECTIVE]
            made = PlacedValue([self.without_directives(one) for one in rest], patch.place, patch.key_place)
            made.removal_places = [*old.removal_places, old.place]
            return made
        if not keys:
            return self.without_directives(patch)
        first: list[PlacedValue] = []
        for entry in patch.list_entries:
            found = [
                other for other in old.list_entries if _list_entry_identity(other, keys) == _list_entry_identity(entry, keys)
            ]
            if patch_directive(entry) == DELETE_DIRECTIVE:
                old.removal_places += [entry.place] if found else []
            elif found:
                self.merge_mappings(found[0], entry)
                first.append(found[0])
            else:
                first.append(self.without_directives(entry))
            old.data = [other for other in old.list_entries if other not in found]
        old.data = [*first, *old.list_entries]
        return old

    def without_directives(self, value: PlacedValue) -> PlacedValue:
        """A value of a patch as it stands in an object that had none: without what takes things away."""
        made = copy_value(value, self.counter)
        _remove_directives(made)
        return made


def _remove_directives(value: PlacedValue) -> None:
    if isinstance(value.data, dict):
        gone = [key for key, one in value.data.items() if one.data is None or patch_directive(one) == DELETE_DIRECTIVE]
        for key in [*gone, "$patch"]:
            value.data.pop(key, None)
        if any(key.startswith("$") for key in value.data):
            raise UnsupportedFeatureError("it holds a directive of strategic merges")
        for inner in value.data.values():
            _remove_directives(inner)
    elif isinstance(value.data, list):
        value.data = [one for one in value.data if patch_directive(one) != DELETE_DIRECTIVE]
        for inner in value.data:
            _remove_directives(inner)


def _list_entry_identity(value: PlacedValue, keys: tuple[str, ...]) -> tuple[object, ...]:
    """What tells an entry of a list from the others; its own identity where it has no such field."""
    found = tuple(one.data if (one := value.map.get(key)) is not None else _DEFAULT_MERGE_KEY_VALUES.get(key) for key in keys)
    return found if any(key in value.map for key in keys) else (id(value),)
