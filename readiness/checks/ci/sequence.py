"""What a job counts on that another step or job would have had to do: the checkout, the deployment that it undoes."""

from __future__ import annotations

import re

from readiness.checks.ci.delivery import JobNeighbourhood
from readiness.facts.actions import files_action_brings
from readiness.facts.table import fact_column
from readiness.kinds.github import model
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import CheckOutcome, NotApplicable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable


def checkout_missing(job: model.Job) -> CheckOutcome:
    """A step runs what stands in the repository, and no step before it has brought the repository."""
    labels = job.runs_on
    if (
        job.calls
        or job.dead
        or "container" in job.node
        or not labels
        or any(not re.match(r"(?:ubuntu|windows|macos)-", label) for label in labels)
    ):
        yield NotApplicable()
        return
    for step in job.steps:
        used, run = step.parsed_uses, step.run_script
        if used is not None and files_action_brings(used.lowercase_name) != "none":
            return
        if run is None:
            continue
        for call in script_calls(run.value):
            if needs_repository(call):
                yield hit(run.span_of_line(call.start), resource=step.resource, program=call.program)
                return
            if call.program in fact_column("programs", "brings") or ">" in run.value:
                return


def needs_repository(call: ScriptCommand) -> bool:
    """Whether a command cannot work in an empty folder."""
    program, verbs = call.program, call.non_option_arguments
    if program in ("npm", "yarn", "pnpm") and verbs and not call.has_option("-g", "--global", "--prefix", "--cwd", "-C"):
        return verbs[0] in fact_column("script-words", "runs") or (verbs[0] == "install" and len(verbs) == 1)
    if program in {"pip", "pip3"}:
        file = call.option_value("-r", "--requirement")
        return verbs[:1] == ("install",) and file is not None and not has_variable(file)
    if re.fullmatch(r"python[0-9.]*|node|bash|sh|ruby|php", program):
        first = call.words[0] if call.words else ""
        return bool(re.fullmatch(r"(?:\./)?[A-Za-z0-9_-]+/[A-Za-z0-9_./-]+\.(?:py|js|mjs|sh|rb|php)", first))
    if program == "docker":
        verb = next((v for v in verbs if v in ("build", "compose")), "")
        return verb == "build" and call.words[-1:] == (".",)
    return False


def rollback_undeployed(job: model.Job, *, project: Project) -> CheckOutcome:
    """A job that rolls back runs on any failure before it, so also when nothing was deployed."""
    view = JobNeighbourhood(job, project)
    condition = job.node.get("if")
    bare = isinstance(condition, str) and condition.replace(" ", "").strip("${}") == "failure()"
    if not bare or not view.stage.performs_any("rollback") or view.deployments:
        yield NotApplicable()
        return
    for name in job.needs:
        needed = view.stages.get(name)
        if needed is not None and needed.deploys and needed.job.needs:
            yield hit(job.node.at("if"), needed=name, before=needed.job.needs[0])
            return
