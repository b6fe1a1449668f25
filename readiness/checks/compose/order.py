"""Taste: the order of keys, of services, of lists, and quotes around ports and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import named_entries, port_specs
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax.holes import has_variable
from readiness.syntax.yaml import Map, Seq

_TOP_LEVEL_KEY_ORDER = (
    "x-",
    "version",
    "name",
    "include",
    "services",
    "networks",
    "volumes",
    "secrets",
    "configs",
)
_SERVICE_KEY_ORDER = """image build container_name depends_on volumes volumes_from configs secrets environment env_file ports
    networks network_mode extra_hosts command entrypoint working_dir restart healthcheck logging labels user
    isolation""".split()


def _first_out_of_order(ranks: Sequence[Any]) -> int | None:
    """The index of the first item that should stand before the one in front of it."""
    return next((index for index in range(1, len(ranks)) if ranks[index] < ranks[index - 1]), None)


# Signs and letters as dictionaries order them, without case: `_` before `-` before `.` before digits.
_PUNCTUATION_ORDER = str.maketrans("_-.", "\x01\x02\x03")


def _sort_key(name: str) -> str:
    return name.lower().translate(_PUNCTUATION_ORDER)


def _key_rank(key: str, order: Sequence[str]) -> tuple[int, str]:
    """Where a key belongs: at its place in the order, or behind it by the alphabet."""
    return (order.index(key), "") if key in order else (len(order), key)


def top_level_unsorted(document: Document) -> CheckOutcome:
    """Top-level keys out of order."""
    keys = list(document.node)
    ranks = [(0, key) if key.startswith("x-") else _key_rank(key, _TOP_LEVEL_KEY_ORDER) for key in keys]
    place = _first_out_of_order(ranks)
    if place is not None and not document.legacy:
        yield hit(document.node.key_span(keys[place]), key=keys[place], before=keys[place - 1])


def service_keys_unsorted(service: Service) -> CheckOutcome:
    """Keys of a service out of order."""
    keys = [key for key in service.node if key not in service.node.merged]
    place = _first_out_of_order([_key_rank(key, _SERVICE_KEY_ORDER) for key in keys])
    if place is not None:
        yield hit(service.node.key_span(keys[place]), key=keys[place], before=keys[place - 1])


def services_unsorted(document: Document) -> CheckOutcome:
    """Services out of alphabetical order."""
    services = list(document.services.values())
    place = _first_out_of_order([_sort_key(one.name) for one in services])
    if place is not None:
        yield hit(services[place].name_span, key=services[place].name, before=services[place - 1].name)


def dependencies_unsorted(service: Service) -> CheckOutcome:
    """Dependencies out of alphabetical order."""
    depends = service.node.get("depends_on")
    found = list(named_entries(depends))
    place = _first_out_of_order([_sort_key(name) for name, _ in found])
    if place is not None:
        key = found[place][1]
        span = depends.key_span(key) if isinstance(depends, Map) else service.node["depends_on"].at(key)
        yield hit(span, key=found[place][0], before=found[place - 1][0])


def ports_unsorted(service: Service) -> CheckOutcome:
    """Ports out of numerical order of what is published."""
    ports = list(port_specs(service.node, service.env_values))
    ranks = []
    for spec in ports:
        number = spec.published or spec.target
        hidden = has_variable(spec.text) or number is None
        ranks.append((0, 0, spec.text) if hidden else (1, number[0] if number else 0, ""))
    place = _first_out_of_order(ranks)
    if place is not None:
        yield hit(ports[place].span, key=ports[place].text, before=ports[place - 1].text)


def _entries_of(service: Service, keys: Sequence[str]) -> Iterator[tuple[Any, Span]]:
    for key in keys:
        items = service.node.get(key)
        if isinstance(items, Seq):
            yield from ((item, items.at(index)) for index, item in enumerate(items))


def quotes_inconsistent(service: Service, *, keys: Sequence[str], wanted: bool) -> CheckOutcome:
    """Entries of lists without quotes where they are wanted, or with them where they are not."""
    for item, span in _entries_of(service, keys):
        if isinstance(item, Map | Seq):
            continue
        quoted = service.source.text[span.start : span.start + 1] in ("'", '"')
        if quoted is not wanted:
            yield hit(span, value=str(item)[:60])
