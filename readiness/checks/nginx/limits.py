"""Limits, workers, logs and compression: what keeps a server up under load and lets people see what it does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.checks.nginx.headers import is_serving
from readiness.facts.table import fact_column
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, missing
from readiness.model.project import Project
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive, walk_directives
from readiness.syntax.nginx_values import parse_size, parse_time

_DEFAULT_CONNECTIONS = 512
_CREDENTIAL_VARIABLE = re.compile(
    r"\$\{?(http_authorization|http_cookie|http_x_api_key|http_x_auth_token|cookie_\w{0,80}?(?:sess|token|auth)\w*|request_body)\b"
)


def worker_files_too_few(scope: BlockScope, project: Project) -> CheckOutcome:
    """Workers may open fewer files than twice the connections they take, and each may read a file."""
    if includes.enclosing_block(project, scope.node) is not scope.node:
        return
    own = includes.directives_of(project, scope.node)
    limits = [d for d in own if d.name == "worker_rlimit_nofile" and d.joined_arguments.isdigit()]
    if not limits:
        return
    connections = _worker_connections_directives(own, project)
    events = any(d.name == "events" for d in own)
    if not (connections or events) or (connections and not connections[-1].joined_arguments.isdigit()):
        return
    count = int(connections[-1].joined_arguments) if connections else _DEFAULT_CONNECTIONS
    if int(limits[-1].joined_arguments) < 2 * count:
        d = limits[-1]
        yield hit(d.at(1), at=d.source, files=d.joined_arguments, connections=count, wanted=2 * count)


def _worker_connections_directives(main_directives: list[Directive], project: Project) -> list[Directive]:
    inner = [x for d in main_directives if d.name == "events" and d.block for x in includes.directives_of(project, d.block)]
    return [d for d in [*main_directives, *inner] if d.name == "worker_connections"]


def worker_files_unset(scope: BlockScope, project: Project, *, usual: int) -> CheckOutcome:
    """More connections are asked for than the usual limit of open files holds, and the limit is left to the system."""
    if includes.enclosing_block(project, scope.node) is not scope.node:
        return
    own = includes.directives_of(project, scope.node)
    for d in _worker_connections_directives(own, project)[-1:]:
        few = not d.joined_arguments.isdigit() or 2 * int(d.joined_arguments) <= usual
        if few or any(one.name == "worker_rlimit_nofile" for one in own):
            continue
        if includes.may_be_set_in_unread_file(project, scope.node):
            yield Undecidable(d.at())
        else:
            yield hit(
                d.at(1),
                at=d.source,
                connections=d.joined_arguments,
                wanted=2 * int(d.joined_arguments),
            )


def worker_processes_missing(scope: BlockScope, project: Project, *, directive: str) -> CheckOutcome:
    """A main file leaves a directive of the outermost level out."""
    http = [d for d in scope.node.directives if d.name == "http"]
    if (
        not http
        or includes.enclosing_block(project, scope.node) is not scope.node
        or includes.directives_of(project, scope.node, directive)
    ):
        return
    if includes.may_be_set_in_unread_file(project, scope.node):
        yield Undecidable(http[0].head_span)
    else:
        yield missing(http[0].at(0))


def compression_off(scope: BlockScope, project: Project, *, directive: str, unless: Sequence[str] = ()) -> CheckOutcome:
    """An `http` block and all that is in it leave a directive out."""
    directives = [d for d in includes.directives_within(project, scope.node) if d.name == directive or d.name in unless]
    if directives or not any(d.name == "server" for d in includes.directives_of(project, scope.node)):
        return
    if includes.may_be_set_in_unread_file(project, scope.node):
        yield Undecidable(scope.node.at())
    else:
        yield missing(scope.node.at())


def version_disclosed_by_default(scope: BlockScope, project: Project) -> CheckOutcome:
    """`server_tokens` is left out, so error pages and the Server header name the version."""
    block = scope.node
    servers = [d.block for d in includes.directives_of(project, block, "server") if d.block]
    if includes.effective_directives(project, block, "server_tokens") or not servers:
        return
    if all(includes.directives_of(project, one, "server_tokens") for one in servers):
        return
    if any(
        d.name == "more_clear_headers" and "server" in d.joined_arguments.lower()
        for d in includes.directives_within(project, block)
    ):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
    else:
        yield missing(block.at())


def keepalive_requests_few(statement: DirectiveSubject, *, least: int) -> CheckOutcome:
    """The number that a directive sets is below `least`."""
    value = statement.node.args[0] if statement.node.args else ""
    if value.isdigit() and int(value) < least:
        yield hit(statement.node.at(1), given=value, least=least)


def body_size_unlimited(statement: DirectiveSubject) -> CheckOutcome:
    """Request bodies of any size are taken."""
    if statement.node.args and parse_size(statement.node.args[0]) == 0:
        yield hit(statement.node.at(1))


def body_size_unset(scope: BlockScope, project: Project) -> CheckOutcome:
    """A proxied server leaves the size of a request body to the default of one megabyte."""
    block = scope.node
    passes = [d for d in includes.directives_within(project, block) if d.name in fact_column("nginx-directives", "application")]
    if not passes or includes.effective_directives(project, block, "client_max_body_size"):
        return
    if any(d.name == "client_max_body_size" for d in includes.directives_within(project, block)):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
    else:
        yield missing(block.at(), server=scope.name)


def client_timeout_long(statement: DirectiveSubject, *, most: int) -> CheckOutcome:
    """A time-out towards clients is so long that slow clients can hold all connections."""
    value = parse_time(statement.node.args[0]) if statement.node.args else None
    if value is not None and value > most:
        yield hit(statement.node.at(1), given=statement.node.args[0], most=most)


def access_log_off(statement: DirectiveSubject) -> CheckOutcome:
    """The access log is off for a whole server or for all of them."""
    d = statement.node
    content = fact_column("nginx-directives", "content")
    whole = d.args[:1] == ("off",) and d.parent.opening_directive_name in {"http", "server"}
    if whole and any(x.name in content for x in walk_directives(d.parent)):
        yield hit(d.at(1), block=d.parent.opening_directive_name)


def error_log_named_off(statement: DirectiveSubject) -> CheckOutcome:
    """Errors are written to a file called `off`, or thrown away."""
    d = statement.node
    if d.args and d.args[0] == "off":
        yield hit(d.at(1))


def error_log_discarded(statement: DirectiveSubject) -> CheckOutcome:
    """error_log goes to /dev/null, so that errors are lost."""
    d = statement.node
    if (
        d.args
        and (d.args[0] == "/dev/null" or d.args[1:2] == ("emerg",))
        and d.parent.opening_directive_name in {"", "http", "server"}
    ):
        yield hit(d.at(1) if d.args[0] == "/dev/null" else d.at(2))


def error_log_debug(statement: DirectiveSubject) -> CheckOutcome:
    """The error log is written at the level for debugging."""
    d = statement.node
    if d.args[1:2] and d.args[1].startswith("debug"):
        yield hit(d.at(2), level=d.args[1])


def credentials_logged(statement: DirectiveSubject) -> CheckOutcome:
    """A log format writes down credentials of clients."""
    d = statement.node
    for number, text in enumerate(d.args, 1):
        match = _CREDENTIAL_VARIABLE.search(text)
        if match:
            yield hit(d.at(number), variable=f"${match[1]}")
            return


def health_check_logged(scope: BlockScope, project: Project) -> CheckOutcome:
    """A health path that the proxy answers itself is written to the access log."""
    owner = scope.node.owner
    if owner is None or not re.search(
        r"/(?:nginx[_-])?(?:health|healthz|healthcheck|ping|livez?|readyz?)\b/?$",
        owner.joined_arguments,
    ):
        yield NotApplicable()
        return
    answered = any(d.args and d.args[0] in {"200", "204"} for d in includes.directives_of(project, scope.node, "return"))
    if answered and not any(
        d.joined_arguments == "off" for d in includes.effective_directives(project, scope.node, "access_log")
    ):
        yield hit(owner.head_span, location=owner.args[-1])


def limit_zone_undefined(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A limit names a zone that nobody defines; nginx does not start."""
    d = statement.node
    name = _zone_name(d)
    if not name or has_variable(name):
        return
    definer = f"{d.name}_zone"
    for level in includes.levels_outwards(project, d.parent):
        for directive in includes.directives_of(project, level, definer):
            if any(word.split(":")[0] == f"zone={name}" for word in directive.args):
                return
    if includes.may_be_set_in_unread_file(project, d.parent) or not includes.is_http_context_known(project, d.parent):
        yield Undecidable(d.at())
    else:
        yield hit(d.head_span, zone=name, definer=definer)


