"""Response and request headers: what an inner block loses, what is missing, what is written wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from readiness.checks.nginx.variables import is_redirect
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import BlockScope, DirectiveSubject, hosts, includes, is_catch_all
from readiness.model import CheckOutcome, Hit, Undecidable, hit, join_names, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

_DEFAULT_REQUEST_HEADERS = {
    ("host", "$proxy_host"),
    ("connection", "close"),
    ("connection", ""),
    ("upgrade", ""),
}
"""Request headers as nginx sends them anyway; losing such a line loses nothing."""
_PUBLIC_ASSET_PATH = lazy_regex(r"font|woff|ttf|css|png|svg|static|assets|public")


def effective_header_directives(project: Project, block: Block, directive: str) -> list[Directive]:
    """The lines of an `add_header` kind that work in a block: its own, with the outer ones where they are merged."""
    header_directives: list[Directive] = []
    inherit_directive_name = f"{directive}_inherit"
    for enclosing_level in includes.blocks_outwards(project, block):
        directives_of_level = includes.expanded_directives_of_block(project, enclosing_level, directive)
        inherit_mode = includes.effective_arguments(project, enclosing_level, inherit_directive_name, "on") if directive.startswith("add_") else "on"
        header_directives += directives_of_level
        if (directives_of_level and inherit_mode == "on") or inherit_mode == "off":
            break
    return header_directives


_MAX_OUTER_HEADERS = 200  # that one level sets for all blocks in it; past them nobody goes through what each block loses


def directives_by_header_name(header_directives: list[Directive], project: Project) -> Mapping[str, list[Directive]]:
    """The lines of a level by the headers that they set, in lower case: put together once, as every block below asks."""
    return project.memoize_for_subject(_by_header_name, header_directives) if header_directives else {}


def _by_header_name(header_directives: list[Directive], project: Project) -> dict[str, list[Directive]]:
    del project
    by_name: dict[str, list[Directive]] = {}
    for directive in header_directives:
        by_name.setdefault(lowercase_header_name(directive), []).append(directive)
    return by_name


def header_lost(
    scope: BlockScope,
    project: Project,
    *,
    directive: str,
    security: bool | None = None,
) -> CheckOutcome:
    """A block sets headers of its own, so those of the outer block are gone, and it doesn't repeat all of them.

    `security` asks for those headers alone by which browsers protect people, or for all but them.
    """
    inner_block = scope.node
    if includes.outermost_including_block(project, inner_block) is not inner_block:
        return
    own_header_directives = includes.expanded_directives_of_block(project, inner_block, directive)
    inherit_mode = includes.effective_arguments(project, inner_block, f"{directive}_inherit", "on")
    enclosing_level = next(iter(includes.blocks_outwards(project, inner_block)[1:]), None)
    if not own_header_directives or enclosing_level is None or inherit_mode != "on" or _answers_no_content(project, inner_block):
        return
    outer_header_directives = effective_header_directives(project, enclosing_level, directive)
    if len(outer_header_directives) > _MAX_OUTER_HEADERS:
        yield Undecidable(own_header_directives[0].head_span)
        return
    own_header_names = {lowercase_header_name(d) for d in own_header_directives}
    lost_directives = [
        d
        for d in outer_header_directives
        if lowercase_header_name(d) not in own_header_names and not (directive == "proxy_set_header" and _sets_header_to_nginx_default(d))
    ]
    if lost_directives and directive == "proxy_set_header":
        is_missing_from_some_proxy_pass = _missing_header_test(project, inner_block)
        lost_directives = [d for d in lost_directives if is_missing_from_some_proxy_pass(lowercase_header_name(d))]
    security_header_names = property_by_fact_name("http-headers", "security")
    lost_directives = [d for d in lost_directives if security is None or (lowercase_header_name(d) in security_header_names) is security]
    if lost_directives and includes.may_be_set_in_block_by_unread_file(project, inner_block):
        yield Undecidable(own_header_directives[0].head_span)
    elif lost_directives:
        lost_header_names = join_names(dict.fromkeys(d.args[0] for d in reversed(lost_directives) if d.args))
        directive_or_include = directive_or_include_in_block(project, inner_block, directive)
        yield hit(
            directive_or_include.at("value") if directive_or_include.args else directive_or_include.at(),
            headers=lost_header_names,
            directive=directive,
        )


def _missing_header_test(project: Project, block: Block) -> Callable[[str], bool]:
    """Of a request header, whether some `proxy_pass` in a block or below it sends requests on without it."""
    header_names_per_proxy_pass = [
        {lowercase_header_name(d) for d in effective_header_directives(project, passing.parent, "proxy_set_header")}
        for passing in includes.all_directives_within_block(project, block)
        if passing.name == "proxy_pass"
    ]
    return lambda name: any(name not in names for names in header_names_per_proxy_pass)


def _answers_no_content(project: Project, block: Block) -> bool:
    """Whether a block answers 204: a preflight of CORS or a probe, to which nginx adds no Content-Type of its own."""
    return any(d.args[:1] == ("204",) for d in includes.expanded_directives_of_block(project, block, "return"))


def lowercase_header_name(directive: Directive) -> str:
    """The header that a line sets, lower case."""
    return directive.args[0].lower() if directive.args else ""


def _sets_header_to_nginx_default(directive: Directive) -> bool:
    return len(directive.args) == 2 and (lowercase_header_name(directive), directive.args[1]) in _DEFAULT_REQUEST_HEADERS


def directive_or_include_in_block(project: Project, block: Block, name: str) -> Directive:
    """The line in the block itself that brings a directive in: the directive, or the include."""
    for candidate_directive in block.directives:
        if candidate_directive.name == name:
            return candidate_directive
        if candidate_directive.name == "include" and any(
            d.name == name
            for inner in includes.include_tree(project).blocks_by_include_id.get(id(candidate_directive), ())
            for d in includes.expanded_directives_of_block(project, inner)
        ):
            return candidate_directive
    return includes.expanded_directives_of_block(project, block, name)[0]


def response_header_values(project: Project, block: Block) -> dict[str, str]:
    """The headers that responses of a block carry by `add_header` or `more_set_headers`, with their values."""
    value_by_header_name = {
        lowercase_header_name(directive): directive.args[1] if len(directive.args) > 1 else ""
        for directive in reversed(effective_header_directives(project, block, "add_header"))
    }
    for enclosing_level in includes.blocks_outwards(project, block):
        for directive in includes.expanded_directives_of_block(project, enclosing_level, "more_set_headers"):
            for header_text in directive.args:
                header_name_text, colon_separator, header_value = header_text.partition(":")
                if colon_separator:
                    value_by_header_name.setdefault(header_name_text.strip().lower(), header_value.strip())
    return value_by_header_name


def header_missing(scope: BlockScope, project: Project, *, any_of: Sequence[str], tls: bool = False) -> CheckOutcome:
    """A server that answers browsers sends none of the headers, neither itself nor from all of its locations."""
    server_block = scope.node
    if (tls and not scope.tls) or not is_serving_pages_to_others(project, server_block):
        return
    if includes.effective_arguments(project, server_block, "security_headers") == "on" and any_of[0] != "content-security-policy":
        return
    if _sends_any_header(project, server_block, any_of):
        return
    if includes.may_be_set_in_unread_file(project, server_block) or _has_scripted_header_filter(project, server_block):
        yield Undecidable(server_block.at())
        return
    location_blocks = [d.block for d in includes.all_directives_within_block(project, server_block) if d.name == "location" and d.block is not None]
    content_location_blocks = [one for one in location_blocks if _sends_content(project, one)]
    if content_location_blocks and all(_sends_any_header(project, one, any_of) for one in content_location_blocks):
        return
    yield missing(server_block.at(), server=scope.name)


def security_header_missing(scope: BlockScope, project: Project, *, headers: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """As `header_missing`, for several: a name that the hit tells, and the headers of which one will do."""
    undecidable_outcome: Undecidable | None = None
    for reported_header_name, any_of in headers.items():
        for outcome in header_missing(scope, project, any_of=any_of):
            if isinstance(outcome, Undecidable):
                undecidable_outcome = outcome
            elif isinstance(outcome, Hit):
                yield outcome._replace(facts={**outcome.facts, "lacks": reported_header_name})
    if undecidable_outcome:
        yield undecidable_outcome


def _sends_any_header(project: Project, block: Block, any_of: Sequence[str]) -> bool:
    value_by_header_name = response_header_values(project, block)
    for header_requirement in any_of:
        required_header_name, _, required_value_part = header_requirement.partition("=")
        if required_header_name in value_by_header_name and required_value_part in value_by_header_name[required_header_name]:
            return True
    return False


def _has_scripted_header_filter(project: Project, block: Block) -> bool:
    header_filter_directive_names = (
        "header_filter_by_lua_block",
        "header_filter_by_lua_file",
        "header_filter_by_lua",
        "js_header_filter",
    )
    return any(
        includes.expanded_directives_of_block(project, level, name)
        for level in includes.blocks_outwards(project, block)
        for name in header_filter_directive_names
    )


def _sends_content(project: Project, block: Block) -> bool:
    """Whether a location sends content of its own, more than a redirect or a refusal."""
    return_directives = includes.expanded_directives_of_block(project, block, "return")
    if return_directives or includes.expanded_directives_of_block(project, block, "internal", "stub_status"):
        return False
    return not any(d.joined_arguments == "all" for d in includes.expanded_directives_of_block(project, block, "deny"))


def is_serving_pages_to_others(project: Project, block: Block) -> bool:
    """Whether a server sends pages to others, and does not only redirect, refuse or answer its own machine."""
    listen_sockets = list(hosts.listen_sockets(block)) if block.owner and block.owner.name == "server" else []
    if (
        listen_sockets
        and len(listen_sockets) == len(block.directives_named("listen"))
        and all(hosts.is_loopback_host(one.host) for one in listen_sockets)
    ):
        return False
    if includes.effective_arguments(project, block, "ssl_reject_handshake") == "on" or _only_redirects_or_refuses(project, block):
        return False
    location_directives = [d for d in includes.expanded_directives_of_block(project, block, "location") if d.block is not None]
    catch_all_locations = [d for d in location_directives if is_catch_all(d)]
    if not any(_only_redirects_or_refuses(project, d.block) for d in catch_all_locations if d.block):
        return True
    narrower_locations = [d for d in location_directives if d not in catch_all_locations and "well-known" not in d.joined_arguments]
    return any(_has_content_directive(project, d.block) for d in narrower_locations if d.block)


def _only_redirects_or_refuses(project: Project, block: Block) -> bool:
    """Whether a block answers everything with a redirect or a refusal."""
    for directive in includes.expanded_directives_of_block(project, block, "return", "rewrite"):
        if (
            directive.name == "return"
            and directive.args
            and (directive.args[0] in property_by_fact_name("http-statuses", "no-page") or "://" in directive.args[0])
        ):
            return True
        if (
            directive.name == "rewrite"
            and directive.args[:1] in {("^",), (".*",), ("^(.*)$",), ("^/(.*)$",), ("^(.*)",), ("^/(.*)",)}
            and is_redirect(directive)
        ):
            return True
    return any(
        directive.joined_arguments == "all" for directive in includes.expanded_directives_of_block(project, block, "deny")
    ) and not includes.expanded_directives_of_block(project, block, "allow")


def _has_content_directive(project: Project, block: Block) -> bool:
    return bool(includes.expanded_directives_of_block(project, block, *property_by_fact_name("nginx-directives", "content")))


def security_header_not_always(statement: DirectiveSubject) -> CheckOutcome:
    """A security header without `always` is left out of error answers."""
    directive = statement.node
    if len(directive.args) == 2 and lowercase_header_name(directive) in property_by_fact_name("http-headers", "security") and directive.args[1]:
        yield hit(directive.at(1), header=directive.args[0])


def header_multiline(statement: DirectiveSubject) -> CheckOutcome:
    """A header's value has a line break in it."""
    directive = statement.node
    for argument_number, argument_text in enumerate(directive.args, 1):
        header_name_text = directive.args[0] if directive.name == "add_header" else argument_text.partition(":")[0].strip()
        is_header_argument = argument_number == 2 if directive.name == "add_header" else ":" in argument_text
        if is_header_argument and re.search(r"[\r\n]", argument_text):
            yield hit(directive.at(argument_number), header=header_name_text)


