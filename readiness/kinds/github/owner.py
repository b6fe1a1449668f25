"""Whose repository a tree is, where its files say so: what its owner's actions do is no third party's doing.

Only what lies in the tree counts. `.git/config` and GITHUB_REPOSITORY are not asked: two checkouts of one commit, or a run at
home and one in a fork, would be told different things.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.kinds.github.uses import repository_root
from readiness.kinds.readme import README_NAME
from readiness.model import Source
from readiness.model.project import parent_folders

_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_CONDITION = re.compile(
    rf"github\.repository(?:_owner[ \t]*==[ \t]*'(?P<owner>{_OWNER})'|[ \t]*==[ \t]*'(?P<first>{_OWNER})/[\w.-]{{1,100}}')"
)
_BADGE = re.compile(rf"\bgithub\.com/(?P<owner>{_OWNER})/[\w.-]{{1,100}}/actions/workflows/(?P<file>[\w.-]{{1,100}}\.ya?ml)\b")
_TEAM = re.compile(rf"(?:\A|(?<=\s))@(?P<owner>{_OWNER})/[\w.-]{{1,100}}")
# What a package says of itself: a fork says its upstream, and is in conflict with conditions of its own.
_PACKAGE_REPOSITORY = {
    "go.mod": re.compile(rf"\Amodule[ \t]+github\.com/(?P<owner>{_OWNER})/", re.M),
    "package.json": re.compile(
        rf'^ {{0,4}}"repository"[ \t]*:[ \t]*(?:\{{[^{{}}]{{0,200}}?"url"[ \t]*:[ \t]*)?"[^"]{{0,40}}?github(?:\.com[/:]|:)(?P<owner>{_OWNER})/',
        re.M,
    ),
    "Cargo.toml": re.compile(rf'^repository[ \t]*=[ \t]*"https://github\.com/(?P<owner>{_OWNER})/', re.M),
}
_CODEOWNERS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
_READ_CHARACTERS = 200_000  # of one file: who writes more hides what stands behind it from us


def tell_owners(sources: Iterable[Source]) -> None:
    """Give the pipelines and actions of each repository of a tree the owner that its files agree on, in lower case."""
    by_path = {posixpath.normpath(one.path): one for one in sources}
    workflows: dict[str, list[Source]] = {}
    for path, source in by_path.items():
        root = repository_root(path)
        if root is not None:
            workflows.setdefault(root, []).append(source)
    owners = {root: _owner_of(root, found, by_path) for root, found in workflows.items()}
    for path, source in by_path.items() if any(owners.values()) else ():
        root = next((folder for folder in parent_folders(path) if folder in owners), None)
        if root is not None and (".github/" in path or posixpath.basename(path).startswith("action.y")):
            source.repository_owner = owners[root]


def _owner_of(root: str, workflows: Iterable[Source], by_path: Mapping[str, Source]) -> str:
    """The one owner whom conditions, badges and teams name; empty where they name none, or several."""
    found = {owner.lower() for owner in _owners_named(root, list(workflows), by_path)}
    return found.pop() if len(found) == 1 else ""


def _owners_named(root: str, workflows: list[Source], by_path: Mapping[str, Source]) -> Iterator[str]:
    """The owners in conditions of workflows, in badges of workflows that are here, of packages, and of teams that own code."""
    for source in workflows:
        for line in _lines_without_comments(source):
            yield from (found["owner"] or found["first"] for found in _CONDITION.finditer(line))
    files = {posixpath.basename(one.path) for one in workflows}
    for path, source in by_path.items():
        if README_NAME.search(path) and posixpath.dirname(path) in {root, posixpath.join(root, ".github")}:
            badges = _BADGE.finditer(source.text[:_READ_CHARACTERS])
            yield from (found["owner"] for found in badges if found["file"] in files)
    for name, pattern in _PACKAGE_REPOSITORY.items():
        package = by_path.get(posixpath.join(root, name))
        if package is not None and (told := pattern.search(package.text[:_READ_CHARACTERS])):
            yield told["owner"]
    for name in _CODEOWNERS:
        code_owners = by_path.get(posixpath.join(root, name))
        for line in _lines_without_comments(code_owners) if code_owners else ():
            yield from (found["owner"] for found in _TEAM.finditer(line))


def _lines_without_comments(source: Source) -> Iterator[str]:
    """The lines of a file that are no comment."""
    return (line for line in source.text[:_READ_CHARACTERS].splitlines() if not line.lstrip().startswith("#"))
