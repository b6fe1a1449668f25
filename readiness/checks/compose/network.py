"""Who can reach a service: published ports, consoles, debuggers, the way past the proxy, clashes."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from typing import Any

from readiness.checks.compose.alternatives import are_alternatives, is_surely_run_with
from readiness.facts.base_images import is_runtime
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import property_by_fact_name
from readiness.kinds.compose.application import JoinedFiles, join_compose_files, merged_node_and_is_complete
from readiness.kinds.compose.model import Document, Port, Service
from readiness.kinds.compose.parts import PortRange, PortSpec, port_specs, string_entries
from readiness.kinds.compose.scripts import service_groups_started_by_scripts
from readiness.kinds.compose.words import (
    command_line,
    may_run_together,
    replica_count,
    variable_settings_by_name,
)
from readiness.model import CheckOutcome, Related, Severity, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.open_ports import (
    JMX_WITHOUT_LOGIN_LABEL,
    debugger_and_jmx_ports,
    is_docker_port_opened_by_dind,
    open_docker_host_word_index,
)
from readiness.syntax.yaml import Map, Seq


def is_on_every_interface(spec: PortSpec) -> bool | None:
    """Whether a port is published on every interface; None where a variable may hold the address."""
    if spec.host_ip is None:
        return None if spec.is_undetermined and spec.published is None else True
    if UNKNOWN_VALUE_MARK in spec.host_ip:
        return None
    return spec.host_ip in {"", "0.0.0.0", "::", "*"}  # noqa: S104


def is_on_private_address(spec: PortSpec) -> bool:
    """Whether a port is on an address that the internet does not reach: the host's own, a private network's."""
    try:
        address = ipaddress.ip_address(spec.host_ip or "")
    except ValueError:
        return False
    return not (address.is_global or address.is_unspecified)


def _port_address_location(port: Port) -> dict[str, Any]:
    """Where a port's address is to be mended: in an environment file where it comes from there."""
    address_setting = port.owner.document.environment.env_file_values.get(port.spec.address_variable)
    if address_setting is None:
        return {"span": port.spec.span}
    return {"span": address_setting.span, "at": address_setting.source}


def port_every_interface(port: Port) -> CheckOutcome:
    """A port whose entry names no address of the host."""
    if not port.spec.host_ip and is_on_every_interface(port.spec):
        yield hit(port.spec.span, port=port.spec.text)


def _first_port_in_range(candidate_ports: tuple[int, ...], port_range: PortRange | None) -> int | None:
    """The first of the ports that a range holds."""
    return next(
        (one for one in candidate_ports if port_range is not None and port_range[0] <= one <= port_range[1]),
        None,
    )


def _survives_production_overrides(service: Service, port_spec: PortSpec, project: Project) -> bool:
    """Whether the port is still there when the files for production are laid on this one."""
    merged_node, _ = merged_node_and_is_complete(service, project)
    return any(one.span == port_spec.span for one in port_specs(merged_node, service.env_values))


def store_published(port: Port, project: Project) -> CheckOutcome:
    """A database, cache or queue whose port leaves the host; what is published of one server is one finding, at its first port."""
    image_facts = port.owner.image_facts
    if image_facts is None or not image_facts.is_store:
        return
    store_port = _public_store_port(port.spec, image_facts)
    if store_port is None or not _survives_production_overrides(port.owner, port.spec, project):
        return
    is_public = is_on_every_interface(port.spec)
    if is_public is None:
        yield Undecidable(port.spec.span)
        return
    port_specs_of_service = port_specs(port.owner.node, port.owner.env_values)
    public_store_ports = [
        one for one in port_specs_of_service if _public_store_port(one, image_facts) is not None and is_on_every_interface(one) is True
    ]
    if is_public and public_store_ports and public_store_ports[0].span != port.spec.span:
        return  # told at the first
    published_range, target_range = port.spec.published, port.spec.target
    host_port = (
        published_range[0] + store_port - target_range[0]
        if published_range and published_range[0] and target_range and published_range[1] - published_range[0] == target_range[1] - target_range[0]
        else store_port
    )
    related_ports = [Related(port.source, one.span, "this port of it is published, too") for one in public_store_ports[1:]]
    yield hit(**_port_address_location(port), port=host_port, role=image_facts.called or image_facts.role, related=related_ports)


def _public_store_port(port_spec: PortSpec, image_facts: ImageFacts) -> int | None:
    """The port of a store that an entry of `ports` publishes beyond the host; None where it publishes none."""
    if port_spec.protocol.lower() != "tcp" or port_spec.mode == "ingress" or is_on_private_address(port_spec):
        return None
    return _first_port_in_range(image_facts.ports, port_spec.target)