def content_type_added(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`add_header Content-Type` adds a second Content-Type unless the backend's is hidden."""
    checked_directive = statement.node
    if lowercase_header_name(checked_directive) != "content-type" or _answers_no_content(project, checked_directive.parent):
        return
    hide_header_directive_names = (
        "proxy_hide_header",
        "fastcgi_hide_header",
        "uwsgi_hide_header",
        "scgi_hide_header",
        "grpc_hide_header",
    )
    for hide_header_directive_name in hide_header_directive_names:
        if any(
            lowercase_header_name(directive) == "content-type"
            for directive in includes.effective_directives(project, checked_directive.parent, hide_header_directive_name)
        ):
            return
    yield hit(checked_directive.at(1))


def content_type_replaced(statement: DirectiveSubject) -> CheckOutcome:
    """`more_set_headers` sets the Content-Type that `types` and `default_type` are for."""
    directive = statement.node
    for argument_number, header_text in enumerate(directive.args, 1):
        if header_text.partition(":")[0].strip().lower() == "content-type" and ":" in header_text:
            yield hit(directive.at(argument_number))


def hsts_short(statement: DirectiveSubject, *, days: int) -> CheckOutcome:
    """Strict-Transport-Security lasts too short to protect the next visit."""
    directive = statement.node
    if len(directive.args) < 2 or lowercase_header_name(directive) != "strict-transport-security":
        return
    max_age_match = re.search(r"max-age\s*=\s*\"?(\d{1,12})", directive.args[1], re.IGNORECASE)
    if max_age_match and int(max_age_match[1]) < days * 86_400 and int(max_age_match[1]) != 0:
        yield hit(directive.at(2), seconds=int(max_age_match[1]), wanted=days * 86_400)
    elif (max_age_match and int(max_age_match[1]) == 0) or (max_age_match is None and not has_variable_sign(directive.args[1])):
        yield hit(directive.at(2), seconds=0, wanted=days * 86_400)


def hsts_over_http(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server without TLS sends Strict-Transport-Security, which browsers ignore there."""
    server_block = scope.node
    if scope.tls or not server_block.directives_named("listen"):
        return
    for directive in server_block.directives_named("add_header"):
        if (
            lowercase_header_name(directive) == "strict-transport-security"
            and directive.args[-1] != "0"
            and not includes.effective_directives(project, server_block, "set_real_ip_from")
        ):
            yield hit(directive.at(1), server=scope.name)


def cors_any(statement: DirectiveSubject, project: Project, *, credentials: bool) -> CheckOutcome:
    """Every origin may read the answers; with `credentials`, only where cookies are let through as well."""
    checked_directive = statement.node
    if lowercase_header_name(checked_directive) != "access-control-allow-origin" or len(checked_directive.args) < 2:
        return
    value_by_header_name = {
        lowercase_header_name(directive): directive.args[1].lower()
        for directive in effective_header_directives(project, checked_directive.parent, "add_header")
        if len(directive.args) > 1
    }
    are_credentials_allowed = value_by_header_name.get("access-control-allow-credentials") == "true"
    if checked_directive.args[1] == "*" and are_credentials_allowed is credentials and not _is_public_asset_location(checked_directive):
        yield hit(checked_directive.at(2))


def _is_public_asset_location(directive: Directive) -> bool:
    """Whether a wildcard stands where it is meant: fonts, images and other static files."""
    enclosing_block: Block | None = directive.parent
    while enclosing_block is not None:
        if (
            enclosing_block.owner
            and enclosing_block.opening_directive_name == "location"
            and _PUBLIC_ASSET_PATH.search(enclosing_block.owner.joined_arguments)
        ):
            return True
        enclosing_block = enclosing_block.enclosing_block
    return False


def header_deprecated(statement: DirectiveSubject, *, names: Sequence[str]) -> CheckOutcome:
    """A header that browsers no longer read, or that does harm."""
    directive = statement.node
    if lowercase_header_name(directive) in names and len(directive.args) > 1 and directive.args[1] not in {"0", ""}:
        yield hit(directive.at(1), header=directive.args[0])
