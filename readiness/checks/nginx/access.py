"""Who gets in: allow and deny, status pages, listings, hidden files, referers, trusted proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.nginx.variables import is_redirect
from readiness.facts.domains import parse_ip
from readiness.facts.table import fact_column
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    location_match,
)
from readiness.model import CheckOutcome, Severity, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.nginx import Block, Directive

_ACCESS_GUARD_DIRECTIVES = frozenset({"if", "access_by_lua_block", "access_by_lua_file", "js_access"})
_AUTH_DIRECTIVES = ("auth_basic", "auth_request", "auth_jwt", "auth_oidc")
_FAMILY_BY_ANY_CIDR = {"0.0.0.0/0": "4", "::/0": "6"}


def effective_access_rules(project: Project, block: Block) -> list[Directive]:
    """The `allow` and `deny` lines that work in a block: its own level's, else the nearest outer level's, in order."""
    for level in includes.levels_outwards(project, block):
        directives = includes.directives_of(project, level, "allow", "deny")
        if directives:
            return directives
    return []


def is_authenticated(project: Project, block: Block) -> bool:
    """Whether a block asks who the client is."""
    for name in _AUTH_DIRECTIVES:
        value = includes.effective_value(project, block, name)
        if value and value != "off":
            return True
    return includes.effective_value(project, block, "ssl_verify_client") == "on"


def access_for_unlisted_client(rules: list[Directive], family: str) -> str:
    """What the access rules say to a client that no narrow rule knows: `allow`, `deny` or nothing."""
    for rule in rules:
        subject = rule.args[0] if rule.args else ""
        if subject == "all" or _FAMILY_BY_ANY_CIDR.get(subject) == family:
            return rule.name
    return ""


def address_families(project: Project, block: Block) -> set[str]:
    """The kinds of client address that a block's server can see: `4`, `6`; nothing where only UNIX sockets listen."""
    server = includes.nearest_enclosing(project, block, "server")
    if server is None:
        return {"4"}
    families: set[str] = set()
    for listen in hosts.listen_sockets(server):
        if listen.host.startswith("unix:"):
            continue
        address = parse_ip(listen.host)
        if (address is not None and address.is_loopback) or listen.host == "localhost":
            continue
        families |= {"6"} if address is not None and address.version == 6 else {"4"}
        if listen.host != "*" and address is None:
            families |= {"4", "6"}
    return families


