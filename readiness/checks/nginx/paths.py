"""Paths: files that a request can reach, and the path that a backend gets to see."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from readiness.checks.nginx.splitting import http_splitting
from readiness.checks.nginx.variables import (
    VARIABLE_REFERENCE,
    is_redirect,
    regex_and_case_of_directive,
    variable_names_in_text,
    variable_value,
)
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    location_modifier_and_path,
)
from readiness.kinds.nginx.homes import containers_of_configurations
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Document as Dockerfile

_DOT_MASK, _SLASH_MASK = pcre_tree.char_mask("."), pcre_tree.char_mask("/")
# What nginx escapes when it passes a path on, and what means something else once it is not escaped.
_NGINX_ESCAPED_CHARACTERS_MASK = pcre_tree.char_mask(" #%?\x01\x1f\x7f") | 1 << pcre_tree.NON_ASCII_BIT


def alias_traversal(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A path can climb out of the aliased folder, by one level: medium where the image has nothing else there."""
    directive = statement.node
    location_directive = directive.parent.owner
    if location_directive is None or location_directive.name != "location" or not directive.args:
        return
    location_regex_and_case = regex_and_case_of_directive(location_directive)
    if location_regex_and_case is None:
        location_modifier, location_prefix = location_modifier_and_path(location_directive)
        is_slash_boundary_kept = location_prefix.endswith("/") or not directive.args[0].endswith("/")
        if location_prefix.startswith("/") and location_modifier != "=" and not is_slash_boundary_kept:
            location_span = location_directive.at(len(location_directive.args))
            if _is_alone_in_folder_of_image(directive.args[0], statement.source.path, project):
                yield hit(location_span, severity=Severity.MEDIUM, say="alone", alias=directive.args[0], location=location_prefix)
            else:
                yield hit(location_span, say="open", alias=directive.args[0], location=location_prefix)
        return
    location_regex = pcre.try_parse_regex(*location_regex_and_case)
    if location_regex is None:
        return
    for capture_name in variable_names_in_text(directive.args[0]):
        captured_group = location_regex.group(int(capture_name) if capture_name.isdecimal() else capture_name)
        if captured_group is None or not pcre_tree.may_match_any_char_of(captured_group, _DOT_MASK):
            continue
        preceding_characters_mask = pcre_tree.preceding_char_mask(location_regex.root, captured_group)
        is_preceded_only_by_slash = (
            preceding_characters_mask and not preceding_characters_mask & ~_SLASH_MASK
        )  # nginx has cleaned the path: no `..` stands behind a slash
        if not is_preceded_only_by_slash and _may_start_with_dot_dot(captured_group):
            yield hit(directive.at(1), say="open", alias=directive.args[0], location=location_regex_and_case[0])
            return


_FOLDER_NAMES_FILLED_BY_IMAGES = frozenset({"html", "nginx", "openresty", "local", "www"})
_MIN_FOLDER_DEPTH_BELOW_SYSTEM = 3  # /usr/share/shop: what lies above is the system's


_MARK_BEFORE_PATH = "[:\\s\"']"
_END_OF_PATH = "/?(?=[:,\\s\"']|\\Z)"


def _is_alone_in_folder_of_image(alias: str, configuration_path: str, project: Project) -> bool:
    """Whether each image with the configuration copies the aliased folder to where nothing else is, and no mount is there.

    The images stand on official ones, so that a folder of one's own below the system's folders is empty before.
    """
    folder_above, folder_name = posixpath.split(posixpath.normpath(alias))
    parts = folder_above.strip("/").split("/")
    if has_variable_sign(alias) or len(parts) < _MIN_FOLDER_DEPTH_BELOW_SYSTEM or not _FOLDER_NAMES_FILLED_BY_IMAGES.isdisjoint(parts):
        return False
    container_names = project.memoize(containers_of_configurations).containers_holding(configuration_path)
    dockerfiles = [one for one in project.documents_of_kind("dockerfile") if one.source.path in container_names]
    if not dockerfiles or {one.source.path for one in dockerfiles} != container_names:
        return False
    other_mention = re.compile(rf"{re.escape(folder_above)}(?!/{re.escape(folder_name)}(?![\w.-]))(?![\w.-])")
    folders_above = [f"/{'/'.join(parts[:depth])}" for depth in range(1, len(parts) + 1)]
    mount_above = re.compile(_MARK_BEFORE_PATH + "(?:" + "|".join(map(re.escape, folders_above)) + ")" + _END_OF_PATH)
    mounting_texts = [document.source.text for kind in ("compose", "k8s") for document in project.documents_of_kind(kind)]
    return (
        all(_copies_only_folder(one, posixpath.join(folder_above, folder_name)) for one in dockerfiles)
        and not any(map(mount_above.search, mounting_texts))
        and not any(map(other_mention.search, (*mounting_texts, *(one.source.text for one in dockerfiles))))
    )


