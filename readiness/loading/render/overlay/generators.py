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
    WorkCounter,
    WrittenPlace,
    copy_value,
)
from readiness.loading.render.overlay.resource import OverlayResource, ensure_mapping
from readiness.model import Source, Span

ReadFile = Callable[[PlacedValue, str], tuple[Source | None, bytes]]
_GENERATOR_KEYS = frozenset("name namespace behavior literals files envs env options type".split())
_GENERATOR_OPTION_KEYS = frozenset("labels annotations disablenamesuffixhash immutable".split())


def generate_object(
    kind: str,
    spec: PlacedValue,
    common_options: PlacedValue | None,
    read: ReadFile,
    counter: WorkCounter,
) -> OverlayResource:
    """The object that an entry of a generator makes. Raises RenderError."""
    given = {key.casefold(): value for key, value in spec.map.items()}
    unknown = set(given) - _GENERATOR_KEYS
    if unknown:
        raise UnsupportedFeatureError(f"a generator has the key {min(unknown)[:60]}")
    name = given.get("name")
    if name is None or not name.string:
        raise RenderError(f"an entry of {kind[0].lower()}{kind[1:]}Generator has no name")
    here = name.place
    node = PlacedValue({}, here, here)
    node.map["apiVersion"] = PlacedValue("v1", here, here)
    node.map["kind"] = PlacedValue(kind, here, here)
    metadata = ensure_mapping(node, ("metadata",), here)
    metadata.map["name"] = name
    if "namespace" in given:
        metadata.map["namespace"] = given["namespace"]
    for key, value, is_text in _generator_data(given, read):
        counter.count_values(2)
        field = "data" if is_text or kind == "Secret" else "binaryData"
        if kind == "Secret" and is_text:
            value.data = base64.b64encode(value.string.encode("utf-8", "surrogatepass")).decode()
            value.line_places = ()
        ensure_mapping(node, (field,), here).map[key] = value
    if kind == "Secret":
        ensure_mapping(node, ("data",), here)
        node.map["type"] = given.get("type") or PlacedValue("Opaque", here, here)
    for options in (common_options, given.get("options")):
        _set_options(node, options, counter)
    return OverlayResource(node)


def _set_options(node: PlacedValue, options: PlacedValue | None, counter: WorkCounter) -> None:
    """Labels and annotations that generated objects are given."""
    for key, value in options.map.items() if options else ():
        word = key.casefold()
        if word not in _GENERATOR_OPTION_KEYS:
            raise UnsupportedFeatureError(f"options of a generator have the key {key[:60]}")
        if word in {"labels", "annotations"}:
            target = ensure_mapping(node, ("metadata", word), value.place)
            target.map.update(copy_value(value, counter).map)
        elif word == "immutable" and value.data is True:
            node.map["immutable"] = value


def _generator_data(generator_spec: dict[str, PlacedValue], read: ReadFile) -> Iterator[tuple[str, PlacedValue, bool]]:
    """(key, value, whether it is text) of all that a generator is given."""
    envs = list(generator_spec["envs"].list_entries) if "envs" in generator_spec else []
    envs += [generator_spec["env"]] if "env" in generator_spec else []
    for entry in envs:
        yield from _env_file_entries(entry, read)
    for entry in generator_spec["files"].list_entries if "files" in generator_spec else ():
        yield _file_entry(entry, read)
    for entry in generator_spec["literals"].list_entries if "literals" in generator_spec else ():
        yield _literal_entry(entry)


def _literal_entry(entry: PlacedValue) -> tuple[str, PlacedValue, bool]:
    """`key=value`; the value stands behind the first equals sign."""
    text = entry.string if isinstance(entry.data, str) else str(entry.data)
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise RenderError(f"the literal {key[:60]!r} is not of the form key=value")
    source, span = entry.place
    raw = source.text[span.start : span.end]
    at = raw.find(f"{key}=")
    place = entry.place
    if at >= 0 and raw.find("\n") < 0:
        start = span.start + at + len(key) + 1
        end = span.end - (1 if raw[:1] in {'"', "'"} else 0)
        place = WrittenPlace(source, Span(start, max(start, end)))
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, PlacedValue(value, place, place), True


def _env_file_entries(entry: PlacedValue, read: ReadFile) -> Iterator[tuple[str, PlacedValue, bool]]:
    """`KEY=value` lines of a file; comments and blank lines are none."""
    source, _ = read(entry, entry.string)
    if source is None:
        raise RenderError(f"{entry.string[:200]} is not text")
    for start in source.line_offsets:
        end = source.text.find("\n", start)
        line = source.text[start : end if end >= 0 else len(source.text)].rstrip("\r")
        begin = len(line) - len(line.lstrip())
        if not line.strip() or line[begin] == "#":
            continue
        key, equals, value = line[begin:].partition("=")
        # Without an equals sign it is a variable of whoever builds: its value is not in the tree, and empty here.
        first = start + begin + len(key) + len(equals)
        place = WrittenPlace(source, Span(first, first + len(value)))
        at = WrittenPlace(source, Span(start + begin, start + begin + len(key)))
        yield key, PlacedValue(value, place, at), True


def _file_entry(entry: PlacedValue, read: ReadFile) -> tuple[str, PlacedValue, bool]:
    """A whole file, under its name or the one before the equals sign."""
    key, equals, path = entry.string.partition("=")
    if not equals:
        key, path = posixpath.basename(entry.string), entry.string
    source, data = read(entry, path)
    if source is None:
        return key, PlacedValue(base64.b64encode(data).decode(), entry.place, entry.place), False
    text = source.text.replace("\r\n", "\n")
    ends = [*source.line_offsets[1:], len(source.text) + 1]
    lines = tuple(
        WrittenPlace(source, Span(start, max(start, end - 1))) for start, end in zip(source.line_offsets, ends, strict=True)
    )
    whole = WrittenPlace(source, Span(0, len(source.text)))
    return key, PlacedValue(text, whole, entry.place, lines), True


def merge_generated(resources: list[OverlayResource], generated_object: OverlayResource, behavior: str) -> None:
    """Put a generated object among the others, into or in place of the one that it merges with or replaces."""
    if behavior not in {"merge", "replace"}:
        if any(one.is_called(generated_object.identity) for one in resources):
            raise RenderError(
                f"{generated_object.kind} {generated_object.name} is there already, and its generator does not say `behavior: merge`"
            )
        resources.append(generated_object)
        return
    found = [one for one in resources if one.is_called(generated_object.identity)]
    if len(found) != 1:
        raise RenderError(
            f"a generator is to {behavior} {generated_object.kind} {generated_object.name}, and there are {len(found)} of it"
        )
    old = found[0].node
    for key in ("data", "binaryData"):
        if behavior == "replace":
            old.map.pop(key, None)
        if key in generated_object.node.map:
            new = generated_object.node.map[key]
            ensure_mapping(old, (key,), new.place).map.update(new.map)
    for key in ("labels", "annotations"):
        new_pairs = generated_object.node.value_at_path("metadata", key)
        if new_pairs:
            ensure_mapping(old, ("metadata", key), new_pairs.place).map.update(new_pairs.map)
