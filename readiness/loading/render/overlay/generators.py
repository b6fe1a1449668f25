"""ConfigMaps and Secrets that a kustomization makes of literals, lines and files, each value told where it is written.

The hash that a builder puts behind their names is left out: it is the same wherever the name is used.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable, Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import (
    PlacedValue,
    UnsupportedFeatureError,
    WrittenPlace,
    copy_value,
)
from readiness.loading.render.overlay.resource import OverlayResource, ensure_mapping
from readiness.loading.render.work import WorkCounter
from readiness.model import Source, Span

GeneratorFileReader = Callable[[PlacedValue, str], tuple[Source | None, bytes] | None]  # None for a file that is left out
_BASE64_CHARACTERS_PER_CHARACTER = 2  # or fewer
_GENERATOR_KEYS = frozenset("name namespace behavior literals files envs env options type".split())
_GENERATOR_OPTION_KEYS = frozenset("labels annotations disablenamesuffixhash immutable".split())


def generate_object(
    object_kind: str,
    generator_entry: PlacedValue,
    common_options: PlacedValue | None,
    read_file: GeneratorFileReader,
    counter: WorkCounter,
) -> OverlayResource:
    """The object that an entry of a generator makes. Raises RenderError."""
    value_by_lowercase_key = {data_key.casefold(): data_value for data_key, data_value in generator_entry.map.items()}
    unknown_keys = set(value_by_lowercase_key) - _GENERATOR_KEYS
    if unknown_keys:
        raise UnsupportedFeatureError(f"a generator has the key {min(unknown_keys)[:60]}")
    name_value = value_by_lowercase_key.get("name")
    if name_value is None or not name_value.string:
        raise RenderError(f"an entry of {object_kind[0].lower()}{object_kind[1:]}Generator has no name")
    name_place = name_value.place
    object_value = PlacedValue({}, name_place, name_place)
    object_value.map["apiVersion"] = PlacedValue("v1", name_place, name_place)
    object_value.map["kind"] = PlacedValue(object_kind, name_place, name_place)
    metadata = ensure_mapping(object_value, ("metadata",), name_place)
    metadata.map["name"] = name_value
    if "namespace" in value_by_lowercase_key:
        metadata.map["namespace"] = value_by_lowercase_key["namespace"]
    for data_key, data_value, is_text_value in _data_keys_and_values(value_by_lowercase_key, read_file, counter):
        counter.count_values(2)
        data_field = "data" if is_text_value or object_kind == "Secret" else "binaryData"
        if object_kind == "Secret" and is_text_value:
            counter.count_characters(_BASE64_CHARACTERS_PER_CHARACTER * len(data_value.string))
            data_value.data = base64.b64encode(data_value.string.encode("utf-8", "surrogatepass")).decode()
            data_value.line_places = ()
        ensure_mapping(object_value, (data_field,), name_place).map[data_key] = data_value
    if object_kind == "Secret":
        ensure_mapping(object_value, ("data",), name_place)
        object_value.map["type"] = value_by_lowercase_key.get("type") or PlacedValue("Opaque", name_place, name_place)
    for options in (common_options, value_by_lowercase_key.get("options")):
        _set_generator_options(object_value, options, counter)
    return OverlayResource(object_value)


def _set_generator_options(object_value: PlacedValue, options: PlacedValue | None, counter: WorkCounter) -> None:
    """Labels and annotations that generated objects are given."""
    for option_key, option_value in options.map.items() if options else ():
        lowercase_key = option_key.casefold()
        if lowercase_key not in _GENERATOR_OPTION_KEYS:
            raise UnsupportedFeatureError(f"options of a generator have the key {option_key[:60]}")
        if lowercase_key in {"labels", "annotations"}:
            metadata_mapping = ensure_mapping(object_value, ("metadata", lowercase_key), option_value.place)
            metadata_mapping.map.update(copy_value(option_value, counter).map)
        elif lowercase_key == "immutable" and option_value.data is True:
            object_value.map["immutable"] = option_value


def _data_keys_and_values(
    value_by_lowercase_key: dict[str, PlacedValue], read_file: GeneratorFileReader, counter: WorkCounter
) -> Iterator[tuple[str, PlacedValue, bool]]:
    """(key, value, whether it is text) of all that a generator is given."""
    env_file_entries = list(value_by_lowercase_key["envs"].list_entries) if "envs" in value_by_lowercase_key else []
    env_file_entries += [value_by_lowercase_key["env"]] if "env" in value_by_lowercase_key else []
    for entry in env_file_entries:
        yield from _keys_and_values_of_env_file(entry, read_file, counter)
    for entry in value_by_lowercase_key["files"].list_entries if "files" in value_by_lowercase_key else ():
        yield from _key_and_value_of_file(entry, read_file, counter)
    for entry in value_by_lowercase_key["literals"].list_entries if "literals" in value_by_lowercase_key else ():
        yield _key_and_value_of_literal(entry)


def _key_and_value_of_literal(literal: PlacedValue) -> tuple[str, PlacedValue, bool]:
    """`key=value`; the value stands behind the first equals sign."""
    literal_text = literal.string if isinstance(literal.data, str) else str(literal.data)
    data_key, equals_sign, value = literal_text.partition("=")
    if not equals_sign or not data_key:
        raise RenderError(f"the literal {data_key[:60]!r} is not of the form key=value")
    source, span = literal.place
    written_text = source.text[span.start : span.end]
    key_offset = written_text.find(f"{data_key}=")
    value_place = literal.place
    if key_offset >= 0 and written_text.find("\n") < 0:
        value_start = span.start + key_offset + len(data_key) + 1
        value_end = span.end - (1 if written_text[:1] in {'"', "'"} else 0)
        value_place = WrittenPlace(source, Span(value_start, max(value_start, value_end)))
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return data_key, PlacedValue(value, value_place, value_place), True


def _keys_and_values_of_env_file(entry: PlacedValue, read_file: GeneratorFileReader, counter: WorkCounter) -> Iterator[tuple[str, PlacedValue, bool]]:
    """`KEY=value` lines of a file; comments and blank lines are none."""
    source_and_bytes = read_file(entry, entry.string)
    if source_and_bytes is None:
        return
    env_file_source, _ = source_and_bytes
    if env_file_source is None:
        raise RenderError(f"{entry.string[:200]} is not text")
    counter.count_lines(env_file_source.text)
    for line_start in env_file_source.line_offsets:
        line_end = env_file_source.text.find("\n", line_start)
        env_file_line = env_file_source.text[line_start : line_end if line_end >= 0 else len(env_file_source.text)].rstrip("\r")
        indent = len(env_file_line) - len(env_file_line.lstrip())
        if not env_file_line.strip() or env_file_line[indent] == "#":
            continue
        variable_name, equals_sign, variable_value = env_file_line[indent:].partition("=")
        # Without an equals sign it is a variable of whoever builds: its value is not in the tree, and empty here.
        value_start = line_start + indent + len(variable_name) + len(equals_sign)
        value_place = WrittenPlace(env_file_source, Span(value_start, value_start + len(variable_value)))
        key_place = WrittenPlace(env_file_source, Span(line_start + indent, line_start + indent + len(variable_name)))
        yield variable_name, PlacedValue(variable_value, value_place, key_place), True


def _key_and_value_of_file(entry: PlacedValue, read_file: GeneratorFileReader, counter: WorkCounter) -> Iterator[tuple[str, PlacedValue, bool]]:
    """A whole file, under its name or the one before the equals sign; nothing of one that is left out."""
    data_key, equals_sign, file_path = entry.string.partition("=")
    if not equals_sign:
        data_key, file_path = posixpath.basename(entry.string), entry.string
    source_and_bytes = read_file(entry, file_path)
    if source_and_bytes is None:
        return
    file_source, file_bytes = source_and_bytes
    counter.count_characters(_BASE64_CHARACTERS_PER_CHARACTER * len(file_bytes))
    if file_source is None:
        yield data_key, PlacedValue(base64.b64encode(file_bytes).decode(), entry.place, entry.place), False
        return
    counter.count_lines(file_source.text)
    file_text = file_source.text.replace("\r\n", "\n")
    line_ends = [*file_source.line_offsets[1:], len(file_source.text) + 1]
    line_places = tuple(
        WrittenPlace(file_source, Span(start, max(start, end - 1))) for start, end in zip(file_source.line_offsets, line_ends, strict=True)
    )
    whole_file_place = WrittenPlace(file_source, Span(0, len(file_source.text)))
    yield data_key, PlacedValue(file_text, whole_file_place, entry.place, line_places), True


def merge_generated(resources: list[OverlayResource], generated_object: OverlayResource, behavior: str, *, may_be_elsewhere: bool) -> None:
    """Put a generated object among the others, into or in place of the one that it merges with or replaces.

    Where that one is not here and may be elsewhere, the generated object is a part of it.
    """
    if behavior not in {"merge", "replace"}:
        if any(one.is_called(generated_object.identity) for one in resources):
            raise RenderError(f"{generated_object.kind} {generated_object.name} is there already, and its generator does not say `behavior: merge`")
        resources.append(generated_object)
        return
    matching_resources = [one for one in resources if one.is_called(generated_object.identity)]
    if not matching_resources and may_be_elsewhere:
        generated_object.is_partial = True
        resources.append(generated_object)
        return
    if len(matching_resources) != 1:
        raise RenderError(
            f"a generator is to {behavior} {generated_object.kind} {generated_object.name}, and there are {len(matching_resources)} of it"
        )
    old_object = matching_resources[0].node
    matching_resources[0].is_partial |= generated_object.is_partial
    for merged_key in ("data", "binaryData"):
        if behavior == "replace":
            old_object.map.pop(merged_key, None)
        if merged_key in generated_object.node.map:
            new_data = generated_object.node.map[merged_key]
            ensure_mapping(old_object, (merged_key,), new_data.place).map.update(new_data.map)
    for merged_key in ("labels", "annotations"):
        new_pairs = generated_object.node.value_at_path("metadata", merged_key)
        if new_pairs:
            ensure_mapping(old_object, ("metadata", merged_key), new_pairs.place).map.update(new_pairs.map)
