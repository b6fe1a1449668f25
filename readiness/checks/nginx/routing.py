"""Which location answers a path, who is let into it, and whether it answers with a file: as nginx decides it.

https://nginx.org/en/docs/http/ngx_http_core_module.html#location
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from readiness.checks.nginx.variables import VARIABLE_REFERENCE, is_redirect, regex_and_case_of_directive
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import includes, location_modifier_and_path
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive

_MAX_LOCATION_NESTING_DEPTH = 30  # locations in locations
_MAX_PATTERN_MATCHES_PER_SERVER = 5_000  # paths held against expressions, for one server: nobody writes a hundred expressions and fifty such aliases
# What a client says of itself, or anybody may send: a condition on it keeps nobody out.
_UNRESTRICTIVE_VARIABLE_PATTERN = lazy_regex(
    r"scheme|https|(?:http_)?host|server_name|server_port|request_method|request_uri|uri|document_uri|args|query_string"
    r"|is_args|http_user_agent|http_referer|invalid_referer|http_upgrade|http_x_forwarded_proto|request_filename"
    r"|document_root|http_accept\w*|content_type|request_body\w*"
)
_LOOKAROUND_PATTERN = lazy_regex(r"\(\?<?[!=][^()]*\)")


@dataclass(frozen=True, slots=True)
class LocationRoute:
    """The levels that a request goes through, the server first."""

    levels: tuple[Block, ...]

    @property
    def answering_block(self) -> Block:
        """The location that answers, or the server where none takes the path."""
        return self.levels[-1]


class Router:
    """The locations of a server, for paths to be led through; `is_certain` until an expression on the way cannot be judged."""

    def __init__(self, project: Project, server_block: Block) -> None:
        self.project = project
        self.server = server_block
        self.searches = 0
        self.is_certain = True

    def route_for_path(self, path: str) -> LocationRoute:
        """The levels that a path leads to."""
        return LocationRoute(self._choose_location((self.server,), path)[0])

    def _choose_location(self, route_levels: tuple[Block, ...], request_path: str) -> tuple[tuple[Block, ...], bool]:
        """The levels, and whether an exact location or an expression decided: then no other expression is tried."""
        if len(route_levels) > _MAX_LOCATION_NESTING_DEPTH:
            self.is_certain = False
            return route_levels, True
        longest_prefix_block: Block | None = None
        longest_prefix, is_regex_search_stopped = "", False
        regex_location_blocks: list[Block] = []
        for location_directive in includes.expanded_directives_of_block(self.project, route_levels[-1], "location"):
            location_modifier, location_path = location_modifier_and_path(location_directive)
            if location_directive.block is None:
                continue
            if location_modifier == "=" and location_path == request_path:
                return (*route_levels, location_directive.block), True
            if location_modifier.startswith("~"):
                regex_location_blocks.append(location_directive.block)
            elif (
                location_modifier != "="
                and request_path.startswith(location_path)
                and (longest_prefix_block is None or len(location_path) > len(longest_prefix))
            ):
                longest_prefix_block, longest_prefix, is_regex_search_stopped = (
                    location_directive.block,
                    location_path,
                    location_modifier == "^~",
                )
        answering_levels = route_levels
        if longest_prefix_block is not None:
            answering_levels, is_decided = self._choose_location((*route_levels, longest_prefix_block), request_path)
            if is_decided or is_regex_search_stopped:
                return answering_levels, is_decided
        for regex_location_block in regex_location_blocks:
            if regex_location_block.owner is not None and self.is_match(regex_location_block.owner, request_path):
                return self._choose_location((*route_levels, regex_location_block), request_path)[0], True
        return answering_levels, False

    def is_match(self, directive: Directive, path: str) -> bool:
        """Whether the expression of a location or a rewrite matches a path; where that is not known, no, and not `is_certain`."""
        regex_and_case = regex_and_case_of_directive(directive)
        self.searches += 1
        if regex_and_case is None or self.searches > _MAX_PATTERN_MATCHES_PER_SERVER:
            self.is_certain = False
            return False
        pattern_automaton, is_automaton_exact = _compile_automaton(*regex_and_case)
        is_match = pattern_automaton is None or automaton.automaton_matches(pattern_automaton, path)
        if is_match and not is_automaton_exact:
            self.is_certain = False
            return False
        return is_match


@functools.lru_cache(maxsize=512)
def _compile_automaton(full_pattern: str, ignores_case: bool) -> tuple[automaton.Machine | None, bool]:
    """The machine of an expression, and whether it is the whole of it.

    What looks ahead or behind has no machine; without that part an expression matches more, so that its "no" still holds.
    """
    for pattern_text, is_full_pattern in ((full_pattern, True), (_LOOKAROUND_PATTERN.sub("", full_pattern), False)):
        regex = pcre.try_parse_regex(pattern_text, ignores_case)
        if regex is not None:
            try:
                return automaton.build_automaton(regex.root), is_full_pattern
            except pcre.UnsupportedError:
                continue
    return None, False


def group_matches_whole_text(group: pcre_tree.RegexNode, text: str) -> bool:
    """Whether a capturing group matches all of a text."""
    anchored_group = pcre_tree.RegexNode("cat", (pcre_tree.RegexNode("start"), group, pcre_tree.RegexNode("end")))
    try:
        return automaton.automaton_matches(automaton.build_automaton(anchored_group), text)
    except pcre.UnsupportedError:
        return False


def directives_in_force_on_route(project: Project, route: LocationRoute, *names: str) -> list[Directive]:
    """The directives of some names in force at the end of a route: those of the nearest level that has any.

    The levels are those of the route, since a file that several servers include stands in each of them.
    """
    blocks_around_route = includes.blocks_outwards(project, route.levels[0])[1:]
    for route_or_outer_level in (*reversed(route.levels), *blocks_around_route):
        level_directives = includes.expanded_directives_of_block(project, route_or_outer_level, *names)
        if level_directives:
            return level_directives
    return []


def is_answered_without_file(project: Project, block: Block) -> bool:
    """Whether something else than the file system answers in a location: a backend, a script, a fixed answer."""
    return any(
        d.name in property_by_fact_name("nginx-directives", "answers") or d.name.endswith("_pass")
        for d in includes.expanded_directives_of_block(project, block)
    )


def unconditional_rewrites(project: Project, block: Block) -> Iterator[Directive]:
    """The rewrites of a level that are held against every request which comes there: those before a `return` or `break`."""
    for directive in includes.expanded_directives_of_block(project, block, "rewrite", "return", "break"):
        if directive.name != "rewrite":
            return
        if len(directive.args) > 1:
            yield directive


def is_rewrite_leaving_location(rewrite: Directive) -> bool:
    """Whether a rewrite in a location leads out of it: to the client again, or to the location of another path."""
    return is_redirect(rewrite) or "break" not in rewrite.args[2:]


def clients_admitted_by_route(project: Project, route: LocationRoute) -> str:
    """Who gets to the end of a route: `everybody`, `some` who have an address or a login for it, or `nobody`."""
    is_restricted = any(
        directive.args[:1] != ("off",)
        for directive in directives_in_force_on_route(project, route, *property_by_fact_name("nginx-directives", "guards"))
    )
    is_restricted = is_restricted or any(
        directive.args[:1] == ("on",) for directive in directives_in_force_on_route(project, route, "ssl_verify_client")
    )
    is_some_address_allowed = False
    for directive in directives_in_force_on_route(project, route, "allow", "deny"):
        is_about_all_addresses = directive.args[:1] == ("all",)
        if directive.name == "deny" and is_about_all_addresses:
            return "some" if is_some_address_allowed or is_restricted else "nobody"
        if is_about_all_addresses:
            break
        is_some_address_allowed = is_some_address_allowed or directive.name == "allow"
    is_restricted = is_restricted or _is_listening_locally_only(project, route.levels[0]) or _is_access_conditional(project, route)
    return "some" if is_restricted else "everybody"


def _is_listening_locally_only(project: Project, server_block: Block) -> bool:
    """Whether a server is reached from its own machine only."""
    listen_directives = includes.expanded_directives_of_block(project, server_block, "listen")
    return bool(listen_directives) and all(bool(d.args) and d.args[0].startswith(("127.", "localhost", "[::1]", "unix:")) for d in listen_directives)


def _is_access_conditional(project: Project, route: LocationRoute) -> bool:
    """Whether a condition on the way refuses who does not send, or is not, what not everybody can: a key, an address."""
    for route_level in route.levels:
        for if_directive in includes.expanded_directives_of_block(project, route_level, "if"):
            return_directives = includes.expanded_directives_of_block(project, if_directive.block, "return") if if_directive.block is not None else []
            is_refusing = any(d.args and d.args[0].startswith("4") for d in return_directives)
            variable_match = VARIABLE_REFERENCE.search(if_directive.joined_arguments)
            variable_name = next(filter(None, variable_match.groups()), "").lower() if variable_match else ""
            if is_refusing and not _UNRESTRICTIVE_VARIABLE_PATTERN.fullmatch(variable_name):
                return True
    return False


def has_unresolved_include(project: Project, route: LocationRoute) -> bool:
    """Whether a file that is included on the way is not in sight."""
    unresolved_include_ids = includes.include_tree(project).unresolved_include_ids
    return any(id(d) in unresolved_include_ids for level in route.levels for d in includes.expanded_directives_of_block(project, level, "include"))
