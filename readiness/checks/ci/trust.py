"""Who may start what with which rights: triggers, checkouts of foreign code, conditions on actors, the token's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from readiness.checks.ci.injection import contexts_in_result, is_safe_context
from readiness.facts.github import may_hold_outsiders_text
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Action, Job, Step, Workflow, expanded_texts
from readiness.kinds.github.runners import runner_labels
from readiness.kinds.github.texts import Expression, expressions, text_at, texts_below
from readiness.model import CheckOutcome, Hit, Severity, hit, missing
from readiness.syntax import expression as ex
from readiness.syntax.constant import is_truthy_in_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map


def trigger_dangerous(workflow: Workflow) -> CheckOutcome:
    """An event that gives the base repository's secrets to a run that people outside start."""
    known = fact_column("github-events", "base-secrets")
    for event in workflow.triggers:
        if event in known:
            yield hit(workflow.trigger_span(event), event=event)


def permissions_missing(workflow: Workflow) -> CheckOutcome:
    """Jobs that run with the token's default rights, whatever the repository's settings make of them."""
    if "permissions" in workflow.node:
        return
    for job in workflow.jobs:
        if "permissions" not in job.node and (job.calls or not workflow.callable_only) and not job.dead:
            yield missing(job.id_span, resource=job.resource, job=job.name)
            return


def all_permissions(workflow: Workflow, *, value: str) -> CheckOutcome:
    """`permissions` of the workflow or of a job is one word for all scopes: `value` (read-all or write-all)."""
    if workflow.node.get("permissions") == value:
        yield hit(workflow.node.at("permissions"), where="the workflow")
    for job in workflow.jobs:
        if job.node.get("permissions") == value:
            yield hit(job.node.at("permissions"), resource=job.resource, where=f"job {job.name!r}")


def permissions_wide(workflow: Workflow) -> CheckOutcome:
    """A right to write that jobs take from the top of a workflow of several; one with permissions of its own takes none."""
    value = workflow.node.get("permissions")
    takers = [job for job in workflow.jobs if "permissions" not in job.node]
    if isinstance(value, Map) and takers and len(workflow.jobs) > 1:
        for name, level in value.items():
            if level == "write":
                yield hit(value.entry_span(name), permission=name, count=len(takers), total=len(workflow.jobs))


def permissions_undocumented(workflow: Workflow) -> CheckOutcome:
    """A right without a comment on its line that says what it is for."""
    for node in (workflow.node, *(job.node for job in workflow.jobs)):
        value = node.get("permissions")
        if not isinstance(value, Map) or dict(value) == {"contents": "read"}:
            continue
        for name, level in value.items():
            has_comment = _has_explaining_comment(workflow.source.text, value, name)
            if not has_comment and (name, level) != ("contents", "read"):
                yield hit(value.entry_span(name), permission=name)


_NONEMPTY_COMMENT = re.compile(r"[ \t]*#[# \t]*\S")


def _has_explaining_comment(text: str, value: Map, name: str) -> bool:
    """Whether a comment stands behind a right, behind the braces it stands in, or on the line above."""
    entry = value.entry_span(name)
    end = value.at().end if value.flow else entry.end
    start = text.rfind("\n", 0, entry.start)
    above = text[text.rfind("\n", 0, max(start, 0)) + 1 : max(start, 0)]
    return bool(_NONEMPTY_COMMENT.match(text, end) or (not value.flow and _NONEMPTY_COMMENT.match(above)))


_BOT_ACCOUNT_SUFFIX = re.compile(r"\[bot\]\Z")
_BOT_IDS = {"49699333", "29139614", "27856297", "29110"}  # dependabot, renovate, dependabot-preview


def _conditions_around(document: Workflow | Action) -> Iterator[tuple[str, LocatedText]]:
    holders: list[Job | Step] = []
    if isinstance(document, Action):
        holders += document.steps
    else:
        for job in document.jobs:
            holders += (job, *job.steps)
    for holder in holders:
        text = text_at(holder.node, "if", holder.source)
        if text is not None:
            yield holder.resource, text


