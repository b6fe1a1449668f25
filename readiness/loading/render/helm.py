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
from pathlib import Path
from typing import Any

from readiness import files
from readiness.loading.render import capabilities, lines
from readiness.loading.render.chart_files import ChartFiles, subchart_names_and_rest
from readiness.loading.render.definitions import Definition, definition_span_by_printed_line, definitions_by_unique_name, last_called_definition_name
from readiness.loading.render.made import GeneratedSource, LimitError, RenderError, SetValue, short_error_text
from readiness.loading.render.process import run_renderer_for_text
from readiness.loading.render.values import (
    ValuesFileAndKeys,
    action_range_for_rendered_range,
    action_ranges_in_line,
    name_of_list_item,
    value_deciding_text,
    value_given_to_only_call,
    value_in_printed_mapping,
    value_printed_as,
    value_set_by_parent_chart,
    values_printed_alone,
)
from readiness.model import Related, Source, Span
from readiness.model.lazy_regex import lazy_regex
from readiness.model.records import dataclass
from readiness.programs import find_program
from readiness.syntax.template import is_named_as_template
from readiness.syntax.yaml import Map
from readiness.tree_paths import is_inside_folder

DEFAULT_RELEASE_NAME, DEFAULT_NAMESPACE = "release", "default"  # what a chart is installed as where nothing says so
DEFAULT_VALUES_FILE = "values.yaml"
_REMOTE_SCHEMA = lazy_regex(rb"\"\$ref\"[ \t]{0,40}:[ \t]{0,40}\"https?://", re.IGNORECASE)
_MAPPING_KEY_BEFORE_VALUE = lazy_regex(r"""["']?([\w./-]{1,100})["']?:[ \t]+\Z""")
_VALUES_FILENAME = lazy_regex(r"values[-.][\w.-]+\.ya?ml\Z|ci/[\w.-]*values\.ya?ml\Z")


