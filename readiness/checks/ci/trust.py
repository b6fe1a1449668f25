"""Who may start what with which rights: triggers, checkouts of foreign code, conditions on actors, the token's rights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from readiness.checks.ci.foreign_values import is_outsiders_value
from readiness.checks.ci.injection import contexts_in_result, is_safe_context
from readiness.facts.github import may_hold_outsiders_text
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.actions import resolve_called_workflow
from readiness.kinds.github.model import Action, Job, Step, Workflow, expression_texts_with_key_paths
from readiness.kinds.github.texts import Expression, expressions_in_text, located_text_at
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, Hit, Severity, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax import expression as ex
from readiness.syntax.constant import is_truthy_in_expression
from readiness.syntax.holes import has_github_expression
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq


def trigger_dangerous(workflow: Workflow) -> CheckOutcome:
    """An event that gives the base repository's secrets to a run that people outside start."""
    events_with_base_secrets = property_by_fact_name("github-events", "base-secrets")
    for event in workflow.triggers:
        if event in events_with_base_secrets:
            yield hit(workflow.trigger_span(event), event=event)


def permissions_missing(workflow: Workflow, project: Project) -> CheckOutcome:
    """Jobs that run with the token's default rights, whatever the repository's settings make of them.

    A called workflow of this repository that states its jobs' rights itself leaves nothing of the default.
    """
    if "permissions" in workflow.node:
        return
    default_jobs = [
        job
        for job in workflow.jobs
        if "permissions" not in job.node
        and (job.calls or not workflow.callable_only)
        and not job.dead
        and not _is_callee_with_permissions(job, project)
    ]
    job = next((one for one in default_jobs if not _is_token_out_of_reach(one)), default_jobs[0] if default_jobs else None)
    if job is not None:
        severity = Severity.LOW if _is_token_out_of_reach(job) else Severity.MEDIUM
        yield missing(job.id_span, severity=severity, resource=job.resource, job=job.name)


def _is_callee_with_permissions(job: Job, project: Project) -> bool:
    """Whether a job only calls a workflow of this repository, every job of which runs with rights that it states."""
    called_workflow = resolve_called_workflow(job, project) if job.calls else None
    if called_workflow is None or not called_workflow.jobs:
        return False
    return "permissions" in called_workflow.node or all("permissions" in one.node for one in called_workflow.jobs)


_SEARCHING_PROGRAMS = frozenset({"grep", "egrep", "fgrep", "echo", "printf", "test", "[", "exit", "wc", "cat", "true", "false", "ls", "diff"})


def _is_token_out_of_reach(job: Job) -> bool:
    """Whether a job only checks the code out, by a commit of the action and without leaving the token behind, and searches in it."""
    return bool(job.steps) and all(_is_step_without_token(one) for one in job.steps)


def _is_step_without_token(step: Step) -> bool:
    if step.run_script is not None:
        script = step.run_script.value
        return not has_github_expression(script) and all(
            call.program in _SEARCHING_PROGRAMS or (call.program == "git" and "grep" in call.non_option_arguments[:1])
            for call in script_calls(script)
        )
    uses_reference = step.parsed_uses
    return (
        uses_reference is not None
        and uses_reference.slug == "actions/checkout"
        and uses_reference.is_pinned_to_commit
        and str(step.with_inputs.get("persist-credentials")).lower() == "false"
    )


def all_permissions(workflow: Workflow, *, value: str) -> CheckOutcome:
    """`permissions` of the workflow or of a job is one word for all scopes: `value` (read-all or write-all)."""
    if workflow.node.get("permissions") == value:
        yield hit(workflow.node.at("permissions"), where="the workflow")
    for job in workflow.jobs:
        if job.node.get("permissions") == value:
            yield hit(job.node.at("permissions"), resource=job.resource, where=f"job {job.name!r}")