def bot_conditions(workflow: Workflow, *, outsiders: bool) -> CheckOutcome:
    """A condition that trusts the actor of an event to be the author of the change.

    With `outsiders`, where people outside start a run with the repository's secrets; else everywhere but there.
    """
    if bool(fact_column("github-events", "outsiders").keys() & workflow.triggers) is not outsiders:
        return
    for resource, text in _conditions_around(workflow):
        for expression in expressions(text, whole_text_is_expression=True):
            for node in ex.walk_tree(expression.tree) if expression.tree else ():
                if isinstance(node, ex.BinaryOperation) and node.operator == "==" and _is_bot_check(node):
                    yield hit(expression.to_source_span(node.span), resource=resource)


def _is_bot_check(node: ex.BinaryOperation) -> bool:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        path = ex.access_path(side)
        if path is None or not isinstance(other, ex.Literal):
            continue
        value = other.value
        if path in (("github", "actor"), ("github", "triggering_actor")) and isinstance(value, str):
            return bool(_BOT_ACCOUNT_SUFFIX.search(value))
        if path == ("github", "actor_id") and value is not None:
            actor_span = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            return actor_span in _BOT_IDS
    return False


def condition_contains_text(file: Workflow | Action) -> CheckOutcome:
    """`contains()` of a name in a text that is meant as a list: a part of an entry is enough."""
    for resource, text in _conditions_around(file):
        for expression in expressions(text, whole_text_is_expression=True):
            for node in ex.walk_tree(expression.tree) if expression.tree else ():
                if not isinstance(node, ex.FunctionCall) or node.name.lower() != "contains" or len(node.arguments) != 2:
                    continue
                first, second = node.arguments
                if isinstance(first, ex.Literal) and isinstance(first.value, str) and ex.access_path(second):
                    yield hit(expression.to_source_span(node.span), resource=resource)


def condition_ternary_broken(file: Workflow | Action) -> CheckOutcome:
    """`a && b || c` whose `b` is false or empty: the answer is always `c`."""
    for way, text in expanded_texts(file):
        for expression in expressions(text, whole_text_is_expression=way[-1] == "if"):
            for node in ex.walk_tree(expression.tree) if expression.tree else ():
                if isinstance(node, ex.BinaryOperation) and node.operator == "||":
                    inner = node.left
                    while isinstance(inner, ex.BinaryOperation) and inner.operator == "||":
                        inner = inner.right
                    if isinstance(inner, ex.BinaryOperation) and inner.operator == "&&" and _is_falsy(inner.right):
                        yield hit(expression.to_source_span(inner.right.span))


def _is_falsy(node: ex.Node) -> bool:
    return isinstance(node, ex.Literal) and not is_truthy_in_expression(node.value)


def insecure_commands(workflow: Workflow) -> CheckOutcome:
    """The switch that lets any text in the log set variables."""
    for resource, node in _permission_holders(workflow):
        env = node.get("env")
        if isinstance(env, Map):
            yield from _insecure_switch(env, resource)


def insecure_commands_action(step: Step) -> CheckOutcome:
    """The same switch in a step of a composite action."""
    env = step.node.get("env")
    if step.composite and isinstance(env, Map):
        yield from _insecure_switch(env, step.resource)


def _insecure_switch(env: Map, resource: str) -> Iterator[Hit]:
    for name, value in env.items():
        if name.upper() == "ACTIONS_ALLOW_UNSECURE_COMMANDS" and str(value).strip().lower() == "true":
            yield hit(env.at(name), resource=resource)


def _permission_holders(workflow: Workflow) -> Iterator[tuple[str, Map]]:
    yield workflow.resource, workflow.node
    for job in workflow.jobs:
        yield job.resource, job.node
        for step in job.steps:
            yield step.resource, step.node


