"""Would these pods be admitted? The Pod Security Standards' verdict on every workload, with each reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from readiness.checks.k8s import pss
from readiness.kinds.k8s.model import Pod
from readiness.loading.render.made import written_source_and_span
from readiness.model import Source, Span
from readiness.model.project import Project

POD_SECURITY_LEVELS = ("baseline", "restricted")


def path_and_line_text(source: Source, span: Span) -> str:
    """`path:line` of a place, in the file that somebody wrote."""
    written_source, written_span = written_source_and_span(source, span)
    return f"{written_source.root.path}:{written_source.position_of(written_span.start).line}"


def admission_lines(projects: Sequence[Project]) -> Iterator[str]:
    """For each workload the highest level that admits it, and why the next one does not."""
    for project in projects:
        for document in project.documents_of_kind("k8s"):
            for pod in document.pods:
                yield from _pod_lines(pod)


def _pod_lines(pod: Pod) -> Iterator[str]:
    violations_by_pod_security_level = pss.violations_by_level(pod)
    admitted_level = next((level for level in reversed(POD_SECURITY_LEVELS) if not violations_by_pod_security_level[level]), "privileged")
    yield f"{path_and_line_text(pod.source, pod.node.at())}: {pod.resource} is admitted up to the level {admitted_level}"
    for level in POD_SECURITY_LEVELS:
        if not violations_by_pod_security_level[level] or (level == "restricted" and violations_by_pod_security_level["baseline"]):
            continue
        yield f"  refused by {level}:"
        for violation in violations_by_pod_security_level[level]:
            container_text = f" (container {violation.container!r})" if violation.container else ""
            yield f"    {path_and_line_text(pod.source, violation.span)}: {violation.description}{container_text} [k8s/pss-{violation.control}]"
