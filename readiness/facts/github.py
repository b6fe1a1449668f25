"""What is known of GitHub's workflows: events, contexts, places of expressions, runners and permissions."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from readiness.facts.table import fact_column, fact_rows


def events_with_filter(filter_name: str) -> tuple[str, ...]:
    """The events that a filter narrows."""
    return tuple(event for event, names in fact_column("github-events", "filters").items() if filter_name in names)


def is_untrusted(path: tuple[str, ...]) -> bool:
    """Whether a context is one that people outside write; a star stands for any one part."""
    return any(
        len(path) == len(known) and all(a == b or "*" in (a, b) for a, b in zip(path, known, strict=True))
        for known in _untrusted_contexts()
    )


@cache
def _untrusted_contexts() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name.split(".")) for name in fact_column("github-contexts", "untrusted"))


def is_fixed_word_context(name: str) -> bool:
    """Whether a context can hold only digits, hex, fixed words, or what GitHub itself writes."""
    return _contexts_of_column("fixed").fullmatch(name) is not None


def may_hold_outsiders_text(name: str) -> bool:
    """Whether people outside may write into a context what they like, not only letters, digits, dots and hyphens."""
    return not is_fixed_word_context(name) and _contexts_of_column("plain").fullmatch(name) is None


@cache
def _contexts_of_column(column: str) -> re.Pattern[str]:
    """The names of all contexts that have a property, with `*` for one part and `**` for up to five."""
    forms = (
        re.escape(name).replace(r"\.\*\*", r"(?:\.[a-z_]+){0,5}").replace(r"\*", r"[^.]+")
        for name in fact_column("github-contexts", column)
    )
    return re.compile("|".join(forms))


@lru_cache(maxsize=256)
def available_contexts_and_functions(place: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The contexts and the extra functions at a place, or at the longest beginning of it; None where nothing is said."""
    known = fact_rows("github-places")
    while place:
        if place in known:
            row = known[place]
            return frozenset(row["contexts"]), frozenset(row.get("functions", ()))
        place = place.rpartition(".")[0]
    return None
