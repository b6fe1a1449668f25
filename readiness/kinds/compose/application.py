"""Compose files that run as one: what extends, includes and overrides what."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import islice

from readiness.kinds import dotenv
from readiness.kinds.compose.environment import EnvFileValue, env_file_values_and_are_all_read, resolved_path_or_hole
from readiness.kinds.compose.join import included_files_of, paths_in_compose_file_variable
from readiness.kinds.compose.merge import (
    MAX_EXTENDS_DEPTH,
    merge_services,
    rebase_service_paths,
    without_key_path,
)
from readiness.kinds.compose.model import Document, Service
from readiness.model.project import Project, parent_folders
from readiness.model.records import dataclass
from readiness.syntax.yaml import Map

MAX_FILES_INCLUDED_BY_OTHERS = 200  # of one file: past as many what those include is taken for files that are not here
MAX_BASES_LOOKED_AT = 64  # files that one file of their folder may be laid over
MAX_PARENT_FOLDERS_OF_OVERLAY = 20  # as far up as the base of an overlay is looked for


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
    _names_by_section: dict[str, frozenset[str]] = field(default_factory=dict)
    _layers_by_service: dict[str, list[tuple[Document, bool]]] | None = None

    def documents(self) -> list[Document]:
        """All of them, the file itself first."""
        return [self.document, *self.bases, *self.overlays, *self.included_both_ways]

    def names_in_section(self, section_name: str) -> frozenset[str]:
        """The names that are defined in a section by any of them; worked out once, when all files are joined."""
        if section_name not in self._names_by_section:
            names = frozenset(name for one in self.documents() for name in one.section_entries(section_name))
            self._names_by_section[section_name] = names
        return self._names_by_section[section_name]

    def services(self) -> dict[str, Service]:
        """The services of all, those of the file itself first; worked out once, when all files are joined."""
        if not self._services:
            for document in self.documents():
                for service_name, service in document.services.items():
                    self._services.setdefault(service_name, service)
        return self._services

    def layers_of_service(self, service_name: str, *, with_included: bool = True) -> list[Document]:
        """The files that say something of a service, or take something of it away, the lowest layer first; asked when all files are joined."""
        if self._layers_by_service is None:
            self._layers_by_service = {}
            own_layers = (*reversed(self.bases), self.document, *self.overlays)
            for document, is_included in (*((one, True) for one in reversed(self.included)), *((one, False) for one in own_layers)):
                names_taken_from = [path[1] for path in document.reset_paths if path[:1] == ("services",) and len(path) > 1]
                for name in dict.fromkeys((*document.services, *names_taken_from)):
                    self._layers_by_service.setdefault(name, []).append((document, is_included))
        return [document for document, is_included in self._layers_by_service.get(service_name, ()) if with_included or not is_included]


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
    joined_files_index = JoinedFilesIndex(project.document_by_path("compose"), {id(one): JoinedFiles(one) for one in documents})
    documents_by_folder: dict[str, list[Document]] = {}
    for document in documents:
        documents_by_folder.setdefault(document.folder, []).append(document)
    files_by_folder = {folder: _FolderOfFiles(documents_in_folder) for folder, documents_in_folder in documents_by_folder.items()}
    for files_in_folder in files_by_folder.values():
        for document in files_in_folder.documents:
            _join_with_base(joined_files_index, document, files_in_folder, files_by_folder)
    for document in documents:
        _join_compose_file_variable_files(joined_files_index, document)
        _join_with_included_files(joined_files_index, document)
        for service in document.services.values():
            extended_file_path = service.extends[0] if service.extends else None
            extended_document = document_at_written_path(joined_files_index, document, extended_file_path) if extended_file_path is not None else None
            if extended_document is not None and extended_document is not document and not extended_document.first:
                joined_files_index.extended_only_ids.add(id(extended_document))
    return joined_files_index


def _join_with_base(
    joined_files_index: JoinedFilesIndex,
    document: Document,
    files_in_folder: _FolderOfFiles,
    files_by_folder: Mapping[str, _FolderOfFiles],
) -> None:
    """Join a file with the one that it is laid over: beside it, or else above."""
    base_document = files_in_folder.base_of_overlay(document)
    if base_document is not None and (document.override or document.production or base_document.purpose == document.purpose):
        joined_files_index.by_document_id[id(base_document)].overlays.append(document)
    base_document = base_document or _base_of_variant(document, files_in_folder.documents) or _base_in_parent_folders(document, files_by_folder)
    if base_document is not None:
        joined_files_index.by_document_id[id(document)].bases.append(base_document)


def _base_in_parent_folders(document: Document, files_by_folder: Mapping[str, _FolderOfFiles]) -> Document | None:
    """The file of a folder above that a file is laid over: `docker compose -f compose.yaml -f extra/compose.yaml`."""
    for parent_folder in islice(parent_folders(document.folder), MAX_PARENT_FOLDERS_OF_OVERLAY):
        base_document = files_by_folder.get(parent_folder, _NO_FILES).base_of_overlay(document)
        if base_document is not None:
            return base_document
    return None


class _FolderOfFiles:
    """The compose files of one folder: which of them a file may be laid over, by the services that they define."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents
        candidates = sorted((one for one in documents if not one.override), key=lambda one: (len(one.source.path), one.source.path))
        self.defined_names = [{name for name, one in document.services.items() if one.owned or one.extends} for document in candidates]
        self.candidates = candidates
        self.indexes_by_name: dict[str, list[int]] = {}
        for index, names in enumerate(self.defined_names):
            for name in names:
                self.indexes_by_name.setdefault(name, []).append(index)

    def base_of_overlay(self, document: Document) -> Document | None:
        """The file that a file is laid over: it has services that only say what to change."""
        amending_service_names = {name for name, one in document.services.items() if not one.owned and not one.extends}
        if not amending_service_names and not document.override:
            return None
        indexes: Sequence[int] = range(len(self.candidates))
        if amending_service_names:
            indexes = min((self.indexes_by_name.get(name, []) for name in amending_service_names), key=len)
        for index in indexes[:MAX_BASES_LOOKED_AT]:
            if self.candidates[index] is not document and amending_service_names <= self.defined_names[index]:
                return self.candidates[index]
        return None


