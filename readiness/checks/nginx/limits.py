"""Limits, workers, logs and compression: what keeps a server up under load and lets people see what it does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from readiness.checks.nginx.headers import is_serving_pages_to_others
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.number import decimal_number
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive, walk_directives
from readiness.syntax.nginx_values import parse_nginx_size, parse_nginx_time

_DEFAULT_WORKER_CONNECTIONS = 512
_CREDENTIAL_VARIABLE = lazy_regex(
    r"\$\{?(http_authorization|http_cookie|http_x_api_key|http_x_auth_token|cookie_\w{0,80}?(?:sess|token|auth)\w*|request_body)\b"
)


def worker_files_too_few(scope: BlockScope, project: Project) -> CheckOutcome:
    """Workers may open fewer files than twice the connections they take, and each may read a file."""
    if includes.outermost_including_block(project, scope.node) is not scope.node:
        return
    main_directives = includes.expanded_directives_of_block(project, scope.node)
    open_file_limit_directives = [
        directive
        for directive in main_directives
        if directive.name == "worker_rlimit_nofile" and decimal_number(directive.joined_arguments) is not None
    ]
    if not open_file_limit_directives:
        return
    worker_connections_directives = _worker_connections_directives(main_directives, project)
    has_events_block = any(directive.name == "events" for directive in main_directives)
    if not (worker_connections_directives or has_events_block) or (
        worker_connections_directives and decimal_number(worker_connections_directives[-1].joined_arguments) is None
    ):
        return
    worker_connection_count = (
        int(worker_connections_directives[-1].joined_arguments) if worker_connections_directives else _DEFAULT_WORKER_CONNECTIONS
    )
    if int(open_file_limit_directives[-1].joined_arguments) < 2 * worker_connection_count:
        directive = open_file_limit_directives[-1]
        yield hit(
            directive.at(1),
            at=directive.source,
            files=directive.joined_arguments,
            connections=worker_connection_count,
            wanted=2 * worker_connection_count,
        )


def _worker_connections_directives(main_directives: list[Directive], project: Project) -> list[Directive]:
    events_directives = [
        x for d in main_directives if d.name == "events" and d.block for x in includes.expanded_directives_of_block(project, d.block)
    ]
    return [d for d in [*main_directives, *events_directives] if d.name == "worker_connections"]


def worker_files_unset(scope: BlockScope, project: Project, *, usual: int) -> CheckOutcome:
    """More connections are asked for than the usual limit of open files holds, and the limit is left to the system."""
    if includes.outermost_including_block(project, scope.node) is not scope.node:
        return
    main_directives = includes.expanded_directives_of_block(project, scope.node)
    for directive in _worker_connections_directives(main_directives, project)[-1:]:
        connection_count = decimal_number(directive.joined_arguments)
        if connection_count is None or 2 * connection_count <= usual or any(one.name == "worker_rlimit_nofile" for one in main_directives):
            continue
        if includes.may_be_set_in_unread_file(project, scope.node):
            yield Undecidable(directive.at())
        else:
            yield hit(
                directive.at(1),
                at=directive.source,
                connections=directive.joined_arguments,
                wanted=2 * connection_count,
            )


def worker_processes_missing(scope: BlockScope, project: Project, *, directive: str) -> CheckOutcome:
    """A main file leaves a directive of the outermost level out."""
    http_directives = [d for d in scope.node.directives if d.name == "http"]
    if (
        not http_directives
        or includes.outermost_including_block(project, scope.node) is not scope.node
        or includes.expanded_directives_of_block(project, scope.node, directive)
    ):
        return
    if includes.may_be_set_in_unread_file(project, scope.node):
        yield Undecidable(http_directives[0].head_span)
    else:
        yield missing(http_directives[0].at(0))


def compression_off(scope: BlockScope, project: Project, *, directive: str, unless: Sequence[str] = ()) -> CheckOutcome:
    """An `http` block and all that is in it leave a directive out."""
    compression_directives = [d for d in includes.all_directives_within_block(project, scope.node) if d.name == directive or d.name in unless]
    if compression_directives or not any(d.name == "server" for d in includes.expanded_directives_of_block(project, scope.node)):
        return
    if includes.may_be_set_in_unread_file(project, scope.node):
        yield Undecidable(scope.node.at())
    else:
        yield missing(scope.node.at())


def version_disclosed_by_default(scope: BlockScope, project: Project) -> CheckOutcome:
    """`server_tokens` is left out, so error pages and the Server header name the version."""
    http_block = scope.node
    server_blocks = [d.block for d in includes.expanded_directives_of_block(project, http_block, "server") if d.block]
    if includes.effective_directives(project, http_block, "server_tokens") or not server_blocks:
        return
    if all(includes.expanded_directives_of_block(project, one, "server_tokens") for one in server_blocks):
        return
    if any(
        d.name == "more_clear_headers" and "server" in d.joined_arguments.lower() for d in includes.all_directives_within_block(project, http_block)
    ):
        return
    if includes.may_be_set_in_unread_file(project, http_block):
        yield Undecidable(http_block.at())
    else:
        yield missing(http_block.at())


def keepalive_requests_few(statement: DirectiveSubject, *, least: int) -> CheckOutcome:
    """The number that a directive sets is below `least`."""
    request_limit_text = statement.node.args[0] if statement.node.args else ""
    request_limit = decimal_number(request_limit_text)
    if request_limit is not None and request_limit < least:
        yield hit(statement.node.at(1), given=request_limit_text, least=least)


def body_size_unlimited(statement: DirectiveSubject) -> CheckOutcome:
    """Request bodies of any size are taken."""
    if statement.node.args and parse_nginx_size(statement.node.args[0]) == 0:
        yield hit(statement.node.at(1))


def body_size_unset(scope: BlockScope, project: Project) -> CheckOutcome:
    """A proxied server leaves the size of a request body to the default of one megabyte."""
    server_block = scope.node
    proxy_pass_directives = [
        d for d in includes.all_directives_within_block(project, server_block) if d.name in property_by_fact_name("nginx-directives", "application")
    ]
    if not proxy_pass_directives or includes.effective_directives(project, server_block, "client_max_body_size"):
        return
    if any(d.name == "client_max_body_size" for d in includes.all_directives_within_block(project, server_block)):
        return
    if includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(server_block.at())
    else:
        yield missing(server_block.at(), server=scope.name)


def client_timeout_long(statement: DirectiveSubject, *, most: int) -> CheckOutcome:
    """A time-out towards clients is so long that slow clients can hold all connections."""
    timeout_seconds = parse_nginx_time(statement.node.args[0]) if statement.node.args else None
    if timeout_seconds is not None and timeout_seconds > most:
        yield hit(statement.node.at(1), given=statement.node.args[0], most=most)


def access_log_off(statement: DirectiveSubject) -> CheckOutcome:
    """The access log is off for a whole server or for all of them."""
    directive = statement.node
    content_directive_names = property_by_fact_name("nginx-directives", "content")
    is_off_for_whole_block = directive.args[:1] == ("off",) and directive.parent.opening_directive_name in {"http", "server"}
    if is_off_for_whole_block and any(x.name in content_directive_names for x in walk_directives(directive.parent)):
        yield hit(directive.at(1), block=directive.parent.opening_directive_name)


def error_log_named_off(statement: DirectiveSubject) -> CheckOutcome:
    """Errors are written to a file called `off`, or thrown away."""
    directive = statement.node
    if directive.args and directive.args[0] == "off":
        yield hit(directive.at(1))


def error_log_discarded(statement: DirectiveSubject) -> CheckOutcome:
    """error_log goes to /dev/null, so that errors are lost."""
    directive = statement.node
    if (
        directive.args
        and (directive.args[0] == "/dev/null" or directive.args[1:2] == ("emerg",))
        and directive.parent.opening_directive_name in {"", "http", "server"}
    ):
        yield hit(directive.at(1) if directive.args[0] == "/dev/null" else directive.at(2))


def error_log_debug(statement: DirectiveSubject) -> CheckOutcome:
    """The error log is written at the level for debugging."""
    directive = statement.node
    if directive.args[1:2] and directive.args[1].startswith("debug"):
        yield hit(directive.at(2), level=directive.args[1])


def credentials_logged(statement: DirectiveSubject) -> CheckOutcome:
    """A log format writes down credentials of clients."""
    directive = statement.node
    for argument_number, log_format_text in enumerate(directive.args, 1):
        credential_variable_match = _CREDENTIAL_VARIABLE.search(log_format_text)
        if credential_variable_match:
            yield hit(directive.at(argument_number), variable=f"${credential_variable_match[1]}")
            return


def health_check_logged(scope: BlockScope, project: Project) -> CheckOutcome:
    """A health path that the proxy answers itself is written to the access log."""
    location_directive = scope.node.owner
    if location_directive is None or not re.search(
        r"/(?:nginx[_-])?(?:health|healthz|healthcheck|ping|livez?|readyz?)\b/?$",
        location_directive.joined_arguments,
    ):
        yield NotApplicable()
        return
    is_answered_by_nginx = any(d.args and d.args[0] in {"200", "204"} for d in includes.expanded_directives_of_block(project, scope.node, "return"))
    if is_answered_by_nginx and not any(d.joined_arguments == "off" for d in includes.effective_directives(project, scope.node, "access_log")):
        yield hit(location_directive.head_span, location=location_directive.args[-1])


def _zone_names(zone_directives: list[Directive], project: Project) -> frozenset[str]:
    """The zones that the directives of one level define."""
    del project
    words = (word.split(":")[0] for one in zone_directives for word in one.args)
    return frozenset(word.removeprefix("zone=") for word in words if word.startswith("zone="))


def limit_zone_undefined(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A limit names a zone that nobody defines; nginx does not start."""
    checked_directive = statement.node
    zone_name = _limit_zone_name(checked_directive)
    if not zone_name or has_variable_sign(zone_name):
        return
    zone_directive_name = f"{checked_directive.name}_zone"
    for enclosing_level in includes.blocks_outwards(project, checked_directive.parent):
        zone_directives = includes.expanded_directives_of_block(project, enclosing_level, zone_directive_name)
        if zone_directives and zone_name in project.memoize_for_subject(_zone_names, zone_directives):
            return
    if includes.may_be_set_in_unread_file(project, checked_directive.parent) or not includes.is_http_context_known(project, checked_directive.parent):
        yield Undecidable(checked_directive.at())
    else:
        yield hit(checked_directive.head_span, zone=zone_name, definer=zone_directive_name)


