"""Helm charts: what each set of values installs, with all subcharts, and what of a chart is not here."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.loading.assembly import ABSENT, BROKEN, OUTSIDE, Assembly, FileStatus
from readiness.loading.chart_errors import (
    absent_by_reason,
    asks_for_values,
    cause_of,
    help_of,
    is_for_absent,
    is_guarded,
)
from readiness.loading.discover import DiscoveredFiles
from readiness.loading.environments import (
    RENDERING_OFF,
    UNPARSED,
    add_environment,
    render_failure,
    template_state,
)
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError
from readiness.loading.variants import Variants
from readiness.model import Finding, Related, Rule, Source
from readiness.model.messages import fill_message

if TYPE_CHECKING:
    from readiness.loading.render import helm
    from readiness.loading.render.chart_files import AbsentDependency, ChartFiles

_LIBRARY_CHART = re.compile(r"^type:[ \t]*[\"']?library\b", re.MULTILINE)
_BATCH = 10  # environments that one process renders
_SECONDS = 120  # of processor time for all environments of one chart
_UNREADABLE = "parse error"
NOTHING_GIVEN = "no object comes of it with the values that are here"
NO_TEMPLATE = "a part of a chart that holds no objects"
FAILED = "its chart does not render; the finding at Chart.yaml says why and what helps"


@dataclass(slots=True)
class _Rendered:
    """What came of one chart: renderings by environment, errors by environment, and what was wanted.

    `limits` are those of the errors that are limits of ours and no faults of the chart.
    """

    wanted: Sequence[helm.Environment] = ()
    texts: list[helm.RenderedTemplate] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    absent: list[AbsentDependency] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)
    limits: frozenset[str] = frozenset()

    @property
    def names(self) -> list[str]:
        """The environments that render."""
        return [one.name for one in self.wanted if one.name not in self.errors]


@dataclass(slots=True)
class Charts:
    """The charts of a run, added one by one. `rendered` are the names of the environments that rendered."""

    discovered: DiscoveredFiles
    assembly: Assembly
    core: dict[str, Rule]
    values: Sequence[Path] = ()
    asked: bool = True
    variants: Variants = field(default_factory=Variants)
    rendered: set[str] = field(default_factory=set)
    _values: dict[str, Source] = field(default_factory=dict)

    def _one_source(self, file: Source) -> Source:
        """The one source of a values file, whatever number of renderings it is read for: comments in it count for all."""
        if file.parent is not None or file.root is not file or isinstance(file, GeneratedSource):
            return file
        if file.path not in self._values:
            walked = (one for one in self.discovered.texts if one.path == file.path)
            self._values[file.path] = next((one for one in walked if one.text == file.text), file)
            self.assembly.sources.append(self._values[file.path])
        known = self._values[file.path]
        return known if known.text == file.text else file

    def add_releases(self, folder: str, releases: Sequence[helm.Environment]) -> None:
        """What more releases make of a chart that was added before."""
        from readiness.loading.render import helm

        about = self._about(folder)
        if about is None or not self.asked or not helm.available_renderer():
            return
        done = self._render(folder, releases)
        self._tell_failures(about, folder, done)
        broken = self._judge(folder, done)
        rows = {row.path: row for row in self.assembly.rows}
        for path in {one.path for one in done.texts if one.kind}:
            row = rows.get(path)
            if row is not None and row.reason == NOTHING_GIVEN:
                row.kind, row.status, row.reason = "helm", "checked", ""
            if row is not None and path in broken:
                row.status, row.reason, row.cause = "invalid", UNPARSED, BROKEN

    def _about(self, folder: str) -> Source | None:
        """The Chart.yaml of a chart that is installed; a library is a part of others."""
        path = posixpath.join(folder, "Chart.yaml")
        about = next((one for one in self.discovered.texts if one.path == path), None)
        return None if about is None or _LIBRARY_CHART.search(about.text) else about

    def add(
        self,
        folder: str,
        templates: Sequence[str],
        releases: Sequence[helm.Environment] = (),
    ) -> None:
        """A chart's renderings, a project for each environment; what fails or is absent is a finding at Chart.yaml.

        `templates` are the files under templates/ and charts/ that the walk read, `releases` further environments.
        """
        from readiness.loading.render import helm, inputs

        about = self._about(folder)
        if about is None:
            return
        missing = "" if helm.available_renderer() else helm.MISSING
        reason = missing if self.asked else RENDERING_OFF
        if reason:
            self._leave(about, templates, reason)
            return
        self.assembly.inputs.append(inputs.chart_input(self.discovered.base, folder))
        own = helm.environments(self.discovered.base / folder, self.values)
        done = self._render(folder, self.variants.of_chart(folder, [*own, *releases]))
        if not done.wanted:
            return
        self._tell_failures(about, folder, done)
        broken = self._judge(folder, done)
        cause, reason = _cause(done, folder) if not done.names else ("", "")
        gave = {one.path for one in done.texts if one.kind}
        for template in templates:
            self.assembly.rows.append(
                FileStatus(template, "helm", "skipped", reason, cause)
                if reason
                else _template_row(template, gave, broken)
            )
        for archive in done.archives:
            inside = [path for path in gave | broken if path.startswith(f"{archive}/")]
            bad = any(path in broken for path in inside)
            self.assembly.rows.append(
                FileStatus(archive, "helm", "skipped", reason, cause)
                if reason
                else template_state(archive, "helm", UNPARSED if bad else "")
                if inside
                else FileStatus(archive, "", "skipped", NOTHING_GIVEN)
            )
        if reason and not templates and not done.archives and not done.absent:
            self._mark(about.path, reason, cause)

    def _leave(self, about: Source, templates: Sequence[str], reason: str) -> None:
        """The rows of a chart that nothing renders here."""
        from readiness.loading.render.chart_files import dependencies_in

        self.assembly.rows += [
            FileStatus(one, "helm", "skipped", reason, ABSENT) for one in templates
        ]
        if not templates and any(dependencies_in(about)):
            self._mark(about.path, reason, ABSENT)

    def _render(self, folder: str, wanted: Sequence[helm.Environment]) -> _Rendered:
        """Everything that comes of a chart; nothing is wanted of one that holds and declares nothing."""
        from readiness.loading.render import inputs
        from readiness.loading.render.chart_files import read_chart
        from readiness.loading.render.tree import Tree, root_of

        where = self.discovered.base / folder
        given = (*self.discovered.folders, *map(posixpath.dirname, self.discovered.named))
        tree = Tree(
            root_of(where, [self.discovered.base / one for one in given]), self.discovered.base
        )
        contents: ChartFiles | None = None
        limits: set[str] = set()
        try:
            contents = read_chart(where, folder, tree)
            if not contents.absent and not any("templates/" in f"/{one}" for one in contents.texts):
                return _Rendered()
            texts, errors, limits = _in_batches(contents, wanted, folder)
        except RenderError as fault:
            problem = _problem(fault, folder)
            texts, errors = [], {one.name: problem for one in wanted}
            limits = {problem} if isinstance(fault, LimitError) else set()
        self.assembly.inputs += inputs.tree_inputs(tree)
        if contents is None:
            return _Rendered(wanted, texts, errors, limits=frozenset(limits))
        self.assembly.inputs += [
            inputs.chart_input(self.discovered.base, one) for one in contents.beside
        ]
        return _Rendered(
            wanted, texts, errors, contents.absent, contents.archives, frozenset(limits)
        )

    def _tell_failures(self, about: Source, folder: str, done: _Rendered) -> None:
        """A finding for each way in which a chart fails, and for the dependencies that are not here."""
        from readiness.loading.render.chart_files import listed_names

        rule = self.core["core/not-rendered"]
        problems = list(dict.fromkeys(done.errors.values()))
        if done.absent and not done.names:
            problems = [one for one in problems if _UNREADABLE in one]
        for problem in problems:
            names = [name for name, said in done.errors.items() if said == problem]
            if _asks_only(problem, names, done) or is_for_absent(problem, done.absent):
                continue
            some = f" with {', '.join(names)}" if len(names) < len(done.wanted) else ""
            self.assembly.broken.append(render_failure(rule, about, "chart", some, problem))
            if done.names and problem in done.limits:
                self._mark(about.path, problem, ABSENT)
        for (path, reason, cause), group in absent_by_reason(done.absent, folder).items():
            called = listed_names(group)
            self._mark(path, f"{called}: {reason}", cause)
            some = " whole" if done.names else ""
            facts = {"what": "chart", "environment": some, "reason": f"{called}: {reason}"}
            first, *others = (one.dependency for one in group)
            related = tuple(Related(one.source, one.span, "declared here") for one in others)
            text = fill_message(rule.message, facts.get)
            self.assembly.broken.append(
                Finding(rule, first.source, first.span, text, related=related)
            )
            self.assembly.sources.append(first.source)

    def _mark(self, path: str, reason: str, cause: str) -> None:
        """The row of a Chart.yaml of which something was not rendered; of several reasons the first, and a note of the others."""
        row = next((one for one in self.assembly.rows if one.path == path), None)
        if row is None:
            self.assembly.rows.append(FileStatus(path, "helm", "skipped", reason, cause))
        elif not row.cause:
            row.kind, row.status, row.reason, row.cause = "helm", "skipped", reason, cause
        elif reason not in row.reason:
            row.reason = f"{row.reason}; {reason}"

    def _judge(self, folder: str, done: _Rendered) -> set[str]:
        """Adds a project for each environment; the paths of the templates whose texts do not parse."""
        sources = {id(one.template): one.template for one in done.texts}
        self.assembly.sources += sources.values()
        for text in done.texts:
            text.values = tuple(
                (self._one_source(file), keys, node) for file, keys, node in text.values
            )
        real = sum(not one.trial for one in done.wanted if one.name in done.names)
        for path in {one.path for one in sources.values()}:
            self.assembly.environments[path] = self.assembly.environments.get(path, 0) + real
        broken: set[str] = set()
        self.rendered.update(done.names)
        context = self.discovered.context.paths
        judged = posixpath.join(folder, "Chart.yaml") not in context
        above = f"{folder}/" if folder else ""
        mine = [one for one in self.discovered.paths if one.startswith(above)] if context else ()
        for name in done.names:
            texts = [one for one in done.texts if one.environment == name]
            for text in texts:
                text.alone = not real
                if not text.path.startswith(f"{folder}/" if folder else ""):
                    text.environment = posixpath.join(folder, name)  # another chart renders it, too
            broken |= add_environment(
                self.assembly,
                texts,
                self.discovered,
                self.core,
                f"{folder or '.'} ({name})",
                judged=judged,
                reached=mine,
            )
        return broken


def _in_batches(
    contents: ChartFiles, wanted: Sequence[helm.Environment], folder: str
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
    for start in range(0, len(wanted), _BATCH):
        batch = list(wanted[start : start + _BATCH])
        if not failed and seconds_of_programs() - begin > _SECONDS:
            limit = LimitError(f"the environments before it took over {_SECONDS} seconds")
            failed = _problem(limit, folder)
            limits.add(failed)
        if failed:
            errors |= {one.name: failed for one in batch}
            continue
        try:
            made, said = _one_batch(contents, batch)
            texts += made
            errors |= said
        except RenderError as fault:
            failed = _problem(fault, folder)
            limits |= {failed} if isinstance(fault, LimitError) else set()
            errors |= {one.name: failed for one in batch}
    return texts, errors, limits


def _problem(fault: RenderError, folder: str) -> str:
    """What is said of a chart that gave nothing; where a limit of ours stops it, how it is judged all the same."""
    if not isinstance(fault, LimitError):
        return str(fault)
    where = shlex.quote(folder or ".")
    return f"{fault}; `helm template {where} | readiness check -` judges what it gives"


def _one_batch(
    contents: ChartFiles, batch: Sequence[helm.Environment]
) -> tuple[list[helm.RenderedTemplate], dict[str, str]]:
    """The same of a few environments; those that refuse the namespace are rendered for another. Raises RenderError."""
    from readiness.loading.render import helm

    texts, errors = helm.render(contents, batch)
    guarded = [one for one in batch if is_guarded(one, errors.get(one.name, ""))]
    if not guarded:
        return texts, errors
    more, again = helm.render(contents, [replace(one, namespace=helm.RELEASE) for one in guarded])
    kept = {one.name for one in guarded}
    return [*texts, *more], {
        name: said for name, said in errors.items() if name not in kept
    } | again


def _template_row(path: str, gave: set[str], broken: set[str]) -> FileStatus:
    """The row of a file of a chart that renders: judged where an object came of it."""
    if path in broken:
        return template_state(path, "helm", UNPARSED)
    if path in gave:
        return template_state(path, "helm", "")
    is_template = "/templates/" in f"/{path}"
    return FileStatus(path, "", "skipped", NOTHING_GIVEN if is_template else NO_TEMPLATE)


def _asks_only(problem: str, names: Iterable[str], done: _Rendered) -> bool:
    """Whether the chart's defaults alone fail since the chart asks for values, and others of its values give them."""
    from readiness.loading.render import helm

    return (
        bool(done.names)
        and list(names) == [helm.DEFAULT]
        and asks_for_values(helm.DEFAULT, problem)
    )


def _cause(done: _Rendered, folder: str) -> tuple[str, str]:
    """(sort, reason) of a chart that renders with no values: broken, unless something is not here or has to be given."""
    problems = list(done.errors.values())
    if done.limits.intersection(problems):
        return ABSENT, next(one for one in problems if one in done.limits)
    if any(_UNREADABLE in one for one in problems):
        return BROKEN, FAILED
    if done.absent:
        from readiness.loading.render.chart_files import listed_names

        causes = {cause_of(one) for one in done.absent}
        cause = next(one for one in (BROKEN, ABSENT, OUTSIDE) if one in causes)
        return (
            cause,
            f"its chart does not render without {listed_names(done.absent)}; {help_of(folder)}",
        )
    if problems and all(asks_for_values(*one) for one in done.errors.items()):
        return ABSENT, "its chart asks for values; give them in a file with --helm-values"
    return BROKEN, FAILED
