"""Conditions that never change."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.kinds.github.model import Action, Workflow
from readiness.kinds.github.texts import expressions_in_text, is_one_expression, located_text_at
from readiness.model import CheckOutcome, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import constant
from readiness.syntax.holes import has_github_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

_BOOLEAN_LITERAL_CONDITION = lazy_regex(r"(?:\$\{\{\s*)?(?:true|false)(?:\s*\}\})?\Z")


def constant_conditions(file: Workflow | Action, *, literal: bool) -> CheckOutcome:
    """An `if` that is always true or always false; with `literal`, one that says so in plain words."""
    for owner_name, node_with_condition in _nodes_with_possible_condition(file):
        condition = node_with_condition.get("if")
        is_boolean_literal = isinstance(condition, bool) or (isinstance(condition, str) and bool(_BOOLEAN_LITERAL_CONDITION.match(condition)))
        if is_boolean_literal is not literal:
            continue
        if isinstance(condition, bool | int | float):
            yield hit(node_with_condition.at("if"), where=owner_name, value=str(bool(condition)).lower())
            continue
        condition_text = located_text_at(node_with_condition, "if", file.source)
        truth = truth_of_constant_condition(condition_text) if condition_text is not None else None
        if truth is not None:
            yield hit(node_with_condition.at("if"), where=owner_name, value=str(truth).lower())


def _nodes_with_possible_condition(document: Workflow | Action) -> Iterator[tuple[str, Map]]:
    if isinstance(document, Action):
        for step in document.steps:
            yield f"step {step.name!r}", step.node
        return
    for job in document.jobs:
        yield f"job {job.name!r}", job.node
        snapshot_node = job.node.get("snapshot")
        if isinstance(snapshot_node, Map):
            yield f"the snapshot of job {job.name!r}", snapshot_node
        for step in job.steps:
            yield f"step {step.name!r}", step.node


def truth_of_constant_condition(text: LocatedText) -> bool | None:
    """The truth of a condition that never changes; None for one that does.

    Text around `${{ }}` makes the whole a text, which is true whatever the expression says.
    """
    condition_expressions = list(expressions_in_text(text, whole_text_is_expression=True))
    if any(not expression.is_closed for expression in condition_expressions):
        return None
    if has_github_expression(text.value) and not is_one_expression(text.value):
        return True
    if len(condition_expressions) != 1 or condition_expressions[0].tree is None:
        return None
    constant_value = constant.evaluate_constant(condition_expressions[0].tree)
    return None if constant_value is constant.NOT_CONSTANT else constant.is_truthy_in_expression(constant_value)
