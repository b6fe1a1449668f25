"""Which stores only the containers of their own project reach."""

from __future__ import annotations

import ipaddress

from readiness.checks.compose.network import is_routed_by_proxy
from readiness.checks.compose.own_stores import base_image_of_own_store, is_run_as_store
from readiness.facts import images
from readiness.kinds.compose.application import JoinedFiles, join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import PortSpec, named_entries, port_specs
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_STORE_ROLES = frozenset({"database", "cache", "queue"})  # what speaks a protocol of its own, which no proxy leads to by a path
_HOST_NETWORK_DRIVERS = frozenset({"host", "macvlan", "ipvlan"})  # of networks that give a container an address outside


def names_of_closed_stores(app: JoinedFiles, project: Project) -> frozenset[str]:
    """The names of those stores of an app that nothing outside of it reaches.

    No port of theirs leaves the host, they are on no network that others share, no proxy is told of them, and no console is
    published that logs in to them. Where a file of the app is not here nobody can tell.
    """
    service_by_name = app.services()
    store_services = [one for one in service_by_name.values() if is_store(one, project)]
    if not store_services or app.has_unread_files:
        return frozenset()
    if any(one.role == "console" and not _is_unreachable_from_outside(one, project) for one in service_by_name.values()):
        return frozenset()
    return frozenset(
        one.name for one in store_services if _is_unreachable_from_outside(one, project) and not _is_on_shared_network(one, app, project)
    )


def is_closed_store(service: Service, project: Project) -> bool:
    """Whether a service is a store that nothing outside of its own project reaches."""
    if not is_store(service, project):
        return False
    return service.name in names_of_closed_stores(project.memoize(join_compose_files).application_of(service.document), project)


def is_store(service: Service, project: Project) -> bool:
    """Whether a service is a store: by its image, be it a copy of a well-known one under another owner; by what its own image is
    built from; or by how it is run."""
    if _is_store_by_image(service):
        return True
    if service.role:
        return False
    store_base = base_image_of_own_store(service, project)
    return (store_base is not None and store_base.facts.role in _STORE_ROLES) or is_run_as_store(service, project)


def _is_store_by_image(service: Service) -> bool:
    """Whether the image of a service says that it is a store."""
    image = service.image
    facts_of_same_image_name = images.fact_rows_by_last_name_part(image) if image is not None and not service.role else ()
    return service.role in _STORE_ROLES or any(row.get("role") in _STORE_ROLES for row in facts_of_same_image_name)


def _is_unreachable_from_outside(service: Service, project: Project) -> bool:
    """Whether neither a port, nor the host's network, nor a proxy leads to a service."""
    merged_node, is_merged_completely = merged_node_and_is_complete(service, project)
    if not is_merged_completely or merged_node.get("network_mode") not in (None, "bridge", "none") or is_routed_by_proxy(service):
        return False
    return not merged_node.get("ports") or all(is_published_on_loopback(one) for one in port_specs(merged_node, service.env_values))


def is_published_on_loopback(port_spec: PortSpec) -> bool:
    """Whether a port is surely published for the host alone."""
    try:
        return ipaddress.ip_address(port_spec.host_ip or "").is_loopback
    except ValueError:
        return False


def _is_on_shared_network(service: Service, application: JoinedFiles, project: Project) -> bool:
    """Whether a service is on a network that others may be on: one from outside, or of the host's own."""
    merged_node, _ = merged_node_and_is_complete(service, project)
    network_names = [name for name, _ in named_entries(merged_node.get("networks"))] or ["default"]
    for document in (application.document, *application.bases, *application.overlays, *application.included_both_ways):
        defined_networks = document.section_entries("networks")
        for network_node in (defined_networks[name][1] for name in network_names if name in defined_networks):
            if isinstance(network_node, Map) and (
                network_node.get("external") not in (None, False, "false")
                or network_node.get("attachable") is True
                or network_node.get("driver") in _HOST_NETWORK_DRIVERS
            ):
                return True
    return False
