"""All documents that are judged together, with the indexes that cross-document checks share."""

from __future__ import annotations

import datetime
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from readiness.model import Source

T = TypeVar("T")
S = TypeVar("S")
_REPOSITORY_MARKERS = (".git", ".gitignore")


def parent_folders(path: str) -> Iterator[str]:
    """The folders that a file stands in, the nearest first; the last is the empty one."""
    while path and path != "/":
        path = posixpath.dirname(path)
        yield path


def is_at_or_below(path: str, folder: str) -> bool:
    """Whether a path is that of a folder, or of something in it at any depth; everything is below `.`."""
    return folder in (".", path) or path.startswith(folder + "/")


def path_from(folders_of_working_directory: tuple[str, ...], path: str) -> str:
    """A normalised path as the walk tells it, from a working directory that lies under `folders_of_working_directory` in its repository.

    Out of `deploy` and in again leads `../deploy/x`, which is told as `x`.
    """
    if not folders_of_working_directory or not path.startswith("../"):
        return path
    path_parts = path.split("/")
    parent_step_count = next((at for at, part in enumerate(path_parts) if part != ".."), len(path_parts))
    parts_after_steps = path_parts[parent_step_count:]
    while (
        0 < parent_step_count <= len(folders_of_working_directory)
        and parts_after_steps
        and parts_after_steps[0] == folders_of_working_directory[-parent_step_count]
    ):
        parent_step_count, parts_after_steps = parent_step_count - 1, parts_after_steps[1:]
    return "/".join([".."] * parent_step_count + parts_after_steps) or "."


class _ByPath(dict[str, Any]):
    """Documents by path, for a working directory that lies under `here` in its repository."""

    def __init__(self, folders_of_working_directory: tuple[str, ...], document_by_path: Mapping[str, Any]) -> None:
        super().__init__(document_by_path)
        self.here = folders_of_working_directory

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path_from(self.here, path) if isinstance(path, str) else path)

    def __missing__(self, path: str) -> Any:
        return super().__getitem__(path_from(self.here, path))

    def get(self, path: str, default: Any = None) -> Any:
        return super().get(path_from(self.here, path), default)


class Document(Protocol):
    """What every parser of a kind returns: it knows its source."""

    @property
    def source(self) -> Source:
        """The source that it was parsed from."""


