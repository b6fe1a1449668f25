"""Which location answers a path, who is let into it, and whether it answers with a file: as nginx decides it.

https://nginx.org/en/docs/http/ngx_http_core_module.html#location
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.checks.nginx.variables import VARIABLE_REFERENCE, is_redirect, pattern_of
from readiness.facts.table import fact_column
from readiness.kinds.nginx import includes, location_match
from readiness.model.project import Project
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive

_MAX_NESTED_LOCATIONS = 30  # locations in locations
_MAX_PATTERN_MATCHES = (
    5_000  # paths held against expressions, for one server: nobody writes a hundred expressions and fifty such aliases
)
# What a client says of itself, or anybody may send: a condition on it keeps nobody out.
_CLIENT_CHOSEN_VARIABLE = re.compile(
    r"scheme|https|(?:http_)?host|server_name|server_port|request_method|request_uri|uri|document_uri|args|query_string"
    r"|is_args|http_user_agent|http_referer|invalid_referer|http_upgrade|http_x_forwarded_proto|request_filename"
    r"|document_root|http_accept\w*|content_type|request_body\w*"
)
_LOOKAROUND = re.compile(r"\(\?<?[!=][^()]*\)")


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

    def __init__(self, project: Project, server: Block) -> None:
        self.project = project
        self.server = server
        self.searches = 0
        self.is_certain = True

    def route_for_path(self, path: str) -> LocationRoute:
        """The levels that a path leads to."""
        return LocationRoute(self._choose_location((self.server,), path)[0])

    def _choose_location(self, levels: tuple[Block, ...], path: str) -> tuple[tuple[Block, ...], bool]:
        """The levels, and whether an exact location or an expression decided: then no other expression is tried."""
        if len(levels) > _MAX_NESTED_LOCATIONS:
            self.is_certain = False
            return levels, True
        longest: Block | None = None
        prefix, plain = "", False
        expressions: list[Block] = []
        for location in includes.directives_of(self.project, levels[-1], "location"):
            sign, text = location_match(location)
            if location.block is None:
                continue
            if sign == "=" and text == path:
                return (*levels, location.block), True
            if sign.startswith("~"):
                expressions.append(location.block)
            elif sign != "=" and path.startswith(text) and (longest is None or len(text) > len(prefix)):
                longest, prefix, plain = location.block, text, sign == "^~"
        answer = levels
        if longest is not None:
            answer, decided = self._choose_location((*levels, longest), path)
            if decided or plain:
                return answer, decided
        for block in expressions:
            if block.owner is not None and self.is_match(block.owner, path):
                return self._choose_location((*levels, block), path)[0], True
        return answer, False

    def is_match(self, directive: Directive, path: str) -> bool:
        """Whether the expression of a location or a rewrite matches a path; where that is not known, no, and not `is_certain`."""
        pattern = pattern_of(directive)
        self.searches += 1
        if pattern is None or self.searches > _MAX_PATTERN_MATCHES:
            self.is_certain = False
            return False
        machine, is_exact = _compile_machine(*pattern)
        is_match = machine is None or automaton.machine_matches(machine, path)
        if is_match and not is_exact:
            self.is_certain = False
            return False
        return is_match


@functools.lru_cache(maxsize=512)
def _compile_machine(pattern: str, ignores_case: bool) -> tuple[automaton.Machine | None, bool]:
    """The machine of an expression, and whether it is the whole of it.

    What looks ahead or behind has no machine; without that part an expression matches more, so that its "no" still holds.
    """
    for text, is_exact in ((pattern, True), (_LOOKAROUND.sub("", pattern), False)):
        regex = pcre.try_parse_regex(text, ignores_case)
        if regex is not None:
            try:
                return automaton.build_machine(regex.root), is_exact
            except pcre.UnsupportedError:
                continue
    return None, False


def matches_whole(group: pcre_tree.RegexNode, text: str) -> bool:
    """Whether a capturing group matches all of a text."""
    root = pcre_tree.RegexNode("cat", (pcre_tree.RegexNode("start"), group, pcre_tree.RegexNode("end")))
    try:
        return automaton.machine_matches(automaton.build_machine(root), text)
    except pcre.UnsupportedError:
        return False


def directives_in_force(project: Project, route: LocationRoute, *names: str) -> list[Directive]:
    """The directives of some names in force at the end of a route: those of the nearest level that has any.

    The levels are those of the route, since a file that several servers include stands in each of them.
    """
    outer = includes.levels_outwards(project, route.levels[0])[1:]
    for level in (*reversed(route.levels), *outer):
        directives = includes.directives_of(project, level, *names)
        if directives:
            return directives
    return []


def is_answered_elsewhere(project: Project, block: Block) -> bool:
    """Whether something else than the file system answers in a location: a backend, a script, a fixed answer."""
    return any(
        d.name in fact_column("nginx-directives", "answers") or d.name.endswith("_pass")
        for d in includes.directives_of(project, block)
    )


def unconditional_rewrites(project: Project, block: Block) -> Iterator[Directive]:
    """The rewrites of a level that are held against every request which comes there: those before a `return` or `break`."""
    for d in includes.directives_of(project, block, "rewrite", "return", "break"):
        if d.name != "rewrite":
            return
        if len(d.args) > 1:
            yield d


def is_leaving_location(rewrite: Directive) -> bool:
    """Whether a rewrite in a location leads out of it: to the client again, or to the location of another path."""
    return is_redirect(rewrite) or "break" not in rewrite.args[2:]


def route_admission(project: Project, route: LocationRoute) -> str:
    """Who gets to the end of a route: `everybody`, `some` who have an address or a login for it, or `nobody`."""
    kept = any(d.args[:1] != ("off",) for d in directives_in_force(project, route, *fact_column("nginx-directives", "guards")))
    kept = kept or any(d.args[:1] == ("on",) for d in directives_in_force(project, route, "ssl_verify_client"))
    allowed = False
    for d in directives_in_force(project, route, "allow", "deny"):
        everyone = d.args[:1] == ("all",)
        if d.name == "deny" and everyone:
            return "some" if allowed or kept else "nobody"
        if everyone:
            break
        allowed = allowed or d.name == "allow"
    kept = kept or _is_local_only(project, route.levels[0]) or _is_access_conditional(project, route)
    return "some" if kept else "everybody"


def _is_local_only(project: Project, server: Block) -> bool:
    """Whether a server is reached from its own machine only."""
    listens = includes.directives_of(project, server, "listen")
    return bool(listens) and all(
        bool(d.args) and d.args[0].startswith(("127.", "localhost", "[::1]", "unix:")) for d in listens
    )


def _is_access_conditional(project: Project, route: LocationRoute) -> bool:
    """Whether a condition on the way refuses who does not send, or is not, what not everybody can: a key, an address."""
    for level in route.levels:
        for directive in includes.directives_of(project, level, "if"):
            inside = includes.directives_of(project, directive.block, "return") if directive.block is not None else []
            refuses = any(d.args and d.args[0].startswith("4") for d in inside)
            asked = VARIABLE_REFERENCE.search(directive.joined_arguments)
            name = next(filter(None, asked.groups()), "").lower() if asked else ""
            if refuses and not _CLIENT_CHOSEN_VARIABLE.fullmatch(name):
                return True
    return False


def has_unseen_include(project: Project, route: LocationRoute) -> bool:
    """Whether a file that is included on the way is not in sight."""
    lost = includes.include_tree(project).unresolved_include_ids
    return any(id(d) in lost for level in route.levels for d in includes.directives_of(project, level, "include"))
