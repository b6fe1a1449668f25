"""One compose service laid over another, as Docker does it for `extends` and for files that are given together."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

from readiness.kinds.compose.parts import expand_scalar, split_short_mount, split_short_port
from readiness.model import Span
from readiness.syntax.yaml import Map, Seq

MAX_EXTENDS_DEPTH = 10
_KEYS_REPLACED_NOT_MERGED = frozenset({"command", "entrypoint", "test"})
_KEY_VALUE_FIELDS = frozenset({"environment", "labels", "annotations", "args", "sysctls", "additional_contexts"})
_NAME_LIST_FIELDS = frozenset({"depends_on", "networks", "models"})
# What may be one string or a list of them.
_STRING_OR_LIST_FIELDS = frozenset({"dns", "dns_search", "tmpfs", "env_file", "label_file", "profiles"})


def extend_service(node_by_service_name: Map, service_node: Map, extended_names: set[str]) -> tuple[Map, tuple[str, str] | None]:
    """The service over what it extends in the same file, and what it extends in another: (file, service)."""
    extends_value = service_node.get("extends")
    extended_service_name = extends_value.get("service") if isinstance(extends_value, Map) else extends_value
    extended_file_path = extends_value.get("file") if isinstance(extends_value, Map) else None
    if isinstance(extended_file_path, str):
        return service_node, (extended_file_path, extended_service_name if isinstance(extended_service_name, str) else "")
    base_node = node_by_service_name.get(extended_service_name) if isinstance(extended_service_name, str) else None
    if not isinstance(base_node, Map) or extended_service_name in extended_names or len(extended_names) > MAX_EXTENDS_DEPTH:
        return service_node, None
    extended_base_node, external_file_and_service = extend_service(node_by_service_name, base_node, extended_names | {str(extended_service_name)})
    return merge_services(extended_base_node, service_node), external_file_and_service


def merge_services(base_node: Map, override_node: Map, nesting_depth: int = 0) -> Map:
    """`override_node` laid on `base_node`: mappings key by key, lists one after the other, what is named alike once."""
    merged_node = Map(override_node.at())
    for layered_node in (base_node, override_node):
        for service_key, merged_or_new_value in layered_node.items():
            if service_key in merged_node and merged_or_new_value is None:
                continue  # what is empty takes nothing away
            merged_value = merged_node.get(service_key)
            if merged_value is not None:
                old_long_form, new_long_form = (
                    _value_in_long_form(service_key, merged_value, merged_node.at(service_key)),
                    _value_in_long_form(service_key, merged_or_new_value, layered_node.at(service_key)),
                )
                merged_or_new_value = _merge_values(service_key, old_long_form, new_long_form, nesting_depth)  # noqa: PLW2901
            merged_node.put_as_in(layered_node, service_key, merged_or_new_value)
    return merged_node


def _value_in_long_form(service_key: str, value: Any, span: Span) -> Any:
    """A value that stands in a short form, in the long one."""
    if isinstance(value, Map | Seq) or value is None:
        return value
    if service_key == "build":
        build_section = Map(span)
        build_section.put("context", value, span)
        return build_section
    if service_key in _STRING_OR_LIST_FIELDS:
        string_list = Seq(span)
        string_list.put(value, span)
        return string_list
    return value


def _merge_values(service_key: str, old_value: Any, new_value: Any, nesting_depth: int) -> Any:
    """The value of a key after merging: `new_value` over `old_value` by Compose's rule for that key; `max_bracket_nesting` bounds the nesting."""
    if (isinstance(new_value, Map | Seq) and new_value.tag == "!override") or service_key in _KEYS_REPLACED_NOT_MERGED:
        return new_value
    if service_key in _KEY_VALUE_FIELDS:
        return _merge_name_value_pairs(old_value, new_value)
    if service_key in _NAME_LIST_FIELDS and isinstance(old_value, Map) is not isinstance(new_value, Map):
        old_value, new_value = _pairs_as_mapping(old_value), _pairs_as_mapping(new_value)
    if isinstance(old_value, Map) and isinstance(new_value, Map):
        old_and_new_driver = old_value.get("driver"), new_value.get("driver")
        if (service_key == "logging" and None not in old_and_new_driver and old_and_new_driver[0] != old_and_new_driver[1]) or (
            nesting_depth >= MAX_EXTENDS_DEPTH
        ):
            return new_value
        return merge_services(old_value, new_value, nesting_depth + 1)
    if isinstance(old_value, Seq) and isinstance(new_value, Seq):
        return _merge_lists_by_identity(old_value, new_value, _ENTRY_IDENTITY_BY_FIELD.get(service_key, _unique_identity))
    return new_value