def permissions_wide(workflow: Workflow) -> CheckOutcome:
    """A right to write that jobs take from the top of a workflow of several; one with permissions of its own takes none."""
    workflow_permissions = workflow.node.get("permissions")
    inheriting_jobs = [job for job in workflow.jobs if "permissions" not in job.node]
    if isinstance(workflow_permissions, Map) and inheriting_jobs and len(workflow.jobs) > 1:
        for permission_name, access_level in workflow_permissions.items():
            if access_level == "write":
                yield hit(
                    workflow_permissions.entry_span(permission_name),
                    permission=permission_name,
                    count=len(inheriting_jobs),
                    total=len(workflow.jobs),
                )


def permissions_undocumented(workflow: Workflow) -> CheckOutcome:
    """A right without a comment on its line that says what it is for."""
    for workflow_or_job_node in (workflow.node, *(job.node for job in workflow.jobs)):
        permissions = workflow_or_job_node.get("permissions")
        if not isinstance(permissions, Map) or dict(permissions) == {"contents": "read"}:
            continue
        for permission_name, access_level in permissions.items():
            is_documented = _has_explaining_comment(workflow.source.text, permissions, permission_name)
            if not is_documented and (permission_name, access_level) != ("contents", "read"):
                yield hit(permissions.entry_span(permission_name), permission=permission_name)


_NONEMPTY_COMMENT = lazy_regex(r"[ \t]*#[# \t]*\S")


def _has_explaining_comment(source_text: str, permissions: Map, permission_name: str) -> bool:
    """Whether a comment stands behind a right, behind the braces it stands in, or on the line above."""
    entry_span = permissions.entry_span(permission_name)
    comment_offset = permissions.at().end if permissions.flow else entry_span.end
    line_break_before = source_text.rfind("\n", 0, entry_span.start)
    previous_line = source_text[source_text.rfind("\n", 0, max(line_break_before, 0)) + 1 : max(line_break_before, 0)]
    return bool(_NONEMPTY_COMMENT.match(source_text, comment_offset) or (not permissions.flow and _NONEMPTY_COMMENT.match(previous_line)))


_BOT_ACCOUNT_SUFFIX = lazy_regex(r"\[bot\]\Z")
_BOT_ACCOUNT_IDS = {"49699333", "29139614", "27856297", "29110"}  # dependabot, renovate, dependabot-preview


def _conditions_in_document(document: Workflow | Action) -> Iterator[tuple[str, LocatedText]]:
    jobs_and_steps: list[Job | Step] = []
    if isinstance(document, Action):
        jobs_and_steps += document.steps
    else:
        for job in document.jobs:
            jobs_and_steps += (job, *job.steps)
    for job_or_step in jobs_and_steps:
        condition_text = located_text_at(job_or_step.node, "if", job_or_step.source)
        if condition_text is not None:
            yield job_or_step.resource, condition_text


def bot_conditions(workflow: Workflow, *, outsiders: bool) -> CheckOutcome:
    """A condition that trusts the actor of an event to be the author of the change.

    With `outsiders`, where people outside start a run with the repository's secrets; else everywhere but there. Who opens a pull request
    or an issue is its author: of a workflow that runs then alone nobody can let a bot be the last to act.
    """
    outsider_events = property_by_fact_name("github-events", "outsiders").keys() & workflow.triggers
    if bool(outsider_events) is not outsiders or (outsiders and all(_comes_when_opened_alone(workflow.triggers[one]) for one in outsider_events)):
        return
    for resource, condition_text in _conditions_in_document(workflow):
        for expression in expressions_in_text(condition_text, whole_text_is_expression=True):
            for expression_node in ex.walk_expression_tree(expression.tree) if expression.tree else ():
                if isinstance(expression_node, ex.BinaryOperation) and expression_node.operator == "==" and _is_bot_comparison(expression_node):
                    yield hit(expression.to_source_span(expression_node.span), resource=resource)


def _comes_when_opened_alone(trigger_settings: object) -> bool:
    """Whether the settings of an event keep to the activity by which its thing is made."""
    activity_types = trigger_settings.get("types") if isinstance(trigger_settings, Map) else None
    return activity_types == "opened" or (isinstance(activity_types, Seq) and [*activity_types] == ["opened"])


