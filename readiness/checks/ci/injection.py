"""Expressions that the runner writes into code before the code runs.

https://docs.github.com/en/actions/concepts/security/script-injections
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.artifacts import may_hold_foreign_artifact_content
from readiness.checks.ci.outsiders import OutsiderChance, chance_to_start
from readiness.facts.actions import action_property
from readiness.facts.github import is_fixed_word_context, is_untrusted_context
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.callers import events_that_start_step
from readiness.kinds.github.model import Job, Step
from readiness.kinds.github.runners import matrix_values_with_spans
from readiness.kinds.github.texts import Expression, expressions_in_text, is_text_with_expression, located_text_at
from readiness.model import CheckOutcome, Severity, hit
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

_SAFE_RESULT_FUNCTIONS = frozenset({"contains", "startswith", "endswith", "success", "failure", "always", "cancelled", "hashfiles"})


def code_texts(step: Step) -> Iterator[LocatedText]:
    """The texts of a step that are code."""
    run_script = step.run_script
    if run_script is not None:
        yield run_script
    uses_reference = step.parsed_uses
    if uses_reference is not None and uses_reference.reference_kind == "repository":
        code_input_names = action_property(uses_reference.slug, "code") or ()
        for input_name in step.with_inputs:
            if input_name.lower() in code_input_names:
                input_text = located_text_at(step.with_inputs, input_name, step.source)
                if input_text is not None:
                    yield input_text


def contexts_in_result(node: ex.ExpressionNode) -> Iterator[tuple[ex.ExpressionNode, tuple[str, ...]]]:
    """The contexts whose value can be what an expression gives; one that is only compared gives true or false."""
    pending_nodes = [node]
    while pending_nodes:
        expression_node = pending_nodes.pop()
        if isinstance(expression_node, ex.Negation | ex.Literal):
            continue
        if isinstance(expression_node, ex.BinaryOperation):
            if expression_node.operator == "&&":
                pending_nodes.append(expression_node.right)
                if not isinstance(expression_node.left, ex.BinaryOperation | ex.Negation | ex.FunctionCall):
                    continue  # a plain value on the left decides, and is given only where it is empty
                pending_nodes.append(expression_node.left)
            elif expression_node.operator == "||":
                pending_nodes += [expression_node.right, expression_node.left]
            continue
        if isinstance(expression_node, ex.FunctionCall):
            if expression_node.name.lower() not in _SAFE_RESULT_FUNCTIONS:
                pending_nodes.extend(reversed(expression_node.arguments))
            continue
        context_path = ex.lowercase_access_path(expression_node)
        if context_path is not None:
            yield expression_node, context_path
        elif isinstance(expression_node, ex.MemberAccess | ex.IndexAccess | ex.StarAccess):
            pending_nodes.append(expression_node.owner)


def template_injection(step: Step, project: Project) -> CheckOutcome:
    """Text from outside that becomes a part of a script: of the event, or out of an artifact that a run of a fork made."""
    for code_text in code_texts(step):
        for expression in expressions_in_text(code_text):
            context_name = _untrusted_context(expression, step, 0) or _foreign_artifact_context(expression, step, project)
            if context_name is None:
                continue
            filling_events = _events_filling_context(context_name, step, project)
            severity = Severity.HIGH
            if filling_events is not None and filling_events <= {"pull_request"}:
                severity = Severity.MEDIUM if filling_events else Severity.LOW
            elif filling_events == {"workflow_run"} and _is_started_by_insiders(step, "workflow_run", project):
                severity = Severity.MEDIUM  # who may write to the repository names its branches
            yield hit(expression.span_with_braces, severity=severity, context=context_name)


def _is_started_by_insiders(step: Step, event: str, project: Project) -> bool:
    """Whether no outsider brings an event about that gets as far as a step of a workflow which it starts itself."""
    workflow = step.workflow
    return workflow is not None and event in workflow.triggers and chance_to_start(step, event, project) is OutsiderChance.NO


def _events_filling_context(context_name: str, step: Step, project: Project) -> set[str] | None:
    """The events that start a step, itself or by a caller, and fill a context; None where no file tells, or any event may fill it.

    On `pull_request` alone the run of a fork holds no secret and a token that only reads; where no event of the workflow
    fills it, it is empty until somebody adds one.
    """
    context_parts = context_name.split(".")
    payload_key = context_parts[2] if context_parts[:2] == ["github", "event"] and len(context_parts) > 2 else context_parts[-1]
    filling_events = {event for event, keys in property_by_fact_name("github-events", "payload").items() if payload_key in keys}
    starting_events = events_that_start_step(step, project)
    if starting_events is None or not filling_events:
        return None
    return filling_events & starting_events


def _untrusted_context(expression: Expression, step: Step, variable_depth: int) -> str | None:
    """The untrusted context that an expression gives, itself or through a variable."""
    if expression.tree is None:
        return None
    for _, context_path in contexts_in_result(expression.tree):
        if is_untrusted_context(context_path):
            return ".".join(context_path)
        if context_path[0] == "env" and len(context_path) == 2 and variable_depth < 3:
            variable_setting = step.expression_variable(context_path[1])
            variable_text = variable_setting.raw_text if variable_setting is not None else None
            for inner_expression in expressions_in_text(variable_text) if variable_text is not None else ():
                if (context_name := _untrusted_context(inner_expression, step, variable_depth + 1)) is not None:
                    return context_name
    return None


def _foreign_artifact_context(expression: Expression, step: Step, project: Project) -> str | None:
    """The context of an expression that holds what an outsider's artifact said."""
    context_paths = contexts_in_result(expression.tree) if expression.tree is not None else ()
    return next((".".join(path) for _, path in context_paths if may_hold_foreign_artifact_content(path, step, project)), None)


