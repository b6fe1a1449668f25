"""What lets a change through: tests whose failure counts for nothing, deployments of any branch, runs cut off."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.delivery import deployment_tool_name, job_stages_by_pipeline, neighbourhood_of_deploying_job
from readiness.kinds.delivery.model import AnyJob, PipelineAction
from readiness.kinds.github import model
from readiness.kinds.gitlab import model as gitlab_model
from readiness.model import CheckOutcome, NotApplicable, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.yaml import Map

_IGNORED_FAILURE_SUFFIX = lazy_regex(r"[ \t]*\|\|[ \t]*(?:(?:true|:|exit[ \t]+0)[ \t]*|echo\b[^\n|&;#]*)(?:#[^\n]*)?(?:\n|\Z)")


def test_failure_ignored(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A test that may fail without the pipeline failing."""
    pipeline = job.workflow if isinstance(job, model.Job) else job.file
    job_delivery = project.memoize(job_stages_by_pipeline)[id(pipeline)][job.name]
    test_actions = [test_action for test_action in job_delivery.actions if test_action.kind == "test" and test_action.tool_family != "name"]
    if not test_actions:
        yield NotApplicable()
        return
    if isinstance(job, gitlab_model.Job):
        if job.inherited_value("allow_failure") is True and not job.manual:
            mapping, mapping_source = job.mapping_and_source_with_key("allow_failure")
            yield hit(mapping.at("allow_failure"), at=mapping_source, resource=job.resource, how="allow_failure")
        return
    if job.node.get("continue-on-error") is True:
        yield hit(job.node.at("continue-on-error"), how="continue-on-error")
        return
    reported_spans: set[Span] = set()
    tests_with_ignored_failures = [(test_action, list(_ignored_failure_spans(job, test_action))) for test_action in test_actions]
    enforced_tests = [test_action for test_action, ignored_failures in tests_with_ignored_failures if not ignored_failures]
    for test_action, ignored_failures in tests_with_ignored_failures:
        if any(_test_run_covers(other, test_action) for other in enforced_tests):
            continue
        for ignoring_span, ignoring_setting in ignored_failures:
            if ignoring_span not in reported_spans:
                reported_spans.add(ignoring_span)
                yield hit(ignoring_span, resource=test_action.resource, how=ignoring_setting)


def _test_run_covers(wider_run: PipelineAction, narrower_run: PipelineAction) -> bool:
    """Whether a run of tests runs those of another one too: the same command, narrowed by nothing that the other lacks."""
    wider_words, narrower_words = wider_run.text.split(), narrower_run.text.split()
    if wider_words[:2] != narrower_words[:2]:
        return False
    return all(word in narrower_words or word.startswith("-") for word in wider_words)


def _ignored_failure_spans(job: model.Job, action: PipelineAction) -> Iterator[tuple[Span, str]]:
    test_step = next((test_step for test_step in job.steps if test_step.resource == action.resource), None)
    if test_step is None:
        return
    run_script = test_step.run_script
    if test_step.node.get("continue-on-error") is True:
        step_id = test_step.node.get("id")
        if isinstance(step_id, str) and f"steps.{step_id}." in job.source.text:
            return  # a later step looks at how it ended
        yield test_step.node.at("continue-on-error"), "continue-on-error"
    elif run_script is not None and action.text and action.position_in_job[1] >= 0:
        text_after_command = run_script.value[action.position_in_job[1] + len(action.text) :]
        ignoring_suffix = _IGNORED_FAILURE_SUFFIX.match(text_after_command)
        if ignoring_suffix is not None:
            command_start = action.position_in_job[1]
            yield (
                run_script.span_of_part(command_start, command_start + len(action.text) + len(ignoring_suffix.group().rstrip())),
                "|| true",
            )


def deploy_from_any_branch(job: AnyJob, *, project: Project) -> CheckOutcome:
    """A deployment that a push to any branch starts."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None or neighbourhood.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    first_deployment = neighbourhood.deployments[0]
    if isinstance(job, gitlab_model.Job):
        if _is_limited_by_gitlab_rules(job):
            return
    elif _is_limited_to_some_branches(job, first_deployment, [stage.job for stage in neighbourhood.stages_before]):
        return
    yield hit(first_deployment.span, resource=job.resource, how=deployment_tool_name(first_deployment))


def _is_limited_to_some_branches(job: model.Job, action: PipelineAction, earlier_jobs: list[AnyJob]) -> bool:
    """Whether the events, or a condition on the way, leave out some branches."""
    triggers = job.workflow.triggers
    if "push" not in triggers:
        return True
    push_trigger = triggers["push"]
    push_filter_keys = ("branches", "branches-ignore", "tags", "tags-ignore")
    if isinstance(push_trigger, Map) and any(name in push_trigger for name in push_filter_keys):
        return True
    action_step = next((action_step for action_step in job.steps if action_step.resource == action.resource), None)
    nodes_with_condition = [
        job.node,
        *(other.node for other in earlier_jobs),
        *([action_step.node] if action_step is not None else []),
    ]
    return any("if" in node for node in nodes_with_condition) or "$GITHUB_REF" in action.text


def _is_limited_by_gitlab_rules(job: gitlab_model.Job) -> bool:
    """Whether rules, or somebody's click, stand before the job."""
    workflow_section = (job.file.value_and_file("workflow") or (None,))[0]
    if job.manual or job.file.includes or (isinstance(workflow_section, Map) and "rules" in workflow_section):
        return True
    return any(key in job.mapping_with_key(key) for key in ("rules", "only", "except"))


def deploy_cut_off(job: model.Job, *, project: Project) -> CheckOutcome:
    """A deployment that a newer run ends in the middle."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    if neighbourhood is None or neighbourhood.stage.target_environment in ("preview", "staging"):
        yield NotApplicable()
        return
    for job_or_workflow_node in (job.node, job.workflow.node):
        concurrency = job_or_workflow_node.get("concurrency")
        if isinstance(concurrency, Map) and concurrency.get("cancel-in-progress") is True:
            yield hit(
                concurrency.at("cancel-in-progress"),
                resource=job.resource,
                how=deployment_tool_name(neighbourhood.deployments[0]),
            )
            return
