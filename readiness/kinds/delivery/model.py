"""Pipelines as delivery sees them: what each job does, what runs before and after it, and for which environment."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from readiness.facts.table import property_by_fact_name
from readiness.kinds.delivery import effects
from readiness.kinds.github import model
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.memo import cached_property
from readiness.model.records import dataclass
from readiness.syntax.glob import glob_matches
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq

AnyJob = model.Job | gitlab_model.Job
AnyPipeline = model.Workflow | gitlab_model.GitlabFile
Made = TypeVar("Made")
ActionResolver = Callable[[model.Step], model.Action | None]


@dataclass(frozen=True, slots=True)
class PipelineAction:
    """One deed at its place: the step, its order in the job, and how it is told."""

    kind: str
    tool_family: str
    span: Span
    source: Source
    resource: str
    position_in_job: tuple[int, int]
    text: str
    step_name: str
    is_guess: bool = False


@dataclass(frozen=True, eq=False)
class JobDelivery:
    """A job with its acts. `calls_unreadable_code`: it calls what cannot be read here. `after_failure`: it runs when others failed."""

    job: AnyJob
    actions: tuple[PipelineAction, ...]
    calls_unreadable_code: bool = False
    after_failure: bool = False

    @cached_property
    def action_kinds(self) -> frozenset[str]:
        """The kinds of its actions: test, scan, build, push, deploy and so on."""
        return frozenset(act.kind for act in self.actions)

    @cached_property
    def deploys(self) -> tuple[PipelineAction, ...]:
        """The acts that deploy; what only its name tells counts where the job says the same."""
        job_title = f"{self.job.name} {_job_title(self.job)}".lower()
        has_deployment_target = bool(self.job.environment) or (
            bool(_DEPLOYING_JOB_NAME.search(job_title)) and not effects.is_non_delivery_name(job_title)
        )
        is_website_job = bool(_WEBSITE_JOB_NAME.search(f"{self.job.name} {_job_title(self.job)} {self.job.environment or ''}".lower()))
        return tuple(act for act in self.actions if act.kind == "deploy" and not is_website_job and (has_deployment_target or not act.is_guess))

    def performs_any(self, *kinds: str) -> bool:
        """Whether it does one of some things."""
        return not self.action_kinds.isdisjoint(kinds)

    @cached_property
    def target_environment(self) -> str:
        """Where it deploys to: production, staging, preview, or nothing that it says."""
        environment_texts = [self.job.environment or "", self.job.name, _job_title(self.job)]
        environment_texts += [f"{act.text} {act.step_name}" for act in self.deploys]
        named_environment_kind = next((found for found in map(environment_kind, environment_texts) if found), "")
        if named_environment_kind != "production" and _is_started_only_by_pull_requests(self.job):
            return "preview"
        return _environment_by_branch(self.job, named_environment_kind) if named_environment_kind in {"", "production"} else named_environment_kind


_DEPLOYING_JOB_NAME = lazy_regex(r"deploy|release|rollout|ship|production|staging|promote|(?:^|[^a-z])prod(?:[^a-z]|\Z)")
_WEBSITE_JOB_NAME = lazy_regex(r"(?:^|[^a-z])(?:docs?|documentation|pages|github-pages|website|storybook|gh-pages)(?:[^a-z]|\Z)")


@functools.cache
def _environment_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each sort of environment with a pattern of its words, those first whose names hold words of later ones."""
    kind_by_word = property_by_fact_name("purpose-words", "deploys")
    words_by_kind = {kind: [word for word, of in kind_by_word.items() if of == kind] for kind in kind_by_word.values()}
    return tuple(
        (kind, re.compile(rf"(?:^|[^a-z])(?:{'|'.join(map(re.escape, words_by_kind[kind]))})(?:[^a-z]|\Z)"))
        for kind in ("preview", "staging", "production")
    )


_PULL_REQUEST_EVENTS = frozenset({"pull_request", "pull_request_target"})


