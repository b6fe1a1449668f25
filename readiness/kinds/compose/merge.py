"""One compose service laid over another, as Docker does it for `extends` and for files that are given together."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

from readiness.kinds.compose.parts import expand_scalar, split_mount, split_port
from readiness.model import Span
from readiness.syntax.yaml import Map, Seq

MAX_EXTENDS = 10
_KEYS_REPLACED_WHOLE = frozenset({"command", "entrypoint", "test"})
_KEY_VALUE_FIELDS = frozenset({"environment", "labels", "annotations", "args", "sysctls", "additional_contexts"})
_NAME_LIST_FIELDS = frozenset({"depends_on", "networks", "models"})
# What may be one string or a list of them.
_STRING_OR_LIST_FIELDS = frozenset({"dns", "dns_search", "tmpfs", "env_file", "label_file", "profiles"})


def extend_service(services: Map, node: Map, extended_names: set[str]) -> tuple[Map, tuple[str, str] | None]:
    """The service over what it extends in the same file, and what it extends in another: (file, service)."""
    parent = node.get("extends")
    name = parent.get("service") if isinstance(parent, Map) else parent
    elsewhere = parent.get("file") if isinstance(parent, Map) else None
    if isinstance(elsewhere, str):
        return node, (elsewhere, name if isinstance(name, str) else "")
    base = services.get(name) if isinstance(name, str) else None
    if not isinstance(base, Map) or name in extended_names or len(extended_names) > MAX_EXTENDS:
        return node, None
    full, file = extend_service(services, base, extended_names | {str(name)})
    return merge_services(full, node), file


def merge_services(base: Map, override: Map, depth: int = 0) -> Map:
    """`override` laid on `base`: mappings key by key, lists one after the other, what is named alike once."""
    result = Map(override.at())
    for node in (base, override):
        for key, value in node.items():
            if key in result and value is None:
                continue  # what is empty takes nothing away
            old = result.get(key)
            if old is not None:
                first, second = (
                    _long_form(key, old, result.at(key)),
                    _long_form(key, value, node.at(key)),
                )
                value = _merge_values(key, first, second, depth)  # noqa: PLW2901
            result.put_as_in(node, key, value)
    return result


def _long_form(key: str, value: Any, span: Span) -> Any:
    """A value that stands in a short form, in the long one."""
    if isinstance(value, Map | Seq) or value is None:
        return value
    if key == "build":
        build = Map(span)
        build.put("context", value, span)
        return build
    if key in _STRING_OR_LIST_FIELDS:
        strings = Seq(span)
        strings.put(value, span)
        return strings
    return value


def _merge_values(key: str, old: Any, new: Any, depth: int) -> Any:
    """The value of a key after merging: `new` over `old` by Compose's rule for that key; `depth` bounds the nesting."""
    if (isinstance(new, Map | Seq) and new.tag == "!override") or key in _KEYS_REPLACED_WHOLE:
        return new
    if key in _KEY_VALUE_FIELDS:
        return _merge_pairs(old, new)
    if key in _NAME_LIST_FIELDS and isinstance(old, Map) is not isinstance(new, Map):
        old, new = _pairs_as_mapping(old), _pairs_as_mapping(new)
    if isinstance(old, Map) and isinstance(new, Map):
        drivers = old.get("driver"), new.get("driver")
        if (key == "logging" and None not in drivers and drivers[0] != drivers[1]) or (depth >= MAX_EXTENDS):
            return new
        return merge_services(old, new, depth + 1)
    if isinstance(old, Seq) and isinstance(new, Seq):
        return _merge_lists_by_identity(old, new, _IDENTITY_BY_FIELD.get(key, _unique_identity))
    return new


def _merge_pairs(old: Any, new: Any) -> Any:
    """Variables, labels and their like, each once; one without a value takes the value of an earlier one away."""
    if isinstance(old, Seq) and isinstance(new, Seq):
        return _merge_lists_by_identity(old, new, _name_identity)
    first, second = _pairs_as_mapping(old), _pairs_as_mapping(new)
    if not isinstance(first, Map) or not isinstance(second, Map):
        return new
    result = Map(second.at())
    for node in (first, second):
        result.put_all(node)
    return result


def _pairs_as_mapping(value: Any) -> Any:
    """A list of `NAME` or `NAME=value` as a mapping, each entry at its own place."""
    if not isinstance(value, Seq):
        return value
    result = Map(value.at())
    for index, item in enumerate(value):
        if isinstance(item, str):
            name, given, text = item.partition("=")
            start, end = value.at(index)
            start += end - start > len(item)  # a quote
            begin = start + len(name) + 1 if given else start
            result.put(name, text if given else None, Span(begin, end), start)
    return result


def _merge_lists_by_identity(first: Seq, second: Seq, identity: Callable[[Any], object]) -> Seq:
    """The entries of two lists, each at its own place; of two that are alike the later, where the earlier stood."""
    result = Seq(second.at())
    seen: dict[object, int] = {}
    for node in (first, second):
        for index, item in enumerate(node):
            name = identity(item)
            if name in seen:
                result.put(item, node.at(index), seen[name])
            else:
                seen[name] = len(result)
                result.put(item, node.at(index))
    return result