def template_expansion(step: Step) -> CheckOutcome:
    """Any value that is not fixed and becomes a part of a script."""
    for code_text in code_texts(step):
        for expression in expressions_in_text(code_text):
            if expression.tree is None:
                continue
            for _, context_path in contexts_in_result(expression.tree):
                has_own_rule = context_path[0] == "secrets" or is_untrusted_context(context_path)  # rules of their own speak of these
                if not has_own_rule and not is_safe_context(step, context_path):
                    yield hit(expression.span_with_braces, context=".".join(context_path))
                    break


def is_safe_context(step: Step, context_path: tuple[str, ...]) -> bool:
    """Whether a context holds nothing that a shell could read as more than a word."""
    if is_fixed_word_context(".".join(context_path)):
        return True
    if context_path[0] == "env" and len(context_path) == 2:
        variable_setting = step.expression_variable(context_path[1])
        return variable_setting is not None and not is_text_with_expression(variable_setting.raw_value)
    if context_path[0] == "matrix" and len(context_path) >= 2 and isinstance(step.owner, Job):
        matrix = step.owner.node.mapping_at_path("strategy").get("matrix")
        matrix_axis_values = matrix_values_with_spans(step.owner.node, context_path[1])
        if not isinstance(matrix, Map) or is_text_with_expression(matrix.get("include")):
            return False
        is_axis_from_expression = any(is_text_with_expression(v) for v in (matrix.get(context_path[1]),) if isinstance(v, str))
        return not is_axis_from_expression and not any(_has_expression_in_matrix_value(value) for value, _ in matrix_axis_values)
    return context_path[0] == "inputs" and _is_typed_input(step, context_path)


def _has_expression_in_matrix_value(matrix_value: object) -> bool:
    if isinstance(matrix_value, dict):
        return any(is_text_with_expression(item) for item in matrix_value.values())
    return is_text_with_expression(matrix_value)


def _is_typed_input(step: Step, context_path: tuple[str, ...]) -> bool:
    """Whether an input is declared as a number, a boolean or a choice."""
    workflow = step.workflow
    if workflow is None or len(context_path) < 2:
        return False
    declared_types = set()
    for event in ("workflow_dispatch", "workflow_call"):
        declared_inputs = workflow.trigger_settings(event).get("inputs")
        for input_name, input_spec in declared_inputs.items() if isinstance(declared_inputs, Map) else ():
            if input_name.lower() == context_path[1]:
                declared_types.add(input_spec.get("type") if isinstance(input_spec, Map) else None)
    return bool(declared_types) and declared_types <= {"boolean", "number", "choice"}