def _is_bot_comparison(comparison_node: ex.BinaryOperation) -> bool:
    for context_operand, literal_operand in (
        (comparison_node.left, comparison_node.right),
        (comparison_node.right, comparison_node.left),
    ):
        context_path = ex.lowercase_access_path(context_operand)
        if context_path is None or not isinstance(literal_operand, ex.Literal):
            continue
        literal_value = literal_operand.value
        if context_path in (("github", "actor"), ("github", "triggering_actor")) and isinstance(literal_value, str):
            return bool(_BOT_ACCOUNT_SUFFIX.search(literal_value))
        if context_path == ("github", "actor_id") and literal_value is not None:
            actor_id = str(int(literal_value)) if isinstance(literal_value, float) and literal_value.is_integer() else str(literal_value)
            return actor_id in _BOT_ACCOUNT_IDS
    return False


def condition_contains_text(file: Workflow | Action) -> CheckOutcome:
    """`contains()` of a name in a text that is meant as a list: a part of an entry is enough."""
    for resource, condition_text in _conditions_in_document(file):
        for expression in expressions_in_text(condition_text, whole_text_is_expression=True):
            for expression_node in ex.walk_expression_tree(expression.tree) if expression.tree else ():
                if (
                    not isinstance(expression_node, ex.FunctionCall)
                    or expression_node.name.lower() != "contains"
                    or len(expression_node.arguments) != 2
                ):
                    continue
                searched_text, searched_item = expression_node.arguments
                if isinstance(searched_text, ex.Literal) and isinstance(searched_text.value, str) and ex.lowercase_access_path(searched_item):
                    yield hit(expression.to_source_span(expression_node.span), resource=resource)


def condition_ternary_broken(file: Workflow | Action) -> CheckOutcome:
    """`a && b || c` whose `b` is false or empty: the answer is always `c`."""
    for key_path, located_text in expression_texts_with_key_paths(file):
        for expression in expressions_in_text(located_text, whole_text_is_expression=key_path[-1] == "if"):
            for expression_node in ex.walk_expression_tree(expression.tree) if expression.tree else ():
                if isinstance(expression_node, ex.BinaryOperation) and expression_node.operator == "||":
                    left_operand = expression_node.left
                    while isinstance(left_operand, ex.BinaryOperation) and left_operand.operator == "||":
                        left_operand = left_operand.right
                    if isinstance(left_operand, ex.BinaryOperation) and left_operand.operator == "&&" and _is_falsy_literal(left_operand.right):
                        yield hit(expression.to_source_span(left_operand.right.span))


def _is_falsy_literal(node: ex.ExpressionNode) -> bool:
    return isinstance(node, ex.Literal) and not is_truthy_in_expression(node.value)


def insecure_commands(workflow: Workflow) -> CheckOutcome:
    """The switch that lets any text in the log set variables."""
    for resource, node_with_env in _workflow_job_and_step_nodes(workflow):
        env_mapping = node_with_env.get("env")
        if isinstance(env_mapping, Map):
            yield from _insecure_commands_hits(env_mapping, resource)


def insecure_commands_action(step: Step) -> CheckOutcome:
    """The same switch in a step of a composite action."""
    env_mapping = step.node.get("env")
    if step.composite and isinstance(env_mapping, Map):
        yield from _insecure_commands_hits(env_mapping, step.resource)


def _insecure_commands_hits(env_mapping: Map, resource: str) -> Iterator[Hit]:
    for variable_name, variable_value in env_mapping.items():
        if variable_name.upper() == "ACTIONS_ALLOW_UNSECURE_COMMANDS" and str(variable_value).strip().lower() == "true":
            yield hit(env_mapping.at(variable_name), resource=resource)


def _workflow_job_and_step_nodes(workflow: Workflow) -> Iterator[tuple[str, Map]]:
    yield workflow.resource, workflow.node
    for job in workflow.jobs:
        yield job.resource, job.node
        for step in job.steps:
            yield step.resource, step.node


