"""All builds of a project together; what reads compose files and pipelines is imported where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.model.project import Project

if TYPE_CHECKING:
    from readiness.kinds.joins.builds import Build

_BUILDING = frozenset({"compose", "github", "gitlab"})


def all_builds(project: Project) -> list[Build]:
    """Every build of a project; ask for them with `project.memoize(all_builds)`."""
    if _BUILDING.isdisjoint(project.by_kind):
        return []
    from readiness.kinds.github.model import Workflow
    from readiness.kinds.joins.builds import build_of_service, builds_of_runner

    builds = []
    for document in project.documents_of_kind("compose"):
        for service in document.services.values():
            build = build_of_service(service, project)
            if build is not None:
                builds.append(build)
    for document in project.documents_of_kind("github"):
        if isinstance(document, Workflow):
            for job in document.jobs:
                for step in job.steps:
                    builds += builds_of_runner(step)
    for file in project.documents_of_kind("gitlab"):
        for job in file.jobs:
            builds += builds_of_runner(job)
    return builds
