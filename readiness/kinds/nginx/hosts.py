"""Hosts and addresses in directives: what is public, what is local, which sockets a server takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from readiness.facts.domains import is_public_dns_name, parse_ip
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive


def split_host_and_port(address_and_port: str) -> tuple[str, str]:
    """(host, port) of an address as nginx writes them; the brackets of IPv6 stay off."""
    if address_and_port.startswith("["):
        host, _, text_after_bracket = address_and_port[1:].partition("]")
        return host, text_after_bracket.lstrip(":")
    if address_and_port.count(":") > 1:
        return address_and_port, ""
    host, _, port = address_and_port.partition(":")
    return host, port


def is_private_or_local_host(host: str) -> bool:
    """Whether an address or a name belongs to a private network."""
    ip_address = parse_ip(host)
    if ip_address is not None:
        return not ip_address.is_global or ip_address.is_multicast
    return not is_public_dns_name(host)


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
    listen_directives = block.directives_named("listen")
    if not listen_directives and is_http:
        yield ListenSocket("*", "80", None)
    for directive in listen_directives:
        if not directive.args or has_variable_sign(directive.args[0]):
            continue
        address_argument, listen_options = directive.args[0], directive.args[1:]
        if address_argument.startswith("unix:"):
            yield ListenSocket(address_argument, "", directive, listen_options)
            continue
        host, port = ("*", address_argument) if address_argument.isdigit() else split_host_and_port(address_argument)
        host = "*" if host in {"", "0.0.0.0", "*"} else host.lower()  # noqa: S104 - compared, never bound
        ip_address = parse_ip(host)
        yield ListenSocket(str(ip_address) if ip_address else host, port or "80", directive, listen_options)


def is_loopback_host(host: str) -> bool:
    """Whether only this machine reaches a socket of that address."""
    ip_address = parse_ip(host)
    return host == "localhost" or host.startswith("unix:") or bool(ip_address and ip_address.is_loopback)


class PassTarget(NamedTuple):
    """What a `*_pass` names: the scheme, the host with its port, and the rest from the first slash, if any."""

    scheme: str
    host: str
    uri: str


def parse_pass_target(pass_argument: str) -> PassTarget:
    """The parts of a `proxy_pass` argument. A UNIX socket's path is its host, what follows the colon its URI."""
    scheme, separator, text_after_scheme = pass_argument.partition("://")
    if not separator:
        scheme, text_after_scheme = "", pass_argument
    if text_after_scheme.startswith("unix:"):
        socket_path, _, uri = text_after_scheme[5:].partition(":")
        return PassTarget(scheme, "unix:" + socket_path, uri)
    for char_index, char in enumerate(text_after_scheme):
        if char in "/?":
            return PassTarget(scheme, text_after_scheme[:char_index], text_after_scheme[char_index:])
    return PassTarget(scheme, text_after_scheme, "")


_LITERAL_HOST_PATTERN = lazy_regex(r"[a-z0-9](?:[a-z0-9_-]{0,62})\Z")
_LOCAL_HOST_NAMES = frozenset({"localhost", "host", "ip6-localhost", "gateway"})


@dataclass(frozen=True, slots=True)
class ProxyTarget:
    """A place that nginx sends requests to: the host as written, and the port in digits or empty."""

    host: str
    port: str
    scheme: str


def proxy_target_of_directive(d: Directive) -> ProxyTarget | None:
    """Where a `*_pass` or an upstream's `server` sends requests; None where that is no plain name."""
    if not d.args or (d.name == "server" and (d.parent.opening_directive_name != "upstream" or d.block is not None)):
        return None
    target_text = d.args[0]
    if any(char in target_text for char in "${}%<"):
        return None
    pass_target = parse_pass_target(target_text)
    if pass_target.host.startswith("unix:"):
        return None
    target_host, target_port = split_host_and_port(pass_target.host)
    if not _LITERAL_HOST_PATTERN.match(target_host) or target_host in _LOCAL_HOST_NAMES or target_host.isdigit():
        return None
    return ProxyTarget(target_host, target_port, pass_target.scheme)
