"""Whether the packages of an install have a version, as each package manager writes one."""

from __future__ import annotations

import re

from readiness.facts.managers import PackageManager
from readiness.facts.packages import PackageCall
from readiness.facts.table import fact_column
from readiness.syntax.command import ShellWord


def unpinned_packages(call: PackageCall) -> tuple[ShellWord, ...]:
    """The packages that a call installs without a version; what comes from a variable is left out."""
    name = call.manager.name
    if call.action != "install" or call.verb.value in call.manager.unversioned or call.verb_group in _GROUP_VERBS:
        return ()
    if name == "pip" and call.command.has_option("-c", "--constraint", options_with_value="refitC"):
        return ()
    if name == "gem" and call.command.has_option("-v", "--version"):
        return ()
    if call.verb_group == "module":
        return tuple(word for word in call.packages if word.is_fully_known and ":" not in word.value)
    return tuple(word for word in call.packages if word.is_fully_known and not _is_pinned(call.manager, word.value))


_GROUP_VERBS = frozenset({"group", "groups", "env"})


def _is_pinned(manager: PackageManager, package: str) -> bool:
    if not package:
        return True
    if manager.name in ("npm", "yarn", "pnpm", "bun"):
        return _is_npm_pinned(package)
    if manager.name in ("pip", "pipx", "uv"):
        return _is_pip_pinned(package)
    if package.startswith(("@", "/")):
        return True  # a group, or a file that some package has: neither has a version
    return manager.pinned_package is None or bool(manager.pinned_package.search(package))


_VERSION_SPECIFIER = re.compile(r"[=<>~!]=|[<>$]")
_NAMED_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*@\s*(?=\S)")
_VCS_ADDRESS = re.compile(r"(?:git|hg|svn|bzr)\+(?!file:)[^/]*:(?://[^/]*)?")
_DISTRIBUTION_FILE = re.compile(r"\.(?:whl|zip|tar|tar\.\w+|tgz|tbz2?)\Z", re.IGNORECASE)


def _is_pip_pinned(package: str) -> bool:
    """A version, an archive, a folder, or an address of a repository with a commit or tag."""
    named = _NAMED_ADDRESS.match(package)
    address = package[named.end() :] if named else package
    repository = _VCS_ADDRESS.match(address)
    if repository:
        return "@" in address[repository.end() :].partition("#")[0]
    if named or address.startswith((".", "~")) or "/" in address:
        return True
    requirement = address.partition(";")[0]
    return bool(_VERSION_SPECIFIER.search(requirement) or _DISTRIBUTION_FILE.search(requirement))


_GIT_ADDRESS = re.compile(
    r"git(?:\+[a-z]+)?:|git@|(?:github|gitlab|bitbucket|gist):|.*\.git(?:#|\Z)"
    r"|https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/[^/#]+/[^/#]+/?(?:#|\Z)"
)


def _is_npm_pinned(package: str) -> bool:
    """`name@1`, `@scope/name@1`, a folder, an archive, or a git address with a commit."""
    if package.startswith((".", "/", "~", "file:")) or package.endswith((".tgz", ".tar.gz", ".tar")):
        return True
    if _GIT_ADDRESS.match(package) or ("/" in package and not package.startswith("@")):
        return "#" in package or ("://" in package and not _GIT_ADDRESS.match(package))
    version = package[1:].partition("@")[2]
    return bool(version) and version not in fact_column("moving-names", "dist-tag")
