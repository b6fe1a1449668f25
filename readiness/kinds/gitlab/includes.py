"""What a GitLab pipeline includes: GitLab merges all of it into one configuration before it looks at any of it.

Of equal keys the including file's counts, then those of later includes. Local paths begin at the root of the repository,
which is the folder of the pipeline's file or one above it.
https://docs.gitlab.com/ci/yaml/#include https://docs.gitlab.com/ci/yaml/includes/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from readiness.kinds.gitlab.model import GitlabFile
from readiness.model import ParseError
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, parent_folders
from readiness.syntax import glob
from readiness.syntax.holes import has_variable_sign
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

MAX_INCLUDED_FILES = 150  # as many files as GitLab merges by default
MAX_GLOB_WORK_PER_TREE = 1_000_000  # units of glob.Budget for the patterns of one tree; past them a pipeline is open
_ROOT_FILE_NAME = ".gitlab-ci.yml"
_INCLUDE_KEY_LINE = lazy_regex(r"^include[ \t]*:", re.MULTILINE)
_YAML_SUFFIXES = (".yml", ".yaml")


class IncludedFiles(NamedTuple):
    """The files that a pipeline includes, those whose keys count first in front; `is_incomplete` where some of it is not here."""

    paths: tuple[str, ...]
    is_incomplete: bool


def local_include_paths(node: Any) -> Iterator[str | None]:
    """The local files (or patterns of them) that a file includes; None for each that is not in the repository."""
    include_value = node.get("include") if isinstance(node, Map) else None
    for include_entry in include_value if isinstance(include_value, Seq) else [] if include_value is None else [include_value]:
        local_path = include_entry.get("local") if isinstance(include_entry, Map) else include_entry
        is_known_local_path = isinstance(local_path, str) and "://" not in local_path and not has_variable_sign(local_path)
        yield local_path if is_known_local_path else None


class YamlFileTree:
    """The YAML files of a tree, and the work that may still be spent on matching them."""

    def __init__(self, tree_paths: Iterable[str]) -> None:
        self.listed = frozenset(path for path in tree_paths if path.endswith(_YAML_SUFFIXES))
        self.ordered = sorted(self.listed)
        self.budget = glob.WorkBudget(MAX_GLOB_WORK_PER_TREE)


def resolve_includes(root_path: str, load_node: Callable[[str], Any], yaml_file_tree: YamlFileTree) -> IncludedFiles:
    """What the pipeline of a file includes, its parts' includes with it; `load_node` gives the content of a path or None."""
    ordered_included_paths: dict[str, None] = {}
    is_open = False

    def add_includes(path: str) -> None:
        nonlocal is_open
        file_node = load_node(path)
        if file_node is None or len(ordered_included_paths) > MAX_INCLUDED_FILES:
            is_open = True
            return
        for include_path in reversed(list(islice(local_include_paths(file_node), MAX_INCLUDED_FILES))):
            matching_paths = [] if include_path is None else _paths_matching_include(include_path, root_path, yaml_file_tree)
            is_open = is_open or not matching_paths
            for included_path in matching_paths:
                if included_path != root_path and included_path not in ordered_included_paths:
                    ordered_included_paths[included_path] = None
                    add_includes(included_path)

    add_includes(root_path)
    return IncludedFiles(tuple(ordered_included_paths), is_open)


def _paths_matching_include(include_path: str, root_path: str, yaml_file_tree: YamlFileTree) -> list[str]:
    """The files that a local include names."""
    include_pattern = posixpath.normpath(include_path.lstrip("/"))
    for parent_folder in parent_folders(root_path):
        candidate_path = posixpath.normpath(posixpath.join(parent_folder, include_pattern))
        if candidate_path in yaml_file_tree.listed:
            return [candidate_path]
        matching_paths = _paths_matching_glob(candidate_path, yaml_file_tree) if "*" in candidate_path else []
        if matching_paths:
            return matching_paths
    return []


def _paths_matching_glob(pattern: str, yaml_file_tree: YamlFileTree) -> list[str]:
    """The files that fit a pattern, as far as there is work left for it."""
    return [
        path
        for path in yaml_file_tree.ordered
        if yaml_file_tree.budget.try_spend(2 * glob.max_match_cost(pattern, path)) and _path_matches_glob(pattern, path)
    ]


