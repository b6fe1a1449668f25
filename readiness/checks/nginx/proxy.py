"""Proxying: where requests can be sent, what the backend is told, and when names are looked up."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Sequence

from readiness.checks.nginx.headers import directives_by_header_name, lowercase_header_name
from readiness.checks.nginx.variables import (
    definitions_of_variable,
    literal_variable_pairs,
    variable_names_in_text,
    variable_value,
)
from readiness.facts.domains import is_public_dns_name, parse_ip
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    is_tls_server,
    versions,
)
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, join_names, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import pcre_tree
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

_DOT_MASK = pcre_tree.char_mask(".")
_FORWARDED_SCHEME = lazy_regex(r"\$\{?http_x_forwarded_proto\b")
_DIRECTIVES_READING_VARIABLES = frozenset({"log_format", "map", "if", "set"})
_ENVIRONMENT_VARIABLE = lazy_regex(r"\$\{[A-Z][A-Z0-9_]*\}")


def host_from_client(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The backend is told a Host that the client chose."""
    checked_directive = statement.node
    if lowercase_header_name(checked_directive) not in {"host", ":authority"} or len(checked_directive.args) < 2:
        return
    for variable_name in variable_names_in_text(checked_directive.args[1]):
        if _is_client_variable(variable_name):
            yield hit(checked_directive.at(2), variable=f"${variable_name}")
            return
        for defining_directive in definitions_of_variable(project, checked_directive.parent, variable_name):
            if (
                defining_directive.name == "set"
                and len(defining_directive.args) > 1
                and any(_is_client_variable(inner) for inner in variable_names_in_text(defining_directive.args[1]))
            ):
                yield hit(checked_directive.at(2), variable=f"${variable_name}")
                return


def _is_client_variable(variable_name: str) -> bool:
    return variable_name.startswith(("http_", "cookie_", "arg_")) or variable_name in {"args", "query_string"}


