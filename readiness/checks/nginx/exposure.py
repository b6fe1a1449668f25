"""The top of the file system as `root` or `alias`: whether some request gets a file of it.

A request is made up that would get /etc/passwd or the like, and led through the server as nginx leads it. Where every
path is rewritten, passed on or refused, no file is served, whatever `root` says; an internal location is as open as what
leads to it with the path of the client.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.checks.nginx.routing import (
    LocationRoute,
    Router,
    clients_admitted_by_route,
    directives_in_force_on_route,
    group_matches_whole_text,
    has_unresolved_include,
    is_answered_without_file,
    is_rewrite_leaving_location,
    unconditional_rewrites,
)
from readiness.checks.nginx.variables import is_redirect, literal_variable_pairs, variable_value
from readiness.kinds.nginx import DirectiveSubject, includes, location_modifier_and_path
from readiness.kinds.purpose import is_non_production_path
from readiness.model import CheckOutcome, Related, Severity, Undecidable, hit
from readiness.model.memo import cached_property
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import pcre, pcre_tree
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

# What nobody means to publish: accounts, settings, a pod's token, a key. Files of /proc have no size, so nginx sends nothing of
# them.
_SENSITIVE_FILES = (
    "/etc/passwd",
    "/etc/nginx/nginx.conf",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/etc/ssl/private/server.key",
)
_MAX_ALIASES_PER_SERVER = 50  # locations with such an alias that one server is asked about
_MAX_PATH_CHANGES_PER_SERVER = 500  # directives that lead elsewhere which one server is asked about
_MAX_TEMPLATE_PARTS = 4  # pieces of a template: three variables and what stands around them
_PATH_VARIABLE_NAMES = frozenset({"uri", "document_uri", "request_uri"})


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
    directive = statement.node
    exposure = project.memoize(_worst_exposure_by_directive_id).get(id(directive)) if names_filesystem_root(directive) else None
    if exposure is None:
        return
    if exposure.severity is None:
        yield Undecidable(directive.at(1))
        return
    related_places = []
    if exposure.led_by_directive is not None:
        related_message = f"{exposure.led_by_directive.name} leads there with what the client sends"
        related_places = [Related(exposure.led_by_directive.source, exposure.led_by_directive.head_span, related_message)]
    severity = exposure.severity
    if project.prose or is_non_production_path(directive.source.root.path):
        severity = min(severity, Severity.HIGH)
    yield hit(
        directive.at(1),
        directive=directive.name,
        how=exposure.request_description,
        related=related_places,
        severity=severity,
    )


def names_filesystem_root(d: Directive) -> bool:
    """Whether a `root` or `alias` names the top of the file system, however it is spelt."""
    root_or_alias_path = d.args[0] if d.args and d.name in {"root", "alias"} else ""
    return (
        root_or_alias_path.startswith("/")
        and not has_variable_sign(root_or_alias_path)
        and posixpath.normpath(re.sub("/+", "/", root_or_alias_path)) == "/"
    )


def _worst_exposure_by_directive_id(project: Project) -> dict[int, Exposure]:
    """The worst exposure of each directive that names the top, over all servers that it holds for."""
    server_block_by_id: dict[int, Block] = {}
    for document in project.documents_of_kind("nginx"):
        for directive in document.walk_directives():
            if directive.name == "server" and directive.block is not None:
                server_block_by_id[id(directive.block)] = directive.block
            elif names_filesystem_root(directive):
                server_or_fragment = _server_stand_in(project, directive.parent)
                if server_or_fragment is not None:
                    server_block_by_id[id(server_or_fragment)] = server_or_fragment
    worst_exposure_by_directive_id: dict[int, Exposure] = {}
    for server_block in server_block_by_id.values():
        for directive_id, exposure in _ServerExposures(project, server_block).find_exposures():
            if directive_id not in worst_exposure_by_directive_id or _severity_rank(worst_exposure_by_directive_id[directive_id]) < _severity_rank(
                exposure
            ):
                worst_exposure_by_directive_id[directive_id] = exposure
    return worst_exposure_by_directive_id


def _severity_rank(exposure: Exposure) -> int:
    return -1 if exposure.severity is None else int(exposure.severity)


def _server_stand_in(project: Project, block: Block) -> Block | None:
    """What stands for a server where none is in sight: an `http` without one, or a file that is a part of one."""
    enclosing_blocks = includes.blocks_outwards(project, block)
    if any(level.opening_directive_name == "server" for level in enclosing_blocks):
        return None
    http_or_outermost_block = next((level for level in enclosing_blocks if level.opening_directive_name == "http"), enclosing_blocks[-1])
    return (
        http_or_outermost_block
        if all(d.block is None for d in includes.expanded_directives_of_block(project, http_or_outermost_block, "server"))
        else None
    )


class _ServerExposures:
    """One server, and the requests that are led through it."""

    def __init__(self, project: Project, server_block: Block) -> None:
        self.project = project
        self.block = server_block
        self.router = Router(project, server_block)

    @cached_property
    def path_changes(self) -> list[PathChange]:
        """What leads requests from one path to another, here or in what a backend answers."""
        all_path_changes = [
            *_path_changes(self.project, self.block),
            *self.project.memoize(_internal_redirects),
        ]
        return all_path_changes[:_MAX_PATH_CHANGES_PER_SERVER]

    def find_exposures(self) -> Iterator[tuple[int, Exposure]]:
        """(identity of a directive that names the top, how a file is fetched through it)."""
        for request_path, file_path in self.paths_with_target_file():
            self.router.is_certain = True
            route = self.router.route_for_path(request_path)
            directive = self.top_of_route(route)
            if directive is not None and self.is_path_of_file(directive, route, request_path, file_path):
                exposure = self.exposure_by_request(route, request_path, file_path)
                if exposure is not None:
                    yield id(directive), exposure
        for path_change in self.path_changes if self.top_directives else ():
            yield from self.exposures_by_rewrite(path_change)

    @cached_property
    def top_directives(self) -> list[Directive]:
        """The directives that name the top and hold in this server: its own, and those around it."""
        inner_root_directives = [d for d in includes.all_directives_within_block(self.project, self.block) if names_filesystem_root(d)]
        outer_blocks = includes.blocks_outwards(self.project, self.block)[1:]
        return inner_root_directives + [
            d for block in outer_blocks for d in includes.expanded_directives_of_block(self.project, block, "root") if names_filesystem_root(d)
        ]

    def paths_with_target_file(self) -> Iterator[tuple[str, str]]:
        """(path, file): requests that would get a file if nothing stood in the way."""
        if any(directive.name == "root" for directive in self.top_directives):
            yield from zip(_SENSITIVE_FILES, _SENSITIVE_FILES, strict=True)
        alias_directives = [directive for directive in self.top_directives if directive.name == "alias" and directive.parent.owner is not None]
        for directive in alias_directives[:_MAX_ALIASES_PER_SERVER]:
            location_modifier, location_prefix = location_modifier_and_path(directive.parent.owner) if directive.parent.owner else ("", "")
            if location_modifier in {"", "^~"} and location_prefix.startswith("/"):
                yield from ((location_prefix.rstrip("/") + file, file) for file in _SENSITIVE_FILES)

    def top_of_route(self, route: LocationRoute) -> Directive | None:
        """The directive that says where a route's files lie, where it names the top."""
        root_or_alias_directives = includes.expanded_directives_of_block(
            self.project, route.answering_block, "alias"
        ) or directives_in_force_on_route(self.project, route, "root")
        return root_or_alias_directives[-1] if root_or_alias_directives and names_filesystem_root(root_or_alias_directives[-1]) else None

    def is_path_of_file(self, d: Directive, route: LocationRoute, path: str, file: str) -> bool:
        """Whether the path means the file: what an alias stands for is cut off."""
        if d.name == "root":
            return path == file
        location_modifier, location_prefix = location_modifier_and_path(route.answering_block.owner) if route.answering_block.owner else ("~", "")
        return location_modifier in {"", "^~"} and "/" + path[len(location_prefix) :].lstrip("/") == file

    def exposure_by_request(self, route: LocationRoute, path: str, file: str) -> Exposure | None:
        """How a request for a path that means a file gets it; None where it does not."""
        if not self.is_served(route, path):
            return None
        path_change = None
        is_internal_location = bool(includes.expanded_directives_of_block(self.project, route.answering_block, "internal"))
        if is_internal_location or self.is_diverted(path):
            path_change = next(
                (one for one in self.path_changes if not one.keeps_location and self.may_make_path(one, path)),
                None,
            )
            self.router.is_certain = self.router.is_certain and len(self.path_changes) < _MAX_PATH_CHANGES_PER_SERVER
            if path_change is None and self.router.is_certain:
                return None
        request_description = f"a request for {path} gets {file}"
        if path_change is not None:
            request_description = f"{path_change.directive.name} leads there with what the client sends, and {path} gives {file}"
        return self.make_exposure(route, request_description, path_change)

    def make_exposure(self, route: LocationRoute, how: str, by: PathChange | None) -> Exposure | None:
        """The exposure, as bad as it is for those who get there."""
        admitted_clients = clients_admitted_by_route(self.project, route)
        path_changing_directive = by.directive if by else None
        if admitted_clients == "nobody":
            return None
        if not self.router.is_certain:
            return Exposure(how, None, path_changing_directive)
        if admitted_clients == "some":
            return Exposure(f"{how}, for those who are let in", Severity.MEDIUM, path_changing_directive)
        is_proved = self.block.opening_directive_name == "server" and not has_unresolved_include(self.project, route)
        if by is not None:
            is_proved = is_proved and not _is_in_location(self.project, by.directive, must_be_internal=True)
        return Exposure(how, Severity.CRITICAL if is_proved else Severity.HIGH, path_changing_directive)

    def is_served(self, route: LocationRoute, path: str) -> bool:
        """Whether the end of a route answers with the file that the path means."""
        if is_answered_without_file(self.project, route.answering_block):
            return False
        try_files_directives = includes.expanded_directives_of_block(self.project, route.answering_block, "try_files")
        if try_files_directives and not any(
            self.may_make_path(PathChange(try_files_directives[-1], text), path) for text in try_files_directives[-1].args[:-1]
        ):
            return False
        return route.answering_block is self.block or not any(
            self.router.is_match(directive, path) for directive in unconditional_rewrites(self.project, route.answering_block)
        )

    def is_diverted(self, path: str) -> bool:
        """Whether the server itself answers, or leads every request for a path elsewhere, before any location is asked."""
        if includes.expanded_directives_of_block(self.project, self.block, "return"):
            return True
        return any(self.router.is_match(one, path) for one in unconditional_rewrites(self.project, self.block))

    def exposures_by_rewrite(self, lead: PathChange) -> Iterator[tuple[int, Exposure]]:
        """What a location exposes by changing the path and staying where it is."""
        location_block = includes.nearest_enclosing_block_named(self.project, lead.directive.parent, "location")
        if not lead.keeps_location or location_block is None or includes.expanded_directives_of_block(self.project, location_block, "internal"):
            return
        enclosing_levels = includes.blocks_outwards(self.project, location_block)
        server_level_index = next((n for n, one in enumerate(enclosing_levels) if one is self.block), len(enclosing_levels) - 1)
        route = LocationRoute(tuple(reversed(enclosing_levels[: server_level_index + 1])))
        directive = self.top_of_route(route)
        sensitive_file_path = next(
            (sensitive_file_path for sensitive_file_path in _SENSITIVE_FILES if self.may_make_path(lead, sensitive_file_path)),
            "",
        )
        if directive is None or directive.name != "root" or not sensitive_file_path or is_answered_without_file(self.project, location_block):
            return
        self.router.is_certain = True
        request_description = f"{lead.directive.name} makes the path of what the client sends, which gives {sensitive_file_path}"
        exposure = self.make_exposure(route, request_description, lead)
        if exposure is not None:
            yield id(directive), exposure

    def may_make_path(self, lead: PathChange, path: str) -> bool:
        """Whether a client can choose what it sends so that a directive makes the path of it."""
        literal_variable_pairs_of_path = list(
            literal_variable_pairs(re.sub(r"\?.*|\$is_args.*|\$\{is_args\}.*", "", lead.new_path_text, flags=re.DOTALL))
        )
        return 1 < len(literal_variable_pairs_of_path) <= _MAX_TEMPLATE_PARTS and self._may_fit_parts(lead, literal_variable_pairs_of_path, path)

    def _may_fit_parts(self, path_change: PathChange, template_parts: list[tuple[str, str]], unmatched_path: str) -> bool:
        literal_prefix, variable_name = template_parts[0]
        if not unmatched_path.startswith(literal_prefix):
            return False
        unmatched_path = unmatched_path[len(literal_prefix) :]
        if not variable_name:
            return not unmatched_path
        return any(
            self._may_hold_piece(path_change, variable_name, unmatched_path[:end], preceding_literal=literal_prefix)
            and self._may_fit_parts(path_change, template_parts[1:], unmatched_path[end:])
            for end in range(len(unmatched_path), -1, -1)
            if unmatched_path[end:].startswith(template_parts[1][0])
        )

    def _may_hold_piece(self, path_change: PathChange, variable_name: str, path_piece: str, *, preceding_literal: str) -> bool:
        """Whether a variable can hold a piece of a path where the directive stands.

        A path begins with a slash; behind another one the file system makes one of the two.
        """
        captured_group = _captured_group(path_change.directive, variable_name)
        if captured_group is not None:
            return group_matches_whole_text(captured_group, path_piece)
        if variable_name not in _PATH_VARIABLE_NAMES:
            client_characters = variable_value(self.project, path_change.directive, variable_name).client_characters
            return pcre_tree.char_mask(path_piece) & ~client_characters == 0
        if preceding_literal.endswith("/") and not path_piece.startswith("/"):
            path_piece = f"/{path_piece}"
        enclosing_levels = includes.blocks_outwards(self.project, path_change.directive.parent)
        location_block = next((one for one in enclosing_levels if one.opening_directive_name == "location"), None)
        if location_block is None or location_block.owner is None or self.block not in enclosing_levels:
            return path_piece.startswith("/")
        is_named_location = location_modifier_and_path(location_block.owner)[1].startswith("@")
        return is_named_location or any(one is location_block for one in self.router.route_for_path(path_piece).levels)


