"""How a configuration is put together: sockets, names, repeats, slips of the pen, credentials in the open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import BlockScope, DirectiveSubject, hosts, includes, location_modifier_and_path
from readiness.kinds.units import MAX_CANDIDATES_PER_QUESTION
from readiness.model import CheckOutcome, Hit, Related, Severity, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive
from readiness.syntax.secrets import SecretStrength, SecretVerdict, ValueContext


class ServerOnSocket(NamedTuple):
    """A server on a socket, by a `listen` of its own or by the implicit one."""

    server: Block
    listen: hosts.ListenSocket

    @property
    def is_default(self) -> bool:
        """Whether it is the socket's default by its own word."""
        return not {"default_server", "default"}.isdisjoint(self.listen.options)


def _servers_by_socket(scope: BlockScope, project: Project) -> dict[str, list[ServerOnSocket]]:
    """The servers of each socket, in order."""
    servers_by_conflict_key: dict[tuple[str, str, str], list[ServerOnSocket]] = {}
    for directive in includes.expanded_directives_of_block(project, scope.node, "server"):
        if directive.block is None:
            continue
        seen_conflict_keys = set()
        for listen_of_server in hosts.listen_sockets(directive.block, is_http=scope.kind == "http"):
            server_on_socket = ServerOnSocket(directive.block, listen_of_server)
            if listen_of_server.conflict_key not in seen_conflict_keys or server_on_socket.is_default:
                servers_by_conflict_key.setdefault(listen_of_server.conflict_key, []).append(server_on_socket)
            seen_conflict_keys.add(listen_of_server.conflict_key)
    return {(f"{host}:{port}" if port else host): each for (host, port, _), each in servers_by_conflict_key.items()}


def default_server_unmarked(scope: BlockScope, project: Project) -> CheckOutcome:
    """Several servers share a socket and none is marked as the default; the first in the file answers unknown names."""
    if scope.kind not in {"http", "stream"}:
        return
    for socket_address, servers_on_socket in _servers_by_socket(scope, project).items():
        if len({id(one.server) for one in servers_on_socket}) > 1 and not any(one.is_default for one in servers_on_socket):
            yield _socket_hit(servers_on_socket[0], socket_address, scope, project)


def default_server_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """One named server has a public socket for itself, and passes every other name on to its backend as well."""
    for socket_address, servers_on_socket in _servers_by_socket(scope, project).items():
        first_server_on_socket = servers_on_socket[0]
        server_names = [name for d in includes.expanded_directives_of_block(project, first_server_on_socket.server, "server_name") for name in d.args]
        if (
            len({id(one.server) for one in servers_on_socket}) == 1
            and not any(one.is_default for one in servers_on_socket)
            and server_names
            and not any(name in _CATCH_ALL_SERVER_NAMES or "~" in name or has_variable_sign(name) for name in server_names)
            and not hosts.is_loopback_host(first_server_on_socket.listen.host)
            and any(
                d.name in property_by_fact_name("nginx-directives", "application")
                for d in includes.all_directives_within_block(project, first_server_on_socket.server)
            )
        ):
            yield _socket_hit(first_server_on_socket, socket_address, scope, project, name=server_names[0])


_CATCH_ALL_SERVER_NAMES = frozenset({"_", "", "*", "localhost"})


def _socket_hit(server_on_socket: ServerOnSocket, socket_address: str, scope: BlockScope, project: Project, **facts: str) -> Hit | Undecidable:
    """What is told of a socket, at the `listen` or at the server that has none."""
    server_block, listen_directive = server_on_socket.server, server_on_socket.listen.directive
    if includes.may_be_set_in_unread_file(project, scope.node):
        return Undecidable(scope.node.at())
    reported_span = listen_directive.head_span if listen_directive is not None else server_block.at()
    hit_or_missing = missing if listen_directive is None else hit
    server_resource = BlockScope(server_block.source, server_block).resource
    return hit_or_missing(
        reported_span,
        at=server_block.source,
        resource=server_resource,
        related=(),
        severity=None,
        socket=socket_address,
        **facts,
    )


