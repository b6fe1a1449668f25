"""Values that come out of the artifact of another run: whoever opened that run's pull request wrote them.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_run
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.checks.ci.outsiders import OutsiderChance, chance_to_start
from readiness.kinds.github.model import Step
from readiness.kinds.github.texts import texts_below
from readiness.model.project import Project

_EVENT = "workflow_run"
_DOWNLOAD = re.compile(
    r"\baction-download-artifact\b|\bdownloadArtifact\b|\bgh run download\b|\bactions/runs/[^\s\"']{1,80}/artifacts\b"
)
_DOWNLOAD_ACTION = re.compile(r"\bactions/download-artifact\b")
_WRITTEN_FROM_FILE = (
    re.compile(r"\b(?P<name>[A-Za-z_][\w-]{0,60})=[\"']?\$\([ \t]{0,4}(?:cat\b|<|jq\b|head\b|tail\b|unzip\b)"),
    re.compile(r"\b(?P<name>[A-Za-z_][\w-]{0,60})<<[^\n]{1,120}\n[ \t]{0,20}cat [^-\n]"),
)
_SET_BY_SCRIPT = re.compile(r"\bsetOutput\([ \t]*[\"'](?P<name>[\w-]{1,60})[\"'],[^\n]{0,80}\breadFile(?:Sync)?\(")
_CHECKED = re.compile(
    r"=~|\bgrep\b|\btr -[dc]{1,2}\b|\btonumber\b|\bprintf[^\n]{0,20}%d|\bparseInt\(|\bNumber\(|\[!0-9\]|\[\^0-9\]"
)


def is_from_foreign_artifact(context_path: tuple[str, ...], step: Step, project: Project) -> bool:
    """Whether a variable or an output holds what an earlier step read out of an artifact that outsiders may have made.

    So it is in a run that another run starts (`workflow_run`), which outsiders start by a pull request, after a step that fetches
    that run's artifact. What a script checks on the way (`[[ $NUMBER =~ ... ]]`) is nobody's free choice any more.
    """
    workflow, job = step.workflow, step.job
    if workflow is None or job is None or _EVENT not in workflow.triggers or len(context_path) < 2:
        return False
    if chance_to_start(step, _EVENT, project) is not OutsiderChance.YES:
        return False
    writers = list(_steps_after_download(step))
    if context_path[0] == "env":
        return any(_writes_from_file(one, context_path[1], "GITHUB_ENV") for one in writers)
    if context_path[0] == "steps" and len(context_path) == 4 and context_path[2] == "outputs":
        named = (one for one in writers if one.node.get("id") == context_path[1])
        return any(_writes_from_file(one, context_path[3], "GITHUB_OUTPUT") for one in named)
    return False


def _steps_after_download(step: Step) -> Iterator[Step]:
    """The steps of a job between the one that fetches another run's artifact and this one."""
    fetched = False
    for one in step.job.steps if step.job is not None else ():
        if one.node is step.node:
            return
        if fetched:
            yield one
        texts = [text.value for _, text in texts_below(one.node, one.source)]
        if any(map(_DOWNLOAD.search, texts)) or (any(map(_DOWNLOAD_ACTION.search, texts)) and "run-id" in one.with_inputs):
            fetched = True
            yield one


def _writes_from_file(step: Step, name: str, file: str) -> bool:
    """Whether a step's script gives a variable or an output of a name the content of a file, without a look at it."""
    run = step.run_script
    if run is not None:
        if file not in run.value or _CHECKED.search(run.value):
            return False
        written = (match["name"] for pattern in _WRITTEN_FROM_FILE for match in pattern.finditer(run.value))
        return name.lower() in map(str.lower, written)
    texts = [text.value for _, text in texts_below(step.with_inputs, step.source)]
    return file == "GITHUB_OUTPUT" and any(
        match["name"].lower() == name.lower() and not _CHECKED.search(text)
        for text in texts
        for match in _SET_BY_SCRIPT.finditer(text)
    )