_WRITE_TO_GITHUB_ENV_OR_PATH = lazy_regex(
    r"(?:>>?|tee[ \t]+-a|tee|Tee-Object|Out-File|Add-Content|Set-Content)[^\n|;&]{0,80}(?:[$%:{]GITHUB_(?:ENV|PATH))\b"
)
_VARIABLE_OR_SUBSTITUTION = lazy_regex(r"[$`]|%[A-Za-z_]+%")
# What the runner itself answers, whoever sent the code.
_RUNNER_PROVIDED_VALUE = lazy_regex(
    r"\$\((?:pwd|nproc|whoami|hostname|mktemp(?: -d)?|uname(?: -[a-z])?|date(?: [^()|;&$`]{0,80})?)\)|\$(?:PWD|HOME)\b"
)
_SINGLE_QUOTED_TEXT = lazy_regex(r"'[^'\n]*'")
_FIRST_PROGRAM_OF_LINE = lazy_regex(r"[ \t]*(?:if[^;\n]*;[ \t]*then[ \t]+)?([A-Za-z./][\w./-]*)(?=[ \t|]|\Z)")
_SHELL_VARIABLE = lazy_regex(r"\$\{?([A-Za-z_]\w{0,60})\}?")


_SCRIPT_VARIABLE_ASSIGNMENT = lazy_regex(
    r"\b(?:read|readarray|mapfile|for|export|local|declare|typeset)[ \t]([^\n;|&]{0,200})|[;&(][ \t]{0,8}([A-Za-z_]\w{0,60})="
)
_SHELL_ASSIGNMENT = lazy_regex(r"^[ \t]*([A-Za-z_]\w*)=([^\n]*)$", re.MULTILINE)


@lru_cache(maxsize=16)
def _assigned_values_by_variable(script_text: str) -> Mapping[str, Sequence[str]]:
    """What a script gives to its variables, each on a line of its own."""
    values_by_variable: dict[str, list[str]] = {}
    for variable_name, assigned_value in _SHELL_ASSIGNMENT.findall(script_text):
        values_by_variable.setdefault(variable_name, []).append(assigned_value)
    return values_by_variable


def _writes_dynamic_value(line: str, script_text: str) -> bool:
    """Whether a line writes what is not fixed: neither by itself nor by the assignments of its variables above it.

    Nothing is put into single quotes; what a program other than these few says is not known.
    """
    line = _SINGLE_QUOTED_TEXT.sub("", line)
    leading_program = _FIRST_PROGRAM_OF_LINE.match(line)
    if leading_program and (
        leading_program[1].lower() not in property_by_fact_name("programs", "says") or (leading_program[1] == "cat" and "<<" not in line)
    ):
        return True

    def drop_fixed_variable(match: re.Match[str]) -> str:
        assigned_values = _assigned_values_by_variable(script_text).get(match[1], ())
        is_fixed = assigned_values and not any(_VARIABLE_OR_SUBSTITUTION.search(_RUNNER_PROVIDED_VALUE.sub("", one)) for one in assigned_values)
        return "" if is_fixed else match[0]

    return _VARIABLE_OR_SUBSTITUTION.search(_SHELL_VARIABLE.sub(drop_fixed_variable, _RUNNER_PROVIDED_VALUE.sub("", line))) is not None


