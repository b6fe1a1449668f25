"""ConfigMaps and Secrets that a kustomization makes of literals, lines and files, each value told where it is written.

The hash that a builder puts behind their names is left out: it is the same wherever the name is used.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/configmapgenerator/
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable, Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import Counter, Place, UnknownError, Value, copied
from readiness.loading.render.overlay.resource import Resource, mapping_at
from readiness.model import Source, Span

Read = Callable[[Value, str], tuple[Source | None, bytes]]
_KNOWN = frozenset("name namespace behavior literals files envs env options type".split())
_OPTIONS = frozenset("labels annotations disablenamesuffixhash immutable".split())


def generated(
    kind: str, spec: Value, common: Value | None, read: Read, counter: Counter
) -> Resource:
    """The object that an entry of a generator makes. Raises RenderError."""
    given = {key.casefold(): value for key, value in spec.map.items()}
    unknown = set(given) - _KNOWN
    if unknown:
        raise UnknownError(f"a generator has the key {min(unknown)[:60]}")
    name = given.get("name")
    if name is None or not name.text:
        raise RenderError(f"an entry of {kind[0].lower()}{kind[1:]}Generator has no name")
    here = name.place
    node = Value({}, here, here)
    node.map["apiVersion"] = Value("v1", here, here)
    node.map["kind"] = Value(kind, here, here)
    metadata = mapping_at(node, ("metadata",), here)
    metadata.map["name"] = name
    if "namespace" in given:
        metadata.map["namespace"] = given["namespace"]
    for key, value, is_text in _entries(given, read):
        counter.take(2)
        field = "data" if is_text or kind == "Secret" else "binaryData"
        if kind == "Secret" and is_text:
            value.data = base64.b64encode(value.text.encode("utf-8", "surrogatepass")).decode()
            value.lines = ()
        mapping_at(node, (field,), here).map[key] = value
    if kind == "Secret":
        mapping_at(node, ("data",), here)
        node.map["type"] = given.get("type") or Value("Opaque", here, here)
    for options in (common, given.get("options")):
        _set_options(node, options, counter)
    return Resource(node)


def _set_options(node: Value, options: Value | None, counter: Counter) -> None:
    """Labels and annotations that generated objects are given."""
    for key, value in options.map.items() if options else ():
        word = key.casefold()
        if word not in _OPTIONS:
            raise UnknownError(f"options of a generator have the key {key[:60]}")
        if word in {"labels", "annotations"}:
            target = mapping_at(node, ("metadata", word), value.place)
            target.map.update(copied(value, counter).map)
        elif word == "immutable" and value.data is True:
            node.map["immutable"] = value


def _entries(given: dict[str, Value], read: Read) -> Iterator[tuple[str, Value, bool]]:
    """(key, value, whether it is text) of all that a generator is given."""
    envs = list(given["envs"].items) if "envs" in given else []
    envs += [given["env"]] if "env" in given else []
    for entry in envs:
        yield from _lines(entry, read)
    for entry in given["files"].items if "files" in given else ():
        yield _file(entry, read)
    for entry in given["literals"].items if "literals" in given else ():
        yield _literal(entry)


def _literal(entry: Value) -> tuple[str, Value, bool]:
    """`key=value`; the value stands behind the first equals sign."""
    text = entry.text if isinstance(entry.data, str) else str(entry.data)
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
        place = Place(source, Span(start, max(start, end)))
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, Value(value, place, place), True


def _lines(entry: Value, read: Read) -> Iterator[tuple[str, Value, bool]]:
    """`KEY=value` lines of a file; comments and blank lines are none."""
    source, _ = read(entry, entry.text)
    if source is None:
        raise RenderError(f"{entry.text[:200]} is not text")
    for start in source.lines:
        end = source.text.find("\n", start)
        line = source.text[start : end if end >= 0 else len(source.text)].rstrip("\r")
        begin = len(line) - len(line.lstrip())
        if not line.strip() or line[begin] == "#":
            continue
        key, equals, value = line[begin:].partition("=")
        # Without an equals sign it is a variable of whoever builds: its value is not in the tree, and empty here.
        first = start + begin + len(key) + len(equals)
        place = Place(source, Span(first, first + len(value)))
        at = Place(source, Span(start + begin, start + begin + len(key)))
        yield key, Value(value, place, at), True


def _file(entry: Value, read: Read) -> tuple[str, Value, bool]:
    """A whole file, under its name or the one before the equals sign."""
    key, equals, path = entry.text.partition("=")
    if not equals:
        key, path = posixpath.basename(entry.text), entry.text
    source, data = read(entry, path)
    if source is None:
        return key, Value(base64.b64encode(data).decode(), entry.place, entry.place), False
    text = source.text.replace("\r\n", "\n")
    ends = [*source.lines[1:], len(source.text) + 1]
    lines = tuple(
        Place(source, Span(start, max(start, end - 1)))
        for start, end in zip(source.lines, ends, strict=True)
    )
    whole = Place(source, Span(0, len(source.text)))
    return key, Value(text, whole, entry.place, lines), True


def merge_generated(resources: list[Resource], made: Resource, behavior: str) -> None:
    """Put a generated object among the others, into or in place of the one that it merges with or replaces."""
    if behavior not in {"merge", "replace"}:
        if any(one.is_called(made.identity) for one in resources):
            raise RenderError(
                f"{made.kind} {made.name} is there already, and its generator does not say `behavior: merge`"
            )
        resources.append(made)
        return
    found = [one for one in resources if one.is_called(made.identity)]
    if len(found) != 1:
        raise RenderError(
            f"a generator is to {behavior} {made.kind} {made.name}, and there are {len(found)} of it"
        )
    old = found[0].node
    for key in ("data", "binaryData"):
        if behavior == "replace":
            old.map.pop(key, None)
        if key in made.node.map:
            new = made.node.map[key]
            mapping_at(old, (key,), new.place).map.update(new.map)
    for key in ("labels", "annotations"):
        new_pairs = made.node.get("metadata", key)
        if new_pairs:
            mapping_at(old, ("metadata", key), new_pairs.place).map.update(new_pairs.map)
