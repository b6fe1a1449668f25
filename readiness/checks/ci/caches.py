"""Caches in workflows that publish: what an earlier run put in becomes a part of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.kinds.github.model import Step, Workflow
from readiness.kinds.github.texts import is_expression
from readiness.model import Hit, Span, hit
from readiness.syntax.yaml import Map, Seq

# Action: (key that turns the cache on or off, what it means, whether the cache is on without the key).
_CACHES: dict[str, tuple[str, str, bool]] = {
    "actions/cache": ("lookup-only", "off", True),
    "actions/cache/restore": ("lookup-only", "off", True),
    "actions/setup-node": ("cache", "on", False),
    "actions/setup-python": ("cache", "on", False),
    "actions/setup-java": ("cache", "on", False),
    "actions/setup-go": ("cache", "on", True),
    "actions/setup-dotnet": ("cache", "on", False),
    "ruby/setup-ruby": ("bundler-cache", "on", False),
    "swatinem/rust-cache": ("lookup-only", "off", True),
    "astral-sh/setup-uv": ("enable-cache", "on", True),
    "gradle/actions/setup-gradle": ("cache-disabled", "off", True),
    "gradle/gradle-build-action": ("cache-disabled", "off", True),
    "ramsey/composer-install": ("ignore-cache", "off", True),
    "pyo3/maturin-action": ("sccache", "on", False),
    "jdx/mise-action": ("cache", "on", True),
    "graalvm/setup-graalvm": ("cache", "on", False),
    "actions-rust-lang/setup-rust-toolchain": ("cache", "on", True),
    "golangci/golangci-lint-action": ("skip-cache", "off", True),
    "oven-sh/setup-bun": ("no-cache", "off", True),
    "mlugg/setup-zig": ("use-cache", "on", True),
    "mozilla-actions/sccache-action": ("disable", "off", True),
    "pnpm/action-setup": ("cache", "on", False),
    "docker/setup-buildx-action": ("cache-binary", "on", True),
    "determinatesystems/magic-nix-cache-action": ("use-gha-cache", "on", True),
    "nix-community/cache-nix-action": ("lookup-only", "off", True),
}
_PUBLISHERS = frozenset(
    "pypa/gh-action-pypi-publish rubygems/release-gem goreleaser/goreleaser-action softprops/action-gh-release"
    " ncipollo/release-action js-devtools/npm-publish cycjimmy/semantic-release-action actions/create-release"
    " actions/upload-release-asset docker/build-push-action docker/bake-action rust-lang/crates-io-auth-action"
    " release-drafter/release-drafter googleapis/release-please-action changesets/action"
    " aws-actions/amazon-ecs-deploy-task-definition google-github-actions/deploy-cloudrun"
    " google-github-actions/deploy-appengine azure/webapps-deploy redhat-actions/push-to-registry"
    " cloudflare/wrangler-action".split()
)
_NO = frozenset({"", "false", "no", "off", "0", "none"})
_RELEASE = re.compile(r"(?:\A|[/_-])releases?(?:\Z|[/_*-])", re.IGNORECASE)
_TAGS = re.compile(r"refs/tags/|ref_type|event_name|release")
_VERSION_COMMENT = re.compile(r"[ \t]*#[ \t]*v?([0-9]{1,4})")


def poisonable(workflow: Workflow) -> Iterator[Hit]:
    """A cache that is read where something is published."""
    released = _released(workflow)
    for job in workflow.jobs:
        if not released and not any(_publishes(step) for step in job.steps):
            continue
        for step in job.steps:
            span = _cached(step)
            if span is not None and not step.dead:
                yield hit(span, resource=step.resource, action=step.uses.name if step.uses else "")


def _released(workflow: Workflow) -> bool:
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


def _publishes(step: Step) -> bool:
    used = step.uses
    if used is None or used.slug not in _PUBLISHERS or step.dead:
        return False
    if used.slug in ("docker/build-push-action", "docker/bake-action"):
        return str(step.options.get("push", "")).lower() not in _NO - {""}
    return True


def _cached(step: Step) -> Span | None:
    used = step.uses
    found = _CACHES.get(used.name) if used is not None and used.form == "repository" else None
    if used is None or found is None:
        return None
    key, means, default = found
    if used.slug == "docker/setup-buildx-action" and "version" not in step.options:
        return None  # the binary comes with the runner, and nothing is cached
    value = step.options.get(key)
    if value is None and used.slug == "actions/setup-node":
        key = "package-manager-cache"
        value = step.options.get(key)
    if used.slug == "astral-sh/setup-uv" and value in (None, "auto") and _major(step) >= 10:
        return None  # off for releases since v10
    if used.slug == "actions/setup-go" and value is None and 0 < _major(step) < 4:
        return None  # on by itself since v4
    if value is None:
        return step.node.at("uses") if default else None
    if is_expression(value):
        return None if _TAGS.search(str(value)) else step.options.at(key)
    given = _shown(value) not in _NO
    return step.options.at(key) if given is (means == "on") else None


def _shown(value: Any) -> str:
    return str(value).strip().lower()


def _major(step: Step) -> int:
    """The major version of an action, from its ref or from the comment behind a commit."""
    used = step.uses
    if used is not None and not used.pinned:
        return used.major or 0
    match = _VERSION_COMMENT.match(step.source.text, step.node.at("uses").end)
    return int(match.group(1)) if match else 0


def unlimited(workflow: Workflow) -> Iterator[Hit]:
    """Runs of one workflow beside each other without a limit; a called workflow may set one of its own."""
    own = [job for job in workflow.jobs if not job.calls]
    if "concurrency" in workflow.node or workflow.callable_only or not own:
        return
    if all("concurrency" in job.node for job in own):
        return
    yield hit(workflow.node.key("on" if "on" in workflow.node else "true"))