def _is_started_only_by_pull_requests(job: AnyJob) -> bool:
    """Whether pull requests alone start a job: what it deploys then is a preview of one."""
    return isinstance(job, model.Job) and bool(job.workflow.triggers) and (job.workflow.triggers.keys() <= _PULL_REQUEST_EVENTS)


_GITLAB_BRANCH_CONDITION = lazy_regex(r"\$CI_(?:COMMIT_BRANCH|COMMIT_REF_NAME)\s*==\s*[\"']([^\"'\n]{1,200})[\"']")

_GITHUB_BRANCH_CONDITION = lazy_regex(r"github\.ref\s*==\s*'refs/heads/([^'\n]{1,200})'|github\.ref_name\s*==\s*'([^'\n]{1,200})'")


def _environment_by_branch(job: AnyJob, named_environment_kind: str) -> str:
    """Where a job deploys to by its branches, where the settings say which deliver to production; else what is named."""
    pipeline_file = job.workflow if isinstance(job, model.Job) else job.file
    production_branch_patterns = pipeline_file.cached_results.get("production_branches", ())
    job_branches = _branches_that_start_job(job) if production_branch_patterns else []
    if not job_branches:
        return named_environment_kind
    has_production_branch = any(
        glob_matches(pattern, one) or glob_matches(one, pattern) for pattern in production_branch_patterns for one in job_branches
    )
    if has_production_branch:
        return "production"
    return named_environment_kind if isinstance(job, model.Job) and _has_triggers_besides_branch_pushes(job) else "staging"


def _has_triggers_besides_branch_pushes(job: model.Job) -> bool:
    """Whether more than pushes to branches start a job's workflow: a tag or a person may mean production."""
    workflow = job.workflow
    return "tags" in workflow.trigger_settings("push") or bool(workflow.triggers.keys() - {"push"})


def _branches_that_start_job(job: AnyJob) -> list[str]:
    """The branches that start a job, as it writes them; none where it does not say."""
    if isinstance(job, model.Job):
        if_condition = job.node.get("if")
        branches = _GITHUB_BRANCH_CONDITION.findall(if_condition[:2000]) if isinstance(if_condition, str) else []
        if branches:
            return [one or other for one, other in branches]
        push_branches = job.workflow.trigger_settings("push").get("branches")
        return [push_branches] if isinstance(push_branches, str) else _strings_in_list(push_branches)
    only_value = job.inherited_value("only")
    only_refs = only_value.get("refs") if isinstance(only_value, Map) else only_value
    branches = [only_refs] if isinstance(only_refs, str) else _strings_in_list(only_refs)
    rules_value = job.inherited_value("rules")
    for rule in rules_value if isinstance(rules_value, Seq) else ():
        if_condition = rule.get("if") if isinstance(rule, Map) else None
        branches += _GITLAB_BRANCH_CONDITION.findall(if_condition[:2000]) if isinstance(if_condition, str) else []
    return branches


def _strings_in_list(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, Seq) else []


def environment_kind(name_or_command: str) -> str:
    """What sort of environment a name or a command speaks of."""
    lowercase_name = name_or_command.lower()[:2000]
    return next((kind for kind, pattern in _environment_patterns() if pattern.search(lowercase_name)), "")


def _job_title(job: AnyJob) -> str:
    job_name_value = job.node.get("name") if isinstance(job, model.Job) else ""
    return job_name_value if isinstance(job_name_value, str) else ""


def script_actions(script_text: LocatedText, resource: str, step_number: int, step_name: str) -> Iterator[PipelineAction]:
    """The actions that a step's script performs; `step_number` is the step's place in the job."""
    for script_effect in effects.script_effects(script_text.value):
        line_span = script_text.span_of_line(script_effect.start) if script_effect.end > script_effect.start else script_text.span
        yield PipelineAction(
            script_effect.kind,
            script_effect.tool_family,
            line_span,
            script_text.source,
            resource,
            (step_number, script_effect.start),
            script_effect.text,
            step_name,
            script_effect.is_guess,
        )


