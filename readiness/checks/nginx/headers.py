"""Response and request headers: what an inner block loses, what is missing, what is written wrongly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from readiness.checks.nginx.variables import redirects
from readiness.facts.table import column
from readiness.kinds.nginx import Scope, Statement, hosts, includes, takes_all
from readiness.model import Hit, Unknown, hit, joined, missing
from readiness.model.project import Project
from readiness.syntax.nginx import Block, Directive

_STATIC = {("host", "$proxy_host"), ("connection", "close"), ("connection", ""), ("upgrade", "")}
"""Request headers as nginx sends them anyway; losing such a line loses nothing."""
_PASSES = (
    "proxy_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "try_files",
    "alias",
    "root",
)
_OPEN = re.compile(r"font|woff|ttf|css|png|svg|static|assets|public")
_NO_PAGE = frozenset({"301", "302", "307", "308", "403", "404", "410", "421", "444"})


def in_effect(project: Project, block: Block, directive: str) -> list[Directive]:
    """The lines of an `add_header` kind that work in a block: its own, with the outer ones where they are merged."""
    found: list[Directive] = []
    inherit = f"{directive}_inherit"
    for level in includes.chain(project, block):
        own = includes.own(project, level, directive)
        mode = (
            includes.value(project, level, inherit, "on") if directive.startswith("add_") else "on"
        )
        found += own
        if (own and mode == "on") or mode == "off":
            break
    return found


def lost(
    scope: Scope,
    project: Project,
    *,
    directive: str,
    security: bool | None = None,
) -> Iterator[Hit]:
    """A block sets headers of its own, so those of the outer block are gone, and it doesn't repeat all of them.

    `security` asks for those headers alone by which browsers protect people, or for all but them.
    """
    block = scope.node
    if includes.level(project, block) is not block:
        return
    own = includes.own(project, block, directive)
    mode = includes.value(project, block, f"{directive}_inherit", "on")
    outer = next(iter(includes.chain(project, block)[1:]), None)
    if not own or outer is None or mode != "on" or _answers_nothing(project, block):
        return
    kept = {header(d) for d in own}
    gone = [
        d
        for d in in_effect(project, outer, directive)
        if header(d) not in kept and not (directive == "proxy_set_header" and _as_sent_anyway(d))
    ]
    protecting = column("http-headers", "security")
    gone = [d for d in gone if security is None or (header(d) in protecting) is security]
    if gone:
        names = joined(dict.fromkeys(d.args[0] for d in reversed(gone) if d.args))
        place = shown(project, block, directive)
        yield hit(
            place.at("value") if place.args else place.at(), headers=names, directive=directive
        )


def _answers_nothing(project: Project, block: Block) -> bool:
    """Whether a block answers 204: a preflight request of CORS, which shows no page."""
    return any(d.args[:1] == ("204",) for d in includes.own(project, block, "return"))


def header(directive: Directive) -> str:
    """The header that a line sets, lower case."""
    return directive.args[0].lower() if directive.args else ""


def _as_sent_anyway(directive: Directive) -> bool:
    return len(directive.args) == 2 and (header(directive), directive.args[1]) in _STATIC


def shown(project: Project, block: Block, name: str) -> Directive:
    """The line in the block itself that brings a directive in: the directive, or the include."""
    for one in block.directives:
        if one.name == name:
            return one
        if one.name == "include" and any(
            d.name == name
            for inner in includes.tree(project).brought.get(id(one), ())
            for d in includes.own(project, inner)
        ):
            return one
    return includes.own(project, block, name)[0]


def sent(project: Project, block: Block) -> dict[str, str]:
    """The headers that responses of a block carry by `add_header` or `more_set_headers`, with their values."""
    found = {
        header(d): d.args[1] if len(d.args) > 1 else ""
        for d in reversed(in_effect(project, block, "add_header"))
    }
    for level in includes.chain(project, block):
        for d in includes.own(project, level, "more_set_headers"):
            for text in d.args:
                name, colon, value = text.partition(":")
                if colon:
                    found.setdefault(name.strip().lower(), value.strip())
    return found


def absent(
    scope: Scope, project: Project, *, any_of: Sequence[str], tls: bool = False
) -> Iterator[Hit | Unknown]:
    """A server that answers browsers sends none of the headers, neither itself nor from all of its locations."""
    block = scope.node
    if (tls and not scope.tls) or not serves(project, block):
        return
    if (
        includes.value(project, block, "security_headers") == "on"
        and any_of[0] != "content-security-policy"
    ):
        return
    if _covered(project, block, any_of):
        return
    if includes.opaque(project, block) or _has_lua(project, block):
        yield Unknown(block.at())
        return
    inner = [
        d.block
        for d in includes.within(project, block)
        if d.name == "location" and d.block is not None
    ]
    answering = [one for one in inner if _answers(project, one)]
    if answering and all(_covered(project, one, any_of) for one in answering):
        return
    yield missing(block.at(), server=scope.name)


def each_absent(
    scope: Scope, project: Project, *, headers: Mapping[str, Sequence[str]]
) -> Iterator[Hit | Unknown]:
    """As `absent`, for several: a name that the hit tells, and the headers of which one will do."""
    unknown: Unknown | None = None
    for name, any_of in headers.items():
        for found in absent(scope, project, any_of=any_of):
            if isinstance(found, Unknown):
                unknown = found
            else:
                yield found._replace(facts={**found.facts, "lacks": name})
    if unknown:
        yield unknown


def _covered(project: Project, block: Block, any_of: Sequence[str]) -> bool:
    headers = sent(project, block)
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
        includes.own(project, one, name)
        for one in includes.chain(project, block)
        for name in filters
    )


def _answers(project: Project, block: Block) -> bool:
    """Whether a location sends content of its own, more than a redirect or a refusal."""
    returns = includes.own(project, block, "return")
    if returns or includes.own(project, block, "internal", "stub_status"):
        return False
    return not any(d.value == "all" for d in includes.own(project, block, "deny"))


def serves(project: Project, block: Block) -> bool:
    """Whether a server sends pages to others, and does not only redirect, refuse or answer its own machine."""
    listens = list(hosts.listens(block)) if block.owner and block.owner.name == "server" else []
    if (
        listens
        and len(listens) == len(block.all("listen"))
        and all(hosts.loopback(one.host) for one in listens)
    ):
        return False
    if includes.value(project, block, "ssl_reject_handshake") == "on" or _turns_away(
        project, block
    ):
        return False
    locations = [d for d in includes.own(project, block, "location") if d.block is not None]
    everything = [d for d in locations if takes_all(d)]
    if not any(_turns_away(project, d.block) for d in everything if d.block):
        return True
    others = [d for d in locations if d not in everything and "well-known" not in d.value]
    return any(_passing(project, d.block) for d in others if d.block)


def _turns_away(project: Project, block: Block) -> bool:
    """Whether a block answers everything with a redirect or a refusal."""
    for d in includes.own(project, block, "return", "rewrite"):
        if d.name == "return" and d.args and (d.args[0] in _NO_PAGE or "://" in d.args[0]):
            return True
        if (
            d.name == "rewrite"
            and d.args[:1] in {("^",), (".*",), ("^(.*)$",), ("^/(.*)$",), ("^(.*)",), ("^/(.*)",)}
            and redirects(d)
        ):
            return True
    return any(d.value == "all" for d in includes.own(project, block, "deny")) and not includes.own(
        project, block, "allow"
    )


def _passing(project: Project, block: Block) -> bool:
    return bool(includes.own(project, block, *_PASSES))


def not_always(statement: Statement) -> Iterator[Hit]:
    """A security header without `always` is left out of error answers."""
    d = statement.node
    if len(d.args) == 2 and header(d) in column("http-headers", "security") and d.args[1]:
        yield hit(d.at(1), header=d.args[0])


def multiline(statement: Statement) -> Iterator[Hit]:
    """A header's value has a line break in it."""
    d = statement.node
    for number, text in enumerate(d.args, 1):
        name = d.args[0] if d.name == "add_header" else text.partition(":")[0].strip()
        holds = number == 2 if d.name == "add_header" else ":" in text
        if holds and re.search(r"[\r\n]", text):
            yield hit(d.at(number), header=name)


