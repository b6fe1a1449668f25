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
from readiness.model import Hit, Outcome, Span
from readiness.model.messages import Value
from readiness.model.project import Project
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map, Seq


@dataclass(frozen=True, slots=True)
class Use:
    """An expression at its place: the keys that lead to it, and what it may use (None: nothing is said of it)."""

    way: tuple[Any, ...]
    place: str
    found: Expression
    scope: t.Scope | None
    wanted: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A fault of an expression: its code (syntax, call, undefined, unavailable, type), its place, its sentence's name and facts."""

    code: str
    span: Span
    say: str
    facts: Mapping[str, Value] = field(default_factory=dict)


def _faults(file: Workflow | Action, project: Project, *codes: str) -> Outcome:
    for fault in project.once(_expression_faults, file):
        if fault.code in codes:
            yield Hit(fault.span, fault.facts, say=fault.say)


def expression_invalid(file: Workflow | Action, *, project: Project) -> Outcome:
    """An expression that does not parse, or a function that is called as it cannot be."""
    yield from _faults(file, project, "syntax", "call")


def expression_name_undefined(file: Workflow | Action, *, project: Project) -> Outcome:
    """An expression that asks for a context or a property that is not there."""
    yield from _faults(file, project, "undefined")


def expression_context_unavailable(file: Workflow | Action, *, project: Project) -> Outcome:
    """An expression that uses a context or a function where GitHub has none."""
    yield from _faults(file, project, "unavailable")


def expression_type_wrong(file: Workflow | Action, *, project: Project) -> Outcome:
    """An expression whose value, or a value in it, is of another type than its place takes."""
    yield from _faults(file, project, "type")


def _expression_faults(file: Workflow | Action, project: Project) -> list[Found]:
    uses = (
        _workflow_expressions(file, project)
        if isinstance(file, Workflow)
        else _action_expressions(file, project)
    )
    return [fault for use in uses for fault in _check_types(use)]


def _check_types(use: Use) -> Iterator[Found]:
    if not use.found.closed:
        yield Found("syntax", use.found.span, "unclosed")
        return
    tree, error = use.found.parsed
    if error is not None:
        end = min(error.offset + 1, len(use.found.body))
        at = Span(min(error.offset, max(end - 1, 0)), end)
        span = use.found.place(at) if use.found.body.strip() else use.found.span
        yield Found("syntax", span, "unparsed", {"reason": error.message})
        return
    if tree is None or use.scope is None:
        return
    checker = t.Checker(use.scope)
    kind = checker.check(tree)
    for fault in checker.faults:
        yield Found(fault.code, use.found.place(fault.span), fault.say, fault.facts)
    if not checker.faults:
        yield from _wrong_type_effect(use, kind)


_ENV = ("object", "any")
_BOOLEAN = ("boolean", "any")
_NUMBER = ("number", "any")
_WANTED = {
    "env": _ENV,
    "jobs.*.env": _ENV,
    "jobs.*.steps.env": _ENV,
    "jobs.*.container.env": _ENV,
    "jobs.*.strategy.fail-fast": _BOOLEAN,
    "jobs.*.continue-on-error": _BOOLEAN,
    "jobs.*.steps.continue-on-error": _BOOLEAN,
    "jobs.*.strategy.max-parallel": _NUMBER,
    "jobs.*.timeout-minutes": _NUMBER,
    "jobs.*.steps.timeout-minutes": _NUMBER,
    "jobs.*.runs-on": ("string", "array", "number", "any"),
    "jobs.*.container.credentials": ("object", "any"),
    "jobs.*.services.*.credentials": ("object", "any"),
    "jobs.*.strategy.matrix": ("object", "any"),
}


# Where nothing but a text may stand, so that an object or a list alone is as wrong as within a text.
_TEXTS = re.compile(
    r"(?:\A|\.)(?:run|name|run-name|working-directory|shell|url|group|image)\Z|(?:\A|\.)(?:env|outputs)\.[^.]+\Z"
    r"|\Ajobs\.\*\.steps\.with\.[^.]+\Z"
)
_ASSIGNED = re.compile(r"\.(?:env|outputs|with)\.[^.]+\Z")  # `x || null` there means: nothing


