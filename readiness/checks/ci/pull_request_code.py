"""Code of a pull request in a run that has the repository's secrets and rights: whether it comes, and whether it is run.

https://docs.github.com/en/actions/reference/security/securely-using-pull_request_target
"""

from __future__ import annotations

from readiness.checks.ci.checkouts import ForeignCheckout, ForeignCodeTracker
from readiness.checks.ci.outsiders import (
    OutsiderChance,
    base_events,
    chance_to_start,
    may_need_approval,
)
from readiness.checks.ci.rights import JobRights, RightsWorth, rights_of
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.uses import repository_root
from readiness.model import CheckOutcome, Severity, Undecidable, hit
from readiness.model.project import Project

_SEVERITY_IF_RUN = {
    RightsWorth.READ: Severity.MEDIUM,
    RightsWorth.SOME: Severity.HIGH,
    RightsWorth.TAKES_OVER: Severity.CRITICAL,
}
_SEVERITY_IF_NOT_RUN = {
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
    if job is None or not set(job.workflow.triggers) & set(base_events()):
        return
    foreign = project.memoize_for_subject(_foreign_checkouts, job).get(step.number)
    if foreign is None:
        return
    severity, event, checkout, what = foreign
    if may_need_approval(job):
        yield Undecidable(checkout.span)
        return
    if project.prose or not _is_active_workflow(job.workflow, project):
        severity = min(severity, Severity.HIGH)
    yield hit(checkout.span, event=event, what=what, severity=severity)


def _foreign_checkouts(job: Job, project: Project) -> dict[int, tuple[Severity, str, ForeignCheckout, str]]:
    """The worst checkout of foreign code in each step of a job: how bad, under which event, what follows it."""
    worst: dict[int, tuple[Severity, str, ForeignCheckout, str]] = {}
    rights = rights_of(job)
    for event in (event for event in job.workflow.triggers if event in base_events()):
        walk = ForeignCodeTracker(event)
        for step in job.steps:
            chance = chance_to_start(step, event, project)
            if chance is not OutsiderChance.NO and not step.dead:
                walk.follow_step(step, chance)
        for checkout in walk.checkouts:
            severity = _checkout_severity(checkout, rights)
            before = worst.get(checkout.step.number)
            if before is None or before[0] < severity:
                worst[checkout.step.number] = (
                    severity,
                    event,
                    checkout,
                    _consequence_text(checkout, rights),
                )
    return worst


def _checkout_severity(checkout: ForeignCheckout, rights: JobRights) -> Severity:
    """How bad a checkout is: what is run, with which rights, by whom, and whether the action refuses it."""
    severity = (_SEVERITY_IF_RUN if checkout.run_by else _SEVERITY_IF_NOT_RUN)[rights.worth]
    if checkout.is_refused_by_action and severity > Severity.LOW:
        severity = Severity(severity - 1)
    return min(severity, Severity.MEDIUM) if checkout.combined_chance is OutsiderChance.MAYBE else severity


def _consequence_text(checkout: ForeignCheckout, rights: JobRights) -> str:
    """What follows a checkout, for the message."""
    text = f", and {checkout.run_by} runs it {rights.description}" if checkout.run_by else ", and no step is seen to run it"
    if checkout.combined_chance is OutsiderChance.MAYBE:
        text += ", once somebody inside or a condition lets it"
    if checkout.is_refused_by_action:
        text += "; actions/checkout refuses it for forks unless allow-unsafe-pr-checkout is set"
    return text


def _is_active_workflow(workflow: Workflow, project: Project) -> bool:
    """Whether GitHub runs a workflow from where it stands: the .github/workflows of the repository, and no template's."""
    root = repository_root(workflow.source.path)
    roots = project.memoize(_workflow_roots)
    return root is not None and not any(other != root and (not other or root.startswith(other + "/")) for other in roots)


def _workflow_roots(project: Project) -> frozenset[str]:
    """The folders that have a .github/workflows."""
    found = (repository_root(one.source.path) for one in project.documents_of_kind("github"))
    return frozenset(root for root in found if root is not None)
