"""Would these pods be admitted? The Pod Security Standards' verdict on every workload, with each reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.k8s import pss
from readiness.kinds.k8s.model import Pod
from readiness.loading.render.made import written_place
from readiness.model import Source, Span
from readiness.model.project import Project

POD_SECURITY_LEVELS = ("baseline", "restricted")


def location_text(source: Source, span: Span) -> str:
    """`path:line` of a place, in the file that somebody wrote."""
    written, there = written_place(source, span)
    return f"{written.root.path}:{written.position_of(there.start).line}"


def admission_lines(projects: Sequence[Project]) -> Iterator[str]:
    """For each workload the highest level that admits it, and why the next one does not."""
    for project in projects:
        for document in project.documents_of_kind("k8s"):
            for pod in document.pods:
                yield from _pod_lines(pod)


def _pod_lines(pod: Pod) -> Iterator[str]:
    verdict = pss.violations_by_level(pod)
    admitted = next((level for level in reversed(POD_SECURITY_LEVELS) if not verdict[level]), "privileged")
    yield f"{location_text(pod.source, pod.node.at())}: {pod.resource} is admitted up to the level {admitted}"
    for level in POD_SECURITY_LEVELS:
        if not verdict[level] or (level == "restricted" and verdict["baseline"]):
            continue
        yield f"  refused by {level}:"
        for violation in verdict[level]:
            container = f" (container {violation.container!r})" if violation.container else ""
            yield f"    {location_text(pod.source, violation.span)}: {violation.description}{container} [k8s/pss-{violation.control}]"
