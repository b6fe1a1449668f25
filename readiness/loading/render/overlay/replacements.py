"""Replacements: a value of one object put into others.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import Counter, UnknownError, Value, copied, plain
from readiness.loading.render.overlay.resource import Resource, fits

_STEP = re.compile(r"\[(?P<inner>[^\]\[]*)\]|(?P<plain>(?:[^.\[\\]|\\.)+)")
_SELECTOR = frozenset({"group", "version", "kind", "name", "namespace"})


def replace_values(resources: list[Resource], replacement: Value, counter: Counter) -> None:
    """Carry out one replacement. Raises RenderError where its source or a place of its targets is not there."""
    source = replacement.map.get("source")
    if source is None:
        raise UnknownError("a replacement has no source")
    counter.look(len(resources))
    value = _source_value(resources, source)
    targets = replacement.map.get("targets")
    for target in targets.items if targets else ():
        chosen = target.map.get("select")
        if chosen is None:
            raise RenderError("a target of a replacement selects nothing")
        counter.look(len(resources))
        rejected = target.map.get("reject")
        for resource in resources:
            if not is_selected(resource, chosen):
                continue
            if any(is_selected(resource, other) for other in (rejected.items if rejected else ())):
                continue
            _fill(resource, target, value, counter)


def is_selected(resource: Resource, selector: Value) -> bool:
    """Whether a selector describes an object, by what it is called or was called."""
    if set(selector.map) - _SELECTOR:
        raise UnknownError("a selector has a key that is not known")
    version = resource.node.under("apiVersion").rpartition("/")[2]
    wanted = {key: selector.under(key) for key in _SELECTOR}
    return (
        fits(wanted["group"], resource.identity.group)
        and fits(wanted["version"], version)
        and fits(wanted["kind"], resource.kind)
        and any(
            fits(wanted["name"], known.name)
            and fits(
                wanted["namespace"], known.namespace or ("default" if wanted["namespace"] else "")
            )
            for known in resource.identities
        )
    )


def _source_value(resources: list[Resource], source: Value) -> Value:
    """The value that a replacement takes."""
    selector = Value(
        {key: value for key, value in source.map.items() if key in _SELECTOR},
        source.place,
        source.key,
    )
    found = [one for one in resources if is_selected(one, selector)]
    if len(found) != 1:
        name = source.under("name")
        raise RenderError(
            f"a replacement takes its value from {source.under('kind')} {name}, and {len(found)} objects are that"
        )
    path = source.under("fieldPath") or "metadata.name"
    values = list(_found(found[0].node, _steps(path)))
    if len(values) != 1:
        raise RenderError(
            f"a replacement takes {path[:120]} of {found[0].kind} {found[0].name}, which is not there"
        )
    value = values[0][2]
    options = source.map.get("options")
    delimiter = options.under("delimiter") if options else ""
    if delimiter and isinstance(value.data, str):
        index = options.map.get("index") if options else None
        number = index.data if index is not None and isinstance(index.data, int) else 0
        parts = value.data.split(delimiter)
        if not 0 <= number < len(parts):
            raise RenderError(
                f"a replacement takes part {number} of {path[:120]}, which is not there"
            )
        return Value(parts[number], value.place, value.key)
    return value


def _fill(resource: Resource, target: Value, value: Value, counter: Counter) -> None:
    """Put a value into the places of one object."""
    options = target.map.get("options")
    create = (
        options is not None
        and (flag := options.map.get("create")) is not None
        and flag.data is True
    )
    delimiter = options.under("delimiter") if options else ""
    index = options.map.get("index") if options else None
    number = index.data if index is not None and isinstance(index.data, int) else 0
    paths = target.map.get("fieldPaths")
    texts = [path.text for path in paths.items] if paths else ["metadata.name"]
    for path in texts:
        found = list(_found(resource.node, _steps(path), value if create else None))
        if not found and not create:
            raise RenderError(
                f"a replacement fills {path[:120]} of {resource.kind} {resource.name}, which is not there"
            )
        for owner, key, old in found:
            new = copied(value, counter)
            new.key = old.key
            if delimiter:
                new.data = _in_part(old, value, delimiter, number)
                new.place = target.place
            if key == "name" and path == "metadata.name":
                resource.remember()
            if isinstance(owner.data, dict):
                owner.data[str(key)] = new
            elif isinstance(owner.data, list) and isinstance(key, int):
                owner.data[key] = new


def _in_part(old: Value, value: Value, delimiter: str, number: int) -> str:
    """A text with one of its parts replaced."""
    parts = str(plain(old)).split(delimiter)
    text = str(plain(value))
    if number < 0:
        return delimiter.join([text, *parts])
    if number >= len(parts):
        return delimiter.join([*parts, text])
    parts[number] = text
    return delimiter.join(parts)


def _steps(path: str) -> list[str]:
    """The steps of a field path: keys, `*`, numbers, `[key=value]`."""
    made = []
    for found in _STEP.finditer(path):
        inner = found["inner"]
        if inner is not None:
            made.append(f"[{inner}]" if "=" in inner else inner)
        else:
            made.append(found["plain"].replace("\\.", "."))
    return made


def _found(
    node: Value, steps: list[str], create: Value | None = None
) -> Iterator[tuple[Value, str | int, Value]]:
    """(owner, key, value) of all that a field path leads to; with `create` missing mappings are made."""
    step, *rest = steps
    for key, value in _children(node, step, create, last=not rest):
        if rest:
            yield from _found(value, rest, create)
        else:
            yield node, key, value


def _children(
    node: Value, step: str, create: Value | None, *, last: bool
) -> list[tuple[str | int, Value]]:
    if isinstance(node.data, list):
        if step == "*":
            return list(enumerate(node.data))
        if step.startswith("["):
            key, _, wanted = step[1:-1].partition("=")
            return [
                (number, one)
                for number, one in enumerate(node.data)
                if (str(plain(found)) if (found := one.get(key)) else "") == wanted
            ]
        number = int(step) if step.isdecimal() and len(step) < 7 else -1
        return [(number, node.data[number])] if 0 <= number < len(node.data) else []
    if not isinstance(node.data, dict):
        return []
    if step == "*":
        return list(node.data.items())
    if step not in node.data and create is not None:
        node.data[step] = Value(None if last else {}, create.place, create.place)
    return [(step, node.data[step])] if step in node.data else []
