"""Rewrites, conditions and expressions: captures that are not there, patterns that cost too much, `if` in a location."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.nginx.variables import (
    VARIABLE_REFERENCE,
    capture_providers,
    condition_parts,
    is_redirect,
    regex_and_case_of_directive,
    variable_names_in_text,
)
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import (
    DATA_BLOCK_DIRECTIVE_NAMES,
    BlockScope,
    DirectiveSubject,
    includes,
    location_modifier_and_path,
    versions,
)
from readiness.model import CheckOutcome, Hit, Span, hit, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import backtracking, pcre, pcre_tree
from readiness.syntax.nginx import Block, Directive, walk_directives

_VARIABLE_OR_GROUP_NAME = lazy_regex(VARIABLE_REFERENCE.pattern + r"|\(\?P?<([A-Za-z_]\w*)>")
_CAPTURE_REFERENCE = lazy_regex(r"\$\{?([1-9])(?![A-Za-z_])")
_REWRITE_FLAGS = frozenset({"last", "break", "redirect", "permanent"})
_DIRECTIVES_SAFE_WITH_RETURN = frozenset({"add_header", "more_set_headers", "default_type", "expires", "charset"})
_MAP_AND_GEO_OPTION_NAMES = frozenset({"hostnames", "volatile", "include", "ranges", "proxy", "delete", "proxy_recursive"})


def if_in_location(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` in a location holds more than `return` and `rewrite`, or stands beside `try_files`, which it takes away."""
    if_directive = scope.node.owner
    enclosing_levels = includes.blocks_outwards(project, scope.node)
    if if_directive is None or not any(one.opening_directive_name == "location" for one in enclosing_levels):
        return
    has_return = bool(includes.expanded_directives_of_block(project, scope.node, "return"))
    for directive in scope.node.directives:
        if has_return and directive.name in _DIRECTIVES_SAFE_WITH_RETURN:
            continue  # the answer is given right here, with the headers of this block
        if directive.name not in property_by_fact_name("nginx-directives", "safe-in-if"):
            yield hit(directive.head_span, say="directive", directive=directive.name)
            return
        if directive.name == "rewrite" and "break" in directive.args[2:]:
            yield hit(directive.head_span, say="break")
            return
    try_files_directives = includes.expanded_directives_of_block(project, if_directive.parent, "try_files")
    if try_files_directives and not _is_leaving_location(project, scope.node):
        yield hit(if_directive.head_span, say="try-files")