_WRITE_TO_GITHUB_ENV = re.compile(
    r"(?:>>?|tee[ \t]+-a|tee|Tee-Object|Out-File|Add-Content|Set-Content)[^\n|;&]{0,80}(?:[$%:{]GITHUB_(?:ENV|PATH))\b"
)
_VARIABLE_OR_SUBSTITUTION = re.compile(r"[$`]|%[A-Za-z_]+%")
# What the runner itself answers, whoever sent the code.
_OF_RUNNER = re.compile(
    r"\$\((?:pwd|nproc|whoami|hostname|mktemp(?: -d)?|uname(?: -[a-z])?|date(?: [^()|;&$`]{0,80})?)\)|\$(?:PWD|HOME)\b"
)
_SINGLE_QUOTED = re.compile(r"'[^'\n]*'")
_FIRST_PROGRAM_OF_LINE = re.compile(r"[ \t]*(?:if[^;\n]*;[ \t]*then[ \t]+)?([A-Za-z./][\w./-]*)(?=[ \t|]|\Z)")
_SHELL_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,60})\}?")


_SET_IN_SCRIPT = re.compile(
    r"\b(?:read|readarray|mapfile|for|export|local|declare|typeset)[ \t]([^\n;|&]{0,200})|[;&(][ \t]{0,8}([A-Za-z_]\w{0,60})="
)
_SHELL_ASSIGNMENT = re.compile(r"^[ \t]*([A-Za-z_]\w*)=([^\n]*)$", re.MULTILINE)


@lru_cache(maxsize=16)
def _assigned_variables(script: str) -> Mapping[str, Sequence[str]]:
    """What a script gives to its variables, each on a line of its own."""
    found: dict[str, list[str]] = {}
    for name, value in _SHELL_ASSIGNMENT.findall(script):
        found.setdefault(name, []).append(value)
    return found


def _is_dynamic(line: str, script: str) -> bool:
    """Whether a line writes what is not fixed: neither by itself nor by the assignments of its variables above it.

    Nothing is put into single quotes; what a program other than these few says is not known.
    """
    line = _SINGLE_QUOTED.sub("", line)
    said = _FIRST_PROGRAM_OF_LINE.match(line)
    if said and (said[1].lower() not in fact_column("programs", "says") or (said[1] == "cat" and "<<" not in line)):
        return True

    def drop_fixed_variable(match: re.Match[str]) -> str:
        values = _assigned_variables(script).get(match[1], ())
        known = values and not any(_VARIABLE_OR_SUBSTITUTION.search(_OF_RUNNER.sub("", one)) for one in values)
        return "" if known else match[0]

    return _VARIABLE_OR_SUBSTITUTION.search(_SHELL_VARIABLE.sub(drop_fixed_variable, _OF_RUNNER.sub("", line))) is not None


def _without_known_values(step: Step, script: LocatedText) -> str:
    """A script in which letters stand for what no outsider writes: timestamps, ids, numbers, names of the repository.

    So they do for the variables of the step that hold nothing else, and for commands that print a digest, a number or a date:
    none of these has a line break, whatever is in the files. All offsets stay.
    """
    found = _SUBSTITUTED_COMMAND.sub(_letters_for_fixed_alphabet, script.value)
    for one in expressions(script):
        if _is_nobody_elses(one, step):
            start, end = one.outer_span
            found = found[:start] + "x" * (end - start) + found[end:]
    words = " ".join("".join(groups) for groups in _SET_IN_SCRIPT.findall(found))
    assigned = _assigned_variables(found).keys() | set(re.findall(r"\w+", words))
    plain = {
        name
        for name, setting in step.variables.items()
        if name not in assigned and (text := setting.raw_text) is not None
        if all(_is_nobody_elses(one, step) for one in expressions(text))
    }
    return _SHELL_VARIABLE.sub(lambda match: "x" * len(match[0]) if match[1] in plain else match[0], found)