def _copies_only_folder(dockerfile: Dockerfile, folder: str) -> bool:
    """Whether a Dockerfile on an official image copies to a folder, and to none of those above it."""
    from readiness.facts.base_images import is_known_official
    from readiness.kinds.dockerfile.paths import copy_destination

    final_stage = dockerfile.stages[-1]
    if not is_known_official(final_stage.root_stage.image):
        return False
    copy_targets = [
        copy_destination(stage, instruction)
        for stage in final_stage.base_chain
        for instruction in (*stage.instructions_of("COPY"), *stage.instructions_of("ADD"))
    ]
    is_filled = any(one is not None and (one == folder or one.startswith(folder + "/")) for one in copy_targets)
    return is_filled and not any(one is None or folder.startswith(one.rstrip("/") + "/") for one in copy_targets)


def _may_start_with_dot_dot(captured_group: pcre_tree.RegexNode) -> bool:
    """Whether what a capture holds can begin with `..`."""
    anchored_group = pcre_tree.RegexNode("cat", (pcre_tree.RegexNode("start"), captured_group, pcre_tree.RegexNode("end")))
    try:
        group_automaton = automaton.build_automaton(anchored_group)
    except pcre.UnsupportedError:
        return False
    path_endings = [
        "",
        "/",
        "/a",
        "/a/b",
        *automaton.sample_texts(captured_group),
        *(f"/{text}" for text in automaton.sample_texts(captured_group)),
    ]
    return any(automaton.automaton_matches(group_automaton, f"..{end}") for end in path_endings)


