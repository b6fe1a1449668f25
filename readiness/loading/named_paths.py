"""The paths that judged files name: those that lead out of the tree, or to what is no file that may be read, have a row.

Nothing is opened for a name: joins look it up among the texts that the walk read. So what stands behind a refused path is unread,
and that is said here, once for each path.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from readiness import tree_paths
from readiness.loading.assembly import Assembly
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.refused import RefusedRows, path_relative_to_root
from readiness.loading.render.inputs import named_path_input
from readiness.loading.render.tree import tree_root_of_folder
from readiness.model import Rule
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.interpolation import UNKNOWN_VALUE_MARK
from readiness.syntax.yaml import Map

MAX_NAMED_PATHS_PER_RUN = 20_000  # paths that are looked up; more are no tree of a person's
MAX_PATH_CHARACTERS = 1024  # characters


class NamedPath(NamedTuple):
    """A path as a file names it, relative to the working directory.

    `is_read` says that the content matters, and not only the name; `is_of_tree` that it cannot be a path of the machine or image
    where the file will be; `is_part_of_file` that what it holds is judged as the file's own, wherever it lies.
    """

    path: str
    is_read: bool = True
    is_of_tree: bool = True
    is_part_of_file: bool = False


def add_rows_for_refused_paths(
    kinds_and_documents: Iterable[tuple[str, Any]], discovered: DiscoveredFiles, assembly: Assembly, core_rules: dict[str, Rule]
) -> None:
    """Add a row for each path that a judged file names and nobody may read; note in the file's own row what it names out of the tree."""
    lookup = _NamedPathLookup(discovered, assembly, RefusedRows(assembly, core_rules))
    for kind, document in kinds_and_documents:
        source = document.source
        if kind in _NAMED_PATHS_BY_KIND and source.parent is None and source.path not in discovered.context.paths:
            lookup.look_up_paths(source.path, _NAMED_PATHS_BY_KIND[kind](document))


class _NamedPathLookup:
    """One pass over the paths that files name, each looked up once for the tree that it is of."""

    def __init__(self, discovered: DiscoveredFiles, assembly: Assembly, refused_rows: RefusedRows) -> None:
        self._discovered = discovered
        self._render_inputs = assembly.render_inputs
        self._rows = refused_rows
        self._given_folders = [discovered.base / one for one in (*discovered.walked_folders, *map(posixpath.dirname, discovered.named_paths))]
        self._read_paths = {posixpath.normpath(one.path) for one in discovered.sources}
        self._root_by_folder: dict[str, Path] = {}
        self._looked_up: set[tuple[Path, str, bool]] = set()

    def look_up_paths(self, naming_path: str, named_paths: Iterable[NamedPath]) -> None:
        """Add the rows of what a file names; of paths over the limit that they were not looked up."""
        folder = posixpath.dirname(naming_path)
        if folder not in self._root_by_folder:
            self._root_by_folder[folder] = tree_root_of_folder(self._discovered.base / folder, self._given_folders)
        root = self._root_by_folder[folder]
        for named_path in named_paths:
            path = named_path.path
            if path in self._read_paths or UNKNOWN_VALUE_MARK in path or len(path) > MAX_PATH_CHARACTERS:
                continue
            path_in_tree = path_relative_to_root(path, self._discovered.base, root)
            if path_in_tree == ".." or path_in_tree.startswith("../"):
                self._note_out_of_tree(naming_path, named_path)
            elif (root, path_in_tree, named_path.is_read) not in self._looked_up:
                if len(self._looked_up) >= MAX_NAMED_PATHS_PER_RUN:
                    reason = f"it names more than the {MAX_NAMED_PATHS_PER_RUN:,} paths of a run that are looked up"
                    self._rows.note_out_of_tree(naming_path, reason, is_gap=True)
                    return
                self._looked_up.add((root, path_in_tree, named_path.is_read))
                self._add_row_if_refused(named_path, path_in_tree, root)

    def _note_out_of_tree(self, naming_path: str, named_path: NamedPath) -> None:
        if named_path.is_read and named_path.is_of_tree:
            reason = f"it takes in {named_path.path}, which leads out of the tree and is not read"
            self._rows.note_out_of_tree(naming_path, reason, is_gap=named_path.is_part_of_file or not named_path.path.startswith("/"))

    def _add_row_if_refused(self, named_path: NamedPath, path_in_tree: str, root: Path) -> None:
        base_folder = self._discovered.base
        self._render_inputs.append(named_path_input(root, path_in_tree, base_folder))
        refused = tree_paths.refused_path_and_reason(root, path_in_tree)
        if refused is None:
            return
        refused_path = os.path.relpath(root / refused[0], os.path.realpath(base_folder)).replace(os.sep, "/")
        if named_path.is_read and not self._discovered.may_be_ignored(refused_path):
            self._rows.add_unreadable(refused_path, refused[1])
        else:
            self._rows.add_mentioned(refused_path, refused[1])


