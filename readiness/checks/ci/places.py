"""Where two deployments of one pipeline go: whether anything tells staging from production."""

from __future__ import annotations

import re
from typing import Any

from readiness.checks.ci.delivery import neighbourhood_of_deploying_job
from readiness.facts.table import property_by_fact_name
from readiness.kinds.delivery.effects import REMOTE_DEPLOYMENT_FAMILIES
from readiness.kinds.delivery.model import JobDelivery
from readiness.kinds.github.model import Job, Step
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, NotApplicable, Related, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project

# What an environment, or the job itself, gives another value to.
_ENVIRONMENT_DEPENDENT_EXPRESSION = lazy_regex(
    r"\b(?:secrets|vars)\s*[.\[]|toJSON\(\s*(?:secrets|vars)|\bgithub\.job\b|GITHUB_JOB\b|\bmatrix\b",
    re.IGNORECASE,
)
_MAX_TEXT_CHARACTERS = 200_000  # characters
_DESCRIPTIVE_STEP_KEYS = frozenset({"name", "id", "timeout-minutes", "continue-on-error"})


def staging_is_production(job: Job, *, project: Project) -> CheckOutcome:
    """Production is deployed by the same steps as staging before it, and nothing in them names another place."""
    neighbourhood = neighbourhood_of_deploying_job(job, project)
    staging_deliveries = [s for s in neighbourhood.stages_before if s.deploys and s.target_environment == "staging"] if neighbourhood else []
    if neighbourhood is None or neighbourhood.stage.target_environment != "production" or not staging_deliveries:
        yield NotApplicable()
        return
    production_text = _text_leading_to_deployment(neighbourhood.stage)
    for staging_delivery in staging_deliveries:
        staging_text = _text_leading_to_deployment(staging_delivery)
        if production_text is None or staging_text is None:
            yield NotApplicable()  # the environment's own secrets are there to tell the two apart
        elif production_text == staging_text:
            related_deployment = Related(job.source, staging_delivery.deploys[0].span, "deploys to the same place")
            yield hit(
                neighbourhood.deployments[0].span,
                resource=job.resource,
                related=[related_deployment],
                staging=staging_delivery.job.name,
            )
            return


def _text_leading_to_deployment(job_delivery: JobDelivery) -> str | None:
    """All that leads to a stage's last deployment, as text; None where the files cannot tell where that goes."""
    job = job_delivery.job
    if not isinstance(job, Job) or job.calls:
        return None
    if any(act.is_guess or act.tool_family not in REMOTE_DEPLOYMENT_FAMILIES for act in job_delivery.deploys):
        return None
    last_deploying_step = max(act.position_in_job[0] for act in job_delivery.deploys)
    if any(_may_run_hidden_code(step) for step in job.steps[: last_deploying_step + 1]):
        return None
    step_mappings = [
        {key: value for key, value in step.node.items() if key not in _DESCRIPTIVE_STEP_KEYS} for step in job.steps[: last_deploying_step + 1]
    ]
    job_settings = {key: job.node.get(key) for key in ("runs-on", "container", "env", "defaults")}
    combined_text = _bounded_text_of_data([step_mappings, job_settings, job.workflow.node.get("env")])
    return None if combined_text is None or _ENVIRONMENT_DEPENDENT_EXPRESSION.search(combined_text) else combined_text


def _may_run_hidden_code(step: Step) -> bool:
    """Whether a step runs what stands elsewhere, which may ask for the job's name and choose a place by it."""
    if step.parsed_uses is not None and step.parsed_uses.reference_kind != "repository":
        return True
    script_text = step.run_script.value if step.run_script is not None else ""
    return any(
        call.program in property_by_fact_name("programs", "interpreter")
        or call.program in property_by_fact_name("programs", "task-runner")
        or "/" in call.text.partition(" ")[0]
        for call in script_calls(script_text)
    )


def _bounded_text_of_data(plain_data: Any) -> str | None:
    """Plain data as text; None for more than anybody writes, as aliases of aliases make it."""
    text_parts: list[str] = []
    pending_values, character_count = [plain_data], 0
    while pending_values:
        pending_value = pending_values.pop()
        if isinstance(pending_value, dict):
            sorted_keys_and_values = [part for key in sorted(pending_value, key=str) for part in (key, pending_value[key])]
            pending_values += [*reversed(sorted_keys_and_values), "mapping"]
        elif isinstance(pending_value, list):
            pending_values += [*reversed(pending_value), f"list of {len(pending_value)}"]
        else:
            text_parts.append(repr(pending_value))
            character_count += len(text_parts[-1])
        if character_count > _MAX_TEXT_CHARACTERS:
            return None
    return "\n".join(text_parts)
