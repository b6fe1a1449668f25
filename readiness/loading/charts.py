"""Helm charts: what each set of values installs, with all subcharts, and what of a chart is not here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.loading.assembly import CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE, Assembly, FileStatus
from readiness.loading.chart_batches import render_in_batches
from readiness.loading.chart_errors import (
    absence_cause,
    absent_dependencies_by_reason,
    asks_for_values,
    dependency_build_hint,
    is_caused_by_absent_dependency,
    render_problem_text,
)
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    REASON_RENDERING_OFF,
    REASON_UNPARSED_RENDERING,
    absent_values_reason,
    add_environment_project,
    render_failure_finding,
    rendered_file_status,
)
from readiness.loading.refused import RefusedRows
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.values_beside import ValuesBeside, are_defaults_unused
from readiness.loading.variants import Variants
from readiness.model import Finding, Related, Rule, Severity, Source
from readiness.model.crash import CrashAsFinding, Part
from readiness.model.lazy_regex import lazy_regex
from readiness.model.memo import cached_property
from readiness.model.messages import fill_message
from readiness.model.records import dataclass

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import AbsentDependency, ChartFiles

_LIBRARY_CHART = lazy_regex(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
_PARSE_ERROR_WORDS = "parse error"
REASON_NO_OBJECTS = "no object comes of it with the values that are here"
REASON_NO_TEMPLATE = "a part of a chart that holds no objects"
REASON_RENDER_FAILED = "its chart does not render; the finding at Chart.yaml says why and what helps"


@dataclass(slots=True)
class _ChartRendering:
    """What came of one chart: renderings by environment, errors by environment, and what was wanted.

    `limits` are those of the errors that are limits of ours and no faults of the chart.
    """

    requested_environments: Sequence[helm.ValuesEnvironment] = ()
    rendered_templates: list[helm.RenderedTemplate] = field(default_factory=list)
    error_by_environment: dict[str, str] = field(default_factory=dict)
    absent_dependencies: list[AbsentDependency] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    limits: frozenset[str] = frozenset()

    @property
    def rendered_environment_names(self) -> list[str]:
        """The environments that render."""
        return [one.name for one in self.requested_environments if one.name not in self.error_by_environment]

    def leave_out_environment(self, environment_name: str) -> None:
        """Forget what came of an environment that nobody installs."""
        self.requested_environments = [one for one in self.requested_environments if one.name != environment_name]
        self.rendered_templates = [one for one in self.rendered_templates if one.environment != environment_name]
        self.error_by_environment.pop(environment_name, None)


@dataclass()
class ChartRenderer:
    """The charts of a run, added one by one. `rendered_environment_names` are the names of the environments that rendered."""

    discovered: DiscoveredFiles
    assembly: Assembly
    core_rules: dict[str, Rule]
    extra_values_files: Sequence[Path] = ()
    render_enabled: bool = True
    variants: Variants = field(default_factory=Variants)
    rendered_environment_names: set[str] = field(default_factory=set)
    _values: dict[str, Source] = field(default_factory=dict)

    def crash_as_finding(self, part: Part, chart_folder: str = "") -> CrashAsFinding:
        """What tells of a crash at a chart; of one that is about all charts at the first file."""
        chart_yaml_path = posixpath.join(chart_folder, "Chart.yaml")
        source = next((one for one in self.discovered.sources if one.path == chart_yaml_path), next(iter(self.discovered.sources), None))
        return self.assembly.crash_as_finding(part, source, self.core_rules)

    @cached_property
    def _values_beside(self) -> ValuesBeside:
        return ValuesBeside(self.discovered)

    def _one_source(self, values_file: Source) -> Source:
        """The one source of a values file, whatever number of renderings it is read for: comments in it count for all."""
        if values_file.parent is not None or values_file.root is not values_file or isinstance(values_file, GeneratedSource):
            return values_file
        if values_file.path not in self._values:
            walked_sources = (one for one in self.discovered.sources if one.path == values_file.path)
            self._values[values_file.path] = next((one for one in walked_sources if one.text == values_file.text), values_file)
            self.assembly.sources.append(self._values[values_file.path])
        shared_source = self._values[values_file.path]
        return shared_source if shared_source.text == values_file.text else values_file

    def add_releases(self, chart_folder: str, releases: Sequence[helm.ValuesEnvironment]) -> None:
        """What more releases make of a chart that was added before."""
        from readiness.loading.render import helm

        chart_yaml = self._chart_yaml_source(chart_folder)
        if chart_yaml is None or not self.render_enabled or not helm.available_chart_renderer():
            return
        rendering = self._render(chart_folder, releases)
        self._tell_failures(chart_yaml, chart_folder, rendering)
        absent_values = absent_values_reason(chart_folder, self.discovered)
        unparsed_paths = self._add_rendered_projects(chart_folder, rendering, is_partial=bool(absent_values))
        file_status_by_path = {file_status.path: file_status for file_status in self.assembly.file_statuses}
        for template_path in {one.path for one in rendering.rendered_templates if one.kind}:
            file_status = file_status_by_path.get(template_path)
            if file_status is not None and file_status.reason == REASON_NO_OBJECTS:
                file_status.kind, file_status.status, file_status.reason = "helm", "checked", ""
            if file_status is not None and template_path in unparsed_paths and not absent_values:
                file_status.status, file_status.reason, file_status.cause = ("invalid", REASON_UNPARSED_RENDERING, CAUSE_BROKEN)

    def _chart_yaml_source(self, chart_folder: str) -> Source | None:
        """The Chart.yaml of a chart that is installed; a library is a part of others."""
        chart_yaml_path = posixpath.join(chart_folder, "Chart.yaml")
        chart_yaml = next((one for one in self.discovered.sources if one.path == chart_yaml_path), None)
        return None if chart_yaml is None or _LIBRARY_CHART.search(chart_yaml.text) else chart_yaml

    def add_chart(self, chart_folder: str, template_paths: Sequence[str], releases: Sequence[helm.ValuesEnvironment] = ()) -> None:
        """A chart's renderings, a project for each environment; what fails or is absent is a finding at Chart.yaml.

        `template_paths` are the files under templates/ and charts/ that the walk read, `releases` further environments.
        """
        from readiness.loading.render import helm, inputs

        chart_yaml = self._chart_yaml_source(chart_folder)
        if chart_yaml is None:
            return
        no_renderer_reason = "" if helm.available_chart_renderer() else helm.REASON_NO_RENDERER
        reason_not_rendered = no_renderer_reason if self.render_enabled else REASON_RENDERING_OFF
        if reason_not_rendered:
            self._add_unrendered_rows(chart_yaml, template_paths, reason_not_rendered)
            return
        self.assembly.render_inputs.append(inputs.chart_input(self.discovered.base, chart_folder))
        chart_environments = helm.chart_environments(self.discovered.base / chart_folder, self.extra_values_files)
        environments_beside = self._values_beside.environments_for(chart_folder, template_paths, releases)
        rendering = self._render(chart_folder, self.variants.of_chart(chart_folder, [*chart_environments, *environments_beside, *releases]))
        if are_defaults_unused(environments_beside, rendering.error_by_environment):
            rendering.leave_out_environment(helm.DEFAULT_VALUES_FILE)
        if not rendering.requested_environments:
            return
        self._tell_failures(chart_yaml, chart_folder, rendering)
        absent_values = absent_values_reason(chart_folder, self.discovered)
        unparsed_paths = self._add_rendered_projects(chart_folder, rendering, is_partial=bool(absent_values))
        cause_not_rendered = reason_not_rendered = ""
        if not rendering.rendered_environment_names:
            cause_not_rendered, reason_not_rendered = (
                (CAUSE_NOT_HERE, absent_values) if absent_values else _failure_cause_and_reason(rendering, chart_folder)
            )
        if absent_values and unparsed_paths and not rendering.error_by_environment:
            rule = self.core_rules["core/not-rendered"]
            self.assembly.parse_findings.append(render_failure_finding(rule, chart_yaml, "chart", " whole", absent_values))
        paths_with_objects = {one.path for one in rendering.rendered_templates if one.kind}
        file_statuses = [
            FileStatus(one, "helm", "skipped", reason_not_rendered, cause_not_rendered) for one in (*template_paths, *rendering.archives)
        ]
        if not reason_not_rendered:
            file_statuses = [_template_file_status(one, paths_with_objects, unparsed_paths, absent_values) for one in template_paths]
            file_statuses += [_archive_file_status(one, paths_with_objects, unparsed_paths) for one in rendering.archives]
        self.assembly.file_statuses += file_statuses
        if reason_not_rendered and not template_paths and not rendering.archives and not rendering.absent_dependencies:
            self._set_chart_row(chart_yaml.path, reason_not_rendered, cause_not_rendered)

    def _add_unrendered_rows(self, chart_yaml: Source, template_paths: Sequence[str], reason_not_rendered: str) -> None:
        """The rows of a chart that nothing renders here."""
        from readiness.loading.render.chart_files import dependencies_in

        self.assembly.file_statuses += [FileStatus(one, "helm", "skipped", reason_not_rendered, CAUSE_NOT_HERE) for one in template_paths]
        if not template_paths and any(dependencies_in(chart_yaml)):
            self._set_chart_row(chart_yaml.path, reason_not_rendered, CAUSE_NOT_HERE)

    def _render(self, chart_folder: str, environments: Sequence[helm.ValuesEnvironment]) -> _ChartRendering:
        """Everything that comes of a chart; nothing is wanted of one that holds and declares nothing."""
        from readiness.loading.render import inputs
        from readiness.loading.render.chart_files import read_chart
        from readiness.loading.render.tree import ConfinedTree, tree_root_of_folder

        chart_directory = self.discovered.base / chart_folder
        requested_folders = (*self.discovered.walked_folders, *map(posixpath.dirname, self.discovered.named_paths))
        confined_tree = ConfinedTree(
            tree_root_of_folder(chart_directory, [self.discovered.base / one for one in requested_folders]), self.discovered.base
        )
        chart_files: ChartFiles | None = None
        limit_errors: set[str] = set()
        try:
            chart_files = read_chart(chart_directory, chart_folder, confined_tree)
            self._add_refused_rows(chart_files)
            if not chart_files.absent_dependencies and not any("templates/" in f"/{one}" for one in chart_files.content_by_path):
                return _ChartRendering()
            rendered_templates, error_by_environment, limit_errors = render_in_batches(chart_files, environments, chart_folder, self.assembly.budget)
        except RenderError as render_error:
            render_problem = render_problem_text(render_error, chart_folder)
            rendered_templates, error_by_environment = [], {one.name: render_problem for one in environments}
            limit_errors = {render_problem} if isinstance(render_error, LimitError) else set()
        self.assembly.render_inputs += inputs.tree_inputs(confined_tree)
        if chart_files is None:
            return _ChartRendering(environments, rendered_templates, error_by_environment, limits=frozenset(limit_errors))
        self.assembly.render_inputs += [inputs.chart_input(self.discovered.base, one) for one in chart_files.outside_folders_read]
        return _ChartRendering(
            environments,
            rendered_templates,
            error_by_environment,
            chart_files.absent_dependencies,
            chart_files.unpacked_archives,
            frozenset(limit_errors),
        )

    def _add_refused_rows(self, chart_files: ChartFiles) -> None:
        """A row for each file or folder that Helm would use of a chart and that is not read."""
        if missed_refusals := list(chart_files.missed_refusals()):
            refused_rows = RefusedRows(self.assembly, self.core_rules)
            for refused_path, refusal_reason in missed_refusals:
                refused_rows.add_unreadable(refused_path, refusal_reason)

    def _tell_failures(self, chart_yaml: Source, chart_folder: str, rendering: _ChartRendering) -> None:
        """A finding for each way in which a chart fails, and for the dependencies that are not here."""
        from readiness.loading.render.chart_files import dependencies_text

        rule = self.core_rules["core/not-rendered"]
        render_problems = list(dict.fromkeys(rendering.error_by_environment.values()))
        if rendering.absent_dependencies and not rendering.rendered_environment_names:
            render_problems = [one for one in render_problems if _PARSE_ERROR_WORDS in one]
        for render_problem in render_problems:
            failed_environments = [name for name, environment_error in rendering.error_by_environment.items() if environment_error == render_problem]
            if _is_missing_default_value(render_problem, failed_environments, rendering) or is_caused_by_absent_dependency(
                render_problem, rendering.absent_dependencies
            ):
                continue
            scope_text = f" with {', '.join(failed_environments)}" if len(failed_environments) < len(rendering.requested_environments) else ""
            finding = render_failure_finding(rule, chart_yaml, "chart", scope_text, render_problem)
            if all(asks_for_values(name, render_problem) for name in failed_environments):
                finding = finding._replace(lowered_severity=Severity.INFO)  # Helm stops before it applies anything, as is meant
            self.assembly.parse_findings.append(finding)
            if rendering.rendered_environment_names and render_problem in rendering.limits:
                self._set_chart_row(chart_yaml.path, render_problem, CAUSE_NOT_HERE)
        for (declaring_path, absence_reason, cause_of_absent_dependencies), dependencies in absent_dependencies_by_reason(
            rendering.absent_dependencies, chart_folder
        ).items():
            dependencies_description = dependencies_text(dependencies)
            self._set_chart_row(declaring_path, f"{dependencies_description}: {absence_reason}", cause_of_absent_dependencies)
            scope_text = " whole" if rendering.rendered_environment_names else ""
            message_facts = {"what": "chart", "environment": scope_text, "reason": f"{dependencies_description}: {absence_reason}"}
            first_dependency, *other_dependencies = (one.dependency for one in dependencies)
            related = tuple(Related(one.source, one.span, "declared here") for one in other_dependencies)
            finding_text = fill_message(rule.message, message_facts.get)
            finding = Finding(rule, first_dependency.source, first_dependency.span, finding_text, related=related)
            if cause_of_absent_dependencies == CAUSE_NOT_HERE:
                finding = finding._replace(lowered_severity=Severity.INFO)  # git seldom holds what one command brings
            self.assembly.parse_findings.append(finding)
            self.assembly.sources.append(first_dependency.source)

    def _set_chart_row(self, chart_yaml_path: str, reason_not_rendered: str, cause_not_rendered: str) -> None:
        """The row of a Chart.yaml of which something was not rendered; of several reasons the first, and a note of the others."""
        file_status = next((one for one in self.assembly.file_statuses if one.path == chart_yaml_path), None)
        if file_status is None:
            self.assembly.file_statuses.append(FileStatus(chart_yaml_path, "helm", "skipped", reason_not_rendered, cause_not_rendered))
        elif not file_status.cause:
            file_status.kind, file_status.status, file_status.reason, file_status.cause = ("helm", "skipped", reason_not_rendered, cause_not_rendered)
        elif reason_not_rendered not in file_status.reason:
            file_status.reason = f"{file_status.reason}; {reason_not_rendered}"

    def _add_rendered_projects(self, chart_folder: str, rendering: _ChartRendering, *, is_partial: bool) -> set[str]:
        """Adds a project for each environment; the paths of the templates whose texts do not parse."""
        template_source_by_id = {id(one.template): one.template for one in rendering.rendered_templates}
        self.assembly.sources += template_source_by_id.values()
        for rendered_template in rendering.rendered_templates:
            rendered_template.values = tuple(
                (self._one_source(values_file), key_path, node) for values_file, key_path, node in rendered_template.values
            )
        non_test_environment_count = sum(
            not one.is_install_test for one in rendering.requested_environments if one.name in rendering.rendered_environment_names
        )
        for template_path in {one.path for one in template_source_by_id.values()}:
            self.assembly.environment_count_by_path[template_path] = (
                self.assembly.environment_count_by_path.get(template_path, 0) + non_test_environment_count
            )
        unparsed_paths: set[str] = set()
        chart_yaml = self._chart_yaml_source(chart_folder)
        self.rendered_environment_names.update(rendering.rendered_environment_names)
        context_paths = self.discovered.context.paths
        is_judged = posixpath.join(chart_folder, "Chart.yaml") not in context_paths
        chart_path_prefix = f"{chart_folder}/" if chart_folder else ""
        paths_in_chart = [one for one in self.discovered.paths if one.startswith(chart_path_prefix)] if context_paths else ()
        for environment_name in rendering.rendered_environment_names:
            rendered_templates = [one for one in rendering.rendered_templates if one.environment == environment_name]
            for rendered_template in rendered_templates:
                rendered_template.alone = not non_test_environment_count
                rendered_template.test_use_because = chart_yaml.test_use_because if chart_yaml is not None else ""
                rendered_template.archived_because = chart_yaml.archived_because if chart_yaml is not None else ""
                if not rendered_template.path.startswith(chart_path_prefix):
                    rendered_template.environment = posixpath.join(chart_folder, environment_name)  # another chart renders it, too
            unparsed_paths |= add_environment_project(
                self.assembly,
                rendered_templates,
                self.discovered,
                self.core_rules,
                f"{chart_folder or '.'} ({environment_name})",
                is_judged=is_judged,
                paths_made_from=paths_in_chart,
                lacks_inputs=is_partial,
            )
        return unparsed_paths


def _template_file_status(template_path: str, paths_with_objects: set[str], unparsed_paths: set[str], absent_values: str) -> FileStatus:
    """The row of a file of a chart that renders: judged where an object came of it; `absent_values` says which values are not here."""
    if template_path in unparsed_paths and absent_values:
        return FileStatus(template_path, "helm", "skipped", absent_values, CAUSE_NOT_HERE)
    if template_path in unparsed_paths:
        return rendered_file_status(template_path, "helm", REASON_UNPARSED_RENDERING)
    if template_path in paths_with_objects:
        return rendered_file_status(template_path, "helm", "")
    is_template = "/templates/" in f"/{template_path}"
    return FileStatus(template_path, "", "skipped", REASON_NO_OBJECTS if is_template else REASON_NO_TEMPLATE)


def _archive_file_status(archive_path: str, paths_with_objects: set[str], unparsed_paths: set[str]) -> FileStatus:
    """The row of an archive of a chart that renders: judged where an object came of a file in it."""
    paths_in_archive = [one for one in paths_with_objects | unparsed_paths if one.startswith(f"{archive_path}/")]
    if not paths_in_archive:
        return FileStatus(archive_path, "", "skipped", REASON_NO_OBJECTS)
    is_unparsed = not unparsed_paths.isdisjoint(paths_in_archive)
    return rendered_file_status(archive_path, "helm", REASON_UNPARSED_RENDERING if is_unparsed else "")


def _is_missing_default_value(problem: str, environment_names: Iterable[str], rendering: _ChartRendering) -> bool:
    """Whether the chart's defaults alone fail since the chart asks for values, and others of its values give them."""
    from readiness.loading.render import helm

    return (
        bool(rendering.rendered_environment_names)
        and list(environment_names) == [helm.DEFAULT_VALUES_FILE]
        and asks_for_values(helm.DEFAULT_VALUES_FILE, problem)
    )