def _unique_identity(item: Any) -> object:
    """Merge key for lists of which all entries of both files are kept."""
    del item
    return object()


def _text_identity(item: Any) -> object:
    """Merge key: entries with the same text replace each other."""
    return str(item) if isinstance(item, str | int | float) else object()


def _name_identity(item: Any) -> object:
    """Merge key: entries that set the same name (`NAME=value`) replace each other."""
    return item.partition("=")[0] if isinstance(item, str) else object()


def _port_identity(item: Any) -> object:
    """Ports that publish the same on the same."""
    if isinstance(item, Map):
        parts = [item.get(key) for key in ("host_ip", "published", "target", "protocol")]
        return tuple(str(part or "") for part in parts[:3]), str(parts[3] or "tcp")
    address, host, target, protocol = split_port(expand_scalar(item).text)
    return (address or "", host, target), protocol or "tcp"


def _mount_identity(item: Any) -> object:
    """Merge key: mounts with the same target path replace each other."""
    if isinstance(item, Map):
        target = item.get("target")
    else:
        parts = split_mount(expand_scalar(item).text)
        target = parts[1] if len(parts) > 1 else parts[0]
    return target.rstrip("/") if isinstance(target, str) and target.strip("/") else object()


def _device_identity(item: Any) -> object:
    """Merge key: devices with the same target path replace each other."""
    if isinstance(item, Map):
        target = item.get("target")
        return target if isinstance(target, str) else object()
    parts = str(item).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _secret_or_config_identity(item: Any) -> object:
    """Secrets and configs that stand at one place in the container."""
    if not isinstance(item, Map):
        return str(item)
    target = item.get("target") or item.get("source")
    return target.rpartition("/run/secrets/")[2] if isinstance(target, str) else object()


def _file_identity(item: Any) -> object:
    """Merge key: entries with the same file path replace each other."""
    path = item.get("path") if isinstance(item, Map) else item
    return path if isinstance(path, str) else object()


_IDENTITY_BY_FIELD: dict[str, Callable[[Any], object]] = {
    "ports": _port_identity,
    "volumes": _mount_identity,
    "devices": _device_identity,
    "secrets": _secret_or_config_identity,
    "configs": _secret_or_config_identity,
    "env_file": _file_identity,
    **dict.fromkeys(
        """cap_add cap_drop dns dns_opt dns_search expose links profiles tmpfs aliases link_local_ips tags depends_on
        networks models""".split(),
        _text_identity,
    ),
}


def _copy_mapping(node: Map) -> Map:
    """A mapping of its own with the same entries at the same places."""
    result = Map(node.at())
    result.put_all(node)
    return result


def without_key_path(node: Map, path: tuple[str, ...]) -> Map:
    """A mapping without what `!reset` takes away; the mapping itself where there is nothing to take."""
    key, *rest = path
    if key not in node or (rest and not isinstance(node[key], Map)):
        return node
    result = _copy_mapping(node)
    if rest:
        result[key] = without_key_path(node[key], tuple(rest))
    else:
        del result[key]
    return result


def rebase_service_paths(node: Map, folder: str) -> Map:
    """A service of a file in another folder, its paths told from here."""
    if folder in {"", "."}:
        return node
    result = _copy_mapping(node)
    for key in ("build", "env_file", "volumes"):
        value = result.get(key)
        if isinstance(value, str):
            result[key] = _rebase_path(value, folder)
        elif isinstance(value, Map):  # a build
            result[key] = _rebase_key(value, "context", folder)
        elif isinstance(value, Seq):
            moved = Seq(value.at())
            for index, item in enumerate(value):
                moved.put(_rebase_entry(item, key, folder), value.at(index))
            result[key] = moved
    return result


def _rebase_entry(item: Any, key: str, folder: str) -> Any:
    """One entry of env_file or volumes, its path told from elsewhere."""
    if isinstance(item, Map):
        if key == "env_file" or item.get("type") == "bind":
            return _rebase_key(item, "path" if key == "env_file" else "source", folder)
    elif isinstance(item, str) and (key == "env_file" or item.startswith(".")):
        return _rebase_path(item, folder)
    return item


def _rebase_key(node: Map, key: str, folder: str) -> Map:
    """A mapping whose path under a key is told from elsewhere."""
    if not isinstance(node.get(key), str):
        return node
    result = _copy_mapping(node)
    result[key] = _rebase_path(node[key], folder)
    return result


def _rebase_path(path: str, folder: str) -> str:
    """A path told from elsewhere; one that is absolute, a URL or a variable stays."""
    own, colon, rest = path.partition(":")
    if own.startswith(("/", "~", "$", "git@")) or rest.startswith("//"):
        return path
    moved = posixpath.normpath(posixpath.join(folder, own))
    return (moved if moved.startswith("..") else f"./{moved}") + colon + rest
