"""What no pipeline of a project does: told once, at the first pipeline that delivers."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.ci.delivery import all_pipelines, all_stages, first_delivering_pipeline
from readiness.kinds.delivery.model import AnyPipeline
from readiness.kinds.gitlab import model
from readiness.model import CheckOutcome, NotApplicable, Undecidable, missing
from readiness.model.project import Project


def presence(pipeline: AnyPipeline, *, kinds: Sequence[str], of: Sequence[str] = (), project: Project) -> CheckOutcome:
    """Nothing in the project's pipelines does one of some things; told once, at the first pipeline that delivers.

    `of` keeps to projects whose pipelines do one of these: only who builds images can scan them.
    """
    if pipeline is not project.memoize(first_delivering_pipeline):
        yield NotApplicable()
        return
    known = project.memoize(all_stages)
    stages = [stage for one in all_pipelines(project) for stage in known[id(one)].values()]
    wanted = [kind for kind in of if kind != "deploy"]
    if of and not any(stage.performs_any(*wanted) or ("deploy" in of and stage.deploys) for stage in stages):
        yield NotApplicable()
        return
    if any(stage.performs_any(*kinds) for stage in stages):
        return
    grip = pipeline.node.key_span("jobs") if "jobs" in pipeline.node else pipeline.node.at()
    if any(stage.calls_unreadable_code for stage in stages) or (isinstance(pipeline, model.GitlabFile) and pipeline.includes):
        yield Undecidable(grip)
        return
    yield missing(grip)


_SCAN_ACTION_KINDS = ("audit", "analysis", "image-scan", "secret-scan")


def scan_not_scheduled(pipeline: AnyPipeline, *, project: Project) -> CheckOutcome:
    """Scans that run only when somebody pushes."""
    if pipeline is not project.memoize(first_delivering_pipeline):
        yield NotApplicable()
        return
    known = project.memoize(all_stages)
    scanning = [
        pipeline
        for pipeline in all_pipelines(project)
        if any(s.performs_any(*_SCAN_ACTION_KINDS) for s in known[id(pipeline)].values())
    ]
    if not scanning:
        yield NotApplicable()
        return
    if any(isinstance(one, model.GitlabFile) or "schedule" in one.triggers for one in scanning):
        return
    yield missing(scanning[0].node.key_span("on"), at=scanning[0].source, resource=scanning[0].resource)
