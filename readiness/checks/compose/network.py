"""Who can reach a service: published ports, consoles, debuggers, the way past the proxy, clashes."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from readiness.facts.base_images import is_runtime
from readiness.facts.public_images import ImageFacts
from readiness.facts.table import fact_column
from readiness.kinds.compose.application import JoinedFiles, join_compose_files, merged_service
from readiness.kinds.compose.model import Document, Port, Service
from readiness.kinds.compose.parts import PortRange, PortSpec, port_specs, string_entries
from readiness.kinds.compose.scripts import groups_started_by_scripts
from readiness.kinds.compose.words import (
    command_line,
    may_run_together,
    replica_count,
    service_variables,
)
from readiness.model import CheckOutcome, Related, Span, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.open_ports import JMX_WITHOUT_LOGIN, engine_on_every_address, is_engine_opened_by_image, open_ports
from readiness.syntax.yaml import Map, Seq


def is_on_every_interface(spec: PortSpec) -> bool | None:
    """Whether a port is published on every interface; None where a variable may hold the address."""
    if spec.host_ip is None:
        return None if spec.is_undetermined and spec.published is None else True
    if UNKNOWN_VALUE_MARK in spec.host_ip:
        return None
    return spec.host_ip in {"", "0.0.0.0", "::", "*"}  # noqa: S104


def is_private_address(spec: PortSpec) -> bool:
    """Whether a port is on an address that the internet does not reach: the host's own, a private network's."""
    try:
        address = ipaddress.ip_address(spec.host_ip or "")
    except ValueError:
        return False
    return not (address.is_global or address.is_unspecified)


def _address_location(port: Port) -> dict[str, Any]:
    """Where a port's address is to be mended: in an environment file where it comes from there."""
    setting = port.owner.document.environment.env_file_values.get(port.spec.address_variable)
    if setting is None:
        return {"span": port.spec.span}
    return {"span": setting.span, "at": setting.source}


def port_every_interface(port: Port) -> CheckOutcome:
    """A port whose entry names no address of the host."""
    if not port.spec.host_ip and is_on_every_interface(port.spec):
        yield hit(port.spec.span, port=port.spec.text)


def _first_port_in(ports: tuple[int, ...], port_range: PortRange | None) -> int | None:
    """The first of the ports that a range holds."""
    return next(
        (one for one in ports if port_range is not None and port_range[0] <= one <= port_range[1]),
        None,
    )


def _survives_overrides(service: Service, spec: PortSpec, project: Project) -> bool:
    """Whether the port is still there when the files for production are laid on this one."""
    node, _ = merged_service(service, project)
    return any(one.span == spec.span for one in port_specs(node, service.env_values))


def store_published(port: Port, project: Project) -> CheckOutcome:
    """A database, cache or queue whose port leaves the host; what is published of one server is one finding, at its first port."""
    known = port.owner.image_facts
    if known is None or not known.is_store:
        return
    number = _store_port(port.spec, known)
    if number is None or not _survives_overrides(port.owner, port.spec, project):
        return
    answer = is_on_every_interface(port.spec)
    if answer is None:
        yield Undecidable(port.spec.span)
        return
    specs = port_specs(port.owner.node, port.owner.env_values)
    published = [one for one in specs if _store_port(one, known) is not None and is_on_every_interface(one) is True]
    if answer and published and published[0].span != port.spec.span:
        return  # told at the first
    first, start = port.spec.published, port.spec.target
    on_host = (
        first[0] + number - start[0] if first and first[0] and start and first[1] - first[0] == start[1] - start[0] else number
    )
    also = [Related(port.source, one.span, "this port of it is published, too") for one in published[1:]]
    yield hit(**_address_location(port), port=on_host, role=known.called or known.role, related=also)


def _store_port(spec: PortSpec, known: ImageFacts) -> int | None:
    """The port of a store that an entry of `ports` publishes beyond the host; None where it publishes none."""
    if spec.protocol.lower() != "tcp" or spec.mode == "ingress" or is_private_address(spec):
        return None
    return _first_port_in(known.ports, spec.target)


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
    known = port.owner.image_facts
    if known is None or not is_on_every_interface(port.spec):
        return
    number = _first_port_in(known.admin_ports, port.spec.target)
    if number is not None:
        what = _EXPOSED_THING_BY_ROLE.get(known.role, f"the {known.role}")
        yield hit(**_address_location(port), port=number, what=what)
    elif known.role == "proxy" and _first_port_in((8080,), port.spec.target) and _is_dashboard_open(port, project):
        yield hit(**_address_location(port), port=8080, what="the dashboard without a login")


def _is_dashboard_open(port: Port, project: Project) -> bool:
    """Whether Traefik serves its dashboard without a login."""
    command = command_line(port.owner.extended_node.get("command"))
    flag = "--api.insecure" in command and "--api.insecure=false" not in command
    setting = service_variables(port.owner, project).get("TRAEFIK_API_INSECURE")
    return flag or (setting is not None and setting.value == "true")


