"""References after `uses:`: an action or a workflow of a repository, a local path, an image."""

from __future__ import annotations

from functools import lru_cache

from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.holes import has_github_expression


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
        version_match = _MAJOR_VERSION.match(self.ref)
        return int(version_match.group(1)) if version_match else None


_COMMIT_SHA = lazy_regex(r"[0-9a-fA-F]{40}\Z|[0-9a-fA-F]{64}\Z")
_MAJOR_VERSION = lazy_regex(r"v?([0-9]{1,4})(?:[.-]|\Z)")
_REPOSITORY_REFERENCE = lazy_regex(r"([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)(/[^@\s]*)?@(\S+)\Z")


@lru_cache(maxsize=16_384)
def parse_uses(uses_value: str) -> UsesReference:
    """The parts of an action's reference; the same few stand in most workflows."""
    uses_value = uses_value.strip()
    if uses_value.startswith(("./", "$/")):
        return UsesReference(uses_value, reference_kind="local", path=uses_value)
    if uses_value.startswith("docker://"):
        return UsesReference(uses_value, reference_kind="docker", path=uses_value[len("docker://") :])
    reference_match = _REPOSITORY_REFERENCE.match(uses_value)
    if reference_match is None or has_github_expression(uses_value):
        return UsesReference(uses_value, reference_kind="unknown")
    owner, repository, path_in_repository, git_ref = reference_match.groups()
    return UsesReference(uses_value, owner, repository, (path_in_repository or "").strip("/"), git_ref)


def repository_root_of_workflow_path(workflow_path: str) -> str | None:
    """The folder of the repository that a workflow's path tells of; None where it does not stand in one."""
    folder_before_workflows, workflows_folder, _ = workflow_path.rpartition(".github/workflows/")
    return folder_before_workflows.rstrip("/") if workflows_folder else None
