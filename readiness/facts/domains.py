"""Names of hosts: which of them the public DNS may know."""

from __future__ import annotations

import ipaddress

from readiness.facts.table import property_by_fact_name
from readiness.model.lazy_regex import lazy_regex

_HOST_NAME_PATTERN = lazy_regex(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}\.){0,20}[A-Za-z0-9_-]{0,63}\.?|[A-Za-z0-9_.-]{1,253}")


def parse_ip(ip_text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is, or None."""
    try:
        return ipaddress.ip_address(ip_text)
    except ValueError:
        return None


# What no router of the internet passes on: RFC 1918, RFC 6598 and RFC 4193.
_PRIVATE_NETWORKS = tuple(ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))


def is_private_ip(ip_text: str) -> bool:
    """Whether a text is an address that is reached only from the network it stands in."""
    ip_address = parse_ip(ip_text)
    return ip_address is not None and any(ip_address in network for network in _PRIVATE_NETWORKS)


def is_public_dns_name(host: str) -> bool:
    """Whether a name is one of the public DNS: it has a dot and a top-level domain that anybody can register under."""
    host_labels = host.rstrip(".").lower().split(".")
    if len(host_labels) < 2 or not all(host_labels) or parse_ip(host) is not None or _HOST_NAME_PATTERN.fullmatch(host) is None:
        return False
    top_level_domain = host_labels[-1]
    if top_level_domain in property_by_fact_name("top-level-domains", "private") or ("cluster" in host_labels[:-1] and top_level_domain == "local"):
        return False
    public_top_level_domains = property_by_fact_name("top-level-domains", "public")
    return (
        top_level_domain in public_top_level_domains
        or top_level_domain.startswith("xn--")
        or (len(top_level_domain) == 2 and top_level_domain.isalpha())
    )
