"""What a compose file, and each of its services, was taken for: what reports say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.stated import all_stated
from readiness.kinds.decision import Stated, purposes_of_things
from readiness.model import Purpose


def purposes(document: Document) -> Mapping[str, Purpose]:
    """What a file was taken for (under ""), or else each of its services; what may run in production is not there."""
    whole = document.taken_for
    if whole is not None and not whole.is_production:
        stated = ((one.resource, one.stated) for one in document.services.values())
        return {"": whole, **{name: one for name, one in stated if one is not None}}
    return purposes_of_things(None, ((one.resource, _purpose_of(one)) for one in document.services.values()))


def _purpose_of(service: Service) -> Purpose | None:
    """What a service says that it is for, by its `x-readiness`, its name, its build or its profiles."""
    if (stated := service.stated) is not None:
        return stated
    return Purpose("development", "its name, its profiles or its build say so") if service.set_aside else None


def stated_purposes(document: Document) -> Iterator[Stated]:
    """What the file and its services say of their purposes, known words or not."""
    return all_stated(document.roots, (one.node for one in document.services.values()))
