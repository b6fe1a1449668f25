"""What stands around a deployment: tests before it, its environment, and what is watched and undone after it."""

from __future__ import annotations

import re

from readiness.kinds.delivery.model import (
    MAX_ORDERED_JOBS,
    AnyJob,
    AnyPipeline,
    JobDelivery,
    PipelineAction,
    delivery_of_job,
    finished_names_by_job_name,
    merged_jobs,
    pushes_or_deploys,
    results_by_pipeline_id,
)
from readiness.kinds.github import model
from readiness.kinds.github.actions import local_action_of_step
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import CheckOutcome, NotApplicable, Severity, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
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
    pipelines: list[AnyPipeline] = [d for d in project.documents_of_kind("github") if isinstance(d, model.Workflow)]
    pipelines += project.documents_of_kind("gitlab")
    return sorted(pipelines, key=lambda pipeline: pipeline.source.path)


def job_stages_by_pipeline(project: Project) -> dict[int, dict[str, JobDelivery]]:
    """The stages of every pipeline, by the pipeline's identity."""

    def resolve_local_action(step: model.Step) -> model.Action | None:
        return local_action_of_step(step, project)

    return results_by_pipeline_id(
        all_pipelines(project), lambda one: {job.name: delivery_of_job(job, resolve_local_action) for job in merged_jobs(one)}
    )


def first_delivering_pipeline(project: Project) -> AnyPipeline | None:
    """The first pipeline that delivers, where what all of them lack is told."""
    return next((one for one in all_pipelines(project) if pushes_or_deploys(one)), None)


def is_every_pipeline_untested(project: Project) -> bool:
    """Whether no pipeline tests at all: ci/tests-missing tells it once, at the first that delivers."""
    delivering_pipeline = project.memoize(first_delivering_pipeline)
    if delivering_pipeline is None or (isinstance(delivering_pipeline, gitlab_model.GitlabFile) and delivering_pipeline.includes):
        return False
    all_job_deliveries = [stage for known in project.memoize(job_stages_by_pipeline).values() for stage in known.values()]
    return not any(stage.calls_unreadable_code or stage.performs_any("test") for stage in all_job_deliveries)


def jobs_finished_before_by_pipeline(project: Project) -> dict[int, dict[str, frozenset[str]]]:
    """What has finished before each job, by the pipeline's identity."""
    return results_by_pipeline_id(all_pipelines(project), finished_names_by_job_name)


def waiting_jobs_by_pipeline(project: Project) -> dict[int, dict[str, list[str]]]:
    """The jobs that wait for each job, by the pipeline's identity."""
    waiting_jobs_by_pipeline_id: dict[int, dict[str, list[str]]] = {}
    for pipeline_id, earlier_jobs_by_job in project.memoize(jobs_finished_before_by_pipeline).items():
        waiting_jobs_by_job: dict[str, list[str]] = {job_name: [] for job_name in earlier_jobs_by_job}
        for job_name, earlier_job_names in earlier_jobs_by_job.items():
            for earlier_job_name in earlier_job_names:
                waiting_jobs_by_job[earlier_job_name].append(job_name)
        waiting_jobs_by_pipeline_id[pipeline_id] = waiting_jobs_by_job
    return waiting_jobs_by_pipeline_id


def action_kinds_by_pipeline(project: Project) -> dict[int, frozenset[str]]:
    """What each pipeline does, by its identity."""
    stages_by_job_by_pipeline = project.memoize(job_stages_by_pipeline)
    return {key: frozenset().union(*(stage.action_kinds for stage in stages.values())) for key, stages in stages_by_job_by_pipeline.items()}


def _pipeline_of_job(job: AnyJob) -> AnyPipeline:
    return job.workflow if isinstance(job, model.Job) else job.file


