"""TLS: versions, ciphers, certificates, stapling, and the way from HTTP to HTTPS."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.facts.domains import parse_ip
from readiness.facts.table import property_by_fact_name
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
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

_OUTDATED_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
# Names of suites and groups of OpenSSL whose use is a known weakness: no or export encryption, RC4, (3)DES, MD5, no
# authentication. `ALL` and the class names bring some of them in.
_WEAK_CIPHER = lazy_regex(
    r"(?:^|-|_)(?:RC4|RC2|DES|3DES|DES3|MD5|NULL|EXP|EXPORT|EXPORT40|EXPORT56|ADH|AECDH|aNULL|eNULL|IDEA|SEED|LOW|CBC3|PSK)(?:-|_|$)|^(?:ALL|COMPLEMENTOFALL)$"
)
# Those that are no longer strong, and that nobody reads who has not recorded very much: short blocks, MD5 in a MAC.
_AGEING_CIPHER = lazy_regex(r"^(?!.*(?:RC4|RC2|NULL|EXP|ADH|AECDH)).*(?:CBC3|3DES|DES3|IDEA|SEED|PSK|MD5)")
_FORWARD_SECRET_CIPHER = lazy_regex(r"^(?:ECDHE|DHE|EECDH|EDH|kEECDH|kEDH|TLS_)")
_AEAD_CIPHER = lazy_regex(r"GCM|CCM|CHACHA20|POLY1305|^TLS_")
_HYBRID_KEY_EXCHANGE = lazy_regex(r"\w{0,60}(?:Kyber|MLKEM)\w*", re.IGNORECASE)


def tls_protocol_old(statement: DirectiveSubject) -> CheckOutcome:
    """`ssl_protocols` and its kin name versions before TLS 1.2; those before TLS 1.0 can be read on the way."""
    directive = statement.node
    outdated_number_protocol_pairs = [(number, word) for number, word in enumerate(directive.args, 1) if word in _OUTDATED_PROTOCOLS]
    if outdated_number_protocol_pairs:
        first_protocol_span = Span(directive.at(outdated_number_protocol_pairs[0][0]).start, directive.at(outdated_number_protocol_pairs[0][0]).end)
        has_ssl_version = any(word.startswith("SSL") for _, word in outdated_number_protocol_pairs)
        severity = Severity.HIGH if has_ssl_version else Severity.MEDIUM
        yield hit(first_protocol_span, severity=severity, version=join_names([word for _, word in outdated_number_protocol_pairs]))


def tls_cipher_weak(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The cipher list offers suites that are broken."""
    directive = statement.node
    if not directive.args or has_variable_sign(directive.args[0]) or _allows_only_tls13(project, directive):
        return
    weak_ciphers: list[str] = []
    for cipher_list_entry in re.split(r"[:, ]", directive.args[0]):
        if (
            cipher_list_entry
            and cipher_list_entry[0] not in "!-@"
            and cipher_list_entry != "DEFAULT"
            and _WEAK_CIPHER.search(cipher_list_entry.lstrip("+"))
        ):
            if cipher_list_entry.lstrip("+") not in {"ALL", "COMPLEMENTOFALL"} and _is_cipher_excluded(
                cipher_list_entry.lstrip("+"), directive.args[0]
            ):
                continue
            weak_ciphers.append(cipher_list_entry.lstrip("+"))
    broken_ciphers = [cipher for cipher in weak_ciphers if not _AGEING_CIPHER.search(cipher)]
    for cipher in (broken_ciphers or weak_ciphers)[:1]:
        severity = Severity.HIGH if broken_ciphers else Severity.MEDIUM
        yield hit(directive.at(1), severity=severity, cipher=cipher)


def _is_cipher_excluded(cipher: str, cipher_list: str) -> bool:
    """Whether a later `!` takes a weak entry out again."""
    cipher_name_parts = set(cipher.split("-")) | {cipher, "3DES" if "CBC3" in cipher else cipher}
    return any(f"!{part}" in re.split(r"[:, ]", cipher_list) for part in cipher_name_parts)


