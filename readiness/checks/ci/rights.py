"""What a job has at hand that is worth stealing: secrets, and what its token may do."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from readiness.facts.table import fact_column
from readiness.kinds.github.model import Job
from readiness.kinds.github.runners import runner_labels
from readiness.kinds.github.texts import texts_below
from readiness.model import join_names
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map

_SECRETS_CONTEXT = re.compile(r"\bsecrets\s*(?:\.\s*([A-Za-z_][\w-]*)|[\[)])", re.IGNORECASE)
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


def rights_of(job: Job) -> JobRights:
    """What a job has at hand: every secret that it names somewhere is on the runner as long as it runs."""
    secrets = sorted(set(_secret_names(job)))
    if secrets:
        more = f" and {len(secrets) - _MAX_SECRETS_IN_MESSAGE} more" if len(secrets) > _MAX_SECRETS_IN_MESSAGE else ""
        noun = "secret" if len(secrets) == 1 else "secrets"
        secret_names = ", ".join(secrets[:_MAX_SECRETS_IN_MESSAGE]) + more if more else join_names(secrets)
        return JobRights(RightsWorth.TAKES_OVER, f"with the {noun} {secret_names} at hand")
    given: Any = job.node.get("permissions", job.workflow.node.get("permissions"))
    if given == "write-all":
        return JobRights(RightsWorth.TAKES_OVER, "with a token that may write everything")
    written = [name for name, level in given.items() if level == "write"] if isinstance(given, Map) else []
    taking = [name for name in written if name in fact_column("github-permissions", "takes-over")]
    if taking:
        return JobRights(RightsWorth.TAKES_OVER, f"with a token that may write {join_names(taking)}")
    if written:
        return JobRights(RightsWorth.SOME, f"with a token that may write {join_names(written)}")
    if any(label.lower() == "self-hosted" for label, _ in runner_labels(job.node)):
        return JobRights(RightsWorth.SOME, "on a machine that is kept for the next run")
    if given is None:
        return JobRights(RightsWorth.SOME, "with the rights that the repository gives a token by default")
    return JobRights(RightsWorth.READ, "with a token that only reads")


def _secret_names(job: Job) -> Iterator[str]:
    """The names of the secrets that a job's texts, and the variables of its workflow, read; the token is none."""
    nodes = (job.node, job.workflow.node.get("env"))
    for node in nodes:
        for _, text in texts_below(node, job.source) if isinstance(node, Map) else ():
            if has_expression(text.value):
                for match in _SECRETS_CONTEXT.finditer(text.value):
                    name = match[1] or "(all)"
                    if name.upper() != "GITHUB_TOKEN":
                        yield name
