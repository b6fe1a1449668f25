"""What the jobs of pipelines show by what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import JobNeighbourhood, all_pipelines, all_stages
from readiness.kinds.delivery.model import AnyPipeline, JobDelivery, PipelineAction
from readiness.kinds.github import model
from readiness.model import Source, Span
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
_COMMIT_REFERENCE = re.compile(
    r"github\.sha|GITHUB_SHA|CI_COMMIT_(?:SHORT_)?SHA|git rev-parse|type=sha|\$\{?(?:GIT_|COMMIT_)?SHA\b"
)
_LOGIN_COMMAND = re.compile(r"--password-stdin|docker/login-action|login-action@")
_SECRETS_EXPRESSION = re.compile(r"\$\{\{[^}]{0,80}\bsecrets\.")


def ci_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every pipeline, at the step or the job that shows them."""
    known = project.memoize(all_stages)
    for pipeline in all_pipelines(project):
        if pipeline.source.fragment:
            continue
        stages = known[id(pipeline)]
        for stage in stages.values():
            for act in stage.actions:
                for name in _act_facts(act, pipeline):
                    yield name, act.source, act.span
            yield from _job_facts(stage, project.memoize_for_subject(JobNeighbourhood, stage.job))
        yield from _pipeline_facts(pipeline, list(stages.values()))
        yield from _login_facts(pipeline)


def _act_facts(action: PipelineAction, pipeline: AnyPipeline) -> Iterator[str]:
    if action.kind in _FACT_BY_ACTION_KIND:
        yield _FACT_BY_ACTION_KIND[action.kind]
    if action.kind == "push" and _COMMIT_REFERENCE.search(action.text):
        yield "ci-commit-tag"
    scheduled = (
        "schedule" in pipeline.triggers if isinstance(pipeline, model.Workflow) else '"schedule"' in pipeline.source.text
    )
    if action.kind in _SCAN_ACTION_KINDS and scheduled:
        yield "ci-scheduled-scan"


def _job_facts(stage: JobDelivery, view: JobNeighbourhood) -> Iterator[tuple[str, Source, Span]]:
    """What a job shows with those before and after it."""
    job = stage.job
    for act in stage.actions:
        if act.kind == "push" and view.is_done_earlier(act, "test"):
            yield "ci-test-before-push", act.source, act.span
    deploys = [act for act in view.deployments if act.tool_family != "infra"]
    if not deploys or stage.after_failure:
        return
    first, last = deploys[0], deploys[-1]
    if view.is_done_earlier(first, "test"):
        yield "ci-test-before-deploy", first.source, first.span
    if any(_COMMIT_REFERENCE.search(act.text) for act in deploys):
        yield "ci-commit-deployed", first.source, first.span
    if job.environment is not None:
        yield "ci-environment", job.source, job.node.key_span("environment")
    staged = [one for one in view.stages_before if one.deploys and one.target_environment == "staging"]
    if stage.target_environment == "production" and staged:
        act = staged[0].deploys[0]
        yield "ci-staging", act.source, act.span
    for other in (stage, *view.stages_after):
        for act in other.actions:
            behind = other is not stage or act.position_in_job > last.position_in_job
            if behind and act.kind in {"smoke", "test"} and stage.target_environment not in ("staging", "preview"):
                yield "ci-smoke", act.source, act.span
            if act.kind == "rollout":
                yield "ci-rollout-watched", act.source, act.span


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
    acts = [act for stage in stages for act in stage.actions]
    for kind in ("test", *_SCAN_ACTION_KINDS):
        name = "ci-pull-request-tested" if kind == "test" else "ci-pull-request-scanned"
        yield from ((name, act.source, act.span) for act in acts if act.kind == kind)


def _login_facts(pipeline: AnyPipeline) -> Iterator[tuple[str, Source, Span]]:
    """Credentials that come from the store of secrets: a login with one, and any variable or input."""
    source = pipeline.source
    for number, start in enumerate(source.line_offsets, 1):
        line = source.line_text(number)[:2000]
        if line.lstrip().startswith("#"):
            continue
        if _SECRETS_EXPRESSION.search(line):
            yield "ci-secret", source, Span(start, start + len(line))
        if _LOGIN_COMMAND.search(line):
            yield "ci-login", source, Span(start, start + len(line))
