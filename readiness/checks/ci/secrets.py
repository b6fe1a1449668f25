"""Secrets in pipelines: written down, passed around whole, put on command lines, left on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.ci.injection import code_texts
from readiness.facts.actions import action_property
from readiness.facts.table import fact_column
from readiness.kinds.github.model import Job, Step, Workflow, expanded_texts
from readiness.kinds.github.texts import expressions, texts_below
from readiness.kinds.gitlab.model import GitlabFile
from readiness.kinds.gitlab.model import Job as GitlabJob
from readiness.kinds.pipeline.scripts import script_calls
from readiness.model import CheckOutcome, Hit, Severity, Undecidable, hit, missing
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
    for _, text in expanded_texts(workflow):
        for expression in expressions(text):
            for node, path in ex.context_accesses(expression.tree) if expression.tree else ():
                if path == ("secrets",) or path[:2] == ("secrets", "*"):
                    yield hit(expression.to_source_span(node.span))


def secret_part_unmasked(workflow: Workflow) -> CheckOutcome:
    """A structured secret taken apart: the log hides the whole and shows the parts."""
    for _, text in expanded_texts(workflow):
        for expression in expressions(text):
            nodes = list(ex.walk_tree(expression.tree)) if expression.tree else []
            part = {id(n.owner): n for n in nodes if isinstance(n, ex.MemberAccess | ex.IndexAccess)}
            for node in nodes:
                if isinstance(node, ex.FunctionCall) and node.name.lower() == "fromjson" and node.arguments:
                    path = ex.access_path(node.arguments[0])
                    if path is not None and path[0] == "secrets":
                        yield hit(expression.to_source_span(part.get(id(node), node).span))


def secret_outside_environment(job: Job) -> CheckOutcome:
    """A secret used in a job that has no environment to guard it.

    A workflow that others call has what its callers hand over, and those can be no secrets of an environment.
    """
    if job.environment is not None or job.calls or isinstance(job.node.get("environment"), Map):
        return
    for _, text in texts_below(job.node, job.source):
        for expression in expressions(text):
            for node, path in ex.context_accesses(expression.tree) if expression.tree else ():
                if path[0] != "secrets" or path[1:2] == ("github_token",):
                    continue
                name = path[1].upper() if len(path) > 1 and path[1] != "*" else "of any name"
                span = expression.to_source_span(node.span)
                called = "workflow_call" in job.workflow.triggers
                yield Undecidable(span) if called else hit(span, secret=name)


def secret_in_script(step: Step) -> CheckOutcome:
    """A secret written into a script's text, where command lines and traces show it."""
    for expression in (one for text in code_texts(step) for one in expressions(text)):
        for _, path in ex.context_accesses(expression.tree) if expression.tree else ():
            if path[0] == "secrets" or path == ("github", "token"):
                name = path[1].upper() if len(path) > 1 and path[1] != "*" else "of any name"
                yield hit(expression.span_with_braces, secret="GITHUB_TOKEN" if name == "TOKEN" else name)
                break


def login_password_argument(step: Step | GitlabJob) -> CheckOutcome:
    """A registry password as an argument of a command."""
    if isinstance(step, GitlabJob):
        for text in step.script_texts:
            yield from _password_option_hits(text)
    elif step.run_script is not None and step.shell in ("bash", "sh", ""):
        yield from _password_option_hits(step.run_script)


def _password_option_hits(run: LocatedText) -> Iterator[Hit]:
    if "login" not in run.value:
        return
    for call in script_calls(run.value):
        if (
            call.program in fact_column("programs", "login")
            and "login" in call.non_option_arguments
            and call.option_value(*fact_column("programs", "login")[call.program]) is not None
        ):
            yield hit(run.span_of_line(call.start), program=call.program)


def secret_in_curl(step: Step) -> CheckOutcome:
    """A secret in the arguments of curl or wget."""
    run = step.run_script
    if run is None or "secrets." not in run.value:
        return
    for call in script_calls(run.value):
        if call.program in ("curl", "wget") and re.search(r"\$\{\{[^}]{0,200}\bsecrets\.", call.text):
            yield hit(run.span_of_line(call.start), program=call.program)


_IPV4_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")


def netcat_to_address(step: Step) -> CheckOutcome:
    """netcat to a bare IP address."""
    run = step.run_script
    if run is None or not re.search(r"\b(?:nc|ncat|netcat)\b", run.value):
        return
    for call in script_calls(run.value):
        address = next((word for word in call.non_option_arguments if _IPV4_ADDRESS.match(word)), "")
        if call.program in ("nc", "ncat", "netcat") and address and not address.startswith(("127.", "0.")):
            yield hit(run.span_of_line(call.start))


_SECTIONS_WITH_VALUES = ("env", "with", "variables", "inputs")
_GITLAB_SCRIPTS = ("script", "before_script", "after_script")
# Keys that are credentials even of an action that keeps a cache: it may keep it in somebody's store.
_STORE_KEYS = re.compile(r"(?:access|secret|api|private|account)[-_]?key", re.IGNORECASE)


def secret_inline(workflow: Workflow | GitlabFile) -> CheckOutcome:
    """A key, a token or a password that stands in the file."""
    for way, text in texts_below(workflow.node, workflow.source):
        if len(way) < 2 or "credentials" in way or way[0] == "on":
            continue
        if way[-2] in _SECTIONS_WITH_VALUES and isinstance(way[-1], str):
            yield from _secret_in_setting_hits(workflow, way, text)
        elif way[-1] in ("run", "script") or way[-2] in _GITLAB_SCRIPTS:
            for secret in secrets.secrets_in_text(text.value, ValueContext.JOB):
                if secret.found_by_name or _secret_severity(secret.verdict) is None:
                    continue
                span = text.span_of_part(*secret.span)
                verdict = secrets.with_comment(secret.verdict, workflow.source.text, span.start)
                yield hit(span, say="script", severity=_secret_severity(verdict), reason=verdict.reason)


