"""nginx in a compose project: the services that its configuration sends requests to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
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
from readiness.kinds.compose.words import command_line, may_have_unread_settings, stage_built_by_service
from readiness.kinds.dockerfile.model import Stage
from readiness.kinds.nginx import DirectiveSubject, includes
from readiness.kinds.nginx.hosts import proxy_target_of_directive
from readiness.model import CheckOutcome, NotApplicable, Related, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map, Seq

# What nginx reads of the files that lie there: its main file, and what the stock main file includes.
_NGINX_READ_PATH_PATTERN = lazy_regex(
    r"/etc/nginx/(?:nginx\.conf|(?:conf\.d|http\.d)/[^/]+\.conf|sites-enabled/[^/]+"
    r"|templates/[^/]+\.template)\Z"
)
MAX_SERVICES_MOUNTING_ONE_FILE = 16  # as many services as may mount one file and still be looked at


@dataclass(frozen=True, slots=True)
class EdgeIndex:
    """The nginx files that services mount where nginx reads them, and every name that a compose file gives to something."""

    services_by_mounted_file: dict[str, list[Service]]
    known_host_names: frozenset[str]
    upstream_names: frozenset[str]


def edge_index(project: Project) -> EdgeIndex:
    """What a project's compose files say of its nginx files; ask for it with `project.memoize(edge_index)`."""
    service_target_pairs_by_source: dict[str, list[tuple[Service, str]]] = {}
    known_host_names: set[str] = set()
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            known_host_names |= _host_names_of_service(service)
            for source_path, container_path in _source_and_container_paths(service):
                service_target_pairs_by_source.setdefault(source_path, []).append((service, container_path))
    nginx_documents = project.documents_of_kind("nginx")
    nginx_file_paths = [one.source.path for one in nginx_documents if one.source.parent is None]
    mounting_services_by_path = {
        path: list(islice(_services_reading_file(path, service_target_pairs_by_source), MAX_SERVICES_MOUNTING_ONE_FILE + 1))
        for path in nginx_file_paths
    }
    upstream_names = {d.args[0].lower() for document in nginx_documents for d in document.walk_directives() if d.name == "upstream" and d.args}
    services_by_mounted_file = {path: services for path, services in mounting_services_by_path.items() if services}
    return EdgeIndex(services_by_mounted_file, frozenset(known_host_names), frozenset(upstream_names))


def _services_reading_file(file_path: str, service_target_pairs_by_source: Mapping[str, list[tuple[Service, str]]]) -> Iterator[Service]:
    """The services that a file, or a folder above it, is mounted into where nginx reads it."""
    mount_source_path, path_below_mount = posixpath.normpath(file_path), ""
    while mount_source_path and mount_source_path not in {".", "/", ".."}:
        for service, container_path in service_target_pairs_by_source.get(mount_source_path, ()):
            if _NGINX_READ_PATH_PATTERN.match(posixpath.join(container_path, path_below_mount) if path_below_mount else container_path):
                yield service
        mount_source_path, last_path_component = posixpath.split(mount_source_path)
        path_below_mount = posixpath.join(last_path_component, path_below_mount) if path_below_mount else last_path_component


def _source_and_container_paths(service: Service) -> Iterator[tuple[str, str]]:
    """(path in the tree, path in the container) of what a service takes from beside its file."""
    compose_folder = service.document.folder
    for mount_spec in mount_specs(service.extended_node, service.env_values):
        if (
            mount_spec.type == "bind"
            and UNKNOWN_VALUE_MARK not in mount_spec.source + mount_spec.target
            and _is_relative_local_path(mount_spec.source)
        ):
            yield (
                posixpath.normpath(posixpath.join(compose_folder, mount_spec.source)),
                mount_spec.target.rstrip("/"),
            )
    config_entry_by_name = service.document.section_entries("configs")
    configs_of_service = service.extended_node.get("configs")
    for config_reference in configs_of_service if isinstance(configs_of_service, Seq) else ():
        if isinstance(config_reference, Map) and isinstance(config_reference.get("target"), str):
            _, config_definition = config_entry_by_name.get(str(config_reference.get("source")), (None, None))
            config_file_path = expand_scalar(config_definition.get("file")).text if isinstance(config_definition, Map) else ""
            if config_file_path and UNKNOWN_VALUE_MARK not in config_file_path and _is_relative_local_path(config_file_path):
                yield posixpath.normpath(posixpath.join(compose_folder, config_file_path)), config_reference["target"]