def _limit_zone_name(directive: Directive) -> str:
    if directive.name == "limit_conn":
        return directive.args[0] if len(directive.args) == 2 else ""
    return next((word.removeprefix("zone=") for word in directive.args if word.startswith("zone=")), "")


def limit_zone_unused(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A zone for limits is defined and no limit uses it."""
    directive = statement.node
    zone_name = next(
        (word.removeprefix("zone=").split(":")[0] for word in directive.args if word.startswith("zone=")),
        "",
    )
    limit_directive_name = directive.name.removesuffix("_zone")
    enclosing_block = includes.outermost_including_block(project, directive.parent)
    if not zone_name or (limit_directive_name, zone_name) in project.memoize_for_subject(_limit_kind_and_used_zone_pairs, enclosing_block):
        return
    if enclosing_block.opening_directive_name != "http" or includes.may_be_set_in_unread_file(project, enclosing_block):
        yield Undecidable(directive.at())
    else:
        yield hit(directive.head_span, zone=zone_name, directive=limit_directive_name)


def _limit_kind_and_used_zone_pairs(block: Block, project: Project) -> set[tuple[str, str]]:
    """The zones that limits under a block use, each with the kind of limit."""
    return {(d.name, _limit_zone_name(d)) for d in includes.all_directives_within_block(project, block) if d.name in {"limit_req", "limit_conn"}}


def limit_without_burst(statement: DirectiveSubject) -> CheckOutcome:
    """A request limit has no burst: two requests close together, and one is refused."""
    directive = statement.node
    if any(word.startswith("zone=") for word in directive.args) and not any(word.startswith("burst=") for word in directive.args):
        yield hit(directive.head_span)


def rate_limit_missing(scope: BlockScope, project: Project) -> CheckOutcome:
    """A server that proxies to an application limits neither requests nor connections."""
    server_block = scope.node
    proxy_pass_directives = [
        d for d in includes.all_directives_within_block(project, server_block) if d.name in property_by_fact_name("nginx-directives", "application")
    ]
    if not proxy_pass_directives or not is_serving_pages_to_others(project, server_block):
        return
    if any(includes.effective_directives(project, server_block, n) for n in ("limit_req", "limit_conn")) or any(
        d.name in {"limit_req", "limit_conn"} for d in includes.all_directives_within_block(project, server_block)
    ):
        return
    if includes.may_be_set_in_unread_file(project, server_block):
        yield Undecidable(server_block.at())
    else:
        yield missing(server_block.at(), server=scope.name)


def try_files_uncached(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`try_files` asks the file system for every request, and no answers are kept."""
    directive = statement.node
    if includes.effective_arguments(project, directive.parent, "open_file_cache", "off") == "off":
        yield hit(directive.head_span)