def _step_actions(step: model.Step, step_number: int, resolve_action: ActionResolver, depth: int = 0) -> Iterator[PipelineAction]:
    if step.dead:
        return
    step_name = step.name
    run_script = step.run_script
    if run_script is not None:
        yield from script_actions(run_script, step.resource, step_number, step_name)
    parsed_uses = step.parsed_uses
    if parsed_uses is None:
        return
    action_place = (
        step.node.at("uses"),
        step.source,
        step.resource,
        (step_number, 0),
        _uses_and_inputs_text(step),
        step_name,
    )
    for action_effect in effects.action_effects(parsed_uses.lowercase_name, step.with_inputs):
        yield PipelineAction(action_effect.kind, action_effect.tool_family, *action_place, action_effect.is_guess)
    local_action = resolve_action(step) if parsed_uses.reference_kind == "local" and depth < 3 else None
    for inner_step in local_action.steps if local_action is not None else ():
        for inner_action in _step_actions(inner_step, step_number, resolve_action, depth + 1):
            yield replace(
                inner_action,
                span=action_place[0],
                source=action_place[1],
                resource=action_place[2],
                position_in_job=(step_number, 0),
            )


def _uses_and_inputs_text(step: model.Step) -> str:
    """What a step's inputs say, for the names of environments and tags in them."""
    input_texts = (f"{key}={value}" for key, value in step.with_inputs.items() if isinstance(value, str | int | bool))
    return f"{step.node.get('uses')} {' '.join(input_texts)}"[:2000]


def delivery_of_job(job: AnyJob, resolve_action: ActionResolver) -> JobDelivery:
    """The delivery stage of a job: its actions, those of called actions and workflows, and whether any is unreadable."""
    if isinstance(job, gitlab_model.Job):
        job_actions = [act for step_number, text in enumerate(job.script_texts) for act in script_actions(text, job.resource, step_number, job.name)]
        calls_unreadable_code = "trigger" in job.node or not any(True for _ in job.script_texts)
        return JobDelivery(
            job,
            _mark_test_cluster_deployments(job_actions),
            calls_unreadable_code,
            job.inherited_value("when") == "on_failure",
        )
    if job.dead:
        return JobDelivery(job, ())
    job_actions = []
    for step_number, job_step in enumerate(job.steps):
        actions_of_step = list(_step_actions(job_step, step_number, resolve_action))
        job_actions += actions_of_step
        if _ROLLBACK_NAME.search(job_step.name.lower()) and not any(act.kind == "rollback" for act in actions_of_step):
            job_actions.append(_action_from_step_name("rollback", job_step, step_number))
        if _SMOKE_TEST_NAME.search(job_step.name.lower()) and not any(act.kind in ("smoke", "test") for act in actions_of_step):
            job_actions.append(_action_from_step_name("smoke", job_step, step_number))
    if _runs_on_hosted_runner_only(job):
        job_actions = [a for a in job_actions if a.tool_family != "compose" or not a.text.startswith("docker")]
    if_condition = job.node.get("if")
    return JobDelivery(
        job,
        _mark_test_cluster_deployments(job_actions),
        job.calls,
        isinstance(if_condition, str) and "failure()" in if_condition,
    )


_GITHUB_HOSTED_LABEL = lazy_regex(r"(?:ubuntu|windows|macos)-[\w.-]+\Z")
_REMOTE_DOCKER_HOST = lazy_regex(r"DOCKER_HOST|docker context|docker-context|--context\b|ssh://|tcp://")


def _runs_on_hosted_runner_only(job: model.Job) -> bool:
    """Whether its containers live on a machine of GitHub's, which goes when the job ends."""
    if not job.runs_on or not all(_GITHUB_HOSTED_LABEL.match(label) for label in job.runs_on):
        return False
    job_start, job_end = job.node.at()
    return not _REMOTE_DOCKER_HOST.search(job.source.text, job_start, job_end)


_ROLLBACK_NAME = lazy_regex(r"roll-? ?back|revert|undo")
_SMOKE_TEST_NAME = lazy_regex(r"smoke|health|verify|sanity|e2e|end-to-end|acceptance")


