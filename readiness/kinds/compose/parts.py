"""The short and long forms of a compose service's ports, mounts, variables and lists, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from readiness.kinds.variables import VariableSetting
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.interpolation import (
    NO_VARIABLES,
    UNKNOWN_VALUE_MARK,
    InterpolatedValue,
    InterpolationError,
    interpolate_variables,
)
from readiness.syntax.scalar import make_offset_mapper
from readiness.syntax.yaml import Map, Seq

PortRange = tuple[int, int]
_WINDOWS_DRIVE_PATTERN = lazy_regex(r"[A-Za-z]:[\\/]")


def expand_scalar(scalar_value: Any, value_by_variable: Mapping[str, str] = NO_VARIABLES) -> InterpolatedValue:
    """A scalar's text with what an environment gives, else with its defaults; what cannot be interpolated is a hole."""
    if isinstance(scalar_value, bool):
        return InterpolatedValue("true" if scalar_value else "false")
    if isinstance(scalar_value, int | float):
        return InterpolatedValue(str(scalar_value))
    if not isinstance(scalar_value, str):
        return InterpolatedValue("")
    try:
        return interpolate_variables(scalar_value, value_by_variable)
    except InterpolationError:
        return InterpolatedValue(UNKNOWN_VALUE_MARK, ("?",), ("?",))


def substring_span(source: Source, scalar_span: Span, scalar_value: str, start_index: int, end_index: int) -> Span:
    """The place of `value[start:end]` of the scalar at `scalar_span`."""
    offset_in_source = make_offset_mapper(source.text, scalar_span, scalar_value)
    substring_start = offset_in_source(start_index)
    return Span(
        substring_start,
        max(offset_in_source(max(end_index - 1, start_index)) + 1, substring_start + 1) if end_index > start_index else substring_start,
    )


@dataclass(frozen=True, slots=True)
class PortSpec:
    """One entry of `ports`. `host_ip` is None where none is written; ranges are None where unknown or absent.

    `is_undetermined` says that a variable without a default may hold any part of it; `names_host_port` whether the host's port
    is named; `address_variable` is the variable of an environment file that gave all of the address.
    """

    span: Span
    text: str
    host_ip: str | None
    published: PortRange | None
    target: PortRange | None
    protocol: str
    names_host_port: bool
    is_undetermined: bool
    mode: str = ""
    address_variable: str = ""


def port_specs(service_node: Any, value_by_variable: Mapping[str, str] = NO_VARIABLES) -> Iterator[PortSpec]:
    """The ports of a service, as far as they can be read; those written twice alike once, as Docker takes them."""
    port_entries = service_node.get("ports") if isinstance(service_node, Map) else None
    if not isinstance(port_entries, Seq):
        return
    seen_port_keys: set[tuple[object, ...]] = set()
    for index, port_entry in enumerate(port_entries):
        port_span = port_entries.at(index)
        if isinstance(port_entry, Map):
            port_spec = _port_spec_from_mapping(port_entry, port_span, value_by_variable)
        elif isinstance(port_entry, str | int | float) and not isinstance(port_entry, bool):
            port_spec = _port_spec_from_short_form(expand_scalar(port_entry, value_by_variable), str(port_entry), port_span)
        else:
            continue
        port_key = port_spec.text, port_spec.host_ip, port_spec.protocol
        if port_key not in seen_port_keys:
            seen_port_keys.add(port_key)
            yield port_spec


def _port_spec_from_mapping(port_mapping: Map, port_span: Span, value_by_variable: Mapping[str, str]) -> PortSpec:
    """A port in long syntax (a mapping with `container_port`, `published_port`, `host_ip` ...)."""
    published_port, container_port, interpolated_protocol, port_mode = (
        expand_scalar(port_mapping.get(key), value_by_variable) for key in ("published", "target", "protocol", "mode")
    )
    host_ip_value = port_mapping.get("host_ip")
    interpolated_host_ip = expand_scalar(host_ip_value, value_by_variable) if isinstance(host_ip_value, str) else None
    return PortSpec(
        port_span,
        f"{port_mapping.get('published', '')}:{port_mapping.get('target', '')}",
        interpolated_host_ip.text if interpolated_host_ip else None,
        parse_port_range(published_port.text),
        parse_port_range(container_port.text),
        interpolated_protocol.text or "tcp",
        bool(published_port.text),
        UNKNOWN_VALUE_MARK in published_port.text + container_port.text,
        port_mode.text,
        interpolated_host_ip.variable_giving_all if interpolated_host_ip else "",
    )


def _port_spec_from_short_form(interpolated_port: InterpolatedValue, written_text: str, port_span: Span) -> PortSpec:
    """A port written as `[address:][host:]container[/protocol]`."""
    host_ip, host_port, container_port, protocol = split_short_port(interpolated_port.text)
    return PortSpec(
        port_span,
        written_text,
        host_ip,
        parse_port_range(host_port),
        parse_port_range(container_port),
        protocol or "tcp",
        bool(host_port),
        UNKNOWN_VALUE_MARK in interpolated_port.text,
        address_variable=interpolated_port.filled_piece_around(0, len(host_ip))[2] if host_ip else "",
    )


def split_short_port(port_text: str) -> tuple[str | None, str, str, str]:
    """(address or None, host part, container part, protocol) of a port in its short form."""
    text_before_protocol, _, protocol = port_text.partition("/")
    host_part, colon_separator, container_port = text_before_protocol.rpartition(":")
    if not colon_separator:
        return None, "", text_before_protocol, protocol
    if host_part.endswith("]"):
        return host_part.strip("[]"), "", container_port, protocol
    host_ip, address_separator, host_port = host_part.rpartition(":")
    return (host_ip.strip("[]") if address_separator else None), host_port, container_port, protocol


