"""Expressions that are to tell a trusted Origin or Referer: whether another site can pass for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from readiness.checks.nginx.headers import lowercase_header_name, response_header_values
from readiness.checks.nginx.variables import condition_parts, definitions_of_variable, variable_names_in_text
from readiness.facts.table import property_by_fact_name
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import NO_EQUIVALENTS_BY_LINTER, CheckOutcome, Hit, Severity, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.nginx import Block, Directive

_URL_PARTS_PATTERN = lazy_regex(r"([a-z][a-z0-9+.-]{0,40}://)?([^/?#:]*)(:[^/?#]*)?(.*)", re.DOTALL)
_ORIGIN_PATTERN = lazy_regex(r"(?:[a-z][a-z0-9+.-]*://[A-Za-z0-9_.-]+(?::[0-9]{1,5})?|null)")
_UNRELATED_ORIGIN = "https://any-other-site.example"


def origin_check_bypassed(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` on Origin or Referer whose expression another site can match."""
    if_directive = scope.node.owner
    if if_directive is None:
        return
    left_operand, comparison_operator, origin_regex_text = condition_parts(if_directive)
    variable_name = left_operand.lstrip("$").strip("{}").lower()
    if variable_name == "http_referrer":
        yield hit(if_directive.at(1), say="header")
    if variable_name not in {"http_origin", "http_referer", "http_referrer"} or "~" not in comparison_operator:
        return
    if not comparison_operator.startswith("!") and _returns_refusal_status(project, scope.node):
        return  # a list of what is kept out: matching more than meant lets nobody in
    pattern_flaw = origin_pattern_flaw(origin_regex_text, comparison_operator.endswith("*"), origin=variable_name == "http_origin")
    if pattern_flaw is not None and variable_name != "http_referrer":
        yield Hit(_condition_pattern_span(if_directive, origin_regex_text), pattern_flaw.facts, message_name=pattern_flaw.say)


def _returns_refusal_status(project: Project, block: Block) -> bool:
    return any(
        d.args and d.args[0] in property_by_fact_name("http-statuses", "refuses")
        for d in includes.expanded_directives_of_block(project, block, "return")
    )


def _condition_pattern_span(if_directive: Directive, condition_pattern: str) -> Span:
    for argument_number, argument in enumerate(if_directive.args, 1):
        if argument and (argument in condition_pattern or condition_pattern in argument) and argument_number > 2:
            return if_directive.at(argument_number)
    return if_directive.head_span


def origin_map_bypassed(scope: BlockScope, project: Project) -> CheckOutcome:
    """A `map` that gives out Access-Control-Allow-Origin has an expression that another site can match."""
    map_directive = scope.node.owner
    if map_directive is None or len(map_directive.args) != 2 or map_directive.args[0].strip("${}").lower() not in {"http_origin", "http_referer"}:
        return
    if not _is_variable_in_allow_origin_header(project, scope.node, map_directive.args[1].strip("${}").lower()):
        return
    for map_entry in scope.node.directives:
        map_key = map_entry.name
        if not map_key.startswith("~") or not map_entry.args or map_entry.args[-1] in {"", "0"}:
            continue
        pattern_flaw = origin_pattern_flaw(map_key[1:].removeprefix("*"), map_key.startswith("~*"), origin=True)
        if pattern_flaw is not None:
            yield Hit(map_entry.at(0), pattern_flaw.facts, message_name=pattern_flaw.say)


def _is_variable_in_allow_origin_header(project: Project, block: Block, variable_name: str) -> bool:
    """Whether a variable is used for Access-Control-Allow-Origin anywhere below the level of its `map`."""
    enclosing_block = next(iter(includes.blocks_outwards(project, block)[1:]), None)
    if enclosing_block is None:
        return False
    return any(
        d.name in {"add_header", "more_set_headers"}
        and "access-control-allow-origin" in d.joined_arguments.lower()
        and variable_name in variable_names_in_text(d.joined_arguments)
        for d in includes.all_directives_within_block(project, enclosing_block)
    )


