"""Replacements: a value of one object put into others.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    MAX_VALUE_NESTING_DEPTH,
    PlacedValue,
    UnsupportedFeatureError,
    copy_value,
)
from readiness.loading.render.overlay.resource import OverlayResource
from readiness.loading.render.overlay.selector import OBJECT_SELECTOR_KEYS, ObjectSelector, identity_count
from readiness.loading.render.work import WorkCounter
from readiness.model.lazy_regex import lazy_regex

_FIELD_PATH_SEGMENT = lazy_regex(r"\[(?P<inner>[^\]\[]*)\]|(?P<plain>(?:[^.\[\\]|\\.)+)")


_UNKNOWN_VALUE = "${REPLACEMENT}"  # read as what somebody fills in, like any variable


def replace_values(resources: list[OverlayResource], replacement: PlacedValue, counter: WorkCounter, *, may_be_elsewhere: bool) -> None:
    """Carry out one replacement. Raises RenderError where its source or a place of its targets is not there.

    Where the source may be elsewhere (`may_be_elsewhere`), the value is one that nobody here can tell.
    """
    source_selector = replacement.map.get("source")
    if source_selector is None:
        raise UnsupportedFeatureError("a replacement has no source")
    source_value = _source_value(resources, source_selector, counter, may_be_elsewhere=may_be_elsewhere)
    targets = replacement.map.get("targets")
    for target in targets.list_entries if targets else ():
        select_selector = target.map.get("select")
        if select_selector is None:
            raise RenderError("a target of a replacement selects nothing")
        reject_entries = target.map.get("reject")
        selected, *rejected = map(_selector_of, [select_selector, *(reject_entries.list_entries if reject_entries else ())])
        counter.count_lookups(identity_count(resources) * (1 + len(rejected)))
        for resource in resources:
            if not selected.matches(resource, counter) or any(one.matches(resource, counter) for one in rejected):
                continue
            _fill_target_fields(resource, target, source_value, counter)


def _selector_of(selector: PlacedValue) -> ObjectSelector:
    """A selector of a replacement. Raises RenderError for one that says more than is known here."""
    if set(selector.map).difference(OBJECT_SELECTOR_KEYS):
        raise UnsupportedFeatureError("a selector has a key that is not known")
    return ObjectSelector(selector)


def _source_value(resources: list[OverlayResource], replacement_source: PlacedValue, counter: WorkCounter, *, may_be_elsewhere: bool) -> PlacedValue:
    """The value that a replacement takes."""
    unknown_value = PlacedValue(_UNKNOWN_VALUE, replacement_source.place, replacement_source.key_place)
    selector = PlacedValue(
        {key: source_value for key, source_value in replacement_source.map.items() if key in OBJECT_SELECTOR_KEYS},
        replacement_source.place,
        replacement_source.key_place,
    )
    object_selector = _selector_of(selector)
    counter.count_lookups(identity_count(resources))
    matching_resources = [one for one in resources if object_selector.matches(one, counter)]
    if not matching_resources and may_be_elsewhere:
        return unknown_value
    if len(matching_resources) != 1:
        source_name = replacement_source.text_at_path("name")
        raise RenderError(
            f"a replacement takes its value from {replacement_source.text_at_path('kind')} {source_name}, "
            f"and {len(matching_resources)} objects are that"
        )
    field_path = replacement_source.text_at_path("fieldPath") or "metadata.name"
    found_values = list(_owners_keys_and_values_at_path(matching_resources[0].node, _field_path_segments(field_path), counter))
    if not found_values and matching_resources[0].is_partial:
        return unknown_value
    if len(found_values) != 1:
        raise RenderError(f"a replacement takes {field_path[:120]} of {matching_resources[0].kind} {matching_resources[0].name}, which is not there")
    source_value = found_values[0][2]
    delimiter, part_index = _delimiter_and_index(replacement_source)
    if delimiter and isinstance(source_value.data, str):
        counter.count_characters(len(source_value.data))
        text_parts = source_value.data.split(delimiter)
        if not 0 <= part_index < len(text_parts):
            raise RenderError(f"a replacement takes part {part_index} of {field_path[:120]}, which is not there")
        return PlacedValue(text_parts[part_index], source_value.place, source_value.key_place)
    return source_value


def _fill_target_fields(resource: OverlayResource, target: PlacedValue, source_value: PlacedValue, counter: WorkCounter) -> None:
    """Put a value into the places of one object."""
    create_option = target.value_at_path("options", "create")
    may_create = create_option is not None and create_option.data is True
    delimiter, part_index = _delimiter_and_index(target)
    field_paths = target.map.get("fieldPaths")
    field_path_texts = [field_path.string for field_path in field_paths.list_entries] if field_paths else ["metadata.name"]
    for field_path in field_path_texts:
        owners_keys_and_values = list(
            _owners_keys_and_values_at_path(resource.node, _field_path_segments(field_path), counter, source_value if may_create else None)
        )
        if not owners_keys_and_values and not may_create and not resource.is_partial:
            raise RenderError(f"a replacement fills {field_path[:120]} of {resource.kind} {resource.name}, which is not there")
        for container, key, old_value in owners_keys_and_values:
            new_value = copy_value(source_value, counter)
            new_value.key_place = old_value.key_place
            if delimiter:
                new_value.data = _text_with_replaced_part(old_value, source_value, (delimiter, part_index), counter)
                new_value.place = target.place
            if key == "name" and field_path == "metadata.name":
                resource.remember_identity()
            if isinstance(container.data, dict):
                container.data[str(key)] = new_value
            elif isinstance(container.data, list) and isinstance(key, int):
                container.data[key] = new_value


def _delimiter_and_index(source_or_target: PlacedValue) -> tuple[str, int]:
    """By what a source or a target divides its text, empty where it takes all of it, and which part it means."""
    index_option = source_or_target.value_at_path("options", "index")
    return source_or_target.text_at_path("options", "delimiter"), index_option.data if index_option is not None and isinstance(
        index_option.data, int
    ) else 0


def _text_with_replaced_part(old_value: PlacedValue, new_value: PlacedValue, delimiter_and_index: tuple[str, int], counter: WorkCounter) -> str:
    """A text with one of its parts replaced. Raises RenderError where one of the two has no text to divide."""
    if isinstance(old_value.data, dict | list) or isinstance(new_value.data, dict | list):
        raise RenderError("a replacement has a delimiter for what is no text")
    delimiter, part_index = delimiter_and_index
    old_text, new_text = str(old_value.data), str(new_value.data)
    counter.count_characters(len(old_text) + len(new_text) + len(delimiter))
    text_parts = old_text.split(delimiter)
    if part_index < 0:
        return delimiter.join([new_text, *text_parts])
    if part_index >= len(text_parts):
        return delimiter.join([*text_parts, new_text])
    text_parts[part_index] = new_text
    return delimiter.join(text_parts)


def _field_path_segments(field_path: str) -> list[str]:
    """The steps of a field path: keys, `*`, numbers, `[key=value]`. Raises UnsupportedFeatureError for none, and for more than any object has."""
    segments = []
    for segment_match in _FIELD_PATH_SEGMENT.finditer(field_path):
        bracketed_text = segment_match["inner"]
        if bracketed_text is not None:
            segments.append(f"[{bracketed_text}]" if "=" in bracketed_text else bracketed_text)
        else:
            segments.append(segment_match["plain"].replace("\\.", "."))
    if not 0 < len(segments) <= MAX_VALUE_NESTING_DEPTH:
        raise UnsupportedFeatureError(f"a replacement has the field path {field_path[:120]!r}")
    return segments


def _owners_keys_and_values_at_path(
    node: PlacedValue, segments: list[str], counter: WorkCounter, created_value: PlacedValue | None = None
) -> Iterator[tuple[PlacedValue, str | int, PlacedValue]]:
    """(owner, key, value) of all that a field path leads to; with `created_value` missing mappings are made."""
    segment, *remaining_segments = segments
    counter.count_visits(max(len(node.list_entries), len(node.map) if segment == "*" else 1))
    for key, child_value in _keys_and_children_at_segment(node, segment, created_value, is_last=not remaining_segments):
        if remaining_segments:
            yield from _owners_keys_and_values_at_path(child_value, remaining_segments, counter, created_value)
        else:
            yield node, key, child_value


def _keys_and_children_at_segment(
    node: PlacedValue, segment: str, created_value: PlacedValue | None, *, is_last: bool
) -> list[tuple[str | int, PlacedValue]]:
    if isinstance(node.data, list):
        if segment == "*":
            return list(enumerate(node.data))
        if segment.startswith("["):
            key, _, wanted_text = segment[1:-1].partition("=")
            return [
                (list_index, one) for list_index, one in enumerate(node.data) if _scalar_text(one.value_at_path(key) if key else one) == wanted_text
            ]
        list_index = int(segment) if segment.isdecimal() and len(segment) < 7 else -1
        return [(list_index, node.data[list_index])] if 0 <= list_index < len(node.data) else []
    if not isinstance(node.data, dict):
        return []
    if segment == "*":
        return list(node.data.items())
    if segment not in node.data and created_value is not None:
        node.data[segment] = PlacedValue(None if is_last else {}, created_value.place, created_value.place)
    return [(segment, node.data[segment])] if segment in node.data else []


def _scalar_text(value: PlacedValue | None) -> str | None:
    """What a scalar is held against as text; the empty text where there is nothing, None for a mapping or a list."""
    if value is None:
        return ""
    return None if isinstance(value.data, dict | list) else str(value.data)
