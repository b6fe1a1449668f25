"""Where answers come from and go to by mistake: redirects to no name, files out of nginx's own directory."""

from __future__ import annotations

import re

from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.nginx import Block

_SERVER_NAME_REDIRECT = lazy_regex(r"https?://\$(?:server_name|\{server_name\})(?=[/:$?]|\Z)")


def redirect_nameless(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A redirect goes to $server_name, and the server's first name is none that anybody can call."""
    checked_directive = statement.node
    redirect_argument_number = next((n for n, word in enumerate(checked_directive.args, 1) if _SERVER_NAME_REDIRECT.search(word)), None)
    server_block = includes.nearest_enclosing_block_named(project, checked_directive.parent, "server")
    if redirect_argument_number is None or server_block is None:
        yield NotApplicable()
        return
    server_names = [name for directive in includes.expanded_directives_of_block(project, server_block, "server_name") for name in directive.args]
    if not server_names and includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(checked_directive.at(redirect_argument_number))
        return
    first_server_name = server_names[0] if server_names else ""
    if not re.search(r"[A-Za-z0-9$]", first_server_name) or "*" in first_server_name or first_server_name.startswith("~"):
        yield hit(checked_directive.at(redirect_argument_number), name=first_server_name or "empty")


def root_unset_beside_proxy(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location beside a proxied one passes nothing on and has no root: its files come from nginx's own folder."""
    block, opening_directive = scope.node, scope.node.owner
    block_directives = includes.expanded_directives_of_block(project, block)
    has_only_decorating_directives = bool(block_directives) and all(
        one.name in property_by_fact_name("nginx-directives", "decorates") for one in block_directives
    )
    server_block = includes.nearest_enclosing_block_named(project, block, "server")
    is_named_or_well_known_location = opening_directive is None or any(
        word.startswith("@") or "well-known" in word for word in opening_directive.args
    )
    if (
        opening_directive is None
        or is_named_or_well_known_location
        or not has_only_decorating_directives
        or server_block is None
        or not _is_root_location_proxied(project, server_block)
    ):
        yield NotApplicable()
    elif includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(opening_directive.head_span)
    elif not includes.effective_directives(project, block, "root"):
        yield hit(opening_directive.head_span, location=opening_directive.args[-1] if opening_directive.args else "")


def _is_root_location_proxied(project: Project, server_block: Block) -> bool:
    """Whether `location /` of a server goes to a backend."""
    return any(
        includes.expanded_directives_of_block(project, directive.block, *property_by_fact_name("nginx-directives", "application"))
        for directive in includes.expanded_directives_of_block(project, server_block, "location")
        if directive.block is not None and directive.args in {("/",), ("^~", "/")}
    )
