"""Strategic merge patches: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#patchstrategicmerge"""

from __future__ import annotations

from readiness.facts.table import fact_row_by_name
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    copy_value,
)
from readiness.loading.render.work import WorkCounter

# By which fields the entries of a list are told apart; all other lists are replaced whole.
# `x-kubernetes-patch-merge-key` and `x-kubernetes-list-map-keys` of https://github.com/kubernetes/kubernetes/tree/master/api/openapi-spec
_MERGE_KEYS_BY_LIST_FIELD: dict[str, tuple[str, ...]] = {
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
_DEFAULT_VALUE_BY_MERGE_KEY = {"protocol": "TCP"}
DELETE_DIRECTIVE, REPLACE_DIRECTIVE, MERGE_DIRECTIVE = "delete", "replace", "merge"


def merge_patch(
    target_object: PlacedValue,
    patch: PlacedValue,
    counter: WorkCounter,
    *,
    keep_removed_keys: bool = False,
) -> None:
    """Lay a patch over an object, in place. Raises UnsupportedFeatureError for a directive that is not known.

    With `keep_removed_keys` the keys of mappings are left that the patch would take away.
    """
    api_version, kind = target_object.text_at_path("apiVersion"), target_object.text_at_path("kind")
    _StrategicMerge(counter, is_kind_of_kubernetes_itself(api_version, kind), keep_removed_keys).merge_mappings(target_object, patch)


def is_kind_of_kubernetes_itself(api_version: str, kind: str) -> bool:
    """Whether an object is one of Kubernetes' own, whose lists are merged by keys."""
    return f"{api_version} {kind}" in fact_row_by_name("kubernetes-kinds")


def patch_directive(patch: PlacedValue) -> str:
    """What a patch says of itself: delete, replace, merge; empty where it says nothing."""
    directive_value = patch.map.get("$patch")
    return directive_value.string if directive_value else ""


class _StrategicMerge:
    """One patch over one object."""

    def __init__(self, counter: WorkCounter, merges_lists_by_key: bool, keep_removed_keys: bool) -> None:
        self.counter = counter
        self.keyed = merges_lists_by_key
        self.keep = keep_removed_keys

    def merge_mappings(self, target_mapping: PlacedValue, patch_mapping: PlacedValue) -> None:
        """Merge one mapping into another."""
        if patch_directive(patch_mapping) == REPLACE_DIRECTIVE:
            old_entries = target_mapping.map
            target_mapping.data = dict(old_entries) if self.keep else {}
            target_mapping.map.update(
                (key, self.without_directives(patch_value)) for key, patch_value in patch_mapping.map.items() if key != "$patch"
            )
            target_mapping.removal_places += [patch_mapping.place] if old_entries else []
            target_mapping.place = patch_mapping.place
            return
        for key, patch_value in patch_mapping.map.items():
            if key == "$patch":
                if patch_value.string not in {MERGE_DIRECTIVE, ""}:
                    raise UnsupportedFeatureError(f"it holds `$patch: {patch_value.string[:40]}`")
                continue
            if key.startswith("$"):
                raise UnsupportedFeatureError(f"it holds {key[:60]}")
            self.merge_entry(target_mapping, key, patch_value)

    def merge_entry(self, target_mapping: PlacedValue, key: str, patch_value: PlacedValue) -> None:
        """Merge what a patch has under one key."""
        old_value = target_mapping.map.get(key)
        if patch_value.data is None or patch_directive(patch_value) == DELETE_DIRECTIVE:
            if old_value is not None:
                target_mapping.removal_places.append(patch_value.key_place)
                if not self.keep:
                    del target_mapping.map[key]
            return
        if isinstance(patch_value.data, dict) and old_value is not None and isinstance(old_value.data, dict):
            self.merge_mappings(old_value, patch_value)
            return
        if isinstance(patch_value.data, list) and old_value is not None and isinstance(old_value.data, list):
            target_mapping.map[key] = self.merge_lists(old_value, patch_value, self.merge_keys_of_list(target_mapping, key, patch_value))
            return
        target_mapping.map[key] = self.without_directives(patch_value)

    def merge_keys_of_list(self, owner_mapping: PlacedValue, list_field: str, patch_list: PlacedValue) -> tuple[str, ...]:
        """By which fields the entries of a list are told apart; none where the list is replaced."""
        if not self.keyed:
            return ()
        if list_field == "ports":
            mapping_entries = [one for one in patch_list.list_entries if one.map]
            if any("containerPort" in one.map for one in mapping_entries):
                return ("containerPort", "protocol")
            return ("port", "protocol") if any("port" in one.map for one in mapping_entries) else ()
        return _MERGE_KEYS_BY_LIST_FIELD.get(list_field, ())

    def merge_lists(self, old_list: PlacedValue, patch_list: PlacedValue, merge_keys: tuple[str, ...]) -> PlacedValue:
        """Merge a list into another: entries of one key together, those of the patch first."""
        if any(patch_directive(one) == REPLACE_DIRECTIVE for one in patch_list.list_entries):
            entries_without_replace = [one for one in patch_list.list_entries if patch_directive(one) != REPLACE_DIRECTIVE]
            replacing_list = PlacedValue([self.without_directives(one) for one in entries_without_replace], patch_list.place, patch_list.key_place)
            replacing_list.removal_places = [*old_list.removal_places, old_list.place]
            return replacing_list
        if not merge_keys:
            return self.without_directives(patch_list)
        merged_entries: list[PlacedValue] = []
        old_entries_by_identity: dict[tuple[object, ...], list[PlacedValue]] = {}
        for old_entry in old_list.list_entries:
            old_entries_by_identity.setdefault(_list_entry_identity(old_entry, merge_keys), []).append(old_entry)
        for patch_entry in patch_list.list_entries:
            matching_old_entries = old_entries_by_identity.pop(_list_entry_identity(patch_entry, merge_keys), [])
            if patch_directive(patch_entry) == DELETE_DIRECTIVE:
                old_list.removal_places += [patch_entry.place] if matching_old_entries else []
            elif matching_old_entries:
                self.merge_mappings(matching_old_entries[0], patch_entry)
                merged_entries.append(matching_old_entries[0])
            else:
                merged_entries.append(self.without_directives(patch_entry))
        kept_ids = {id(one) for entries in old_entries_by_identity.values() for one in entries}
        old_list.data = [*merged_entries, *(one for one in old_list.list_entries if id(one) in kept_ids)]
        return old_list

    def without_directives(self, patch_value: PlacedValue) -> PlacedValue:
        """A value of a patch as it stands in an object that had none: without what takes things away."""
        copied_value = copy_value(patch_value, self.counter)
        _remove_directives(copied_value)
        return copied_value


def _remove_directives(patch_value: PlacedValue) -> None:
    if isinstance(patch_value.data, dict):
        deleted_keys = [key for key, one in patch_value.data.items() if one.data is None or patch_directive(one) == DELETE_DIRECTIVE]
        for key in [*deleted_keys, "$patch"]:
            patch_value.data.pop(key, None)
        if any(key.startswith("$") for key in patch_value.data):
            raise UnsupportedFeatureError("it holds a directive of strategic merges")
        for inner_value in patch_value.data.values():
            _remove_directives(inner_value)
    elif isinstance(patch_value.data, list):
        patch_value.data = [one for one in patch_value.data if patch_directive(one) != DELETE_DIRECTIVE]
        for inner_value in patch_value.data:
            _remove_directives(inner_value)


def _list_entry_identity(list_entry: PlacedValue, merge_keys: tuple[str, ...]) -> tuple[object, ...]:
    """What tells an entry of a list from the others; its own identity where it has no such field."""
    merge_key_values = tuple(
        _DEFAULT_VALUE_BY_MERGE_KEY.get(key) if one is None else id(one) if isinstance(one.data, dict | list) else one.data
        for key in merge_keys
        for one in [list_entry.map.get(key)]
    )
    return merge_key_values if any(key in list_entry.map for key in merge_keys) else (id(list_entry),)
