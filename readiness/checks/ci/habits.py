"""Features that are better not used, and things that a workflow could do more plainly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.facts.actions import action_property
from readiness.kinds.dependabot import Update
from readiness.kinds.github.model import Action, Job, Step, Workflow, expression_texts_with_key_paths
from readiness.kinds.github.texts import expressions_in_text
from readiness.model import CheckOutcome, hit, missing
from readiness.syntax import constant
from readiness.syntax import expression as ex
from readiness.syntax.holes import has_github_expression
from readiness.syntax.yaml import Map

_USUAL_SHELL_NAMES = frozenset({"bash", "sh", "pwsh", "powershell", "python"})


def shell_unusual(file: Workflow | Action) -> CheckOutcome:
    """`cmd` and home-made shells, and `pip-install` of setup-python."""
    all_steps = [step for owner in _jobs_or_action_with_steps(file) for step in owner.steps]
    for node_with_shell in (*_run_defaults_mappings(file), *(step.node for step in all_steps)):
        unusual_shell = _unusual_shell_name(node_with_shell.string_under("shell"))
        if unusual_shell == "cmd":
            yield hit(node_with_shell.at("shell"), say="cmd")
        elif unusual_shell:
            yield hit(node_with_shell.at("shell"), say="unknown", shell=unusual_shell)
    for step in all_steps:
        is_setup_python = step.parsed_uses is not None and step.parsed_uses.slug == "actions/setup-python"
        if is_setup_python and "pip-install" in step.with_inputs:
            yield hit(step.with_inputs.key_span("pip-install"), say="pip-install")


def _jobs_or_action_with_steps(document: Workflow | Action) -> Sequence[Job | Action]:
    return document.jobs if isinstance(document, Workflow) else (document,)


def _run_defaults_mappings(document: Workflow | Action) -> Iterator[Map]:
    """Where a workflow and its jobs may name a shell for all steps."""
    if isinstance(document, Workflow):
        for workflow_or_job_node in (document.node, *(job.node for job in document.jobs)):
            yield workflow_or_job_node.mapping_at_path("defaults", "run")


def _unusual_shell_name(shell_setting: str) -> str:
    """The name of a shell that is unusual; empty where it is not, and where an expression names it."""
    if not shell_setting.strip() or has_github_expression(shell_setting):
        return ""
    program_name = shell_setting.split(maxsplit=1)[0].rpartition("/")[2].lower()
    return "" if program_name in _USUAL_SHELL_NAMES else program_name


def expression_needless(file: Workflow | Action) -> CheckOutcome:
    """An expression, or a part of one, whose value is fixed."""
    for key_path, located_text in expression_texts_with_key_paths(file):
        if key_path[-1] == "if" or key_path[-1] in ("image", "default"):
            continue
        for expression in expressions_in_text(located_text):
            if expression.tree is None:
                continue
            pending_nodes: list[ex.ExpressionNode] = [expression.tree]
            while pending_nodes:
                expression_node = pending_nodes.pop()
                if isinstance(expression_node, ex.Literal) and expression_node is not expression.tree:
                    continue
                if _is_constant_scalar(expression_node):
                    yield hit(
                        expression.to_source_span(expression_node.span) if expression_node is not expression.tree else expression.span_with_braces
                    )
                    break
                pending_nodes.extend(reversed(ex.child_nodes(expression_node)))


def _is_constant_scalar(expression_node: ex.ExpressionNode) -> bool:
    """Whether a node is constant and its value a plain one, as `fromJSON('[...]')` is not."""
    constant_value = constant.evaluate_constant(expression_node)
    if isinstance(expression_node, ex.FunctionCall) and expression_node.name.lower() in ("fromjson", "tojson"):
        return False
    return constant_value is not constant.NOT_CONSTANT and not isinstance(constant_value, list | dict)


def action_superfluous(step: Step) -> CheckOutcome:
    """An action from outside for what the runner has built in."""
    uses_reference = step.parsed_uses
    is_repository_action = uses_reference is not None and uses_reference.reference_kind == "repository"
    replacement = action_property(uses_reference.slug, "built-in") if uses_reference is not None and is_repository_action else None
    if uses_reference is not None and replacement:
        yield hit(step.node.at("uses"), action=uses_reference.slug, instead=replacement)


def name_missing(workflow: Workflow) -> CheckOutcome:
    """A workflow or a job without a name."""
    if "name" not in workflow.node:
        yield missing(workflow.node.key_span("on"), what="the workflow")
    for job in workflow.jobs:
        if "name" not in job.node:
            yield missing(job.id_span, resource=job.resource, what=f"job {job.name!r}")


def dispatch_inputs(workflow: Workflow) -> CheckOutcome:
    """A manual start that takes inputs."""
    dispatch_trigger = workflow.triggers.get("workflow_dispatch")
    if isinstance(dispatch_trigger, Map) and isinstance(dispatch_trigger.get("inputs"), Map) and dispatch_trigger["inputs"]:
        yield hit(dispatch_trigger.key_span("inputs"))


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
        ecosystem_span = update.node.at("package-ecosystem")
        yield missing(ecosystem_span, say="none")
        return
    if "default-days" not in cooldown:
        yield missing(update.node.key_span("cooldown"), say="no-default")
        return
    default_days = cooldown["default-days"]
    if isinstance(default_days, int) and not isinstance(default_days, bool) and default_days < days:
        yield hit(cooldown.at("default-days"), say="short", days=default_days)
