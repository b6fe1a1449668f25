"""The short and long forms of a compose service's ports, mounts, variables and lists, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.kinds.variables import VariableSetting
from readiness.model import Source, Span
from readiness.syntax.interpolation import (
    NO_VARIABLES,
    UNKNOWN_VALUE_MARK,
    InterpolatedValue,
    InterpolationError,
    interpolate,
)
from readiness.syntax.scalar import make_offset_mapper
from readiness.syntax.yaml import Map, Seq

PortRange = tuple[int, int]
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def expand_scalar(value: Any, environment: Mapping[str, str] = NO_VARIABLES) -> InterpolatedValue:
    """A scalar's text with what an environment gives, else with its defaults; what cannot be interpolated is a hole."""
    if isinstance(value, bool):
        return InterpolatedValue("true" if value else "false")
    if isinstance(value, int | float):
        return InterpolatedValue(str(value))
    if not isinstance(value, str):
        return InterpolatedValue("")
    try:
        return interpolate(value, environment)
    except InterpolationError:
        return InterpolatedValue(UNKNOWN_VALUE_MARK, ("?",), ("?",))


def substring_span(source: Source, span: Span, value: str, start: int, end: int) -> Span:
    """The place of `value[start:end]` of the scalar at `span`."""
    where = make_offset_mapper(source.text, span, value)
    first = where(start)
    return Span(first, max(where(max(end - 1, start)) + 1, first + 1) if end > start else first)


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


def port_specs(node: Any, environment: Mapping[str, str] = NO_VARIABLES) -> Iterator[PortSpec]:
    """The ports of a service, as far as they can be read; those written twice alike once, as Docker takes them."""
    ports = node.get("ports") if isinstance(node, Map) else None
    if not isinstance(ports, Seq):
        return
    seen: set[tuple[object, ...]] = set()
    for index, item in enumerate(ports):
        span = ports.at(index)
        if isinstance(item, Map):
            spec = _long_port(item, span, environment)
        elif isinstance(item, str | int | float) and not isinstance(item, bool):
            spec = _short_port(expand_scalar(item, environment), str(item), span)
        else:
            continue
        same = spec.text, spec.host_ip, spec.protocol
        if same not in seen:
            seen.add(same)
            yield spec


def _long_port(item: Map, span: Span, environment: Mapping[str, str]) -> PortSpec:
    """A port in long syntax (a mapping with `target`, `published`, `host_ip` ...)."""
    published, target, protocol, mode = (
        expand_scalar(item.get(key), environment) for key in ("published", "target", "protocol", "mode")
    )
    address = item.get("host_ip")
    where = expand_scalar(address, environment) if isinstance(address, str) else None
    return PortSpec(
        span,
        f"{item.get('published', '')}:{item.get('target', '')}",
        where.text if where else None,
        parse_range(published.text),
        parse_range(target.text),
        protocol.text or "tcp",
        bool(published.text),
        UNKNOWN_VALUE_MARK in published.text + target.text,
        mode.text,
        where.variable_giving_all if where else "",
    )


def _short_port(value: InterpolatedValue, text: str, span: Span) -> PortSpec:
    """A port written as `[address:][host:]container[/protocol]`."""
    address, host, target, protocol = split_port(value.text)
    return PortSpec(
        span,
        text,
        address,
        parse_range(host),
        parse_range(target),
        protocol or "tcp",
        bool(host),
        UNKNOWN_VALUE_MARK in value.text,
        address_variable=value.filled_piece_around(0, len(address))[2] if address else "",
    )


def split_port(text: str) -> tuple[str | None, str, str, str]:
    """(address or None, host part, container part, protocol) of a port in its short form."""
    body, _, protocol = text.partition("/")
    rest, colon, target = body.rpartition(":")
    if not colon:
        return None, "", body, protocol
    if rest.endswith("]"):
        return rest.strip("[]"), "", target, protocol
    address, separator, host = rest.rpartition(":")
    return (address.strip("[]") if separator else None), host, target, protocol


def parse_range(text: str) -> PortRange | None:
    """`80` or `80-90` as a range; None for anything else."""
    first, dash, last = text.partition("-")
    if not first.isascii() or not first.isdigit() or len(first) > 6:
        return None
    if not dash:
        return int(first), int(first)
    if not last.isascii() or not last.isdigit() or len(last) > 6:
        return None
    return int(first), int(last)


@dataclass(frozen=True, slots=True)
class MountSpec:
    """One entry of `volumes`. `type` is bind, volume, tmpfs, npipe, cluster or image; empty where a variable hides it."""

    span: Span
    type: str
    source: str
    target: str
    read_only: bool
    options: tuple[str, ...] = ()


def mount_specs(node: Any, environment: Mapping[str, str] = NO_VARIABLES) -> Iterator[MountSpec]:
    """The mounts of a service, as far as they can be read."""
    mounts = node.get("volumes") if isinstance(node, Map) else None
    if not isinstance(mounts, Seq):
        return
    for index, item in enumerate(mounts):
        span = mounts.at(index)
        if isinstance(item, Map):
            yield MountSpec(
                span,
                expand_scalar(item.get("type"), environment).text.replace(UNKNOWN_VALUE_MARK, ""),
                expand_scalar(item.get("source"), environment).text,
                expand_scalar(item.get("target"), environment).text,
                item.get("read_only") in (True, "true"),
            )
        elif isinstance(item, str):
            yield short_mount(expand_scalar(item, environment).text, span)


def short_mount(text: str, span: Span) -> MountSpec:
    """A mount written as `[source:]target[:options]`."""
    parts = split_mount(text)
    if len(parts) == 1:
        return MountSpec(span, "volume", "", parts[0], False)
    options = tuple(parts[2].split(",")) if len(parts) > 2 else ()
    source = parts[0]
    if source.startswith(UNKNOWN_VALUE_MARK):
        kind = "" if source == UNKNOWN_VALUE_MARK else "bind" if source[1:2] in "/\\" else ""
    else:
        kind = "bind" if source[:1] in "./~\\" or _WINDOWS_DRIVE.match(source) else "volume"
    return MountSpec(span, kind, source, parts[1], "ro" in options, options)


def split_mount(text: str) -> list[str]:
    """The parts of a mount's short form between its colons; a drive's colon is none."""
    parts: list[str] = []
    for piece in text.split(":"):
        letter = bool(parts) and len(parts[-1]) == 1 and parts[-1].isalpha()
        if letter and (len(parts) == 1 or piece.startswith("\\")):
            parts[-1] += ":" + piece
        else:
            parts.append(piece)
    return parts


def variable_settings(
    source: Source, node: Any, key: str, environment: Mapping[str, str] = NO_VARIABLES
) -> Iterator[VariableSetting]:
    """The pairs under `key`, whether they are written as a mapping or as a list of `NAME=value`.

    A name without a value (`raw_value` None) is taken from outside: it holds what an environment gives under the name.
    """

    def make(name: str, value: Any, span: Span, name_span: Span) -> VariableSetting:
        text = environment.get(name) if value is None else expand_scalar(value, environment).text
        return VariableSetting(name, value, text, span, name_span, source)

    pairs = node.get(key) if isinstance(node, Map) else None
    if isinstance(pairs, Map):
        for name, value in pairs.items():
            yield make(name, value, pairs.at(name), pairs.key_span(name))
    elif isinstance(pairs, Seq):
        for index, item in enumerate(pairs):
            if isinstance(item, str):
                name, separator, value = item.partition("=")
                span = pairs.at(index)
                where = substring_span(source, span, item, len(name) + 1, len(item)) if value else span
                yield make(name, value if separator else None, where, span)


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
