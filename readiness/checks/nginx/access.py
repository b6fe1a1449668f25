"""Who gets in: allow and deny, status pages, listings, hidden files, referers, trusted proxies."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.nginx.variables import is_redirect
from readiness.facts.domains import parse_ip
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    location_modifier_and_path,
)
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.nginx import Block, Directive

_ACCESS_GUARD_DIRECTIVES = frozenset({"if", "access_by_lua_block", "access_by_lua_file", "js_access"})
_AUTH_DIRECTIVES = ("auth_basic", "auth_request", "auth_jwt", "auth_oidc")
_IP_VERSION_BY_ANY_CIDR = {"0.0.0.0/0": "4", "::/0": "6"}


def effective_access_rules(project: Project, block: Block) -> list[Directive]:
    """The `allow` and `deny` lines that work in a block: its own level's, else the nearest outer level's, in order."""
    for enclosing_level in includes.blocks_outwards(project, block):
        access_rules = includes.expanded_directives_of_block(project, enclosing_level, "allow", "deny")
        if access_rules:
            return access_rules
    return []


def is_authenticated(project: Project, block: Block) -> bool:
    """Whether a block asks who the client is."""
    for auth_directive_name in _AUTH_DIRECTIVES:
        auth_directive_value = includes.effective_arguments(project, block, auth_directive_name)
        if auth_directive_value and auth_directive_value != "off":
            return True
    return includes.effective_arguments(project, block, "ssl_verify_client") == "on"


def access_for_unlisted_client(rules: list[Directive], family: str) -> str:
    """What the access rules say to a client that no narrow rule knows: `allow`, `deny` or nothing."""
    for access_rule in rules:
        client_pattern = access_rule.args[0] if access_rule.args else ""
        if client_pattern == "all" or _IP_VERSION_BY_ANY_CIDR.get(client_pattern) == family:
            return access_rule.name
    return ""


def client_ip_versions(project: Project, block: Block) -> set[str]:
    """The kinds of client address that a block's server can see: `4`, `6`; nothing where only UNIX sockets listen."""
    server_block = includes.nearest_enclosing_block_named(project, block, "server")
    if server_block is None:
        return {"4"}
    ip_versions: set[str] = set()
    for listen_socket in hosts.listen_sockets(server_block):
        if listen_socket.host.startswith("unix:"):
            continue
        listen_ip = parse_ip(listen_socket.host)
        if (listen_ip is not None and listen_ip.is_loopback) or listen_socket.host == "localhost":
            continue
        ip_versions |= {"6"} if listen_ip is not None and listen_ip.version == 6 else {"4"}
        if listen_socket.host != "*" and listen_ip is None:
            ip_versions |= {"4", "6"}
    return ip_versions


