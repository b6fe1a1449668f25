"""Code of a pull request in a run that has the repository's secrets and rights: whether it comes, and whether it is run.

https://docs.github.com/en/actions/reference/security/securely-using-pull_request_target
"""

from __future__ import annotations

from readiness.checks.ci.checkouts import Checkout, Walk
from readiness.checks.ci.outsiders import Chance, base_events, chance_to_start, has_environment
from readiness.checks.ci.rights import Rights, Worth, rights_of
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.uses import repository_root
from readiness.model import Outcome, Severity, Unknown, hit
from readiness.model.project import Project

_RUN = {
    Worth.READ: Severity.MEDIUM,
    Worth.SOME: Severity.HIGH,
    Worth.TAKES_OVER: Severity.CRITICAL,
}
_LYING = {
    Worth.READ: Severity.LOW,
    Worth.SOME: Severity.MEDIUM,
    Worth.TAKES_OVER: Severity.MEDIUM,
}


def foreign_code_checkout(step: Step, project: Project) -> Outcome:
    """Code of a pull request checked out in a run that has the base repository's secrets and rights.

    Critical where it is surely run, for whoever opens a pull request, with a secret or a right that takes the repository over;
    less where one of these is missing or not told. An environment may ask a reviewer first: the repository's settings tell.
    """
    job = step.job
    if job is None or not set(job.workflow.triggers) & set(base_events()):
        return
    foreign = project.once(_foreign_checkouts, job).get(step.number)
    if foreign is None:
        return
    severity, event, checkout, what = foreign
    if has_environment(job):
        yield Unknown(checkout.span)
        return
    if project.prose or not _is_run(job.workflow, project):
        severity = min(severity, Severity.HIGH)
    yield hit(checkout.span, event=event, what=what, severity=severity)


def _foreign_checkouts(
    job: Job, project: Project
) -> dict[int, tuple[Severity, str, Checkout, str]]:
    """The worst checkout of foreign code in each step of a job: how bad, under which event, what follows it."""
    worst: dict[int, tuple[Severity, str, Checkout, str]] = {}
    rights = rights_of(job)
    for event in (event for event in job.workflow.triggers if event in base_events()):
        walk = Walk(event)
        for step in job.steps:
            chance = chance_to_start(step, event, project)
            if chance is not Chance.NO and not step.dead:
                walk.follow(step, chance)
        for checkout in walk.checkouts:
            severity = _severity(checkout, rights)
            before = worst.get(checkout.step.number)
            if before is None or before[0] < severity:
                worst[checkout.step.number] = (
                    severity,
                    event,
                    checkout,
                    _consequence_text(checkout, rights),
                )
    return worst


def _severity(checkout: Checkout, rights: Rights) -> Severity:
    """How bad a checkout is: what is run, with which rights, by whom, and whether the action refuses it."""
    severity = (_RUN if checkout.ran else _LYING)[rights.worth]
    if checkout.refused and severity > Severity.LOW:
        severity = Severity(severity - 1)
    return min(severity, Severity.MEDIUM) if checkout.chance is Chance.MAYBE else severity


def _consequence_text(checkout: Checkout, rights: Rights) -> str:
    """What follows a checkout, for the message."""
    text = (
        f", and {checkout.ran} runs it {rights.words}"
        if checkout.ran
        else ", and no step is seen to run it"
    )
    if checkout.chance is Chance.MAYBE:
        text += ", once somebody inside or a condition lets it"
    if checkout.refused:
        text += "; actions/checkout refuses it for forks unless allow-unsafe-pr-checkout is set"
    return text


def _is_run(workflow: Workflow, project: Project) -> bool:
    """Whether GitHub runs a workflow from where it stands: the .github/workflows of the repository, and no template's."""
    root = repository_root(workflow.source.path)
    roots = project.memo(_workflow_roots)
    return root is not None and not any(
        other != root and (not other or root.startswith(other + "/")) for other in roots
    )


def _workflow_roots(project: Project) -> frozenset[str]:
    """The folders that have a .github/workflows."""
    found = (repository_root(one.source.path) for one in project.documents("github"))
    return frozenset(root for root in found if root is not None)
