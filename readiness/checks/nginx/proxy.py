"""Proxying: where requests can be sent, what the backend is told, and when names are looked up."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Sequence

from readiness.checks.nginx.headers import header_name
from readiness.checks.nginx.variables import (
    definitions_of,
    literal_variable_pairs,
    variable_names,
    variable_value,
)
from readiness.facts.domains import is_public_name, parse_ip
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    versions,
)
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax import pcre_tree
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

_DOT_MASK = pcre_tree.char_mask(".")
_ENVIRONMENT_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")


def host_from_client(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The backend is told a Host that the client chose."""
    d = statement.node
    if header_name(d) not in {"host", ":authority"} or len(d.args) < 2:
        return
    for name in variable_names(d.args[1]):
        if _is_client_variable(name):
            yield hit(d.at(2), variable=f"${name}")
            return
        for directive in definitions_of(project, d.parent, name):
            if (
                directive.name == "set"
                and len(directive.args) > 1
                and any(_is_client_variable(inner) for inner in variable_names(directive.args[1]))
            ):
                yield hit(d.at(2), variable=f"${name}")
                return


def _is_client_variable(name: str) -> bool:
    return name.startswith(("http_", "cookie_", "arg_")) or name in {"args", "query_string"}


def proxy_host_from_client(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The client chooses the host that nginx sends the request to."""
    d = statement.node
    if not d.args or includes.directives_of(project, d.parent, "internal"):
        return
    if any(
        block.opening_directive_name == "location" and includes.directives_of(project, block, "internal")
        for block in includes.levels_outwards(project, d.parent)
    ):
        return
    text = d.args[0]
    scheme, separator, rest = text.partition("://")
    fixed = bool(separator) and not has_variable(scheme)
    for literal, name in literal_variable_pairs(rest if fixed else text):
        if (
            re.search("[/?#]", literal if fixed else literal.replace("://", ""))
            or name in {"", "is_args"}
            or re.search(r":\d+$", literal)
        ):
            return  # the host ends before this variable
        value = variable_value(project, d, name)
        if value.client_characters & _DOT_MASK and not value.has_slash:
            yield hit(d.at(1), variable=f"${name}")
            return
        if value.has_slash:
            return


def backend_resolved_once(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A public name is looked up when nginx starts and never again."""
    d = statement.node
    if not d.args or has_variable(d.args[0]) or d.parent.opening_directive_name == "upstream":
        return
    place = hosts.parse_pass_target(d.args[0])
    host = hosts.split_address(place.host)[0]
    if is_public_name(host) and host.lower() not in _upstreams_in_sight(project, d.parent):
        yield hit(d.at(1), host=host)


def upstream_resolved_once(statement: DirectiveSubject) -> CheckOutcome:
    """A public name in an `upstream` is looked up when nginx starts and never again."""
    d = statement.node
    if d.parent.opening_directive_name != "upstream" or not d.args or "resolve" in d.args or "down" in d.args:
        return
    host = hosts.split_address(d.args[0])[0]
    if not has_variable(host) and is_public_name(host):
        yield hit(d.at(1), host=host)


def upstream_resolver_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A server of an `upstream` is to be looked up again and again, and no resolver is set."""
    d = statement.node
    if "resolve" not in d.args or includes.effective_directives(project, d.parent, "resolver"):
        return
    place = d.at(d.args.index("resolve") + 1)
    if includes.may_be_set_in_unread_file(project, d.parent) or not includes.is_http_context_known(project, d.parent):
        yield Undecidable(place)
    else:
        yield hit(place)


def _upstreams_in_sight(project: Project, block: Block) -> ChainMap[str, Block]:
    """The upstream groups in sight of a block, by name."""
    return ChainMap(
        *(project.memoize_for_subject(_upstreams_of_level, level) for level in includes.levels_outwards(project, block))
    )


def _upstreams_of_level(block: Block, project: Project) -> dict[str, Block]:
    """The upstream groups of a level, by name."""
    return {
        d.args[0].lower(): d.block for d in includes.directives_of(project, block, "upstream") if d.args and d.block is not None
    }


def resolver_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A pass with a variable must look its host up for each request, and no resolver is set."""
    d = statement.node
    if not d.args or not has_variable(d.args[0]) or includes.effective_directives(project, d.parent, "resolver"):
        return
    place = hosts.parse_pass_target(d.args[0])
    if _ENVIRONMENT_VARIABLE.search(d.args[0]) and not variable_names(_ENVIRONMENT_VARIABLE.sub("", d.args[0])):
        return  # filled in before nginx starts
    known = _upstreams_in_sight(project, d.parent)
    for host in _possible_hosts(project, d, place.host):
        host_name = hosts.parse_pass_target(host).host
        name = "" if host_name.startswith("unix:") else hosts.split_address(host_name)[0].lower()
        if not name or has_variable(name) or parse_ip(name) or name in known or name == "localhost":
            continue
        # A name without a dot may be an upstream in a file that is not in sight.
        if includes.may_be_set_in_unread_file(project, d.parent) or (
            "." not in name and not includes.is_http_context_known(project, d.parent)
        ):
            yield Undecidable(d.at(1))
        else:
            yield hit(d.at(1), host=name)
        return


def _possible_hosts(project: Project, pass_directive: Directive, text: str) -> list[str]:
    """The hosts that a pass can mean: the text itself, or what its one variable is set to."""
    if not has_variable(text):
        return [text]
    names = variable_names(text)
    head = text.partition("$")[0]
    if head and names and variable_value(project, pass_directive, names[0]).has_slash:
        return [head]  # the variable is the path
    if len(names) != 1 or not re.fullmatch(r"\$\{?\w+\}?(?::\d+)?", text):
        return []
    values: list[str] = []
    for directive in definitions_of(project, pass_directive.parent, names[0]):
        if directive.name == "set":
            values += directive.args[1:2]
        elif directive.block is not None:
            values += [entry.args[-1] for entry in directive.block.directives if entry.args]
    return values


def resolver_external(statement: DirectiveSubject) -> CheckOutcome:
    """Names are looked up at a server outside of the own network."""
    d = statement.node
    for number, word in enumerate(d.args, 1):
        if "=" in word or has_variable(word):
            continue
        if not hosts.is_private_host(hosts.split_address(word)[0]):
            yield hit(d.at(number), address=word)
            return


def forwarded_headers_missing(scope: BlockScope, project: Project, *, headers: Sequence[str]) -> CheckOutcome:
    """A backend is not told who the client is, which name it asked for, or by which scheme."""
    block = scope.node
    passes = [d for d in block.directives_named("proxy_pass") if d.args]
    if not passes or includes.directives_of(project, block, "internal"):
        return
    host = hosts.split_address(hosts.parse_pass_target(passes[0].args[0]).host)[0]
    if is_public_name(host) or re.search(
        r"well-known|health|metrics|static|assets",
        block.owner.joined_arguments if block.owner else "",
    ):
        return  # somebody else's service: it has its own name and no business with the client
    given = {header_name(d) for d in includes.effective_directives(project, block, "proxy_set_header")}
    absent = [name for name in headers if name.lower() not in given and not ("forwarded" in given and name != "Host")]
    if not absent:
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(passes[0].at(1))
    else:
        yield missing(passes[0].head_span, headers=join_names(absent))


def websocket_upgrade_incomplete(scope: BlockScope, project: Project) -> CheckOutcome:
    """`Upgrade` is passed on, but not the rest of what a WebSocket needs."""
    block = scope.node
    passes = block.directives_named("proxy_pass")
    if not passes:
        yield NotApplicable()
        return
    lines = includes.effective_directives(project, block, "proxy_set_header")
    upgrades = _header_settings(lines, "upgrade")
    if not upgrades:
        yield NotApplicable()
        return
    absent = []
    if includes.effective_value(project, block, "proxy_http_version", _default_http_version(project, scope)) not in {
        "1.1",
        "2",
    }:
        absent.append("proxy_http_version 1.1")
    if not any(
        header_name(d) == "connection" and re.search(r"upgrade|\$", d.args[1], re.IGNORECASE) for d in lines if len(d.args) > 1
    ):
        absent.append("proxy_set_header Connection")
    if absent and not includes.may_be_set_in_unread_file(project, block):
        place = upgrades[-1] if upgrades[-1].source is scope.source else passes[0]
        yield hit(place.head_span, absent=join_names(absent))


_WEBSOCKET_PATH = re.compile(r"(?:^|[^a-z])(?:wss?|websockets?|sockets?|chat|live|hub)(?:[^a-z]|\\Z)")


def connection_upgrade_constant(scope: BlockScope, project: Project) -> CheckOutcome:
    """Every request of a server goes to the backend with `Connection: upgrade`, WebSocket or not."""
    block = scope.node
    passes = block.directives_named("proxy_pass")
    lines = includes.effective_directives(project, block, "proxy_set_header")
    is_whole_server = block.owner is not None and is_catch_all(block.owner)
    if not is_whole_server or not passes or not _header_settings(lines, "upgrade"):
        yield NotApplicable()
        return
    server = includes.nearest_enclosing(project, block, "server")
    named = includes.directives_of(project, server, "server_name") if server is not None else []
    if _WEBSOCKET_PATH.search(" ".join(one.joined_arguments.lower() for one in (*passes, *named))):
        yield NotApplicable()
        return
    constant = [d for d in _header_settings(lines, "connection") if d.args[1].lower() == "upgrade"]
    if constant:
        yield hit(constant[-1].at(2), at=constant[-1].source)


def _header_settings(directives: list[Directive], name: str) -> list[Directive]:
    """The directives that set a header to something."""
    return [d for d in directives if header_name(d) == name and len(d.args) > 1 and d.args[1]]


def _default_http_version(project: Project, scope: BlockScope) -> str:
    """The HTTP version towards backends where none is set: 1.1 since nginx 1.29.7."""
    return "1.1" if versions.is_nginx_at_least(project, scope.source, (1, 29, 7), (1, 30, 0)) else "1.0"


def websocket_timeout_default(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location for WebSockets keeps the time-out of 60 seconds, which ends quiet connections."""
    block = scope.node
    passes = block.directives_named("proxy_pass")
    upgrades = [d for d in includes.effective_directives(project, block, "proxy_set_header") if header_name(d) == "upgrade"]
    if not passes or not upgrades:
        yield NotApplicable()
        return
    if includes.effective_directives(project, block, "proxy_read_timeout"):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(passes[0].at(1))
    else:
        yield missing(passes[0].head_span)


def upstream_keepalive_unused(scope: BlockScope, project: Project) -> CheckOutcome:
    """An upstream keeps connections open, and the requests to it close them."""
    block = scope.node
    passes = [d for d in block.directives_named("proxy_pass") if d.args]
    if not passes:
        return
    group = _upstreams_in_sight(project, block).get(
        hosts.split_address(hosts.parse_pass_target(passes[0].args[0]).host)[0].lower()
    )
    if group is None or not group.directives_named("keepalive"):
        return
    lines = includes.effective_directives(project, block, "proxy_set_header")
    default = _default_http_version(project, scope)
    version = includes.effective_value(project, block, "proxy_http_version", default)
    connection = next(
        (d.args[1] for d in lines if header_name(d) == "connection" and len(d.args) > 1),
        "close" if default == "1.0" else "",
    )
    if version not in {"1.1", "2"} or connection.lower() == "close":
        yield hit(passes[0].head_span, upstream=group.owner.joined_arguments if group.owner else "")


def upstream_single_server(scope: BlockScope) -> CheckOutcome:
    """An upstream has one server: when it is down, so is the site."""
    servers = [d for d in scope.node.directives_named("server") if d.args and "down" not in d.args]
    if len(servers) == 1 and "resolve" not in servers[0].args and not servers[0].args[0].startswith("unix:"):
        yield hit(servers[0].at(1), upstream=scope.name)


def upstream_not_grouped(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A backend is named in the `proxy_pass` itself, so there is one of it and no connection is kept open."""
    d = statement.node
    if not d.args or has_variable(d.args[0]) or not d.args[0].startswith(("http://", "https://")):
        return
    host = hosts.split_address(hosts.parse_pass_target(d.args[0]).host)[0].lower()
    if host in _upstreams_in_sight(project, d.parent) or host.startswith("unix:") or is_public_name(host):
        return
    if ":" in hosts.parse_pass_target(d.args[0]).host or parse_ip(host) or host == "localhost":
        yield hit(d.at(1), host=host)


def parameter_given(statement: DirectiveSubject, *, within: Sequence[str], words: Sequence[str]) -> CheckOutcome:
    """A directive has one of the given parameters, in a block of one of the given names."""
    d = statement.node
    if within and d.parent.opening_directive_name not in within:
        return
    for number, word in enumerate(d.args, 1):
        if word in words:
            yield hit(d.at(number), word=word)
            return
