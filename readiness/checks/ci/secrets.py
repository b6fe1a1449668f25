"""Secrets in pipelines: written down, passed around whole, put on command lines, left on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.ci.injection import code_texts
from readiness.facts.actions import action_property
from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Job, Step, Workflow, expression_texts_with_key_paths, texts_with_key_paths
from readiness.kinds.github.texts import expressions_in_text, located_texts_with_key_paths
from readiness.kinds.gitlab.model import GitlabFile
from readiness.kinds.gitlab.model import Job as GitlabJob
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, Hit, Severity, Undecidable, hit, missing
from readiness.model.lazy_regex import lazy_regex
from readiness.syntax import expression as ex
from readiness.syntax import secrets
from readiness.syntax.secrets import HostReach, SecretStrength, SecretVerdict, ValueContext
from readiness.syntax.text import LocatedText
from readiness.syntax.yaml import Map, Seq


def secrets_inherited(job: Job) -> CheckOutcome:
    """All secrets handed to a called workflow."""
    if job.calls and job.node.get("secrets") == "inherit":
        yield hit(job.node.at("secrets"), workflow=job.node["uses"])


def secrets_whole_context(workflow: Workflow) -> CheckOutcome:
    """All secrets in one value: `toJSON(secrets)`, or one by a computed name."""
    for _, located_text in expression_texts_with_key_paths(workflow):
        for expression in expressions_in_text(located_text):
            for context_node, context_path in ex.longest_context_accesses(expression.tree) if expression.tree else ():
                if context_path == ("secrets",) or context_path[:2] == ("secrets", "*"):
                    yield hit(expression.to_source_span(context_node.span))


def secret_part_unmasked(workflow: Workflow) -> CheckOutcome:
    """A structured secret taken apart: the log hides the whole and shows the parts."""
    for _, located_text in expression_texts_with_key_paths(workflow):
        for expression in expressions_in_text(located_text):
            expression_nodes = list(ex.walk_expression_tree(expression.tree)) if expression.tree else []
            access_by_owner_id = {id(n.owner): n for n in expression_nodes if isinstance(n, ex.MemberAccess | ex.IndexAccess)}
            for expression_node in expression_nodes:
                if isinstance(expression_node, ex.FunctionCall) and expression_node.name.lower() == "fromjson" and expression_node.arguments:
                    context_path = ex.lowercase_access_path(expression_node.arguments[0])
                    if context_path is not None and context_path[0] == "secrets":
                        yield hit(expression.to_source_span(access_by_owner_id.get(id(expression_node), expression_node).span))


def secret_outside_environment(job: Job) -> CheckOutcome:
    """A secret used in a job that has no environment to guard it.

    A workflow that others call has what its callers hand over, and those can be no secrets of an environment.
    """
    if job.environment is not None or job.calls or isinstance(job.node.get("environment"), Map):
        return
    for _, located_text in located_texts_with_key_paths(job.node, job.source):
        for expression in expressions_in_text(located_text):
            for context_node, context_path in ex.longest_context_accesses(expression.tree) if expression.tree else ():
                if context_path[0] != "secrets" or context_path[1:2] == ("github_token",):
                    continue
                secret_name = context_path[1].upper() if len(context_path) > 1 and context_path[1] != "*" else "of any name"
                secret_span = expression.to_source_span(context_node.span)
                is_callable_workflow = "workflow_call" in job.workflow.triggers
                yield Undecidable(secret_span) if is_callable_workflow else hit(secret_span, secret=secret_name)


def secret_in_script(step: Step) -> CheckOutcome:
    """A secret written into a script's text, where command lines and traces show it."""
    for expression in (one for text in code_texts(step) for one in expressions_in_text(text)):
        for _, context_path in ex.longest_context_accesses(expression.tree) if expression.tree else ():
            if context_path[0] == "secrets" or context_path == ("github", "token"):
                secret_name = context_path[1].upper() if len(context_path) > 1 and context_path[1] != "*" else "of any name"
                yield hit(expression.span_with_braces, secret="GITHUB_TOKEN" if secret_name == "TOKEN" else secret_name)  # noqa: S105 - a name, no secret
                break


def login_password_argument(step: Step | GitlabJob) -> CheckOutcome:
    """A registry password as an argument of a command."""
    if isinstance(step, GitlabJob):
        for script_text in step.script_texts:
            yield from _password_option_hits(script_text)
    elif step.run_script is not None and step.shell in ("bash", "sh", ""):
        yield from _password_option_hits(step.run_script)


