"""The top of the file system as `root` or `alias`: whether some request gets a file of it.

A request is made up that would get /etc/passwd or the like, and led through the server as nginx leads it. Where every
path is rewritten, passed on or refused, no file is served, whatever `root` says; an internal location is as open as what
leads to it with the path of the client.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.checks.nginx.routing import (
    LocationRoute,
    Router,
    directives_in_force,
    has_unseen_include,
    is_answered_elsewhere,
    is_leaving_location,
    matches_whole,
    route_admission,
    unconditional_rewrites,
)
from readiness.checks.nginx.variables import is_redirect, literal_variable_pairs, variable_value
from readiness.kinds.nginx import DirectiveSubject, includes, location_match
from readiness.kinds.purpose import is_non_production_path
from readiness.model import CheckOutcome, Related, Severity, Undecidable, hit
from readiness.model.memo import cached_property
from readiness.model.project import Project
from readiness.syntax import pcre, pcre_tree
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

# What nobody means to publish: accounts, settings, a pod's token, a key. Files of /proc have no size, so nginx sends nothing of
# them.
_SENSITIVE_FILES = (
    "/etc/passwd",
    "/etc/nginx/nginx.conf",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/etc/ssl/private/server.key",
)
_MAX_LOCATIONS = 50  # locations with such an alias that one server is asked about
_MAX_PATH_CHANGES = 500  # directives that lead elsewhere which one server is asked about
_MAX_TEMPLATE_PARTS = 4  # pieces of a template: three variables and what stands around them
_PATH_VARIABLES = frozenset({"uri", "document_uri", "request_uri"})


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a file of the top is fetched, how bad that is, and the directive that leads there where no client can go itself.

    No severity where an expression on the way cannot be judged: then nobody can tell.
    """

    request_description: str
    severity: Severity | None
    led_by_directive: Directive | None = None


@dataclass(frozen=True, slots=True)
class PathChange:
    """A directive that changes the path of a request to `new_path_text`; with `keeps_location` the location stays the same."""

    directive: Directive
    new_path_text: str
    keeps_location: bool = False


