"""Hosts and addresses in directives: what is public, what is local, which sockets a server takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from readiness.facts.domains import is_public_name, parse_ip
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive


def split_address(address: str) -> tuple[str, str]:
    """(host, port) of an address as nginx writes them; the brackets of IPv6 stay off."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest.lstrip(":")
    if address.count(":") > 1:
        return address, ""
    host, _, port = address.partition(":")
    return host, port


def is_private_host(host: str) -> bool:
    """Whether an address or a name belongs to a private network."""
    address = parse_ip(host)
    if address is not None:
        return not address.is_global or address.is_multicast
    return not is_public_name(host)


class ListenSocket(NamedTuple):
    """A socket as nginx compares them: the address, the port; and the directive, None for the implicit one."""

    host: str
    port: str
    directive: Directive | None
    options: tuple[str, ...] = ()

    @property
    def conflict_key(self) -> tuple[str, str, str]:
        """What two listeners have in common when they compete: UDP and TCP don't."""
        return self.host, self.port, "udp" if {"quic", "udp"} & set(self.options) else "tcp"


def listen_sockets(block: Block, *, is_http: bool = True) -> Iterator[ListenSocket]:
    """The sockets of a server block; in http a server without `listen` takes port 80."""
    directives = block.directives_named("listen")
    if not directives and is_http:
        yield ListenSocket("*", "80", None)
    for directive in directives:
        if not directive.args or has_variable(directive.args[0]):
            continue
        first, options = directive.args[0], directive.args[1:]
        if first.startswith("unix:"):
            yield ListenSocket(first, "", directive, options)
            continue
        host, port = ("*", first) if first.isdigit() else split_address(first)
        host = "*" if host in {"", "0.0.0.0", "*"} else host.lower()  # noqa: S104 - compared, never bound
        address = parse_ip(host)
        yield ListenSocket(str(address) if address else host, port or "80", directive, options)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a socket of that address."""
    address = parse_ip(host)
    return host == "localhost" or host.startswith("unix:") or bool(address and address.is_loopback)


class PassTarget(NamedTuple):
    """What a `*_pass` names: the scheme, the host with its port, and the rest from the first slash, if any."""

    scheme: str
    host: str
    uri: str


def parse_pass_target(text: str) -> PassTarget:
    """The parts of a `proxy_pass` argument. A UNIX socket's path is its host, what follows the colon its URI."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    if rest.startswith("unix:"):
        path, _, uri = rest[5:].partition(":")
        return PassTarget(scheme, "unix:" + path, uri)
    for place, char in enumerate(rest):
        if char in "/?":
            return PassTarget(scheme, rest[:place], rest[place:])
    return PassTarget(scheme, rest, "")
