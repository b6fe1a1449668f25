"""What is known of GitHub's actions, by their names: `owner/repository` or `owner/repository/path`, in lower case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from readiness.facts.table import fact_column, fact_rows


def action_property(name: str, key: str) -> Any:
    """One property of an action; None where it is not known."""
    return fact_rows("actions").get(name, {}).get(key)


def effects_of_action(name: str) -> tuple[str, ...]:
    """What a step with an action does, told of the action itself, else of its repository, else of its owner."""
    known, parts = fact_column("actions", "effects"), name.split("/")
    keys = ("/".join(parts[:count]) for count in (3, 2, 1))
    return next((tuple(known[key]) for key in keys if key in known), ())


def files_action_brings(name: str) -> str:
    """What an action brings into the repository's folder: none, the repository, a cache; empty where it is not known."""
    known = fact_column("actions", "files")
    if name in known:
        return str(known[name])
    return next((what for pattern, what in _name_patterns() if pattern.fullmatch(name)), "")


@cache
def _name_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The names with `*`, which stands for one part of a name."""
    named = ((name, what) for name, what in fact_column("actions", "files").items() if "*" in name)
    return tuple((re.compile(re.escape(name).replace(r"\*", "[^/]+")), what) for name, what in named)


def action_interface(name: str) -> Mapping[str, Any]:
    """The inputs and outputs of an action, and below which version it no longer runs; empty for most."""
    found: Mapping[str, Any] = fact_rows("action-interfaces").get(name, {})
    return found
