"""Where two deployments of one pipeline go: whether anything tells staging from production."""

from __future__ import annotations

import re
from typing import Any

from readiness.checks.ci.delivery import view_of
from readiness.facts.table import column
from readiness.kinds.delivery.effects import REMOTE_FAMILIES
from readiness.kinds.delivery.model import Stage
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import NotApplicable, Outcome, Related, hit
from readiness.model.project import Project

# What an environment, or the job itself, gives another value to.
_VARIES = re.compile(
    r"\b(?:secrets|vars)\s*[.\[]|toJSON\(\s*(?:secrets|vars)|\bgithub\.job\b|GITHUB_JOB\b|\bmatrix\b",
    re.IGNORECASE,
)
_MOST = 200_000  # characters
_TOLD_ONLY = frozenset({"name", "id", "timeout-minutes", "continue-on-error"})


def staging_is_production(job: Job, *, project: Project) -> Outcome:
    """Production is deployed by the same steps as staging before it, and nothing in them names another place."""
    view = view_of(job, project)
    before = [s for s in view.stages_before if s.deploys and s.target == "staging"] if view else []
    if view is None or view.stage.target != "production" or not before:
        yield NotApplicable()
        return
    mine = _path_to_deployment(view.stage)
    for other in before:
        theirs = _path_to_deployment(other)
        if mine is None or theirs is None:
            yield NotApplicable()  # the environment's own secrets are there to tell the two apart
        elif mine == theirs:
            there = Related(job.source, other.deploys[0].span, "deploys to the same place")
            yield hit(
                view.deployments[0].span,
                resource=job.resource,
                related=[there],
                staging=other.job.name,
            )
            return


def _path_to_deployment(stage: Stage) -> str | None:
    """All that leads to a stage's last deployment, as text; None where the files cannot tell where that goes."""
    job = stage.job
    if not isinstance(job, Job) or job.calls:
        return None
    if any(act.weak or act.family not in REMOTE_FAMILIES for act in stage.deploys):
        return None
    last = max(act.order[0] for act in stage.deploys)
    if any(_runs_hidden_code(step) for step in job.steps[: last + 1]):
        return None
    steps = [
        {key: value for key, value in step.node.items() if key not in _TOLD_ONLY}
        for step in job.steps[: last + 1]
    ]
    around = {key: job.node.get(key) for key in ("runs-on", "container", "env", "defaults")}
    text = _bounded_text([steps, around, job.workflow.node.get("env")])
    return None if text is None or _VARIES.search(text) else text


def _runs_hidden_code(step: Step) -> bool:
    """Whether a step runs what stands elsewhere, which may ask for the job's name and choose a place by it."""
    if step.uses is not None and step.uses.form != "repository":
        return True
    script = step.run.value if step.run is not None else ""
    return any(
        call.program in column("programs", "interpreter")
        or call.program in column("programs", "task-runner")
        or "/" in call.text.partition(" ")[0]
        for call in script_calls(script)
    )


def _bounded_text(value: Any) -> str | None:
    """Plain data as text; None for more than anybody writes, as aliases of aliases make it."""
    parts: list[str] = []
    stack, size = [value], 0
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            pairs = [part for key in sorted(item, key=str) for part in (key, item[key])]
            stack += [*reversed(pairs), "mapping"]
        elif isinstance(item, list):
            stack += [*reversed(item), f"list of {len(item)}"]
        else:
            parts.append(repr(item))
            size += len(parts[-1])
        if size > _MOST:
            return None
    return "\n".join(parts)
