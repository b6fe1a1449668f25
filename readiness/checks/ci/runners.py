"""Runners and what they bring: labels that GitHub has, labels that go together, shells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from readiness.facts.table import fact_column, fact_rows
from readiness.kinds.github.model import Job, Workflow
from readiness.kinds.github.runners import (
    matrix_name,
    matrix_values,
    operating_system,
    runner_labels,
    system_of_label,
)
from readiness.model import CheckOutcome, Hit, hit, join_names, spelling
from readiness.syntax.holes import has_expression
from readiness.syntax.yaml import Map, Seq

# Labels that only GitHub's own images have: anybody may call a larger runner `linux-big`, nobody `ubuntu-18.04`.
_GITHUB_IMAGE_LABEL = re.compile(
    r"(?:ubuntu|linux|windows|win|macos|mac|osx)-(?:latest|[0-9]{1,4}(?:\.[0-9]{1,2})?)\Z",
    re.IGNORECASE,
)


def runner_label_unknown(workflow: Workflow) -> CheckOutcome:
    """A label that GitHub's runners have not (any more), one with a slip of the pen, or an empty one."""
    for job in workflow.jobs:
        own = {label.lower() for label, _ in runner_labels(job.node)}
        if "self-hosted" in own or _has_runner_group(job):
            continue
        for label, span in runner_labels(job.node):
            low = label.lower()
            gone = low not in fact_rows("github-runners") and _GITHUB_IMAGE_LABEL.match(label) is not None
            near = "" if gone or not label or low in fact_rows("github-runners") else _near_label(low)
            if gone or near or not label:
                label_span = span if span.end > span.start else job.id_span
                say = "near" if near else "unknown"
                yield hit(label_span, say=say, label=label, near=near)


def _has_runner_group(job: Job) -> bool:
    value = job.node.get("runs-on")
    return isinstance(value, Map) and "group" in value


def _near_label(label: str) -> str:
    """The label of GitHub's that differs in one letter; a letter more at the end is a name of one's own."""
    if any(label.startswith(name) for name in fact_rows("github-runners")):
        return ""
    known = sorted(fact_rows("github-runners"))
    return next((name for name in known if spelling.is_one_slip_apart(label, name)), "")


def runner_label_conflict(workflow: Workflow) -> CheckOutcome:
    """Two labels of one job that no runner has together."""
    for job in workflow.jobs:
        value = job.node.get("runs-on")
        owner: Any = value.get("labels") if isinstance(value, Map) else value
        if isinstance(owner, Seq):
            yield from _clashing_labels(job.node, owner)


def _clashing_labels(job: Map, labels: Seq) -> Iterator[Hit]:
    fixed = [(label, labels.at(i)) for i, label in enumerate(labels) if isinstance(label, str)]
    plain = [(label, span) for label, span in fixed if not has_expression(label)]
    own = any(label.lower() == "self-hosted" for label, _ in plain)
    for number, (label, span) in enumerate(plain):
        other = next((o for o, _ in plain[:number] if _is_exclusive(o, label, own)), None)
        if other is not None:
            yield hit(span, label=label, other=other)
    for name in filter(None, (matrix_name(label) for label, _ in fixed)):
        for drawn, span in matrix_values(job, name):
            if not isinstance(drawn, str):
                continue
            other = next((o for o, _ in plain if _is_exclusive(o, drawn, own)), None)
            if other is not None:
                yield hit(span, label=drawn, other=other)


def _is_exclusive(first: str, second: str, is_self_hosted: bool) -> bool:
    """Whether no runner has both labels: of two systems, or two images of GitHub's."""
    first, second = first.lower(), second.lower()
    if system_of_label(first) and system_of_label(second) and system_of_label(first) != system_of_label(second):
        return True
    if is_self_hosted or first == second or not {first, second} <= fact_rows("github-runners").keys():
        return False
    latest = fact_column("github-runners", "images")
    return second not in latest.get(first, ()) and first not in latest.get(second, ())


_SHELLS_BY_SYSTEM = {
    "linux": {"bash", "sh", "python", "pwsh"},
    "macos": {"bash", "sh", "python", "pwsh"},
    "windows": {"bash", "python", "pwsh", "powershell", "cmd"},
    "": {"bash", "sh", "python", "pwsh", "powershell", "cmd"},
}


def shell_unknown(workflow: Workflow) -> CheckOutcome:
    """A `shell` that the runner's operating system does not have."""
    yield from _shell_problem(workflow.node.get("defaults"), "")
    for job in workflow.jobs:
        own = operating_system(job.node)
        yield from _shell_problem(job.node.get("defaults"), own)
        for step in job.steps:
            yield from _single_shell(step.node, own)


def _shell_problem(defaults: Any, operating_system: str) -> Iterator[Hit]:
    run = defaults.get("run") if isinstance(defaults, Map) else None
    if isinstance(run, Map):
        yield from _single_shell(run, operating_system)


def _single_shell(node: Map, operating_system: str) -> Iterator[Hit]:
    shell = node.get("shell")
    if not isinstance(shell, str) or not shell or "{" in shell:
        return
    if shell.lower() not in _SHELLS_BY_SYSTEM[operating_system]:
        allowed = join_names(sorted(_SHELLS_BY_SYSTEM[operating_system]))
        say = "system" if operating_system else "anywhere"
        yield hit(node.at("shell"), say=say, shell=shell, system=operating_system, allowed=allowed)
