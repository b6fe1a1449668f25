"""Caches in workflows that publish: what an earlier run put in becomes a part of the release."""

from __future__ import annotations

import re
from typing import Any

from readiness.facts.actions import action_property
from readiness.kinds.github.model import Step, Workflow
from readiness.kinds.github.texts import is_text_with_expression
from readiness.model import CheckOutcome, Span, hit
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax.yaml import Map, Seq

_FALSE_INPUT_VALUES = frozenset({"", "false", "no", "off", "0", "none"})
_RELEASE_BRANCH_PATTERN = lazy_regex(r"(?:\A|[/_-])releases?(?:\Z|[/_*-])", re.IGNORECASE)
_RELEASE_CONDITION = lazy_regex(r"refs/tags/|ref_type|event_name|release")
_MAJOR_VERSION_COMMENT = lazy_regex(r"[ \t]*#[ \t]*v?([0-9]{1,4})")


def cache_poisonable(workflow: Workflow) -> CheckOutcome:
    """A cache that is read where something is published."""
    is_release_workflow = _is_release_workflow(workflow)
    for job in workflow.jobs:
        if not is_release_workflow and not any(_is_publishing_step(step) for step in job.steps):
            continue
        for step in job.steps:
            cache_span = _span_enabling_cache(step)
            if cache_span is not None and not step.dead:
                yield hit(
                    cache_span,
                    resource=step.resource,
                    action=step.parsed_uses.lowercase_name if step.parsed_uses else "",
                )


def _is_release_workflow(workflow: Workflow) -> bool:
    """Whether a release, a tag or a release branch starts it."""
    triggers = workflow.triggers
    if "release" in triggers:
        return True
    push_filters = triggers.get("push")
    if not isinstance(push_filters, Map):
        return False
    branches_filter = push_filters.get("branches")
    branch_patterns = [branches_filter] if isinstance(branches_filter, str) else list(branches_filter) if isinstance(branches_filter, Seq) else []
    tag_filters = push_filters.get("tags") or push_filters.get("tags-ignore")
    return bool(tag_filters) or any(isinstance(n, str) and _RELEASE_BRANCH_PATTERN.search(n) for n in branch_patterns)


def _is_publishing_step(step: Step) -> bool:
    uses_reference = step.parsed_uses
    if uses_reference is None or not action_property(uses_reference.slug, "publishes") or step.dead:
        return False
    if uses_reference.slug in ("docker/build-push-action", "docker/bake-action"):
        return str(step.with_inputs.get("push", "")).lower() not in _FALSE_INPUT_VALUES - {""}
    return True


def _span_enabling_cache(step: Step) -> Span | None:
    uses_reference = step.parsed_uses
    cache_switch = (
        action_property(uses_reference.lowercase_name, "cache")
        if uses_reference is not None and uses_reference.reference_kind == "repository"
        else None
    )
    if uses_reference is None or cache_switch is None:
        return None
    input_name = cache_switch["input"]
    if uses_reference.slug == "docker/setup-buildx-action" and "version" not in step.with_inputs:
        return None  # the binary comes with the runner, and nothing is cached
    input_value = step.with_inputs.get(input_name)
    if input_value is None and uses_reference.slug == "actions/setup-node":
        input_name = "package-manager-cache"
        input_value = step.with_inputs.get(input_name)
    if uses_reference.slug == "astral-sh/setup-uv" and input_value in (None, "auto") and _action_major_version(step) >= 10:
        return None  # off for releases since v10
    if uses_reference.slug == "actions/setup-go" and input_value is None and 0 < _action_major_version(step) < 4:
        return None  # on by itself since v4
    if input_value is None:
        return step.node.at("uses") if cache_switch["unset"] == "on" else None
    if is_text_with_expression(input_value):
        return None if _RELEASE_CONDITION.search(str(input_value)) else step.with_inputs.at(input_name)
    is_truthy_input = _lowercase_input_text(input_value) not in _FALSE_INPUT_VALUES
    return step.with_inputs.at(input_name) if is_truthy_input is (cache_switch["turns"] == "on") else None


def _lowercase_input_text(input_value: Any) -> str:
    return str(input_value).strip().lower()


def _action_major_version(step: Step) -> int:
    """The major version of an action, from its ref or from the comment behind a commit."""
    uses_reference = step.parsed_uses
    if uses_reference is not None and not uses_reference.is_pinned_to_commit:
        return uses_reference.major_version or 0
    version_comment = _MAJOR_VERSION_COMMENT.match(step.source.text, step.node.at("uses").end)
    return int(version_comment.group(1)) if version_comment else 0


def concurrency_missing(workflow: Workflow) -> CheckOutcome:
    """Runs of one workflow beside each other without a limit; a called workflow may set one of its own."""
    jobs_with_steps = [job for job in workflow.jobs if not job.calls]
    if "concurrency" in workflow.node or workflow.callable_only or not jobs_with_steps:
        return
    if all("concurrency" in job.node for job in jobs_with_steps):
        return
    yield hit(workflow.node.key_span("on" if "on" in workflow.node else "true"))
