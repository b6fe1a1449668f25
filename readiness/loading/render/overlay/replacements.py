"""Replacements: a value of one object put into others.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    WorkCounter,
    copy_value,
    to_plain_data,
)
from readiness.loading.render.overlay.resource import OverlayResource, matches_whole_text

_FIELD_PATH_SEGMENT = re.compile(r"\[(?P<inner>[^\]\[]*)\]|(?P<plain>(?:[^.\[\\]|\\.)+)")
_SELECTOR_KEYS = frozenset({"group", "version", "kind", "name", "namespace"})


def replace_values(resources: list[OverlayResource], replacement: PlacedValue, counter: WorkCounter) -> None:
    """Carry out one replacement. Raises RenderError where its source or a place of its targets is not there."""
    source = replacement.map.get("source")
    if source is None:
        raise UnsupportedFeatureError("a replacement has no source")
    counter.count_lookups(len(resources))
    value = _source_value(resources, source)
    targets = replacement.map.get("targets")
    for target in targets.list_entries if targets else ():
        chosen = target.map.get("select")
        if chosen is None:
            raise RenderError("a target of a replacement selects nothing")
        counter.count_lookups(len(resources))
        rejected = target.map.get("reject")
        for resource in resources:
            if not matches_selector(resource, chosen):
                continue
            if any(matches_selector(resource, other) for other in (rejected.list_entries if rejected else ())):
                continue
            _fill_targets(resource, target, value, counter)


def matches_selector(resource: OverlayResource, selector: PlacedValue) -> bool:
    """Whether a selector describes an object, by what it is called or was called."""
    if set(selector.map) - _SELECTOR_KEYS:
        raise UnsupportedFeatureError("a selector has a key that is not known")
    wanted = {key: selector.text_at_path(key) for key in _SELECTOR_KEYS}
    return (
        matches_whole_text(wanted["group"], resource.group)
        and matches_whole_text(wanted["version"], resource.version)
        and matches_whole_text(wanted["kind"], resource.kind)
        and any(
            matches_whole_text(wanted["name"], known.name)
            and matches_whole_text(wanted["namespace"], known.namespace or ("default" if wanted["namespace"] else ""))
            for known in resource.identities
        )
    )


def _source_value(resources: list[OverlayResource], source: PlacedValue) -> PlacedValue:
    """The value that a replacement takes."""
    selector = PlacedValue(
        {key: value for key, value in source.map.items() if key in _SELECTOR_KEYS},
        source.place,
        source.key_place,
    )
    found = [one for one in resources if matches_selector(one, selector)]
    if len(found) != 1:
        name = source.text_at_path("name")
        raise RenderError(
            f"a replacement takes its value from {source.text_at_path('kind')} {name}, and {len(found)} objects are that"
        )
    path = source.text_at_path("fieldPath") or "metadata.name"
    values = list(_values_at_path(found[0].node, _field_path_segments(path)))
    if len(values) != 1:
        raise RenderError(f"a replacement takes {path[:120]} of {found[0].kind} {found[0].name}, which is not there")
    value = values[0][2]
    delimiter, number = _delimiter_and_index(source)
    if delimiter and isinstance(value.data, str):
        parts = value.data.split(delimiter)
        if not 0 <= number < len(parts):
            raise RenderError(f"a replacement takes part {number} of {path[:120]}, which is not there")
        return PlacedValue(parts[number], value.place, value.key_place)
    return value


def _fill_targets(resource: OverlayResource, target: PlacedValue, value: PlacedValue, counter: WorkCounter) -> None:
    """Put a value into the places of one object."""
    flag = target.value_at_path("options", "create")
    create = flag is not None and flag.data is True
    delimiter, number = _delimiter_and_index(target)
    paths = target.map.get("fieldPaths")
    texts = [path.string for path in paths.list_entries] if paths else ["metadata.name"]
    for path in texts:
        found = list(_values_at_path(resource.node, _field_path_segments(path), value if create else None))
        if not found and not create:
            raise RenderError(f"a replacement fills {path[:120]} of {resource.kind} {resource.name}, which is not there")
        for owner, key, old in found:
            new = copy_value(value, counter)
            new.key_place = old.key_place
            if delimiter:
                new.data = _replace_part(old, value, delimiter, number)
                new.place = target.place
            if key == "name" and path == "metadata.name":
                resource.remember_identity()
            if isinstance(owner.data, dict):
                owner.data[str(key)] = new
            elif isinstance(owner.data, list) and isinstance(key, int):
                owner.data[key] = new


def _delimiter_and_index(spec: PlacedValue) -> tuple[str, int]:
    """By what a source or a target divides its text, empty where it takes all of it, and which part it means."""
    index = spec.value_at_path("options", "index")
    return spec.text_at_path("options", "delimiter"), index.data if index is not None and isinstance(index.data, int) else 0


def _replace_part(old: PlacedValue, value: PlacedValue, delimiter: str, part_index: int) -> str:
    """A text with one of its parts replaced."""
    parts = str(to_plain_data(old)).split(delimiter)
    text = str(to_plain_data(value))
    if part_index < 0:
        return delimiter.join([text, *parts])
    if part_index >= len(parts):
        return delimiter.join([*parts, text])
    parts[part_index] = text
    return delimiter.join(parts)


def _field_path_segments(path: str) -> list[str]:
    """The steps of a field path: keys, `*`, numbers, `[key=value]`."""
    made = []
    for found in _FIELD_PATH_SEGMENT.finditer(path):
        inner = found["inner"]
        if inner is not None:
            made.append(f"[{inner}]" if "=" in inner else inner)
        else:
            made.append(found["plain"].replace("\\.", "."))
    return made


def _values_at_path(
    node: PlacedValue, segments: list[str], create: PlacedValue | None = None
) -> Iterator[tuple[PlacedValue, str | int, PlacedValue]]:
    """(owner, key, value) of all that a field path leads to; with `create` missing mappings are made."""
    step, *rest = segments
    for key, value in _children_at_segment(node, step, create, is_last=not rest):
        if rest:
            yield from _values_at_path(value, rest, create)
        else:
            yield node, key, value


def _children_at_segment(
    node: PlacedValue, segment: str, create: PlacedValue | None, *, is_last: bool
) -> list[tuple[str | int, PlacedValue]]:
    if isinstance(node.data, list):
        if segment == "*":
            return list(enumerate(node.data))
        if segment.startswith("["):
            key, _, wanted = segment[1:-1].partition("=")
            return [
                (number, one)
                for number, one in enumerate(node.data)
                if (str(to_plain_data(found)) if (found := one.value_at_path(key)) else "") == wanted
            ]
        number = int(segment) if segment.isdecimal() and len(segment) < 7 else -1
        return [(number, node.data[number])] if 0 <= number < len(node.data) else []
    if not isinstance(node.data, dict):
        return []
    if segment == "*":
        return list(node.data.items())
    if segment not in node.data and create is not None:
        node.data[segment] = PlacedValue(None if is_last else {}, create.place, create.place)
    return [(segment, node.data[segment])] if segment in node.data else []