def parse_port_range(range_text: str) -> PortRange | None:
    """`80` or `80-90` as a range; None for anything else."""
    first_port, dash_separator, last_port = range_text.partition("-")
    if not first_port.isascii() or not first_port.isdecimal() or len(first_port) > 6:
        return None
    if not dash_separator:
        return int(first_port), int(first_port)
    if not last_port.isascii() or not last_port.isdecimal() or len(last_port) > 6:
        return None
    return int(first_port), int(last_port)


@dataclass(frozen=True, slots=True)
class MountSpec:
    """One entry of `volumes`. `type` is bind, volume, tmpfs, npipe, cluster or image; empty where a variable hides it."""

    span: Span
    type: str
    source: str
    target: str
    read_only: bool
    options: tuple[str, ...] = ()


def mount_specs(service_node: Any, value_by_variable: Mapping[str, str] = NO_VARIABLES) -> Iterator[MountSpec]:
    """The mounts of a service, as far as they can be read."""
    mount_entries = service_node.get("volumes") if isinstance(service_node, Map) else None
    if not isinstance(mount_entries, Seq):
        return
    for index, mount_entry in enumerate(mount_entries):
        mount_span = mount_entries.at(index)
        if isinstance(mount_entry, Map):
            yield MountSpec(
                mount_span,
                expand_scalar(mount_entry.get("type"), value_by_variable).text.replace(UNKNOWN_VALUE_MARK, ""),
                expand_scalar(mount_entry.get("source"), value_by_variable).text,
                expand_scalar(mount_entry.get("target"), value_by_variable).text,
                mount_entry.get("read_only") in (True, "true"),
            )
        elif isinstance(mount_entry, str):
            yield mount_spec_from_short_form(expand_scalar(mount_entry, value_by_variable).text, mount_span)


def mount_spec_from_short_form(mount_text: str, mount_span: Span) -> MountSpec:
    """A mount written as `[source:]target[:options]`."""
    mount_parts = split_short_mount(mount_text)
    if len(mount_parts) == 1:
        return MountSpec(mount_span, "volume", "", mount_parts[0], False)
    mount_options = tuple(mount_parts[2].split(",")) if len(mount_parts) > 2 else ()
    source_path_or_volume = mount_parts[0]
    if source_path_or_volume.startswith(UNKNOWN_VALUE_MARK):
        mount_type = "" if source_path_or_volume == UNKNOWN_VALUE_MARK else "bind" if source_path_or_volume[1:2] in "/\\" else ""
    else:
        mount_type = "bind" if source_path_or_volume[:1] in "./~\\" or _WINDOWS_DRIVE_PATTERN.match(source_path_or_volume) else "volume"
    return MountSpec(mount_span, mount_type, source_path_or_volume, mount_parts[1], "ro" in mount_options, mount_options)


def split_short_mount(mount_text: str) -> list[str]:
    """The parts of a mount's short form between its colons; a drive's colon is none."""
    mount_parts: list[str] = []
    for colon_separated_piece in mount_text.split(":"):
        is_drive_letter_before = bool(mount_parts) and len(mount_parts[-1]) == 1 and mount_parts[-1].isalpha()
        if is_drive_letter_before and (len(mount_parts) == 1 or colon_separated_piece.startswith("\\")):
            mount_parts[-1] += ":" + colon_separated_piece
        else:
            mount_parts.append(colon_separated_piece)
    return mount_parts


def variable_settings_under_key(
    source: Source, owner_node: Any, section_key: str, value_by_variable: Mapping[str, str] = NO_VARIABLES
) -> Iterator[VariableSetting]:
    """The pairs under `section_key`, whether they are written as a mapping or as a list of `NAME=value`.

    A name without a value (`raw_value` None) is taken from outside: it holds what an environment gives under the name.
    """

    def make_setting(variable_name: str, raw_value: Any, setting_span: Span, name_span: Span) -> VariableSetting:
        resolved_value = value_by_variable.get(variable_name) if raw_value is None else expand_scalar(raw_value, value_by_variable).text
        return VariableSetting(variable_name, raw_value, resolved_value, setting_span, name_span, source)

    pairs_node = owner_node.get(section_key) if isinstance(owner_node, Map) else None
    if isinstance(pairs_node, Map):
        for name_of_pair, value_of_pair in pairs_node.items():
            yield make_setting(name_of_pair, value_of_pair, pairs_node.at(name_of_pair), pairs_node.key_span(name_of_pair))
    elif isinstance(pairs_node, Seq):
        for index, pair_text in enumerate(pairs_node):
            if isinstance(pair_text, str):
                name_of_pair, equals_sign, value_of_pair = pair_text.partition("=")
                pair_span = pairs_node.at(index)
                value_span = substring_span(source, pair_span, pair_text, len(name_of_pair) + 1, len(pair_text)) if value_of_pair else pair_span
                yield make_setting(name_of_pair, value_of_pair if equals_sign else None, value_span, pair_span)


def string_entries(value: Any) -> Iterator[tuple[str, Any]]:
    """(text, index) of the strings of a list; a single string stands for a list of one, with index None."""
    if isinstance(value, str):
        yield value, None
    elif isinstance(value, Seq):
        yield from ((item, index) for index, item in enumerate(value) if isinstance(item, str))


def named_entries(value: Any) -> Iterator[tuple[str, Any]]:
    """(name, key for `at`) of what a list or a mapping names: depends_on, networks, models."""
    if isinstance(value, Map):
        yield from ((name, name) for name in value)
    elif isinstance(value, Seq):
        yield from ((item, index) for index, item in enumerate(value) if isinstance(item, str))
