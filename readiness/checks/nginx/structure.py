"""How a configuration is put together: sockets, names, repeats, slips of the pen, credentials in the open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from readiness.facts.table import fact_column
from readiness.kinds.nginx import BlockScope, DirectiveSubject, hosts, includes, location_match
from readiness.kinds.units import MAX_CANDIDATES
from readiness.model import CheckOutcome, Hit, Related, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax import secrets
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive
from readiness.syntax.secrets import SecretVerdict, ValueContext


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
    groups: dict[tuple[str, str, str], list[ServerOnSocket]] = {}
    for d in includes.directives_of(project, scope.node, "server"):
        if d.block is None:
            continue
        seen = set()
        for listen in hosts.listen_sockets(d.block, is_http=scope.kind == "http"):
            serving = ServerOnSocket(d.block, listen)
            if listen.conflict_key not in seen or serving.is_default:
                groups.setdefault(listen.conflict_key, []).append(serving)
            seen.add(listen.conflict_key)
    return {(f"{host}:{port}" if port else host): each for (host, port, _), each in groups.items()}


def default_server_unmarked(scope: BlockScope, project: Project) -> CheckOutcome:
    """Several servers share a socket and none is marked as the default; the first in the file answers unknown names."""
    if scope.kind not in {"http", "stream"}:
        return
    for socket, servings in _servers_by_socket(scope, project).items():
        if len({id(one.server) for one in servings}) > 1 and not any(one.is_default for one in servings):
            yield _socket_hit(servings[0], socket, scope, project)


def default_server_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """One named server has a public socket for itself, and passes every other name on to its backend as well."""
    for socket, servings in _servers_by_socket(scope, project).items():
        first = servings[0]
        names = [name for d in includes.directives_of(project, first.server, "server_name") for name in d.args]
        if (
            len({id(one.server) for one in servings}) == 1
            and not any(one.is_default for one in servings)
            and names
            and not any(name in _CATCH_ALL_NAMES or "~" in name or has_variable(name) for name in names)
            and not hosts.is_loopback(first.listen.host)
            and any(
                d.name in fact_column("nginx-directives", "application")
                for d in includes.directives_within(project, first.server)
            )
        ):
            yield _socket_hit(first, socket, scope, project, name=names[0])


_CATCH_ALL_NAMES = frozenset({"_", "", "*", "localhost"})


def _socket_hit(serving: ServerOnSocket, socket: str, scope: BlockScope, project: Project, **facts: str) -> Hit | Undecidable:
    """What is told of a socket, at the `listen` or at the server that has none."""
    first, directive = serving.server, serving.listen.directive
    if includes.may_be_set_in_unread_file(project, scope.node):
        return Undecidable(scope.node.at())
    place = directive.head_span if directive is not None else first.at()
    tell = missing if directive is None else hit
    resource = BlockScope(first.source, first).resource
    return tell(place, at=first.source, resource=resource, related=(), severity=None, socket=socket, **facts)


def server_name_conflicting(scope: BlockScope, project: Project) -> CheckOutcome:
    """Two servers have the same name on the same socket; nginx warns and never uses the second."""
    taken: dict[tuple[str, ...], list[Directive]] = {}
    for server in includes.directives_of(project, scope.node, "server"):
        reported = False
        for key, name, directive, number in _named_sockets(project, server):
            others = taken.setdefault(key, [])
            other = next(
                (each for each in others if each is not server and includes.may_be_one_server(project, each, server)),
                None,
            )
            if other is not None and not reported and not has_variable(name):
                reported = True
                there = Related(other.source, other.head_span, "the server that answers instead")
                place, source = directive.at(number), directive.source
                yield hit(place, at=source, related=[there], name=name, resource=f"server/{name}")
            if len(others) < MAX_CANDIDATES:
                others.append(server)


def _named_sockets(project: Project, server: Directive) -> Iterator[tuple[tuple[str, ...], str, Directive, int]]:
    """Each socket of a server with each of its names: a key for both, the name, its directive, its number in it."""
    if server.block is None:
        return
    names = [
        (name, directive, number)
        for directive in includes.directives_of(project, server.block, "server_name")
        for number, name in enumerate(directive.args, 1)
    ]
    for socket in {listen.conflict_key for listen in hosts.listen_sockets(server.block)}:
        for name, directive, number in names:
            yield (*socket, name.lower()), name, directive, number


def location_repeated(scope: BlockScope, project: Project) -> CheckOutcome:
    """One block has the same location twice; nginx does not start."""
    seen: set[tuple[bool, str]] = set()
    for d in includes.directives_of(project, scope.node, "location"):
        sign, path = location_match(d)
        if sign.startswith("~") or path.startswith("@"):
            continue  # nginx takes these twice and uses the first
        key = sign == "=", path
        if key in seen:
            yield hit(d.head_span, at=d.source, location=d.joined_arguments, resource=scope.resource)
        seen.add(key)


def directive_repeated(scope: BlockScope) -> CheckOutcome:
    """A directive that may stand once in a block stands twice; nginx does not start."""
    seen: set[str] = set()
    for d in scope.node.directives:
        if d.name in fact_column("nginx-directives", "once"):
            if d.name in seen:
                yield hit(d.at(0), directive=d.name)
            seen.add(d.name)


def semicolon_missing(statement: DirectiveSubject) -> CheckOutcome:
    """A line is missing its semicolon, so the next line was read as its arguments."""
    d = statement.node
    text = d.source.text
    if d.name in {"log_format", "more_set_headers", "content_by_lua_block"}:
        return
    for number in range(1, len(d.args) + 1):
        before, place = d.places[number - 1].end, d.places[number]
        word = text[place.start : place.end]
        if (
            word in fact_column("nginx-directives", "starts-line")
            and "\n" in text[before : place.start]
            and (number < len(d.args) or word == d.name)
        ):
            yield hit(d.at(number - 1), directive=d.name, word=word)
            return


def quic_bpf_reuseport(scope: BlockScope, project: Project) -> CheckOutcome:
    """`quic_bpf` with `reuseport` and several workers crashes workers or loses connections."""
    if includes.enclosing_block(project, scope.node) is not scope.node:
        return
    own = includes.directives_of(project, scope.node)
    bpf = [d for d in own if d.name == "quic_bpf" and d.joined_arguments == "on"]
    workers = next((d.joined_arguments for d in own if d.name == "worker_processes"), "1")
    if not bpf or workers == "1":
        return
    for d in includes.directives_within(project, scope.node):
        if d.name == "listen" and {"quic", "reuseport"} <= set(d.args):
            yield hit(bpf[0].head_span, workers=workers)
            return


def credential_inline(statement: DirectiveSubject) -> CheckOutcome:
    """A password, a token or a key is written into the configuration."""
    d = statement.node
    place = ValueContext.SAMPLE if secrets.is_sample(d.source.path) else ValueContext.SERVED
    for number, text in enumerate(d.args, 1):
        verdict = secrets.classify_value("", text, place)
        if not verdict.is_exposed and number == 2:
            verdict = _named_secret(d, text, place)
        if verdict.is_exposed:
            yield hit(d.at(number), reason=verdict.reason)
            return


def _named_secret(directive: Directive, text: str, place: ValueContext) -> SecretVerdict:
    """What a value is by the name that it is set under: a header, a variable, a parameter of a backend."""
    name = directive.args[0].lstrip("$")
    if directive.name == "add_header" and "auth" not in name.lower():
        name = ""
    if directive.name not in fact_column("nginx-directives", "sets") or has_variable(text):
        name = ""
    if name.lower() == "authorization":
        return replace(_verdict_on_authorization_header(text, place), reason="credential for a backend")
    return secrets.classify_value(name, text, place)


def _verdict_on_authorization_header(text: str, place: ValueContext) -> SecretVerdict:
    """What an Authorization header is: a token, or of `Basic` the password that is written in base64."""
    match = re.fullmatch(r"(Basic|Bearer|Token|ApiKey)\s+(\S{8,})", text, re.IGNORECASE)
    if match is None:
        return secrets.classify_value("", text, place)
    if match[1].lower() == "basic":
        try:
            plain = base64.b64decode(match[2], validate=True).decode()
        except (binascii.Error, ValueError):
            plain = ""
        if ":" in plain:
            return secrets.classify_value("password", plain.partition(":")[2], place)
    return secrets.classify_value("token", match[2], place)


def workers_as_root(statement: DirectiveSubject) -> CheckOutcome:
    """`user root`: worker processes run as root."""
    if statement.node.args[:1] == ("root",) and statement.node.parent.owner is None:
        yield hit(statement.node.at(1))
