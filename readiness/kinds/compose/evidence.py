"""What a compose file itself says that it is for: the signs of development, tests, samples and builds.

Each sign was counted over 186 compose files whose purpose was told by hand from the file and its README. The strong ones stand
in no file of production; of the weak ones no pair that counts does (readiness/kinds/purpose.py).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.facts.public_images import STORES
from readiness.kinds.compose.join import includes_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import (
    expand_scalar,
    mount_specs,
    port_specs,
)
from readiness.kinds.compose.signs import SIGNS_OF_SERVICES
from readiness.kinds.head import purpose_at_head
from readiness.kinds.purpose import Sign, compose_purpose, is_sample_path
from readiness.syntax.interpolation import HOLE, NOTHING
from readiness.syntax.yaml import Map


def collect_signs(documents: Sequence[Document]) -> None:
    """Give every file whose name says nothing of its purpose the signs of what it is for."""
    _believe_includes(documents)
    groups = _files_that_may_run_together(documents)
    for document in documents:
        asked = document.purpose == "unknown" and not document.legacy and document.said is None
        together = groups.get(id(document), [document])
        document.signs = tuple(_signs_of(document, together)) if asked else ()


def _believe_includes(documents: Sequence[Document]) -> None:
    """What a file of production takes in is of production, whatever folder it lies in; its own name is still believed."""
    by_path = {posixpath.normpath(one.source.path): one for one in documents}
    todo = [one for one in documents if one.purpose in {"unknown", "prod"}]
    while todo:
        for path in files_taken_in(todo.pop()):
            inner = by_path.get(path)
            if inner is None or inner.purpose not in {"dev", "test"}:
                continue
            if compose_purpose(posixpath.basename(path)) == "unknown":
                inner.purpose = "unknown"
                todo.append(inner)


def _signs_of(document: Document, together: Sequence[Document]) -> Iterator[Sign]:
    """The signs of one file. What is left out counts only where no file that may be laid on it brings it.

    A service that is for development by its own name, profile or build says nothing of the others.
    """
    if found := purpose_at_head(document.source.text, document.source.path):
        yield Sign("head", "the comment at its head says so", found[1], True, found[0])
    services = [one for one in document.services.values() if not one.set_aside]
    signs = [sign for find in SIGNS_OF_SERVICES for sign in find(services)]
    if is_sample_path(document.source.path):
        text = "it lies in a folder of examples"
        signs.append(Sign("sample", text, document.node.at(), purpose="sample"))
    if document.source.parent is None:
        signs += _absences(together, services)
    served = any(map(_is_entry_with_tls, services))
    yield from (one for one in signs if one.strong or not served)


def _is_entry_with_tls(service: Service) -> bool:
    """Whether a proxy serves the world with TLS, as nobody needs for development: a weak sign says nothing beside it."""
    if service.role not in {"proxy", "tunnel"}:
        return False
    specs = port_specs(service.full, service.values)
    return service.role == "tunnel" or any(
        one.published is not None and one.published[0] <= 443 <= one.published[1] for one in specs
    )


def _absences(together: Sequence[Document], services: Sequence[Service]) -> Iterator[Sign]:
    """What none of the files that may run together has: a volume under a store, a restart, an application."""
    owned = [one for one in services if one.owned or one.extends]
    every = [
        one
        for document in together
        for one in document.services.values()
        if not one.set_aside and "provider" not in one.full
    ]
    defined = {one.name for one in every if one.owned}
    if not owned or any(one.name not in defined for one in every) or _takes_in_unseen(together):
        return
    place = owned[0].head
    if not any(map(_has_restart, every)) and not any(one.swarm for one in together):
        yield Sign("restarts", "nothing restarts", place)
    stores = {one.name for one in every if _is_store_of_data(one)}
    if stores and not any(one.name in stores and _may_keep_data(one) for one in every):
        yield Sign("kept", "no store keeps its data", place)
    roles = {one.role for one in every}
    if roles & STORES and roles <= STORES | {"console"}:
        yield Sign("stores", "there are stores and no application", place)


def _has_restart(service: Service) -> bool:
    """Whether a service says that it is started again."""
    deploy = service.full.get("deploy")
    policy = isinstance(deploy, Map) and deploy.get("restart_policy") is not None
    return policy or service.full.get("restart") not in (None, "no", False)


def _is_store_of_data(service: Service) -> bool:
    known = service.image_facts
    return known is not None and known.keeps_data and not service.once


_SETTINGS_OF_STORES = re.compile(
    r"/docker-entrypoint-initdb\.d|/etc/|\.(?:sql|sh|conf|cnf|ini|ya?ml|json|js|crt|key|pem|xml)\Z"
)


def _may_keep_data(service: Service) -> bool:
    """Whether anything is mounted that may hold data: no tmpfs, no setting and no script of the first start."""
    if service.full.get("volumes_from"):
        return True
    return any(
        spec.type != "tmpfs" and not _SETTINGS_OF_STORES.search(spec.target)
        for spec in mount_specs(service.full, service.values)
    )


def _takes_in_unseen(together: Sequence[Document]) -> bool:
    """Whether one of some files takes in a file that is not among them."""
    paths = {posixpath.normpath(one.source.path) for one in together}
    return any(path not in paths for one in together for path in files_taken_in(one))


def files_taken_in(document: Document) -> set[str]:
    """The files that a file includes or extends services of; HOLE for one whose name a variable hides."""
    written = [one.path for one in includes_of(document)]
    written += [one.extends[0] for one in document.services.values() if one.extends]
    values = document.environment.values or NOTHING
    texts = [expand_scalar(one, values).text for one in written]
    return {
        HOLE if HOLE in text else posixpath.normpath(posixpath.join(document.folder, text))
        for text in texts
    }


def _files_that_may_run_together(documents: Sequence[Document]) -> dict[int, list[Document]]:
    """The files of each file's group by the identity of the file: those beside it that name one of its services, and those
    that take in one another. What is for development or tests by its name is in no group."""
    files = [
        one for one in documents if one.source.parent is None and one.purpose in {"unknown", "prod"}
    ]
    by_path = {posixpath.normpath(one.source.path): one for one in files}
    groups: dict[Any, list[Document]] = {id(one): [one] for one in files}

    def join(first: Document, second: Document) -> None:
        mine, theirs = groups[id(first)], groups[id(second)]
        if mine is not theirs:
            mine += theirs
            groups.update((id(one), mine) for one in theirs)

    beside: dict[tuple[str, str], Document] = {}
    for document in files:
        for name in document.services:
            join(beside.setdefault((document.folder, name), document), document)
        for path in files_taken_in(document):
            if path in by_path:
                join(document, by_path[path])
    return groups
