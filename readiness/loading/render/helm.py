"""Helm charts: every environment's rendering, each line with the template line that made it."""

from __future__ import annotations

import bisect
import importlib.util
import json
import posixpath
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readiness import files
from readiness.loading.render import capabilities, lines
from readiness.loading.render.chart_files import ChartFiles, is_inside, subchart_names_and_rest
from readiness.loading.render.definitions import Definition, called_name, definitions_in, printed_by
from readiness.loading.render.made import (
    GeneratedSource,
    LimitError,
    RenderError,
    SetValue,
    short_error,
)
from readiness.loading.render.process import run_confined
from readiness.loading.render.values import (
    Given,
    action_at,
    actions_in,
    value_in_mapping,
    value_inside,
    value_printed_as,
    values_alone,
)
from readiness.model import Related, Source, Span
from readiness.programs import find_program
from readiness.syntax.template import is_named_as_template
from readiness.syntax.yaml import Map

DEFAULT_RELEASE_NAME, DEFAULT_NAMESPACE = (
    "release",
    "default",
)  # what a chart is installed as where nothing says so
DEFAULT_VALUES_FILE = "values.yaml"
_REMOTE_SCHEMA = re.compile(rb"\"\$ref\"[ \t]{0,40}:[ \t]{0,40}\"https?://", re.IGNORECASE)
_KEY_BEFORE = re.compile(r"""["']?([\w./-]{1,100})["']?:[ \t]+\Z""")
_VALUES_FILENAME = re.compile(r"values[-.][\w.-]+\.ya?ml\Z|ci/[\w.-]*values\.ya?ml\Z")


class RenderedTemplate(GeneratedSource):
    """A rendered template: `rows` says for each of its lines which line of the template made it.

    `values` are the files that gave the values, the one that wins first, each with the keys under which those of the
    template's chart stand in it.
    """

    __slots__ = ("_printed", "definitions", "rows", "template", "values")

    def __init__(
        self,
        template: Source,
        text: str,
        rows: tuple[int, ...],
        environment: str,
        values: tuple[Given, ...] = (),
    ) -> None:
        super().__init__(template.path, text, environment)
        self.template = template
        self.rows = rows
        self.values = values
        self.definitions: Mapping[str, Definition] = {}
        self._printed: dict[int, Mapping[int, Span]] = {}

    def definition_places(self, span: Span) -> Iterator[Related]:
        """The line of the definition that wrote a place which the template takes in with `include`."""
        row = min(bisect.bisect_right(self.line_offsets, span.start), len(self.rows)) - 1
        number = self.rows[row]
        definition = self.definitions.get(called_name(self.template, number)) if self.definitions else None
        if definition is None:
            return
        first = self.rows.index(number)
        if number not in self._printed:
            last = len(self.rows) - self.rows[::-1].index(number)
            printed = [self.line_text(one + 1) for one in range(first, last)]
            self._printed[number] = printed_by(definition, printed)
        place = self._printed[number].get(row - first)
        if place is not None:
            yield Related(definition.source, place, "written here")

    def value_places(self, source: Source, span: Span) -> Iterator[Related]:
        """Where the values are set that the actions at a place of the template print, of those that name one of the values."""
        for one in values_alone(source.text[span.start : span.end], self.values):
            yield Related(one.source, one.span, "the value is set here")

    def set_value(self, span: Span) -> SetValue | None:
        """Where the value is set that a place of this text prints; of an archive's template, that decides about it."""
        row = bisect.bisect_right(self.line_offsets, span.start) - 1
        line = self.template.line_text(self.rows[min(row, len(self.rows) - 1)] + 1)
        words = self.text[span.start : span.end]
        found = value_printed_as(words, line, self.values)
        if self.packed and (found is None or self._is_packed(found.source)):
            begin, end = self.line_offsets[row], self.text.find("\n", span.end)
            before = self.text[begin : span.start].split(" ")[-1]
            behind = self.text[span.end : end if end >= 0 else None].split(" ", 1)[0]
            given = [one for one in self.values if not self._is_packed(one[0])]
            found = value_inside(before + words + behind, line, given) or found
        return found

    def overriding_value(self, span: Span) -> SetValue | None:
        """Where a file over the chart's own values set what a line prints of a mapping, as `key: value`."""
        row = bisect.bisect_right(self.line_offsets, span.start) - 1
        line = self.template.line_text(self.rows[min(row, len(self.rows) - 1)] + 1)
        key = _KEY_BEFORE.search(self.text[self.line_offsets[row] : span.start])
        found = value_in_mapping(key[1], self.text[span.start : span.end], line, self.values) if key else None
        return None if found is None or posixpath.basename(found.source.path) == DEFAULT_VALUES_FILE else found

    def _is_packed(self, source: Source) -> bool:
        """Whether a file stands in the archive of the template."""
        return source.path.startswith(f"{self.packed}/")

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """The same words on the template's line; else the action that gave them; else the line."""
        template = self.template
        row = bisect.bisect_right(self.line_offsets, span.start) - 1
        number = self.rows[min(row, len(self.rows) - 1)]
        begin = template.line_offsets[min(number, len(template.line_offsets) - 1)]
        line = template.line_text(number + 1)
        words = self.text[span.start : span.end]
        column = span.start - self.line_offsets[row]
        actions = actions_in(line)
        literal = line
        for first, last in actions:
            literal = literal[:first] + " " * (last - first) + literal[last:]
        at = literal.find(words, max(column - 4, 0)) if words.strip() else -1
        at = literal.find(words) if words.strip() and at < 0 else at
        if at >= 0:
            return template, Span(begin + at, begin + at + len(words))
        first = actions[0][0] if actions else -1
        rendered = self.text[self.line_offsets[row] :].partition("\n")[0]
        exact = action_at(line, rendered, column, column + len(words))
        if exact is not None:
            return template, Span(begin + exact[0], begin + exact[1])
        if actions and (not line[:first].strip(" -\t\"'") or ":" in line[:first]):
            return template, Span(begin + first, begin + actions[-1][1])
        indent = len(line) - len(line.lstrip())
        return template, Span(begin + indent, begin + max(len(line.rstrip()), indent))


