"""What a Content-Security-Policy lets through."""

from __future__ import annotations

from readiness.checks.nginx.headers import lowercase_header_name
from readiness.kinds.nginx import DirectiveSubject
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, join_names
from readiness.syntax.holes import has_variable_sign

_ANY_HOST_SOURCES = frozenset({"*", "http:", "https:", "data:", "blob:"})


def content_security_policy_weak(statement: DirectiveSubject) -> CheckOutcome:
    """A Content-Security-Policy under which injected scripts run: inline ones, or ones from any host."""
    directive = statement.node
    if lowercase_header_name(directive) != "content-security-policy" or len(directive.args) < 2:
        yield NotApplicable()
        return
    if has_variable_sign(directive.args[1]):
        yield Undecidable(directive.at(2))
        return
    script_sources = _script_sources(directive.args[1])
    if script_sources is None:
        return  # no script-src and no default-src: frame-ancestors alone, say
    # With a nonce, a hash or strict-dynamic, browsers ignore 'unsafe-inline' and the hosts.
    if any(one.startswith(("'nonce-", "'sha")) or one == "'strict-dynamic'" for one in script_sources):
        return
    unsafe_script_sources = [one for one in script_sources if one in _ANY_HOST_SOURCES or one == "'unsafe-inline'"]
    if unsafe_script_sources:
        yield hit(directive.at(2), loose=join_names(unsafe_script_sources))


def _script_sources(policy_text: str) -> list[str] | None:
    """The sources of scripts, those of `default-src` where it says nothing of its own; None without either."""
    sources_by_csp_directive: dict[str, list[str]] = {}
    for csp_directive_text in policy_text.split(";"):
        csp_directive_words = csp_directive_text.split()
        if csp_directive_words:
            sources_by_csp_directive.setdefault(csp_directive_words[0].lower(), [word.lower() for word in csp_directive_words[1:]])
    return sources_by_csp_directive.get("script-src", sources_by_csp_directive.get("default-src"))
