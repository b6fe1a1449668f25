"""Compose files that run as one: what extends, includes and overrides what."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from readiness.kinds import dotenv
from readiness.kinds.compose.environment import EnvFileValue, env_file_path, read_env_files
from readiness.kinds.compose.join import compose_file_paths, includes_of
from readiness.kinds.compose.merge import (
    MAX_EXTENDS,
    merge_services,
    rebase_service_paths,
    without_key_path,
)
from readiness.kinds.compose.model import Document, Service
from readiness.model.project import Project, parent_folders
from readiness.syntax.yaml import Map

MAX_PARENT_FOLDERS = 20  # as far up as the base of an overlay is looked for


@dataclass(slots=True, eq=False)
class JoinedFiles:
    """The files that stand together with one file.

    `bases` are files that it is laid over, `overlays` those laid on it in production, `included_both_ways` those that it includes
    and that include it, `included` those of them that it includes. `has_unread_files` says that a file which it takes in
    is not here.
    """

    document: Document
    bases: list[Document] = field(default_factory=list)
    overlays: list[Document] = field(default_factory=list)
    included_both_ways: list[Document] = field(default_factory=list)
    included: list[Document] = field(default_factory=list)
    has_unread_files: bool = False
    _services: dict[str, Service] = field(default_factory=dict)

    def documents(self) -> list[Document]:
        """All of them, the file itself first."""
        return [self.document, *self.bases, *self.overlays, *self.included_both_ways]

    def names_in_section(self, section: str) -> set[str]:
        """The names that are defined in a section by any of them."""
        return {name for one in self.documents() for name in one.section_entries(section)}

    def services(self) -> dict[str, Service]:
        """The services of all, those of the file itself first; worked out once, when all files are joined."""
        if not self._services:
            for document in self.documents():
                for name, service in document.services.items():
                    self._services.setdefault(name, service)
        return self._services


@dataclass(slots=True, eq=False)
class JoinedFilesIndex:
    """Every compose file of a project with its app; `extended_only_ids` are files that others only extend services of."""

    by_path: Mapping[str, Document]
    by_document_id: dict[int, JoinedFiles]
    extended_only_ids: set[int] = field(default_factory=set)

    def application_of(self, document: Document) -> JoinedFiles:
        """The app of a file."""
        return self.by_document_id.get(id(document)) or JoinedFiles(document)


def join_compose_files(project: Project) -> JoinedFilesIndex:
    """The apps of a project; ask for them with `project.memoize(join_compose_files)`."""
    documents: list[Document] = project.documents_of_kind("compose")
    applications = JoinedFilesIndex(project.document_by_path("compose"), {id(one): JoinedFiles(one) for one in documents})
    folders: dict[str, list[Document]] = {}
    for document in documents:
        folders.setdefault(document.folder, []).append(document)
    for beside in folders.values():
        for document in beside:
            _join_base(applications, document, beside, folders)
    for document in documents:
        _join_compose_file_variable(applications, document)
        _join_includes(applications, document)
        for service in document.services.values():
            file = service.extends[0] if service.extends else None
            parent = document_at_path(applications, document, file) if file is not None else None
            if parent is not None and parent is not document and not parent.first:
                applications.extended_only_ids.add(id(parent))
    return applications


def _join_base(
    applications: JoinedFilesIndex,
    document: Document,
    beside: list[Document],
    folders: Mapping[str, list[Document]],
) -> None:
    """Join a file with the one that it is laid over: beside it, or else above."""
    base = _base_of_overlay(document, beside)
    if base is not None and (document.override or document.production or base.purpose == document.purpose):
        applications.by_document_id[id(base)].overlays.append(document)
    base = base or _variant_base(document, beside) or _overlay_base_above(document, folders)
    if base is not None:
        applications.by_document_id[id(document)].bases.append(base)


def _overlay_base_above(document: Document, folders: Mapping[str, list[Document]]) -> Document | None:
    """The file of a folder above that a file is laid over: `docker compose -f compose.yaml -f extra/compose.yaml`."""
    for folder in islice(parent_folders(document.folder), MAX_PARENT_FOLDERS):
        base = _base_of_overlay(document, folders.get(folder, []))
        if base is not None:
            return base
    return None


def _base_of_overlay(document: Document, folder_documents: list[Document]) -> Document | None:
    """The file that a file is laid over: it has services that only say what to change."""
    bare = {name for name, one in document.services.items() if not one.owned and not one.extends}
    if not bare and not document.override:
        return None
    fitting = [
        candidate
        for candidate in folder_documents
        if candidate is not document
        and not candidate.override
        and bare <= {name for name, service in candidate.services.items() if service.owned or service.extends}
    ]
    return min(fitting, key=lambda one: (len(one.source.path), one.source.path), default=None)


def _join_compose_file_variable(applications: JoinedFilesIndex, document: Document) -> None:
    """The files that stand together because COMPOSE_FILE in the `.env` says so, in their order."""
    setting = document.environment.env_file_values.get("COMPOSE_FILE")
    if setting is None:
        return
    folder = posixpath.dirname(setting.source.path)
    paths = [posixpath.join(folder, one) for one in compose_file_paths(document.environment)]
    documents = [applications.by_path.get(posixpath.normpath(path)) for path in paths]
    files = [one for one in documents if one is not None]
    if document in files and len(files) == len(documents):
        app, at = applications.by_document_id[id(document)], files.index(document)
        app.bases, app.overlays = files[:at][::-1], files[at + 1 :]


def _variant_base(document: Document, folder_documents: list[Document]) -> Document | None:
    """The file that a variant is laid over: `docker-compose.gpu.yml` with some services of `docker-compose.yml`."""
    name, dot, rest = posixpath.basename(document.source.path).partition(".")
    if not dot or rest.lower() in {"yml", "yaml"}:
        return None
    for candidate in folder_documents:
        same = posixpath.basename(candidate.source.path).partition(".")[0] == name
        if same and candidate.first and set(document.services) < set(candidate.services):
            return candidate
    return None


def _join_includes(applications: JoinedFilesIndex, document: Document) -> None:
    """Join a file with what it includes, and with what those include, and back."""
    app = applications.by_document_id[id(document)]
    seen = {id(document)}
    todo = [document]
    while todo:
        including = todo.pop()
        for include in includes_of(including):
            included = document_at_path(applications, including, include.path)
            if included is None:
                app.has_unread_files = True
            elif id(included) not in seen:
                seen.add(id(included))
                app.included_both_ways.append(included)
                app.included.append(included)
                back = applications.by_document_id[id(included)].included_both_ways
                if document not in back:
                    back.append(document)
                todo.append(included)


def document_at_path(applications: JoinedFilesIndex, document: Document, path: str) -> Document | None:
    """The file of the project that a path of a file means; None where it is not there, or a variable hides it."""
    folder = posixpath.dirname(document.source.path)
    return applications.by_path.get(env_file_path(path, folder, document.environment.values))


def merged_service(service: Service, project: Project) -> tuple[Map, bool]:
    """The service as it runs in production, and whether all that goes into it is here.

    Its own file, what that includes, what it extends elsewhere, and the files laid on it; places in it may be of other
    files. What the including file says counts before what the included one does.
    """
    apps = project.memoize(join_compose_files)
    app = apps.application_of(service.document)
    node: Map | None = None
    known = True
    below = (*reversed(app.included), *reversed(app.bases))
    for document in (*below, service.document, *app.overlays):
        own = document is service.document
        part = service if own else document.services.get(service.name)
        node = None if node is None else _without_reset_keys(node, document, service.name)
        if part is not None:
            whole_part, here = extended_across_files(apps, part)
            known = known and (here or not own)
            node = whole_part if node is None else merge_services(node, whole_part)
    return node if node is not None else service.extended_node, known


def env_file_values(service: Service, project: Project) -> tuple[dict[str, EnvFileValue], bool]:
    """What environment files give a service as it runs in production, and whether all of them were read."""
    return project.memoize_for_subject(_read_env_file_values, service)


def _read_env_file_values(service: Service, project: Project) -> tuple[dict[str, EnvFileValue], bool]:
    apps = project.memoize(join_compose_files)
    app = apps.application_of(service.document)
    files = project.document_by_path(dotenv.KIND_NAME)
    settings: dict[str, EnvFileValue] = {}
    complete = True
    for document in (*reversed(app.bases), service.document, *app.overlays):
        part = document.services.get(service.name)
        for base in _extends_chain(apps, part)[::-1] if part is not None else ():
            outer = {**base.env_file_variables, **service.document.environment.values_with_secrets}
            given, here = read_env_files(base.extended_node, base.document.folder, files, outer)
            settings |= given
            complete = complete and here
    return settings, complete


def _without_reset_keys(node: Map, overlay: Document, name: str) -> Map:
    """A service without what a file that is laid over it takes away."""
    for path in overlay.reset_paths:
        if path[:2] == ("services", name) and len(path) > 2:
            node = without_key_path(node, path[2:])
    return node


def extended_across_files(applications: JoinedFilesIndex, service: Service) -> tuple[Map, bool]:
    """The service over what it extends in other files."""
    chain = _extends_chain(applications, service)
    node, home = service.extended_node, service.document.folder
    for base in chain[1:]:
        node = merge_services(
            rebase_service_paths(base.extended_node, posixpath.relpath(base.document.folder or ".", home or ".")),
            node,
        )
    return node, not chain[-1].extends


def _extends_chain(applications: JoinedFilesIndex, service: Service) -> list[Service]:
    """The service, what it extends in another file, and so on, as far as those are here."""
    chain = [service]
    while service.extends and len(chain) < MAX_EXTENDS:
        file, parent = service.extends
        document = document_at_path(applications, service.document, file)
        base = document.services.get(parent) if document is not None and parent else None
        if base is None or base in chain:
            break
        chain.append(base)
        service = base
    return chain


def is_defined_here(service: Service, project: Project) -> bool:
    """Whether what a service lacks is this file's business: it says here what runs, and amends no other file.

    Of a file of the first format nothing is asked: Docker reads it no more, which is said once.
    """
    if (not service.owned and not service.extends) or service.document.legacy:
        return False
    application_of = project.memoize(join_compose_files).application_of(service.document)
    return not any(service.name in document.services for document in application_of.bases)


def root_file_path(document: Document, project: Project) -> str:
    """The path of the first file that a compose file is laid over or included by, else its own."""
    apps = project.memoize(join_compose_files)
    app = apps.application_of(document)
    first = apps.application_of(app.bases[-1] if app.bases else document)
    around = [one for one in first.included_both_ways if one not in first.included]
    return (around[0] if around else first.document).source.path
