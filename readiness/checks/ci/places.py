"""Where two deployments of one pipeline go: whether anything tells staging from production."""

from __future__ import annotations

import re
from typing import Any

from readiness.checks.ci.delivery import neighbourhood_of_deploying_job
from readiness.facts.table import fact_column
from readiness.kinds.delivery.effects import REMOTE_FAMILIES
from readiness.kinds.delivery.model import JobDelivery
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, NotApplicable, Related, hit
from readiness.model.project import Project

# What an environment, or the job itself, gives another value to.
_ENVIRONMENT_DEPENDENT_EXPRESSION = re.compile(
    r"\b(?:secrets|vars)\s*[.\[]|toJSON\(\s*(?:secrets|vars)|\bgithub\.job\b|GITHUB_JOB\b|\bmatrix\b",
    re.IGNORECASE,
)
_MAX_CHARACTERS = 200_000  # characters
_DESCRIPTIVE_STEP_KEYS = frozenset({"name", "id", "timeout-minutes", "continue-on-error"})


def staging_is_production(job: Job, *, project: Project) -> CheckOutcome:
    """Production is deployed by the same steps as staging before it, and nothing in them names another place."""
    view = neighbourhood_of_deploying_job(job, project)
    before = [s for s in view.stages_before if s.deploys and s.target_environment == "staging"] if view else []
    if view is None or view.stage.target_environment != "production" or not before:
        yield NotApplicable()
        return
    mine = _text_leading_to_deployment(view.stage)
    for other in before:
        theirs = _text_leading_to_deployment(other)
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


def _text_leading_to_deployment(stage: JobDelivery) -> str | None:
    """All that leads to a stage's last deployment, as text; None where the files cannot tell where that goes."""
    job = stage.job
    if not isinstance(job, Job) or job.calls:
        return None
    if any(act.is_guess or act.tool_family not in REMOTE_FAMILIES for act in stage.deploys):
        return None
    last = max(act.position_in_job[0] for act in stage.deploys)
    if any(_runs_hidden_code(step) for step in job.steps[: last + 1]):
        return None
    steps = [
        {key: value for key, value in step.node.items() if key not in _DESCRIPTIVE_STEP_KEYS} for step in job.steps[: last + 1]
    ]
    around = {key: job.node.get(key) for key in ("runs-on", "container", "env", "defaults")}
    text = _bounded_text([steps, around, job.workflow.node.get("env")])
    return None if text is None or _ENVIRONMENT_DEPENDENT_EXPRESSION.search(text) else text


def _runs_hidden_code(step: Step) -> bool:
    """Whether a step runs what stands elsewhere, which may ask for the job's name and choose a place by it."""
    if step.parsed_uses is not None and step.parsed_uses.reference_kind != "repository":
        return True
    script = step.run_script.value if step.run_script is not None else ""
    return any(
        call.program in fact_column("programs", "interpreter")
        or call.program in fact_column("programs", "task-runner")
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
        if size > _MAX_CHARACTERS:
            return None
    return "\n".join(parts)
