"""What no pipeline of a project does: told once, at the first pipeline that delivers."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.ci.delivery import all_pipelines, all_stages, first_delivering
from readiness.kinds.delivery.model import Pipeline
from readiness.kinds.gitlab import model
from readiness.model import NotApplicable, Outcome, Unknown, missing
from readiness.model.project import Project


def presence(
    pipeline: Pipeline, *, kinds: Sequence[str], of: Sequence[str] = (), project: Project
) -> Outcome:
    """Nothing in the project's pipelines does one of some things; told once, at the first pipeline that delivers.

    `of` keeps to projects whose pipelines do one of these: only who builds images can scan them.
    """
    if pipeline is not project.memo(first_delivering):
        yield NotApplicable()
        return
    known = project.memo(all_stages)
    stages = [stage for one in all_pipelines(project) for stage in known[id(one)].values()]
    wanted = [kind for kind in of if kind != "deploy"]
    if of and not any(
        stage.does(*wanted) or ("deploy" in of and stage.deploys) for stage in stages
    ):
        yield NotApplicable()
        return
    if any(stage.does(*kinds) for stage in stages):
        return
    grip = pipeline.node.key("jobs") if "jobs" in pipeline.node else pipeline.node.at()
    if any(stage.opaque for stage in stages) or (
        isinstance(pipeline, model.File) and pipeline.includes
    ):
        yield Unknown(grip)
        return
    yield missing(grip)


_SCANS = ("audit", "analysis", "image-scan", "secret-scan")


def scan_not_scheduled(pipeline: Pipeline, *, project: Project) -> Outcome:
    """Scans that run only when somebody pushes."""
    if pipeline is not project.memo(first_delivering):
        yield NotApplicable()
        return
    known = project.memo(all_stages)
    scanning = [
        pipeline
        for pipeline in all_pipelines(project)
        if any(s.does(*_SCANS) for s in known[id(pipeline)].values())
    ]
    if not scanning:
        yield NotApplicable()
        return
    if any(isinstance(one, model.File) or "schedule" in one.triggers for one in scanning):
        return
    yield missing(scanning[0].node.key("on"), at=scanning[0].source, resource=scanning[0].resource)
