"""Where a reader on the web finds a rule: in its file, which holds all that its page says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from readiness import origin
from readiness.ruleset import rules


def rule_page_url(rule_id: str) -> str:
    """The URL of a rule's file; empty where the installation does not tell it, and for a rule that does not come with the tool."""
    url_of_rules = origin.rule_pages_url()
    path = _shipped_path_by_rule_id().get(rule_id, "") if url_of_rules else ""
    return f"{url_of_rules}{path}" if path else ""


@cache
def _shipped_path_by_rule_id() -> dict[str, str]:
    """The file of every rule of the tool, from the folder of rules: one of its own, or that of its family."""
    folder = rules.rules_folder()
    return {rule_id: Path(file).relative_to(folder).as_posix() for rule_id, file in rules.rule_ids_and_files([folder])}
