"""Patches in all their forms, onto the objects that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from readiness.loading.render.overlay.jsonpatch import apply_operations, is_operation_list
from readiness.loading.render.overlay.left_out import partial_resource_of_patch, partial_resources_of_operations
from readiness.loading.render.overlay.merge import DELETE_DIRECTIVE, merge_patch, patch_directive
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    UnsupportedFeatureError,
    WrittenPlace,
    make_placed_value,
    root_file_place,
    value_and_nested_values,
)
from readiness.loading.render.overlay.resource import (
    ObjectIdentity,
    OverlayResource,
)
from readiness.loading.render.overlay.selector import ObjectSelector, identity_count
from readiness.loading.render.work import WorkCounter
from readiness.model import ParseError, Source, Span

if TYPE_CHECKING:
    from readiness.loading.render.overlay.builder import KustomizationValueByKey, OverlayBuilder

_PATCH_TARGET_KEYS = frozenset("group version kind name namespace labelSelector annotationSelector".split())
_PATCH_ENTRY_KEYS = frozenset({"path", "patch", "target", "options"})


def apply_patches(builder: OverlayBuilder, folder: str, spec: KustomizationValueByKey, resources: list[OverlayResource]) -> None:
    """Apply `patchesStrategicMerge` and `patches`. Raises RenderError for what cannot be applied."""
    for entry in builder.list_entries(spec, "patchesstrategicmerge"):
        is_inline_patch = "\n" in entry.string.strip()
        if not is_inline_patch and builder.is_left_out(folder, entry, may_hold_objects=False):
            continue
        patch_documents = inline_patch_documents(builder, entry) if is_inline_patch else builder.documents_of_entry(folder, entry)
        with builder.unsupported_left_out():
            for patch in patch_documents:
                _merge_patch_into(builder, patch, None, resources)
    for entry in builder.list_entries(spec, "patches"):
        if not isinstance(entry.data, dict):
            raise InvalidKustomizationError(
                f"an entry of `patches` is a mapping since kustomize 5: write `- path: {entry.string[:120]}`",
                entry.place,
            )
        with builder.unsupported_left_out():
            _apply_patch(builder, folder, entry, resources, must_match=False)


def apply_json6902_patches(builder: OverlayBuilder, folder: str, spec: KustomizationValueByKey, resources: list[OverlayResource]) -> None:
    """Apply `patchesJson6902`, which kustomize does after names and labels are set."""
    for entry in builder.list_entries(spec, "patchesjson6902"):
        with builder.unsupported_left_out():
            _apply_patch(builder, folder, entry, resources, must_match=True)


def _apply_patch(
    builder: OverlayBuilder,
    folder: str,
    patch_entry: PlacedValue,
    resources: list[OverlayResource],
    *,
    must_match: bool,
) -> None:
    """Apply one patch, of either sort, given in place or in a file."""
    unknown_keys = set(patch_entry.map) - _PATCH_ENTRY_KEYS
    if unknown_keys:
        raise UnsupportedFeatureError(f"a patch has the key {min(unknown_keys)[:60]}")
    path_value, inline_patch = patch_entry.map.get("path"), patch_entry.map.get("patch")
    if path_value is not None and path_value.string:
        if builder.is_left_out(folder, path_value, may_hold_objects=False):
            return
        patch_documents = builder.documents_of_entry(folder, path_value)
    elif inline_patch is not None and inline_patch.string.strip():
        patch_documents = inline_patch_documents(builder, inline_patch)
    else:
        raise InvalidKustomizationError("a patch has neither a `path_value` nor a `patch`", patch_entry.place)
    target = patch_entry.map.get("target")
    target_resources = None
    if target is not None and target.map:
        target_resources = target_resources_of_patch(resources, target, builder.counter)
        if not target_resources and builder.left_out.may_hold_target():
            _add_parts_of_absent_objects(builder, patch_documents, target, resources)
            return
        if must_match and not target_resources:
            target_description = f"{target.text_at_path('kind')} {target.text_at_path('name')}"
            raise InvalidKustomizationError(f"a patch is for {target_description}, and there is no such object", target.place)
    for patch in patch_documents:
        if isinstance(patch.data, list):
            if not is_operation_list(patch):
                raise InvalidKustomizationError("a patch is a list, but not one of operations", patch.place)
            if target_resources is None or target is None:
                raise InvalidKustomizationError("a list of operations has no `target`", patch_entry.place)
            for resource in (one for one in target_resources if not one.is_partial):
                resource.remember_identity()
                apply_operations(resource.node, patch, builder.counter, keep_removed_keys=builder.keep)
            if any(one.is_partial for one in target_resources):
                _add_parts_of_absent_objects(builder, [patch], target, resources)
        else:
            _merge_patch_into(builder, patch, target_resources, resources)


def _add_parts_of_absent_objects(
    builder: OverlayBuilder, patch_documents: list[PlacedValue], target: PlacedValue | None, resources: list[OverlayResource]
) -> None:
    """Add what patches set in an object that may be in a part that is left out."""
    builder.left_out.patch_count += 1
    for patch in patch_documents:
        if isinstance(patch.data, list) and target is not None and is_operation_list(patch):
            resources += partial_resources_of_operations(patch, target, builder.counter)
        elif isinstance(patch.data, dict):
            partial_resource = partial_resource_of_patch(patch, target, builder.counter)
            resources += [partial_resource] if partial_resource else []


def _merge_patch_into(
    builder: OverlayBuilder,
    patch: PlacedValue,
    target_resources: list[OverlayResource] | None,
    resources: list[OverlayResource],
) -> None:
    """Merge a patch into the objects of a target, or into the one that it names itself."""
    if "metadata" not in patch.map and target_resources is None:
        raise InvalidKustomizationError("a patch names no object and has no `target`", patch.place)
    is_target_named_by_patch = target_resources is None
    if target_resources is None:
        api_group = patch.text_at_path("apiVersion").rpartition("/")[0]
        object_name, namespace = (
            patch.text_at_path("metadata", "name"),
            patch.text_at_path("metadata", "namespace"),
        )
        builder.counter.count_lookups(identity_count(resources))
        patched_identity = ObjectIdentity(api_group, patch.text_at_path("kind"), object_name, namespace)
        target_resources = [one for one in resources if one.is_called(patched_identity)]
        if not target_resources and builder.left_out.may_hold_target():
            _add_parts_of_absent_objects(builder, [patch], None, resources)
            return
        if not target_resources:
            raise InvalidKustomizationError(
                f"a patch is for {patched_identity.kind} {object_name}{f' in {namespace}' if namespace else ''}, and there is no such object here",
                patch.place,
            )
    if patch_directive(patch) == DELETE_DIRECTIVE:
        removed_ids = set(map(id, target_resources))
        resources[:] = [one for one in resources if id(one) not in removed_ids]
        return
    for resource in target_resources:
        resource.remember_identity()
        kept_value_by_path = {key: resource.node.value_at_path(*key) for key in _KEY_PATHS_KEPT_BY_MERGE}
        merge_patch(resource.node, patch, builder.counter, keep_removed_keys=builder.keep)
        for (*owner_path, last_key), value in kept_value_by_path.items():
            owner_value = resource.node.value_at_path(*owner_path)
            if value is not None and owner_value is not None and (not is_target_named_by_patch or last_key != "namespace"):
                owner_value.map[last_key] = value


# What a strategic merge does not change unless it is allowed to.
_KEY_PATHS_KEPT_BY_MERGE = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


def target_resources_of_patch(resources: list[OverlayResource], target: PlacedValue, counter: WorkCounter) -> list[OverlayResource]:
    """The objects that the target of a patch describes, by what they are called or were called."""
    if set(target.map) - _PATCH_TARGET_KEYS:
        raise UnsupportedFeatureError("the target of a patch has a key that is not known")
    object_selector = ObjectSelector(target)
    labels = _required_pairs(target.text_at_path("labelSelector"))
    annotations = _required_pairs(target.text_at_path("annotationSelector"))
    counter.count_lookups(identity_count(resources) + len(resources) * (len(labels) + len(annotations)))
    return [
        one
        for one in resources
        if object_selector.matches(one, counter) and _has_pairs(one, "labels", labels) and _has_pairs(one, "annotations", annotations)
    ]


class _RequiredPair(NamedTuple):
    """One requirement of a selector: a key, its value where that matters, and whether it is to be another one or none."""

    key: str
    value: str | None
    is_negated: bool


def _required_pairs(selector: str) -> list[_RequiredPair]:
    """What a selector `a=b,c!=d,e,!f` asks for."""
    required_pairs = []
    for requirement in (requirement.strip() for requirement in selector.split(",") if requirement.strip()):
        if " " in requirement or "(" in requirement:
            raise UnsupportedFeatureError(f"the selector {selector[:80]!r} is not known here")
        key, equals_sign, wanted_value = requirement.replace("==", "=").partition("=")
        is_negated = key.endswith("!") or key.startswith("!")
        required_pairs.append(_RequiredPair(key.strip("! "), wanted_value.strip() if equals_sign else None, is_negated))
    return required_pairs


def _has_pairs(resource: OverlayResource, metadata_field: str, required_pairs: list[_RequiredPair]) -> bool:
    """Whether labels or annotations are those of a selector."""
    for key, wanted_value, is_negated in required_pairs:
        metadata_value = resource.node.value_at_path("metadata", metadata_field, key)
        is_matching = metadata_value is not None and wanted_value in {None, metadata_value.string}
        if is_matching is is_negated:
            return False
    return True


def inline_patch_documents(builder: OverlayBuilder, inline_patch: PlacedValue) -> list[PlacedValue]:
    """The documents of a patch that stands in the kustomization, each value at its line there."""
    builder.counter.count_characters(len(inline_patch.string))
    source, span = inline_patch.place
    written_text = source.text[span.start : span.end]
    line_starts = tuple(line.span.start for line in inline_patch.line_places)
    if not line_starts and "\n" not in inline_patch.string and inline_patch.string in written_text:
        line_starts = (span.start + written_text.index(inline_patch.string),)
    inline_source = Source(source.path, inline_patch.string, parent=source, line_starts_in_parent=line_starts)
    parsed_source = inline_source if line_starts else Source(source.path, inline_patch.string)
    try:
        document_nodes = builder.parsed_inline_documents(inline_patch.string)
    except ParseError as error:
        error_place = root_file_place(inline_source, Span(error.offset, error.offset)) if line_starts else inline_patch.place
        raise InvalidKustomizationError(f"a patch does not parse: {error.message}", error_place) from None
    placed_documents = [make_placed_value(node, parsed_source, node.at(), builder.counter) for node in document_nodes if hasattr(node, "at")]
    if not line_starts:
        for nested_value in (each for value in placed_documents for each in value_and_nested_values(value)):
            _set_place(nested_value, inline_patch.place)
    return placed_documents


def _set_place(value: PlacedValue, place: WrittenPlace) -> None:
    value.place = value.key_place = place
    value.line_places = ()