def _merge_name_value_pairs(old_pairs: Any, new_pairs: Any) -> Any:
    """Variables, labels and their like, each once; one without a value takes the value of an earlier one away."""
    if isinstance(old_pairs, Seq) and isinstance(new_pairs, Seq):
        return _merge_lists_by_identity(old_pairs, new_pairs, _name_identity)
    old_mapping, new_mapping = _pairs_as_mapping(old_pairs), _pairs_as_mapping(new_pairs)
    if not isinstance(old_mapping, Map) or not isinstance(new_mapping, Map):
        return new_pairs
    merged_mapping = Map(new_mapping.at())
    for pairs_mapping in (old_mapping, new_mapping):
        merged_mapping.put_all(pairs_mapping)
    return merged_mapping


def _pairs_as_mapping(pairs_node: Any) -> Any:
    """A list of `NAME` or `NAME=value` as a mapping, each entry at its own place."""
    if not isinstance(pairs_node, Seq):
        return pairs_node
    pairs_mapping = Map(pairs_node.at())
    for pair_index, pair_text in enumerate(pairs_node):
        if isinstance(pair_text, str):
            pair_name, equals_sign, value_text = pair_text.partition("=")
            name_start, pair_end = pairs_node.at(pair_index)
            name_start += pair_end - name_start > len(pair_text)  # a quote
            value_start = name_start + len(pair_name) + 1 if equals_sign else name_start
            pairs_mapping.put(pair_name, value_text if equals_sign else None, Span(value_start, pair_end), name_start)
    return pairs_mapping


def _merge_lists_by_identity(earlier_list: Seq, later_list: Seq, identity_of_entry: Callable[[Any], object]) -> Seq:
    """The entries of two lists, each at its own place; of two that are alike the later, where the earlier stood."""
    merged_list = Seq(later_list.at())
    index_by_identity: dict[object, int] = {}
    for source_list in (earlier_list, later_list):
        for entry_index, list_entry in enumerate(source_list):
            entry_identity = identity_of_entry(list_entry)
            if entry_identity in index_by_identity:
                merged_list.put(list_entry, source_list.at(entry_index), index_by_identity[entry_identity])
            else:
                index_by_identity[entry_identity] = len(merged_list)
                merged_list.put(list_entry, source_list.at(entry_index))
    return merged_list


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
        port_parts = [item.get(key) for key in ("host_ip", "published", "target", "protocol")]
        return tuple(str(part or "") for part in port_parts[:3]), str(port_parts[3] or "tcp")
    host_ip, host_port, container_port, protocol = split_short_port(expand_scalar(item).text)
    return (host_ip or "", host_port, container_port), protocol or "tcp"


def _mount_identity(item: Any) -> object:
    """Merge key: mounts with the same target path replace each other."""
    if isinstance(item, Map):
        target_path = item.get("target")
    else:
        mount_parts = split_short_mount(expand_scalar(item).text)
        target_path = mount_parts[1] if len(mount_parts) > 1 else mount_parts[0]
    return target_path.rstrip("/") if isinstance(target_path, str) and target_path.strip("/") else object()


def _device_identity(item: Any) -> object:
    """Merge key: devices with the same target path replace each other."""
    if isinstance(item, Map):
        target_path = item.get("target")
        return target_path if isinstance(target_path, str) else object()
    device_parts = str(item).split(":")
    return device_parts[1] if len(device_parts) > 1 else device_parts[0]