def _zone_name(directive: Directive) -> str:
    if directive.name == "limit_conn":
        return directive.args[0] if len(directive.args) == 2 else ""
    return next((word.removeprefix("zone=") for word in directive.args if word.startswith("zone=")), "")


def limit_zone_unused(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A zone for limits is defined and no limit uses it."""
    d = statement.node
    name = next(
        (word.removeprefix("zone=").split(":")[0] for word in d.args if word.startswith("zone=")),
        "",
    )
    user = d.name.removesuffix("_zone")
    around = includes.enclosing_block(project, d.parent)
    if not name or (user, name) in project.memoize_for_subject(_zones_used, around):
        return
    if around.opening_directive_name != "http" or includes.may_be_set_in_unread_file(project, around):
        yield Undecidable(d.at())
    else:
        yield hit(d.head_span, zone=name, directive=user)


def _zones_used(block: Block, project: Project) -> set[tuple[str, str]]:
    """The zones that limits under a block use, each with the kind of limit."""
    return {
        (d.name, _zone_name(d)) for d in includes.directives_within(project, block) if d.name in {"limit_req", "limit_conn"}
    }


def limit_without_burst(statement: DirectiveSubject) -> CheckOutcome:
    """A request limit has no burst: two requests close together, and one is refused."""
    d = statement.node
    if any(word.startswith("zone=") for word in d.args) and not any(word.startswith("burst=") for word in d.args):
        yield hit(d.head_span)


def rate_limit_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server that proxies to an application limits neither requests nor connections."""
    block = scope.node
    passes = [d for d in includes.directives_within(project, block) if d.name in fact_column("nginx-directives", "application")]
    if not passes or not is_serving(project, block):
        return
    if any(includes.effective_directives(project, block, n) for n in ("limit_req", "limit_conn")) or any(
        d.name in {"limit_req", "limit_conn"} for d in includes.directives_within(project, block)
    ):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(block.at())
    else:
        yield missing(block.at(), server=scope.name)


def try_files_uncached(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`try_files` asks the file system for every request, and no answers are kept."""
    d = statement.node
    if includes.effective_value(project, d.parent, "open_file_cache", "off") == "off":
        yield hit(d.head_span)
