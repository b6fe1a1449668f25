"""Paths: files that a request can reach, and the path that a backend gets to see."""

from __future__ import annotations

import re

from readiness.checks.nginx.variables import (
    VARIABLE_REFERENCE,
    http_splitting,
    is_redirect,
    pattern_of,
    variable_names,
    variable_value,
)
from readiness.facts.table import fact_column
from readiness.kinds.nginx import (
    BlockScope,
    DirectiveSubject,
    hosts,
    includes,
    is_catch_all,
    location_match,
)
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit
from readiness.model.project import Project
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

_DOT_MASK, _SLASH_MASK = pcre_tree.char_mask("."), pcre_tree.char_mask("/")
# What nginx escapes when it passes a path on, and what means something else once it is not escaped.
_ESCAPED_CHARACTERS = pcre_tree.char_mask(" #%?\x01\x1f\x7f") | 1 << pcre_tree.NON_ASCII_BIT


def alias_traversal(statement: DirectiveSubject) -> CheckOutcome:
    """A path can climb out of the aliased folder."""
    d = statement.node
    location = d.parent.owner
    if location is None or location.name != "location" or not d.args:
        return
    pattern = pattern_of(location)
    if pattern is None:
        sign, prefix = location_match(location)
        meets = prefix.endswith("/") or not d.args[0].endswith("/")
        if prefix.startswith("/") and sign != "=" and not meets:
            yield hit(location.at(len(location.args)), alias=d.args[0], location=prefix)
        return
    regex = pcre.try_parse_regex(*pattern)
    if regex is None:
        return
    for name in variable_names(d.args[0]):
        group = regex.group(int(name) if name.isdigit() else name)
        if group is None or not pcre_tree.may_hold(group, _DOT_MASK):
            continue
        left = pcre_tree.chars_before(regex.root, group)
        bounded = left and not left & ~_SLASH_MASK  # nginx has cleaned the path: no `..` stands behind a slash
        if not bounded and _may_start_with_dot_dot(group):
            yield hit(d.at(1), alias=d.args[0], location=pattern[0])
            return


def _may_start_with_dot_dot(group: pcre_tree.RegexNode) -> bool:
    """Whether what a capture holds can begin with `..`."""
    expression = pcre_tree.RegexNode("cat", (pcre_tree.RegexNode("start"), group, pcre_tree.RegexNode("end")))
    try:
        machine = automaton.build_machine(expression)
    except pcre.UnsupportedError:
        return False
    ends = [
        "",
        "/",
        "/a",
        "/a/b",
        *automaton.sample_texts(group),
        *(f"/{text}" for text in automaton.sample_texts(group)),
    ]
    return any(automaton.machine_matches(machine, f"..{end}") for end in ends)


