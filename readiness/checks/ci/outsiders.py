"""Whether somebody from outside can start a job or a step, by the events and the conditions on the way to it.

An outsider opens pull requests from a fork and writes comments. Labels, reviews and runs of commands by members are acts of
people inside, which may come.
https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator
from typing import Any

from readiness.facts.actions import action_property
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.texts import expressions_in_text, is_one_expression, located_text_at
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.model.records import dataclass
from readiness.syntax import expression as ex
from readiness.syntax.constant import is_truthy_in_expression
from readiness.syntax.holes import has_github_expression
from readiness.syntax.yaml import Map, Seq

_PAYLOAD_KEY_BY_EVENT = {
    "pull_request": "pull_request",
    "pull_request_target": "pull_request",
    "workflow_run": "workflow_run",
    "issue_comment": "comment",
}
# A run of a workflow with one of these events is about the commit of a pull request.
_PULL_REQUEST_EVENTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"})
_MEMBER_ASSOCIATIONS = frozenset({"owner", "member", "collaborator"})
# What is never true of a fork: its repository is another one, and its pull request is not merged by who opened it.
_FORK_CONTEXT_PATTERN = lazy_regex(
    r"github\.event\.(?:pull_request\.head|workflow_run\.head_repository|pull_request\.head\.repo)"
    r"(?:\.repo)?\.(?:full_name|id|node_id|owner(?:\.\w+)?|user\.\w+|html_url|url|clone_url)\Z"
    r"|github\.event\.pull_request\.head\.label\Z"
)
_AUTHOR_CONTEXT_PATTERN = lazy_regex(r"github\.event\.(?:pull_request|issue)\.(?:user\.(?:login|id|node_id)|author_association)\Z")
_ACTOR_CONTEXT_PATTERN = lazy_regex(
    r"github\.(?:triggering_)?actor(?:_id)?\Z"
    r"|github\.event\.(?:sender|comment\.user|review\.user|workflow_run\.(?:triggering_)?actor)\.(?:login|id|node_id)\Z"
    r"|github\.event\.(?:comment|review)\.author_association\Z|github\.event\.label\.name\Z"
    r"|github\.event\.(?:pull_request|issue)\.labels\b"
)
_CONTEXT_UNKNOWN_FROM_FILES_PATTERN = lazy_regex(r"(?:steps|vars|secrets|env|inputs)\.|needs\.[^.]*\.outputs\b")
_MAX_POSSIBLE_VALUES = 16  # values of a text that are looked at
_PERMISSION_QUERY_PATTERN = lazy_regex(
    r"permission.{0,3}level|collaborators?/|(?:check|require|verify|assert).{0,20}(?:permission|member|maintainer|collaborator|access|team)"
    r"|(?:permission|membership|team)s?.{0,3}check|author_association|is-?_?(?:team-?_?)?member|get-user-teams|authori[sz]e",
    re.IGNORECASE,
)


def events_with_base_secrets() -> Collection[str]:
    """The events that run with the secrets of the repository, whoever brought them about."""
    return property_by_fact_name("github-events", "base-secrets").keys()


class OutsiderChance(enum.IntEnum):
    """Whether something can be brought about from outside; `MAYBE`: somebody inside has a part in it, or the files do not tell."""

    NO = 0
    MAYBE = 1
    YES = 2


_TrueFalseChances = tuple[OutsiderChance, OutsiderChance]  # whether a condition can be made true, and whether it can be made false
_ALWAYS_TRUE: _TrueFalseChances = (OutsiderChance.YES, OutsiderChance.NO)
_ALWAYS_FALSE: _TrueFalseChances = (OutsiderChance.NO, OutsiderChance.YES)
_TRUE_OR_FALSE_BY_OUTSIDERS: _TrueFalseChances = (OutsiderChance.YES, OutsiderChance.YES)
_CHANCES_UNKNOWN: _TrueFalseChances = (OutsiderChance.MAYBE, OutsiderChance.MAYBE)
_TRUE_BY_INSIDERS: _TrueFalseChances = (OutsiderChance.MAYBE, OutsiderChance.YES)


def chance_to_start(step: Step, event: str, project: Project) -> OutsiderChance:
    """Whether an outsider can bring an event of the workflow about that gets as far as a step."""
    job = step.job
    if job is None:
        return OutsiderChance.MAYBE
    job_chance, actor_check_step_number = project.memoize_for_subject(_chances_to_reach_job, job)[event]
    step_chance: OutsiderChance = min(job_chance, chance_to_meet_condition(step.node, step, event))
    return min(step_chance, OutsiderChance.MAYBE) if actor_check_step_number is not None and actor_check_step_number < step.number else step_chance


def _chances_to_reach_job(job: Job, project: Project) -> dict[str, tuple[OutsiderChance, int | None]]:
    """event that lends out secrets -> whether it gets as far as a job, and the step from which on somebody asks who started it."""
    chance_and_check_by_event = {}
    for event in filter(job.workflow.triggers.__contains__, events_with_base_secrets()):
        job_conditions = [_job_chance_and_actor_check(each, event) for each in (job, *_required_jobs(job))]
        actor_check_step_number = (
            0 if any(actor_check_step_number is not None for _, actor_check_step_number in job_conditions[1:]) else job_conditions[0][1]
        )
        condition_chances = (chance for chance, _ in job_conditions)
        chance_and_check_by_event[event] = (
            min(_chance_to_trigger_event(job.workflow, event, project), *condition_chances),
            actor_check_step_number,
        )
    return chance_and_check_by_event


def _job_chance_and_actor_check(job: Job, event: str) -> tuple[OutsiderChance, int | None]:
    """What a job's own condition lets in, and the number of its first step that asks who started the run."""
    cached_results, cache_key = job.workflow.cached_results, f"outsiders/{event}/{job.name}/own"
    if cache_key not in cached_results:
        actor_check_step_number = next((one.number for one in job.steps if _may_check_actor(one)), None)
        cached_results[cache_key] = chance_to_meet_condition(job.node, job, event), actor_check_step_number
    chance_and_actor_check: tuple[OutsiderChance, int | None] = cached_results[cache_key]
    return chance_and_actor_check