class JobNeighbourhood:
    """One job in its pipeline: its stage, those before it and those after it."""

    def __init__(self, job: AnyJob, project: Project) -> None:
        self.job = job
        self.project = project
        self.pipeline = _pipeline_of_job(job)
        self.stages = project.memoize(job_stages_by_pipeline)[id(self.pipeline)]
        self.stage = self.stages[job.name]
        self.is_order_known = len(self.stages) <= MAX_ORDERED_JOBS  # where it is not, what is before and behind a job may not be asked
        if not self.is_order_known and self.stage.performs_any("deploy", "push"):
            self.pipeline.source.root.unread_part = f"which of its more than {MAX_ORDERED_JOBS} jobs waits for which was not worked out"

    @cached_property
    def stages_before(self) -> list[JobDelivery]:
        """The stages that have finished before the job starts."""
        earlier_job_names = self.project.memoize(jobs_finished_before_by_pipeline)[id(self.pipeline)][self.job.name]
        return [self.stages[name] for name in sorted(earlier_job_names)]

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

    @cached_property
    def _last_position_by_kind(self) -> dict[str, tuple[int, int]]:
        """Where in the job a thing of each kind is done last: every deployment of it asks."""
        return {one.kind: one.position_in_job for one in sorted(self.stage.actions, key=lambda each: each.position_in_job)}

    @cached_property
    def _first_position_by_kind(self) -> dict[str, tuple[int, int]]:
        """Where in the job a thing of each kind is done first."""
        return {one.kind: one.position_in_job for one in sorted(self.stage.actions, key=lambda each: each.position_in_job, reverse=True)}

    def is_done_later(self, act: PipelineAction, *kinds: str) -> bool:
        """Whether one of some things is done after an act, in the job or behind it."""
        is_done_in_same_job = any(self._last_position_by_kind.get(kind, (-1, -1)) > act.position_in_job for kind in kinds)
        return is_done_in_same_job or not self.kinds_done_after.isdisjoint(kinds)

    def is_done_earlier(self, act: PipelineAction, *kinds: str) -> bool:
        """Whether one of some things is done before an act, in the job or in those that it waits for."""
        is_done_in_same_job = any(self._first_position_by_kind.get(kind, act.position_in_job) < act.position_in_job for kind in kinds)
        return is_done_in_same_job or not self.kinds_done_before.isdisjoint(kinds)


def neighbourhood_of_deploying_job(job: AnyJob, project: Project) -> JobNeighbourhood | None:
    """The view of a job that deploys; None for every other, for one that only runs when others failed, and where the order of jobs is not known."""
    neighbourhood = project.memoize_for_subject(JobNeighbourhood, job)
    is_deploying = bool(neighbourhood.deployments) and not neighbourhood.stage.after_failure
    return neighbourhood if is_deploying and neighbourhood.is_order_known else None


def deployment_tool_name(act: PipelineAction) -> str:
    """What an act deploys with, in words."""
    return _TOOL_NAME_BY_FAMILY.get(act.tool_family, "a command")


def deploy_untested(job: AnyJob, *, kind: str, project: Project) -> CheckOutcome:
    """A deployment (or a push of an image) with no test before it, in a project whose pipelines do test."""
    neighbourhood = project.memoize_for_subject(JobNeighbourhood, job)
    application_deployments = [first_action for first_action in neighbourhood.deployments if first_action.tool_family != "infra"]
    image_pushes = [first_action for first_action in neighbourhood.stage.actions if first_action.kind == "push"]
    judged_actions = application_deployments if kind == "deploy" else [] if application_deployments else image_pushes
    if not judged_actions or neighbourhood.stage.after_failure or project.memoize(is_every_pipeline_untested):
        yield NotApplicable()
        return
    first_action = judged_actions[0]
    if not neighbourhood.is_order_known:
        yield Undecidable(first_action.span)
        return
    if neighbourhood.is_done_earlier(first_action, "test", "smoke" if kind == "deploy" else "test"):
        return
    if any(stage.calls_unreadable_code for stage in neighbourhood.stages_before) or _may_tests_run_in_other_pipeline(neighbourhood.pipeline, project):
        yield Undecidable(first_action.span)
        return
    yield missing(first_action.span, resource=job.resource, how=deployment_tool_name(first_action))


def _may_tests_run_in_other_pipeline(pipeline: AnyPipeline, project: Project) -> bool:
    """Whether tests may have run where this pipeline does not show them."""
    if isinstance(pipeline, gitlab_model.GitlabFile):
        return pipeline.includes
    event_names = set(pipeline.triggers)
    if event_names and event_names <= {"workflow_run", "workflow_call", "workflow_dispatch", "repository_dispatch", "deployment"}:
        return True
    other_pipelines_action_kinds = (kinds for key, kinds in project.memoize(action_kinds_by_pipeline).items() if key != id(pipeline))
    return any("test" in kinds for kinds in other_pipelines_action_kinds)


