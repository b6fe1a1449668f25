"""The pipelines that deliver: targets that stand on what jobs do, in GitHub and GitLab alike."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.delivery.model import is_delivering
from readiness.kinds.github import Document
from readiness.kinds.github.model import Workflow
from readiness.kinds.gitlab.model import File


def github_deliveries(document: Document) -> Iterator[Workflow]:
    """The workflow, where it pushes an image or deploys."""
    if isinstance(document, Workflow) and is_delivering(document):
        yield document


def gitlab_deliveries(document: File) -> Iterator[File]:
    """The file, where it pushes an image or deploys."""
    if is_delivering(document):
        yield document


TARGETS = {
    "github": {"github.delivery": github_deliveries},
    "gitlab": {"gitlab.delivery": gitlab_deliveries},
}