def server_name_conflicting(scope: BlockScope, project: Project) -> CheckOutcome:
    """Two servers have the same name on the same socket; nginx warns and never uses the second."""
    servers_by_socket_and_name: dict[tuple[str, ...], list[Directive]] = {}
    for server_directive in includes.expanded_directives_of_block(project, scope.node, "server"):
        is_reported = False
        for socket_and_name, server_name, server_name_directive, argument_number in _socket_and_server_name_pairs(project, server_directive):
            servers_with_same_name = servers_by_socket_and_name.setdefault(socket_and_name, [])
            conflicting_server = next(
                (
                    each
                    for each in servers_with_same_name
                    if each is not server_directive and includes.may_be_read_by_one_nginx(project, each, server_directive)
                ),
                None,
            )
            if conflicting_server is not None and not is_reported and not has_variable_sign(server_name):
                is_reported = True
                conflicting_server_related = Related(conflicting_server.source, conflicting_server.head_span, "the server that answers instead")
                server_name_span, server_name_source = server_name_directive.at(argument_number), server_name_directive.source
                yield hit(
                    server_name_span,
                    at=server_name_source,
                    related=[conflicting_server_related],
                    name=server_name,
                    resource=f"server/{server_name}",
                )
            if len(servers_with_same_name) < MAX_CANDIDATES_PER_QUESTION:
                servers_with_same_name.append(server_directive)


def _socket_and_server_name_pairs(project: Project, server_directive: Directive) -> Iterator[tuple[tuple[str, ...], str, Directive, int]]:
    """Each socket of a server with each of its names: a key for both, the name, its directive, its number in it."""
    if server_directive.block is None:
        return
    names_with_directive_and_number = [
        (server_name, server_name_directive, argument_number)
        for server_name_directive in includes.expanded_directives_of_block(project, server_directive.block, "server_name")
        for argument_number, server_name in enumerate(server_name_directive.args, 1)
    ]
    for socket_conflict_key in {listen.conflict_key for listen in hosts.listen_sockets(server_directive.block)}:
        for server_name, server_name_directive, argument_number in names_with_directive_and_number:
            yield (*socket_conflict_key, server_name.lower()), server_name, server_name_directive, argument_number


def location_repeated(scope: BlockScope, project: Project) -> CheckOutcome:
    """One block has the same location twice; nginx does not start."""
    seen_location_keys: set[tuple[bool, str]] = set()
    for directive in includes.expanded_directives_of_block(project, scope.node, "location"):
        location_modifier, location_path = location_modifier_and_path(directive)
        if location_modifier.startswith("~") or location_path.startswith("@"):
            continue  # nginx takes these twice and uses the first
        exactness_and_path = location_modifier == "=", location_path
        if exactness_and_path in seen_location_keys:
            yield hit(directive.head_span, at=directive.source, location=directive.joined_arguments, resource=scope.resource)
        seen_location_keys.add(exactness_and_path)


def directive_repeated(scope: BlockScope) -> CheckOutcome:
    """A directive that may stand once in a block stands twice; nginx does not start."""
    seen_directive_names: set[str] = set()
    for directive in scope.node.directives:
        if directive.name in property_by_fact_name("nginx-directives", "once"):
            if directive.name in seen_directive_names:
                yield hit(directive.at(0), directive=directive.name)
            seen_directive_names.add(directive.name)


def semicolon_missing(statement: DirectiveSubject) -> CheckOutcome:
    """A line is missing its semicolon, so the next line was read as its arguments."""
    directive = statement.node
    source_text = directive.source.text
    if directive.name in {"log_format", "more_set_headers", "content_by_lua_block"}:
        return
    for argument_number in range(1, len(directive.args) + 1):
        previous_word_end, argument_span = directive.places[argument_number - 1].end, directive.places[argument_number]
        argument_text = source_text[argument_span.start : argument_span.end]
        if (
            argument_text in property_by_fact_name("nginx-directives", "starts-line")
            and "\n" in source_text[previous_word_end : argument_span.start]
            and (argument_number < len(directive.args) or argument_text == directive.name)
        ):
            yield hit(directive.at(argument_number - 1), directive=directive.name, word=argument_text)
            return


