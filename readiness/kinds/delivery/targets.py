"""The pipelines that deliver: targets that stand on what jobs do, in GitHub and GitLab alike."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.delivery.model import pushes_or_deploys
from readiness.kinds.github import Document
from readiness.kinds.github.model import Workflow
from readiness.kinds.gitlab.model import GitlabFile


def github_delivering_workflow(document: Document) -> Iterator[Workflow]:
    """The workflow, where it pushes an image or deploys."""
    if isinstance(document, Workflow) and pushes_or_deploys(document):
        yield document


def gitlab_delivering_file(document: GitlabFile) -> Iterator[GitlabFile]:
    """The file, where it pushes an image or deploys."""
    if pushes_or_deploys(document):
        yield document


TARGETS = {
    "github": {"github.delivery": github_delivering_workflow},
    "gitlab": {"gitlab.delivery": gitlab_delivering_file},
}
