"""Packages that a pipeline publishes, and what it shows the registry for it."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.facts.programs import program_property
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Step
from readiness.kinds.github.uses import UsesReference
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import CheckOutcome, Hit, hit
from readiness.syntax.yaml import Map

_OPTIONS_WITH_VALUE = (
    "-w",
    "--workspace",
    "-C",
    "--dir",
    "--prefix",
    "--filter",
    "-F",
    "--directory",
)
_DRY_RUN_OPTIONS = ("--dry-run", "-n")
_REGISTRY_OPTIONS = (
    "--registry",
    "--repository-url",
    "--publish-url",
    "--host",
    "--source",
    "-s",
    "--index-url",
    "--index",
)
_GITHUB_PACKAGES_HOST = "pkg.github.com"  # GitHub Packages: the run's own short-lived token


def publish_token_stored(step: Step) -> CheckOutcome:
    """A package published with a stored token where the registry takes the workflow's own identity."""
    if step.dead:
        return
    used, run = step.parsed_uses, step.run_script
    if used is not None:
        yield from _publishing_action(step, used)
    if run is None or not any(verb in run.value for verb in ("publish", "upload", "push")):
        return
    if _may_request_identity(step) or _is_github_registry(step):
        return
    for call in script_calls(run.value):
        words = _publishing_call(call)
        if words and not call.has_option(*_DRY_RUN_OPTIONS) and not _is_private_registry(call):
            yield hit(run.span_of_line(call.start), command=" ".join((call.program, *words)))


def _publishing_call(call: ScriptCommand) -> tuple[str, ...]:
    program = call.program.removesuffix(".exe").partition("==")[0].lower()
    verbs = []
    skip = False
    for word in call.words:
        if not skip and not word.startswith(("-", "+")):
            verbs.append(word)
        skip = word in _OPTIONS_WITH_VALUE
    known = (tuple(words.split()) for words in program_property(program, "publishes") or ())
    return next((words for words in known if tuple(verbs[: len(words)]) == words), ())


def _is_private_registry(call: ScriptCommand) -> bool:
    """Whether a registry is named, and it is none of the public ones."""
    named = call.option_value(*_REGISTRY_OPTIONS)
    return named is not None and not any(public in named for public in fact_column("registries", "packages"))


def _is_github_registry(step: Step) -> bool:
    job = step.job
    nodes = [step.node] if job is None else [other.node for other in job.steps]
    return any(_GITHUB_PACKAGES_HOST in str(value) for node in nodes for value in node.values())


def _publishing_action(step: Step, uses: UsesReference) -> Iterator[Hit]:
    options = step.with_inputs
    if uses.slug == "pypa/gh-action-pypi-publish":
        url = str(options.get("repository-url", options.get("repository_url", "")))
        if "password" in options and (not url or "pypi.org" in url):
            yield hit(options.at("password"), command=uses.slug)
    elif uses.slug == "rubygems/release-gem":
        if options.get("setup-trusted-publisher") in (False, "false"):
            yield hit(step.node.at("uses"), command=uses.slug)
    elif uses.slug == "rubygems/configure-rubygems-credentials" and "api-token" in options:
        yield hit(options.at("api-token"), command=uses.slug)
    elif uses.slug == "js-devtools/npm-publish" and "token" in options:
        yield hit(options.at("token"), command=uses.slug)


def _may_request_identity(step: Step) -> bool:
    """Whether the job has the right to ask for an identity, or may have."""
    job = step.job
    if job is None:
        return False
    if "permissions" not in {**job.node, **job.workflow.node}:
        return "workflow_call" in job.workflow.triggers  # the caller's rights, whatever they are
    for node in (job.node, job.workflow.node):
        permissions = node.get("permissions")
        if permissions is not None:
            own = permissions.get("id-token") if isinstance(permissions, Map) else permissions
            return own in ("write", "write-all")
    return False