def deploy_environment_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment in a job that names no environment."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None or neighbourhood.stage.target_environment == "preview":
        yield NotApplicable()
        return
    if job.environment is not None:
        return
    may_inherit_environment = isinstance(job, gitlab_model.Job) and "extends" in job.node and job.file.includes
    if may_inherit_environment or isinstance(job.node.get("environment"), Map):
        return
    yield missing(job.id_span, how=deployment_tool_name(neighbourhood.deployments[0]))


_TOOL_FAMILIES_WITH_ROLLOUT = ("kubernetes", "helm", "ecs", "swarm")


def rollout_unwatched(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment whose rollout no later command waits for, so that the pipeline passes while pods crash."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    rollout_deployments = (
        [act for act in neighbourhood.deployments if act.tool_family in _TOOL_FAMILIES_WITH_ROLLOUT] if neighbourhood is not None else []
    )
    if neighbourhood is None or not rollout_deployments or neighbourhood.stage.target_environment == "preview":
        yield NotApplicable()
        return
    last_deployment = rollout_deployments[-1]
    is_watched_in_same_job = any(
        a.kind == "rollout" and a.position_in_job >= rollout_deployments[0].position_in_job for a in neighbourhood.stage.actions
    )
    if (
        is_watched_in_same_job
        or any(stage.performs_any("rollout") for stage in neighbourhood.stages_after)
        or neighbourhood.is_done_later(last_deployment, "smoke", "test")
    ):
        return
    if any(stage.calls_unreadable_code for stage in neighbourhood.stages_after):
        yield Undecidable(last_deployment.span)
        return
    yield missing(last_deployment.span, resource=job.resource, how=deployment_tool_name(last_deployment))


def smoke_test_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production after which nothing asks whether it works."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    application_deployments = [act for act in neighbourhood.deployments if act.tool_family != "infra"] if neighbourhood is not None else []
    if neighbourhood is None or not application_deployments or neighbourhood.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    if neighbourhood.is_done_later(application_deployments[-1], "smoke", "test", "benchmark"):
        return
    if any(stage.calls_unreadable_code for stage in neighbourhood.stages_after):
        yield Undecidable(application_deployments[-1].span)
        return
    yield missing(application_deployments[-1].span, resource=job.resource, how=deployment_tool_name(application_deployments[-1]))


_TOOL_FAMILIES_WITH_ROLLBACK = ("kubernetes", "helm", "ecs", "swarm", "compose", "ssh", "storage", "script")


def rollback_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production with no way back in the pipelines."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    revertible_deployments = (
        [act for act in neighbourhood.deployments if act.tool_family in _TOOL_FAMILIES_WITH_ROLLBACK] if neighbourhood is not None else []
    )
    if neighbourhood is None or not revertible_deployments or neighbourhood.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    pipeline_action_kinds = project.memoize(action_kinds_by_pipeline)[id(neighbourhood.pipeline)]
    if not pipeline_action_kinds.isdisjoint(("rollback", "gradual")) or project.memoize(_has_rollback_pipeline_or_job):
        return
    if any(stage.calls_unreadable_code for stage in neighbourhood.stages_after):
        yield Undecidable(revertible_deployments[-1].span)
        return
    yield missing(revertible_deployments[-1].span, resource=job.resource, how=deployment_tool_name(revertible_deployments[-1]))


_ROLLBACK_NAME_PATTERN = lazy_regex(r"roll-?_?back|revert", re.IGNORECASE)


def _has_rollback_pipeline_or_job(project: Project) -> bool:
    """Whether a pipeline, or a job of one, is there for going back."""
    return any(
        _ROLLBACK_NAME_PATTERN.search(f"{pipeline.source.path} {pipeline.name}")
        or any(_ROLLBACK_NAME_PATTERN.search(job.name) for job in pipeline.jobs)
        for pipeline in all_pipelines(project)
    )


def staging_missing(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment to production that goes through no staging."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if (
        neighbourhood is None
        or neighbourhood.stage.target_environment != "production"
        or all(a.tool_family == "infra" for a in neighbourhood.deployments)
    ):
        yield NotApplicable()
        return
    first_deployment = neighbourhood.deployments[0]
    is_staged_in_same_pipeline = any(stage.deploys and stage.target_environment == "staging" for stage in neighbourhood.stages_before)
    if is_staged_in_same_pipeline or any(environment in first_deployment.text.lower() for environment in ("staging", "canary")):
        return
    if any(stage.calls_unreadable_code for stage in neighbourhood.stages_before) or _may_deploy_to_staging_elsewhere(neighbourhood.pipeline, project):
        yield Undecidable(first_deployment.span)
        return
    yield missing(first_deployment.span, resource=job.resource, how=deployment_tool_name(first_deployment))