def _secret_in_setting_hits(workflow: Workflow | GitlabFile, key_path: Sequence[Any], text: LocatedText) -> Iterator[Hit]:
    """A variable or an input that holds a secret."""
    name = key_path[-1]
    if key_path[-2] == "with" and _is_cache_input(workflow, key_path):
        return
    verdict = secrets.classify_value(name, text.value, ValueContext.JOB)
    variable = name if key_path[-2] != "with" else ""
    if _secret_severity(verdict, variable) is None or (_is_for_tests(name, verdict) and _has_services(key_path, workflow)):
        return
    verdict = secrets.with_comment(verdict, workflow.source.text, text.span.start)
    yield hit(text.span, severity=_secret_severity(verdict, variable), say="setting", name=name, reason=verdict.reason)


def _secret_severity(verdict: SecretVerdict, name: str = "") -> Severity | None:
    """How bad a secret in a pipeline is; None where it is none.

    A password that a person chose, one by which a store is started, and a key that an application makes up for itself
    may be of what the job starts; on a host that has a name for the world they are not. `name` is that of a variable.
    """
    if not verdict.is_secret:
        return None
    if verdict.is_minor:
        return Severity.LOW
    if verdict.reach is not None:
        sure = verdict.reach is HostReach.AWAY and verdict.strength >= SecretStrength.RANDOM
        return Severity.CRITICAL if sure else Severity.HIGH
    if verdict.strength is SecretStrength.SHAPE:
        return Severity.CRITICAL
    starts = secrets.sets_store_password(name)
    if verdict.strength < SecretStrength.RANDOM:
        return None if starts else Severity.MEDIUM
    return Severity.MEDIUM if starts or secrets.is_signing_key_name(name) else Severity.CRITICAL


def _is_cache_input(workflow: Workflow | GitlabFile, key_path: Sequence[Any]) -> bool:
    """Whether an input names what an action keeps in a cache: what an input is, the action says and not its name."""
    name = str(key_path[-1])
    step = workflow.node
    for key in key_path[:-2]:
        step = step[key]
    uses = step.get("uses") if isinstance(step, Map) else None
    action = uses.partition("@")[0].lower() if isinstance(uses, str) else ""
    keeps = "cache" in action or "cache" in name.lower() or "restore" in name.lower()
    return keeps and "key" in name.lower() and not _STORE_KEYS.search(name)


def _is_for_tests(name: str, verdict: SecretVerdict) -> bool:
    """Whether a secret may be that of a database or an application that lives and dies with the job."""
    if verdict.strength is SecretStrength.SHAPE or verdict.reach is HostReach.AWAY:
        return False
    return verdict.reason in (
        "password",
        secrets.URL_USERINFO_REASON,
    ) or secrets.is_signing_key_name(name)


def _has_services(key_path: Sequence[Any], workflow: Workflow | GitlabFile) -> bool:
    """Whether a job has service containers: their passwords protect nothing outside the run, and its steps must know them."""
    if isinstance(workflow, GitlabFile):
        return any(isinstance(job.inherited_value("services"), Seq) for job in workflow.jobs)
    if key_path[0] != "jobs":
        return any(isinstance(job.node.get("services"), Map) for job in workflow.jobs)
    job = next((job for job in workflow.jobs if job.name == key_path[1]), None)
    return job is not None and isinstance(job.node.get("services"), Map)


def credentials_persisted(step: Step) -> CheckOutcome:
    """A checkout that leaves the token in the working copy, in a job that does not push."""
    used = step.parsed_uses
    if used is None or used.slug != "actions/checkout" or isinstance(step.node.get("with"), str):
        return
    value = step.with_inputs.get("persist-credentials")
    if value in (False, "false") or _is_pushing(step):
        return
    if value is None:
        yield missing(step.node.at("uses"))
    else:
        yield hit(step.with_inputs.at("persist-credentials"))


_GIT_PUSH_COMMAND = re.compile(
    r"\bgit\b[^\n]{0,80}\bpush\b|semantic-release|npm version|lerna publish|changeset publish|mike deploy|gh-deploy"
)


def _is_pushing(step: Step) -> bool:
    """Whether a step of the same job pushes with the token that checkout leaves."""
    if isinstance(step.owner, Job):
        for other in step.owner.steps:
            run, used = other.run_script, other.parsed_uses
            if run is not None and _GIT_PUSH_COMMAND.search(run.value):
                return True
            if used is not None and action_property(used.slug, "pushes"):
                return True
    return False


_ORGANISATION_PERMISSIONS = ("permission-organization", "permission-members", "permission-team")


def app_token_wide(step: Step) -> CheckOutcome:
    """A token of a GitHub App with all of its rights, for all of its repositories, or left valid."""
    used = step.parsed_uses
    if used is None or not action_property(used.slug, "app-token"):
        return
    options = step.with_inputs
    asked = [name for name in options if name.lower().startswith("permission-")]
    if str(options.get("skip-token-revoke", "")).lower() == "true":
        yield hit(options.at("skip-token-revoke"), say="kept")
    if not asked:
        yield hit(step.node.at("uses"), say="permissions")
        return
    organisation = all(name.lower().startswith(_ORGANISATION_PERMISSIONS) for name in asked)
    if "owner" in options and "repositories" not in options and not organisation:
        yield hit(options.at("owner"), say="repositories")
