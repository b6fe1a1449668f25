"""Expressions that are to tell a trusted Origin or Referer: whether another site can pass for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from readiness.checks.nginx.headers import header_name, headers_sent
from readiness.checks.nginx.variables import condition_parts, definitions_of, variable_names
from readiness.facts.table import fact_column
from readiness.kinds.nginx import BlockScope, DirectiveSubject, includes
from readiness.model import NO_EQUIVALENTS, CheckOutcome, Hit, Severity, Span, hit
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax import automaton, pcre, pcre_tree
from readiness.syntax.holes import has_variable
from readiness.syntax.nginx import Block, Directive

_URL_PARTS = re.compile(r"([a-z][a-z0-9+.-]{0,40}://)?([^/?#:]*)(:[^/?#]*)?(.*)", re.DOTALL)
_ORIGIN_TEXT = re.compile(r"(?:[a-z][a-z0-9+.-]*://[A-Za-z0-9_.-]+(?::[0-9]{1,5})?|null)")
_UNRELATED_ORIGIN = "https://any-other-site.example"


def origin_check_bypassed(scope: BlockScope, project: Project) -> CheckOutcome:
    """An `if` on Origin or Referer whose expression another site can match."""
    owner = scope.node.owner
    if owner is None:
        return
    left, operator, pattern = condition_parts(owner)
    name = left.lstrip("$").strip("{}").lower()
    if name == "http_referrer":
        yield hit(owner.at(1), say="header")
    if name not in {"http_origin", "http_referer", "http_referrer"} or "~" not in operator:
        return
    if not operator.startswith("!") and _is_refusing(project, scope.node):
        return  # a list of what is kept out: matching more than meant lets nobody in
    flaw = origin_pattern_flaw(pattern, operator.endswith("*"), origin=name == "http_origin")
    if flaw is not None and name != "http_referrer":
        yield Hit(_pattern_span(owner, pattern), flaw.facts, message_name=flaw.say)


def _is_refusing(project: Project, block: Block) -> bool:
    return any(
        d.args and d.args[0] in fact_column("http-statuses", "refuses")
        for d in includes.directives_of(project, block, "return")
    )


def _pattern_span(owner: Directive, pattern: str) -> Span:
    for number, word in enumerate(owner.args, 1):
        if word and (word in pattern or pattern in word) and number > 2:
            return owner.at(number)
    return owner.head_span


def origin_map_bypassed(scope: BlockScope, project: Project) -> CheckOutcome:
    """A `map` that gives out Access-Control-Allow-Origin has an expression that another site can match."""
    owner = scope.node.owner
    if owner is None or len(owner.args) != 2 or owner.args[0].strip("${}").lower() not in {"http_origin", "http_referer"}:
        return
    if not _is_allowed_origin(project, scope.node, owner.args[1].strip("${}").lower()):
        return
    for entry in scope.node.directives:
        key = entry.name
        if not key.startswith("~") or not entry.args or entry.args[-1] in {"", "0"}:
            continue
        flaw = origin_pattern_flaw(key[1:].removeprefix("*"), key.startswith("~*"), origin=True)
        if flaw is not None:
            yield Hit(entry.at(0), flaw.facts, message_name=flaw.say)


def _is_allowed_origin(project: Project, block: Block, name: str) -> bool:
    """Whether a variable is used for Access-Control-Allow-Origin anywhere below the level of its `map`."""
    around = next(iter(includes.levels_outwards(project, block)[1:]), None)
    if around is None:
        return False
    return any(
        d.name in {"add_header", "more_set_headers"}
        and "access-control-allow-origin" in d.joined_arguments.lower()
        and name in variable_names(d.joined_arguments)
        for d in includes.directives_within(project, around)
    )


def cors_origin_reflected(statement: DirectiveSubject, project: Project) -> CheckOutcome:
    """Access-Control-Allow-Origin repeats whatever Origin the client sends."""
    d = statement.node
    if header_name(d) != "access-control-allow-origin" or len(d.args) < 2 or _is_origin_guarded(d):
        return
    for name in variable_names(d.args[1]):
        if name in {"http_origin", "http_referer"} or _is_passed_through(project, d, name):
            severity = None if _lets_credentials_through(project, d) else Severity.LOW
            yield hit(d.at(2), severity=severity, variable=f"${name}")
            return


def _lets_credentials_through(project: Project, directive: Directive) -> bool:
    """Whether the answers may be read with the visitor's cookies; a variable may hold `true`."""
    value = headers_sent(project, directive.parent).get("access-control-allow-credentials", "")
    return value.lower() == "true" or has_variable(value)


def _is_origin_guarded(directive: Directive) -> bool:
    """Whether an `if` on the Origin stands around the line."""
    block: Block | None = directive.parent
    while block is not None:
        if block.owner is not None and block.opening_directive_name == "if" and has_variable(block.owner.joined_arguments):
            return True
        block = block.enclosing_block
    return False


