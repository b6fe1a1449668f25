"""What the jobs of pipelines show by what they do."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.delivery import JobNeighbourhood, all_pipelines, job_stages_by_pipeline
from readiness.kinds.delivery.model import AnyPipeline, JobDelivery, PipelineAction
from readiness.kinds.github import model
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project

_SCAN_ACTION_KINDS = ("audit", "analysis", "image-scan", "secret-scan")
# What a step does, by itself, to the fact that it is.
_FACT_BY_ACTION_KIND = {
    "analysis": "ci-analysis",
    "audit": "ci-audit",
    "benchmark": "ci-benchmark",
    "coverage": "ci-coverage",
    "gradual": "gradual-rollout",
    "image-scan": "ci-image-scan",
    "license": "ci-license",
    "lint": "ci-lint",
    "notify": "ci-notify",
    "platforms": "ci-platforms",
    "rollback": "ci-rollback",
    "secret-scan": "ci-secret-scan",
    "test": "ci-test",
}
_COMMIT_SHA_REFERENCE = lazy_regex(r"github\.sha|GITHUB_SHA|CI_COMMIT_(?:SHORT_)?SHA|git rev-parse|type=sha|\$\{?(?:GIT_|COMMIT_)?SHA\b")
_LOGIN_COMMAND = lazy_regex(r"--password-stdin|docker/login-action|login-action@")
_SECRETS_EXPRESSION = lazy_regex(r"\$\{\{[^}]{0,80}\bsecrets\.")


def ci_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every pipeline, at the step or the job that shows them."""
    stages_by_pipeline_id = project.memoize(job_stages_by_pipeline)
    for pipeline in all_pipelines(project):
        if pipeline.source.fragment:
            continue
        stages = stages_by_pipeline_id[id(pipeline)]
        for stage in stages.values():
            for action in stage.actions:
                for fact_name in _action_facts(action, pipeline):
                    yield fact_name, action.source, action.span
            neighbourhood = project.memoize_for_subject(JobNeighbourhood, stage.job)
            if neighbourhood.is_order_known:
                yield from _job_facts(stage, neighbourhood)
        yield from _pipeline_facts(pipeline, list(stages.values()))
        yield from _login_facts(pipeline)


def _action_facts(action: PipelineAction, pipeline: AnyPipeline) -> Iterator[str]:
    if action.kind in _FACT_BY_ACTION_KIND:
        yield _FACT_BY_ACTION_KIND[action.kind]
    if action.kind == "push" and _COMMIT_SHA_REFERENCE.search(action.text):
        yield "ci-commit-tag"
    is_scheduled = "schedule" in pipeline.triggers if isinstance(pipeline, model.Workflow) else '"schedule"' in pipeline.source.text
    if action.kind in _SCAN_ACTION_KINDS and is_scheduled:
        yield "ci-scheduled-scan"


def _job_facts(stage: JobDelivery, neighbourhood: JobNeighbourhood) -> Iterator[tuple[str, Source, Span]]:
    """What a job shows with those before and after it."""
    job = stage.job
    for action in stage.actions:
        if action.kind == "push" and neighbourhood.is_done_earlier(action, "test"):
            yield "ci-test-before-push", action.source, action.span
    deployments = [action for action in neighbourhood.deployments if action.tool_family != "infra"]
    if not deployments or stage.after_failure:
        return
    first_deployment, last_deployment = deployments[0], deployments[-1]
    if neighbourhood.is_done_earlier(first_deployment, "test"):
        yield "ci-test-before-deploy", first_deployment.source, first_deployment.span
    if any(_COMMIT_SHA_REFERENCE.search(action.text) for action in deployments):
        yield "ci-commit-deployed", first_deployment.source, first_deployment.span
    if job.environment is not None:
        yield "ci-environment", job.source, job.node.key_span("environment")
    staging_stages = [one for one in neighbourhood.stages_before if one.deploys and one.target_environment == "staging"]
    if stage.target_environment == "production" and staging_stages:
        action = staging_stages[0].deploys[0]
        yield "ci-staging", action.source, action.span
    for later_stage in (stage, *neighbourhood.stages_after):
        for action in later_stage.actions:
            is_after_deployment = later_stage is not stage or action.position_in_job > last_deployment.position_in_job
            if is_after_deployment and action.kind in {"smoke", "test"} and stage.target_environment not in ("staging", "preview"):
                yield "ci-smoke", action.source, action.span
            if action.kind == "rollout":
                yield "ci-rollout-watched", action.source, action.span


def _pipeline_facts(pipeline: AnyPipeline, stages: list[JobDelivery]) -> Iterator[tuple[str, Source, Span]]:
    """What a pipeline does for pull requests, where nothing of it deploys from one.

    Of GitLab's that is told by the rules of jobs, which ci/deploy-from-pull-request reads.
    """
    if isinstance(pipeline, model.Workflow):
        if "pull_request" not in pipeline.triggers:
            return
        if any(stage.deploys or stage.calls_unreadable_code for stage in stages):
            return
    elif "merge_request_event" not in pipeline.source.text:
        return
    actions = [act for stage in stages for act in stage.actions]
    for action_kind in ("test", *_SCAN_ACTION_KINDS):
        fact_name = "ci-pull-request-tested" if action_kind == "test" else "ci-pull-request-scanned"
        yield from ((fact_name, act.source, act.span) for act in actions if act.kind == action_kind)


def _login_facts(pipeline: AnyPipeline) -> Iterator[tuple[str, Source, Span]]:
    """Credentials that come from the store of secrets: a login with one, and any variable or input."""
    source = pipeline.source
    if not _SECRETS_EXPRESSION.search(source.text) and not _LOGIN_COMMAND.search(source.text):
        return
    for line_number, line_start in enumerate(source.line_offsets, 1):
        line = source.line_text(line_number)[:2000]
        if line.lstrip().startswith("#"):
            continue
        if _SECRETS_EXPRESSION.search(line):
            yield "ci-secret", source, Span(line_start, line_start + len(line))
        if _LOGIN_COMMAND.search(line):
            yield "ci-login", source, Span(line_start, line_start + len(line))
