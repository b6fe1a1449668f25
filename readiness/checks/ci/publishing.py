"""Packages that a pipeline publishes, and what it shows the registry for it."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.facts.programs import program_property
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Step
from readiness.kinds.github.uses import UsesReference
from readiness.kinds.pipeline.scripts import ScriptCommand, script_calls
from readiness.model import CheckOutcome, Hit, hit
from readiness.syntax.yaml import Map

_PUBLISH_OPTIONS_WITH_VALUE = (
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
    uses_reference, run_script = step.parsed_uses, step.run_script
    if uses_reference is not None:
        yield from _publishing_action_hits(step, uses_reference)
    if run_script is None or not any(verb in run_script.value for verb in ("publish", "upload", "push")):
        return
    if _may_request_id_token(step) or _uses_github_packages(step):
        return
    for command in script_calls(run_script.value):
        publishing_verbs = _publishing_verbs(command)
        if publishing_verbs and not command.has_option(*_DRY_RUN_OPTIONS) and not _names_private_registry(command):
            yield hit(run_script.span_of_line(command.start), command=" ".join((command.program, *publishing_verbs)))


def _publishing_verbs(command: ScriptCommand) -> tuple[str, ...]:
    program_name = command.program.removesuffix(".exe").partition("==")[0].lower()
    command_verbs = []
    is_option_value = False
    for word in command.words:
        if not is_option_value and not word.startswith(("-", "+")):
            command_verbs.append(word)
        is_option_value = word in _PUBLISH_OPTIONS_WITH_VALUE
    known_verbs = (tuple(words.split()) for words in program_property(program_name, "publishes") or ())
    return next((words for words in known_verbs if tuple(command_verbs[: len(words)]) == words), ())


def _names_private_registry(command: ScriptCommand) -> bool:
    """Whether a registry is named, and it is none of the public ones."""
    registry_option = command.option_value(*_REGISTRY_OPTIONS)
    return registry_option is not None and not any(public in registry_option for public in property_by_fact_name("registries", "packages"))


def _uses_github_packages(step: Step) -> bool:
    job = step.job
    if job is None:
        return _names_github_packages(step.node)
    cached_results = job.workflow.cached_results  # every step that publishes asks for all steps of its job
    key = f"github packages {job.name}"
    if key not in cached_results:
        cached_results[key] = any(_names_github_packages(other.node) for other in job.steps)
    return bool(cached_results[key])


def _names_github_packages(step_node: Map) -> bool:
    return any(_GITHUB_PACKAGES_HOST in str(value) for value in step_node.values())


def _publishing_action_hits(step: Step, uses_reference: UsesReference) -> Iterator[Hit]:
    action_inputs = step.with_inputs
    if uses_reference.slug == "pypa/gh-action-pypi-publish":
        repository_url = str(action_inputs.get("repository-url", action_inputs.get("repository_url", "")))
        if "password" in action_inputs and (not repository_url or "pypi.org" in repository_url):
            yield hit(action_inputs.at("password"), command=uses_reference.slug)
    elif uses_reference.slug == "rubygems/release-gem":
        if action_inputs.get("setup-trusted-publisher") in (False, "false"):
            yield hit(step.node.at("uses"), command=uses_reference.slug)
    elif uses_reference.slug == "rubygems/configure-rubygems-credentials" and "api-token" in action_inputs:
        yield hit(action_inputs.at("api-token"), command=uses_reference.slug)
    elif uses_reference.slug == "js-devtools/npm-publish" and "token" in action_inputs:
        yield hit(action_inputs.at("token"), command=uses_reference.slug)


def _may_request_id_token(step: Step) -> bool:
    """Whether the job has the right to ask for an identity, or may have."""
    job = step.job
    if job is None:
        return False
    if "permissions" not in {**job.node, **job.workflow.node}:
        return "workflow_call" in job.workflow.triggers  # the caller's rights, whatever they are
    for node in (job.node, job.workflow.node):
        permissions = node.get("permissions")
        if permissions is not None:
            id_token_permission = permissions.get("id-token") if isinstance(permissions, Map) else permissions
            return id_token_permission in ("write", "write-all")
    return False