_NO_FILES = _FolderOfFiles([])


def _join_compose_file_variable_files(joined_files_index: JoinedFilesIndex, document: Document) -> None:
    """The files that stand together because COMPOSE_FILE in the `.env` says so, in their order."""
    compose_file_setting = document.environment.env_file_values.get("COMPOSE_FILE")
    if compose_file_setting is None:
        return
    env_file_folder = posixpath.dirname(compose_file_setting.source.path)
    listed_paths = [posixpath.join(env_file_folder, one) for one in paths_in_compose_file_variable(document.environment)]
    documents_or_none = [joined_files_index.by_path.get(posixpath.normpath(path)) for path in listed_paths]
    listed_documents = [one for one in documents_or_none if one is not None]
    if document in listed_documents and len(listed_documents) == len(documents_or_none):
        joined_files, document_index = joined_files_index.by_document_id[id(document)], listed_documents.index(document)
        joined_files.bases, joined_files.overlays = (
            listed_documents[:document_index][::-1],
            listed_documents[document_index + 1 :],
        )


def _base_of_variant(document: Document, documents_in_folder: list[Document]) -> Document | None:
    """The file that a variant is laid over: `docker-compose.gpu.yml` with some services of `docker-compose.yml`."""
    base_name, dot_separator, name_suffix = posixpath.basename(document.source.path).partition(".")
    if not dot_separator or name_suffix.lower() in {"yml", "yaml"}:
        return None
    for candidate_base in documents_in_folder[:MAX_BASES_LOOKED_AT]:
        has_same_base_name = posixpath.basename(candidate_base.source.path).partition(".")[0] == base_name
        if has_same_base_name and candidate_base.first and set(document.services) < set(candidate_base.services):
            return candidate_base
    return None


def _join_with_included_files(joined_files_index: JoinedFilesIndex, document: Document) -> None:
    """Join a file with what it includes, and with what those include, and back."""
    joined_files = joined_files_index.by_document_id[id(document)]
    seen_document_ids = {id(document)}
    pending_documents = [document]
    while pending_documents:
        including_document = pending_documents.pop()
        if including_document is not document and len(joined_files.included) > MAX_FILES_INCLUDED_BY_OTHERS:
            joined_files.has_unread_files = True
            break
        for include_reference in included_files_of(including_document):
            included_document = document_at_written_path(joined_files_index, including_document, include_reference.path)
            if included_document is None:
                joined_files.has_unread_files = True
            elif id(included_document) not in seen_document_ids:
                seen_document_ids.add(id(included_document))
                joined_files.included_both_ways.append(included_document)
                joined_files.included.append(included_document)
                documents_joined_with_included = joined_files_index.by_document_id[id(included_document)].included_both_ways
                if document not in documents_joined_with_included:
                    documents_joined_with_included.append(document)
                pending_documents.append(included_document)


def document_at_written_path(joined_files_index: JoinedFilesIndex, document: Document, written_path: str) -> Document | None:
    """The file of the project that a path of a file means; None where it is not there, or a variable hides it."""
    document_folder = posixpath.dirname(document.source.path)
    return joined_files_index.by_path.get(resolved_path_or_hole(written_path, document_folder, document.environment.values))


def merged_node_and_is_complete(service: Service, project: Project) -> tuple[Map, bool]:
    """The service as it runs in production, and whether all that goes into it is here.

    Its own file, what that includes, what it extends elsewhere, and the files laid on it; places in it may be of other
    files. What the including file says counts before what the included one does.
    """
    return project.memoize_for_subject(_merge_layers, service)


