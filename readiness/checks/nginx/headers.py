"""Response and request headers: what an inner block loses, what is missing, what is written wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from readiness.checks.nginx.variables import is_redirect
from readiness.facts.table import fact_column
from readiness.kinds.nginx import BlockScope, DirectiveSubject, hosts, includes, is_catch_all
from readiness.model import CheckOutcome, Hit, Undecidable, hit, join_names, missing
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

_ALWAYS_SENT_HEADERS = {
    ("host", "$proxy_host"),
    ("connection", "close"),
    ("connection", ""),
    ("upgrade", ""),
}
"""Request headers as nginx sends them anyway; losing such a line loses nothing."""
_PUBLIC_ASSET_PATH = re.compile(r"font|woff|ttf|css|png|svg|static|assets|public")


def effective_headers(project: Project, block: Block, directive: str) -> list[Directive]:
    """The lines of an `add_header` kind that work in a block: its own, with the outer ones where they are merged."""
    directives: list[Directive] = []
    inherit = f"{directive}_inherit"
    for level in includes.levels_outwards(project, block):
        own = includes.directives_of(project, level, directive)
        mode = includes.effective_value(project, level, inherit, "on") if directive.startswith("add_") else "on"
        directives += own
        if (own and mode == "on") or mode == "off":
            break
    return directives


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
    block = scope.node
    if includes.enclosing_block(project, block) is not block:
        return
    own = includes.directives_of(project, block, directive)
    mode = includes.effective_value(project, block, f"{directive}_inherit", "on")
    outer = next(iter(includes.levels_outwards(project, block)[1:]), None)
    if not own or outer is None or mode != "on" or _answers_nothing(project, block):
        return
    kept = {header_name(d) for d in own}
    gone = [
        d
        for d in effective_headers(project, outer, directive)
        if header_name(d) not in kept and not (directive == "proxy_set_header" and _is_sent_anyway(d))
    ]
    if gone and directive == "proxy_set_header":
        is_missed = _make_header_missing_test(project, block)
        gone = [d for d in gone if is_missed(header_name(d))]
    protecting = fact_column("http-headers", "security")
    gone = [d for d in gone if security is None or (header_name(d) in protecting) is security]
    if gone and includes.may_be_set_in_block_by_unread_file(project, block):
        yield Undecidable(own[0].head_span)
    elif gone:
        names = join_names(dict.fromkeys(d.args[0] for d in reversed(gone) if d.args))
        place = directive_or_include_in_block(project, block, directive)
        yield hit(place.at("value") if place.args else place.at(), headers=names, directive=directive)


def _make_header_missing_test(project: Project, block: Block) -> Callable[[str], bool]:
    """Of a request header, whether some `proxy_pass` in a block or below it sends requests on without it."""
    sent = [
        {header_name(d) for d in effective_headers(project, passing.parent, "proxy_set_header")}
        for passing in includes.directives_within(project, block)
        if passing.name == "proxy_pass"
    ]
    return lambda name: any(name not in names for names in sent)


def _answers_nothing(project: Project, block: Block) -> bool:
    """Whether a block answers 204: a preflight of CORS or a probe, to which nginx adds no Content-Type of its own."""
    return any(d.args[:1] == ("204",) for d in includes.directives_of(project, block, "return"))


def header_name(directive: Directive) -> str:
    """The header that a line sets, lower case."""
    return directive.args[0].lower() if directive.args else ""


def _is_sent_anyway(directive: Directive) -> bool:
    return len(directive.args) == 2 and (header_name(directive), directive.args[1]) in _ALWAYS_SENT_HEADERS


def directive_or_include_in_block(project: Project, block: Block, name: str) -> Directive:
    """The line in the block itself that brings a directive in: the directive, or the include."""
    for directive in block.directives:
        if directive.name == name:
            return directive
        if directive.name == "include" and any(
            d.name == name
            for inner in includes.include_tree(project).blocks_by_include_id.get(id(directive), ())
            for d in includes.directives_of(project, inner)
        ):
            return directive
    return includes.directives_of(project, block, name)[0]


def headers_sent(project: Project, block: Block) -> dict[str, str]:
    """The headers that responses of a block carry by `add_header` or `more_set_headers`, with their values."""
    headers = {
        header_name(d): d.args[1] if len(d.args) > 1 else "" for d in reversed(effective_headers(project, block, "add_header"))
    }
    for level in includes.levels_outwards(project, block):
        for d in includes.directives_of(project, level, "more_set_headers"):
            for text in d.args:
                name, colon, value = text.partition(":")
                if colon:
                    headers.setdefault(name.strip().lower(), value.strip())
    return headers


def header_missing(scope: BlockScope, project: Project, *, any_of: Sequence[str], tls: bool = False) -> CheckOutcome:
    """A server that answers browsers sends none of the headers, neither itself nor from all of its locations."""
    block = scope.node
    if (tls and not scope.tls) or not is_serving(project, block):
        return
    if includes.effective_value(project, block, "security_headers") == "on" and any_of[0] != "content-security-policy":
        return
    if _is_covered(project, block, any_of):
        return
    if includes.may_be_set_in_unread_file(project, block) or _has_lua(project, block):
        yield Undecidable(block.at())
        return
    inner = [d.block for d in includes.directives_within(project, block) if d.name == "location" and d.block is not None]
    answering = [one for one in inner if _sends_content(project, one)]
    if answering and all(_is_covered(project, one, any_of) for one in answering):
        return
    yield missing(block.at(), server=scope.name)


def security_header_missing(scope: BlockScope, project: Project, *, headers: Mapping[str, Sequence[str]]) -> CheckOutcome:
    """As `header_missing`, for several: a name that the hit tells, and the headers of which one will do."""
    unknown: Undecidable | None = None
    for name, any_of in headers.items():
        for found in header_missing(scope, project, any_of=any_of):
            if isinstance(found, Undecidable):
                unknown = found
            elif isinstance(found, Hit):
                yield found._replace(facts={**found.facts, "lacks": name})
    if unknown:
        yield unknown


def _is_covered(project: Project, block: Block, any_of: Sequence[str]) -> bool:
    headers = headers_sent(project, block)
    for name in any_of:
        wanted, _, part = name.partition("=")
        if wanted in headers and part in headers[wanted]:
            return True
    return False


def _has_lua(project: Project, block: Block) -> bool:
    filters = (
        "header_filter_by_lua_block",
        "header_filter_by_lua_file",
        "header_filter_by_lua",
        "js_header_filter",
    )
    return any(
        includes.directives_of(project, level, name) for level in includes.levels_outwards(project, block) for name in filters
    )


def _sends_content(project: Project, block: Block) -> bool:
    """Whether a location sends content of its own, more than a redirect or a refusal."""
    returns = includes.directives_of(project, block, "return")
    if returns or includes.directives_of(project, block, "internal", "stub_status"):
        return False
    return not any(d.joined_arguments == "all" for d in includes.directives_of(project, block, "deny"))


def is_serving(project: Project, block: Block) -> bool:
    """Whether a server sends pages to others, and does not only redirect, refuse or answer its own machine."""
    listens = list(hosts.listen_sockets(block)) if block.owner and block.owner.name == "server" else []
    if (
        listens
        and len(listens) == len(block.directives_named("listen"))
        and all(hosts.is_loopback(one.host) for one in listens)
    ):
        return False
    if includes.effective_value(project, block, "ssl_reject_handshake") == "on" or _only_redirects_or_refuses(project, block):
        return False
    locations = [d for d in includes.directives_of(project, block, "location") if d.block is not None]
    everything = [d for d in locations if is_catch_all(d)]
    if not any(_only_redirects_or_refuses(project, d.block) for d in everything if d.block):
        return True
    others = [d for d in locations if d not in everything and "well-known" not in d.joined_arguments]
    return any(_is_passing(project, d.block) for d in others if d.block)


def _only_redirects_or_refuses(project: Project, block: Block) -> bool:
    """Whether a block answers everything with a redirect or a refusal."""
    for d in includes.directives_of(project, block, "return", "rewrite"):
        if d.name == "return" and d.args and (d.args[0] in fact_column("http-statuses", "no-page") or "://" in d.args[0]):
            return True
        if (
            d.name == "rewrite"
            and d.args[:1] in {("^",), (".*",), ("^(.*)$",), ("^/(.*)$",), ("^(.*)",), ("^/(.*)",)}
            and is_redirect(d)
        ):
            return True
    return any(
        d.joined_arguments == "all" for d in includes.directives_of(project, block, "deny")
    ) and not includes.directives_of(project, block, "allow")


def _is_passing(project: Project, block: Block) -> bool:
    return bool(includes.directives_of(project, block, *fact_column("nginx-directives", "content")))


def security_header_not_always(statement: DirectiveSubject) -> CheckOutcome:
    """A security header without `always` is left out of error answers."""
    d = statement.node
    if len(d.args) == 2 and header_name(d) in fact_column("http-headers", "security") and d.args[1]:
        yield hit(d.at(1), header=d.args[0])


def header_multiline(statement: DirectiveSubject) -> CheckOutcome:
    """A header's value has a line break in it."""
    d = statement.node
    for number, text in enumerate(d.args, 1):
        name = d.args[0] if d.name == "add_header" else text.partition(":")[0].strip()
        holds = number == 2 if d.name == "add_header" else ":" in text
        if holds and re.search(r"[\r\n]", text):
            yield hit(d.at(number), header=name)