def _secret_or_config_identity(item: Any) -> object:
    """Secrets and configs that stand at one place in the container."""
    if not isinstance(item, Map):
        return str(item)
    target_path = item.get("target") or item.get("source")
    return target_path.rpartition("/run/secrets/")[2] if isinstance(target_path, str) else object()


def _file_identity(item: Any) -> object:
    """Merge key: entries with the same file path replace each other."""
    file_path = item.get("path") if isinstance(item, Map) else item
    return file_path if isinstance(file_path, str) else object()


_ENTRY_IDENTITY_BY_FIELD: dict[str, Callable[[Any], object]] = {
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


def _copy_mapping(mapping_node: Map) -> Map:
    """A mapping of its own with the same entries at the same places."""
    mapping_copy = Map(mapping_node.at())
    mapping_copy.put_all(mapping_node)
    return mapping_copy


def without_key_path(mapping_node: Map, key_path: tuple[str, ...]) -> Map:
    """A mapping without what `!reset` takes away; the mapping itself where there is nothing to take."""
    first_key, *remaining_keys = key_path
    if first_key not in mapping_node or (remaining_keys and not isinstance(mapping_node[first_key], Map)):
        return mapping_node
    reduced_mapping = _copy_mapping(mapping_node)
    if remaining_keys:
        reduced_mapping[first_key] = without_key_path(mapping_node[first_key], tuple(remaining_keys))
    else:
        del reduced_mapping[first_key]
    return reduced_mapping


def rebase_service_paths(service_node: Map, folder_of_file: str) -> Map:
    """A service of a file in another folder, its paths told from here."""
    if folder_of_file in {"", "."}:
        return service_node
    rebased_node = _copy_mapping(service_node)
    for path_key in ("build", "env_file", "volumes"):
        path_value = rebased_node.get(path_key)
        if isinstance(path_value, str):
            rebased_node[path_key] = _rebase_path(path_value, folder_of_file)
        elif isinstance(path_value, Map):  # a build
            rebased_node[path_key] = _rebase_path_under_key(path_value, "context", folder_of_file)
        elif isinstance(path_value, Seq):
            rebased_list = Seq(path_value.at())
            for index, list_entry in enumerate(path_value):
                rebased_list.put(_rebase_entry(list_entry, path_key, folder_of_file), path_value.at(index))
            rebased_node[path_key] = rebased_list
    return rebased_node


def _rebase_entry(list_entry: Any, list_key: str, folder_of_file: str) -> Any:
    """One entry of env_file or volumes, its path told from elsewhere."""
    if isinstance(list_entry, Map):
        if list_key == "env_file" or list_entry.get("type") == "bind":
            return _rebase_path_under_key(list_entry, "path" if list_key == "env_file" else "source", folder_of_file)
    elif isinstance(list_entry, str) and (list_key == "env_file" or list_entry.startswith(".")):
        return _rebase_path(list_entry, folder_of_file)
    return list_entry


def _rebase_path_under_key(mapping_node: Map, path_key: str, folder_of_file: str) -> Map:
    """A mapping whose path under a key is told from elsewhere."""
    if not isinstance(mapping_node.get(path_key), str):
        return mapping_node
    rebased_mapping = _copy_mapping(mapping_node)
    rebased_mapping[path_key] = _rebase_path(mapping_node[path_key], folder_of_file)
    return rebased_mapping


def _rebase_path(written_path: str, folder_of_file: str) -> str:
    """A path told from elsewhere; one that is absolute, a URL or a variable stays."""
    path_part, colon_separator, text_after_colon = written_path.partition(":")
    if path_part.startswith(("/", "~", "$", "git@")) or text_after_colon.startswith("//"):
        return written_path
    rebased_path = posixpath.normpath(posixpath.join(folder_of_file, path_part))
    return (rebased_path if rebased_path.startswith("..") else f"./{rebased_path}") + colon_separator + text_after_colon
