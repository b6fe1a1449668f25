"""Whether somebody from outside can start a job or a step, by the events and the conditions on the way to it.

An outsider opens pull requests from a fork and writes comments. Labels, reviews and runs of commands by members are acts of
people inside, which may come.
https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from readiness.facts.actions import action_property
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Job, Step, Workflow
from readiness.kinds.github.texts import expressions, is_one_expression, text_at
from readiness.kinds.github.uses import repository_root
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.constant import is_truthy_in_expression
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map, Seq

_PAYLOAD_KEY_BY_EVENT = {
    "pull_request_target": "pull_request",
    "workflow_run": "workflow_run",
    "issue_comment": "comment",
}
# A run of a workflow with one of these events is about the commit of a pull request.
_OF_PULL_REQUESTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target"})
_MEMBER_ASSOCIATIONS = frozenset({"owner", "member", "collaborator"})
# What is never true of a fork: its repository is another one, and its pull request is not merged by who opened it.
_FORK_CONTEXT = re.compile(
    r"github\.event\.(?:pull_request\.head|workflow_run\.head_repository|pull_request\.head\.repo)"
    r"(?:\.repo)?\.(?:full_name|id|node_id|owner(?:\.\w+)?|user\.\w+|html_url|url|clone_url)\Z"
    r"|github\.event\.pull_request\.head\.label\Z"
)
_AUTHOR_CONTEXT = re.compile(r"github\.event\.(?:pull_request|issue)\.(?:user\.(?:login|id|node_id)|author_association)\Z")
_ACTOR_CONTEXT = re.compile(
    r"github\.(?:triggering_)?actor(?:_id)?\Z"
    r"|github\.event\.(?:sender|comment\.user|review\.user|workflow_run\.(?:triggering_)?actor)\.(?:login|id|node_id)\Z"
    r"|github\.event\.(?:comment|review)\.author_association\Z|github\.event\.label\.name\Z"
    r"|github\.event\.(?:pull_request|issue)\.labels\b"
)
_CONTEXT_UNKNOWN_FROM_FILES = re.compile(r"(?:steps|vars|secrets|env|inputs)\.|needs\.[^.]*\.outputs\b")
_MAX_POSSIBLE_VALUES = 16  # values of a text that are looked at
_PERMISSION_QUERY = re.compile(
    r"permission.{0,3}level|collaborators?/|(?:check|require|verify|assert).{0,20}(?:permission|member|maintainer|collaborator|access|team)"
    r"|(?:permission|membership|team)s?.{0,3}check|author_association|is-?_?(?:team-?_?)?member|get-user-teams|authori[sz]e",
    re.IGNORECASE,
)


def base_events() -> Collection[str]:
    """The events that run with the secrets of the repository, whoever brought them about."""
    return fact_column("github-events", "base-secrets").keys()


class OutsiderChance(enum.IntEnum):
    """Whether something can be brought about from outside; `MAYBE`: somebody inside has a part in it, or the files do not tell."""

    NO = 0
    MAYBE = 1
    YES = 2


_TrueFalseChances = tuple[
    OutsiderChance, OutsiderChance
]  # whether a condition can be made true, and whether it can be made false
_ALWAYS_TRUE: _TrueFalseChances = (OutsiderChance.YES, OutsiderChance.NO)
_ALWAYS_FALSE: _TrueFalseChances = (OutsiderChance.NO, OutsiderChance.YES)
_TRUE_OR_FALSE: _TrueFalseChances = (OutsiderChance.YES, OutsiderChance.YES)
_CHANCES_UNKNOWN: _TrueFalseChances = (OutsiderChance.MAYBE, OutsiderChance.MAYBE)
_TRUE_BY_INSIDERS: _TrueFalseChances = (OutsiderChance.MAYBE, OutsiderChance.YES)


def chance_to_start(step: Step, event: str, project: Project) -> OutsiderChance:
    """Whether an outsider can bring an event of the workflow about that gets as far as a step."""
    job = step.job
    if job is None:
        return OutsiderChance.MAYBE
    chance, asks = project.memoize_for_subject(_chances_to_reach_job, job)[event]
    part: OutsiderChance = min(chance, condition_chance(step.node, step, event))
    return min(part, OutsiderChance.MAYBE) if asks is not None and asks < step.number else part


def _chances_to_reach_job(job: Job, project: Project) -> dict[str, tuple[OutsiderChance, int | None]]:
    """event that lends out secrets -> whether it gets as far as a job, and the step from which on somebody asks who started it."""
    found = {}
    for event in filter(job.workflow.triggers.__contains__, base_events()):
        way = [_own_condition(each, event) for each in (job, *_required_jobs(job))]
        asks = 0 if any(asks is not None for _, asks in way[1:]) else way[0][1]
        chances = (chance for chance, _ in way)
        found[event] = min(_chance_to_trigger(job.workflow, event, project), *chances), asks
    return found


def _own_condition(job: Job, event: str) -> tuple[OutsiderChance, int | None]:
    """What a job's own condition lets in, and the number of its first step that asks who started the run."""
    memo, key = job.workflow.cached_results, f"outsiders/{event}/{job.name}/own"
    if key not in memo:
        asks = next((one.number for one in job.steps if _may_stop_outsiders(one)), None)
        memo[key] = condition_chance(job.node, job, event), asks
    found: tuple[OutsiderChance, int | None] = memo[key]
    return found


