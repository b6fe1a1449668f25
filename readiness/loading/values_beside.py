"""Values files for environments that lie above a chart's folder: `deploy/values-prod.yaml` for the chart `deploy/shop`.

A pipeline gives them to `helm upgrade -f`. Nothing in the tree need say so: a file belongs to a chart by where it lies and by the keys that it sets.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from readiness.loading.discover import DiscoveredFiles
from readiness.loading.variants import is_named_for_environment
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.memo import cached_property
from readiness.model.project import parent_folders
from readiness.syntax.template import is_named_as_template

if TYPE_CHECKING:
    from readiness.loading.render import helm

_MAX_FOLDERS_ABOVE = 2
_MAX_FILES_PER_CHART = 20
_VALUES_FILENAME = lazy_regex(r"values[-.][\w.-]{1,100}\.ya?ml|[\w.-]{1,100}[-.]values\.ya?ml")
_OUTERMOST_KEY = lazy_regex(r"^[\"']?([A-Za-z_][\w.-]{0,100})[\"']?:(?=\s|$)", re.MULTILINE)
_KEY_IN_TEMPLATE = lazy_regex(r"\.Values\.([A-Za-z_]\w{0,100})|\.Values[ ]\"([\w.-]{1,100})\"")


class ValuesBeside:
    """The values files of a tree that lie above its charts, by folder: worked out when they are first asked for."""

    def __init__(self, discovered: DiscoveredFiles) -> None:
        self._discovered = discovered

    def environments_for(
        self, chart_folder: str, template_paths: Sequence[str], releases: Iterable[helm.ValuesEnvironment]
    ) -> list[helm.ValuesEnvironment]:
        """An environment of a chart for each values file of one that lies in the two folders above, and that no release takes.

        A file is the chart's own where this is the only chart below the file's folder and most of its outermost keys are known to it; where
        several lie there, none says for which of them it is.
        """
        from readiness.loading.render import helm

        if not self._values_files_by_folder or not chart_folder:
            return []
        folders_above = [one for one in list(parent_folders(chart_folder))[:_MAX_FOLDERS_ABOVE] if one in self._values_files_by_folder]
        if not folders_above:
            return []
        known_keys = self._keys_known_to_chart(chart_folder, template_paths)
        paths_taken_by_releases = {source.root.path for release in releases for source, _ in release.values_sources}
        values_files = [
            values_file
            for folder in folders_above
            if self._chart_count_by_folder_above[folder] == 1
            for values_file in self._values_files_by_folder[folder]
            if values_file.path not in paths_taken_by_releases and _may_set_keys(values_file, known_keys)
        ]
        return [helm.ValuesEnvironment(one.path, (one.text,), values_sources=((one, None),)) for one in values_files[:_MAX_FILES_PER_CHART]]

    @cached_property
    def _values_files_by_folder(self) -> dict[str, list[Source]]:
        """The values files of environments that lie in no chart, in order."""
        values_files_by_folder: dict[str, list[Source]] = defaultdict(list)
        for source in sorted(self._discovered.sources, key=lambda one: one.path):
            folder, file_name = posixpath.split(source.path)
            if (
                _VALUES_FILENAME.fullmatch(file_name)
                and is_named_for_environment(file_name)
                and not is_named_as_template(file_name)
                and self._chart_folders.isdisjoint(parent_folders(source.path))
            ):
                values_files_by_folder[folder].append(source)
        return values_files_by_folder

    @cached_property
    def _chart_folders(self) -> frozenset[str]:
        return frozenset(posixpath.dirname(one) for one in self._discovered.paths if posixpath.basename(one) == "Chart.yaml")

    @cached_property
    def _chart_count_by_folder_above(self) -> Counter[str]:
        """How many charts lie below a folder, but for those in charts."""
        outermost_charts = (one for one in self._chart_folders if self._chart_folders.isdisjoint(parent_folders(one)))
        return Counter(folder for chart_folder in outermost_charts for folder in parent_folders(chart_folder))

    @cached_property
    def _source_by_path(self) -> dict[str, Source]:
        return {one.path: one for one in self._discovered.sources}

    def _keys_known_to_chart(self, chart_folder: str, template_paths: Sequence[str]) -> frozenset[str]:
        """The outermost keys of values that a chart has defaults for, its templates ask for, or its dependencies take."""
        from readiness.loading.render.chart_files import dependencies_in

        known_keys = {"global"}
        if (defaults := self._source_by_path.get(posixpath.join(chart_folder, "values.yaml"))) is not None:
            known_keys.update(_OUTERMOST_KEY.findall(defaults.text))
        for dependency_file in ("Chart.yaml", "requirements.yaml"):
            if (declaring_source := self._source_by_path.get(posixpath.join(chart_folder, dependency_file))) is not None:
                known_keys.update(one.alias or one.name for one in dependencies_in(declaring_source))
        for template_path in template_paths:
            if (template := self._source_by_path.get(template_path)) is not None:
                known_keys.update(key for match in _KEY_IN_TEMPLATE.findall(template.text) for key in match if key)
        return frozenset(known_keys)


def _may_set_keys(values_file: Source, known_keys: Collection[str]) -> bool:
    """Whether most of the outermost keys of a values file are among those that a chart knows."""
    outermost_keys = set(_OUTERMOST_KEY.findall(values_file.text))
    return bool(outermost_keys) and 2 * len(outermost_keys & set(known_keys)) > len(outermost_keys)


def are_defaults_unused(environments_beside: Sequence[helm.ValuesEnvironment], failed_environment_names: Collection[str]) -> bool:
    """Whether a chart is only installed with more values than its defaults: files for two environments or more lie beside it, and render."""
    return sum(one.name not in failed_environment_names for one in environments_beside) >= 2