def stub_status_exposed(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Anybody can read the status page."""
    directive = statement.node
    enclosing_block = directive.parent
    if includes.expanded_directives_of_block(project, enclosing_block, "internal") or directive.joined_arguments == "off":
        return
    access_rules = effective_access_rules(project, enclosing_block)
    is_login_required = is_authenticated(project, enclosing_block)
    is_satisfy_any = includes.effective_arguments(project, enclosing_block, "satisfy") == "any"
    for ip_version in sorted(client_ip_versions(project, enclosing_block)):
        access_answer = access_for_unlisted_client(access_rules, ip_version)
        is_open_to_anybody = (
            (access_answer == "allow" or (access_answer == "" and not is_login_required))
            if is_satisfy_any
            else (access_answer != "deny" and not is_login_required)
        )
        if not is_open_to_anybody:
            continue
        if includes.may_be_set_in_unread_file(project, enclosing_block) or any(
            x.name in _ACCESS_GUARD_DIRECTIVES for x in enclosing_block.directives
        ):
            yield Undecidable(directive.at())
        else:
            yield hit(directive.head_span)
        return


def stub_status_closed(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Nobody at all can read the status page: everything is denied and nobody is let in."""
    directive = statement.node
    access_rules = effective_access_rules(project, directive.parent)
    if access_for_unlisted_client(access_rules, "4") != "deny" or any(rule.name == "allow" for rule in access_rules):
        return
    if includes.effective_arguments(project, directive.parent, "satisfy") != "any" or not is_authenticated(project, directive.parent):
        yield hit(access_rules[0].head_span, at=access_rules[0].source)


def allow_without_deny(scope: BlockScope, project: Project) -> CheckOutcome:
    """A list of allowed addresses that denies nobody."""
    block = scope.node
    if scope.kind == "":
        return  # a file of addresses is judged where it is included
    access_rules = includes.expanded_directives_of_block(project, block, "allow", "deny")
    allow_directives = [d for d in access_rules if d.name == "allow"]
    if not allow_directives or len(allow_directives) < len(access_rules) or all(d.args == ("all",) for d in allow_directives):
        return
    if includes.effective_arguments(project, block, "satisfy") == "any" and is_authenticated(project, block):
        return
    if includes.may_be_set_in_block_by_unread_file(project, block):
        yield Undecidable(allow_directives[0].head_span)
    else:
        yield hit(allow_directives[0].head_span, at=allow_directives[0].source)


def return_before_access_rules(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """An answer is given before `allow` and `deny` are looked at."""
    directive = statement.node
    enclosing_block = directive.parent
    access_rules = effective_access_rules(project, enclosing_block)
    if not any(rule.name == "deny" for rule in access_rules) or access_for_unlisted_client(access_rules, "4") == "allow":
        return
    if directive.name == "rewrite":
        if is_redirect(directive):
            yield hit(directive.head_span)
        return
    if not directive.args:
        return
    status_code = directive.args[0]
    if (
        len(directive.args) > 1
        or not status_code.isdigit()
        or status_code in property_by_fact_name("http-statuses", "redirects")
        or status_code[0] == "2"
        or any(
            status_code in page.args[:-1] and page.args[-1].startswith("@")
            for page in includes.effective_directives(project, enclosing_block, "error_page")
        )
    ):
        yield hit(directive.head_span)


def referer_none_valid(statement: DirectiveSubject) -> CheckOutcome:
    """`valid_referers` lets requests without a Referer, or with a mangled one, through."""
    directive = statement.node
    for argument_number, referer_word in enumerate(directive.args, 1):
        if referer_word in {"none", "blocked"}:
            yield hit(directive.at(argument_number), word=referer_word)
            return


def autoindex_on(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Listings of folders are on, and nobody is asked who they are."""
    directive = statement.node
    if directive.args[:1] != ("on",) or includes.expanded_directives_of_block(project, directive.parent, "internal"):
        return
    if (
        not is_authenticated(project, directive.parent)
        and access_for_unlisted_client(effective_access_rules(project, directive.parent), "4") != "deny"
    ):
        yield hit(directive.at(1))


_HIDDEN_FILE_PATTERN = lazy_regex(r"/\\*\.|\\\.|\(\?:\^\|/\)|\.git|\.ht")


def hidden_files_served(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server sends files and keeps those that begin with a dot from nobody."""
    block = scope.node
    root_directives = [directive for directive in includes.all_directives_within_block(project, block) if directive.name == "root"]
    if not includes.expanded_directives_of_block(project, block, "root") or not root_directives:
        return
    for directive in includes.all_directives_within_block(project, block):
        location_modifier, location_pattern = location_modifier_and_path(directive) if directive.name == "location" else ("", "")
        if (
            directive.block is not None
            and location_modifier.startswith("~")
            and _HIDDEN_FILE_PATTERN.search(location_pattern)
            and includes.expanded_directives_of_block(project, directive.block, "deny", "return", "internal")
        ):
            return
        if directive.name == "if" and _HIDDEN_FILE_PATTERN.search(directive.joined_arguments) and "uri" in directive.joined_arguments:
            return
    if not _may_send_files(project, block):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
        return
    own_root_directives = block.directives_named("root")
    if own_root_directives:
        yield missing(own_root_directives[0].head_span)


def _may_send_files(project: Project, block: Block) -> bool:
    """Whether the server's `root` is read for any path: not where everything is proxied or answered by `return`."""
    if includes.expanded_directives_of_block(project, block, "return"):
        return False
    for directive in includes.expanded_directives_of_block(project, block, "location"):
        if is_catch_all(directive) and directive.block is not None:
            answering_directive_names = {"return", *property_by_fact_name("nginx-directives", "backend")}
            return not any(x.name in answering_directive_names for x in includes.expanded_directives_of_block(project, directive.block))
    return True


def client_address_from_anyone(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Every client is trusted to state its own address; worse where the address decides who gets in."""
    directive = statement.node
    if directive.args and directive.args[0] in _IP_VERSION_BY_ANY_CIDR:
        is_address_deciding_access = any(depends_on_client_address(each) for each in _directives_at_any_depth(project, directive.parent))
        yield hit(directive.at(1), severity=Severity.HIGH if is_address_deciding_access else Severity.MEDIUM)


def depends_on_client_address(directive: Directive) -> bool:
    """Whether a directive lets in, or chooses, by the address of the client."""
    if directive.name == "deny":
        return True
    if directive.name == "geo":
        return len(directive.args) < 2 or directive.args[0] in (
            "$remote_addr",
            "$binary_remote_addr",
        )
    return directive.name in ("map", "if") and "remote_addr" in directive.joined_arguments


def _directives_at_any_depth(project: Project, block: Block) -> Iterator[Directive]:
    """The directives of a block and of those inside it, with what includes bring in."""
    pending_blocks = [block]
    visited_block_ids: set[int] = set()
    while pending_blocks:
        current_block = pending_blocks.pop()
        if id(current_block) in visited_block_ids:
            continue
        visited_block_ids.add(id(current_block))
        for directive in includes.expanded_directives_of_block(project, current_block):
            yield directive
            if directive.block is not None:
                pending_blocks.append(directive.block)
