"""Caches in workflows that publish: what an earlier run put in becomes a part of the release."""

from __future__ import annotations

import re
from typing import Any

from readiness.facts.actions import action_property
from readiness.kinds.github.model import Step, Workflow
from readiness.kinds.github.texts import is_expression
from readiness.model import Outcome, Span, hit
from readiness.syntax.yaml import Map, Seq

_NO = frozenset({"", "false", "no", "off", "0", "none"})
_RELEASE = re.compile(r"(?:\A|[/_-])releases?(?:\Z|[/_*-])", re.IGNORECASE)
_TAGS = re.compile(r"refs/tags/|ref_type|event_name|release")
_VERSION_COMMENT = re.compile(r"[ \t]*#[ \t]*v?([0-9]{1,4})")


def cache_poisonable(workflow: Workflow) -> Outcome:
    """A cache that is read where something is published."""
    released = _is_release(workflow)
    for job in workflow.jobs:
        if not released and not any(_is_publishing(step) for step in job.steps):
            continue
        for step in job.steps:
            span = _cache_switch(step)
            if span is not None and not step.dead:
                yield hit(span, resource=step.resource, action=step.uses.name if step.uses else "")


def _is_release(workflow: Workflow) -> bool:
    """Whether a release, a tag or a release branch starts it."""
    triggers = workflow.triggers
    if "release" in triggers:
        return True
    push = triggers.get("push")
    if not isinstance(push, Map):
        return False
    branches = push.get("branches")
    names = (
        [branches]
        if isinstance(branches, str)
        else list(branches)
        if isinstance(branches, Seq)
        else []
    )
    tagged = push.get("tags") or push.get("tags-ignore")
    return bool(tagged) or any(isinstance(n, str) and _RELEASE.search(n) for n in names)


def _is_publishing(step: Step) -> bool:
    used = step.uses
    if used is None or not action_property(used.slug, "publishes") or step.dead:
        return False
    if used.slug in ("docker/build-push-action", "docker/bake-action"):
        return str(step.options.get("push", "")).lower() not in _NO - {""}
    return True


def _cache_switch(step: Step) -> Span | None:
    used = step.uses
    switch = (
        action_property(used.name, "cache")
        if used is not None and used.form == "repository"
        else None
    )
    if used is None or switch is None:
        return None
    key = switch["input"]
    if used.slug == "docker/setup-buildx-action" and "version" not in step.options:
        return None  # the binary comes with the runner, and nothing is cached
    value = step.options.get(key)
    if value is None and used.slug == "actions/setup-node":
        key = "package-manager-cache"
        value = step.options.get(key)
    if used.slug == "astral-sh/setup-uv" and value in (None, "auto") and _major_version(step) >= 10:
        return None  # off for releases since v10
    if used.slug == "actions/setup-go" and value is None and 0 < _major_version(step) < 4:
        return None  # on by itself since v4
    if value is None:
        return step.node.at("uses") if switch["unset"] == "on" else None
    if is_expression(value):
        return None if _TAGS.search(str(value)) else step.options.at(key)
    given = _action_text(value) not in _NO
    return step.options.at(key) if given is (switch["turns"] == "on") else None


def _action_text(value: Any) -> str:
    return str(value).strip().lower()


def _major_version(step: Step) -> int:
    """The major version of an action, from its ref or from the comment behind a commit."""
    used = step.uses
    if used is not None and not used.pinned:
        return used.major or 0
    match = _VERSION_COMMENT.match(step.source.text, step.node.at("uses").end)
    return int(match.group(1)) if match else 0


def concurrency_missing(workflow: Workflow) -> Outcome:
    """Runs of one workflow beside each other without a limit; a called workflow may set one of its own."""
    own = [job for job in workflow.jobs if not job.calls]
    if "concurrency" in workflow.node or workflow.callable_only or not own:
        return
    if all("concurrency" in job.node for job in own):
        return
    yield hit(workflow.node.key("on" if "on" in workflow.node else "true"))