def if_in_location_unsafe(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` in a location holds anything but `return` and a rewrite that leaves the location."""
    if_directive = scope.node.owner
    if if_directive is None or not any(block.opening_directive_name == "location" for block in includes.blocks_outwards(project, scope.node)):
        return
    for directive in scope.node.directives:
        if directive.name != "return" and not (directive.name == "rewrite" and _FLAGS_LEAVING_LOCATION & set(directive.args[2:])):
            yield hit(directive.head_span, directive=directive.name)
            return


_FLAGS_LEAVING_LOCATION = frozenset({"last", "redirect", "permanent"})


def _is_leaving_location(project: Project, block: Block) -> bool:
    """Whether an `if` always goes away: by an answer, or by a rewrite to another location."""
    block_directives = includes.expanded_directives_of_block(project, block)
    return any(d.name == "return" or (d.name == "rewrite" and "break" not in d.args[2:]) for d in block_directives)


def capture_unresolved(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """`$1` is used and no expression that can have run has such a group."""
    directive = statement.node
    if directive.name == "rewrite":
        regex_and_case = regex_and_case_of_directive(directive)
        rewrite_regex = pcre.try_parse_regex(*regex_and_case) if regex_and_case else None
        missing_group_number = _lowest_missing_group_number(directive.args[1] if len(directive.args) > 1 else "", rewrite_regex)
        if rewrite_regex is not None and missing_group_number:
            yield hit(directive.at(2), capture=f"${missing_group_number}")
        return
    enclosing_block = directive.parent
    if (
        directive.name == "set"
        and enclosing_block.owner is not None
        and enclosing_block.opening_directive_name == "if"
        and regex_and_case_of_directive(enclosing_block.owner)
    ):
        yield from _missing_condition_group_hits(directive, enclosing_block.owner, project)
        return
    for argument_number, argument in enumerate(directive.args, 1):
        missing_group_number = _lowest_referenced_group_number(argument)
        if missing_group_number and not _has_regex_with_group_in_sight(project, directive, missing_group_number):
            yield hit(directive.at(argument_number), capture=f"${missing_group_number}")
            return


def _missing_condition_group_hits(set_directive: Directive, if_directive: Directive, project: Project) -> Iterator[Hit]:
    """A `set` in an `if` with an expression reads that expression's groups; a negated one leaves none."""
    regex_and_case = regex_and_case_of_directive(if_directive)
    condition_regex = pcre.try_parse_regex(*regex_and_case) if regex_and_case else None
    assigned_text = set_directive.args[1] if len(set_directive.args) > 1 else ""
    if condition_parts(if_directive)[1].startswith("!"):
        lowest_group_number = _lowest_referenced_group_number(assigned_text)
        earlier_capture_providers = [one for one in capture_providers(project, if_directive) if not one.is_negated]
        if lowest_group_number and not any(one.regex is None or one.regex.group(lowest_group_number) for one in earlier_capture_providers):
            yield hit(set_directive.at(2), capture=f"${lowest_group_number}")
    elif condition_regex is not None:
        missing_group_number = _lowest_missing_group_number(assigned_text, condition_regex)
        if missing_group_number:
            yield hit(set_directive.at(2), capture=f"${missing_group_number}")


def _lowest_referenced_group_number(text_with_group_references: str) -> int:
    group_numbers = [int(name) for name in variable_names_in_text(text_with_group_references) if name.isdecimal() and name != "0"]
    return min(group_numbers, default=0)


def _lowest_missing_group_number(text_with_group_references: str, regex: pcre_tree.Regex | None) -> int:
    """The lowest group that a text refers to and an expression doesn't have."""
    missing_group_numbers = [
        int(name)
        for name in variable_names_in_text(text_with_group_references)
        if name.isdecimal() and name != "0" and regex and not regex.group(int(name))
    ]
    return min(missing_group_numbers, default=0)


def _has_regex_with_group_in_sight(project: Project, directive: Directive, group_number: int) -> bool:
    """Whether any expression around a directive, or of the same server, has a group of that number."""
    server_or_outermost_block = directive.parent
    for enclosing_level in includes.blocks_outwards(project, directive.parent):
        server_or_outermost_block = enclosing_level
        if enclosing_level.opening_directive_name == "server":
            break
    if includes.may_be_set_in_unread_file(project, directive.parent) or (
        server_or_outermost_block.owner is None and directive.parent is server_or_outermost_block
    ):
        return True  # a loose line: what stands around it is not in sight
    opening_directives = [server_or_outermost_block.owner] if server_or_outermost_block.owner is not None else []
    for candidate_directive in [*includes.all_directives_within_block(project, server_or_outermost_block), *opening_directives]:
        if candidate_directive.name == "server_name" and any(name.startswith("~") for name in candidate_directive.args):
            return True
        regex_and_case = regex_and_case_of_directive(candidate_directive)
        if regex_and_case and not (candidate_directive.name == "if" and condition_parts(candidate_directive)[1].startswith("!")):
            candidate_regex = pcre.try_parse_regex(*regex_and_case)
            if candidate_regex is None or candidate_regex.group(group_number):
                return True
    return _may_map_have_group(project, directive, group_number)


def _may_map_have_group(project: Project, directive: Directive, group_number: int) -> bool:
    for enclosing_level in includes.blocks_outwards(project, directive.parent):
        for map_directive in includes.expanded_directives_of_block(project, enclosing_level, "map"):
            for map_entry in map_directive.block.directives if map_directive.block else []:
                if map_entry.name.startswith("~"):
                    map_key_regex = pcre.try_parse_regex(map_entry.name[1:].removeprefix("*"))
                    if map_key_regex is None or map_key_regex.group(group_number):
                        return True
    return False


def map_capture_unresolved(scope: BlockScope) -> CheckOutcome:
    """A line of a `map` uses a group that its expression does not have."""
    for map_entry in scope.node.directives:
        if map_entry.name.startswith("~") and map_entry.args:
            map_key_regex = pcre.try_parse_regex(map_entry.name[1:].removeprefix("*"), map_entry.name.startswith("~*"))
            missing_group_number = _lowest_missing_group_number(map_entry.args[-1], map_key_regex)
            if missing_group_number:
                yield hit(map_entry.at(len(map_entry.args)), capture=f"${missing_group_number}")


# -- CVEs of the rewrite engine -------------------------------------------------------------------------------------


def rewrite_overlapping_captures(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """A redirecting rewrite uses a group and another one inside of it (CVE-2026-9256)."""
    directive = statement.node
    if len(directive.args) < 2 or versions.is_nginx_at_least(project, directive.source, (1, 30, 2), (1, 31, 1)):
        return
    rewrite_target = directive.args[1]
    used_group_numbers = [int(n) for n in variable_names_in_text(rewrite_target) if n.isdecimal()]
    if (
        len(used_group_numbers) < 2
        or len(set(used_group_numbers)) < len(used_group_numbers)
        or any(not n.isdecimal() for n in variable_names_in_text(rewrite_target))
    ):
        return
    if not (rewrite_target.startswith(("http://", "https://")) or {"redirect", "permanent"} & set(directive.args[2:])):
        _, query_separator, query_text = rewrite_target.partition("?")
        used_group_numbers = [int(n) for n in variable_names_in_text(query_text) if n.isdecimal()] if query_separator else []
    rewrite_regex = pcre.try_parse_regex(directive.args[0])
    if rewrite_regex is None:
        return
    number_group_pairs = [(n, rewrite_regex.group(n)) for n in used_group_numbers]
    for outer_group_number, outer_group in number_group_pairs:
        for inner_group_number, inner_group in number_group_pairs:
            if (
                outer_group_number != inner_group_number
                and outer_group is not None
                and inner_group is not None
                and any(node is inner_group for node in pcre_tree.walk_nodes(outer_group))
            ):
                yield hit(directive.at(2), outer=f"${outer_group_number}", inner=f"${inner_group_number}")
                return


def rewrite_arguments_leak(scope: BlockScope, project: Project) -> CheckOutcome:
    """A rewrite with `?` in its target is followed by a `set` or `if` that reads a numbered group (CVE-2026-42945)."""
    leaking_rewrite: Directive | None = None
    if versions.is_nginx_at_least(project, scope.source, (1, 30, 1), (1, 31, 0)):
        return
    for directive in _directives_in_rewrite_order(scope.node):
        if directive.name == "rewrite" and len(directive.args) > 1:
            if "?" in directive.args[1].removesuffix("?") and not _REWRITE_FLAGS & set(directive.args[2:]) and not is_redirect(directive):
                leaking_rewrite = directive
        elif leaking_rewrite is not None and directive.name in {"set", "if"}:
            capture_reading_text = directive.args[1] if directive.name == "set" and len(directive.args) > 1 else _right_operand_of_equality(directive)
            if _CAPTURE_REFERENCE.search(capture_reading_text):
                yield hit(leaking_rewrite.head_span, directive=directive.name)
                return
        elif directive.name in {"return", "break"} and directive.parent is scope.node:
            return


def _directives_in_rewrite_order(block: Block) -> Iterator[Directive]:
    """The directives of the rewrite module in the order in which they run; those of nested locations run on their own."""
    for directive in block.directives:
        yield directive
        if directive.name == "if" and directive.block is not None:
            yield from directive.block.directives


def _right_operand_of_equality(directive: Directive) -> str:
    _, operator, right_operand = condition_parts(directive)
    return right_operand if operator in {"=", "!="} else ""


def rewrite_numbered_capture_in_query(scope: BlockScope, project: Project) -> CheckOutcome:
    """The wider shape of CVE-2026-42945: a numbered group, `?` in the target, and another rewrite directive behind."""
    rewrite_with_capture_in_query: Directive | None = None
    if versions.is_nginx_at_least(project, scope.source, (1, 30, 1), (1, 31, 0)):
        return
    for directive in _directives_in_rewrite_order(scope.node):
        if rewrite_with_capture_in_query is not None and directive.name in {"rewrite", "if", "set"}:
            yield hit(rewrite_with_capture_in_query.at(2), directive=directive.name)
            return
        if directive.name == "rewrite" and len(directive.args) > 1 and "?" in directive.args[1] and _CAPTURE_REFERENCE.search(directive.args[1]):
            rewrite_with_capture_in_query = directive


# -- expressions ----------------------------------------------------------------------------------------------------


def _regex_and_case_with_span(directive: Directive) -> list[tuple[tuple[str, bool], Span]]:
    """The expressions of a directive, each with its place."""
    if directive.name == "server_name":
        return [((word[1:], True), directive.at(n)) for n, word in enumerate(directive.args, 1) if word.startswith("~")]
    regex_and_case = regex_and_case_of_directive(directive)
    return (
        [
            (
                regex_and_case,
                directive.head_span if directive.name == "if" else (directive.places[-1] if directive.name == "location" else directive.at(1)),
            )
        ]
        if regex_and_case
        else []
    )


def regex_branches_overlap(statement: DirectiveSubject) -> CheckOutcome:
    """Alternatives in a loop, one of which begins like another."""
    for (pattern_text, ignores_case), pattern_span in _regex_and_case_with_span(statement.node):
        regex = pcre.try_parse_regex(pattern_text, ignores_case)
        for regex_node in pcre_tree.walk_nodes(regex.root) if regex else ():
            if regex_node.kind == "repeat" and regex_node.max_repeats is None and _has_alternative_prefixing_another(regex_node):
                yield hit(pattern_span, pattern=pattern_text)
                break


def _has_alternative_prefixing_another(repeat_node: pcre_tree.RegexNode) -> bool:
    unwrapped_node = repeat_node.children[0]
    while unwrapped_node.kind in {"group", "cat"} and len(unwrapped_node.children) == 1:
        unwrapped_node = unwrapped_node.children[0]
    if unwrapped_node.kind != "alt":
        return False
    for alternative in unwrapped_node.children:
        for other_alternative in unwrapped_node.children:
            alternative_text, other_alternative_text = (
                pcre_tree.only_matching_text(alternative),
                pcre_tree.only_matching_text(other_alternative),
            )
            if (
                alternative is not other_alternative
                and alternative_text
                and other_alternative_text is not None
                and other_alternative_text.startswith(alternative_text)
            ):
                return True
    return False


def regex_runs_away(statement: DirectiveSubject) -> CheckOutcome:
    """A text of a client can make the expression take time that doubles with each character."""
    for (pattern_text, ignores_case), pattern_span in _regex_and_case_with_span(statement.node):
        regex = pcre.try_parse_regex(pattern_text, ignores_case)
        try:
            if regex is not None and backtracking.is_exponential_in_pcre(regex):
                yield hit(pattern_span, pattern=pattern_text)
        except pcre.UnsupportedError:
            continue


def map_regex_runs_away(scope: BlockScope) -> CheckOutcome:
    """A regular expression among the keys of a `map` needs time exponential in the length of the text."""
    for map_entry in scope.node.directives:
        if map_entry.name.startswith("~"):
            map_key_regex = pcre.try_parse_regex(map_entry.name[1:].removeprefix("*"), map_entry.name.startswith("~*"))
            try:
                if map_key_regex is not None and backtracking.is_exponential_in_pcre(map_key_regex):
                    yield hit(map_entry.at(0), pattern=map_entry.name)
            except pcre.UnsupportedError:
                continue


def location_regex_unanchored(scope: BlockScope, project: Project) -> CheckOutcome:
    """The expression of a location matches anywhere in the path."""
    location_directive = scope.node.owner
    regex_and_case = regex_and_case_of_directive(location_directive) if location_directive else None
    location_regex = pcre.try_parse_regex(*regex_and_case) if regex_and_case else None
    if location_directive is None or location_regex is None or any(node.is_atomic for node in pcre_tree.walk_nodes(location_regex.root)):
        return
    is_refusing_requests = any(
        d.name in {"deny", "return"} and d.joined_arguments in {"all", "403", "404", "444"}
        for d in includes.expanded_directives_of_block(project, scope.node)
    )
    if not pcre_tree.always_has_anchor(location_regex.root) and not is_refusing_requests:
        yield hit(location_directive.places[-1], pattern=regex_and_case[0] if regex_and_case else "")


def location_regex_exact(scope: BlockScope) -> CheckOutcome:
    """The expression of a location can match one path only, which `location =` finds faster."""
    location_directive = scope.node.owner
    location_modifier, location_pattern = location_modifier_and_path(location_directive) if location_directive is not None else ("", "")
    if location_directive is None or location_modifier != "~":
        return
    location_regex = pcre.try_parse_regex(location_pattern)
    if (
        location_regex is None
        or location_regex.groups
        or not pcre_tree.is_always_anchored(location_regex.root, "start")
        or not pcre_tree.is_always_anchored(location_regex.root, "end")
    ):
        return
    only_matching_path = pcre_tree.only_matching_text(location_regex.root)
    if only_matching_path and only_matching_path.startswith("/"):
        yield hit(location_directive.places[-1], path=only_matching_path)


def variable_case_mixed(scope: BlockScope) -> CheckOutcome:
    """One variable is written in two ways; nginx takes them for the same."""
    first_spelling_by_lowercase_name: dict[str, str] = {}
    reported_lowercase_names: set[str] = set()
    for directive in walk_directives(scope.node):
        checked_arguments = directive.args if directive.parent.opening_directive_name not in DATA_BLOCK_DIRECTIVE_NAMES else directive.args[-1:]
        for argument_number, argument in enumerate(
            checked_arguments,
            1 if directive.parent.opening_directive_name not in DATA_BLOCK_DIRECTIVE_NAMES else len(directive.args),
        ):
            for variable_match in _VARIABLE_OR_GROUP_NAME.finditer(argument):
                variable_name = variable_match[1] or variable_match[3] or variable_match[4] or ""
                if (variable_match[1] and variable_name.isupper()) or not variable_name or variable_name.isdigit():
                    continue  # a place for envsubst
                first_spelling = first_spelling_by_lowercase_name.setdefault(variable_name.lower(), variable_name)
                if first_spelling != variable_name and variable_name.lower() not in reported_lowercase_names:
                    reported_lowercase_names.add(variable_name.lower())
                    yield hit(directive.at(argument_number), names=join_names([f"${first_spelling}", f"${variable_name}"]))


def map_without_default(scope: BlockScope) -> CheckOutcome:
    """A `map` with several lines, or a `geo`, says nothing of what none of its lines matches."""
    map_or_geo_directive = scope.node.owner
    map_entries = [d for d in scope.node.directives if d.name not in _MAP_AND_GEO_OPTION_NAMES]
    is_default_known = any(d.name in {"default", "include"} for d in scope.node.directives)
    if map_or_geo_directive is not None and not is_default_known and map_entries and (map_or_geo_directive.name == "geo" or len(map_entries) > 1):
        yield hit(
            map_or_geo_directive.head_span,
            variable=map_or_geo_directive.args[-1] if map_or_geo_directive.args else map_or_geo_directive.name,
        )