def may_need_approval(job: Job) -> bool:
    """Whether a job, or one that it waits for, names an environment: that may ask a reviewer, as the repository's settings say."""
    return any(one.environment is not None for one in (job, *_required_jobs(job)))


def _may_stop_outsiders(step: Step) -> bool:
    """Whether a step looks as if it asked who started the run, and stopped it for others."""
    told = [step.node.get(key) for key in ("uses", "run", "name")]
    told += [value for key, value in step.with_inputs.items() if key == "script"]
    return any(isinstance(text, str) and _PERMISSION_QUERY.search(text[:20_000]) for text in told)


def _required_jobs(job: Job) -> list[Job]:
    """The jobs that must have run for a job to run; none where its condition says that it runs all the same."""
    condition = job.node.get("if")
    if isinstance(condition, str) and re.search(r"always\(|cancelled\(|failure\(", condition):
        return []
    by_name = {one.name: one for one in job.workflow.jobs}
    required: dict[str, Job] = {}
    waiting = list(job.needs)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in required and name != job.name:
            required[name] = by_name[name]
            waiting += by_name[name].needs
    return list(required.values())


def _chance_to_trigger(workflow: Workflow, event: str, project: Project) -> OutsiderChance:
    """Whether an outsider brings the event about: by its activity types, and by the workflows that it follows."""
    settings = workflow.trigger_settings(event)
    types = _as_name_list(settings.get("types"))
    if types and fact_column("github-activities", "insiders").keys() >= set(types):
        return OutsiderChance.MAYBE
    if event != "workflow_run":
        return OutsiderChance.YES
    known = project.memoize(_workflows_by_name)
    root = repository_root(workflow.source.path)
    names = _as_name_list(settings.get("workflows"))
    followed = [known.get((root, name)) for name in names]
    if any(one is not None and set(one.triggers) & _OF_PULL_REQUESTS for one in followed):
        return OutsiderChance.YES
    return OutsiderChance.NO if followed and all(followed) else OutsiderChance.MAYBE


def _workflows_by_name(project: Project) -> dict[tuple[str | None, str], Workflow]:
    """The workflows of a project by their repository's root and their name."""
    return {
        (repository_root(workflow.source.path), workflow.name): workflow
        for workflow in project.documents_of_kind("github")
        if isinstance(workflow, Workflow)
    }


def _as_name_list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, Seq) else []


# -- conditions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _OutsiderRun:
    """A run that an outsider starts: its event, and the beginnings of those outputs that they decide."""

    event: str
    decided_outputs: tuple[str, ...] = ()

    def is_unknown(self, path: str) -> bool:
        """Whether the files do not tell what a context holds."""
        return bool(_CONTEXT_UNKNOWN_FROM_FILES.match(path)) and not path.startswith(self.decided_outputs)

    def is_missing_in_payload(self, path: str) -> bool:
        """Whether a property is one that the payload of the event does not have."""
        part = path.split(".")[2] if path.startswith("github.event.") else ""
        return part in _PAYLOAD_KEY_BY_EVENT.values() and part != _PAYLOAD_KEY_BY_EVENT[self.event]


def condition_chance(node: Map, holder: Job | Step, event: str) -> OutsiderChance:
    """Whether an outsider can make the condition of a job or a step true under an event; without one they need not."""
    value = node.get("if")
    if value is None or isinstance(value, bool):
        return OutsiderChance.NO if value is False else OutsiderChance.YES
    text = text_at(node, "if", holder.source)
    if text is None:
        return OutsiderChance.MAYBE
    found = list(expressions(text, whole_text_is_expression=True))
    if has_expression(text.value) and not is_one_expression(text.value.strip()):
        return OutsiderChance.YES  # text around ${{ }} makes a string, and a string is true
    tree = found[0].tree if found else None
    run = _OutsiderRun(event, _outsider_decided_outputs(holder))
    return OutsiderChance.MAYBE if tree is None else _truth_chances(tree, run)[0]


