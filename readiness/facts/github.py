"""What is known of GitHub's workflows: events, contexts, places of expressions, runners and permissions."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from readiness.facts.table import fact_row_by_name, property_by_fact_name


def events_with_filter(filter_name: str) -> tuple[str, ...]:
    """The events that a filter narrows."""
    return tuple(event for event, names in property_by_fact_name("github-events", "filters").items() if filter_name in names)


def is_untrusted_context(context_path: tuple[str, ...]) -> bool:
    """Whether a context is one that people outside write; a star stands for any one part."""
    return any(
        len(context_path) == len(known) and all(a == b or "*" in (a, b) for a, b in zip(context_path, known, strict=True))
        for known in _untrusted_context_paths()
    )


@cache
def _untrusted_context_paths() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name.split(".")) for name in property_by_fact_name("github-contexts", "untrusted"))


def is_fixed_word_context(context_name: str) -> bool:
    """Whether a context can hold only digits, hex, fixed words, or what GitHub itself writes."""
    return _context_pattern_of_property("fixed").fullmatch(context_name) is not None


def may_hold_outsiders_text(context_name: str) -> bool:
    """Whether people outside may write into a context what they like, not only letters, digits, dots and hyphens."""
    return not is_fixed_word_context(context_name) and _context_pattern_of_property("plain").fullmatch(context_name) is None


@cache
def _context_pattern_of_property(property_name: str) -> re.Pattern[str]:
    """The names of all contexts that have a property, with `*` for one part and `**` for up to five."""
    context_name_patterns = (
        re.escape(name).replace(r"\.\*\*", r"(?:\.[a-z_]+){0,5}").replace(r"\*", r"[^.]+")
        for name in property_by_fact_name("github-contexts", property_name)
    )
    return re.compile("|".join(context_name_patterns))


@lru_cache(maxsize=256)
def available_contexts_and_functions(expression_key_path: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The contexts and the extra functions at a place, or at the longest beginning of it; None where nothing is said."""
    row_by_place = fact_row_by_name("github-places")
    while expression_key_path:
        if expression_key_path in row_by_place:
            place_row = row_by_place[expression_key_path]
            return frozenset(place_row["contexts"]), frozenset(place_row.get("functions", ()))
        expression_key_path = expression_key_path.rpartition(".")[0]
    return None
