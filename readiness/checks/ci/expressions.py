"""Expressions in workflows and actions: do they parse, and is there what they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.checks.ci.calls import input_types
from readiness.kinds.github import contexts
from readiness.kinds.github import types as t
from readiness.kinds.github.model import Action, Job, Workflow, expanded_texts
from readiness.kinds.github.texts import Expression, expressions, is_one_expression, texts_below
from readiness.model import CheckOutcome, Hit, Span
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class ExpressionUse:
    """An expression at its place: the keys that lead to it, and what it may use (None: nothing is said of it)."""

    key_path: tuple[Any, ...]
    location_key: str
    expression: Expression
    scope: t.ExpressionScope | None
    expected_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ExpressionFault:
    """A fault of an expression: its code (syntax, call, undefined, unavailable, type), its place, its sentence's name and facts."""

    code: str
    span: Span
    say: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)


def _faults(file: Workflow | Action, project: Project, *codes: str) -> CheckOutcome:
    for fault in project.memoize_for_subject(_expression_faults, file):
        if fault.code in codes:
            yield Hit(fault.span, fault.facts, message_name=fault.say)


def expression_invalid(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that does not parse, or a function that is called as it cannot be."""
    yield from _faults(file, project, "syntax", "call")


def expression_name_undefined(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that asks for a context or a property that is not there."""
    yield from _faults(file, project, "undefined")


def expression_context_unavailable(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that uses a context or a function where GitHub has none."""
    yield from _faults(file, project, "unavailable")


def expression_type_wrong(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression whose value, or a value in it, is of another type than its place takes."""
    yield from _faults(file, project, "type")


def _expression_faults(document: Workflow | Action, project: Project) -> list[ExpressionFault]:
    uses = (
        _workflow_expressions(document, project) if isinstance(document, Workflow) else _action_expressions(document, project)
    )
    return [fault for use in uses for fault in _faults_of_use(use)]


def _faults_of_use(use: ExpressionUse) -> Iterator[ExpressionFault]:
    if not use.expression.is_closed:
        yield ExpressionFault("syntax", use.expression.span_with_braces, "unclosed")
        return
    tree, error = use.expression.tree_and_error
    if error is not None:
        end = min(error.offset + 1, len(use.expression.inner_text))
        at = Span(min(error.offset, max(end - 1, 0)), end)
        span = use.expression.to_source_span(at) if use.expression.inner_text.strip() else use.expression.span_with_braces
        yield ExpressionFault("syntax", span, "unparsed", {"reason": error.message})
        return
    if tree is None or use.scope is None:
        return
    checker = t.ExpressionTypeChecker(use.scope)
    kind = checker.type_of_node(tree)
    for fault in checker.faults:
        yield ExpressionFault(fault.code, use.expression.to_source_span(fault.span), fault.say, fault.facts)
    if not checker.faults:
        yield from _wrong_type_effect(use, kind)


_OBJECT_TYPES = ("object", "any")
_BOOLEAN_TYPES = ("boolean", "any")
_NUMBER_TYPES = ("number", "any")
_EXPECTED_TYPES_BY_LOCATION = {
    "env": _OBJECT_TYPES,
    "jobs.*.env": _OBJECT_TYPES,
    "jobs.*.steps.env": _OBJECT_TYPES,
    "jobs.*.container.env": _OBJECT_TYPES,
    "jobs.*.strategy.fail-fast": _BOOLEAN_TYPES,
    "jobs.*.continue-on-error": _BOOLEAN_TYPES,
    "jobs.*.steps.continue-on-error": _BOOLEAN_TYPES,
    "jobs.*.strategy.max-parallel": _NUMBER_TYPES,
    "jobs.*.timeout-minutes": _NUMBER_TYPES,
    "jobs.*.steps.timeout-minutes": _NUMBER_TYPES,
    "jobs.*.runs-on": ("string", "array", "number", "any"),
    "jobs.*.container.credentials": ("object", "any"),
    "jobs.*.services.*.credentials": ("object", "any"),
    "jobs.*.strategy.matrix": ("object", "any"),
}


# Where nothing but a text may stand, so that an object or a list alone is as wrong as within a text.
_TEXT_LOCATION = re.compile(
    r"(?:\A|\.)(?:run|name|run-name|working-directory|shell|url|group|image)\Z|(?:\A|\.)(?:env|outputs)\.[^.]+\Z"
    r"|\Ajobs\.\*\.steps\.with\.[^.]+\Z"
)
_ASSIGNED_LOCATION = re.compile(r"\.(?:env|outputs|with)\.[^.]+\Z")  # `x || null` there means: nothing


def _is_text_place(use: ExpressionUse) -> bool:
    return bool(_TEXT_LOCATION.search(use.location_key))


def _wrong_type_effect(use: ExpressionUse, kind: t.Type) -> Iterator[ExpressionFault]:
    """What a value of the wrong type does at its place: an object in a text is no text."""
    alone = is_one_expression(use.expression.text.value.strip())
    wanted = (use.expected_types or _EXPECTED_TYPES_BY_LOCATION.get(use.location_key)) if alone else None
    if wanted is not None:
        if kind.name not in wanted:
            facts = {"key": use.location_key.rpartition(".")[2], "kind": kind.name_with_article}
            yield ExpressionFault("type", use.expression.span_with_braces, "place", {**facts, "wanted": wanted[0]})
        return
    if not alone:
        in_text = use.location_key.rpartition(".")[2] != "if"
    else:
        in_text = _is_text_place(use) and (kind.name != "null" or not _ASSIGNED_LOCATION.search(use.location_key))
    if in_text and kind.name in ("object", "array", "null"):
        yield ExpressionFault("type", use.expression.span_with_braces, kind.name)


def _workflow_expressions(workflow: Workflow, project: Project) -> Iterator[ExpressionUse]:
    known = contexts.workflow_contexts(workflow, project)
    jobs = {job.name: job for job in workflow.jobs}
    scopes = _WorkflowScopes(workflow, known, jobs, project)
    for way, text in expanded_texts(workflow):
        place = contexts.expression_location_key(way)
        bare = _may_omit_braces(way, place)
        if not bare and not has_expression(text.value):
            continue
        for expression in expressions(text, whole_text_is_expression=bare):
            yield ExpressionUse(way, place, expression, scopes.scope_at(way, place), scopes.wanted_types(way))


def _may_omit_braces(key_path: tuple[Any, ...], location_key: str) -> bool:
    return key_path[-1] == "if" and location_key in (
        "jobs.*.if",
        "jobs.*.steps.if",
        "jobs.*.snapshot.if",
        "runs.steps.if",
    )


class _WorkflowScopes:
    """The scope at each place of a workflow, worked out once for each job and step."""

    def __init__(self, workflow: Workflow, known: dict[str, t.Type], jobs: dict[str, Job], project: Project) -> None:
        self.workflow, self.known, self.jobs, self.project = workflow, known, jobs, project
        self.by_job: dict[str, dict[str, t.Type]] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.by_step: dict[str, list[tuple[int, str, t.Type]]] = {}

    def scope_at(self, way: tuple[Any, ...], place: str) -> t.ExpressionScope | None:
        allowed = contexts.available_contexts(place)
        if allowed is None:
            return None
        held = self.known
        if len(way) > 1 and way[0] == "jobs":
            held = self.job_contexts(str(way[1]))
            if place.startswith("jobs.*.steps") and len(way) > 3:
                held = {**held, "steps": self.steps_before(str(way[1]), way)}
        return t.ExpressionScope(held, allowed[0], allowed[1], place == "jobs.*.if")

    def wanted_types(self, way: tuple[Any, ...]) -> tuple[str, ...] | None:
        """The types that an input of a called workflow takes: GitHub makes no number or boolean of a text."""
        job = self.jobs.get(str(way[1])) if len(way) == 4 and way[2] == "with" else None
        if job is None or not job.calls:
            return None
        if job.name not in self.inputs:
            self.inputs[job.name] = input_types(job, self.project)
        kind = self.inputs[job.name].get(str(way[3]).lower())
        return (kind, "any") if kind in ("number", "boolean") else None

    def job_contexts(self, name: str) -> dict[str, t.Type]:
        if name not in self.by_job:
            job = self.jobs.get(name)
            if job is None:
                self.by_job[name] = {**self.known, "matrix": t.ANY, "needs": t.ANY, "steps": t.ANY}
            else:
                self.by_job[name] = {
                    **self.known,
                    "matrix": contexts.matrix_context_type(job),
                    "needs": contexts.needs_context_type(job, job.needs, self.project),
                    "steps": contexts.steps_context_type(job.steps, self.project),
                }
        return self.by_job[name]

    def steps_before(self, name: str, way: tuple[Any, ...]) -> t.Type:
        """The steps that have run before the one at `way`; in a `parallel` group nobody can tell the order."""
        job = self.jobs.get(name)
        if job is None or not isinstance(way[3], int) or "parallel" in way:
            return t.ANY
        if name not in self.by_step:
            kinds = contexts.steps_with_id(job.steps, self.project)
            steps = job.node.get("steps")
            index = {id(node): at for at, node in enumerate(steps if isinstance(steps, Seq) else ())}
            self.by_step[name] = [(index.get(id(step), -1), own, kind) for step, own, kind in kinds]
        known = [(own, kind) for at, own, kind in self.by_step[name] if at < way[3]]
        return contexts.steps_type(known)


def _action_expressions(action: Action, project: Project) -> Iterator[ExpressionUse]:
    runs = action.node.get("runs")
    if not isinstance(runs, Map) or action.using != "composite":
        return
    known = contexts.action_contexts(action)
    done: list[Any] = []
    for step in action.steps:
        held = {**known, "steps": contexts.steps_context_type(done, project)}
        done.append(step)
        for way, text in texts_below(step.node, step.source):
            full = ("runs", "steps", *way)
            place = contexts.expression_location_key(full)
            bare = way == ("if",)
            allowed = contexts.available_contexts(place)
            if allowed is None or (not bare and not has_expression(text.value)):
                continue
            for expression in expressions(text, whole_text_is_expression=bare):
                yield ExpressionUse(full, place, expression, t.ExpressionScope(held, allowed[0], allowed[1]))