def content_type_added(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`add_header Content-Type` adds a second Content-Type unless the backend's is hidden."""
    d = statement.node
    if header_name(d) != "content-type" or _answers_nothing(project, d.parent):
        return
    hides = (
        "proxy_hide_header",
        "fastcgi_hide_header",
        "uwsgi_hide_header",
        "scgi_hide_header",
        "grpc_hide_header",
    )
    for name in hides:
        if any(
            header_name(directive) == "content-type" for directive in includes.effective_directives(project, d.parent, name)
        ):
            return
    yield hit(d.at(1))


def content_type_replaced(statement: DirectiveSubject) -> CheckOutcome:
    """`more_set_headers` sets the Content-Type that `types` and `default_type` are for."""
    d = statement.node
    for number, text in enumerate(d.args, 1):
        if text.partition(":")[0].strip().lower() == "content-type" and ":" in text:
            yield hit(d.at(number))


def hsts_short(statement: DirectiveSubject, *, days: int) -> CheckOutcome:
    """Strict-Transport-Security lasts too short to protect the next visit."""
    d = statement.node
    if len(d.args) < 2 or header_name(d) != "strict-transport-security":
        return
    age = re.search(r"max-age\s*=\s*\"?(\d{1,12})", d.args[1], re.IGNORECASE)
    if age and int(age[1]) < days * 86_400 and int(age[1]) != 0:
        yield hit(d.at(2), seconds=int(age[1]), wanted=days * 86_400)
    elif (age and int(age[1]) == 0) or (age is None and not has_variable(d.args[1])):
        yield hit(d.at(2), seconds=0, wanted=days * 86_400)


def hsts_over_http(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server without TLS sends Strict-Transport-Security, which browsers ignore there."""
    block = scope.node
    if scope.tls or not block.directives_named("listen"):
        return
    for d in block.directives_named("add_header"):
        if (
            header_name(d) == "strict-transport-security"
            and d.args[-1] != "0"
            and not includes.effective_directives(project, block, "set_real_ip_from")
        ):
            yield hit(d.at(1), server=scope.name)


def cors_any(statement: DirectiveSubject, project: Project, *, credentials: bool) -> CheckOutcome:
    """Every origin may read the answers; with `credentials`, only where cookies are let through as well."""
    d = statement.node
    if header_name(d) != "access-control-allow-origin" or len(d.args) < 2:
        return
    around = {
        header_name(directive): directive.args[1].lower()
        for directive in effective_headers(project, d.parent, "add_header")
        if len(directive.args) > 1
    }
    with_cookies = around.get("access-control-allow-credentials") == "true"
    if d.args[1] == "*" and with_cookies is credentials and not _is_open_data(d):
        yield hit(d.at(2))


def _is_open_data(directive: Directive) -> bool:
    """Whether a wildcard stands where it is meant: fonts, images and other static files."""
    block: Block | None = directive.parent
    while block is not None:
        if (
            block.owner
            and block.opening_directive_name == "location"
            and _PUBLIC_ASSET_PATH.search(block.owner.joined_arguments)
        ):
            return True
        block = block.enclosing_block
    return False


def header_deprecated(statement: DirectiveSubject, *, names: Sequence[str]) -> CheckOutcome:
    """A header that browsers no longer read, or that does harm."""
    d = statement.node
    if header_name(d) in names and len(d.args) > 1 and d.args[1] not in {"0", ""}:
        yield hit(d.at(1), header=d.args[0])