def content_type(statement: Statement, project: Project) -> Iterator[Hit]:
    """`add_header Content-Type` adds a second Content-Type unless the backend's is hidden."""
    d = statement.node
    if header(d) != "content-type":
        return
    hides = (
        "proxy_hide_header",
        "fastcgi_hide_header",
        "uwsgi_hide_header",
        "scgi_hide_header",
        "grpc_hide_header",
    )
    for name in hides:
        if any(header(one) == "content-type" for one in includes.inforce(project, d.parent, name)):
            return
    yield hit(d.at(1))


def content_type_set(statement: Statement) -> Iterator[Hit]:
    """`more_set_headers` sets the Content-Type that `types` and `default_type` are for."""
    d = statement.node
    for number, text in enumerate(d.args, 1):
        if text.partition(":")[0].strip().lower() == "content-type" and ":" in text:
            yield hit(d.at(number))


def weak_hsts(statement: Statement, *, days: int) -> Iterator[Hit]:
    """Strict-Transport-Security lasts too short to protect the next visit."""
    d = statement.node
    if len(d.args) < 2 or header(d) != "strict-transport-security":
        return
    age = re.search(r"max-age\s*=\s*\"?(\d{1,12})", d.args[1], re.IGNORECASE)
    if age and int(age[1]) < days * 86_400 and int(age[1]) != 0:
        yield hit(d.at(2), seconds=int(age[1]), wanted=days * 86_400)
    elif (age and int(age[1]) == 0) or (age is None and "$" not in d.args[1]):
        yield hit(d.at(2), seconds=0, wanted=days * 86_400)