def _may_deploy_to_staging_elsewhere(pipeline: AnyPipeline, project: Project) -> bool:
    if isinstance(pipeline, gitlab_model.GitlabFile) and pipeline.includes:
        return True
    return project.memoize(_has_staging_deployment)


def _has_staging_deployment(project: Project) -> bool:
    """Whether any pipeline deploys to staging."""
    return any(
        stage.deploys and stage.target_environment == "staging"
        for stages in project.memoize(job_stages_by_pipeline).values()
        for stage in stages.values()
    )


_EVENT_OR_BRANCH_CONDITION = lazy_regex(
    r"github\.(?:event_name|ref|ref_name|base_ref|event\.(?:pull_request\.merged|ref|inputs|label))|inputs\.|vars\.|env\.", re.IGNORECASE
)


def _is_test_job(job: model.Job) -> bool:
    """Whether a job names no environment and calls itself tests: what it fills is more likely theirs than the users'."""
    return job.environment is None and bool(re.search(r"\b(?:e2e|tests?)\b", job.name.lower()))


def deploy_from_pull_request(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that a pull request starts, other than a preview of it."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None or neighbourhood.stage.target_environment in ("preview", "staging"):
        return
    if isinstance(job, gitlab_model.Job):
        yield from _merge_request_deployment_hits(job, neighbourhood)
        return
    triggers = job.workflow.triggers
    pull_request_event = next((e for e in ("pull_request", "pull_request_target") if e in triggers), None)
    if pull_request_event is None or _is_limited_to_closed_pull_requests(triggers[pull_request_event]):
        return
    job_and_earlier_jobs = [job, *(stage.job for stage in neighbourhood.stages_before)]
    if any(isinstance(other.node.get("if"), str) for other in job_and_earlier_jobs):
        return
    for deployment in neighbourhood.deployments:
        deploying_step = next((s for s in job.steps if s.resource == deployment.resource), None)
        step_condition = deploying_step.node.get("if") if deploying_step is not None else None
        if not isinstance(step_condition, str) or not _EVENT_OR_BRANCH_CONDITION.search(step_condition):
            severity = Severity.MEDIUM if _is_test_job(job) else Severity.HIGH
            yield hit(deployment.span, severity=severity, resource=job.resource, how=deployment_tool_name(deployment), event=pull_request_event)
            return


def _is_limited_to_closed_pull_requests(trigger_settings: object) -> bool:
    activity_types = trigger_settings.get("types") if isinstance(trigger_settings, Map) else None
    return activity_types == "closed" or (isinstance(activity_types, Seq) and set(activity_types) <= {"closed", "labeled"})


def _merge_request_deployment_hits(job: gitlab_model.Job, neighbourhood: JobNeighbourhood) -> CheckOutcome:
    only_setting = job.inherited_value("only")
    only_refs = only_setting if isinstance(only_setting, Seq) else only_setting.get("refs", ()) if isinstance(only_setting, Map) else ()
    job_rules = job.inherited_value("rules")
    rule_mappings = [r for r in job_rules if isinstance(r, Map)] if isinstance(job_rules, Seq) else []
    automatic_rule_conditions = [r.get("if") for r in rule_mappings if r.get("when") not in ("never", "manual")]
    is_started_by_merge_request = any(
        isinstance(c, str) and re.search(r"merge_request_event|\$CI_MERGE_REQUEST_IID\s*\Z", c) for c in automatic_rule_conditions
    )
    if not job.manual and (is_started_by_merge_request or "merge_requests" in (only_refs or ())):
        yield hit(
            neighbourhood.deployments[0].span, resource=job.resource, how=deployment_tool_name(neighbourhood.deployments[0]), event="merge_request"
        )


def deploy_not_serialised(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that can run twice at a time."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None or neighbourhood.stage.target_environment == "preview":
        return
    if isinstance(job, gitlab_model.Job):
        if "resource_group" in job.mapping_with_key("resource_group"):
            return
    elif job.workflow.callable_only or any("concurrency" in node for node in (job.node, job.workflow.node)):
        return
    yield missing(job.id_span, how=deployment_tool_name(neighbourhood.deployments[0]))
