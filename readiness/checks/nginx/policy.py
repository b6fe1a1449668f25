"""What a Content-Security-Policy lets through."""

from __future__ import annotations

from readiness.checks.nginx.headers import header_name
from readiness.kinds.nginx import DirectiveSubject
from readiness.model import CheckOutcome, NotApplicable, Undecidable, hit, join_names
from readiness.syntax.holes import has_variable

_ANY_SOURCE = frozenset({"*", "http:", "https:", "data:", "blob:"})


def content_security_policy_weak(statement: DirectiveSubject) -> CheckOutcome:
    """A Content-Security-Policy under which injected scripts run: inline ones, or ones from any host."""
    d = statement.node
    if header_name(d) != "content-security-policy" or len(d.args) < 2:
        yield NotApplicable()
        return
    if has_variable(d.args[1]):
        yield Undecidable(d.at(2))
        return
    sources = _script_sources(d.args[1])
    if sources is None:
        return  # no script-src and no default-src: frame-ancestors alone, say
    # With a nonce, a hash or strict-dynamic, browsers ignore 'unsafe-inline' and the hosts.
    if any(one.startswith(("'nonce-", "'sha")) or one == "'strict-dynamic'" for one in sources):
        return
    loose = [one for one in sources if one in _ANY_SOURCE or one == "'unsafe-inline'"]
    if loose:
        yield hit(d.at(2), loose=join_names(loose))


def _script_sources(policy: str) -> list[str] | None:
    """The sources of scripts, those of `default-src` where it says nothing of its own; None without either."""
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), [word.lower() for word in words[1:]])
    return found.get("script-src", found.get("default-src"))