def root_in_location(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`root` stands in `location /` and the server has none, so other locations fall back to nginx's own folder."""
    d = statement.node
    location = d.parent.owner
    if location is None or not is_catch_all(location):
        return
    server = location.parent
    if server.opening_directive_name != "server" or includes.effective_directives(project, server, "root"):
        return
    for other in includes.directives_of(project, server, "location"):
        if other.block is None or other is location or (other.args and other.args[0].startswith("@")):
            continue
        own = {x.name for x in includes.directives_of(project, other.block)}
        if fact_column("nginx-directives", "rootless").keys().isdisjoint(own):
            yield hit(d.head_span, location=other.joined_arguments)
            return


# -- proxy_pass and the path ----------------------------------------------------------------------------------------


def _proxied_location(block: Block) -> Directive | None:
    """The location that a `proxy_pass` serves, through `if` and `limit_except`."""
    current: Block | None = block
    while current is not None:
        if current.opening_directive_name == "location":
            return current.owner
        current = current.enclosing_block
    return None


def proxy_slash_mismatch(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The location's prefix and the URI that replaces it do not both end in a slash."""
    d = statement.node
    location = _proxied_location(d.parent)
    if not d.args or has_variable(d.args[0]) or location is None or d.parent.opening_directive_name == "if":
        return
    uri = hosts.parse_pass_target(d.args[0]).uri
    sign, prefix = location_match(location)
    plain = sign in {"", "^~"}
    if not uri or "?" in uri or not plain or not prefix.startswith("/") or _is_rewritten(project, location):
        return
    if prefix.endswith("/") and not uri.endswith(("/", "=")):
        yield hit(d.at(1), location=prefix, uri=uri, result=f"{uri}path")
    elif not prefix.endswith("/") and uri.endswith("/"):
        yield hit(d.at(1), location=prefix, uri=uri, result=f"{uri}../path")


def _is_rewritten(project: Project, location: Directive) -> bool:
    block = location.block
    return block is not None and any("break" in d.args[2:] for d in includes.directives_of(project, block, "rewrite"))


def _puts_raw_uri(project: Project, block: Block, *, in_every_case: bool) -> bool:
    """Whether a rewrite puts the path as the client sent it into the URI: in every case, or in some."""
    for level in includes.levels_outwards(project, block):
        directives = list(includes.directives_of(project, level, "rewrite"))
        if not in_every_case:
            directives += [
                r
                for d in includes.directives_of(project, level, "if")
                if d.block
                for r in includes.directives_of(project, d.block, "rewrite")
            ]
        if level.opening_directive_name == "if" and in_every_case:
            continue
        if any(len(r.args) > 1 and "$request_uri" in r.args[1] and not is_redirect(r) for r in directives):
            return True
        if level.opening_directive_name in {"location", "server"}:
            return False
    return False


def proxy_path_escaped_twice(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The raw path was put into the URI and nginx escapes it once more on the way to the backend."""
    d = statement.node
    if not d.args or not _puts_raw_uri(project, d.parent, in_every_case=False):
        return
    place = hosts.parse_pass_target(d.args[0])
    if has_variable(place.host) and any(
        variable_value(project, d, name).client_characters for name in variable_names(place.host)
    ):
        return
    if not variable_names(place.uri):
        yield hit(d.at(1))


def proxy_path_decoded(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """The backend gets a piece of the path that nginx has decoded and does not escape again.

    Where a line break can be in it, `http_splitting` tells, and the same mends both.
    """
    d = statement.node
    if not d.args or any(True for _ in http_splitting(statement, project)):
        return
    scheme, _, rest = d.args[0].partition("://")
    for name in variable_names(rest if scheme in {"http", "https"} else d.args[0]):
        value = variable_value(project, d, name)
        if not value.is_decoded or not value.client_characters & _ESCAPED_CHARACTERS:
            continue
        if name in {"uri", "document_uri"} and _puts_raw_uri(project, d.parent, in_every_case=True):
            continue
        yield hit(d.at(1), variable=f"${name}")
        return


def proxy_path_normalized(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`proxy_pass` has a fixed URI, so the rest of the path goes through nginx's decoding and normalising."""
    d = statement.node
    location = _proxied_location(d.parent)
    if not d.args or (location is not None and location_match(location)[0] == "="):
        return
    uri = hosts.parse_pass_target(d.args[0]).uri
    if uri and not VARIABLE_REFERENCE.search(uri):
        yield hit(d.at(1), uri=uri)


def merge_slashes_off(statement: DirectiveSubject) -> CheckOutcome:
    """Slashes are not merged, so `location` rules see other paths than backends that do merge them."""
    d = statement.node
    if d.args[:1] == ("off",):
        yield hit(d.at(1))


_STATIC_SUFFIX = re.compile(r"\b(?:css|js|png|jpe?g|woff2?)\b")


def static_files_uncached(scope: BlockScope, project: Project) -> CheckOutcome:
    """A location for static files gives them no lifetime."""
    block = scope.node
    owner = block.owner
    if (
        owner is None
        or not location_match(owner)[0].startswith("~")
        or not _STATIC_SUFFIX.search(location_match(owner)[1].partition("\\.")[2])
    ):
        if not includes.directives_of(project, block, "expires"):
            yield NotApplicable()
        return
    if any(d.name in {"deny", "return", "proxy_pass", "fastcgi_pass"} for d in includes.directives_of(project, block)):
        return
    if includes.effective_directives(project, block, "expires"):
        return
    if includes.may_be_set_in_unread_file(project, block):
        yield Undecidable(owner.head_span)
        return
    if not any(
        d.args and d.args[0].lower() == "cache-control" for d in includes.effective_directives(project, block, "add_header")
    ):
        yield hit(owner.head_span)