_EXPOSED_THING_BY_ROLE = {
    "console": "the console",
    "alerts": "all alerts",
    "metrics": "all metrics",
    "logs": "all logs",
    "traces": "all traces",
    "agent": "what it measures",
    "proxy": "the proxy's administration",
}


def console_published(port: Port, project: Project) -> CheckOutcome:
    """What only administrators should reach, on a port that leaves the host: a console, metrics, logs."""
    image_facts = port.owner.image_facts
    if image_facts is None or not is_on_every_interface(port.spec):
        return
    admin_port = _first_port_in_range(image_facts.admin_ports, port.spec.target)
    if admin_port is not None:
        exposed_thing = _EXPOSED_THING_BY_ROLE.get(image_facts.role, f"the {image_facts.role}")
        yield hit(**_port_address_location(port), port=admin_port, what=exposed_thing)
    elif image_facts.role == "proxy" and _first_port_in_range((8080,), port.spec.target) and _is_traefik_dashboard_open(port, project):
        yield hit(**_port_address_location(port), port=8080, what="the dashboard without a login")


def _is_traefik_dashboard_open(port: Port, project: Project) -> bool:
    """Whether Traefik serves its dashboard without a login."""
    command_text = command_line(port.owner.extended_node.get("command"))
    is_opened_by_flag = "--api.insecure" in command_text and "--api.insecure=false" not in command_text
    insecure_api_setting = variable_settings_by_name(port.owner, project).get("TRAEFIK_API_INSECURE")
    return is_opened_by_flag or (insecure_api_setting is not None and insecure_api_setting.value == "true")


def debugger_published(port: Port, project: Project) -> CheckOutcome:
    """A debugger's port on every interface, by its number or by what the command or a variable opens."""
    debugger_by_port = {int(debugger_port): what for debugger_port, what in property_by_fact_name("ports", "debugger").items()}
    debugger_port = _first_port_in_range(tuple(debugger_by_port), port.spec.target)
    image = port.owner.image
    is_built_or_runtime_image = port.owner.builds or (image is not None and is_runtime(image))
    if debugger_port is not None and is_on_every_interface(port.spec) and is_built_or_runtime_image:
        yield hit(**_port_address_location(port), port=debugger_port, what=debugger_by_port[debugger_port])
    elif is_on_every_interface(port.spec):
        opened_port = next(
            (one for one in _ports_opened_to_all(port.owner, project) if _first_port_in_range((one[0],), port.spec.target)),
            None,
        )
        if opened_port is not None:
            yield hit(**_port_address_location(port), port=opened_port[0], what=opened_port[1])


def _ports_opened_to_all(service: Service, project: Project) -> list[tuple[int, str]]:
    """The ports on which a service's command, or the options in its variables, let everybody in, and what listens there."""
    return project.memoize_for_subject(_find_ports_opened_to_all, service)


def _find_ports_opened_to_all(service: Service, project: Project) -> list[tuple[int, str]]:
    merged_node, _ = merged_node_and_is_complete(service, project)
    text_by_variable = {name: one.text for name, one in variable_settings_by_name(service, project, merged_node).items() if one.text is not None}
    command_text = f"{command_line(merged_node.get('entrypoint'))} {command_line(merged_node.get('command'))}"
    opened_ports = [(one.number, one.what) for text in (command_text, *text_by_variable.values()) for one in debugger_and_jmx_ports(text)]
    jmx_port = text_by_variable.get("KAFKA_JMX_PORT", "")
    if jmx_port.isdecimal() and "authenticate=true" not in text_by_variable.get("KAFKA_JMX_OPTS", ""):
        opened_ports.append((int(jmx_port[:5]), JMX_WITHOUT_LOGIN_LABEL))
    image = service.image
    if image is not None and "dind" in f"{image.name.rpartition('/')[2]}:{image.tag}":
        command_words = command_line(merged_node.get("command")).split()
        if open_docker_host_word_index(command_words, text_by_variable) is not None or is_docker_port_opened_by_dind(command_words, text_by_variable):
            opened_ports.append((2375, property_by_fact_name("ports", "debugger")["2375"]))
    return opened_ports


@dataclass(frozen=True, slots=True)
class _PublicProxy:
    """A proxy of a project that is open to the world, and whether it takes TLS."""

    service: Service
    has_tls: bool


def _public_proxies_by_document_id(project: Project) -> dict[int, list[_PublicProxy]]:
    """The proxies that stand beside the services of each file, by the file's identity."""
    proxies_by_document_id: dict[int, list[_PublicProxy]] = {}
    for document in project.documents_of_kind("compose"):
        document_proxies = proxies_by_document_id.setdefault(id(document), [])
        for service in project.memoize(join_compose_files).application_of(document).services().values():
            if service.role != "proxy" or service.extended_node.get("profiles"):
                continue
            web_ports = [spec for spec in port_specs(service.extended_node) if _first_port_in_range((80, 443, 8080, 8443), spec.target)]
            if any(is_on_every_interface(spec) for spec in web_ports):
                has_tls = any(_first_port_in_range((443,), spec.published) is not None for spec in web_ports)
                document_proxies.append(_PublicProxy(service, has_tls))
    return proxies_by_document_id