@dataclass(frozen=True, slots=True)
class ValuesEnvironment:
    """One set of values: its name as reports print it, and the values files over the chart's own.

    `values_paths` are theirs, where they stand in the chart. `release_name` and `namespace` are what it is installed as.
    `values_sources` are the texts in other words, for values that stand in an object: where they stand, and the mapping there.
    `is_install_test` are the values of install tests (`ci/`), which nobody deploys, and those that are set `aside` for another
    environment.
    """

    name: str
    values_texts: tuple[str, ...]
    values_paths: tuple[str, ...] = ()
    release_name: str = DEFAULT_RELEASE_NAME
    namespace: str = DEFAULT_NAMESPACE
    values_sources: tuple[tuple[Source, Map | None], ...] = ()
    aside: bool = False

    @property
    def is_install_test(self) -> bool:
        """Whether the values are not production's, as those of chart-testing's install tests.

        https://github.com/helm/chart-testing#readme
        """
        return self.aside or self.name.startswith("ci/")


def chart_environments(chart: Path, extra_values_files: Sequence[Path]) -> list[ValuesEnvironment]:
    """The environments of a chart: its defaults, each values file beside them that is no template, and those asked for together."""
    environments = [ValuesEnvironment(DEFAULT_VALUES_FILE, ())]
    for path in sorted([*chart.glob("*.y*ml"), *(chart / "ci").glob("*.y*ml")]):
        name = path.relative_to(chart).as_posix()
        text = _values_text(chart, path) if _VALUES_FILENAME.match(name) and not is_named_as_template(path.name) else None
        if text is not None:
            environments.append(ValuesEnvironment(name, (text,), (name,)))
    if extra_values_files:
        name = " + ".join(path.name for path in extra_values_files)
        environments.append(ValuesEnvironment(name, tuple(path.read_text(encoding="utf-8") for path in extra_values_files)))
    return environments