_SUBSTITUTED_COMMAND = re.compile(r"\$\(([^()`\n]{1,200})\)")
_DIGEST_COMMAND = re.compile(
    r"\s*(?:(?:md5|sha(?:1|224|256|384|512)|b2|ck)sum|shasum|git hash-object)\b[^|;&]*(?:\|\s*(?:awk|cut|head)\b[^|;&]*)+\Z"
)
_NUMBER_OR_DATE_COMMAND = re.compile(
    r"\s*(?:(?:git rev-parse (?:--verify |--short(?:=\d{1,2})? ){0,3}HEAD"
    r"|git log (?:-1|-n ?1) --(?:pretty|format)=['\"]?(?:format:)?%(?:H|h|ct|at)['\"]?"
    r"|date(?: (?:-u|--utc)){0,2}|nproc|id -[ug])\s*|(?:git rev-list --count\b|wc -[clmw] <|grep -c\b)[^|;&]*"
    r"|date(?: (?:-u|--utc)){0,2} ['\"]?\+[^|;&$]*)\Z"
)


def _letters_for_fixed_alphabet(match: re.Match[str]) -> str:
    """Letters of the same length for a command whose output is a digest, a number or a date; any other command as it stands."""
    command = match[1]
    if (_DIGEST_COMMAND.match(command) and "cat " not in command) or _NUMBER_OR_DATE_COMMAND.match(command):
        return "x" * len(match[0])
    return match[0]


def _is_nobody_elses(one: Expression, step: Step) -> bool:
    """Whether no outsider writes what an expression gives."""
    if one.tree is None:
        return False
    paths = [path for _, path in contexts_in_result(one.tree)]
    return all(is_safe_context(step, path) or not may_hold_outsiders_text(".".join(path)) for path in paths)


def environment_writes(step: Step, *, composite: bool) -> CheckOutcome:
    """A value that is not fixed written to the variables or the path of all later steps."""
    workflow, run = step.workflow, step.run_script
    if run is None or step.composite is not composite:
        return
    if workflow is not None and not fact_column("github-events", "code-of-others").keys() & workflow.triggers:
        return
    known = _without_known_values(step, run)
    for match in _WRITE_TO_GITHUB_ENV.finditer(run.value):
        start = run.value.rfind("\n", 0, match.start()) + 1
        before = run.value[start : match.start()]
        if not before.strip() or _is_dynamic(known[start : match.start()], known):
            foreign = workflow is None or _may_hold_foreign_files(step, workflow)
            severity = Severity.HIGH if foreign else Severity.MEDIUM
            yield hit(run.span_of_line(match.start()), severity=severity)


_FOREIGN_INPUT_COMMAND = re.compile(
    r"\b(?:download-artifact|action-download-artifact|gh run download|gh (?:pr|api)|git (?:fetch|pull|clone)|curl|wget)\b"
    r"|(?:head_ref|head\.(?:ref|sha)|head_sha|head_branch|refs/pull|\btitle\b|\bbody\b)"
)


def _may_hold_foreign_files(step: Step, workflow: Workflow) -> bool:
    """Whether the run may work on what outsiders wrote: `pull_request_target` alone checks out the repository's own branch."""
    others = fact_column("github-events", "code-of-others").keys() & workflow.triggers
    if others != {"pull_request_target"}:
        return True
    job = step.job
    return job is None or any(_FOREIGN_INPUT_COMMAND.search(text.value) for _, text in texts_below(job.node, job.source))


def runner_self_hosted(job: Job) -> CheckOutcome:
    """A job on a machine that is kept between runs."""
    value: Any = job.node.get("runs-on")
    grouped = isinstance(value, Map) and "group" in value
    if grouped or any(label.lower() == "self-hosted" for label, _ in runner_labels(job.node)):
        yield hit(job.node.at("runs-on"))
