"""Which stores only the containers of their own project reach."""

from __future__ import annotations

import ipaddress

from readiness.checks.compose.network import is_routed_by_proxy
from readiness.facts import images
from readiness.kinds.compose.application import JoinedFiles, join_compose_files, merged_service
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import PortSpec, named_entries, port_specs
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_STORE_ROLES = frozenset({"database", "cache", "queue"})  # what speaks a protocol of its own, which no proxy leads to by a path
_HOST_DRIVERS = frozenset({"host", "macvlan", "ipvlan"})  # of networks that give a container an address outside


def closed_store_names(app: JoinedFiles, project: Project) -> frozenset[str]:
    """The names of those stores of an app that nothing outside of it reaches.

    No port of theirs leaves the host, they are on no network that others share, no proxy is told of them, and no console is
    published that logs in to them. Where a file of the app is not here nobody can tell.
    """
    services = app.services()
    stores = [one for one in services.values() if is_plain_store(one)]
    if not stores or app.has_unread_files:
        return frozenset()
    if any(one.role == "console" and not _is_shut(one, project) for one in services.values()):
        return frozenset()
    return frozenset(one.name for one in stores if _is_shut(one, project) and not _is_on_shared_network(one, app, project))


def is_closed_store(service: Service, project: Project) -> bool:
    """Whether a service is a store that nothing outside of its own project reaches."""
    if not is_plain_store(service):
        return False
    return service.name in closed_store_names(project.memoize(join_compose_files).application_of(service.document), project)


def is_plain_store(service: Service) -> bool:
    """Whether a service is a store by its image, be it a copy of a well-known one under another owner."""
    image = service.image
    copied = images.rows_by_last_part(image) if image is not None and not service.role else ()
    return service.role in _STORE_ROLES or any(row.get("role") in _STORE_ROLES for row in copied)


def _is_shut(service: Service, project: Project) -> bool:
    """Whether neither a port, nor the host's network, nor a proxy leads to a service."""
    node, whole = merged_service(service, project)
    if not whole or node.get("network_mode") not in (None, "bridge", "none") or is_routed_by_proxy(service):
        return False
    return not node.get("ports") or all(_is_on_loopback(one) for one in port_specs(node, service.env_values))


def _is_on_loopback(port: PortSpec) -> bool:
    """Whether a port is surely published for the host alone."""
    try:
        return ipaddress.ip_address(port.host_ip or "").is_loopback
    except ValueError:
        return False


def _is_on_shared_network(service: Service, app: JoinedFiles, project: Project) -> bool:
    """Whether a service is on a network that others may be on: one from outside, or of the host's own."""
    node, _ = merged_service(service, project)
    names = [name for name, _ in named_entries(node.get("networks"))] or ["default"]
    for document in (app.document, *app.bases, *app.overlays, *app.included_both_ways):
        entries = document.section_entries("networks")
        for network in (entries[name][1] for name in names if name in entries):
            if isinstance(network, Map) and (
                network.get("external") not in (None, False, "false")
                or network.get("attachable") is True
                or network.get("driver") in _HOST_DRIVERS
            ):
                return True
    return False
