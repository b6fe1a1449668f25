"""Features that are better not used, and things that a workflow could do more plainly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.facts.actions import action_property
from readiness.kinds.dependabot import Update
from readiness.kinds.github.model import Action, Job, Step, Workflow, expanded_texts
from readiness.kinds.github.texts import expressions
from readiness.model import CheckOutcome, hit, missing
from readiness.syntax import constant
from readiness.syntax import expression as ex
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map

_USUAL_SHELLS = frozenset({"bash", "sh", "pwsh", "powershell", "python"})


def shell_unusual(file: Workflow | Action) -> CheckOutcome:
    """`cmd` and home-made shells, and `pip-install` of setup-python."""
    steps = [step for owner in _step_owners(file) for step in owner.steps]
    for node in (*_shell_defaults(file), *(step.node for step in steps)):
        shell = _unusual_shell(node.string_under("shell"))
        if shell == "cmd":
            yield hit(node.at("shell"), say="cmd")
        elif shell:
            yield hit(node.at("shell"), say="unknown", shell=shell)
    for step in steps:
        python = step.parsed_uses is not None and step.parsed_uses.slug == "actions/setup-python"
        if python and "pip-install" in step.with_inputs:
            yield hit(step.with_inputs.key_span("pip-install"), say="pip-install")


def _step_owners(document: Workflow | Action) -> Sequence[Job | Action]:
    return document.jobs if isinstance(document, Workflow) else (document,)


def _shell_defaults(document: Workflow | Action) -> Iterator[Map]:
    """Where a workflow and its jobs may name a shell for all steps."""
    if isinstance(document, Workflow):
        for node in (document.node, *(job.node for job in document.jobs)):
            yield node.mapping_at_path("defaults", "run")


def _unusual_shell(shell: str) -> str:
    """The name of a shell that is unusual; empty where it is not, and where an expression names it."""
    if not shell.strip() or has_expression(shell):
        return ""
    name = shell.split(maxsplit=1)[0].rpartition("/")[2].lower()
    return "" if name in _USUAL_SHELLS else name


def expression_needless(file: Workflow | Action) -> CheckOutcome:
    """An expression, or a part of one, whose value is fixed."""
    for way, text in expanded_texts(file):
        if way[-1] == "if" or way[-1] in ("image", "default"):
            continue
        for expression in expressions(text):
            if expression.tree is None:
                continue
            stack: list[ex.Node] = [expression.tree]
            while stack:
                node = stack.pop()
                if isinstance(node, ex.Literal) and node is not expression.tree:
                    continue
                if _is_constant(node):
                    yield hit(
                        expression.to_source_span(node.span) if node is not expression.tree else expression.span_with_braces
                    )
                    break
                stack.extend(reversed(ex.child_nodes(node)))


def _is_constant(node: ex.Node) -> bool:
    """Whether a node is constant and its value a plain one, as `fromJSON('[...]')` is not."""
    result = constant.evaluate_constant(node)
    if isinstance(node, ex.FunctionCall) and node.name.lower() in ("fromjson", "tojson"):
        return False
    return result is not constant.NOT_CONSTANT and not isinstance(result, list | dict)


def action_superfluous(step: Step) -> CheckOutcome:
    """An action from outside for what the runner has built in."""
    used = step.parsed_uses
    known = used is not None and used.reference_kind == "repository"
    instead = action_property(used.slug, "built-in") if used is not None and known else None
    if used is not None and instead:
        yield hit(step.node.at("uses"), action=used.slug, instead=instead)


def name_missing(workflow: Workflow) -> CheckOutcome:
    """A workflow or a job without a name."""
    if "name" not in workflow.node:
        yield missing(workflow.node.key_span("on"), what="the workflow")
    for job in workflow.jobs:
        if "name" not in job.node:
            yield missing(job.id_span, resource=job.resource, what=f"job {job.name!r}")


def dispatch_inputs(workflow: Workflow) -> CheckOutcome:
    """A manual start that takes inputs."""
    settings = workflow.triggers.get("workflow_dispatch")
    if isinstance(settings, Map) and isinstance(settings.get("inputs"), Map) and settings["inputs"]:
        yield hit(settings.key_span("inputs"))


def timeout_missing(job: Job) -> CheckOutcome:
    """A job that may hang for six hours."""
    if "timeout-minutes" in job.node or job.calls or not job.steps:
        return
    if all("timeout-minutes" in step.node for step in job.steps):
        return
    yield missing(job.id_span)


def dependabot_cooldown_short(update: Update, *, days: int = 7) -> CheckOutcome:
    """New versions taken on the day they appear."""
    cooldown = update.node.get("cooldown")
    if not isinstance(cooldown, Map):
        grip = update.node.at("package-ecosystem")
        yield missing(grip, say="none")
        return
    if "default-days" not in cooldown:
        yield missing(update.node.key_span("cooldown"), say="no-default")
        return
    value = cooldown["default-days"]
    if isinstance(value, int) and not isinstance(value, bool) and value < days:
        yield hit(cooldown.at("default-days"), say="short", days=value)
