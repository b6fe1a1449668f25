"""Services of one file of which people start one at a time: the same program with other settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import named_entries, port_specs

_KEYS_OF_PROGRAM = ("image", "build", "entrypoint", "command")


def are_alternatives(first_service: Service, second_service: Service) -> bool:
    """Whether two services stand in place of each other: `app`, `app-live` and `app-draft` run one program and publish one list
    of ports, so that no two of them were ever up at once.

    A worker that inherits the ports of its application has a command of its own, replicas are numbered (`app-1`, `app-2`), and
    what one waits for runs beside it: of those a clash is a fault.
    """
    return (
        _have_one_stem(first_service.name, second_service.name)
        and all(first_service.extended_node.get(key) == second_service.extended_node.get(key) for key in _KEYS_OF_PROGRAM)
        and _port_texts(first_service) == _port_texts(second_service)
        and second_service.name not in _dependency_names(first_service)
        and first_service.name not in _dependency_names(second_service)
    )


def _have_one_stem(first_name: str, second_name: str) -> bool:
    """Whether two names begin with the same words, and what differs is words, too: `app`, `app-live`."""
    first_words, second_words = _name_words(first_name), _name_words(second_name)
    common_word_count = 0
    for first_word, second_word in zip(first_words, second_words, strict=False):
        if first_word != second_word:
            break
        common_word_count += 1
    different_words = [*first_words[common_word_count:], *second_words[common_word_count:]]
    return common_word_count > 0 and not any(word[-1:].isdigit() or len(word) < 2 for word in different_words)


def _name_words(name: str) -> Sequence[str]:
    return name.replace("_", "-").replace(".", "-").split("-")


def _port_texts(service: Service) -> list[str]:
    return [one.text for one in port_specs(service.extended_node, service.env_values)]


def _dependency_names(service: Service) -> set[str]:
    return {name for name, _ in named_entries(service.extended_node.get("depends_on"))}


def is_surely_run_with(service: Service, other_service: Service, service_by_name: Mapping[str, Service]) -> bool:
    """Whether two services are one, or one needs the other, directly or by others."""
    return (
        service is other_service
        or other_service.name in _needed_service_names(service, service_by_name)
        or service.name in _needed_service_names(other_service, service_by_name)
    )


def _needed_service_names(service: Service, service_by_name: Mapping[str, Service]) -> set[str]:
    """The services that a service depends on, directly or by others."""
    names: set[str] = set()
    pending = [service]
    while pending:
        for name, _ in named_entries(pending.pop().extended_node.get("depends_on")):
            if name not in names and name in service_by_name:
                names.add(name)
                pending.append(service_by_name[name])
    return names