class RunProjects:
    """All projects of a run but those of prose: what is in none of a project's files may be in another's."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self.projects = tuple(one for one in projects if not one.prose)
        self._memo: dict[Any, Any] = {}
        for project in self.projects:
            project.run = self

    def memoize(self, build: Callable[[RunProjects], T]) -> T:
        """What `build` makes of the run, made once."""
        if build not in self._memo:
            self._memo[build] = build(self)
        result: T = self._memo[build]
        return result


class Project:
    """Documents by kind, the paths around them, and what has been worked out from them once.

    `paths` are those of every file seen in the walk, ours or not, relative to the working directory with `/`. `is_prose` marks
    the project of one Markdown document: what such a project leaves out is no finding. `walked_folders` are the folders that
    were walked, `passed_over_paths` what the walk passed over (ignored, vendored, a link out); `may_be_ignored` tells of a path
    whether a .gitignore leaves it out. `credential_free_paths` are files that may hold credentials by their names, were read,
    and hold none. `rendered` are the places (path, offset) of Helm values with which a chart was rendered: its manifests are
    judged in their stead. `today` is the day of the run, with which dated facts are compared; None where there is none, and
    then the day of the facts counts. `unit` names what is applied together where that is all of the project: an overlay, or one
    environment of a chart; it is empty where the files decide. `run` holds the other projects of the run. `context` are the
    paths that lie around what is judged: joins see them, and nothing is said of them. `judged` says of a unit whether it is
    judged as a whole, with all that it takes in, or is context; None where the paths decide. `idle` marks a unit of context
    that takes in nothing that is judged. `here` are the folders that lead from the root of the repository to the working
    directory, where the context was read. `scripts` are those of the tree that name programs for containers, `cluster_settings` the files
    that say which version of Kubernetes a cluster is made with. `lacked_namespaces` are the namespaces in which a unit may have objects
    that stand elsewhere, the empty one where nobody can tell which.
    """

    def __init__(  # noqa: PLR0913  # what a walk knows, each with a default
        self,
        kinds_and_documents: Iterable[tuple[str, Any]],
        seen_paths: Iterable[str] = (),
        *,
        is_prose: bool = False,
        is_complete: bool = False,
        walked_folders: Iterable[str] = (".",),
        passed_over_paths: Iterable[str] = (),
        may_be_ignored: Callable[[str], bool] = lambda path: False,
        credential_free_paths: Iterable[str] = (),
        today: datetime.date | None = None,
        unit: str = "",
        context_paths: frozenset[str] = frozenset(),
        is_unit_judged: bool | None = None,
        folders_of_working_directory: tuple[str, ...] = (),
        script_sources: tuple[Source, ...] = (),
        cluster_settings: tuple[Source, ...] = (),
    ) -> None:
        self.by_kind: dict[str, list[Any]] = {}
        for kind, document in kinds_and_documents:
            self.by_kind.setdefault(kind, []).append(document)
        self.paths = frozenset(seen_paths)
        self.prose = is_prose
        self.complete = is_complete
        self.walked = frozenset(map(posixpath.normpath, walked_folders))
        self.closed = frozenset(map(posixpath.normpath, passed_over_paths))
        self.ignored = may_be_ignored
        self.harmless = frozenset(map(posixpath.normpath, credential_free_paths))
        self.today = today
        self.unit = unit
        self.context = context_paths
        self.judged = is_unit_judged
        self.lacked_namespaces: frozenset[str] = frozenset()
        self.idle = False
        self.here = folders_of_working_directory
        self.scripts = script_sources
        self.cluster_settings = cluster_settings
        self.run: RunProjects | None = None
        self.rendered: frozenset[tuple[str, int]] = frozenset()
        self._memo: dict[Any, Any] = {}
        self._by_path: dict[str, dict[str, Any]] = {}
        self._folders: frozenset[str] | None = None
        self._repositories: frozenset[str] | None = None

    def may_lack_objects(self, namespace: str = "") -> bool:
        """Whether objects of a namespace, or of any where it is empty, may be applied with these and stand elsewhere."""
        return bool(self.lacked_namespaces) and (not namespace or "" in self.lacked_namespaces or namespace in self.lacked_namespaces)

    def documents_of_kind(self, kind: str) -> list[Any]:
        """The documents of a kind, in order of path."""
        return self.by_kind.get(kind, [])

    def is_context(self, source: Source) -> bool:
        """Whether a source lies around what is judged, so that nothing is said of it."""
        return source.root.path in self.context if self.judged is None else not self.judged

    def is_around(self, source: Source) -> bool:
        """Whether a place that somebody wrote is context: all that a judged unit takes in is a part of it."""
        return bool(self.context) and not self.judged and source.root.path in self.context

    def judged_documents(self, kind: str) -> list[Any]:
        """The documents of a kind that are judged, in order of path."""
        return [one for one in self.documents_of_kind(kind) if not self.is_context(one.source)]

    def has_judged(self, kind: str) -> bool:
        """Whether a document of a kind is judged, or may hold what is: a unit of context is made of files that may be."""
        documents = self.documents_of_kind(kind)
        return bool(documents) and (self.judged is not None or not all(self.is_context(one.source) for one in documents))

    def document_by_path(self, kind: str) -> Mapping[str, Any]:
        """path -> the document of a kind that is the file there; pieces inside other files have no path of their own."""
        if kind not in self._by_path:
            document_by_own_path = {
                posixpath.normpath(document.source.path): document for document in self.documents_of_kind(kind) if document.source.parent is None
            }
            self._by_path[kind] = _ByPath(self.here, document_by_own_path) if self.here else document_by_own_path
        return self._by_path[kind]

    def memoize(self, build: Callable[[Project], T]) -> T:
        """What `build` makes of the project, made once a run."""
        if build not in self._memo:
            self._memo[build] = build(self)
        result: T = self._memo[build]
        return result

    def memoize_for_subject(self, build: Callable[[S, Project], T], subject: S) -> T:
        """What `build` makes of one subject, made once a run; subjects are told apart by identity.

        `build` is a function of a module: another one made at each call would be another question. What lives shorter than
        the project is kept for as long, so that its identity stays its own.
        """
        memo_key = (build, id(subject))
        if memo_key not in self._memo:
            self._memo[memo_key] = (subject, build(subject, self))
        result: T = self._memo[memo_key][1]
        return result

    def was_path_seen(self, path: str) -> bool:
        """Whether a file or folder was seen at `path` (normalised; a path out of the tree was not)."""
        path = path_from(self.here, posixpath.normpath(path))
        if self._folders is None:
            seen_folders = set()
            for seen_path in self.paths:
                parent_folder = posixpath.dirname(seen_path)
                while parent_folder and parent_folder not in seen_folders:
                    seen_folders.add(parent_folder)
                    parent_folder = posixpath.dirname(parent_folder)
            self._folders = frozenset(seen_folders)
        return path in self.paths or path in self._folders

    def is_walked(self, folder: str) -> bool:
        """Whether the walk covered `folder`, so that what was not seen in it is not there.

        Only a walked folder tells absence: of a file given by itself, the neighbours are unknown.
        """
        folder = path_from(self.here, posixpath.normpath(folder or "."))
        return self.complete and (folder in self.walked or self.was_path_seen(folder))

    def is_tracked(self, path: str) -> bool:
        """Whether a file is surely part of a repository: one is seen around it, and no .gitignore leaves it out."""
        if self._repositories is None:
            repository_marker_paths = (one for one in (*self.closed, *self.paths) if one.endswith(_REPOSITORY_MARKERS))
            self._repositories = frozenset(posixpath.dirname(posixpath.normpath(mark)) for mark in repository_marker_paths)
        path = path_from(self.here, posixpath.normpath(path))
        return not self.ignored(path) and any(
            root in {"", ".", ".."} or root.endswith("/..") or path.startswith(root + "/") for root in self._repositories
        )

    def is_surely_missing(self, path: str) -> bool:
        """Whether there is surely nothing at `path`: its place was walked, and nothing on the way passed over.

        A submodule that is not checked out is an empty folder, so below a `.gitmodules` nobody can tell; and what a
        .gitignore names is made or fetched by somebody.
        """
        path = path_from(self.here, posixpath.normpath(path))
        if not self.complete or self.was_path_seen(path):
            return False
        full_path, is_in_walked_folder = path, False
        while True:
            if path in self.closed or path in self.paths:
                return False
            if posixpath.join(path, ".gitmodules").removeprefix("./") in self.paths:
                return False
            is_in_walked_folder = is_in_walked_folder or path in self.walked
            if path in {".", "/", ".."} or path.endswith("/.."):
                return is_in_walked_folder and not self.ignored(full_path)
            path = posixpath.dirname(path) or "."
