"""Values that come out of the artifact of another run: whoever opened that run's pull request wrote them.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_run
"""

from __future__ import annotations

from collections.abc import Iterator

from readiness.checks.ci.outsiders import OutsiderChance, chance_to_start
from readiness.kinds.github.model import Step
from readiness.kinds.github.texts import located_texts_with_key_paths
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project

_WORKFLOW_RUN_EVENT = "workflow_run"
_ARTIFACT_DOWNLOAD = lazy_regex(r"\baction-download-artifact\b|\bdownloadArtifact\b|\bgh run download\b|\bactions/runs/[^\s\"']{1,80}/artifacts\b")
_ARTIFACT_DOWNLOAD_ACTION = lazy_regex(r"\bactions/download-artifact\b")
_ASSIGNMENTS_FROM_FILE = (
    lazy_regex(r"\b(?P<name>[A-Za-z_][\w-]{0,60})=[\"']?\$\([ \t]{0,4}(?:cat\b|<|jq\b|head\b|tail\b|unzip\b)"),
    lazy_regex(r"\b(?P<name>[A-Za-z_][\w-]{0,60})<<[^\n]{1,120}\n[ \t]{0,20}cat [^-\n]"),
)
_SCRIPT_OUTPUT_FROM_FILE = lazy_regex(r"\bsetOutput\([ \t]*[\"'](?P<name>[\w-]{1,60})[\"'],[^\n]{0,80}\breadFile(?:Sync)?\(")
_CONTENT_CHECK = lazy_regex(r"=~|\bgrep\b|\btr -[dc]{1,2}\b|\btonumber\b|\bprintf[^\n]{0,20}%d|\bparseInt\(|\bNumber\(|\[!0-9\]|\[\^0-9\]")


def may_hold_foreign_artifact_content(context_path: tuple[str, ...], step: Step, project: Project) -> bool:
    """Whether a variable or an output holds what an earlier step read out of an artifact that outsiders may have made.

    So it is in a run that another run starts (`workflow_run`), which outsiders start by a pull request, after a step that fetches
    that run's artifact. What a script checks on the way (`[[ $NUMBER =~ ... ]]`) is nobody's free choice any more.
    """
    workflow, job = step.workflow, step.job
    if workflow is None or job is None or _WORKFLOW_RUN_EVENT not in workflow.triggers or len(context_path) < 2:
        return False
    if chance_to_start(step, _WORKFLOW_RUN_EVENT, project) is not OutsiderChance.YES:
        return False
    steps_after_download = list(_steps_from_download_to(step))
    if context_path[0] == "env":
        return any(_writes_unchecked_file_content(one, context_path[1], "GITHUB_ENV") for one in steps_after_download)
    if context_path[0] == "steps" and len(context_path) == 4 and context_path[2] == "outputs":
        steps_with_id = (one for one in steps_after_download if one.node.get("id") == context_path[1])
        return any(_writes_unchecked_file_content(one, context_path[3], "GITHUB_OUTPUT") for one in steps_with_id)
    return False


def is_after_artifact_download(step: Step) -> bool:
    """Whether an earlier step of the job fetches the artifact of another run."""
    return next(_steps_from_download_to(step), None) is not None


def _steps_from_download_to(step: Step) -> Iterator[Step]:
    """The steps of a job between the one that fetches another run's artifact and this one."""
    is_artifact_downloaded = False
    for job_step in step.job.steps if step.job is not None else ():
        if job_step.node is step.node:
            return
        if is_artifact_downloaded:
            yield job_step
        step_texts = [text.value for _, text in located_texts_with_key_paths(job_step.node, job_step.source)]
        if any(map(_ARTIFACT_DOWNLOAD.search, step_texts)) or (
            any(map(_ARTIFACT_DOWNLOAD_ACTION.search, step_texts)) and "run-id" in job_step.with_inputs
        ):
            is_artifact_downloaded = True
            yield job_step


def _writes_unchecked_file_content(step: Step, variable_name: str, target_file: str) -> bool:
    """Whether a step's script gives a variable or an output of a name the content of a file, without a look at it."""
    run_script = step.run_script
    if run_script is not None:
        if target_file not in run_script.value or _CONTENT_CHECK.search(run_script.value):
            return False
        assigned_names = (match["name"] for pattern in _ASSIGNMENTS_FROM_FILE for match in pattern.finditer(run_script.value))
        return variable_name.lower() in map(str.lower, assigned_names)
    input_texts = [text.value for _, text in located_texts_with_key_paths(step.with_inputs, step.source)]
    return target_file == "GITHUB_OUTPUT" and any(
        match["name"].lower() == variable_name.lower() and not _CONTENT_CHECK.search(text)
        for text in input_texts
        for match in _SCRIPT_OUTPUT_FROM_FILE.finditer(text)
    )