def may_job_need_approval(job: Job) -> bool:
    """Whether a job, or one that it waits for, names an environment: that may ask a reviewer, as the repository's settings say."""
    return any(one.environment is not None for one in (job, *_required_jobs(job)))


def _may_check_actor(step: Step) -> bool:
    """Whether a step looks as if it asked who started the run, and stopped it for others."""
    step_texts = [step.node.get(key) for key in ("uses", "run", "name")]
    step_texts += [value for key, value in step.with_inputs.items() if key == "script"]
    return any(isinstance(text, str) and _PERMISSION_QUERY_PATTERN.search(text[:20_000]) for text in step_texts)


def _required_jobs(job: Job) -> list[Job]:
    """The jobs that must have run for a job to run; none where its condition says that it runs all the same."""
    job_condition = job.node.get("if")
    if isinstance(job_condition, str) and re.search(r"always\(|cancelled\(|failure\(", job_condition):
        return []
    job_by_name = {one.name: one for one in job.workflow.jobs}
    required_job_by_name: dict[str, Job] = {}
    pending_job_names = list(job.needs)
    while pending_job_names:
        job_name = pending_job_names.pop()
        if job_name in job_by_name and job_name not in required_job_by_name and job_name != job.name:
            required_job_by_name[job_name] = job_by_name[job_name]
            pending_job_names += job_by_name[job_name].needs
    return list(required_job_by_name.values())


def _chance_to_trigger_event(workflow: Workflow, event: str, project: Project) -> OutsiderChance:
    """Whether an outsider brings the event about: by its activity types, and by the workflows that it follows."""
    trigger_settings = workflow.trigger_settings(event)
    activity_types = _as_name_list(trigger_settings.get("types"))
    if activity_types and property_by_fact_name("github-activities", "insiders").keys() >= set(activity_types):
        return OutsiderChance.MAYBE
    if event != "workflow_run":
        return OutsiderChance.YES
    workflow_by_root_and_name = project.memoize(_workflow_by_root_and_name)
    repository_folder = repository_root_of_workflow_path(workflow.source.path)
    followed_workflow_names = _as_name_list(trigger_settings.get("workflows"))
    followed_workflows = [workflow_by_root_and_name.get((repository_folder, name)) for name in followed_workflow_names]
    if any(one is not None and set(one.triggers) & _PULL_REQUEST_EVENTS for one in followed_workflows):
        return OutsiderChance.YES
    return OutsiderChance.NO if followed_workflows and all(followed_workflows) else OutsiderChance.MAYBE


