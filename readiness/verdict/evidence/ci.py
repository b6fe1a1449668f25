"""What the jobs of pipelines show by what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import View, all_pipelines, all_stages
from readiness.kinds.delivery.model import Pipeline, PipelineAction, Stage
from readiness.kinds.github import model
from readiness.model import Source, Span
from readiness.model.project import Project

_SCANS = ("audit", "analysis", "image-scan", "secret-scan")
# What a step does, by itself, to the fact that it is.
_DONE = {
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
_COMMIT = re.compile(
    r"github\.sha|GITHUB_SHA|CI_COMMIT_(?:SHORT_)?SHA|git rev-parse|type=sha|\$\{?(?:GIT_|COMMIT_)?SHA\b"
)
_LOGIN = re.compile(r"--password-stdin|docker/login-action|login-action@")
_SECRET = re.compile(r"\$\{\{[^}]{0,80}\bsecrets\.")


def ci_facts(project: Project) -> Iterator[tuple[str, Source, Span]]:
    """The facts of every pipeline, at the step or the job that shows them."""
    known = project.memo(all_stages)
    for pipeline in all_pipelines(project):
        if pipeline.source.fragment:
            continue
        stages = known[id(pipeline)]
        for stage in stages.values():
            for act in stage.acts:
                for name in _act_facts(act, pipeline):
                    yield name, act.source, act.span
            yield from _job_facts(stage, project.once(View, stage.job))
        yield from _pipeline_facts(pipeline, list(stages.values()))
        yield from _login_facts(pipeline)


def _act_facts(act: PipelineAction, pipeline: Pipeline) -> Iterator[str]:
    if act.kind in _DONE:
        yield _DONE[act.kind]
    if act.kind == "push" and _COMMIT.search(act.text):
        yield "ci-commit-tag"
    scheduled = (
        "schedule" in pipeline.triggers
        if isinstance(pipeline, model.Workflow)
        else '"schedule"' in pipeline.source.text
    )
    if act.kind in _SCANS and scheduled:
        yield "ci-scheduled-scan"


def _job_facts(stage: Stage, view: View) -> Iterator[tuple[str, Source, Span]]:
    """What a job shows with those before and after it."""
    job = stage.job
    for act in stage.acts:
        if act.kind == "push" and view.is_done_earlier(act, "test"):
            yield "ci-test-before-push", act.source, act.span
    deploys = [act for act in view.deployments if act.family != "infra"]
    if not deploys or stage.after_failure:
        return
    first, last = deploys[0], deploys[-1]
    if view.is_done_earlier(first, "test"):
        yield "ci-test-before-deploy", first.source, first.span
    if any(_COMMIT.search(act.text) for act in deploys):
        yield "ci-commit-deployed", first.source, first.span
    if job.environment is not None:
        yield "ci-environment", job.source, job.node.key("environment")
    staged = [one for one in view.stages_before if one.deploys and one.target == "staging"]
    if stage.target == "production" and staged:
        act = staged[0].deploys[0]
        yield "ci-staging", act.source, act.span
    for other in (stage, *view.stages_after):
        for act in other.acts:
            behind = other is not stage or act.order > last.order
            if (
                behind
                and act.kind in {"smoke", "test"}
                and stage.target not in ("staging", "preview")
            ):
                yield "ci-smoke", act.source, act.span
            if act.kind == "rollout":
                yield "ci-rollout-watched", act.source, act.span


def _pipeline_facts(pipeline: Pipeline, stages: list[Stage]) -> Iterator[tuple[str, Source, Span]]:
    """What a pipeline does for pull requests, where nothing of it deploys from one.

    Of GitLab's that is told by the rules of jobs, which ci/deploy-from-pull-request reads.
    """
    if isinstance(pipeline, model.Workflow):
        if "pull_request" not in pipeline.triggers:
            return
        if any(stage.deploys or stage.opaque for stage in stages):
            return
    elif "merge_request_event" not in pipeline.source.text:
        return
    acts = [act for stage in stages for act in stage.acts]
    for kind in ("test", *_SCANS):
        name = "ci-pull-request-tested" if kind == "test" else "ci-pull-request-scanned"
        yield from ((name, act.source, act.span) for act in acts if act.kind == kind)


def _login_facts(pipeline: Pipeline) -> Iterator[tuple[str, Source, Span]]:
    """Credentials that come from the store of secrets: a login with one, and any variable or input."""
    source = pipeline.source
    for number, start in enumerate(source.lines, 1):
        line = source.line(number)[:2000]
        if line.lstrip().startswith("#"):
            continue
        if _SECRET.search(line):
            yield "ci-secret", source, Span(start, start + len(line))
        if _LOGIN.search(line):
            yield "ci-login", source, Span(start, start + len(line))