def quic_bpf_reuseport(scope: BlockScope, project: Project) -> CheckOutcome:
    """`quic_bpf` with `reuseport` and several workers crashes workers or loses connections."""
    if includes.outermost_including_block(project, scope.node) is not scope.node:
        return
    main_directives = includes.expanded_directives_of_block(project, scope.node)
    enabled_quic_bpf_directives = [directive for directive in main_directives if directive.name == "quic_bpf" and directive.joined_arguments == "on"]
    worker_process_count = next((directive.joined_arguments for directive in main_directives if directive.name == "worker_processes"), "1")
    if not enabled_quic_bpf_directives or worker_process_count == "1":
        return
    for directive in includes.all_directives_within_block(project, scope.node):
        if directive.name == "listen" and {"quic", "reuseport"} <= set(directive.args):
            yield hit(enabled_quic_bpf_directives[0].head_span, workers=worker_process_count)
            return


def credential_inline(statement: DirectiveSubject) -> CheckOutcome:
    """A password, a token or a key is written into the configuration; medium for a word, which opens a backend that others may not reach."""
    directive = statement.node
    value_context = ValueContext.SAMPLE if secrets.is_sample_filename(directive.source.path) else ValueContext.SERVED
    for argument_number, argument in enumerate(directive.args, 1):
        secret_verdict = secrets.classify_value("", argument, value_context)
        if not secret_verdict.is_exposed and argument_number == 2:
            secret_verdict = _verdict_on_named_value(directive, argument, value_context)
        if secret_verdict.is_exposed:
            is_generated = secret_verdict.strength >= SecretStrength.RANDOM and not secret_verdict.is_guessed
            yield hit(directive.at(argument_number), severity=None if is_generated else Severity.MEDIUM, reason=secret_verdict.reason)
            return


def _verdict_on_named_value(directive: Directive, value_text: str, value_context: ValueContext) -> SecretVerdict:
    """What a value is by the name that it is set under: a header, a variable, a parameter of a backend."""
    value_name = directive.args[0].lstrip("$")
    if directive.name == "add_header" and "auth" not in value_name.lower():
        value_name = ""
    if directive.name not in property_by_fact_name("nginx-directives", "sets") or has_variable_sign(value_text):
        value_name = ""
    if value_name.lower() == "authorization":
        return replace(_verdict_on_authorization_header(value_text, value_context), reason="credential for a backend")
    return secrets.classify_value(value_name, value_text, value_context)


def _verdict_on_authorization_header(header_value: str, value_context: ValueContext) -> SecretVerdict:
    """What an Authorization header is: a token, or of `Basic` the password that is written in base64."""
    scheme_and_token_match = re.fullmatch(r"(Basic|Bearer|Token|ApiKey)\s+(\S{8,})", header_value, re.IGNORECASE)
    if scheme_and_token_match is None:
        return secrets.classify_value("", header_value, value_context)
    if scheme_and_token_match[1].lower() == "basic":
        try:
            decoded_credentials = base64.b64decode(scheme_and_token_match[2], validate=True).decode()
        except (binascii.Error, ValueError):
            decoded_credentials = ""
        if ":" in decoded_credentials:
            return secrets.classify_value("password", decoded_credentials.partition(":")[2], value_context)
    return secrets.classify_value("token", scheme_and_token_match[2], value_context)


def workers_as_root(statement: DirectiveSubject) -> CheckOutcome:
    """`user root`: worker processes run as root."""
    if statement.node.args[:1] == ("root",) and statement.node.parent.owner is None:
        yield hit(statement.node.at(1))