def proxy_bypassed(port: Port, project: Project) -> CheckOutcome:
    """An application that can be reached past the proxy of its own project."""
    service = port.owner
    if service.role or not is_on_every_interface(port.spec):
        return
    is_web_entry_port = _first_port_in_range((80, 443), port.spec.published) is not None
    is_plain_http = not service.once and _first_port_in_range((80,), port.spec.published) is not None
    for public_proxy in project.memoize(_public_proxies_by_document_id).get(id(service.document), ()):
        proxy_service = public_proxy.service
        # Plain HTTP beside a proxy that takes TLS alone is the application, not the redirect.
        if proxy_service is not service and (not is_web_entry_port or (is_plain_http and public_proxy.has_tls)):
            related_proxies = [Related(proxy_service.source, proxy_service.name_span, f"{proxy_service.name} is the way in")]
            yield hit(port.spec.span, proxy=proxy_service.name, port=port.spec.text, related=related_proxies)
            return


def _do_host_ports_overlap(first_spec: PortSpec, second_spec: PortSpec) -> bool:
    """Whether two ports want one port of the host; of two pools Docker gives each what is free."""
    first_host_ports, second_host_ports = first_spec.published, second_spec.published
    if first_host_ports is None or second_host_ports is None or (_is_host_port_pool(first_spec) and _is_host_port_pool(second_spec)):
        return False
    return first_host_ports[0] <= second_host_ports[1] and second_host_ports[0] <= first_host_ports[1]


def _is_host_port_pool(port_spec: PortSpec) -> bool:
    """Whether Docker may choose among several ports of the host for one of the container."""
    return not _is_single_host_port(port_spec) and port_spec.target is not None and port_spec.target[0] == port_spec.target[1]


def _do_host_addresses_overlap(first_spec: PortSpec, second_spec: PortSpec) -> bool:
    """Whether two ports want one address; every interface is every address, `0.0.0.0` those of its family."""
    first_address, second_address = first_spec.host_ip, second_spec.host_ip
    if not first_address or not second_address or first_address == second_address:
        return True
    wildcard_addresses = {"0.0.0.0", "::"}  # noqa: S104
    return (first_address in wildcard_addresses or second_address in wildcard_addresses) and (":" in first_address) == (":" in second_address)


def port_clash(document: Document, project: Project) -> CheckOutcome:
    """A port of the host that two services publish, once for each entry that others clash with.

    Where scripts start services by name, only those of one command are up at once. High where the one needs the other, or both are
    one service; services may as well be alternatives, of which somebody starts one by its name.
    """
    application: JoinedFiles = project.memoize(join_compose_files).application_of(document)
    service_by_name = application.services()
    groups_started_together = service_groups_started_by_scripts(service_by_name, document.folder, project)
    entries_by_single_port: dict[int, list[tuple[Service, PortSpec]]] = {}
    range_entries: list[tuple[Service, PortSpec]] = []
    clashes_by_earlier_entry: dict[tuple[str, Span], list[tuple[Service, PortSpec, Service, PortSpec]]] = {}
    for service in service_by_name.values():
        own_spans = {one.span for one in port_specs(service.node, service.env_values)}
        for port_spec in port_specs(service.extended_node, service.env_values):
            if port_spec.published is None or port_spec.published == (0, 0) or port_spec.is_undetermined:
                continue
            first_port = port_spec.published[0]
            candidate_entries = (
                entries_by_single_port.get(first_port, []) if _is_single_host_port(port_spec) else itertools.chain(*entries_by_single_port.values())
            )
            clashing_entry = next(
                (
                    one
                    for one in itertools.chain(candidate_entries, range_entries)
                    if _do_port_entries_clash(*one, service, port_spec) and _may_be_started_together(one[0], service, groups_started_together)
                ),
                None,
            )
            if clashing_entry is not None and service.document is document and port_spec.span in own_spans:
                clashes_by_earlier_entry.setdefault((clashing_entry[0].source.path, clashing_entry[1].span), []).append(
                    (service, port_spec, *clashing_entry)
                )
            entries_of_kind = entries_by_single_port.setdefault(first_port, []) if _is_single_host_port(port_spec) else range_entries
            entries_of_kind.append((service, port_spec))
    for (service, port_spec, other_service, other_port_spec), *further_clashes in clashes_by_earlier_entry.values():
        first_port, last_port = port_spec.published or (0, 0)
        further_entries = [Related(one.source, entry.span, f"{one.name} publishes it, too") for one, entry, _, _ in further_clashes]
        yield hit(
            port_spec.span,
            severity=None if is_surely_run_with(service, other_service, service_by_name) else Severity.MEDIUM,
            port=first_port if _is_single_host_port(port_spec) else f"{first_port}-{last_port}",
            other=other_service.name,
            resource=service.resource,
            related=[
                Related(other_service.source, other_port_spec.span, f"{other_service.name} publishes it here"),
                *further_entries,
            ],
        )


