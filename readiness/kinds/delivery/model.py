"""Pipelines as delivery sees them: what each job does, what runs before and after it, and for which environment."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from readiness.facts.table import fact_column
from readiness.kinds.delivery import effects
from readiness.kinds.github import model
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import Source, Span
from readiness.model.memo import cached_property
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
        title = f"{self.job.name} {_job_title(self.job)}".lower()
        has_target = bool(self.job.environment) or (
            bool(_DEPLOYING_NAME.search(title)) and not effects.is_non_delivery_name(title)
        )
        site = bool(_WEBSITE_NAME.search(f"{self.job.name} {_job_title(self.job)} {self.job.environment or ''}".lower()))
        return tuple(act for act in self.actions if act.kind == "deploy" and not site and (has_target or not act.is_guess))

    def performs_any(self, *kinds: str) -> bool:
        """Whether it does one of some things."""
        return not self.action_kinds.isdisjoint(kinds)

    @cached_property
    def target_environment(self) -> str:
        """Where it deploys to: production, staging, preview, or nothing that it says."""
        where = [self.job.environment or "", self.job.name, _job_title(self.job)]
        where += [f"{act.text} {act.step_name}" for act in self.deploys]
        named = next((found for found in map(environment_kind, where) if found), "")
        if named != "production" and _is_of_pull_requests(self.job):
            return "preview"
        return _target_by_branch(self.job, named) if named in {"", "production"} else named


_DEPLOYING_NAME = re.compile(r"deploy|release|rollout|ship|production|staging|promote|(?:^|[^a-z])prod(?:[^a-z]|\Z)")
_WEBSITE_NAME = re.compile(r"(?:^|[^a-z])(?:docs?|documentation|pages|github-pages|website|storybook|gh-pages)(?:[^a-z]|\Z)")


@functools.cache
def _environment_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each sort of environment with a pattern of its words, those first whose names hold words of later ones."""
    told = fact_column("purpose-words", "deploys")
    words = {kind: [word for word, of in told.items() if of == kind] for kind in told.values()}
    return tuple(
        (kind, re.compile(rf"(?:^|[^a-z])(?:{'|'.join(map(re.escape, words[kind]))})(?:[^a-z]|\Z)"))
        for kind in ("preview", "staging", "production")
    )


_PULL_REQUEST = frozenset({"pull_request", "pull_request_target"})


def _is_of_pull_requests(job: AnyJob) -> bool:
    """Whether pull requests alone start a job: what it deploys then is a preview of one."""
    return isinstance(job, model.Job) and bool(job.workflow.triggers) and (job.workflow.triggers.keys() <= _PULL_REQUEST)


_BRANCH_OF_GITLAB = re.compile(r"\$CI_(?:COMMIT_BRANCH|COMMIT_REF_NAME)\s*==\s*[\"']([^\"'\n]{1,200})[\"']")

_BRANCH_OF_GITHUB = re.compile(r"github\.ref\s*==\s*'refs/heads/([^'\n]{1,200})'|github\.ref_name\s*==\s*'([^'\n]{1,200})'")


def _target_by_branch(job: AnyJob, named: str) -> str:
    """Where a job deploys to by its branches, where the settings say which deliver to production; else what is named."""
    file = job.workflow if isinstance(job, model.Job) else job.file
    wanted = file.cached_results.get("production_branches", ())
    branches = _branches_of(job) if wanted else []
    if not branches:
        return named
    ours = any(glob_matches(pattern, one) or glob_matches(one, pattern) for pattern in wanted for one in branches)
    if ours:
        return "production"
    return named if isinstance(job, model.Job) and _is_started_otherwise(job) else "staging"


def _is_started_otherwise(job: model.Job) -> bool:
    """Whether more than pushes to branches start a job's workflow: a tag or a person may mean production."""
    workflow = job.workflow
    return "tags" in workflow.trigger_settings("push") or bool(workflow.triggers.keys() - {"push"})


