"""Code of a pull request in a run that has the repository's secrets and rights: whether it comes, and whether it is run.

https://docs.github.com/en/actions/reference/security/securely-using-pull_request_target
"""

from __future__ import annotations

from readiness.checks.ci.checkouts import ForeignCheckout, ForeignCodeTracker
from readiness.checks.ci.outsiders import (
    OutsiderChance,
    chance_to_start,
    events_with_base_secrets,
    may_job_need_approval,
)
from readiness.checks.ci.rights import JobRights, RightsWorth, rights_of_job
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.model import CheckOutcome, Severity, Undecidable, hit
from readiness.model.project import Project

_SEVERITY_IF_RUN_BY_RIGHTS = {
    RightsWorth.READ: Severity.MEDIUM,
    RightsWorth.SOME: Severity.HIGH,
    RightsWorth.TAKES_OVER: Severity.CRITICAL,
}
_SEVERITY_IF_NOT_RUN_BY_RIGHTS = {
    RightsWorth.READ: Severity.LOW,
    RightsWorth.SOME: Severity.MEDIUM,
    RightsWorth.TAKES_OVER: Severity.MEDIUM,
}


def foreign_code_checkout(step: Step, project: Project) -> CheckOutcome:
    """Code of a pull request checked out in a run that has the base repository's secrets and rights.

    Critical where it is surely run, for whoever opens a pull request, with a secret or a right that takes the repository over;
    less where one of these is missing or not told. An environment may ask a reviewer first: the repository's settings tell.
    """
    job = step.job
    if job is None or not set(job.workflow.triggers) & set(events_with_base_secrets()):
        return
    worst_checkout = project.memoize_for_subject(_worst_foreign_checkout_by_step, job).get(step.number)
    if worst_checkout is None:
        return
    severity, event, checkout, consequence_text = worst_checkout
    if may_job_need_approval(job):
        yield Undecidable(checkout.span)
        return
    if project.prose or not _is_active_workflow(job.workflow, project):
        severity = min(severity, Severity.HIGH)
    yield hit(checkout.span, event=event, what=consequence_text, severity=severity)


def _worst_foreign_checkout_by_step(job: Job, project: Project) -> dict[int, tuple[Severity, str, ForeignCheckout, str]]:
    """The worst checkout of foreign code in each step of a job: how bad, under which event, what follows it."""
    worst_by_step_number: dict[int, tuple[Severity, str, ForeignCheckout, str]] = {}
    job_rights = rights_of_job(job)
    for event in (event for event in job.workflow.triggers if event in events_with_base_secrets()):
        code_tracker = ForeignCodeTracker(event)
        for step in job.steps:
            start_chance = chance_to_start(step, event, project)
            if start_chance is not OutsiderChance.NO and not step.dead:
                code_tracker.follow_step(step, start_chance)
        for checkout in code_tracker.checkouts:
            severity = _checkout_severity(checkout, job_rights)
            worst_before = worst_by_step_number.get(checkout.step.number)
            if worst_before is None or worst_before[0] < severity:
                worst_by_step_number[checkout.step.number] = (
                    severity,
                    event,
                    checkout,
                    _consequence_text(checkout, job_rights),
                )
    return worst_by_step_number


def _checkout_severity(checkout: ForeignCheckout, job_rights: JobRights) -> Severity:
    """How bad a checkout is: what is run, with which rights, by whom, and whether the action refuses it."""
    severity = (_SEVERITY_IF_RUN_BY_RIGHTS if checkout.run_by else _SEVERITY_IF_NOT_RUN_BY_RIGHTS)[job_rights.worth]
    if checkout.is_refused_by_action and severity > Severity.LOW:
        severity = Severity(severity - 1)
    return min(severity, Severity.MEDIUM) if checkout.combined_chance is OutsiderChance.MAYBE else severity


def _consequence_text(checkout: ForeignCheckout, job_rights: JobRights) -> str:
    """What follows a checkout, for the message."""
    consequence = f", and {checkout.run_by} runs it {job_rights.description}" if checkout.run_by else ", and no step is seen to run it"
    if checkout.combined_chance is OutsiderChance.MAYBE:
        consequence += ", once somebody inside or a condition lets it"
    if checkout.is_refused_by_action:
        consequence += "; actions/checkout refuses it for forks unless allow-unsafe-pr-checkout is set"
    return consequence


def _is_active_workflow(workflow: Workflow, project: Project) -> bool:
    """Whether GitHub runs a workflow from where it stands: the .github/workflows of the repository, and no template's."""
    workflow_root = repository_root_of_workflow_path(workflow.source.path)
    workflow_roots = project.memoize(_roots_with_workflows)
    return workflow_root is not None and not any(
        other != workflow_root and (not other or workflow_root.startswith(other + "/")) for other in workflow_roots
    )


def _roots_with_workflows(project: Project) -> frozenset[str]:
    """The folders that have a .github/workflows."""
    repository_roots = (repository_root_of_workflow_path(one.source.path) for one in project.documents_of_kind("github"))
    return frozenset(root for root in repository_roots if root is not None)
