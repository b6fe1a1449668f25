"""Where answers come from and go to by mistake: redirects to no name, files out of nginx's own directory."""

from __future__ import annotations

import re

from readiness.facts.table import fact_column
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax.nginx import Block

_SERVER_NAME_REDIRECT = re.compile(r"https?://\$(?:server_name|\{server_name\})(?=[/:$?]|\Z)")


def redirect_nameless(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A redirect goes to $server_name, and the server's first name is none that anybody can call."""
    d = statement.node
    position = next((n for n, word in enumerate(d.args, 1) if _SERVER_NAME_REDIRECT.search(word)), None)
    server = includes.nearest_enclosing(project, d.parent, "server")
    if position is None or server is None:
        yield NotApplicable()
        return
    names = [name for directive in includes.directives_of(project, server, "server_name") for name in directive.args]
    if not names and includes.may_be_set_in_unread_file(project, server):
        yield Undecidable(d.at(position))
        return
    first = names[0] if names else ""
    if not re.search(r"[A-Za-z0-9$]", first) or "*" in first or first.startswith("~"):
        yield hit(d.at(position), name=first or "empty")


def root_unset_beside_proxy(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location beside a proxied one passes nothing on and has no root: its files come from nginx's own folder."""
    block, owner = scope.node, scope.node.owner
    directives = includes.directives_of(project, block)
    quiet = bool(directives) and all(one.name in fact_column("nginx-directives", "decorates") for one in directives)
    server = includes.nearest_enclosing(project, block, "server")
    named = owner is None or any(word.startswith("@") or "well-known" in word for word in owner.args)
    if owner is None or named or not quiet or server is None or not _is_root_proxied(project, server):
        yield NotApplicable()
    elif includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(owner.head_span)
    elif not includes.effective_directives(project, block, "root"):
        yield hit(owner.head_span, location=owner.args[-1] if owner.args else "")


def _is_root_proxied(project: Project, server: Block) -> bool:
    """Whether `location /` of a server goes to a backend."""
    return any(
        includes.directives_of(project, directive.block, *fact_column("nginx-directives", "application"))
        for directive in includes.directives_of(project, server, "location")
        if directive.block is not None and directive.args in {("/",), ("^~", "/")}
    )
