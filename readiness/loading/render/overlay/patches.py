"""Patches in all their forms, onto the objects that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.loading.render.overlay.jsonpatch import apply_operations, is_operations
from readiness.loading.render.overlay.merge import DELETE_DIRECTIVE, merge_patch, patch_directive
from readiness.loading.render.overlay.placed import (
    InvalidKustomizationError,
    PlacedValue,
    UnsupportedFeatureError,
    WrittenPlace,
    make_placed_value,
    root_file_place,
    walk_values,
)
from readiness.loading.render.overlay.resource import (
    ObjectIdentity,
    OverlayResource,
    matches_whole_text,
)
from readiness.model import ParseError, Source, Span
from readiness.syntax.yaml import load_yaml_documents, with_plain_separators

if TYPE_CHECKING:
    from readiness.loading.render.overlay.builder import KustomizationSpec, OverlayBuilder

_TARGET_KEYS = frozenset("group version kind name namespace labelSelector annotationSelector".split())
_PATCH_ENTRY_KEYS = frozenset({"path", "patch", "target", "options"})


def apply_patches(builder: OverlayBuilder, folder: str, spec: KustomizationSpec, resources: list[OverlayResource]) -> None:
    """Apply `patchesStrategicMerge` and `patches`. Raises RenderError for what cannot be applied."""
    for entry in builder.list_entries(spec, "patchesstrategicmerge"):
        inline = "\n" in entry.string.strip()
        found = inline_values(builder, entry) if inline else builder.documents_of_entry(folder, entry)
        for patch in found:
            _merge_patch_into(builder, patch, None, resources)
    for entry in builder.list_entries(spec, "patches"):
        if not isinstance(entry.data, dict):
            raise InvalidKustomizationError(
                f"an entry of `patches` is a mapping since kustomize 5: write `- path: {entry.string[:120]}`",
                entry.place,
            )
        _apply_patch(builder, folder, entry, resources, must_match=False)


def apply_json6902_patches(
    builder: OverlayBuilder, folder: str, spec: KustomizationSpec, resources: list[OverlayResource]
) -> None:
    """Apply `patchesJson6902`, which kustomize does after names and labels are set."""
    for entry in builder.list_entries(spec, "patchesjson6902"):
        _apply_patch(builder, folder, entry, resources, must_match=True)


def _apply_patch(
    builder: OverlayBuilder,
    folder: str,
    entry: PlacedValue,
    resources: list[OverlayResource],
    *,
    must_match: bool,
) -> None:
    """Apply one patch, of either sort, given in place or in a file."""
    unknown = set(entry.map) - _PATCH_ENTRY_KEYS
    if unknown:
        raise UnsupportedFeatureError(f"a patch has the key {min(unknown)[:60]}")
    path, text = entry.map.get("path"), entry.map.get("patch")
    if path is not None and path.string:
        found = builder.documents_of_entry(folder, path)
    elif text is not None and text.string.strip():
        found = inline_values(builder, text)
    else:
        raise InvalidKustomizationError("a patch has neither a `path` nor a `patch`", entry.place)
    target = entry.map.get("target")
    chosen = None
    builder.counter.count_lookups(len(resources))
    if target is not None and target.map:
        chosen = [one for one in resources if is_target(one, target)]
        if must_match and not chosen:
            name = f"{target.text_at_path('kind')} {target.text_at_path('name')}"
            raise InvalidKustomizationError(f"a patch is for {name}, and there is no such object", target.place)
    for patch in found:
        if isinstance(patch.data, list):
            if not is_operations(patch):
                raise InvalidKustomizationError("a patch is a list, but not one of operations", patch.place)
            if chosen is None:
                raise InvalidKustomizationError("a list of operations has no `target`", entry.place)
            for resource in chosen:
                resource.remember_identity()
                apply_operations(resource.node, patch, builder.counter, keep_removed_keys=builder.keep)
        else:
            _merge_patch_into(builder, patch, chosen, resources)


def _merge_patch_into(
    builder: OverlayBuilder,
    patch: PlacedValue,
    target_resources: list[OverlayResource] | None,
    resources: list[OverlayResource],
) -> None:
    """Merge a patch into the objects of a target, or into the one that it names itself."""
    if "metadata" not in patch.map and target_resources is None:
        raise InvalidKustomizationError("a patch names no object and has no `target`", patch.place)
    by_name = target_resources is None
    if target_resources is None:
        group = patch.text_at_path("apiVersion").rpartition("/")[0]
        name, space = (
            patch.text_at_path("metadata", "name"),
            patch.text_at_path("metadata", "namespace"),
        )
        builder.counter.count_lookups(len(resources))
        wanted = ObjectIdentity(group, patch.text_at_path("kind"), name, space)
        target_resources = [one for one in resources if one.is_called(wanted)]
        if not target_resources:
            raise InvalidKustomizationError(
                f"a patch is for {wanted.kind} {name}{f' in {space}' if space else ''}, and there is no such object here",
                patch.place,
            )
    for resource in target_resources:
        if patch_directive(patch) == DELETE_DIRECTIVE:
            resources.remove(resource)
            continue
        resource.remember_identity()
        before = {key: resource.node.value_at_path(*key) for key in _UNCHANGEABLE_PATHS}
        merge_patch(resource.node, patch, builder.counter, keep_removed_keys=builder.keep)
        for (*owner, last), value in before.items():
            held = resource.node.value_at_path(*owner)
            if value is not None and held is not None and (not by_name or last != "namespace"):
                held.map[last] = value


# What a strategic merge does not change unless it is allowed to.
_UNCHANGEABLE_PATHS = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


def is_target(resource: OverlayResource, target: PlacedValue) -> bool:
    """Whether the target of a patch describes an object, by what it is called or was called."""
    if set(target.map) - _TARGET_KEYS:
        raise UnsupportedFeatureError("the target of a patch has a key that is not known")
    wanted = {key: target.text_at_path(key) for key in _TARGET_KEYS}
    return (
        matches_whole_text(wanted["version"], resource.version)
        and any(
            matches_whole_text(wanted["group"], known.group)
            and matches_whole_text(wanted["kind"], known.kind)
            and matches_whole_text(wanted["name"], known.name)
            and (not wanted["namespace"] or matches_whole_text(wanted["namespace"], known.namespace or "default"))
            for known in resource.identities
        )
        and _has_pairs(resource, "labels", wanted["labelSelector"])
        and _has_pairs(resource, "annotations", wanted["annotationSelector"])
    )


def _has_pairs(resource: OverlayResource, field: str, selector: str) -> bool:
    """Whether labels or annotations are those of a selector `a=b,c!=d,e,!f`."""
    for part in (part.strip() for part in selector.split(",") if part.strip()):
        if " " in part or "(" in part:
            raise UnsupportedFeatureError(f"the selector {selector[:80]!r} is not known here")
        key, _, value = part.replace("==", "=").partition("=")
        denied = key.endswith("!") or key.startswith("!")
        found = resource.node.value_at_path("metadata", field, key.strip("! "))
        held = found is not None and ("=" not in part or found.string == value.strip())
        if held is denied:
            return False
    return True


def inline_values(builder: OverlayBuilder, text: PlacedValue) -> list[PlacedValue]:
    """The documents of a patch that stands in the kustomization, each value at its line there."""
    source, span = text.place
    raw = source.text[span.start : span.end]
    starts = tuple(line.span.start for line in text.line_places)
    if not starts and "\n" not in text.string and text.string in raw:
        starts = (span.start + raw.index(text.string),)
    inner = Source(source.path, text.string, parent=source, line_starts_in_parent=starts)
    scratch = inner if starts else Source(source.path, text.string)
    try:
        nodes = load_yaml_documents(with_plain_separators(text.string))
    except ParseError as error:
        place = root_file_place(inner, Span(error.offset, error.offset)) if starts else text.place
        raise InvalidKustomizationError(f"a patch does not parse: {error.message}", place) from None
    found = [make_placed_value(node, scratch, node.at(), builder.counter) for node in nodes if hasattr(node, "at")]
    if not starts:
        for part in (each for value in found for each in walk_values(value)):
            _set_place(part, text.place)
    return found


def _set_place(value: PlacedValue, place: WrittenPlace) -> None:
    value.place = value.key_place = place
    value.line_places = ()
