"""What stands around a deployment: tests before it, its environment, and what is watched and undone after it."""

from __future__ import annotations

import re

from readiness.kinds.delivery.model import (
    AnyJob,
    AnyPipeline,
    JobDelivery,
    PipelineAction,
    delivery_of_job,
    jobs_finished_before,
    map_by_merged_pipeline,
    merged_jobs,
    pushes_or_deploys,
)
from readiness.kinds.github import model
from readiness.kinds.github.actions import local_action
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit, missing
from readiness.model.memo import cached_property
from readiness.model.project import Project
from readiness.syntax.yaml import Map, Seq

_TOOL_NAME_BY_FAMILY = {
    "kubernetes": "kubectl",
    "helm": "Helm",
    "argo": "GitOps",
    "swarm": "Swarm",
    "ecs": "ECS",
    "platform": "its platform",
    "infra": "infrastructure code",
    "compose": "compose",
    "ssh": "ssh",
    "storage": "a copy to object storage",
    "script": "a script",
}


def all_pipelines(project: Project) -> list[AnyPipeline]:
    """Every pipeline of the project, in order of path."""
    found: list[AnyPipeline] = [d for d in project.documents_of_kind("github") if isinstance(d, model.Workflow)]
    found += project.documents_of_kind("gitlab")
    return sorted(found, key=lambda pipeline: pipeline.source.path)


def all_stages(project: Project) -> dict[int, dict[str, JobDelivery]]:
    """The stages of every pipeline, by the pipeline's identity."""

    def resolve_local_action(step: model.Step) -> model.Action | None:
        return local_action(step, project)

    return map_by_merged_pipeline(
        all_pipelines(project),
        lambda one: {job.name: delivery_of_job(job, resolve_local_action) for job in merged_jobs(one)},
    )


def first_delivering_pipeline(project: Project) -> AnyPipeline | None:
    """The first pipeline that delivers, where what all of them lack is told."""
    return next((one for one in all_pipelines(project) if pushes_or_deploys(one)), None)


def are_tests_missing(project: Project) -> bool:
    """Whether no pipeline tests at all: ci/tests-missing tells it once, at the first that delivers."""
    first = project.memoize(first_delivering_pipeline)
    if first is None or (isinstance(first, gitlab_model.GitlabFile) and first.includes):
        return False
    stages = [stage for known in project.memoize(all_stages).values() for stage in known.values()]
    return not any(stage.calls_unreadable_code or stage.performs_any("test") for stage in stages)


def jobs_finished_before_by_pipeline(project: Project) -> dict[int, dict[str, frozenset[str]]]:
    """What has finished before each job, by the pipeline's identity."""
    return map_by_merged_pipeline(all_pipelines(project), jobs_finished_before)


def waiting_jobs_by_pipeline(project: Project) -> dict[int, dict[str, list[str]]]:
    """The jobs that wait for each job, by the pipeline's identity."""
    waiting: dict[int, dict[str, list[str]]] = {}
    for key, before in project.memoize(jobs_finished_before_by_pipeline).items():
        after: dict[str, list[str]] = {name: [] for name in before}
        for name, names in before.items():
            for other in names:
                after[other].append(name)
        waiting[key] = after
    return waiting


def effects_by_pipeline(project: Project) -> dict[int, frozenset[str]]:
    """What each pipeline does, by its identity."""
    known = project.memoize(all_stages)
    return {key: frozenset().union(*(stage.action_kinds for stage in stages.values())) for key, stages in known.items()}


def _pipeline_of(job: AnyJob) -> AnyPipeline:
    return job.workflow if isinstance(job, model.Job) else job.file


class JobNeighbourhood:
    """One job in its pipeline: its stage, those before it and those after it."""

    def __init__(self, job: AnyJob, project: Project) -> None:
        self.job = job
        self.project = project
        self.pipeline = _pipeline_of(job)
        self.stages = project.memoize(all_stages)[id(self.pipeline)]
        self.stage = self.stages[job.name]

    @cached_property
    def stages_before(self) -> list[JobDelivery]:
        """The stages that have finished before the job starts."""
        names = self.project.memoize(jobs_finished_before_by_pipeline)[id(self.pipeline)][self.job.name]
        return [self.stages[name] for name in sorted(names)]

    @cached_property
    def stages_after(self) -> list[JobDelivery]:
        """The stages of jobs that need this one, directly or through others."""
        return [self.stages[name] for name in self.project.memoize(waiting_jobs_by_pipeline)[id(self.pipeline)][self.job.name]]

    @cached_property
    def kinds_done_before(self) -> frozenset[str]:
        """The kinds of action (test, scan, deploy ...) in the stages that have finished before the job starts."""
        return frozenset().union(*(stage.action_kinds for stage in self.stages_before))

    @cached_property
    def kinds_done_after(self) -> frozenset[str]:
        """The kinds of action in the stages that wait for the job."""
        return frozenset().union(*(stage.action_kinds for stage in self.stages_after))

    @property
    def deployments(self) -> tuple[PipelineAction, ...]:
        """The deployments among the job's own actions, in order."""
        return self.stage.deploys

    def is_done_later(self, act: PipelineAction, *kinds: str) -> bool:
        """Whether one of some things is done after an act, in the job or behind it."""
        own = any(other.kind in kinds and other.position_in_job > act.position_in_job for other in self.stage.actions)
        return own or not self.kinds_done_after.isdisjoint(kinds)

    def is_done_earlier(self, act: PipelineAction, *kinds: str) -> bool:
        """Whether one of some things is done before an act, in the job or in those that it waits for."""
        own = any(other.kind in kinds and other.position_in_job < act.position_in_job for other in self.stage.actions)
        return own or not self.kinds_done_before.isdisjoint(kinds)


