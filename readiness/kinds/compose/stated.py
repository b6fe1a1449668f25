"""What a compose file says of its own purpose, and of its services': `x-readiness`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from readiness.kinds.decision import Stated
from readiness.model import Purpose
from readiness.syntax.yaml import Map

KEY = "x-readiness"


def stated_in(node: Map) -> Stated | None:
    """What `x-readiness: {purpose: WORD}` of a mapping says, or `x-readiness: WORD`; None where it says nothing."""
    given: Any = node.get(KEY)
    if isinstance(given, Map):
        word = given.get("purpose")
        return Stated(str(word), given.at("purpose")) if "purpose" in given else None
    return None if given is None else Stated(str(given)[:80], node.at(KEY))


def purpose_stated_in(nodes: Iterable[Map], where: str) -> Purpose | None:
    """The purpose that the first of some mappings states; `where` says in a report whose it is."""
    stated = next(filter(None, map(stated_in, nodes)), None)
    known = stated is not None and stated.is_known
    return Purpose(stated.word, f"{KEY} {where} says so") if stated and known else None


def all_stated(roots: Iterable[Map], services: Iterable[Map]) -> Iterator[Stated]:
    """What a file and its services state, known words or not."""
    yield from filter(None, map(stated_in, (*roots, *services)))
