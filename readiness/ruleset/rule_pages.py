"""Where the page of a rule is on the web."""

from __future__ import annotations

from functools import cache

from readiness import origin
from readiness.ruleset import rules


def rule_page_url(rule_id: str) -> str:
    """The URL of a rule's page; empty where the installation does not tell it, and for a rule that does not come with the tool."""
    pages_url = origin.rule_pages_url()
    return f"{pages_url}{rule_id}.md" if pages_url and rule_id in _shipped_rule_ids() else ""


@cache
def _shipped_rule_ids() -> frozenset[str]:
    return frozenset(rules.load_all_rule_ids())
