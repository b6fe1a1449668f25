"""Expressions in workflows and actions: do they parse, and is there what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from readiness.checks.ci.calls import input_type_by_name
from readiness.kinds.github import contexts
from readiness.kinds.github import types as t
from readiness.kinds.github.model import Action, Job, Workflow, expression_texts_with_key_paths
from readiness.kinds.github.texts import Expression, expressions_in_text, is_one_expression, located_texts_with_key_paths
from readiness.model import CheckOutcome, Hit, Severity, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.messages import FactValue
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax.holes import has_github_expression
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


def _expression_fault_hits(document: Workflow | Action, project: Project, *fault_codes: str) -> CheckOutcome:
    for expression_fault in project.memoize_for_subject(_expression_faults, document):
        if expression_fault.code in fault_codes:
            yield Hit(expression_fault.span, expression_fault.facts, message_name=expression_fault.say)


def expression_invalid(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that does not parse, or a function that is called as it cannot be."""
    yield from _expression_fault_hits(file, project, "syntax", "call")


def expression_name_undefined(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that asks for a context or a property that is not there.

    Low in the key of a cache, which is a key without it, too, and in a step that runs only where the matrix has the property.
    """
    cache_key_spans = _cache_key_spans(file)
    guarded_spans = _spans_and_matrix_conditions(file)
    for told in _expression_fault_hits(file, project, "undefined"):
        if isinstance(told, Hit) and told.message_name == "property":
            is_in_cache_key = any(one.start <= told.span.start < one.end for one in cache_key_spans)
            is_in_dead_step = any(
                step_span.start <= told.span.start < step_span.end
                and not condition_span.start <= told.span.start < condition_span.end
                and told.facts.get("path") in paths
                for step_span, condition_span, paths in guarded_spans
            )
            yield told._replace(severity=Severity.LOW) if is_in_cache_key or is_in_dead_step else told
        else:
            yield told


def _spans_and_matrix_conditions(file: Workflow | Action) -> list[tuple[Span, Span, frozenset[str]]]:
    """Where steps stand that run only under a condition, where that stands, and the properties of the matrix all of which have to be true for it."""
    spans_and_paths = []
    for step in file.steps if isinstance(file, Workflow) else ():
        condition = step.node.get("if")
        if not isinstance(condition, str) or "||" in condition or "matrix." not in condition:
            continue
        terms = condition.strip().removeprefix("${{").removesuffix("}}").split("&&")
        spans_and_paths.append((step.node.at(), step.node.at("if"), frozenset(one.strip() for one in terms if one.strip().startswith("matrix."))))
    return spans_and_paths


def _cache_key_spans(file: Workflow | Action) -> list[Span]:
    """Where the keys of caches stand that steps keep."""
    return [
        step.with_inputs.at(input_name)
        for step in file.steps
        if step.parsed_uses is not None and step.parsed_uses.slug == "actions/cache"
        for input_name in ("key", "restore-keys")
        if input_name in step.with_inputs
    ]


def expression_context_unavailable(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression that uses a context or a function where GitHub has none."""
    yield from _expression_fault_hits(file, project, "unavailable")


def expression_type_wrong(file: Workflow | Action, *, project: Project) -> CheckOutcome:
    """An expression whose value, or a value in it, is of another type than its place takes."""
    yield from _expression_fault_hits(file, project, "type")


def _expression_faults(document: Workflow | Action, project: Project) -> list[ExpressionFault]:
    expression_uses = _workflow_expressions(document, project) if isinstance(document, Workflow) else _action_expressions(document, project)
    return [fault for use in expression_uses for fault in _faults_of_use(use)]


def _faults_of_use(expression_use: ExpressionUse) -> Iterator[ExpressionFault]:
    if not expression_use.expression.is_closed:
        yield ExpressionFault("syntax", expression_use.expression.span_with_braces, "unclosed")
        return
    syntax_tree, syntax_error = expression_use.expression.tree_and_error
    if syntax_error is not None:
        error_end = min(syntax_error.offset + 1, len(expression_use.expression.inner_text))
        error_span = Span(min(syntax_error.offset, max(error_end - 1, 0)), error_end)
        source_span = (
            expression_use.expression.to_source_span(error_span)
            if expression_use.expression.inner_text.strip()
            else expression_use.expression.span_with_braces
        )
        yield ExpressionFault("syntax", source_span, "unparsed", {"reason": syntax_error.message})
        return
    if syntax_tree is None or expression_use.scope is None:
        return
    type_checker = t.ExpressionTypeChecker(expression_use.scope)
    result_type = type_checker.type_of_node(syntax_tree)
    for type_fault in type_checker.faults:
        yield ExpressionFault(type_fault.code, expression_use.expression.to_source_span(type_fault.span), type_fault.say, type_fault.facts)
    if not type_checker.faults:
        yield from _wrong_type_faults(expression_use, result_type)


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
_TEXT_LOCATION_KEY = lazy_regex(
    r"(?:\A|\.)(?:run|name|run-name|working-directory|shell|url|group|image)\Z|(?:\A|\.)(?:env|outputs)\.[^.]+\Z"
    r"|\Ajobs\.\*\.steps\.with\.[^.]+\Z"
)
_ASSIGNED_VALUE_LOCATION_KEY = lazy_regex(r"\.(?:env|outputs|with)\.[^.]+\Z")  # `x || null` there means: nothing


def _is_text_location(expression_use: ExpressionUse) -> bool:
    return bool(_TEXT_LOCATION_KEY.search(expression_use.location_key))


def _wrong_type_faults(expression_use: ExpressionUse, result_type: t.Type) -> Iterator[ExpressionFault]:
    """What a value of the wrong type does at its place: an object in a text is no text."""
    is_whole_value = is_one_expression(expression_use.expression.text.value.strip())
    expected_type_names = (expression_use.expected_types or _EXPECTED_TYPES_BY_LOCATION.get(expression_use.location_key)) if is_whole_value else None
    if expected_type_names is not None:
        if result_type.name not in expected_type_names:
            message_facts = {"key": expression_use.location_key.rpartition(".")[2], "kind": result_type.name_with_article}
            yield ExpressionFault("type", expression_use.expression.span_with_braces, "place", {**message_facts, "wanted": expected_type_names[0]})
        return
    if not is_whole_value:
        is_used_as_text = expression_use.location_key.rpartition(".")[2] != "if"
    else:
        is_used_as_text = _is_text_location(expression_use) and (
            result_type.name != "null" or not _ASSIGNED_VALUE_LOCATION_KEY.search(expression_use.location_key)
        )
    if is_used_as_text and result_type.name in ("object", "array", "null"):
        yield ExpressionFault("type", expression_use.expression.span_with_braces, result_type.name)


def _workflow_expressions(workflow: Workflow, project: Project) -> Iterator[ExpressionUse]:
    workflow_context_types = contexts.workflow_context_types_by_name(workflow, project)
    job_by_name = {job.name: job for job in workflow.jobs}
    workflow_scopes = _WorkflowScopes(workflow, workflow_context_types, job_by_name, project)
    for key_path, located_text in expression_texts_with_key_paths(workflow):
        location_key = contexts.expression_location_key(key_path)
        may_omit_braces = _may_omit_braces(key_path, location_key)
        if not may_omit_braces and not has_github_expression(located_text.value):
            continue
        for expression in expressions_in_text(located_text, whole_text_is_expression=may_omit_braces):
            yield ExpressionUse(
                key_path,
                location_key,
                expression,
                workflow_scopes.scope_at(key_path, location_key),
                workflow_scopes.wanted_types(key_path),
            )


def _may_omit_braces(key_path: tuple[Any, ...], location_key: str) -> bool:
    return key_path[-1] == "if" and location_key in (
        "jobs.*.if",
        "jobs.*.steps.if",
        "jobs.*.snapshot.if",
        "runs.steps.if",
    )


class _WorkflowScopes:
    """The scope at each place of a workflow, worked out once for each job and step."""

    def __init__(self, workflow: Workflow, workflow_context_types: dict[str, t.Type], job_by_name: dict[str, Job], project: Project) -> None:
        self.workflow, self.known, self.jobs, self.project = workflow, workflow_context_types, job_by_name, project
        self.by_job: dict[str, dict[str, t.Type]] = {}
        self.inputs: dict[str, dict[str, str]] = {}
        self.by_step: dict[str, list[tuple[int, str, t.Type]]] = {}

    def scope_at(self, way: tuple[Any, ...], place: str) -> t.ExpressionScope | None:
        available_names = contexts.contexts_and_functions_at_location(place)
        if available_names is None:
            return None
        context_types = self.known
        if len(way) > 1 and way[0] == "jobs":
            context_types = self.job_contexts(str(way[1]))
            if place.startswith("jobs.*.steps") and len(way) > 3:
                context_types = {**context_types, "steps": self.steps_before(str(way[1]), way)}
        return t.ExpressionScope(context_types, available_names[0], available_names[1], place == "jobs.*.if")

    def wanted_types(self, way: tuple[Any, ...]) -> tuple[str, ...] | None:
        """The types that an input of a called workflow takes: GitHub makes no number or boolean of a text."""
        job = self.jobs.get(str(way[1])) if len(way) == 4 and way[2] == "with" else None
        if job is None or not job.calls:
            return None
        if job.name not in self.inputs:
            self.inputs[job.name] = input_type_by_name(job, self.project)
        input_type = self.inputs[job.name].get(str(way[3]).lower())
        return (input_type, "any") if input_type in ("number", "boolean") else None

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
            steps_with_types = contexts.typed_steps_with_id(job.steps, self.project)
            step_nodes = job.node.get("steps")
            index_by_node_id = {id(node): at for at, node in enumerate(step_nodes if isinstance(step_nodes, Seq) else ())}
            self.by_step[name] = [(index_by_node_id.get(id(step), -1), own, kind) for step, own, kind in steps_with_types]
        earlier_steps = [(own, kind) for at, own, kind in self.by_step[name] if at < way[3]]
        return contexts.steps_context_type_from_pairs(earlier_steps)


def _action_expressions(action: Action, project: Project) -> Iterator[ExpressionUse]:
    runs_section = action.node.get("runs")
    if not isinstance(runs_section, Map) or action.using != "composite":
        return
    action_context_types = contexts.action_context_types_by_name(action)
    earlier_steps: list[Any] = []
    for step in action.steps:
        context_types = {**action_context_types, "steps": contexts.steps_context_type(earlier_steps, project)}
        earlier_steps.append(step)
        for step_key_path, located_text in located_texts_with_key_paths(step.node, step.source):
            full_key_path = ("runs", "steps", *step_key_path)
            location_key = contexts.expression_location_key(full_key_path)
            is_if_condition = step_key_path == ("if",)
            available_names = contexts.contexts_and_functions_at_location(location_key)
            if available_names is None or (not is_if_condition and not has_github_expression(located_text.value)):
                continue
            for expression in expressions_in_text(located_text, whole_text_is_expression=is_if_condition):
                yield ExpressionUse(
                    full_key_path,
                    location_key,
                    expression,
                    t.ExpressionScope(context_types, available_names[0], available_names[1]),
                )
