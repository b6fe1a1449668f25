"""Conditions that never change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.kinds.github.model import Action, Workflow
from readiness.kinds.github.texts import expressions, is_one_expression, text_at
from readiness.model import CheckOutcome, hit
from readiness.syntax import constant
from readiness.syntax.holes import has_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map

_BOOLEAN_LITERAL = re.compile(r"(?:\$\{\{\s*)?(?:true|false)(?:\s*\}\})?\Z")


def constant_conditions(file: Workflow | Action, *, literal: bool) -> CheckOutcome:
    """An `if` that is always true or always false; with `literal`, one that says so in plain words."""
    for way, node in _nodes_with_conditions(file):
        value = node.get("if")
        plain = isinstance(value, bool) or (isinstance(value, str) and bool(_BOOLEAN_LITERAL.match(value)))
        if plain is not literal:
            continue
        if isinstance(value, bool | int | float):
            yield hit(node.at("if"), where=way, value=str(bool(value)).lower())
            continue
        text = text_at(node, "if", file.source)
        result = constant_truth(text) if text is not None else None
        if result is not None:
            yield hit(node.at("if"), where=way, value=str(result).lower())


def _nodes_with_conditions(document: Workflow | Action) -> Iterator[tuple[str, Map]]:
    if isinstance(document, Action):
        for step in document.steps:
            yield f"step {step.name!r}", step.node
        return
    for job in document.jobs:
        yield f"job {job.name!r}", job.node
        snapshot = job.node.get("snapshot")
        if isinstance(snapshot, Map):
            yield f"the snapshot of job {job.name!r}", snapshot
        for step in job.steps:
            yield f"step {step.name!r}", step.node


def constant_truth(text: LocatedText) -> bool | None:
    """The truth of a condition that never changes; None for one that does.

    Text around `${{ }}` makes the whole a text, which is true whatever the expression says.
    """
    found = list(expressions(text, whole_text_is_expression=True))
    if any(not expression.is_closed for expression in found):
        return None
    if has_expression(text.value) and not is_one_expression(text.value):
        return True
    if len(found) != 1 or found[0].tree is None:
        return None
    result = constant.evaluate_constant(found[0].tree)
    return None if result is constant.NOT_CONSTANT else constant.is_truthy_in_expression(result)
