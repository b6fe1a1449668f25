"""Workflows that GitHub never runs: it reads .github/workflows at the root of a repository, and no folder below or beside it."""

from __future__ import annotations

import posixpath
import re

from readiness import tree_paths
from readiness.loading.discover import DiscoveredFiles
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import is_at_or_below, parent_folders

# `.github/workflows_disabled/`, `.github/old/`: a template of an organization is copied to where it runs, and an action is called where it is.
_BESIDE_WORKFLOWS = lazy_regex(
    r"(?:\A|/)\.github/(?!workflows/|workflow-templates/|actions/)[^/]{1,100}/(?:[^/]{1,100}/){0,5}(?!action\.)[^/]{1,200}\.ya?ml\Z"
)
_JOBS_KEY_LINE = lazy_regex(r"^jobs[ \t]*:", re.MULTILINE)


def remove_workflows_beside(discovered: DiscoveredFiles) -> list[Source]:
    """Take the workflows in a folder beside .github/workflows (`.github/workflows_disabled/`) out of what a walk found; the sources taken.

    What is named stays, and so does what lies in a folder of workflows or of actions somewhere below (`.github/templates/a/.github/workflows/`).
    """
    sources_beside = [
        one
        for one in discovered.sources
        if _BESIDE_WORKFLOWS.search(one.path)
        and one.path.count(".github/") == 1
        and one.path not in discovered.named_paths
        and _JOBS_KEY_LINE.search(one.text)
    ]
    if not sources_beside:
        return []
    from readiness.kinds.github import recognizes_file

    workflow_ids = {id(one) for one in sources_beside if recognizes_file(one.path, one.text)}
    discovered.sources = [one for one in discovered.sources if id(one) not in workflow_ids]
    return [one for one in sources_beside if id(one) in workflow_ids]


def remove_nested_workflows(discovered: DiscoveredFiles) -> list[Source]:
    """Take the workflows below a folder that has workflows of its own out of the texts that a walk found; the sources taken.

    What is named, or met by a walk that began below the upper workflows, stays: that may be a repository of its own. So does what
    lies in a folder with a `.git`, which is one.
    """
    workflow_sources = [one for one in discovered.sources if ".github/workflows/" in one.path]
    if len({posixpath.dirname(one.path) for one in workflow_sources}) < 2:
        return []
    from readiness.kinds.github.uses import repository_root_of_workflow_path

    root_by_source_id = {id(one): repository_root_of_workflow_path(posixpath.normpath(one.path)) for one in workflow_sources}
    workflow_roots = {one for one in root_by_source_id.values() if one is not None}
    unrun_roots = {one for one in workflow_roots if _is_below_repository_root(one, workflow_roots, discovered)}
    nested_sources = [one for one in workflow_sources if root_by_source_id[id(one)] in unrun_roots and one.path not in discovered.named_paths]
    nested_source_ids = {id(one) for one in nested_sources}
    discovered.sources = [one for one in discovered.sources if id(one) not in nested_source_ids]
    return nested_sources


def _is_below_repository_root(folder: str, workflow_roots: set[str], discovered: DiscoveredFiles) -> bool:
    """Whether a folder with workflows lies below another one that a walk saw with it, and no repository begins between the two."""
    walked_folders = [posixpath.normpath(one) for one in discovered.walked_folders]
    if any(is_at_or_below(folder, one) and not _has_other_root_above(folder, one, workflow_roots) for one in walked_folders):
        return False
    for enclosing_folder in (folder, *parent_folders(folder)):
        if enclosing_folder != folder and enclosing_folder in workflow_roots:
            return True
        if tree_paths.is_repository_root(discovered.base / enclosing_folder):
            return False
    return False


def _has_other_root_above(folder: str, walked_folder: str, workflow_roots: set[str]) -> bool:
    """Whether a walk that began at a folder met workflows above those of another one."""
    return any(one != folder and is_at_or_below(folder, one or ".") and is_at_or_below(one or ".", walked_folder) for one in workflow_roots)