class RenderedTemplate(GeneratedSource):
    """A rendered template: `rows` says for each of its lines which line of the template made it.

    `values` are the files that gave the values, the one that wins first, each with the keys under which those of the
    template's chart stand in it.
    """

    __slots__ = ("_printed", "definitions", "rows", "template", "values")

    def __init__(
        self,
        template: Source,
        rendered_text: str,
        template_line_indexes: tuple[int, ...],
        environment: str,
        values_files_and_keys: tuple[ValuesFileAndKeys, ...] = (),
    ) -> None:
        super().__init__(template.path, rendered_text, environment)
        self.template = template
        self.rows = template_line_indexes
        self.values = values_files_and_keys
        self.definitions: Mapping[str, Definition] = {}
        self._printed: dict[int, Mapping[int, Span]] = {}

    def definition_places(self, span: Span) -> Iterator[Related]:
        """The line of the definition that wrote a place which the template takes in with `include`."""
        rendered_line_index = min(bisect.bisect_right(self.line_offsets, span.start), len(self.rows)) - 1
        template_line_index = self.rows[rendered_line_index]
        definition = self.definitions.get(last_called_definition_name(self.template, template_line_index)) if self.definitions else None
        if definition is None:
            return
        first_rendered_line = self.rows.index(template_line_index)
        if template_line_index not in self._printed:
            last_rendered_line = len(self.rows) - self.rows[::-1].index(template_line_index)
            printed_lines = [self.line_text(one + 1) for one in range(first_rendered_line, last_rendered_line)]
            self._printed[template_line_index] = definition_span_by_printed_line(definition, printed_lines)
        definition_span = self._printed[template_line_index].get(rendered_line_index - first_rendered_line)
        if definition_span is not None:
            yield Related(definition.source, definition_span, "written here")

    def value_places(self, source: Source, span: Span) -> Iterator[Related]:
        """Where the values are set that the actions at a place of the template print, of those that name one of the values."""
        for one in values_printed_alone(source.text[span.start : span.end], self.values):
            yield Related(one.source, one.span, "the value is set here")

    def parent_value(self, source: Source, span: Span) -> SetValue | None:
        """Where a chart above this one sets the one value that an action at a place of the template names."""
        return value_set_by_parent_chart(source.text[span.start : span.end], self.values) if source is self.template else None

    def values_sources(self) -> Iterator[Source]:
        """The files of values that it is made with."""
        return (source for source, _, _ in self.values)

    def set_value(self, span: Span) -> SetValue | None:
        """Where the value is set that a place of this text prints; of an archive's template, that decides about it."""
        rendered_line_index = bisect.bisect_right(self.line_offsets, span.start) - 1
        template_line = self.template.line_text(self.rows[min(rendered_line_index, len(self.rows) - 1)] + 1)
        rendered_text = self.text[span.start : span.end]
        set_value = value_printed_as(rendered_text, template_line, self.values)
        if self.packed and (set_value is None or self._is_packed(set_value.source)):
            line_start, line_end = self.line_offsets[rendered_line_index], self.text.find("\n", span.end)
            text_before = self.text[line_start : span.start].split(" ")[-1]
            text_behind = self.text[span.end : line_end if line_end >= 0 else None].split(" ", 1)[0]
            unpacked_values_files = [one for one in self.values if not self._is_packed(one[0])]
            deciding_text, item_name = text_before + rendered_text + text_behind, name_of_list_item(self.line_text, rendered_line_index + 1)
            set_value = value_deciding_text(deciding_text, template_line, unpacked_values_files, item_name) or set_value
        return set_value

    def overriding_value(self, span: Span) -> SetValue | None:
        """Where a file over the chart's own values set what a line prints of a mapping, as `key: value`, or any what the only call is given."""
        rendered_line_index = bisect.bisect_right(self.line_offsets, span.start) - 1
        template_line = self.template.line_text(self.rows[min(rendered_line_index, len(self.rows) - 1)] + 1)
        key_match = _MAPPING_KEY_BEFORE_VALUE.search(self.text[self.line_offsets[rendered_line_index] : span.start])
        key, rendered_text = key_match[1] if key_match else "", self.text[span.start : span.end]
        set_value = value_in_printed_mapping(key, rendered_text, template_line, self.values) if key else None
        if set_value is not None and posixpath.basename(set_value.source.path) != DEFAULT_VALUES_FILE:
            return set_value
        return value_given_to_only_call(key, rendered_text, self.template.text, self.values) if key else None

    def _is_packed(self, source: Source) -> bool:
        """Whether a file stands in the archive of the template."""
        return source.path.startswith(f"{self.packed}/")

    def written_location(self, span: Span) -> tuple[Source, Span]:
        """The same words on the template's line; else the action that gave them; else the line."""
        template = self.template
        rendered_line_index = bisect.bisect_right(self.line_offsets, span.start) - 1
        template_line_index = self.rows[min(rendered_line_index, len(self.rows) - 1)]
        template_line_start = template.line_offsets[min(template_line_index, len(template.line_offsets) - 1)]
        template_line = template.line_text(template_line_index + 1)
        rendered_words = self.text[span.start : span.end]
        rendered_column = span.start - self.line_offsets[rendered_line_index]
        action_ranges = action_ranges_in_line(template_line)
        line_without_actions = template_line
        for action_start, action_end in action_ranges:
            line_without_actions = line_without_actions[:action_start] + " " * (action_end - action_start) + line_without_actions[action_end:]
        template_column = line_without_actions.find(rendered_words, max(rendered_column - 4, 0)) if rendered_words.strip() else -1
        template_column = line_without_actions.find(rendered_words) if rendered_words.strip() and template_column < 0 else template_column
        if template_column >= 0:
            return template, Span(template_line_start + template_column, template_line_start + template_column + len(rendered_words))
        action_start = action_ranges[0][0] if action_ranges else -1
        rendered_line = self.text[self.line_offsets[rendered_line_index] :].partition("\n")[0]
        exact_action_range = action_range_for_rendered_range(template_line, rendered_line, rendered_column, rendered_column + len(rendered_words))
        if exact_action_range is not None:
            return template, Span(template_line_start + exact_action_range[0], template_line_start + exact_action_range[1])
        if action_ranges and (not template_line[:action_start].strip(" -\t\"'") or ":" in template_line[:action_start]):
            return template, Span(template_line_start + action_start, template_line_start + action_ranges[-1][1])
        indent = len(template_line) - len(template_line.lstrip())
        return template, Span(template_line_start + indent, template_line_start + max(len(template_line.rstrip()), indent))


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


