"""All builds of a project together; what reads compose files and pipelines is imported where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.model.project import Project

if TYPE_CHECKING:
    from readiness.kinds.joins.builds import Build

_KINDS_WITH_BUILDS = frozenset({"compose", "github", "gitlab"})


def builds_of_project(project: Project) -> list[Build]:
    """Every build of a project; ask for them with `project.memoize(all_builds)`."""
    if _KINDS_WITH_BUILDS.isdisjoint(project.by_kind):
        return []
    from readiness.kinds.github.model import Workflow
    from readiness.kinds.joins.builds import build_of_service, builds_of_runner

    project_builds = []
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            service_build = build_of_service(service, project)
            if service_build is not None:
                project_builds.append(service_build)
    for document in project.documents_of_kind("github"):
        if isinstance(document, Workflow):
            for job in document.jobs:
                for step in job.steps:
                    project_builds += builds_of_runner(step)
    for gitlab_file in project.documents_of_kind("gitlab"):
        for job in gitlab_file.jobs:
            project_builds += builds_of_runner(job)
    return project_builds