def _allows_only_tls13(project: Project, directive: Directive) -> bool:
    """`ssl_ciphers` does not concern TLS 1.3."""
    directive_name_prefix = directive.name.removesuffix("ciphers")
    return includes.effective_arguments(project, directive.parent, f"{directive_name_prefix}protocols") == "TLSv1.3"


def tls_cipher_without_forward_secrecy(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A suite in the list has no forward secrecy or no authenticated encryption."""
    directive = statement.node
    if not directive.args or has_variable_sign(directive.args[0]) or _allows_only_tls13(project, directive):
        return
    for cipher_list_entry in re.split(r"[:, ]", directive.args[0]):
        cipher_name = cipher_list_entry.lstrip("+")
        if "-" not in cipher_name or cipher_name[:1] in "!-@" or _WEAK_CIPHER.search(cipher_name):
            continue
        if not _FORWARD_SECRET_CIPHER.search(cipher_name) or not _AEAD_CIPHER.search(cipher_name):
            yield hit(directive.at(1), cipher=cipher_name)
            return


def tls_certificate_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server takes TLS and has no certificate, or no key for it."""
    server_block = scope.node
    if not scope.tls or includes.effective_arguments(project, server_block, "ssl_reject_handshake") == "on":
        return
    missing_directive_names = [n for n in ("ssl_certificate", "ssl_certificate_key") if not includes.effective_directives(project, server_block, n)]
    if not missing_directive_names or any(
        d.name.startswith("ssl_certificate_by") for d in includes.expanded_directives_of_block(project, server_block)
    ):
        return
    if includes.may_be_set_in_unread_file(project, server_block) or not _is_http_level_known_or_absent(project, server_block):
        yield Undecidable(server_block.at())
        return
    yield missing(_tls_listen_or_block_span(server_block), directive=missing_directive_names[0])


def _is_http_level_known_or_absent(project: Project, block: Block) -> bool:
    """Whether the http level is in sight, or the whole project has none: then nothing else can set it."""
    return includes.is_http_context_known(project, block) or not any(
        d.name == "http" for document in project.documents_of_kind("nginx") for _, root in document.sections for d in root.directives
    )


def _tls_listen_or_block_span(block: Block) -> Span:
    """The `listen ... ssl` line, the best place for what a TLS server lacks."""
    tls_listen_directives = [d for d in block.directives_named("listen") if {"ssl", "quic"} & set(d.args)]
    return tls_listen_directives[0].head_span if tls_listen_directives else block.at()


def https_redirect_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """Content is served over plain HTTP under a name that has TLS as well, and nothing redirects there."""
    server_block = scope.node
    plain_http_listens = [
        listen for listen in hosts.listen_sockets(server_block) if listen.port == "80" and not {"ssl", "quic"} & set(listen.options)
    ]
    if not _is_redirecting_to_https(project, server_block) and (
        not plain_http_listens or all(hosts.is_loopback_host(one.host) for one in plain_http_listens)
    ):
        yield NotApplicable()
        return
    if not plain_http_listens or _is_redirecting_to_https(project, server_block):
        return
    names_of_server = lowercase_server_names(project, server_block)
    tls_server_names = _tls_names_of_same_nginx(project, server_block)
    has_tls_twin = bool(names_of_server & tls_server_names) if names_of_server else bool(tls_server_names)
    if not (scope.tls or has_tls_twin) or not has_content_beyond_well_known(project, server_block):
        return
    if includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(server_block.at())
        return
    plain_listen_directive = plain_http_listens[0].directive
    yield hit(plain_listen_directive.at("value") if plain_listen_directive else server_block.at(), server=scope.name)


def _tls_names_of_same_nginx(project: Project, block: Block) -> set[str]:
    """The names under which a server and those of the same nginx take TLS; the empty name where one has none."""
    if block.enclosing_block is None or block.owner is None:
        return set()
    enclosing_level = includes.outermost_including_block(project, block.enclosing_block)
    tls_server_names: set[str] = set()
    for first_tls_server, names_in_file in project.memoize_for_subject(_first_server_and_tls_names_by_path, enclosing_level).values():
        if includes.may_be_read_by_one_nginx(project, first_tls_server, block.owner):
            tls_server_names |= names_in_file
    return tls_server_names


def _first_server_and_tls_names_by_path(block: Block, project: Project) -> dict[str, tuple[Directive, set[str]]]:
    """The names under which the servers of a level take TLS, by their file, with the first such server."""
    first_server_and_names_by_path: dict[str, tuple[Directive, set[str]]] = {}
    for directive in includes.expanded_directives_of_block(project, block, "server"):
        if directive.block is not None and is_tls_server(directive.block):
            names_of_server = lowercase_server_names(project, directive.block) or {""}
            first_server_and_names_by_path.setdefault(directive.source.root.path, (directive, set()))[1].update(names_of_server)
    return first_server_and_names_by_path


def lowercase_server_names(project: Project, block: Block) -> set[str]:
    """The names of a server, lower case; `_` and the empty name are none."""
    return {name.lower() for d in includes.expanded_directives_of_block(project, block, "server_name") for name in d.args} - {
        "_",
        "",
    }


def has_content_beyond_well_known(project: Project, block: Block) -> bool:
    """Whether a server has more than certificate challenges and health checks in it."""
    for directive in includes.all_directives_within_block(project, block):
        if directive.name in property_by_fact_name("nginx-directives", "content"):
            enclosing_directive = directive.parent.owner
            if not (enclosing_directive and enclosing_directive.name == "location" and "well-known" in enclosing_directive.joined_arguments):
                return True
    return False


def _is_redirecting_to_https(project: Project, block: Block) -> bool:
    """Whether a server sends its visitors on to HTTPS: by return or rewrite, in itself, in an `if`, or from `/`."""
    for directive in includes.all_directives_within_block(project, block):
        if directive.name in {"return", "rewrite"} and any("https://" in word for word in directive.args):
            return True
        if directive.name == "error_page" and any("https://" in word for word in directive.args):
            return True
    return False


def tls_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A whole configuration that proxies to an application has no server with TLS."""
    http_block = scope.node
    server_blocks = [d.block for d in includes.expanded_directives_of_block(project, http_block, "server") if d.block is not None]
    is_proxying_to_application = any(
        d.name in property_by_fact_name("nginx-directives", "application") for d in includes.all_directives_within_block(project, http_block)
    )
    if (
        not server_blocks
        or not is_proxying_to_application
        or any(is_tls_server(one) for one in server_blocks)
        or includes.may_be_set_in_unread_file(project, http_block)
    ):
        return
    yield missing(http_block.at())


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
    server_block = scope.node
    if not scope.tls or includes.effective_directives(project, server_block, "ssl_session_ticket_key"):
        return
    session_cache_directives = includes.effective_directives(project, server_block, "ssl_session_cache")
    is_session_cache_shared = any(argument.startswith("shared:") for directive in session_cache_directives for argument in directive.args)
    if is_session_cache_shared and not versions.is_nginx_below(project, scope.source, (1, 23, 2)):
        return
    session_tickets_directives = includes.effective_directives(project, server_block, "ssl_session_tickets")
    if session_tickets_directives and session_tickets_directives[-1].joined_arguments == "on":
        yield hit(session_tickets_directives[-1].at(1), at=session_tickets_directives[-1].source)
    elif not session_tickets_directives and includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(server_block.at())
    elif not session_tickets_directives and includes.is_http_context_known(project, server_block):
        yield missing(_tls_listen_or_block_span(server_block))


def tls_dhparam_missing(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The cipher list names suites with DHE and no parameters for them are given, so they are never used."""
    directive = statement.node
    if not directive.args or directive.name != "ssl_ciphers" or includes.effective_directives(project, directive.parent, "ssl_dhparam"):
        return
    dhe_ciphers = [entry for entry in re.split(r"[:, ]", directive.args[0]) if re.match(r"(?:DHE|EDH|kEDH)-?", entry)]
    if not dhe_ciphers:
        return
    if includes.may_be_set_in_unread_file(project, directive.parent) or not includes.is_http_context_known(project, directive.parent):
        yield Undecidable(directive.at(1))
    else:
        yield hit(directive.at(1), cipher=dhe_ciphers[0])


# -- stapling, curves, HTTP/2 --------------------------------------------------------------------------------------


def stapling_without_resolver(scope: BlockScope, project: Project) -> CheckOutcome:
    """OCSP stapling must look up the responder's name, and there is no resolver."""
    server_block = scope.node
    stapling_directive = _effective_stapling_directive(project, scope)
    if stapling_directive is None or includes.effective_directives(project, server_block, "resolver"):
        return
    stapling_responder_url = includes.effective_arguments(project, server_block, "ssl_stapling_responder")
    if stapling_responder_url and parse_ip(hosts.split_host_and_port(hosts.parse_pass_target(stapling_responder_url).host)[0]):
        return
    if includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(server_block.at())
    elif stapling_directive.source is scope.source:
        yield hit(stapling_directive.head_span)
    else:
        yield hit(server_block.at())


def _effective_stapling_directive(project: Project, scope: BlockScope) -> Directive | None:
    """The `ssl_stapling on` that works in a TLS server which gets its answers from the responder."""
    stapling_directives = includes.effective_directives(project, scope.node, "ssl_stapling")
    if (
        not scope.tls
        or not stapling_directives
        or stapling_directives[-1].joined_arguments != "on"
        or includes.effective_directives(project, scope.node, "ssl_stapling_file")
    ):
        return None
    return stapling_directives[-1]


def stapling_letsencrypt(scope: BlockScope, project: Project) -> CheckOutcome:
    """OCSP stapling is on for a certificate of Let's Encrypt, which has no responder any more."""
    stapling_directive = _effective_stapling_directive(project, scope)
    if stapling_directive is None:
        return
    for directive in includes.effective_directives(project, scope.node, "ssl_certificate"):
        if "/letsencrypt/" in directive.joined_arguments:
            yield (
                hit(stapling_directive.head_span, at=stapling_directive.source)
                if stapling_directive.source is not scope.source
                else hit(stapling_directive.head_span)
            )
            return


def ecdh_curve_unknown_to_older_openssl(statement: DirectiveSubject) -> CheckOutcome:
    """A group is named that older OpenSSL does not know, and nothing lets it skip the name."""
    directive = statement.node
    for curve_name in re.split(r"[:, ]", directive.args[0] if directive.args else ""):
        if _HYBRID_KEY_EXCHANGE.fullmatch(curve_name):
            yield hit(directive.at(1), group=curve_name)
            return


def http2_default_server_without_421(scope: BlockScope, project: Project) -> CheckOutcome:
    """The default server refuses unknown names in the handshake, but a reused HTTP/2 connection gets past that."""
    server_block = scope.node
    is_default_server = any({"default_server", "default"} & set(d.args) for d in server_block.directives_named("listen"))
    is_http2_on = includes.effective_arguments(project, server_block, "http2") == "on" or any(
        "http2" in d.args for d in server_block.directives_named("listen")
    )
    if not is_default_server or not is_http2_on or includes.effective_arguments(project, server_block, "ssl_reject_handshake") != "on":
        return
    returned_status_codes = {d.args[0] for d in includes.all_directives_within_block(project, server_block) if d.name == "return" and d.args}
    if not returned_status_codes & {"421", "444"}:
        reject_handshake_directive = includes.effective_directives(project, server_block, "ssl_reject_handshake")[-1]
        yield hit(reject_handshake_directive.head_span, at=reject_handshake_directive.source)


def listen_http2_deprecated(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`http2` as a parameter of `listen`, which nginx 1.25.1 replaced by a directive."""
    directive = statement.node
    for argument_number, listen_argument in enumerate(directive.args, 1):
        if listen_argument == "http2" and not versions.is_nginx_below(project, directive.source, (1, 25, 1)):
            yield hit(directive.at(argument_number))


def backend_certificate_unverified(statement: DirectiveSubject, project: Project, *, switches: Sequence[str]) -> CheckOutcome:
    """A backend is spoken to over TLS and its certificate is not looked at."""
    directive = statement.node
    if not directive.args or not directive.args[0].startswith(("https://", "grpcs://")):
        return
    verification_directive_name = switches[1] if directive.name == "grpc_pass" else switches[0]
    if includes.effective_arguments(project, directive.parent, verification_directive_name) == "on":
        return
    if includes.may_be_set_in_unread_file(project, directive.parent):
        yield Undecidable(directive.at(1))
    else:
        yield hit(directive.at(1), directive=verification_directive_name)
