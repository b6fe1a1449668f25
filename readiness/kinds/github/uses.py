"""References after `uses:`: an action or a workflow of a repository, a local path, an image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from readiness.syntax.holes import has_expression


@dataclass(frozen=True, slots=True)
class UsesReference:
    """The value of `uses:` in its parts: owner, repository, path and ref."""

    text: str
    owner: str = ""
    repository: str = ""
    path: str = ""
    ref: str = ""
    reference_kind: str = "repository"  # repository, local, docker, unknown

    @property
    def slug(self) -> str:
        """`owner/repository` in lower case."""
        return f"{self.owner}/{self.repository}".lower()

    @property
    def lowercase_name(self) -> str:
        """The slug with the path inside the repository, in lower case."""
        return f"{self.slug}/{self.path}".rstrip("/").lower()

    @property
    def is_pinned_to_commit(self) -> bool:
        """Whether the ref is a whole commit."""
        return bool(_COMMIT_SHA.match(self.ref))

    @property
    def major_version(self) -> int | None:
        """The major version of a ref like `v4` or `4.1.0`."""
        match = _MAJOR_VERSION.match(self.ref)
        return int(match.group(1)) if match else None


_COMMIT_SHA = re.compile(r"[0-9a-fA-F]{40}\Z|[0-9a-fA-F]{64}\Z")
_MAJOR_VERSION = re.compile(r"v?([0-9]{1,4})(?:[.-]|\Z)")
_REPOSITORY_REFERENCE = re.compile(r"([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)(/[^@\s]*)?@(\S+)\Z")


def parse_uses(value: str) -> UsesReference:
    """The parts of an action's reference."""
    value = value.strip()
    if value.startswith(("./", "$/")):
        return UsesReference(value, reference_kind="local", path=value)
    if value.startswith("docker://"):
        return UsesReference(value, reference_kind="docker", path=value[len("docker://") :])
    match = _REPOSITORY_REFERENCE.match(value)
    if match is None or has_expression(value):
        return UsesReference(value, reference_kind="unknown")
    owner, repository, path, ref = match.groups()
    return UsesReference(value, owner, repository, (path or "").strip("/"), ref)


def repository_root(path: str) -> str | None:
    """The folder of the repository that a workflow's path tells of; None where it does not stand in one."""
    folder, found, _ = path.rpartition(".github/workflows/")
    return folder.rstrip("/") if found else None
