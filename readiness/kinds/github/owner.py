"""Whose repository a tree is, where its files say so: what its owner's actions do is no third party's doing.

Only what lies in the tree counts. `.git/config` and GITHUB_REPOSITORY are not asked: two checkouts of one commit, or a run at
home and one in a fork, would be told different things.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.kinds.readme import README_NAME
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import parent_folders

_OWNER_NAME_PATTERN = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_OWNER_CONDITION = lazy_regex(
    rf"github\.repository(?:_owner[ \t]*==[ \t]*'(?P<owner>{_OWNER_NAME_PATTERN})'|[ \t]*==[ \t]*'(?P<first>{_OWNER_NAME_PATTERN})/[\w.-]{{1,100}}')"
)
_WORKFLOW_BADGE = lazy_regex(rf"\bgithub\.com/(?P<owner>{_OWNER_NAME_PATTERN})/[\w.-]{{1,100}}/actions/workflows/(?P<file>[\w.-]{{1,100}}\.ya?ml)\b")
_TEAM_MENTION = lazy_regex(rf"(?:\A|(?<=\s))@(?P<owner>{_OWNER_NAME_PATTERN})/[\w.-]{{1,100}}")
_ACCOUNT_MENTION = lazy_regex(rf"(?<=\s)@(?P<account>{_OWNER_NAME_PATTERN})(?!\S)")
# What a package says of itself: a fork says its upstream, and is in conflict with conditions of its own.
_REPOSITORY_PATTERN_BY_FILE_NAME = {
    "go.mod": lazy_regex(rf"\Amodule[ \t]+github\.com/(?P<owner>{_OWNER_NAME_PATTERN})/", re.M),
    "package.json": lazy_regex(
        rf'^ {{0,4}}"repository"[ \t]*:[ \t]*(?:\{{[^{{}}]{{0,200}}?"url"[ \t]*:[ \t]*)?'
        rf'"[^"]{{0,40}}?github(?:\.com[/:]|:)(?P<owner>{_OWNER_NAME_PATTERN})/',
        re.M,
    ),
    "Cargo.toml": lazy_regex(rf'^repository[ \t]*=[ \t]*"https://github\.com/(?P<owner>{_OWNER_NAME_PATTERN})/', re.M),
}
_GITHUB_API_ADDRESS = lazy_regex(
    rf"\bhttps://api\.github\.com/repos/(?P<owner>{_OWNER_NAME_PATTERN})/(?P<repository>[\w.-]{{1,100}})(?=/|[\s\"')]|\Z)"
)
_GITHUB_REPOSITORY_ADDRESS = lazy_regex(
    rf"\bgithub\.com/(?P<owner>{_OWNER_NAME_PATTERN})/(?P<repository>[\w.-]{{1,100}}?)(?:\.git)?(?=[/#\s\"')>\]]|\Z)"
)
_PACKAGES_WRITE_LINE = lazy_regex(r"^[ ]{2,40}packages:[ ]*write\b")
_GHCR_IMAGE = lazy_regex(rf"\bghcr\.io/(?P<owner>{_OWNER_NAME_PATTERN})/")
_CODEOWNERS_PATHS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
_MAX_CHARACTERS_PER_FILE = 200_000  # of one file: who writes more hides what stands behind it from us


def set_repository_owners(sources: Iterable[Source]) -> None:
    """Give the pipelines and actions of each repository of a tree its owner and code owners as its files name them, in lower case."""
    source_by_path = {posixpath.normpath(one.path): one for one in sources}
    workflow_sources_by_root: dict[str, list[Source]] = {}
    for source_path, source in source_by_path.items():
        repository_folder = repository_root_of_workflow_path(source_path)
        if repository_folder is not None:
            workflow_sources_by_root.setdefault(repository_folder, []).append(source)
    owner_by_root = {
        repository_folder: _sole_owner_of_repository(repository_folder, found, source_by_path)
        for repository_folder, found in workflow_sources_by_root.items()
    }
    described_owners_by_root = {
        repository_folder: frozenset(owner for owner, _ in _repositories_in_descriptions(repository_folder, source_by_path))
        for repository_folder, owner in owner_by_root.items()
        if not owner
    }
    code_owners_by_root = {repository_folder: _accounts_of_code_owners(repository_folder, source_by_path) for repository_folder in owner_by_root}
    for source_path, source in source_by_path.items() if owner_by_root else ():
        repository_folder = next((folder for folder in parent_folders(source_path) if folder in owner_by_root), None)
        if repository_folder is not None and (".github/" in source_path or posixpath.basename(source_path).startswith("action.y")):
            source.repository_owner = owner_by_root[repository_folder]
            source.described_owners = described_owners_by_root.get(repository_folder, frozenset())
            source.code_owners = code_owners_by_root[repository_folder]


def _sole_owner_of_repository(root_folder: str, workflow_sources: Iterable[Source], source_by_path: Mapping[str, Source]) -> str:
    """The one owner whom conditions, badges, packages and teams name, else addresses; empty where they name none, or several."""
    workflow_sources = list(workflow_sources)
    owner_names = {owner.lower() for owner in _owner_names_in_repository(root_folder, workflow_sources, source_by_path)}
    owner_names = owner_names or _owner_names_in_addresses(root_folder, workflow_sources, source_by_path)
    return owner_names.pop() if len(owner_names) == 1 else ""


def _owner_names_in_addresses(root_folder: str, workflow_sources: Iterable[Source], source_by_path: Mapping[str, Source]) -> set[str]:
    """The owners whom both a workflow and the README or a chart name by an address, in lower case.

    In a workflow that is the address of a repository in GitHub's API, or an image of ghcr.io where the token may write packages:
    it may do so for its own owner alone. Neither is enough by itself: workflows ask for others' releases and scan others' images.
    """
    api_repositories: set[tuple[str, str]] = set()
    pushing_owners: set[str] = set()
    for source in workflow_sources:
        workflow_lines = list(_non_comment_lines(source))
        api_repositories |= {
            (found["owner"].lower(), found["repository"].lower()) for line in workflow_lines for found in _GITHUB_API_ADDRESS.finditer(line)
        }
        if any(map(_PACKAGES_WRITE_LINE.match, workflow_lines)):
            pushing_owners |= {found["owner"].lower() for line in workflow_lines for found in _GHCR_IMAGE.finditer(line)}
    if not api_repositories and not pushing_owners:
        return set()
    described_repositories = set(_repositories_in_descriptions(root_folder, source_by_path))
    described_owners = {owner for owner, _ in described_repositories}
    return {owner for owner, _ in api_repositories & described_repositories} | pushing_owners & described_owners


def _repositories_in_descriptions(root_folder: str, source_by_path: Mapping[str, Source]) -> Iterator[tuple[str, str]]:
    """(owner, name) of the repositories whose addresses the README at the root and the charts below it hold, in lower case."""
    for source_path, source in source_by_path.items():
        is_readme = bool(README_NAME.search(source_path)) and posixpath.dirname(source_path) == root_folder
        is_chart = posixpath.basename(source_path) == "Chart.yaml" and root_folder in parent_folders(source_path)
        if is_readme or is_chart:
            for found in _GITHUB_REPOSITORY_ADDRESS.finditer(source.text[:_MAX_CHARACTERS_PER_FILE]):
                yield found["owner"].lower(), found["repository"].lower()


def _owner_names_in_repository(root_folder: str, workflow_sources: list[Source], source_by_path: Mapping[str, Source]) -> Iterator[str]:
    """The owners in conditions of workflows, in badges of workflows that are here, of packages, and of teams that own code."""
    for source in workflow_sources:
        for source_line in _non_comment_lines(source) if "github.repository" in source.text else ():
            yield from (found["owner"] or found["first"] for found in _OWNER_CONDITION.finditer(source_line))
    workflow_file_names = {posixpath.basename(one.path) for one in workflow_sources}
    for source_path, source in source_by_path.items():
        if README_NAME.search(source_path) and posixpath.dirname(source_path) in {
            root_folder,
            posixpath.join(root_folder, ".github"),
        }:
            badge_matches = _WORKFLOW_BADGE.finditer(source.text[:_MAX_CHARACTERS_PER_FILE])
            yield from (found["owner"] for found in badge_matches if found["file"] in workflow_file_names)
    for file_name, repository_pattern in _REPOSITORY_PATTERN_BY_FILE_NAME.items():
        package_source = source_by_path.get(posixpath.join(root_folder, file_name))
        if package_source is not None and (repository_match := repository_pattern.search(package_source.text[:_MAX_CHARACTERS_PER_FILE])):
            yield repository_match["owner"]
    for source_line in _lines_of_codeowners(root_folder, source_by_path):
        yield from (found["owner"] for found in _TEAM_MENTION.finditer(source_line))


def _accounts_of_code_owners(root_folder: str, source_by_path: Mapping[str, Source]) -> frozenset[str]:
    """The accounts that CODEOWNERS name, in lower case: GitHub takes as code owners only those who may write to the repository."""
    lines = _lines_of_codeowners(root_folder, source_by_path)
    return frozenset(found["account"].lower() for line in lines for found in _ACCOUNT_MENTION.finditer(line.partition(" #")[0]))


def _lines_of_codeowners(root_folder: str, source_by_path: Mapping[str, Source]) -> Iterator[str]:
    """The lines of the repository's CODEOWNERS that are no comment."""
    for file_name in _CODEOWNERS_PATHS:
        codeowners_source = source_by_path.get(posixpath.join(root_folder, file_name))
        yield from _non_comment_lines(codeowners_source) if codeowners_source else ()


def _non_comment_lines(source: Source) -> Iterator[str]:
    """The lines of a file that are no comment."""
    return (line for line in source.text[:_MAX_CHARACTERS_PER_FILE].splitlines() if not line.lstrip().startswith("#"))
