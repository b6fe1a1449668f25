"""TLS: versions, ciphers, certificates, stapling, and the way from HTTP to HTTPS."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.facts.domains import parse_ip
from readiness.facts.table import fact_column
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_tls_server,
    versions,
)
from readiness.model import (
    CheckOutcome,
    NotApplicable,
    Severity,
    Span,
    Undecidable,
    hit,
    join_names,
    missing,
)
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

_OUTDATED_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
# Names of suites and groups of OpenSSL whose use is a known weakness: no or export encryption, RC4, (3)DES, MD5, no
# authentication. `ALL` and the class names bring some of them in.
_WEAK_CIPHER = re.compile(
    r"(?:^|-|_)(?:RC4|RC2|DES|3DES|DES3|MD5|NULL|EXP|EXPORT|EXPORT40|EXPORT56|ADH|AECDH|aNULL|eNULL|IDEA|SEED|LOW|CBC3|PSK)(?:-|_|$)|^(?:ALL|COMPLEMENTOFALL)$"
)
# Those that are no longer strong, and that nobody reads who has not recorded very much: short blocks, MD5 in a MAC.
_AGEING_CIPHER = re.compile(r"^(?!.*(?:RC4|RC2|NULL|EXP|ADH|AECDH)).*(?:CBC3|3DES|DES3|IDEA|SEED|PSK|MD5)")
_FORWARD_SECRET_CIPHER = re.compile(r"^(?:ECDHE|DHE|EECDH|EDH|kEECDH|kEDH|TLS_)")
_AEAD_CIPHER = re.compile(r"GCM|CCM|CHACHA20|POLY1305|^TLS_")
_HYBRID_KEY_EXCHANGE = re.compile(r"\w{0,60}(?:Kyber|MLKEM)\w*", re.IGNORECASE)


def tls_protocol_old(statement: DirectiveSubject) -> CheckOutcome:
    """`ssl_protocols` and its kin name versions before TLS 1.2; those before TLS 1.0 can be read on the way."""
    d = statement.node
    found = [(number, word) for number, word in enumerate(d.args, 1) if word in _OUTDATED_PROTOCOLS]
    if found:
        span = Span(d.at(found[0][0]).start, d.at(found[0][0]).end)
        broken = any(word.startswith("SSL") for _, word in found)
        severity = Severity.HIGH if broken else Severity.MEDIUM
        yield hit(span, severity=severity, version=join_names([word for _, word in found]))


def tls_cipher_weak(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The cipher list offers suites that are broken."""
    d = statement.node
    if not d.args or has_variable(d.args[0]) or _is_only_tls13(project, d):
        return
    weak: list[str] = []
    for entry in re.split(r"[:, ]", d.args[0]):
        if entry and entry[0] not in "!-@" and entry != "DEFAULT" and _WEAK_CIPHER.search(entry.lstrip("+")):
            if entry.lstrip("+") not in {"ALL", "COMPLEMENTOFALL"} and _is_excluded_later(entry.lstrip("+"), d.args[0]):
                continue
            weak.append(entry.lstrip("+"))
    broken = [cipher for cipher in weak if not _AGEING_CIPHER.search(cipher)]
    for cipher in (broken or weak)[:1]:
        severity = Severity.HIGH if broken else Severity.MEDIUM
        yield hit(d.at(1), severity=severity, cipher=cipher)


def _is_excluded_later(cipher: str, cipher_list: str) -> bool:
    """Whether a later `!` takes a weak entry out again."""
    parts = set(cipher.split("-")) | {cipher, "3DES" if "CBC3" in cipher else cipher}
    return any(f"!{part}" in re.split(r"[:, ]", cipher_list) for part in parts)


def _is_only_tls13(project: Project, directive: Directive) -> bool:
    """`ssl_ciphers` does not concern TLS 1.3."""
    prefix = directive.name.removesuffix("ciphers")
    return includes.effective_value(project, directive.parent, f"{prefix}protocols") == "TLSv1.3"


