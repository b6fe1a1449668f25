"""How checks tell that a name means nothing: in no file, or only in files that are applied for others."""

from __future__ import annotations

from typing import Any, NamedTuple

from readiness.kinds.k8s.index import owner_of
from readiness.kinds.k8s.spaces import Join
from readiness.model import Related, Severity


class Absence(NamedTuple):
    """Where a name is not, in words; the places that have it for others; and how bad that is, None for the rule's word."""

    where: str
    related: tuple[Related, ...]
    severity: Severity | None


def absence_of(join: Join[Any], namespace: str) -> Absence:
    """What to say of a name that can mean nothing.

    Where another unit or another namespace has it the sentence says so and points there: it may be applied from there
    after all, so that this is worth a look and no more.
    """
    if not join.elsewhere:
        return Absence("is in no file", (), None)
    other = owner_of(join.elsewhere[0])
    place = Related(other.source, other.metadata.at("name"), "this one is applied for others")
    if other.namespace and namespace and other.namespace != namespace:
        where = f"is in no file of namespace {namespace!r}, only in namespace {other.namespace!r}"
    else:
        where = "is in no file that is applied with it, only in one for others"
    return Absence(where, (place,), Severity.LOW)