def neighbourhood_of_deploying_job(job: AnyJob, project: Project) -> JobNeighbourhood | None:
    """The view of a job that deploys; None for every other, and for one that only runs when others failed."""
    view = project.memoize_for_subject(JobNeighbourhood, job)
    return view if view.deployments and not view.stage.after_failure else None


def tool_name(act: PipelineAction) -> str:
    """What an act deploys with, in words."""
    return _TOOL_NAME_BY_FAMILY.get(act.tool_family, "a command")


def deploy_untested(job: AnyJob, *, kind: str, project: Project) -> CheckOutcome:
    """A deployment (or a push of an image) with no test before it, in a project whose pipelines do test."""
    view = project.memoize_for_subject(JobNeighbourhood, job)
    deployments = [act for act in view.deployments if act.tool_family != "infra"]
    pushes = [act for act in view.stage.actions if act.kind == "push"]
    acts = deployments if kind == "deploy" else [] if deployments else pushes
    if not acts or view.stage.after_failure or project.memoize(are_tests_missing):
        yield NotApplicable()
        return
    act = acts[0]
    if view.is_done_earlier(act, "test", "smoke" if kind == "deploy" else "test"):
        return
    if any(stage.calls_unreadable_code for stage in view.stages_before) or _may_be_tested_elsewhere(view.pipeline, project):
        yield Undecidable(act.span)
        return
    yield missing(act.span, resource=job.resource, how=tool_name(act))


def _may_be_tested_elsewhere(pipeline: AnyPipeline, project: Project) -> bool:
    """Whether tests may have run where this pipeline does not show them."""
    if isinstance(pipeline, gitlab_model.GitlabFile):
        return pipeline.includes
    triggers = set(pipeline.triggers)
    if triggers and triggers <= {
        "workflow_run",
        "workflow_call",
        "workflow_dispatch",
        "repository_dispatch",
        "deployment",
    }:
        return True
    others = (kinds for key, kinds in project.memoize(effects_by_pipeline).items() if key != id(pipeline))
    return any("test" in kinds for kinds in others)


def deploy_environment_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment in a job that names no environment."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment == "preview":
        yield NotApplicable()
        return
    if job.environment is not None:
        return
    included = isinstance(job, gitlab_model.Job) and "extends" in job.node and job.file.includes
    if included or isinstance(job.node.get("environment"), Map):
        return
    yield missing(job.id_span, how=tool_name(view.deployments[0]))


_FAMILIES_TO_WATCH = ("kubernetes", "helm", "ecs", "swarm")