def tls_cipher_without_forward_secrecy(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A suite in the list has no forward secrecy or no authenticated encryption."""
    d = statement.node
    if not d.args or has_variable(d.args[0]) or _is_only_tls13(project, d):
        return
    for entry in re.split(r"[:, ]", d.args[0]):
        name = entry.lstrip("+")
        if "-" not in name or name[:1] in "!-@" or _WEAK_CIPHER.search(name):
            continue
        if not _FORWARD_SECRET_CIPHER.search(name) or not _AEAD_CIPHER.search(name):
            yield hit(d.at(1), cipher=name)
            return


def tls_certificate_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server takes TLS and has no certificate, or no key for it."""
    block = scope.node
    if not scope.tls or includes.effective_value(project, block, "ssl_reject_handshake") == "on":
        return
    absent = [n for n in ("ssl_certificate", "ssl_certificate_key") if not includes.effective_directives(project, block, n)]
    if not absent or any(d.name.startswith("ssl_certificate_by") for d in includes.directives_of(project, block)):
        return
    if includes.may_be_set_in_unread_file(project, block) or not _is_http_level_known(project, block):
        yield Undecidable(block.at())
        return
    yield missing(_tls_listen_span(block), directive=absent[0])


def _is_http_level_known(project: Project, block: Block) -> bool:
    """Whether the http level is in sight, or the whole project has none: then nothing else can set it."""
    return includes.is_http_context_known(project, block) or not any(
        d.name == "http"
        for document in project.documents_of_kind("nginx")
        for _, root in document.sections
        for d in root.directives
    )


def _tls_listen_span(block: Block) -> Span:
    """The `listen ... ssl` line, the best place for what a TLS server lacks."""
    directives = [d for d in block.directives_named("listen") if {"ssl", "quic"} & set(d.args)]
    return directives[0].head_span if directives else block.at()


def https_redirect_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """Content is served over plain HTTP under a name that has TLS as well, and nothing redirects there."""
    block = scope.node
    plain = [
        listen for listen in hosts.listen_sockets(block) if listen.port == "80" and not {"ssl", "quic"} & set(listen.options)
    ]
    if not _is_redirecting(project, block) and (not plain or all(hosts.is_loopback(one.host) for one in plain)):
        yield NotApplicable()
        return
    if not plain or _is_redirecting(project, block):
        return
    names = server_names(project, block)
    secure = _tls_names_of_same_nginx(project, block)
    twins = bool(names & secure) if names else bool(secure)
    if not (scope.tls or twins) or not is_serving_content(project, block):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
        return
    place = plain[0].directive
    yield hit(place.at("value") if place else block.at(), server=scope.name)


def _tls_names_of_same_nginx(project: Project, block: Block) -> set[str]:
    """The names under which a server and those of the same nginx take TLS; the empty name where one has none."""
    if block.enclosing_block is None or block.owner is None:
        return set()
    level = includes.enclosing_block(project, block.enclosing_block)
    found: set[str] = set()
    for first, names in project.memoize_for_subject(_names_with_tls, level).values():
        if includes.may_be_one_server(project, first, block.owner):
            found |= names
    return found


def _names_with_tls(block: Block, project: Project) -> dict[str, tuple[Directive, set[str]]]:
    """The names under which the servers of a level take TLS, by their file, with the first such server."""
    found: dict[str, tuple[Directive, set[str]]] = {}
    for d in includes.directives_of(project, block, "server"):
        if d.block is not None and is_tls_server(d.block):
            names = server_names(project, d.block) or {""}
            found.setdefault(d.source.root.path, (d, set()))[1].update(names)
    return found


def server_names(project: Project, block: Block) -> set[str]:
    """The names of a server, lower case; `_` and the empty name are none."""
    return {name.lower() for d in includes.directives_of(project, block, "server_name") for name in d.args} - {
        "_",
        "",
    }


def is_serving_content(project: Project, block: Block) -> bool:
    """Whether a server has more than certificate challenges and health checks in it."""
    for d in includes.directives_within(project, block):
        if d.name in fact_column("nginx-directives", "content"):
            holder = d.parent.owner
            if not (holder and holder.name == "location" and "well-known" in holder.joined_arguments):
                return True
    return False


def _is_redirecting(project: Project, block: Block) -> bool:
    """Whether a server sends its visitors on to HTTPS: by return or rewrite, in itself, in an `if`, or from `/`."""
    for d in includes.directives_within(project, block):
        if d.name in {"return", "rewrite"} and any("https://" in word for word in d.args):
            return True
        if d.name == "error_page" and any("https://" in word for word in d.args):
            return True
    return False


def tls_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A whole configuration that proxies to an application has no server with TLS."""
    block = scope.node
    servers = [d.block for d in includes.directives_of(project, block, "server") if d.block is not None]
    passing = any(d.name in fact_column("nginx-directives", "application") for d in includes.directives_within(project, block))
    if (
        not servers
        or not passing
        or any(is_tls_server(one) for one in servers)
        or includes.may_be_set_in_unread_file(project, block)
    ):
        return
    yield missing(block.at())


def switch_on(statement: DirectiveSubject) -> CheckOutcome:
    """A switch is on that should be off."""
    if statement.node.args and statement.node.args[0] == "on":
        yield hit(statement.node.at(1))


def ssl_directive_removed(statement: DirectiveSubject) -> CheckOutcome:
    """The directive `ssl`, on or off, which nginx does not know since 1.25.1."""
    if statement.name == "ssl" and statement.value in ("on", "off"):
        yield hit(statement.node.at(1))


def tls_session_tickets(scope: BlockScope, project: Project) -> CheckOutcome:
    """Session tickets are on without a key that somebody rotates: the key lives as long as the process.

    From 1.23.2 on nginx rotates the keys by itself where the cache of sessions is shared; unless an image says that it is older, it does.
    """
    block = scope.node
    if not scope.tls or includes.effective_directives(project, block, "ssl_session_ticket_key"):
        return
    cache = includes.effective_directives(project, block, "ssl_session_cache")
    is_shared = any(argument.startswith("shared:") for directive in cache for argument in directive.args)
    if is_shared and not versions.is_nginx_below(project, scope.source, (1, 23, 2)):
        return
    directives = includes.effective_directives(project, block, "ssl_session_tickets")
    if directives and directives[-1].joined_arguments == "on":
        yield hit(directives[-1].at(1), at=directives[-1].source)
    elif not directives and includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
    elif not directives and includes.is_http_context_known(project, block):
        yield missing(_tls_listen_span(block))


def tls_dhparam_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The cipher list names suites with DHE and no parameters for them are given, so they are never used."""
    d = statement.node
    if not d.args or d.name != "ssl_ciphers" or includes.effective_directives(project, d.parent, "ssl_dhparam"):
        return
    ciphers = [entry for entry in re.split(r"[:, ]", d.args[0]) if re.match(r"(?:DHE|EDH|kEDH)-?", entry)]
    if not ciphers:
        return
    if includes.may_be_set_in_unread_file(project, d.parent) or not includes.is_http_context_known(project, d.parent):
        yield Undecidable(d.at(1))
    else:
        yield hit(d.at(1), cipher=ciphers[0])


# -- stapling, curves, HTTP/2 --------------------------------------------------------------------------------------


def stapling_without_resolver(scope: BlockScope, project: Project) -> CheckOutcome:
    """OCSP stapling must look up the responder's name, and there is no resolver."""
    block = scope.node
    staple = _effective_stapling(project, scope)
    if staple is None or includes.effective_directives(project, block, "resolver"):
        return
    responder = includes.effective_value(project, block, "ssl_stapling_responder")
    if responder and parse_ip(hosts.split_address(hosts.parse_pass_target(responder).host)[0]):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
    elif staple.source is scope.source:
        yield hit(staple.head_span)
    else:
        yield hit(block.at())


def _effective_stapling(project: Project, scope: BlockScope) -> Directive | None:
    """The `ssl_stapling on` that works in a TLS server which gets its answers from the responder."""
    directives = includes.effective_directives(project, scope.node, "ssl_stapling")
    if (
        not scope.tls
        or not directives
        or directives[-1].joined_arguments != "on"
        or includes.effective_directives(project, scope.node, "ssl_stapling_file")
    ):
        return None
    return directives[-1]


def stapling_letsencrypt(scope: BlockScope, project: Project) -> CheckOutcome:
    """OCSP stapling is on for a certificate of Let's Encrypt, which has no responder any more."""
    staple = _effective_stapling(project, scope)
    if staple is None:
        return
    for d in includes.effective_directives(project, scope.node, "ssl_certificate"):
        if "/letsencrypt/" in d.joined_arguments:
            yield (hit(staple.head_span, at=staple.source) if staple.source is not scope.source else hit(staple.head_span))
            return


def ecdh_curve_unknown_to_older_openssl(statement: DirectiveSubject) -> CheckOutcome:
    """A group is named that older OpenSSL does not know, and nothing lets it skip the name."""
    d = statement.node
    for entry in re.split(r"[:, ]", d.args[0] if d.args else ""):
        if _HYBRID_KEY_EXCHANGE.fullmatch(entry):
            yield hit(d.at(1), group=entry)
            return


def http2_default_server_without_421(scope: BlockScope, project: Project) -> CheckOutcome:
    """The default server refuses unknown names in the handshake, but a reused HTTP/2 connection gets past that."""
    block = scope.node
    default = any({"default_server", "default"} & set(d.args) for d in block.directives_named("listen"))
    http2 = includes.effective_value(project, block, "http2") == "on" or any(
        "http2" in d.args for d in block.directives_named("listen")
    )
    if not default or not http2 or includes.effective_value(project, block, "ssl_reject_handshake") != "on":
        return
    returned = {d.args[0] for d in includes.directives_within(project, block) if d.name == "return" and d.args}
    if not returned & {"421", "444"}:
        reject = includes.effective_directives(project, block, "ssl_reject_handshake")[-1]
        yield hit(reject.head_span, at=reject.source)


def listen_http2_deprecated(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`http2` as a parameter of `listen`, which nginx 1.25.1 replaced by a directive."""
    d = statement.node
    for number, word in enumerate(d.args, 1):
        if word == "http2" and not versions.is_nginx_below(project, d.source, (1, 25, 1)):
            yield hit(d.at(number))


def backend_certificate_unverified(statement: DirectiveSubject, project: Project, *, switches: Sequence[str]) -> CheckOutcome:
    """A backend is spoken to over TLS and its certificate is not looked at."""
    d = statement.node
    if not d.args or not d.args[0].startswith(("https://", "grpcs://")):
        return
    switch = switches[1] if d.name == "grpc_pass" else switches[0]
    if includes.effective_value(project, d.parent, switch) == "on":
        return
    if includes.may_be_set_in_unread_file(project, d.parent):
        yield Undecidable(d.at(1))
    else:
        yield hit(d.at(1), directive=switch)