def _paths_of_compose_file(document: Any) -> Iterator[NamedPath]:
    """Files that it includes and extends, environment files and Dockerfiles; and of secrets and configs, which nobody opens."""
    from readiness.kinds.compose.evidence import included_and_extended_paths
    from readiness.kinds.compose.join import named_env_file_paths
    from readiness.kinds.compose.words import dockerfile_path_of_service

    dockerfile_paths = {path for service in document.services.values() if (path := dockerfile_path_of_service(service)) is not None}
    taken_in_paths = included_and_extended_paths(document)
    for path in sorted(named_env_file_paths(document) | taken_in_paths | dockerfile_paths):
        yield NamedPath(path, is_part_of_file=path in taken_in_paths)
    for section_key in ("secrets", "configs"):
        for entry in document.node.mapping_at_path(section_key).values():
            file_path = entry.get("file") if isinstance(entry, Map) else None
            if isinstance(file_path, str) and not has_variable_sign(file_path):
                yield NamedPath(posixpath.normpath(posixpath.join(document.folder, file_path)), is_read=False)


def _paths_of_dockerfile(document: Any) -> Iterator[NamedPath]:
    """What COPY and ADD bring from beside the Dockerfile: nobody opens that."""
    from readiness.kinds import dockerfile

    folder = posixpath.dirname(document.source.path)
    for step in dockerfile.steps(document):
        if step.keyword in ("COPY", "ADD") and not step.instruction.flag("from"):
            for word in step.instruction.words[:-1]:
                source_path = word.value.lstrip("/")
                if source_path and "://" not in source_path and "*" not in source_path and not has_variable_sign(source_path):
                    yield NamedPath(posixpath.normpath(posixpath.join(folder, posixpath.normpath(f"/{source_path}").lstrip("/"))), is_read=False)


def _paths_of_github_file(document: Any) -> Iterator[NamedPath]:
    """Actions and workflows of the same repository."""
    from readiness.kinds import github
    from readiness.kinds.github.uses import parse_uses, repository_root_of_workflow_path

    root = repository_root_of_workflow_path(document.source.path)
    callers: list[Any] = [*github.jobs(document), *github.steps(document)]
    uses_values = (one.node.get("uses") for one in callers)
    for uses_value in uses_values:
        reference = parse_uses(uses_value) if isinstance(uses_value, str) else None
        if reference is not None and reference.reference_kind == "local" and "${{" not in reference.path:
            local_path = posixpath.normpath(posixpath.join(root or "", posixpath.normpath("/" + reference.path.removeprefix("$")).lstrip("/")))
            yield NamedPath(local_path)
            yield from (NamedPath(f"{local_path}/{name}") for name in ("action.yml", "action.yaml"))


def _paths_of_gitlab_file(document: Any) -> Iterator[NamedPath]:
    """Files of the same repository; where a pattern names them, the folder before it."""
    from readiness.kinds.gitlab.includes import local_include_paths

    for local_path in local_include_paths(document.node):
        if local_path:
            yield NamedPath(posixpath.normpath(_path_before_pattern(posixpath.normpath("/" + local_path).lstrip("/"))))


def _paths_of_nginx_file(document: Any) -> Iterator[NamedPath]:
    """Files beside it, or the folder before a pattern; an absolute path is one of the machine or image where it will run."""
    folder = posixpath.dirname(document.source.path)
    for directive in document.walk_directives():
        if directive.name == "include" and directive.args and not directive.args[0].startswith("/") and not has_variable_sign(directive.args[0]):
            yield NamedPath(posixpath.normpath(posixpath.join(folder, _path_before_pattern(directive.args[0]))), is_of_tree=False)


def _path_before_pattern(path: str) -> str:
    """The folders of a path that stand before the first one with a `*`, `?` or `[`; the whole path where there is none."""
    path_parts = path.split("/")
    first_pattern = next((index for index, part in enumerate(path_parts) if set(part) & set("*?[")), len(path_parts))
    return "/".join(path_parts[:first_pattern])


_NAMED_PATHS_BY_KIND: dict[str, Callable[[Any], Iterator[NamedPath]]] = {
    "compose": _paths_of_compose_file,
    "dockerfile": _paths_of_dockerfile,
    "github": _paths_of_github_file,
    "gitlab": _paths_of_gitlab_file,
    "nginx": _paths_of_nginx_file,
}
