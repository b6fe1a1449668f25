"""What lets a change through: tests whose failure counts for nothing, deployments of any branch, runs cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import all_stages, tool_name, view_of
from readiness.kinds.delivery.model import Job, PipelineAction
from readiness.kinds.github import model
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import NotApplicable, Outcome, Span, hit
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_SWALLOWED = re.compile(
    r"[ \t]*\|\|[ \t]*(?:(?:true|:|exit[ \t]+0)[ \t]*|echo\b[^\n|&;#]*)(?:#[^\n]*)?(?:\n|\Z)"
)


def test_failure_ignored(job: Job, *, project: Project) -> Outcome:
    """A test that may fail without the pipeline failing."""
    pipeline = job.workflow if isinstance(job, model.Job) else job.file
    stage = project.memo(all_stages)[id(pipeline)][job.name]
    tests = [act for act in stage.acts if act.kind == "test" and act.family != "name"]
    if not tests:
        yield NotApplicable()
        return
    if isinstance(job, gitlab_model.Job):
        if job.value("allow_failure") is True and not job.manual:
            holder, source = job.held("allow_failure")
            yield hit(
                holder.at("allow_failure"), at=source, resource=job.resource, how="allow_failure"
            )
        return
    if job.node.get("continue-on-error") is True:
        yield hit(job.node.at("continue-on-error"), how="continue-on-error")
        return
    reported: set[Span] = set()
    swallowed = [(act, list(_ignored_failure(job, act))) for act in tests]
    counting = [act for act, ignored in swallowed if not ignored]
    for act, ignored in swallowed:
        if any(_covers(other, act) for other in counting):
            continue
        for span, how in ignored:
            if span not in reported:
                reported.add(span)
                yield hit(span, resource=act.resource, how=how)


def _covers(whole: PipelineAction, part: PipelineAction) -> bool:
    """Whether a run of tests runs those of another one too: the same command, narrowed by nothing that the other lacks."""
    wide, narrow = whole.text.split(), part.text.split()
    if wide[:2] != narrow[:2]:
        return False
    return all(word in narrow or word.startswith("-") for word in wide)


def _ignored_failure(job: model.Job, act: PipelineAction) -> Iterator[tuple[Span, str]]:
    step = next((step for step in job.steps if step.resource == act.resource), None)
    if step is None:
        return
    run = step.run
    if step.node.get("continue-on-error") is True:
        name = step.node.get("id")
        if isinstance(name, str) and f"steps.{name}." in job.source.text:
            return  # a later step looks at how it ended
        yield step.node.at("continue-on-error"), "continue-on-error"
    elif run is not None and act.text and act.order[1] >= 0:
        after = run.value[act.order[1] + len(act.text) :]
        match = _SWALLOWED.match(after)
        if match is not None:
            start = act.order[1]
            yield run.part(start, start + len(act.text) + len(match.group().rstrip())), "|| true"


def deploy_from_any_branch(job: Job, *, project: Project) -> Outcome:
    """A deployment that a push to any branch starts."""
    view = view_of(job, project)
    if view is None or view.stage.target in ("preview", "staging"):
        yield NotApplicable()
        return
    act = view.deployments[0]
    if isinstance(job, gitlab_model.Job):
        if _is_gitlab_guarded(job):
            return
    elif _is_branch_guarded(job, act, [stage.job for stage in view.stages_before]):
        return
    yield hit(act.span, resource=job.resource, how=tool_name(act))


def _is_branch_guarded(job: model.Job, act: PipelineAction, before: list[Job]) -> bool:
    """Whether the events, or a condition on the way, leave out some branches."""
    triggers = job.workflow.triggers
    if "push" not in triggers:
        return True
    push = triggers["push"]
    filters = ("branches", "branches-ignore", "tags", "tags-ignore")
    if isinstance(push, Map) and any(name in push for name in filters):
        return True
    step = next((step for step in job.steps if step.resource == act.resource), None)
    nodes = [
        job.node,
        *(other.node for other in before),
        *([step.node] if step is not None else []),
    ]
    return any("if" in node for node in nodes) or "$GITHUB_REF" in act.text


def _is_gitlab_guarded(job: gitlab_model.Job) -> bool:
    """Whether rules, or somebody's click, stand before the job."""
    workflow = (job.file.find("workflow") or (None,))[0]
    if job.manual or job.file.includes or (isinstance(workflow, Map) and "rules" in workflow):
        return True
    return any(key in job.holder(key) for key in ("rules", "only", "except"))


def deploy_cut_off(job: model.Job, *, project: Project) -> Outcome:
    """A deployment that a newer run ends in the middle."""
    view = view_of(job, project)
    if view is None or view.stage.target in ("preview", "staging"):
        yield NotApplicable()
        return
    for node in (job.node, job.workflow.node):
        concurrency = node.get("concurrency")
        if isinstance(concurrency, Map) and concurrency.get("cancel-in-progress") is True:
            yield hit(
                concurrency.at("cancel-in-progress"),
                resource=job.resource,
                how=tool_name(view.deployments[0]),
            )
            return
