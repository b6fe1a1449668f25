"""Features that are better not used, and things that a workflow could do more plainly."""

from __future__ import annotations

from readiness.facts.actions import fact
from readiness.kinds.dependabot import Update
from readiness.kinds.github.model import Action, Job, Step, Workflow, expanded_texts
from readiness.kinds.github.texts import expressions
from readiness.model import Outcome, hit, missing
from readiness.syntax import constant
from readiness.syntax import expression as ex
from readiness.syntax.yaml import Map

_SHELLS = frozenset({"bash", "sh", "pwsh", "powershell", "python"})


def shell_unusual(file: Workflow | Action) -> Outcome:
    """`cmd` and home-made shells, and `pip-install` of setup-python."""
    holders: list[Map] = []
    if isinstance(file, Workflow):
        for node in (file.node, *(job.node for job in file.jobs)):
            defaults = node.get("defaults")
            run = defaults.get("run") if isinstance(defaults, Map) else None
            holders += [run] if isinstance(run, Map) else []
        steps = [step for job in file.jobs for step in job.steps]
    else:
        steps = list(file.steps)
    for node in [*holders, *(step.node for step in steps)]:
        shell = node.get("shell")
        if isinstance(shell, str) and shell.strip() and "${{" not in shell:
            name = shell.split()[0].rpartition("/")[2].lower()
            if name == "cmd":
                yield hit(node.at("shell"), say="cmd")
            elif name not in _SHELLS:
                yield hit(node.at("shell"), say="unknown", shell=name)
    for step in steps:
        if (
            step.uses is not None
            and step.uses.slug == "actions/setup-python"
            and "pip-install" in step.options
        ):
            yield hit(step.options.key("pip-install"), say="pip-install")


def expression_needless(file: Workflow | Action) -> Outcome:
    """An expression, or a part of one, whose value is fixed."""
    for way, text in expanded_texts(file):
        if way[-1] == "if" or way[-1] in ("image", "default"):
            continue
        for found in expressions(text):
            if found.tree is None:
                continue
            stack: list[ex.Node] = [found.tree]
            while stack:
                node = stack.pop()
                if isinstance(node, ex.Literal) and node is not found.tree:
                    continue
                if _is_constant(node):
                    yield hit(found.place(node.span) if node is not found.tree else found.span)
                    break
                stack.extend(reversed(ex.children(node)))


def _is_constant(node: ex.Node) -> bool:
    """Whether a node is constant and its value a plain one, as `fromJSON('[...]')` is not."""
    result = constant.evaluate_constant(node)
    if isinstance(node, ex.Call) and node.name.lower() in ("fromjson", "tojson"):
        return False
    return result is not constant.UNKNOWN and not isinstance(result, list | dict)


def action_superfluous(step: Step) -> Outcome:
    """An action from outside for what the runner has built in."""
    used = step.uses
    known = used is not None and used.form == "repository"
    instead = fact(used.slug, "built-in") if used is not None and known else None
    if used is not None and instead:
        yield hit(step.node.at("uses"), action=used.slug, instead=instead)


def name_missing(workflow: Workflow) -> Outcome:
    """A workflow or a job without a name."""
    if "name" not in workflow.node:
        yield missing(workflow.node.key("on"), what="the workflow")
    for job in workflow.jobs:
        if "name" not in job.node:
            yield missing(job.key, resource=job.resource, what=f"job {job.name!r}")


def dispatch_inputs(workflow: Workflow) -> Outcome:
    """A manual start that takes inputs."""
    settings = workflow.triggers.get("workflow_dispatch")
    if isinstance(settings, Map) and isinstance(settings.get("inputs"), Map) and settings["inputs"]:
        yield hit(settings.key("inputs"))


def timeout_missing(job: Job) -> Outcome:
    """A job that may hang for six hours."""
    if "timeout-minutes" in job.node or job.calls or not job.steps:
        return
    if all("timeout-minutes" in step.node for step in job.steps):
        return
    yield missing(job.key)


def dependabot_cooldown_short(update: Update, *, days: int = 7) -> Outcome:
    """New versions taken on the day they appear."""
    cooldown = update.node.get("cooldown")
    if not isinstance(cooldown, Map):
        grip = update.node.at("package-ecosystem")
        yield missing(grip, what="has no cooldown")
        return
    if "default-days" not in cooldown:
        yield missing(update.node.key("cooldown"), what="has a cooldown without default-days")
        return
    value = cooldown["default-days"]
    if isinstance(value, int) and not isinstance(value, bool) and value < days:
        yield hit(cooldown.at("default-days"), what=f"has a cooldown of {value} days")