def _is_relative_local_path(mount_path: str) -> bool:
    return not mount_path.startswith(("/", "~", "\\")) and ":" not in mount_path


def _host_names_of_service(service: Service) -> set[str]:
    """Every name under which other containers may reach a service, and those that it is told itself."""
    service_node = service.extended_node
    host_names = {service.name.lower()}
    for property_key in ("container_name", "hostname", "domainname"):
        host_names.add(expand_scalar(service_node.get(property_key)).text.lower())
    networks_section = service_node.get("networks")
    for network_options in networks_section.values() if isinstance(networks_section, Map) else ():
        network_aliases = network_options.get("aliases") if isinstance(network_options, Map) else None
        host_names |= {expand_scalar(name).text.lower() for name, _ in string_entries(network_aliases)}
    for property_key in ("links", "external_links"):
        for link_text, _ in string_entries(service_node.get(property_key)):
            host_names |= {part.lower() for part in expand_scalar(link_text).text.split(":")}
    extra_hosts = service_node.get("extra_hosts")
    extra_host_texts = list(extra_hosts) if isinstance(extra_hosts, Map) else [link_text for link_text, _ in string_entries(extra_hosts)]
    return host_names | {re.split(r"[:=]", expand_scalar(link_text).text, maxsplit=1)[0].lower() for link_text in extra_host_texts}


def upstream_unknown(statement: DirectiveSubject, *, project: Project) -> CheckOutcome:
    """A request is sent to a name that nothing in the compose project has."""
    directive = statement.node
    proxy_target, compose_edge_index = proxy_target_of_directive(directive), project.memoize(edge_index)
    mounting_services = compose_edge_index.services_by_mounted_file.get(directive.source.path, [])
    if proxy_target is None or not mounting_services:
        yield NotApplicable()
        return
    if proxy_target.host in compose_edge_index.known_host_names or proxy_target.host in compose_edge_index.upstream_names:
        return
    is_doubtful = len(mounting_services) > MAX_SERVICES_MOUNTING_ONE_FILE or any(
        project.memoize_for_subject(_may_reach_undeclared_names, first_mounting_service) for first_mounting_service in mounting_services
    )
    if is_doubtful or includes.may_be_set_in_unread_file(project, directive.parent):
        yield Undecidable(directive.at(1))
        return
    first_mounting_service = mounting_services[0]
    mounting_service_related = Related(first_mounting_service.source, first_mounting_service.name_span, "the service that mounts this file")
    yield hit(directive.at(1), related=[mounting_service_related], host=proxy_target.host, file=first_mounting_service.source.path)


def _may_reach_undeclared_names(service: Service, project: Project) -> bool:
    """Whether a service may reach names that its compose files do not tell, or changes its configuration at start."""
    joined_applications = project.memoize(join_compose_files)
    joined_files: JoinedFiles = joined_applications.application_of(service.document)
    service_node = service.extended_node
    if joined_files.has_unread_files or id(service.document) in joined_applications.extended_only_ids or service.document.swarm or project.prose:
        return True
    if any(key in service_node for key in ("network_mode", "extends", "dns", "dns_search")):
        return True
    command_and_entrypoint_line = command_line(service_node.get("command")) + command_line(service_node.get("entrypoint"))
    if re.search(r"\b(?:sed|envsubst|sh|bash|confd|tee)\b|\.sh\b", command_and_entrypoint_line) or UNKNOWN_VALUE_MARK in command_and_entrypoint_line:
        return True
    if len(joined_files.services()) < 2:  # a proxy by itself serves what others attach to its network
        return True
    used_network_names = {expand_scalar(network_name).text for network_name, _ in named_entries(service_node.get("networks"))} or {"default"}
    for joined_document in joined_files.documents():
        for network_name, (_, network_definition) in joined_document.section_entries("networks").items():
            if network_name in used_network_names and isinstance(network_definition, Map) and {"external", "name"} & set(network_definition):
                return True
    return not _are_all_nginx_mounts_in_tree(service, project)


