"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness import kinds
from readiness.loading.assembly import ABSENT, BROKEN, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource, RenderError
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message
from readiness.model.project import Project

if TYPE_CHECKING:
    from readiness.loading.render import helm

_LIBRARY_CHART = re.compile(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
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


def add_chart(
    folder: str,
    templates: Sequence[str],
    discovered: DiscoveredFiles,
    assembly: Assembly,
    core: dict[str, Rule],
    *,
    values: Sequence[Path],
    asked: bool,
) -> None:
    """A chart's renderings, a project for each environment; what fails is a finding at Chart.yaml."""
    from readiness.loading.render import helm, inputs

    path = posixpath.join(folder, "Chart.yaml")
    about = next((one for one in discovered.texts if one.path == path), None)
    if about is None or _LIBRARY_CHART.search(about.text):
        return
    reason = RENDERING_OFF if not asked else "" if helm.available_renderer() else helm.MISSING
    renderings: list[helm.RenderedTemplate] = []
    errors: dict[str, str] = {}
    wanted = [] if reason else helm.environments(discovered.base / folder, values)
    if wanted:
        assembly.inputs.append(inputs.chart_input(discovered.base, folder))
        try:
            renderings, errors = helm.render(discovered.base / folder, folder, wanted)
        except RenderError as fault:
            errors = {one.name: str(fault) for one in wanted}
    for problem in dict.fromkeys(errors.values()):
        names = [name for name, said in errors.items() if said == problem]
        some = f" with {', '.join(names)}" if len(names) < len(wanted) else ""
        assembly.broken.append(
            render_failure(core["core/not-rendered"], about, "chart", some, problem)
        )
    environments = [one.name for one in wanted if one.name not in errors]
    if wanted and not environments:
        reason = "its chart does not render; the finding at Chart.yaml says why and what helps"
    sources = {id(one.template): one.template for one in renderings}
    assembly.sources += sources.values()
    assembly.environments |= {one.path: len(environments) for one in sources.values()}
    broken: set[str] = set()
    for name in environments:
        broken |= add_environment(
            assembly, [one for one in renderings if one.environment == name], discovered, core
        )
    assembly.rows += [
        FileStatus(template, "helm", "skipped", reason, BROKEN if wanted else ABSENT)
        if reason
        else template_state(template, "helm", UNPARSED if template in broken else "")
        for template in templates
    ]


def add_environment(
    assembly: Assembly,
    texts: Sequence[GeneratedSource],
    discovered: DiscoveredFiles,
    core: dict[str, Rule],
) -> set[str]:
    """One environment's manifests, as a project of its own; the paths of the files whose texts do not parse."""
    for source in texts:
        source.kind = kinds.classify(source.path, source.text)
    before = len(assembly.broken)
    pairs = list(assembly.parse([one for one in texts if one.kind], core, rows=False))
    assembly.projects.append(make_project(pairs, discovered))
    roots = ((one.source.root, one.span) for one in assembly.broken[before:])
    return {root.place(span)[0].path for root, span in roots if isinstance(root, GeneratedSource)}


def template_state(path: str, kind: str, reason: str) -> FileStatus:
    """The row of what was rendered: judged, or with the reason why some of it could not be."""
    return (
        FileStatus(path, kind, "invalid", reason, BROKEN)
        if reason
        else FileStatus(path, kind, "checked")
    )


def make_project(pairs: Iterable[tuple[str, Any]], discovered: DiscoveredFiles) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        pairs,
        discovered.paths,
        complete=discovered.walked,
        walked=discovered.folders,
        closed=discovered.closed,
        ignored=discovered.ignored,
        harmless=discovered.harmless,
    )


def render_failure(
    rule: Rule, source: Source, what: str, environment: str, problem: str
) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    facts = {"what": what, "environment": environment, "reason": problem}
    text = fill_message(rule.message, facts.get)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)
