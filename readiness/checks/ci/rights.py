"""What a job has at hand that is worth stealing: secrets, and what its token may do."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any

from readiness.facts.table import property_by_fact_name
from readiness.kinds.github.model import Job
from readiness.kinds.github.runners import runner_labels_with_spans
from readiness.kinds.github.texts import located_texts_with_key_paths
from readiness.model import Source, join_names
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.syntax.holes import has_github_expression
from readiness.syntax.yaml import Map

_SECRETS_CONTEXT_PATTERN = lazy_regex(r"\bsecrets\s*(?:\.\s*([A-Za-z_][\w-]*)|[\[)])", re.IGNORECASE)
_REPORTING_SECRET_NAME = lazy_regex(
    r"(?:SNYK|NVD|SONAR(?:CLOUD|QUBE)?|CODECOV|COVERALLS|CODACY|CODECLIMATE|CC_TEST_REPORTER|FOSSA|SEMGREP(?:_APP)?|DEEPSOURCE)(?:_[A-Z0-9]{1,20}){0,4}"
)
_MAX_SECRETS_IN_MESSAGE = 3  # secrets that a message names


class RightsWorth(enum.IntEnum):
    """What a job's token and secrets are worth to an attacker; ordered."""

    READ = 0  # a token that only reads
    SOME = 1  # a token that writes texts, or whatever the repository's settings give it; a machine that is kept
    TAKES_OVER = 2  # a secret, or a right to change what others run


@dataclass(frozen=True, slots=True)
class JobRights:
    """How much a job has at hand, in one word and in those of a message."""

    worth: RightsWorth
    description: str
    is_for_reports_alone: bool = False
    """Whether all secrets that it reads are of services that scan code and count coverage, and its token may write nothing that others run."""


def rights_of_job(job: Job) -> JobRights:
    """What a job has at hand: every secret that it names somewhere is on the runner as long as it runs. Each step asks, so it is kept."""
    rights_key = f"rights {job.name}"
    cached_results = job.workflow.cached_results
    if rights_key not in cached_results:
        cached_results[rights_key] = _work_out_rights(job)
    job_rights: JobRights = cached_results[rights_key]
    return job_rights


def _work_out_rights(job: Job) -> JobRights:
    permissions: Any = job.node.get("permissions", job.workflow.node.get("permissions"))
    writable_permissions = [name for name, level in permissions.items() if level == "write"] if isinstance(permissions, Map) else []
    takeover_permissions = [name for name in writable_permissions if name in property_by_fact_name("github-permissions", "takes-over")]
    job_secrets = sorted(set(_secret_names_read_by_job(job)))
    if job_secrets:
        remainder_text = f" and {len(job_secrets) - _MAX_SECRETS_IN_MESSAGE} more" if len(job_secrets) > _MAX_SECRETS_IN_MESSAGE else ""
        secret_noun = "secret" if len(job_secrets) == 1 else "secrets"
        secret_names_text = ", ".join(job_secrets[:_MAX_SECRETS_IN_MESSAGE]) + remainder_text if remainder_text else join_names(job_secrets)
        is_for_reports_alone = all(map(_REPORTING_SECRET_NAME.fullmatch, job_secrets)) and permissions != "write-all" and not takeover_permissions
        return JobRights(RightsWorth.TAKES_OVER, f"with the {secret_noun} {secret_names_text} at hand", is_for_reports_alone)
    if permissions == "write-all":
        return JobRights(RightsWorth.TAKES_OVER, "with a token that may write everything")
    if takeover_permissions:
        return JobRights(RightsWorth.TAKES_OVER, f"with a token that may write {join_names(takeover_permissions)}")
    if writable_permissions:
        return JobRights(RightsWorth.SOME, f"with a token that may write {join_names(writable_permissions)}")
    if any(label.lower() == "self-hosted" for label, _ in runner_labels_with_spans(job.node)):
        return JobRights(RightsWorth.SOME, "on a machine that is kept for the next run")
    if permissions is None:
        return JobRights(RightsWorth.SOME, "with the rights that the repository gives a token by default")
    return JobRights(RightsWorth.READ, "with a token that only reads")


def _secret_names_read_by_job(job: Job) -> Iterator[str]:
    """The names of the secrets that a job's texts, and the variables of its workflow, read; the token is none."""
    yield from _secret_names_read_below(job.node, job.source)
    cached_results = job.workflow.cached_results
    if "secrets of env" not in cached_results:
        cached_results["secrets of env"] = tuple(_secret_names_read_below(job.workflow.node.get("env"), job.source))
    yield from cached_results["secrets of env"]


def _secret_names_read_below(node_with_texts: Any, source: Source) -> Iterator[str]:
    for _, located_text in located_texts_with_key_paths(node_with_texts, source) if isinstance(node_with_texts, Map) else ():
        if has_github_expression(located_text.value):
            for secret_match in _SECRETS_CONTEXT_PATTERN.finditer(located_text.value):
                secret_name = secret_match[1] or "(all)"
                if secret_name.upper() != "GITHUB_TOKEN":
                    yield secret_name
