"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import Any

from readiness import kinds
from readiness.loading.assembly import BROKEN, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message
from readiness.model.project import Project

UNPARSED = "what it renders to does not parse"
RENDERING_OFF = "not rendered, as --no-render asks; leave that out to have it judged"


def chart_folders(paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {
        posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"
    }
    return frozenset(
        folder for folder in folders if not any(_contains_chart(other, folder) for other in folders)
    )


def _contains_chart(chart: str, folder: str) -> bool:
    return folder.startswith(posixpath.join(chart, "charts") + "/")


def chart_containing(path: str, charts: frozenset[str]) -> str | None:
    """The chart whose template a file is: such a file is no manifest until it is rendered."""
    parts = path.split("/")
    for depth in range(len(parts) - 1):
        folder = "/".join(parts[:depth])
        if folder in charts and parts[depth] in {"templates", "charts"}:
            return folder
    return None


def add_environment(
    assembly: Assembly,
    texts: Sequence[GeneratedSource],
    discovered: DiscoveredFiles,
    core: dict[str, Rule],
    unit: str,
    *,
    judged: bool,
    reached: Iterable[str],
) -> set[str]:
    """One environment's manifests, as a project of its own, which is one unit; the paths of the files whose texts do not parse.

    `judged` says whether its own file is judged, `reached` which files it is made from.
    """
    for source in texts:
        source.kind = kinds.classify(source.path, source.text)
    before = len(assembly.broken)
    pairs = list(assembly.parse([one for one in texts if one.kind], core, rows=False))
    project = make_project(pairs, discovered, unit, judged=judged)
    project.idle = not judged and discovered.context.paths.issuperset(reached)
    assembly.projects.append(project)
    roots = ((one.source.root, one.span) for one in assembly.broken[before:])
    return {root.place(span)[0].path for root, span in roots if isinstance(root, GeneratedSource)}


def template_state(path: str, kind: str, reason: str) -> FileStatus:
    """The row of what was rendered: judged, or with the reason why some of it could not be."""
    return (
        FileStatus(path, kind, "invalid", reason, BROKEN)
        if reason
        else FileStatus(path, kind, "checked")
    )


def make_project(
    pairs: Iterable[tuple[str, Any]],
    discovered: DiscoveredFiles,
    unit: str = "",
    *,
    judged: bool | None = None,
) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        pairs,
        discovered.paths,
        complete=discovered.walked,
        walked=discovered.folders,
        closed=discovered.closed,
        ignored=discovered.ignored,
        harmless=discovered.harmless,
        unit=unit,
        context=discovered.context.paths,
        judged=judged,
        here=discovered.context.here,
    )


def render_failure(
    rule: Rule, source: Source, what: str, environment: str, problem: str
) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    facts = {"what": what, "environment": environment, "reason": problem}
    text = fill_message(rule.message, facts.get)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)