def _workflow_by_root_and_name(project: Project) -> dict[tuple[str | None, str], Workflow]:
    """The workflows of a project by their repository's root and their name."""
    return {
        (repository_root_of_workflow_path(workflow.source.path), workflow.name): workflow
        for workflow in project.documents_of_kind("github")
        if isinstance(workflow, Workflow)
    }


def _as_name_list(name_or_names: Any) -> list[str]:
    if isinstance(name_or_names, str):
        return [name_or_names]
    return [one for one in name_or_names if isinstance(one, str)] if isinstance(name_or_names, Seq) else []


# -- conditions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OutsiderRun:
    """A run that an outsider starts: its event, and the beginnings of those outputs that they decide."""

    event: str
    decided_outputs: tuple[str, ...] = ()

    def is_unknown(self, path: str) -> bool:
        """Whether the files do not tell what a context holds."""
        return bool(_CONTEXT_UNKNOWN_FROM_FILES_PATTERN.match(path)) and not path.startswith(self.decided_outputs)

    def is_missing_in_payload(self, path: str) -> bool:
        """Whether a property is one that the payload of the event does not have."""
        payload_key = path.split(".")[2] if path.startswith("github.event.") else ""
        return payload_key in _PAYLOAD_KEY_BY_EVENT.values() and payload_key != _PAYLOAD_KEY_BY_EVENT[self.event]


def chance_to_meet_condition(node: Map, holder: Job | Step, event: str) -> OutsiderChance:
    """Whether an outsider can make the condition of a job or a step true under an event; without one they need not."""
    condition = node.get("if")
    if condition is None or isinstance(condition, bool):
        return OutsiderChance.NO if condition is False else OutsiderChance.YES
    condition_text = located_text_at(node, "if", holder.source)
    if condition_text is None:
        return OutsiderChance.MAYBE
    condition_expressions = list(expressions_in_text(condition_text, whole_text_is_expression=True))
    if has_github_expression(condition_text.value) and not is_one_expression(condition_text.value.strip()):
        return OutsiderChance.YES  # text around ${{ }} makes a string, and a string is true
    expression_tree = condition_expressions[0].tree if condition_expressions else None
    outsider_run = _OutsiderRun(event, _outsider_decided_output_prefixes(holder))
    return OutsiderChance.MAYBE if expression_tree is None else _true_false_chances_of_expression(expression_tree, outsider_run)[0]


def possible_texts_in_outsider_run(text: str, event: str) -> list[str]:
    """What a text with `${{ }}` can come to in a run that an outsider starts: contexts by their names in place of their values."""
    possible_texts = [text]
    for braced_expression in ex.braced_expressions(text):
        try:
            expression_tree = ex.parse_expression(braced_expression.inner_text)
        except ex.ExpressionError:
            continue
        braced_text = text[braced_expression.span.start : braced_expression.span.end]
        possible_operands = list(_possible_operands(expression_tree, braced_expression.inner_text, _OutsiderRun(event)))
        possible_texts = [one.replace(braced_text, value) for one in possible_texts for value in possible_operands][:_MAX_POSSIBLE_VALUES]
    return possible_texts


def _possible_operands(expression_node: ex.ExpressionNode, expression_text: str, outsider_run: _OutsiderRun) -> Iterator[str]:
    """The operands that an expression can come to: of `a && b || c` the `b` and the `c`, unless `a` cannot be true."""
    if isinstance(expression_node, ex.BinaryOperation) and expression_node.operator == "||":
        yield from _possible_operands(expression_node.left, expression_text, outsider_run)
        yield from _possible_operands(expression_node.right, expression_text, outsider_run)
    elif isinstance(expression_node, ex.BinaryOperation) and expression_node.operator == "&&":
        if _true_false_chances_of_expression(expression_node.left, outsider_run)[0] is not OutsiderChance.NO:
            yield from _possible_operands(expression_node.right, expression_text, outsider_run)
    elif isinstance(expression_node, ex.Literal):
        yield str(expression_node.value)
    elif not outsider_run.is_missing_in_payload(_dotted_context_path(expression_node)):
        yield _dotted_context_path(expression_node) or expression_text[expression_node.span.start : expression_node.span.end]