def hsts_on_http(scope: Scope, project: Project) -> Iterator[Hit]:
    """A server without TLS sends Strict-Transport-Security, which browsers ignore there."""
    block = scope.node
    if scope.tls or not block.all("listen"):
        return
    for d in block.all("add_header"):
        if (
            header(d) == "strict-transport-security"
            and d.args[-1] != "0"
            and not includes.inforce(project, block, "set_real_ip_from")
        ):
            yield hit(d.at(1), server=scope.name)


def cors_any(statement: Statement, project: Project, *, credentials: bool) -> Iterator[Hit]:
    """Every origin may read the answers; with `credentials`, only where cookies are let through as well."""
    d = statement.node
    if header(d) != "access-control-allow-origin" or len(d.args) < 2:
        return
    around = {
        header(one): one.args[1].lower()
        for one in in_effect(project, d.parent, "add_header")
        if len(one.args) > 1
    }
    with_cookies = around.get("access-control-allow-credentials") == "true"
    if d.args[1] == "*" and with_cookies is credentials and not _open_data(d):
        yield hit(d.at(2))


def _open_data(directive: Directive) -> bool:
    """Whether a wildcard stands where it is meant: fonts, images and other static files."""
    block: Block | None = directive.parent
    while block is not None:
        if block.owner and block.name == "location" and _OPEN.search(block.owner.value):
            return True
        block = block.parent
    return False


def deprecated(statement: Statement, *, names: Sequence[str]) -> Iterator[Hit]:
    """A header that browsers no longer read, or that does harm."""
    d = statement.node
    if header(d) in names and len(d.args) > 1 and d.args[1] not in {"0", ""}:
        yield hit(d.at(1), header=d.args[0])