def _are_all_nginx_mounts_in_tree(service: Service, project: Project) -> bool:
    """Whether every file that a service mounts below /etc/nginx is in the tree: another may define upstreams."""
    for mount_spec in mount_specs(service.extended_node, service.env_values):
        if mount_spec.target.startswith("/etc/nginx") and not mount_spec.target.endswith((".pem", ".key", ".crt")):
            mount_source_path = posixpath.normpath(posixpath.join(service.document.folder, mount_spec.source))
            if mount_spec.type != "bind" or UNKNOWN_VALUE_MARK in mount_spec.source or not project.was_path_seen(mount_source_path):
                return False
    return True


_DEFAULT_PORT_BY_SCHEME = {"": "80", "http": "80", "https": "443", "grpc": "80", "grpcs": "443"}


def upstream_port_wrong(statement: DirectiveSubject, *, project: Project) -> CheckOutcome:
    """A request is sent to a port of a service that listens on another one."""
    directive = statement.node
    proxy_target, compose_edge_index = proxy_target_of_directive(directive), project.memoize(edge_index)
    mounting_services = compose_edge_index.services_by_mounted_file.get(directive.source.path, [])
    if proxy_target is None or len(mounting_services) != 1 or proxy_target.host in compose_edge_index.upstream_names:
        yield NotApplicable()
        return
    target_port = proxy_target.port or _DEFAULT_PORT_BY_SCHEME.get(proxy_target.scheme, "")
    target_service = project.memoize(join_compose_files).application_of(mounting_services[0].document).services().get(proxy_target.host)
    built_stage = stage_built_by_service(target_service, project) if target_service is not None and target_service.builds else None
    if target_service is None or built_stage is None or not target_port.isdigit():
        yield Undecidable(directive.at(1))
        return
    listening_ports = None if may_have_unread_settings(target_service, project) else _listening_ports(target_service, built_stage, target_port)
    if listening_ports is None:
        yield Undecidable(directive.at(1))
    elif target_port not in listening_ports:
        effective_expose = built_stage.effective_value("EXPOSE")
        expose_span = effective_expose.span if effective_expose else built_stage.at()
        listening_port_related = Related(built_stage.source, expose_span, f"the image of {proxy_target.host} listens here")
        yield hit(
            directive.at(1),
            related=[listening_port_related],
            host=proxy_target.host,
            port=target_port,
            told=", ".join(sorted(listening_ports)),
        )


def _listening_ports(service: Service, stage: Stage, target_port: str) -> set[str] | None:
    """The ports that a service surely listens on: its Dockerfile tells them, and what runs or publishes it agrees.

    None where the port in question is named anywhere near, or comes from somewhere else.
    """
    if service.extended_node.get("env_file") or "extends" in service.extended_node:
        return None
    exposed_ports = {
        word.value.partition("/")[0]
        for below in stage.base_chain
        for instruction in below.instructions
        if instruction.keyword == "EXPOSE"
        for word in instruction.words
    }
    if not exposed_ports or not all(one.isdigit() for one in exposed_ports) or target_port in exposed_ports:
        return None if not exposed_ports or target_port not in exposed_ports else exposed_ports
    service_text = service.source.text[slice(*service.node.at())]
    if re.search(rf"(?<!\d){target_port}(?!\d)", service_text + stage.source.text):
        return None
    published_ports = {spec.target for spec in port_specs(service.extended_node, service.env_values)}
    declared_container_ports = {str(one[0]) for one in published_ports if one is not None and one[0] == one[1]}
    declared_container_ports |= {expand_scalar(text).text.partition("/")[0] for text, _ in string_entries(service.extended_node.get("expose"))}
    if declared_container_ports:
        return exposed_ports if declared_container_ports <= exposed_ports else None
    image_command_line = " ".join(
        effective.text for effective in (stage.effective_value("CMD"), stage.effective_value("ENTRYPOINT")) if effective is not None
    )
    effective_command_line = command_line(service.extended_node.get("command")) or image_command_line
    is_command_naming_all_ports = all(re.search(rf"(?<!\d){one}(?!\d)", effective_command_line) for one in exposed_ports)
    return exposed_ports if is_command_naming_all_ports and UNKNOWN_VALUE_MARK not in effective_command_line else None
