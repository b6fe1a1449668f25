"""What no pipeline of a project does: told once, at the first pipeline that delivers."""

from __future__ import annotations

from collections.abc import Sequence

from readiness.checks.ci.delivery import all_pipelines, first_delivering_pipeline, job_stages_by_pipeline
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
    stages_by_job_by_pipeline = project.memoize(job_stages_by_pipeline)
    all_job_deliveries = [stage for one in all_pipelines(project) for stage in stages_by_job_by_pipeline[id(one)].values()]
    required_kinds = [kind for kind in of if kind != "deploy"]
    if of and not any(stage.performs_any(*required_kinds) or ("deploy" in of and stage.deploys) for stage in all_job_deliveries):
        yield NotApplicable()
        return
    if any(stage.performs_any(*kinds) for stage in all_job_deliveries):
        return
    jobs_span = pipeline.node.key_span("jobs") if "jobs" in pipeline.node else pipeline.node.at()
    if any(stage.calls_unreadable_code for stage in all_job_deliveries) or (isinstance(pipeline, model.GitlabFile) and pipeline.includes):
        yield Undecidable(jobs_span)
        return
    yield missing(jobs_span)


_SCAN_ACTION_KINDS = ("audit", "analysis", "image-scan", "secret-scan")


def scan_not_scheduled(pipeline: AnyPipeline, *, project: Project) -> CheckOutcome:
    """Scans that run only when somebody pushes."""
    if pipeline is not project.memoize(first_delivering_pipeline):
        yield NotApplicable()
        return
    stages_by_job_by_pipeline = project.memoize(job_stages_by_pipeline)
    scanning_pipelines = [
        pipeline
        for pipeline in all_pipelines(project)
        if any(s.performs_any(*_SCAN_ACTION_KINDS) for s in stages_by_job_by_pipeline[id(pipeline)].values())
    ]
    if not scanning_pipelines:
        yield NotApplicable()
        return
    if any(isinstance(one, model.GitlabFile) or "schedule" in one.triggers for one in scanning_pipelines):
        return
    yield missing(scanning_pipelines[0].node.key_span("on"), at=scanning_pipelines[0].source, resource=scanning_pipelines[0].resource)