def chart_environments(chart_folder: Path, extra_values_files: Sequence[Path]) -> list[ValuesEnvironment]:
    """The environments of a chart: its defaults, each values file beside them that is no template, and those asked for together."""
    environments = [ValuesEnvironment(DEFAULT_VALUES_FILE, ())]
    for values_path in sorted([*chart_folder.glob("*.y*ml"), *(chart_folder / "ci").glob("*.y*ml")]):
        environment_name = values_path.relative_to(chart_folder).as_posix()
        values_text = (
            _values_text(chart_folder, values_path)
            if _VALUES_FILENAME.match(environment_name) and not is_named_as_template(values_path.name)
            else None
        )
        if values_text is not None:
            environments.append(ValuesEnvironment(environment_name, (values_text,), (environment_name,)))
    if extra_values_files:
        environment_name = " + ".join(values_path.name for values_path in extra_values_files)
        environments.append(ValuesEnvironment(environment_name, tuple(map(_given_values_text, extra_values_files))))
    return environments


def _given_values_text(values_path: Path) -> str:
    """The text of a values file that whoever runs this names; it was read once before the run, and refused where it cannot be."""
    return files.read_regular_file(values_path, files.MAX_JUDGED_FILE_BYTES).decode("utf-8")


def _values_text(chart_folder: Path, values_path: Path) -> str | None:
    """The text of a values file; None for one that leads out of its chart or cannot be read, which is told with the chart."""
    try:
        if not is_inside_folder(chart_folder, values_path):
            return None
        return files.read_regular_file(values_path, files.MAX_JUDGED_FILE_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None


def available_chart_renderer() -> str:
    """What renders charts here: `sdk`, `binary`, or nothing."""
    if importlib.util.find_spec("helm_python"):
        return "sdk"
    return "binary" if find_program("helm") else ""


REASON_NO_RENDERER = "chart was not rendered: neither the extra `readiness[helm]` nor `helm` is installed; install one of them"


def render_chart(chart_files: ChartFiles, requested_environments: Sequence[ValuesEnvironment]) -> tuple[list[RenderedTemplate], dict[str, str]]:
    """(renderings, errors by environment) of a chart. Raises RenderError."""
    with tempfile.TemporaryDirectory(prefix="readiness-") as scratch_folder_path:
        scratch_folder = Path(scratch_folder_path)
        chart_copy_by_label = {"plain": scratch_folder / "plain", "marked": scratch_folder / "marked"}
        template_source_by_path = _write_copies_and_read_templates(chart_files, chart_copy_by_label)
        if available_chart_renderer() == "sdk":
            render_answer_by_label = _render_in_process(chart_copy_by_label, requested_environments, scratch_folder)
        else:
            render_answer_by_label = {
                "plain": {
                    environment.name: _render_with_binary(chart_copy_by_label["plain"], environment, scratch_folder)
                    for environment in requested_environments
                }
            }
    rendered_templates = []
    error_by_environment = {}
    definition_by_name = definitions_by_unique_name(template_source_by_path.values())
    unpacked_archives = chart_files.unpacked_archives
    for environment in requested_environments:
        environment_name = environment.name
        environment_answer = render_answer_by_label["plain"].get(environment_name, {})
        if "error" in environment_answer:
            error_by_environment[environment_name] = short_error_text(_innermost_cause_first(environment_answer["error"]))
        marked_text_by_path = render_answer_by_label.get("marked", {}).get(environment_name, {}).get("files", {})
        for helm_template_path, rendered_text in sorted(environment_answer.get("files", {}).items()):
            template = template_source_by_path.get(chart_files.template_of(helm_template_path))
            if template is not None and rendered_text.strip():
                values_files = _values_files(chart_files, helm_template_path, environment)
                rendered_templates.append(
                    _make_rendered_template(template, rendered_text, marked_text_by_path.get(helm_template_path), environment, values_files)
                )
                rendered_templates[-1].definitions = definition_by_name
                archives_holding_template = (one for one in unpacked_archives if template.path.startswith(f"{one}/"))
                rendered_templates[-1].packed = min(archives_holding_template, key=len, default="")
    return rendered_templates, error_by_environment


def _innermost_cause_first(error_text: str) -> str:
    """An error of nested includes with its innermost place and cause first, which a long message would lose."""
    error_lines = [line.strip() for line in error_text.splitlines() if line.strip()]
    place_line_indexes = [number for number, line in enumerate(error_lines) if _is_error_place(line)]
    if len(place_line_indexes) < 2:
        return error_text
    return f"{' '.join(error_lines[place_line_indexes[-1] :])} (called from {error_lines[place_line_indexes[0]]})"


def _is_error_place(error_line: str) -> bool:
    """Whether a line of an error says where: `chart/templates/a.yaml:3:14`."""
    return " " not in error_line and all(part.isdigit() for part in error_line.rsplit(":", 2)[1:]) and ":" in error_line


def _make_rendered_template(
    template: Source,
    rendered_text: str,
    marked_text: str | None,
    environment: ValuesEnvironment,
    values_files: tuple[ValuesFileAndKeys, ...],
) -> RenderedTemplate:
    """A template's rendering as Helm splits it into documents; `marked_text` is the same rendering with marks."""
    rendered_text_of_documents = lines.with_separators_on_own_lines(rendered_text)
    template_line_count = len(template.text.split("\n"))
    template_line_indexes = (
        None
        if marked_text is None
        else lines.template_line_indexes_from_marks(lines.with_separators_on_own_lines(marked_text), rendered_text_of_documents, template_line_count)
    )
    template_line_indexes = template_line_indexes or lines.guess_template_line_indexes(template.text, rendered_text_of_documents)
    rendered_template = RenderedTemplate(template, rendered_text_of_documents, template_line_indexes, environment.name, values_files)
    rendered_template.trial, rendered_template.aside = environment.is_install_test, environment.aside
    return rendered_template


def _values_files(chart_files: ChartFiles, helm_template_path: str, environment: ValuesEnvironment) -> tuple[ValuesFileAndKeys, ...]:
    """The files that give a template its values, the one that wins first, its own chart's last.

    Each with the keys that lead to the values of the template's chart: the names of the subcharts on the way.
    """
    subchart_names, _ = subchart_names_and_rest(helm_template_path)
    values_files: list[ValuesFileAndKeys] = [(source, subchart_names, node) for source, node in environment.values_sources][::-1]
    values_files += [
        (Source(chart_files.report_path_by_path.get(values_path, values_path), values_text), subchart_names, None)
        for values_path, values_text in zip(environment.values_paths, environment.values_texts, strict=False)
    ][::-1]
    for chart_depth in range(len(subchart_names) + 1):
        helm_chart_prefix = "".join(f"charts/{name}/" for name in subchart_names[:chart_depth])
        values_path = chart_files.copy_folder_by_helm_path.get(helm_chart_prefix, helm_chart_prefix) + DEFAULT_VALUES_FILE
        if values_path in chart_files.content_by_path:
            values_text = chart_files.content_by_path[values_path].decode("utf-8-sig", "replace")
            values_files.append((Source(chart_files.report_path_by_path[values_path], values_text), subchart_names[chart_depth:], None))
    return tuple(values_files)


def _write_copies_and_read_templates(chart_files: ChartFiles, copy_folder_by_label: Mapping[str, Path]) -> dict[str, Source]:
    """Two copies of a chart, one with marks, and its templates by path in the copies. Raises RenderError."""
    template_source_by_path = {}
    for path_in_chart, content in chart_files.content_by_path.items():
        if posixpath.basename(path_in_chart) == "values.schema.json" and _REMOTE_SCHEMA.search(content):
            continue  # Helm would fetch the rest of it, and nothing is fetched here: the values go unchecked
        is_template = "templates/" in f"/{path_in_chart}" and path_in_chart.endswith((".yaml", ".yml", ".tpl"))
        plain_content = marked_content = content
        if is_template:
            template_text = content.decode("utf-8-sig", "replace")
            template_source_by_path[path_in_chart] = Source(chart_files.report_path_by_path[path_in_chart], template_text)
            text_without_removed_versions = capabilities.replace_removed_api_versions(template_text)
            plain_content = marked_content = text_without_removed_versions.encode("utf-8", "surrogatepass")
            if not posixpath.basename(path_in_chart).startswith("_"):
                marked_content = lines.mark_lines(text_without_removed_versions).encode("utf-8", "surrogatepass")
        try:
            for copy_label, copy_folder in copy_folder_by_label.items():
                (copy_folder / path_in_chart).parent.mkdir(parents=True, exist_ok=True)
                (copy_folder / path_in_chart).write_bytes(marked_content if copy_label == "marked" else plain_content)
        except (OSError, ValueError):
            raise RenderError(f"{chart_files.report_path_by_path[path_in_chart]} cannot be copied") from None
    return template_source_by_path


def _render_in_process(
    chart_folder_by_label: Mapping[str, Path], requested_environments: Sequence[ValuesEnvironment], scratch_folder: Path
) -> dict[str, Any]:
    """What the renderer says of charts, in a process of its own. Raises RenderError."""
    render_request = {
        "charts": {label: str(path) for label, path in chart_folder_by_label.items()},
        "environments": {
            one.name: {
                "texts": one.values_texts,
                "name": one.release_name,
                "namespace": one.namespace,
            }
            for one in requested_environments
        },
        "kube_version": f"v{capabilities.kubernetes_version()}.0",
        "api_versions": capabilities.served_api_versions_and_kinds(),
    }
    # -P: the chart's folder must never be where Python looks for modules.
    worker_command = [sys.executable, "-P", "-m", "readiness.loading.render.worker"]
    worker_output = run_renderer_for_text(worker_command, json.dumps(render_request), scratch_folder, is_own_module=True)
    try:
        render_answer: dict[str, Any] = json.loads(worker_output)
    except ValueError:
        raise RenderError("the renderer gave no answer") from None
    if "limit" in render_answer:
        raise LimitError(short_error_text(render_answer["limit"]))
    if "error" in render_answer:
        raise RenderError(short_error_text(render_answer["error"]))
    return render_answer


def _render_with_binary(chart_folder: Path, environment: ValuesEnvironment, scratch_folder: Path) -> dict[str, Any]:
    """One environment by `helm template`, for a machine without the extra."""
    helm_command = [find_program("helm"), "template", environment.release_name, str(chart_folder)]
    helm_command += ["--namespace", environment.namespace]
    helm_command += ["--kube-version", capabilities.kubernetes_version()]
    helm_command += ["--api-versions", ",".join(capabilities.served_api_versions_and_kinds())]
    for values_index, text in enumerate(environment.values_texts):
        values_path = scratch_folder / f"values-{values_index}.yaml"
        values_path.write_text(text, encoding="utf-8")
        helm_command += ["--values", str(values_path)]
    try:
        helm_output = run_renderer_for_text(helm_command, "", scratch_folder)
    except LimitError:
        raise
    except RenderError as render_error:
        return {"error": str(render_error)}
    texts_by_template_path: dict[str, list[str]] = {}
    for output_part in re.split(r"^---\n# Source: ", helm_output, flags=re.MULTILINE)[1:]:
        template_path, _, text = output_part.partition("\n")
        texts_by_template_path.setdefault(template_path.strip(), []).append(text)
    return {"files": {values_path: "---\n".join(template_texts) for values_path, template_texts in texts_by_template_path.items()}}