def _values_text(chart: Path, path: Path) -> str | None:
    """The text of a values file; None for one that leads out of its chart or cannot be read, which the walk has told."""
    try:
        if not is_inside(chart, path):
            return None
        return files.read_regular_file(path, files.MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def available_renderer() -> str:
    """What renders charts here: `sdk`, `binary`, or nothing."""
    if importlib.util.find_spec("helm_python"):
        return "sdk"
    return "binary" if find_program("helm") else ""


REASON_NO_RENDERER = "chart was not rendered: neither the extra `readiness[helm]` nor `helm` is installed; install one of them"


def render_chart(
    contents: ChartFiles, requested_environments: Sequence[ValuesEnvironment]
) -> tuple[list[RenderedTemplate], dict[str, str]]:
    """(renderings, errors by environment) of a chart. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as folder:
        scratch = Path(folder)
        copies = {"plain": scratch / "plain", "marked": scratch / "marked"}
        templates = _copy_chart(contents, copies)
        if available_renderer() == "sdk":
            answer = _render_in_process(copies, requested_environments, scratch)
        else:
            answer = {
                "plain": {
                    environment.name: _render_with_binary(copies["plain"], environment, scratch)
                    for environment in requested_environments
                }
            }
    renderings = []
    errors = {}
    definitions = definitions_in(templates.values())
    packed = contents.unpacked_archives
    for environment in requested_environments:
        name = environment.name
        said = answer["plain"].get(name, {})
        if "error" in said:
            errors[name] = short_error(_cause_of(said["error"]))
        marks = answer.get("marked", {}).get(name, {}).get("files", {})
        for path, text in sorted(said.get("files", {}).items()):
            template = templates.get(contents.template_of(path))
            if template is not None and text.strip():
                values = _values_files(contents, path, environment)
                renderings.append(_make_rendered_template(template, text, marks.get(path), environment, values))
                renderings[-1].definitions = definitions
                inside = (one for one in packed if template.path.startswith(f"{one}/"))
                renderings[-1].packed = min(inside, key=len, default="")
    return renderings, errors


def _cause_of(error: str) -> str:
    """An error of nested includes with its innermost place and cause first, which a long message would lose."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    places = [number for number, line in enumerate(lines) if _is_place(line)]
    if len(places) < 2:
        return error
    return f"{' '.join(lines[places[-1] :])} (called from {lines[places[0]]})"


def _is_place(line: str) -> bool:
    """Whether a line of an error says where: `chart/templates/a.yaml:3:14`."""
    return " " not in line and all(part.isdigit() for part in line.rsplit(":", 2)[1:]) and ":" in line


def _make_rendered_template(
    template: Source,
    text: str,
    marked_text: str | None,
    environment: ValuesEnvironment,
    values: tuple[Given, ...],
) -> RenderedTemplate:
    """A template's rendering as Helm splits it into documents; `marked_text` is the same rendering with marks."""
    plain = lines.with_separators_on_own_lines(text)
    count = len(template.text.split("\n"))
    rows = None if marked_text is None else lines.source_lines(lines.with_separators_on_own_lines(marked_text), plain, count)
    rows = rows or lines.guess_source_lines(template.text, plain)
    made = RenderedTemplate(template, plain, rows, environment.name, values)
    made.trial, made.aside = environment.is_install_test, environment.aside
    return made


def _values_files(contents: ChartFiles, rendered: str, environment: ValuesEnvironment) -> tuple[Given, ...]:
    """The files that give a template its values, the one that wins first, its own chart's last.

    Each with the keys that lead to the values of the template's chart: the names of the subcharts on the way.
    """
    way, _ = subchart_names_and_rest(rendered)
    sources: list[Given] = [(source, way, node) for source, node in environment.values_sources][::-1]
    sources += [
        (Source(contents.report_path_by_path.get(path, path), text), way, None)
        for path, text in zip(environment.values_paths, environment.values_texts, strict=False)
    ][::-1]
    for depth in range(len(way) + 1):
        above = "".join(f"charts/{name}/" for name in way[:depth])
        path = contents.copy_folder_by_helm_path.get(above, above) + DEFAULT_VALUES_FILE
        if path in contents.content_by_path:
            text = contents.content_by_path[path].decode("utf-8", "replace")
            sources.append((Source(contents.report_path_by_path[path], text), way[depth:], None))
    return tuple(sources)


def _copy_chart(contents: ChartFiles, copies: Mapping[str, Path]) -> dict[str, Source]:
    """Two copies of a chart, one with marks, and its templates by path in the copies. Raises RenderError."""
    templates = {}
    for path_in_chart, data in contents.content_by_path.items():
        if posixpath.basename(path_in_chart) == "values.schema.json" and _REMOTE_SCHEMA.search(data):
            continue  # Helm would fetch the rest of it, and nothing is fetched here: the values go unchecked
        is_template = "templates/" in f"/{path_in_chart}" and path_in_chart.endswith((".yaml", ".yml", ".tpl"))
        plain = marked = data
        if is_template:
            text = data.decode("utf-8", "replace")
            templates[path_in_chart] = Source(contents.report_path_by_path[path_in_chart], text)
            asked = capabilities.without_removed_versions(text)
            plain = marked = asked.encode("utf-8", "surrogatepass")
            if not posixpath.basename(path_in_chart).startswith("_"):
                marked = lines.mark_lines(asked).encode("utf-8", "surrogatepass")
        try:
            for label, root in copies.items():
                (root / path_in_chart).parent.mkdir(parents=True, exist_ok=True)
                (root / path_in_chart).write_bytes(marked if label == "marked" else plain)
        except (OSError, ValueError):
            raise RenderError(f"{contents.report_path_by_path[path_in_chart]} cannot be copied") from None
    return templates


def _render_in_process(
    charts: Mapping[str, Path], requested_environments: Sequence[ValuesEnvironment], scratch: Path
) -> dict[str, Any]:
    """What the renderer says of charts, in a process of its own. Raises RenderError."""
    request = {
        "charts": {label: str(path) for label, path in charts.items()},
        "environments": {
            one.name: {
                "texts": one.values_texts,
                "name": one.release_name,
                "namespace": one.namespace,
            }
            for one in requested_environments
        },
        "kube_version": f"v{capabilities.kubernetes_version()}.0",
        "api_versions": capabilities.served_versions(),
    }
    # -P: the chart's folder must never be where Python looks for modules.
    worker = [sys.executable, "-P", "-m", "readiness.loading.render.worker"]
    out = run_confined(worker, json.dumps(request), scratch, is_own_module=True)
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        raise RenderError("the renderer gave no answer") from None
    if "limit" in answer:
        raise LimitError(short_error(answer["limit"]))
    if "error" in answer:
        raise RenderError(short_error(answer["error"]))
    return answer


def _render_with_binary(chart: Path, environment: ValuesEnvironment, scratch: Path) -> dict[str, Any]:
    """One environment by `helm template`, for a machine without the extra."""
    command = [find_program("helm"), "template", environment.release_name, str(chart)]
    command += ["--namespace", environment.namespace]
    command += ["--kube-version", capabilities.kubernetes_version()]
    command += ["--api-versions", ",".join(capabilities.served_versions())]
    for number, text in enumerate(environment.values_texts):
        path = scratch / f"values-{number}.yaml"
        path.write_text(text, encoding="utf-8")
        command += ["--values", str(path)]
    try:
        out = run_confined(command, "", scratch)
    except LimitError:
        raise
    except RenderError as error:
        return {"error": str(error)}
    texts: dict[str, list[str]] = {}
    for part in re.split(r"^---\n# Source: ", out, flags=re.MULTILINE)[1:]:
        name, _, text = part.partition("\n")
        texts.setdefault(name.strip(), []).append(text)
    return {"files": {path: "---\n".join(parts) for path, parts in texts.items()}}
