"""What a compose file, and each of its services, was taken for: what reports say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.stated import all_stated_purposes
from readiness.kinds.decision import Stated, purpose_by_resource
from readiness.model import Purpose


def purposes(document: Document) -> Mapping[str, Purpose]:
    """What a file was taken for (under ""), or else each of its services; what may run in production is not there."""
    file_purpose = document.taken_for
    if file_purpose is not None and not file_purpose.is_production:
        stated_by_resource = ((one.resource, one.stated) for one in document.services.values())
        return {"": file_purpose, **{name: one for name, one in stated_by_resource if one is not None}}
    return purpose_by_resource(None, ((one.resource, _purpose_of_service(one)) for one in document.services.values()))


def _purpose_of_service(service: Service) -> Purpose | None:
    """What a service says that it is for, by its `x-readiness`, its name, its build or its profiles."""
    if (stated_purpose := service.stated) is not None:
        return stated_purpose
    return Purpose("development", "its name, its profiles or its build say so") if service.set_aside else None


def stated_purposes(document: Document) -> Iterator[Stated]:
    """What the file and its services say of their purposes, known words or not."""
    return all_stated_purposes(document.roots, (one.node for one in document.services.values()))