def filesystem_root_served(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`root` or `alias` is the top of the file system, and a request gets files of it.

    Medium where only some are let in; high where the server, or a file that it includes, is not in sight, in prose,
    and in files for tests and development.
    """
    d = statement.node
    exposure = project.memoize(_worst_exposures).get(id(d)) if names_filesystem_root(d) else None
    if exposure is None:
        return
    if exposure.severity is None:
        yield Undecidable(d.at(1))
        return
    related = []
    if exposure.led_by_directive is not None:
        cause = f"{exposure.led_by_directive.name} leads there with what the client sends"
        related = [Related(exposure.led_by_directive.source, exposure.led_by_directive.head_span, cause)]
    severity = exposure.severity
    if project.prose or is_non_production_path(d.source.root.path):
        severity = min(severity, Severity.HIGH)
    yield hit(
        d.at(1),
        directive=d.name,
        how=exposure.request_description,
        related=related,
        severity=severity,
    )


def names_filesystem_root(d: Directive) -> bool:
    """Whether a `root` or `alias` names the top of the file system, however it is spelt."""
    path = d.args[0] if d.args and d.name in {"root", "alias"} else ""
    return path.startswith("/") and not has_variable(path) and posixpath.normpath(re.sub("/+", "/", path)) == "/"


def _worst_exposures(project: Project) -> dict[int, Exposure]:
    """The worst exposure of each directive that names the top, over all servers that it holds for."""
    servers: dict[int, Block] = {}
    for document in project.documents_of_kind("nginx"):
        for d in document.walk_directives():
            if d.name == "server" and d.block is not None:
                servers[id(d.block)] = d.block
            elif names_filesystem_root(d):
                piece = _server_or_fragment(project, d.parent)
                if piece is not None:
                    servers[id(piece)] = piece
    worst: dict[int, Exposure] = {}
    for block in servers.values():
        for key, exposure in _ServerExposures(project, block).find_exposures():
            if key not in worst or _severity_rank(worst[key]) < _severity_rank(exposure):
                worst[key] = exposure
    return worst


def _severity_rank(exposure: Exposure) -> int:
    return -1 if exposure.severity is None else int(exposure.severity)


def _server_or_fragment(project: Project, block: Block) -> Block | None:
    """What stands for a server where none is in sight: an `http` without one, or a file that is a part of one."""
    levels = includes.levels_outwards(project, block)
    if any(level.opening_directive_name == "server" for level in levels):
        return None
    top = next((level for level in levels if level.opening_directive_name == "http"), levels[-1])
    return top if all(d.block is None for d in includes.directives_of(project, top, "server")) else None


class _ServerExposures:
    """One server, and the requests that are led through it."""

    def __init__(self, project: Project, block: Block) -> None:
        self.project = project
        self.block = block
        self.router = Router(project, block)

    @cached_property
    def path_changes(self) -> list[PathChange]:
        """What leads requests from one path to another, here or in what a backend answers."""
        leads = [
            *_path_changes(self.project, self.block),
            *self.project.memoize(_internal_redirects),
        ]
        return leads[:_MAX_PATH_CHANGES]

    def find_exposures(self) -> Iterator[tuple[int, Exposure]]:
        """(identity of a directive that names the top, how a file is fetched through it)."""
        for path, file in self.paths_with_target_file():
            self.router.is_certain = True
            route = self.router.route_for_path(path)
            d = self.top_of_route(route)
            if d is not None and self.is_path_of_file(d, route, path, file):
                exposure = self.exposure_by_request(route, path, file)
                if exposure is not None:
                    yield id(d), exposure
        for lead in self.path_changes if self.top_directives else ():
            yield from self.exposures_by_rewrite(lead)

    @cached_property
    def top_directives(self) -> list[Directive]:
        """The directives that name the top and hold in this server: its own, and those around it."""
        inner = [d for d in includes.directives_within(self.project, self.block) if names_filesystem_root(d)]
        outer = includes.levels_outwards(self.project, self.block)[1:]
        return inner + [
            d for block in outer for d in includes.directives_of(self.project, block, "root") if names_filesystem_root(d)
        ]

    def paths_with_target_file(self) -> Iterator[tuple[str, str]]:
        """(path, file): requests that would get a file if nothing stood in the way."""
        if any(d.name == "root" for d in self.top_directives):
            yield from zip(_SENSITIVE_FILES, _SENSITIVE_FILES, strict=True)
        aliases = [d for d in self.top_directives if d.name == "alias" and d.parent.owner is not None]
        for d in aliases[:_MAX_LOCATIONS]:
            sign, prefix = location_match(d.parent.owner) if d.parent.owner else ("", "")
            if sign in {"", "^~"} and prefix.startswith("/"):
                yield from ((prefix.rstrip("/") + file, file) for file in _SENSITIVE_FILES)

    def top_of_route(self, route: LocationRoute) -> Directive | None:
        """The directive that says where a route's files lie, where it names the top."""
        said = includes.directives_of(self.project, route.answering_block, "alias") or directives_in_force(
            self.project, route, "root"
        )
        return said[-1] if said and names_filesystem_root(said[-1]) else None

    def is_path_of_file(self, d: Directive, route: LocationRoute, path: str, file: str) -> bool:
        """Whether the path means the file: what an alias stands for is cut off."""
        if d.name == "root":
            return path == file
        sign, prefix = location_match(route.answering_block.owner) if route.answering_block.owner else ("~", "")
        return sign in {"", "^~"} and "/" + path[len(prefix) :].lstrip("/") == file

    def exposure_by_request(self, route: LocationRoute, path: str, file: str) -> Exposure | None:
        """How a request for a path that means a file gets it; None where it does not."""
        if not self.is_served(route, path):
            return None
        by = None
        internal = bool(includes.directives_of(self.project, route.answering_block, "internal"))
        if internal or self.is_diverted(path):
            by = next(
                (one for one in self.path_changes if not one.keeps_location and self.may_make_path(one, path)),
                None,
            )
            self.router.is_certain = self.router.is_certain and len(self.path_changes) < _MAX_PATH_CHANGES
            if by is None and self.router.is_certain:
                return None
        how = f"a request for {path} gets {file}"
        if by is not None:
            how = f"{by.directive.name} leads there with what the client sends, and {path} gives {file}"
        return self.make_exposure(route, how, by)

    def make_exposure(self, route: LocationRoute, how: str, by: PathChange | None) -> Exposure | None:
        """The exposure, as bad as it is for those who get there."""
        who = route_admission(self.project, route)
        node = by.directive if by else None
        if who == "nobody":
            return None
        if not self.router.is_certain:
            return Exposure(how, None, node)
        if who == "some":
            return Exposure(f"{how}, for those who are let in", Severity.MEDIUM, node)
        proved = self.block.opening_directive_name == "server" and not has_unseen_include(self.project, route)
        if by is not None:
            proved = proved and not _is_in_location(self.project, by.directive, is_internal_location=True)
        return Exposure(how, Severity.CRITICAL if proved else Severity.HIGH, node)

    def is_served(self, route: LocationRoute, path: str) -> bool:
        """Whether the end of a route answers with the file that the path means."""
        if is_answered_elsewhere(self.project, route.answering_block):
            return False
        tried = includes.directives_of(self.project, route.answering_block, "try_files")
        if tried and not any(self.may_make_path(PathChange(tried[-1], text), path) for text in tried[-1].args[:-1]):
            return False
        return route.answering_block is self.block or not any(
            self.router.is_match(directive, path) for directive in unconditional_rewrites(self.project, route.answering_block)
        )

    def is_diverted(self, path: str) -> bool:
        """Whether the server itself answers, or leads every request for a path elsewhere, before any location is asked."""
        if includes.directives_of(self.project, self.block, "return"):
            return True
        return any(self.router.is_match(one, path) for one in unconditional_rewrites(self.project, self.block))

    def exposures_by_rewrite(self, lead: PathChange) -> Iterator[tuple[int, Exposure]]:
        """What a location exposes by changing the path and staying where it is."""
        location = includes.nearest_enclosing(self.project, lead.directive.parent, "location")
        if not lead.keeps_location or location is None or includes.directives_of(self.project, location, "internal"):
            return
        levels = includes.levels_outwards(self.project, location)
        end = next((n for n, one in enumerate(levels) if one is self.block), len(levels) - 1)
        route = LocationRoute(tuple(reversed(levels[: end + 1])))
        d = self.top_of_route(route)
        file = next((file for file in _SENSITIVE_FILES if self.may_make_path(lead, file)), "")
        if d is None or d.name != "root" or not file or is_answered_elsewhere(self.project, location):
            return
        self.router.is_certain = True
        how = f"{lead.directive.name} makes the path of what the client sends, which gives {file}"
        exposure = self.make_exposure(route, how, lead)
        if exposure is not None:
            yield id(d), exposure

    def may_make_path(self, lead: PathChange, path: str) -> bool:
        """Whether a client can choose what it sends so that a directive makes the path of it."""
        parts = list(
            literal_variable_pairs(re.sub(r"\?.*|\$is_args.*|\$\{is_args\}.*", "", lead.new_path_text, flags=re.DOTALL))
        )
        return 1 < len(parts) <= _MAX_TEMPLATE_PARTS and self._may_fit_parts(lead, parts, path)

    def _may_fit_parts(self, path_change: PathChange, parts: list[tuple[str, str]], remaining_path: str) -> bool:
        literal, name = parts[0]
        if not remaining_path.startswith(literal):
            return False
        remaining_path = remaining_path[len(literal) :]
        if not name:
            return not remaining_path
        return any(
            self._may_hold_piece(path_change, name, remaining_path[:end], preceding_literal=literal)
            and self._may_fit_parts(path_change, parts[1:], remaining_path[end:])
            for end in range(len(remaining_path), -1, -1)
            if remaining_path[end:].startswith(parts[1][0])
        )

    def _may_hold_piece(self, path_change: PathChange, name: str, piece: str, *, preceding_literal: str) -> bool:
        """Whether a variable can hold a piece of a path where the directive stands.

        A path begins with a slash; behind another one the file system makes one of the two.
        """
        own = _captured_group(path_change.directive, name)
        if own is not None:
            return matches_whole(own, piece)
        if name not in _PATH_VARIABLES:
            client = variable_value(self.project, path_change.directive, name).client_characters
            return pcre_tree.char_mask(piece) & ~client == 0
        if preceding_literal.endswith("/") and not piece.startswith("/"):
            piece = f"/{piece}"
        levels = includes.levels_outwards(self.project, path_change.directive.parent)
        location = next((one for one in levels if one.opening_directive_name == "location"), None)
        if location is None or location.owner is None or self.block not in levels:
            return piece.startswith("/")
        named = location_match(location.owner)[1].startswith("@")
        return named or any(one is location for one in self.router.route_for_path(piece).levels)


def _captured_group(directive: Directive, name: str) -> pcre_tree.RegexNode | None:
    """The group of a rewrite's own expression that a variable of its target stands for."""
    regex = pcre.try_parse_regex(directive.args[0]) if directive.name == "rewrite" else None
    return regex.group(int(name) if name.isdigit() else name) if regex is not None else None


def _path_changes(project: Project, server: Block) -> Iterator[PathChange]:
    """The directives of a server that lead a request to a path which the client has a part in."""
    for d in includes.directives_within(project, server):
        if d.name == "rewrite" and len(d.args) > 1 and not is_redirect(d):
            yield PathChange(
                d,
                d.args[1],
                keeps_location=not is_leaving_location(d) and _is_in_location(project, d),
            )
        elif d.name == "try_files":
            yield PathChange(d, d.args[-1] if d.args else "")
            if _is_in_location(project, d):
                yield from (PathChange(d, text, keeps_location=True) for text in d.args[:-1] if "uri" not in text)
        elif d.name == "error_page" and len(d.args) > 1:
            yield PathChange(d, d.args[-1])


def _internal_redirects(project: Project) -> list[PathChange]:
    """The answers that name the file to be sent in their stead, where nginx itself is the backend."""
    return [
        PathChange(d, d.args[-1])
        for document in project.documents_of_kind("nginx")
        for d in document.walk_directives()
        if d.name == "add_header" and d.args and d.args[0].lower() == "x-accel-redirect"
    ]


def _is_in_location(project: Project, directive: Directive, *, is_internal_location: bool = False) -> bool:
    """Whether a directive stands in a location; with `is_internal_location`, in one that no client asks for itself."""
    location = includes.nearest_enclosing(project, directive.parent, "location")
    return location is not None and (not is_internal_location or bool(includes.directives_of(project, location, "internal")))
