"""Caches in workflows that publish: what an earlier run put in becomes a part of the release."""

from __future__ import annotations

import re
from typing import Any

from readiness.facts.actions import action_property
from readiness.kinds.github.model import Step, Workflow
from readiness.kinds.github.texts import contains_expression
from readiness.model import CheckOutcome, Span, hit
from readiness.syntax.yaml import Map, Seq

_FALSE_TEXTS = frozenset({"", "false", "no", "off", "0", "none"})
_RELEASE_BRANCH = re.compile(r"(?:\A|[/_-])releases?(?:\Z|[/_*-])", re.IGNORECASE)
_TAG_CONDITION = re.compile(r"refs/tags/|ref_type|event_name|release")
_VERSION_COMMENT = re.compile(r"[ \t]*#[ \t]*v?([0-9]{1,4})")


def cache_poisonable(workflow: Workflow) -> CheckOutcome:
    """A cache that is read where something is published."""
    released = _is_release(workflow)
    for job in workflow.jobs:
        if not released and not any(_is_publishing(step) for step in job.steps):
            continue
        for step in job.steps:
            span = _enabled_cache_span(step)
            if span is not None and not step.dead:
                yield hit(
                    span,
                    resource=step.resource,
                    action=step.parsed_uses.lowercase_name if step.parsed_uses else "",
                )


def _is_release(workflow: Workflow) -> bool:
    """Whether a release, a tag or a release branch starts it."""
    triggers = workflow.triggers
    if "release" in triggers:
        return True
    push = triggers.get("push")
    if not isinstance(push, Map):
        return False
    branches = push.get("branches")
    names = [branches] if isinstance(branches, str) else list(branches) if isinstance(branches, Seq) else []
    tagged = push.get("tags") or push.get("tags-ignore")
    return bool(tagged) or any(isinstance(n, str) and _RELEASE_BRANCH.search(n) for n in names)


def _is_publishing(step: Step) -> bool:
    used = step.parsed_uses
    if used is None or not action_property(used.slug, "publishes") or step.dead:
        return False
    if used.slug in ("docker/build-push-action", "docker/bake-action"):
        return str(step.with_inputs.get("push", "")).lower() not in _FALSE_TEXTS - {""}
    return True


def _enabled_cache_span(step: Step) -> Span | None:
    used = step.parsed_uses
    switch = action_property(used.lowercase_name, "cache") if used is not None and used.reference_kind == "repository" else None
    if used is None or switch is None:
        return None
    key = switch["input"]
    if used.slug == "docker/setup-buildx-action" and "version" not in step.with_inputs:
        return None  # the binary comes with the runner, and nothing is cached
    value = step.with_inputs.get(key)
    if value is None and used.slug == "actions/setup-node":
        key = "package-manager-cache"
        value = step.with_inputs.get(key)
    if used.slug == "astral-sh/setup-uv" and value in (None, "auto") and _major_version(step) >= 10:
        return None  # off for releases since v10
    if used.slug == "actions/setup-go" and value is None and 0 < _major_version(step) < 4:
        return None  # on by itself since v4
    if value is None:
        return step.node.at("uses") if switch["unset"] == "on" else None
    if contains_expression(value):
        return None if _TAG_CONDITION.search(str(value)) else step.with_inputs.at(key)
    given = _lowercase_text(value) not in _FALSE_TEXTS
    return step.with_inputs.at(key) if given is (switch["turns"] == "on") else None


def _lowercase_text(value: Any) -> str:
    return str(value).strip().lower()


def _major_version(step: Step) -> int:
    """The major version of an action, from its ref or from the comment behind a commit."""
    used = step.parsed_uses
    if used is not None and not used.is_pinned_to_commit:
        return used.major_version or 0
    match = _VERSION_COMMENT.match(step.source.text, step.node.at("uses").end)
    return int(match.group(1)) if match else 0


def concurrency_missing(workflow: Workflow) -> CheckOutcome:
    """Runs of one workflow beside each other without a limit; a called workflow may set one of its own."""
    own = [job for job in workflow.jobs if not job.calls]
    if "concurrency" in workflow.node or workflow.callable_only or not own:
        return
    if all("concurrency" in job.node for job in own):
        return
    yield hit(workflow.node.key_span("on" if "on" in workflow.node else "true"))
