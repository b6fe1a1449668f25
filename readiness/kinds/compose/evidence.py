"""What a compose file itself says that it is for: the signs of development, tests, samples and builds.

Each sign was counted over 186 compose files whose purpose was told by hand from the file and its README. The strong ones stand
in no file of production; of the weak ones no pair that counts does (readiness/kinds/purpose.py).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from readiness.facts.public_images import STORE_ROLES
from readiness.kinds import dotenv
from readiness.kinds.compose.join import env_paths_read_by, includes_of
from readiness.kinds.compose.model import Document, Service
from readiness.kinds.compose.parts import (
    expand_scalar,
    mount_specs,
    port_specs,
)
from readiness.kinds.compose.signs import SIGNS_OF_SERVICES
from readiness.kinds.decision import head_signs
from readiness.kinds.purpose import NonProductionSign, compose_purpose, is_hidden_sample_path, is_sample_path
from readiness.kinds.readme import CHANGE, STUDY, STUDY_FOLDER, TRIAL
from readiness.model import Purpose
from readiness.syntax.interpolation import NO_VARIABLES, UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map


def collect_non_production_signs(documents: Sequence[Document]) -> None:
    """Give every file whose name says nothing of its purpose the signs of what it is for."""
    _mark_included_as_production(documents)
    groups = _files_that_may_run_together(documents)
    developed_elsewhere = _ids_of_files_with_development_beside(documents)
    for document in documents:
        asked = document.purpose == "unknown" and not document.legacy and document.said is None
        together = groups.get(id(document), [document])
        signs = _non_production_signs(document, together) if asked else ()
        runs_on = id(document) in developed_elsewhere and any(map(_has_restart, document.services.values()))
        document.non_production_signs = tuple(one for one in signs if one.is_decisive or not runs_on)


def _ids_of_files_with_development_beside(documents: Sequence[Document]) -> set[int]:
    """The files on which another is laid whose name says development: what is for development stands there.

    Of a file that restarts its services beside such a one a weak sign says nothing.
    """
    amended = {
        (one.folder, name)
        for one in documents
        if one.purpose == "dev" and one.source.parent is None
        for name, service in one.services.items()
        if "image" not in service.extended_node and not service.extends
    }
    return {
        id(one) for one in documents if one.purpose == "unknown" and any((one.folder, name) in amended for name in one.services)
    }


def tell_env_file_purposes(documents: Sequence[Document], env_files: Mapping[str, dotenv.Document]) -> None:
    """Say of every environment file that only compose files read which are not for production, what those are for."""
    found: dict[str, Purpose | None] = {}
    for document in documents:
        taken = document.taken_for
        aside = taken if taken is not None and not taken.is_production else None
        for path in env_paths_read_by([document]):
            found[path] = aside if found.setdefault(path, aside) else None
    for path, purpose in found.items():
        file = env_files.get(path)
        if file is not None and purpose is not None and file.source.said is None:
            file.source.purposes = {"": Purpose(purpose.word, f"so is what reads it, as {purpose.evidence}"[:300])}


def _mark_included_as_production(documents: Sequence[Document]) -> None:
    """What a file of production takes in is of production, whatever folder it lies in; its own name is still believed."""
    by_path = {posixpath.normpath(one.source.path): one for one in documents}
    todo = [one for one in documents if one.purpose in {"unknown", "prod"}]
    while todo:
        for path in included_and_extended_paths(todo.pop()):
            inner = by_path.get(path)
            if inner is None or inner.purpose not in {"dev", "test"}:
                continue
            if compose_purpose(posixpath.basename(path)) == "unknown":
                inner.purpose = "unknown"
                todo.append(inner)


def _non_production_signs(document: Document, related_documents: Sequence[Document]) -> Iterator[NonProductionSign]:
    """The signs of one file. What is left out counts only where no file that may be laid on it brings it.

    A service that is for development by its own name, profile or build says nothing of the others.
    """
    yield from head_signs(document.source)
    services = [one for one in document.services.values() if not one.set_aside]
    signs = [sign for find in SIGNS_OF_SERVICES for sign in find(services)]
    if is_sample_path(document.source.path):
        text = "it lies in a directory of examples"
        hidden = is_hidden_sample_path(document.source.path)
        signs.append(NonProductionSign("sample", text, document.node.at(), hidden, purpose="sample"))
    signs += _place_signs(document)
    if document.source.parent is None:
        signs += _absence_signs(related_documents, services)
    served = any(map(_is_public_tls_proxy, services))
    yield from (one for one in signs if one.is_decisive or not served)


_BLANK = re.compile(
    r"<(?:your|my)[-_ ][a-z][a-z0-9_ -]{0,40}>|<(?:[a-z]+[-_])?(?:password|secret|token|ip-address|domain)>",
    re.IGNORECASE,
)
_EXAMPLE_HOST = re.compile(r"\bexample\.(?:com|org|net)\b")


def _place_signs(document: Document) -> Iterator[NonProductionSign]:
    """What the folders of a file, the README beside it and the blanks in it say: each of them a weak sign."""
    path, here = document.source.path, document.node.at()
    folders = posixpath.dirname(path).lower().split("/")
    said = document.source.readme_says
    if "hack" in folders:
        yield NonProductionSign("hack", "it lies in hack/", here)
    if any(map(STUDY_FOLDER.fullmatch, folders)):
        yield NonProductionSign("sample", "it lies in a directory of exercises", here, purpose="study")
    if STUDY in said:
        yield NonProductionSign("readme", "a README at or above it calls it study material", here, purpose="study")
    elif TRIAL in said:
        yield NonProductionSign("readme", "the README beside it says that it is not for production", here)
    if CHANGE in said:
        yield NonProductionSign("change", "the README beside it says to change it for production", here, purpose="sample")
    values = [line.split(" #")[0] for line in document.source.text.splitlines() if not line.lstrip().startswith("#")]
    in_docs = "docs" in folders or "doc" in folders
    if any(_BLANK.search(line) or (in_docs and _EXAMPLE_HOST.search(line)) for line in values):
        yield NonProductionSign("blank", "it has blanks to fill in", here, purpose="sample")


def _is_public_tls_proxy(service: Service) -> bool:
    """Whether a proxy serves the world with TLS, as nobody needs for development: a weak sign says nothing beside it."""
    if service.role not in {"proxy", "tunnel"}:
        return False
    specs = port_specs(service.extended_node, service.env_values)
    return service.role == "tunnel" or any(
        one.published is not None and one.published[0] <= 443 <= one.published[1] for one in specs
    )


def _absence_signs(related_documents: Sequence[Document], services: Sequence[Service]) -> Iterator[NonProductionSign]:
    """What none of the files that may run together has: a volume under a store, a restart, an application."""
    owned = [one for one in services if one.owned or one.extends]
    every = [
        one
        for document in related_documents
        for one in document.services.values()
        if not one.set_aside and "provider" not in one.extended_node
    ]
    defined = {one.name for one in every if one.owned}
    if not owned or any(one.name not in defined for one in every) or _includes_unread_file(related_documents):
        return
    place = owned[0].name_span
    if not any(map(_has_restart, every)) and not any(one.swarm for one in related_documents):
        yield NonProductionSign("restarts", "nothing restarts", place)
    stores = {one.name for one in every if _is_lasting_store(one)}
    if stores and not any(one.name in stores and _may_keep_data(one) for one in every):
        yield NonProductionSign("kept", "no store keeps its data", place)
    roles = {one.role for one in every}
    if roles & STORE_ROLES and roles <= STORE_ROLES | {"console"}:
        yield NonProductionSign("stores", "there are stores and no application", place)


def _has_restart(service: Service) -> bool:
    """Whether a service says that it is started again."""
    deploy = service.extended_node.get("deploy")
    policy = isinstance(deploy, Map) and deploy.get("restart_policy") is not None
    return policy or service.extended_node.get("restart") not in (None, "no", False)


def _is_lasting_store(service: Service) -> bool:
    known = service.image_facts
    return known is not None and known.keeps_data and not service.once


_STORE_CONFIG_MOUNT = re.compile(
    r"/docker-entrypoint-initdb\.d|/etc/|\.(?:sql|sh|conf|cnf|ini|ya?ml|json|js|crt|key|pem|xml)\Z"
)


def _may_keep_data(service: Service) -> bool:
    """Whether anything is mounted that may hold data: no tmpfs, no setting and no script of the first start."""
    if service.extended_node.get("volumes_from"):
        return True
    return any(
        spec.type != "tmpfs" and not _STORE_CONFIG_MOUNT.search(spec.target)
        for spec in mount_specs(service.extended_node, service.env_values)
    )


def _includes_unread_file(documents: Sequence[Document]) -> bool:
    """Whether one of some files takes in a file that is not among them."""
    paths = {posixpath.normpath(one.source.path) for one in documents}
    return any(path not in paths for one in documents for path in included_and_extended_paths(one))


def included_and_extended_paths(document: Document) -> set[str]:
    """The files that a file includes or extends services of; HOLE for one whose name a variable hides."""
    written = [one.path for one in includes_of(document)]
    written += [one.extends[0] for one in document.services.values() if one.extends]
    values = document.environment.values or NO_VARIABLES
    texts = [expand_scalar(one, values).text for one in written]
    return {
        UNKNOWN_VALUE_MARK if UNKNOWN_VALUE_MARK in text else posixpath.normpath(posixpath.join(document.folder, text))
        for text in texts
    }


def _files_that_may_run_together(documents: Sequence[Document]) -> dict[int, list[Document]]:
    """The files of each file's group by the identity of the file: those beside it that name one of its services, and those
    that take in one another. What is for development or tests by its name is in no group."""
    files = [one for one in documents if one.source.parent is None and one.purpose in {"unknown", "prod"}]
    by_path = {posixpath.normpath(one.source.path): one for one in files}
    groups: dict[Any, list[Document]] = {id(one): [one] for one in files}

    def merge_groups(first: Document, second: Document) -> None:
        mine, theirs = groups[id(first)], groups[id(second)]
        if mine is not theirs:
            mine += theirs
            groups.update((id(one), mine) for one in theirs)

    beside: dict[tuple[str, str], Document] = {}
    for document in files:
        for name in document.services:
            merge_groups(beside.setdefault((document.folder, name), document), document)
        for path in included_and_extended_paths(document):
            if path in by_path:
                merge_groups(document, by_path[path])
    return groups