def debugger_published(port: Port, project: Project) -> CheckOutcome:
    """A debugger's port on every interface, by its number or by what the command or a variable opens."""
    known = {int(number): what for number, what in fact_column("ports", "debugger").items()}
    number = _first_port_in(tuple(known), port.spec.target)
    image = port.owner.image
    made_here = port.owner.builds or (image is not None and is_runtime(image))
    if number is not None and is_on_every_interface(port.spec) and made_here:
        yield hit(**_address_location(port), port=number, what=known[number])
    elif is_on_every_interface(port.spec):
        opened = next((one for one in _opened_to_all(port.owner, project) if _first_port_in((one[0],), port.spec.target)), None)
        if opened is not None:
            yield hit(**_address_location(port), port=opened[0], what=opened[1])


def _opened_to_all(service: Service, project: Project) -> list[tuple[int, str]]:
    """The ports on which a service's command, or the options in its variables, let everybody in, and what listens there."""
    return project.memoize_for_subject(_find_opened_to_all, service)


def _find_opened_to_all(service: Service, project: Project) -> list[tuple[int, str]]:
    node, _ = merged_service(service, project)
    variables = {name: one.text for name, one in service_variables(service, project, node).items() if one.text is not None}
    line = f"{command_line(node.get('entrypoint'))} {command_line(node.get('command'))}"
    opened = [(one.number, one.what) for text in (line, *variables.values()) for one in open_ports(text)]
    jmx = variables.get("KAFKA_JMX_PORT", "")
    if jmx.isdigit() and "authenticate=true" not in variables.get("KAFKA_JMX_OPTS", ""):
        opened.append((int(jmx[:5]), JMX_WITHOUT_LOGIN))
    image = service.image
    if image is not None and "dind" in f"{image.name.rpartition('/')[2]}:{image.tag}":
        words = command_line(node.get("command")).split()
        if engine_on_every_address(words, variables) is not None or is_engine_opened_by_image(words, variables):
            opened.append((2375, fact_column("ports", "debugger")["2375"]))
    return opened


@dataclass(frozen=True, slots=True)
class _PublicProxy:
    """A proxy of a project that is open to the world, and whether it takes TLS."""

    service: Service
    has_tls: bool


def _proxies_by_file(project: Project) -> dict[int, list[_PublicProxy]]:
    """The proxies that stand beside the services of each file, by the file's identity."""
    proxies: dict[int, list[_PublicProxy]] = {}
    for document in project.documents_of_kind("compose"):
        mine = proxies.setdefault(id(document), [])
        for service in project.memoize(join_compose_files).application_of(document).services().values():
            if service.role != "proxy" or service.extended_node.get("profiles"):
                continue
            ways = [spec for spec in port_specs(service.extended_node) if _first_port_in((80, 443, 8080, 8443), spec.target)]
            if any(is_on_every_interface(spec) for spec in ways):
                tls = any(_first_port_in((443,), spec.published) is not None for spec in ways)
                mine.append(_PublicProxy(service, tls))
    return proxies


def proxy_bypassed(port: Port, project: Project) -> CheckOutcome:
    """An application that can be reached past the proxy of its own project."""
    service = port.owner
    if service.role or not is_on_every_interface(port.spec):
        return
    entry = _first_port_in((80, 443), port.spec.published) is not None
    http = not service.once and _first_port_in((80,), port.spec.published) is not None
    for proxy in project.memoize(_proxies_by_file).get(id(service.document), ()):
        other = proxy.service
        # Plain HTTP beside a proxy that takes TLS alone is the application, not the redirect.
        if other is not service and (not entry or (http and proxy.has_tls)):
            related = [Related(other.source, other.name_span, f"{other.name} is the way in")]
            yield hit(port.spec.span, proxy=other.name, port=port.spec.text, related=related)
            return


def _ports_overlap(first: PortSpec, second: PortSpec) -> bool:
    """Whether two ports want one port of the host; of two pools Docker gives each what is free."""
    first_ports, second_ports = first.published, second.published
    if first_ports is None or second_ports is None or (_is_port_pool(first) and _is_port_pool(second)):
        return False
    return first_ports[0] <= second_ports[1] and second_ports[0] <= first_ports[1]


def _is_port_pool(spec: PortSpec) -> bool:
    """Whether Docker may choose among several ports of the host for one of the container."""
    return not _is_single_port(spec) and spec.target is not None and spec.target[0] == spec.target[1]


def _addresses_overlap(first: PortSpec, second: PortSpec) -> bool:
    """Whether two ports want one address; every interface is every address, `0.0.0.0` those of its family."""
    first_host, second_host = first.host_ip, second.host_ip
    if not first_host or not second_host or first_host == second_host:
        return True
    wide = {"0.0.0.0", "::"}  # noqa: S104
    return (first_host in wide or second_host in wide) and (":" in first_host) == (":" in second_host)


