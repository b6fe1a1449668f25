"""Charts and overlays: what is deployed only after rendering, judged as each environment gets it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import Any

from readiness import kinds
from readiness.loading.assembly import CAUSE_BROKEN, Assembly, FileStatus
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.render.made import GeneratedSource
from readiness.loading.scripts import scripts_among
from readiness.model import Finding, Rule, Source, Span
from readiness.model.messages import fill_message
from readiness.model.project import Project
from readiness.syntax.template import is_named_as_template

REASON_UNPARSED_RENDERING = "what it renders to does not parse"
REASON_RENDERING_OFF = "not rendered, as --no-render asks; leave that out to have it judged"


def chart_folders(paths: set[str]) -> frozenset[str]:
    """The folders that hold a Helm chart; one inside another chart's `charts` is rendered with that."""
    folders = {posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Chart.yaml"}
    return frozenset(folder for folder in folders if not any(_contains_chart(other, folder) for other in folders))


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
    core_rules: dict[str, Rule],
    unit: str,
    *,
    judged: bool,
    reached: Iterable[str],
    is_partial: bool = False,
) -> set[str]:
    """One environment's manifests, as a project of its own, which is one unit; the paths of the files whose texts do not parse.

    `judged` says whether its own file is judged, `reached` which files it is made from. Where it was made without what is not here
    (`is_partial`), a text that does not parse is no fault of its file.
    """
    for source in texts:
        source.kind = kinds.detect_kind(source.path, source.text)
    before = len(assembly.parse_findings)
    pairs = list(assembly.parse_and_record([one for one in texts if one.kind], core_rules, add_rows=False))
    project = make_project(pairs, discovered, unit, judged=judged)
    project.idle = not judged and discovered.context.paths.issuperset(reached)
    assembly.projects.append(project)
    roots = ((one.source.root, one.span) for one in assembly.parse_findings[before:])
    unparsed = {root.written_location(span)[0].path for root, span in roots if isinstance(root, GeneratedSource)}
    if is_partial:
        del assembly.parse_findings[before:]
    return unparsed


def absent_values_reason(folder: str, discovered: DiscoveredFiles) -> str:
    """Why a chart's own values are not here: something makes them, or they are ignored; empty where they are, or it has none."""
    path = posixpath.join(folder, "values.yaml")
    if (discovered.base / path).exists():
        return ""
    beside = (one for one in sorted(discovered.paths) if posixpath.dirname(one) == folder)
    names = [posixpath.basename(one) for one in beside]
    made_from = [one for one in names if one.startswith("values.") and is_named_as_template(one)]
    if made_from:
        return f"its values.yaml is not here, and is made from {made_from[0]}"
    return "its values.yaml is not here, and a .gitignore names it" if discovered.may_be_ignored(path) else ""


def rendered_file_status(path: str, kind: str, reason: str) -> FileStatus:
    """The row of what was rendered: judged, or with the reason why some of it could not be."""
    return FileStatus(path, kind, "invalid", reason, CAUSE_BROKEN) if reason else FileStatus(path, kind, "checked")


def make_project(
    kinds_and_documents: Iterable[tuple[str, Any]],
    discovered: DiscoveredFiles,
    unit: str = "",
    *,
    judged: bool | None = None,
) -> Project:
    """Documents as a project that knows what the walk saw, covered and passed over."""
    return Project(
        kinds_and_documents,
        discovered.paths,
        is_complete=discovered.has_walked_folder,
        walked_folders=discovered.walked_folders,
        passed_over_paths=discovered.passed_over_paths,
        may_be_ignored=discovered.may_be_ignored,
        credential_free_paths=discovered.credential_free_paths,
        unit=unit,
        context=discovered.context.paths,
        judged=judged,
        here=discovered.context.here,
        scripts=() if unit else scripts_among(discovered.script_sources, discovered.sources),
    )


def render_failure(rule: Rule, source: Source, subject_text: str, environment: str, problem: str) -> Finding:
    """The finding that stands for a chart or an overlay that gave nothing, at its own file's first line."""
    facts = {"what": subject_text, "environment": environment, "reason": problem}
    text = fill_message(rule.message, facts.get)
    return Finding(rule, source, source.one_line(Span(0, len(source.text))), text)
