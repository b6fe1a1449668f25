"""Whether the packages of an install have a version, as each package manager writes one."""

from __future__ import annotations

import re

from readiness.facts.managers import PackageManager
from readiness.facts.packages import PackageCall
from readiness.facts.table import property_by_fact_name
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.command import ShellWord


def unpinned_packages(call: PackageCall) -> tuple[ShellWord, ...]:
    """The packages that a call installs without a version; what comes from a variable is left out."""
    manager_name = call.manager.name
    if call.action != "install" or call.verb.value in call.manager.unversioned or call.verb_group in _VERB_GROUPS_WITHOUT_VERSIONS:
        return ()
    if manager_name == "pip" and call.command.has_option("-c", "--constraint", options_with_value="refitC"):
        return ()
    if manager_name == "gem" and call.command.has_option("-v", "--version"):
        return ()
    if call.verb_group == "module":
        return tuple(word for word in call.packages if word.is_fully_known and ":" not in word.value)
    return tuple(word for word in call.packages if word.is_fully_known and not _is_package_pinned(call.manager, word.value))


_VERB_GROUPS_WITHOUT_VERSIONS = frozenset({"group", "groups", "env"})


def _is_package_pinned(manager: PackageManager, package_text: str) -> bool:
    if not package_text:
        return True
    if manager.name in ("npm", "yarn", "pnpm", "bun"):
        return _is_npm_package_pinned(package_text)
    if manager.name in ("pip", "pipx", "uv"):
        return _is_pip_package_pinned(package_text)
    if package_text.startswith(("@", "/")):
        return True  # a group, or a file that some package has: neither has a version
    return manager.pinned_package is None or bool(manager.pinned_package.search(package_text))


_VERSION_SPECIFIER_PATTERN = lazy_regex(r"[=<>~!]=|[<>$]")
_NAMED_ADDRESS_PREFIX_PATTERN = lazy_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*@\s*(?=\S)")
_VCS_ADDRESS_PATTERN = lazy_regex(r"(?:git|hg|svn|bzr)\+(?!file:)[^/]*:(?://[^/]*)?")
_DISTRIBUTION_FILE_PATTERN = lazy_regex(r"\.(?:whl|zip|tar|tar\.\w+|tgz|tbz2?)\Z", re.IGNORECASE)


def _is_pip_package_pinned(package_text: str) -> bool:
    """A version, an archive, a folder, or an address of a repository with a commit or tag."""
    named_address_match = _NAMED_ADDRESS_PREFIX_PATTERN.match(package_text)
    package_address = package_text[named_address_match.end() :] if named_address_match else package_text
    vcs_address_match = _VCS_ADDRESS_PATTERN.match(package_address)
    if vcs_address_match:
        return "@" in package_address[vcs_address_match.end() :].partition("#")[0]
    if named_address_match or package_address.startswith((".", "~")) or "/" in package_address:
        return True
    requirement_without_marker = package_address.partition(";")[0]
    return bool(_VERSION_SPECIFIER_PATTERN.search(requirement_without_marker) or _DISTRIBUTION_FILE_PATTERN.search(requirement_without_marker))


_GIT_ADDRESS_PATTERN = lazy_regex(
    r"git(?:\+[a-z]+)?:|git@|(?:github|gitlab|bitbucket|gist):|.*\.git(?:#|\Z)"
    r"|https?://(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)/[^/#]+/[^/#]+/?(?:#|\Z)"
)


def _is_npm_package_pinned(package_text: str) -> bool:
    """`name@1`, `@scope/name@1`, a folder, an archive, or a git address with a commit."""
    if package_text.startswith((".", "/", "~", "file:")) or package_text.endswith((".tgz", ".tar.gz", ".tar")):
        return True
    if _GIT_ADDRESS_PATTERN.match(package_text) or ("/" in package_text and not package_text.startswith("@")):
        return "#" in package_text or ("://" in package_text and not _GIT_ADDRESS_PATTERN.match(package_text))
    package_version = package_text[1:].partition("@")[2]
    return bool(package_version) and package_version not in property_by_fact_name("moving-names", "dist-tag")
