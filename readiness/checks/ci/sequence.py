"""What a job counts on that another step or job would have had to do: the checkout, the deployment that it undoes."""

from __future__ import annotations

import re

from readiness.checks.ci.delivery import JobNeighbourhood
from readiness.facts.actions import files_brought_by_action
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github import model
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import CheckOutcome, NotApplicable, hit
from readiness.model.project import Project
from readiness.syntax.holes import has_variable_sign


def checkout_missing(job: model.Job) -> CheckOutcome:
    """A step runs what stands in the repository, and no step before it has brought the repository."""
    runner_labels = job.runs_on
    if (
        job.calls
        or job.dead
        or "container" in job.node
        or not runner_labels
        or any(not re.match(r"(?:ubuntu|windows|macos)-", label) for label in runner_labels)
    ):
        yield NotApplicable()
        return
    for step in job.steps:
        uses_reference, run_script = step.parsed_uses, step.run_script
        if uses_reference is not None and files_brought_by_action(uses_reference.lowercase_name) != "none":
            return
        if run_script is None:
            continue
        for command in script_calls(run_script.value):
            if does_command_need_repository(command):
                yield hit(run_script.span_of_line(command.start), resource=step.resource, program=command.program)
                return
            if command.program in property_by_fact_name("programs", "brings") or ">" in run_script.value:
                return


def does_command_need_repository(call: ScriptCommand) -> bool:
    """Whether a command cannot work in an empty folder."""
    program_name, arguments = call.program, call.non_option_arguments
    if program_name in ("npm", "yarn", "pnpm") and arguments and not call.has_option("-g", "--global", "--prefix", "--cwd", "-C"):
        return arguments[0] in property_by_fact_name("script-words", "runs") or (arguments[0] == "install" and len(arguments) == 1)
    if program_name in {"pip", "pip3"}:
        requirements_file = call.option_value("-r", "--requirement")
        return arguments[:1] == ("install",) and requirements_file is not None and not has_variable_sign(requirements_file)
    if re.fullmatch(r"python[0-9.]*|node|bash|sh|ruby|php", program_name):
        script_path = call.words[0] if call.words else ""
        return bool(re.fullmatch(r"(?:\./)?[A-Za-z0-9_-]+/[A-Za-z0-9_./-]+\.(?:py|js|mjs|sh|rb|php)", script_path))
    if program_name == "docker":
        docker_verb = next((v for v in arguments if v in ("build", "compose")), "")
        return docker_verb == "build" and call.words[-1:] == (".",)
    return False


def rollback_undeployed(job: model.Job, *, project: Project) -> CheckOutcome:
    """A job that rolls back runs on any failure before it, so also when nothing was deployed."""
    neighbourhood = JobNeighbourhood(job, project)
    condition = job.node.get("if")
    is_plain_failure_condition = isinstance(condition, str) and condition.replace(" ", "").strip("${}") == "failure()"
    if not is_plain_failure_condition or not neighbourhood.stage.performs_any("rollback") or neighbourhood.deployments:
        yield NotApplicable()
        return
    for needed_name in job.needs:
        needed_delivery = neighbourhood.stages.get(needed_name)
        if needed_delivery is not None and needed_delivery.deploys and needed_delivery.job.needs:
            yield hit(job.node.at("if"), needed=needed_name, before=needed_delivery.job.needs[0])
            return
