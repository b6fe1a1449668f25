"""nginx in a compose project: the services that its configuration sends requests to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from readiness.kinds.compose.application import JoinedFiles, join_compose_files
from readiness.kinds.compose.model import Service
from readiness.kinds.compose.parts import (
    expand_scalar,
    mount_specs,
    named_entries,
    port_specs,
    string_entries,
)
from readiness.kinds.compose.words import command_line, has_unread_settings, stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.nginx import DirectiveSubject, hosts, includes
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.nginx import Directive
from readiness.syntax.yaml import Map, Seq

# What nginx reads of the files that lie there: its main file, and what the stock main file includes.
_NGINX_READ_PATH = re.compile(
    r"/etc/nginx/(?:nginx\.conf|(?:conf\.d|http\.d)/[^/]+\.conf|sites-enabled/[^/]+"
    r"|templates/[^/]+\.template)\Z"
)
_LITERAL_HOST = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62})\Z")
MAX_MOUNTING_SERVICES = 16  # as many services as may mount one file and still be looked at
_LOCAL_HOSTS = frozenset({"localhost", "host", "ip6-localhost", "gateway"})


@dataclass(frozen=True, slots=True)
class ProxyTarget:
    """A place that nginx sends requests to: the host as written, and the port in digits or empty."""

    host: str
    port: str
    scheme: str


def route_target(d: Directive) -> ProxyTarget | None:
    """Where a `*_pass` or an upstream's `server` sends requests; None where that is no plain name."""
    if not d.args or (d.name == "server" and (d.parent.opening_directive_name != "upstream" or d.block is not None)):
        return None
    text = d.args[0]
    if any(char in text for char in "${}%<"):
        return None
    place = hosts.parse_pass_target(text)
    if place.host.startswith("unix:"):
        return None
    host, port = hosts.split_address(place.host)
    if not _LITERAL_HOST.match(host) or host in _LOCAL_HOSTS or host.isdigit():
        return None
    return ProxyTarget(host, port, place.scheme)


@dataclass(frozen=True, slots=True)
class EdgeIndex:
    """The nginx files that services mount where nginx reads them, and every name that a compose file gives to something."""

    services_by_mounted_file: dict[str, list[Service]]
    known_host_names: frozenset[str]
    upstream_names: frozenset[str]


def edge_index(project: Project) -> EdgeIndex:
    """What a project's compose files say of its nginx files; ask for it with `project.memoize(edge_index)`."""
    mounted: dict[str, list[tuple[Service, str]]] = {}
    names: set[str] = set()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            names |= _network_names(service)
            for source, target in _mounted_paths(service):
                mounted.setdefault(source, []).append((service, target))
    nginx = project.documents_of_kind("nginx")
    files = [one.source.path for one in nginx if one.source.parent is None]
    readers = {path: list(islice(_readers(path, mounted), MAX_MOUNTING_SERVICES + 1)) for path in files}
    upstreams = {d.args[0].lower() for document in nginx for d in document.walk_directives() if d.name == "upstream" and d.args}
    by_file = {path: services for path, services in readers.items() if services}
    return EdgeIndex(by_file, frozenset(names), frozenset(upstreams))


def _readers(path: str, mounted: Mapping[str, list[tuple[Service, str]]]) -> Iterator[Service]:
    """The services that a file, or a folder above it, is mounted into where nginx reads it."""
    here, rest = posixpath.normpath(path), ""
    while here and here not in {".", "/", ".."}:
        for service, target in mounted.get(here, ()):
            if _NGINX_READ_PATH.match(posixpath.join(target, rest) if rest else target):
                yield service
        here, name = posixpath.split(here)
        rest = posixpath.join(name, rest) if rest else name


def _mounted_paths(service: Service) -> Iterator[tuple[str, str]]:
    """(path in the tree, path in the container) of what a service takes from beside its file."""
    folder = service.document.folder
    for mount_spec in mount_specs(service.extended_node, service.env_values):
        if (
            mount_spec.type == "bind"
            and UNKNOWN_VALUE_MARK not in mount_spec.source + mount_spec.target
            and _is_relative_path(mount_spec.source)
        ):
            yield (
                posixpath.normpath(posixpath.join(folder, mount_spec.source)),
                mount_spec.target.rstrip("/"),
            )
    section = service.document.section_entries("configs")
    used = service.extended_node.get("configs")
    for item in used if isinstance(used, Seq) else ():
        if isinstance(item, Map) and isinstance(item.get("target"), str):
            _, config = section.get(str(item.get("source")), (None, None))
            file = expand_scalar(config.get("file")).text if isinstance(config, Map) else ""
            if file and UNKNOWN_VALUE_MARK not in file and _is_relative_path(file):
                yield posixpath.normpath(posixpath.join(folder, file)), item["target"]


def _is_relative_path(path: str) -> bool:
    return not path.startswith(("/", "~", "\\")) and ":" not in path


def _network_names(service: Service) -> set[str]:
    """Every name under which other containers may reach a service, and those that it is told itself."""
    node = service.extended_node
    names = {service.name.lower()}
    for key in ("container_name", "hostname", "domainname"):
        names.add(expand_scalar(node.get(key)).text.lower())
    networks = node.get("networks")
    for network in networks.values() if isinstance(networks, Map) else ():
        aliases = network.get("aliases") if isinstance(network, Map) else None
        names |= {expand_scalar(name).text.lower() for name, _ in string_entries(aliases)}
    for key in ("links", "external_links"):
        for text, _ in string_entries(node.get(key)):
            names |= {part.lower() for part in expand_scalar(text).text.split(":")}
    extra = node.get("extra_hosts")
    hosts = list(extra) if isinstance(extra, Map) else [text for text, _ in string_entries(extra)]
    return names | {re.split(r"[:=]", expand_scalar(text).text, maxsplit=1)[0].lower() for text in hosts}


