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
from readiness.model.project import Project, parent_folders
from readiness.syntax import glob
from readiness.syntax.holes import has_variable
from readiness.syntax.yaml import Map, Seq, load_yaml_documents

MAX_INCLUDED_FILES = 150  # as many files as GitLab merges by default
MAX_WORK = 1_000_000  # units of glob.Budget for the patterns of one tree; past them a pipeline is open
_ROOT_FILE = ".gitlab-ci.yml"
_INCLUDE_KEY_LINE = re.compile(r"^include[ \t]*:", re.MULTILINE)
_YAML_SUFFIXES = (".yml", ".yaml")


class IncludedFiles(NamedTuple):
    """The files that a pipeline includes, those whose keys count first in front; `is_incomplete` where some of it is not here."""

    paths: tuple[str, ...]
    is_incomplete: bool


def included_paths(node: Any) -> Iterator[str | None]:
    """The local files (or patterns of them) that a file includes; None for each that is not in the repository."""
    written = node.get("include") if isinstance(node, Map) else None
    for entry in written if isinstance(written, Seq) else [] if written is None else [written]:
        local = entry.get("local") if isinstance(entry, Map) else entry
        known = isinstance(local, str) and "://" not in local and not has_variable(local)
        yield local if known else None


class YamlFileTree:
    """The YAML files of a tree, and the work that may still be spent on matching them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.listed = frozenset(path for path in paths if path.endswith(_YAML_SUFFIXES))
        self.ordered = sorted(self.listed)
        self.budget = glob.WorkBudget(MAX_WORK)


def resolve_includes(root_path: str, node_at: Callable[[str], Any], tree: YamlFileTree) -> IncludedFiles:
    """What the pipeline of a file includes, its parts' includes with it; `node_at` gives the content of a path or None."""
    found: dict[str, None] = {}
    is_open = False

    def add_includes(path: str) -> None:
        nonlocal is_open
        node = node_at(path)
        if node is None or len(found) > MAX_INCLUDED_FILES:
            is_open = True
            return
        for wanted in reversed(list(islice(included_paths(node), MAX_INCLUDED_FILES))):
            inner = [] if wanted is None else _included_paths_matching(wanted, root_path, tree)
            is_open = is_open or not inner
            for part in inner:
                if part != root_path and part not in found:
                    found[part] = None
                    add_includes(part)

    add_includes(root_path)
    return IncludedFiles(tuple(found), is_open)


def _included_paths_matching(include_path: str, root: str, tree: YamlFileTree) -> list[str]:
    """The files that a local include names."""
    pattern = posixpath.normpath(include_path.lstrip("/"))
    for folder in parent_folders(root):
        path = posixpath.normpath(posixpath.join(folder, pattern))
        if path in tree.listed:
            return [path]
        found = _paths_matching_glob(path, tree) if "*" in path else []
        if found:
            return found
    return []


def _paths_matching_glob(pattern: str, tree: YamlFileTree) -> list[str]:
    """The files that fit a pattern, as far as there is work left for it."""
    return [
        path
        for path in tree.ordered
        if tree.budget.try_spend(2 * glob.match_cost(pattern, path)) and _path_matches_glob(pattern, path)
    ]


def _path_matches_glob(pattern: str, path: str) -> bool:
    """Whether a path fits a pattern, in which `*` stays in a folder and `**` does not."""
    if "**" not in pattern:
        return pattern.count("/") == path.count("/") and glob.glob_matches(pattern, path)
    return glob.glob_matches(pattern, path) or glob.glob_matches(pattern.replace("**/", ""), path)


def part_paths(texts: Mapping[str, str]) -> frozenset[str]:
    """The files that the pipelines among some texts include, whatever they are called."""
    nodes: dict[str, Any] = {}

    def node_at(path: str) -> Any:
        if path not in nodes:
            nodes[path] = _load_last_mapping(texts.get(path))
        return nodes[path]

    roots = [path for path, text in texts.items() if posixpath.basename(path) == _ROOT_FILE and _INCLUDE_KEY_LINE.search(text)]
    tree = YamlFileTree(texts)
    return frozenset(path for root in roots for path in resolve_includes(root, node_at, tree).paths)


def _load_last_mapping(text: str | None) -> Map | None:
    try:
        documents = load_yaml_documents(text) if text is not None else []
    except ParseError:
        return None
    return next((one for one in reversed(documents) if isinstance(one, Map)), None)


def _is_fragment(file: GitlabFile, paths: Collection[str]) -> bool:
    """Whether a file is made to be included, by its place or by the pipeline beside or above it.

    A project can name another file as its pipeline; one that lists stages, with no `.gitlab-ci.yml` around, is taken for it.
    https://docs.gitlab.com/ci/pipelines/settings/#specify-a-custom-cicd-configuration-file
    """
    path = posixpath.normpath(file.source.path)
    if file.source.parent is not None or posixpath.basename(path) == _ROOT_FILE:
        return False
    if "stages" not in file.node or ".gitlab" in path.split("/")[:-1]:
        return True
    return any(posixpath.normpath(posixpath.join(folder, _ROOT_FILE)) in paths for folder in parent_folders(path))


def join_parts(files: list[GitlabFile]) -> None:
    """Give every pipeline and its parts the whole that GitLab makes of them.

    A part of several pipelines is judged as a part of an open one: what it lacks may be in either. So is a file that looks
    like a part and that nothing here includes: its stages and the jobs that it needs are those of a pipeline that is not here.
    """
    by_path = {posixpath.normpath(one.source.path): one for one in files if not one.source.parent}
    for file in files:
        file.set_merged_files((file,), is_open="include" in file.node or _is_fragment(file, by_path))
    tree = YamlFileTree(by_path)
    wholes = {
        path: resolve_includes(path, lambda each: by_path[each].node if each in by_path else None, tree)
        for path, one in by_path.items()
        if "include" in one.node
    }
    included = {path for parts in wholes.values() for path in parts.paths}
    taken: set[str] = set()
    for root, parts in wholes.items():
        if root in included:
            continue
        whole = tuple(by_path[path] for path in (root, *parts.paths) if path in by_path)
        is_open = parts.is_incomplete or _is_fragment(by_path[root], by_path)
        again = taken & set(parts.paths)
        taken |= set(parts.paths)
        for file in whole:
            path = posixpath.normpath(file.source.path)
            file.set_merged_files(whole, is_open=is_open or path in again)
        for path in again:
            by_path[path].set_merged_files((by_path[path],), is_open=True)


def root_file_path(document: GitlabFile, project: Project) -> str:
    """The path of the file whose pipeline a file is a part of."""
    del project
    return document.merged_files[0].source.path