def possible_values(text: str, event: str) -> list[str]:
    """What a text with `${{ }}` can come to in a run that an outsider starts: contexts by their names in place of their values."""
    texts = [text]
    for template in ex.braced_expressions(text):
        try:
            tree = ex.parse_expression(template.inner_text)
        except ex.ExpressionError:
            continue
        whole_text = text[template.span.start : template.span.end]
        values = list(_possible_operands(tree, template.inner_text, _OutsiderRun(event)))
        texts = [one.replace(whole_text, value) for one in texts for value in values][:_MAX_POSSIBLE_VALUES]
    return texts


def _possible_operands(node: ex.Node, body: str, run: _OutsiderRun) -> Iterator[str]:
    """The operands that an expression can come to: of `a && b || c` the `b` and the `c`, unless `a` cannot be true."""
    if isinstance(node, ex.BinaryOperation) and node.operator == "||":
        yield from _possible_operands(node.left, body, run)
        yield from _possible_operands(node.right, body, run)
    elif isinstance(node, ex.BinaryOperation) and node.operator == "&&":
        if _truth_chances(node.left, run)[0] is not OutsiderChance.NO:
            yield from _possible_operands(node.right, body, run)
    elif isinstance(node, ex.Literal):
        yield str(node.value)
    elif not run.is_missing_in_payload(_context_path(node)):
        yield _context_path(node) or body[node.span.start : node.span.end]


def _outsider_decided_outputs(job_or_step: Job | Step) -> tuple[str, ...]:
    """The beginnings of the outputs that tell which files a change has, for a job and its steps; worked out once."""
    job = job_or_step if isinstance(job_or_step, Job) else job_or_step.job
    if job is None:
        return ()
    memo = job.workflow.cached_results.setdefault("changed-files", {})
    if job.name not in memo:
        own = (one.node.get("id") for one in job.steps if _is_change_detection(one))
        others = (name for name in job.needs if name in _change_detecting_jobs(job.workflow))
        memo[job.name] = (
            *(f"steps.{str(name).lower()}." for name in own),
            *(f"needs.{name.lower()}.outputs" for name in others),
        )
    prefixes: tuple[str, ...] = memo[job.name]
    return prefixes


def _change_detecting_jobs(workflow: Workflow) -> frozenset[str]:
    """The jobs that find out which files a change has."""
    if "changed-files/jobs" not in workflow.cached_results:
        names = (one.name for one in workflow.jobs if any(map(_is_change_detection, one.steps)))
        workflow.cached_results["changed-files/jobs"] = frozenset(names)
    found: frozenset[str] = workflow.cached_results["changed-files/jobs"]
    return found


def _is_change_detection(step: Step) -> bool:
    return step.parsed_uses is not None and bool(action_property(step.parsed_uses.slug, "tells-changes"))


def _truth_chances(node: ex.Node, run: _OutsiderRun) -> _TrueFalseChances:
    """Whether an outsider can make an expression true, and whether they can make it false; the parser bounds the depth."""
    if isinstance(node, ex.Literal):
        return _ALWAYS_TRUE if is_truthy_in_expression(node.value) else _ALWAYS_FALSE
    if isinstance(node, ex.Negation):
        true, false = _truth_chances(node.operand, run)
        return false, true
    if isinstance(node, ex.BinaryOperation):
        if node.operator not in ("&&", "||"):
            return _comparison_chances(node, run)
        (left, off), (right, away) = _truth_chances(node.left, run), _truth_chances(node.right, run)
        if node.operator == "&&":
            return min(left, right), max(off, away)
        return max(left, right), min(off, away)
    if isinstance(node, ex.FunctionCall):
        return _call_chances(node, run)
    return _context_chances(_context_path(node), run)


def _context_path(node: ex.Node) -> str:
    """A context as it is written, with dots; empty for everything else."""
    parts = (
        ex.access_path(node) if isinstance(node, ex.ContextName | ex.MemberAccess | ex.IndexAccess | ex.StarAccess) else None
    )
    return ".".join(parts) if parts else ""