def _outsider_decided_output_prefixes(job_or_step: Job | Step) -> tuple[str, ...]:
    """The beginnings of the outputs that tell which files a change has, for a job and its steps; worked out once."""
    job = job_or_step if isinstance(job_or_step, Job) else job_or_step.job
    if job is None:
        return ()
    prefixes_by_job = job.workflow.cached_results.setdefault("changed-files", {})
    if job.name not in prefixes_by_job:
        detecting_step_ids = (one.node.get("id") for one in job.steps if _is_change_detection_step(one))
        detecting_job_names = (name for name in job.needs if name in _change_detecting_job_names(job.workflow))
        prefixes_by_job[job.name] = (
            *(f"steps.{str(name).lower()}." for name in detecting_step_ids),
            *(f"needs.{name.lower()}.outputs" for name in detecting_job_names),
        )
    output_prefixes: tuple[str, ...] = prefixes_by_job[job.name]
    return output_prefixes


def _change_detecting_job_names(workflow: Workflow) -> frozenset[str]:
    """The jobs that find out which files a change has."""
    if "changed-files/jobs" not in workflow.cached_results:
        job_names = (one.name for one in workflow.jobs if any(map(_is_change_detection_step, one.steps)))
        workflow.cached_results["changed-files/jobs"] = frozenset(job_names)
    cached_job_names: frozenset[str] = workflow.cached_results["changed-files/jobs"]
    return cached_job_names


def _is_change_detection_step(step: Step) -> bool:
    return step.parsed_uses is not None and bool(action_property(step.parsed_uses.slug, "tells-changes"))