def root_in_location(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`root` stands in `location /` and the server has none, so other locations fall back to nginx's own folder."""
    directive = statement.node
    location_directive = directive.parent.owner
    if location_directive is None or not is_catch_all(location_directive):
        return
    server_block = location_directive.parent
    if server_block.opening_directive_name != "server" or includes.effective_directives(project, server_block, "root"):
        return
    for sibling_location in includes.expanded_directives_of_block(project, server_block, "location"):
        if (
            sibling_location.block is None
            or sibling_location is location_directive
            or (sibling_location.args and sibling_location.args[0].startswith("@"))
        ):
            continue
        sibling_directive_names = {x.name for x in includes.expanded_directives_of_block(project, sibling_location.block)}
        if property_by_fact_name("nginx-directives", "rootless").keys().isdisjoint(sibling_directive_names):
            yield hit(directive.head_span, location=sibling_location.joined_arguments)
            return


# -- proxy_pass and the path ----------------------------------------------------------------------------------------


def _proxied_location(block: Block) -> Directive | None:
    """The location that a `proxy_pass` serves, through `if` and `limit_except`."""
    enclosing_block: Block | None = block
    while enclosing_block is not None:
        if enclosing_block.opening_directive_name == "location":
            return enclosing_block.owner
        enclosing_block = enclosing_block.enclosing_block
    return None


def proxy_slash_mismatch(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The location's prefix and the URI that replaces it do not both end in a slash."""
    directive = statement.node
    location_directive = _proxied_location(directive.parent)
    if not directive.args or has_variable_sign(directive.args[0]) or location_directive is None or directive.parent.opening_directive_name == "if":
        return
    proxy_pass_uri = hosts.parse_pass_target(directive.args[0]).uri
    location_modifier, location_prefix = location_modifier_and_path(location_directive)
    is_prefix_location = location_modifier in {"", "^~"}
    if (
        not proxy_pass_uri
        or "?" in proxy_pass_uri
        or not is_prefix_location
        or not location_prefix.startswith("/")
        or _has_breaking_rewrite(project, location_directive)
    ):
        return
    if location_prefix.endswith("/") and not proxy_pass_uri.endswith(("/", "=")):
        yield hit(directive.at(1), location=location_prefix, uri=proxy_pass_uri, result=f"{proxy_pass_uri}path")
    elif not location_prefix.endswith("/") and proxy_pass_uri.endswith("/"):
        yield hit(directive.at(1), location=location_prefix, uri=proxy_pass_uri, result=f"{proxy_pass_uri}../path")


def _has_breaking_rewrite(project: Project, location_directive: Directive) -> bool:
    location_block = location_directive.block
    return location_block is not None and any(
        "break" in d.args[2:] for d in includes.expanded_directives_of_block(project, location_block, "rewrite")
    )


def _rewrites_to_raw_request_uri(project: Project, block: Block, *, is_unconditional_only: bool) -> bool:
    """Whether a rewrite puts the path as the client sent it into the URI: in every case, or in some."""
    for enclosing_level in includes.blocks_outwards(project, block):
        rewrite_directives = list(includes.expanded_directives_of_block(project, enclosing_level, "rewrite"))
        if not is_unconditional_only:
            rewrite_directives += [
                r
                for d in includes.expanded_directives_of_block(project, enclosing_level, "if")
                if d.block
                for r in includes.expanded_directives_of_block(project, d.block, "rewrite")
            ]
        if enclosing_level.opening_directive_name == "if" and is_unconditional_only:
            continue
        if any(len(r.args) > 1 and "$request_uri" in r.args[1] and not is_redirect(r) for r in rewrite_directives):
            return True
        if enclosing_level.opening_directive_name in {"location", "server"}:
            return False
    return False


def proxy_path_escaped_twice(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The raw path was put into the URI and nginx escapes it once more on the way to the backend."""
    directive = statement.node
    if not directive.args or not _rewrites_to_raw_request_uri(project, directive.parent, is_unconditional_only=False):
        return
    pass_target = hosts.parse_pass_target(directive.args[0])
    if has_variable_sign(pass_target.host) and any(
        variable_value(project, directive, name).client_characters for name in variable_names_in_text(pass_target.host)
    ):
        return
    if not variable_names_in_text(pass_target.uri):
        yield hit(directive.at(1))


def proxy_path_decoded(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The backend gets a piece of the path that nginx has decoded and does not escape again.

    Where a line break can be in it, `http_splitting` tells, and the same mends both.
    """
    directive = statement.node
    if not directive.args or any(True for _ in http_splitting(statement, project)):
        return
    url_scheme, _, url_without_scheme = directive.args[0].partition("://")
    for variable_name in variable_names_in_text(url_without_scheme if url_scheme in {"http", "https"} else directive.args[0]):
        value_of_variable = variable_value(project, directive, variable_name)
        if not value_of_variable.is_decoded or not value_of_variable.client_characters & _NGINX_ESCAPED_CHARACTERS_MASK:
            continue
        if variable_name in {"uri", "document_uri"} and _rewrites_to_raw_request_uri(project, directive.parent, is_unconditional_only=True):
            continue
        yield hit(directive.at(1), variable=f"${variable_name}")
        return


def proxy_path_normalized(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`proxy_pass` has a fixed URI, so the rest of the path goes through nginx's decoding and normalising."""
    directive = statement.node
    location_directive = _proxied_location(directive.parent)
    if not directive.args or (location_directive is not None and location_modifier_and_path(location_directive)[0] == "="):
        return
    proxy_pass_uri = hosts.parse_pass_target(directive.args[0]).uri
    if proxy_pass_uri and not VARIABLE_REFERENCE.search(proxy_pass_uri):
        yield hit(directive.at(1), uri=proxy_pass_uri)


def merge_slashes_off(statement: DirectiveSubject) -> CheckOutcome:
    """Slashes are not merged, so `location` rules see other paths than backends that do merge them."""
    directive = statement.node
    if directive.args[:1] == ("off",):
        yield hit(directive.at(1))


_STATIC_SUFFIX_PATTERN = lazy_regex(r"\b(?:css|js|png|jpe?g|woff2?)\b")


def static_files_uncached(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location for static files gives them no lifetime."""
    location_block = scope.node
    location_directive = location_block.owner
    if (
        location_directive is None
        or not location_modifier_and_path(location_directive)[0].startswith("~")
        or not _STATIC_SUFFIX_PATTERN.search(location_modifier_and_path(location_directive)[1].partition("\\.")[2])
    ):
        if not includes.expanded_directives_of_block(project, location_block, "expires"):
            yield NotApplicable()
        return
    if any(d.name in {"deny", "return", "proxy_pass", "fastcgi_pass"} for d in includes.expanded_directives_of_block(project, location_block)):
        return
    if includes.effective_directives(project, location_block, "expires"):
        return
    if includes.may_be_set_in_unread_file(project, location_block):
        yield Undecidable(location_directive.head_span)
        return
    if not any(d.args and d.args[0].lower() == "cache-control" for d in includes.effective_directives(project, location_block, "add_header")):
        yield hit(location_directive.head_span)