def upstream_unknown(statement: DirectiveSubject, *, project: Project) -> CheckOutcome:
    """A request is sent to a name that nothing in the compose project has."""
    d = statement.node
    going, known = route_target(d), project.memoize(edge_index)
    services = known.services_by_mounted_file.get(d.source.path, [])
    if going is None or not services:
        yield NotApplicable()
        return
    if going.host in known.known_host_names or going.host in known.upstream_names:
        return
    doubtful = len(services) > MAX_MOUNTING_SERVICES or any(
        project.memoize_for_subject(_may_reach_undeclared_names, service) for service in services
    )
    if doubtful or includes.may_be_set_in_unread_file(project, d.parent):
        yield Undecidable(d.at(1))
        return
    service = services[0]
    note = Related(service.source, service.name_span, "the service that mounts this file")
    yield hit(d.at(1), related=[note], host=going.host, file=service.source.path)


def _may_reach_undeclared_names(service: Service, project: Project) -> bool:
    """Whether a service may reach names that its compose files do not tell, or changes its configuration at start."""
    apps = project.memoize(join_compose_files)
    app: JoinedFiles = apps.application_of(service.document)
    node = service.extended_node
    if app.has_unread_files or id(service.document) in apps.extended_only_ids or service.document.swarm or project.prose:
        return True
    if any(key in node for key in ("network_mode", "extends", "dns", "dns_search")):
        return True
    command = command_line(node.get("command")) + command_line(node.get("entrypoint"))
    if re.search(r"\b(?:sed|envsubst|sh|bash|confd|tee)\b|\.sh\b", command) or UNKNOWN_VALUE_MARK in command:
        return True
    if len(app.services()) < 2:  # a proxy by itself serves what others attach to its network
        return True
    used = {expand_scalar(name).text for name, _ in named_entries(node.get("networks"))} or {"default"}
    for document in app.documents():
        for name, (_, value) in document.section_entries("networks").items():
            if name in used and isinstance(value, Map) and {"external", "name"} & set(value):
                return True
    return not _sees_all_mounts(service, project)


def _sees_all_mounts(service: Service, project: Project) -> bool:
    """Whether every file that a service mounts below /etc/nginx is in the tree: another may define upstreams."""
    for mount_spec in mount_specs(service.extended_node, service.env_values):
        if mount_spec.target.startswith("/etc/nginx") and not mount_spec.target.endswith((".pem", ".key", ".crt")):
            path = posixpath.normpath(posixpath.join(service.document.folder, mount_spec.source))
            if mount_spec.type != "bind" or UNKNOWN_VALUE_MARK in mount_spec.source or not project.was_path_seen(path):
                return False
    return True


_DEFAULT_PORT_BY_SCHEME = {"": "80", "http": "80", "https": "443", "grpc": "80", "grpcs": "443"}


def upstream_port_wrong(statement: DirectiveSubject, *, project: Project) -> CheckOutcome:
    """A request is sent to a port of a service that listens on another one."""
    d = statement.node
    going, known = route_target(d), project.memoize(edge_index)
    services = known.services_by_mounted_file.get(d.source.path, [])
    if going is None or len(services) != 1 or going.host in known.upstream_names:
        yield NotApplicable()
        return
    port = going.port or _DEFAULT_PORT_BY_SCHEME.get(going.scheme, "")
    service = project.memoize(join_compose_files).application_of(services[0].document).services().get(going.host)
    stage = stage_built_by_service(service, project) if service is not None and service.builds else None
    if service is None or stage is None or not port.isdigit():
        yield Undecidable(d.at(1))
        return
    ports = None if has_unread_settings(service, project) else _listening_ports(service, stage, port)
    if ports is None:
        yield Undecidable(d.at(1))
    elif port not in ports:
        effective = stage.effective_value("EXPOSE")
        place = effective.span if effective else stage.at()
        note = Related(stage.source, place, f"the image of {going.host} listens here")
        yield hit(d.at(1), related=[note], host=going.host, port=port, told=", ".join(sorted(ports)))


def _listening_ports(service: Service, stage: Stage, port: str) -> set[str] | None:
    """The ports that a service surely listens on: its Dockerfile tells them, and what runs or publishes it agrees.

    None where the port in question is named anywhere near, or comes from somewhere else.
    """
    if service.extended_node.get("env_file") or "extends" in service.extended_node:
        return None
    exposed = {
        word.value.partition("/")[0]
        for below in stage.base_chain
        for instruction in below.instructions
        if instruction.keyword == "EXPOSE"
        for word in instruction.words
    }
    if not exposed or not all(one.isdigit() for one in exposed) or port in exposed:
        return None if not exposed or port not in exposed else exposed
    written = service.source.text[slice(*service.node.at())]
    if re.search(rf"(?<!\d){port}(?!\d)", written + stage.source.text):
        return None
    published = {spec.target for spec in port_specs(service.extended_node, service.env_values)}
    inner = {str(one[0]) for one in published if one is not None and one[0] == one[1]}
    inner |= {expand_scalar(text).text.partition("/")[0] for text, _ in string_entries(service.extended_node.get("expose"))}
    if inner:
        return exposed if inner <= exposed else None
    process = " ".join(
        effective.text
        for effective in (stage.effective_value("CMD"), stage.effective_value("ENTRYPOINT"))
        if effective is not None
    )
    command = command_line(service.extended_node.get("command")) or process
    agrees = all(re.search(rf"(?<!\d){one}(?!\d)", command) for one in exposed)
    return exposed if agrees and UNKNOWN_VALUE_MARK not in command else None