def _mask_values_of_trusted_origin(step: Step, run_script: LocatedText) -> str:
    """A script in which letters stand for what no outsider writes: timestamps, ids, numbers, names of the repository.

    So they do for the variables of the step that hold nothing else, and for commands that print a digest, a number or a date:
    none of these has a line break, whatever is in the files. All offsets stay.
    """
    masked_script = _SUBSTITUTED_COMMAND.sub(_mask_digest_number_or_date, run_script.value)
    for script_expression in expressions_in_text(run_script):
        if _is_safe_from_outsiders(script_expression, step):
            expression_start, expression_end = script_expression.outer_span
            masked_script = masked_script[:expression_start] + "x" * (expression_end - expression_start) + masked_script[expression_end:]
    assignment_words = " ".join("".join(groups) for groups in _SCRIPT_VARIABLE_ASSIGNMENT.findall(masked_script))
    assigned_names = _assigned_values_by_variable(masked_script).keys() | set(re.findall(r"\w+", assignment_words))
    safe_variable_names = {
        name
        for name, setting in step.variables.items()
        if name not in assigned_names and (text := setting.raw_text) is not None
        if all(_is_safe_from_outsiders(script_expression, step) for script_expression in expressions_in_text(text))
    }
    return _SHELL_VARIABLE.sub(lambda match: "x" * len(match[0]) if match[1] in safe_variable_names else match[0], masked_script)


_SUBSTITUTED_COMMAND = lazy_regex(r"\$\(([^()`\n]{1,200})\)")
_DIGEST_COMMAND = lazy_regex(r"\s*(?:(?:md5|sha(?:1|224|256|384|512)|b2|ck)sum|shasum|git hash-object)\b[^|;&]*(?:\|\s*(?:awk|cut|head)\b[^|;&]*)+\Z")
_NUMBER_OR_DATE_COMMAND = lazy_regex(
    r"\s*(?:(?:git rev-parse (?:--verify |--short(?:=\d{1,2})? ){0,3}HEAD"
    r"|git log (?:-1|-n ?1) --(?:pretty|format)=['\"]?(?:format:)?%(?:H|h|ct|at)['\"]?"
    r"|date(?: (?:-u|--utc)){0,2}|nproc|id -[ug])\s*|(?:git rev-list --count\b|wc -[clmw] <|grep -c\b)[^|;&]*"
    r"|date(?: (?:-u|--utc)){0,2} ['\"]?\+[^|;&$]*)\Z"
)


def _mask_digest_number_or_date(substitution_match: re.Match[str]) -> str:
    """Letters of the same length for a command whose output is a digest, a number or a date; any other command as it stands."""
    substituted_command = substitution_match[1]
    if (_DIGEST_COMMAND.match(substituted_command) and "cat " not in substituted_command) or _NUMBER_OR_DATE_COMMAND.match(substituted_command):
        return "x" * len(substitution_match[0])
    return substitution_match[0]


def _is_safe_from_outsiders(expression: Expression, step: Step) -> bool:
    """Whether no outsider writes what an expression gives."""
    if expression.tree is None:
        return False
    context_paths = [path for _, path in contexts_in_result(expression.tree)]
    return all(is_safe_context(step, path) or not may_hold_outsiders_text(".".join(path)) for path in context_paths)


def environment_writes(step: Step, *, composite: bool, project: Project) -> CheckOutcome:
    """A value that is not fixed written to the variables or the path of all later steps; high where outsiders surely choose it."""
    workflow, run_script = step.workflow, step.run_script
    if run_script is None or step.composite is not composite:
        return
    if workflow is not None and not property_by_fact_name("github-events", "code-of-others").keys() & workflow.triggers:
        return
    masked_script = _mask_values_of_trusted_origin(step, run_script)
    for write_match in _WRITE_TO_GITHUB_ENV_OR_PATH.finditer(run_script.value):
        line_start = run_script.value.rfind("\n", 0, write_match.start()) + 1
        line_before_redirection = run_script.value[line_start : write_match.start()]
        masked_line = masked_script[line_start : write_match.start()]
        if line_before_redirection.strip() and not _writes_dynamic_value(masked_line, masked_script):
            continue
        span = run_script.span_of_line(write_match.start())
        values_by_variable = _assigned_values_by_variable(masked_script)
        assigned_values = "\n".join(value for name in _SHELL_VARIABLE.findall(masked_line) for value in values_by_variable.get(name, ()))
        if workflow is None or is_outsiders_value(step, run_script, masked_line, assigned_values, project):
            yield hit(span)
        else:
            yield hit(span, severity=Severity.MEDIUM, say="unproven")
