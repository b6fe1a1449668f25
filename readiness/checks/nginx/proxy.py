"""Proxying: where requests can be sent, what the backend is told, and when names are looked up."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Sequence

from readiness.checks.nginx.headers import header
from readiness.checks.nginx.variables import definitions, names, spans, variable
from readiness.kinds.nginx import Scope, Statement, hosts, includes, takes_all, versions
from readiness.model import Aside, Hit, Unknown, hit, joined, missing
from readiness.model.project import Project
from readiness.syntax import pcre_tree
from readiness.syntax.nginx import Block, Directive

_PASSES = {"proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass"}
_DOT = pcre_tree.mask(".")
_ENVIRONMENT = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")


def host_from_client(statement: Statement, project: Project) -> Iterator[Hit]:
    """The backend is told a Host that the client chose."""
    d = statement.node
    if header(d) not in {"host", ":authority"} or len(d.args) < 2:
        return
    for name in names(d.args[1]):
        if _chosen(name):
            yield hit(d.at(2), variable=f"${name}")
            return
        for one in definitions(project, d.parent, name):
            if (
                one.name == "set"
                and len(one.args) > 1
                and any(_chosen(inner) for inner in names(one.args[1]))
            ):
                yield hit(d.at(2), variable=f"${name}")
                return


def _chosen(name: str) -> bool:
    return name.startswith(("http_", "cookie_", "arg_")) or name in {"args", "query_string"}


def forgery(statement: Statement, project: Project) -> Iterator[Hit]:
    """The client chooses the host that nginx sends the request to."""
    d = statement.node
    if not d.args or includes.own(project, d.parent, "internal"):
        return
    if any(
        one.name == "location" and includes.own(project, one, "internal")
        for one in includes.chain(project, d.parent)
    ):
        return
    text = d.args[0]
    scheme, mark, rest = text.partition("://")
    fixed = bool(mark) and "$" not in scheme
    for literal, name in spans(rest if fixed else text):
        if (
            re.search("[/?#]", literal if fixed else literal.replace("://", ""))
            or name in {"", "is_args"}
            or re.search(r":\d+$", literal)
        ):
            return  # the host ends before this variable
        value = variable(project, d, name)
        if value.client & _DOT and not value.slash:
            yield hit(d.at(1), variable=f"${name}")
            return
        if value.slash:
            return


def resolved_once(statement: Statement, project: Project) -> Iterator[Hit]:
    """A public name is looked up when nginx starts and never again."""
    d = statement.node
    if not d.args or "$" in d.args[0] or d.parent.name == "upstream":
        return
    place = hosts.target(d.args[0])
    host = hosts.split(place.host)[0]
    if hosts.public_name(host) and host.lower() not in _upstreams(project, d.parent):
        yield hit(d.at(1), host=host)


def server_resolved_once(statement: Statement) -> Iterator[Hit]:
    """A public name in an `upstream` is looked up when nginx starts and never again."""
    d = statement.node
    if d.parent.name != "upstream" or not d.args or "resolve" in d.args or "down" in d.args:
        return
    host = hosts.split(d.args[0])[0]
    if "$" not in host and hosts.public_name(host):
        yield hit(d.at(1), host=host)


def upstream_resolver(statement: Statement, project: Project) -> Iterator[Hit | Unknown]:
    """A server of an `upstream` is to be looked up again and again, and no resolver is set."""
    d = statement.node
    if "resolve" not in d.args or includes.inforce(project, d.parent, "resolver"):
        return
    place = d.at(d.args.index("resolve") + 1)
    if includes.opaque(project, d.parent) or not includes.whole(project, d.parent):
        yield Unknown(place)
    else:
        yield hit(place)


def _upstreams(project: Project, block: Block) -> ChainMap[str, Block]:
    """The upstream groups in sight of a block, by name."""
    return ChainMap(
        *(includes.once(project, _groups, level) for level in includes.chain(project, block))
    )


def _groups(project: Project, block: Block) -> dict[str, Block]:
    """The upstream groups of a level, by name."""
    return {
        d.args[0].lower(): d.block
        for d in includes.own(project, block, "upstream")
        if d.args and d.block is not None
    }


def no_resolver(statement: Statement, project: Project) -> Iterator[Hit | Unknown]:
    """A pass with a variable must look its host up for each request, and no resolver is set."""
    d = statement.node
    if not d.args or "$" not in d.args[0] or includes.inforce(project, d.parent, "resolver"):
        return
    place = hosts.target(d.args[0])
    if _ENVIRONMENT.search(d.args[0]) and not names(_ENVIRONMENT.sub("", d.args[0])):
        return  # filled in before nginx starts
    known = _upstreams(project, d.parent)
    for host in _hosts(project, d, place.host):
        whole = hosts.target(host).host
        name = "" if whole.startswith("unix:") else hosts.split(whole)[0].lower()
        if not name or "$" in name or hosts.ip(name) or name in known or name == "localhost":
            continue
        # A name without a dot may be an upstream in a file that is not in sight.
        if includes.opaque(project, d.parent) or (
            "." not in name and not includes.whole(project, d.parent)
        ):
            yield Unknown(d.at(1))
        else:
            yield hit(d.at(1), host=name)
        return


def _hosts(project: Project, d: Directive, text: str) -> list[str]:
    """The hosts that a pass can mean: the text itself, or what its one variable is set to."""
    if "$" not in text:
        return [text]
    found = names(text)
    head = text.partition("$")[0]
    if head and found and variable(project, d, found[0]).slash:
        return [head]  # the variable is the path
    if len(found) != 1 or not re.fullmatch(r"\$\{?\w+\}?(?::\d+)?", text):
        return []
    values: list[str] = []
    for one in definitions(project, d.parent, found[0]):
        if one.name == "set":
            values += one.args[1:2]
        elif one.block is not None:
            values += [entry.args[-1] for entry in one.block.directives if entry.args]
    return values


def resolver_external(statement: Statement) -> Iterator[Hit]:
    """Names are looked up at a server outside of the own network."""
    d = statement.node
    for number, word in enumerate(d.args, 1):
        if "=" in word or "$" in word:
            continue
        if not hosts.local(hosts.split(word)[0]):
            yield hit(d.at(number), address=word)
            return


def forwarded(scope: Scope, project: Project, *, headers: Sequence[str]) -> Iterator[Hit | Unknown]:
    """A backend is not told who the client is, which name it asked for, or by which scheme."""
    block = scope.node
    passes = [d for d in block.all("proxy_pass") if d.args]
    if not passes or includes.own(project, block, "internal"):
        return
    host = hosts.split(hosts.target(passes[0].args[0]).host)[0]
    if hosts.public_name(host) or re.search(
        r"well-known|health|metrics|static|assets", block.owner.value if block.owner else ""
    ):
        return  # somebody else's service: it has its own name and no business with the client
    given = {header(d) for d in includes.inforce(project, block, "proxy_set_header")}
    absent = [
        name
        for name in headers
        if name.lower() not in given and not ("forwarded" in given and name != "Host")
    ]
    if not absent:
        return
    if includes.opaque(project, block):
        yield Unknown(passes[0].at(1))
    else:
        yield missing(passes[0].head, headers=joined(absent))


def upgrade(scope: Scope, project: Project) -> Iterator[Hit | Aside]:
    """`Upgrade` is passed on, but not the rest of what a WebSocket needs."""
    block = scope.node
    passes = block.all("proxy_pass")
    if not passes:
        yield Aside()
        return
    lines = includes.inforce(project, block, "proxy_set_header")
    upgrades = _sends(lines, "upgrade")
    if not upgrades:
        yield Aside()
        return
    absent = []
    if includes.value(
        project, block, "proxy_http_version", _default_version(project, scope)
    ) not in {
        "1.1",
        "2",
    }:
        absent.append("proxy_http_version 1.1")
    if not any(
        header(d) == "connection" and re.search(r"upgrade|\$", d.args[1], re.IGNORECASE)
        for d in lines
        if len(d.args) > 1
    ):
        absent.append("proxy_set_header Connection")
    if absent and not includes.opaque(project, block):
        place = upgrades[-1] if upgrades[-1].source is scope.source else passes[0]
        yield hit(place.head, absent=joined(absent))


_SOCKETS = re.compile(r"(?:^|[^a-z])(?:wss?|websockets?|sockets?|chat|live|hub)(?:[^a-z]|\\Z)")


def upgrade_always(scope: Scope, project: Project) -> Iterator[Hit | Aside]:
    """Every request of a server goes to the backend with `Connection: upgrade`, WebSocket or not."""
    block = scope.node
    passes = block.all("proxy_pass")
    lines = includes.inforce(project, block, "proxy_set_header")
    whole = block.owner is not None and takes_all(block.owner)
    if not whole or not passes or not _sends(lines, "upgrade"):
        yield Aside()
        return
    server = includes.enclosing(project, block, "server")
    named = includes.own(project, server, "server_name") if server is not None else []
    if _SOCKETS.search(" ".join(one.value.lower() for one in (*passes, *named))):
        yield Aside()
        return
    constant = [d for d in _sends(lines, "connection") if d.args[1].lower() == "upgrade"]
    if constant:
        yield hit(constant[-1].at(2), at=constant[-1].source)


def _sends(lines: list[Directive], name: str) -> list[Directive]:
    """The directives that set a header to something."""
    return [d for d in lines if header(d) == name and len(d.args) > 1 and d.args[1]]


def _default_version(project: Project, scope: Scope) -> str:
    """The HTTP version towards backends where none is set: 1.1 since nginx 1.29.7."""
    return "1.1" if versions.at_least(project, scope.source, (1, 29, 7), (1, 30, 0)) else "1.0"


def websocket_timeout(scope: Scope, project: Project) -> Iterator[Hit | Unknown | Aside]:
    """A location for WebSockets keeps the time-out of 60 seconds, which ends quiet connections."""
    block = scope.node
    passes = block.all("proxy_pass")
    upgrades = [
        d for d in includes.inforce(project, block, "proxy_set_header") if header(d) == "upgrade"
    ]
    if not passes or not upgrades:
        yield Aside()
        return
    if includes.inforce(project, block, "proxy_read_timeout"):
        return
    if includes.opaque(project, block):
        yield Unknown(passes[0].at(1))
    else:
        yield missing(passes[0].head)


def keepalive_unused(scope: Scope, project: Project) -> Iterator[Hit]:
    """An upstream keeps connections open, and the requests to it close them."""
    block = scope.node
    passes = [d for d in block.all("proxy_pass") if d.args]
    if not passes:
        return
    group = _upstreams(project, block).get(
        hosts.split(hosts.target(passes[0].args[0]).host)[0].lower()
    )
    if group is None or not group.all("keepalive"):
        return
    lines = includes.inforce(project, block, "proxy_set_header")
    default = _default_version(project, scope)
    version = includes.value(project, block, "proxy_http_version", default)
    connection = next(
        (d.args[1] for d in lines if header(d) == "connection" and len(d.args) > 1),
        "close" if default == "1.0" else "",
    )
    if version not in {"1.1", "2"} or connection.lower() == "close":
        yield hit(passes[0].head, upstream=group.owner.value if group.owner else "")


def single_backend(scope: Scope) -> Iterator[Hit]:
    """An upstream has one server: when it is down, so is the site."""
    servers = [d for d in scope.node.all("server") if d.args and "down" not in d.args]
    if (
        len(servers) == 1
        and "resolve" not in servers[0].args
        and not servers[0].args[0].startswith("unix:")
    ):
        yield hit(servers[0].at(1), upstream=scope.name)


def no_upstream(statement: Statement, project: Project) -> Iterator[Hit]:
    """A backend is named in the `proxy_pass` itself, so there is one of it and no connection is kept open."""
    d = statement.node
    if not d.args or "$" in d.args[0] or not d.args[0].startswith(("http://", "https://")):
        return
    host = hosts.split(hosts.target(d.args[0]).host)[0].lower()
    if host in _upstreams(project, d.parent) or host.startswith("unix:") or hosts.public_name(host):
        return
    if ":" in hosts.target(d.args[0]).host or hosts.ip(host) or host == "localhost":
        yield hit(d.at(1), host=host)


def parameter(
    statement: Statement, *, within: Sequence[str], words: Sequence[str]
) -> Iterator[Hit]:
    """A directive has one of the given parameters, in a block of one of the given names."""
    d = statement.node
    if within and d.parent.name not in within:
        return
    for number, word in enumerate(d.args, 1):
        if word in words:
            yield hit(d.at(number), word=word)
            return