def proxy_host_from_client(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The client chooses the host that nginx sends the request to."""
    directive = statement.node
    if not directive.args or includes.expanded_directives_of_block(project, directive.parent, "internal"):
        return
    if any(
        block.opening_directive_name == "location" and includes.expanded_directives_of_block(project, block, "internal")
        for block in includes.blocks_outwards(project, directive.parent)
    ):
        return
    pass_target_text = directive.args[0]
    url_scheme, scheme_separator, url_without_scheme = pass_target_text.partition("://")
    is_scheme_fixed = bool(scheme_separator) and not has_variable_sign(url_scheme)
    for preceding_literal, variable_name in literal_variable_pairs(url_without_scheme if is_scheme_fixed else pass_target_text):
        if (
            re.search("[/?#]", preceding_literal if is_scheme_fixed else preceding_literal.replace("://", ""))
            or variable_name in {"", "is_args"}
            or re.search(r":\d+$", preceding_literal)
        ):
            return  # the host ends before this variable
        value_of_variable = variable_value(project, directive, variable_name)
        if value_of_variable.client_characters & _DOT_MASK and not value_of_variable.has_slash:
            yield hit(directive.at(1), variable=f"${variable_name}")
            return
        if value_of_variable.has_slash:
            return


def backend_resolved_once(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A public name is looked up when nginx starts and never again."""
    directive = statement.node
    if not directive.args or has_variable_sign(directive.args[0]) or directive.parent.opening_directive_name == "upstream":
        return
    pass_target = hosts.parse_pass_target(directive.args[0])
    backend_host = hosts.split_host_and_port(pass_target.host)[0]
    if is_public_dns_name(backend_host) and backend_host.lower() not in _visible_upstream_block_by_name(project, directive.parent):
        yield hit(directive.at(1), host=backend_host)


def upstream_resolved_once(statement: DirectiveSubject) -> CheckOutcome:
    """A public name in an `upstream` is looked up when nginx starts and never again."""
    directive = statement.node
    if directive.parent.opening_directive_name != "upstream" or not directive.args or "resolve" in directive.args or "down" in directive.args:
        return
    upstream_host = hosts.split_host_and_port(directive.args[0])[0]
    if not has_variable_sign(upstream_host) and is_public_dns_name(upstream_host):
        yield hit(directive.at(1), host=upstream_host)


def upstream_resolver_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A server of an `upstream` is to be looked up again and again, and no resolver is set."""
    directive = statement.node
    if "resolve" not in directive.args or includes.effective_directives(project, directive.parent, "resolver"):
        return
    resolve_parameter_span = directive.at(directive.args.index("resolve") + 1)
    if includes.may_be_set_in_unread_file(project, directive.parent) or not includes.is_http_context_known(project, directive.parent):
        yield Undecidable(resolve_parameter_span)
    else:
        yield hit(resolve_parameter_span)


def _visible_upstream_block_by_name(project: Project, block: Block) -> ChainMap[str, Block]:
    """The upstream groups in sight of a block, by name."""
    return ChainMap(*(project.memoize_for_subject(_upstream_block_by_name, level) for level in includes.blocks_outwards(project, block)))


def _upstream_block_by_name(block: Block, project: Project) -> dict[str, Block]:
    """The upstream groups of a level, by name."""
    return {d.args[0].lower(): d.block for d in includes.expanded_directives_of_block(project, block, "upstream") if d.args and d.block is not None}


def resolver_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A pass with a variable must look its host up for each request, and no resolver is set."""
    directive = statement.node
    if not directive.args or not has_variable_sign(directive.args[0]) or includes.effective_directives(project, directive.parent, "resolver"):
        return
    pass_target = hosts.parse_pass_target(directive.args[0])
    if _ENVIRONMENT_VARIABLE.search(directive.args[0]) and not variable_names_in_text(_ENVIRONMENT_VARIABLE.sub("", directive.args[0])):
        return  # filled in before nginx starts
    visible_upstream_block_by_name = _visible_upstream_block_by_name(project, directive.parent)
    for possible_host in _possible_hosts(project, directive, pass_target.host):
        host_with_port = hosts.parse_pass_target(possible_host).host
        lowercase_host = "" if host_with_port.startswith("unix:") else hosts.split_host_and_port(host_with_port)[0].lower()
        if (
            not lowercase_host
            or has_variable_sign(lowercase_host)
            or parse_ip(lowercase_host)
            or lowercase_host in visible_upstream_block_by_name
            or lowercase_host == "localhost"
        ):
            continue
        # A name without a dot may be an upstream in a file that is not in sight.
        if includes.may_be_set_in_unread_file(project, directive.parent) or (
            "." not in lowercase_host and not includes.is_http_context_known(project, directive.parent)
        ):
            yield Undecidable(directive.at(1))
        else:
            yield hit(directive.at(1), host=lowercase_host)
        return


def _possible_hosts(project: Project, pass_directive: Directive, host_text: str) -> list[str]:
    """The hosts that a pass can mean: the text itself, or what its one variable is set to."""
    if not has_variable_sign(host_text):
        return [host_text]
    variable_names_in_host = variable_names_in_text(host_text)
    text_before_variable = host_text.partition("$")[0]
    if text_before_variable and variable_names_in_host and variable_value(project, pass_directive, variable_names_in_host[0]).has_slash:
        return [text_before_variable]  # the variable is the path
    if len(variable_names_in_host) != 1 or not re.fullmatch(r"\$\{?\w+\}?(?::\d+)?", host_text):
        return []
    possible_host_texts: list[str] = []
    for defining_directive in definitions_of_variable(project, pass_directive.parent, variable_names_in_host[0]):
        if defining_directive.name == "set":
            possible_host_texts += defining_directive.args[1:2]
        elif defining_directive.block is not None:
            possible_host_texts += [entry.args[-1] for entry in defining_directive.block.directives if entry.args]
    return possible_host_texts


def resolver_external(statement: DirectiveSubject) -> CheckOutcome:
    """Names are looked up at a server outside of the own network."""
    directive = statement.node
    for argument_number, resolver_argument in enumerate(directive.args, 1):
        if "=" in resolver_argument or has_variable_sign(resolver_argument):
            continue
        if not hosts.is_private_or_local_host(hosts.split_host_and_port(resolver_argument)[0]):
            yield hit(directive.at(argument_number), address=resolver_argument)
            return


def forwarded_headers_missing(scope: BlockScope, project: Project, *, headers: Sequence[str]) -> CheckOutcome:
    """A backend is not told who the client is, which name it asked for, or by which scheme."""
    proxying_block = scope.node
    proxy_passes = [d for d in proxying_block.directives_named("proxy_pass") if d.args]
    if not proxy_passes or includes.expanded_directives_of_block(project, proxying_block, "internal"):
        return
    backend_host = hosts.split_host_and_port(hosts.parse_pass_target(proxy_passes[0].args[0]).host)[0]
    if is_public_dns_name(backend_host) or re.search(
        r"well-known|health|metrics|static|assets",
        proxying_block.owner.joined_arguments if proxying_block.owner else "",
    ):
        return  # somebody else's service: it has its own name and no business with the client
    header_names_set = directives_by_header_name(includes.effective_directives(project, proxying_block, "proxy_set_header"), project)
    is_passing_on = "forwarded" in header_names_set or _has_proxy_in_front(proxying_block, project)
    missing_header_names = [name for name in headers if name.lower() not in header_names_set and not (is_passing_on and name != "Host")]
    if not missing_header_names:
        return
    if includes.may_be_set_in_unread_file(project, proxying_block):
        yield Undecidable(proxy_passes[0].at(1))
    else:
        yield missing(proxy_passes[0].head_span, headers=join_names(missing_header_names))


def _has_proxy_in_front(proxying_block: Block, project: Project) -> bool:
    """Whether a proxy in front sends X-Forwarded headers, which nginx passes on as long as nothing sets them.

    Its addresses or its headers stand in the configuration, and the server itself takes no TLS: `$scheme` would say http.
    """
    enclosing_blocks = [proxying_block]
    while enclosing_blocks[-1].owner is not None:
        enclosing_blocks.append(enclosing_blocks[-1].owner.parent)
    if any(is_tls_server(one) for one in enclosing_blocks):
        return False
    if includes.effective_directives(project, proxying_block, "set_real_ip_from"):
        return True
    return project.memoize_for_subject(_may_read_forwarded_scheme, enclosing_blocks[-1])


def _may_read_forwarded_scheme(file_block: Block, project: Project) -> bool:
    """Whether a file asks for the scheme that a proxy in front sends. X-Forwarded-For is in the log format that nginx comes with."""
    return any(
        directive.name in _DIRECTIVES_READING_VARIABLES and _FORWARDED_SCHEME.search(directive.joined_arguments)
        for directive in includes.all_directives_within_block(project, file_block)
    )


def websocket_upgrade_incomplete(scope: BlockScope, project: Project) -> CheckOutcome:
    """`Upgrade` is passed on, but not the rest of what a WebSocket needs."""
    proxying_block = scope.node
    proxy_passes = proxying_block.directives_named("proxy_pass")
    if not proxy_passes:
        yield NotApplicable()
        return
    proxy_header_directives = includes.effective_directives(project, proxying_block, "proxy_set_header")
    upgrade_header_directives = _directives_setting_header(project, proxy_header_directives, "upgrade")
    if not upgrade_header_directives:
        yield NotApplicable()
        return
    missing_directive_texts = []
    if includes.effective_arguments(project, proxying_block, "proxy_http_version", _default_proxy_http_version(project, scope)) not in {
        "1.1",
        "2",
    }:
        missing_directive_texts.append("proxy_http_version 1.1")
    if not any(
        re.search(r"upgrade|\$", d.args[1], re.IGNORECASE)
        for d in directives_by_header_name(proxy_header_directives, project).get("connection", ())
        if len(d.args) > 1
    ):
        missing_directive_texts.append("proxy_set_header Connection")
    if missing_directive_texts and not includes.may_be_set_in_unread_file(project, proxying_block):
        reported_directive = upgrade_header_directives[-1] if upgrade_header_directives[-1].source is scope.source else proxy_passes[0]
        yield hit(reported_directive.head_span, absent=join_names(missing_directive_texts))


_WEBSOCKET_PATH = lazy_regex(r"(?:^|[^a-z])(?:wss?|websockets?|sockets?|chat|live|hub)(?:[^a-z]|\\Z)")


def connection_upgrade_constant(scope: BlockScope, project: Project) -> CheckOutcome:
    """Every request of a server goes to the backend with `Connection: upgrade`, WebSocket or not."""
    proxying_block = scope.node
    proxy_passes = proxying_block.directives_named("proxy_pass")
    proxy_header_directives = includes.effective_directives(project, proxying_block, "proxy_set_header")
    is_catch_all_location = proxying_block.owner is not None and is_catch_all(proxying_block.owner)
    if not is_catch_all_location or not proxy_passes or not _directives_setting_header(project, proxy_header_directives, "upgrade"):
        yield NotApplicable()
        return
    server_block = includes.nearest_enclosing_block_named(project, proxying_block, "server")
    server_name_directives = includes.expanded_directives_of_block(project, server_block, "server_name") if server_block is not None else []
    if _WEBSOCKET_PATH.search(" ".join(one.joined_arguments.lower() for one in (*proxy_passes, *server_name_directives))):
        yield NotApplicable()
        return
    connection_directives = _directives_setting_header(project, proxy_header_directives, "connection")
    constant_upgrade_directives = [d for d in connection_directives if d.args[1].lower() == "upgrade"]
    if constant_upgrade_directives:
        yield hit(constant_upgrade_directives[-1].at(2), at=constant_upgrade_directives[-1].source)


def _directives_setting_header(project: Project, header_directives: list[Directive], sought_header_name: str) -> list[Directive]:
    """The directives that set a header to something."""
    directives = directives_by_header_name(header_directives, project).get(sought_header_name, ())
    return [d for d in directives if len(d.args) > 1 and d.args[1]]


def _default_proxy_http_version(project: Project, scope: BlockScope) -> str:
    """The HTTP version towards backends where none is set: 1.1 since nginx 1.29.7."""
    return "1.1" if versions.is_nginx_at_least(project, scope.source, (1, 29, 7), (1, 30, 0)) else "1.0"


def websocket_timeout_default(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location for WebSockets keeps the time-out of 60 seconds, which ends quiet connections."""
    proxying_block = scope.node
    proxy_passes = proxying_block.directives_named("proxy_pass")
    proxy_header_directives = includes.effective_directives(project, proxying_block, "proxy_set_header")
    upgrade_header_directives = directives_by_header_name(proxy_header_directives, project).get("upgrade", [])
    if not proxy_passes or not upgrade_header_directives:
        yield NotApplicable()
        return
    if includes.effective_directives(project, proxying_block, "proxy_read_timeout"):
        return
    if includes.may_be_set_in_unread_file(project, proxying_block):
        yield Undecidable(proxy_passes[0].at(1))
    else:
        yield missing(proxy_passes[0].head_span)


def upstream_keepalive_unused(scope: BlockScope, project: Project) -> CheckOutcome:
    """An upstream keeps connections open, and the requests to it close them."""
    proxying_block = scope.node
    proxy_passes = [d for d in proxying_block.directives_named("proxy_pass") if d.args]
    if not proxy_passes:
        return
    upstream_block = _visible_upstream_block_by_name(project, proxying_block).get(
        hosts.split_host_and_port(hosts.parse_pass_target(proxy_passes[0].args[0]).host)[0].lower()
    )
    if upstream_block is None or not upstream_block.directives_named("keepalive"):
        return
    proxy_header_directives = includes.effective_directives(project, proxying_block, "proxy_set_header")
    default_http_version = _default_proxy_http_version(project, scope)
    proxy_http_version = includes.effective_arguments(project, proxying_block, "proxy_http_version", default_http_version)
    connection_header_value = next(
        (d.args[1] for d in directives_by_header_name(proxy_header_directives, project).get("connection", ()) if len(d.args) > 1),
        "close" if default_http_version == "1.0" else "",
    )
    if proxy_http_version not in {"1.1", "2"} or connection_header_value.lower() == "close":
        yield hit(proxy_passes[0].head_span, upstream=upstream_block.owner.joined_arguments if upstream_block.owner else "")


def upstream_single_server(scope: BlockScope) -> CheckOutcome:
    """An upstream has one server: when it is down, so is the site."""
    active_server_directives = [d for d in scope.node.directives_named("server") if d.args and "down" not in d.args]
    if (
        len(active_server_directives) == 1
        and "resolve" not in active_server_directives[0].args
        and not active_server_directives[0].args[0].startswith("unix:")
    ):
        yield hit(active_server_directives[0].at(1), upstream=scope.name)


def upstream_not_grouped(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A backend is named in the `proxy_pass` itself, so there is one of it and no connection is kept open."""
    directive = statement.node
    if not directive.args or has_variable_sign(directive.args[0]) or not directive.args[0].startswith(("http://", "https://")):
        return
    backend_host = hosts.split_host_and_port(hosts.parse_pass_target(directive.args[0]).host)[0].lower()
    if (
        backend_host in _visible_upstream_block_by_name(project, directive.parent)
        or backend_host.startswith("unix:")
        or is_public_dns_name(backend_host)
    ):
        return
    if ":" in hosts.parse_pass_target(directive.args[0]).host or parse_ip(backend_host) or backend_host == "localhost":
        yield hit(directive.at(1), host=backend_host)


def parameter_given(statement: DirectiveSubject, *, within: Sequence[str], words: Sequence[str]) -> CheckOutcome:
    """A directive has one of the given parameters, in a block of one of the given names."""
    directive = statement.node
    if within and directive.parent.opening_directive_name not in within:
        return
    for argument_number, argument in enumerate(directive.args, 1):
        if argument in words:
            yield hit(directive.at(argument_number), word=argument)
            return