def _may_be_started_together(first_service: Service, second_service: Service, groups_started_together: Sequence[frozenset[str]]) -> bool:
    """Whether a script starts two services at once, or no script starts any by name."""
    return not groups_started_together or any({first_service.name, second_service.name} <= group for group in groups_started_together)


def _do_port_entries_clash(other_service: Service, other_port_spec: PortSpec, service: Service, port_spec: PortSpec) -> bool:
    """Whether two entries want one port of one address at one time."""
    return (
        (other_service is not service or other_port_spec.span != port_spec.span)
        and other_port_spec.protocol.lower() == port_spec.protocol.lower()
        and _do_host_ports_overlap(other_port_spec, port_spec)
        and _do_host_addresses_overlap(other_port_spec, port_spec)
        and may_run_together(other_service, service)
        and (other_service is service or not are_alternatives(other_service, service))
    )


def _is_single_host_port(port_spec: PortSpec) -> bool:
    return port_spec.published is not None and port_spec.published[0] == port_spec.published[1]


def port_replicas_clash(service: Service, project: Project) -> CheckOutcome:
    """One port of the host for several containers."""
    replicas = replica_count(service.extended_node, service.env_values)
    if replicas is None or replicas < 2 or service.document.swarm:
        return
    for port_spec in port_specs(service.node, service.env_values):
        if port_spec.published is None or not port_spec.published[0] or port_spec.is_undetermined:
            continue
        if not _is_host_port_pool(port_spec) or port_spec.published[1] - port_spec.published[0] + 1 < replicas:
            yield hit(port_spec.span, count=replicas, port=port_spec.text)
    del project


def network_default(document: Document, project: Project) -> CheckOutcome:
    """Several services that share nothing but the default network."""
    application = project.memoize(join_compose_files).application_of(document)
    owned_services = [service for service in document.services.values() if service.owned and "provider" not in service.extended_node]
    if (
        len(owned_services) < 2
        or application.names_in_section("networks") - {"default"}
        or application.bases
        or application.has_unread_files
        or document.legacy
    ):
        return
    if any(isinstance(service.extended_node.get("networks"), Map | Seq) or service.extended_node.get("network_mode") for service in owned_services):
        return
    services_root = next((services_root for services_root in document.roots if "services" in services_root), None)
    if services_root is not None and not document.source.fragment:
        yield hit(services_root.key_span("services"), count=len(owned_services))


def entry_without_tls(document: Document, project: Project) -> CheckOutcome:
    """A project that is open to the world and has nothing that speaks TLS."""
    application = project.memoize(join_compose_files).application_of(document)
    all_services = application.services().values()
    if application.has_unread_files or application.bases or any(one.role in {"proxy", "tunnel"} for one in all_services):
        return
    services_and_ports = [
        (service, port_spec)
        for service in document.services.values()
        if service.production  # what serves a developer is no way in
        for port_spec in port_specs(service.extended_node, service.env_values)
    ]
    if any(
        _first_port_in_range((443, 8443), port_spec.target) or _first_port_in_range((443, 8443), port_spec.published)
        for _, port_spec in services_and_ports
    ):
        return
    is_routed_by_labels = any(is_routed_by_proxy(one) for one in all_services)
    for service, port_spec in services_and_ports:
        is_web_port = not service.role and _first_port_in_range((80, 3000, 3001, 4200, 5000, 5173, 8000, 8080, 8081, 8888), port_spec.target)
        if (
            is_web_port
            and _survives_production_overrides(service, port_spec, project)
            and is_on_every_interface(port_spec)
            and not is_routed_by_labels
            and port_spec.span in {one.span for one in port_specs(service.node, service.env_values)}
        ):
            yield hit(port_spec.span, name=service.name, resource=service.resource, port=port_spec.text)
            return


def is_routed_by_proxy(service: Service) -> bool:
    """Whether labels or variables give it to a proxy that stands elsewhere."""
    labels = service.extended_node.get("labels")
    label_names = list(labels) if isinstance(labels, Map) else [text for text, _ in string_entries(labels)]
    return any(name.startswith(("traefik.", "caddy", "VIRTUAL_HOST", "LETSENCRYPT")) for name in (*label_names, *service.variables))
