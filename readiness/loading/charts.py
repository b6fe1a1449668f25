"""Helm charts: what each set of values installs, with all subcharts, and what of a chart is not here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.loading.assembly import (
    CAUSE_ABSENT,
    CAUSE_BROKEN,
    CAUSE_OUTSIDE,
    Assembly,
    FileStatus,
)
from readiness.loading.chart_errors import (
    absent_by_reason,
    asks_for_values,
    cause_of,
    help_of,
    is_for_absent,
    is_guarded,
    problem_of,
)
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    REASON_RENDERING_OFF,
    REASON_UNPARSED_RENDERING,
    absent_values_reason,
    add_environment,
    render_failure,
    rendered_file_status,
)
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.variants import Variants
from readiness.model import Finding, Related, Rule, Severity, Source
from readiness.model.messages import fill_message

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import AbsentDependency, ChartFiles

_LIBRARY_CHART = re.compile(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
_ENVIRONMENTS_PER_PROCESS = 10  # environments that one process renders
_MAX_SECONDS_PER_CHART = 120  # of processor time for all environments of one chart
_PARSE_ERROR = "parse error"
REASON_NO_OBJECTS = "no object comes of it with the values that are here"
NO_TEMPLATE = "a part of a chart that holds no objects"
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


@dataclass(slots=True)
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

    def _one_source(self, file: Source) -> Source:
        """The one source of a values file, whatever number of renderings it is read for: comments in it count for all."""
        if file.parent is not None or file.root is not file or isinstance(file, GeneratedSource):
            return file
        if file.path not in self._values:
            walked = (one for one in self.discovered.sources if one.path == file.path)
            self._values[file.path] = next((one for one in walked if one.text == file.text), file)
            self.assembly.sources.append(self._values[file.path])
        known = self._values[file.path]
        return known if known.text == file.text else file

    def add_releases(self, folder: str, releases: Sequence[helm.ValuesEnvironment]) -> None:
        """What more releases make of a chart that was added before."""
        from readiness.loading.render import helm

        about = self._chart_yaml_source(folder)
        if about is None or not self.render_enabled or not helm.available_renderer():
            return
        done = self._render(folder, releases)
        self._tell_failures(about, folder, done)
        absent = absent_values_reason(folder, self.discovered)
        broken = self._add_rendered_projects(folder, done, is_partial=bool(absent))
        rows = {row.path: row for row in self.assembly.file_statuses}
        for path in {one.path for one in done.rendered_templates if one.kind}:
            row = rows.get(path)
            if row is not None and row.reason == REASON_NO_OBJECTS:
                row.kind, row.status, row.reason = "helm", "checked", ""
            if row is not None and path in broken and not absent:
                row.status, row.reason, row.cause = (
                    "invalid",
                    REASON_UNPARSED_RENDERING,
                    CAUSE_BROKEN,
                )

    def _chart_yaml_source(self, folder: str) -> Source | None:
        """The Chart.yaml of a chart that is installed; a library is a part of others."""
        path = posixpath.join(folder, "Chart.yaml")
        about = next((one for one in self.discovered.sources if one.path == path), None)
        return None if about is None or _LIBRARY_CHART.search(about.text) else about

    def add_chart(
        self,
        folder: str,
        templates: Sequence[str],
        releases: Sequence[helm.ValuesEnvironment] = (),
    ) -> None:
        """A chart's renderings, a project for each environment; what fails or is absent is a finding at Chart.yaml.

        `templates` are the files under templates/ and charts/ that the walk read, `releases` further environments.
        """
        from readiness.loading.render import helm, inputs

        about = self._chart_yaml_source(folder)
        if about is None:
            return
        missing = "" if helm.available_renderer() else helm.REASON_NO_RENDERER
        reason = missing if self.render_enabled else REASON_RENDERING_OFF
        if reason:
            self._add_unrendered_rows(about, templates, reason)
            return
        self.assembly.render_inputs.append(inputs.chart_input(self.discovered.base, folder))
        own = helm.chart_environments(self.discovered.base / folder, self.extra_values_files)
        done = self._render(folder, self.variants.of_chart(folder, [*own, *releases]))
        if not done.requested_environments:
            return
        self._tell_failures(about, folder, done)
        absent = absent_values_reason(folder, self.discovered)
        broken = self._add_rendered_projects(folder, done, is_partial=bool(absent))
        cause = reason = ""
        if not done.rendered_environment_names:
            cause, reason = (CAUSE_ABSENT, absent) if absent else _failure_cause_and_reason(done, folder)
        if absent and broken and not done.error_by_environment:
            rule = self.core_rules["core/not-rendered"]
            self.assembly.parse_findings.append(render_failure(rule, about, "chart", " whole", absent))
        gave = {one.path for one in done.rendered_templates if one.kind}
        rows = [FileStatus(one, "helm", "skipped", reason, cause) for one in (*templates, *done.archives)]
        if not reason:
            rows = [_template_row(one, gave, broken, absent) for one in templates]
            rows += [_archive_row(one, gave, broken) for one in done.archives]
        self.assembly.file_statuses += rows
        if reason and not templates and not done.archives and not done.absent_dependencies:
            self._set_chart_row(about.path, reason, cause)

    def _add_unrendered_rows(self, chart_yaml: Source, templates: Sequence[str], reason: str) -> None:
        """The rows of a chart that nothing renders here."""
        from readiness.loading.render.chart_files import dependencies_in

        self.assembly.file_statuses += [FileStatus(one, "helm", "skipped", reason, CAUSE_ABSENT) for one in templates]
        if not templates and any(dependencies_in(chart_yaml)):
            self._set_chart_row(chart_yaml.path, reason, CAUSE_ABSENT)

    def _render(self, folder: str, environments: Sequence[helm.ValuesEnvironment]) -> _ChartRendering:
        """Everything that comes of a chart; nothing is wanted of one that holds and declares nothing."""
        from readiness.loading.render import inputs
        from readiness.loading.render.chart_files import read_chart
        from readiness.loading.render.tree import ConfinedTree, root_of

        where = self.discovered.base / folder
        given = (
            *self.discovered.walked_folders,
            *map(posixpath.dirname, self.discovered.named_paths),
        )
        tree = ConfinedTree(root_of(where, [self.discovered.base / one for one in given]), self.discovered.base)
        contents: ChartFiles | None = None
        limits: set[str] = set()
        try:
            contents = read_chart(where, folder, tree)
            if not contents.absent_dependencies and not any("templates/" in f"/{one}" for one in contents.content_by_path):
                return _ChartRendering()
            texts, errors, limits = _render_in_batches(contents, environments, folder)
        except RenderError as fault:
            problem = problem_of(fault, folder)
            texts, errors = [], {one.name: problem for one in environments}
            limits = {problem} if isinstance(fault, LimitError) else set()
        self.assembly.render_inputs += inputs.tree_inputs(tree)
        if contents is None:
            return _ChartRendering(environments, texts, errors, limits=frozenset(limits))
        self.assembly.render_inputs += [inputs.chart_input(self.discovered.base, one) for one in contents.outside_folders_read]
        return _ChartRendering(
            environments,
            texts,
            errors,
            contents.absent_dependencies,
            contents.unpacked_archives,
            frozenset(limits),
        )

    def _tell_failures(self, chart_yaml: Source, folder: str, rendering: _ChartRendering) -> None:
        """A finding for each way in which a chart fails, and for the dependencies that are not here."""
        from readiness.loading.render.chart_files import dependencies_text

        rule = self.core_rules["core/not-rendered"]
        problems = list(dict.fromkeys(rendering.error_by_environment.values()))
        if rendering.absent_dependencies and not rendering.rendered_environment_names:
            problems = [one for one in problems if _PARSE_ERROR in one]
        for problem in problems:
            names = [name for name, said in rendering.error_by_environment.items() if said == problem]
            if _asks_only(problem, names, rendering) or is_for_absent(problem, rendering.absent_dependencies):
                continue
            some = f" with {', '.join(names)}" if len(names) < len(rendering.requested_environments) else ""
            finding = render_failure(rule, chart_yaml, "chart", some, problem)
            if all(asks_for_values(name, problem) for name in names):
                finding = finding._replace(lowered_severity=Severity.INFO)  # Helm stops before it applies anything, as is meant
            self.assembly.parse_findings.append(finding)
            if rendering.rendered_environment_names and problem in rendering.limits:
                self._set_chart_row(chart_yaml.path, problem, CAUSE_ABSENT)
        for (path, reason, cause), group in absent_by_reason(rendering.absent_dependencies, folder).items():
            called = dependencies_text(group)
            self._set_chart_row(path, f"{called}: {reason}", cause)
            some = " whole" if rendering.rendered_environment_names else ""
            facts = {"what": "chart", "environment": some, "reason": f"{called}: {reason}"}
            first, *others = (one.dependency for one in group)
            related = tuple(Related(one.source, one.span, "declared here") for one in others)
            text = fill_message(rule.message, facts.get)
            finding = Finding(rule, first.source, first.span, text, related=related)
            if cause == CAUSE_ABSENT:
                finding = finding._replace(lowered_severity=Severity.INFO)  # git seldom holds what one command brings
            self.assembly.parse_findings.append(finding)
            self.assembly.sources.append(first.source)

    def _set_chart_row(self, path: str, reason: str, cause: str) -> None:
        """The row of a Chart.yaml of which something was not rendered; of several reasons the first, and a note of the others."""
        row = next((one for one in self.assembly.file_statuses if one.path == path), None)
        if row is None:
            self.assembly.file_statuses.append(FileStatus(path, "helm", "skipped", reason, cause))
        elif not row.cause:
            row.kind, row.status, row.reason, row.cause = "helm", "skipped", reason, cause
        elif reason not in row.reason:
            row.reason = f"{row.reason}; {reason}"

    def _add_rendered_projects(self, folder: str, rendering: _ChartRendering, *, is_partial: bool) -> set[str]:
        """Adds a project for each environment; the paths of the templates whose texts do not parse."""
        sources = {id(one.template): one.template for one in rendering.rendered_templates}
        self.assembly.sources += sources.values()
        for text in rendering.rendered_templates:
            text.values = tuple((self._one_source(file), keys, node) for file, keys, node in text.values)
        real = sum(
            not one.is_install_test
            for one in rendering.requested_environments
            if one.name in rendering.rendered_environment_names
        )
        for path in {one.path for one in sources.values()}:
            self.assembly.environment_count_by_path[path] = self.assembly.environment_count_by_path.get(path, 0) + real
        broken: set[str] = set()
        self.rendered_environment_names.update(rendering.rendered_environment_names)
        context = self.discovered.context.paths
        judged = posixpath.join(folder, "Chart.yaml") not in context
        above = f"{folder}/" if folder else ""
        mine = [one for one in self.discovered.paths if one.startswith(above)] if context else ()
        for name in rendering.rendered_environment_names:
            texts = [one for one in rendering.rendered_templates if one.environment == name]
            for text in texts:
                text.alone = not real
                if not text.path.startswith(above):
                    text.environment = posixpath.join(folder, name)  # another chart renders it, too
            broken |= add_environment(
                self.assembly,
                texts,
                self.discovered,
                self.core_rules,
                f"{folder or '.'} ({name})",
                judged=judged,
                reached=mine,
                is_partial=is_partial,
            )
        return broken


def _render_in_batches(
    contents: ChartFiles, environments: Sequence[helm.ValuesEnvironment], folder: str
) -> tuple[list[helm.RenderedTemplate], dict[str, str], set[str]]:
    """(renderings, errors by environment, those that are limits) of a chart, a few at a time, for each process has a limit.

    After one that did not end well no more are tried, nor after some minutes of processor time.
    """
    from readiness.programs.process import seconds_of_programs

    texts: list[helm.RenderedTemplate] = []
    errors: dict[str, str] = {}
    limits: set[str] = set()
    begin = seconds_of_programs()
    failed = ""
    for start in range(0, len(environments), _ENVIRONMENTS_PER_PROCESS):
        batch = list(environments[start : start + _ENVIRONMENTS_PER_PROCESS])
        if not failed and seconds_of_programs() - begin > _MAX_SECONDS_PER_CHART:
            limit = LimitError(f"the environments before it took over {_MAX_SECONDS_PER_CHART} seconds")
            failed = problem_of(limit, folder)
            limits.add(failed)
        if failed:
            errors |= {one.name: failed for one in batch}
            continue
        try:
            made, said = _render_batch(contents, batch)
            texts += made
            errors |= said
        except RenderError as fault:
            failed = problem_of(fault, folder)
            limits |= {failed} if isinstance(fault, LimitError) else set()
            errors |= {one.name: failed for one in batch}
    return texts, errors, limits


def _render_batch(
    contents: ChartFiles, batch: Sequence[helm.ValuesEnvironment]
) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
    """The same of a few environments; those that refuse the namespace are rendered for another. Raises RenderError."""
    from readiness.loading.render import helm

    texts, errors = helm.render_chart(contents, batch)
    guarded = [one for one in batch if is_guarded(one, errors.get(one.name, ""))]
    if not guarded:
        return texts, errors
    more, again = helm.render_chart(contents, [replace(one, namespace=helm.DEFAULT_RELEASE_NAME) for one in guarded])
    kept = {one.name for one in guarded}
    return [*texts, *more], {name: said for name, said in errors.items() if name not in kept} | again


def _template_row(path: str, paths_with_objects: set[str], unparsed_paths: set[str], absent: str) -> FileStatus:
    """The row of a file of a chart that renders: judged where an object came of it; `absent` says which values are not here."""
    if path in unparsed_paths and absent:
        return FileStatus(path, "helm", "skipped", absent, CAUSE_ABSENT)
    if path in unparsed_paths:
        return rendered_file_status(path, "helm", REASON_UNPARSED_RENDERING)
    if path in paths_with_objects:
        return rendered_file_status(path, "helm", "")
    is_template = "/templates/" in f"/{path}"
    return FileStatus(path, "", "skipped", REASON_NO_OBJECTS if is_template else NO_TEMPLATE)


def _archive_row(path: str, paths_with_objects: set[str], unparsed_paths: set[str]) -> FileStatus:
    """The row of an archive of a chart that renders: judged where an object came of a file in it."""
    inside = [one for one in paths_with_objects | unparsed_paths if one.startswith(f"{path}/")]
    if not inside:
        return FileStatus(path, "", "skipped", REASON_NO_OBJECTS)
    is_unparsed = not unparsed_paths.isdisjoint(inside)
    return rendered_file_status(path, "helm", REASON_UNPARSED_RENDERING if is_unparsed else "")


def _asks_only(problem: str, names: Iterable[str], rendering: _ChartRendering) -> bool:
    """Whether the chart's defaults alone fail since the chart asks for values, and others of its values give them."""
    from readiness.loading.render import helm

    return (
        bool(rendering.rendered_environment_names)
        and list(names) == [helm.DEFAULT_VALUES_FILE]
        and asks_for_values(helm.DEFAULT_VALUES_FILE, problem)
    )


def _failure_cause_and_reason(rendering: _ChartRendering, folder: str) -> tuple[str, str]:
    """(sort, reason) of a chart that renders with no values: broken, unless something is not here or has to be given."""
    problems = list(rendering.error_by_environment.values())
    if rendering.limits.intersection(problems):
        return CAUSE_ABSENT, next(one for one in problems if one in rendering.limits)
    if any(_PARSE_ERROR in one for one in problems):
        return CAUSE_BROKEN, REASON_RENDER_FAILED
    if rendering.absent_dependencies:
        from readiness.loading.render.chart_files import dependencies_text

        causes = {cause_of(one) for one in rendering.absent_dependencies}
        cause = next(one for one in (CAUSE_BROKEN, CAUSE_ABSENT, CAUSE_OUTSIDE) if one in causes)
        return (
            cause,
            f"its chart does not render without {dependencies_text(rendering.absent_dependencies)}; {help_of(folder)}",
        )
    if problems and all(asks_for_values(*one) for one in rendering.error_by_environment.items()):
        return CAUSE_ABSENT, "its chart asks for values; give them in a file with --helm-values"
    return CAUSE_BROKEN, REASON_RENDER_FAILED
