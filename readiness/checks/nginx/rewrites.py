"""Rewrites, conditions and expressions: captures that are not there, patterns that cost too much, `if` in a location."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.nginx.variables import (
    VARIABLE_REFERENCE,
    capture_providers,
    condition_parts,
    is_redirect,
    pattern_of,
    variable_names,
)
from readiness.facts.table import fact_column
from readiness.kinds.nginx import (
    DATA_BLOCKS,
    BlockScope,
    DirectiveSubject,
    includes,
    location_match,
    versions,
)
from readiness.model import CheckOutcome, Hit, Span, hit, join_names
from readiness.model.project import Project
from readiness.syntax import backtracking, pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive, walk_directives

_VARIABLE_OR_GROUP_NAME = re.compile(VARIABLE_REFERENCE.pattern + r"|\(\?P?<([A-Za-z_]\w*)>")
_CAPTURE_REFERENCE = re.compile(r"\$\{?([1-9])(?![A-Za-z_])")
_REWRITE_FLAGS = frozenset({"last", "break", "redirect", "permanent"})
_SAFE_WITH_RETURN = frozenset({"add_header", "more_set_headers", "default_type", "expires", "charset"})
_TABLE_OPTIONS = frozenset({"hostnames", "volatile", "include", "ranges", "proxy", "delete", "proxy_recursive"})


def if_in_location(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` in a location holds more than `return` and `rewrite`, or stands beside `try_files`, which it takes away."""
    owner = scope.node.owner
    levels = includes.levels_outwards(project, scope.node)
    if owner is None or not any(one.opening_directive_name == "location" for one in levels):
        return
    returns = bool(includes.directives_of(project, scope.node, "return"))
    for d in scope.node.directives:
        if returns and d.name in _SAFE_WITH_RETURN:
            continue  # the answer is given right here, with the headers of this block
        if d.name not in fact_column("nginx-directives", "safe-in-if"):
            yield hit(d.head_span, say="directive", directive=d.name)
            return
        if d.name == "rewrite" and "break" in d.args[2:]:
            yield hit(d.head_span, say="break")
            return
    has_try_files = includes.directives_of(project, owner.parent, "try_files")
    if has_try_files and not _is_leaving(project, scope.node):
        yield hit(owner.head_span, say="try-files")