def rollout_unwatched(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment whose rollout no later command waits for, so that the pipeline passes while pods crash."""
    view = neighbourhood_of_deploying_job(job, project)
    acts = [act for act in view.deployments if act.tool_family in _FAMILIES_TO_WATCH] if view is not None else []
    if view is None or not acts or view.stage.target_environment == "preview":
        yield NotApplicable()
        return
    last = acts[-1]
    same = any(a.kind == "rollout" and a.position_in_job >= acts[0].position_in_job for a in view.stage.actions)
    if same or any(stage.performs_any("rollout") for stage in view.stages_after) or view.is_done_later(last, "smoke", "test"):
        return
    if any(stage.calls_unreadable_code for stage in view.stages_after):
        yield Undecidable(last.span)
        return
    yield missing(last.span, resource=job.resource, how=tool_name(last))


def smoke_test_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production after which nothing asks whether it works."""
    view = neighbourhood_of_deploying_job(job, project)
    acts = [act for act in view.deployments if act.tool_family != "infra"] if view is not None else []
    if view is None or not acts or view.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    if view.is_done_later(acts[-1], "smoke", "test", "benchmark"):
        return
    if any(stage.calls_unreadable_code for stage in view.stages_after):
        yield Undecidable(acts[-1].span)
        return
    yield missing(acts[-1].span, resource=job.resource, how=tool_name(acts[-1]))


_FAMILIES_TO_ROLL_BACK = (
    "kubernetes",
    "helm",
    "ecs",
    "swarm",
    "compose",
    "ssh",
    "storage",
    "script",
)


def rollback_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production with no way back in the pipelines."""
    view = neighbourhood_of_deploying_job(job, project)
    acts = [act for act in view.deployments if act.tool_family in _FAMILIES_TO_ROLL_BACK] if view is not None else []
    if view is None or not acts or view.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    here = project.memoize(effects_by_pipeline)[id(view.pipeline)]
    if not here.isdisjoint(("rollback", "gradual")) or project.memoize(_has_rollback_pipeline):
        return
    if any(stage.calls_unreadable_code for stage in view.stages_after):
        yield Undecidable(acts[-1].span)
        return
    yield missing(acts[-1].span, resource=job.resource, how=tool_name(acts[-1]))


_ROLLBACK_NAME = re.compile(r"roll-?_?back|revert", re.IGNORECASE)


def _has_rollback_pipeline(project: Project) -> bool:
    """Whether a pipeline, or a job of one, is there for going back."""
    return any(
        _ROLLBACK_NAME.search(f"{pipeline.source.path} {pipeline.name}")
        or any(_ROLLBACK_NAME.search(job.name) for job in pipeline.jobs)
        for pipeline in all_pipelines(project)
    )


def staging_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production that goes through no staging."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment != "production" or all(a.tool_family == "infra" for a in view.deployments):
        yield NotApplicable()
        return
    first = view.deployments[0]
    here = any(stage.deploys and stage.target_environment == "staging" for stage in view.stages_before)
    if here or any(environment in first.text.lower() for environment in ("staging", "canary")):
        return
    if any(stage.calls_unreadable_code for stage in view.stages_before) or _stages_elsewhere(view.pipeline, project):
        yield Undecidable(first.span)
        return
    yield missing(first.span, resource=job.resource, how=tool_name(first))


def _stages_elsewhere(pipeline: AnyPipeline, project: Project) -> bool:
    if isinstance(pipeline, gitlab_model.GitlabFile) and pipeline.includes:
        return True
    return project.memoize(_deploys_to_staging)


def _deploys_to_staging(project: Project) -> bool:
    """Whether any pipeline deploys to staging."""
    return any(
        stage.deploys and stage.target_environment == "staging"
        for stages in project.memoize(all_stages).values()
        for stage in stages.values()
    )


_BRANCH_CONDITION = re.compile(
    r"github\.(?:event_name|ref|ref_name|base_ref|event\.(?:pull_request\.merged|ref|inputs|label))|inputs\.|vars\.|env\.",
    re.IGNORECASE,
)


def _is_for_tests(job: model.Job) -> bool:
    """Whether a job names no environment and calls itself tests: what it fills is more likely theirs than the users'."""
    return job.environment is None and bool(re.search(r"\b(?:e2e|tests?)\b", job.name.lower()))


def deploy_from_pull_request(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that a pull request starts, other than a preview of it."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment in ("preview", "staging"):
        return
    if isinstance(job, gitlab_model.Job):
        yield from _merge_request_deployment_hits(job, view)
        return
    triggers = job.workflow.triggers
    event = next((e for e in ("pull_request", "pull_request_target") if e in triggers), None)
    if event is None or _is_on_close(triggers[event]):
        return
    guarded = [job, *(stage.job for stage in view.stages_before)]
    if any(isinstance(other.node.get("if"), str) for other in guarded):
        return
    for act in view.deployments:
        step = next((s for s in job.steps if s.resource == act.resource), None)
        condition = step.node.get("if") if step is not None else None
        if not isinstance(condition, str) or not _BRANCH_CONDITION.search(condition):
            severity = Severity.MEDIUM if _is_for_tests(job) else Severity.HIGH
            yield hit(act.span, severity=severity, resource=job.resource, how=tool_name(act), event=event)
            return


def _is_on_close(trigger_settings: object) -> bool:
    types = trigger_settings.get("types") if isinstance(trigger_settings, Map) else None
    return types == "closed" or (isinstance(types, Seq) and set(types) <= {"closed", "labeled"})


def _merge_request_deployment_hits(job: gitlab_model.Job, view: JobNeighbourhood) -> CheckOutcome:
    only = job.inherited_value("only")
    names = only if isinstance(only, Seq) else only.get("refs", ()) if isinstance(only, Map) else ()
    rules = job.inherited_value("rules")
    active = [r for r in rules if isinstance(r, Map)] if isinstance(rules, Seq) else []
    conditions = [r.get("if") for r in active if r.get("when") not in ("never", "manual")]
    started = any(isinstance(c, str) and re.search(r"merge_request_event|\$CI_MERGE_REQUEST_IID\s*\Z", c) for c in conditions)
    if not job.manual and (started or "merge_requests" in (names or ())):
        yield hit(
            view.deployments[0].span,
            resource=job.resource,
            how=tool_name(view.deployments[0]),
            event="merge_request",
        )


def deploy_not_serialised(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that can run twice at a time."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment == "preview":
        return
    if isinstance(job, gitlab_model.Job):
        if "resource_group" in job.mapping_with_key("resource_group"):
            return
    elif job.workflow.callable_only or any("concurrency" in node for node in (job.node, job.workflow.node)):
        return
    yield missing(job.id_span, how=tool_name(view.deployments[0]))