def _branches_of(job: AnyJob) -> list[str]:
    """The branches that start a job, as it writes them; none where it does not say."""
    if isinstance(job, model.Job):
        condition = job.node.get("if")
        found = _BRANCH_OF_GITHUB.findall(condition[:2000]) if isinstance(condition, str) else []
        if found:
            return [one or other for one, other in found]
        listed = job.workflow.trigger_settings("push").get("branches")
        return [listed] if isinstance(listed, str) else _texts(listed)
    only = job.inherited_value("only")
    refs = only.get("refs") if isinstance(only, Map) else only
    found = [refs] if isinstance(refs, str) else _texts(refs)
    rules = job.inherited_value("rules")
    for rule in rules if isinstance(rules, Seq) else ():
        condition = rule.get("if") if isinstance(rule, Map) else None
        found += _BRANCH_OF_GITLAB.findall(condition[:2000]) if isinstance(condition, str) else []
    return found


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, Seq) else []


def environment_kind(name: str) -> str:
    """What sort of environment a name or a command speaks of."""
    low = name.lower()[:2000]
    return next((kind for kind, pattern in _environment_patterns() if pattern.search(low)), "")


def _job_title(job: AnyJob) -> str:
    title = job.node.get("name") if isinstance(job, model.Job) else ""
    return title if isinstance(title, str) else ""


def script_actions(text: LocatedText, resource: str, step_number: int, step: str) -> Iterator[PipelineAction]:
    """The actions that a step's script performs; `step_number` is the step's place in the job."""
    for deed in effects.script_effects(text.value):
        span = text.span_of_line(deed.start) if deed.end > deed.start else text.span
        yield PipelineAction(
            deed.kind,
            deed.tool_family,
            span,
            text.source,
            resource,
            (step_number, deed.start),
            deed.text,
            step,
            deed.is_guess,
        )


def _step_actions(step: model.Step, step_number: int, resolve: ActionResolver, depth: int = 0) -> Iterator[PipelineAction]:
    if step.dead:
        return
    name = step.name
    run = step.run_script
    if run is not None:
        yield from script_actions(run, step.resource, step_number, name)
    used = step.parsed_uses
    if used is None:
        return
    place = (
        step.node.at("uses"),
        step.source,
        step.resource,
        (step_number, 0),
        _input_values(step),
        name,
    )
    for deed in effects.action_effects(used.lowercase_name, step.with_inputs):
        yield PipelineAction(deed.kind, deed.tool_family, *place, deed.is_guess)
    action = resolve(step) if used.reference_kind == "local" and depth < 3 else None
    for inner in action.steps if action is not None else ():
        for act in _step_actions(inner, step_number, resolve, depth + 1):
            yield replace(
                act,
                span=place[0],
                source=place[1],
                resource=place[2],
                position_in_job=(step_number, 0),
            )


def _input_values(step: model.Step) -> str:
    """What a step's inputs say, for the names of environments and tags in them."""
    pairs = (f"{key}={value}" for key, value in step.with_inputs.items() if isinstance(value, str | int | bool))
    return f"{step.node.get('uses')} {' '.join(pairs)}"[:2000]


def delivery_of_job(job: AnyJob, resolve: ActionResolver) -> JobDelivery:
    """The delivery stage of a job: its actions, those of called actions and workflows, and whether any is unreadable."""
    if isinstance(job, gitlab_model.Job):
        acts = [
            act for number, text in enumerate(job.script_texts) for act in script_actions(text, job.resource, number, job.name)
        ]
        opaque = "trigger" in job.node or not any(True for _ in job.script_texts)
        return JobDelivery(
            job,
            _without_local_cluster_deployments(acts),
            opaque,
            job.inherited_value("when") == "on_failure",
        )
    if job.dead:
        return JobDelivery(job, ())
    acts = []
    for number, step in enumerate(job.steps):
        actions = list(_step_actions(step, number, resolve))
        acts += actions
        if _ROLLBACK_NAME.search(step.name.lower()) and not any(act.kind == "rollback" for act in actions):
            acts.append(_action_from_step_name("rollback", step, number))
        if _SMOKE_TEST_NAME.search(step.name.lower()) and not any(act.kind in ("smoke", "test") for act in actions):
            acts.append(_action_from_step_name("smoke", step, number))
    if _is_local_to_runner(job):
        acts = [a for a in acts if a.tool_family != "compose" or not a.text.startswith("docker")]
    condition = job.node.get("if")
    return JobDelivery(
        job,
        _without_local_cluster_deployments(acts),
        job.calls,
        isinstance(condition, str) and "failure()" in condition,
    )