def _is_text_place(use: Use) -> bool:
    return bool(_TEXTS.search(use.place))


def _wrong_type_effect(use: Use, kind: t.Type) -> Iterator[Found]:
    """What a value of the wrong type does at its place: an object in a text is no text."""
    alone = is_one_expression(use.found.text.value.strip())
    wanted = (use.wanted or _WANTED.get(use.place)) if alone else None
    if wanted is not None:
        if kind.name not in wanted:
            facts = {"key": use.place.rpartition(".")[2], "kind": kind.name_with_article}
            yield Found("type", use.found.span, "place", {**facts, "wanted": wanted[0]})
        return
    if not alone:
        in_text = use.place.rpartition(".")[2] != "if"
    else:
        in_text = _is_text_place(use) and (kind.name != "null" or not _ASSIGNED.search(use.place))
    if in_text and kind.name in ("object", "array", "null"):
        yield Found("type", use.found.span, kind.name)


def _workflow_expressions(workflow: Workflow, project: Project) -> Iterator[Use]:
    known = contexts.workflow_contexts(workflow, project)
    jobs = {job.name: job for job in workflow.jobs}
    scopes = _Scopes(workflow, known, jobs, project)
    for way, text in expanded_texts(workflow):
        place = contexts.expression_place(way)
        bare = _is_bare(way, place)
        if not bare and not has_expression(text.value):
            continue
        for expression in expressions(text, bare=bare):
            yield Use(way, place, expression, scopes.scope_at(way, place), scopes.wanted_types(way))


def _is_bare(way: tuple[Any, ...], place: str) -> bool:
    return way[-1] == "if" and place in (
        "jobs.*.if",
        "jobs.*.steps.if",
        "jobs.*.snapshot.if",
        "runs.steps.if",
    )


class _Scopes:
    """The scope at each place of a workflow, worked out once for each job and step."""

    def __init__(
        self, workflow: Workflow, known: dict[str, t.Type], jobs: dict[str, Job], project: Project
    ) -> None:
        self.workflow, self.known, self.jobs, self.project = workflow, known, jobs, project
        self.by_job: dict[str, dict[str, t.Type]] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.by_step: dict[str, list[tuple[int, str, t.Type]]] = {}

    def scope_at(self, way: tuple[Any, ...], place: str) -> t.Scope | None:
        allowed = contexts.available_contexts(place)
        if allowed is None:
            return None
        held = self.known
        if len(way) > 1 and way[0] == "jobs":
            held = self.job_contexts(str(way[1]))
            if place.startswith("jobs.*.steps") and len(way) > 3:
                held = {**held, "steps": self.steps_before(str(way[1]), way)}
        return t.Scope(held, allowed[0], allowed[1], place == "jobs.*.if")

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
                    "matrix": contexts.matrix_context(job),
                    "needs": contexts.needs_context(job, job.needs, self.project),
                    "steps": contexts.steps_context(job.steps, self.project),
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
            index = {
                id(node): at for at, node in enumerate(steps if isinstance(steps, Seq) else ())
            }
            self.by_step[name] = [(index.get(id(step), -1), own, kind) for step, own, kind in kinds]
        known = [(own, kind) for at, own, kind in self.by_step[name] if at < way[3]]
        return contexts.steps_type(known)


def _action_expressions(action: Action, project: Project) -> Iterator[Use]:
    runs = action.node.get("runs")
    if not isinstance(runs, Map) or action.using != "composite":
        return
    known = contexts.action_contexts(action)
    done: list[Any] = []
    for step in action.steps:
        held = {**known, "steps": contexts.steps_context(done, project)}
        done.append(step)
        for way, text in texts_below(step.node, step.source):
            full = ("runs", "steps", *way)
            place = contexts.expression_place(full)
            bare = way == ("if",)
            allowed = contexts.available_contexts(place)
            if allowed is None or (not bare and not has_expression(text.value)):
                continue
            for expression in expressions(text, bare=bare):
                yield Use(full, place, expression, t.Scope(held, allowed[0], allowed[1]))