def _password_option_hits(script_text: LocatedText) -> Iterator[Hit]:
    if "login" not in script_text.value:
        return
    for command in script_calls(script_text.value):
        if (
            command.program in property_by_fact_name("programs", "login")
            and "login" in command.non_option_arguments
            and command.option_value(*property_by_fact_name("programs", "login")[command.program]) is not None
        ):
            yield hit(script_text.span_of_line(command.start), program=command.program)


def secret_in_curl(step: Step) -> CheckOutcome:
    """A secret in the arguments of curl or wget."""
    run_script = step.run_script
    if run_script is None or "secrets." not in run_script.value:
        return
    for command in script_calls(run_script.value):
        if command.program in ("curl", "wget") and re.search(r"\$\{\{[^}]{0,200}\bsecrets\.", command.text):
            yield hit(run_script.span_of_line(command.start), program=command.program)


_IPV4_ADDRESS_PATTERN = lazy_regex(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")


def netcat_to_address(step: Step) -> CheckOutcome:
    """netcat to a bare IP address."""
    run_script = step.run_script
    if run_script is None or not re.search(r"\b(?:nc|ncat|netcat)\b", run_script.value):
        return
    for command in script_calls(run_script.value):
        ip_address = next((word for word in command.non_option_arguments if _IPV4_ADDRESS_PATTERN.match(word)), "")
        if command.program in ("nc", "ncat", "netcat") and ip_address and not ip_address.startswith(("127.", "0.")):
            yield hit(run_script.span_of_line(command.start))


_SECTIONS_WITH_SETTINGS = ("env", "with", "variables", "inputs")
_GITLAB_SCRIPT_KEYS = ("script", "before_script", "after_script")
# Keys that are credentials even of an action that keeps a cache: it may keep it in somebody's store.
_STORE_CREDENTIAL_NAME = lazy_regex(r"(?:access|secret|api|private|account)[-_]?key", re.IGNORECASE)


def secret_inline(workflow: Workflow | GitlabFile) -> CheckOutcome:
    """A key, a token or a password that stands in the file."""
    for key_path, located_text in texts_with_key_paths(workflow):
        if len(key_path) < 2 or "credentials" in key_path or key_path[0] == "on":
            continue
        if key_path[-2] in _SECTIONS_WITH_SETTINGS and isinstance(key_path[-1], str):
            yield from _secret_in_setting_hits(workflow, key_path, located_text)
        elif key_path[-1] in ("run", "script") or key_path[-2] in _GITLAB_SCRIPT_KEYS:
            for found_secret in secrets.secrets_in_text(located_text.value, ValueContext.JOB):
                if found_secret.found_by_name or _severity_of_pipeline_secret(found_secret.verdict) is None:
                    continue
                secret_span = located_text.span_of_part(*found_secret.span)
                secret_verdict = secrets.verdict_with_public_comment(found_secret.verdict, workflow.source.text, secret_span.start)
                yield hit(
                    secret_span,
                    say="script",
                    severity=_severity_of_pipeline_secret(secret_verdict),
                    reason=secret_verdict.reason,
                )


def _secret_in_setting_hits(workflow: Workflow | GitlabFile, key_path: Sequence[Any], setting_text: LocatedText) -> Iterator[Hit]:
    """A variable or an input that holds a secret."""
    setting_name = key_path[-1]
    if key_path[-2] == "with" and _is_cache_input(workflow, key_path):
        return
    secret_verdict = secrets.classify_value(setting_name, setting_text.value, ValueContext.JOB)
    variable_name = setting_name if key_path[-2] != "with" else ""
    if _severity_of_pipeline_secret(secret_verdict, variable_name) is None or (
        _may_be_test_credential(setting_name, secret_verdict) and _has_service_containers(key_path, workflow)
    ):
        return
    secret_verdict = secrets.verdict_with_public_comment(secret_verdict, workflow.source.text, setting_text.span.start)
    severity = _severity_of_pipeline_secret(secret_verdict, variable_name)
    yield hit(
        setting_text.span,
        severity=severity,
        say="setting",
        name=setting_name,
        reason=secret_verdict.reason,
    )


def _severity_of_pipeline_secret(secret_verdict: SecretVerdict, variable_name: str = "") -> Severity | None:
    """How bad a secret in a pipeline is; None where it is none.

    A password that a person chose, one by which a store is started, and a key that an application makes up for itself
    may be of what the job starts, and what says that it is for tests may be of a test account. On a host that has a name
    for the world they are not. `variable_name` is that of a variable.
    """
    if not secret_verdict.is_secret:
        return None
    if secret_verdict.is_minor:
        return Severity.LOW
    if secret_verdict.says_test:
        return Severity.MEDIUM
    if secret_verdict.reach is not None:
        is_surely_random = secret_verdict.reach is HostReach.AWAY and secret_verdict.strength >= SecretStrength.RANDOM
        return Severity.HIGH if is_surely_random else Severity.MEDIUM
    if secret_verdict.strength is SecretStrength.SHAPE:
        return Severity.CRITICAL
    is_initial_store_password = secrets.is_store_password_name(variable_name)
    return None if is_initial_store_password and secret_verdict.strength < SecretStrength.RANDOM else Severity.MEDIUM


def _is_cache_input(workflow: Workflow | GitlabFile, key_path: Sequence[Any]) -> bool:
    """Whether an input names what an action keeps in a cache: what an input is, the action says and not its name."""
    input_name = str(key_path[-1])
    action_name = _action_beside_setting(workflow, key_path)
    is_about_cache = "cache" in action_name or "cache" in input_name.lower() or "restore" in input_name.lower()
    return is_about_cache and "key" in input_name.lower() and not _STORE_CREDENTIAL_NAME.search(input_name)


def _action_beside_setting(workflow: Workflow | GitlabFile, key_path: Sequence[Any]) -> str:
    """The action of the step whose `with` or `env` a setting stands in, in lower case; empty where it has none."""
    step_node = workflow.node
    for path_key in key_path[:-2]:
        step_node = step_node[path_key]
    uses_text = step_node.get("uses") if isinstance(step_node, Map) else None
    return uses_text.partition("@")[0].lower() if isinstance(uses_text, str) else ""


def _may_be_test_credential(setting_name: str, secret_verdict: SecretVerdict) -> bool:
    """Whether a secret may be that of a database or an application that lives and dies with the job."""
    if secret_verdict.strength is SecretStrength.SHAPE or secret_verdict.reach is HostReach.AWAY:
        return False
    return secret_verdict.reason in (
        "password",
        secrets.URL_USERINFO_REASON,
    ) or secrets.is_signing_key_name(setting_name)


def _has_service_containers(key_path: Sequence[Any], workflow: Workflow | GitlabFile) -> bool:
    """Whether a job has service containers: their passwords protect nothing outside the run, and its steps must know them."""
    if isinstance(workflow, GitlabFile):
        return any(isinstance(job.inherited_value("services"), Seq) for job in workflow.jobs)
    if key_path[0] != "jobs":
        return any(isinstance(job.node.get("services"), Map) for job in workflow.jobs)
    job = next((job for job in workflow.jobs if job.name == key_path[1]), None)
    return job is not None and isinstance(job.node.get("services"), Map)


def credentials_persisted(step: Step) -> CheckOutcome:
    """A checkout that leaves the token in the working copy, in a job that does not push."""
    uses_reference = step.parsed_uses
    if uses_reference is None or uses_reference.slug != "actions/checkout" or isinstance(step.node.get("with"), str):
        return
    persist_credentials = step.with_inputs.get("persist-credentials")
    if persist_credentials in (False, "false") or _does_job_push(step):
        return
    if persist_credentials is None:
        yield missing(step.node.at("uses"))
    else:
        yield hit(step.with_inputs.at("persist-credentials"))


_GIT_PUSH_COMMAND = lazy_regex(r"\bgit\b[^\n]{0,80}\bpush\b|semantic-release|npm version|lerna publish|changeset publish|mike deploy|gh-deploy")


def _does_job_push(step: Step) -> bool:
    """Whether a step of the same job pushes with the token that checkout leaves."""
    if isinstance(step.owner, Job):
        for other_step in step.owner.steps:
            run_script, uses_reference = other_step.run_script, other_step.parsed_uses
            if run_script is not None and _GIT_PUSH_COMMAND.search(run_script.value):
                return True
            if uses_reference is not None and action_property(uses_reference.slug, "pushes"):
                return True
    return False


_ORGANISATION_PERMISSION_PREFIXES = ("permission-organization", "permission-members", "permission-team")


def app_token_wide(step: Step) -> CheckOutcome:
    """A token of a GitHub App with all of its rights, for all of its repositories, or left valid."""
    uses_reference = step.parsed_uses
    if uses_reference is None or not action_property(uses_reference.slug, "app-token"):
        return
    token_inputs = step.with_inputs
    permission_inputs = [name for name in token_inputs if name.lower().startswith("permission-")]
    if str(token_inputs.get("skip-token-revoke", "")).lower() == "true":
        yield hit(token_inputs.at("skip-token-revoke"), say="kept")
    if not permission_inputs:
        yield hit(step.node.at("uses"), say="permissions")
        return
    are_all_organisation_permissions = all(name.lower().startswith(_ORGANISATION_PERMISSION_PREFIXES) for name in permission_inputs)
    if "owner" in token_inputs and "repositories" not in token_inputs and not are_all_organisation_permissions:
        yield hit(token_inputs.at("owner"), say="repositories")
