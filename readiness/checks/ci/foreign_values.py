"""Which values of a script are an outsider's own words, as the files prove: a text of the event, a file that they wrote."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.artifacts import is_after_artifact_download, may_hold_foreign_artifact_content
from readiness.checks.ci.checkouts import ForeignCodeTracker
from readiness.checks.ci.injection import contexts_in_result
from readiness.checks.ci.outsiders import OutsiderChance, chance_to_start
from readiness.checks.ci.rights import RightsWorth, rights_of_job
from readiness.facts.github import is_untrusted_context
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Step
from readiness.kinds.github.texts import Expression, expressions_in_text
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project
from readiness.syntax.text import LocatedText

_FILE_READ = lazy_regex(r"(?:\A|[\s(`;&|])(?:cat|jq|head|tail|unzip -p)[ \t]+[^<\s]|\$\([ \t]{0,4}<")
_FOLDER_READ = lazy_regex(r"[$`(][ \t]{0,4}(?:ls|find)\b")
_CONTENT_CHECK = lazy_regex(r"=~|\bgrep\b|\btr -[dc]{1,2}\b|\btonumber\b|\bprintf[^\n]{0,20}%d|\[!0-9\]|\[\^0-9\]")
_SHELL_VARIABLE = lazy_regex(r"\$\{?([A-Za-z_]\w{0,60})")


def is_outsiders_value(step: Step, script: LocatedText, line: str, assigned_values: str, project: Project) -> bool:
    """Whether a line of a step's script writes what somebody outside chose, in a run that they start and that has more than a
    token that reads.

    `line` and `assigned_values`, what the variables of the line are set to, have letters in place of what nobody outside writes.
    Their words are a text of the event (a title, a branch of a fork), a file of another run's artifact, or one of the pull request
    that an earlier step checked out; none of them where the script looks at what it reads.
    """
    job, workflow = step.job, step.workflow
    if job is None or workflow is None or rights_of_job(job).worth is RightsWorth.READ:
        return False
    events = property_by_fact_name("github-events", "code-of-others").keys() & workflow.triggers
    open_events = [event for event in events if chance_to_start(step, event, project) is OutsiderChance.YES]
    written_text = f"{line}\n{assigned_values}"
    if not open_events or _CONTENT_CHECK.search(script.value):
        return False
    for context_path in _context_paths(step, script, written_text):
        if is_untrusted_context(context_path) and _fits_event(context_path, open_events):
            return True
        if may_hold_foreign_artifact_content(context_path, step, project):
            return True
    is_file_read = bool(_FILE_READ.search(written_text))
    if is_file_read and "workflow_run" in open_events and is_after_artifact_download(step):
        return True
    return (is_file_read or bool(_FOLDER_READ.search(written_text))) and any(_has_foreign_checkout_before(step, event) for event in open_events)


def _context_paths(step: Step, script: LocatedText, written_text: str) -> Iterator[tuple[str, ...]]:
    """The contexts that a text of the script has, by itself or by the variables of the step."""
    expressions: list[Expression] = [one for one in expressions_in_text(script) if _text_of(one, script) in written_text]
    for variable_name in dict.fromkeys(_SHELL_VARIABLE.findall(written_text)):
        variable_setting = step.variables.get(variable_name)
        if variable_setting is not None and (variable_text := variable_setting.raw_text) is not None:
            expressions += expressions_in_text(variable_text)
    for expression in expressions:
        if expression.tree is not None:
            yield from (path for _, path in contexts_in_result(expression.tree))


def _text_of(expression: Expression, script: LocatedText) -> str:
    start, end = expression.outer_span
    return script.value[start:end]


def _fits_event(context_path: tuple[str, ...], events: list[str]) -> bool:
    """Whether one of the events fills a context of its payload, of which a run that another run starts has its own."""
    if context_path[:2] == ("github", "event") and len(context_path) > 2:
        return any(context_path[2] == event.removesuffix("_target") for event in events)
    return "pull_request_target" in events


def _has_foreign_checkout_before(step: Step, event: str) -> bool:
    """Whether an earlier step of the job checks out what the event's outsider wrote, and the action lets it."""
    tracker = ForeignCodeTracker(event)
    for earlier_step in step.job.steps if step.job is not None else ():
        if earlier_step.node is step.node:
            break
        if not earlier_step.dead:
            tracker.follow_step(earlier_step, OutsiderChance.YES)
    return any(not one.is_refused_by_action for one in tracker.checkouts)