def _action_from_step_name(action_kind: str, step: model.Step, step_number: int) -> PipelineAction:
    return PipelineAction(action_kind, "name", step.node.at(), step.source, step.resource, (step_number, 0), "", step.name)


def _mark_test_cluster_deployments(actions: list[PipelineAction]) -> tuple[PipelineAction, ...]:
    """In a job with a cluster of its own, what is deployed is only tried."""
    if any(act.kind == "cluster" for act in actions):
        actions = [replace(act, kind="test", tool_family="") if act.kind == "deploy" else act for act in actions]
    return tuple(actions)


def merged_jobs(pipeline: AnyPipeline) -> Iterable[AnyJob]:
    """The jobs of a pipeline; of a file of GitLab those of all that it is merged with."""
    return pipeline.all_jobs.values() if isinstance(pipeline, gitlab_model.GitlabFile) else pipeline.jobs


def results_by_pipeline_id(pipelines: Iterable[AnyPipeline], make_result: Callable[[AnyPipeline], Made]) -> dict[int, Made]:
    """What is made of every pipeline, by its identity; files that GitLab merges share it."""
    result_by_id: dict[int, Made] = {}
    for pipeline in pipelines:
        merged_head = pipeline.merged_files[0] if isinstance(pipeline, gitlab_model.GitlabFile) else pipeline
        if id(merged_head) not in result_by_id:
            result_by_id[id(merged_head)] = make_result(merged_head)
        result_by_id[id(pipeline)] = result_by_id[id(merged_head)]
    return result_by_id


MAX_ORDERED_JOBS = 300  # of a pipeline of which it is worked out which job waits for which: each may wait for all others


def finished_names_by_job_name(pipeline: AnyPipeline) -> dict[str, frozenset[str]]:
    """For each job the names of all jobs that have finished before it starts; empty for a pipeline of over MAX_ORDERED_JOBS."""
    all_jobs = list(merged_jobs(pipeline))
    if len(all_jobs) > MAX_ORDERED_JOBS:
        return {}
    name_by_lowercase_name = {job.name.lower(): job.name for job in all_jobs}
    direct_needs_by_name = {job.name: set(_names_of_direct_needs(job, name_by_lowercase_name)) for job in all_jobs}
    finished_names_by_name: dict[str, frozenset[str]] = {}
    for job_name, direct_need_names in direct_needs_by_name.items():
        reached_names: set[str] = set()
        pending_names = list(direct_need_names)
        while pending_names:
            needed_name = pending_names.pop()
            if needed_name in direct_needs_by_name and needed_name not in reached_names and needed_name != job_name:
                reached_names.add(needed_name)
                pending_names.extend(direct_needs_by_name[needed_name])
        finished_names_by_name[job_name] = frozenset(reached_names)
    return finished_names_by_name


def _names_of_direct_needs(job: AnyJob, name_by_lowercase_name: Mapping[str, str]) -> Iterable[str]:
    if isinstance(job, model.Job):
        return [name_by_lowercase_name[need.lower()] for need in job.needs if need.lower() in name_by_lowercase_name]
    if job.needs is not None:
        return job.needs
    stage_names = job.file.stages
    position_by_stage = {stage: number for number, stage in enumerate(stage_names)}
    job_stage_position = position_by_stage.get(job.stage, 0)
    all_jobs = job.file.all_jobs.values()
    return [other.name for other in all_jobs if position_by_stage.get(other.stage, 0) < job_stage_position]


def resolve_to_no_action(step: model.Step) -> None:
    """Where no project is at hand, local actions stay closed."""
    del step


def pushes_or_deploys(pipeline: AnyPipeline) -> bool:
    """Whether a pipeline pushes an image or deploys."""
    if "delivers" not in pipeline.cached_results:
        job_deliveries = [delivery_of_job(job, resolve_to_no_action) for job in pipeline.jobs]
        pipeline.cached_results["delivers"] = any(stage.deploys or stage.performs_any("push") for stage in job_deliveries)
    return bool(pipeline.cached_results["delivers"])