def _captured_group(directive: Directive, variable_name: str) -> pcre_tree.RegexNode | None:
    """The group of a rewrite's own expression that a variable of its target stands for."""
    rewrite_regex = pcre.try_parse_regex(directive.args[0]) if directive.name == "rewrite" else None
    return rewrite_regex.group(int(variable_name) if variable_name.isdecimal() else variable_name) if rewrite_regex is not None else None


def _path_changes(project: Project, server_block: Block) -> Iterator[PathChange]:
    """The directives of a server that lead a request to a path which the client has a part in."""
    for directive in includes.all_directives_within_block(project, server_block):
        if directive.name == "rewrite" and len(directive.args) > 1 and not is_redirect(directive):
            yield PathChange(
                directive,
                directive.args[1],
                keeps_location=not is_rewrite_leaving_location(directive) and _is_in_location(project, directive),
            )
        elif directive.name == "try_files":
            yield PathChange(directive, directive.args[-1] if directive.args else "")
            if _is_in_location(project, directive):
                yield from (PathChange(directive, text, keeps_location=True) for text in directive.args[:-1] if "uri" not in text)
        elif directive.name == "error_page" and len(directive.args) > 1:
            yield PathChange(directive, directive.args[-1])


def _internal_redirects(project: Project) -> list[PathChange]:
    """The answers that name the file to be sent in their stead, where nginx itself is the backend."""
    return [
        PathChange(d, d.args[-1])
        for document in project.documents_of_kind("nginx")
        for d in document.walk_directives()
        if d.name == "add_header" and d.args and d.args[0].lower() == "x-accel-redirect"
    ]


def _is_in_location(project: Project, directive: Directive, *, must_be_internal: bool = False) -> bool:
    """Whether a directive stands in a location; with `must_be_internal`, in one that no client asks for itself."""
    location_block = includes.nearest_enclosing_block_named(project, directive.parent, "location")
    return location_block is not None and (not must_be_internal or bool(includes.expanded_directives_of_block(project, location_block, "internal")))
