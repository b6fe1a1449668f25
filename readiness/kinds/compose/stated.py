"""What a compose file says of its own purpose, and of its services': `x-readiness`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from readiness.kinds.decision import Stated
from readiness.model import Purpose
from readiness.syntax.yaml import Map

PURPOSE_KEY = "x-readiness"


def stated_purpose_of_node(node: Map) -> Stated | None:
    """What `x-readiness: {purpose: WORD}` of a mapping says, or `x-readiness: WORD`; None where it says nothing."""
    purpose_value: Any = node.get(PURPOSE_KEY)
    if isinstance(purpose_value, Map):
        purpose_word = purpose_value.get("purpose")
        return Stated(str(purpose_word), purpose_value.at("purpose")) if "purpose" in purpose_value else None
    return None if purpose_value is None else Stated(str(purpose_value)[:80], node.at(PURPOSE_KEY))


def first_stated_purpose(purpose_nodes: Iterable[Map], owner_phrase: str) -> Purpose | None:
    """The purpose that the first of some mappings states; `owner_phrase` says in a report whose it is."""
    stated_purpose = next(filter(None, map(stated_purpose_of_node, purpose_nodes)), None)
    is_known_purpose = stated_purpose is not None and stated_purpose.is_known
    return Purpose(stated_purpose.word, f"{PURPOSE_KEY} {owner_phrase} says so") if stated_purpose and is_known_purpose else None


def all_stated_purposes(file_roots: Iterable[Map], service_nodes: Iterable[Map]) -> Iterator[Stated]:
    """What a file and its services state, known words or not."""
    yield from filter(None, map(stated_purpose_of_node, (*file_roots, *service_nodes)))