def stub_status_exposed(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Anybody can read the status page."""
    d = statement.node
    block = d.parent
    if includes.directives_of(project, block, "internal") or d.joined_arguments == "off":
        return
    rules = effective_access_rules(project, block)
    login = is_authenticated(project, block)
    any_ = includes.effective_value(project, block, "satisfy") == "any"
    for family in sorted(address_families(project, block)):
        answer = access_for_unlisted_client(rules, family)
        open_ = (answer == "allow" or (answer == "" and not login)) if any_ else (answer != "deny" and not login)
        if not open_:
            continue
        if includes.may_be_set_in_unread_file(project, block) or any(
            x.name in _ACCESS_GUARD_DIRECTIVES for x in block.directives
        ):
            yield Undecidable(d.at())
        else:
            yield hit(d.head_span)
        return


def stub_status_closed(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Nobody at all can read the status page: everything is denied and nobody is let in."""
    d = statement.node
    rules = effective_access_rules(project, d.parent)
    if access_for_unlisted_client(rules, "4") != "deny" or any(rule.name == "allow" for rule in rules):
        return
    if includes.effective_value(project, d.parent, "satisfy") != "any" or not is_authenticated(project, d.parent):
        yield hit(rules[0].head_span, at=rules[0].source)


def allow_without_deny(scope: BlockScope, project: Project) -> CheckOutcome:
    """A list of allowed addresses that denies nobody."""
    block = scope.node
    if scope.kind == "":
        return  # a file of addresses is judged where it is included
    rules = includes.directives_of(project, block, "allow", "deny")
    allowed = [d for d in rules if d.name == "allow"]
    if not allowed or len(allowed) < len(rules) or all(d.args == ("all",) for d in allowed):
        return
    if includes.effective_value(project, block, "satisfy") == "any" and is_authenticated(project, block):
        return
    if includes.may_be_set_in_block_by_unread_file(project, block):
        yield Undecidable(allowed[0].head_span)
    else:
        yield hit(allowed[0].head_span, at=allowed[0].source)


def return_before_access_rules(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """An answer is given before `allow` and `deny` are looked at."""
    d = statement.node
    block = d.parent
    rules = effective_access_rules(project, block)
    if not any(rule.name == "deny" for rule in rules) or access_for_unlisted_client(rules, "4") == "allow":
        return
    if d.name == "rewrite":
        if is_redirect(d):
            yield hit(d.head_span)
        return
    if not d.args:
        return
    code = d.args[0]
    if (
        len(d.args) > 1
        or not code.isdigit()
        or code in fact_column("http-statuses", "redirects")
        or code[0] == "2"
        or any(
            code in page.args[:-1] and page.args[-1].startswith("@")
            for page in includes.effective_directives(project, block, "error_page")
        )
    ):
        yield hit(d.head_span)


def referer_none_valid(statement: DirectiveSubject) -> CheckOutcome:
    """`valid_referers` lets requests without a Referer, or with a mangled one, through."""
    d = statement.node
    for number, word in enumerate(d.args, 1):
        if word in {"none", "blocked"}:
            yield hit(d.at(number), word=word)
            return


def autoindex_on(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Listings of folders are on, and nobody is asked who they are."""
    d = statement.node
    if d.args[:1] != ("on",) or includes.directives_of(project, d.parent, "internal"):
        return
    if (
        not is_authenticated(project, d.parent)
        and access_for_unlisted_client(effective_access_rules(project, d.parent), "4") != "deny"
    ):
        yield hit(d.at(1))


_HIDDEN_FILE_PATTERN = re.compile(r"/\\*\.|\\\.|\(\?:\^\|/\)|\.git|\.ht")


def hidden_files_served(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server sends files and keeps those that begin with a dot from nobody."""
    block = scope.node
    roots = [d for d in includes.directives_within(project, block) if d.name == "root"]
    if not includes.directives_of(project, block, "root") or not roots:
        return
    for d in includes.directives_within(project, block):
        sign, pattern = location_match(d) if d.name == "location" else ("", "")
        if (
            d.block is not None
            and sign.startswith("~")
            and _HIDDEN_FILE_PATTERN.search(pattern)
            and includes.directives_of(project, d.block, "deny", "return", "internal")
        ):
            return
        if d.name == "if" and _HIDDEN_FILE_PATTERN.search(d.joined_arguments) and "uri" in d.joined_arguments:
            return
    if not _may_send_files(project, block):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
        return
    place = block.directives_named("root")
    if place:
        yield missing(place[0].head_span)


def _may_send_files(project: Project, block: Block) -> bool:
    """Whether the server's `root` is read for any path: not where everything is proxied or answered by `return`."""
    if includes.directives_of(project, block, "return"):
        return False
    for d in includes.directives_of(project, block, "location"):
        if is_catch_all(d) and d.block is not None:
            taken = {"return", *fact_column("nginx-directives", "backend")}
            return not any(x.name in taken for x in includes.directives_of(project, d.block))
    return True


def client_address_from_anyone(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Every client is trusted to state its own address; worse where the address decides who gets in."""
    d = statement.node
    if d.args and d.args[0] in _FAMILY_BY_ANY_CIDR:
        decides = any(_is_by_address(each) for each in _directives_below(project, d.parent))
        yield hit(d.at(1), severity=Severity.HIGH if decides else Severity.MEDIUM)


def _is_by_address(directive: Directive) -> bool:
    """Whether a directive lets in, or chooses, by the address of the client."""
    if directive.name == "deny":
        return True
    if directive.name == "geo":
        return len(directive.args) < 2 or directive.args[0] in (
            "$remote_addr",
            "$binary_remote_addr",
        )
    return directive.name in ("map", "if") and "remote_addr" in directive.joined_arguments


def _directives_below(project: Project, block: Block) -> Iterator[Directive]:
    """The directives of a block and of those inside it, with what includes bring in."""
    stack = [block]
    seen: set[int] = set()
    while stack:
        level = stack.pop()
        if id(level) in seen:
            continue
        seen.add(id(level))
        for d in includes.directives_of(project, level):
            yield d
            if d.block is not None:
                stack.append(d.block)
