"""What compose files define that a script may give Docker together with one: those beside it, above it, and next to it below
one of those above."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from readiness.kinds.compose.model import Document
from readiness.model.project import Project, parent_folders

RESOURCE_KINDS = ("network", "volume", "secret", "config", "model")


def names_in_nearby_files_by_kind(document: Document, project: Project) -> dict[str, set[str]]:
    """What -> the names that other files define which may be given to Docker together with this one.

    They are the files above it, those beside one that Docker does not read by itself, and, where a file stands above, the ones
    of the same name as deep below it (`compose.yaml`, `projects/a/compose.yaml`, `projects/b/compose.yaml`), which a script joins
    in a loop. Such a file defines no service that this one or the file above defines, as services of one project have names of
    their own; projects that merely stand in one repository repeat `web` and `db`. Without a file above they are projects apart.
    """
    return project.memoize_for_subject(_collect_names_by_kind, document)


def _collect_names_by_kind(document: Document, project: Project) -> dict[str, set[str]]:
    documents_by_folder = project.memoize(_documents_by_folder)
    names_by_kind: dict[str, set[str]] = {}
    for nearby_document in _nearby_documents(document, documents_by_folder, project):
        names_by_kind.setdefault("service", set()).update(nearby_document.services)
        for kind in RESOURCE_KINDS:
            names_by_kind.setdefault(kind, set()).update(nearby_document.section_entries(f"{kind}s"))
    return names_by_kind


def _nearby_documents(document: Document, documents_by_folder: Mapping[str, Sequence[Document]], project: Project) -> Iterator[Document]:
    if not document.first:
        yield from documents_by_folder.get(document.folder, ())
    for folder_above in parent_folders(document.folder):
        documents_above = documents_by_folder.get(folder_above, ())
        yield from documents_above
        if not document.override and any(one.first for one in documents_above):
            yield from _sibling_documents(document, folder_above, documents_above, project)


def _sibling_documents(document: Document, folder_above: str, documents_above: Sequence[Document], project: Project) -> Iterator[Document]:
    """The files of a file's name, as deep below a folder, that have none of its services and none of the folder's own."""
    own_service_names = set(document.services).union(*(one.services for one in documents_above))
    for sibling in project.memoize(_documents_by_name_and_depth).get(_name_and_depth(document), ()):
        is_below_folder = folder_above == "" or sibling.folder.startswith(f"{folder_above}/")
        if sibling is not document and is_below_folder and own_service_names.isdisjoint(sibling.services):
            yield sibling


def _name_and_depth(document: Document) -> tuple[str, int]:
    return posixpath.basename(document.source.path), document.source.path.count("/")


def _documents_by_folder(project: Project) -> dict[str, list[Document]]:
    """The compose files of each folder."""
    documents_by_folder: dict[str, list[Document]] = {}
    for document in project.documents_of_kind("compose"):
        documents_by_folder.setdefault(document.folder, []).append(document)
    return documents_by_folder


def _documents_by_name_and_depth(project: Project) -> dict[tuple[str, int], list[Document]]:
    """The compose files of each file name and depth."""
    documents_by_name_and_depth: dict[tuple[str, int], list[Document]] = {}
    for document in project.documents_of_kind("compose"):
        documents_by_name_and_depth.setdefault(_name_and_depth(document), []).append(document)
    return documents_by_name_and_depth
