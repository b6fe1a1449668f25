"""Selectors of patches and replacements: what an object is called or was called, each expression read once."""

from __future__ import annotations

import re
from collections.abc import Callable

from readiness.loading.render.made import RenderError
from readiness.loading.render.overlay.placed import PlacedValue
from readiness.loading.render.overlay.resource import OverlayResource
from readiness.loading.render.work import WorkCounter
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.automaton import automaton_matches, build_automaton
from readiness.syntax.pcre import UnsupportedError, parse_pcre

_MAX_PATTERN_LENGTH = 200  # characters
_MAX_NAME_LENGTH = 253  # characters of a name, as Kubernetes has it
_STATES_AND_CHARACTERS_PER_LOOKUP = 30
_PLAIN_WORDS = lazy_regex(r"[\w-]*(?:\|[\w-]+)*\Z")
_READABLE_PATTERN = lazy_regex(r"(?:[\w /:-]|\\[.\w]|\.\*|\.\+|\.|\||\(|\)|\^|\$)*\Z")
OBJECT_SELECTOR_KEYS = ("group", "version", "kind", "name", "namespace")
_Matcher = Callable[[str, WorkCounter], bool]


class ObjectSelector:
    """Group, version, kind, name and namespace of a selector; a key that says nothing fits all.

    Raises RenderError for an expression that is not read.
    """

    __slots__ = ("_group", "_is_any_namespace", "_kind", "_name", "_namespace", "_version")

    def __init__(self, selector: PlacedValue) -> None:
        self._group, self._version, self._kind, self._name, self._namespace = (
            text_matcher(selector.text_at_path(key)) for key in OBJECT_SELECTOR_KEYS
        )
        self._is_any_namespace = not selector.text_at_path("namespace")

    def matches(self, resource: OverlayResource, counter: WorkCounter) -> bool:
        """Whether it describes an object by any of its identities, and by its version of today."""
        return self._version(resource.version, counter) and any(
            self._group(identity.group, counter)
            and self._kind(identity.kind, counter)
            and self._name(identity.name, counter)
            and (self._is_any_namespace or self._namespace(identity.namespace or "default", counter))
            for identity in resource.identities
        )


def text_matcher(pattern: str) -> _Matcher:
    """What tells whether a selector's expression describes a whole text, in time that grows with the text. Raises RenderError."""
    if not pattern:
        return lambda text, counter: True
    if _PLAIN_WORDS.match(pattern):
        words = frozenset(pattern.split("|"))
        return lambda text, counter: text in words
    if len(pattern) > _MAX_PATTERN_LENGTH or pattern.count("*") + pattern.count("+") > 3 or not _READABLE_PATTERN.match(pattern):
        raise RenderError(f"the expression {pattern[:80]!r} of a selector is not read")
    try:
        python_regex = re.compile(f"(?:{pattern})")
        if not {"(", "|"} & set(pattern) and pattern.count("*") + pattern.count("+") < 2:  # tries one way, or one at each character
            return lambda text, counter: python_regex.fullmatch(text[:_MAX_NAME_LENGTH]) is not None
        automaton = build_automaton(parse_pcre(f"^(?:{pattern})$").root)
    except re.error:
        raise RenderError(f"{pattern[:80]!r} of a selector is no regular expression") from None
    except UnsupportedError:
        raise RenderError(f"the expression {pattern[:80]!r} of a selector is not read") from None
    state_count = len(automaton.character_edges)

    def matches_by_automaton(text: str, counter: WorkCounter) -> bool:
        name = text[:_MAX_NAME_LENGTH]
        counter.count_lookups(len(name) * state_count // _STATES_AND_CHARACTERS_PER_LOOKUP)
        return automaton_matches(automaton, name)

    return matches_by_automaton


def identity_count(resources: list[OverlayResource]) -> int:
    """How many names objects have and had: as many lookups it is to hold a selector against them."""
    return sum(1 + len(one.former_identities) for one in resources)