def _merge_layers(service: Service, project: Project) -> tuple[Map, bool]:
    joined_files_index = project.memoize(join_compose_files)
    joined_files = joined_files_index.application_of(service.document)
    merged_node: Map | None = None
    is_complete = True
    for layered_document in joined_files.layers_of_service(service.name):
        is_own_document = layered_document is service.document
        service_part = service if is_own_document else layered_document.services.get(service.name)
        merged_node = None if merged_node is None else _without_reset_keys(merged_node, layered_document, service.name)
        if service_part is not None:
            extended_part, is_extended_part_complete = extended_node_and_is_complete(joined_files_index, service_part)
            is_complete = is_complete and (is_extended_part_complete or not is_own_document)
            merged_node = extended_part if merged_node is None else merge_services(merged_node, extended_part)
    return merged_node if merged_node is not None else service.extended_node, is_complete


def env_file_values_and_is_complete(service: Service, project: Project) -> tuple[dict[str, EnvFileValue], bool]:
    """What environment files give a service as it runs in production, and whether all of them were read."""
    return project.memoize_for_subject(_read_env_file_values, service)


def _read_env_file_values(service: Service, project: Project) -> tuple[dict[str, EnvFileValue], bool]:
    joined_files_index = project.memoize(join_compose_files)
    joined_files = joined_files_index.application_of(service.document)
    env_document_by_path = project.document_by_path(dotenv.KIND_NAME)
    value_by_name: dict[str, EnvFileValue] = {}
    is_complete = True
    for layered_document in joined_files.layers_of_service(service.name, with_included=False):
        service_part = layered_document.services.get(service.name)
        for base_service in _extends_chain(joined_files_index, service_part)[::-1] if service_part is not None else ():
            outer_values = {**base_service.env_file_variables, **service.document.environment.values_with_secrets}
            given_value_by_name, were_all_files_read = env_file_values_and_are_all_read(
                base_service.extended_node, base_service.document.folder, env_document_by_path, outer_values
            )
            value_by_name |= given_value_by_name
            is_complete = is_complete and were_all_files_read
    return value_by_name, is_complete


def _without_reset_keys(service_node: Map, overlay_document: Document, service_name: str) -> Map:
    """A service without what a file that is laid over it takes away."""
    for reset_path in overlay_document.reset_paths:
        if reset_path[:2] == ("services", service_name) and len(reset_path) > 2:
            service_node = without_key_path(service_node, reset_path[2:])
    return service_node


def extended_node_and_is_complete(joined_files_index: JoinedFilesIndex, service: Service) -> tuple[Map, bool]:
    """The service over what it extends in other files."""
    extends_chain = _extends_chain(joined_files_index, service)
    extended_node_so_far, service_folder = service.extended_node, service.document.folder
    for base_service in extends_chain[1:]:
        extended_node_so_far = merge_services(
            rebase_service_paths(base_service.extended_node, posixpath.relpath(base_service.document.folder or ".", service_folder or ".")),
            extended_node_so_far,
        )
    return extended_node_so_far, not extends_chain[-1].extends


def _extends_chain(joined_files_index: JoinedFilesIndex, service: Service) -> list[Service]:
    """The service, what it extends in another file, and so on, as far as those are here."""
    extends_chain = [service]
    while service.extends and len(extends_chain) < MAX_EXTENDS_DEPTH:
        extended_file_path, extended_service_name = service.extends
        extended_document = document_at_written_path(joined_files_index, service.document, extended_file_path)
        base_service = extended_document.services.get(extended_service_name) if extended_document is not None and extended_service_name else None
        if base_service is None or base_service in extends_chain:
            break
        extends_chain.append(base_service)
        service = base_service
    return extends_chain


def is_service_defined_in_own_file(service: Service, project: Project) -> bool:
    """Whether what a service lacks is this file's business: it says here what runs, and amends no other file.

    Of a file of the first format nothing is asked: Docker reads it no more, which is said once.
    """
    if (not service.owned and not service.extends) or service.document.legacy:
        return False
    find_joined_files = project.memoize(join_compose_files).application_of(service.document)
    return not any(service.name in document.services for document in find_joined_files.bases)


def root_file_path(document: Document, project: Project) -> str:
    """The path of the first file that a compose file is laid over or included by, else its own."""
    joined_files_index = project.memoize(join_compose_files)
    joined_files = joined_files_index.application_of(document)
    joined_files_of_base = joined_files_index.application_of(joined_files.bases[-1] if joined_files.bases else document)
    including_documents = [one for one in joined_files_of_base.included_both_ways if one not in joined_files_of_base.included]
    return (including_documents[0] if including_documents else joined_files_of_base.document).source.path
