"""Expressions that the runner writes into code before the code runs.

https://docs.github.com/en/actions/concepts/security/script-injections
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.artifacts import is_from_foreign_artifact
from readiness.facts.actions import action_property
from readiness.facts.github import is_fixed_word_context, is_untrusted
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Job, Step
from readiness.kinds.github.runners import matrix_values
from readiness.kinds.github.texts import Expression, contains_expression, expressions, text_at
from readiness.model import CheckOutcome, Severity, hit
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

_BOOLEAN_FUNCTIONS = frozenset({"contains", "startswith", "endswith", "success", "failure", "always", "cancelled", "hashfiles"})


def code_texts(step: Step) -> Iterator[LocatedText]:
    """The texts of a step that are code."""
    run = step.run_script
    if run is not None:
        yield run
    used = step.parsed_uses
    if used is not None and used.reference_kind == "repository":
        wanted = action_property(used.slug, "code") or ()
        for key in step.with_inputs:
            if key.lower() in wanted:
                text = text_at(step.with_inputs, key, step.source)
                if text is not None:
                    yield text


def contexts_in_result(node: ex.Node) -> Iterator[tuple[ex.Node, tuple[str, ...]]]:
    """The contexts whose value can be what an expression gives; one that is only compared gives true or false."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, ex.Negation | ex.Literal):
            continue
        if isinstance(item, ex.BinaryOperation):
            if item.operator == "&&":
                stack.append(item.right)
                if not isinstance(item.left, ex.BinaryOperation | ex.Negation | ex.FunctionCall):
                    continue  # a plain value on the left decides, and is given only where it is empty
                stack.append(item.left)
            elif item.operator == "||":
                stack += [item.right, item.left]
            continue
        if isinstance(item, ex.FunctionCall):
            if item.name.lower() not in _BOOLEAN_FUNCTIONS:
                stack.extend(reversed(item.arguments))
            continue
        match = ex.access_path(item)
        if match is not None:
            yield item, match
        elif isinstance(item, ex.MemberAccess | ex.IndexAccess | ex.StarAccess):
            stack.append(item.owner)


def template_injection(step: Step, project: Project) -> CheckOutcome:
    """Text from outside that becomes a part of a script: of the event, or out of an artifact that a run of a fork made."""
    for text in code_texts(step):
        for expression in expressions(text):
            name = _untrusted_context(expression, step, 0) or _artifact_context(expression, step, project)
            if name is None:
                continue
            events = _events_filling_context(name, step)
            severity = Severity.HIGH
            if events is not None and events <= {"pull_request"}:
                severity = Severity.MEDIUM if events else Severity.LOW
            yield hit(expression.span_with_braces, severity=severity, context=name)


def _events_filling_context(context: str, step: Step) -> set[str] | None:
    """The events of a step's workflow that fill a context; None where a caller brings the event, or any may fill it.

    On `pull_request` alone the run of a fork holds no secret and a token that only reads; where no event of the workflow
    fills it, it is empty until somebody adds one.
    """
    workflow = step.workflow
    parts = context.split(".")
    key = parts[2] if parts[:2] == ["github", "event"] and len(parts) > 2 else parts[-1]
    known = {event for event, keys in fact_column("github-events", "payload").items() if key in keys}
    if workflow is None or not known or "workflow_call" in workflow.triggers:
        return None
    return known & set(workflow.triggers)


def _untrusted_context(expression: Expression, step: Step, depth: int) -> str | None:
    """The untrusted context that an expression gives, itself or through a variable."""
    if expression.tree is None:
        return None
    for _, path in contexts_in_result(expression.tree):
        if is_untrusted(path):
            return ".".join(path)
        if path[0] == "env" and len(path) == 2 and depth < 3:
            setting = step.expression_variable(path[1])
            text = setting.raw_text if setting is not None else None
            for inner in expressions(text) if text is not None else ():
                if (name := _untrusted_context(inner, step, depth + 1)) is not None:
                    return name
    return None


def _artifact_context(expression: Expression, step: Step, project: Project) -> str | None:
    """The context of an expression that holds what an outsider's artifact said."""
    paths = contexts_in_result(expression.tree) if expression.tree is not None else ()
    return next((".".join(path) for _, path in paths if is_from_foreign_artifact(path, step, project)), None)


def template_expansion(step: Step) -> CheckOutcome:
    """Any value that is not fixed and becomes a part of a script."""
    for text in code_texts(step):
        for expression in expressions(text):
            if expression.tree is None:
                continue
            for _, path in contexts_in_result(expression.tree):
                known = path[0] == "secrets" or is_untrusted(path)  # rules of their own speak of these
                if not known and not is_safe_context(step, path):
                    yield hit(expression.span_with_braces, context=".".join(path))
                    break


def is_safe_context(step: Step, context_path: tuple[str, ...]) -> bool:
    """Whether a context holds nothing that a shell could read as more than a word."""
    if is_fixed_word_context(".".join(context_path)):
        return True
    if context_path[0] == "env" and len(context_path) == 2:
        setting = step.expression_variable(context_path[1])
        return setting is not None and not contains_expression(setting.raw_value)
    if context_path[0] == "matrix" and len(context_path) >= 2 and isinstance(step.owner, Job):
        matrix = step.owner.node.mapping_at_path("strategy").get("matrix")
        values = matrix_values(step.owner.node, context_path[1])
        if not isinstance(matrix, Map) or contains_expression(matrix.get("include")):
            return False
        dynamic = any(contains_expression(v) for v in (matrix.get(context_path[1]),) if isinstance(v, str))
        return not dynamic and not any(_is_dynamic(value) for value, _ in values)
    return context_path[0] == "inputs" and _is_typed_input(step, context_path)


def _is_dynamic(value: object) -> bool:
    if isinstance(value, dict):
        return any(contains_expression(item) for item in value.values())
    return contains_expression(value)


def _is_typed_input(step: Step, context_path: tuple[str, ...]) -> bool:
    """Whether an input is declared as a number, a boolean or a choice."""
    workflow = step.workflow
    if workflow is None or len(context_path) < 2:
        return False
    kinds = set()
    for event in ("workflow_dispatch", "workflow_call"):
        declared = workflow.trigger_settings(event).get("inputs")
        for name, body in declared.items() if isinstance(declared, Map) else ():
            if name.lower() == context_path[1]:
                kinds.add(body.get("type") if isinstance(body, Map) else None)
    return bool(kinds) and kinds <= {"boolean", "number", "choice"}