def cors_origin_reflected(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Access-Control-Allow-Origin repeats whatever Origin the client sends."""
    directive = statement.node
    if lowercase_header_name(directive) != "access-control-allow-origin" or len(directive.args) < 2 or _is_in_conditional_block(directive):
        return
    for variable_name in variable_names_in_text(directive.args[1]):
        if variable_name in {"http_origin", "http_referer"} or _is_client_origin_passed_through(project, directive, variable_name):
            severity = None if _may_allow_credentials(project, directive) else Severity.LOW
            yield hit(directive.at(2), severity=severity, variable=f"${variable_name}")
            return


def _may_allow_credentials(project: Project, directive: Directive) -> bool:
    """Whether the answers may be read with the visitor's cookies; a variable may hold `true`."""
    allow_credentials_value = response_header_values(project, directive.parent).get("access-control-allow-credentials", "")
    return allow_credentials_value.lower() == "true" or has_variable_sign(allow_credentials_value)


def _is_in_conditional_block(directive: Directive) -> bool:
    """Whether an `if` on the Origin stands around the line."""
    enclosing_block: Block | None = directive.parent
    while enclosing_block is not None:
        if (
            enclosing_block.owner is not None
            and enclosing_block.opening_directive_name == "if"
            and has_variable_sign(enclosing_block.owner.joined_arguments)
        ):
            return True
        enclosing_block = enclosing_block.enclosing_block
    return False


def _is_client_origin_passed_through(project: Project, directive: Directive, variable_name: str) -> bool:
    """Whether a variable is the Origin itself for origins that nothing has looked at."""
    for defining_directive in definitions_of_variable(project, directive.parent, variable_name):
        if defining_directive.name == "set":
            if defining_directive.parent.opening_directive_name != "if" and variable_names_in_text(" ".join(defining_directive.args[1:])) == [
                "http_origin"
            ]:
                return True
        elif defining_directive.block is not None:
            for map_entry in defining_directive.block.directives:
                is_entry_for_any_origin = map_entry.name in {"default", "~.*", "~.", "~^.*$", "~*.*", "~.+", "~^"}
                if is_entry_for_any_origin and variable_names_in_text(map_entry.args[-1] if map_entry.args else "") == ["http_origin"]:
                    return True
    return False


# -- the expression -------------------------------------------------------------------------------------------------


class PatternFlaw(NamedTuple):
    """What is wrong with an expression for trusted sites: the name of the sentence about it, and its facts."""

    say: str
    facts: Mapping[str, FactValue] = NO_EQUIVALENTS_BY_LINTER


def origin_pattern_flaw(pattern: str, icase: bool, *, origin: bool) -> PatternFlaw | None:
    """What is wrong with an expression for trusted sites; None where nothing is known to be."""
    try:
        origin_regex = pcre.parse_pcre(pattern, icase)
        pattern_automaton = automaton.build_automaton(origin_regex.root)
    except pcre.UnsupportedError:
        return None
    if any(node.is_atomic for node in pcre_tree.walk_nodes(origin_regex.root)):
        return None
    sample_matches = [_as_sent_by_browser(pattern_automaton, text) for text in automaton.sample_texts(origin_regex.root) if text]
    if origin and automaton.automaton_matches(pattern_automaton, _UNRELATED_ORIGIN):
        return PatternFlaw("every-site")
    for attacking_origin in _attacking_origins(sample_matches, is_origin_header=origin):
        if automaton.automaton_matches(pattern_automaton, attacking_origin):
            return PatternFlaw("other-site", {"site": attacking_origin})
    if origin and automaton.automaton_matches(pattern_automaton, "null"):
        return PatternFlaw("null")
    if _has_unescaped_dot_in_name(origin_regex.root):
        return PatternFlaw("dot")
    sample_origins = map(_as_origin, sample_matches)
    matched_sendable_origins = (_ORIGIN_PATTERN.fullmatch(one) and automaton.automaton_matches(pattern_automaton, one) for one in sample_origins)
    return PatternFlaw("no-origin") if origin and sample_matches and not any(matched_sendable_origins) else None


def _as_sent_by_browser(pattern_automaton: automaton.Machine, sample_match: str) -> str:
    """A sample as browsers write it, where the expression takes that, too: schemes and hosts in lower case."""
    return sample_match.lower() if automaton.automaton_matches(pattern_automaton, sample_match.lower()) else sample_match


def _as_origin(sample_match: str) -> str:
    """A sample as an origin: with a scheme where it has none."""
    return sample_match if "://" in sample_match or sample_match == "null" else "https://" + sample_match


def _registrable_domain(host: str) -> str:
    """The part of a host that somebody owns: two labels, three under co.uk and the like."""
    host_labels = host.lower().rstrip(".").split(".")
    label_count = (
        3
        if len(host_labels) > 2 and host_labels[-2] in property_by_fact_name("top-level-domains", "second-level") and len(host_labels[-1]) == 2
        else 2
    )
    return ".".join(host_labels[-label_count:])


def _attacking_origins(trusted_samples: list[str], *, is_origin_header: bool) -> Iterator[str]:
    """Addresses of other sites that look like the samples: the name before, behind, or in the path of an own one."""
    url_matches = [_URL_PARTS_PATTERN.match(text) for text in trusted_samples]
    trusted_domains = {_registrable_domain(url_match[2]) for url_match in url_matches if url_match and url_match[2]}
    for url_match in url_matches:
        if not url_match or "." not in url_match[2].strip("."):
            continue
        url_scheme, trusted_host, port_suffix, path_and_query = (
            url_match[1] or "https://",
            url_match[2],
            url_match[3] or "",
            url_match[4],
        )
        registrable_domain = _registrable_domain(trusted_host)
        url_endings = [""] if is_origin_header else ["/", path_and_query, ""]
        for url_ending in dict.fromkeys(url_endings):
            for attacking_host in (
                f"evil{registrable_domain}",
                f"a.evil{registrable_domain}",
                f"{trusted_host}.evil.com",
                f"evil{trusted_host}",
                f"{trusted_host}evil.com",
            ):
                if _registrable_domain(attacking_host) not in trusted_domains and not attacking_host.startswith("."):
                    yield f"{url_scheme}{attacking_host}{port_suffix}{url_ending}"
            if not is_origin_header:
                yield f"https://evil.com/{url_match[0]}{url_ending if url_ending != path_and_query else ''}"
                yield f"https://evil.com/?{url_scheme}{trusted_host}{port_suffix}{url_ending}"
                yield f"https://evil.com/a{trusted_host}{port_suffix}{url_ending}"


def _has_unescaped_dot_in_name(root_node: pcre_tree.RegexNode) -> bool:
    """Whether a plain dot stands between two letters of a name."""
    host_letter_mask = pcre_tree.char_mask("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
    for regex_node in pcre_tree.walk_nodes(root_node):
        if regex_node.kind not in {"cat"}:
            continue
        for preceding_node, dot_node, following_node in zip(regex_node.children, regex_node.children[1:], regex_node.children[2:], strict=False):
            if (
                dot_node.kind == "chars"
                and dot_node.char_mask == pcre_tree.ANY_EXCEPT_NEWLINE_MASK
                and _is_fixed_letter(preceding_node, host_letter_mask)
                and _is_fixed_letter(following_node, host_letter_mask)
            ):
                return True
    return False


def _is_fixed_letter(regex_node: pcre_tree.RegexNode, host_letter_mask: int) -> bool:
    """Whether a node is a letter of a name, or a choice of such."""
    if regex_node.kind == "chars":
        return (
            bool(regex_node.char_mask & host_letter_mask) and not regex_node.char_mask & ~host_letter_mask and regex_node.char_mask.bit_count() <= 2
        )
    return (
        regex_node.kind == "group" and bool(pcre_tree.first_char_mask(regex_node)) and not pcre_tree.first_char_mask(regex_node) & ~host_letter_mask
    )
