"""Runners and what they bring: labels that GitHub has, labels that go together, shells."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any

from readiness.checks.ci.outsiders import OutsiderChance, chance_to_meet_condition, may_job_need_approval
from readiness.facts.table import fact_row_by_name, property_by_fact_name
from readiness.kinds.github.model import Job, Workflow
from readiness.kinds.github.runners import (
    key_of_whole_matrix_expression,
    matrix_values_with_spans,
    operating_system_of_job,
    operating_system_of_label,
    runner_labels_with_spans,
)
from readiness.kinds.github.uses import repository_root_of_workflow_path
from readiness.model import CheckOutcome, Hit, hit, join_names, spelling
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import Project, RunProjects
from readiness.syntax.glob import glob_matches
from readiness.syntax.holes import has_github_expression
from readiness.syntax.yaml import Map, Seq

# What only a repository that is meant for everybody has; of a private one nobody from outside makes a fork.
_LICENSE_FILE_NAMES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "COPYING")
# Labels that only GitHub's own images have: anybody may call a larger runner `linux-big`, nobody `ubuntu-18.04`.
_GITHUB_IMAGE_LABEL = lazy_regex(
    r"(?:ubuntu|linux|windows|win|macos|mac|osx)-(?:latest|[0-9]{1,4}(?:\.[0-9]{1,2})?)\Z",
    re.IGNORECASE,
)


def runner_label_unknown(workflow: Workflow, *, own: Sequence[str] = ()) -> CheckOutcome:
    """A label that GitHub's runners have not (any more), one with a slip of the pen, or an empty one.

    Those that match `own` are of runners that the organization runs itself, or of larger ones that it named.
    """
    for job in workflow.jobs:
        lowercase_labels = {label.lower() for label, _ in runner_labels_with_spans(job.node)}
        if "self-hosted" in lowercase_labels or _has_runner_group(job):
            continue
        for label, runs_on_label_span in runner_labels_with_spans(job.node):
            lowercase_label = label.lower()
            if any(glob_matches(one.lower(), lowercase_label) for one in own):
                continue
            is_retired_or_unknown = lowercase_label not in fact_row_by_name("github-runners") and _GITHUB_IMAGE_LABEL.match(label) is not None
            similar_label = (
                ""
                if is_retired_or_unknown or not label or lowercase_label in fact_row_by_name("github-runners")
                else _similar_known_label(lowercase_label)
            )
            if is_retired_or_unknown or similar_label or not label:
                label_span = runs_on_label_span if runs_on_label_span.end > runs_on_label_span.start else job.id_span
                message_name = "near" if similar_label else "unknown"
                yield hit(label_span, say=message_name, label=label, near=similar_label)


def _has_runner_group(job: Job) -> bool:
    runs_on = job.node.get("runs-on")
    return isinstance(runs_on, Map) and "group" in runs_on


def _similar_known_label(lowercase_label: str) -> str:
    """The label of GitHub's that differs in one letter; a letter more at the end is a name of one's own."""
    if any(lowercase_label.startswith(name) for name in fact_row_by_name("github-runners")):
        return ""
    known_labels = sorted(fact_row_by_name("github-runners"))
    return next((name for name in known_labels if spelling.is_one_typo_apart(lowercase_label, name)), "")


def runner_label_conflict(workflow: Workflow) -> CheckOutcome:
    """Two labels of one job that no runner has together."""
    for job in workflow.jobs:
        runs_on = job.node.get("runs-on")
        labels: Any = runs_on.get("labels") if isinstance(runs_on, Map) else runs_on
        if isinstance(labels, Seq):
            yield from _label_conflict_hits(job.node, labels)


def _label_conflict_hits(job_node: Map, labels: Seq) -> Iterator[Hit]:
    labels_and_spans = [(runner_label, labels.at(i)) for i, runner_label in enumerate(labels) if isinstance(runner_label, str)]
    literal_labels_and_spans = [
        (runner_label, runner_label_span) for runner_label, runner_label_span in labels_and_spans if not has_github_expression(runner_label)
    ]
    is_self_hosted = any(runner_label.lower() == "self-hosted" for runner_label, _ in literal_labels_and_spans)
    for label_index, (runner_label, runner_label_span) in enumerate(literal_labels_and_spans):
        conflicting_label = next(
            (o for o, _ in literal_labels_and_spans[:label_index] if _are_labels_exclusive(o, runner_label, is_self_hosted)),
            None,
        )
        if conflicting_label is not None:
            yield hit(runner_label_span, label=runner_label, other=conflicting_label)
    for matrix_axis in filter(None, (key_of_whole_matrix_expression(runner_label) for runner_label, _ in labels_and_spans)):
        for matrix_label, runner_label_span in matrix_values_with_spans(job_node, matrix_axis):
            if not isinstance(matrix_label, str):
                continue
            conflicting_label = next((o for o, _ in literal_labels_and_spans if _are_labels_exclusive(o, matrix_label, is_self_hosted)), None)
            if conflicting_label is not None:
                yield hit(runner_label_span, label=matrix_label, other=conflicting_label)


def _are_labels_exclusive(first_label: str, second_label: str, is_self_hosted: bool) -> bool:
    """Whether no runner has both labels: of two systems, or two images of GitHub's."""
    first_label, second_label = first_label.lower(), second_label.lower()
    if (
        operating_system_of_label(first_label)
        and operating_system_of_label(second_label)
        and operating_system_of_label(first_label) != operating_system_of_label(second_label)
    ):
        return True
    if is_self_hosted or first_label == second_label or not {first_label, second_label} <= fact_row_by_name("github-runners").keys():
        return False
    equivalent_images_by_label = property_by_fact_name("github-runners", "images")
    return second_label not in equivalent_images_by_label.get(first_label, ()) and first_label not in equivalent_images_by_label.get(second_label, ())


