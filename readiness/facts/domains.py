"""Names of hosts: which of them the public DNS may know."""

from __future__ import annotations

import ipaddress
import re

from readiness.facts.table import fact_column

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}\.){0,20}[A-Za-z0-9_-]{0,63}\.?|[A-Za-z0-9_.-]{1,253}")


def parse_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is, or None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


# What no router of the internet passes on: RFC 1918, RFC 6598 and RFC 4193.
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def is_private_ip(host: str) -> bool:
    """Whether a text is an address that is reached only from the network it stands in."""
    address = parse_ip(host)
    return address is not None and any(address in network for network in _PRIVATE_NETWORKS)


def is_public_name(host: str) -> bool:
    """Whether a name is one of the public DNS: it has a dot and a top-level domain that anybody can register under."""
    labels = host.rstrip(".").lower().split(".")
    if len(labels) < 2 or not all(labels) or parse_ip(host) is not None or _HOST.fullmatch(host) is None:
        return False
    last = labels[-1]
    if last in fact_column("top-level-domains", "private") or ("cluster" in labels[:-1] and last == "local"):
        return False
    known = fact_column("top-level-domains", "public")
    return last in known or last.startswith("xn--") or (len(last) == 2 and last.isalpha())
