"""Taste: the order of keys, of services, of lists, and quotes around ports and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import named_entries, port_specs
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax.holes import has_variable_sign
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


def _index_out_of_order(sort_ranks: Sequence[Any]) -> int | None:
    """The index of the first item that should stand before the one in front of it."""
    return next((index for index in range(1, len(sort_ranks)) if sort_ranks[index] < sort_ranks[index - 1]), None)


# Signs and letters as dictionaries order them, without case: `_` before `-` before `.` before digits.
_PUNCTUATION_SORT_TABLE = str.maketrans("_-.", "\x01\x02\x03")


def _service_sort_key(service_name: str) -> str:
    return service_name.lower().translate(_PUNCTUATION_SORT_TABLE)


def _rank_of_key(key: str, key_order: Sequence[str]) -> tuple[int, str]:
    """Where a key belongs: at its place in the order, or behind it by the alphabet."""
    return (key_order.index(key), "") if key in key_order else (len(key_order), key)


def top_level_unsorted(document: Document) -> CheckOutcome:
    """Top-level keys out of order."""
    top_level_keys = list(document.node)
    key_ranks = [(0, key) if key.startswith("x-") else _rank_of_key(key, _TOP_LEVEL_KEY_ORDER) for key in top_level_keys]
    unsorted_index = _index_out_of_order(key_ranks)
    if unsorted_index is not None and not document.legacy:
        yield hit(
            document.node.key_span(top_level_keys[unsorted_index]),
            key=top_level_keys[unsorted_index],
            before=top_level_keys[unsorted_index - 1],
        )


def service_keys_unsorted(service: Service) -> CheckOutcome:
    """Keys of a service out of order."""
    service_keys = [key for key in service.node if key not in service.node.merged]
    unsorted_index = _index_out_of_order([_rank_of_key(key, _SERVICE_KEY_ORDER) for key in service_keys])
    if unsorted_index is not None:
        yield hit(
            service.node.key_span(service_keys[unsorted_index]),
            key=service_keys[unsorted_index],
            before=service_keys[unsorted_index - 1],
        )


def services_unsorted(document: Document) -> CheckOutcome:
    """Services out of alphabetical order."""
    services = list(document.services.values())
    unsorted_index = _index_out_of_order([_service_sort_key(one.name) for one in services])
    if unsorted_index is not None:
        yield hit(services[unsorted_index].name_span, key=services[unsorted_index].name, before=services[unsorted_index - 1].name)


def dependencies_unsorted(service: Service) -> CheckOutcome:
    """Dependencies out of alphabetical order."""
    depends_on = service.node.get("depends_on")
    dependency_names_and_keys = list(named_entries(depends_on))
    unsorted_index = _index_out_of_order([_service_sort_key(name) for name, _ in dependency_names_and_keys])
    if unsorted_index is not None:
        dependency_key = dependency_names_and_keys[unsorted_index][1]
        dependency_span = depends_on.key_span(dependency_key) if isinstance(depends_on, Map) else service.node["depends_on"].at(dependency_key)
        yield hit(
            dependency_span,
            key=dependency_names_and_keys[unsorted_index][0],
            before=dependency_names_and_keys[unsorted_index - 1][0],
        )


def ports_unsorted(service: Service) -> CheckOutcome:
    """Ports out of numerical order of what is published."""
    specs = list(port_specs(service.node, service.env_values))
    port_ranks = []
    for port_spec in specs:
        port_range = port_spec.published or port_spec.target
        is_port_unknown = has_variable_sign(port_spec.text) or port_range is None
        port_ranks.append((0, 0, port_spec.text) if is_port_unknown else (1, port_range[0] if port_range else 0, ""))
    unsorted_index = _index_out_of_order(port_ranks)
    if unsorted_index is not None:
        yield hit(specs[unsorted_index].span, key=specs[unsorted_index].text, before=specs[unsorted_index - 1].text)


def _list_entries_of_keys(service: Service, keys: Sequence[str]) -> Iterator[tuple[Any, Span]]:
    for key in keys:
        key_entries = service.node.get(key)
        if isinstance(key_entries, Seq):
            yield from ((item, key_entries.at(index)) for index, item in enumerate(key_entries))


def quotes_inconsistent(service: Service, *, keys: Sequence[str], wanted: bool) -> CheckOutcome:
    """Entries of lists without quotes where they are wanted, or with them where they are not."""
    for list_entry, entry_span in _list_entries_of_keys(service, keys):
        if isinstance(list_entry, Map | Seq):
            continue
        is_quoted = service.source.text[entry_span.start : entry_span.start + 1] in ("'", '"')
        if is_quoted is not wanted:
            yield hit(entry_span, value=str(list_entry)[:60])