def _true_false_chances_of_expression(expression_node: ex.ExpressionNode, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """Whether an outsider can make an expression true, and whether they can make it false; the parser bounds the depth."""
    if isinstance(expression_node, ex.Literal):
        return _ALWAYS_TRUE if is_truthy_in_expression(expression_node.value) else _ALWAYS_FALSE
    if isinstance(expression_node, ex.Negation):
        true_chance, false_chance = _true_false_chances_of_expression(expression_node.operand, outsider_run)
        return false_chance, true_chance
    if isinstance(expression_node, ex.BinaryOperation):
        if expression_node.operator not in ("&&", "||"):
            return _true_false_chances_of_comparison(expression_node, outsider_run)
        (left_true_chance, left_false_chance), (right_true_chance, right_false_chance) = (
            _true_false_chances_of_expression(expression_node.left, outsider_run),
            _true_false_chances_of_expression(expression_node.right, outsider_run),
        )
        if expression_node.operator == "&&":
            return min(left_true_chance, right_true_chance), max(left_false_chance, right_false_chance)
        return max(left_true_chance, right_true_chance), min(left_false_chance, right_false_chance)
    if isinstance(expression_node, ex.FunctionCall):
        return _true_false_chances_of_call(expression_node, outsider_run)
    return _true_false_chances_of_context(_dotted_context_path(expression_node), outsider_run)


def _dotted_context_path(expression_node: ex.ExpressionNode) -> str:
    """A context as it is written, with dots; empty for everything else."""
    path_parts = (
        ex.lowercase_access_path(expression_node)
        if isinstance(expression_node, ex.ContextName | ex.MemberAccess | ex.IndexAccess | ex.StarAccess)
        else None
    )
    return ".".join(path_parts) if path_parts else ""


def _true_false_chances_of_context(context_path: str, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """Whether a context that stands alone as a condition can be true, and whether it can be false."""
    if outsider_run.is_missing_in_payload(context_path) or context_path.endswith((".merged", ".merged_at", ".merged_by")):
        return _ALWAYS_FALSE
    if context_path.endswith((".head.repo.fork", ".head_repository.fork")):
        return _ALWAYS_TRUE
    return _CHANCES_UNKNOWN if not context_path or outsider_run.is_unknown(context_path) else _TRUE_OR_FALSE_BY_OUTSIDERS


def _chances_from_contexts_read(expression_node: ex.ExpressionNode, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """What reads some contexts in a way that is not looked into."""
    context_paths = [_dotted_context_path(one) for one, _ in ex.longest_context_accesses(expression_node)]
    if any(_ACTOR_CONTEXT_PATTERN.match(path) for path in context_paths):
        return _TRUE_BY_INSIDERS
    if any(_FORK_CONTEXT_PATTERN.match(path) or _AUTHOR_CONTEXT_PATTERN.match(path) for path in context_paths):
        return _CHANCES_UNKNOWN
    return _CHANCES_UNKNOWN if not context_paths or any(outsider_run.is_unknown(path) for path in context_paths) else _TRUE_OR_FALSE_BY_OUTSIDERS


def _true_false_chances_of_comparison(comparison_node: ex.BinaryOperation, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """`==`, `!=` and the others, between a context and whatever stands on the other side."""
    if comparison_node.operator not in ("==", "!="):
        return _chances_from_contexts_read(comparison_node, outsider_run)
    operand_pairs = ((comparison_node.left, comparison_node.right), (comparison_node.right, comparison_node.left))
    equality_chances = [
        _true_false_chances_of_equality(_dotted_context_path(one), other, outsider_run) for one, other in operand_pairs if _dotted_context_path(one)
    ]
    true_chance = min((answer[0] for answer in equality_chances), default=OutsiderChance.MAYBE)
    false_chance = min((answer[1] for answer in equality_chances), default=OutsiderChance.MAYBE)
    return (true_chance, false_chance) if comparison_node.operator == "==" else (false_chance, true_chance)


def _true_false_chances_of_equality(context_path: str, compared_node: ex.ExpressionNode, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """Whether a context can be equal to something else, for a run that an outsider starts."""
    compared_value = compared_node.value if isinstance(compared_node, ex.Literal) else None
    lowercase_value = compared_value.lower() if isinstance(compared_value, str) else compared_value
    if lowercase_value in (True, False, "true", "false"):
        true_chance, false_chance = _true_false_chances_of_context(context_path, outsider_run)
        return (true_chance, false_chance) if lowercase_value in (True, "true") else (false_chance, true_chance)
    if context_path == "github.event_name":
        return _ALWAYS_TRUE if lowercase_value == outsider_run.event else _ALWAYS_FALSE
    if outsider_run.is_missing_in_payload(context_path):
        return _ALWAYS_FALSE
    if context_path == "github.event.workflow_run.event":
        return _TRUE_OR_FALSE_BY_OUTSIDERS if lowercase_value in _PULL_REQUEST_EVENTS else _ALWAYS_FALSE
    if context_path == "github.event.action":
        return _TRUE_BY_INSIDERS if lowercase_value in property_by_fact_name("github-activities", "insiders") else _TRUE_OR_FALSE_BY_OUTSIDERS
    if context_path.endswith("author_association") and isinstance(lowercase_value, str) and lowercase_value not in _MEMBER_ASSOCIATIONS:
        return _TRUE_BY_INSIDERS if lowercase_value == "contributor" else _TRUE_OR_FALSE_BY_OUTSIDERS
    if _FORK_CONTEXT_PATTERN.match(context_path) or _AUTHOR_CONTEXT_PATTERN.match(context_path):
        return _ALWAYS_FALSE
    if _ACTOR_CONTEXT_PATTERN.match(context_path):
        return _TRUE_BY_INSIDERS
    return _CHANCES_UNKNOWN if outsider_run.is_unknown(context_path) else _TRUE_OR_FALSE_BY_OUTSIDERS


def _true_false_chances_of_call(function_call: ex.FunctionCall, outsider_run: _OutsiderRun) -> _TrueFalseChances:
    """A function: those that tell of the run so far, and those that look for a text in a list or in a text."""
    function_name = function_call.name.lower()
    if function_name in ("always", "success"):
        return _ALWAYS_TRUE
    if function_name in ("failure", "cancelled"):
        return _TRUE_OR_FALSE_BY_OUTSIDERS
    if function_name in ("contains", "startswith", "endswith") and len(function_call.arguments) == 2:
        haystack, needle = function_call.arguments
        if _dotted_context_path(haystack):
            return _true_false_chances_of_equality(_dotted_context_path(haystack), needle, outsider_run)
        literal_words = _literal_words(haystack)
        if _dotted_context_path(needle) and literal_words:
            word_chances = [
                _true_false_chances_of_equality(_dotted_context_path(needle), ex.Literal(word, needle.span), outsider_run) for word in literal_words
            ]
            return max(true for true, _ in word_chances), max(false for _, false in word_chances)
    return _chances_from_contexts_read(function_call, outsider_run)


def _literal_words(literal_or_list_node: ex.ExpressionNode) -> list[str]:
    """The words of a text, or of a list that is written as one: `fromJSON('["OWNER", "MEMBER"]')`."""
    if isinstance(literal_or_list_node, ex.FunctionCall) and literal_or_list_node.name.lower() == "fromjson" and literal_or_list_node.arguments:
        literal_or_list_node = literal_or_list_node.arguments[0]
    literal_value = literal_or_list_node.value if isinstance(literal_or_list_node, ex.Literal) else None
    return re.findall(r"[^\s\[\]\",]+", literal_value) if isinstance(literal_value, str) else []