def _failure_cause_and_reason(rendering: _ChartRendering, chart_folder: str) -> tuple[str, str]:
    """(sort, reason) of a chart that renders with no values: broken, unless something is not here or has to be given."""
    environment_errors = list(rendering.error_by_environment.values())
    if rendering.limits.intersection(environment_errors):
        return CAUSE_NOT_HERE, next(one for one in environment_errors if one in rendering.limits)
    if any(_PARSE_ERROR_WORDS in one for one in environment_errors):
        return CAUSE_BROKEN, REASON_RENDER_FAILED
    if rendering.absent_dependencies:
        from readiness.loading.render.chart_files import dependencies_text

        absence_causes = {absence_cause(one) for one in rendering.absent_dependencies}
        worst_cause = next(one for one in (CAUSE_BROKEN, CAUSE_NOT_HERE, CAUSE_NOT_IN_TREE) if one in absence_causes)
        return (
            worst_cause,
            f"its chart does not render without {dependencies_text(rendering.absent_dependencies)}; {dependency_build_hint(chart_folder)}",
        )
    if environment_errors and all(asks_for_values(*one) for one in rendering.error_by_environment.items()):
        return CAUSE_NOT_HERE, "its chart asks for values; give them in a file with --helm-values"
    return CAUSE_BROKEN, REASON_RENDER_FAILED