_GITHUB_HOSTED_LABEL = re.compile(r"(?:ubuntu|windows|macos)-[\w.-]+\Z")
_REMOTE_DOCKER_HOST = re.compile(r"DOCKER_HOST|docker context|docker-context|--context\b|ssh://|tcp://")


def _is_local_to_runner(job: model.Job) -> bool:
    """Whether its containers live on a machine of GitHub's, which goes when the job ends."""
    if not job.runs_on or not all(_GITHUB_HOSTED_LABEL.match(label) for label in job.runs_on):
        return False
    start, end = job.node.at()
    return not _REMOTE_DOCKER_HOST.search(job.source.text, start, end)


_ROLLBACK_NAME = re.compile(r"roll-? ?back|revert|undo")
_SMOKE_TEST_NAME = re.compile(r"smoke|health|verify|sanity|e2e|end-to-end|acceptance")


def _action_from_step_name(kind: str, step: model.Step, step_number: int) -> PipelineAction:
    return PipelineAction(kind, "name", step.node.at(), step.source, step.resource, (step_number, 0), "", step.name)


def _without_local_cluster_deployments(actions: list[PipelineAction]) -> tuple[PipelineAction, ...]:
    """In a job with a cluster of its own, what is deployed is only tried."""
    if any(act.kind == "cluster" for act in actions):
        actions = [replace(act, kind="test", tool_family="") if act.kind == "deploy" else act for act in actions]
    return tuple(actions)


def merged_jobs(pipeline: AnyPipeline) -> Iterable[AnyJob]:
    """The jobs of a pipeline; of a file of GitLab those of all that it is merged with."""
    return pipeline.all_jobs.values() if isinstance(pipeline, gitlab_model.GitlabFile) else pipeline.jobs


def map_by_merged_pipeline(pipelines: Iterable[AnyPipeline], make: Callable[[AnyPipeline], Made]) -> dict[int, Made]:
    """What is made of every pipeline, by its identity; files that GitLab merges share it."""
    found: dict[int, Made] = {}
    for pipeline in pipelines:
        first = pipeline.merged_files[0] if isinstance(pipeline, gitlab_model.GitlabFile) else pipeline
        if id(first) not in found:
            found[id(first)] = make(first)
        found[id(pipeline)] = found[id(first)]
    return found


def jobs_finished_before(pipeline: AnyPipeline) -> dict[str, frozenset[str]]:
    """For each job the names of all jobs that have finished before it starts."""
    direct = {job.name: set(_direct_needs(job, pipeline)) for job in merged_jobs(pipeline)}
    finished: dict[str, frozenset[str]] = {}
    for name, needed in direct.items():
        seen: set[str] = set()
        stack = list(needed)
        while stack:
            other = stack.pop()
            if other in direct and other not in seen and other != name:
                seen.add(other)
                stack.extend(direct[other])
        finished[name] = frozenset(seen)
    return finished


def _direct_needs(job: AnyJob, pipeline: AnyPipeline) -> Iterable[str]:
    if isinstance(job, model.Job):
        names = {other.name.lower(): other.name for other in pipeline.jobs}
        return [names[need.lower()] for need in job.needs if need.lower() in names]
    if job.needs is not None:
        return job.needs
    stages = job.file.stages
    rank = {stage: number for number, stage in enumerate(stages)}
    mine = rank.get(job.stage, 0)
    others = job.file.all_jobs.values()
    return [other.name for other in others if rank.get(other.stage, 0) < mine]


def resolve_no_local_action(step: model.Step) -> None:
    """Where no project is at hand, local actions stay closed."""
    del step


def pushes_or_deploys(pipeline: AnyPipeline) -> bool:
    """Whether a pipeline pushes an image or deploys."""
    if "delivers" not in pipeline.cached_results:
        stages = [delivery_of_job(job, resolve_no_local_action) for job in pipeline.jobs]
        pipeline.cached_results["delivers"] = any(stage.deploys or stage.performs_any("push") for stage in stages)
    return bool(pipeline.cached_results["delivers"])
