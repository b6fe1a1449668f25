"""What the directives of nginx show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import is_tls_server
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.nginx import Block, Directive

_FACT_BY_DIRECTIVE = {
    "client_max_body_size": "body-size-bounded",
    "limit_req": "request-limit",
    "proxy_read_timeout": "proxy-timeout",
    "ssl_certificate": "certificate",
    "ssl_certificate_key": "certificate-key",
    "ssl_ciphers": "tls-ciphers",
    "ssl_protocols": "tls-protocols",
}
_FACT_BY_RESPONSE_HEADER = {
    "access-control-allow-origin": "header-cors",
    "content-security-policy": "header-csp",
    "referrer-policy": "header-referrer",
    "x-content-type-options": "header-nosniff",
    "x-frame-options": "header-frame",
}
_FACT_BY_PROXY_HEADER = {
    "connection": "upgrade-connection",
    "host": "forwarded-host",
    "upgrade": "upgrade-header",
    "x-forwarded-for": "forwarded-for",
    "x-forwarded-proto": "forwarded-proto",
    "x-real-ip": "forwarded-address",
}
_HEALTH_PATH = lazy_regex(r"health|/ping|/live|/ready|/status", re.IGNORECASE)
_OFF_TEXTS = frozenset({"off", "0", ""})


def nginx_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every directive, wherever the file stands."""
    for document in project.documents_of_kind("nginx"):
        if document.source.fragment:
            continue
        if document.source.parent is not None:
            yield "embedded-config", document.source, Span(0, 0)
        for directive in document.walk_directives():
            for fact_name in _directive_facts(directive):
                yield fact_name, directive.source, directive.head_span


def _directive_facts(directive: Directive) -> Iterator[str]:
    lower_case_arguments = [word.lower() for word in directive.args]
    first_argument = lower_case_arguments[0] if lower_case_arguments else ""
    if directive.name in _FACT_BY_DIRECTIVE and first_argument not in _OFF_TEXTS:
        yield _FACT_BY_DIRECTIVE[directive.name]
        if directive.name == "limit_req" and any(word.startswith("burst=") for word in lower_case_arguments):
            yield "request-limit-burst"
    elif directive.name == "add_header" and first_argument in _FACT_BY_RESPONSE_HEADER:
        yield _FACT_BY_RESPONSE_HEADER[first_argument]
        if lower_case_arguments[-1] == "always":
            yield f"{_FACT_BY_RESPONSE_HEADER[first_argument]}-always"
    elif directive.name == "proxy_set_header" and first_argument in _FACT_BY_PROXY_HEADER and lower_case_arguments[-1]:
        yield _FACT_BY_PROXY_HEADER[first_argument]
    elif directive.name in {"access_log", "error_log"} and first_argument not in _OFF_TEXTS | {"/dev/null"}:
        yield "access-log" if directive.name == "access_log" else "error-log"
    elif (directive.name, first_argument) in {("gzip", "on"), ("brotli", "on"), ("zstd", "on")}:
        yield "compression"
    elif directive.name in {"return", "rewrite"} and "".join(lower_case_arguments[1:2]).startswith("https://"):
        yield "https-redirect"
    elif directive.name == "expires" and first_argument not in _OFF_TEXTS | {"epoch", "-1"}:
        yield "static-caching"
    elif directive.name == "proxy_pass" and _is_in_tls_server(directive):
        yield "tls-entry"
    elif directive.block is not None:
        yield from _block_facts(directive)


def _block_facts(directive: Directive) -> Iterator[str]:
    block = directive.block
    if block is None:
        return
    if directive.name == "upstream" and any(d.name in property_by_fact_name("nginx-directives", "balances") for d in block.directives):
        yield "balanced-upstream"
    if directive.name == "upstream" and len(block.directives_named("server")) > 1:
        yield "balanced-servers"
    is_health_location = directive.name == "location" and directive.args and _HEALTH_PATH.search(directive.args[-1])
    if is_health_location and "off" in block.get("access_log", ()):
        yield "health-unlogged"


def _is_in_tls_server(directive: Directive) -> bool:
    block: Block | None = directive.parent
    while block is not None and block.opening_directive_name != "server":
        block = block.enclosing_block
    return block is not None and is_tls_server(block)
