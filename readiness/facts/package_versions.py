"""Whether the packages of an install have a version, as each package manager writes one."""

from __future__ import annotations

import re

from readiness.facts.managers import Manager
from readiness.facts.packages import Call
from readiness.facts.table import column
from readiness.syntax.command import Word


def unpinned_packages(call: Call) -> tuple[Word, ...]:
    """The packages that a call installs without a version; what comes from a variable is left out."""
    name = call.manager.name
    if (
        call.action != "install"
        or call.verb.value in call.manager.unversioned
        or call.group in _GROUPS
    ):
        return ()
    if name == "pip" and call.command.has("-c", "--constraint", valued="refitC"):
        return ()
    if name == "gem" and call.command.has("-v", "--version"):
        return ()
    if call.group == "module":
        return tuple(word for word in call.packages if word.known and ":" not in word.value)
    return tuple(
        word for word in call.packages if word.known and not _is_pinned(call.manager, word.value)
    )


_GROUPS = frozenset({"group", "groups", "env"})


def _is_pinned(manager: Manager, package: str) -> bool:
    if not package:
        return True
    if manager.name in ("npm", "yarn", "pnpm", "bun"):
        return _is_npm_pinned(package)
    if manager.name in ("pip", "pipx", "uv"):
        return _is_pip_pinned(package)
    if package.startswith(("@", "/")):
        return True  # a group, or a file that some package has: neither has a version
    return manager.pin is None or bool(manager.pin.search(package))


_SPECIFIER = re.compile(r"[=<>~!]=|[<>$]")
_NAMED_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*@\s*(?=\S)")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+(?!file:)[^/]*:(?://[^/]*)?")
_DISTRIBUTION = re.compile(r"\.(?:whl|zip|tar|tar\.\w+|tgz|tbz2?)\Z", re.IGNORECASE)


def _is_pip_pinned(package: str) -> bool:
    """A version, an archive, a folder, or an address of a repository with a commit or tag."""
    named = _NAMED_ADDRESS.match(package)
    address = package[named.end() :] if named else package
    repository = _VCS.match(address)
    if repository:
        return "@" in address[repository.end() :].partition("#")[0]
    if named or address.startswith((".", "~")) or "/" in address:
        return True
    requirement = address.partition(";")[0]
    return bool(_SPECIFIER.search(requirement) or _DISTRIBUTION.search(requirement))


_GIT = re.compile(
    r"git(?:\+[a-z]+)?:|git@|(?:github|gitlab|bitbucket|gist):|.*\.git(?:#|\Z)"
    r"|https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/[^/#]+/[^/#]+/?(?:#|\Z)"
)


def _is_npm_pinned(package: str) -> bool:
    """`name@1`, `@scope/name@1`, a folder, an archive, or a git address with a commit."""
    if package.startswith((".", "/", "~", "file:")) or package.endswith(
        (".tgz", ".tar.gz", ".tar")
    ):
        return True
    if _GIT.match(package) or ("/" in package and not package.startswith("@")):
        return "#" in package or ("://" in package and not _GIT.match(package))
    version = package[1:].partition("@")[2]
    return bool(version) and version not in column("moving-names", "dist-tag")