def _path_matches_glob(pattern: str, path: str) -> bool:
    """Whether a path fits a pattern, in which `*` stays in a folder and `**` does not."""
    if "**" not in pattern:
        return pattern.count("/") == path.count("/") and glob.glob_matches(pattern, path)
    return glob.glob_matches(pattern, path) or glob.glob_matches(pattern.replace("**/", ""), path)


def included_pipeline_paths(text_by_path: Mapping[str, str]) -> frozenset[str]:
    """The files that the pipelines among some texts include, whatever they are called."""
    node_by_path: dict[str, Any] = {}

    def load_node(path: str) -> Any:
        if path not in node_by_path:
            node_by_path[path] = _load_last_mapping(text_by_path.get(path))
        return node_by_path[path]

    root_paths = [path for path, text in text_by_path.items() if posixpath.basename(path) == _ROOT_FILE_NAME and _INCLUDE_KEY_LINE.search(text)]
    yaml_file_tree = YamlFileTree(text_by_path)
    return frozenset(path for root in root_paths for path in resolve_includes(root, load_node, yaml_file_tree).paths)


def _load_last_mapping(text: str | None) -> Map | None:
    try:
        documents = load_yaml_documents(text) if text is not None else []
    except ParseError:
        return None
    return next((one for one in reversed(documents) if isinstance(one, Map)), None)


def _is_include_fragment(gitlab_file: GitlabFile, known_paths: Collection[str]) -> bool:
    """Whether a file is made to be included, by its place or by the pipeline beside or above it.

    A project can name another file as its pipeline; one that lists stages, with no `.gitlab-ci.yml` around, is taken for it.
    https://docs.gitlab.com/ci/pipelines/settings/#specify-a-custom-cicd-configuration-file
    """
    file_path = posixpath.normpath(gitlab_file.source.path)
    if gitlab_file.source.parent is not None or posixpath.basename(file_path) == _ROOT_FILE_NAME:
        return False
    if "stages" not in gitlab_file.node or ".gitlab" in file_path.split("/")[:-1]:
        return True
    return any(posixpath.normpath(posixpath.join(folder, _ROOT_FILE_NAME)) in known_paths for folder in parent_folders(file_path))


def merge_included_files(gitlab_files: list[GitlabFile]) -> None:
    """Give every pipeline and its parts the whole that GitLab makes of them.

    A part of several pipelines is judged as a part of an open one: what it lacks may be in either. So is a file that looks
    like a part and that nothing here includes: its stages and the jobs that it needs are those of a pipeline that is not here.
    """
    file_by_path = {posixpath.normpath(one.source.path): one for one in gitlab_files if not one.source.parent}
    for gitlab_file in gitlab_files:
        gitlab_file.set_merged_files((gitlab_file,), is_open="include" in gitlab_file.node or _is_include_fragment(gitlab_file, file_by_path))
    yaml_file_tree = YamlFileTree(file_by_path)
    included_files_by_root = {
        file_path: resolve_includes(file_path, lambda each: file_by_path[each].node if each in file_by_path else None, yaml_file_tree)
        for file_path, one in file_by_path.items()
        if "include" in one.node
    }
    included_paths_of_all_roots = {file_path for included_files in included_files_by_root.values() for file_path in included_files.paths}
    already_merged_paths: set[str] = set()
    for root_path, included_files in included_files_by_root.items():
        if root_path in included_paths_of_all_roots:
            continue
        merged_files = tuple(file_by_path[file_path] for file_path in (root_path, *included_files.paths) if file_path in file_by_path)
        is_incomplete = included_files.is_incomplete or _is_include_fragment(file_by_path[root_path], file_by_path)
        shared_paths = already_merged_paths & set(included_files.paths)
        already_merged_paths |= set(included_files.paths)
        for gitlab_file in merged_files:
            file_path = posixpath.normpath(gitlab_file.source.path)
            gitlab_file.set_merged_files(merged_files, is_open=is_incomplete or file_path in shared_paths)
        for file_path in shared_paths:
            file_by_path[file_path].set_merged_files((file_by_path[file_path],), is_open=True)


def root_file_path(document: GitlabFile, project: Project) -> str:
    """The path of the file whose pipeline a file is a part of."""
    del project
    return document.merged_files[0].source.path