def if_in_location_unsafe(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` in a location holds anything but `return` and a rewrite that leaves the location."""
    owner = scope.node.owner
    if owner is None or not any(
        block.opening_directive_name == "location" for block in includes.levels_outwards(project, scope.node)
    ):
        return
    for d in scope.node.directives:
        if d.name != "return" and not (d.name == "rewrite" and _FLAGS_LEAVING_LOCATION & set(d.args[2:])):
            yield hit(d.head_span, directive=d.name)
            return


_FLAGS_LEAVING_LOCATION = frozenset({"last", "redirect", "permanent"})


def _is_leaving(project: Project, block: Block) -> bool:
    """Whether an `if` always goes away: by an answer, or by a rewrite to another location."""
    inner = includes.directives_of(project, block)
    return any(d.name == "return" or (d.name == "rewrite" and "break" not in d.args[2:]) for d in inner)


def capture_unresolved(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`$1` is used and no expression that can have run has such a group."""
    d = statement.node
    if d.name == "rewrite":
        pattern = pattern_of(d)
        regex = pcre.try_parse_regex(*pattern) if pattern else None
        wanted = _missing_group(d.args[1] if len(d.args) > 1 else "", regex)
        if regex is not None and wanted:
            yield hit(d.at(2), capture=f"${wanted}")
        return
    block = d.parent
    if d.name == "set" and block.owner is not None and block.opening_directive_name == "if" and pattern_of(block.owner):
        yield from _condition_group_hits(d, block.owner, project)
        return
    for number, text in enumerate(d.args, 1):
        wanted = _lowest_group(text)
        if wanted and not _has_group_anywhere(project, d, wanted):
            yield hit(d.at(number), capture=f"${wanted}")
            return


def _condition_group_hits(directive: Directive, owner: Directive, project: Project) -> Iterator[Hit]:
    """A `set` in an `if` with an expression reads that expression's groups; a negated one leaves none."""
    pattern = pattern_of(owner)
    regex = pcre.try_parse_regex(*pattern) if pattern else None
    text = directive.args[1] if len(directive.args) > 1 else ""
    if condition_parts(owner)[1].startswith("!"):
        wanted = _lowest_group(text)
        before = [one for one in capture_providers(project, owner) if not one.is_negated]
        if wanted and not any(one.regex is None or one.regex.group(wanted) for one in before):
            yield hit(directive.at(2), capture=f"${wanted}")
    elif regex is not None:
        group = _missing_group(text, regex)
        if group:
            yield hit(directive.at(2), capture=f"${group}")


def _lowest_group(text: str) -> int:
    found = [int(name) for name in variable_names(text) if name.isdigit() and name != "0"]
    return min(found, default=0)


def _missing_group(text: str, regex: pcre_tree.Regex | None) -> int:
    """The lowest group that a text refers to and an expression doesn't have."""
    missing = [
        int(name) for name in variable_names(text) if name.isdigit() and name != "0" and regex and not regex.group(int(name))
    ]
    return min(missing, default=0)


def _has_group_anywhere(project: Project, directive: Directive, number: int) -> bool:
    """Whether any expression around a directive, or of the same server, has a group of that number."""
    top = directive.parent
    for level in includes.levels_outwards(project, directive.parent):
        top = level
        if level.opening_directive_name == "server":
            break
    if includes.may_be_set_in_unread_file(project, directive.parent) or (top.owner is None and directive.parent is top):
        return True  # a loose line: what stands around it is not in sight
    candidates = [top.owner] if top.owner is not None else []
    for other in [*includes.directives_within(project, top), *candidates]:
        if other.name == "server_name" and any(name.startswith("~") for name in other.args):
            return True
        pattern = pattern_of(other)
        if pattern and not (other.name == "if" and condition_parts(other)[1].startswith("!")):
            regex = pcre.try_parse_regex(*pattern)
            if regex is None or regex.group(number):
                return True
    return _may_map_have_group(project, directive, number)


def _may_map_have_group(project: Project, directive: Directive, number: int) -> bool:
    for level in includes.levels_outwards(project, directive.parent):
        for table in includes.directives_of(project, level, "map"):
            for entry in table.block.directives if table.block else []:
                if entry.name.startswith("~"):
                    regex = pcre.try_parse_regex(entry.name[1:].removeprefix("*"))
                    if regex is None or regex.group(number):
                        return True
    return False


def map_capture_unresolved(scope: BlockScope) -> CheckOutcome:
    """A line of a `map` uses a group that its expression does not have."""
    for entry in scope.node.directives:
        if entry.name.startswith("~") and entry.args:
            regex = pcre.try_parse_regex(entry.name[1:].removeprefix("*"), entry.name.startswith("~*"))
            wanted = _missing_group(entry.args[-1], regex)
            if wanted:
                yield hit(entry.at(len(entry.args)), capture=f"${wanted}")


# -- CVEs of the rewrite engine -------------------------------------------------------------------------------------


def rewrite_overlapping_captures(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A redirecting rewrite uses a group and another one inside of it (CVE-2026-9256)."""
    d = statement.node
    if len(d.args) < 2 or versions.is_nginx_at_least(project, d.source, (1, 30, 2), (1, 31, 1)):
        return
    text = d.args[1]
    used = [int(n) for n in variable_names(text) if n.isdigit()]
    if len(used) < 2 or len(set(used)) < len(used) or any(not n.isdigit() for n in variable_names(text)):
        return
    if not (text.startswith(("http://", "https://")) or {"redirect", "permanent"} & set(d.args[2:])):
        _, separator, tail = text.partition("?")
        used = [int(n) for n in variable_names(tail) if n.isdigit()] if separator else []
    regex = pcre.try_parse_regex(d.args[0])
    if regex is None:
        return
    groups = [(n, regex.group(n)) for n in used]
    for first, outer in groups:
        for second, inner in groups:
            if (
                first != second
                and outer is not None
                and inner is not None
                and any(node is inner for node in pcre_tree.walk_nodes(outer))
            ):
                yield hit(d.at(2), outer=f"${first}", inner=f"${second}")
                return


def rewrite_arguments_leak(scope: BlockScope, project: Project) -> CheckOutcome:
    """A rewrite with `?` in its target is followed by a `set` or `if` that reads a numbered group (CVE-2026-42945)."""
    leaking: Directive | None = None
    if versions.is_nginx_at_least(project, scope.source, (1, 30, 1), (1, 31, 0)):
        return
    for d in _rewrite_directives(scope.node):
        if d.name == "rewrite" and len(d.args) > 1:
            if "?" in d.args[1].removesuffix("?") and not _REWRITE_FLAGS & set(d.args[2:]) and not is_redirect(d):
                leaking = d
        elif leaking is not None and d.name in {"set", "if"}:
            value = d.args[1] if d.name == "set" and len(d.args) > 1 else _compared_value(d)
            if _CAPTURE_REFERENCE.search(value):
                yield hit(leaking.head_span, directive=d.name)
                return
        elif d.name in {"return", "break"} and d.parent is scope.node:
            return


def _rewrite_directives(block: Block) -> Iterator[Directive]:
    """The directives of the rewrite module in the order in which they run; those of nested locations run on their own."""
    for d in block.directives:
        yield d
        if d.name == "if" and d.block is not None:
            yield from d.block.directives


def _compared_value(directive: Directive) -> str:
    _, operator, right = condition_parts(directive)
    return right if operator in {"=", "!="} else ""


def rewrite_numbered_capture_in_query(scope: BlockScope, project: Project) -> CheckOutcome:
    """The wider shape of CVE-2026-42945: a numbered group, `?` in the target, and another rewrite directive behind."""
    wide: Directive | None = None
    if versions.is_nginx_at_least(project, scope.source, (1, 30, 1), (1, 31, 0)):
        return
    for d in _rewrite_directives(scope.node):
        if wide is not None and d.name in {"rewrite", "if", "set"}:
            yield hit(wide.at(2), directive=d.name)
            return
        if d.name == "rewrite" and len(d.args) > 1 and "?" in d.args[1] and _CAPTURE_REFERENCE.search(d.args[1]):
            wide = d


# -- expressions ----------------------------------------------------------------------------------------------------


def _patterns_of(directive: Directive) -> list[tuple[tuple[str, bool], Span]]:
    """The expressions of a directive, each with its place."""
    if directive.name == "server_name":
        return [((word[1:], True), directive.at(n)) for n, word in enumerate(directive.args, 1) if word.startswith("~")]
    pattern = pattern_of(directive)
    return (
        [
            (
                pattern,
                directive.head_span
                if directive.name == "if"
                else (directive.places[-1] if directive.name == "location" else directive.at(1)),
            )
        ]
        if pattern
        else []
    )


def regex_branches_overlap(statement: DirectiveSubject) -> CheckOutcome:
    """Alternatives in a loop, one of which begins like another."""
    for (text, icase), place in _patterns_of(statement.node):
        regex = pcre.try_parse_regex(text, icase)
        for node in pcre_tree.walk_nodes(regex.root) if regex else ():
            if node.kind == "repeat" and node.max_repeats is None and _alternatives_share_prefix(node):
                yield hit(place, pattern=text)
                break


def _alternatives_share_prefix(node: pcre_tree.RegexNode) -> bool:
    inner = node.children[0]
    while inner.kind in {"group", "cat"} and len(inner.children) == 1:
        inner = inner.children[0]
    if inner.kind != "alt":
        return False
    for part in inner.children:
        for two in inner.children:
            short, long = pcre_tree.literal_text(part), pcre_tree.literal_text(two)
            if part is not two and short and long is not None and long.startswith(short):
                return True
    return False


def regex_runs_away(statement: DirectiveSubject) -> CheckOutcome:
    """A text of a client can make the expression take time that doubles with each character."""
    for (text, icase), place in _patterns_of(statement.node):
        regex = pcre.try_parse_regex(text, icase)
        try:
            if regex is not None and backtracking.is_exponential(regex):
                yield hit(place, pattern=text)
        except pcre.UnsupportedError:
            continue


def map_regex_runs_away(scope: BlockScope) -> CheckOutcome:
    """A regular expression among the keys of a `map` needs time exponential in the length of the text."""
    for entry in scope.node.directives:
        if entry.name.startswith("~"):
            regex = pcre.try_parse_regex(entry.name[1:].removeprefix("*"), entry.name.startswith("~*"))
            try:
                if regex is not None and backtracking.is_exponential(regex):
                    yield hit(entry.at(0), pattern=entry.name)
            except pcre.UnsupportedError:
                continue


def location_regex_unanchored(scope: BlockScope, project: Project) -> CheckOutcome:
    """The expression of a location matches anywhere in the path."""
    owner = scope.node.owner
    pattern = pattern_of(owner) if owner else None
    regex = pcre.try_parse_regex(*pattern) if pattern else None
    if owner is None or regex is None or any(node.is_atomic for node in pcre_tree.walk_nodes(regex.root)):
        return
    refuses = any(
        d.name in {"deny", "return"} and d.joined_arguments in {"all", "403", "404", "444"}
        for d in includes.directives_of(project, scope.node)
    )
    if not pcre_tree.has_anchor(regex.root) and not refuses:
        yield hit(owner.places[-1], pattern=pattern[0] if pattern else "")


def location_regex_exact(scope: BlockScope) -> CheckOutcome:
    """The expression of a location can match one path only, which `location =` finds faster."""
    owner = scope.node.owner
    sign, text = location_match(owner) if owner is not None else ("", "")
    if owner is None or sign != "~":
        return
    regex = pcre.try_parse_regex(text)
    if (
        regex is None
        or regex.groups
        or not pcre_tree.is_anchored(regex.root, "start")
        or not pcre_tree.is_anchored(regex.root, "end")
    ):
        return
    path = pcre_tree.literal_text(regex.root)
    if path and path.startswith("/"):
        yield hit(owner.places[-1], path=path)


def variable_case_mixed(scope: BlockScope) -> CheckOutcome:
    """One variable is written in two ways; nginx takes them for the same."""
    seen: dict[str, str] = {}
    reported: set[str] = set()
    for d in walk_directives(scope.node):
        words = d.args if d.parent.opening_directive_name not in DATA_BLOCKS else d.args[-1:]
        for number, word in enumerate(words, 1 if d.parent.opening_directive_name not in DATA_BLOCKS else len(d.args)):
            for match in _VARIABLE_OR_GROUP_NAME.finditer(word):
                name = match[1] or match[3] or match[4] or ""
                if (match[1] and name.isupper()) or not name or name.isdigit():
                    continue  # a place for envsubst
                first = seen.setdefault(name.lower(), name)
                if first != name and name.lower() not in reported:
                    reported.add(name.lower())
                    yield hit(d.at(number), names=join_names([f"${first}", f"${name}"]))


def map_without_default(scope: BlockScope) -> CheckOutcome:
    """A `map` with several lines, or a `geo`, says nothing of what none of its lines matches."""
    owner = scope.node.owner
    entries = [d for d in scope.node.directives if d.name not in _TABLE_OPTIONS]
    known = any(d.name in {"default", "include"} for d in scope.node.directives)
    if owner is not None and not known and entries and (owner.name == "geo" or len(entries) > 1):
        yield hit(owner.head_span, variable=owner.args[-1] if owner.args else owner.name)
