"""Manifests among a chart's `files/`, which its templates read (`.Files.Get`, `.Files.Glob`) and Helm applies by no other way.

Such a file may be half an object, which a template fills in or merges with another one: what is rendered of it is judged.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from readiness import kinds
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.programs_read import program_text
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import parent_folders

REASON_READ_BY_TEMPLATES = "the templates of its chart read it: what they make of it is checked"
_MAX_HELPERS_PER_CHART = 50  # *.tpl that are opened
_FILES_ARE_READ = lazy_regex(r"\.Files\.(?:Get|GetBytes|Glob|Lines)\b")


def remove_manifests_read_by_templates(discovered: DiscoveredFiles, chart_folders: Collection[str], built_paths: Collection[str]) -> list[Source]:
    """Take the manifests that the templates of a chart read out of what is judged, and return them in order of path.

    Those that were named stay, and those of which an overlay is built (`built_paths`).
    """
    sources_by_chart_folder: dict[str, list[Source]] = {}
    for source in discovered.sources:
        chart_folder = next((one for one in parent_folders(source.path) if one in chart_folders), None)
        if chart_folder is None or not source.path.startswith(posixpath.join(chart_folder, "files/")):
            continue
        if source.path in discovered.named_paths or source.path in built_paths:
            continue
        if (source.kind or kinds.detect_kind(source.path, source.text)) == "k8s":
            sources_by_chart_folder.setdefault(chart_folder, []).append(source)
    removed_sources = [
        source for chart_folder, sources in sources_by_chart_folder.items() if _may_read_files(discovered, chart_folder) for source in sources
    ]
    removed_ids = {id(one) for one in removed_sources}
    discovered.sources = [one for one in discovered.sources if id(one) not in removed_ids]
    return sorted(removed_sources, key=lambda one: one.path)


def _may_read_files(discovered: DiscoveredFiles, chart_folder: str) -> bool:
    """Whether a template or a helper of a chart reads files of it."""
    templates_folder = posixpath.join(chart_folder, "templates/")
    if any(one.path.startswith(templates_folder) and _FILES_ARE_READ.search(one.text) for one in discovered.sources):
        return True
    helper_paths = sorted(one for one in discovered.paths if one.startswith(templates_folder) and one.endswith(".tpl"))
    return any(_FILES_ARE_READ.search(program_text(discovered, one)) for one in helper_paths[:_MAX_HELPERS_PER_CHART])