def _context_chances(context_path: str, run: _OutsiderRun) -> _TrueFalseChances:
    """Whether a context that stands alone as a condition can be true, and whether it can be false."""
    if run.is_missing_in_payload(context_path) or context_path.endswith((".merged", ".merged_at", ".merged_by")):
        return _ALWAYS_FALSE
    if context_path.endswith((".head.repo.fork", ".head_repository.fork")):
        return _ALWAYS_TRUE
    return _CHANCES_UNKNOWN if not context_path or run.is_unknown(context_path) else _TRUE_OR_FALSE


def _unjudged_chances(node: ex.Node, run: _OutsiderRun) -> _TrueFalseChances:
    """What reads some contexts in a way that is not looked into."""
    paths = [_context_path(one) for one, _ in ex.context_accesses(node)]
    if any(_ACTOR_CONTEXT.match(path) for path in paths):
        return _TRUE_BY_INSIDERS
    if any(_FORK_CONTEXT.match(path) or _AUTHOR_CONTEXT.match(path) for path in paths):
        return _CHANCES_UNKNOWN
    return _CHANCES_UNKNOWN if not paths or any(run.is_unknown(path) for path in paths) else _TRUE_OR_FALSE


def _comparison_chances(node: ex.BinaryOperation, run: _OutsiderRun) -> _TrueFalseChances:
    """`==`, `!=` and the others, between a context and whatever stands on the other side."""
    if node.operator not in ("==", "!="):
        return _unjudged_chances(node, run)
    sides = ((node.left, node.right), (node.right, node.left))
    answers = [_equality_chances(_context_path(one), other, run) for one, other in sides if _context_path(one)]
    true = min((answer[0] for answer in answers), default=OutsiderChance.MAYBE)
    false = min((answer[1] for answer in answers), default=OutsiderChance.MAYBE)
    return (true, false) if node.operator == "==" else (false, true)


def _equality_chances(context_path: str, other: ex.Node, run: _OutsiderRun) -> _TrueFalseChances:
    """Whether a context can be equal to something else, for a run that an outsider starts."""
    value = other.value if isinstance(other, ex.Literal) else None
    word = value.lower() if isinstance(value, str) else value
    if word in (True, False, "true", "false"):
        true, false = _context_chances(context_path, run)
        return (true, false) if word in (True, "true") else (false, true)
    if context_path == "github.event_name":
        return _ALWAYS_TRUE if word == run.event else _ALWAYS_FALSE
    if run.is_missing_in_payload(context_path):
        return _ALWAYS_FALSE
    if context_path == "github.event.workflow_run.event":
        return _TRUE_OR_FALSE if word in _OF_PULL_REQUESTS else _ALWAYS_FALSE
    if context_path == "github.event.action":
        return _TRUE_BY_INSIDERS if word in fact_column("github-activities", "insiders") else _TRUE_OR_FALSE
    if context_path.endswith("author_association") and isinstance(word, str) and word not in _MEMBER_ASSOCIATIONS:
        return _TRUE_BY_INSIDERS if word == "contributor" else _TRUE_OR_FALSE
    if _FORK_CONTEXT.match(context_path) or _AUTHOR_CONTEXT.match(context_path):
        return _ALWAYS_FALSE
    if _ACTOR_CONTEXT.match(context_path):
        return _TRUE_BY_INSIDERS
    return _CHANCES_UNKNOWN if run.is_unknown(context_path) else _TRUE_OR_FALSE


def _call_chances(node: ex.FunctionCall, run: _OutsiderRun) -> _TrueFalseChances:
    """A function: those that tell of the run so far, and those that look for a text in a list or in a text."""
    name = node.name.lower()
    if name in ("always", "success"):
        return _ALWAYS_TRUE
    if name in ("failure", "cancelled"):
        return _TRUE_OR_FALSE
    if name in ("contains", "startswith", "endswith") and len(node.arguments) == 2:
        where, what = node.arguments
        if _context_path(where):
            return _equality_chances(_context_path(where), what, run)
        words = _literal_words(where)
        if _context_path(what) and words:
            chances = [_equality_chances(_context_path(what), ex.Literal(word, what.span), run) for word in words]
            return max(true for true, _ in chances), max(false for _, false in chances)
    return _unjudged_chances(node, run)


def _literal_words(node: ex.Node) -> list[str]:
    """The words of a text, or of a list that is written as one: `fromJSON('["OWNER", "MEMBER"]')`."""
    if isinstance(node, ex.FunctionCall) and node.name.lower() == "fromjson" and node.arguments:
        node = node.arguments[0]
    text = node.value if isinstance(node, ex.Literal) else None
    return re.findall(r"[^\s\[\]\",]+", text) if isinstance(text, str) else []
