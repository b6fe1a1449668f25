"""Patches in all their forms, onto the objects that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.loading.render.overlay.jsonpatch import apply_operations, is_operations
from readiness.loading.render.overlay.merge import DELETE, directive, merge_patch
from readiness.loading.render.overlay.placed import (
    BrokenError,
    Place,
    UnknownError,
    Value,
    in_file,
    placed,
    walk,
)
from readiness.loading.render.overlay.resource import Identity, Resource, fits
from readiness.model import ParseError, Source, Span
from readiness.syntax.yaml import load_all, separated

if TYPE_CHECKING:
    from readiness.loading.render.overlay.builder import Builder, Spec

_TARGET = frozenset("group version kind name namespace labelSelector annotationSelector".split())
_ENTRY = frozenset({"path", "patch", "target", "options"})


def apply_all(builder: Builder, folder: str, spec: Spec, resources: list[Resource]) -> None:
    """Apply `patchesStrategicMerge` and `patches`. Raises RenderError for what cannot be applied."""
    for entry in builder.entries(spec, "patchesstrategicmerge"):
        inline = "\n" in entry.text.strip()
        found = inline_values(builder, entry) if inline else builder.documents(folder, entry)
        for patch in found:
            _merge(builder, patch, None, resources)
    for entry in builder.entries(spec, "patches"):
        if not isinstance(entry.data, dict):
            raise BrokenError(
                "an entry of `patches` is a mapping since kustomize 5: write"
                f" `- path: {entry.text[:120]}`",
                entry.place,
            )
        _apply(builder, folder, entry, resources, must=False)


def apply_old_operations(
    builder: Builder, folder: str, spec: Spec, resources: list[Resource]
) -> None:
    """Apply `patchesJson6902`, which kustomize does after names and labels are set."""
    for entry in builder.entries(spec, "patchesjson6902"):
        _apply(builder, folder, entry, resources, must=True)


def _apply(
    builder: Builder, folder: str, entry: Value, resources: list[Resource], *, must: bool
) -> None:
    """Apply one patch, of either sort, given in place or in a file."""
    unknown = set(entry.map) - _ENTRY
    if unknown:
        raise UnknownError(f"a patch has the key {min(unknown)[:60]}")
    path, text = entry.map.get("path"), entry.map.get("patch")
    if path is not None and path.text:
        found = builder.documents(folder, path)
    elif text is not None and text.text.strip():
        found = inline_values(builder, text)
    else:
        raise BrokenError("a patch has neither a `path` nor a `patch`", entry.place)
    target = entry.map.get("target")
    chosen = None
    builder.counter.look(len(resources))
    if target is not None and target.map:
        chosen = [one for one in resources if is_target(one, target)]
        if must and not chosen:
            name = f"{target.under('kind')} {target.under('name')}"
            raise BrokenError(f"a patch is for {name}, and there is no such object", target.place)
    for patch in found:
        if isinstance(patch.data, list):
            if not is_operations(patch):
                raise BrokenError("a patch is a list, but not one of operations", patch.place)
            if chosen is None:
                raise BrokenError("a list of operations has no `target`", entry.place)
            for resource in chosen:
                resource.remember()
                apply_operations(resource.node, patch, builder.counter, keep=builder.keep)
        else:
            _merge(builder, patch, chosen, resources)


def _merge(
    builder: Builder, patch: Value, chosen: list[Resource] | None, resources: list[Resource]
) -> None:
    """Merge a patch into the objects of a target, or into the one that it names itself."""
    if "metadata" not in patch.map and chosen is None:
        raise BrokenError("a patch names no object and has no `target`", patch.place)
    by_name = chosen is None
    if chosen is None:
        group = patch.under("apiVersion").rpartition("/")[0]
        name, space = patch.under("metadata", "name"), patch.under("metadata", "namespace")
        builder.counter.look(len(resources))
        wanted = Identity(group, patch.under("kind"), name, space)
        chosen = [one for one in resources if one.is_called(wanted)]
        if not chosen:
            raise BrokenError(
                f"a patch is for {wanted.kind} {name}{f' in {space}' if space else ''}, and there is no"
                " such object here",
                patch.place,
            )
    for resource in chosen:
        if directive(patch) == DELETE:
            resources.remove(resource)
            continue
        resource.remember()
        before = {key: resource.node.get(*key) for key in _FIXED}
        merge_patch(resource.node, patch, builder.counter, keep=builder.keep)
        for (*owner, last), value in before.items():
            held = resource.node.get(*owner)
            if value is not None and held is not None and (not by_name or last != "namespace"):
                held.map[last] = value


# What a strategic merge does not change unless it is allowed to.
_FIXED = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


def is_target(resource: Resource, target: Value) -> bool:
    """Whether the target of a patch describes an object, by what it is called or was called."""
    if set(target.map) - _TARGET:
        raise UnknownError("the target of a patch has a key that is not known")
    version = resource.node.under("apiVersion").rpartition("/")[2]
    wanted = {key: target.under(key) for key in _TARGET}
    return (
        fits(wanted["version"], version)
        and any(
            fits(wanted["group"], known.group)
            and fits(wanted["kind"], known.kind)
            and fits(wanted["name"], known.name)
            and (not wanted["namespace"] or fits(wanted["namespace"], known.namespace or "default"))
            for known in resource.identities
        )
        and _has_pairs(resource, "labels", wanted["labelSelector"])
        and _has_pairs(resource, "annotations", wanted["annotationSelector"])
    )


def _has_pairs(resource: Resource, field: str, selector: str) -> bool:
    """Whether labels or annotations are those of a selector `a=b,c!=d,e,!f`."""
    for part in (part.strip() for part in selector.split(",") if part.strip()):
        if " " in part or "(" in part:
            raise UnknownError(f"the selector {selector[:80]!r} is not known here")
        key, _, value = part.replace("==", "=").partition("=")
        denied = key.endswith("!") or key.startswith("!")
        found = resource.node.get("metadata", field, key.strip("! "))
        held = found is not None and ("=" not in part or found.text == value.strip())
        if held is denied:
            return False
    return True


def inline_values(builder: Builder, text: Value) -> list[Value]:
    """The documents of a patch that stands in the kustomization, each value at its line there."""
    source, span = text.place
    raw = source.text[span.start : span.end]
    starts = tuple(line.span.start for line in text.lines)
    if not starts and "\n" not in text.text and text.text in raw:
        starts = (span.start + raw.index(text.text),)
    inner = Source(source.path, text.text, parent=source, starts=starts)
    scratch = inner if starts else Source(source.path, text.text)
    try:
        nodes = load_all(separated(text.text))
    except ParseError as error:
        place = in_file(inner, Span(error.offset, error.offset)) if starts else text.place
        raise BrokenError(f"a patch does not parse: {error.message}", place) from None
    found = [
        placed(node, scratch, node.at(), builder.counter) for node in nodes if hasattr(node, "at")
    ]
    if not starts:
        for part in (each for value in found for each in walk(value)):
            _put(part, text.place)
    return found


def _put(value: Value, place: Place) -> None:
    value.place = value.key = place
    value.lines = ()