_SHELLS_BY_OPERATING_SYSTEM = {
    "linux": {"bash", "sh", "python", "pwsh"},
    "macos": {"bash", "sh", "python", "pwsh"},
    "windows": {"bash", "python", "pwsh", "powershell", "cmd"},
    "": {"bash", "sh", "python", "pwsh", "powershell", "cmd"},
}


def shell_unknown(workflow: Workflow) -> CheckOutcome:
    """A `shell` that the runner's operating system does not have."""
    yield from _default_shell_hits(workflow.node.get("defaults"), "")
    for job in workflow.jobs:
        job_operating_system = operating_system_of_job(job.node)
        yield from _default_shell_hits(job.node.get("defaults"), job_operating_system)
        for step in job.steps:
            yield from _unknown_shell_hits(step.node, job_operating_system)


def _default_shell_hits(defaults_section: Any, operating_system: str) -> Iterator[Hit]:
    run_defaults = defaults_section.get("run") if isinstance(defaults_section, Map) else None
    if isinstance(run_defaults, Map):
        yield from _unknown_shell_hits(run_defaults, operating_system)


def _unknown_shell_hits(node_with_shell: Map, operating_system: str) -> Iterator[Hit]:
    shell_name = node_with_shell.get("shell")
    if not isinstance(shell_name, str) or not shell_name or "{" in shell_name:
        return
    if shell_name.lower() not in _SHELLS_BY_OPERATING_SYSTEM[operating_system]:
        allowed_shells_text = join_names(sorted(_SHELLS_BY_OPERATING_SYSTEM[operating_system]))
        message_name = "system" if operating_system else "anywhere"
        yield hit(
            node_with_shell.at("shell"),
            say=message_name,
            shell=shell_name,
            system=operating_system,
            allowed=allowed_shells_text,
        )


def runner_self_hosted(job: Job, project: Project, *, outsiders: bool) -> CheckOutcome:
    """A job on a machine of one's own; with `outsiders`, where a pull request from a fork starts it.

    That is told of the label self-hosted and of runner scale sets that the tree installs: a group or another label may be of
    larger runners that a host offers. It is told where a licence says that the repository is for everybody. A fork's pull request
    brings a workflow of its own; who names an environment may want an approval.
    """
    runs_on: Any = job.node.get("runs-on")
    labels = {label.lower() for label, _ in runner_labels_with_spans(job.node)}
    scale_set_names = project.run.memoize(_names_of_runner_scale_sets) if project.run is not None else frozenset()
    is_self_hosted = "self-hosted" in labels or not labels.isdisjoint(scale_set_names)
    if outsiders:
        if is_self_hosted and _has_license(job, project) and _may_run_for_forks(job):
            yield hit(job.node.at("runs-on"), say="outsiders")
    elif is_self_hosted or (isinstance(runs_on, Map) and "group" in runs_on):
        yield hit(job.node.at("runs-on"), say="kept")


def _has_license(job: Job, project: Project) -> bool:
    """Whether a licence lies at the root of a job's repository."""
    repository_folder = repository_root_of_workflow_path(job.source.path) or ""
    return any(project.was_path_seen(posixpath.join(repository_folder, one)) for one in _LICENSE_FILE_NAMES)


def _may_run_for_forks(job: Job) -> bool:
    """Whether a pull request from a fork may get as far as a job, and no environment is named on the way."""
    return (
        "pull_request" in job.workflow.triggers
        and chance_to_meet_condition(job.node, job, "pull_request") is not OutsiderChance.NO
        and not may_job_need_approval(job)
    )


def _names_of_runner_scale_sets(run: RunProjects) -> frozenset[str]:
    """The names, in lower case, by which jobs ask for the runner scale sets that releases of the tree install."""
    documents = [one for project in run.projects for one in project.documents_of_kind("k8s")]
    if not documents:
        return frozenset()
    from readiness.kinds.k8s.releases import release_values_of

    return frozenset(
        str(release_values.node.get("runnerScaleSetName") or obj.spec.get("releaseName") or obj.name).lower()
        for document in documents
        for obj in document.objects
        for release_values in release_values_of(obj)
        if isinstance(release_values.node.get("githubConfigUrl"), str)
    )