def _is_passed_through(project: Project, directive: Directive, name: str) -> bool:
    """Whether a variable is the Origin itself for origins that nothing has looked at."""
    for definition in definitions_of(project, directive.parent, name):
        if definition.name == "set":
            if definition.parent.opening_directive_name != "if" and variable_names(" ".join(definition.args[1:])) == [
                "http_origin"
            ]:
                return True
        elif definition.block is not None:
            for entry in definition.block.directives:
                anything = entry.name in {"default", "~.*", "~.", "~^.*$", "~*.*", "~.+", "~^"}
                if anything and variable_names(entry.args[-1] if entry.args else "") == ["http_origin"]:
                    return True
    return False


# -- the expression -------------------------------------------------------------------------------------------------


class PatternFlaw(NamedTuple):
    """What is wrong with an expression for trusted sites: the name of the sentence about it, and its facts."""

    say: str
    facts: Mapping[str, FactValue] = NO_EQUIVALENTS


def origin_pattern_flaw(pattern: str, icase: bool, *, origin: bool) -> PatternFlaw | None:
    """What is wrong with an expression for trusted sites; None where nothing is known to be."""
    try:
        regex = pcre.parse_pcre(pattern, icase)
        machine = automaton.build_machine(regex.root)
    except pcre.UnsupportedError:
        return None
    if any(node.is_atomic for node in pcre_tree.walk_nodes(regex.root)):
        return None
    texts = [_as_sent_by_browser(machine, text) for text in automaton.sample_texts(regex.root) if text]
    if origin and automaton.machine_matches(machine, _UNRELATED_ORIGIN):
        return PatternFlaw("every-site")
    for attack in _attacking_origins(texts, is_origin=origin):
        if automaton.machine_matches(machine, attack):
            return PatternFlaw("other-site", {"site": attack})
    if origin and automaton.machine_matches(machine, "null"):
        return PatternFlaw("null")
    if _has_loose_dot(regex.root):
        return PatternFlaw("dot")
    origins = map(_as_origin, texts)
    sent = (_ORIGIN_TEXT.fullmatch(one) and automaton.machine_matches(machine, one) for one in origins)
    return PatternFlaw("no-origin") if origin and texts and not any(sent) else None


def _as_sent_by_browser(machine: automaton.Machine, text: str) -> str:
    """A sample as browsers write it, where the expression takes that, too: schemes and hosts in lower case."""
    return text.lower() if automaton.machine_matches(machine, text.lower()) else text


def _as_origin(text: str) -> str:
    """A sample as an origin: with a scheme where it has none."""
    return text if "://" in text or text == "null" else "https://" + text


def _registrable_domain(host: str) -> str:
    """The part of a host that somebody owns: two labels, three under co.uk and the like."""
    labels = host.lower().rstrip(".").split(".")
    size = (
        3 if len(labels) > 2 and labels[-2] in fact_column("top-level-domains", "second-level") and len(labels[-1]) == 2 else 2
    )
    return ".".join(labels[-size:])


def _attacking_origins(trusted_samples: list[str], *, is_origin: bool) -> Iterator[str]:
    """Addresses of other sites that look like the samples: the name before, behind, or in the path of an own one."""
    parts = [_URL_PARTS.match(text) for text in trusted_samples]
    own = {_registrable_domain(match[2]) for match in parts if match and match[2]}
    for match in parts:
        if not match or "." not in match[2].strip("."):
            continue
        scheme, host, port, tail = match[1] or "https://", match[2], match[3] or "", match[4]
        base = _registrable_domain(host)
        ends = [""] if is_origin else ["/", tail, ""]
        for end in dict.fromkeys(ends):
            for name in (
                f"evil{base}",
                f"a.evil{base}",
                f"{host}.evil.com",
                f"evil{host}",
                f"{host}evil.com",
            ):
                if _registrable_domain(name) not in own and not name.startswith("."):
                    yield f"{scheme}{name}{port}{end}"
            if not is_origin:
                yield f"https://evil.com/{match[0]}{end if end != tail else ''}"
                yield f"https://evil.com/?{scheme}{host}{port}{end}"
                yield f"https://evil.com/a{host}{port}{end}"


def _has_loose_dot(root: pcre_tree.RegexNode) -> bool:
    """Whether a plain dot stands between two letters of a name."""
    word = pcre_tree.char_mask("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
    for node in pcre_tree.walk_nodes(root):
        if node.kind not in {"cat"}:
            continue
        for left, middle, right in zip(node.children, node.children[1:], node.children[2:], strict=False):
            if (
                middle.kind == "chars"
                and middle.char_mask == pcre_tree.DOT_MASK
                and _is_fixed_letter(left, word)
                and _is_fixed_letter(right, word)
            ):
                return True
    return False


def _is_fixed_letter(node: pcre_tree.RegexNode, word: int) -> bool:
    """Whether a node is a letter of a name, or a choice of such."""
    if node.kind == "chars":
        return bool(node.char_mask & word) and not node.char_mask & ~word and node.char_mask.bit_count() <= 2
    return node.kind == "group" and bool(pcre_tree.first_chars(node)) and not pcre_tree.first_chars(node) & ~word
