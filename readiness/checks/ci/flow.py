"""What lets a change through: tests whose failure counts for nothing, deployments of any branch, runs cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.delivery import all_stages, neighbourhood_of_deploying_job, tool_name
from readiness.kinds.delivery.model import AnyJob, PipelineAction
from readiness.kinds.github import model
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import CheckOutcome, NotApplicable, Span, hit
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_FAILURE_SWALLOWING = re.compile(r"[ \t]*\|\|[ \t]*(?:(?:true|:|exit[ \t]+0)[ \t]*|echo\b[^\n|&;#]*)(?:#[^\n]*)?(?:\n|\Z)")


def test_failure_ignored(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A test that may fail without the pipeline failing."""
    pipeline = job.workflow if isinstance(job, model.Job) else job.file
    stage = project.memoize(all_stages)[id(pipeline)][job.name]
    tests = [act for act in stage.actions if act.kind == "test" and act.tool_family != "name"]
    if not tests:
        yield NotApplicable()
        return
    if isinstance(job, gitlab_model.Job):
        if job.inherited_value("allow_failure") is True and not job.manual:
            holder, source = job.mapping_and_source_with_key("allow_failure")
            yield hit(holder.at("allow_failure"), at=source, resource=job.resource, how="allow_failure")
        return
    if job.node.get("continue-on-error") is True:
        yield hit(job.node.at("continue-on-error"), how="continue-on-error")
        return
    reported: set[Span] = set()
    swallowed = [(act, list(_ignored_failure(job, act))) for act in tests]
    counting = [act for act, ignored in swallowed if not ignored]
    for act, ignored in swallowed:
        if any(_test_run_covers(other, act) for other in counting):
            continue
        for span, how in ignored:
            if span not in reported:
                reported.add(span)
                yield hit(span, resource=act.resource, how=how)


def _test_run_covers(wider_run: PipelineAction, narrower_run: PipelineAction) -> bool:
    """Whether a run of tests runs those of another one too: the same command, narrowed by nothing that the other lacks."""
    wide, narrow = wider_run.text.split(), narrower_run.text.split()
    if wide[:2] != narrow[:2]:
        return False
    return all(word in narrow or word.startswith("-") for word in wide)


def _ignored_failure(job: model.Job, action: PipelineAction) -> Iterator[tuple[Span, str]]:
    step = next((step for step in job.steps if step.resource == action.resource), None)
    if step is None:
        return
    run = step.run_script
    if step.node.get("continue-on-error") is True:
        name = step.node.get("id")
        if isinstance(name, str) and f"steps.{name}." in job.source.text:
            return  # a later step looks at how it ended
        yield step.node.at("continue-on-error"), "continue-on-error"
    elif run is not None and action.text and action.position_in_job[1] >= 0:
        after = run.value[action.position_in_job[1] + len(action.text) :]
        match = _FAILURE_SWALLOWING.match(after)
        if match is not None:
            start = action.position_in_job[1]
            yield (
                run.span_of_part(start, start + len(action.text) + len(match.group().rstrip())),
                "|| true",
            )


def deploy_from_any_branch(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that a push to any branch starts."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    act = view.deployments[0]
    if isinstance(job, gitlab_model.Job):
        if _is_gitlab_guarded(job):
            return
    elif _is_branch_guarded(job, act, [stage.job for stage in view.stages_before]):
        return
    yield hit(act.span, resource=job.resource, how=tool_name(act))


def _is_branch_guarded(job: model.Job, action: PipelineAction, earlier_jobs: list[AnyJob]) -> bool:
    """Whether the events, or a condition on the way, leave out some branches."""
    triggers = job.workflow.triggers
    if "push" not in triggers:
        return True
    push = triggers["push"]
    filters = ("branches", "branches-ignore", "tags", "tags-ignore")
    if isinstance(push, Map) and any(name in push for name in filters):
        return True
    step = next((step for step in job.steps if step.resource == action.resource), None)
    nodes = [
        job.node,
        *(other.node for other in earlier_jobs),
        *([step.node] if step is not None else []),
    ]
    return any("if" in node for node in nodes) or "$GITHUB_REF" in action.text


def _is_gitlab_guarded(job: gitlab_model.Job) -> bool:
    """Whether rules, or somebody's click, stand before the job."""
    workflow = (job.file.value_and_file("workflow") or (None,))[0]
    if job.manual or job.file.includes or (isinstance(workflow, Map) and "rules" in workflow):
        return True
    return any(key in job.mapping_with_key(key) for key in ("rules", "only", "except"))


def deploy_cut_off(job: model.Job, *, project: Project) -> CheckOutcome:
    """A deployment that a newer run ends in the middle."""
    view = neighbourhood_of_deploying_job(job, project)
    if view is None or view.stage.target_environment in ("preview", "staging"):
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