def port_clash(document: Document, project: Project) -> CheckOutcome:
    """A port of the host that two services publish, once for each entry that others clash with.

    Where scripts start services by name, only those of one command are up at once.
    """
    app: JoinedFiles = project.memoize(join_compose_files).application_of(document)
    services = app.services()
    groups = groups_started_by_scripts(services, document.folder, project)
    single: dict[int, list[tuple[Service, PortSpec]]] = {}
    wide: list[tuple[Service, PortSpec]] = []
    clashes: dict[tuple[str, Span], list[tuple[Service, PortSpec, Service, PortSpec]]] = {}
    for service in services.values():
        own = {one.span for one in port_specs(service.node, service.env_values)}
        for spec in port_specs(service.extended_node, service.env_values):
            if spec.published is None or spec.published == (0, 0) or spec.is_undetermined:
                continue
            first = spec.published[0]
            near = single.get(first, []) if _is_single_port(spec) else itertools.chain(*single.values())
            rival = next(
                (
                    one
                    for one in itertools.chain(near, wide)
                    if _entries_clash(*one, service, spec) and _may_be_started_together(one[0], service, groups)
                ),
                None,
            )
            if rival is not None and service.document is document and spec.span in own:
                clashes.setdefault((rival[0].source.path, rival[1].span), []).append((service, spec, *rival))
            taken = single.setdefault(first, []) if _is_single_port(spec) else wide
            taken.append((service, spec))
    for (service, spec, other, theirs), *others in clashes.values():
        first, last = spec.published or (0, 0)
        also = [Related(one.source, entry.span, f"{one.name} publishes it, too") for one, entry, _, _ in others]
        yield hit(
            spec.span,
            port=first if _is_single_port(spec) else f"{first}-{last}",
            other=other.name,
            resource=service.resource,
            related=[Related(other.source, theirs.span, f"{other.name} publishes it here"), *also],
        )


def _may_be_started_together(first: Service, second: Service, groups: Sequence[frozenset[str]]) -> bool:
    """Whether a script starts two services at once, or no script starts any by name."""
    return not groups or any({first.name, second.name} <= group for group in groups)


def _entries_clash(other: Service, other_spec: PortSpec, service: Service, spec: PortSpec) -> bool:
    """Whether two entries want one port of one address at one time."""
    return (
        (other is not service or other_spec.span != spec.span)
        and other_spec.protocol.lower() == spec.protocol.lower()
        and _ports_overlap(other_spec, spec)
        and _addresses_overlap(other_spec, spec)
        and may_run_together(other, service)
    )


def _is_single_port(spec: PortSpec) -> bool:
    return spec.published is not None and spec.published[0] == spec.published[1]


def port_replicas_clash(service: Service, project: Project) -> CheckOutcome:
    """One port of the host for several containers."""
    count = replica_count(service.extended_node, service.env_values)
    if count is None or count < 2 or service.document.swarm:
        return
    for spec in port_specs(service.node, service.env_values):
        if spec.published is None or not spec.published[0] or spec.is_undetermined:
            continue
        if not _is_port_pool(spec) or spec.published[1] - spec.published[0] + 1 < count:
            yield hit(spec.span, count=count, port=spec.text)
    del project


def network_default(document: Document, project: Project) -> CheckOutcome:
    """Several services that share nothing but the default network."""
    app = project.memoize(join_compose_files).application_of(document)
    services = [service for service in document.services.values() if service.owned and "provider" not in service.extended_node]
    if (
        len(services) < 2
        or app.names_in_section("networks") - {"default"}
        or app.bases
        or app.has_unread_files
        or document.legacy
    ):
        return
    if any(
        isinstance(service.extended_node.get("networks"), Map | Seq) or service.extended_node.get("network_mode")
        for service in services
    ):
        return
    root = next((root for root in document.roots if "services" in root), None)
    if root is not None and not document.source.fragment:
        yield hit(root.key_span("services"), count=len(services))


def entry_without_tls(document: Document, project: Project) -> CheckOutcome:
    """A project that is open to the world and has nothing that speaks TLS."""
    app = project.memoize(join_compose_files).application_of(document)
    services = app.services().values()
    if app.has_unread_files or app.bases or any(one.role in {"proxy", "tunnel"} for one in services):
        return
    specs = [
        (service, spec)
        for service in document.services.values()
        if service.production  # what serves a developer is no way in
        for spec in port_specs(service.extended_node, service.env_values)
    ]
    if any(_first_port_in((443, 8443), spec.target) or _first_port_in((443, 8443), spec.published) for _, spec in specs):
        return
    labels = any(is_routed_by_proxy(one) for one in services)
    for service, spec in specs:
        web = not service.role and _first_port_in((80, 3000, 3001, 4200, 5000, 5173, 8000, 8080, 8081, 8888), spec.target)
        if (
            web
            and _survives_overrides(service, spec, project)
            and is_on_every_interface(spec)
            and not labels
            and spec.span in {one.span for one in port_specs(service.node, service.env_values)}
        ):
            yield hit(spec.span, name=service.name, resource=service.resource, port=spec.text)
            return


def is_routed_by_proxy(service: Service) -> bool:
    """Whether labels or variables give it to a proxy that stands elsewhere."""
    labels = service.extended_node.get("labels")
    names = list(labels) if isinstance(labels, Map) else [text for text, _ in string_entries(labels)]
    return any(name.startswith(("traefik.", "caddy", "VIRTUAL_HOST", "LETSENCRYPT")) for name in (*names, *service.variables))
